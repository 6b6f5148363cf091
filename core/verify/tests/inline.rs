//! Tier 1 against the definition: in every step of every random history the inline verdict is the one of the judge who
//! walks everything; every kind of fault is refused by tier 1 alone; and half of an install breaks nothing.
#![allow(clippy::unwrap_used)]

mod support;

use model::*;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use support::build::*;
use support::mutate::{Mutation, mutate, mutation};
use support::v6::{in_ipv6, with_neighbours, without_arp};
use verify::exact::Exact;
use verify::{Fault, Invariant, SliceVerifier, Verifier, check_network, check_slice, check_state};

const FROM: [&str; 8] = [
    "clinic/exam-1",
    "clinic/exam-2",
    "clinic/printer",
    "annex/desk",
    "hospital/ward-1",
    "hospital/archive",
    "hospital/portal",
    "provider/ops-1",
];
const TO: [&str; 6] = [
    "hospital/record-server",
    "hospital/portal",
    "provider/ops-1",
    "provider/lookup",
    "branch/files",
    // Never allowed: an inner zone.
    "hospital/ward-1",
];
const PORTS: [&[u16]; 4] = [&[443], &[22, 8443], &[1, 2, 3, 65535], &[442, 443]];

/// One step of a history.
#[derive(Debug, Clone)]
enum Step {
    Open(Index, Index, Index),
    Close(Index),
    /// A change of documents, with the rules that follow from it, or without.
    Policy(Index, u8, bool),
    /// Faults, alone or together with an opening or a closing.
    Faults(Vec<Mutation>, Option<(Index, Index, Index)>, Option<Index>),
}

fn step() -> impl Strategy<Value = Step> {
    let pick = || (any::<Index>(), any::<Index>(), any::<Index>());
    prop_oneof![
        4 => pick().prop_map(|(f, t, p)| Step::Open(f, t, p)),
        2 => any::<Index>().prop_map(Step::Close),
        2 => (any::<Index>(), 0u8..14, any::<bool>()).prop_map(|(s, how, rules)| Step::Policy(s, how, rules)),
        4 => (
            proptest::collection::vec(mutation(), 1..3),
            proptest::option::weighted(0.3, pick()),
            proptest::option::weighted(0.3, any::<Index>()),
        ).prop_map(|(m, open, close)| Step::Faults(m, open, close)),
    ]
}

fn open(states: &mut States, n: u64, (f, t, p): (Index, Index, Index)) {
    let grant = grant(n, f.get::<&str>(&FROM), t.get::<&str>(&TO), p.get::<&[u16]>(&PORTS));
    if grant.origin.site == grant.destination.site {
        return;
    }
    for end in [&grant.origin, &grant.destination] {
        let state = states.get_mut(&end.site).unwrap();
        // After a change of documents the host may be gone: then there is nothing to plan.
        if state.facts.site.hosts.contains_key(&end.host) {
            add(state, &grant);
        }
    }
}

fn close(states: &mut States, pick: Index) {
    let live: Vec<GrantId> = states.values().flat_map(|s| s.grants.keys().copied()).collect();
    if live.is_empty() {
        return;
    }
    let id = *pick.get(&live);
    let of = |owner: CookieOwner| owner == CookieOwner::Grant(id);
    for state in states.values_mut() {
        state.grants.remove(&id);
        state.rules.retain(|r| !of(r.owner));
        state.tunnels.retain(|t| t.grant != id);
        state.filters.retain(|f| !of(f.owner));
    }
}

