//! One site's state machine: the state wanted, what is observed, and what to do about the difference.

use model::{CookieOwner, Generation, Grant, GrantId, SiteDelta, SiteState, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use verify::VerifiedState;

use crate::event::{CloseCause, Event, Outbox, Output, Place, Report, earlier};
use crate::filters::Filters;
use crate::first_packet::{FirstPackets, Judgement};
use crate::ike::IkePolicy;
use crate::nftables::RedInterfaces;
use crate::rules::Rules;
use crate::strangers;
use crate::tunnels::Tunnels;

/// How long flow rules wait for a tunnel's configuration at most.
const TUNNELS_FIRST_MS: i64 = 5;

/// What a site's machine is told once.
#[derive(Debug, Clone)]
pub struct SiteConfig {
    /// Interfaces of the red namespace.
    pub red: RedInterfaces,
    /// Algorithms and lifetimes of tunnels.
    pub ike: IkePolicy,
    /// Milliseconds between two looks at what really stands.
    pub audit_ms: i64,
    /// Milliseconds an IKE SA without children is kept for the next grant; 0 ends it at once.
    pub ike_linger_ms: i64,
    /// First packets a second the switch may send.
    pub first_packets_per_second: u32,
}

#[derive(Debug, Clone, Copy)]
struct Closing {
    cause: CloseCause,
    /// Must be on disk before the end is reported, or a restart would open it again.
    generation: Generation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Said {
    prepared: bool,
    whole: bool,
    /// The center asked how it stands, whole or not.
    asked: bool,
}

/// The machine. Feed it every [`Event`] and call it again at [`SiteMachine::next_deadline`].
pub struct SiteMachine {
    state: Option<Arc<SiteState>>,
    rules: Rules,
    tunnels: Tunnels,
    filters: Filters,
    first_packets: FirstPackets,
    /// Grants whose lease ended before the center said so: in the state, but no longer wanted.
    lapsed: BTreeSet<GrantId>,
    leases: BTreeSet<(Timestamp, GrantId)>,
    closing: BTreeMap<GrantId, Closing>,
    said: BTreeMap<GrantId, Said>,
    kept: Generation,
    /// The center does not know yet that the state is in force.
    owes_acceptance: bool,
    /// While an opening's tunnel is being configured, its flow rules and filters wait: to negotiate takes longest, so
    /// it is begun first, and they are made while the peers speak.
    tunnels_first: Option<Timestamp>,
}

impl SiteMachine {
    /// A machine that starts from the last state kept on disk, verified again, or from nothing. With nothing it leaves
    /// the data plane as it is until the center speaks (X4).
    pub fn new(kept: Option<VerifiedState>, config: SiteConfig, now: Timestamp) -> Self {
        let mut machine = Self {
            state: None,
            rules: Rules::new(config.audit_ms, config.first_packets_per_second),
            tunnels: Tunnels::new(config.ike, config.audit_ms, config.ike_linger_ms),
            filters: Filters::new(config.red, config.audit_ms),
            first_packets: FirstPackets::new(),
            lapsed: BTreeSet::new(),
            leases: BTreeSet::new(),
            closing: BTreeMap::new(),
            said: BTreeMap::new(),
            kept: Generation(0),
            owes_acceptance: false,
            tunnels_first: None,
        };
        if let Some(state) = kept {
            let state = state.into_state();
            machine.kept = state.generation;
            // Nothing can be inexpressible here that was not reported when it was first ordered.
            machine.replace(state, now, &mut Outbox::default());
        }
        machine
    }

    /// The state wanted, if there is one.
    pub fn state(&self) -> Option<&Arc<SiteState>> {
        self.state.as_ref()
    }

    /// Generation of the state wanted.
    pub fn generation(&self) -> Option<Generation> {
        self.state.as_ref().map(|s| s.generation)
    }

    /// Takes an event; returns what to do. `now` never goes back.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Outbox {
        let mut out = Outbox::default();
        self.handle_into(event, now, &mut out);
        out
    }

    /// As [`SiteMachine::handle`], into a buffer that is used again: the way for first packets.
    pub fn handle_into(&mut self, event: Event, now: Timestamp, out: &mut Outbox) {
        if let Event::PacketIn(packet) = event {
            return self.first_packet(*packet, now, out);
        }
        match &event {
            Event::Order(slice)
                if slice.delta().grants_removed.is_empty() && !slice.delta().grants_added.is_empty() =>
            {
                self.tunnels_first = Some(now.plus_ms(TUNNELS_FIRST_MS));
            }
            // What ends a connection waits for nothing.
            Event::Order(_) | Event::Snapshot(_) => self.tunnels_first = None,
            _ => {}
        }
        let mut touched = self.take(event, now, out);
        touched.extend(self.lapse(now, out));
        if self.tunnels_first.is_some() {
            self.tunnels.drive(now, out);
            self.tunnels_first = self.tunnels_first.filter(|until| now < *until && self.tunnels.is_loading());
        }
        if self.tunnels_first.is_none() {
            self.rules.drive(self.generation().unwrap_or(Generation(0)), now, out);
            self.tunnels.drive(now, out);
            self.filters.drive(now, out);
        }
        touched.extend(self.closing.keys());
        for grant in touched {
            self.say(grant, out);
        }
        self.accept(out);
    }

    /// When to call again with [`Event::Tick`], if nothing happens before.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let lease = earlier(self.leases.first().map(|(until, _)| *until), self.tunnels_first);
        let parts = [self.rules.next_deadline(), self.tunnels.next_deadline(), self.filters.next_deadline()];
        parts.into_iter().fold(lease, earlier)
    }

    /// Returns the grants whose standing may have changed.
    fn take(&mut self, event: Event, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
        match event {
            Event::Order(slice) => {
                let (at, offered) = (self.generation(), slice.delta().generation);
                if at.is_some_and(|at| offered <= at) {
                    return self.again(grants_of(slice.delta()));
                }
                if at != Some(slice.delta().parent) {
                    out.report(Report::OutOfStep { at, offered });
                    return BTreeSet::new();
                }
                self.advance(slice.delta(), now, out)
            }
            Event::Repeated { grants } => self.again(grants),
            Event::Snapshot(state) => {
                let offered = state.state().generation;
                if self.generation().is_some_and(|at| offered < at) {
                    out.report(Report::OutOfStep { at: self.generation(), offered });
                    return BTreeSet::new();
                }
                let state = state.into_state();
                if self.state.as_deref() == Some(&state) {
                    self.owes_acceptance = true;
                    return self.everything();
                }
                let touched = self.replace(state, now, out);
                self.keep(out);
                touched
            }
            Event::Go(grant) => {
                self.tunnels.go(grant, now);
                BTreeSet::new()
            }
            Event::CenterUp => {
                self.owes_acceptance = true;
                let all = self.everything();
                self.said = all.iter().map(|id| (*id, Said { asked: true, ..Said::default() })).collect();
                all
            }
            Event::Persisted(generation) => {
                self.kept = self.kept.max(generation);
                BTreeSet::new()
            }
            Event::PersistFailed(generation, error) => {
                out.report(Report::NotPersisted { generation, error });
                // Enforced from memory; holding the report back would not make it more true.
                self.kept = self.kept.max(generation);
                BTreeSet::new()
            }
            Event::SwitchUp => {
                out.report(Report::Link { place: Place::Switch, up: true });
                if self.state.is_some() {
                    self.rules.up(out);
                } else {
                    self.rules.wait();
                }
                BTreeSet::new()
            }
            Event::SwitchDown => {
                if !self.rules.is_down() {
                    out.report(Report::Link { place: Place::Switch, up: false });
                }
                self.rules.down();
                self.everything()
            }
            Event::FlowStats { read, entries } => {
                self.rules.on_entries(read, &entries, now, out);
                self.everything()
            }
            Event::Furniture { groups, meters } => {
                self.rules.on_furniture(&groups, &meters, out);
                BTreeSet::new()
            }
            Event::FlowChanged(change) => self.rules.on_changed(&change, now, out).into_iter().collect(),
            Event::FlowsUnclear => {
                self.rules.doubt(now);
                BTreeSet::new()
            }
            Event::Unmonitored(why) => {
                self.rules.on_unmonitored(&why, out);
                BTreeSet::new()
            }
            Event::RoleChanged(role, generation) => {
                out.report(strangers::usurper(role, generation));
                BTreeSet::new()
            }
            Event::BundleCommitted(bundle) => self.rules.on_committed(bundle, now, out),
            Event::BundleRejected(bundle, error) => {
                self.rules.on_rejected(bundle, &error, now, out);
                BTreeSet::new()
            }
            Event::ConntrackFlushed(flush, outcome) => self.rules.on_flushed(flush, outcome, out),
            Event::FlowRemoved(removed) => self.rules.on_removed(&removed).into_iter().collect(),
            Event::PacketIn(packet) => {
                self.first_packet(*packet, now, out);
                BTreeSet::new()
            }
            Event::PortStatus { port, up } => {
                out.report(Report::Port { port, up });
                BTreeSet::new()
            }
            Event::CharonUp => {
                out.report(Report::Link { place: Place::Tunnels, up: true });
                self.tunnels.charon_up(now);
                self.everything()
            }
            Event::CharonDown => {
                out.report(Report::Link { place: Place::Tunnels, up: false });
                self.tunnels.charon_down();
                self.everything()
            }
            Event::ConnectionLoaded(revision) => self.tunnels.on_loaded(revision),
            Event::ConnectionRefused(revision, error) => {
                self.tunnels.on_load_refused(revision, &error, now, out);
                BTreeSet::new()
            }
            Event::IkeUp(connection) => self.tunnels.on_ike(&connection, true, now),
            Event::IkeDown(connection) => self.tunnels.on_ike(&connection, false, now),
            Event::ChildUp { connection, child } => {
                self.tunnels.on_child_up(&connection, &child, now, out).into_iter().collect()
            }
            Event::ChildDown { connection, child } => {
                self.tunnels.on_child_down(&connection, &child, now).into_iter().collect()
            }
            Event::SaList { connections, ike, children } => {
                self.tunnels.on_list(&connections, &ike, &children, now, out)
            }
            Event::InitiateFailed { connection, child, error } => {
                self.tunnels.on_initiate_failed(&connection, &child, &error, now, out);
                BTreeSet::new()
            }
            Event::FilterApplied(change) => {
                if self.filters.on_applied(change) {
                    self.everything()
                } else {
                    BTreeSet::new()
                }
            }
            Event::FilterFailed(change, error) => {
                self.filters.on_failed(change, &error, now, out);
                BTreeSet::new()
            }
            Event::FilterState(state) => {
                self.filters.on_state(state, now, out);
                self.everything()
            }
            Event::Tick => BTreeSet::new(),
        }
    }

    /// The change of a slice, part by part: the cost follows the slice, not the state.
    fn advance(&mut self, delta: &SiteDelta, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
        let Some(mut state) = self.state.take() else { return BTreeSet::new() };
        let before = |id: &GrantId| state.grants.get(id).cloned();
        let ended: Vec<Grant> = delta.grants_removed.iter().filter_map(before).collect();
        let shorter: Vec<Grant> = delta.grants_renewed.iter().filter_map(|r| before(&r.grant)).collect();
        // In place, unless the state is being written to disk at this moment.
        if Arc::make_mut(&mut state).advance(delta).is_err() {
            // Verified against another state of this number: nothing of it is done.
            out.report(Report::OutOfStep { at: Some(state.generation), offered: delta.generation });
            self.state = Some(state);
            return BTreeSet::new();
        }
        let next = self.state.insert(state);
        let mut touched = BTreeSet::new();
        for grant in &ended {
            self.leases.remove(&(grant.lease_until, grant.id));
            self.first_packets.withdraw(grant);
        }
        for id in &delta.grants_removed {
            self.said.remove(id);
            self.closing.insert(*id, Closing { cause: CloseCause::Order, generation: delta.generation });
            touched.insert(*id);
        }
        if let Some(facts) = &delta.facts {
            self.tunnels.facts(facts);
        }
        for rule in &delta.rules_removed {
            self.rules.unwant(rule);
        }
        for tunnel in &delta.tunnels_removed {
            self.tunnels.unwant(tunnel, now);
        }
        for filter in &delta.filters_removed {
            self.filters.unwant(filter);
        }
        for id in &delta.grants_removed {
            self.lapsed.remove(id);
        }
        for grant in &delta.grants_added {
            self.closing.remove(&grant.id);
            self.leases.insert((grant.lease_until, grant.id));
            self.first_packets.admit(next, grant);
            touched.insert(grant.id);
        }
        for rule in &delta.rules_added {
            self.rules.want(rule, out);
        }
        for tunnel in &delta.tunnels_added {
            self.tunnels.want(tunnel, now);
        }
        for filter in &delta.filters_added {
            self.filters.want(filter);
        }
        touched.extend(self.last_longer(&shorter, now, out));
        self.first_packets.forget_encoded();
        self.keep(out);
        touched
    }

    /// Grants whose lease was extended: no rule, tunnel or filter is touched, unless the lease had ended already and
    /// what it had is wanted again.
    fn last_longer(&mut self, before: &[Grant], now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
        let Some(state) = self.state.clone() else { return BTreeSet::new() };
        let mut back = BTreeSet::new();
        for old in before {
            let Some(grant) = state.grants.get(&old.id) else { continue };
            self.leases.remove(&(old.lease_until, old.id));
            self.leases.insert((grant.lease_until, grant.id));
            self.first_packets.withdraw(old);
            self.first_packets.admit(&state, grant);
            if now < grant.lease_until && self.lapsed.remove(&grant.id) {
                self.closing.remove(&grant.id);
                back.insert(grant.id);
            }
        }
        let returns = |owner: CookieOwner| matches!(owner, CookieOwner::Grant(id) if back.contains(&id));
        if !back.is_empty() {
            state.rules.iter().filter(|r| returns(r.owner)).for_each(|rule| self.rules.want(rule, out));
            state.tunnels.iter().filter(|t| back.contains(&t.grant)).for_each(|t| self.tunnels.want(t, now));
            state.filters.iter().filter(|f| returns(f.owner)).for_each(|filter| self.filters.want(filter));
        }
        before.iter().map(|grant| grant.id).collect()
    }

    /// A whole state: the difference to what was wanted before, computed here.
    fn replace(&mut self, next: SiteState, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
        let first = self.state.is_none();
        let empty = SiteState::empty(next.facts.clone());
        let before = self.state.take().unwrap_or_else(|| Arc::new(empty));
        for (id, grant) in &before.grants {
            let same = next.grants.get(id) == Some(grant);
            if !same {
                self.leases.remove(&(grant.lease_until, *id));
                self.first_packets.withdraw(grant);
                self.said.remove(id);
            }
            if !next.grants.contains_key(id) {
                self.closing.insert(*id, Closing { cause: CloseCause::Order, generation: next.generation });
            }
        }
        self.tunnels.facts(&next.facts);
        let lapsed = self.lapsed.clone();
        let ended = |owner: CookieOwner| matches!(owner, CookieOwner::Grant(id) if lapsed.contains(&id));
        for rule in before.rules.difference(&next.rules).filter(|r| !ended(r.owner)) {
            self.rules.unwant(rule);
        }
        for tunnel in before.tunnels.difference(&next.tunnels).filter(|t| !lapsed.contains(&t.grant)) {
            self.tunnels.unwant(tunnel, now);
        }
        for filter in before.filters.difference(&next.filters).filter(|f| !ended(f.owner)) {
            self.filters.unwant(filter);
        }
        // A renewed lease brings a lapsed grant back: its parts are wanted again although no set changed.
        let back: BTreeSet<GrantId> =
            lapsed.iter().copied().filter(|id| next.grants.get(id).is_some_and(|g| now < g.lease_until)).collect();
        self.lapsed.retain(|id| next.grants.contains_key(id) && !back.contains(id));
        let returns = |owner: CookieOwner| matches!(owner, CookieOwner::Grant(id) if back.contains(&id));
        for rule in next.rules.iter().filter(|r| !before.rules.contains(r) || returns(r.owner)) {
            self.rules.want(rule, out);
        }
        for tunnel in next.tunnels.iter().filter(|t| !before.tunnels.contains(t) || back.contains(&t.grant)) {
            self.tunnels.want(tunnel, now);
        }
        for filter in next.filters.iter().filter(|f| !before.filters.contains(f) || returns(f.owner)) {
            self.filters.want(filter);
        }
        for (id, grant) in &next.grants {
            self.closing.remove(id);
            if !self.lapsed.contains(id) {
                self.leases.insert((grant.lease_until, *id));
                self.first_packets.admit(&next, grant);
            }
        }
        self.first_packets.forget_encoded();
        self.filters.rule();
        let mut touched: BTreeSet<GrantId> = before.grants.keys().copied().collect();
        touched.extend(next.grants.keys());
        self.state = Some(Arc::new(next));
        if first {
            self.rules.rule(out);
        }
        touched
    }

    /// Ends what a lease ended, without waiting for the center (X4). Less is wanted than was proved, never more.
    fn lapse(&mut self, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
        let mut ended = BTreeSet::new();
        let Some(state) = self.state.clone() else { return ended };
        while let Some((until, id)) = self.leases.first().copied()
            && until <= now
        {
            self.leases.pop_first();
            ended.insert(id);
        }
        if ended.is_empty() {
            return ended;
        }
        let is_ended = |owner: CookieOwner| matches!(owner, CookieOwner::Grant(id) if ended.contains(&id));
        for rule in state.rules.iter().filter(|r| is_ended(r.owner)) {
            self.rules.unwant(rule);
        }
        for tunnel in state.tunnels.iter().filter(|t| ended.contains(&t.grant)) {
            self.tunnels.unwant(tunnel, now);
        }
        for filter in state.filters.iter().filter(|f| is_ended(f.owner)) {
            self.filters.unwant(filter);
        }
        for id in &ended {
            if let Some(grant) = state.grants.get(id) {
                self.first_packets.withdraw(grant);
            }
            self.said.remove(id);
            out.report(Report::Lapsed(*id));
            self.lapsed.insert(*id);
            self.closing.insert(*id, Closing { cause: CloseCause::Lease, generation: Generation(0) });
        }
        ended
    }

    fn first_packet(&mut self, packet: openflow::PacketIn, now: Timestamp, out: &mut Outbox) {
        let Some(state) = self.state.as_deref() else { return };
        match self.first_packets.judge(packet, state, &self.rules, now, out) {
            Judgement::Doubtful => self.rules.doubt(now),
            Judgement::Released | Judgement::Refused | Judgement::Ignored => {}
        }
    }

    /// Says what became observable of a grant, once.
    fn say(&mut self, grant: GrantId, out: &mut Outbox) {
        if let Some(closing) = self.closing.get(&grant).copied() {
            let gone = self.kept >= closing.generation
                && self.rules.clear_of(grant)
                && self.tunnels.clear_of(grant)
                && self.filters.clear_of(grant);
            if gone {
                self.closing.remove(&grant);
                let traffic = self.rules.take_counters(grant);
                out.report(Report::Closed { grant, cause: closing.cause, traffic });
            }
            return;
        }
        if !self.state.as_ref().is_some_and(|s| s.grants.contains_key(&grant)) || self.lapsed.contains(&grant) {
            return;
        }
        let (wanted, flows) = self.rules.standing(grant);
        let rules_in = wanted > 0 && flows == wanted;
        let complete = rules_in && self.filters.standing(grant);
        let sa = self.tunnels.is_up(grant);
        let said = self.said.entry(grant).or_default();
        // A tunnel without flow rules carries nothing, so its negotiation need not wait for them.
        if !said.prepared && self.tunnels.prepared(grant) {
            said.prepared = true;
            out.report(Report::Prepared(grant));
        }
        // Halfway states are no news unless the center asked, or something whole was lost.
        let whole = complete && sa;
        if whole != said.whole || said.asked {
            said.whole = whole;
            said.asked = false;
            out.report(Report::Observed { grant, flows, wanted, complete, sa });
        }
    }

    fn accept(&mut self, out: &mut Outbox) {
        let Some(generation) = self.generation().filter(|_| self.owes_acceptance) else { return };
        if self.kept >= generation && self.rules.settled() && self.filters.settled() && self.tunnels.settled() {
            self.owes_acceptance = false;
            out.report(Report::Accepted(generation));
        }
    }

    /// Late or repeated: it changes nothing, but what is known is said again.
    fn again(&mut self, grants: BTreeSet<GrantId>) -> BTreeSet<GrantId> {
        self.owes_acceptance = true;
        for id in &grants {
            let held = self.state.as_ref().is_some_and(|s| s.grants.contains_key(id)) && !self.lapsed.contains(id);
            if held {
                self.said.insert(*id, Said { asked: true, ..Said::default() });
            } else {
                let generation = self.generation().unwrap_or(Generation(0));
                self.closing.entry(*id).or_insert(Closing { cause: CloseCause::Order, generation });
            }
        }
        grants
    }

    fn keep(&mut self, out: &mut Outbox) {
        self.owes_acceptance = true;
        if let Some(state) = &self.state {
            out.push(Output::Persist(Arc::clone(state)));
        }
    }

    fn everything(&self) -> BTreeSet<GrantId> {
        self.state.iter().flat_map(|s| s.grants.keys().copied()).collect()
    }
}

fn grants_of(delta: &SiteDelta) -> BTreeSet<GrantId> {
    let renewed = delta.grants_renewed.iter().map(|r| r.grant);
    delta.grants_added.iter().map(|g| g.id).chain(delta.grants_removed.iter().copied()).chain(renewed).collect()
}
