//! What may pass: the sets that grants, in-house rules and the gate's service cover, with port, MAC and tag at both ends.

use model::{
    Beginning, CtMatch, Filter, FilterSide, FlowDirection, GATE_SERVICE_PORTS, Grant, GrantId, Host, Protocol,
    SiteFacts, SiteId, Tag, Tunnel, Zone, ZoneSide, ZoneVerdict, may_originate,
};
use spaces::{Set, Space};
use std::net::IpAddr;

use super::header::{At, Cube, LAN, TO_GATE, TUNNEL};
use crate::{Fault, Invariant};

type Breach = (Invariant, Fault);

/// What is kept of a live grant: enough to say what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Live {
    pub origin: IpAddr,
    pub destination: IpAddr,
    pub protocol: Protocol,
    pub ports: std::sync::Arc<[u16]>,
    /// The site of the other end.
    pub far: SiteId,
    pub originates: bool,
    /// Rules, tunnels and filters that stand in its name.
    pub things: u32,
}

/// One line of what is live: packets from origin to destination at this port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub origin: IpAddr,
    pub destination: IpAddr,
    pub protocol: Protocol,
    pub port: u16,
    pub originates: bool,
}

impl Live {
    pub fn new(grant: &Grant, site: &SiteId) -> Option<Self> {
        let (_, originates) = grant.end_at(site)?;
        let far = if originates { &grant.destination } else { &grant.origin };
        Some(Self {
            origin: grant.origin.address,
            destination: grant.destination.address,
            protocol: grant.protocol,
            ports: grant.ports.as_slice().into(),
            far: far.site.clone(),
            originates,
            things: 0,
        })
    }

    pub fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        self.ports.iter().map(|port| Line {
            origin: self.origin,
            destination: self.destination,
            protocol: self.protocol,
            port: *port,
            originates: self.originates,
        })
    }
}

/// May this grant be live here at all?
pub(super) fn grant_breach(facts: &SiteFacts, grant: &Grant) -> Option<Breach> {
    let sane = |fault| Some((Invariant::GrantSane, fault));
    let site = &facts.site;
    let Some((near, originates)) = grant.end_at(&site.id) else { return sane(Fault::GrantEnds) };
    let far = if originates { &grant.destination } else { &grant.origin };
    if grant.origin.site == grant.destination.site || near.address.is_ipv4() != far.address.is_ipv4() {
        return sane(Fault::GrantEnds);
    }
    let Some(host) = site.hosts.get(&near.host) else { return sane(Fault::GrantHost) };
    if host.address != near.address || site.zone_of(host) != Some(near.zone) {
        return sane(Fault::GrantHost);
    }
    if near.institution != site.institution || grant.service.institution != grant.destination.institution {
        return sane(Fault::GrantEntity);
    }
    if grant.ports.is_empty() || grant.ports[0] == 0 || !grant.ports.windows(2).all(|w| w[0] < w[1]) {
        return sane(Fault::GrantPorts);
    }
    if grant.granted_at >= grant.lease_until {
        return sane(Fault::GrantLease);
    }
    if grant.id.0 > GrantId::MAX {
        return sane(Fault::GrantKey);
    }
    let Some(peer) = facts.peers.get(&far.site) else { return Some((Invariant::KnownPeer, Fault::UnknownPeer)) };
    if !peer.prefixes.iter().any(|n| n.contains(&far.address)) {
        return Some((Invariant::KnownPeer, Fault::AddressNotOfPeer));
    }
    if peer.institution != far.institution {
        return sane(Fault::GrantEntity);
    }
    let zone = ZoneSide::Zone(near.zone);
    let (from, to) = if originates { (zone, ZoneSide::Tunnel) } else { (ZoneSide::Tunnel, zone) };
    zone_breach(from, to, host.proxy.is_some())
}

pub(super) fn zone_breach(from: ZoneSide, to: ZoneSide, proxy: bool) -> Option<Breach> {
    match may_originate(from, to) {
        ZoneVerdict::Allowed => None,
        ZoneVerdict::ViaProxy if proxy => None,
        ZoneVerdict::ViaProxy => Some((Invariant::ZoneMatrix, Fault::ZoneNeedsProxy)),
        ZoneVerdict::Denied => Some((Invariant::ZoneMatrix, Fault::ZoneDenied)),
    }
}