/// Changes a site's documents and, if wanted, its standing rules with them; neighbours are told.
fn policy(states: &mut States, site: Index, how: u8, follow: bool) {
    let ids: Vec<SiteId> = states.keys().cloned().collect();
    let id = site.get(&ids).clone();
    let mut facts = states[&id].facts.clone();
    let hosts: Vec<HostId> = facts.site.hosts.keys().cloned().collect();
    if hosts.is_empty() {
        return;
    }
    let (first, last) = (hosts[0].clone(), hosts[hosts.len() - 1].clone());
    match how {
        0 => facts.site.in_house.push(in_house(first.as_str(), last.as_str(), 5432)),
        1 => drop(facts.site.in_house.pop()),
        2 => {
            facts.site.hosts.remove(&last);
            facts.site.in_house.retain(|r| r.from != last && r.to != last);
        }
        3 => facts.site.hosts.get_mut(&first).unwrap().port.port = PortNo(17),
        4 => facts.site.gateway.mac = Mac([2, 0, 0, 9, 9, 9]),
        5 => facts.site.hosts.get_mut(&last).unwrap().terminal ^= true,
        6 => drop(facts.peers.pop_first()),
        7 => facts.site.institution = "midori".parse().unwrap(),
        // What the site forbids itself: something that may be open, something that hardly is, nothing any more (I22).
        8 => facts.site.never.push(never("outside", &format!("host:{last}"))),
        9 => facts.site.never.push(never(&format!("host:{first}"), "outside")),
        10 => facts.site.never.push(never(&format!("host:{first}"), &format!("host:{last}"))),
        11 => facts.site.never.push(never(&format!("host:{first}"), "site:annex")),
        12 => facts.site.never.clear(),
        _ => facts.site.hosts.get_mut(&first).unwrap().mac = Mac([2, 0, 0, 9, 9, 8]),
    }
    if follow {
        let (old, new) = (state(states[&id].facts.clone(), &[]), state(facts.clone(), &[]));
        let here = states.get_mut(&id).unwrap();
        here.rules = here.rules.difference(&old.rules).chain(&new.rules).cloned().collect();
        let known = Arc::new(facts.site.as_peer().unwrap());
        for other in states.values_mut().filter(|s| s.facts.site.id != id) {
            if let Some(peer) = other.facts.peers.get_mut(&id) {
                *peer = Arc::clone(&known);
            }
        }
    }
    states.get_mut(&id).unwrap().facts = facts;
}

fn never(from: &str, to: &str) -> NeverRule {
    NeverRule {
        id: NeverId(1),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        because: LocalizedName { ja: "理由".into(), en: "a reason".into() },
    }
}

fn number_changes(before: &States, after: &mut States) {
    for (id, state) in after.iter_mut() {
        if before[id] != *state {
            state.generation = state.generation.next();
        }
    }
}

struct History {
    states: States,
    center: Verifier,
    gates: BTreeMap<SiteId, SliceVerifier>,
    accepted: usize,
    refused: usize,
}

impl History {
    fn new() -> Self {
        let states = world();
        let center = Verifier::from_states(states.clone()).unwrap();
        let gate = |s: &SiteState| SliceVerifier::new(&check_state(s.clone()).unwrap());
        let gates = states.iter().map(|(id, s)| (id.clone(), gate(s))).collect();
        Self { states, center, gates, accepted: 0, refused: 0 }
    }

    /// Center and gates by tier 1, and by the full judge: the same verdict, and the same state after it.
    fn step(&mut self, n: u64, step: &Step) -> Result<(), String> {
        let mut after = self.states.clone();
        match step {
            Step::Open(f, t, p) => open(&mut after, n, (*f, *t, *p)),
            Step::Close(pick) => close(&mut after, *pick),
            Step::Policy(site, how, follow) => policy(&mut after, *site, *how, *follow),
            Step::Faults(faults, opens, closes) => {
                if let Some(pick) = opens {
                    open(&mut after, n, *pick);
                }
                if let Some(pick) = closes {
                    close(&mut after, *pick);
                }
                faults.iter().for_each(|m| mutate(&mut after, m));
            }
        }
        number_changes(&self.states, &mut after);
        let plan = plan(&self.states, &after);
        let mut slices = Vec::new();
        for (id, delta) in &plan.sites {
            let (fast, full) = (self.gates[id].check(delta), check_slice(&self.states[id], delta));
            if fast.is_ok() != full.is_ok() {
                return Err(format!("gate {id}: tier 1 {:?}, full judge {:?}", fast.err(), full.err()));
            }
            slices.extend(fast.ok());
        }
        let (fast, full) = (self.center.check(plan), check_network(&after));
        match (fast, full) {
            (Ok(verified), Ok(_)) => {
                self.center.advance(&verified).map_err(|e| e.to_string())?;
                for slice in &slices {
                    let gate = self.gates.get_mut(&slice.delta().site).unwrap();
                    gate.advance(slice).map_err(|e| e.to_string())?;
                }
                for (id, state) in &after {
                    let kept = self.center.site(id).unwrap().state();
                    if &kept != state || &self.gates[id].site().state() != state {
                        return Err(format!("the books of {id} do not hold what was verified"));
                    }
                }
                (self.states, self.accepted) = (after, self.accepted + 1);
                Ok(())
            }
            (Err(_), Err(_)) => {
                self.refused += 1;
                Ok(())
            }
            (Ok(_), Err(r)) => Err(format!("tier 1 accepts what the full judge refuses: {r}")),
            (Err(r), Ok(_)) => Err(format!("tier 1 refuses what the full judge accepts: {r}")),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_every_step_the_verdict_is_that_of_the_full_judge(steps in proptest::collection::vec(step(), 1..12)) {
        let mut history = History::new();
        for (n, step) in steps.iter().enumerate() {
            history.step(100 + n as u64, step).map_err(TestCaseError::fail)?;
        }
    }

    /// What is said of IPv4 is said of IPv6, by either tier.
    #[test]
    fn the_same_network_in_ipv6_is_judged_alike(
        opens in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<Index>()), 0..3),
        faults in proptest::collection::vec(mutation(), 0..3),
    ) {
        let mut states = world();
        without_arp(&mut states);
        for (n, pick) in opens.into_iter().enumerate() {
            open(&mut states, 100 + n as u64, pick);
        }
        faults.iter().for_each(|m| mutate(&mut states, m));
        let mut six = in_ipv6(&states);
        with_neighbours(&mut six);
        let reason = |r: Box<verify::Refutation>| (r.invariant, r.fault);
        let tier_1 = |states: &States| Verifier::from_states(states.clone()).map(drop).map_err(reason);
        prop_assert_eq!(tier_1(&states), tier_1(&six));
        let tier_2 = |states: &States| Exact::new(states).map(drop).map_err(reason);
        prop_assert_eq!(tier_2(&states).is_ok(), tier_2(&six).is_ok(), "{:?} {:?}", tier_2(&states), tier_2(&six));
    }

