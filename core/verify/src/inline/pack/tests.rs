use super::*;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9-]{0,20}"
}
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}
fn net() -> impl Strategy<Value = IpNet> {
    // Host bits and all: what is kept must come back as it was.
    (address(), 0u8..=128).prop_map(|(a, n)| IpNet::new(a, if a.is_ipv4() { n % 33 } else { n }).unwrap())
}
fn mac() -> impl Strategy<Value = Mac> {
    any::<[u8; 6]>().prop_map(Mac)
}
fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)]
}
fn table() -> impl Strategy<Value = Table> {
    (0u8..6).prop_map(|n| Table::from_number(n).unwrap())
}
fn tag() -> impl Strategy<Value = Tag> {
    (0usize..4).prop_map(|n| Tag::ALL[n])
}
fn cube() -> impl Strategy<Value = PortMatch> {
    any::<(u16, u16)>().prop_map(|(value, mask)| PortMatch { value, mask })
}

fn matches() -> impl Strategy<Value = FlowMatch> {
    use proptest::option::of;
    let eth =
        prop_oneof![Just(EtherType::Ipv4), Just(EtherType::Ipv6), Just(EtherType::Arp), Just(EtherType::Neighbour)];
    let low = (of(any::<u32>().prop_map(PortNo)), of(tag()), of(mac()), of(mac()), of(eth), of(net()), of(net()));
    let ct = any::<(u8, u8)>().prop_map(|(value, mask)| CtMatch { value, mask });
    let high = (of(protocol()), of(cube()), of(cube()), of(ct));
    let v4 = || of(any::<[u8; 4]>().prop_map(Ipv4Addr::from));
    let beginning = of(prop_oneof![Just(Beginning::Syn), Just(Beginning::Icmp)]);
    let arp = (of(prop_oneof![Just(ArpOp::Request), Just(ArpOp::Reply)]), v4(), v4(), of(mac()), beginning);
    (low, high, arp).prop_map(|(low, high, arp)| FlowMatch {
        in_port: low.0,
        tag: low.1,
        eth_src: low.2,
        eth_dst: low.3,
        eth_type: low.4,
        ip_src: low.5,
        ip_dst: low.6,
        protocol: high.0,
        tp_src: high.1,
        tp_dst: high.2,
        ct: high.3,
        arp_op: arp.0,
        arp_spa: arp.1,
        arp_tpa: arp.2,
        arp_sha: arp.3,
        beginning: arp.4,
    })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        tag().prop_map(Action::SetTag),
        mac().prop_map(Action::SetEthSrc),
        mac().prop_map(Action::SetEthDst),
        (any::<u16>(), table()).prop_map(|(zone, next)| Action::Track { zone, next }),
        any::<u16>().prop_map(|zone| Action::Commit { zone }),
        any::<u32>().prop_map(|p| Action::Output(PortNo(p))),
        (any::<[u8; 4]>(), mac()).prop_map(|(ip, mac)| Action::ArpReply { ip: ip.into(), mac }),
        (any::<[u8; 16]>(), mac(), any::<bool>()).prop_map(|(ip, mac, router)| Action::NeighbourReply {
            ip: ip.into(),
            mac,
            router
        }),
        Just(Action::ToGate),
        table().prop_map(Action::Goto),
    ]
}

fn rule() -> impl Strategy<Value = FlowRule> {
    (text(), table(), any::<u16>(), matches(), proptest::collection::vec(action(), 0..4)).prop_map(
        |(switch, table, priority, matches, actions)| FlowRule {
            switch: switch.parse().unwrap(),
            table,
            priority,
            matches,
            owner: CookieOwner::Grant(GrantId(7)),
            actions,
        },
    )
}

