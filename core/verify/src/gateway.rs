//! Tunnels and filters of the gateway (I08, I09, I13, I14, I15, I16, I17).

use model::{
    CookieOwner, Filter, FilterSide, FlowDirection, Grant, GrantId, Protocol, Selector, Site, SiteFacts, Tunnel,
};
use std::collections::BTreeMap;

use crate::premises::Premises;
use crate::{Because, Fault, Invariant, Packet, Refutation, trace};

type Verdict = Result<(), Box<Refutation>>;
type Breach = (Invariant, Fault);

/// Judges tunnels and filters, first that none is too wide, then that none is missing.
pub(crate) fn judge(p: &Premises<'_>) -> Verdict {
    let mut before: Option<&Tunnel> = None;
    for tunnel in &p.state.tunnels {
        let twice =
            before.is_some_and(|b| b.grant == tunnel.grant).then_some((Invariant::Mirrored, Fault::TunnelTwice));
        if let Some((invariant, fault)) =
            twice.or_else(|| tunnel_breach(&p.state.facts, p.state.grants.get(&tunnel.grant), tunnel))
        {
            let because = Because::Tunnel { grant: tunnel.grant, peer: tunnel.peer.clone() };
            return Err(p.refute(invariant, fault, because));
        }
        before = Some(tunnel);
    }
    let mut passed: BTreeMap<(GrantId, FlowDirection), Vec<u16>> = BTreeMap::new();
    for filter in &p.state.filters {
        if let Some(breach) = filter_breach(p, filter) {
            return Err(refute_filter(p, breach, filter));
        }
        if let CookieOwner::Grant(id) = filter.owner {
            passed.entry((id, filter.direction)).or_default().extend(&filter.ports);
        }
    }
    for (id, grant) in &p.state.grants {
        for direction in [FlowDirection::Origin, FlowDirection::Reply] {
            let has = passed.get(&(*id, direction));
            if !grant.ports.iter().all(|port| has.is_some_and(|ports| ports.contains(port))) {
                return Err(p.refute(Invariant::Together, Fault::NoFilter, Because::Grant(*id)));
            }
        }
    }
    Ok(())
}

/// A tunnel against its grant, if that is live.
pub(crate) fn tunnel_breach(facts: &SiteFacts, grant: Option<&Grant>, tunnel: &Tunnel) -> Option<Breach> {
    let Some(peer) = facts.peers.get(&tunnel.peer) else {
        return Some((Invariant::KnownPeer, Fault::UnknownPeer));
    };
    let Some(grant) = grant else {
        return Some((Invariant::LiveOwner, Fault::GrantNotLive));
    };
    let (near, originates) = grant.end_at(&facts.site.id)?;
    let far = if originates { &grant.destination } else { &grant.origin };
    if tunnel.peer != far.site {
        return Some((Invariant::Selectors, Fault::PeerNotOfGrant));
    }
    if !peer.prefixes.iter().any(|n| n.contains(&tunnel.remote.address)) {
        return Some((Invariant::KnownPeer, Fault::AddressNotOfPeer));
    }
    let hosts = tunnel.local.address == near.address && tunnel.remote.address == far.address;
    let protocols = tunnel.local.protocol == grant.protocol && tunnel.remote.protocol == grant.protocol;
    let (client, server) = if originates { (&tunnel.local, &tunnel.remote) } else { (&tunnel.remote, &tunnel.local) };
    let within = !server.ports.is_empty() && server.ports.iter().all(|port| grant.ports.contains(port));
    if !hosts || !protocols || !within {
        return Some((Invariant::Selectors, Fault::SelectorWide));
    }
    if !client.ports.is_empty() || !grant.ports.iter().all(|port| server.ports.contains(port)) {
        return Some((Invariant::Together, Fault::SelectorNarrow));
    }
    // The lower site id initiates: a rule each end can keep alone, and so both keep it together (RFC 7296 §2.8).
    (tunnel.initiator != (facts.site.id < tunnel.peer)).then_some((Invariant::Mirrored, Fault::WrongInitiator))
}

fn filter_breach(p: &Premises<'_>, filter: &Filter) -> Option<Breach> {
    match filter.owner {
        CookieOwner::Grant(id) => match p.state.grants.get(&id) {
            Some(grant) => grant_filter(p.site, filter, grant),
            None => Some((Invariant::LiveOwner, Fault::GrantNotLive)),
        },
        CookieOwner::Transit(n) => transit_filter(p, filter, n),
        CookieOwner::Standing | CookieOwner::InHouse(_) | CookieOwner::Refusal => {
            Some((Invariant::Filters, Fault::FilterOwner))
        }
    }
}

/// A filter against the grant it serves.
pub(crate) fn grant_filter(site: &Site, filter: &Filter, grant: &Grant) -> Option<Breach> {
    let (_, originates) = grant.end_at(&site.id)?;
    let forth = filter.direction == FlowDirection::Origin;
    if (filter.from, filter.to) == (FilterSide::Tunnel, FilterSide::Tunnel) {
        return Some((Invariant::NoRelay, Fault::RelayEntities));
    }
    let outward = originates == forth;
    let (from, to) =
        if outward { (FilterSide::Lan, FilterSide::Tunnel) } else { (FilterSide::Tunnel, FilterSide::Lan) };
    let (source, destination) = (&grant.origin.address, &grant.destination.address);
    let (source, destination) = if forth { (source, destination) } else { (destination, source) };
    let within = !filter.ports.is_empty() && filter.ports.iter().all(|port| grant.ports.contains(port));
    // The same hosts with the sides turned round: the other side could begin.
    let turned = &filter.source == destination && &filter.destination == source;
    if turned && forth {
        return Some((Invariant::Direction, Fault::BeginsFromDestination));
    }
    if &filter.source != source || &filter.destination != destination || filter.protocol != grant.protocol || !within {
        return Some((Invariant::Filters, Fault::FilterWide));
    }
    ((filter.from, filter.to) != (from, to)).then_some((Invariant::Filters, Fault::FilterSides))
}

