//! Does anything leave that nothing covers?

use model::{CookieOwner, Filter, FilterSide, FlowDirection, PortNo, SiteId, Table, Tunnel};
use spaces::{Packet as Bits, Set, Space};
use std::ops::Bound;

use super::cover;
use super::header::{At, NEXTS, NOT_CARRIED, Next, RULES, SWITCH_ONLY, TO_GATE, mac_bits, packet, value, written};
use super::place::{Place, because_filter, because_tunnel};
use super::work::{Have, Work};
use crate::{Because, Fault, Hop, Invariant, Refutation};

type Verdict = Result<(), Box<Refutation>>;

/// Which rules of the connections table to look at.
pub(super) enum Which<'a> {
    All,
    /// A rule of this priority went: what it hid is open now.
    Below(u16),
    /// This one came.
    Just(u16, &'a Set),
}

/// Every packet of `among` that leaves the switch of this site, is remembered or is shown to the gate is covered, and what
/// leaves for outside goes into a tunnel.
pub(super) fn judge(space: &mut Space, place: &mut Place, among: &Set, which: &Which<'_>) -> Verdict {
    let mut work = Work::new(space);
    let none = work.space.none();
    let mut leaning = work.have(&none);
    let found = search(&mut work, place, among, which, &mut leaning);
    let verdict = match found {
        Some((fault, bits)) => Err(refute(work.space, place, fault, &bits)),
        None => Ok(()),
    };
    if !work.is_empty(leaning) {
        let leaning = work.keep(leaning);
        work.space.add(&mut place.sets.leaning, &leaning);
        work.space.release(leaning);
    }
    work.done();
    verdict
}

/// What is wrong with a set of packets that leave.
#[derive(Clone, Copy)]
enum Wrong {
    Uncovered,
    Remembered,
    /// Remembered, and forwarded to nobody.
    Kept,
    InClear,
}

fn search(
    work: &mut Work<'_>,
    place: &Place,
    among: &Set,
    which: &Which<'_>,
    leaning: &mut Have,
) -> Option<(Wrong, Bits)> {
    let sets = &place.sets;
    let admitted = work.have(among);
    let admitted = work.and_set(admitted, &sets.resolved[0]);
    if work.is_empty(admitted) {
        return None;
    }
    // Straight from admission to forwarding goes ARP only; nothing covers what leaves there.
    let straight = work.is(At::Next0, Next::Forward as u128);
    let straight = work.and(admitted, straight);
    let straight = work.and_set(straight, &sets.resolved[4]);
    if let Some(bits) = work.witness(straight) {
        return Some((Wrong::Uncovered, bits));
    }
    let step = work.is(At::Next0, Next::Step as u128);
    let tracked = work.and(admitted, step);
    let tracked = work.and_set(tracked, &sets.resolved[1]);
    if work.is_empty(tracked) {
        return None;
    }
    match which {
        Which::Just(priority, rule) => level(work, place, tracked, (*priority, rule), leaning),
        Which::All | Which::Below(_) => {
            // Rules that do not lean on others were found good as if nothing stood above them, and still are.
            let below = if let Which::Below(priority) = which { Some(*priority) } else { None };
            if below.is_some() && work.space.is_empty(&sets.leaning) {
                return None;
            }
            for (priority, rules) in sets.levels[2].iter().rev().filter(|(p, _)| below.is_none_or(|top| **p < top)) {
                let mut rules = work.have(rules);
                if below.is_some() {
                    rules = work.and_set(rules, &sets.leaning);
                }
                let rules = work.keep(rules);
                let found = level(work, place, tracked, (*priority, &rules), leaning);
                work.space.release(rules);
                if found.is_some() {
                    return found;
                }
            }
            None
        }
    }
}

