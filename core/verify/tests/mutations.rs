//! Each invariant, broken on purpose by one change to a valid network: refused, and for the right reason.
#![allow(clippy::unwrap_used)]

mod support;

use model::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use support::build::*;
use verify::{Because, Fault, Hop, Invariant, Refutation, Verifier, check_network, check_slice, check_state};

type Pick = Box<dyn Fn(&FlowRule) -> bool>;
type Change<T> = fn(&mut T);
type Case<T> = (Fault, Change<T>);

/// Changes one site of the valid network and expects the whole-network verdict.
fn broken(site: &str, change: impl FnOnce(&mut SiteState)) -> Refutation {
    let mut states = world();
    change(states.get_mut(&sid(site)).unwrap());
    refused_by_all(&states)
}

/// The judge who walks everything, the inline proof of states read back, and the inline proof of the change that leads
/// there from the valid network: each refuses, by itself, for the same reason.
fn refused_by_all(states: &States) -> Refutation {
    let reason = |r: &Refutation| (r.invariant, r.fault);
    let full = check_network(states).expect_err("the full judge accepts");
    let read_back = Verifier::from_states(states.clone()).map(|_| ()).expect_err("accepted when read back");
    assert_eq!(reason(&read_back), reason(&full), "{read_back}");
    let before = world();
    let verifier = Verifier::from_states(before.clone()).unwrap();
    let change = verifier.check(plan(&before, states)).map(|_| ()).expect_err("accepted as a change");
    // Rules of grants that a change does not touch are looked at last, and only for being one with another.
    let overlaps = full.fault == Fault::EqualMatch;
    assert!(reason(&change) == reason(&full) || overlaps, "{change} instead of {full}");
    *full
}

fn assert_broken(invariant: Invariant, fault: Fault, site: &str, change: impl FnOnce(&mut SiteState)) -> Refutation {
    let refutation = broken(site, change);
    assert_eq!((refutation.invariant, refutation.fault), (invariant, fault), "{refutation}");
    refutation
}

/// Changes the first rule that fits.
fn alter(state: &mut SiteState, pick: impl Fn(&FlowRule) -> bool, change: impl FnOnce(&mut FlowRule)) {
    let mut rule = state.rules.iter().find(|r| pick(r)).expect("a rule to alter").clone();
    state.rules.remove(&rule);
    change(&mut rule);
    state.rules.insert(rule);
}

fn known<'s>(state: &'s mut SiteState, peer: &str) -> &'s mut PeerFacts {
    Arc::make_mut(state.facts.peers.get_mut(&sid(peer)).unwrap())
}

fn of(id: u64) -> impl Fn(&FlowRule) -> bool {
    move |r| r.owner == CookieOwner::Grant(GrantId(id))
}

fn ct(wanted: CtMatch) -> impl Fn(&FlowRule) -> bool {
    move |r| r.matches.ct == Some(wanted)
}

fn both(a: impl Fn(&FlowRule) -> bool, b: impl Fn(&FlowRule) -> bool) -> impl Fn(&FlowRule) -> bool {
    move |r| a(r) && b(r)
}

fn alter_filter(state: &mut SiteState, direction: FlowDirection, change: impl FnOnce(&mut Filter)) {
    let mut filter = state.filters.iter().find(|f| f.direction == direction).unwrap().clone();
    state.filters.remove(&filter);
    change(&mut filter);
    state.filters.insert(filter);
}

fn alter_tunnel(state: &mut SiteState, change: impl FnOnce(&mut Tunnel)) {
    let mut tunnel = state.tunnels.pop_first().unwrap();
    change(&mut tunnel);
    state.tunnels.insert(tunnel);
}

#[test]
fn the_valid_network_holds() {
    let verifier = Verifier::from_states(world()).unwrap_or_else(|r| panic!("{r}"));
    for state in verifier.states().values() {
        let verified = check_state(state.clone()).unwrap_or_else(|r| panic!("{r}"));
        assert_eq!(verified.proof().sites(), 1);
        assert_eq!(verified.proof().invariants(), Invariant::ALL.len());
        assert!(verified.proof().paths() > 0 || state.grants.is_empty());
    }
}

