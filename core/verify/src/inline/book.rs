//! The books of one site: what stands without a grant as it is, what stands because of one packed under its number.

use model::{
    CookieOwner, FlowRule, Generation, Grant, GrantId, HostId, Renewal, SiteDelta, SiteFacts, SiteId, SiteState,
    Standing, Table,
};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::fit::Fit;
use super::ground::Ground;
use super::known::Known;
use super::pack::{FINE, Packed, Packer, Parts, fingerprint};
use super::strict::keeps_contract;
use super::table;

/// One site as the inline proof keeps it: its state, in a form in which one grant costs nothing to find and all of them
/// cost little to keep.
#[derive(Debug, Clone)]
pub struct Book {
    /// Facts, number, and the filters that serve no grant; no rules, no grants, no tunnels.
    frame: SiteState,
    /// Rules that serve no grant.
    ground: Ground,
    fit: Fit,
    entries: table::Table<Packed>,
    /// Who owns the rules of the connections table, by fingerprint: the overlap index.
    matches: table::Table<u64, FINE>,
    /// Live grants by the host they have here.
    hosts: BTreeMap<HostId, usize>,
    /// Live grants by the site of their other end.
    peers: BTreeMap<SiteId, usize>,
    /// Live grants by both, and whether they originate here: what a promise (I22) is asked about, whatever is open.
    pairs: BTreeMap<(HostId, SiteId, bool), usize>,
    /// Grants that were accepted, but not by the strict contract.
    loose: BTreeSet<GrantId>,
    rules: usize,
}

/// In the overlap index: the owner is no grant. Grants have at most 48 bits.
const NO_GRANT: u64 = u64::MAX;

/// A delta about one grant and nothing else.
pub(crate) enum Single<'d> {
    /// It adds this grant and removes nothing.
    Open(&'d Grant),
    /// It removes this grant and adds nothing.
    Close(GrantId),
    /// It lets this grant last longer and touches nothing else.
    Renew(Renewal),
}

impl Single<'_> {
    /// What a delta is, if it is so simple. Cost follows the delta.
    pub fn of(delta: &SiteDelta) -> Option<Single<'_>> {
        let adds = delta.rules_added.len() + delta.tunnels_added.len() + delta.filters_added.len();
        let removes = delta.rules_removed.len() + delta.tunnels_removed.len() + delta.filters_removed.len();
        let grants = (delta.grants_added.as_slice(), delta.grants_removed.as_slice(), delta.grants_renewed.as_slice());
        let (single, id) = match grants {
            ([grant], [], []) if removes == 0 => (Single::Open(grant), grant.id),
            ([], [id], []) if adds == 0 => (Single::Close(*id), *id),
            ([], [], [renewal]) if adds == 0 && removes == 0 => (Single::Renew(*renewal), renewal.grant),
            _ => return None,
        };
        let its = CookieOwner::Grant(id);
        let only = delta.facts.is_none()
            && delta.rules_added.iter().chain(&delta.rules_removed).all(|r| r.owner == its)
            && delta.tunnels_added.iter().chain(&delta.tunnels_removed).all(|t| t.grant == id)
            && delta.filters_added.iter().chain(&delta.filters_removed).all(|f| f.owner == its);
        only.then_some(single)
    }
}

impl Standing for Book {
    fn generation(&self) -> Generation {
        self.generation()
    }
    fn facts(&self) -> &SiteFacts {
        self.facts()
    }
    fn grant(&self, id: GrantId) -> Option<Cow<'_, Grant>> {
        self.grant(id).map(Cow::Owned)
    }
}

