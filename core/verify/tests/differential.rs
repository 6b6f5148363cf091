//! Verdict against packets. If the verifier accepts a network, no corner packet gets through that nothing covers, and
//! every grant's packets do; whatever is valid is accepted.
#![allow(clippy::unwrap_used)]

mod support;

use model::*;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;
use std::net::IpAddr;
use support::build::*;
use support::mutate::{mutate, mutation};
use support::naive::{Event, Net, Oracle, Pkt, beginning};
use verify::Verifier;

/// Every packet worth trying: from each port, as oneself and as others, to every address, at ports on and beside
/// those granted. Twice, and in both orders, so that answers are tried before and after something began.
fn corner_packets(states: &States) -> Vec<(SiteId, PortNo, Pkt)> {
    let mut addresses: BTreeSet<IpAddr> = BTreeSet::from(["10.1.20.200", "10.77.0.1"].map(|a| a.parse().unwrap()));
    for state in states.values() {
        addresses.extend(state.facts.site.hosts.values().map(|h| h.address));
        addresses.extend(state.facts.site.segments.values().map(Segment::gateway_address));
    }
    let stranger: IpAddr = "10.77.0.1".parse().unwrap();
    let services = [22, 443, 442, 445, 631, GATE_SERVICE_PORT, 8443];
    let mut out = Vec::new();
    for (id, state) in states {
        let site = &state.facts.site;
        let uplink = site.gateway.uplink.port;
        let mut entries: Vec<(PortNo, Mac, Vec<IpAddr>)> = site
            .hosts
            .values()
            .map(|h| {
                (h.port.port, h.mac, vec![h.address, "10.1.20.12".parse().unwrap(), "10.2.10.10".parse().unwrap()])
            })
            .collect();
        entries.push((uplink, site.gateway.mac, addresses.iter().copied().collect()));
        for (entry, eth_src, sources) in entries {
            for src in sources {
                // From outside only what is inside matters, and two strangers; relays start at a host.
                let near = |d: &IpAddr| site.segments.values().any(|g| g.prefix.contains(d)) || *d == stranger;
                for dst in addresses.iter().copied().filter(|d| *d != src && (entry != uplink || near(d))) {
                    let packet = |protocol, sport, dport| {
                        let eth_dst = site.gateway.mac;
                        let beginning = beginning(protocol);
                        (id.clone(), entry, Pkt { eth_src, eth_dst, src, dst, protocol, sport, dport, beginning })
                    };
                    for service in services {
                        out.push(packet(Some(Protocol::Tcp), 49152, service));
                        out.push(packet(Some(Protocol::Tcp), service, 49152));
                    }
                    out.push(packet(Some(Protocol::Udp), 49152, 443));
                    out.push(packet(None, 0, 0));
                    // What is left of a connection that was cut.
                    let (site, port, mut stray) = packet(Some(Protocol::Tcp), 49152, 443);
                    stray.beginning = None;
                    out.push((site, port, stray));
                }
            }
        }
    }
    out
}

fn first_uncovered(states: &States, packets: &[(SiteId, PortNo, Pkt)]) -> Option<Event> {
    let mut net = Net::new(states.clone());
    let mut oracle = Oracle::default();
    for (site, entry, packet) in packets.iter().rev().chain(packets) {
        net.events.clear();
        oracle.sent(&net, site, *entry, packet);
        net.send(site, *entry, packet.clone());
        if let Some(event) = oracle.uncovered(&net) {
            return Some(event);
        }
    }
    None
}

