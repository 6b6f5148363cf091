//! One site: its tables as sets, what is live there, and what that covers.

use model::{
    ArpOp, CookieOwner, EtherType, Filter, FilterSide, FlowDirection, FlowRule, Grant, GrantId, Mac, Protocol, Renewal,
    SiteFacts, Table, Tunnel,
};
use spaces::{Set, Space};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::cover::{self, Line, Live};
use super::header::{NEXTS, TABLES, effect, matched, written};
use super::kept::Kept;
use super::shape::{Told, shape_breach, told};
use super::work::Work;
use crate::{Because, Fault, Invariant};

/// Why a step cannot be taken, without the words around it.
pub(super) type Breach = (Invariant, Fault, Because);

/// A rule as it stands: its number is its place.
#[derive(Debug)]
pub(super) struct Record {
    pub matches: Set,
    pub owner: CookieOwner,
    pub table: Table,
    pub priority: u16,
}

/// What a filter accepts at one port, whoever wants it.
type FilterLine = (FilterSide, FilterSide, IpAddr, IpAddr, Protocol, u16, FlowDirection);
/// What a tunnel takes outward for one pair of ports.
type TunnelLine = (IpAddr, IpAddr, Protocol, Option<u16>, Option<u16>);

/// The sets of a site. Handles only: a copy of them all is a dozen numbers.
pub(super) struct Sets {
    /// Per table and priority: the matches of its rules, with what each makes of a packet and its number.
    pub levels: [BTreeMap<u16, Set>; TABLES],
    /// What the small tables do with each packet, priorities resolved; drops left out. Connections (2) has none: there
    /// the levels are many rules, and are resolved where it matters.
    pub resolved: [Set; TABLES],
    pub standing: Set,
    pub forth: Set,
    pub back: Set,
    /// What filters accept, by direction.
    pub accepts: [Set; 2],
    /// What tunnels take outward: where the far port serves, and where the near one does.
    pub outward: [Set; 2],
    /// Rules of the connections table that are safe only because of rules above them, and perhaps some that no longer
    /// stand. All others are safe whatever stands above.
    pub leaning: Set,
}

impl Sets {
    pub fn new(space: &Space) -> Self {
        let none = || space.none();
        Self {
            levels: Default::default(),
            resolved: std::array::from_fn(|_| none()),
            standing: none(),
            forth: none(),
            back: none(),
            accepts: [none(), none()],
            outward: [none(), none()],
            leaning: none(),
        }
    }

    pub fn share(&self, space: &mut Space) -> Self {
        let levels = std::array::from_fn(|t| self.levels[t].iter().map(|(p, s)| (*p, space.share(s))).collect());
        let resolved = std::array::from_fn(|t| space.share(&self.resolved[t]));
        Self {
            levels,
            resolved,
            standing: space.share(&self.standing),
            forth: space.share(&self.forth),
            back: space.share(&self.back),
            accepts: std::array::from_fn(|n| space.share(&self.accepts[n])),
            outward: std::array::from_fn(|n| space.share(&self.outward[n])),
            leaning: space.share(&self.leaning),
        }
    }

    pub fn release(self, space: &mut Space) {
        let levels = self.levels.into_iter().flat_map(BTreeMap::into_values);
        let single = [self.standing, self.forth, self.back, self.leaning];
        for set in levels.chain(self.resolved).chain(single).chain(self.accepts).chain(self.outward) {
            space.release(set);
        }
    }
}

pub(super) struct Place {
    pub facts: SiteFacts,
    pub grants: Kept<GrantId, Live>,
    lines: Kept<Line, u32>,
    filters: Kept<FilterLine, u32>,
    takes: Kept<TunnelLine, u32>,
    /// The tunnel of a grant: its two selectors, and who begins.
    tunnels: Kept<GrantId, Arc<Tunnel>>,
    /// Bindings told by answers for an address.
    answers: Kept<Told, u32>,
    transit: Kept<Filter, u32>,
    /// Number of the rule of this table, priority and set of packets: there is at most one.
    numbers: Kept<(u8, u16, u32), u32>,
    records: Vec<Option<Record>>,
    free: Vec<u32>,
    made: Vec<u32>,
    gone: Vec<(u32, Record)>,
    stale: [bool; TABLES],
    pub sets: Sets,
    /// What to go back to.
    before: Option<Sets>,
    facts_before: Option<SiteFacts>,
}