#[test]
fn opening_and_closing_a_grant_is_proved_and_followed() {
    let before = world();
    let mut after = before.clone();
    let new = grant(11, "clinic/exam-1", "provider/lookup", &[443]);
    for site in ["clinic", "provider"] {
        let state = after.get_mut(&sid(site)).unwrap();
        add(state, &new);
        state.generation = Generation(2);
    }
    let mut verifier = Verifier::from_states(before.clone()).unwrap();
    let open = verifier.check(plan(&before, &after)).unwrap_or_else(|r| panic!("{r}"));
    assert_eq!(open.proof().sites(), 2);
    let again = verifier.check(plan(&before, &after)).unwrap();
    verifier.advance(&open).unwrap();
    assert_eq!(verifier.states()[&sid("clinic")], after[&sid("clinic")]);
    assert_eq!(verifier.advance(&again).unwrap_err().at, Generation(2));

    let slice = check_slice(&before[&sid("clinic")], &open.plan().sites[&sid("clinic")]).unwrap();
    let mut kept = check_state(before[&sid("clinic")].clone()).unwrap();
    kept.apply(&slice).unwrap();
    assert_eq!(kept.state(), &after[&sid("clinic")]);
    assert!(kept.apply(&slice).is_err());

    let mut closed = before.clone();
    for site in ["clinic", "provider"] {
        closed.get_mut(&sid(site)).unwrap().generation = Generation(3);
    }
    let close = verifier.check(plan(&after, &closed)).unwrap();
    verifier.advance(&close).unwrap();
    // Closed at one end only: refused.
    let mut verifier = Verifier::from_states(after.clone()).unwrap();
    let mut half = plan(&after, &closed);
    half.sites.remove(&sid("provider"));
    let refutation = verifier.check(half).unwrap_err();
    assert_eq!((refutation.invariant, refutation.fault), (Invariant::Together, Fault::OtherEndRemains));
    // And opened at one end only.
    verifier = Verifier::from_states(before.clone()).unwrap();
    let mut half = plan(&before, &after);
    half.sites.remove(&sid("provider"));
    assert_eq!(verifier.check(half).unwrap_err().fault, Fault::OtherEndMissing);
}

#[test]
fn i01_a_change_that_does_not_fit_is_refused() {
    let states = world();
    let clinic = &states[&sid("clinic")];
    let mut next = clinic.clone();
    next.generation = Generation(2);
    let mut late = delta(clinic, &next);
    late.parent = Generation(0);
    late.generation = Generation(1);
    assert_eq!(check_slice(clinic, &late).unwrap_err().invariant, Invariant::Fits);
    let mut absent = delta(clinic, &next);
    absent.grants_removed = vec![GrantId(99)];
    assert_eq!(check_slice(clinic, &absent).unwrap_err().fault, Fault::DeltaMisfit);
    let mut swapped = delta(clinic, &next);
    swapped.facts = Some(states[&sid("hospital")].facts.clone());
    assert_eq!(check_slice(clinic, &swapped).unwrap_err().fault, Fault::SiteSwapped);
    let verifier = Verifier::new();
    let plan = Plan { cause: PlanCause::Apply, sites: [(sid("clinic"), delta(clinic, &next))].into() };
    assert_eq!(verifier.check(plan).unwrap_err().fault, Fault::UnknownSite);
    let plan = Plan { cause: PlanCause::Apply, sites: [(sid("annex"), delta(clinic, &next))].into() };
    assert_eq!(Verifier::from_states(states.clone()).unwrap().check(plan).unwrap_err().fault, Fault::SiteKey);
}

#[test]
fn i02_facts_that_contradict_each_other() {
    let exam_1: HostId = "exam-1".parse().unwrap();
    assert_broken(Invariant::Facts, Fault::HostTwice, "clinic", |s| {
        s.facts.site.hosts.get_mut(&exam_1).unwrap().port.port = PortNo(1);
    });
    assert_broken(Invariant::Facts, Fault::HostOffSegment, "clinic", |s| {
        s.facts.site.hosts.get_mut(&exam_1).unwrap().address = "10.9.9.9".parse().unwrap();
    });
    assert_broken(Invariant::Facts, Fault::PrefixOverlap, "clinic", |s| {
        known(s, "hospital").prefixes.push("10.1.0.0/16".parse().unwrap());
    });
    // The annex says it is of the clinic's entity; its own document says otherwise.
    assert_broken(Invariant::Facts, Fault::PeerDisagrees, "clinic", |s| {
        known(s, "annex").institution = "aoba".parse().unwrap();
    });
    assert_broken(Invariant::Facts, Fault::ZoneNotOfModel, "clinic", |s| {
        s.facts.site.segments.values_mut().for_each(|g| g.zone = Zone::Dmz);
    });
}

