//! Grants and topology to the exact tables, tunnels and filters.
//!
//! [`open`] and [`close`] are deltas whose cost does not depend on what else is open; [`from_scratch`] computes every
//! site's whole state and is the reference that every delta must equal. This crate decides nothing (that was
//! `decision`) and proves nothing (that is `verify`, which never sees this crate). It must not know a codec or a clock.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod grant_rules;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Filter, FlowRule, Grant, GrantId, Network, Plan, PlanCause, Renewal, SiteDelta, SiteFacts, SiteId, SiteState,
    Standing, Timestamp, Tunnel,
};

/// Why no plan can be made. Each says whose document to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The grant has no end at the site it was planned for.
    #[error("grant {grant} has no end at site {site}")]
    NotAnEnd {
        /// The grant.
        grant: GrantId,
        /// The site.
        site: SiteId,
    },
    /// The host of the grant is not in the site's document, or has another address there.
    #[error("grant {grant}: host {host} of site {site} is not registered with that address; apply the site's document")]
    UnknownHost {
        /// The grant.
        grant: GrantId,
        /// The site.
        site: SiteId,
        /// The host.
        host: model::HostId,
    },
    /// The grant is planned already.
    #[error("grant {0} is open already")]
    AlreadyOpen(GrantId),
    /// The grant is not planned anywhere it has an end.
    #[error("grant {0} is not open")]
    NotOpen(GrantId),
}

/// What one grant needs at one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantParts {
    /// Its flow rules: three a port.
    pub rules: Vec<FlowRule>,
    /// Its tunnel.
    pub tunnel: Tunnel,
    /// Its two filters.
    pub filters: Vec<Filter>,
}

/// What is added at the two sites so that `grant` can be used, and nothing else.
///
/// # Errors
/// [`PlanError`] if an end is missing or the grant is open already.
pub fn open<S: Standing>(grant: &Grant, origin: &S, destination: &S) -> Result<Plan, PlanError> {
    let mut sites = BTreeMap::new();
    for state in [origin, destination] {
        if state.grant(grant.id).is_some() {
            return Err(PlanError::AlreadyOpen(grant.id));
        }
        let parts = grant_rules::parts(grant, state.facts())?;
        let mut delta = empty_delta(state);
        delta.grants_added.push(grant.clone());
        delta.rules_added = parts.rules;
        delta.tunnels_added.push(parts.tunnel);
        delta.filters_added = parts.filters;
        sites.insert(delta.site.clone(), delta);
    }
    Ok(Plan { cause: PlanCause::Open(grant.id), sites })
}

/// What is removed at the sites where `grant` still stands: exactly what [`open`] added there.
///
/// # Errors
/// [`PlanError::NotOpen`] if it stands nowhere.
pub fn close<S: Standing>(grant: &Grant, states: &[&S]) -> Result<Plan, PlanError> {
    let mut sites = BTreeMap::new();
    for state in states {
        let Some(stands) = state.grant(grant.id) else { continue };
        let parts = grant_rules::parts(&stands, state.facts())?;
        let mut delta = empty_delta(*state);
        delta.grants_removed.push(grant.id);
        delta.rules_removed = parts.rules;
        delta.tunnels_removed.push(parts.tunnel);
        delta.filters_removed = parts.filters;
        sites.insert(delta.site.clone(), delta);
    }
    if sites.is_empty() {
        Err(PlanError::NotOpen(grant.id))
    } else {
        Ok(Plan { cause: PlanCause::Close(grant.id), sites })
    }
}

/// What is renewed at the sites where `grant` stands, so that it lasts until `lease_until`: nothing else.
///
/// # Errors
/// [`PlanError::NotOpen`] if it stands nowhere.
pub fn renew<S: Standing>(grant: GrantId, lease_until: Timestamp, states: &[&S]) -> Result<Plan, PlanError> {
    let mut sites = BTreeMap::new();
    for state in states.iter().filter(|state| state.grant(grant).is_some()) {
        let mut delta = empty_delta(*state);
        delta.grants_renewed.push(Renewal { grant, lease_until });
        sites.insert(delta.site.clone(), delta);
    }
    if sites.is_empty() { Err(PlanError::NotOpen(grant)) } else { Ok(Plan { cause: PlanCause::Renew(grant), sites }) }
}