    /// States read back, sound or not.
    #[test]
    fn what_is_read_back_is_judged_as_by_the_full_judge(
        opens in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<Index>()), 0..4),
        faults in proptest::collection::vec(mutation(), 0..3),
    ) {
        let mut states = world();
        for (n, pick) in opens.into_iter().enumerate() {
            open(&mut states, 100 + n as u64, pick);
        }
        faults.iter().for_each(|m| mutate(&mut states, m));
        let (fast, full) = (Verifier::from_states(states.clone()), check_network(&states));
        prop_assert_eq!(fast.as_ref().err().map(|r| r.to_string()).is_some(), full.is_err());
        if let Ok(verifier) = fast {
            prop_assert_eq!(verifier.states(), states);
        }
    }
}

/// A million, by hand: `SEKISHO_STEPS=1000000 cargo test -p verify --release --test inline -- --ignored --nocapture`.
#[test]
#[ignore = "a long run, started by hand"]
fn long_run() {
    let wanted: usize = std::env::var("SEKISHO_STEPS").ok().and_then(|s| s.parse().ok()).unwrap_or(20_000);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(step(), 200);
    let (mut accepted, mut refused) = (0, 0);
    while accepted + refused < wanted {
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        let mut history = History::new();
        for (n, step) in steps.iter().enumerate() {
            history.step(100 + n as u64, step).unwrap_or_else(|e| panic!("step {n}, {step:?}: {e}"));
        }
        (accepted, refused) = (accepted + history.accepted, refused + history.refused);
    }
    println!("{accepted} changes accepted, {refused} refused, by tier 1 and the full judge alike");
}