#[test]
fn i03_tables_do_only_their_own_work() {
    let forwarding = |r: &FlowRule| r.table == Table::Forwarding && r.matches.tag.is_some();
    let cases: Vec<(Fault, Pick, Change<FlowRule>)> = vec![
        (Fault::UnknownSwitch, Box::new(of(7)), |r| r.switch = "sw9".parse().unwrap()),
        (Fault::ActionNotHere, Box::new(of(7)), |r| r.actions.insert(0, Action::SetTag(Tag::Zone(Zone::Dmz)))),
        (Fault::ActionNotHere, Box::new(of(7)), |r| r.actions = vec![Action::Output(PortNo(1))]),
        (Fault::StepBack, Box::new(of(7)), |r| r.actions = vec![Action::Goto(Table::Posture)]),
        (Fault::ForeignZone, Box::new(both(of(7), ct(CtMatch::BEGINS))), |r| {
            r.actions[0] = Action::Commit { zone: 9 };
        }),
        (Fault::StepBack, Box::new(|r: &FlowRule| r.table == Table::Admission), |r| {
            r.actions[1] = Action::Goto(Table::Connections);
        }),
        (Fault::AfterLeaving, Box::new(of(7)), |r| r.actions.push(Action::Output(PortNo(3)))),
        (Fault::Prerequisite, Box::new(of(7)), |r| r.matches.eth_type = None),
        (Fault::StrayBits, Box::new(of(7)), |r| {
            r.matches.tp_dst = Some(PortMatch { value: 443, mask: 0xff00 });
        }),
        (Fault::ForeignOwner, Box::new(forwarding), |r| r.owner = CookieOwner::Grant(GrantId(7))),
    ];
    for (fault, pick, change) in cases {
        assert_broken(Invariant::Pipeline, fault, "clinic", |s| alter(s, pick, change));
    }
}

#[test]
fn i04_two_rules_that_are_one() {
    assert_broken(Invariant::OneRule, Fault::EqualMatch, "clinic", |s| {
        let mut twin = s.rules.iter().find(|r| both(of(7), ct(CtMatch::GOES_ON))(r)).unwrap().clone();
        twin.owner = CookieOwner::Grant(GrantId(8));
        s.rules.insert(twin);
    });
}

#[test]
fn i05_wider_than_the_grant() {
    // Wider mask, wider prefix, no port, no protocol: a packet is named that the grant does not cover.
    let wider: [fn(&mut FlowMatch); 4] = [
        |m| m.tp_dst = Some(PortMatch { value: 443 & 0xfffe, mask: 0xfffe }),
        |m| m.ip_dst = Some("10.2.10.0/24".parse().unwrap()),
        |m| m.tp_dst = None,
        |m| (m.tp_dst, m.protocol) = (None, None),
    ];
    for widen in wider {
        let refutation = assert_broken(Invariant::DefaultDeny, Fault::WiderThanGrant, "clinic", |s| {
            alter(s, both(of(7), ct(CtMatch::BEGINS)), |r| widen(&mut r.matches));
        });
        let packet = refutation.packet.unwrap();
        let covered = packet.ip_dst == Some("10.2.10.10".parse().unwrap())
            && packet.protocol == Some(Protocol::Tcp)
            && packet.tp_dst == Some(443);
        assert!(!covered, "{packet}");
        assert!(matches!(refutation.because, Because::Rule { owner: CookieOwner::Grant(GrantId(7)), .. }));
    }
    // A standing rule that lets things out.
    assert_broken(Invariant::DefaultDeny, Fault::Uncovered, "clinic", |s| {
        let m = FlowMatch { in_port: Some(PortNo(3)), ..ip_match() };
        let site = s.facts.site.clone();
        s.rules.insert(rule(&site, CookieOwner::Standing, Table::Connections, 1, m, forward()));
    });
    // Delivered to the wrong port.
    assert_broken(Invariant::DefaultDeny, Fault::WrongExit, "hospital", |s| {
        alter(
            s,
            |r| r.actions.contains(&Action::Output(PortNo(3))),
            |r| {
                r.actions.pop();
                r.actions.push(Action::Output(PortNo(4)));
            },
        );
    });
    assert_broken(Invariant::DefaultDeny, Fault::WrongMac, "hospital", |s| {
        alter(
            s,
            |r| r.actions.contains(&Action::Output(PortNo(3))),
            |r| {
                r.actions[1] = Action::SetEthDst(Mac([2, 0, 0, 2, 1, 4]));
            },
        );
    });
    // More than the in-house rule says.
    assert_broken(Invariant::DefaultDeny, Fault::WiderThanInHouse, "clinic", |s| {
        alter(s, |r| r.table == Table::Zones && ct(CtMatch::GOES_ON)(r), |r| r.matches.tp_dst = None);
    });
}

