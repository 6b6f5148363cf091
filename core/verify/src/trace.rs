//! The way of a counter-example beyond the rule that let it through: before it, after it, across sites.

use model::{Action, EtherType, Filter, FilterSide, FlowMatch, PortNo, SiteId, SiteState, Table, Tag};
use std::net::IpAddr;

use crate::gateway::{accepts, takes};
use crate::premises::{Premises, rule_hop};
use crate::{Hop, Packet};

/// From where the packet comes, through the rules given, to where it gets.
pub(crate) fn around(p: &Premises<'_>, packet: &Packet, rules: Vec<Hop>, exit: Option<PortNo>) -> Vec<Hop> {
    let here = &p.site.id;
    let mut path = if packet.in_port == p.uplink() {
        let mut path = from_far(p, packet);
        path.push(gateway_hop(p.state, FilterSide::Tunnel, FilterSide::Lan, packet));
        path
    } else {
        let host = p.by_port.get(&packet.in_port);
        host.map(|h| Hop::Host { site: here.clone(), host: h.id.clone() }).into_iter().collect()
    };
    path.push(Hop::Enters { site: here.clone(), switch: p.site.switch.id.clone(), port: packet.in_port });
    path.extend(rules);
    let Some(exit) = exit else { return path };
    path.push(Hop::Leaves { site: here.clone(), switch: p.site.switch.id.clone(), port: exit });
    if exit == p.uplink() {
        path.push(gateway_hop(p.state, FilterSide::Lan, FilterSide::Tunnel, packet));
        if !matches!(path.last(), Some(Hop::Stopped { .. })) {
            path.extend(to_far(p, packet));
        }
    } else if let Some(host) = p.by_port.get(&exit) {
        path.push(Hop::Reaches { site: here.clone(), host: host.id.clone() });
    }
    path
}

/// The way of a packet through one filter.
pub(crate) fn across_gateway(p: &Premises<'_>, filter: &Filter, packet: &Packet) -> Vec<Hop> {
    let here = &p.site.id;
    let mut path = match filter.from {
        FilterSide::Tunnel => from_far(p, packet),
        FilterSide::Lan => {
            let host = p.by_address.get(&filter.source);
            host.map(|h| Hop::Host { site: here.clone(), host: h.id.clone() }).into_iter().collect()
        }
    };
    path.push(Hop::Filter { site: here.clone(), owner: filter.owner, from: filter.from, to: filter.to });
    match filter.to {
        FilterSide::Tunnel => path.extend(to_far(p, packet)),
        FilterSide::Lan => {
            let host = p.by_address.get(&filter.destination);
            path.extend(host.map(|h| Hop::Reaches { site: here.clone(), host: h.id.clone() }));
        }
    }
    path
}

pub(crate) fn gateway_hop(state: &SiteState, from: FilterSide, to: FilterSide, packet: &Packet) -> Hop {
    let site = state.facts.site.id.clone();
    match state.filters.iter().find(|f| accepts(f, from, to, packet)) {
        Some(filter) => Hop::Filter { site, owner: filter.owner, from, to },
        None => Hop::Stopped { site },
    }
}

fn from_far(p: &Premises<'_>, packet: &Packet) -> Vec<Hop> {
    let Some((peer, _)) = packet.ip_src.and_then(|a| p.state.facts.peer_at(a)) else { return Vec::new() };
    let mut path: Vec<Hop> = host_of(p.neighbour(peer), packet.ip_src)
        .map(|host| Hop::Host { site: peer.clone(), host })
        .into_iter()
        .collect();
    let grant = p.neighbour(peer).and_then(|s| s.tunnels.iter().find(|t| takes(t, packet))).map(|t| t.grant);
    path.push(Hop::Tunnel { from: peer.clone(), to: p.site.id.clone(), grant });
    path
}

