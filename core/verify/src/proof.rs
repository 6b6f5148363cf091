//! What only this crate can make: values that say "the invariants hold of this".

use model::Generation;
use model::{Plan, SiteDelta, SiteId, SiteState};
use std::collections::BTreeMap;

use crate::Invariant;

/// What was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    invariants: usize,
    sites: usize,
    paths: usize,
}

impl Proof {
    pub(crate) fn new(sites: usize, paths: usize) -> Self {
        Self { invariants: Invariant::ALL.len(), sites, paths }
    }
    /// How many invariants hold.
    pub fn invariants(&self) -> usize {
        self.invariants
    }
    /// At how many sites they were shown.
    pub fn sites(&self) -> usize {
        self.sites
    }
    /// How many classes of packets were followed from a port to a port.
    pub fn paths(&self) -> usize {
        self.paths
    }
}

/// A plan under which all invariants hold. Nothing outside this crate can construct one, and it is never stored or
/// sent: whoever reads a plan back verifies it again.
#[derive(Debug, Clone)]
pub struct VerifiedPlan {
    plan: Plan,
    next: BTreeMap<SiteId, SiteState>,
    leans_on: BTreeMap<SiteId, Generation>,
    proof: Proof,
}

impl VerifiedPlan {
    pub(crate) fn new(
        plan: Plan,
        next: BTreeMap<SiteId, SiteState>,
        leans_on: BTreeMap<SiteId, Generation>,
        proof: Proof,
    ) -> Self {
        Self { plan, next, leans_on, proof }
    }
    pub(crate) fn leans_on(&self) -> &BTreeMap<SiteId, Generation> {
        &self.leans_on
    }
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
    /// The states it leads to, of the sites it changes.
    pub fn next(&self) -> &BTreeMap<SiteId, SiteState> {
        &self.next
    }
    /// What was shown.
    pub fn proof(&self) -> Proof {
        self.proof
    }
}

/// A change of one site under which all invariants a gate can judge hold.
#[derive(Debug, Clone)]
pub struct VerifiedSlice {
    delta: SiteDelta,
    next: SiteState,
    proof: Proof,
}

impl VerifiedSlice {
    pub(crate) fn new(delta: SiteDelta, next: SiteState, proof: Proof) -> Self {
        Self { delta, next, proof }
    }
    /// The change.
    pub fn delta(&self) -> &SiteDelta {
        &self.delta
    }
    /// The state it leads to.
    pub fn next(&self) -> &SiteState {
        &self.next
    }
    /// The state it leads to, as a proof of its own.
    pub fn into_state(self) -> VerifiedState {
        VerifiedState { state: self.next, proof: self.proof }
    }
    /// What was shown.
    pub fn proof(&self) -> Proof {
        self.proof
    }
}

/// A whole state of one site of which all invariants a gate can judge hold.
#[derive(Debug, Clone)]
pub struct VerifiedState {
    state: SiteState,
    proof: Proof,
}

impl VerifiedState {
    pub(crate) fn new(state: SiteState, proof: Proof) -> Self {
        Self { state, proof }
    }
    /// The state.
    pub fn state(&self) -> &SiteState {
        &self.state
    }
    /// The state, given away; the proof is gone with it.
    pub fn into_state(self) -> SiteState {
        self.state
    }
    /// What was shown.
    pub fn proof(&self) -> Proof {
        self.proof
    }
}