#[test]
fn i05_the_gate_service_is_a_few_ports_of_ones_own_gateway() {
    let gate = |r: &FlowRule| {
        r.owner == CookieOwner::Standing
            && r.matches.tp_dst == Some(PortMatch::exact(GATE_SERVICE_PORT))
            && r.matches.ct == Some(CtMatch::GOES_ON)
    };
    assert_broken(Invariant::DefaultDeny, Fault::Uncovered, "clinic", |s| {
        alter(s, gate, |r| r.matches.tp_dst = Some(PortMatch::exact(22)));
    });
    assert_broken(Invariant::DefaultDeny, Fault::Uncovered, "hospital", |s| {
        alter(s, gate, |r| r.matches.ip_dst = Some("10.2.10.1/32".parse().unwrap()));
    });
    assert_broken(Invariant::DefaultDeny, Fault::Uncovered, "clinic", |s| {
        s.facts.site.hosts.values_mut().for_each(|h| h.terminal = false);
        s.rules.retain(|r| r.actions != [Action::ToGate]);
    });
}

#[test]
fn i06_nobody_speaks_as_another() {
    let admits = |r: &FlowRule| {
        r.table == Table::Admission && r.matches.in_port == Some(PortNo(3)) && r.matches.ip_src.is_some()
    };
    let cases: [Case<FlowRule>; 6] = [
        (Fault::UnboundPort, |r| r.matches.in_port = None),
        (Fault::UnboundPort, |r| r.matches.in_port = Some(PortNo(77))),
        (Fault::UnboundMac, |r| r.matches.eth_src = None),
        (Fault::UnboundAddress, |r| r.matches.ip_src = Some("10.1.20.0/24".parse().unwrap())),
        (Fault::UnboundAddress, |r| r.matches.ip_src = Some("10.1.20.12/32".parse().unwrap())),
        (Fault::WrongTag, |r| r.actions[0] = Action::SetTag(Tag::Uplink)),
    ];
    for (fault, change) in cases {
        assert_broken(Invariant::SourceBinding, fault, "clinic", |s| alter(s, admits, change));
    }
    assert_broken(Invariant::SourceBinding, Fault::UnboundAddress, "clinic", |s| {
        alter(s, |r| r.table == Table::Admission && r.matches.arp_spa.is_some(), |r| r.matches.arp_spa = None);
    });
    assert_broken(Invariant::SourceBinding, Fault::UnboundMac, "clinic", |s| {
        alter(s, |r| r.table == Table::Admission && r.matches.in_port == Some(PortNo(1)), |r| r.matches.eth_src = None);
    });
}

