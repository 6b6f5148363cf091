//! Questions people ask: who can begin what with whom, by which packet, and what changed.

use model::{CookieOwner, CtMatch, HostRef, Protocol, SiteId, Table};
use spaces::{Packet as Bits, Pattern};
use std::collections::{BTreeMap, BTreeSet};

use super::Exact;
use super::header::{
    At, Cube, LAN, NEXTS, Next, RULES, TUNNEL, field, not_on_wire, packet, protocol_of, value, written,
};
use super::leak::rules_on_way;
use super::place::Place;
use super::work::{Have, Work};
use crate::follow::EPHEMERAL;
use crate::{Hop, Packet};

/// A host can begin connections with another, at these ports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// Where they originate.
    pub from: HostRef,
    /// Where they end.
    pub to: HostRef,
    /// Transport protocol; nothing is what is neither TCP nor UDP. A rule for all protocols gives one of each.
    pub protocol: Option<Protocol>,
    /// Destination ports: those whose bits (first) agree where the mask (second) has ones. All, for what has none.
    pub ports: (u16, u16),
    /// Whose rule lets them begin, at the origin's site.
    pub because: CookieOwner,
}

/// What became of a possibility.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was not there before.
    Came(Reach),
    /// It is there no more.
    Went(Reach),
}

/// Can it?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// By this packet, on this way.
    Yes {
        /// A first packet as the origin sends it.
        packet: Box<Packet>,
        /// Its way, hop by hop.
        path: Vec<Hop>,
    },
    /// The way ends here.
    No {
        /// How far it gets.
        path: Vec<Hop>,
    },
    /// No such host is known.
    Unknown(HostRef),
}

/// So many different possibilities of one host are told, no more.
const TOLD: usize = 1 << 20;

impl Exact {
    /// Everything this host can begin a connection with, across sites; nothing if it is unknown.
    pub fn reach(&mut self, from: &HostRef) -> Vec<Reach> {
        let mut found = BTreeSet::new();
        let Some(cube) = self.first_packets(from) else { return Vec::new() };
        let Self { space, places, .. } = self;
        let mut work = Work::new(space);
        let sent = work.cube(&cube);
        for (path, at, out) in everywhere(&mut work, places, &from.site, sent) {
            tell(&work, &places[&at], (from, &path), out, &mut found);
        }
        work.done();
        found.into_iter().collect()
    }

    /// Can a connection begin from one host with another?
    pub fn can(&mut self, from: &HostRef, to: &HostRef, protocol: Protocol, port: u16) -> Answer {
        let Some(target) = self.host_address(to) else { return Answer::Unknown(to.clone()) };
        let (Some(cube), Some(source)) = (self.first_packets(from), self.host_address(from)) else {
            return Answer::Unknown(from.clone());
        };
        if source.is_ipv4() != target.is_ipv4() {
            return Answer::No { path: Vec::new() };
        }
        let cube = cube.between(source, target).protocol(protocol).is(At::TpDst, port.into());
        let Self { space, places, .. } = self;
        let mut work = Work::new(space);
        let sent = work.cube(&cube);
        let mut path = vec![Hop::Host { site: from.site.clone(), host: from.host.clone() }];
        let mut first = None;
        let mut arrived = false;
        for (owner, at, out) in everywhere(&mut work, places, &from.site, sent) {
            let place = &places[&at];
            let Some(bits) = typical(&mut work, out) else { continue };
            if first.is_none() {
                first = Some(packet(&bits));
            } else {
                path.push(through(&from.site, &at, owner));
            }
            path.extend(hops(place, &bits));
            arrived = at == to.site && host_at_exit(place, &bits).as_ref() == Some(to);
        }
        work.done();
        if arrived {
            path.push(Hop::Reaches { site: to.site.clone(), host: to.host.clone() });
            if let Some(packet) = first {
                return Answer::Yes { packet: Box::new(packet), path };
            }
        }
        Answer::No { path }
    }

    /// What can begin in `after` and not here, and the other way round. Only sites whose rules differ need be the same
    /// network; hosts are compared by name.
    pub fn difference(&mut self, after: &mut Self) -> Vec<Change> {
        let all = |of: &mut Self| -> BTreeSet<Reach> {
            let hosts: Vec<HostRef> = of
                .places
                .iter()
                .flat_map(|(site, p)| {
                    p.facts.site.hosts.keys().map(|h| HostRef { site: site.clone(), host: h.clone() })
                })
                .collect();
            hosts.iter().flat_map(|h| of.reach(h)).collect()
        };
        let (old, new) = (all(self), all(after));
        let went = old.difference(&new).cloned().map(Change::Went);
        went.chain(new.difference(&old).cloned().map(Change::Came)).collect()
    }

    fn host_address(&self, host: &HostRef) -> Option<std::net::IpAddr> {
        Some(self.places.get(&host.site)?.facts.site.hosts.get(&host.host)?.address)
    }

