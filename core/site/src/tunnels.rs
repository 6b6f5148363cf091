//! strongSwan: connections and children wanted, observed, and what to ask for next (RFC 7296).

use model::{GrantId, SiteFacts, SiteId, Timestamp, Tunnel};
use std::collections::{BTreeMap, BTreeSet};

use crate::event::{ChildSa, Outbox, Output, Place, Report, earlier};
use crate::ike::{self, IkePolicy};

mod ahead;
mod peer;

use peer::{Attempt, Initiation, Peer};

/// An initiator that hears no "go" starts by itself.
const START_ALONE_MS: i64 = 300;
/// An end that came back without its SAs waits so long for the initiator, then asks itself.
const COME_BACK_MS: i64 = 1_000;
const FIRST_BACKOFF_MS: i64 = 100;
const LAST_BACKOFF_MS: i64 = 10_000;
/// How long an attempt may take; doubled with each failure.
const FIRST_ATTEMPT_MS: i64 = 1_500;
const RELOAD_MS: i64 = 1_000;
const TERMINATE_AGAIN_MS: i64 = 1_000;
/// The initiator's end deletes a child; the other end does only if that does not come. Two deletes that cross cost
/// both ends an exchange, and one lost answer among them holds the IKE SA up (RFC 7296 §1.4.1, §2.25).
const LEAVE_IT_MS: i64 = 300;

pub(crate) struct Tunnels {
    peers: BTreeMap<SiteId, Peer>,
    peer_of: BTreeMap<GrantId, SiteId>,
    facts: Option<SiteFacts>,
    policy: IkePolicy,
    charon: bool,
    /// A list was read since charon came, or since something was in doubt.
    known: bool,
    listing: Option<Timestamp>,
    /// Its CHILD_SAs, by strongSwan's numbers: an event and a list that tell of the same one are not two.
    up: BTreeMap<GrantId, BTreeSet<u32>>,
    to_start: BTreeMap<GrantId, Attempt>,
    /// Children that are up, or may be, and are not wanted; when to ask (again).
    to_stop: BTreeMap<GrantId, (String, Timestamp)>,
    audit_at: Timestamp,
    audit_ms: i64,
    linger_ms: i64,
    number: u64,
}

impl Tunnels {
    pub(crate) fn new(policy: IkePolicy, audit_ms: i64, linger_ms: i64) -> Self {
        Self {
            peers: BTreeMap::new(),
            peer_of: BTreeMap::new(),
            facts: None,
            policy,
            charon: false,
            known: false,
            listing: None,
            up: BTreeMap::new(),
            to_start: BTreeMap::new(),
            to_stop: BTreeMap::new(),
            audit_at: Timestamp(i64::MAX),
            audit_ms,
            linger_ms,
            number: 0,
        }
    }

    pub(crate) fn facts(&mut self, facts: &SiteFacts) {
        if self.facts.as_ref() != Some(facts) {
            self.facts = Some(facts.clone());
            for peer in self.peers.values_mut() {
                peer.stale = true;
            }
        }
    }

    pub(crate) fn want(&mut self, tunnel: &Tunnel, now: Timestamp) {
        let peer = self.peers.entry(tunnel.peer.clone()).or_default();
        // One that was announced is configured, or on its way to strongSwan.
        peer.stale |= !peer.take_announced(tunnel);
        peer.wanted.insert(tunnel.grant, tunnel.clone());
        peer.linger_until = None;
        self.peer_of.insert(tunnel.grant, tunnel.peer.clone());
        self.to_stop.remove(&tunnel.grant);
        if tunnel.initiator && !self.up.contains_key(&tunnel.grant) {
            self.to_start.insert(tunnel.grant, Attempt::at(now.plus_ms(START_ALONE_MS)));
        }
    }

    pub(crate) fn unwant(&mut self, tunnel: &Tunnel, now: Timestamp, out: &mut Outbox) {
        if let Some(peer) = self.peers.get_mut(&tunnel.peer) {
            peer.wanted.remove(&tunnel.grant);
            peer.stale = true;
            if peer.wanted.is_empty() {
                peer.linger_until = Some(now.plus_ms(self.linger_ms));
            }
        }
        self.peer_of.remove(&tunnel.grant);
        self.to_start.remove(&tunnel.grant);
        if self.up.contains_key(&tunnel.grant) {
            let (connection, child) = (self.name_of(&tunnel.peer), ike::child_name(tunnel.grant));
            out.push(Output::ReadChild { connection, child });
            let wait = if tunnel.initiator { 0 } else { LEAVE_IT_MS };
            self.stop(tunnel.grant, &tunnel.peer, now.plus_ms(wait));
        }
    }

