//! Plans: the exact change wanted at each site, immutable, numbered per site.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{Filter, FlowRule, Generation, Grant, GrantId, SiteFacts, SiteId, Tunnel};

/// Why a plan exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanCause {
    /// A grant was given.
    Open(GrantId),
    /// A grant ends.
    Close(GrantId),
    /// Documents were applied.
    Apply,
}

/// The state wanted at one site: what a gate keeps on disk and enforces without the center.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteState {
    /// Number of this state.
    pub generation: Generation,
    /// What it is judged against.
    pub facts: SiteFacts,
    /// Live grants that have an end here.
    pub grants: BTreeMap<GrantId, Grant>,
    /// Flow rules.
    pub rules: BTreeSet<FlowRule>,
    /// Tunnels.
    pub tunnels: BTreeSet<Tunnel>,
    /// Filters.
    pub filters: BTreeSet<Filter>,
}

/// The change of one site from `parent` to `generation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteDelta {
    /// The site.
    pub site: SiteId,
    /// State it starts from.
    pub parent: Generation,
    /// State it leads to: `parent` + 1.
    pub generation: Generation,
    /// New facts, if documents changed.
    pub facts: Option<SiteFacts>,
    /// Grants that begin.
    pub grants_added: Vec<Grant>,
    /// Grants that end.
    pub grants_removed: Vec<GrantId>,
    /// Rules to add.
    pub rules_added: Vec<FlowRule>,
    /// Rules to remove.
    pub rules_removed: Vec<FlowRule>,
    /// Tunnels to add.
    pub tunnels_added: Vec<Tunnel>,
    /// Tunnels to remove.
    pub tunnels_removed: Vec<Tunnel>,
    /// Filters to add.
    pub filters_added: Vec<Filter>,
    /// Filters to remove.
    pub filters_removed: Vec<Filter>,
}

/// Why a delta does not fit a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// For another site.
    #[error("the change is for site {found}, this is {expected}")]
    WrongSite {
        /// This site.
        expected: SiteId,
        /// The delta's site.
        found: SiteId,
    },
    /// Leads from another generation: late, repeated, or something was missed.
    #[error("the change leads from generation {parent} to {generation}, the state is at {at}")]
    WrongParent {
        /// The state's generation.
        at: Generation,
        /// The delta's parent.
        parent: Generation,
        /// The delta's target.
        generation: Generation,
    },
    /// The first delta of a site must bring facts.
    #[error("the first change of site {0} brings no facts about it")]
    NoFacts(SiteId),
    /// Removes what is not there or adds what is.
    #[error("the change does not fit the state: {0}")]
    DoesNotFit(String),
}

impl SiteState {
    /// A site nothing was planned for yet.
    pub fn empty(facts: SiteFacts) -> Self {
        Self {
            generation: Generation(0),
            facts,
            grants: BTreeMap::new(),
            rules: BTreeSet::new(),
            tunnels: BTreeSet::new(),
            filters: BTreeSet::new(),
        }
    }

    /// The state after a delta; this one stays as it was.
    ///
    /// # Errors
    /// [`DeltaError`] if the delta does not start here or does not fit exactly.
    pub fn after(&self, delta: &SiteDelta) -> Result<Self, DeltaError> {
        let mut next = self.clone();
        next.advance(delta)?;
        Ok(next)
    }

    /// Applies a delta in place. Cost follows the delta, not the state. On error the state may be half changed and
    /// must be dropped; use [`SiteState::after`] where that matters.
    ///
    /// # Errors
    /// As [`SiteState::after`].
    pub fn advance(&mut self, delta: &SiteDelta) -> Result<(), DeltaError> {
        if self.facts.site.id != delta.site {
            return Err(DeltaError::WrongSite { expected: self.facts.site.id.clone(), found: delta.site.clone() });
        }
        if self.generation != delta.parent || delta.generation != delta.parent.next() {
            return Err(DeltaError::WrongParent {
                at: self.generation,
                parent: delta.parent,
                generation: delta.generation,
            });
        }
        let misfit = |what: String| Err(DeltaError::DoesNotFit(what));
        if let Some(facts) = &delta.facts {
            self.facts = facts.clone();
        }
        for id in &delta.grants_removed {
            if self.grants.remove(id).is_none() {
                return misfit(format!("grant {id} is not there"));
            }
        }
        for grant in &delta.grants_added {
            if self.grants.insert(grant.id, grant.clone()).is_some() {
                return misfit(format!("grant {} is there already", grant.id));
            }
        }
        exchange(&mut self.rules, &delta.rules_removed, &delta.rules_added, "rule")?;
        exchange(&mut self.tunnels, &delta.tunnels_removed, &delta.tunnels_added, "tunnel")?;
        exchange(&mut self.filters, &delta.filters_removed, &delta.filters_added, "filter")?;
        self.generation = delta.generation;
        Ok(())
    }
}

fn exchange<T: Ord + Clone + std::fmt::Debug>(
    set: &mut BTreeSet<T>,
    removed: &[T],
    added: &[T],
    what: &str,
) -> Result<(), DeltaError> {
    for item in removed {
        if !set.remove(item) {
            return Err(DeltaError::DoesNotFit(format!("{what} to remove is not there: {item:?}")));
        }
    }
    for item in added {
        if !set.insert(item.clone()) {
            return Err(DeltaError::DoesNotFit(format!("{what} to add is there already: {item:?}")));
        }
    }
    Ok(())
}

/// A plan (計画): every site it changes, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Why.
    pub cause: PlanCause,
    /// What, per site.
    pub sites: BTreeMap<SiteId, SiteDelta>,
}