    /// First packets as this host would send them.
    pub(super) fn first_packets(&self, host: &HostRef) -> Option<Cube> {
        let known = self.places.get(&host.site)?.facts.site.hosts.get(&host.host)?;
        Some(
            Cube::any()
                .is(At::InPort, known.port.port.0.into())
                .mac(At::EthSrc, known.mac)
                .net(At::IpSrc, known.address.into())
                .is(At::Ct, CtMatch::BEGINS.value.into()),
        )
    }
}

/// A packet of the set as a host would send it, if there is one: from a dynamic port.
pub(super) fn typical(work: &mut Work<'_>, a: Have) -> Option<Bits> {
    let port = work.is(At::TpSrc, EPHEMERAL.into());
    let dynamic = work.and(a, port);
    work.witness(dynamic).or_else(|| work.witness(a))
}

/// From site to site, by the tunnel of the grant that let it begin.
pub(super) fn through(from: &SiteId, to: &SiteId, owner: Option<CookieOwner>) -> Hop {
    let grant = if let Some(CookieOwner::Grant(id)) = owner { Some(id) } else { None };
    Hop::Tunnel { from: from.clone(), to: to.clone(), grant }
}

/// What leaves the switch of one site, priorities resolved.
fn leaving(work: &mut Work<'_>, place: &Place, sent: Have) -> Have {
    let sets = &place.sets;
    let step = work.is(At::Next0, Next::Step as u128);
    let mut rest = work.and_set(sent, &sets.resolved[0]);
    rest = work.and(rest, step);
    rest = work.and_set(rest, &sets.resolved[1]);
    let none = work.space.none();
    let mut out = work.have(&none);
    for rules in sets.levels[2].values().rev() {
        let hit = work.and_set(rest, rules);
        if work.is_empty(hit) {
            continue;
        }
        let next = work.is(NEXTS[2], Next::Step as u128);
        let in_house = work.and(hit, next);
        let in_house = work.and_set(in_house, &sets.resolved[3]);
        let next = work.is(NEXTS[2], Next::Forward as u128);
        let forward = work.and(hit, next);
        let forward = work.or(forward, in_house);
        let forward = work.and_set(forward, &sets.resolved[4]);
        out = work.or(out, forward);
        let taken = work.forget(hit, written(Table::Connections));
        rest = work.less(rest, taken);
    }
    out
}

/// What leaves the first switch, and then those it comes to by tunnels, each with the owner that let it begin.
pub(super) fn everywhere(
    work: &mut Work<'_>,
    places: &BTreeMap<SiteId, Place>,
    from: &SiteId,
    sent: Have,
) -> Vec<(Option<CookieOwner>, SiteId, Have)> {
    let mut found = Vec::new();
    let Some(first) = places.get(from) else { return found };
    let out = leaving(work, first, sent);
    found.push((None, from.clone(), out));
    let uplink = work.is(At::Exit, first.facts.site.gateway.uplink.port.0.into());
    let outside = work.and(out, uplink);
    for owner in owners(work, first, outside) {
        let part = of_owner(work, first, outside, owner);
        let mut wire = on_wire(work, first, part, LAN, TUNNEL);
        let mut seen = BTreeSet::from([from.clone()]);
        let mut at = first;
        // By tunnels from site to site; a relay (G7) is one more step.
        while !work.is_empty(wire) {
            let near = work.have(&at.sets.outward[0]);
            let both = work.have(&at.sets.outward[1]);
            let taken = work.or(near, both);
            wire = work.and(wire, taken);
            let Some(bits) = work.witness(wire) else { break };
            let Some(to) = packet(&bits).ip_dst.and_then(|a| at.facts.peer_at(a)).map(|(id, _)| id.clone()) else {
                break;
            };
            let Some(place) = places.get(&to).filter(|_| seen.insert(to.clone())) else { break };
            let gateway = &place.facts.site.gateway;
            let accepted = on_wire(work, place, wire, TUNNEL, LAN);
            let entering = Cube::any()
                .is(At::InPort, gateway.uplink.port.0.into())
                .mac(At::EthSrc, gateway.mac)
                .is(At::Ct, CtMatch::BEGINS.value.into());
            let entering = work.cube(&entering);
            let entering = work.and(accepted, entering);
            let out = leaving(work, place, entering);
            found.push((Some(owner), to, out));
            wire = on_wire(work, place, wire, TUNNEL, TUNNEL);
            at = place;
        }
    }
    found
}

/// What a gateway's filters let begin from one side to the other.
fn on_wire(work: &mut Work<'_>, place: &Place, a: Have, from: u32, to: u32) -> Have {
    let forgotten: Vec<At> = not_on_wire().collect();
    let wire = work.forget(a, &forgotten);
    let sides = work.cube(&Cube::any().is(At::InPort, from.into()).is(At::Exit, to.into()));
    let accepted = work.and(wire, sides);
    let accepted = work.and_set(accepted, &place.sets.accepts[0]);
    work.forget(accepted, &forgotten)
}