    pub(crate) fn go(&mut self, grant: GrantId, now: Timestamp) {
        if let Some(attempt) = self.to_start.get_mut(&grant)
            && attempt.failures == 0
        {
            attempt.not_before = attempt.not_before.min(now);
        }
    }

    pub(crate) fn charon_up(&mut self, now: Timestamp) {
        self.charon = true;
        self.forget();
        // The initiator cannot know that this end lost its SAs: it would send into nothing until its own dead peer
        // detection gives up. So the end that came back asks; INITIAL_CONTACT (RFC 7296 §2.4) clears the other end.
        let answerers = self.peers.values().flat_map(|p| p.wanted.values().filter(|t| !t.initiator).map(|t| t.grant));
        for grant in answerers {
            self.to_start.entry(grant).or_insert(Attempt::at(now.plus_ms(COME_BACK_MS)));
        }
    }

    pub(crate) fn charon_down(&mut self) {
        self.charon = false;
        self.forget();
    }

    pub(crate) fn on_loaded(&mut self, revision: u64) -> BTreeSet<GrantId> {
        for peer in self.peers.values_mut() {
            if peer.loading.as_ref().is_some_and(|(number, _)| *number == revision) {
                let grants = peer.loading.take().map(|(_, g)| g).unwrap_or_default();
                let touched = grants.union(&peer.loaded).copied().collect();
                peer.loaded = grants;
                peer.is_loaded = true;
                return touched;
            }
        }
        BTreeSet::new()
    }

    pub(crate) fn on_load_refused(&mut self, revision: u64, error: &str, now: Timestamp, out: &mut Outbox) {
        for peer in self.peers.values_mut() {
            if peer.loading.as_ref().is_some_and(|(number, _)| *number == revision) {
                peer.loading = None;
                peer.stale = true;
                peer.load_again_at = Some(now.plus_ms(RELOAD_MS));
                out.report(Report::Refused { place: Place::Tunnels, error: error.to_owned() });
            }
        }
    }

    pub(crate) fn on_ike(&mut self, connection: &str, up: bool, now: Timestamp, out: &mut Outbox) -> BTreeSet<GrantId> {
        let Some(id) = self.peer_named(connection) else { return BTreeSet::new() };
        let Some(peer) = self.peers.get_mut(&id) else { return BTreeSet::new() };
        peer.ike_up = up;
        if up {
            return BTreeSet::new();
        }
        let lost: BTreeSet<GrantId> = peer.wanted.keys().copied().filter(|g| self.up.contains_key(g)).collect();
        let retry = peer.initiating.take().map(|asked| asked.grant);
        for grant in &lost {
            self.up.remove(grant);
            self.start_later(*grant, now);
        }
        // strongSwan says so too when an IKE SA does not come about, say because the peer's certificate is revoked: that
        // is no better the next moment, and somebody must hear of it.
        if let Some(grant) = retry.filter(|grant| self.peer_of.contains_key(grant)) {
            self.fail(grant, "the IKE SA ended before the tunnel was up", now, out);
        }
        // Children of ended grants went with it, and an initiation may have outlived it; the list will say so.
        self.known = false;
        lost
    }

    pub(crate) fn on_child_up(
        &mut self,
        connection: &str,
        child: &str,
        number: u32,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Option<GrantId> {
        let Some((id, grant)) = self.resolve(connection, child) else {
            out.report(Report::Foreign { place: Place::Tunnels, what: format!("child {child} of {connection}") });
            return None;
        };
        self.up.entry(grant).or_default().insert(number);
        self.to_start.remove(&grant);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.ike_up = true;
            if peer.is_asking_for(grant) {
                peer.initiating = None;
            }
        }
        if !self.is_expected(grant, &id) {
            self.stop(grant, &id, now);
        }
        Some(grant)
    }

    pub(crate) fn on_child_down(
        &mut self,
        connection: &str,
        child: &str,
        number: u32,
        now: Timestamp,
    ) -> Option<GrantId> {
        let (_, grant) = self.resolve(connection, child)?;
        if let Some(numbers) = self.up.get_mut(&grant) {
            let told = numbers.remove(&number);
            // One that was rekeyed since the last list goes under a number not heard of: if only one was there, it was that.
            if !told && numbers.len() == 1 {
                numbers.clear();
            }
            if !numbers.is_empty() {
                self.known &= told;
                return Some(grant);
            }
        }
        self.up.remove(&grant);
        self.to_stop.remove(&grant);
        if self.start_later(grant, now) {
            // Whether an initiation of ours is still under way, only the list can tell.
            self.known = false;
        }
        Some(grant)
    }

