//! The doors: a change goes in, a verdict comes out.

use model::{Generation, GrantId, Plan, SiteDelta, SiteId, SiteState};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::judge::{self, Scope};
use crate::{Because, Fault, Invariant, Proof, Refutation, VerifiedPlan, VerifiedSlice, VerifiedState};

/// Judges plans against the states of all sites, and follows the states as plans are carried out.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    states: BTreeMap<SiteId, SiteState>,
}

/// A verified plan no longer leads from the states it was verified against; verify it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// A site that has moved on.
    pub site: SiteId,
    /// The generation the proof stands on.
    pub proved_at: Generation,
    /// The generation the site is at.
    pub at: Generation,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, proved_at, at } = self;
        write!(f, "the proof stands on generation {proved_at} of {site}, which is at {at}; verify the plan again")
    }
}
impl std::error::Error for Stale {}

impl Verifier {
    /// Knows no site yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From states read back; believes none of them.
    ///
    /// # Errors
    /// The first invariant found broken.
    pub fn from_states(states: BTreeMap<SiteId, SiteState>) -> Result<Self, Box<Refutation>> {
        let none = BTreeMap::new();
        for (id, state) in &states {
            if &state.facts.site.id != id {
                return Err(change(Fault::SiteKey, id, state.facts.site.id.to_string()));
            }
            judge::site(&Scope { state, around: Some([&states, &none]), facts: true })?;
        }
        Ok(Self { states })
    }

    /// Would all invariants hold on the whole network after this plan? Cost follows the sites the plan touches, not
    /// the number of sites.
    ///
    /// # Errors
    /// A counter-example to the first invariant found broken.
    pub fn check(&self, plan: Plan) -> Result<VerifiedPlan, Box<Refutation>> {
        let mut next = BTreeMap::new();
        for (id, delta) in &plan.sites {
            if &delta.site != id {
                return Err(change(Fault::SiteKey, id, delta.site.to_string()));
            }
            next.insert(id.clone(), after(self.states.get(id), delta)?);
        }
        let mut paths = 0;
        let mut leans_on = BTreeMap::new();
        for (id, delta) in &plan.sites {
            let state = &next[id];
            let around = Some([&next, &self.states]);
            paths += judge::site(&Scope { state, around, facts: delta.facts.is_some() })?;
            self.nothing_remains(id, delta, &next)?;
            self.note_neighbours(id, delta, &next, &mut leans_on);
        }
        let proof = Proof::new(next.len(), paths);
        Ok(VerifiedPlan::new(plan, next, leans_on, proof))
    }

    /// Takes over the states a verified plan leads to. Changes nothing on error.
    ///
    /// # Errors
    /// [`Stale`] if a site the proof stands on has moved on since.
    pub fn advance(&mut self, plan: &VerifiedPlan) -> Result<(), Stale> {
        let parents = plan.plan().sites.iter().map(|(id, delta)| (id, delta.parent));
        for (site, proved_at) in parents.chain(plan.leans_on().iter().map(|(id, g)| (id, *g))) {
            let at = self.states.get(site).map_or(Generation(0), |s| s.generation);
            if at != proved_at {
                return Err(Stale { site: site.clone(), proved_at, at });
            }
        }
        for (id, state) in plan.next() {
            self.states.insert(id.clone(), state.clone());
        }
        Ok(())
    }

    /// The states followed so far.
    pub fn states(&self) -> &BTreeMap<SiteId, SiteState> {
        &self.states
    }