/// Numbers of the rules of the connections table that some packet of the set was taken by.
fn numbers(work: &mut Work<'_>, a: Have) -> Vec<u32> {
    let at = field(work.space, RULES[2]);
    let set = work.keep(a);
    let masked = work.space.values(&set, at);
    work.space.release(set);
    let mut numbers = Vec::new();
    for (value, mask) in masked {
        let (value, free) = (value as u32, !(mask as u32));
        // All numbers with any of the free bits.
        let mut bits = 0u32;
        loop {
            numbers.push(value | bits);
            if bits == free {
                break;
            }
            bits = bits.wrapping_sub(free) & free;
        }
    }
    numbers
}

fn owners(work: &mut Work<'_>, place: &Place, a: Have) -> Vec<CookieOwner> {
    let found: BTreeSet<_> = numbers(work, a).into_iter().filter_map(|n| Some(place.record(n)?.owner)).collect();
    found.into_iter().collect()
}

fn of_owner(work: &mut Work<'_>, place: &Place, a: Have, owner: CookieOwner) -> Have {
    let none = work.space.none();
    let mut part = work.have(&none);
    for number in numbers(work, a) {
        if place.record(number).is_some_and(|r| r.owner == owner) {
            let rule = work.is(RULES[2], number.into());
            let its = work.and(a, rule);
            part = work.or(part, its);
        }
    }
    part
}

fn tell(
    work: &Work<'_>,
    place: &Place,
    (from, because): (&HostRef, &Option<CookieOwner>),
    out: Have,
    found: &mut BTreeSet<Reach>,
) {
    for pattern in work.space.boxes(work.set(out)).take(TOLD) {
        let bits = pattern.packet();
        let Some(to) = host_at_exit(place, &bits) else { continue };
        let owner = because.or_else(|| {
            let records: Vec<_> = rules_on_way(place, &bits);
            let owners: Vec<_> = records.iter().filter_map(|(_, n)| Some(place.record(*n)?.owner)).collect();
            owners.iter().find(|o| **o != CookieOwner::Standing).or(owners.first()).copied()
        });
        let Some(because) = owner else { continue };
        for protocol in protocols(&pattern) {
            let ports = if protocol.is_some() { masked(&pattern, At::TpDst) } else { (0, 0) };
            found.insert(Reach { from: from.clone(), to: to.clone(), protocol, ports, because });
        }
    }
}

fn masked(pattern: &Pattern, at: At) -> (u16, u16) {
    let (value, mask) = pattern.0[at as usize];
    (value as u16, mask as u16)
}

/// Every protocol a pattern holds packets of; nothing stands for all that are neither TCP nor UDP.
fn protocols(pattern: &Pattern) -> BTreeSet<Option<Protocol>> {
    let (value, mask) = pattern.0[At::Protocol as usize];
    let held = (0..4u128).filter(|bits| bits & mask == value & mask);
    held.map(protocol_of).collect()
}

fn host_at_exit(place: &Place, bits: &Bits) -> Option<HostRef> {
    let site = &place.facts.site;
    let host = site.hosts.values().find(|h| h.port.port.0 == value(bits, At::Exit))?;
    Some(HostRef { site: site.id.clone(), host: host.id.clone() })
}

pub(super) fn hops(place: &Place, bits: &Bits) -> Vec<Hop> {
    let site = &place.facts.site;
    let (id, switch) = (site.id.clone(), site.switch.id.clone());
    let port = model::PortNo(value(bits, At::InPort));
    let mut path = vec![Hop::Enters { site: id.clone(), switch: switch.clone(), port }];
    for (table, n) in rules_on_way(place, bits) {
        let Some(record) = place.record(n) else { continue };
        let (priority, owner) = (record.priority, record.owner);
        path.push(Hop::Rule { site: id.clone(), switch: switch.clone(), table, priority, owner });
    }
    path.push(Hop::Leaves { site: id, switch, port: model::PortNo(value(bits, At::Exit)) });
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a pattern leaves open is told as everything it holds: "nothing said" and "neither TCP nor UDP" are not one.
    #[test]
    fn a_pattern_names_each_protocol_it_holds() {
        let space = super::super::header::space();
        let mut pattern = Pattern(space.layout().fields().map(|_| (0, 0)).collect());
        type Case = ((u128, u128), &'static [Option<Protocol>]);
        const TCP: Option<Protocol> = Some(Protocol::Tcp);
        const UDP: Option<Protocol> = Some(Protocol::Udp);
        let cases: [Case; 6] = [
            ((0, 3), &[TCP]),
            ((1, 3), &[UDP]),
            ((2, 3), &[None]),
            ((2, 2), &[None]),
            ((0, 2), &[TCP, UDP]),
            ((0, 0), &[None, TCP, UDP]),
        ];
        for (bits, held) in cases {
            pattern.0[At::Protocol as usize] = bits;
            assert_eq!(protocols(&pattern).into_iter().collect::<Vec<_>>(), held, "{bits:?}");
        }
    }
}