#[test]
fn i07_the_zone_matrix() {
    // Outside origin into an inner zone.
    let mut states = world();
    let bad = grant(11, "clinic/exam-1", "hospital/ward-1", &[443]);
    for site in ["clinic", "hospital"] {
        add(states.get_mut(&sid(site)).unwrap(), &bad);
    }
    let refutation = Verifier::from_states(states).unwrap_err();
    assert_eq!((refutation.invariant, refutation.fault), (Invariant::ZoneMatrix, Fault::ZoneDenied));
    // A DMZ host speaks outward only as a proxy.
    let mut states = world();
    let bad = grant(11, "hospital/record-server", "provider/lookup", &[443]);
    for site in ["provider", "hospital"] {
        add(states.get_mut(&sid(site)).unwrap(), &bad);
    }
    assert_eq!(Verifier::from_states(states).unwrap_err().fault, Fault::ZoneNeedsProxy);
    // In-house, Secure to High Secure without a proxy: the wish may be written, its rules may not exist.
    let mut facts = facts().remove(&sid("hospital")).unwrap();
    facts.site.in_house = vec![in_house("ward-1", "archive", 22)];
    assert_eq!(check_state(state(facts.clone(), &[])).unwrap_err().fault, Fault::ZoneNeedsProxy);
    facts.site.in_house = vec![in_house("archive", "ward-1", 22)];
    assert_eq!(check_state(state(facts, &[])).unwrap_err().fault, Fault::ZoneDenied);
}

fn transit(n: u32, source: &str, destination: &str) -> Filter {
    Filter {
        owner: CookieOwner::Transit(n),
        from: FilterSide::Tunnel,
        to: FilterSide::Tunnel,
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        protocol: Protocol::Tcp,
        ports: vec![445],
        direction: FlowDirection::Origin,
    }
}

#[test]
fn i08_no_relay_between_legal_entities_g7() {
    // Inside one legal entity, by its own wish: allowed.
    let mut states = world();
    states.get_mut(&sid("hospital")).unwrap().filters.insert(transit(0, "10.4.20.11", "10.5.10.10"));
    Verifier::from_states(states).unwrap_or_else(|r| panic!("{r}"));
    // Between others: refused, wished or not, and the way is told.
    let refutation = assert_broken(Invariant::NoRelay, Fault::RelayEntities, "hospital", |s| {
        s.filters.insert(transit(1, "10.1.20.11", "10.3.10.10"));
    });
    let sites: Vec<_> = refutation
        .path
        .iter()
        .filter_map(|h| match h {
            Hop::Tunnel { from, to, .. } => Some((from.to_string(), to.to_string())),
            _ => None,
        })
        .collect();
    assert_eq!(sites, [("clinic".into(), "hospital".into()), ("hospital".into(), "provider".into())]);
    assert_eq!(refutation.site, sid("hospital"));
    // Another pair than wished for.
    assert_broken(Invariant::NoRelay, Fault::RelayWish, "hospital", |s| {
        s.filters.insert(transit(0, "10.5.10.10", "10.4.20.11"));
    });
    assert_broken(Invariant::LiveOwner, Fault::WishNotThere, "hospital", |s| {
        s.filters.insert(transit(5, "10.4.20.11", "10.5.10.10"));
    });
    // On the switch: peer, trunk, peer.
    assert_broken(Invariant::NoRelay, Fault::UplinkToUplink, "hospital", |s| {
        let m = FlowMatch { tag: Some(Tag::Uplink), ..ip_match() };
        let site = s.facts.site.clone();
        let out = vec![Action::Output(PortNo(1))];
        s.rules.insert(rule(&site, CookieOwner::Standing, Table::Forwarding, 50, m, out));
    });
}

#[test]
fn i09_unknown_peers() {
    assert_broken(Invariant::KnownPeer, Fault::UnknownPeer, "clinic", |s| {
        s.facts.peers.remove(&sid("hospital"));
    });
    assert_broken(Invariant::KnownPeer, Fault::UnknownPeer, "hospital", |s| {
        s.filters.insert(transit(0, "10.99.0.1", "10.5.10.10"));
    });
}

#[test]
fn i10_only_the_origin_begins() {
    // +new on the way back.
    for state in [None, Some(CtMatch::BEGINS), Some(CtMatch::GOES_ON)] {
        assert_broken(Invariant::Direction, Fault::BeginsFromDestination, "clinic", |s| {
            alter(s, both(of(7), ct(CtMatch::ANSWERS)), |r| r.matches.ct = state);
        });
    }
    assert_broken(Invariant::Direction, Fault::RemembersAnswer, "clinic", |s| {
        alter(s, both(of(7), ct(CtMatch::ANSWERS)), |r| r.actions = commit());
    });
    assert_broken(Invariant::Direction, Fault::BeginsFromDestination, "clinic", |s| {
        alter_filter(s, FlowDirection::Reply, |f| f.direction = FlowDirection::Origin);
    });
}

