//! What the standing part of a site promises to every grant that keeps its contract.

use model::{Action, EtherType, FlowMatch, FlowRule, HostId, PortNo, SiteFacts, Table, Tag};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::region::is_host;

/// The promises of a structure that the full judge accepted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fit {
    /// Every rule that sends a packet out sends it only to the one it is addressed to, or from a zone to the gateway.
    pub sound: bool,
    /// Hosts whose packets are admitted, tracked and delivered whatever else is in them, on both sides of the switch.
    /// Others may have grants too; they are judged path by path.
    pub seats: BTreeMap<HostId, Seat>,
}

/// Where a host sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub port: PortNo,
    pub tag: Tag,
    pub address: IpAddr,
}

impl Fit {
    /// Of the rules that serve no grant. Means nothing unless the full judge accepts them.
    pub fn new<'a>(facts: &SiteFacts, rules: impl Iterator<Item = &'a FlowRule>) -> Self {
        let mut seen = Seen { sound: true, ..Seen::default() };
        for rule in rules.filter(|r| !r.actions.is_empty()) {
            seen.rule(facts, rule);
        }
        let site = &facts.site;
        let uplink = site.gateway.uplink.port;
        let seats = site.hosts.values().filter_map(|host| {
            let (tag, family) = (Tag::Zone(site.zone_of(host)?), family(host.address));
            let port = host.port.port;
            let whole = seen.admits_host.contains(&(port, host.address))
                && seen.admits_uplink.contains(&family)
                && seen.tracked(port, family)
                && seen.tracked(uplink, family)
                && seen.delivers.contains(&host.address)
                && seen.leaves.contains(&(tag, family));
            whole.then(|| (host.id.clone(), Seat { port, tag, address: host.address }))
        });
        Self { sound: seen.sound, seats: seats.collect() }
    }
}

pub(crate) fn family(address: IpAddr) -> EtherType {
    if address.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 }
}

/// Rules that take all packets of a kind, by kind.
#[derive(Default)]
struct Seen {
    sound: bool,
    admits_host: BTreeSet<(PortNo, IpAddr)>,
    admits_uplink: BTreeSet<EtherType>,
    tracks: BTreeSet<(Option<PortNo>, Option<EtherType>)>,
    delivers: BTreeSet<IpAddr>,
    leaves: BTreeSet<(Tag, EtherType)>,
}

impl Seen {
    fn tracked(&self, port: PortNo, family: EtherType) -> bool {
        let any = |port| self.tracks.contains(&(port, Some(family))) || self.tracks.contains(&(port, None));
        any(Some(port)) || any(None)
    }

    fn rule(&mut self, facts: &SiteFacts, rule: &FlowRule) {
        let (m, site) = (&rule.matches, &facts.site);
        let uplink = site.gateway.uplink.port;
        match (rule.table, rule.actions.as_slice()) {
            // Bound to port, MAC and address by I06; here only: bound by nothing else.
            (Table::Admission, [Action::SetTag(_), Action::Goto(Table::Posture)]) => {
                let Some(port) = m.in_port else { return };
                let bound = FlowMatch { in_port: m.in_port, eth_src: m.eth_src, eth_type: m.eth_type, ..none() };
                if port == uplink && *m == bound {
                    self.admits_uplink.extend(m.eth_type);
                } else if *m == (FlowMatch { ip_src: m.ip_src, ..bound }) {
                    self.admits_host.extend(m.ip_src.filter(|n| is_host(m.ip_src, n.addr())).map(|n| (port, n.addr())));
                }
            }
            (Table::Posture, [Action::Track { next: Table::Connections, .. }])
                if *m == (FlowMatch { in_port: m.in_port, eth_type: m.eth_type, ..none() }) =>
            {
                self.tracks.insert((m.in_port, m.eth_type));
            }
            (Table::Forwarding, [rewrites @ .., Action::Output(exit)]) => {
                let (mut source, mut receiver) = (None, m.eth_dst);
                for action in rewrites {
                    match action {
                        Action::SetEthSrc(mac) => source = Some(*mac),
                        Action::SetEthDst(mac) => receiver = Some(*mac),
                        _ => self.sound = false,
                    }
                }
                let gateway = site.gateway.mac;
                self.sound &= source.is_none_or(|mac| mac == gateway);
                if *exit == uplink {
                    self.sound &= receiver == Some(gateway) && matches!(m.tag, Some(Tag::Zone(_)));
                    if let (Some(tag), Some(family)) = (m.tag, m.eth_type)
                        && *m == (FlowMatch { tag: m.tag, eth_type: m.eth_type, ..none() })
                    {
                        self.leaves.insert((tag, family));
                    }
                } else {
                    let host = site.hosts.values().find(|h| h.port.port == *exit);
                    let Some(host) = host.filter(|h| is_host(m.ip_dst, h.address) && receiver == Some(h.mac)) else {
                        self.sound = false;
                        return;
                    };
                    if *m == (FlowMatch { eth_type: m.eth_type, ip_dst: m.ip_dst, ..none() }) {
                        self.delivers.insert(host.address);
                    }
                }
            }
            _ => {}
        }
    }
}

fn none() -> FlowMatch {
    FlowMatch::default()
}
