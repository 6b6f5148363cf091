//! One site's state machine: the state wanted, what is observed, and what to do about the difference.

use model::{Generation, GrantId, SiteState, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use verify::VerifiedState;

use crate::event::{CloseCause, Event, Outbox, Output, Place, Report, earlier};
use crate::filters::Filters;
use crate::first_packet::{FirstPackets, Judgement};
use crate::idle::Idle;
use crate::ike::IkePolicy;
use crate::nftables::RedInterfaces;
use crate::passages::Passages;
use crate::rules::Rules;
use crate::strangers;
use crate::tunnels::Tunnels;

mod change;

/// How long flow rules wait at most until their tunnel is configured and, where it is begun, asked for.
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
    /// First packets a second the switch may send from each port.
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
    idle: Idle,
    passages: Passages,
    /// When the switch was asked last for what it counted.
    read_asked: Timestamp,
    /// Grants whose lease ended before the center said so: in the state, but no longer wanted.
    lapsed: BTreeSet<GrantId>,
    leases: BTreeSet<(Timestamp, GrantId)>,
    closing: BTreeMap<GrantId, Closing>,
    said: BTreeMap<GrantId, Said>,
    kept: Generation,
    /// The center does not know yet that the state is in force.
    owes_acceptance: bool,
    /// While an opening's tunnel is being configured, and at the end that begins until it has begun, its flow rules and
    /// filters wait: to negotiate takes longest, so it is begun first, and they are made while the peers speak.
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
            idle: Idle::new(),
            passages: Passages::default(),
            read_asked: now,
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

    /// Forgets what it would still say of grants that ended: for a gate in waiting, which says nothing.
    pub fn keep_silent(&mut self) {
        self.closing.keys().for_each(|ended| self.passages.forget(*ended));
        self.closing.clear();
        self.said.clear();
    }

    /// First packets that wait here, for the center's answer or for their grant: a bounded number (N1).
    pub fn first_packets_held(&self) -> usize {
        self.first_packets.held()
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
        let leads_on = matches!(event, Event::Order(_) | Event::Snapshot(_));
        let mut touched = self.take(event, now, out);
        touched.extend(self.lapse(now, out));
        if leads_on {
            self.tunnels.forget_announced(now);
        }
        if self.tunnels_first.is_some() {
            self.tunnels.drive(now, out);
            let busy = self.tunnels.is_loading() || self.tunnels.is_to_begin();
            self.tunnels_first = self.tunnels_first.filter(|until| now < *until && busy);
        }
        // The other end waits for this word: it goes out before the rules do.
        for grant in &touched {
            self.say_prepared(*grant, out);
        }
        if self.tunnels_first.is_none() {
            self.rules.drive(self.generation().unwrap_or(Generation(0)), now, out);
            self.tunnels.drive(now, out);
            self.filters.drive(now, out);
        }
        touched.extend(self.closing.keys());
        for grant in touched {
            self.say(grant, now, out);
        }
        self.first_packets.tick(now, out);
        if self.idle.must_read(now) {
            self.rules.doubt(now);
        }
        if out.outputs.iter().any(|output| matches!(output, Output::ReadFlows { .. })) {
            self.read_asked = now;
        }
        self.first_packets.let_go().for_each(|grant| self.passages.passed(grant, now));
        out.outputs.extend(self.passages.news().map(|(grant, first)| Output::Report(Report::Carried { grant, first })));
        self.accept(out);
    }

    /// When to call again with [`Event::Tick`], if nothing happens before.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let lease = earlier(self.leases.first().map(|(until, _)| *until), self.tunnels_first);
        let lease = earlier(lease, earlier(self.first_packets.next_deadline(), self.idle.next_deadline()));
        let parts = [self.rules.next_deadline(), self.tunnels.next_deadline(), self.filters.next_deadline()];
        parts.into_iter().fold(lease, earlier)
    }

    /// Returns the grants whose standing may have changed.
    fn take(&mut self, event: Event, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
        match event {
            Event::Order(slice) => {
                let (at, offered) = (self.generation(), slice.delta().generation);
                if at.is_some_and(|at| offered <= at) {
                    return self.again(slice.delta().grants());
                }
                if at != Some(slice.delta().parent) {
                    out.report(Report::OutOfStep { at, offered });
                    return BTreeSet::new();
                }
                self.advance(slice.delta(), now, out)
            }
            Event::Prepare(slice) => {
                if self.generation() == Some(slice.delta().parent) {
                    slice.delta().tunnels_added.iter().for_each(|tunnel| self.tunnels.announce(tunnel, now));
                }
                BTreeSet::new()
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
            Event::Opened(grant) => {
                self.first_packets.opened(grant, now, out);
                BTreeSet::new()
            }
            Event::FirstPacketAnswered(answer) => {
                if let Some(state) = self.state.as_deref() {
                    self.first_packets.answered(&answer, state, now, out);
                }
                BTreeSet::new()
            }
            Event::CenterDown => {
                self.first_packets.link(false);
                BTreeSet::new()
            }
            Event::CenterUp => {
                self.first_packets.link(true);
                self.idle.say_again(now);
                self.passages.say_again();
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
                if self.rules.on_entries(read, &entries, now, out) {
                    let fallen = self.idle.read(|grant| self.rules.packets(grant), now);
                    self.passages.read(|grant| self.rules.packets(grant), self.read_asked, now);
                    out.outputs.extend(fallen.into_iter().map(|grant| Output::Report(Report::Idle(grant))));
                }
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
            Event::IkeUp(connection) => self.tunnels.on_ike(&connection, true, now, out),
            Event::IkeDown(connection) => self.tunnels.on_ike(&connection, false, now, out),
            Event::ChildUp { connection, child, number } => {
                self.tunnels.on_child_up(&connection, &child, number, now, out).into_iter().collect()
            }
            Event::ChildDown { connection, child, number } => {
                self.tunnels.on_child_down(&connection, &child, number, now).into_iter().collect()
            }
            Event::SaList { connections, ike, children } => {
                for used in children.iter().filter_map(|sa| Some((sa.child.parse().ok()?, sa.used?))) {
                    self.passages.used(used.0, used.1, now);
                }
                self.tunnels.on_list(&connections, &ike, &children, now, out)
            }
            Event::ChildUsed { child, used } => {
                if let Ok(grant) = child.parse() {
                    self.passages.used(grant, used, now);
                }
                BTreeSet::new()
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

    fn first_packet(&mut self, packet: openflow::PacketIn, now: Timestamp, out: &mut Outbox) {
        let Some(state) = self.state.as_deref() else { return };
        match self.first_packets.judge(packet, state, &self.rules, now, out) {
            Judgement::Doubtful => self.rules.doubt(now),
            Judgement::Released(grant) => self.passages.passed(grant, now),
            Judgement::Held | Judgement::Refused | Judgement::Ignored => {}
        }
    }

    /// Says what became observable of a grant, once.
    fn say(&mut self, grant: GrantId, now: Timestamp, out: &mut Outbox) {
        if let Some(closing) = self.closing.get(&grant).copied() {
            let gone = self.kept >= closing.generation
                && self.rules.clear_of(grant)
                && self.tunnels.clear_of(grant)
                && self.filters.clear_of(grant);
            if gone {
                self.closing.remove(&grant);
                let traffic = self.rules.take_counters(grant);
                let passage = self.passages.end(grant, &traffic, now);
                out.report(Report::Closed { grant, cause: closing.cause, traffic, passage });
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
        // Halfway states are no news unless the center asked, or something whole was lost.
        let whole = complete && sa;
        if whole {
            self.first_packets.whole(grant, now, out);
        }
        if whole != said.whole || said.asked {
            said.whole = whole;
            said.asked = false;
            out.report(Report::Observed { grant, flows, wanted, complete, sa });
        }
    }

    /// A tunnel without flow rules carries nothing, so its negotiation need not wait for them.
    fn say_prepared(&mut self, grant: GrantId, out: &mut Outbox) {
        let held = self.state.as_ref().is_some_and(|s| s.grants.contains_key(&grant));
        if !held || self.lapsed.contains(&grant) || self.closing.contains_key(&grant) || !self.tunnels.prepared(grant) {
            return;
        }
        if !std::mem::replace(&mut self.said.entry(grant).or_default().prepared, true) {
            out.report(Report::Prepared(grant));
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