/// Does what is kept of a grant still fit the facts?
pub(super) fn live_breach(facts: &SiteFacts, live: &Live) -> Option<Breach> {
    let (near, far) = if live.originates { (live.origin, live.destination) } else { (live.destination, live.origin) };
    let Some(host) = facts.site.host_at(near) else { return Some((Invariant::GrantSane, Fault::GrantHost)) };
    let Some(zone) = facts.site.zone_of(host) else { return Some((Invariant::GrantSane, Fault::GrantHost)) };
    if !facts.peers.get(&live.far).is_some_and(|p| p.prefixes.iter().any(|n| n.contains(&far))) {
        return Some((Invariant::KnownPeer, Fault::AddressNotOfPeer));
    }
    let zone = ZoneSide::Zone(zone);
    let (from, to) = if live.originates { (zone, ZoneSide::Tunnel) } else { (ZoneSide::Tunnel, zone) };
    zone_breach(from, to, host.proxy.is_some())
}

/// A place where packets enter and leave the switch.
#[derive(Clone, Copy)]
struct Seat {
    port: u32,
    mac: model::Mac,
    tag: Tag,
}

fn seat(facts: &SiteFacts, host: &Host) -> Option<Seat> {
    Some(Seat { port: host.port.port.0, mac: host.mac, tag: Tag::Zone(facts.site.zone_of(host)?) })
}

fn uplink(facts: &SiteFacts) -> Seat {
    let gateway = &facts.site.gateway;
    Seat { port: gateway.uplink.port.0, mac: gateway.mac, tag: Tag::Uplink }
}

/// Packets of one connection, there and back.
pub(super) struct Both {
    pub forth: Cube,
    pub back: Cube,
}

fn both(protocol: Protocol, port: u16, (from, origin): (Seat, IpAddr), (to, destination): (Seat, IpAddr)) -> Both {
    let way = |enters: Seat, leaves: Seat, source, destination| {
        Cube::any()
            .between(source, destination)
            .protocol(protocol)
            .is(At::Tag, enters.tag.value().into())
            .is(At::InPort, enters.port.into())
            .mac(At::EthSrc, enters.mac)
            .is(At::Exit, leaves.port.into())
            .mac(At::OutDst, leaves.mac)
    };
    Both {
        forth: way(from, to, origin, destination).is(At::TpDst, port.into()),
        back: way(to, from, destination, origin).is(At::TpSrc, port.into()).answers(),
    }
}

/// What a line of a grant covers in the switch.
pub(super) fn line(facts: &SiteFacts, line: &Line) -> Option<Both> {
    let near = if line.originates { line.origin } else { line.destination };
    let inside = seat(facts, facts.site.host_at(near)?)?;
    let outside = uplink(facts);
    let (from, to) = if line.originates { (inside, outside) } else { (outside, inside) };
    Some(both(line.protocol, line.port, (from, line.origin), (to, line.destination)))
}

/// What stands without grants: the gate's service, first packets, in-house rules the zone matrix permits.
pub(super) fn standing(space: &mut Space, facts: &SiteFacts) -> Set {
    let mut covered = space.none();
    let mut add = |cube: Cube, space: &mut Space| {
        let set = cube.set(space);
        space.add(&mut covered, &set);
        space.release(set);
    };
    let site = &facts.site;
    for host in site.hosts.values().filter(|h| h.terminal) {
        let (Some(segment), Some(at)) = (site.segment_of(host), seat(facts, host)) else { continue };
        for port in GATE_SERVICE_PORTS {
            let service = both(Protocol::Tcp, port, (at, host.address), (uplink(facts), segment.gateway_address()));
            add(service.forth, space);
            add(service.back, space);
        }
        // As himself: the gate decides by who asks (G16). No segment but a SYN begins anything (RFC 9293 §3.5).
        let kinds = [
            Cube::any().protocol(Protocol::Tcp).beginning(Beginning::Syn),
            Cube::any().protocol(Protocol::Udp),
            Cube::any().beginning(Beginning::Icmp),
        ];
        for kind in kinds {
            let first = kind
                .is(At::InPort, at.port.into())
                .is(At::Tag, at.tag.value().into())
                .mac(At::EthSrc, at.mac)
                .net(At::IpSrc, host.address.into())
                .masked(At::Ct, CtMatch::BEGINS.value.into(), CtMatch::BEGINS.mask.into())
                .is(At::Commit, 0)
                .is(At::Exit, TO_GATE.into());
            add(first, space);
        }
    }
    for wish in &site.in_house {
        let (Some(from), Some(to)) = (site.hosts.get(&wish.from), site.hosts.get(&wish.to)) else { continue };
        if wish_breach(facts, wish).is_some() {
            continue;
        }
        let (Some(a), Some(b)) = (seat(facts, from), seat(facts, to)) else { continue };
        for port in &wish.ports {
            let lines = both(wish.protocol, *port, (a, from.address), (b, to.address));
            // Toward the gateway with an in-house destination: its filters, judged by themselves, let nothing come of it.
            for cube in [lines.forth, lines.back] {
                let gateway = uplink(facts);
                add(cube.clone().is(At::Exit, gateway.port.into()).mac(At::OutDst, gateway.mac), space);
                add(cube, space);
            }
        }
    }
    covered
}