impl Place {
    pub fn new(space: &mut Space, facts: SiteFacts) -> Self {
        let mut sets = Sets::new(space);
        sets.standing = cover::standing(space, &facts);
        Self {
            facts,
            grants: Kept::new(),
            lines: Kept::new(),
            filters: Kept::new(),
            takes: Kept::new(),
            tunnels: Kept::new(),
            answers: Kept::new(),
            transit: Kept::new(),
            numbers: Kept::new(),
            records: Vec::new(),
            free: Vec::new(),
            made: Vec::new(),
            gone: Vec::new(),
            stale: [false; TABLES],
            sets,
            before: None,
            facts_before: None,
        }
    }

    pub fn begin(&mut self, space: &mut Space) {
        if self.before.is_none() {
            self.before = Some(self.sets.share(space));
        }
    }

    pub fn commit(&mut self, space: &mut Space) {
        if let Some(sets) = self.before.take() {
            sets.release(space);
        }
        self.facts_before = None;
        for (number, record) in self.gone.drain(..) {
            space.release(record.matches);
            self.free.push(number);
        }
        self.made.clear();
        self.grants.commit();
        self.lines.commit();
        self.filters.commit();
        self.takes.commit();
        self.tunnels.commit();
        self.answers.commit();
        self.transit.commit();
        self.numbers.commit();
    }

    pub fn undo(&mut self, space: &mut Space) {
        if let Some(sets) = self.before.take() {
            std::mem::replace(&mut self.sets, sets).release(space);
        }
        if let Some(facts) = self.facts_before.take() {
            self.facts = facts;
        }
        for number in self.made.drain(..) {
            if let Some(record) = self.records[number as usize].take() {
                space.release(record.matches);
                self.free.push(number);
            }
        }
        for (number, record) in self.gone.drain(..) {
            self.records[number as usize] = Some(record);
        }
        self.stale = [false; TABLES];
        self.grants.undo();
        self.lines.undo();
        self.filters.undo();
        self.takes.undo();
        self.tunnels.undo();
        self.answers.undo();
        self.transit.undo();
        self.numbers.undo();
    }

    pub fn release(self, space: &mut Space) {
        self.sets.release(space);
        for record in self.records.into_iter().flatten() {
            space.release(record.matches);
        }
    }

    pub fn record(&self, number: u32) -> Option<&Record> {
        self.records.get(number as usize)?.as_ref()
    }

    /// New facts: what stands without grants is covered anew, and so are grants if hosts or gateway changed. Gives what is
    /// no longer covered; nothing, if everything is to be judged again.
    pub fn refact(&mut self, space: &mut Space, facts: SiteFacts) -> Result<Option<Set>, Breach> {
        let same_seats = facts.site.hosts == self.facts.site.hosts
            && facts.site.gateway == self.facts.site.gateway
            && facts.site.segments == self.facts.site.segments;
        let before = std::mem::replace(&mut self.facts, facts);
        self.facts_before.get_or_insert(before);
        let standing = cover::standing(space, &self.facts);
        let bare = space.diff(&self.sets.standing, &standing);
        space.release(std::mem::replace(&mut self.sets.standing, standing));
        if !same_seats {
            for side in [&mut self.sets.forth, &mut self.sets.back] {
                let none = space.none();
                space.release(std::mem::replace(side, none));
            }
            let lines: Vec<Line> = self.lines.iter().map(|(l, _)| *l).collect();
            for line in lines {
                self.cover(space, &line, true);
            }
        }
        for (id, live) in self.grants.iter() {
            if let Some((invariant, fault)) = cover::live_breach(&self.facts, live) {
                return Err((invariant, fault, Because::Grant(*id)));
            }
        }
        for (f, _) in self.transit.iter() {
            let CookieOwner::Transit(n) = f.owner else { continue };
            if let Some((invariant, fault)) = cover::transit_breach(&self.facts, f, n) {
                return Err((invariant, fault, because_filter(f)));
            }
        }
        match self.answers.iter().find(|(told, _)| !self.is_bound(told)) {
            Some(((ip, _, _), _)) => Err((Invariant::ArpAnswers, Fault::ArpLie, Because::Facts(ip.to_string()))),
            None => Ok(same_seats.then_some(bare)),
        }
    }

    fn cover(&mut self, space: &mut Space, line: &Line, add: bool) {
        let Some(both) = cover::line(&self.facts, line) else { return };
        for (side, cube) in [(&mut self.sets.forth, both.forth), (&mut self.sets.back, both.back)] {
            let set = cube.set(space);
            if add {
                space.add(side, &set)
            } else {
                space.take(side, &set)
            }
            space.release(set);
        }
    }