    pub(crate) fn on_initiate_failed(
        &mut self,
        connection: &str,
        child: &str,
        error: &str,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        let Some((id, grant)) = self.resolve(connection, child) else { return };
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.is_asking_for(grant)
        {
            peer.initiating = None;
            self.fail(grant, error, now, out);
        }
    }

    /// Grants whose standing may have changed.
    pub(crate) fn on_list(
        &mut self,
        connections: &BTreeSet<String>,
        ike_up: &BTreeSet<String>,
        children: &[ChildSa],
        now: Timestamp,
        out: &mut Outbox,
    ) -> BTreeSet<GrantId> {
        if !self.charon {
            return BTreeSet::new();
        }
        self.listing = None;
        self.known = true;
        self.audit_at = now.plus_ms(self.audit_ms);
        let mut seen: BTreeMap<GrantId, BTreeSet<u32>> = BTreeMap::new();
        for ChildSa { connection, child, number, .. } in children {
            match self.resolve(connection, child) {
                Some((id, grant)) => {
                    let numbers = seen.entry(grant).or_default();
                    numbers.insert(*number);
                    // Two initiations crossed a restart. One is enough, and the initiator's end of it decides which.
                    if numbers.len() > 1 && self.is_initiator(grant) {
                        out.push(Output::TerminateSa(*number));
                    }
                    if !self.is_expected(grant, &id) {
                        self.stop(grant, &id, now);
                    }
                }
                None => {
                    out.report(Report::Foreign {
                        place: Place::Tunnels,
                        what: format!("child {child} of {connection}"),
                    });
                    out.push(Output::TerminateChild { connection: connection.clone(), child: child.clone() });
                }
            }
        }
        let mut touched: BTreeSet<GrantId> = self.up.keys().chain(seen.keys()).copied().collect();
        touched.extend(self.to_stop.keys());
        self.to_stop.retain(|grant, _| seen.contains_key(grant));
        let lost: Vec<GrantId> = self.up.keys().filter(|g| !seen.contains_key(g)).copied().collect();
        for grant in seen.keys() {
            self.to_start.remove(grant);
        }
        self.up = seen;
        for grant in lost {
            self.start_later(grant, now);
        }
        let names: BTreeMap<String, SiteId> = self.names();
        for (id, peer) in &mut self.peers {
            let Some(name) = self.facts.as_ref().map(|f| ike::connection_name(&f.site.id, id)) else { continue };
            peer.ike_up = ike_up.contains(&name);
            if !connections.contains(&name) && peer.loading.is_none() {
                peer.is_loaded = false;
                peer.loaded.clear();
                peer.stale |= peer.is_needed();
            }
            peer.initiating = peer.initiating.filter(|asked| !self.up.contains_key(&asked.grant));
        }
        for name in connections.iter().filter(|n| !names.contains_key(*n)) {
            out.push(Output::UnloadConnection(name.clone()));
        }
        for name in ike_up.iter().filter(|n| !names.contains_key(*n)) {
            out.push(Output::TerminateIke(name.clone()));
        }
        touched
    }

    pub(crate) fn drive(&mut self, now: Timestamp, out: &mut Outbox) {
        if !self.charon || self.facts.is_none() {
            return;
        }
        self.expire_announced(now);
        self.load(now, out);
        self.expire_attempts(now, out);
        if !self.known || now >= self.audit_at {
            if self.listing.is_none_or(|until| now >= until) {
                self.listing = Some(now.plus_ms(5_000));
                out.push(Output::ListSas);
            }
            if !self.known {
                return;
            }
        }
        for (grant, (connection, again_at)) in &mut self.to_stop {
            if now >= *again_at {
                *again_at = now.plus_ms(TERMINATE_AGAIN_MS);
                out.push(Output::TerminateChild { connection: connection.clone(), child: ike::child_name(*grant) });
            }
        }
        self.initiate(now, out);
        self.end_idle(now, out);
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        if !self.charon || self.facts.is_none() {
            return None;
        }
        let mut next = Some(self.audit_at);
        next = earlier(next, self.listing);
        for attempt in self.to_start.iter().filter(|(g, _)| !self.is_busy(**g)).map(|(_, a)| a.not_before) {
            next = earlier(next, Some(attempt));
        }
        for (_, again_at) in self.to_stop.values() {
            next = earlier(next, Some(*again_at));
        }
        for peer in self.peers.values() {
            next = earlier(next, peer.load_again_at);
            next = earlier(next, peer.announced_until());
            next = earlier(next, peer.initiating.map(|asked| asked.until));
            if peer.ike_up || peer.is_loaded {
                next = earlier(next, peer.linger_until);
            }
        }
        next
    }

