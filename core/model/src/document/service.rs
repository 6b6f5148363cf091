//! `[[service]]`: what is served, and the conditions to use it.

use serde::Deserialize;

use super::{Fault, fault, ports, roles};
use crate::{
    Approval, Booking, DailyWindow, DeviceKind, DocumentFault, GroupId, HostId, HostRef, InstitutionId, LocalizedName,
    Protocol, Service, ServiceId, ServiceKind, SiteId, Zone,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawService {
    id: HostId,
    name: LocalizedName,
    host: HostId,
    protocol: Protocol,
    ports: Vec<u16>,
    roles: Vec<String>,
    window: Option<DailyWindow>,
    lease_minutes: Option<u32>,
    lease_seconds: Option<u32>,
    idle_minutes: Option<u32>,
    idle_seconds: Option<u32>,
    warn_minutes: Option<u32>,
    warn_seconds: Option<u32>,
    kind: Option<ServiceKind>,
    #[serde(default)]
    devices: Vec<DeviceKind>,
    #[serde(default)]
    zones: Vec<Zone>,
    exclusive: Option<GroupId>,
    shares: Option<GroupId>,
    approval: Option<RawApproval>,
    booked: Option<Vec<Booking>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApproval {
    roles: Vec<String>,
    wait_minutes: Option<u32>,
    wait_seconds: Option<u32>,
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const DEFAULT_LEASE_MS: i64 = 60 * MINUTE;
const DEFAULT_WARNING_MS: i64 = 5 * MINUTE;
const DEFAULT_WAIT_MS: i64 = 10 * MINUTE;

impl RawService {
    pub(super) fn into_service(self, institution: &InstitutionId, site: &SiteId) -> Result<Service, Fault> {
        let place = format!("[[service]] {}", self.id);
        let lease_ms = time(&place, "lease", self.lease_minutes, self.lease_seconds)?.unwrap_or(DEFAULT_LEASE_MS);
        let idle_ms = time(&place, "idle", self.idle_minutes, self.idle_seconds)?;
        // Unless somebody asked for it, a short lease is not one long warning.
        let warn_ms = match time(&place, "warn", self.warn_minutes, self.warn_seconds)? {
            Some(ms) if ms >= lease_ms => {
                return Err(fault(place, DocumentFault::WarnsTooEarly { seconds: lease_ms / 1000 }));
            }
            Some(ms) => ms,
            None => DEFAULT_WARNING_MS.min(lease_ms / 4),
        };
        if let (Some(_), Some(_)) = (&self.exclusive, &self.shares) {
            return Err(fault(place, DocumentFault::ExclusiveAndShares {}));
        }
        let booked = self.booked.map(|windows| bookings(&place, windows)).transpose()?;
        Ok(Service {
            ports: ports(&place, self.ports)?,
            roles: roles(&place, self.roles)?,
            approval: self.approval.map(|a| a.into_approval(&place)).transpose()?,
            id: ServiceId { institution: institution.clone(), name: self.id },
            name: self.name,
            host: HostRef { site: site.clone(), host: self.host },
            protocol: self.protocol,
            window: self.window,
            lease_ms,
            kind: self.kind,
            devices: once(&place, "devices", self.devices)?,
            zones: once(&place, "zones", self.zones)?,
            idle_ms,
            warn_ms,
            exclusive: self.exclusive,
            shares: self.shares,
            booked,
        })
    }
}

impl RawApproval {
    fn into_approval(self, place: &str) -> Result<Approval, Fault> {
        let place = format!("{place}.approval");
        let wait_ms = time(&place, "wait", self.wait_minutes, self.wait_seconds)?.unwrap_or(DEFAULT_WAIT_MS);
        Ok(Approval { wait_ms, roles: roles(&place, self.roles)? })
    }
}

/// A length of time said in minutes or in seconds: one second to one day.
fn time(place: &str, what: &'static str, minutes: Option<u32>, seconds: Option<u32>) -> Result<Option<i64>, Fault> {
    let ms = match (minutes, seconds) {
        (None, None) => return Ok(None),
        (Some(minutes), None) => i64::from(minutes) * MINUTE,
        (None, Some(seconds)) => i64::from(seconds) * 1000,
        (Some(_), Some(_)) => {
            return Err(fault(place, DocumentFault::TimeTwice { what }));
        }
    };
    if (1000..=DAY).contains(&ms) {
        Ok(Some(ms))
    } else {
        Err(fault(place, DocumentFault::TimeOutOfBounds { what, seconds: ms / 1000 }))
    }
}

fn bookings(place: &str, mut windows: Vec<Booking>) -> Result<Vec<Booking>, Fault> {
    match windows.iter().find(|w| w.from >= w.until) {
        Some(w) => Err(fault(place, DocumentFault::BookingEndsFirst { until: w.until.to_string() })),
        None => {
            windows.sort();
            Ok(windows)
        }
    }
}

fn once<T: Ord>(place: &str, field: &'static str, mut items: Vec<T>) -> Result<Vec<T>, Fault> {
    let count = items.len();
    items.sort();
    items.dedup();
    if items.len() == count { Ok(items) } else { Err(fault(place, DocumentFault::NamedTwice { field })) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_document;

    const PROVIDER: &str = include_str!("../../tests/documents/provider.toml");

    fn read(conditions: &str) -> Result<Service, String> {
        let text = format!("{PROVIDER}\n{conditions}\n");
        parse_document("p", &text).map(|d| d.services[0].clone()).map_err(|e| e.to_string())
    }

    #[test]
    fn without_conditions_everything_is_as_it_always_was() {
        let service = read("").unwrap();
        assert_eq!((service.lease_ms, service.idle_ms, service.warn_ms), (DEFAULT_LEASE_MS, None, DEFAULT_WARNING_MS));
        assert!(service.devices.is_empty() && service.zones.is_empty());
        assert!(service.kind.is_none() && service.approval.is_none() && service.booked.is_none());
        assert!(service.group().is_none());
    }

    #[test]
    fn conditions_are_data_g10_n8() {
        let service = read(
            "kind = \"remote-maintenance\"\n\
             devices = [\"maintenance\"]\nzones = [\"secure\", \"dmz\"]\n\
             lease_seconds = 90\nidle_minutes = 2\nwarn_seconds = 20\nexclusive = \"circuit-1\"\n\
             approval = { roles = [\"Medical Doctor\"], wait_seconds = 30 }\n\
             booked = [{ from = \"2026-11-21T01:00:00Z\", until = \"2026-11-21T02:00:00Z\" }]",
        )
        .unwrap();
        assert_eq!(service.kind, Some(ServiceKind::RemoteMaintenance));
        assert_eq!((service.lease_ms, service.idle_ms, service.warn_ms), (90_000, Some(120_000), 20_000));
        assert_eq!(service.zones, [Zone::Secure, Zone::Dmz]);
        assert_eq!(service.approval, Some(Approval { wait_ms: 30_000, roles: vec!["Medical Doctor".into()] }));
        let booked = service.booked.clone().unwrap()[0];
        assert!(booked.contains(booked.from) && !booked.contains(booked.until));
        assert_eq!(service.booked_until(booked.from), Some(booked.until));
        assert_eq!(service.booked_until(booked.until), None);
        let kept: Service = serde_json::from_str(&serde_json::to_string(&service).unwrap()).unwrap();
        assert_eq!(kept, service);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (conditions, said) in [
            ("kind = \"fax\"", "unknown-word field=`kind` found=`fax`"),
            ("devices = [\"a\", \"a\"]", "named-twice field=`devices`"),
            ("zones = [\"secure\", \"secure\"]", "named-twice field=`zones`"),
            ("lease_minutes = 1\nlease_seconds = 60", "time-twice what=`lease`"),
            ("lease_minutes = 0", "time-out-of-bounds what=`lease` seconds=`0`"),
            ("lease_minutes = 1441", "time-out-of-bounds what=`lease` seconds=`86460`"),
            ("idle_seconds = 0", "time-out-of-bounds what=`idle` seconds=`0`"),
            ("lease_seconds = 10\nwarn_seconds = 10", "warns-too-early seconds=`10`"),
            ("exclusive = \"a\"\nshares = \"a\"", "exclusive-and-shares"),
            ("exclusive = \"A b\"", "wrong-shape field=`exclusive` found=`A b` expected=`document-shape-name`"),
            ("approval = { roles = [] }", "no-role"),
            ("approval = { wait_minutes = 5 }", "missing-field field=`roles`"),
            ("booked = [{ from = \"2026-11-21T02:00:00Z\", until = \"2026-11-21T02:00:00Z\" }]", "booking-ends-first"),
            (
                "booked = [{ from = \"2026-11-21T02:00:00Z\", to = \"2026-11-21T03:00:00Z\" }]",
                "unknown-field field=`to` expected=`from,until`",
            ),
        ] {
            let error = read(conditions).unwrap_err();
            assert!(error.contains(said), "`{error}` does not say `{said}`");
        }
    }
}
