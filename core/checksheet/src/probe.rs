//! What a machine can know of a site: what its documents say, and what the product proves of every change before it is
//! installed (core/verify, docs/generated/invariants.md).

use model::{
    HostId, LineKind, Network, Service, ServiceId, ServiceKind, Site, Zone, ZoneSide, ZoneVerdict, may_originate,
};

/// A question a machine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Does any line share a hop with others? "No" leads on to the group after the next (2-1-1).
    SharedLine,
    /// Nothing is carried between two others (I08, G7).
    NoRelay,
    /// IKE authenticates both ends.
    IkeAuthenticates,
    /// By public keys (certificates).
    IkePublicKeys,
    /// Keys are made anew for each session.
    SessionKeys,
    /// ESP encrypts.
    Encryption,
    /// ESP authenticates every packet.
    Integrity,
    /// No path without an agreement that both signed (I09, I12).
    Agreed,
    /// A path names the host and ports it ends at (I13, I15).
    DestinationsLimited,
    /// A path names the host it begins at, and begins on that side only (I10, I15).
    OriginsLimited,
    /// Beginning and end are recorded at the gate.
    Logged,
    /// Nothing from outside begins towards an inner zone (I07).
    OutsideKeptOut,
    /// Only what was agreed passes (I05, I09).
    AgreedOnly,
    /// Nothing in the house begins in the High Secure zone.
    HighSecureOriginatesNothing,
    /// What leaves the house leaves through a tunnel (I19).
    HighSecureNoInternet,
    /// Nothing begins from the other zones towards the Secure zone.
    SecureNotFromElsewhere,
    /// The DMZ reaches no inner zone without a proxy.
    DmzReachesNoInnerZone,
    /// From the first zone to the second only through a proxy, and never back.
    ThroughProxy(Zone, Zone),
    /// Between the two, hosts and ports are named.
    LimitedBetween(Zone, Zone),
    /// Who reaches the services offered here is limited, host by host.
    ServiceEndsLimited,
    /// The way to them is encrypted.
    ServiceEncrypted,
    /// The whitelist names the hosts from which a service is used (N1).
    UseLimited,
    /// Who keeps backups begins no connection to here.
    BackupOriginatesNothing,
    /// Hosts that use a backup service are in the High Secure zone.
    BackupFromHighSecure,
}

/// Something that a site does not have, so that nothing is asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// It offers no service.
    NoService,
    /// Its whitelist foresees no use of others' services.
    NoUse,
    /// No host stands in the zone.
    NoHostIn(Zone),
    /// No in-house rule leads from the first zone to the second or back.
    NoRuleBetween(Zone, Zone),
}

/// What an answer of the machine rests on: the key of its text, and the values it mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// `checksheet-found-…`, `checksheet-broken-…`, `checksheet-absent-…`.
    pub key: String,
    /// Ids and words of documents, the same in every language; the text names them `what`.
    pub what: Vec<String>,
}

/// What a probe comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is so.
    Holds,
    /// It is not so, and that is no fault: only [`Probe::SharedLine`].
    No,
    /// It is not so.
    Breaks,
    /// There is nothing it could be asked about.
    Absent,
}

impl Probe {
    pub(crate) fn outcome(self, network: &Network, site: &Site) -> Outcome {
        let held = |breaches: bool| if breaches { Outcome::Breaks } else { Outcome::Holds };
        match self {
            Self::SharedLine if site.lines.iter().any(|line| is_shared(line.kind)) => Outcome::Holds,
            Self::SharedLine => Outcome::No,
            Self::NoRelay => held(relays(network, site).next().is_some()),
            Self::IkeAuthenticates
            | Self::IkePublicKeys
            | Self::SessionKeys
            | Self::Encryption
            | Self::Integrity
            | Self::Agreed
            | Self::DestinationsLimited
            | Self::OriginsLimited
            | Self::Logged
            | Self::OutsideKeptOut
            | Self::AgreedOnly
            | Self::HighSecureNoInternet => Outcome::Holds,
            Self::HighSecureOriginatesNothing | Self::SecureNotFromElsewhere | Self::DmzReachesNoInnerZone => {
                held(self.breaches(site).next().is_some())
            }
            Self::ThroughProxy(one, other) | Self::LimitedBetween(one, other)
                if Absence::NoRuleBetween(one, other).is_so(network, site) =>
            {
                Outcome::Absent
            }
            Self::ThroughProxy(..) => held(self.breaches(site).next().is_some()),
            // A rule without its hosts and ports cannot be written.
            Self::LimitedBetween(..) => Outcome::Holds,
            Self::ServiceEndsLimited | Self::ServiceEncrypted if Absence::NoService.is_so(network, site) => {
                Outcome::Absent
            }
            Self::ServiceEndsLimited | Self::ServiceEncrypted => Outcome::Holds,
            Self::UseLimited if site.allow.is_empty() => Outcome::Absent,
            Self::UseLimited => Outcome::Holds,
            Self::BackupOriginatesNothing | Self::BackupFromHighSecure if backups(network, site).next().is_none() => {
                Outcome::Absent
            }
            Self::BackupOriginatesNothing => held(callers_back(network, site).next().is_some()),
            Self::BackupFromHighSecure => held(outside_high_secure(network, site).next().is_some()),
        }
    }