/// What rules of one priority let out. First as if nothing above them took anything: that is enough to say yes. What is
/// then left over is judged without what the rules above take.
fn level(
    work: &mut Work<'_>,
    place: &Place,
    tracked: Have,
    (priority, rules): (u16, &Set),
    leaning: &mut Have,
) -> Option<(Wrong, Bits)> {
    let sets = &place.sets;
    let hit = work.and_set(tracked, rules);
    if work.is_empty(hit) {
        return None;
    }
    let of = |work: &mut Work<'_>, next: Next| {
        let next = work.is(NEXTS[2], next as u128);
        work.and(hit, next)
    };
    let gate = of(work, Next::Gate);
    let step = of(work, Next::Step);
    let in_house = work.and_set(step, &sets.resolved[3]);
    let forward = of(work, Next::Forward);
    let forward = work.or(forward, in_house);
    let out = work.and_set(forward, &sets.resolved[4]);
    let all_out = work.or(out, gate);
    let mut open = work.less_set(all_out, &sets.standing);
    for covered in [&sets.forth, &sets.back] {
        open = work.less_set(open, covered);
    }
    // Whoever it is for, it says it comes from the sender or from the gateway.
    let mut masked = out;
    for mac in [0, mac_bits(place.facts.site.gateway.mac)] {
        let honest = work.is(At::OutSrc, mac);
        masked = work.less(masked, honest);
    }
    open = work.or(open, masked);
    if let Some(bits) = really(work, place, open, (priority, rules), leaning) {
        return Some((Wrong::Uncovered, bits));
    }
    // In the clear: toward the gateway, and no tunnel takes it. What the gate serves ends there.
    let uplink = work.is(At::Exit, place.facts.site.gateway.uplink.port.0.into());
    let mut clear = work.and(out, uplink);
    clear = work.less_set(clear, &sets.standing);
    for taken in &sets.outward {
        clear = work.less_set(clear, taken);
    }
    if let Some(bits) = really(work, place, clear, (priority, rules), leaning) {
        return Some((Wrong::InClear, bits));
    }
    // Remembered, delivered or not: answers are let through because of it.
    let commits = work.is(At::Commit, 1);
    let remembered = work.and(forward, commits);
    if work.is_empty(remembered) {
        return None;
    }
    let mut left = remembered;
    for covered in [&sets.standing, &sets.forth] {
        let here = work.and_set(remembered, covered);
        let here = work.forget(here, &[At::Exit, At::OutDst]);
        left = work.less(left, here);
    }
    // One that also leaves tells more.
    let leaving = work.and_set(left, &sets.resolved[4]);
    if let Some(bits) = really(work, place, leaving, (priority, rules), leaning) {
        return Some((Wrong::Remembered, bits));
    }
    really(work, place, left, (priority, rules), leaning).map(|bits| (Wrong::Kept, bits))
}

/// A packet of the set that no rule of a higher priority takes.
fn really(
    work: &mut Work<'_>,
    place: &Place,
    mut open: Have,
    (priority, rules): (u16, &Set),
    leaning: &mut Have,
) -> Option<Bits> {
    if work.is_empty(open) {
        return None;
    }
    let its = work.forget(open, &NOT_OF_RULE);
    let its = work.and_set(its, rules);
    *leaning = work.or(*leaning, its);
    for rules in place.sets.levels[2].range((Bound::Excluded(priority), Bound::Unbounded)).map(|(_, s)| s) {
        let header = work.forget(open, written(Table::Connections));
        let hides = work.and_set(header, rules);
        let hides = work.forget(hides, written(Table::Connections));
        open = work.less(open, hides);
    }
    work.witness(open)
}

/// What the other tables made of a packet.
const NOT_OF_RULE: [At; 12] = [
    At::Next0,
    At::Next1,
    At::Next3,
    At::Next4,
    At::Commit,
    At::Exit,
    At::OutDst,
    At::OutSrc,
    At::Rule0,
    At::Rule1,
    At::Rule3,
    At::Rule4,
];

/// A filter lets through no more than grants cover on that side of the gateway.
pub(super) fn filter(space: &mut Space, place: &Place, f: &Filter) -> Verdict {
    if matches!(f.owner, CookieOwner::Transit(_)) {
        return Ok(());
    }
    let breach = |invariant, fault| Err(plain(&place.facts.site.id, invariant, fault, because_filter(f)));
    if (f.from, f.to) == (FilterSide::Tunnel, FilterSide::Tunnel) {
        return breach(Invariant::NoRelay, Fault::RelayEntities);
    }
    if f.from == f.to {
        return breach(Invariant::Filters, Fault::FilterSides);
    }
    let outward = f.to == FilterSide::Tunnel;
    let inside = |space: &mut Space, turned: bool| {
        let mut work = Work::new(space);
        let forth = (f.direction == FlowDirection::Origin) != turned;
        let covered = if forth { &place.sets.forth } else { &place.sets.back };
        let uplink = u128::from(place.facts.site.gateway.uplink.port.0);
        let side = work.is(if outward { At::Exit } else { At::InPort }, uplink);
        let inside = f.ports.iter().all(|port| {
            let accepted = work.cube(&cover::filter(f, *port));
            let header = work.forget(accepted, &[At::InPort, At::Exit, At::Commit]);
            let here = work.and(header, side);
            let here = work.and_set(here, covered);
            let here = work.forget(here, &SWITCH_ONLY);
            let left = work.less(header, here);
            work.is_empty(left)
        });
        work.done();
        inside
    };
    if inside(space, false) {
        return Ok(());
    }
    let begins = f.direction == FlowDirection::Origin;
    let turned = begins && {
        let answers = Filter { direction: FlowDirection::Reply, ..f.clone() };
        place.grants.iter().any(|(_, g)| g.origin == answers.destination && g.destination == answers.source)
    };
    if turned {
        return breach(Invariant::Direction, Fault::BeginsFromDestination);
    }
    breach(Invariant::Filters, Fault::FilterWide)
}

