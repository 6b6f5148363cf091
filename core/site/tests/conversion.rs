//! Rules to entries and back, against Open vSwitch's own words.
#![allow(clippy::unwrap_used)]

use model::{
    Action, ArpOp, Beginning, CookieOwner, CtMatch, EtherType, FlowMatch, FlowRule, GrantId, Mac, PortMatch, PortNo,
    Protocol, Table, Tag, Zone,
};
use proptest::prelude::*;
use site::{to_add, to_entry, to_rule};
use std::net::Ipv4Addr;
use std::process::Command;

fn rule(table: Table, priority: u16, matches: FlowMatch, owner: CookieOwner, actions: Vec<Action>) -> FlowRule {
    FlowRule { switch: "sw1".parse().unwrap(), table, priority, matches, owner, actions }
}

fn ip(eth_type: EtherType) -> FlowMatch {
    FlowMatch { eth_type: Some(eth_type), ..FlowMatch::default() }
}

/// A terminal's first packet of this kind goes to the gate.
fn first(kind: FlowMatch) -> FlowRule {
    let port = Some(PortNo(3));
    let matches = FlowMatch { in_port: port, tag: Some(Tag::Zone(Zone::Secure)), ct: Some(CtMatch::BEGINS), ..kind };
    rule(Table::Connections, 100, matches, CookieOwner::Standing, vec![Action::ToGate])
}

