//! Counter-examples: what would go wrong, by which packet, on which way, and because of whom.

use model::{CookieOwner, FilterSide, GrantId, HostId, NeverRule, PortNo, SiteId, SwitchId, Table};
use std::fmt;
use std::net::IpAddr;

use crate::{Fault, Invariant, Packet};

/// Why a change is refused: the invariant it would break and, where packets are concerned, one that breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refutation {
    /// The promise that would break.
    pub invariant: Invariant,
    /// By what exactly.
    pub fault: Fault,
    /// Where.
    pub site: SiteId,
    /// A packet that would break it, if the invariant speaks of packets.
    pub packet: Option<Packet>,
    /// The packet's way, hop by hop, across sites as far as it is known.
    pub path: Vec<Hop>,
    /// What let it through, or what is missing.
    pub because: Because,
}

/// A step of a packet's way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// A host sends it.
    Host {
        /// Site of the host.
        site: SiteId,
        /// The host.
        host: HostId,
    },
    /// It enters a switch at a port.
    Enters {
        /// Site of the switch.
        site: SiteId,
        /// The switch.
        switch: SwitchId,
        /// The port.
        port: PortNo,
    },
    /// A flow rule takes it on.
    Rule {
        /// Site of the switch.
        site: SiteId,
        /// The switch.
        switch: SwitchId,
        /// The table.
        table: Table,
        /// The rule's priority.
        priority: u16,
        /// Whose rule it is.
        owner: CookieOwner,
    },
    /// It leaves a switch at a port.
    Leaves {
        /// Site of the switch.
        site: SiteId,
        /// The switch.
        switch: SwitchId,
        /// The port.
        port: PortNo,
    },
    /// A filter of the gateway accepts it.
    Filter {
        /// Site of the gateway.
        site: SiteId,
        /// Whose filter it is.
        owner: CookieOwner,
        /// Where it comes from.
        from: FilterSide,
        /// Where it goes.
        to: FilterSide,
    },
    /// No filter of the gateway accepts it: the second lock holds.
    Stopped {
        /// Site of the gateway.
        site: SiteId,
    },
    /// It crosses a tunnel.
    Tunnel {
        /// The end it enters.
        from: SiteId,
        /// The end it leaves.
        to: SiteId,
        /// The grant the tunnel serves, if one does.
        grant: Option<GrantId>,
    },
    /// A host receives it.
    Reaches {
        /// Site of the host.
        site: SiteId,
        /// The host.
        host: HostId,
    },
}

/// What let the packet through, or what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// A flow rule.
    Rule {
        /// Its switch.
        switch: SwitchId,
        /// Its table.
        table: Table,
        /// Its priority.
        priority: u16,
        /// Whose it is.
        owner: CookieOwner,
    },
    /// A filter.
    Filter {
        /// Whose it is.
        owner: CookieOwner,
        /// Where it accepts from.
        from: FilterSide,
        /// Where to.
        to: FilterSide,
        /// Source.
        source: IpAddr,
        /// Destination.
        destination: IpAddr,
    },
    /// A tunnel.
    Tunnel {
        /// The grant it says it serves.
        grant: GrantId,
        /// The site it leads to.
        peer: SiteId,
    },
    /// A live grant.
    Grant(GrantId),
    /// A promise of a site's own document, and whose rule, tunnel or grant would break it.
    Promise {
        /// The site that promises.
        site: SiteId,
        /// The promise.
        rule: Box<NeverRule>,
        /// Whose it is that breaks it.
        owner: CookieOwner,
    },
    /// Something in the site's facts, by name.
    Facts(String),
    /// The change itself, in the words of the failed step.
    Change(String),
}

/// Name and value of an argument of a text.
pub type Arg = (&'static str, String);

impl Refutation {
    /// Fluent key of the invariant's sentence; it takes the arguments of [`Refutation::args`].
    pub fn key(&self) -> &'static str {
        self.invariant.key()
    }
    /// Fluent key of what to do.
    pub fn remedy_key(&self) -> &'static str {
        self.invariant.remedy_key()
    }
    /// `id`, `site`, `packet` (`-` if there is none) and `owner`; the same in every language.
    pub fn args(&self) -> Vec<Arg> {
        vec![
            ("id", self.invariant.id().to_owned()),
            ("site", self.site.to_string()),
            ("packet", self.packet.as_ref().map_or_else(|| "-".to_owned(), Packet::in_signs)),
            ("owner", self.because.owner().map_or_else(|| "-".to_owned(), owner_text)),
        ]
    }
}

impl Because {
    /// Whose rule, filter, tunnel or grant it is, if anybody's.
    pub fn owner(&self) -> Option<CookieOwner> {
        match self {
            Self::Rule { owner, .. } | Self::Filter { owner, .. } | Self::Promise { owner, .. } => Some(*owner),
            Self::Tunnel { grant, .. } | Self::Grant(grant) => Some(CookieOwner::Grant(*grant)),
            Self::Facts(_) | Self::Change(_) => None,
        }
    }
    /// Fluent key.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Rule { owner: CookieOwner::Standing, .. } => "verify-because-standing",
            Self::Rule { .. } => "verify-because-rule",
            Self::Filter { .. } => "verify-because-filter",
            Self::Tunnel { .. } => "verify-because-tunnel",
            Self::Grant(_) => "verify-because-grant",
            Self::Promise { .. } => "verify-because-promise",
            Self::Facts(_) => "verify-because-facts",
            Self::Change(_) => "verify-because-change",
        }
    }
    /// Its arguments.
    pub fn args(&self) -> Vec<Arg> {
        match self {
            Self::Rule { switch, table, priority, owner } => vec![
                ("switch", switch.to_string()),
                ("table", table.number().to_string()),
                ("priority", priority.to_string()),
                ("owner", owner_text(*owner)),
            ],
            Self::Filter { owner, from, to, source, destination } => vec![
                ("owner", owner_text(*owner)),
                ("from", side_text(*from).to_owned()),
                ("to", side_text(*to).to_owned()),
                ("source", source.to_string()),
                ("destination", destination.to_string()),
            ],
            Self::Tunnel { grant, peer } => vec![("grant", grant.to_string()), ("peer", peer.to_string())],
            Self::Grant(grant) => vec![("grant", grant.to_string())],
            Self::Promise { site, rule, owner } => vec![
                ("id", format!("{site}/{}", rule.id)),
                ("from", rule.from.to_string()),
                ("to", rule.to.to_string()),
                ("owner", owner_text(*owner)),
            ],
            Self::Facts(what) | Self::Change(what) => vec![("what", what.clone())],
        }
    }
}