/// A tunnel takes no more than grants with that very site cover.
pub(super) fn tunnel(space: &mut Space, place: &Place, t: &Tunnel) -> Verdict {
    let breach = |invariant, fault| Err(plain(&place.facts.site.id, invariant, fault, because_tunnel(t)));
    let mut work = Work::new(space);
    let uplink = work.is(At::Exit, place.facts.site.gateway.uplink.port.0.into());
    let inside = cover::outward(t).iter().all(|cube| {
        let taken = work.cube(cube);
        let mut left = taken;
        for covered in [&place.sets.forth, &place.sets.back] {
            let here = work.and(taken, uplink);
            let here = work.and_set(here, covered);
            let here = work.forget(here, &NOT_CARRIED);
            left = work.less(left, here);
        }
        work.is_empty(left)
    });
    work.done();
    if !inside {
        return breach(Invariant::Selectors, Fault::SelectorWide);
    }
    match place.grants.get(&t.grant) {
        Some(live) if live.far != t.peer => breach(Invariant::Selectors, Fault::PeerNotOfGrant),
        Some(_) => Ok(()),
        None => breach(Invariant::LiveOwner, Fault::GrantNotLive),
    }
}

/// No filter is left over in this region of the switch's packets that a grant covered until now.
pub(super) fn nothing_left(space: &mut Space, place: &Place, region: &Set, because: &Because) -> Verdict {
    let mut work = Work::new(space);
    let region = work.have(region);
    let header = work.forget(region, &SWITCH_ONLY);
    let left = place.sets.accepts.iter().any(|accepts| {
        let here = work.and_set(header, accepts);
        let still = place.sets.uncovered(&mut work, here, &SWITCH_ONLY);
        !work.is_empty(still)
    });
    let left = left || {
        let carried = work.forget(header, &NOT_CARRIED);
        place.sets.outward.iter().any(|outward| {
            let here = work.and_set(carried, outward);
            let still = place.sets.uncovered(&mut work, here, &NOT_CARRIED);
            !work.is_empty(still)
        })
    };
    work.done();
    if left {
        return Err(plain(&place.facts.site.id, Invariant::LiveOwner, Fault::GrantNotLive, because.clone()));
    }
    Ok(())
}

impl super::place::Sets {
    /// What of `a` no live grant covers, whichever side of the switch it is on.
    fn uncovered(&self, work: &mut Work<'_>, a: Have, forgotten: &[At]) -> Have {
        let mut left = a;
        for covered in [&self.forth, &self.back] {
            let free = work.forget(a, &SWITCH_ONLY);
            let here = work.and_set(free, covered);
            let here = work.forget(here, forgotten);
            left = work.less(left, here);
        }
        left
    }
}

pub(super) fn plain(site: &SiteId, invariant: Invariant, fault: Fault, because: Because) -> Box<Refutation> {
    Box::new(Refutation { invariant, fault, site: site.clone(), packet: None, path: Vec::new(), because })
}

/// The rules on the way of a packet that was found.
pub(super) fn rules_on_way(place: &Place, bits: &Bits) -> Vec<(Table, u32)> {
    let next = |table: usize| value(bits, NEXTS[table]);
    let mut tables = vec![0usize];
    if next(0) == Next::Step as u32 {
        tables.extend([1, 2]);
        if next(2) == Next::Step as u32 {
            tables.push(3);
        }
    }
    if value(bits, At::Exit) != TO_GATE {
        tables.push(4);
    }
    let found = tables.into_iter().filter_map(|t| Some((Table::from_number(t as u8)?, value(bits, RULES[t]))));
    found.filter(|(table, n)| place.record(*n).is_some_and(|r| r.table == *table)).collect()
}

