use super::*;
use model::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn name<T: std::str::FromStr<Err = IdError> + std::fmt::Debug>() -> impl Strategy<Value = T> {
    "[a-z0-9][a-z0-9-]{0,8}".prop_map(|t| t.parse().unwrap())
}
fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|v| IpAddr::V4(Ipv4Addr::from(v))),
        any::<u128>().prop_map(|v| IpAddr::V6(Ipv6Addr::from(v)))
    ]
}
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from)
}
fn net() -> impl Strategy<Value = ipnet::IpNet> {
    (any::<u32>(), 0u8..=32).prop_map(|(a, l)| ipnet::IpNet::new(Ipv4Addr::from(a).into(), l).unwrap())
}
fn mac() -> impl Strategy<Value = Mac> {
    any::<[u8; 6]>().prop_map(Mac)
}
fn zone() -> impl Strategy<Value = Zone> {
    proptest::sample::select(Zone::ALL.to_vec())
}
fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)]
}
fn grant_id() -> impl Strategy<Value = GrantId> {
    (0..=GrantId::MAX).prop_map(GrantId)
}
fn ports() -> impl Strategy<Value = Vec<u16>> {
    vec(any::<u16>(), 0..4)
}
fn host_ref() -> impl Strategy<Value = HostRef> {
    (name(), name()).prop_map(|(site, host)| HostRef { site, host })
}
fn service() -> impl Strategy<Value = ServiceId> {
    (name(), name()).prop_map(|(institution, name)| ServiceId { institution, name })
}
fn localized() -> impl Strategy<Value = LocalizedName> {
    (".{0,6}", ".{0,6}").prop_map(|(ja, en)| LocalizedName { ja, en })
}
fn switch_port() -> impl Strategy<Value = SwitchPort> {
    (name(), any::<u32>()).prop_map(|(switch, p)| SwitchPort { switch, port: PortNo(p) })
}
fn owner() -> impl Strategy<Value = CookieOwner> {
    prop_oneof![
        Just(CookieOwner::Standing),
        Just(CookieOwner::Refusal),
        grant_id().prop_map(CookieOwner::Grant),
        any::<u32>().prop_map(CookieOwner::InHouse),
        any::<u32>().prop_map(CookieOwner::Transit),
    ]
}
fn table() -> impl Strategy<Value = Table> {
    proptest::sample::select(Table::ALL.to_vec())
}
fn tag() -> impl Strategy<Value = Tag> {
    proptest::sample::select(Tag::ALL.to_vec())
}
fn port_match() -> impl Strategy<Value = PortMatch> {
    (any::<u16>(), any::<u16>()).prop_map(|(value, mask)| PortMatch { value, mask })
}
fn matches() -> impl Strategy<Value = FlowMatch> {
    use proptest::option::of;
    let first = (
        of(any::<u32>().prop_map(PortNo)),
        of(tag()),
        of(mac()),
        of(mac()),
        of(proptest::sample::select(vec![EtherType::Ipv4, EtherType::Ipv6, EtherType::Arp, EtherType::Neighbour])),
        of(net()),
        of(net()),
        of(protocol()),
    );
    let second = (
        of(port_match()),
        of(port_match()),
        of((any::<u8>(), any::<u8>()).prop_map(|(value, mask)| CtMatch { value, mask })),
        of(proptest::sample::select(vec![ArpOp::Request, ArpOp::Reply])),
        of(v4()),
        of(v4()),
        of(mac()),
        of(proptest::sample::select(vec![Beginning::Syn, Beginning::Icmp])),
    );
    (first, second).prop_map(|(a, b)| FlowMatch {
        in_port: a.0,
        tag: a.1,
        eth_src: a.2,
        eth_dst: a.3,
        eth_type: a.4,
        ip_src: a.5,
        ip_dst: a.6,
        protocol: a.7,
        tp_src: b.0,
        tp_dst: b.1,
        ct: b.2,
        arp_op: b.3,
        arp_spa: b.4,
        arp_tpa: b.5,
        arp_sha: b.6,
        beginning: b.7,
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
        (v4(), mac()).prop_map(|(ip, mac)| Action::ArpReply { ip, mac }),
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
    (name(), table(), any::<u16>(), matches(), owner(), vec(action(), 0..4)).prop_map(
        |(switch, table, priority, matches, owner, actions)| FlowRule {
            switch,
            table,
            priority,
            matches,
            owner,
            actions,
        },
    )
}
fn selector() -> impl Strategy<Value = Selector> {
    (ip(), protocol(), ports()).prop_map(|(address, protocol, ports)| Selector { address, protocol, ports })
}
fn tunnel() -> impl Strategy<Value = Tunnel> {
    (grant_id(), name(), selector(), selector(), any::<bool>())
        .prop_map(|(grant, peer, local, remote, initiator)| Tunnel { grant, peer, local, remote, initiator })
}
fn filter() -> impl Strategy<Value = Filter> {
    let side = || prop_oneof![Just(FilterSide::Lan), Just(FilterSide::Tunnel)];
    let direction = prop_oneof![Just(FlowDirection::Origin), Just(FlowDirection::Reply)];
    (owner(), side(), side(), ip(), ip(), protocol(), ports(), direction).prop_map(
        |(owner, from, to, source, destination, protocol, ports, direction)| Filter {
            owner,
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
    (name(), name(), name(), ip(), zone()).prop_map(|(site, institution, host, address, zone)| Endpoint {
        site,
        institution,
        host,
        address,
        zone,
    })
}
fn renewal() -> impl Strategy<Value = Renewal> {
    (grant_id(), any::<i64>()).prop_map(|(grant, until)| Renewal { grant, lease_until: Timestamp(until) })
}
fn grant() -> impl Strategy<Value = Grant> {
    let times = any::<(i64, i64, Option<i64>)>();
    (grant_id(), "[A-Z]-[0-9]{4}", service(), endpoint(), endpoint(), protocol(), ports(), times).prop_map(
        |(id, a, service, origin, destination, protocol, ports, (from, until, idle_ms))| Grant {
            id,
            agreement: a.parse().unwrap(),
            service,
            origin,
            destination,
            protocol,
            ports,
            granted_at: Timestamp(from),
            lease_until: Timestamp(until),
            idle_ms,
        },
    )
}
fn segment() -> impl Strategy<Value = Segment> {
    (name(), zone(), any::<u16>(), net(), proptest::option::of(ip()))
        .prop_map(|(id, zone, vlan, prefix, gateway)| Segment { id, zone, vlan, prefix, gateway })
}
fn host() -> impl Strategy<Value = Host> {
    let proxy = proptest::option::of(prop_oneof![Just(ProxyKind::Internal), Just(ProxyKind::External)]);
    let kind = proptest::option::of(name());
    (name(), name(), ip(), mac(), switch_port(), any::<bool>(), proxy, kind).prop_map(
        |(id, segment, address, mac, port, terminal, proxy, kind)| Host {
            id,
            segment,
            address,
            mac,
            port,
            terminal,
            proxy,
            kind,
        },
    )
}
fn line() -> impl Strategy<Value = Line> {
    let kinds = vec![
        LineKind::Leased,
        LineKind::Isdn,
        LineKind::ClosedIp,
        LineKind::WideEthernet,
        LineKind::IpVpn,
        LineKind::Internet,
    ];
    (name(), proptest::sample::select(kinds), ip()).prop_map(|(id, kind, address)| Line { id, kind, address })
}
fn site() -> impl Strategy<Value = Site> {
    let models = vec![SiteModel::Large, SiteModel::Small, SiteModel::ServiceProvider];
    let head = (name(), proptest::option::of(localized()), name(), proptest::sample::select(models));
    let parts = (vec(line(), 0..3), name(), any::<u64>(), switch_port(), mac(), ".{0,9}");
    let allow = (vec(".{1,5}", 0..3), vec(name(), 0..3), service());
    let in_house = (name(), name(), protocol(), ports());
    let transit = (host_ref(), host_ref(), protocol(), ports());
    let lists = (vec(segment(), 0..3), vec(host(), 0..4), vec(allow, 0..3), vec(in_house, 0..2), vec(transit, 0..2));
    let parts_named =
        vec!["zone:dmz", "segment:wards", "host:exam-1", "host:hospital/portal", "site:hospital", "outside"];
    let part = || proptest::sample::select(parts_named.clone()).prop_map(|t| t.parse::<model::Part>().unwrap());
    let never = vec((1u16..999, part(), part(), localized()), 0..2);
    (head, parts, lists, never).prop_map(|(head, parts, lists, never)| Site {
        id: head.0,
        name: head.1,
        institution: head.2,
        model: head.3,
        lines: parts.0,
        switch: Switch { id: parts.1, dpid: Dpid(parts.2) },
        gateway: Gateway { uplink: parts.3, mac: parts.4, ike_identity: parts.5 },
        segments: lists.0.into_iter().map(|s| (s.id.clone(), s)).collect(),
        hosts: lists.1.into_iter().map(|h| (h.id.clone(), h)).collect(),
        allow: lists.2.into_iter().map(|(roles, from, service)| AllowRule { roles, from, service }).collect(),
        in_house: lists
            .3
            .into_iter()
            .map(|(from, to, protocol, ports)| InHouseRule { from, to, protocol, ports })
            .collect(),
        transit: lists
            .4
            .into_iter()
            .map(|(from, to, protocol, ports)| TransitRule { from, to, protocol, ports })
            .collect(),
        never: never
            .into_iter()
            .map(|(id, from, to, because)| model::NeverRule { id: model::NeverId(id), from, to, because })
            .collect(),
    })
}
fn facts() -> impl Strategy<Value = SiteFacts> {
    let peer = (name(), ip(), ".{0,9}", vec(net(), 0..3)).prop_map(|(institution, address, ike_identity, prefixes)| {
        std::sync::Arc::new(PeerFacts { institution, address, ike_identity, prefixes })
    });
    (site(), btree_map(name(), peer, 0..3)).prop_map(|(site, peers)| SiteFacts { site, peers })
}
fn state() -> impl Strategy<Value = SiteState> {
    (any::<u64>(), facts(), vec(grant(), 0..3), vec(rule(), 0..8), vec(tunnel(), 0..3), vec(filter(), 0..3)).prop_map(
        |(generation, facts, grants, rules, tunnels, filters)| SiteState {
            generation: Generation(generation),
            facts,
            grants: grants.into_iter().map(|g| (g.id, g)).collect::<BTreeMap<_, _>>(),
            rules: rules.into_iter().collect(),
            tunnels: tunnels.into_iter().collect(),
            filters: filters.into_iter().collect(),
        },
    )
}
fn delta() -> impl Strategy<Value = SiteDelta> {
    (
        (any::<u64>(), any::<u64>(), proptest::option::of(facts()), name()),
        (vec(grant(), 0..2), vec(grant_id(), 0..2), vec(renewal(), 0..2)),
        (vec(rule(), 0..5), vec(rule(), 0..5)),
        (vec(tunnel(), 0..2), vec(tunnel(), 0..2)),
        (vec(filter(), 0..2), vec(filter(), 0..2)),
    )
        .prop_map(|(head, grants, rules, tunnels, filters)| SiteDelta {
            site: head.3,
            parent: Generation(head.0),
            generation: Generation(head.1),
            facts: head.2,
            grants_added: grants.0,
            grants_removed: grants.1,
            grants_renewed: grants.2,
            rules_added: rules.0,
            rules_removed: rules.1,
            tunnels_added: tunnels.0,
            tunnels_removed: tunnels.1,
            filters_added: filters.0,
            filters_removed: filters.1,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_arrives_as_it_was_sent(state in state(), at in any::<i64>()) {
        let order = Order {
            site: state.facts.site.id.clone(),
            issued_at: Timestamp(at),
            body: OrderBody::Snapshot(Box::new(state)),
        };
        prop_assert_eq!(Order::decode(&order.encode()).unwrap(), order);
    }

    #[test]
    fn a_delta_arrives_as_it_was_sent(delta in delta(), at in any::<i64>()) {
        let order =
            Order { site: delta.site.clone(), issued_at: Timestamp(at), body: OrderBody::Delta(Box::new(delta)) };
        prop_assert_eq!(Order::decode(&order.encode()).unwrap(), order);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = Order::decode(&bytes);
    }

    #[test]
    fn no_damage_makes_the_reader_panic(delta in delta(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let site = delta.site.clone();
        let order = Order { site, issued_at: Timestamp(0), body: OrderBody::Delta(Box::new(delta)) };
        let mut bytes = order.encode();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = Order::decode(&bytes);
        let _ = Order::decode(&bytes[..at]);
    }
}

fn sample() -> pb::SiteDelta {
    let text = SiteDelta {
        site: "clinic".parse().unwrap(),
        parent: Generation(1),
        generation: Generation(2),
        facts: None,
        grants_added: Vec::new(),
        grants_removed: Vec::new(),
        grants_renewed: Vec::new(),
        rules_added: vec![FlowRule {
            switch: "sw1".parse().unwrap(),
            table: Table::Connections,
            priority: 1000,
            matches: FlowMatch { tag: Some(Tag::Uplink), ..FlowMatch::default() },
            owner: CookieOwner::Standing,
            actions: vec![Action::Goto(Table::Forwarding)],
        }],
        rules_removed: Vec::new(),
        tunnels_added: Vec::new(),
        tunnels_removed: Vec::new(),
        filters_added: Vec::new(),
        filters_removed: Vec::new(),
    };
    text.to_message()
}

fn refused(change: impl FnOnce(&mut pb::SiteDelta)) -> String {
    let mut message = sample();
    change(&mut message);
    SiteDelta::from_message(message).unwrap_err().to_string()
}

#[test]
fn what_this_version_does_not_know_is_refused_with_its_place() {
    let rule = |m: &mut pb::SiteDelta, f: &dyn Fn(&mut pb::FlowRule)| f(&mut m.rules_added[0]);
    let said = refused(|m| rule(m, &|r| r.table = 9));
    assert_eq!(said, "rules_added[0].table: 9 is no Table this version knows");
    let said = refused(|m| rule(m, &|r| r.matches.as_mut().unwrap().tag = Some(2)));
    assert_eq!(said, "rules_added[0].matches.tag: 2 is no Tag this version knows");
    let said = refused(|m| rule(m, &|r| r.priority = 70_000));
    assert_eq!(said, "rules_added[0].priority: 70000 is out of range");
    let said = refused(|m| rule(m, &|r| r.cookie = 7));
    assert!(said.starts_with("rules_added[0].cookie: 0x0000000000000007 names no owner"), "{said}");
    let said = refused(|m| rule(m, &|r| r.actions[0].action = None));
    assert_eq!(said, "rules_added[0].actions[0].action: is missing");
    let said = refused(|m| rule(m, &|r| r.matches = None));
    assert_eq!(said, "rules_added[0].matches: is missing");
    assert!(refused(|m| m.site = "Clinic!".into()).starts_with("site: `Clinic!`"));
    assert!(refused(|m| m.grants_removed = vec![1 << 48]).starts_with("grants_removed: "));
}

#[test]
fn an_order_of_another_version_or_for_two_sites_is_refused() {
    let order = |version, site: &str| pb::Order {
        version,
        site: site.to_owned(),
        issued_at: 0,
        body: Some(pb::order::Body::Delta(sample())),
    };
    assert!(Order::decode(&order(1, "clinic").encode_to_vec()).is_ok());
    let said = Order::decode(&order(2, "clinic").encode_to_vec()).unwrap_err().to_string();
    assert_eq!(said, "version: 2 is no version this release knows");
    let said = Order::decode(&order(1, "hospital").encode_to_vec()).unwrap_err().to_string();
    assert_eq!(said, "site: the order is for hospital, its body for clinic");
}

#[test]
fn an_element_said_twice_is_refused() {
    let site = "clinic".parse::<SiteId>().unwrap();
    let facts = model::SiteFacts {
        site: Site {
            id: site.clone(),
            name: None,
            institution: "aoba".parse().unwrap(),
            model: SiteModel::Small,
            lines: Vec::new(),
            switch: Switch { id: "sw1".parse().unwrap(), dpid: Dpid(1) },
            gateway: Gateway { uplink: "sw1/1".parse().unwrap(), mac: Mac([2; 6]), ike_identity: "c".into() },
            segments: BTreeMap::new(),
            hosts: BTreeMap::new(),
            allow: Vec::new(),
            in_house: Vec::new(),
            transit: Vec::new(),
            never: Vec::new(),
        },
        peers: BTreeMap::new(),
    };
    let mut message = SiteState::empty(facts).to_message();
    message.rules = vec![sample().rules_added[0].clone(), sample().rules_added[0].clone()];
    assert_eq!(SiteState::from_message(message).unwrap_err().to_string(), "rules: holds an element twice");
}

#[test]
fn what_is_signed_names_its_purpose() {
    assert_eq!(order_signed_bytes(b"x"), b"sekisho order 1\nx");
}