    pub fn add_grant(&mut self, space: &mut Space, grant: &Grant) -> Result<(), Breach> {
        let because = || Because::Grant(grant.id);
        if let Some((invariant, fault)) = cover::grant_breach(&self.facts, grant) {
            return Err((invariant, fault, because()));
        }
        let live = Live::new(grant, &self.facts.site.id).ok_or((Invariant::GrantSane, Fault::GrantEnds, because()))?;
        if self.grants.get(&grant.id).is_some() {
            return Err((Invariant::Fits, Fault::DeltaMisfit, because()));
        }
        for line in live.lines() {
            if self.lines.more(line) {
                self.cover(space, &line, true);
            }
        }
        self.grants.set(grant.id, live);
        Ok(())
    }

    /// Lets a live grant last longer: sets of packets know no time.
    pub fn renew_grant(&mut self, renewal: &Renewal) -> Result<(), Breach> {
        match self.grants.get(&renewal.grant) {
            Some(_) => Ok(()),
            None => Err((Invariant::Fits, Fault::DeltaMisfit, Because::Grant(renewal.grant))),
        }
    }

    /// Ends a grant. What it covered and nothing else covers any more is given for judging.
    pub fn remove_grant(&mut self, space: &mut Space, id: GrantId, left: &mut Vec<Set>) -> Result<Live, Breach> {
        let live = self.grants.remove(&id).ok_or((Invariant::Fits, Fault::DeltaMisfit, Because::Grant(id)))?;
        for line in live.lines() {
            if self.lines.less(&line) == Some(true) {
                if let Some(both) = cover::line(&self.facts, &line) {
                    left.extend([both.forth.set(space), both.back.set(space)]);
                }
                self.cover(space, &line, false);
            }
        }
        Ok(live)
    }

    fn owns(&mut self, owner: CookieOwner, add: bool, because: impl Fn() -> Because) -> Result<(), Breach> {
        let CookieOwner::Grant(id) = owner else { return Ok(()) };
        match self.grants.get(&id).cloned() {
            Some(mut live) => {
                live.things = if add { live.things + 1 } else { live.things.saturating_sub(1) };
                self.grants.set(id, live);
                Ok(())
            }
            None if add => Err((Invariant::LiveOwner, Fault::GrantNotLive, because())),
            None => Ok(()),
        }
    }

    /// Adds a rule. Gives its set with what it makes of packets, or nothing if it can never match. The set is not yet in
    /// the table: see [`Place::install`].
    pub fn add_rule(&mut self, space: &mut Space, rule: &FlowRule) -> Result<Option<Set>, Breach> {
        let because = || because(rule);
        let refuse = |invariant, fault| Err((invariant, fault, because()));
        if rule.switch != self.facts.site.switch.id {
            return refuse(Invariant::Pipeline, Fault::UnknownSwitch);
        }
        if let Some((invariant, fault)) = shape_breach(rule) {
            return refuse(invariant, fault);
        }
        self.owner_allowed(rule)?;
        self.owns(rule.owner, true, because)?;
        let Some(cube) = matched(&rule.matches, rule.table) else { return Ok(None) };
        let matches = cube.set(space);
        let table = rule.table.number();
        let number = self.free.pop().unwrap_or_else(|| {
            self.records.push(None);
            self.records.len() as u32 - 1
        });
        let Some(made) = effect(rule, cube, number) else {
            self.free.push(number);
            space.release(matches);
            return refuse(Invariant::Pipeline, Fault::ActionNotHere);
        };
        self.answer_truth(rule)?;
        let twin = self.numbers.set((table, rule.priority, matches.number()), number);
        self.records[number as usize] =
            Some(Record { matches, owner: rule.owner, table: rule.table, priority: rule.priority });
        self.made.push(number);
        if twin.is_some() {
            return refuse(Invariant::OneRule, Fault::EqualMatch);
        }
        Ok(Some(made.set(space)))
    }

    /// Puts rules that were added into their table.
    pub fn install(&mut self, space: &mut Space, table: Table, priority: u16, made: &Set) {
        let table = usize::from(table.number());
        let level = self.sets.levels[table].entry(priority).or_insert_with(|| space.none());
        space.add(level, made);
        self.stale[table] = true;
    }

