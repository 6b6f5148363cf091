//! Plans: the exact change wanted at each site, immutable, numbered per site.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::{Filter, FlowRule, Generation, Grant, GrantId, SiteFacts, SiteId, Timestamp, Tunnel};

/// Why a plan exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanCause {
    /// A grant was given.
    Open(GrantId),
    /// A grant ends.
    Close(GrantId),
    /// A grant lasts longer.
    Renew(GrantId),
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

/// What a change of a site is planned from; whoever keeps a site's state in another form than [`SiteState`] plans too.
pub trait Standing {
    /// Number of the state.
    fn generation(&self) -> Generation;
    /// What it is judged against.
    fn facts(&self) -> &SiteFacts;
    /// A live grant that has an end here.
    fn grant(&self, id: GrantId) -> Option<Cow<'_, Grant>>;
}

impl Standing for SiteState {
    fn generation(&self) -> Generation {
        self.generation
    }
    fn facts(&self) -> &SiteFacts {
        &self.facts
    }
    fn grant(&self, id: GrantId) -> Option<Cow<'_, Grant>> {
        self.grants.get(&id).map(Cow::Borrowed)
    }
}

/// A live grant's lease is extended; nothing else of it changes, and no rule is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Renewal {
    /// The grant.
    pub grant: GrantId,
    /// First instant it no longer holds; later than before.
    pub lease_until: Timestamp,
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
    /// Grants that last longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants_renewed: Vec<Renewal>,
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

impl SiteDelta {
    /// The grants it brings, takes or renews.
    pub fn grants(&self) -> BTreeSet<GrantId> {
        let renewed = self.grants_renewed.iter().map(|renewal| renewal.grant);
        self.grants_added
            .iter()
            .map(|grant| grant.id)
            .chain(self.grants_removed.iter().copied())
            .chain(renewed)
            .collect()
    }
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

    /// Applies a delta in place. Cost follows the delta, not the state (but for a logarithm). On error the state stays as
    /// it was.
    ///
    /// # Errors
    /// As [`SiteState::after`].
    pub fn advance(&mut self, delta: &SiteDelta) -> Result<(), DeltaError> {
        self.fits(delta)?;
        if let Some(facts) = &delta.facts {
            self.facts = facts.clone();
        }
        for id in &delta.grants_removed {
            self.grants.remove(id);
        }
        self.grants.extend(delta.grants_added.iter().map(|g| (g.id, g.clone())));
        for renewal in &delta.grants_renewed {
            if let Some(grant) = self.grants.get_mut(&renewal.grant) {
                grant.lease_until = renewal.lease_until;
            }
        }
        exchange(&mut self.rules, &delta.rules_removed, &delta.rules_added);
        exchange(&mut self.tunnels, &delta.tunnels_removed, &delta.tunnels_added);
        exchange(&mut self.filters, &delta.filters_removed, &delta.filters_added);
        self.generation = delta.generation;
        Ok(())
    }

    /// Does the delta start here and fit exactly: is there what it removes, and not yet what it adds?
    ///
    /// # Errors
    /// As [`SiteState::after`].
    pub fn fits(&self, delta: &SiteDelta) -> Result<(), DeltaError> {
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
        let mut gone = BTreeSet::new();
        for id in &delta.grants_removed {
            if !self.grants.contains_key(id) || !gone.insert(id) {
                return misfit(format!("grant {id} is not there"));
            }
        }
        let mut come = BTreeSet::new();
        for grant in &delta.grants_added {
            if (self.grants.contains_key(&grant.id) && !gone.contains(&grant.id)) || !come.insert(grant.id) {
                return misfit(format!("grant {} is there already", grant.id));
            }
        }
        let mut longer = BTreeSet::new();
        for Renewal { grant: id, lease_until } in &delta.grants_renewed {
            let Some(grant) = self.grants.get(id).filter(|_| !gone.contains(id) && longer.insert(id)) else {
                return misfit(format!("grant {id} is not there, or is renewed twice"));
            };
            if *lease_until <= grant.lease_until {
                return misfit(format!("grant {id} is renewed to an earlier end"));
            }
        }
        exchangeable(&self.rules, &delta.rules_removed, &delta.rules_added, "rule")?;
        exchangeable(&self.tunnels, &delta.tunnels_removed, &delta.tunnels_added, "tunnel")?;
        exchangeable(&self.filters, &delta.filters_removed, &delta.filters_added, "filter")
    }
}

