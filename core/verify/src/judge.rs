//! One site, all invariants.

use model::{SiteId, SiteState};
use std::collections::BTreeMap;

use crate::inline::Book;
use crate::premises::Premises;
use crate::{Refutation, ends, facts, gateway, never, pipeline, walk};

/// What is judged, and what is known around it.
pub(crate) struct Scope<'a> {
    /// The state to judge.
    pub state: &'a SiteState,
    /// States of other sites; nothing if a gate judges alone.
    pub around: Option<Around<'a>>,
    /// Are the facts new, so that they must be judged too?
    pub facts: bool,
}

/// The other sites.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// States a plan leads to, or all there are.
    pub first: &'a BTreeMap<SiteId, SiteState>,
    /// Of the rest only facts and standing filters: whoever asks for a grant's parts there puts the site among the
    /// first.
    pub then: Option<&'a BTreeMap<SiteId, Book>>,
}

impl<'a> Around<'a> {
    /// A site's state, as far as it is in view.
    pub fn site(self, id: &SiteId) -> Option<&'a SiteState> {
        self.first.get(id).or_else(|| Some(self.then?.get(id)?.frame()))
    }
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
    never::judge(&premises)?;
    Ok(found.paths)
}