/// Carrying for two others is for one legal entity among itself, and only by its own wish (G7).
fn transit_filter(p: &Premises<'_>, filter: &Filter, n: u32) -> Option<Breach> {
    let Some(wish) = p.site.transit.get(n as usize) else {
        return Some((Invariant::LiveOwner, Fault::WishNotThere));
    };
    if (filter.from, filter.to) != (FilterSide::Tunnel, FilterSide::Tunnel) {
        return Some((Invariant::Filters, Fault::FilterSides));
    }
    let facts = &p.state.facts;
    let (Some(source), Some(destination)) = (facts.peer_at(filter.source), facts.peer_at(filter.destination)) else {
        return Some((Invariant::KnownPeer, Fault::UnknownPeer));
    };
    let here = &p.site.institution;
    if &source.1.institution != here || &destination.1.institution != here {
        return Some((Invariant::NoRelay, Fault::RelayEntities));
    }
    let (from, to) = match filter.direction {
        FlowDirection::Origin => (&wish.from, &wish.to),
        FlowDirection::Reply => (&wish.to, &wish.from),
    };
    let is = |host: &model::HostRef, address| {
        // Where the other site is in view, the very host; a gate alone knows its prefix.
        p.neighbour(&host.site).is_none_or(|s| s.facts.site.hosts.get(&host.host).is_some_and(|h| h.address == address))
    };
    let ends = source.0 == &from.site
        && destination.0 == &to.site
        && from.site != to.site
        && is(from, filter.source)
        && is(to, filter.destination);
    let ports = !filter.ports.is_empty() && filter.ports.iter().all(|port| wish.ports.contains(port));
    (!ends || !ports || filter.protocol != wish.protocol).then_some((Invariant::NoRelay, Fault::RelayWish))
}

fn refute_filter(p: &Premises<'_>, (invariant, fault): Breach, filter: &Filter) -> Box<Refutation> {
    let because = Because::Filter {
        owner: filter.owner,
        from: filter.from,
        to: filter.to,
        source: filter.source,
        destination: filter.destination,
    };
    let mut refutation = p.refute(invariant, fault, because);
    let packet = packet_through(p, filter);
    refutation.path = trace::across_gateway(p, filter, &packet);
    refutation.packet = Some(packet);
    refutation
}

/// A packet the filter accepts.
fn packet_through(p: &Premises<'_>, filter: &Filter) -> Packet {
    let serving = filter.ports.first().copied().unwrap_or(1);
    let ephemeral = 49152;
    let (tp_src, tp_dst, ct_state) = match filter.direction {
        FlowDirection::Origin => (ephemeral, serving, model::CtMatch::BEGINS.value),
        FlowDirection::Reply => (serving, ephemeral, model::CtMatch::ANSWERS.value),
    };
    let sender = p.by_address.get(&filter.source);
    Packet {
        in_port: sender.map_or(p.uplink(), |h| h.port.port),
        eth_src: sender.map_or(p.site.gateway.mac, |h| h.mac),
        eth_dst: p.by_address.get(&filter.destination).map_or(p.site.gateway.mac, |h| h.mac),
        eth_type: if filter.source.is_ipv4() { model::EtherType::Ipv4 } else { model::EtherType::Ipv6 },
        ip_src: Some(filter.source),
        ip_dst: Some(filter.destination),
        protocol: Some(filter.protocol),
        tp_src: Some(tp_src),
        tp_dst: Some(tp_dst),
        ct_state,
        beginning: model::Beginning::of(filter.protocol).filter(|_| filter.direction == FlowDirection::Origin),
        arp: None,
    }
}

/// Does the filter accept the packet?
pub(crate) fn accepts(filter: &Filter, from: FilterSide, to: FilterSide, packet: &Packet) -> bool {
    let port = match filter.direction {
        FlowDirection::Origin => packet.tp_dst,
        FlowDirection::Reply => packet.tp_src.filter(|_| {
            let back = model::CtMatch::EST | model::CtMatch::RPL;
            packet.ct_state & back == back
        }),
    };
    (filter.from, filter.to) == (from, to)
        && Some(filter.source) == packet.ip_src
        && Some(filter.destination) == packet.ip_dst
        && Some(filter.protocol) == packet.protocol
        && port.is_some_and(|port| filter.ports.contains(&port))
}

/// Does the tunnel take the packet outward?
pub(crate) fn takes(tunnel: &Tunnel, packet: &Packet) -> bool {
    let end = |s: &Selector, address, protocol: Option<Protocol>, port: Option<u16>| {
        Some(s.address) == address
            && Some(s.protocol) == protocol
            && (s.ports.is_empty() || port.is_some_and(|port| s.ports.contains(&port)))
    };
    end(&tunnel.local, packet.ip_src, packet.protocol, packet.tp_src)
        && end(&tunnel.remote, packet.ip_dst, packet.protocol, packet.tp_dst)
}