fn golden() -> Vec<(FlowRule, &'static str)> {
    let host: Mac = "02:00:00:01:20:11".parse().unwrap();
    let gateway: Mac = "02:00:00:01:00:01".parse().unwrap();
    let grant = CookieOwner::Grant(GrantId(7));
    let origin = FlowMatch {
        in_port: Some(PortNo(3)),
        tag: Some(Tag::Zone(Zone::Secure)),
        ip_src: Some("10.1.20.11/32".parse().unwrap()),
        ip_dst: Some("10.2.10.10/32".parse().unwrap()),
        protocol: Some(Protocol::Tcp),
        tp_dst: Some(PortMatch::exact(443)),
        ct: Some(CtMatch::BEGINS),
        ..ip(EtherType::Ipv4)
    };
    vec![
        (
            rule(
                Table::Admission,
                200,
                FlowMatch {
                    in_port: Some(PortNo(3)),
                    eth_src: Some(host),
                    ip_src: Some("10.1.20.11/32".parse().unwrap()),
                    ..ip(EtherType::Ipv4)
                },
                CookieOwner::Standing,
                vec![Action::SetTag(Tag::Zone(Zone::Secure)), Action::Goto(Table::Posture)],
            ),
            "ADD priority=200,ip,in_port=3,dl_src=02:00:00:01:20:11,nw_src=10.1.20.11 cookie:0x5e01000000000000 actions=set_field:0x11->reg0,goto_table:1",
        ),
        (
            rule(
                Table::Posture,
                100,
                FlowMatch { in_port: Some(PortNo(1)), ..ip(EtherType::Ipv4) },
                CookieOwner::Standing,
                vec![Action::Track { zone: 5, next: Table::Connections }],
            ),
            "ADD table:1 priority=100,ip,in_port=1 cookie:0x5e01000000000000 actions=ct(table=2,zone=5)",
        ),
        (
            rule(
                Table::Connections,
                1000,
                origin.clone(),
                grant,
                vec![Action::Commit { zone: 5 }, Action::Goto(Table::Forwarding)],
            ),
            "ADD table:2 priority=1000,ct_state=+new-inv+trk,tcp,reg0=0x11,in_port=3,nw_src=10.1.20.11,nw_dst=10.2.10.10,tp_dst=443 cookie:0x5e02000000000007 send_flow_rem reset_counts actions=ct(commit,zone=5),goto_table:4",
        ),
        (
            rule(
                Table::Connections,
                1000,
                FlowMatch { ct: Some(CtMatch::GOES_ON), ..origin },
                grant,
                vec![Action::Goto(Table::Forwarding)],
            ),
            "ADD table:2 priority=1000,ct_state=+est-rpl-inv+trk,tcp,reg0=0x11,in_port=3,nw_src=10.1.20.11,nw_dst=10.2.10.10,tp_dst=443 cookie:0x5e02000000000007 send_flow_rem reset_counts actions=goto_table:4",
        ),
        (
            first(ip(EtherType::Ipv4)),
            "ADD table:2 priority=100,ct_state=+new-inv+trk,ip,reg0=0x11,in_port=3 cookie:0x5e01000000000000 actions=meter:3,CONTROLLER:65535",
        ),
        (
            first(FlowMatch { protocol: Some(Protocol::Tcp), beginning: Some(Beginning::Syn), ..ip(EtherType::Ipv4) }),
            "ADD table:2 priority=100,ct_state=+new-inv+trk,tcp,reg0=0x11,in_port=3,tcp_flags=+syn-ack cookie:0x5e01000000000000 actions=meter:3,CONTROLLER:65535",
        ),
        (
            first(FlowMatch { protocol: Some(Protocol::Tcp), beginning: Some(Beginning::Syn), ..ip(EtherType::Ipv6) }),
            "ADD table:2 priority=100,ct_state=+new-inv+trk,tcp6,reg0=0x11,in_port=3,tcp_flags=+syn-ack cookie:0x5e01000000000000 actions=meter:3,CONTROLLER:65535",
        ),
        (
            first(FlowMatch { beginning: Some(Beginning::Icmp), ..ip(EtherType::Ipv4) }),
            "ADD table:2 priority=100,ct_state=+new-inv+trk,icmp,reg0=0x11,in_port=3 cookie:0x5e01000000000000 actions=meter:3,CONTROLLER:65535",
        ),
        (
            first(FlowMatch { beginning: Some(Beginning::Icmp), ..ip(EtherType::Ipv6) }),
            "ADD table:2 priority=100,ct_state=+new-inv+trk,icmp6,reg0=0x11,in_port=3 cookie:0x5e01000000000000 actions=meter:3,CONTROLLER:65535",
        ),
        (
            rule(
                Table::Forwarding,
                200,
                FlowMatch { ip_dst: Some("10.1.20.11/32".parse().unwrap()), ..ip(EtherType::Ipv4) },
                CookieOwner::Standing,
                vec![Action::SetEthSrc(gateway), Action::SetEthDst(host), Action::Output(PortNo(3))],
            ),
            "ADD table:4 priority=200,ip,nw_dst=10.1.20.11 cookie:0x5e01000000000000 actions=set_field:02:00:00:01:00:01->eth_src,set_field:02:00:00:01:20:11->eth_dst,output:3",
        ),
        (
            rule(
                Table::Forwarding,
                200,
                FlowMatch {
                    arp_op: Some(ArpOp::Request),
                    arp_tpa: Some("10.1.20.1".parse().unwrap()),
                    ..ip(EtherType::Arp)
                },
                CookieOwner::Standing,
                vec![Action::ArpReply { ip: "10.1.20.1".parse().unwrap(), mac: gateway }],
            ),
            "ADD table:4 priority=200,arp,arp_tpa=10.1.20.1,arp_op=1 cookie:0x5e01000000000000 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:02:00:00:01:00:01->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:02:00:00:01:00:01->arp_sha,set_field:10.1.20.1->arp_spa,IN_PORT",
        ),
        (
            rule(
                Table::Admission,
                210,
                FlowMatch {
                    in_port: Some(PortNo(3)),
                    eth_src: Some(host),
                    arp_sha: Some(host),
                    ip_src: Some("fe80::/10".parse().unwrap()),
                    ..ip(EtherType::Neighbour)
                },
                CookieOwner::Standing,
                vec![Action::SetTag(Tag::Zone(Zone::Secure)), Action::Goto(Table::Neighbours)],
            ),
            "ADD priority=210,icmp6,in_port=3,dl_src=02:00:00:01:20:11,ipv6_src=fe80::/10,icmp_type=135,icmp_code=0,nd_sll=02:00:00:01:20:11 cookie:0x5e01000000000000 actions=meter:65539,set_field:0x11->reg0,set_field:2->nd_options_type,set_field:136->icmpv6_type,goto_table:5",
        ),
        (
            rule(
                Table::Neighbours,
                200,
                FlowMatch { ip_dst: Some("fd00::1/128".parse().unwrap()), ..ip(EtherType::Neighbour) },
                CookieOwner::Standing,
                vec![Action::NeighbourReply { ip: "fd00::1".parse().unwrap(), mac: gateway, router: true }],
            ),
            "ADD table:5 priority=200,icmp6,icmp_type=136,icmp_code=0,nd_target=fd00::1 cookie:0x5e01000000000000 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:02:00:00:01:00:01->eth_src,move:NXM_NX_IPV6_SRC[]->NXM_NX_IPV6_DST[],set_field:fd00::1->ipv6_src,set_field:02:00:00:01:00:01->nd_tll,set_field:3758096384->nd_reserved,IN_PORT",
        ),
    ]
}

#[test]
fn open_vswitch_reads_the_entries_as_they_are_meant() {
    for (rule, expected) in golden() {
        let (key, body) = to_entry(&rule).unwrap();
        let bytes = openflow::encode(&openflow::Message::FlowMod(to_add(&key, &body)), 1).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let out = Command::new("ovs-ofctl").args(["ofp-print", &hex]).output();
        let out = out.expect("ovs-ofctl is there (package openvswitch-switch)");
        let text = String::from_utf8(out.stdout).unwrap();
        let (_, said) = text.trim().split_once("OFPT_FLOW_MOD (OF1.3) (xid=0x1): ").unwrap_or(("", text.trim()));
        assert_eq!(said, expected);
    }
}