#[test]
fn i11_first_packets_of_terminals_only() {
    let to_gate = |r: &FlowRule| r.actions == [Action::ToGate];
    assert_broken(Invariant::Pipeline, Fault::ToGateShared, "clinic", |s| {
        alter(s, to_gate, |r| r.matches.in_port = None);
    });
    assert_broken(Invariant::FirstPackets, Fault::ToGateNotFirst, "clinic", |s| {
        alter(s, to_gate, |r| r.matches.ct = None);
    });
    // A segment of TCP that is no SYN begins nothing (RFC 9293 §3.5), nor does what is neither TCP, UDP nor ICMP.
    let syn = |r: &FlowRule| to_gate(r) && r.matches.beginning == Some(Beginning::Syn);
    let of_tcp: [fn(&mut FlowMatch); 2] = [|m| m.beginning = None, |m| (m.beginning, m.protocol) = (None, None)];
    for widen in of_tcp {
        let refutation = assert_broken(Invariant::FirstPackets, Fault::ToGateBeginsNothing, "clinic", |s| {
            alter(s, syn, |r| widen(&mut r.matches));
        });
        let packet = refutation.packet.unwrap();
        assert_eq!((packet.protocol, packet.beginning), (Some(Protocol::Tcp), None), "{packet}");
    }
    // Only TCP has a SYN, and ICMP is no protocol of a service.
    for protocol in [None, Some(Protocol::Udp)] {
        assert_broken(Invariant::Pipeline, Fault::Prerequisite, "clinic", |s| {
            alter(s, syn, |r| r.matches.protocol = protocol);
        });
    }
    assert_broken(Invariant::Pipeline, Fault::Prerequisite, "clinic", |s| {
        alter(s, syn, |r| r.matches.beginning = Some(Beginning::Icmp));
    });
    assert_broken(Invariant::FirstPackets, Fault::ToGateNotTerminal, "clinic", |s| {
        alter(s, to_gate, |r| (r.matches.in_port, r.matches.tag) = (Some(PortNo(5)), None));
    });
}

#[test]
fn i12_grants_are_what_they_say() {
    let cases: [Case<Grant>; 7] = [
        (Fault::GrantHost, |g| g.origin.address = "10.1.20.12".parse().unwrap()),
        (Fault::GrantHost, |g| g.origin.zone = Zone::HighSecure),
        (Fault::GrantEntity, |g| g.origin.institution = "keyaki".parse().unwrap()),
        (Fault::GrantEntity, |g| g.service = "aoba/service".parse().unwrap()),
        (Fault::GrantPorts, |g| g.ports.clear()),
        (Fault::GrantLease, |g| g.lease_until = g.granted_at),
        (Fault::GrantDiffers, |g| g.lease_until = g.lease_until.plus_ms(1)),
    ];
    for (fault, change) in cases {
        assert_broken(Invariant::GrantSane, fault, "clinic", |s| change(s.grants.get_mut(&GrantId(7)).unwrap()));
    }
    assert_broken(Invariant::GrantSane, Fault::GrantEnds, "annex", |s| {
        s.grants.insert(GrantId(7), grants().remove(0));
    });
}

#[test]
fn i13_selectors_no_wider_than_the_grant() {
    let wide: [fn(&mut Tunnel); 4] = [
        |t| t.remote.ports.push(22),
        |t| t.remote.ports.clear(),
        |t| t.local.address = "10.1.20.13".parse().unwrap(),
        |t| t.local.protocol = Protocol::Udp,
    ];
    for change in wide {
        // The fault is at the clinic's end; the hospital's end no longer mirrors it.
        let mut state = world().remove(&sid("clinic")).unwrap();
        alter_tunnel(&mut state, change);
        let refutation = check_state(state).unwrap_err();
        assert_eq!((refutation.invariant, refutation.fault), (Invariant::Selectors, Fault::SelectorWide));
        assert_broken(Invariant::Mirrored, Fault::NotMirrored, "clinic", |s| alter_tunnel(s, change));
    }
    let mut state = world().remove(&sid("clinic")).unwrap();
    alter_tunnel(&mut state, |t| t.peer = sid("provider"));
    assert_eq!(check_state(state).unwrap_err().fault, Fault::PeerNotOfGrant);
}