pub(crate) fn to_far(p: &Premises<'_>, packet: &Packet) -> Vec<Hop> {
    let tunnel = p.state.tunnels.iter().find(|t| takes(t, packet));
    let peer = tunnel.map(|t| &t.peer).or_else(|| Some(p.state.facts.peer_at(packet.ip_dst?)?.0));
    let Some(peer) = peer else { return Vec::new() };
    let mut path = vec![Hop::Tunnel { from: p.site.id.clone(), to: peer.clone(), grant: tunnel.map(|t| t.grant) }];
    let Some(there) = p.neighbour(peer) else { return path };
    path.push(gateway_hop(there, FilterSide::Tunnel, FilterSide::Lan, packet));
    if matches!(path.last(), Some(Hop::Stopped { .. })) {
        return path;
    }
    let gateway = &there.facts.site.gateway;
    let arrived = Packet { in_port: gateway.uplink.port, eth_src: gateway.mac, ..packet.clone() };
    path.extend(through_switch(peer, there, &arrived));
    path
}

fn host_of(state: Option<&SiteState>, address: Option<IpAddr>) -> Option<model::HostId> {
    state?.facts.site.host_at(address?).map(|h| h.id.clone())
}

/// What the tables do to one packet, priorities and all.
pub(crate) fn through_switch(site: &SiteId, state: &SiteState, packet: &Packet) -> Vec<Hop> {
    let switch = &state.facts.site.switch.id;
    let mut path = vec![Hop::Enters { site: site.clone(), switch: switch.clone(), port: packet.in_port }];
    let (mut table, mut tag, mut ct) = (Table::Admission, None, 0);
    loop {
        let best = state
            .rules
            .iter()
            .filter(|r| r.table == table && matches(&r.matches, packet, tag, ct))
            .max_by_key(|r| r.priority);
        let Some(rule) = best else { return path };
        path.push(rule_hop(site, rule));
        let mut next = None;
        for action in &rule.actions {
            match action {
                Action::SetTag(t) => tag = Some(*t),
                Action::Track { next: to, .. } => (next, ct) = (Some(*to), packet.ct_state),
                Action::Goto(to) => next = Some(*to),
                Action::Output(port) => {
                    path.push(Hop::Leaves { site: site.clone(), switch: switch.clone(), port: *port });
                    let host = state.facts.site.hosts.values().find(|h| h.port.port == *port);
                    path.extend(host.map(|h| Hop::Reaches { site: site.clone(), host: h.id.clone() }));
                }
                Action::SetEthSrc(_)
                | Action::SetEthDst(_)
                | Action::Commit { .. }
                | Action::ArpReply { .. }
                | Action::NeighbourReply { .. }
                | Action::ToGate => {}
            }
        }
        match next {
            // Only forward: a state not yet judged may hold a loop.
            Some(to) if to > table => table = to,
            _ => return path,
        }
    }
}

fn matches(m: &FlowMatch, p: &Packet, tag: Option<Tag>, ct: u8) -> bool {
    fn eq<T: PartialEq>(want: Option<T>, have: T) -> bool {
        want.is_none_or(|w| w == have)
    }
    let net =
        |want: Option<ipnet::IpNet>, have: Option<IpAddr>| want.is_none_or(|n| have.is_some_and(|a| n.contains(&a)));
    let port = |want: Option<model::PortMatch>, have: Option<u16>| {
        want.is_none_or(|w| have.is_some_and(|h| h & w.mask == w.value & w.mask))
    };
    p.eth_type != EtherType::Arp
        && eq(m.in_port, p.in_port)
        && (m.tag.is_none() || m.tag == tag)
        && eq(m.eth_src, p.eth_src)
        && eq(m.eth_type, p.eth_type)
        && net(m.ip_src, p.ip_src)
        && net(m.ip_dst, p.ip_dst)
        && (m.protocol.is_none() || m.protocol == p.protocol)
        && port(m.tp_src, p.tp_src)
        && port(m.tp_dst, p.tp_dst)
        && m.ct.is_none_or(|c| c.matches(ct))
        && (m.beginning.is_none() || m.beginning == p.beginning)
}