fn refute(space: &mut Space, place: &Place, wrong: Wrong, bits: &Bits) -> Box<Refutation> {
    let site = &place.facts.site;
    let (id, switch) = (site.id.clone(), site.switch.id.clone());
    let packet = packet(bits);
    let exit = value(bits, At::Exit);
    let rules = rules_on_way(place, bits);
    let hop = |(table, n): &(Table, u32)| {
        let record = place.record(*n)?;
        let (priority, owner) = (record.priority, record.owner);
        Some(Hop::Rule { site: id.clone(), switch: switch.clone(), table: *table, priority, owner })
    };
    let sender = site.hosts.values().find(|h| h.port.port == packet.in_port);
    let mut path: Vec<Hop> = sender.map(|h| Hop::Host { site: id.clone(), host: h.id.clone() }).into_iter().collect();
    path.push(Hop::Enters { site: id.clone(), switch: switch.clone(), port: packet.in_port });
    path.extend(rules.iter().filter_map(hop));
    if exit != TO_GATE && !matches!(wrong, Wrong::Kept) {
        path.push(Hop::Leaves { site: id.clone(), switch: switch.clone(), port: PortNo(exit) });
        let receiver = site.hosts.values().find(|h| h.port.port.0 == exit);
        path.extend(receiver.map(|h| Hop::Reaches { site: id.clone(), host: h.id.clone() }));
    }
    // The rule that decided: the one that serves something, else that of the connections table.
    let records: Vec<_> = rules.iter().filter_map(|(_, n)| place.record(*n)).collect();
    let decided = records
        .iter()
        .find(|r| r.owner != CookieOwner::Standing)
        .or_else(|| records.iter().find(|r| r.table == Table::Connections))
        .or(records.last());
    let because = match decided {
        Some(r) => Because::Rule { switch, table: r.table, priority: r.priority, owner: r.owner },
        None => Because::Change(String::new()),
    };
    let uplink = site.gateway.uplink.port;
    let terminal = sender.is_some_and(|h| h.terminal);
    let (invariant, fault) = match wrong {
        Wrong::InClear => (Invariant::NoClearText, Fault::ClearText),
        Wrong::Remembered | Wrong::Kept => (Invariant::Direction, Fault::RemembersAnswer),
        Wrong::Uncovered if exit == TO_GATE => {
            let begins = model::CtMatch::BEGINS.matches(packet.ct_state);
            let kind = packet.protocol == Some(model::Protocol::Udp) || packet.beginning.is_some();
            let fault = match (terminal, begins && !kind) {
                (false, _) => Fault::ToGateNotTerminal,
                (true, true) => Fault::ToGateBeginsNothing,
                (true, false) => Fault::ToGateNotFirst,
            };
            (Invariant::FirstPackets, fault)
        }
        Wrong::Uncovered if packet.arp.is_some() => (Invariant::ArpAnswers, Fault::ArpPassedOn),
        Wrong::Uncovered if packet.in_port == uplink && exit == uplink.0 => (Invariant::NoRelay, Fault::UplinkToUplink),
        Wrong::Uncovered if answers_would_do(space, place, bits) => {
            (Invariant::Direction, Fault::BeginsFromDestination)
        }
        Wrong::Uncovered => (
            Invariant::DefaultDeny,
            match because.owner() {
                Some(CookieOwner::Grant(_)) => Fault::WiderThanGrant,
                Some(CookieOwner::InHouse(_)) => Fault::WiderThanInHouse,
                _ => Fault::Uncovered,
            },
        ),
    };
    Box::new(Refutation { invariant, fault, site: id, packet: Some(packet), path, because })
}

/// Would the packet be covered if it were the answer of a connection?
fn answers_would_do(space: &mut Space, place: &Place, bits: &Bits) -> bool {
    let mut answer = bits.clone();
    answer.0[At::Ct as usize] = model::CtMatch::ANSWERS.value.into();
    answer.0[At::Commit as usize] = 0;
    [&place.sets.back, &place.sets.standing].iter().any(|set| space.contains(set, &answer))
}