#[test]
fn i14_exactly_one_end_initiates() {
    let swap = |s: &mut SiteState| alter_tunnel(s, |t| t.initiator = !t.initiator);
    assert_broken(Invariant::Mirrored, Fault::WrongInitiator, "hospital", swap);
    assert_broken(Invariant::Mirrored, Fault::WrongInitiator, "clinic", swap);
}

#[test]
fn i15_filters_no_wider_than_the_grant() {
    let cases: [Case<Filter>; 5] = [
        (Fault::FilterWide, |f| f.ports.push(22)),
        (Fault::FilterWide, |f| f.ports.clear()),
        (Fault::FilterWide, |f| f.destination = "10.2.10.20".parse().unwrap()),
        (Fault::FilterSides, |f| f.to = FilterSide::Lan),
        (Fault::FilterOwner, |f| f.owner = CookieOwner::Standing),
    ];
    for (fault, change) in cases {
        assert_broken(Invariant::Filters, fault, "clinic", |s| alter_filter(s, FlowDirection::Origin, change));
    }
}

#[test]
fn i16_flows_tunnel_and_filters_together_n5() {
    for (fault, state) in [
        (Fault::NoFirstPackets, CtMatch::BEGINS),
        (Fault::NoLaterPackets, CtMatch::GOES_ON),
        (Fault::NoAnswers, CtMatch::ANSWERS),
    ] {
        assert_broken(Invariant::Together, fault, "hospital", |s| {
            s.rules.retain(|r| !both(of(8), ct(state))(r) || r.matches.tp_src == Some(PortMatch::exact(443)));
        });
    }
    // A wrong entry port leaves the grant without its path.
    assert_broken(Invariant::Together, Fault::NoFirstPackets, "clinic", |s| {
        alter(s, both(of(7), ct(CtMatch::BEGINS)), |r| r.matches.in_port = Some(PortNo(4)));
    });
    // So does a first packet nobody remembers.
    assert_broken(Invariant::Together, Fault::NoFirstPackets, "clinic", |s| {
        alter(s, both(of(7), ct(CtMatch::BEGINS)), |r| r.actions = forward());
    });
    assert_broken(Invariant::Together, Fault::NoFilter, "clinic", |s| {
        s.filters.pop_first();
    });
    // A narrow selector, agreed on by both ends.
    let narrow = |state: &mut SiteState, change: fn(&mut Tunnel)| {
        let mut tunnel = state.tunnels.iter().find(|t| t.grant == GrantId(8)).unwrap().clone();
        state.tunnels.remove(&tunnel);
        change(&mut tunnel);
        state.tunnels.insert(tunnel);
    };
    let mut states = world();
    narrow(states.get_mut(&sid("clinic")).unwrap(), |t| t.remote.ports = vec![443]);
    narrow(states.get_mut(&sid("hospital")).unwrap(), |t| t.local.ports = vec![443]);
    let refutation = Verifier::from_states(states).unwrap_err();
    assert_eq!((refutation.invariant, refutation.fault), (Invariant::Together, Fault::SelectorNarrow));
    let mut alone = world().remove(&sid("clinic")).unwrap();
    narrow(&mut alone, |t| t.local.ports = vec![1024]);
    assert_eq!(check_state(alone).unwrap_err().fault, Fault::SelectorNarrow);
}

