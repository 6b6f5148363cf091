//! The state wanted changes: by a slice, as a whole, or because a lease ended.

use model::{CookieOwner, Generation, Grant, GrantId, SiteDelta, SiteState, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Closing, SiteMachine};
use crate::event::{CloseCause, Outbox, Report};
use crate::idle::Idle;

impl SiteMachine {
    /// The change of a slice, part by part: the cost follows the slice, not the state.
    pub(super) fn advance(&mut self, delta: &SiteDelta, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
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
            self.idle.forget(grant.id);
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
            self.tunnels.unwant(tunnel, now, out);
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
            self.first_packets.expect(next, grant, now, out);
            watch(&mut self.idle, next, grant, now);
            self.passages.watch(grant.id, now);
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
            self.first_packets.renew(grant);
            if now < grant.lease_until && self.lapsed.remove(&grant.id) {
                self.first_packets.admit(&state, grant);
                watch(&mut self.idle, &state, grant, now);
                self.passages.watch(grant.id, grant.granted_at);
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
    pub(super) fn replace(&mut self, next: SiteState, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
        let first = self.state.is_none();
        let empty = SiteState::empty(next.facts.clone());
        let before = self.state.take().unwrap_or_else(|| Arc::new(empty));
        for (id, grant) in &before.grants {
            let same = next.grants.get(id) == Some(grant);
            if !same {
                self.leases.remove(&(grant.lease_until, *id));
                self.first_packets.withdraw(grant);
                self.idle.forget(*id);
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
            self.tunnels.unwant(tunnel, now, out);
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
                if before.grants.get(id) != Some(grant) {
                    self.first_packets.admit(&next, grant);
                    watch(&mut self.idle, &next, grant, now);
                    self.passages.watch(*id, grant.granted_at);
                }
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
    pub(super) fn lapse(&mut self, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
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
            self.tunnels.unwant(tunnel, now, out);
        }
        for filter in state.filters.iter().filter(|f| is_ended(f.owner)) {
            self.filters.unwant(filter);
        }
        for id in &ended {
            if let Some(grant) = state.grants.get(id) {
                self.first_packets.withdraw(grant);
            }
            self.idle.forget(*id);
            self.said.remove(id);
            out.report(Report::Lapsed(*id));
            self.lapsed.insert(*id);
            self.closing.insert(*id, Closing { cause: CloseCause::Lease, generation: Generation(0) });
        }
        ended
    }
}

/// Its origin's gate watches a grant: the other end sees the same packets.
fn watch(idle: &mut Idle, state: &SiteState, grant: &Grant, now: Timestamp) {
    if grant.origin.site == state.facts.site.id {
        idle.watch(grant, now);
    }
}
