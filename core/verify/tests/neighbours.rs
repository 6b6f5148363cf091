//! IPv6 asks for its neighbours too: what the switch answers is true, and no question goes anywhere else (I03, I06, I21).
#![allow(clippy::unwrap_used)]

mod support;

use model::*;
use std::net::IpAddr;
use support::build::*;
use support::v6::{in_ipv6, with_neighbours, without_arp};
use verify::exact::Exact;
use verify::{Fault, Invariant, Verifier, check_network};

fn world6() -> States {
    let mut states = world();
    without_arp(&mut states);
    let mut states = in_ipv6(&states);
    with_neighbours(&mut states);
    states
}

/// The first rule that fits, changed: refused by the judge who walks everything and by the inline proof for this reason,
/// and by the exact proof, if it is among what that one looks at.
fn refused(pick: fn(&FlowRule) -> bool, change: impl Fn(&mut FlowRule), why: (Invariant, Fault), exactly: bool) {
    let mut states = world6();
    let state = states.get_mut(&sid("clinic")).unwrap();
    let mut rule = state.rules.iter().find(|r| pick(r)).expect("a rule to change").clone();
    state.rules.remove(&rule);
    change(&mut rule);
    state.rules.insert(rule.clone());
    let full = check_network(&states).expect_err("the full judge accepts");
    assert_eq!((full.invariant, full.fault), why, "{rule:?}: {full}");
    let inline = Verifier::from_states(states.clone()).map(drop).expect_err("the inline proof accepts");
    assert_eq!((inline.invariant, inline.fault), why, "{rule:?}: {inline}");
    if exactly {
        assert!(Exact::new(&states).is_err(), "the exact proof accepts {rule:?}");
    }
}

fn answer(r: &FlowRule) -> bool {
    matches!(r.actions.as_slice(), [Action::NeighbourReply { router: false, .. }])
}
fn gateway_answer(r: &FlowRule) -> bool {
    matches!(r.actions.as_slice(), [Action::NeighbourReply { router: true, .. }])
}
/// Of a host, with its own address or a link-local one.
fn question(r: &FlowRule) -> bool {
    r.table == Table::Admission
        && r.matches.eth_type == Some(EtherType::Neighbour)
        && r.actions.first() != Some(&Action::SetTag(Tag::Uplink))
}
fn gateway_question(r: &FlowRule) -> bool {
    r.matches.eth_type == Some(EtherType::Neighbour) && r.actions.first() == Some(&Action::SetTag(Tag::Uplink))
}
fn admission(r: &FlowRule) -> bool {
    r.table == Table::Admission && r.matches.eth_type == Some(EtherType::Ipv6) && r.matches.ip_src.is_some()
}

const SOMEBODY: Mac = Mac([2, 0, 0, 0, 0, 0x66]);

#[test]
fn a_network_whose_neighbours_are_answered_is_sound() {
    let states = world6();
    assert!(states.values().all(|s| s.rules.iter().any(answer) && s.rules.iter().any(gateway_answer)));
    check_network(&states).unwrap();
    Verifier::from_states(states.clone()).unwrap();
    Exact::new(&states).unwrap();
}

#[test]
fn i21_answers_are_registered_bindings() {
    let lie = (Invariant::ArpAnswers, Fault::ArpLie);
    for pick in [answer as fn(&FlowRule) -> bool, gateway_answer] {
        let mac_of = |r: &mut FlowRule, new: Mac| {
            if let [Action::NeighbourReply { mac, .. }] = r.actions.as_mut_slice() {
                *mac = new;
            }
        };
        refused(pick, |r| mac_of(r, SOMEBODY), lie, true);
        // Whoever asks for another address, or for any.
        refused(pick, |r| r.matches.ip_dst = None, lie, true);
        refused(pick, |r| r.matches.ip_dst = Some("fd00::77/128".parse().unwrap()), lie, true);
        let wider =
            |r: &mut FlowRule| r.matches.ip_dst = r.matches.ip_dst.map(|n| ipnet::IpNet::new(n.addr(), 127).unwrap());
        refused(pick, wider, lie, true);
        // No host is a router, and the gateway is one.
        let other = |r: &mut FlowRule| {
            if let [Action::NeighbourReply { router, .. }] = r.actions.as_mut_slice() {
                *router = !*router;
            }
        };
        refused(pick, other, lie, true);
    }
}