/// A connection of a grant, first packet, answer, later packet: does each arrive at the other end?
fn carries(states: &States, grant: &Grant, port: u16) -> bool {
    let mut net = Net::new(states.clone());
    let facts = |end: &Endpoint| {
        let site = &states[&end.site].facts.site;
        (site.hosts[&end.host].clone(), site.gateway.mac)
    };
    let ((origin, o_gw), (destination, d_gw)) = (facts(&grant.origin), facts(&grant.destination));
    let forth = Pkt {
        eth_src: origin.mac,
        eth_dst: o_gw,
        src: origin.address,
        dst: destination.address,
        protocol: Some(grant.protocol),
        sport: 49153,
        dport: port,
        beginning: beginning(Some(grant.protocol)),
    };
    let back = Pkt {
        eth_src: destination.mac,
        eth_dst: d_gw,
        src: destination.address,
        dst: origin.address,
        protocol: Some(grant.protocol),
        sport: port,
        dport: 49153,
        beginning: None,
    };
    let mut arrives = |from: &Endpoint, to: &Endpoint, sender: &Host, receiver: &Host, packet: &Pkt| {
        net.events.clear();
        net.send(&from.site, sender.port.port, packet.clone());
        net.events.iter().any(|e| {
            matches!(e, Event::Out { site, exit, packet, .. }
                if *site == to.site && *exit == receiver.port.port && packet.eth_dst == receiver.mac)
        })
    };
    !arrives(&grant.destination, &grant.origin, &destination, &origin, &back)
        && arrives(&grant.origin, &grant.destination, &origin, &destination, &forth)
        && arrives(&grant.destination, &grant.origin, &destination, &origin, &back)
        && arrives(&grant.origin, &grant.destination, &origin, &destination, &forth)
}

#[test]
fn the_valid_network_carries_its_grants_and_nothing_else() {
    let states = world();
    for grant in grants() {
        for port in &grant.ports {
            assert!(carries(&states, &grant, *port), "{} {port}", grant.id);
        }
    }
    assert_eq!(first_uncovered(&states, &corner_packets(&states)), None);
}

/// The oracle can say no: a network with an open door is caught by packets.
#[test]
fn the_oracle_sees_an_open_door() {
    let mut states = world();
    let clinic = states.get_mut(&sid("clinic")).unwrap();
    let site = clinic.facts.site.clone();
    let m = FlowMatch { in_port: Some(PortNo(3)), ..ip_match() };
    clinic.rules.insert(rule(&site, CookieOwner::Standing, Table::Connections, 2000, m, forward()));
    assert!(first_uncovered(&states, &corner_packets(&states)).is_some());
    assert!(Verifier::from_states(states).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_lets_nothing_uncovered_through(mutations in proptest::collection::vec(mutation(), 1..4)) {
        let mut states = world();
        for m in &mutations {
            mutate(&mut states, m);
        }
        let verdict = Verifier::from_states(states.clone());
        if verdict.is_ok() {
            prop_assert_eq!(first_uncovered(&states, &corner_packets(&states)), None);
        }
    }

    /// Any set of grants the zone matrix allows, opened one after the other in any order, is accepted and works.
    #[test]
    fn what_is_valid_is_accepted_and_works(
        picks in proptest::collection::vec((any::<Index>(), any::<Index>(), 0usize..3), 0..8)
    ) {
        let from = ["clinic/exam-1", "clinic/exam-2", "clinic/printer", "annex/desk", "hospital/ward-1",
            "hospital/archive", "hospital/portal", "provider/ops-1"];
        let to = ["hospital/record-server", "hospital/portal", "provider/ops-1", "provider/lookup", "branch/files"];
        let ports: [&[u16]; 3] = [&[443], &[22, 8443], &[1, 2, 3, 65535]];
        let mut states: States = facts().into_iter().map(|(id, f)| (id, state(f, &[]))).collect();
        let mut verifier = Verifier::from_states(states.clone()).unwrap();
        let mut live: Vec<Grant> = Vec::new();
        for (n, (f, t, p)) in picks.into_iter().enumerate() {
            let grant = grant(100 + n as u64, f.get::<&str>(&from), t.get::<&str>(&to), ports[p]);
            let twin = |g: &Grant| {
                g.origin == grant.origin && g.destination == grant.destination && g.ports == grant.ports
            };
            if grant.origin.site == grant.destination.site || live.iter().any(twin) {
                continue;
            }
            let before = states.clone();
            for end in [&grant.origin, &grant.destination] {
                let state = states.get_mut(&end.site).unwrap();
                add(state, &grant);
                state.generation = state.generation.next();
            }
            let verified = verifier.check(plan(&before, &states)).map_err(|r| TestCaseError::fail(r.to_string()))?;
            verifier.advance(&verified).unwrap();
            live.push(grant);
        }
        for grant in &live {
            prop_assert!(carries(&states, grant, grant.ports[0]));
        }
    }
}
