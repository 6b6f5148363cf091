//! What a site forbids itself: refused at every door, by both engines, and only then (I22).
#![allow(clippy::unwrap_used)]

mod support;

use model::*;
use support::build::*;
use verify::exact::Exact;
use verify::{Because, Invariant, Refutation, Verifier, check_network};

fn promise(from: &str, to: &str) -> NeverRule {
    NeverRule {
        id: NeverId(3),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        because: LocalizedName { ja: "理由".into(), en: "a reason".into() },
    }
}

fn promising(site: &str, from: &str, to: &str) -> States {
    let mut states = world();
    states.get_mut(&sid(site)).unwrap().facts.site.never.push(promise(from, to));
    states
}

fn named(refutation: &Refutation) -> (String, CookieOwner) {
    assert_eq!(refutation.invariant, Invariant::OwnPromises, "{refutation}");
    assert!(refutation.packet.is_some() && refutation.path.len() >= 2, "{refutation}");
    let Because::Promise { site, rule, owner } = &refutation.because else { panic!("{refutation}") };
    (format!("{site}/{}", rule.id), *owner)
}

#[test]
fn what_breaks_a_promise_is_refused_by_both_engines_and_named() {
    let cases = [
        ("clinic", "host:exam-1", "host:printer", CookieOwner::InHouse(0)),
        ("clinic", "segment:exam", "segment:exam", CookieOwner::InHouse(0)),
        ("clinic", "host:exam-1", "outside", CookieOwner::Grant(GrantId(7))),
        ("clinic", "host:exam-2", "site:hospital", CookieOwner::Grant(GrantId(8))),
        ("hospital", "outside", "host:record-server", CookieOwner::Grant(GrantId(7))),
        ("hospital", "site:provider", "zone:dmz", CookieOwner::Grant(GrantId(10))),
        ("provider", "host:hospital/ward-1", "host:lookup", CookieOwner::Grant(GrantId(9))),
        ("hospital", "zone:secure", "zone:dmz", CookieOwner::InHouse(0)),
    ];
    for (site, from, to, owner) in cases {
        let states = promising(site, from, to);
        let id = format!("{site}/S03");
        let case = format!("{id} {from} {to}");
        for refutation in [
            check_network(&states).expect_err(&case),
            Verifier::from_states(states.clone()).map(|_| ()).expect_err(&case),
            Exact::new(&states).map(|_| ()).expect_err(&case),
        ] {
            assert_eq!(named(&refutation), (id.clone(), owner), "{case}: {refutation}");
        }
    }
}

#[test]
fn what_breaks_no_promise_is_accepted() {
    for (site, from, to) in [
        ("clinic", "host:printer", "outside"),
        ("clinic", "outside", "zone:secure"),
        ("clinic", "host:exam-1", "site:provider"),
        ("hospital", "zone:high-secure", "outside"),
        ("hospital", "zone:dmz", "zone:secure"),
        ("hospital", "host:record-server", "outside"),
    ] {
        let states = promising(site, from, to);
        check_network(&states).unwrap_or_else(|r| panic!("{r}"));
        Verifier::from_states(states.clone()).unwrap_or_else(|r| panic!("{r}"));
        Exact::new(&states).map(|_| ()).unwrap_or_else(|r| panic!("{r}"));
    }
}

/// The change that brings these facts, rules as they are.
fn change(state: &SiteState, next: &SiteState) -> SiteDelta {
    let mut next = next.clone();
    next.generation = state.generation.next();
    delta(state, &next)
}

#[test]
fn a_promise_that_comes_is_held_against_what_is_open_already() {
    let before = world();
    let after = promising("clinic", "segment:exam", "site:hospital");
    let one = change(&before[&sid("clinic")], &after[&sid("clinic")]);
    let plan = Plan { cause: PlanCause::Apply, sites: [(sid("clinic"), one.clone())].into() };
    let verifier = Verifier::from_states(before.clone()).unwrap();
    assert_eq!(named(&verifier.check(plan).unwrap_err()).0, "clinic/S03");
    let proved = verify::check_state(before[&sid("clinic")].clone()).unwrap();
    assert_eq!(named(&verify::SliceVerifier::new(&proved).check(&one).unwrap_err()).0, "clinic/S03");
    let mut exact = Exact::new(&before).unwrap();
    assert_eq!(named(&exact.check(&[&one]).unwrap_err()).0, "clinic/S03");
}

#[test]
fn a_grant_that_breaks_a_promise_of_either_end_is_not_opened() {
    for (site, from, to) in [("clinic", "host:exam-1", "outside"), ("hospital", "site:clinic", "zone:dmz")] {
        let all = facts();
        let new = grant(11, "clinic/exam-1", "hospital/portal", &[443]);
        let mut before: States = all.into_iter().map(|(id, facts)| (id, state(facts, &[]))).collect();
        before.get_mut(&sid(site)).unwrap().facts.site.never.push(promise(from, to));
        let mut sites = std::collections::BTreeMap::new();
        for end in ["clinic", "hospital"] {
            let now = &before[&sid(end)];
            let mut next = now.clone();
            add(&mut next, &new);
            sites.insert(sid(end), change(now, &next));
        }
        let deltas: Vec<SiteDelta> = sites.values().cloned().collect();
        let verifier = Verifier::from_states(before.clone()).unwrap();
        let refutation = verifier.check(Plan { cause: PlanCause::Open(new.id), sites }).unwrap_err();
        assert_eq!(named(&refutation), (format!("{site}/S03"), CookieOwner::Grant(new.id)));
        let mut exact = Exact::new(&before).unwrap();
        let refutation = exact.check(&deltas.iter().collect::<Vec<_>>()).unwrap_err();
        assert_eq!(named(&refutation), (format!("{site}/S03"), CookieOwner::Grant(new.id)));
        // And what is told is undone: the next question finds nothing of it.
        assert!(exact.check(&[]).is_ok());
    }
}

/// Followed by hand and asked of the sets, every pair of hosts gets as far.
#[test]
fn a_packet_followed_gets_where_the_sets_say_it_can() {
    let states = world();
    let mut exact = Exact::new(&states).unwrap();
    let hosts: Vec<HostRef> = states
        .iter()
        .flat_map(|(id, s)| s.facts.site.hosts.keys().map(|h| HostRef { site: id.clone(), host: h.clone() }))
        .collect();
    let mut reached = 0;
    for from in &hosts {
        for to in hosts.iter().filter(|to| *to != from) {
            for port in [22, 443, 445, 631, 8080, 8443] {
                let (_, path) = verify::follow(&states, (from, to), Protocol::Tcp, port).unwrap();
                let gets = matches!(path.last(), Some(verify::Hop::Reaches { site, host }) if (site, host) == (&to.site, &to.host));
                let can = matches!(exact.can(from, to, Protocol::Tcp, port), verify::exact::Answer::Yes { .. });
                assert_eq!(gets, can, "{from} {to} {port}: {path:?}");
                reached += usize::from(can);
            }
        }
    }
    assert!(reached >= 6, "{reached}");
}