impl Book {
    /// Enters a state as it is; judges nothing.
    pub(crate) fn enter(state: SiteState) -> Self {
        let SiteState { generation, facts, grants, rules, tunnels, filters } = state;
        let mut parts: BTreeMap<GrantId, Parts> = BTreeMap::new();
        let mut frame = SiteState::empty(facts);
        frame.generation = generation;
        for (id, grant) in grants {
            parts.entry(id).or_default().grant = Some(grant);
        }
        let mut standing = Vec::new();
        for rule in rules {
            match rule.owner {
                CookieOwner::Grant(id) => parts.entry(id).or_default().rules.push(rule),
                _ => standing.push(rule),
            }
        }
        let standing: BTreeSet<FlowRule> = standing.into_iter().collect();
        for tunnel in tunnels {
            parts.entry(tunnel.grant).or_default().tunnels.push(tunnel);
        }
        for filter in filters {
            match filter.owner {
                CookieOwner::Grant(id) => parts.entry(id).or_default().filters.push(filter),
                _ => drop(frame.filters.insert(filter)),
            }
        }
        let fit = Fit::new(&frame.facts, standing.iter());
        let mut book = Self {
            frame,
            ground: Ground::pack(&standing),
            fit,
            entries: table::Table::default(),
            matches: table::Table::default(),
            hosts: BTreeMap::new(),
            peers: BTreeMap::new(),
            pairs: BTreeMap::new(),
            loose: BTreeSet::new(),
            rules: 0,
        };
        let mut scratch = Vec::new();
        for rule in standing.iter().filter(|r| r.table == Table::Connections) {
            book.matches.insert(fingerprint(rule, &mut scratch), NO_GRANT);
        }
        for (id, parts) in parts {
            book.put(id, &parts);
        }
        book
    }

    /// Number of the state.
    pub fn generation(&self) -> Generation {
        self.frame.generation
    }

    /// What it is judged against.
    pub fn facts(&self) -> &SiteFacts {
        &self.frame.facts
    }

    /// A live grant that has an end here.
    pub fn grant(&self, id: GrantId) -> Option<Grant> {
        self.entry(id)?.grant()
    }

    /// Facts, number and standing filters, without a rule.
    pub(crate) fn frame(&self) -> &SiteState {
        &self.frame
    }

    /// What stands without a grant.
    pub(crate) fn structure(&self) -> SiteState {
        self.ground.on(&self.frame)
    }

    /// Number of flow rules that serve no grant.
    pub fn standing_rules(&self) -> usize {
        self.ground.len()
    }

    /// Number of flow rules that serve grants.
    pub fn grant_rules(&self) -> usize {
        self.rules
    }

    /// The whole state, unpacked. Cost follows its size.
    pub fn state(&self) -> SiteState {
        self.with(self.entries.iter().map(|(id, _)| GrantId(id)))
    }

    /// What stands without a grant, and because of these grants.
    pub(crate) fn with(&self, ids: impl IntoIterator<Item = GrantId>) -> SiteState {
        let mut state = self.structure();
        for id in ids {
            let Some(packed) = self.entry(id) else { continue };
            let parts = packed.parts(id);
            state.grants.extend(parts.grant.map(|g| (id, g)));
            state.rules.extend(parts.rules);
            state.tunnels.extend(parts.tunnels);
            state.filters.extend(parts.filters);
        }
        state
    }

