//! The checks, each on its own, in the order an operator reads them.

use model::{AllowRule, GrantId, Host, Service, Site, Timestamp, Zone, ZoneSide, ZoneVerdict, may_originate};
use pki::Role;
use texts::{Arg, Reason};

use crate::agreement::Consent;
use crate::case::Case;
use crate::{Cause, GateStatus};

/// What a check found, or why it found nothing.
pub(crate) type Found<T> = Result<T, Stop>;

/// Why a check found nothing.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    /// It failed, for these reasons.
    Reasons(Vec<Reason>),
    /// What it looks at was not found by an earlier check, which says so.
    NotReached,
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Reasons(vec![reason])
    }
}

/// A host with its site and zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub site: &'a Site,
    pub host: &'a Host,
    pub zone: Zone,
}

/// What every check found.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub terminal: Found<Place<'a>>,
    pub service: Found<(&'a Service, Place<'a>)>,
    pub route: Found<()>,
    pub qualification: Found<()>,
    pub whitelist: Found<usize>,
    pub agreement: Found<Consent<'a>>,
    /// Both sites pass their checksheets.
    pub checksheets: Found<()>,
    /// Device kind and zone of the terminal.
    pub conditions: Found<()>,
    /// When today's window or the booked one ends, if the service has any.
    pub hours: Found<Option<Timestamp>>,
    pub zones: Found<()>,
    pub gates: Found<()>,
    /// Lines that must give way.
    pub line: Found<Vec<GrantId>>,
    pub approval: Found<()>,
}

impl<'a> Findings<'a> {
    pub fn of(case: &Case<'a>) -> Self {
        let terminal = case.terminal();
        let service = case.service();
        let known_service = service.as_ref().ok().map(|(service, _)| *service).ok_or(Stop::NotReached);
        let ends = match (&terminal, &service) {
            (Ok(origin), Ok((_, destination))) => Ok((*origin, *destination)),
            _ => Err(Stop::NotReached),
        };
        let route = ends.clone().and_then(|(origin, destination)| case.route(&origin, &destination));
        // Agreement and zones of a path between two institutions mean nothing where there is no such path.
        let path = match (&route, ends) {
            (Ok(()), Ok(ends)) => Ok(ends),
            _ => Err(Stop::NotReached),
        };
        Self {
            qualification: known_service.clone().and_then(|service| case.qualification(service)),
            // Of a mistyped service the policy says nothing worth reading.
            whitelist: match &terminal {
                Ok(origin) if case.network.services.contains_key(&case.request.service) => case.whitelist(origin),
                Ok(_) | Err(_) => Err(Stop::NotReached),
            },
            agreement: path.clone().and_then(|(origin, _)| case.agreement(&origin.site.institution)),
            checksheets: path.clone().and_then(|(origin, destination)| case.checksheets(&origin, &destination)),
            conditions: ends_of(&terminal, &service).and_then(|(o, s)| case.conditions(&o, s)),
            approval: known_service.clone().and_then(|service| case.approval(service)),
            line: known_service.clone().and_then(|service| case.line(service)),
            hours: known_service.and_then(|service| case.hours(service)),
            zones: path.clone().and_then(|(origin, destination)| case.zones(&origin, &destination)),
            gates: path.and_then(|(origin, destination)| case.gates(&origin, &destination)),
            terminal,
            service,
            route,
        }
    }

    /// Every reason, in the order of the checks.
    pub fn reasons(&self) -> Vec<Reason> {
        fn of<T>(found: &Found<T>) -> &[Reason] {
            match found {
                Err(Stop::Reasons(reasons)) => reasons,
                Err(Stop::NotReached) | Ok(_) => &[],
            }
        }
        [
            of(&self.terminal),
            of(&self.service),
            of(&self.route),
            of(&self.qualification),
            of(&self.whitelist),
            of(&self.agreement),
            of(&self.checksheets),
            of(&self.conditions),
            of(&self.hours),
            of(&self.zones),
            of(&self.gates),
            of(&self.line),
            of(&self.approval),
        ]
        .concat()
    }
}

