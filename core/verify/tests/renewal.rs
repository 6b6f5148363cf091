//! A lease is extended and nothing else: every tier says the same of it.
#![allow(clippy::unwrap_used)]

mod support;

use model::{GrantId, Plan, PlanCause, Renewal, SiteDelta, SiteId, Timestamp};
use std::collections::BTreeMap;
use support::build::*;
use verify::exact::Exact;
use verify::{SliceVerifier, Verifier, check_network, check_state};

fn renewal(states: &States, grant: GrantId, until: Timestamp) -> BTreeMap<SiteId, SiteDelta> {
    let holds = states.iter().filter(|(_, s)| s.grants.contains_key(&grant));
    let delta = |s: &model::SiteState| {
        let mut next = s.clone();
        next.generation = s.generation.next();
        SiteDelta { grants_renewed: vec![Renewal { grant, lease_until: until }], ..delta(s, &next) }
    };
    holds.map(|(id, s)| (id.clone(), delta(s))).collect()
}

fn first(states: &States) -> model::Grant {
    states.values().flat_map(|s| s.grants.values()).next().unwrap().clone()
}

#[test]
fn a_renewal_is_admitted_by_contract_at_both_ends_and_by_each_gate() {
    let states = world();
    let grant = first(&states);
    let until = grant.lease_until.plus_ms(60_000);
    let sites = renewal(&states, grant.id, until);
    assert_eq!(sites.len(), 2);
    let mut verifier = Verifier::from_states(states.clone()).unwrap();
    let mut exact = Exact::new(&states).unwrap();
    exact.advance(&sites.values().collect::<Vec<_>>()).unwrap();
    let plan = verifier.check(Plan { cause: PlanCause::Renew(grant.id), sites: sites.clone() }).unwrap();
    verifier.advance(&plan).unwrap();
    for (id, delta) in &sites {
        assert_eq!(verifier.site(id).unwrap().grant(grant.id).unwrap().lease_until, until);
        assert_eq!(verifier.states()[id], states[id].after(delta).unwrap());
        let mut gate = SliceVerifier::new(&check_state(states[id].clone()).unwrap());
        let slice = gate.check(delta).unwrap();
        gate.advance(&slice).unwrap();
        assert_eq!(gate.site().grant(grant.id).unwrap().lease_until, until);
    }
    check_network(&verifier.states()).unwrap();
    // What was proved of the rest stands: the line can still be closed to nothing.
    assert!(verifier.check(Plan { cause: PlanCause::Renew(grant.id), sites }).is_err(), "it is useless twice");
}

#[test]
fn one_end_alone_an_earlier_end_and_a_stranger_are_refused() {
    let states = world();
    let grant = first(&states);
    let verifier = Verifier::from_states(states.clone()).unwrap();
    let later = grant.lease_until.plus_ms(1);
    let refused = |what: &str, sites: BTreeMap<SiteId, SiteDelta>| {
        let deltas: Vec<&SiteDelta> = sites.values().collect();
        assert!(Exact::new(&states).unwrap().check(&deltas).is_err() || what == "earlier", "{what}: exact");
        assert!(verifier.check(Plan { cause: PlanCause::Renew(grant.id), sites }).is_err(), "{what}");
    };
    let mut one = renewal(&states, grant.id, later);
    one.pop_first();
    refused("one end", one);
    let mut uneven = renewal(&states, grant.id, later);
    uneven.first_entry().unwrap().get_mut().grants_renewed[0].lease_until = later.plus_ms(1);
    refused("uneven", uneven);
    refused("earlier", renewal(&states, grant.id, grant.lease_until));
    let mut stranger = renewal(&states, grant.id, later);
    stranger.values_mut().for_each(|d| d.grants_renewed[0].grant = GrantId(999));
    refused("stranger", stranger);
    let mut gone = renewal(&states, grant.id, later);
    gone.values_mut().for_each(|d| d.grants_removed.push(grant.id));
    refused("removed too", gone);
}
