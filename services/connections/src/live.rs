//! Connections that are not closed, and gates, as the center sees them.

use audit::{CloseCause, Observation, Person};
use model::{
    ConnectionState, Generation, Grant, GrantId, Network, Passage, Section, SessionId, SiteId, Timestamp, Within,
};
use std::collections::BTreeMap;
use texts::{Arg, Reason};
use tokio::sync::watch;
use wire::api::{ConnectionView, Counters};

use crate::alarms::Alarms;
use crate::{LinkNumber, Trouble};

/// How far a connection has come, for those who wait for it.
#[derive(Debug, Clone)]
pub(crate) enum Progress {
    Underway,
    Open,
    Closing,
    Failed(Vec<Reason>),
    Closed,
}

/// A connection that is not closed.
pub(crate) struct Live {
    pub grant: Grant,
    pub state: ConnectionState,
    pub cause: Option<CloseCause>,
    pub person: Person,
    pub proofs: Option<Proofs>,
    /// The session it was opened in, with which it ends.
    pub session: Option<SessionId>,
    pub origin: End,
    pub destination: End,
    pub progress: watch::Sender<Progress>,
}

/// What was shown when it was opened, to be judged again when revocation lists change.
#[derive(Debug, Clone)]
pub(crate) struct Proofs {
    pub card: Vec<Vec<u8>>,
    pub device: Vec<Vec<u8>>,
}

/// One end of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    /// Generation of its site that opened it, or that closes it once it is closing.
    pub generation: Generation,
    pub prepared: bool,
    pub observed: Option<Observation>,
    pub gone: Option<Gone>,
    /// When the gate told us that the first packet has passed, by our own clock (G13).
    pub carried: Option<Timestamp>,
    /// What the gate said went wrong.
    pub fault: Option<String>,
}

/// Nothing is left at an end.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    pub seen: Observation,
}

impl Live {
    pub fn new(grant: Grant, state: ConnectionState, person: Person) -> Self {
        Self {
            grant,
            state,
            cause: None,
            person,
            proofs: None,
            session: None,
            origin: End::default(),
            destination: End::default(),
            progress: watch::Sender::new(Progress::Underway),
        }
    }

    /// The end at a site.
    pub fn end(&mut self, site: &SiteId) -> Option<&mut End> {
        if *site == self.grant.origin.site {
            Some(&mut self.origin)
        } else if *site == self.grant.destination.site {
            Some(&mut self.destination)
        } else {
            None
        }
    }

    pub fn sites(&self) -> [&SiteId; 2] {
        [&self.grant.origin.site, &self.grant.destination.site]
    }

    pub fn view(&self) -> ConnectionView {
        let grant = &self.grant;
        ConnectionView {
            grant: grant.id,
            state: self.state,
            from: grant.origin.host_ref(),
            to: grant.destination.host_ref(),
            service: grant.service.clone(),
            address: grant.destination.address,
            protocol: grant.protocol,
            ports: grant.ports.clone(),
            granted_at: grant.granted_at,
            lease_until: grant.lease_until,
        }
    }

    /// What was counted, at the ends that said so.
    pub fn counters(&self) -> BTreeMap<SiteId, Counters> {
        let ends = [(&self.grant.origin.site, &self.origin), (&self.grant.destination.site, &self.destination)];
        ends.into_iter()
            .filter_map(|(site, end)| {
                let t = end.gone.as_ref()?.seen.traffic?;
                let counters = Counters {
                    packets: t.forth.packets.saturating_add(t.back.packets),
                    bytes: t.forth.bytes.saturating_add(t.back.bytes),
                };
                Some((site.clone(), counters))
            })
            .collect()
    }

    /// What the access point can say of first and last packet (G13): no packet passes it, but it knows that none can have
    /// passed before it granted the line, when it was told of the first, and when it had heard that nothing is left.
    pub fn heard_of_packets(&self, now: Timestamp) -> Option<Passage> {
        let ends = [&self.origin, &self.destination];
        let told = ends.iter().filter_map(|end| end.carried).min();
        let seen = ends.iter().any(|end| end.gone.as_ref().is_some_and(|gone| gone.seen.passage.is_some()));
        let from = self.grant.granted_at;
        let by = told.or_else(|| seen.then_some(now))?;
        Some(Passage { first: Within { from, to: by.max(from) }, last: Within { from, to: now.max(from) } })
    }

    /// Why it did not open in time, and whose section that is (N12): a silent gate is behind its own line; a gate that
    /// said what hurts has it in its house; two gates that are ready leave only the way between them.
    pub fn what_is_missing(&self, seconds: u64) -> (Option<SiteId>, Reason) {
        let late = |site: &SiteId, section| {
            let args = [("site", Arg::text(site)), ("seconds", Arg::Number(seconds as i64))];
            Trouble::GateSilent.reason_in(section, args)
        };
        let (origin, destination) = (&self.grant.origin.site, &self.grant.destination.site);
        if !self.origin.prepared && self.origin.observed.is_none() {
            let section = if self.origin.fault.is_some() { Section::InHouseLan } else { Section::AccessLine };
            (Some(origin.clone()), late(origin, section))
        } else if !self.destination.prepared && self.destination.observed.is_none() {
            (Some(destination.clone()), late(destination, Section::Peer))
        } else {
            let args = [
                ("origin", Arg::text(origin)),
                ("destination", Arg::text(destination)),
                ("seconds", Arg::Number(seconds as i64)),
            ];
            (None, Trouble::TunnelDown.reason(args))
        }
    }
}

/// What the center knows of a gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct GateView {
    pub link: Option<LinkNumber>,
    pub certificate: Vec<Vec<u8>>,
    pub revoked: bool,
    pub in_force: Option<Generation>,
    pub software: Option<String>,
    pub alarms: Alarms,
}

/// The site that starts IKE: of the two ends the lower one.
pub(crate) fn initiator(grant: &Grant) -> &SiteId {
    (&grant.origin.site).min(&grant.destination.site)
}

/// The live grant that already opens a service from a terminal.
pub(crate) fn already_open(
    live: &BTreeMap<GrantId, Live>,
    from: &model::HostRef,
    service: &model::ServiceId,
) -> Option<GrantId> {
    live.values()
        .find(|l| {
            matches!(l.state, ConnectionState::Opening | ConnectionState::Open)
                && l.grant.service == *service
                && l.grant.origin.site == from.site
                && l.grant.origin.host == from.host
        })
        .map(|l| l.grant.id)
}

/// Services a terminal's site names for it.
pub(crate) fn services_for(network: &Network, device: &model::HostRef) -> Vec<model::ServiceId> {
    let Some(site) = network.sites.get(&device.site) else { return Vec::new() };
    let mut services: Vec<_> =
        site.allow.iter().filter(|r| r.from.contains(&device.host)).map(|r| r.service.clone()).collect();
    services.sort();
    services.dedup();
    services
}