    /// Removes a rule. Gives the packets it matched.
    pub fn remove_rule(&mut self, space: &mut Space, rule: &FlowRule) -> Result<Option<Set>, Breach> {
        self.owns(rule.owner, false, || because(rule))?;
        let misfit = || (Invariant::Fits, Fault::DeltaMisfit, because(rule));
        if let Some(told) = told(rule) {
            self.answers.less(&told);
        }
        let Some(cube) = matched(&rule.matches, rule.table) else { return Ok(None) };
        let matches = cube.set(space);
        let table = rule.table.number();
        let Some(number) = self.numbers.remove(&(table, rule.priority, matches.number())) else {
            space.release(matches);
            return Err(misfit());
        };
        let Some(made) = effect(rule, cube, number) else { return Err(misfit()) };
        let made = made.set(space);
        if let Some(level) = self.sets.levels[usize::from(table)].get_mut(&rule.priority) {
            space.take(level, &made);
        }
        space.release(made);
        if let Some(record) = self.records[number as usize].take() {
            if let Some(at) = self.made.iter().position(|n| *n == number) {
                self.made.swap_remove(at);
                space.release(record.matches);
                self.free.push(number);
            } else {
                self.gone.push((number, record));
            }
        }
        self.stale[usize::from(table)] = true;
        Ok(Some(matches))
    }

    fn owner_allowed(&self, rule: &FlowRule) -> Result<(), Breach> {
        let refuse = |invariant, fault| Err((invariant, fault, because(rule)));
        match (rule.owner, rule.table) {
            (CookieOwner::Refusal, _) if !rule.actions.is_empty() => refuse(Invariant::Refusals, Fault::RefusalAllows),
            (CookieOwner::Grant(_), Table::Connections) | (CookieOwner::Standing | CookieOwner::Refusal, _) => Ok(()),
            (CookieOwner::InHouse(n), Table::Zones) => match self.facts.site.in_house.get(n as usize) {
                None => refuse(Invariant::LiveOwner, Fault::WishNotThere),
                Some(wish) => match cover::wish_breach(&self.facts, wish) {
                    Some((invariant, fault)) => refuse(invariant, fault),
                    None => Ok(()),
                },
            },
            _ => refuse(Invariant::Pipeline, Fault::ForeignOwner),
        }
    }

    /// Questions for an address are answered with registered bindings only (I21).
    fn answer_truth(&mut self, rule: &FlowRule) -> Result<(), Breach> {
        let Some(told) = told(rule) else { return Ok(()) };
        let m = &rule.matches;
        let asked = match told.0 {
            IpAddr::V4(ip) => {
                m.eth_type == Some(EtherType::Arp) && m.arp_op == Some(ArpOp::Request) && m.arp_tpa == Some(ip)
            }
            IpAddr::V6(_) => m.eth_type == Some(EtherType::Neighbour) && m.ip_dst == Some(told.0.into()),
        };
        if !asked || !self.is_bound(&told) {
            return Err((Invariant::ArpAnswers, Fault::ArpLie, because(rule)));
        }
        self.answers.more(told);
        Ok(())
    }

    fn is_bound(&self, (address, mac, router): &Told) -> bool {
        let site = &self.facts.site;
        let is = |mac_there: Mac, is_router| mac_there == *mac && router.is_none_or(|router| router == is_router);
        match site.host_at(*address) {
            Some(host) => is(host.mac, false),
            None => site.segments.values().any(|s| s.gateway_address() == *address) && is(site.gateway.mac, true),
        }
    }

    pub fn add_filter(&mut self, space: &mut Space, f: &Filter) -> Result<(), Breach> {
        let because = || because_filter(f);
        if f.ports.is_empty() {
            return Err((Invariant::Filters, Fault::FilterWide, because()));
        }
        match f.owner {
            CookieOwner::Grant(_) => self.owns(f.owner, true, because)?,
            CookieOwner::Transit(n) => {
                if let Some((invariant, fault)) = cover::transit_breach(&self.facts, f, n) {
                    return Err((invariant, fault, because()));
                }
                self.transit.set(f.clone(), 1);
            }
            _ => return Err((Invariant::Filters, Fault::FilterOwner, because())),
        }
        self.change_filter(space, f, true)
    }

    pub fn remove_filter(&mut self, space: &mut Space, f: &Filter) -> Result<(), Breach> {
        self.owns(f.owner, false, || because_filter(f))?;
        self.transit.remove(f);
        self.change_filter(space, f, false)
    }

    fn change_filter(&mut self, space: &mut Space, f: &Filter, add: bool) -> Result<(), Breach> {
        for port in &f.ports {
            let line = (f.from, f.to, f.source, f.destination, f.protocol, *port, f.direction);
            let side = &mut self.sets.accepts[usize::from(f.direction == FlowDirection::Reply)];
            if add {
                if self.filters.more(line) {
                    let set = cover::filter(f, *port).set(space);
                    space.add(side, &set);
                    space.release(set);
                }
                continue;
            }
            let last = self.filters.less(&line).ok_or((Invariant::Fits, Fault::DeltaMisfit, because_filter(f)))?;
            if last {
                let set = cover::filter(f, *port).set(space);
                space.take(side, &set);
                space.release(set);
            }
        }
        Ok(())
    }