type Change = (&'static str, Fault, fn(&mut States));

/// The plan that opens grant 11, with one fault in it; every fault is in the new grant's parts.
fn opening(fault: fn(&mut States)) -> Result<(), (Invariant, Fault)> {
    let before = world();
    let mut after = before.clone();
    let new = grant(11, "clinic/exam-1", "provider/lookup", &[443]);
    for site in ["clinic", "provider"] {
        add(after.get_mut(&sid(site)).unwrap(), &new);
    }
    fault(&mut after);
    number_changes(&before, &mut after);
    let verifier = Verifier::from_states(before.clone()).unwrap();
    verifier.check(plan(&before, &after)).map(|_| ()).map_err(|r| (r.invariant, r.fault))
}

fn new_rule(states: &mut States, site: &str, ct: CtMatch, change: fn(&mut FlowRule)) {
    let state = states.get_mut(&sid(site)).unwrap();
    let its = |r: &&FlowRule| r.owner == CookieOwner::Grant(GrantId(11)) && r.matches.ct == Some(ct);
    let mut rule = state.rules.iter().find(its).unwrap().clone();
    state.rules.remove(&rule);
    change(&mut rule);
    state.rules.insert(rule);
}

fn new_filter(states: &mut States, site: &str, direction: FlowDirection, change: fn(&mut Filter)) {
    let state = states.get_mut(&sid(site)).unwrap();
    let its = |f: &&Filter| f.owner == CookieOwner::Grant(GrantId(11)) && f.direction == direction;
    let mut filter = state.filters.iter().find(its).unwrap().clone();
    state.filters.remove(&filter);
    change(&mut filter);
    state.filters.insert(filter);
}

fn new_tunnel(states: &mut States, site: &str, change: fn(&mut Tunnel)) {
    let state = states.get_mut(&sid(site)).unwrap();
    let mut tunnel = state.tunnels.iter().find(|t| t.grant == GrantId(11)).unwrap().clone();
    state.tunnels.remove(&tunnel);
    change(&mut tunnel);
    state.tunnels.insert(tunnel);
}

/// Both sites of the other grants stay out of sight: only tier 1, on what the change touches, can refuse these.
#[test]
fn each_fault_in_an_opening_is_refused_by_tier_1_alone() {
    const B: CtMatch = CtMatch::BEGINS;
    const A: CtMatch = CtMatch::ANSWERS;
    let cases: &[Change] = &[
        ("wider mask", Fault::WiderThanGrant, |s| {
            new_rule(s, "clinic", B, |r| r.matches.tp_dst = Some(PortMatch { value: 442, mask: 0xfffe }))
        }),
        ("wider address", Fault::WiderThanGrant, |s| {
            new_rule(s, "clinic", B, |r| r.matches.ip_dst = Some("10.3.10.0/24".parse().unwrap()))
        }),
        ("no port", Fault::WiderThanGrant, |s| new_rule(s, "provider", B, |r| r.matches.tp_dst = None)),
        ("no protocol", Fault::WiderThanGrant, |s| {
            new_rule(s, "provider", B, |r| (r.matches.protocol, r.matches.tp_dst) = (None, None))
        }),
        ("wrong in-port", Fault::NoFirstPackets, |s| new_rule(s, "clinic", B, |r| r.matches.in_port = Some(PortNo(4)))),
        ("missing connection", Fault::GrantNotLive, |s| {
            s.get_mut(&sid("clinic")).unwrap().grants.remove(&GrantId(11));
            s.get_mut(&sid("provider")).unwrap().grants.remove(&GrantId(11));
        }),
        ("at one end only", Fault::OtherEndMissing, |s| {
            let state = &world()[&sid("provider")];
            s.insert(sid("provider"), state.clone());
        }),
        ("other at its other end", Fault::GrantDiffers, |s| {
            let grants = &mut s.get_mut(&sid("provider")).unwrap().grants;
            grants.get_mut(&GrantId(11)).unwrap().lease_until = Timestamp(9_000);
        }),
        ("zone swap", Fault::NoFirstPackets, |s| {
            new_rule(s, "clinic", B, |r| r.matches.tag = Some(Tag::Zone(Zone::Dmz)))
        }),
        ("zone of the grant swapped", Fault::GrantHost, |s| {
            for site in ["clinic", "provider"] {
                let grants = &mut s.get_mut(&sid(site)).unwrap().grants;
                grants.get_mut(&GrantId(11)).unwrap().origin.zone = Zone::HighSecure;
            }
        }),
        ("new on the reverse direction", Fault::BeginsFromDestination, |s| {
            new_rule(s, "provider", A, |r| r.matches.ct = Some(CtMatch::BEGINS))
        }),
        ("committed on the reverse direction", Fault::RemembersAnswer, |s| {
            new_rule(s, "provider", A, |r| r.actions = commit())
        }),
        ("any state on the reverse direction", Fault::BeginsFromDestination, |s| {
            new_rule(s, "clinic", A, |r| r.matches.ct = None)
        }),
        ("tag overwrite", Fault::AfterLeaving, |s| {
            new_rule(s, "provider", B, |r| r.actions.push(Action::SetTag(Tag::Zone(Zone::Dmz))))
        }),
        ("tag overwrite before", Fault::ActionNotHere, |s| {
            new_rule(s, "provider", B, |r| r.actions.insert(0, Action::SetTag(Tag::Zone(Zone::Dmz))))
        }),
        ("straight out, as NORMAL would", Fault::ActionNotHere, |s| {
            new_rule(s, "provider", B, |r| r.actions = vec![Action::Output(PortNo(3))])
        }),
        ("another table", Fault::ForeignOwner, |s| new_rule(s, "provider", B, |r| r.table = Table::Zones)),
        ("another conntrack zone", Fault::ForeignZone, |s| {
            new_rule(s, "provider", B, |r| r.actions[0] = Action::Commit { zone: 6 })
        }),
        ("another grant's rule", Fault::EqualMatch, |s| {
            // Same switch, table, priority and match as grant 7's, in grant 11's name.
            let state = s.get_mut(&sid("clinic")).unwrap();
            let its = |r: &&FlowRule| r.owner == CookieOwner::Grant(GrantId(7));
            let mut rule = state.rules.iter().find(its).unwrap().clone();
            rule.owner = CookieOwner::Grant(GrantId(11));
            rule.actions = Vec::new();
            state.rules.insert(rule);
        }),
        ("cut off by a drop of its own", Fault::EqualMatch, |s| {
            let state = s.get_mut(&sid("clinic")).unwrap();
            let its = |r: &&FlowRule| r.owner == CookieOwner::Grant(GrantId(11));
            let rule = FlowRule { actions: Vec::new(), ..state.rules.iter().find(its).unwrap().clone() };
            state.rules.insert(rule);
        }),
        ("peer to trunk to peer", Fault::RelayEntities, |s| {
            new_filter(s, "clinic", FlowDirection::Origin, |f| f.from = FilterSide::Tunnel)
        }),
        ("wrong selector", Fault::NotMirrored, |s| new_tunnel(s, "clinic", |t| t.remote.ports.push(22))),
        ("selector to anywhere", Fault::NotMirrored, |s| new_tunnel(s, "clinic", |t| t.remote.ports.clear())),
        ("selector of another", Fault::NotMirrored, |s| {
            new_tunnel(s, "clinic", |t| t.local.address = "10.1.20.12".parse().unwrap())
        }),
        ("wrong selector at both ends", Fault::SelectorWide, |s| {
            new_tunnel(s, "clinic", |t| t.remote.ports.push(22));
            new_tunnel(s, "provider", |t| t.local.ports.push(22));
        }),
        ("both initiate", Fault::WrongInitiator, |s| new_tunnel(s, "provider", |t| t.initiator = true)),
        ("to another peer", Fault::PeerNotOfGrant, |s| new_tunnel(s, "clinic", |t| t.peer = sid("hospital"))),
        ("no tunnel: cleartext", Fault::ClearText, |s| {
            s.get_mut(&sid("clinic")).unwrap().tunnels.retain(|t| t.grant != GrantId(11));
        }),
        ("cleartext filter hole", Fault::FilterSides, |s| {
            new_filter(s, "clinic", FlowDirection::Origin, |f| f.to = FilterSide::Lan)
        }),
        ("filter turned round", Fault::BeginsFromDestination, |s| {
            new_filter(s, "clinic", FlowDirection::Reply, |f| f.direction = FlowDirection::Origin)
        }),
        ("filter too wide", Fault::FilterWide, |s| {
            new_filter(s, "clinic", FlowDirection::Origin, |f| f.ports.push(22))
        }),
        ("a filter missing", Fault::NoFilter, |s| {
            let filters = &mut s.get_mut(&sid("clinic")).unwrap().filters;
            filters.retain(|f| f.owner != CookieOwner::Grant(GrantId(11)) || f.direction == FlowDirection::Origin);
        }),
        ("a rule missing", Fault::NoAnswers, |s| {
            let its = |r: &FlowRule| r.owner == CookieOwner::Grant(GrantId(11));
            s.get_mut(&sid("clinic")).unwrap().rules.retain(|r| !(its(r) && r.matches.ct == Some(A)));
        }),
        ("an inner zone", Fault::ZoneDenied, |s| {
            let bad = grant(12, "clinic/exam-1", "hospital/ward-1", &[443]);
            for site in ["clinic", "hospital"] {
                add(s.get_mut(&sid(site)).unwrap(), &bad);
            }
        }),
    ];
    assert_eq!(opening(|_| {}), Ok(()));
    for (name, fault, change) in cases {
        assert_eq!(opening(*change).map_err(|(_, fault)| fault), Err(*fault), "{name}");
    }
}

/// The drop stands above the rules it cuts off, and nothing is asked of priorities: what is safe below is safe above.
#[test]
fn no_safety_rests_on_a_priority() {
    assert_eq!(opening(|s| new_rule(s, "clinic", CtMatch::BEGINS, |r| r.priority = 1)), Ok(()));
    let wide = opening(|s| {
        new_rule(s, "clinic", CtMatch::BEGINS, |r| (r.priority, r.matches.tp_dst) = (1, None));
    });
    assert_eq!(wide, Err((Invariant::DefaultDeny, Fault::WiderThanGrant)));
}

#[test]
fn closing_leaves_nothing_and_takes_nothing_else() {
    let before = world();
    let verifier = Verifier::from_states(before.clone()).unwrap();
    let id = GrantId(8);
    let closed = |keep: fn(&mut States)| {
        let mut after = before.clone();
        let of = |owner: CookieOwner| owner == CookieOwner::Grant(id);
        for state in after.values_mut() {
            state.grants.remove(&id);
            state.rules.retain(|r| !of(r.owner));
            state.tunnels.retain(|t| t.grant != id);
            state.filters.retain(|f| !of(f.owner));
        }
        keep(&mut after);
        number_changes(&before, &mut after);
        verifier.check(plan(&before, &after)).map(|_| ()).map_err(|r| r.fault)
    };
    fn stays(s: &mut States, part: fn(&SiteState, &mut SiteState)) {
        part(&world()[&sid("clinic")], s.get_mut(&sid("clinic")).unwrap());
    }
    const ITS: CookieOwner = CookieOwner::Grant(GrantId(8));
    assert_eq!(closed(|_| {}), Ok(()));
    // A stale rule, tunnel, filter; the grant itself at its other end; another grant's rule taken along.
    assert_eq!(
        closed(|s| stays(s, |was, now| now.rules.extend(was.rules.iter().find(|r| r.owner == ITS).cloned()))),
        Err(Fault::GrantNotLive)
    );
    assert_eq!(
        closed(|s| stays(s, |was, now| now
            .tunnels
            .extend(was.tunnels.iter().find(|t| t.grant == GrantId(8)).cloned()))),
        Err(Fault::GrantNotLive)
    );
    assert_eq!(
        closed(|s| stays(s, |was, now| now.filters.extend(was.filters.iter().find(|f| f.owner == ITS).cloned()))),
        Err(Fault::GrantNotLive)
    );
    assert_eq!(
        closed(|s| drop(s.insert(sid("hospital"), world()[&sid("hospital")].clone()))),
        Err(Fault::OtherEndRemains)
    );
    assert_eq!(
        closed(|s| {
            let rules = &mut s.get_mut(&sid("clinic")).unwrap().rules;
            rules.retain(|r| r.owner != CookieOwner::Grant(GrantId(7)) || r.matches.ct != Some(CtMatch::ANSWERS));
        }),
        Err(Fault::NoAnswers)
    );
}

/// A power cut between any two installs, in any order: only "together" is broken, and while a tunnel is not there yet
/// its packets end at the gateway, whose filter and whose missing tunnel stop them.
#[test]
fn half_an_install_breaks_nothing_but_togetherness() {
    let before = world();
    let mut after = before.clone();
    let new = grant(11, "clinic/exam-1", "provider/lookup", &[443, 8443]);
    for site in ["clinic", "provider"] {
        add(after.get_mut(&sid(site)).unwrap(), &new);
    }
    for site in ["clinic", "provider"] {
        let (old, whole) = (&before[&sid(site)], &after[&sid(site)]);
        let rules: Vec<_> = whole.rules.difference(&old.rules).cloned().collect();
        let filters: Vec<_> = whole.filters.difference(&old.filters).cloned().collect();
        let tunnel = whole.tunnels.difference(&old.tunnels).next().unwrap().clone();
        // Every subset: whatever the order, and forth as well as back.
        let parts = rules.len() + filters.len() + 1;
        for subset in 0u32..1 << parts {
            let has = |n: usize| subset & (1 << n) != 0;
            let mut state = old.clone();
            state.grants.insert(new.id, new.clone());
            state.rules.extend(rules.iter().enumerate().filter(|(n, _)| has(*n)).map(|(_, r)| r.clone()));
            let at = rules.len();
            state.filters.extend(filters.iter().enumerate().filter(|(n, _)| has(at + n)).map(|(_, f)| f.clone()));
            let tunnelled = has(parts - 1);
            state.tunnels.extend(tunnelled.then(|| tunnel.clone()));
            match check_state(state) {
                Ok(_) => assert_eq!(subset.count_ones() as usize, parts, "{site}"),
                Err(r) if r.invariant == Invariant::Together => {}
                Err(r) => assert!(r.fault == Fault::ClearText && !tunnelled, "{site} {subset:b}: {r}"),
            }
        }
    }
}