    /// What the outcome rests on.
    pub(crate) fn evidence(self, network: &Network, site: &Site) -> Evidence {
        let found = |what: Vec<String>| Evidence { key: format!("checksheet-found-{}", self.slug()), what };
        let broken = |what: Vec<String>| Evidence { key: format!("checksheet-broken-{}", self.slug()), what };
        match (self.outcome(network, site), self) {
            (Outcome::Absent, _) => Evidence { key: self.absent_key(), what: Vec::new() },
            (Outcome::No, _) => Evidence { key: "checksheet-found-own-line".into(), what: lines(site) },
            (Outcome::Holds, Self::SharedLine) => found(lines(site)),
            (Outcome::Holds, Self::UseLimited) => {
                found(unique(site.allow.iter().flat_map(|rule| &rule.from).map(ToString::to_string)))
            }
            (Outcome::Holds, Self::ServiceEndsLimited | Self::ServiceEncrypted) => {
                found(offered(network, site).map(|service| service.id.to_string()).collect())
            }
            (Outcome::Holds, _) => found(Vec::new()),
            (Outcome::Breaks, Self::NoRelay) => broken(relays(network, site).collect()),
            (Outcome::Breaks, Self::BackupOriginatesNothing) => broken(callers_back(network, site).collect()),
            (Outcome::Breaks, Self::BackupFromHighSecure) => {
                broken(unique(outside_high_secure(network, site).map(ToString::to_string)))
            }
            (Outcome::Breaks, _) => broken(self.breaches(site).collect()),
        }
    }

    /// Every text it can need.
    #[cfg(test)]
    pub(crate) fn keys(self) -> Vec<String> {
        let mut keys = vec![format!("checksheet-found-{}", self.slug())];
        match self {
            Self::SharedLine => keys.push("checksheet-found-own-line".into()),
            Self::NoRelay
            | Self::HighSecureOriginatesNothing
            | Self::SecureNotFromElsewhere
            | Self::DmzReachesNoInnerZone => keys.push(format!("checksheet-broken-{}", self.slug())),
            Self::ThroughProxy(..) | Self::BackupOriginatesNothing | Self::BackupFromHighSecure => {
                keys.extend([format!("checksheet-broken-{}", self.slug()), self.absent_key()]);
            }
            Self::LimitedBetween(..) | Self::ServiceEndsLimited | Self::ServiceEncrypted | Self::UseLimited => {
                keys.push(self.absent_key());
            }
            _ => {}
        }
        keys
    }

    fn absent_key(self) -> String {
        match self {
            Self::ThroughProxy(one, other) | Self::LimitedBetween(one, other) => {
                Absence::NoRuleBetween(one, other).key()
            }
            Self::ServiceEndsLimited | Self::ServiceEncrypted => Absence::NoService.key(),
            Self::UseLimited => Absence::NoUse.key(),
            _ => "checksheet-absent-no-backup".to_owned(),
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Self::SharedLine => "shared-line",
            Self::NoRelay => "no-relay",
            Self::IkeAuthenticates => "ike-authenticates",
            Self::IkePublicKeys => "ike-public-keys",
            Self::SessionKeys => "session-keys",
            Self::Encryption => "encryption",
            Self::Integrity => "integrity",
            Self::Agreed => "agreed",
            Self::DestinationsLimited => "destinations-limited",
            Self::OriginsLimited => "origins-limited",
            Self::Logged => "logged",
            Self::OutsideKeptOut => "outside-kept-out",
            Self::AgreedOnly => "agreed-only",
            Self::HighSecureOriginatesNothing
            | Self::SecureNotFromElsewhere
            | Self::DmzReachesNoInnerZone
            | Self::ThroughProxy(..) => "zones",
            Self::HighSecureNoInternet => "no-internet",
            Self::LimitedBetween(..) => "limited-between",
            Self::ServiceEndsLimited => "service-ends-limited",
            Self::ServiceEncrypted => "service-encrypted",
            Self::UseLimited => "use-limited",
            Self::BackupOriginatesNothing => "backup-originates-nothing",
            Self::BackupFromHighSecure => "backup-from-high-secure",
        }
    }

    /// In-house rules that lead where this item says nothing may, named by their ends.
    fn breaches(self, site: &Site) -> impl Iterator<Item = String> {
        let about = move |from: Zone, to: Zone| match self {
            Self::HighSecureOriginatesNothing => from == Zone::HighSecure,
            Self::SecureNotFromElsewhere => to == Zone::Secure,
            Self::DmzReachesNoInnerZone => from == Zone::Dmz,
            Self::ThroughProxy(one, other) => (from, to) == (one, other) || (from, to) == (other, one),
            _ => false,
        };
        site.in_house.iter().filter_map(move |rule| {
            let (from, to) = (site.hosts.get(&rule.from)?, site.hosts.get(&rule.to)?);
            let zones = (site.zone_of(from)?, site.zone_of(to)?);
            let stands = match may_originate(ZoneSide::Zone(zones.0), ZoneSide::Zone(zones.1)) {
                ZoneVerdict::Allowed => true,
                ZoneVerdict::ViaProxy => from.proxy.is_some() || to.proxy.is_some(),
                ZoneVerdict::Denied => false,
            };
            (!stands && zones.0 != zones.1 && about(zones.0, zones.1)).then(|| format!("{} → {}", from.id, to.id))
        })
    }
}