fn ports() -> impl Strategy<Value = Vec<u16>> {
    proptest::collection::vec(any::<u16>(), 0..200)
}
fn selector() -> impl Strategy<Value = Selector> {
    (address(), protocol(), ports()).prop_map(|(address, protocol, ports)| Selector { address, protocol, ports })
}
fn tunnel() -> impl Strategy<Value = Tunnel> {
    (text(), selector(), selector(), any::<bool>()).prop_map(|(peer, local, remote, initiator)| Tunnel {
        grant: GrantId(7),
        peer: peer.parse().unwrap(),
        local,
        remote,
        initiator,
    })
}
fn filter() -> impl Strategy<Value = Filter> {
    let side = || prop_oneof![Just(FilterSide::Lan), Just(FilterSide::Tunnel)];
    let way = prop_oneof![Just(FlowDirection::Origin), Just(FlowDirection::Reply)];
    (side(), side(), address(), address(), protocol(), ports(), way).prop_map(
        |(from, to, source, destination, protocol, ports, direction)| Filter {
            owner: CookieOwner::Grant(GrantId(7)),
            from,
            to,
            source,
            destination,
            protocol,
            ports,
            direction,
        },
    )
}
fn endpoint() -> impl Strategy<Value = Endpoint> {
    (text(), text(), text(), address(), 0usize..3).prop_map(|(site, institution, host, address, zone)| Endpoint {
        site: site.parse().unwrap(),
        institution: institution.parse().unwrap(),
        host: host.parse().unwrap(),
        address,
        zone: Zone::ALL[zone],
    })
}
fn grant() -> impl Strategy<Value = Grant> {
    (text(), text(), text(), endpoint(), endpoint(), protocol(), ports(), any::<(u64, i64, i64, Option<i64>)>())
        .prop_map(|(agreement, institution, name, origin, destination, protocol, ports, (id, from, until, idle_ms))| {
            Grant {
                id: GrantId(id),
                agreement: agreement.parse().unwrap(),
                service: model::ServiceId { institution: institution.parse().unwrap(), name: name.parse().unwrap() },
                origin,
                destination,
                protocol,
                ports,
                granted_at: Timestamp(from),
                lease_until: Timestamp(until),
                idle_ms,
            }
        })
}
fn parts() -> impl Strategy<Value = Parts> {
    use proptest::collection::vec;
    (proptest::option::of(grant()), vec(rule(), 0..5), vec(tunnel(), 0..3), vec(filter(), 0..4))
        .prop_map(|(grant, rules, tunnels, filters)| Parts { grant, rules, tunnels, filters })
}

proptest! {
    #[test]
    fn what_is_packed_comes_back_as_it_was(parts in parts(), strict: bool) {
        let packed = parts.pack(strict);
        prop_assert_eq!(packed.strict(), strict);
        prop_assert_eq!(packed.grant(), parts.grant.clone());
        let ends = parts.grant.as_ref().map(|g| [&g.origin, &g.destination].map(|e| (e.site.as_str(), e.host.as_str())));
        prop_assert_eq!(packed.ends(), ends);
        prop_assert_eq!(packed.parts(GrantId(7)), parts);
    }

    #[test]
    fn the_empty_check_is_exact(parts in parts(), other in rule(), n in any::<proptest::sample::Index>()) {
        let packed = parts.pack(true);
        let Parts { mut rules, tunnels, mut filters, .. } = parts;
        rules.reverse();
        prop_assert!(packed.is_made_of(&rules, &tunnels, &filters));
        if !rules.is_empty() {
            let at = n.index(rules.len());
            let mut swapped = rules.clone();
            swapped[at] = other;
            prop_assert_eq!(packed.is_made_of(&swapped, &tunnels, &filters), swapped[at] == rules[at]);
            let mut twice = rules.clone();
            twice[at] = rules[0].clone();
            prop_assert_eq!(packed.is_made_of(&twice, &tunnels, &filters), twice[at] == rules[at]);
            rules.remove(at);
            prop_assert!(!packed.is_made_of(&rules, &tunnels, &filters));
        } else if filters.pop().is_some() {
            prop_assert!(!packed.is_made_of(&rules, &tunnels, &filters));
        }
    }

    #[test]
    fn a_fingerprint_sees_what_openflow_sees_and_no_more(a in rule(), b in rule()) {
        let mut scratch = Vec::new();
        let same = FlowRule { actions: b.actions.clone(), owner: CookieOwner::Standing, ..a.clone() };
        prop_assert_eq!(fingerprint(&a, &mut scratch), fingerprint(&same, &mut scratch));
        for (other, m) in [
            (FlowRule { priority: a.priority ^ 1, ..a.clone() }, a.matches.clone()),
            (a.clone(), b.matches.clone()),
        ] {
            let other = FlowRule { matches: m, ..other };
            let equal = other.priority == a.priority && other.matches == a.matches;
            prop_assert_eq!(fingerprint(&a, &mut scratch) == fingerprint(&other, &mut scratch), equal);
        }
    }
}