fn exchangeable<T: Ord + std::fmt::Debug>(
    set: &BTreeSet<T>,
    removed: &[T],
    added: &[T],
    what: &str,
) -> Result<(), DeltaError> {
    let mut gone = BTreeSet::new();
    for item in removed {
        if !set.contains(item) || !gone.insert(item) {
            return Err(DeltaError::DoesNotFit(format!("{what} to remove is not there: {item:?}")));
        }
    }
    let mut come = BTreeSet::new();
    for item in added {
        if (set.contains(item) && !gone.contains(item)) || !come.insert(item) {
            return Err(DeltaError::DoesNotFit(format!("{what} to add is there already: {item:?}")));
        }
    }
    Ok(())
}

fn exchange<T: Ord + Clone>(set: &mut BTreeSet<T>, removed: &[T], added: &[T]) {
    for item in removed {
        set.remove(item);
    }
    set.extend(added.iter().cloned());
}

/// A plan (計画): every site it changes, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Why.
    pub cause: PlanCause,
    /// What, per site.
    pub sites: BTreeMap<SiteId, SiteDelta>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CookieOwner, FlowMatch, Network, Table, parse_document};

    fn state() -> SiteState {
        let documents = [
            parse_document("clinic", include_str!("../tests/documents/clinic.toml")).unwrap(),
            parse_document("hospital", include_str!("../tests/documents/hospital.toml")).unwrap(),
            parse_document("provider", include_str!("../tests/documents/provider.toml")).unwrap(),
        ];
        let network = Network::default().with(&documents).unwrap();
        let mut state = SiteState::empty(network.facts(&"clinic".parse().unwrap()).unwrap());
        state.rules.extend([rule(1), rule(2)]);
        state
    }

    fn rule(priority: u16) -> FlowRule {
        FlowRule {
            switch: "sw1".parse().unwrap(),
            table: Table::Connections,
            priority,
            matches: FlowMatch::default(),
            owner: CookieOwner::Refusal,
            actions: Vec::new(),
        }
    }

    fn delta(state: &SiteState, removed: &[u16], added: &[u16]) -> SiteDelta {
        SiteDelta {
            site: state.facts.site.id.clone(),
            parent: state.generation,
            generation: state.generation.next(),
            facts: None,
            grants_added: Vec::new(),
            grants_removed: Vec::new(),
            grants_renewed: Vec::new(),
            rules_added: added.iter().map(|p| rule(*p)).collect(),
            rules_removed: removed.iter().map(|p| rule(*p)).collect(),
            tunnels_added: Vec::new(),
            tunnels_removed: Vec::new(),
            filters_added: Vec::new(),
            filters_removed: Vec::new(),
        }
    }

    #[test]
    fn what_does_not_fit_leaves_the_state_as_it_was() {
        let before = state();
        let cases: &[(&[u16], &[u16])] = &[(&[3], &[]), (&[], &[1]), (&[1, 1], &[]), (&[], &[3, 3]), (&[1, 3], &[4])];
        for (removed, added) in cases {
            let mut state = before.clone();
            assert!(matches!(state.advance(&delta(&before, removed, added)), Err(DeltaError::DoesNotFit(_))));
            assert_eq!(state, before);
        }
        let mut state = before.clone();
        state.advance(&delta(&before, &[1, 2], &[2, 3])).unwrap();
        assert_eq!(state.rules, BTreeSet::from([rule(2), rule(3)]));
        assert!(matches!(state.advance(&delta(&before, &[], &[4])), Err(DeltaError::WrongParent { .. })));
    }
}
