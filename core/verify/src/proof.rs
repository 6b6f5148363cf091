//! What only this crate can make: values that say "the invariants hold of this".

use model::{DeltaError, Generation, Plan, SiteDelta, SiteId, SiteState};
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
    leans_on: BTreeMap<SiteId, Generation>,
    proof: Proof,
    by_contract: bool,
}

impl VerifiedPlan {
    pub(crate) fn new(plan: Plan, leans_on: BTreeMap<SiteId, Generation>, proof: Proof, by_contract: bool) -> Self {
        Self { plan, leans_on, proof, by_contract }
    }
    /// By strict contracts alone: what follows the states need not ask them again.
    pub(crate) fn by_contract(&self) -> bool {
        self.by_contract
    }
    pub(crate) fn leans_on(&self) -> &BTreeMap<SiteId, Generation> {
        &self.leans_on
    }
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
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
    proof: Proof,
    by_contract: bool,
}

impl VerifiedSlice {
    pub(crate) fn new(delta: SiteDelta, proof: Proof, by_contract: bool) -> Self {
        Self { delta, proof, by_contract }
    }
    /// By the strict contract alone.
    pub(crate) fn by_contract(&self) -> bool {
        self.by_contract
    }
    /// The change.
    pub fn delta(&self) -> &SiteDelta {
        &self.delta
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
    pub(crate) fn advance(&mut self, delta: &SiteDelta, proof: Proof) -> Result<(), DeltaError> {
        self.state.advance(delta)?;
        self.proof = proof;
        Ok(())
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