    pub fn add_tunnel(&mut self, space: &mut Space, t: &Tunnel) -> Result<(), Breach> {
        self.owns(CookieOwner::Grant(t.grant), true, || because_tunnel(t))?;
        let refuse = |invariant, fault| Err((invariant, fault, because_tunnel(t)));
        let Some(peer) = self.facts.peers.get(&t.peer) else {
            return refuse(Invariant::KnownPeer, Fault::UnknownPeer);
        };
        if !peer.prefixes.iter().any(|n| n.contains(&t.remote.address)) {
            return refuse(Invariant::KnownPeer, Fault::AddressNotOfPeer);
        }
        if t.local.protocol != t.remote.protocol || t.local.address.is_ipv4() != t.remote.address.is_ipv4() {
            return refuse(Invariant::Selectors, Fault::SelectorWide);
        }
        if t.local.ports.is_empty() == t.remote.ports.is_empty() {
            let wide = t.local.ports.is_empty();
            return if wide {
                refuse(Invariant::Selectors, Fault::SelectorWide)
            } else {
                refuse(Invariant::Together, Fault::SelectorNarrow)
            };
        }
        if self.tunnels.set(t.grant, Arc::new(t.clone())).is_some() {
            return refuse(Invariant::Mirrored, Fault::TunnelTwice);
        }
        if t.initiator != (self.facts.site.id < t.peer) {
            return refuse(Invariant::Mirrored, Fault::WrongInitiator);
        }
        self.change_tunnel(space, t, true)
    }

    /// The tunnel of a grant here.
    pub fn tunnel_of(&self, grant: GrantId) -> Option<&Tunnel> {
        self.tunnels.get(&grant).map(Arc::as_ref)
    }

    pub fn remove_tunnel(&mut self, space: &mut Space, t: &Tunnel) -> Result<(), Breach> {
        self.owns(CookieOwner::Grant(t.grant), false, || because_tunnel(t))?;
        self.tunnels.remove(&t.grant);
        self.change_tunnel(space, t, false)
    }

    fn change_tunnel(&mut self, space: &mut Space, t: &Tunnel, add: bool) -> Result<(), Breach> {
        let near_serves = !t.local.ports.is_empty();
        let side = &mut self.sets.outward[usize::from(near_serves)];
        let ports = if near_serves { &t.local.ports } else { &t.remote.ports };
        for (port, cube) in ports.iter().zip(cover::outward(t)) {
            let (local, remote) = if near_serves { (Some(*port), None) } else { (None, Some(*port)) };
            let line = (t.local.address, t.remote.address, t.local.protocol, local, remote);
            let changes = if add {
                self.takes.more(line)
            } else {
                self.takes.less(&line).ok_or((Invariant::Fits, Fault::DeltaMisfit, because_tunnel(t)))?
            };
            if changes {
                let set = cube.set(space);
                if add {
                    space.add(side, &set)
                } else {
                    space.take(side, &set)
                }
                space.release(set);
            }
        }
        Ok(())
    }

    /// Resolves the priorities of small tables that changed.
    pub fn resolve(&mut self, space: &mut Space) {
        for table in Table::ALL {
            let t = usize::from(table.number());
            if !std::mem::take(&mut self.stale[t]) || table == Table::Connections {
                continue;
            }
            let mut work = Work::new(space);
            let none = work.space.none();
            let (mut taken, mut resolved) = (work.have(&none), work.have(&none));
            for level in self.sets.levels[t].values().rev() {
                let level = work.have(level);
                let open = work.less(level, taken);
                resolved = work.or(resolved, open);
                let header = work.forget(level, written(table));
                taken = work.or(taken, header);
            }
            let drops = work.is(NEXTS[t], 0);
            let resolved = work.less(resolved, drops);
            let resolved = work.keep(resolved);
            work.done();
            space.release(std::mem::replace(&mut self.sets.resolved[t], resolved));
        }
    }
}

pub(super) fn because(rule: &FlowRule) -> Because {
    Because::Rule { switch: rule.switch.clone(), table: rule.table, priority: rule.priority, owner: rule.owner }
}

pub(super) fn because_filter(f: &Filter) -> Because {
    Because::Filter { owner: f.owner, from: f.from, to: f.to, source: f.source, destination: f.destination }
}

pub(super) fn because_tunnel(t: &Tunnel) -> Because {
    Because::Tunnel { grant: t.grant, peer: t.peer.clone() }
}