    /// A configuration is under way to strongSwan.
    pub(crate) fn is_loading(&self) -> bool {
        self.charon && self.peers.values().any(|p| p.loading.is_some())
    }

    /// A child is to be asked for by this end as soon as it hears that the other is ready.
    pub(crate) fn is_to_begin(&self) -> bool {
        let ready =
            |grant| self.peer_of.get(grant).and_then(|id| self.peers.get(id)).is_some_and(|p| p.initiating.is_none());
        self.charon && self.to_start.iter().any(|(grant, attempt)| attempt.failures == 0 && ready(grant))
    }

    /// strongSwan's configuration is what is wanted.
    pub(crate) fn settled(&self) -> bool {
        self.charon
            && self.known
            && self.peers.values().all(|p| p.loading.is_none() && !(p.stale && (p.is_loaded || p.is_needed())))
    }

    /// True if strongSwan has this grant's child configured.
    pub(crate) fn prepared(&self, grant: GrantId) -> bool {
        self.peer_of.get(&grant).and_then(|id| self.peers.get(id)).is_some_and(|p| p.loaded.contains(&grant))
    }

    pub(crate) fn is_up(&self, grant: GrantId) -> bool {
        self.known && self.up.contains_key(&grant)
    }

    /// True if a child of this grant neither is up nor can come up any more.
    pub(crate) fn clear_of(&self, grant: GrantId) -> bool {
        self.charon
            && self.known
            && !self.peer_of.contains_key(&grant)
            && !self.up.contains_key(&grant)
            && !self.to_stop.contains_key(&grant)
            && self.peers.values().all(|p| {
                !p.is_asking_for(grant)
                    && !p.loaded.contains(&grant)
                    && p.loading.as_ref().is_none_or(|(_, grants)| !grants.contains(&grant))
            })
    }

    fn load(&mut self, now: Timestamp, out: &mut Outbox) {
        let Some(facts) = &self.facts else { return };
        for (id, peer) in &mut self.peers {
            let due = peer.load_again_at.is_none_or(|at| now >= at);
            if !peer.stale || peer.loading.is_some() || !due || !(peer.is_loaded || peer.is_needed()) {
                continue;
            }
            peer.load_again_at = None;
            peer.stale = false;
            match ike::connection(facts, id, peer.configured(), &self.policy) {
                Some(connection) => {
                    self.number += 1;
                    peer.loading = Some((self.number, peer.configured().map(|tunnel| tunnel.grant).collect()));
                    out.push(Output::LoadConnection { revision: self.number, connection: Box::new(connection) });
                }
                None => out.report(Report::Refused {
                    place: Place::Tunnels,
                    error: format!("the site's facts know no gateway of peer {id}"),
                }),
            }
        }
    }

