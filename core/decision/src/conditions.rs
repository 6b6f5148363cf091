//! The conditions a service makes besides qualification: which terminals, when, alone on its circuit or not, with whose
//! approval (N8).

use model::{GrantId, Service, Timestamp};
use texts::Arg;

use crate::Cause;
use crate::case::{Answer, Case};
use crate::checks::{Found, Place, Stop};

impl Case<'_> {
    /// The terminal's kind and zone are among those the service admits.
    pub(crate) fn conditions(&self, origin: &Place<'_>, service: &Service) -> Found<()> {
        let mut reasons = Vec::new();
        let kind = origin.host.kind.as_ref();
        if !service.devices.is_empty() && !kind.is_some_and(|k| service.devices.contains(k)) {
            let accepted = Arg::List(service.devices.iter().map(Arg::text).collect());
            let kind = kind.map_or_else(|| Arg::Key("device-kind-none".into()), Arg::text);
            reasons.push(self.reason(Cause::DeviceKindNotAdmitted, [("kind", kind), ("accepted", accepted)]));
        }
        if !service.zones.is_empty() && !service.zones.contains(&origin.zone) {
            let accepted = Arg::List(service.zones.iter().map(|z| Arg::from(*z)).collect());
            let args = [("zone", Arg::from(origin.zone)), ("accepted", accepted)];
            reasons.push(self.reason(Cause::OriginZoneNotAdmitted, args));
        }
        if reasons.is_empty() { Ok(()) } else { Err(Stop::Reasons(reasons)) }
    }

    /// Inside the daily window and a booked one, where the service has them; when the first of them ends.
    pub(crate) fn hours(&self, service: &Service) -> Found<Option<Timestamp>> {
        let mut reasons = Vec::new();
        let mut ends = Vec::new();
        match service.window {
            Some(window) if !window.contains(self.now) => {
                reasons.push(self.reason(Cause::OutsideHours, [("window", Arg::text(String::from(window)))]));
            }
            Some(window) => {
                const DAY_MS: i64 = 86_400_000;
                const JST_MS: i64 = 9 * 3_600_000;
                let since_midnight = self.now.0.saturating_add(JST_MS).rem_euclid(DAY_MS);
                let left = (i64::from(window.to) * 60_000 - since_midnight).rem_euclid(DAY_MS);
                ends.push(self.now.plus_ms(left));
            }
            None => {}
        }
        if let Some(booked) = &service.booked {
            let next = booked.iter().map(|b| b.from).filter(|from| *from > self.now).min();
            match service.booked_until(self.now) {
                Some(until) => ends.push(until),
                None => {
                    let next = next.map_or_else(|| Arg::Key("booking-none".into()), Arg::Time);
                    reasons.push(self.reason(Cause::NotBooked, [("next", next)]));
                }
            }
        }
        if reasons.is_empty() { Ok(ends.into_iter().min()) } else { Err(Stop::Reasons(reasons)) }
    }

    /// Not open already, and nothing exclusive in its way; the lines that must give way to it.
    pub(crate) fn line(&self, service: &Service) -> Found<Vec<GrantId>> {
        if let Some(grant) = self.already_open {
            return Err(self.reason(Cause::AlreadyOpen, [("grant", Arg::text(grant))]).into());
        }
        let Some(group) = service.group() else { return Ok(Vec::new()) };
        let services = &self.network.services;
        let of_group = self.rivals.iter().filter_map(|r| Some((r, services.get(&r.service)?)));
        let of_group: Vec<_> = of_group.filter(|(_, s)| s.group() == Some(group)).collect();
        // Who is alone by right keeps it until the line is closed, also against others who would be alone.
        if let Some((rival, other)) = of_group.iter().find(|(_, s)| s.exclusive.is_some()) {
            let args = [("other", Arg::from(&other.name)), ("by", Arg::text(&rival.from)), ("group", Arg::text(group))];
            return Err(self.reason(Cause::ExclusiveInUse, args).into());
        }
        let gives_way = of_group.iter().map(|(rival, _)| rival.grant);
        Ok(if service.exclusive.is_some() { gives_way.collect() } else { Vec::new() })
    }

    /// Somebody at the provider agreed, if that is needed.
    pub(crate) fn approval(&self, service: &Service) -> Found<()> {
        let Some(approval) = &service.approval else { return Ok(()) };
        let cause = match self.answer {
            Answer::Given => return Ok(()),
            Answer::Open => Cause::ApprovalNeeded,
            Answer::Refused => Cause::ApprovalRefused,
        };
        Err(self.reason(cause, [("approvers", Arg::roles(&approval.roles))]).into())
    }
}