    pub(crate) fn entry(&self, id: GrantId) -> Option<&Packed> {
        self.entries.get(id.0).first().map(|(_, packed)| packed)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (GrantId, &Packed)> {
        self.entries.iter().map(|(id, packed)| (GrantId(id), packed))
    }

    /// Does a delta that only opens this grant keep its contract here, beside everything that stands?
    pub(crate) fn opens(&self, delta: &SiteDelta, grant: &Grant) -> bool {
        let new = self.entries.get(grant.id.0).is_empty();
        let (rules, tunnels, filters) = (&delta.rules_added, &delta.tunnels_added, &delta.filters_added);
        let mut scratch = Vec::with_capacity(64);
        new && keeps_contract(self.facts(), &self.fit, grant, rules, tunnels, filters)
            && rules.iter().all(|r| self.matches.get(fingerprint(r, &mut scratch)).is_empty())
    }

    /// Does a delta that only closes this grant leave nothing of it?
    pub(crate) fn closes(&self, delta: &SiteDelta, id: GrantId) -> bool {
        self.entry(id).is_some_and(|packed| {
            packed.has_grant()
                && packed.is_made_of(&delta.rules_removed, &delta.tunnels_removed, &delta.filters_removed)
        })
    }

    /// Does a delta that only renews this grant keep what was proved? A strict contract reads nothing of a lease but that
    /// it ends after it begins, and the end moves only away.
    pub(crate) fn renews(&self, renewal: Renewal) -> bool {
        self.entry(renewal.grant).is_some_and(|packed| {
            packed.strict() && packed.grant().is_some_and(|g| g.lease_until < renewal.lease_until)
        })
    }

    /// The hosts here, the sites there and the directions that live grants join; few, however many the grants.
    pub(crate) fn joined(&self) -> impl Iterator<Item = (&HostId, &SiteId, bool)> {
        self.pairs.keys().map(|(host, peer, originates)| (host, peer, *originates))
    }

    /// Would every grant but the touched ones keep its strict contract on another structure?
    ///
    /// A strict contract asks only for the host it has here and the peer it leads to, so these are looked at, not the
    /// grants.
    pub(crate) fn survives(&self, facts: &SiteFacts, fit: &Fit, touched: &BTreeSet<GrantId>) -> bool {
        let (mut hosts, mut peers) = (self.hosts.clone(), self.peers.clone());
        for grant in touched.iter().filter_map(|id| self.entry(*id)?.grant()) {
            let Some((host, peer, _)) = self.ends_of(&grant) else { continue };
            less(&mut hosts, host);
            less(&mut peers, peer);
        }
        let (old, new) = (&self.frame.facts, facts);
        let bound = |f: &SiteFacts| {
            let s = &f.site;
            (s.id.clone(), s.institution.clone(), s.switch.id.clone(), s.gateway.uplink.clone(), s.gateway.mac)
        };
        let same_host = |id| {
            let of = |f: &SiteFacts| f.site.hosts.get(id).map(|h| (h.clone(), f.site.zone_of(h)));
            of(old) == of(new) && fit.seats.contains_key(id)
        };
        let same_peer = |id| match (old.peers.get(id), new.peers.get(id)) {
            (Some(old), Some(new)) => {
                let kept = |n| new.prefixes.iter().any(|m| m.contains(n));
                old.institution == new.institution && old.prefixes.iter().all(kept)
            }
            _ => false,
        };
        let untouched = self.loose.iter().all(|id| touched.contains(id));
        let nobody = hosts.is_empty() && untouched;
        nobody
            || (untouched
                && fit.sound
                && bound(old) == bound(new)
                && hosts.keys().all(same_host)
                && peers.keys().all(same_peer))
    }

    /// A rule to be added that would be one with a rule of a grant that is not among the known ones.
    pub(crate) fn overlap<'d>(&self, delta: &'d SiteDelta, known: &BTreeSet<GrantId>) -> Option<&'d FlowRule> {
        let mut scratch = Vec::new();
        delta.rules_added.iter().find(|rule| {
            let owners = self.matches.get(fingerprint(rule, &mut scratch)).iter().map(|(_, id)| GrantId(*id));
            // The number only says where to look.
            owners.filter(|id| id.0 != NO_GRANT && !known.contains(id)).any(|id| {
                self.entry(id).is_some_and(|packed| packed.parts(id).rules.iter().any(|r| is_one_with(r, rule)))
            })
        })
    }

    /// Grants whose parts here were not accepted by the strict contract, or share a rule with another owner.
    pub(crate) fn doubtful(&self) -> BTreeSet<GrantId> {
        let sharing = self.matches.iter().filter(|(at, _)| self.matches.get(*at).len() > 1);
        self.loose.iter().copied().chain(sharing.map(|(_, id)| GrantId(*id))).collect()
    }

    /// Keeps nothing of its facts that another site's book keeps as well.
    pub(crate) fn share(&mut self, known: &mut Known) {
        known.share(&mut self.frame.facts);
    }

    /// Takes over a delta that was verified against this very state; by strict contracts alone or not.
    pub(crate) fn follow(&mut self, delta: &SiteDelta, by_contract: bool) {
        self.frame.generation = delta.generation;
        if by_contract {
            match Single::of(delta) {
                Some(Single::Open(grant)) => return self.open(delta, grant),
                Some(Single::Close(id)) => return self.close(delta, id),
                Some(Single::Renew(renewal)) => return self.renew(renewal),
                None => {}
            }
        }
        let touched = touched(delta);
        let mut parts: BTreeMap<GrantId, Parts> = touched.iter().map(|id| (*id, self.take(*id))).collect();
        for id in &delta.grants_removed {
            parts.entry(*id).or_default().grant = None;
        }
        for grant in &delta.grants_added {
            parts.entry(grant.id).or_default().grant = Some(grant.clone());
        }
        for renewal in &delta.grants_renewed {
            if let Some(grant) = parts.entry(renewal.grant).or_default().grant.as_mut() {
                grant.lease_until = renewal.lease_until;
            }
        }
        let wide = is_wide(delta);
        let mut standing = if wide { self.ground.rules(&self.frame.facts.site.switch.id) } else { BTreeSet::new() };
        let mut scratch = Vec::new();
        for rule in &delta.rules_removed {
            match rule.owner {
                CookieOwner::Grant(id) => parts.entry(id).or_default().rules.retain(|r| r != rule),
                _ if standing.remove(rule) && rule.table == Table::Connections => {
                    self.matches.remove(fingerprint(rule, &mut scratch), |owner| *owner == NO_GRANT);
                }
                _ => {}
            }
        }
        for rule in &delta.rules_added {
            match rule.owner {
                CookieOwner::Grant(id) => parts.entry(id).or_default().rules.push(rule.clone()),
                _ if standing.insert(rule.clone()) && rule.table == Table::Connections => {
                    self.matches.insert(fingerprint(rule, &mut scratch), NO_GRANT);
                }
                _ => {}
            }
        }
        for tunnel in &delta.tunnels_removed {
            parts.entry(tunnel.grant).or_default().tunnels.retain(|t| t != tunnel);
        }
        for tunnel in &delta.tunnels_added {
            parts.entry(tunnel.grant).or_default().tunnels.push(tunnel.clone());
        }
        for filter in &delta.filters_removed {
            match filter.owner {
                CookieOwner::Grant(id) => parts.entry(id).or_default().filters.retain(|f| f != filter),
                _ => drop(self.frame.filters.remove(filter)),
            }
        }
        for filter in &delta.filters_added {
            match filter.owner {
                CookieOwner::Grant(id) => parts.entry(id).or_default().filters.push(filter.clone()),
                _ => drop(self.frame.filters.insert(filter.clone())),
            }
        }
        if wide {
            self.rebuild(delta, &standing, &touched);
        }
        for (id, parts) in parts {
            self.put(id, &parts);
        }
    }

    /// After a change of the structure, which stands as given: new promises, and, where they are not what
    /// they were to those who rely on them, every grant measured again.
    fn rebuild(&mut self, delta: &SiteDelta, standing: &BTreeSet<FlowRule>, touched: &BTreeSet<GrantId>) {
        self.ground = Ground::pack(standing);
        let facts = delta.facts.clone().unwrap_or_else(|| self.frame.facts.clone());
        let fit = Fit::new(&facts, standing.iter());
        // The touched ones have been taken out already.
        let survives = self.survives(&facts, &fit, &BTreeSet::new());
        (self.frame.facts, self.fit) = (facts, fit);
        if !survives {
            let all: Vec<GrantId> = self.entries.iter().map(|(id, _)| GrantId(id)).collect();
            for id in all.into_iter().filter(|id| !touched.contains(id)) {
                let parts = self.take(id);
                self.put(id, &parts);
            }
        }
    }

    fn open(&mut self, delta: &SiteDelta, grant: &Grant) {
        let (rules, tunnels, filters) = (&delta.rules_added, &delta.tunnels_added, &delta.filters_added);
        let mut packer = Packer::new(true);
        packer.grant(grant);
        rules.iter().for_each(|r| packer.rule(r));
        tunnels.iter().for_each(|t| packer.tunnel(t));
        filters.iter().for_each(|f| packer.filter(f));
        let mut scratch = Vec::with_capacity(64);
        for rule in rules {
            self.matches.insert(fingerprint(rule, &mut scratch), grant.id.0);
        }
        self.count(grant);
        self.rules += rules.len();
        self.entries.insert(grant.id.0, packer.finish());
    }

    /// What the delta removes is all there is: that was compared.
    fn close(&mut self, delta: &SiteDelta, id: GrantId) {
        let Some(packed) = self.entries.remove(id.0, |_| true) else { return };
        let mut scratch = Vec::with_capacity(64);
        for rule in &delta.rules_removed {
            self.matches.remove(fingerprint(rule, &mut scratch), |owner| *owner == id.0);
        }
        self.rules -= delta.rules_removed.len();
        if let Some([origin, destination]) = packed.ends() {
            let here = self.frame.facts.site.id.as_str();
            let (near, far) = if origin.0 == here { (origin, destination) } else { (destination, origin) };
            let (host, peer): (HostId, SiteId) = (near.1.parse().expect(IDS), far.0.parse().expect(IDS));
            less(&mut self.hosts, &host);
            less(&mut self.peers, &peer);
            less(&mut self.pairs, &(host, peer, near == origin));
        }
        if !packed.strict() {
            self.loose.remove(&id);
        }
    }

    /// Host, peer, rules and their index stay as they are: only the packed grant says another end.
    fn renew(&mut self, renewal: Renewal) {
        let Some(packed) = self.entries.remove(renewal.grant.0, |_| true) else { return };
        let mut parts = packed.parts(renewal.grant);
        if let Some(grant) = &mut parts.grant {
            grant.lease_until = renewal.lease_until;
        }
        self.entries.insert(renewal.grant.0, parts.pack(packed.strict()));
    }

    fn put(&mut self, id: GrantId, parts: &Parts) {
        let Parts { grant, rules, tunnels, filters } = parts;
        if grant.is_none() && rules.is_empty() && tunnels.is_empty() && filters.is_empty() {
            return;
        }
        let strict = grant
            .as_ref()
            .filter(|g| g.id == id)
            .is_some_and(|g| keeps_contract(self.facts(), &self.fit, g, rules, tunnels, filters));
        if !strict {
            self.loose.insert(id);
        }
        let mut scratch = Vec::with_capacity(64);
        for rule in rules {
            self.matches.insert(fingerprint(rule, &mut scratch), id.0);
        }
        self.rules += rules.len();
        if let Some(grant) = grant {
            self.count(grant);
        }
        self.entries.insert(id.0, parts.pack(strict));
    }

    /// Removal is always safe, so nothing is asked here.
    fn take(&mut self, id: GrantId) -> Parts {
        let Some(packed) = self.entries.remove(id.0, |_| true) else { return Parts::default() };
        let parts = packed.parts(id);
        let mut scratch = Vec::with_capacity(64);
        for rule in &parts.rules {
            self.matches.remove(fingerprint(rule, &mut scratch), |owner| *owner == id.0);
        }
        self.rules -= parts.rules.len();
        if let Some((host, peer, originates)) = parts.grant.as_ref().and_then(|g| self.ends_of(g)) {
            less(&mut self.hosts, host);
            less(&mut self.peers, peer);
            less(&mut self.pairs, &(host.clone(), peer.clone(), originates));
        }
        self.loose.remove(&id);
        parts
    }

    fn count(&mut self, grant: &Grant) {
        let Some((host, peer, originates)) = self.ends_of(grant) else { return };
        more(&mut self.hosts, host);
        more(&mut self.peers, peer);
        more(&mut self.pairs, &(host.clone(), peer.clone(), originates));
    }

    /// The host a grant has here, the site of its other end, and whether it originates here. Of a site's own id alone,
    /// which never changes.
    fn ends_of<'g>(&self, grant: &'g Grant) -> Option<(&'g HostId, &'g SiteId, bool)> {
        let (near, originates) = grant.end_at(&self.frame.facts.site.id)?;
        let far = if originates { &grant.destination } else { &grant.origin };
        Some((&near.host, &far.site, originates))
    }
}