    fn expire_attempts(&mut self, now: Timestamp, out: &mut Outbox) {
        let late: Vec<(SiteId, Initiation)> = self
            .peers
            .iter()
            .filter_map(|(id, p)| p.initiating.filter(|asked| now >= asked.until).map(|asked| (id.clone(), asked)))
            .collect();
        for (id, Initiation { grant, .. }) in late {
            let name = self.name_of(&id);
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.initiating = None;
                if !peer.ike_up {
                    // A half-open IKE SA keeps the child queued: asking again would make two of it.
                    out.push(Output::TerminateIke(name));
                }
            }
            self.known = false;
            if self.peer_of.contains_key(&grant) {
                self.fail(grant, "no answer in time", now, out);
            }
        }
    }

    fn initiate(&mut self, now: Timestamp, out: &mut Outbox) {
        let due: Vec<(GrantId, Attempt)> =
            self.to_start.iter().filter(|(_, a)| now >= a.not_before).map(|(g, a)| (*g, *a)).collect();
        for (grant, attempt) in due {
            let Some(id) = self.peer_of.get(&grant).cloned() else { continue };
            let connection = self.name_of(&id);
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            if peer.initiating.is_some() || !peer.loaded.contains(&grant) || peer.loading.is_some() {
                continue;
            }
            let wait = backoff(FIRST_ATTEMPT_MS, attempt.failures);
            peer.initiating = Some(Initiation { grant, until: now.plus_ms(wait) });
            out.push(Output::Initiate { connection, child: ike::child_name(grant) });
        }
    }

    fn end_idle(&mut self, now: Timestamp, out: &mut Outbox) {
        let Some(own) = self.facts.as_ref().map(|f| f.site.id.clone()) else { return };
        for (id, peer) in &mut self.peers {
            let idle = !peer.is_needed()
                && peer.initiating.is_none()
                && peer.loading.is_none()
                && peer.linger_until.is_some_and(|until| now >= until);
            let name = ike::connection_name(&own, id);
            if !idle || self.to_stop.values().any(|(connection, _)| *connection == name) {
                continue;
            }
            peer.linger_until = None;
            if peer.ike_up {
                out.push(Output::TerminateIke(name.clone()));
            }
            if peer.is_loaded {
                peer.is_loaded = false;
                out.push(Output::UnloadConnection(name));
            }
        }
    }

    fn stop(&mut self, grant: GrantId, peer: &SiteId, now: Timestamp) {
        let connection = self.name_of(peer);
        self.to_stop.entry(grant).or_insert((connection, now));
    }

    fn is_initiator(&self, grant: GrantId) -> bool {
        self.peer_of
            .get(&grant)
            .and_then(|id| self.peers.get(id)?.wanted.get(&grant))
            .is_some_and(|tunnel| tunnel.initiator)
    }

    /// True if it is this end's to start.
    fn start_later(&mut self, grant: GrantId, now: Timestamp) -> bool {
        let initiator = self.is_initiator(grant);
        if initiator {
            self.to_start.entry(grant).or_insert(Attempt::at(now.plus_ms(FIRST_BACKOFF_MS)));
        }
        initiator
    }

    fn fail(&mut self, grant: GrantId, error: &str, now: Timestamp, out: &mut Outbox) {
        let attempt = self.to_start.entry(grant).or_insert(Attempt::at(now));
        attempt.not_before = now.plus_ms(backoff(FIRST_BACKOFF_MS, attempt.failures));
        attempt.failures = attempt.failures.saturating_add(1);
        if attempt.failures.is_power_of_two() {
            out.report(Report::TunnelFailing { grant, attempts: attempt.failures, error: error.to_owned() });
        }
    }

    /// What a new or dead charon has is unknown, and so is everything asked of the old one.
    fn forget(&mut self) {
        self.known = false;
        self.listing = None;
        self.up.clear();
        self.to_stop.clear();
        for peer in self.peers.values_mut() {
            peer.stale = true;
            peer.loading = None;
            peer.loaded.clear();
            peer.is_loaded = false;
            peer.load_again_at = None;
            peer.ike_up = false;
            peer.initiating = None;
        }
        let initiators: Vec<GrantId> =
            self.peers.values().flat_map(|p| p.wanted.values().filter(|t| t.initiator).map(|t| t.grant)).collect();
        for grant in initiators {
            self.to_start.entry(grant).or_insert(Attempt::at(Timestamp(0)));
        }
    }

    fn is_busy(&self, grant: GrantId) -> bool {
        self.peer_of
            .get(&grant)
            .and_then(|id| self.peers.get(id))
            .is_none_or(|p| p.initiating.is_some() || p.loading.is_some() || !p.loaded.contains(&grant))
            || !self.known
    }

    fn name_of(&self, peer: &SiteId) -> String {
        self.facts.as_ref().map(|f| ike::connection_name(&f.site.id, peer)).unwrap_or_default()
    }

    fn names(&self) -> BTreeMap<String, SiteId> {
        self.peers.keys().map(|id| (self.name_of(id), id.clone())).collect()
    }

    fn peer_named(&self, connection: &str) -> Option<SiteId> {
        let facts = self.facts.as_ref()?;
        let own = &facts.site.id;
        let known = self.peers.keys().chain(facts.peers.keys());
        known.into_iter().find(|id| ike::connection_name(own, id) == connection).cloned()
    }

    fn resolve(&self, connection: &str, child: &str) -> Option<(SiteId, GrantId)> {
        Some((self.peer_named(connection)?, child.parse().ok()?))
    }
}

fn backoff(first: i64, failures: u32) -> i64 {
    first.saturating_mul(1 << failures.min(16)).min(LAST_BACKOFF_MS)
}