impl Hop {
    /// Fluent key.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Host { .. } => "verify-hop-host",
            Self::Enters { .. } => "verify-hop-enters",
            Self::Rule { owner: CookieOwner::Standing, .. } => "verify-hop-standing",
            Self::Rule { .. } => "verify-hop-rule",
            Self::Leaves { .. } => "verify-hop-leaves",
            Self::Filter { .. } => "verify-hop-filter",
            Self::Stopped { .. } => "verify-hop-stopped",
            Self::Tunnel { grant: None, .. } => "verify-hop-tunnel-bare",
            Self::Tunnel { .. } => "verify-hop-tunnel",
            Self::Reaches { .. } => "verify-hop-reaches",
        }
    }
    /// Its arguments.
    pub fn args(&self) -> Vec<Arg> {
        match self {
            Self::Host { site, host } | Self::Reaches { site, host } => {
                vec![("site", site.to_string()), ("host", host.to_string())]
            }
            Self::Enters { site, switch, port } | Self::Leaves { site, switch, port } => {
                vec![("site", site.to_string()), ("switch", switch.to_string()), ("port", port.to_string())]
            }
            Self::Rule { site, switch, table, priority, owner } => vec![
                ("site", site.to_string()),
                ("switch", switch.to_string()),
                ("table", table.number().to_string()),
                ("priority", priority.to_string()),
                ("owner", owner_text(*owner)),
            ],
            Self::Filter { site, owner, from, to } => vec![
                ("site", site.to_string()),
                ("owner", owner_text(*owner)),
                ("from", side_text(*from).to_owned()),
                ("to", side_text(*to).to_owned()),
            ],
            Self::Stopped { site } => vec![("site", site.to_string())],
            Self::Tunnel { from, to, grant } => vec![
                ("from", from.to_string()),
                ("to", to.to_string()),
                ("grant", grant.map_or_else(|| "-".to_owned(), |g| g.to_string())),
            ],
        }
    }
}

pub(crate) fn owner_text(owner: CookieOwner) -> String {
    match owner {
        CookieOwner::Standing => "standing".to_owned(),
        CookieOwner::Grant(id) => id.to_string(),
        CookieOwner::InHouse(n) => format!("in-house[{n}]"),
        CookieOwner::Transit(n) => format!("transit[{n}]"),
        CookieOwner::Refusal => "refusal".to_owned(),
    }
}

pub(crate) fn side_text(side: FilterSide) -> &'static str {
    match side {
        FilterSide::Lan => "lan",
        FilterSide::Tunnel => "tunnel",
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { switch, table, priority, owner } => {
                write!(f, "rule of {} on {switch}, table {}, priority {priority}", owner_text(*owner), table.number())
            }
            Self::Filter { owner, from, to, source, destination } => write!(
                f,
                "filter of {}, {} to {}, {source} to {destination}",
                owner_text(*owner),
                side_text(*from),
                side_text(*to)
            ),
            Self::Tunnel { grant, peer } => write!(f, "tunnel of {grant} to {peer}"),
            Self::Grant(grant) => write!(f, "grant {grant}"),
            Self::Promise { site, rule, owner } => {
                write!(f, "{site}/{}: never {} to {}, broken by {}", rule.id, rule.from, rule.to, owner_text(*owner))
            }
            Self::Facts(what) => write!(f, "facts: {what}"),
            Self::Change(what) => write!(f, "change: {what}"),
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { site, host } => write!(f, "{site}/{host}"),
            Self::Enters { site, switch, port } => write!(f, "in at {site}/{switch}/{port}"),
            Self::Rule { table, priority, owner, .. } => {
                write!(f, "table {} priority {priority} ({})", table.number(), owner_text(*owner))
            }
            Self::Leaves { site, switch, port } => write!(f, "out at {site}/{switch}/{port}"),
            Self::Filter { site, owner, from, to } => {
                write!(f, "filter at {site} {} to {} ({})", side_text(*from), side_text(*to), owner_text(*owner))
            }
            Self::Stopped { site } => write!(f, "stopped by the filter at {site}"),
            Self::Tunnel { from, to, grant: Some(grant) } => write!(f, "tunnel {from} to {to} ({grant})"),
            Self::Tunnel { from, to, grant: None } => write!(f, "tunnel {from} to {to}"),
            Self::Reaches { site, host } => write!(f, "reaches {site}/{host}"),
        }
    }
}

impl fmt::Display for Refutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {} [{}]", self.invariant, self.site, self.fault, self.because)?;
        if let Some(packet) = &self.packet {
            write!(f, "; packet {packet}")?;
        }
        for (n, hop) in self.path.iter().enumerate() {
            write!(f, "{} {hop}", if n == 0 { "; path" } else { " →" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Refutation {}