fn more<K: Ord + Clone>(counts: &mut BTreeMap<K, usize>, key: &K) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => drop(counts.insert(key.clone(), 1)),
    }
}

const IDS: &str = "what was an id when packed is one still";

fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

fn is_one_with(a: &FlowRule, b: &FlowRule) -> bool {
    a.switch == b.switch && a.table == b.table && a.priority == b.priority && a.matches == b.matches
}

/// Grants a delta says anything about.
pub(crate) fn touched(delta: &SiteDelta) -> BTreeSet<GrantId> {
    let owner = |owner: &CookieOwner| match owner {
        CookieOwner::Grant(id) => Some(*id),
        _ => None,
    };
    let rules = delta.rules_added.iter().chain(&delta.rules_removed).filter_map(|r| owner(&r.owner));
    let filters = delta.filters_added.iter().chain(&delta.filters_removed).filter_map(|f| owner(&f.owner));
    let tunnels = delta.tunnels_added.iter().chain(&delta.tunnels_removed).map(|t| t.grant);
    let grants = delta.grants_added.iter().map(|g| g.id).chain(delta.grants_removed.iter().copied());
    let grants = grants.chain(delta.grants_renewed.iter().map(|r| r.grant));
    rules.chain(filters).chain(tunnels).chain(grants).collect()
}

/// Does a delta change what stands without a grant?
pub(crate) fn is_wide(delta: &SiteDelta) -> bool {
    let of_grant = |owner: &CookieOwner| matches!(owner, CookieOwner::Grant(_));
    delta.facts.is_some()
        || delta.rules_added.iter().chain(&delta.rules_removed).any(|r| !of_grant(&r.owner))
        || delta.filters_added.iter().chain(&delta.filters_removed).any(|f| !of_grant(&f.owner))
}
