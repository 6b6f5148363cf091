//! Dumps to rules: everything planned comes back as it was; everything else is named.
#![allow(clippy::unwrap_used)]

use model::{
    Action, Beginning, CookieOwner, CtMatch, EtherType, FlowMatch, FlowRule, GrantId, Mac, PortMatch, PortNo, Protocol,
    Table, Tag,
};
use openflow::{FlowMod, FlowStats, Instruction, Match, OxmField};
use proptest::prelude::*;
use site::{installed, to_add, to_entry};
use std::collections::BTreeSet;

fn as_dumped(add: FlowMod) -> FlowStats {
    let bytes = openflow::encode(&openflow::Message::FlowMod(add), 1).unwrap();
    let openflow::Message::FlowMod(add) = openflow::Frame::decode(&bytes).unwrap().message else { panic!() };
    FlowStats {
        table: add.table,
        duration_s: 1,
        duration_ns: 0,
        priority: add.priority,
        idle_timeout: add.idle_timeout,
        hard_timeout: add.hard_timeout,
        flags: add.flags,
        cookie: add.cookie,
        packets: 0,
        bytes: 0,
        matching: add.matching,
        instructions: add.instructions,
    }
}

fn dump(rule: &FlowRule) -> FlowStats {
    let (key, body) = to_entry(rule).unwrap();
    as_dumped(to_add(&key, &body))
}

/// Shapes of every rule the planner makes, with any values in them.
fn planned() -> impl Strategy<Value = FlowRule> {
    let ip = any::<u32>().prop_map(std::net::Ipv4Addr::from);
    let mac = any::<[u8; 6]>().prop_map(Mac);
    let port = (1u32..0xff).prop_map(PortNo);
    let tag = proptest::sample::select(Tag::ALL.to_vec());
    let ct = proptest::sample::select(vec![CtMatch::BEGINS, CtMatch::GOES_ON, CtMatch::ANSWERS]);
    let protocol = proptest::sample::select(vec![Protocol::Tcp, Protocol::Udp]);
    (
        0usize..13,
        (ip.clone(), ip),
        (mac.clone(), mac),
        (port.clone(), port),
        (tag, ct, protocol),
        any::<(u16, u16, u32)>(),
    )
        .prop_map(|(shape, (a, b), (m, n), (p, q), (tag, ct, protocol), (priority, tp, number))| {
            let v4 = FlowMatch { eth_type: Some(EtherType::Ipv4), ..FlowMatch::default() };
            let arp = FlowMatch { eth_type: Some(EtherType::Arp), ..FlowMatch::default() };
            let solicitation = FlowMatch { eth_type: Some(EtherType::Neighbour), ..FlowMatch::default() };
            let six = |a: std::net::Ipv4Addr| std::net::IpAddr::V6(a.to_ipv6_mapped());
            let pair = FlowMatch {
                in_port: Some(p),
                tag: Some(tag),
                ip_src: Some(std::net::IpAddr::V4(a).into()),
                ip_dst: Some(std::net::IpAddr::V4(b).into()),
                protocol: Some(protocol),
                ct: Some(ct),
                ..v4.clone()
            };
            let goto = Action::Goto(Table::Forwarding);
            let standing = CookieOwner::Standing;
            let grant = CookieOwner::Grant(GrantId(number.into()));
            let (table, owner, matches, actions) = match shape {
                0 => {
                    let m = FlowMatch { in_port: Some(p), eth_src: Some(m), ip_src: pair.ip_src, ..v4 };
                    (Table::Admission, standing, m, vec![Action::SetTag(tag), Action::Goto(Table::Posture)])
                }
                1 => {
                    let m = FlowMatch { in_port: Some(p), eth_src: Some(m), arp_sha: Some(m), arp_spa: Some(a), ..arp };
                    (Table::Admission, standing, m, vec![Action::SetTag(tag), goto])
                }
                2 => {
                    let m = FlowMatch { in_port: Some(p), ..v4 };
                    (Table::Posture, standing, m, vec![Action::Track { zone: 5, next: Table::Connections }])
                }
                3 => {
                    let m = FlowMatch { tp_dst: Some(PortMatch::exact(tp)), ..pair };
                    (Table::Connections, grant, m, vec![Action::Commit { zone: 5 }, goto])
                }
                4 => {
                    let m = FlowMatch { tp_src: Some(PortMatch::exact(tp)), ..pair };
                    (Table::Connections, grant, m, vec![goto])
                }
                5 => {
                    let (protocol, beginning) = match number % 3 {
                        0 => (Some(Protocol::Tcp), Some(Beginning::Syn)),
                        1 => (Some(Protocol::Udp), None),
                        _ => (None, Some(Beginning::Icmp)),
                    };
                    let m = FlowMatch { in_port: Some(p), tag: Some(tag), protocol, ct: Some(ct), beginning, ..v4 };
                    (Table::Connections, standing, m, vec![Action::ToGate])
                }
                6 => {
                    let m = FlowMatch { tp_dst: Some(PortMatch::exact(tp)), ..pair };
                    (Table::Zones, CookieOwner::InHouse(number), m, vec![Action::Commit { zone: 5 }, goto])
                }
                7 => {
                    let actions = vec![Action::SetEthSrc(m), Action::SetEthDst(n), Action::Output(q)];
                    (Table::Forwarding, standing, FlowMatch { ip_dst: pair.ip_dst, ..v4 }, actions)
                }
                8 => {
                    let m = FlowMatch { arp_op: Some(model::ArpOp::Request), arp_tpa: Some(b), ..arp };
                    (Table::Forwarding, standing, m, vec![Action::ArpReply { ip: b, mac: n }])
                }
                9 => {
                    let source = if number % 2 == 0 { "fe80::/10".parse().unwrap() } else { six(a).into() };
                    let m = FlowMatch {
                        in_port: Some(p),
                        eth_src: Some(m),
                        arp_sha: Some(m),
                        ip_src: Some(source),
                        ..solicitation
                    };
                    (Table::Admission, standing, m, vec![Action::SetTag(tag), Action::Goto(Table::Neighbours)])
                }
                10 => {
                    let answer = Action::NeighbourReply { ip: b.to_ipv6_mapped(), mac: n, router: number % 2 == 0 };
                    (
                        Table::Neighbours,
                        standing,
                        FlowMatch { ip_dst: Some(six(b).into()), ..solicitation },
                        vec![answer],
                    )
                }
                11 => {
                    let v6 = FlowMatch { eth_type: Some(EtherType::Ipv6), ..FlowMatch::default() };
                    let m = FlowMatch { in_port: Some(p), eth_src: Some(m), ip_src: Some(six(a).into()), ..v6 };
                    (Table::Admission, standing, m, vec![Action::SetTag(tag), Action::Goto(Table::Posture)])
                }
                _ => (Table::Connections, CookieOwner::Refusal, pair, vec![]),
            };
            FlowRule { switch: "sw1".parse().unwrap(), table, priority, matches, owner, actions }
        })
}