impl Absence {
    pub(crate) fn is_so(self, network: &Network, site: &Site) -> bool {
        match self {
            Self::NoService => offered(network, site).next().is_none(),
            Self::NoUse => site.allow.is_empty(),
            Self::NoHostIn(zone) => !site.hosts.values().any(|host| site.zone_of(host) == Some(zone)),
            Self::NoRuleBetween(one, other) => !site.in_house.iter().any(|rule| {
                let zone = |host: &HostId| site.hosts.get(host).and_then(|host| site.zone_of(host));
                let ends = (zone(&rule.from), zone(&rule.to));
                ends == (Some(one), Some(other)) || ends == (Some(other), Some(one))
            }),
        }
    }

    /// Key of its text.
    pub(crate) fn key(self) -> String {
        match self {
            Self::NoService => "checksheet-absent-no-service".to_owned(),
            Self::NoUse => "checksheet-absent-no-use".to_owned(),
            Self::NoHostIn(zone) => format!("checksheet-absent-no-host-{zone}"),
            Self::NoRuleBetween(..) => "checksheet-absent-no-rule".to_owned(),
        }
    }
}

/// G17: all but these share a hop with others.
fn is_shared(kind: LineKind) -> bool {
    match kind {
        LineKind::Leased | LineKind::Isdn => false,
        LineKind::ClosedIp | LineKind::WideEthernet | LineKind::IpVpn | LineKind::Internet => true,
    }
}

fn lines(site: &Site) -> Vec<String> {
    let word = |kind: LineKind| match kind {
        LineKind::Leased => "leased",
        LineKind::Isdn => "isdn",
        LineKind::ClosedIp => "closed-ip",
        LineKind::WideEthernet => "wide-ethernet",
        LineKind::IpVpn => "ip-vpn",
        LineKind::Internet => "internet",
    };
    site.lines.iter().map(|line| format!("{} ({})", line.id, word(line.kind))).collect()
}

/// Wishes to carry traffic of others that are not all of one legal entity with this site (G7).
fn relays<'n>(network: &'n Network, site: &'n Site) -> impl Iterator<Item = String> + 'n {
    let own = move |at: &model::SiteId| network.sites.get(at).is_some_and(|s| s.institution == site.institution);
    let foreign = move |rule: &&model::TransitRule| !own(&rule.from.site) || !own(&rule.to.site);
    site.transit.iter().filter(foreign).map(|rule| format!("{} → {}", rule.from, rule.to))
}

/// Services that stand at the site. Ids begin with the institution, so only its own are looked at.
fn offered<'n>(network: &'n Network, site: &'n Site) -> impl Iterator<Item = &'n Service> {
    let first: Option<HostId> = "0".parse().ok();
    let from = first.map(|name| ServiceId { institution: site.institution.clone(), name });
    from.into_iter()
        .flat_map(|from| network.services.range(from..))
        .take_while(|(id, _)| id.institution == site.institution)
        .map(|(_, service)| service)
        .filter(|service| service.host.site == site.id)
}

/// Whitelist lines for services that keep backups.
fn backups<'n>(network: &'n Network, site: &'n Site) -> impl Iterator<Item = (&'n model::AllowRule, &'n Service)> {
    site.allow.iter().filter_map(|rule| {
        let service = network.services.get(&rule.service)?;
        (service.kind == Some(ServiceKind::Backup)).then_some((rule, service))
    })
}

/// Agreements by which somebody who keeps this site's backups uses a service that stands here.
fn callers_back<'n>(network: &'n Network, site: &'n Site) -> impl Iterator<Item = String> + 'n {
    backups(network, site).flat_map(move |(_, backup)| {
        let keeper = &backup.id.institution;
        let here = move |id: &ServiceId| network.services.get(id).is_some_and(|service| service.host.site == site.id);
        let back = network.agreements.values().filter(move |a| a.consumer == *keeper && here(&a.service));
        back.map(|agreement| agreement.id.to_string())
    })
}

/// Hosts that use a backup service from another zone.
fn outside_high_secure<'n>(network: &'n Network, site: &'n Site) -> impl Iterator<Item = &'n HostId> {
    let outside = |host: &&HostId| site.hosts.get(*host).and_then(|h| site.zone_of(h)) != Some(Zone::HighSecure);
    backups(network, site).flat_map(|(rule, _)| &rule.from).filter(outside)
}

fn unique(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = all.collect();
    all.sort();
    all.dedup();
    all
}