#[test]
fn every_golden_rule_comes_back() {
    for (rule, _) in golden() {
        let (key, body) = to_entry(&rule).unwrap();
        assert_eq!(to_rule(&rule.switch, &key, &body).unwrap(), rule);
    }
}

#[test]
fn no_question_is_let_in_past_the_meter_of_its_port() {
    let asks = |eth_type, in_port| FlowMatch { in_port, ..ip(eth_type) };
    let goes = |to| vec![Action::SetTag(Tag::Uplink), Action::Goto(to)];
    for (eth_type, to) in [(EtherType::Arp, Table::Forwarding), (EtherType::Neighbour, Table::Neighbours)] {
        let of = |in_port| rule(Table::Admission, 1, asks(eth_type, in_port), CookieOwner::Standing, goes(to));
        for port in [None, Some(PortNo(0xff01)), Some(PortNo(u32::MAX))] {
            assert_eq!(to_entry(&of(port)), Err(site::Inexpressible::NoPortToMeter), "{port:?}");
        }
        let asked = of(Some(PortNo(3)));
        let (key, mut body) = to_entry(&asked).unwrap();
        assert_eq!(body.instructions[0], openflow::Instruction::Meter(0x1_0003));
        // Without it, or by the meter of another port or of first packets, it is none of ours.
        for meter in [None, Some(0x1_0004), Some(3)] {
            body.instructions.retain(|i| !matches!(i, openflow::Instruction::Meter(_)));
            body.instructions.splice(0..0, meter.map(openflow::Instruction::Meter));
            assert!(matches!(to_rule(&asked.switch, &key, &body), Err(site::NotOurs::Instruction(_))), "{meter:?}");
        }
    }
}

#[test]
fn a_syn_is_of_tcp_and_icmp_of_a_family() {
    for (protocol, eth_type, beginning) in [
        (None, Some(EtherType::Ipv4), Beginning::Syn),
        (Some(Protocol::Udp), Some(EtherType::Ipv4), Beginning::Syn),
        (Some(Protocol::Tcp), Some(EtherType::Ipv4), Beginning::Icmp),
        (None, None, Beginning::Icmp),
        (None, Some(EtherType::Arp), Beginning::Icmp),
    ] {
        let wrong = first(FlowMatch { protocol, eth_type, beginning: Some(beginning), ..FlowMatch::default() });
        assert_eq!(to_entry(&wrong), Err(site::Inexpressible::BeginningOfNothing), "{wrong:?}");
    }
    // Other flags, or a wider mask, are no rule of ours.
    let syn = FlowMatch { protocol: Some(Protocol::Tcp), beginning: Some(Beginning::Syn), ..ip(EtherType::Ipv4) };
    let rule = first(syn);
    let (mut key, body) = to_entry(&rule).unwrap();
    for (value, mask) in [(0x02, 0x02), (0x12, 0x12), (0x10, 0x10), (0x02, 0xfff)] {
        for field in &mut key.matching.0 {
            if let openflow::OxmField::TcpFlags(flags) = field {
                *flags = openflow::Masked::with_mask(value, mask);
            }
        }
        assert!(matches!(to_rule(&rule.switch, &key, &body), Err(site::NotOurs::Field(_))), "{value:#x}/{mask:#x}");
    }
    // ICMP of the other family.
    for field in &mut key.matching.0 {
        if let openflow::OxmField::IpProto(protocol) = field {
            *protocol = 58;
        }
    }
    key.matching.0.retain(|field| !matches!(field, openflow::OxmField::TcpFlags(_)));
    assert!(matches!(to_rule(&rule.switch, &key, &body), Err(site::NotOurs::Field(_))));
}

#[test]
fn a_port_without_a_protocol_is_refused_not_widened() {
    let matches = FlowMatch { tp_dst: Some(PortMatch::exact(443)), ..FlowMatch::default() };
    assert!(to_entry(&rule(Table::Connections, 1, matches, CookieOwner::Standing, vec![])).is_err());
    let late = vec![Action::Goto(Table::Zones), Action::Output(PortNo(1))];
    assert!(to_entry(&rule(Table::Connections, 1, FlowMatch::default(), CookieOwner::Standing, late)).is_err());
}