proptest! {
    #[test]
    fn a_dump_of_planned_rules_is_those_rules(rules in proptest::collection::vec(planned(), 0..20)) {
        let entries: Vec<FlowStats> = rules.iter().map(dump).collect();
        let found = installed(&"sw1".parse().unwrap(), &entries);
        prop_assert!(found.strange.is_empty(), "{:?}", found.strange);
        prop_assert_eq!(found.rules, rules.into_iter().collect::<BTreeSet<_>>());
    }
}

#[test]
fn what_the_pipeline_cannot_say_is_named() {
    let standing = 0x5e01_0000_0000_0000;
    let apply = |action| vec![Instruction::ApplyActions(vec![action])];
    let add =
        |table, cookie, fields, instructions| as_dumped(FlowMod::add(table, 1, cookie, Match(fields), instructions));
    let ipv4 = OxmField::EthType(0x0800);
    let ipv6 = OxmField::EthType(0x86dd);
    let icmp6 = |kind, more: Vec<OxmField>| {
        [vec![ipv6.clone(), OxmField::IpProto(58), OxmField::Icmpv6Type(kind)], more].concat()
    };
    let six: std::net::Ipv6Addr = "fd00::1".parse().unwrap();
    let (to, target) = (OxmField::Ipv6Dst(six.into()), OxmField::Ipv6NdTarget(six.into()));
    let turned = |table: Option<u8>| {
        let turn = [OxmField::Ipv6NdOptionsType(2), OxmField::Icmpv6Type(136)].map(openflow::Action::SetField);
        let mut all = vec![Instruction::ApplyActions(turn.into())];
        all.extend(table.map(Instruction::GotoTable));
        all
    };
    let cases = [
        (add(0, 0x1234, vec![], vec![]), "cookie"),
        (add(0, standing | 1, vec![], vec![]), "cookie"),
        (add(6, standing, vec![], vec![]), "table 6"),
        (add(0, standing, vec![], apply(openflow::Action::output(openflow::PortNo::NORMAL))), "instruction"),
        (add(4, standing, vec![], apply(openflow::Action::output(openflow::PortNo::LOCAL))), "instruction"),
        (add(4, standing, vec![], apply(openflow::Action::output(openflow::PortNo::CONTROLLER))), "instruction"),
        (add(4, standing, vec![], apply(openflow::Action::Group(openflow::GroupId(1)))), "instruction"),
        (add(0, standing, vec![], apply(openflow::Action::SetField(OxmField::Reg(1, 1.into())))), "instruction"),
        (add(0, standing, vec![], apply(openflow::Action::SetField(OxmField::Reg(0, 2.into())))), "instruction"),
        (add(0, standing, vec![], vec![Instruction::GotoTable(9)]), "instruction"),
        (add(0, standing, vec![], vec![Instruction::WriteMetadata { value: 1, mask: 1 }]), "instruction"),
        (add(0, standing, vec![OxmField::Metadata(1.into())], vec![]), "match field"),
        (add(0, standing, vec![OxmField::Reg(0, 0x99.into())], vec![]), "match field"),
        (add(0, standing, vec![ipv4.clone(), OxmField::IpDscp(1)], vec![]), "match field"),
        // Of ICMPv6 nothing but solicitations as we tell them, where we tell them.
        (add(0, standing, vec![ipv6.clone(), OxmField::IpProto(58)], vec![]), "match field"),
        (add(0, standing, icmp6(135, vec![]), vec![]), "match field"),
        (add(0, standing, icmp6(136, vec![OxmField::Icmpv6Code(0)]), vec![]), "match field"),
        (add(4, standing, icmp6(135, vec![OxmField::Icmpv6Code(0)]), vec![]), "match field"),
        (add(5, standing, icmp6(135, vec![OxmField::Icmpv6Code(0)]), vec![]), "match field"),
        (add(0, standing, icmp6(135, vec![OxmField::Icmpv6Code(0), to.clone()]), vec![]), "match field"),
        (add(5, standing, icmp6(136, vec![OxmField::Icmpv6Code(0), to, target]), vec![]), "match field"),
        // The turn is part of the way to where it is answered, and of no other.
        (add(0, standing, vec![], vec![Instruction::GotoTable(5)]), "instruction"),
        (add(0, standing, vec![], turned(Some(4))), "instruction"),
        (add(0, standing, vec![], turned(None)), "instruction"),
    ];
    for (entry, why) in cases {
        let found = installed(&"sw1".parse().unwrap(), std::slice::from_ref(&entry));
        let [(text, reason)] = found.strange.as_slice() else { panic!("{entry} was read as {:?}", found.rules) };
        assert!(reason.to_string().contains(why), "{text}: {reason}");
    }
    // The meter of another port, or of none.
    let shown = |meter, port: Option<u32>| {
        let fields = port.map(|p| OxmField::InPort(openflow::PortNo(p))).into_iter().collect();
        let to_gate = openflow::Action::output(openflow::PortNo::CONTROLLER);
        let instructions = vec![Instruction::Meter(meter), Instruction::ApplyActions(vec![to_gate])];
        installed(&"sw1".parse().unwrap(), &[add(2, standing, fields, instructions)]).rules.len()
    };
    assert_eq!([shown(3, Some(3)), shown(4, Some(3)), shown(3, None)], [1, 0, 0]);
    let zone = |zone| {
        let track = openflow::Action::Ct(openflow::Ct::track(zone, 2));
        installed(&"sw1".parse().unwrap(), &[add(1, standing, vec![ipv4.clone()], apply(track))])
    };
    // A zone of nobody is a rule; the proof refuses it.
    assert_eq!((zone(5).rules.len(), zone(6).rules.len()), (1, 1));
}