#[test]
fn i17_nothing_outlives_its_grant() {
    assert_broken(Invariant::LiveOwner, Fault::GrantNotLive, "annex", |s| {
        let site = s.facts.site.clone();
        let m = FlowMatch { in_port: Some(PortNo(3)), ..ip_match() };
        s.rules.insert(rule(&site, CookieOwner::Grant(GrantId(99)), Table::Connections, 1000, m, forward()));
    });
    let close = |keep: fn(&mut SiteState, SiteState)| {
        let mut state = world().remove(&sid("clinic")).unwrap();
        let before = state.clone();
        state.grants.remove(&GrantId(7));
        state.rules.retain(|r| !of(7)(r));
        state.tunnels.retain(|t| t.grant != GrantId(7));
        state.filters.retain(|f| f.owner != CookieOwner::Grant(GrantId(7)));
        keep(&mut state, before);
        check_state(state).map(|_| ()).map_err(|r| (r.invariant, r.fault))
    };
    let dead = Err((Invariant::LiveOwner, Fault::GrantNotLive));
    assert_eq!(close(|_, _| ()), Ok(()));
    assert_eq!(close(|s, b| s.rules = b.rules), dead);
    assert_eq!(close(|s, b| s.tunnels = b.tunnels), dead);
    assert_eq!(close(|s, b| s.filters = b.filters), dead);
}

#[test]
fn i18_vpn_and_house_never_share_a_path_g5() {
    // The grant's packet is delivered inside the house instead.
    assert_broken(Invariant::SeparatePaths, Fault::VpnInHouse, "clinic", |s| {
        let site = s.facts.site.clone();
        let m = FlowMatch { ip_dst: host_net("10.2.10.10".parse().unwrap()), ..ip_match() };
        let to_printer = vec![Action::SetEthDst(Mac([2, 0, 0, 1, 1, 5])), Action::Output(PortNo(5))];
        s.rules.insert(rule(&site, CookieOwner::Standing, Table::Forwarding, 150, m, to_printer));
    });
}

#[test]
fn i19_no_way_out_in_clear() {
    let refutation = assert_broken(Invariant::NoClearText, Fault::ClearText, "clinic", |s| {
        s.tunnels.pop_first();
    });
    assert!(refutation.path.iter().any(|h| matches!(h, Hop::Leaves { port: PortNo(1), .. })));
}

#[test]
fn i20_a_refusal_allows_nothing() {
    let refusal = |actions| {
        move |s: &mut SiteState| {
            let site = s.facts.site.clone();
            let m =
                FlowMatch { in_port: Some(PortNo(3)), ip_dst: host_net("10.2.10.20".parse().unwrap()), ..ip_match() };
            s.rules.insert(rule(&site, CookieOwner::Refusal, Table::Connections, 900, m, actions));
        }
    };
    assert_broken(Invariant::Refusals, Fault::RefusalAllows, "clinic", refusal(forward()));
    let mut states = world();
    refusal(vec![])(states.get_mut(&sid("clinic")).unwrap());
    Verifier::from_states(states).unwrap();
}

#[test]
fn i21_arp_tells_the_truth_and_goes_nowhere() {
    let answer = |r: &FlowRule| matches!(r.actions.as_slice(), [Action::ArpReply { .. }]);
    assert_broken(Invariant::ArpAnswers, Fault::ArpLie, "clinic", |s| {
        alter(s, answer, |r| {
            if let [Action::ArpReply { mac, .. }] = r.actions.as_mut_slice() {
                *mac = Mac([2, 0, 0, 1, 1, 4]);
            }
        });
    });
    assert_broken(Invariant::ArpAnswers, Fault::ArpLie, "clinic", |s| alter(s, answer, |r| r.matches.arp_tpa = None));
    assert_broken(Invariant::ArpAnswers, Fault::ArpPassedOn, "clinic", |s| {
        alter(s, answer, |r| r.actions = vec![Action::Output(PortNo(3))]);
    });
}

/// What a person is told can be told: the counter-example crosses sites and every text has its arguments.
#[test]
fn a_counter_example_tells_the_whole_way() {
    let refutation = broken("clinic", |s| {
        alter(s, both(of(7), ct(CtMatch::BEGINS)), |r| r.matches.tp_dst = None);
    });
    let text = refutation.to_string();
    for part in ["I05", "clinic", "g-7", "10.1.20.11", "clinic/exam-1", "stopped by the filter at clinic"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let keys: BTreeSet<_> = refutation.args().into_iter().map(|(k, _)| k).collect();
    assert_eq!(keys, BTreeSet::from(["id", "owner", "packet", "site"]));
}