#[test]
fn a_solicitation_is_spoken_of_only_where_it_is_told_apart() {
    let six = |more: FlowMatch| FlowMatch { eth_type: Some(EtherType::Neighbour), ..more };
    let told = FlowMatch { arp_sha: Some(Mac([2; 6])), ..FlowMatch::default() };
    let tcp = FlowMatch { protocol: Some(Protocol::Tcp), ..FlowMatch::default() };
    for (table, matches) in [
        (Table::Posture, FlowMatch::default()),
        (Table::Forwarding, FlowMatch::default()),
        (Table::Neighbours, told),
        (Table::Admission, tcp),
    ] {
        let drops = rule(table, 1, six(matches), CookieOwner::Standing, vec![]);
        assert_eq!(to_entry(&drops), Err(site::Inexpressible::NeighbourElsewhere), "{drops:?}");
    }
    // No other packet can be turned into an answer.
    let reply = Action::NeighbourReply { ip: "fd00::1".parse().unwrap(), mac: Mac([2; 6]), router: false };
    for (table, action) in [(Table::Admission, Action::Goto(Table::Neighbours)), (Table::Neighbours, reply)] {
        let matches = FlowMatch { eth_type: Some(EtherType::Ipv6), ..FlowMatch::default() };
        let other = rule(table, 1, matches, CookieOwner::Standing, vec![action]);
        assert_eq!(to_entry(&other), Err(site::Inexpressible::NeighbourElsewhere), "{other:?}");
    }
}

prop_compose! {
    fn any_match()(
        in_port in proptest::option::of(1u32..0xff),
        tag in proptest::option::of(proptest::sample::select(Tag::ALL.to_vec())),
        mac in proptest::option::of(any::<[u8; 6]>()),
        src in proptest::option::of((any::<u32>(), 1u8..=32)),
        dst in proptest::option::of((any::<u32>(), 1u8..=32)),
        protocol in proptest::option::of(proptest::sample::select(vec![Protocol::Tcp, Protocol::Udp])),
        ports in (proptest::option::of((any::<u16>(), 1u16..)), proptest::option::of((any::<u16>(), 1u16..))),
        ct in proptest::option::of(proptest::sample::select(vec![CtMatch::BEGINS, CtMatch::GOES_ON, CtMatch::ANSWERS])),
        begins: bool,
    ) -> FlowMatch {
        let net = |(a, bits): (u32, u8)| ipnet::IpNet::new(Ipv4Addr::from(a).into(), bits).unwrap().trunc();
        let port = |(value, mask): (u16, u16)| PortMatch { value: value & mask, mask };
        FlowMatch {
            in_port: in_port.map(PortNo), tag, eth_src: mac.map(Mac), eth_type: Some(EtherType::Ipv4),
            ip_src: src.map(net), ip_dst: dst.map(net), protocol,
            tp_src: protocol.and(ports.0.map(port)), tp_dst: protocol.and(ports.1.map(port)), ct,
            beginning: match (begins, protocol) {
                (false, _) | (true, Some(Protocol::Udp)) => None,
                (true, Some(Protocol::Tcp)) => Some(Beginning::Syn),
                (true, None) => Some(Beginning::Icmp),
            },
            ..FlowMatch::default()
        }
    }
}

proptest! {
    #[test]
    fn rules_survive_the_wire(matches in any_match(), priority: u16, id in 0..GrantId::MAX, port in 1u32..0xff) {
        for actions in [
            vec![],
            vec![Action::Commit { zone: 5 }, Action::Goto(Table::Forwarding)],
            vec![Action::SetTag(Tag::Uplink), Action::Goto(Table::Posture)],
            vec![Action::SetEthDst(Mac([2; 6])), Action::Output(PortNo(port))],
            vec![Action::ToGate],
        ] {
            let shown = actions == [Action::ToGate];
            let rule = rule(Table::Connections, priority, matches.clone(), CookieOwner::Grant(GrantId(id)), actions);
            if shown && rule.matches.in_port.is_none() {
                prop_assert_eq!(to_entry(&rule), Err(site::Inexpressible::NoPortToMeter));
                continue;
            }
            let (key, body) = to_entry(&rule).unwrap();
            let bytes = openflow::encode(&openflow::Message::FlowMod(to_add(&key, &body)), 1).unwrap();
            let openflow::Message::FlowMod(read) = openflow::Frame::decode(&bytes).unwrap().message else { panic!() };
            let stats = openflow::FlowStats {
                table: read.table, duration_s: 0, duration_ns: 0, priority: read.priority, idle_timeout: 0, hard_timeout: 0,
                flags: read.flags, cookie: read.cookie, packets: 0, bytes: 0, matching: read.matching, instructions: read.instructions,
            };
            let (seen_key, seen_body) = site::observed_entry(&stats);
            prop_assert_eq!(&seen_key, &key);
            prop_assert_eq!(&seen_body, &body);
            prop_assert_eq!(to_rule(&rule.switch, &seen_key, &seen_body).unwrap(), rule);
        }
    }
}