/// What changes at every site when documents change. Sites that stay as they are do not appear.
///
/// A grant whose ends no longer stand in the documents is left out of the states it leads to: it ends with the plan.
///
/// # Errors
/// Never for a network made by [`Network::with`]; [`PlanError`] otherwise.
pub fn apply(network: &Network, grants: &[Grant], states: &BTreeMap<SiteId, SiteState>) -> Result<Plan, PlanError> {
    let wanted = from_scratch(network, grants)?;
    let mut sites = BTreeMap::new();
    for (id, next) in &wanted {
        let fresh;
        let now = match states.get(id) {
            Some(state) => state,
            None => {
                fresh = SiteState::empty(next.facts.clone());
                &fresh
            }
        };
        let mut delta = difference(now, next);
        if !states.contains_key(id) {
            delta.facts = Some(next.facts.clone());
        }
        if delta_changes(&delta) {
            sites.insert(id.clone(), delta);
        }
    }
    Ok(Plan { cause: PlanCause::Apply, sites })
}

/// The whole state of every site, computed from nothing. Generations are 0: states are compared by content.
///
/// # Errors
/// As [`apply`].
pub fn from_scratch(network: &Network, grants: &[Grant]) -> Result<BTreeMap<SiteId, SiteState>, PlanError> {
    let mut states = BTreeMap::new();
    for facts in network.all_facts() {
        let mut state = SiteState::empty(facts);
        state.rules = standing::rules(&state.facts).into_iter().collect();
        state.filters = standing::filters(&state.facts, network).into_iter().collect();
        states.insert(state.facts.site.id.clone(), state);
    }
    for grant in grants {
        let ends = [&grant.origin.site, &grant.destination.site];
        let still_there = ends
            .iter()
            .all(|site| states.get(*site).is_some_and(|s: &SiteState| grant_rules::parts(grant, &s.facts).is_ok()));
        if !still_there {
            continue;
        }
        for site in ends {
            if let Some(state) = states.get_mut(site) {
                let parts = grant_rules::parts(grant, &state.facts)?;
                state.grants.insert(grant.id, grant.clone());
                state.rules.extend(parts.rules);
                state.tunnels.insert(parts.tunnel);
                state.filters.extend(parts.filters);
            }
        }
    }
    Ok(states)
}

/// What must be exchanged to come from one state of a site to another.
pub fn difference(now: &SiteState, next: &SiteState) -> SiteDelta {
    let mut delta = empty_delta(now);
    if now.facts != next.facts {
        delta.facts = Some(next.facts.clone());
    }
    for (id, grant) in &now.grants {
        if next.grants.get(id) != Some(grant) {
            delta.grants_removed.push(*id);
        }
    }
    for (id, grant) in &next.grants {
        if now.grants.get(id) != Some(grant) {
            delta.grants_added.push(grant.clone());
        }
    }
    (delta.rules_removed, delta.rules_added) = exchange(&now.rules, &next.rules);
    (delta.tunnels_removed, delta.tunnels_added) = exchange(&now.tunnels, &next.tunnels);
    (delta.filters_removed, delta.filters_added) = exchange(&now.filters, &next.filters);
    delta
}

fn exchange<T: Ord + Clone>(now: &BTreeSet<T>, next: &BTreeSet<T>) -> (Vec<T>, Vec<T>) {
    (now.difference(next).cloned().collect(), next.difference(now).cloned().collect())
}

fn empty_delta(state: &impl Standing) -> SiteDelta {
    SiteDelta {
        site: state.facts().site.id.clone(),
        parent: state.generation(),
        generation: state.generation().next(),
        facts: None,
        grants_added: Vec::new(),
        grants_removed: Vec::new(),
        grants_renewed: Vec::new(),
        rules_added: Vec::new(),
        rules_removed: Vec::new(),
        tunnels_added: Vec::new(),
        tunnels_removed: Vec::new(),
        filters_added: Vec::new(),
        filters_removed: Vec::new(),
    }
}

fn delta_changes(delta: &SiteDelta) -> bool {
    delta.facts.is_some()
        || !delta.grants_added.is_empty()
        || !delta.grants_removed.is_empty()
        || !delta.grants_renewed.is_empty()
        || !delta.rules_added.is_empty()
        || !delta.rules_removed.is_empty()
        || !delta.tunnels_added.is_empty()
        || !delta.tunnels_removed.is_empty()
        || !delta.filters_added.is_empty()
        || !delta.filters_removed.is_empty()
}

/// What a grant needs at the site these facts describe.
///
/// # Errors
/// [`PlanError`] if the grant has no end there or its host is not registered there.
pub fn parts(grant: &Grant, facts: &SiteFacts) -> Result<GrantParts, PlanError> {
    grant_rules::parts(grant, facts)
}

#[cfg(test)]
mod tests;