/// What the zone matrix has against an in-house rule.
pub(super) fn wish_breach(facts: &SiteFacts, wish: &model::InHouseRule) -> Option<Breach> {
    let site = &facts.site;
    let end = |id| site.hosts.get(id).and_then(|h: &Host| Some((h, site.zone_of(h)?)));
    let (Some((from, a)), Some((to, b))) = (end(&wish.from), end(&wish.to)) else {
        return Some((Invariant::LiveOwner, Fault::WishNotThere));
    };
    let side = |zone: Zone| ZoneSide::Zone(zone);
    zone_breach(side(a), side(b), from.proxy.is_some() || to.proxy.is_some())
}

fn side(side: FilterSide) -> u32 {
    match side {
        FilterSide::Lan => LAN,
        FilterSide::Tunnel => TUNNEL,
    }
}

/// What a filter accepts at one of its ports.
pub(super) fn filter(f: &Filter, port: u16) -> Cube {
    let cube = Cube::any()
        .between(f.source, f.destination)
        .protocol(f.protocol)
        .is(At::InPort, side(f.from).into())
        .is(At::Exit, side(f.to).into());
    match f.direction {
        FlowDirection::Origin => cube.is(At::TpDst, port.into()),
        FlowDirection::Reply => cube.is(At::TpSrc, port.into()).answers(),
    }
}

/// What a tunnel takes outward: one cube for each pair of ports.
pub(super) fn outward(t: &Tunnel) -> Vec<Cube> {
    let base = Cube::any().between(t.local.address, t.remote.address).protocol(t.local.protocol);
    let locals: Vec<Option<u16>> = any_or(&t.local.ports);
    let remotes: Vec<Option<u16>> = any_or(&t.remote.ports);
    let mut cubes = Vec::with_capacity(locals.len() * remotes.len());
    for local in &locals {
        for remote in &remotes {
            let mut cube = base.clone();
            if let Some(port) = local {
                cube = cube.is(At::TpSrc, (*port).into());
            }
            if let Some(port) = remote {
                cube = cube.is(At::TpDst, (*port).into());
            }
            cubes.push(cube);
        }
    }
    cubes
}

fn any_or(ports: &[u16]) -> Vec<Option<u16>> {
    if ports.is_empty() { vec![None] } else { ports.iter().copied().map(Some).collect() }
}

/// Does a transit wish of this very site, within one legal entity, cover the filter (G7)?
pub(super) fn transit_breach(facts: &SiteFacts, f: &Filter, n: u32) -> Option<Breach> {
    let Some(wish) = facts.site.transit.get(n as usize) else {
        return Some((Invariant::LiveOwner, Fault::WishNotThere));
    };
    if (f.from, f.to) != (FilterSide::Tunnel, FilterSide::Tunnel) {
        return Some((Invariant::Filters, Fault::FilterSides));
    }
    let (Some(source), Some(destination)) = (facts.peer_at(f.source), facts.peer_at(f.destination)) else {
        return Some((Invariant::KnownPeer, Fault::UnknownPeer));
    };
    let here = &facts.site.institution;
    if &source.1.institution != here || &destination.1.institution != here {
        return Some((Invariant::NoRelay, Fault::RelayEntities));
    }
    let (from, to) = match f.direction {
        FlowDirection::Origin => (&wish.from, &wish.to),
        FlowDirection::Reply => (&wish.to, &wish.from),
    };
    let within = source.0 == &from.site
        && destination.0 == &to.site
        && from.site != to.site
        && !f.ports.is_empty()
        && f.ports.iter().all(|p| wish.ports.contains(p))
        && f.protocol == wish.protocol;
    (!within).then_some((Invariant::NoRelay, Fault::RelayWish))
}