impl<'a> Case<'a> {
    pub(crate) fn terminal(&self) -> Found<Place<'a>> {
        let from = &self.request.from;
        let Some(site) = self.network.sites.get(&from.site) else {
            return Err(self.reason(Cause::SiteUnknown, [("site", Arg::text(&from.site))]).into());
        };
        let found = site.hosts.get(&from.host).and_then(|host| Some((host, site.zone_of(host)?)));
        let Some((host, zone)) = found else {
            return Err(self.reason(Cause::HostUnknown, [("host", Arg::text(&from.host))]).into());
        };
        if !host.terminal {
            return Err(self.reason(Cause::NotATerminal, []).into());
        }
        Ok(Place { site, host, zone })
    }

    fn service(&self) -> Found<(&'a Service, Place<'a>)> {
        let Some(service) = self.network.services.get(&self.request.service) else {
            return Err(self.reason(Cause::ServiceUnknown, []).into());
        };
        let found = self.network.host(&service.host).and_then(|(site, host)| Some((site, host, site.zone_of(host)?)));
        let Some((site, host, zone)) = found else {
            return Err(self.reason(Cause::ServiceHostMissing, [("host", Arg::text(&service.host))]).into());
        };
        if site.institution != service.id.institution {
            return Err(self.reason(Cause::ServiceNotOfProvider, [("host", Arg::text(&service.host))]).into());
        }
        Ok((service, Place { site, host, zone }))
    }

    fn route(&self, origin: &Place<'_>, destination: &Place<'_>) -> Found<()> {
        if origin.site.id == destination.site.id {
            return Err(self.reason(Cause::SameSite, []).into());
        }
        if origin.site.institution == destination.site.institution {
            return Err(self.reason(Cause::SameInstitution, []).into());
        }
        Ok(())
    }

    /// N2: the qualification is one we know and one the provider admits. An unknown one has no privileges, even if
    /// somebody wrote its very text into a rule.
    fn qualification(&self, service: &Service) -> Found<()> {
        let role = [("role", Arg::Role(self.role.text().to_owned()))];
        match self.role {
            Role::Unrecognised(_) => Err(self.reason(Cause::RoleUnrecognised, role).into()),
            Role::Recognised(_) if service.roles.iter().any(|r| r == self.role.text()) => Ok(()),
            Role::Recognised(_) => {
                let accepted = [("accepted", Arg::roles(&service.roles))];
                Err(self.reason(Cause::RoleNotAdmitted, role.into_iter().chain(accepted)).into())
            }
        }
    }

    /// N1: one rule of the site's whitelist names service, terminal and qualification together; its index.
    fn whitelist(&self, origin: &Place<'_>) -> Found<usize> {
        let rules: Vec<(usize, &AllowRule)> =
            origin.site.allow.iter().enumerate().filter(|(_, rule)| rule.service == self.request.service).collect();
        if rules.is_empty() {
            return Err(self.reason(Cause::NoAllowRule, []).into());
        }
        let names_terminal = |rule: &AllowRule| rule.from.contains(&self.request.from.host);
        // A qualification nobody knows is refused by its own check; only the terminal is judged here.
        let recognised = self.role.qualification().is_some();
        let names_role = |rule: &AllowRule| !recognised || rule.roles.iter().any(|role| role == self.role.text());
        if let Some((index, _)) = rules.iter().find(|(_, rule)| names_terminal(rule) && names_role(rule)) {
            return Ok(*index);
        }
        let allowed_terminals = rules.iter().flat_map(|(_, r)| &r.from).map(Arg::text);
        let allowed_roles = rules.iter().flat_map(|(_, r)| &r.roles).map(|role| Arg::Role(role.clone()));
        let role = Arg::Role(self.role.text().to_owned());
        let mut reasons = Vec::new();
        if !rules.iter().any(|(_, rule)| names_terminal(rule)) {
            let args = [("allowed", unique(allowed_terminals))];
            reasons.push(self.reason(Cause::AllowNotThisTerminal, args));
        }
        if !rules.iter().any(|(_, rule)| names_role(rule)) {
            let args = [("role", role.clone()), ("allowed", unique(allowed_roles))];
            reasons.push(self.reason(Cause::AllowNotThisRole, args));
        }
        if reasons.is_empty() {
            reasons.push(self.reason(Cause::AllowNotTogether, [("role", role)]));
        }
        Err(Stop::Reasons(reasons))
    }

    /// G8, at both ends: the house matrix toward tunnels and from them.
    fn zones(&self, origin: &Place<'_>, destination: &Place<'_>) -> Found<()> {
        let stands = |verdict, host: &Host| match verdict {
            ZoneVerdict::Allowed => true,
            ZoneVerdict::ViaProxy => host.proxy.is_some(),
            ZoneVerdict::Denied => false,
        };
        let mut reasons = Vec::new();
        if !stands(may_originate(ZoneSide::Zone(origin.zone), ZoneSide::Tunnel), origin.host) {
            reasons.push(self.reason(Cause::ZoneForbidsOrigin, [("zone", Arg::from(origin.zone))]));
        }
        if !stands(may_originate(ZoneSide::Tunnel, ZoneSide::Zone(destination.zone)), destination.host) {
            let host = Arg::text(destination.host.id.as_str());
            let args = [("zone", Arg::from(destination.zone)), ("host", host)];
            reasons.push(self.reason(Cause::ZoneForbidsDestination, args));
        }
        if reasons.is_empty() { Ok(()) } else { Err(Stop::Reasons(reasons)) }
    }

    fn gates(&self, origin: &Place<'_>, destination: &Place<'_>) -> Found<()> {
        let own = match self.gates.origin {
            GateStatus::Connected => None,
            GateStatus::Disconnected => Some(Cause::OwnGateDisconnected),
            GateStatus::CertificateRevoked => Some(Cause::OwnGateRevoked),
        };
        let peer = match self.gates.destination {
            GateStatus::Connected => None,
            GateStatus::Disconnected => Some(Cause::PeerGateDisconnected),
            GateStatus::CertificateRevoked => Some(Cause::PeerGateRevoked),
        };
        let reason = |cause: Option<Cause>, site: &Site| cause.map(|c| self.reason(c, [("site", Arg::text(&site.id))]));
        let reasons: Vec<Reason> =
            [reason(own, origin.site), reason(peer, destination.site)].into_iter().flatten().collect();
        if reasons.is_empty() { Ok(()) } else { Err(Stop::Reasons(reasons)) }
    }
}

fn ends_of<'a>(
    terminal: &Found<Place<'a>>,
    service: &Found<(&'a Service, Place<'a>)>,
) -> Found<(Place<'a>, &'a Service)> {
    match (terminal, service) {
        (Ok(origin), Ok((service, _))) => Ok((*origin, service)),
        _ => Err(Stop::NotReached),
    }
}

fn unique(items: impl Iterator<Item = Arg>) -> Arg {
    let mut list: Vec<Arg> = items.collect();
    list.sort();
    list.dedup();
    Arg::List(list)
}
