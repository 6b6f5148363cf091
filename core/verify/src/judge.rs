//! One site, all invariants.

use model::{SiteId, SiteState};
use std::collections::BTreeMap;

use crate::premises::Premises;
use crate::{Refutation, ends, facts, gateway, pipeline, walk};

/// What is judged, and what is known around it.
pub(crate) struct Scope<'a> {
    /// The state to judge.
    pub state: &'a SiteState,
    /// States of other sites, those a plan leads to first; nothing if a gate judges alone.
    pub around: Option<[&'a BTreeMap<SiteId, SiteState>; 2]>,
    /// Are the facts new, so that they must be judged too?
    pub facts: bool,
}

/// Number of packet classes followed, or the first breach. Each step stands on those before it.
pub(crate) fn site(scope: &Scope<'_>) -> Result<usize, Box<Refutation>> {
    let premises = Premises::new(scope);
    if scope.facts {
        facts::judge(&premises)?;
    }
    ends::judge(&premises)?;
    pipeline::judge(&premises)?;
    let found = walk::judge(&premises)?;
    gateway::judge(&premises)?;
    ends::together(&premises, &found)?;
    Ok(found.paths)
}