    /// A grant that ends at one end must not stay live at the other (N5).
    fn nothing_remains(
        &self,
        id: &SiteId,
        delta: &SiteDelta,
        next: &BTreeMap<SiteId, SiteState>,
    ) -> Result<(), Box<Refutation>> {
        let Some(before) = self.states.get(id) else { return Ok(()) };
        for grant_id in &delta.grants_removed {
            if next[id].grants.contains_key(grant_id) {
                continue;
            }
            let Some(other) = before.grants.get(grant_id).and_then(|g| other_end(g, id)) else { continue };
            let state = next.get(other).or_else(|| self.states.get(other));
            if state.is_some_and(|s| s.grants.contains_key(grant_id)) {
                return Err(Box::new(Refutation {
                    invariant: Invariant::Together,
                    fault: Fault::OtherEndRemains,
                    site: other.clone(),
                    packet: None,
                    path: Vec::new(),
                    because: Because::Grant(*grant_id),
                }));
            }
        }
        Ok(())
    }

    /// Sites outside the plan whose state the proof leaned on: if they move on first, the proof is stale.
    fn note_neighbours(
        &self,
        id: &SiteId,
        delta: &SiteDelta,
        next: &BTreeMap<SiteId, SiteState>,
        leans_on: &mut BTreeMap<SiteId, Generation>,
    ) {
        let state = &next[id];
        let mut seen: BTreeSet<&SiteId> = BTreeSet::new();
        if delta.facts.is_some() {
            seen.extend(state.facts.peers.keys());
        }
        let mut grants: BTreeSet<GrantId> = delta.grants_added.iter().map(|g| g.id).collect();
        grants.extend(delta.tunnels_added.iter().chain(&delta.tunnels_removed).map(|t| t.grant));
        seen.extend(grants.iter().filter_map(|g| state.grants.get(g)).filter_map(|g| other_end(g, id)));
        if let Some(before) = self.states.get(id) {
            seen.extend(
                delta.grants_removed.iter().filter_map(|g| before.grants.get(g)).filter_map(|g| other_end(g, id)),
            );
        }
        for site in seen {
            if !next.contains_key(site) {
                let at = self.states.get(site).map_or(Generation(0), |s| s.generation);
                leans_on.insert(site.clone(), at);
            }
        }
    }
}

/// A gate's own judgement of a change of its site, with what a gate knows: its own state and facts. What needs both
/// ends (that they mirror each other) is the center's to judge.
///
/// # Errors
/// A counter-example, also if the change does not fit the state.
pub fn check_slice(state: &SiteState, delta: &SiteDelta) -> Result<VerifiedSlice, Box<Refutation>> {
    let next = after(Some(state), delta)?;
    let paths = judge::site(&Scope { state: &next, around: None, facts: true })?;
    Ok(VerifiedSlice::new(delta.clone(), next, Proof::new(1, paths)))
}

/// A gate's own judgement of a whole state: a snapshot received or read back from disk.
///
/// # Errors
/// A counter-example.
pub fn check_state(state: SiteState) -> Result<VerifiedState, Box<Refutation>> {
    let paths = judge::site(&Scope { state: &state, around: None, facts: true })?;
    Ok(VerifiedState::new(state, Proof::new(1, paths)))
}

fn other_end<'g>(grant: &'g model::Grant, here: &SiteId) -> Option<&'g SiteId> {
    [&grant.origin.site, &grant.destination.site].into_iter().find(|s| *s != here)
}

fn after(state: Option<&SiteState>, delta: &SiteDelta) -> Result<SiteState, Box<Refutation>> {
    let id = &delta.site;
    if let Some(found) = delta.facts.as_ref().map(|f| &f.site.id).filter(|found| *found != id) {
        return Err(change(Fault::SiteSwapped, id, found.to_string()));
    }
    let before = match (state, &delta.facts) {
        (Some(state), _) => state.clone(),
        (None, Some(facts)) => SiteState::empty(facts.clone()),
        (None, None) => return Err(change(Fault::UnknownSite, id, id.to_string())),
    };
    before.after(delta).map_err(|error| change(Fault::DeltaMisfit, id, error.to_string()))
}

fn change(fault: Fault, site: &SiteId, what: String) -> Box<Refutation> {
    Box::new(Refutation {
        invariant: Invariant::Fits,
        fault,
        site: site.clone(),
        packet: None,
        path: Vec::new(),
        because: Because::Change(what),
    })
}