#[test]
fn i21_a_question_goes_nowhere_else() {
    let shape = |fault| (Invariant::Pipeline, fault);
    // To the switch it is IPv6, which forwarding would deliver.
    for next in [Table::Forwarding, Table::Posture, Table::Connections] {
        let go = |r: &mut FlowRule| *r.actions.last_mut().unwrap() = Action::Goto(next);
        refused(question, go, shape(Fault::StepBack), true);
        refused(gateway_question, go, shape(Fault::StepBack), true);
    }
    let out = |r: &mut FlowRule| r.actions = vec![Action::Output(PortNo(3))];
    refused(answer, out, shape(Fault::ActionNotHere), true);
    let to_gate = |r: &mut FlowRule| r.actions = vec![Action::ToGate];
    refused(answer, to_gate, shape(Fault::ActionNotHere), true);
    let on = |r: &mut FlowRule| r.actions.push(Action::Output(PortNo(3)));
    refused(answer, on, shape(Fault::ActionNotHere), true);
    // Other IPv6 has no business where questions are answered.
    let go = |r: &mut FlowRule| *r.actions.last_mut().unwrap() = Action::Goto(Table::Neighbours);
    refused(admission, go, shape(Fault::StepBack), true);
    refused(answer, |r| r.matches.eth_type = Some(EtherType::Ipv6), shape(Fault::ActionNotHere), true);
    // Apart from IPv6 it is judged only where it is told apart.
    let elsewhere = |r: &mut FlowRule| {
        r.table = Table::Forwarding;
        r.actions.clear();
    };
    refused(answer, elsewhere, shape(Fault::ActionNotHere), true);
    refused(answer, |r| r.matches.protocol = Some(Protocol::Udp), shape(Fault::Prerequisite), true);
    refused(answer, |r| r.matches.ip_dst = Some("10.1.20.11/32".parse().unwrap()), shape(Fault::Prerequisite), true);
}

#[test]
fn i06_who_asks_is_who_is_registered_there() {
    let (mac, address) =
        ((Invariant::SourceBinding, Fault::UnboundMac), (Invariant::SourceBinding, Fault::UnboundAddress));
    for pick in [question as fn(&FlowRule) -> bool, gateway_question] {
        refused(pick, |r| r.matches.eth_src = Some(SOMEBODY), mac, false);
        refused(pick, |r| r.matches.arp_sha = Some(SOMEBODY), mac, false);
        refused(pick, |r| r.matches.arp_sha = None, mac, false);
        refused(pick, |r| r.matches.ip_src = None, address, false);
        refused(pick, |r| r.matches.ip_src = Some("fd00::77/128".parse().unwrap()), address, false);
        // Whether an address is free nobody is told: it would be told of its own.
        refused(pick, |r| r.matches.ip_src = Some("::/128".parse().unwrap()), address, false);
        refused(pick, |r| r.matches.ip_src = Some("fe80::/9".parse().unwrap()), address, false);
        refused(pick, |r| r.matches.in_port = None, (Invariant::SourceBinding, Fault::UnboundPort), false);
    }
}

#[test]
fn what_was_true_is_judged_again_when_facts_change() {
    let before = world6();
    let mut states = before.clone();
    let state = states.get_mut(&sid("clinic")).unwrap();
    let host = state.facts.site.hosts.values_mut().next().unwrap();
    host.mac = SOMEBODY;
    let moved = host.address;
    let lie = |told: IpAddr| told == moved;
    let full = check_network(&states).unwrap_err();
    assert!(matches!(full.fault, Fault::UnboundMac | Fault::ArpLie), "{full}");
    let change = Verifier::from_states(before).unwrap().check(plan(&world6(), &states)).map(|_| ()).unwrap_err();
    assert!(matches!(change.fault, Fault::UnboundMac | Fault::ArpLie), "{change}");
    // With admission set right, the answer still tells the old one.
    let state = states.get_mut(&sid("clinic")).unwrap();
    let rules = std::mem::take(&mut state.rules);
    let port = state.facts.site.host_at(moved).unwrap().port.port;
    state.rules = rules
        .into_iter()
        .map(|mut r| {
            if r.table == Table::Admission && r.matches.in_port == Some(port) {
                r.matches.eth_src = Some(SOMEBODY);
                r.matches.arp_sha = r.matches.arp_sha.map(|_| SOMEBODY);
            }
            for action in &mut r.actions {
                match action {
                    Action::SetEthDst(mac) if r.matches.ip_dst.is_some_and(|n| lie(n.addr())) => *mac = SOMEBODY,
                    _ => {}
                }
            }
            r
        })
        .collect();
    let full = check_network(&states).unwrap_err();
    assert_eq!((full.invariant, full.fault), (Invariant::ArpAnswers, Fault::ArpLie), "{full}");
    assert!(Exact::new(&states).is_err());
}
