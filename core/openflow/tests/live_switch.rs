//! The codec, channel and bundles against a running Open vSwitch.
#![allow(clippy::unwrap_used)]

#[path = "support/live.rs"]
mod live;

use std::collections::BTreeSet;

use live::{DATAPATH, Switch};
use openflow::*;

const IPV4: OxmField = OxmField::EthType(0x0800);
const TCP: OxmField = OxmField::IpProto(6);

fn tcp_to(port: u16) -> Match {
    Match(vec![IPV4, TCP, OxmField::TcpDst(port.into())])
}

fn output(port: u32) -> Vec<Instruction> {
    vec![Instruction::ApplyActions(vec![Action::output(PortNo(port))])]
}

fn add(cookie: u64, port: u16) -> Message {
    Message::FlowMod(FlowMod::add(0, 10, cookie, tcp_to(port), output(1)))
}

fn cookies(flows: &[FlowStats]) -> BTreeSet<u64> {
    flows.iter().map(|flow| flow.cookie).collect()
}

#[test]
fn handshake_and_description_with_default_and_chosen_protocols() {
    for protocols in ["", "OpenFlow13", "OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15"] {
        let switch = Switch::start(protocols);
        let [mut c] = switch.controllers();
        assert_eq!((c.features.datapath_id, c.features.n_buffers), (DATAPATH, 0));
        let MultipartReplyBody::Desc(desc) = c.ask(MultipartRequestBody::Desc) else { panic!() };
        assert_eq!(desc.hardware, "Open vSwitch");
        let MultipartReplyBody::PortDesc(ports) = c.ask(MultipartRequestBody::PortDesc) else { panic!() };
        let names: Vec<_> = ports.iter().map(|p| (p.port, p.name.as_str())).collect();
        assert!(names.contains(&(PortNo(1), "p1")) && names.contains(&(PortNo::LOCAL, "br0")), "{names:?}");
        let MultipartReplyBody::Table(tables) = c.ask(MultipartRequestBody::Table) else { panic!() };
        assert_eq!(tables.len(), 254);
        let MultipartReplyBody::PortStats(stats) = c.ask(MultipartRequestBody::PortStats(PortNo(1))) else { panic!() };
        assert_eq!(stats.len(), 1);
        c.accepted(Message::SetConfig(SwitchConfig { flags: 0, miss_send_len: 0xffff }));
        c.send(Message::GetConfigRequest);
        assert!(c.barrier().contains(&Message::GetConfigReply(SwitchConfig { flags: 0, miss_send_len: 0xffff })));
    }
}

#[test]
fn what_is_sent_is_what_is_read_back() {
    let switch = Switch::start("OpenFlow13");
    let [mut c] = switch.controllers();
    c.accepted(Message::MeterMod(MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::PKTPS | MeterFlags::BURST | MeterFlags::STATS,
        meter: 3,
        bands: vec![MeterBand::Drop { rate: 100, burst: 50 }],
    }));
    c.accepted(Message::GroupMod(GroupMod {
        command: GroupModCommand::Add,
        kind: GroupType::FastFailover,
        group: GroupId(7),
        buckets: vec![Bucket { watch_port: PortNo(1), ..Bucket::new(vec![Action::output(PortNo(1))]) }],
    }));
    let sent = readable_flows();
    for flow in &sent {
        c.accepted(Message::FlowMod(flow.clone()));
    }
    let read = c.flows(FlowStatsRequest::all());
    assert_eq!(read.len(), sent.len());
    for flow in &sent {
        let found = read.iter().find(|f| f.cookie == flow.cookie).unwrap();
        assert_eq!(found.matching.normalized(), flow.matching.normalized());
        assert_eq!(found.instructions, flow.instructions);
        assert_eq!(
            (found.table, found.priority, found.idle_timeout, found.hard_timeout, found.flags),
            (flow.table, flow.priority, flow.idle_timeout, flow.hard_timeout, flow.flags)
        );
    }
}

/// Every field, action and instruction our pipelines use, one cookie each.
fn readable_flows() -> Vec<FlowMod> {
    use OxmField as F;
    let v4 = |text: &str| text.parse::<std::net::Ipv4Addr>().unwrap();
    let v6 = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap();
    let mac = |n| EthAddr([2, 0, 0, 0, 1, n]);
    let tracked = CtState::TRACKED | CtState::NEW;
    let matches = [
        vec![
            F::InPort(PortNo(1)),
            F::EthSrc(mac(1).into()),
            F::EthDst(Masked::with_mask(EthAddr([1, 0, 0, 0, 0, 0]), EthAddr([1, 0, 0, 0, 0, 0]))),
        ],
        vec![F::VlanVid((VLAN_PRESENT | 20).into()), F::VlanPcp(2)],
        vec![F::VlanVid(0.into())],
        vec![F::Metadata(Masked::with_mask(0x700, 0xf00)), F::Reg(0, 7.into()), F::Reg(7, Masked::with_mask(1, 3))],
        vec![
            IPV4,
            F::Ipv4Src(Masked::with_mask(v4("10.1.0.0"), v4("255.255.0.0"))),
            F::Ipv4Dst(v4("10.2.0.1").into()),
            F::IpDscp(46),
        ],
        vec![
            IPV4,
            TCP,
            F::TcpSrc(Masked::with_mask(0x8000, 0xfff0)),
            F::TcpDst(443.into()),
            F::TcpFlags(Masked::with_mask(2, 0x12)),
        ],
        vec![IPV4, F::IpProto(17), F::UdpSrc(67.into()), F::UdpDst(Masked::with_mask(64, 0xfffe))],
        vec![IPV4, F::IpProto(1), F::Icmpv4Type(8), F::Icmpv4Code(0)],
        vec![
            F::EthType(0x86dd),
            F::Ipv6Src(Masked::with_mask(v6("fd00::"), v6("ffff:ffff::"))),
            F::Ipv6Dst(v6("fd00::1").into()),
        ],
        vec![
            F::EthType(0x86dd),
            F::IpProto(58),
            F::Icmpv6Type(135),
            F::Icmpv6Code(0),
            F::Ipv6NdTarget(v6("fd00::9").into()),
            F::Ipv6NdSll(mac(5).into()),
        ],
        vec![
            F::EthType(0x0806),
            F::ArpOp(1),
            F::ArpSpa(v4("10.1.0.1").into()),
            F::ArpTpa(v4("10.1.0.2").into()),
            F::ArpSha(mac(3).into()),
            F::ArpTha(mac(4).into()),
        ],
        vec![
            IPV4,
            F::CtState(Masked::with_mask(tracked, tracked | CtState::REPLY)),
            F::CtZone(5),
            F::CtMark(Masked::with_mask(1, 3)),
        ],
        vec![
            IPV4,
            TCP,
            F::CtState(Masked::with_mask(tracked, tracked)),
            F::CtNwProto(6),
            F::CtNwSrc(v4("10.1.0.1").into()),
            F::CtTpDst(443.into()),
        ],
    ];
    let actions = [
        vec![Action::output(PortNo(1)), Action::output(PortNo::IN_PORT), Action::output(PortNo::CONTROLLER)],
        vec![Action::PopVlan, Action::PushVlan(0x8100), Action::SetField(F::VlanVid((VLAN_PRESENT | 30).into()))],
        vec![
            Action::SetField(F::Reg(4, 3.into())),
            Action::SetField(F::Metadata(5.into())),
            Action::SetField(F::EthDst(mac(9).into())),
        ],
        vec![Action::RegLoad { to: BitRange::part(FieldKind::Reg(1), 4, 4), value: 5 }],
        vec![Action::RegMove { from: BitRange::whole(FieldKind::Reg(0)), to: BitRange::whole(FieldKind::Reg(2)) }],
        vec![Action::Controller(ControllerAction { max_len: 128, controller_id: 7, reason: PacketInReason::NoMatch })],
        vec![Action::SetQueue(2), Action::Group(GroupId(7))],
    ];
    let tracking = [
        vec![
            Action::Ct(Ct { exec: vec![Action::SetField(F::CtMark(7.into()))], ..Ct::commit(5) }),
            Action::output(PortNo(2)),
        ],
        vec![Action::Ct(Ct { force: true, ..Ct::commit(5) })],
        vec![Action::Ct(Ct { zone: CtZone::Field(BitRange::part(FieldKind::Reg(1), 0, 16)), ..Ct::track(0, 9) })],
        vec![Action::CtClear, Action::Ct(Ct::track(5, 9))],
        vec![Action::DecNwTtl, Action::SetNwTtl(4)],
    ];
    let apply = |actions: &Vec<Action>| vec![Instruction::ApplyActions(actions.clone())];
    let many = vec![
        Instruction::Meter(3),
        Instruction::ApplyActions(vec![Action::output(PortNo(1))]),
        Instruction::ClearActions,
        Instruction::WriteActions(vec![Action::output(PortNo(2))]),
        Instruction::WriteMetadata { value: 0x10, mask: 0xf0 },
        Instruction::GotoTable(8),
    ];
    let tagged = Match(vec![F::VlanVid((VLAN_PRESENT | 9).into())]);
    let mut flows: Vec<FlowMod> = Vec::new();
    let mut push = |table, matching: Match, instructions| {
        let cookie = flows.len() as u64 + 1;
        flows.push(FlowMod::add(table, cookie as u16, cookie, matching, instructions));
    };
    matches.into_iter().for_each(|fields| push(0, Match(fields), output(1)));
    actions.iter().for_each(|list| push(1, tagged.clone(), apply(list)));
    tracking.iter().for_each(|list| push(2, Match(vec![IPV4]), apply(list)));
    push(3, Match::any(), many);
    push(4, Match::any(), Vec::new());
    let last = flows.last_mut().unwrap();
    last.idle_timeout = 300;
    last.hard_timeout = 600;
    last.flags = FlowModFlags::SEND_FLOW_REMOVED | FlowModFlags::NO_BYTE_COUNTS;
    flows
}

#[test]
fn long_answers_come_in_parts_and_deletes_go_by_cookie() {
    let switch = Switch::start("OpenFlow13");
    let [mut c] = switch.controllers();
    let flows: Vec<_> = (1..=3000).map(|port| add(u64::from(port % 2) << 32 | u64::from(port), port)).collect();
    assert_eq!(c.bundle(1, &flows), BundleOutcome::Committed);
    assert_eq!(c.flows(FlowStatsRequest::all()).len(), 3000);
    let odd = FlowStatsRequest::by_cookie(1 << 32, 1 << 32);
    assert_eq!(c.flows(odd.clone()).len(), 1500);
    c.accepted(Message::FlowMod(FlowMod::delete_by_cookie(1 << 32, 1 << 32)));
    assert_eq!(c.flows(odd).len(), 0);
    let MultipartReplyBody::Aggregate(sum) = c.ask(MultipartRequestBody::Aggregate(FlowStatsRequest::all())) else {
        panic!()
    };
    assert_eq!(sum.flows, 1500);
    c.accepted(Message::FlowMod(FlowMod::delete_strict(0, 10, tcp_to(2))));
    let left = c.flows(FlowStatsRequest::all());
    assert_eq!((left.len(), cookies(&left).contains(&2)), (1499, false));
}

#[test]
fn a_bundle_adds_replaces_and_rolls_back_whole() {
    let switch = Switch::start("OpenFlow13");
    let [mut c] = switch.controllers();
    assert_eq!(c.bundle(1, &[add(1, 80), add(2, 443)]), BundleOutcome::Committed);
    let replace = [Message::FlowMod(FlowMod::delete_by_cookie(1, u64::MAX)), add(3, 8080)];
    assert_eq!(c.bundle(2, &replace), BundleOutcome::Committed);
    let expected = BTreeSet::from([2, 3]);
    assert_eq!(cookies(&c.flows(FlowStatsRequest::all())), expected);

    // Refused on ADD: a TCP port without the protocol.
    let no_prerequisite = Match(vec![OxmField::TcpDst(80.into())]);
    let bad = Message::FlowMod(FlowMod::add(0, 1, 9, no_prerequisite, Vec::new()));
    let delete = Message::FlowMod(FlowMod::delete_by_cookie(2, u64::MAX));
    let outcome = c.bundle(3, &[add(4, 81), delete.clone(), bad, add(5, 82)]);
    let BundleOutcome::Rejected { error, message: Some(2) } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.error.name(), Some("OFPBMC_BAD_PREREQ"));
    assert_eq!(cookies(&c.flows(FlowStatsRequest::all())), expected);

    // Refused on COMMIT: a group that is not there.
    let group = vec![Instruction::ApplyActions(vec![Action::Group(GroupId(99))])];
    let bad = Message::FlowMod(FlowMod::add(0, 1, 9, Match::any(), group));
    let outcome = c.bundle(4, &[add(4, 81), delete, bad]);
    let BundleOutcome::Rejected { error, message: Some(2) } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.error.name(), Some("OFPBAC_BAD_OUT_GROUP"));
    assert_eq!(cookies(&c.flows(FlowStatsRequest::all())), expected);

    // The same number can be used again afterwards.
    assert_eq!(c.bundle(4, &[add(6, 83)]), BundleOutcome::Committed);
    assert_eq!(c.bundle(5, &[]), BundleOutcome::Committed);
}

#[test]
fn one_master_writes_and_old_generations_are_refused() {
    let switch = Switch::start("OpenFlow13");
    let [mut a, mut b] = switch.controllers();
    let role = |role, generation_id| Message::RoleRequest(RoleRequest { role, generation_id });
    a.send(role(Role::Master, 5));
    assert!(a.barrier().contains(&Message::RoleReply(RoleRequest { role: Role::Master, generation_id: 5 })));
    a.accepted(add(1, 80));
    b.accepted(role(Role::Master, 6));
    assert_eq!(a.refused(add(2, 81)).error, SwitchError::IS_SLAVE);
    assert_eq!(a.refused(role(Role::Master, 4)).error, SwitchError::STALE_ROLE);
    b.accepted(add(3, 82));
    assert_eq!(cookies(&a.flows(FlowStatsRequest::all())), BTreeSet::from([1, 3]));
    let outcome = a.bundle(1, &[add(4, 83)]);
    assert!(matches!(outcome, BundleOutcome::Rejected { .. }), "{outcome:?}");
    assert_eq!(cookies(&b.flows(FlowStatsRequest::all())), BTreeSet::from([1, 3]));
}

#[test]
fn a_monitor_tells_of_every_foreign_hand_and_knows_its_own() {
    let switch = Switch::start("OpenFlow13");
    let [mut own, mut other] = switch.controllers();
    own.accepted(add(1, 80));
    let body = own.ask(MultipartRequestBody::FlowMonitor(FlowMonitorRequest::others(1)));
    assert_eq!(body, MultipartReplyBody::FlowMonitor(Vec::new()), "what stood is not told");
    let mut told = |message| {
        other.accepted(message);
        own.wait(|_, event| match event {
            ChannelEvent::Message { xid, message: Message::MultipartReply(MultipartReply { body, .. }) } => {
                let MultipartReplyBody::FlowMonitor(updates) = body else { panic!("{body:?}") };
                assert_eq!((xid, updates.len()), (0, 1));
                let [FlowUpdate::Changed(flow)] = updates.as_slice() else { panic!("{updates:?}") };
                Some(flow.clone())
            }
            _ => None,
        })
    };
    let added = told(add(2, 443));
    assert_eq!((added.event, added.cookie, added.priority, added.table), (FlowEvent::Added, 2, 10, 0));
    assert_eq!((added.matching.normalized(), &added.instructions), (tcp_to(443).normalized(), &output(1)));
    let change = FlowMod { command: FlowModCommand::Modify, ..FlowMod::add(0, 0, 0, tcp_to(443), output(2)) };
    let changed = told(Message::FlowMod(change));
    assert_eq!((changed.event, changed.instructions.clone()), (FlowEvent::Modified, output(2)));
    let gone = told(Message::FlowMod(FlowMod::delete_by_cookie(1, u64::MAX)));
    assert_eq!((gone.event, gone.reason, gone.cookie), (FlowEvent::Deleted, FlowRemovedReason::Delete, 1));
    // Own changes, one by one and in a bundle, come abbreviated.
    own.send(add(3, 81));
    let before = own.barrier();
    assert!(
        before.iter().all(|m| matches!(m, Message::MultipartReply(MultipartReply {
            body: MultipartReplyBody::FlowMonitor(updates), ..
        }) if updates.iter().all(|u| matches!(u, FlowUpdate::Own { .. })))),
        "{before:?}"
    );
    assert_eq!(
        own.bundle(1, &[add(4, 82), Message::FlowMod(FlowMod::delete_by_cookie(2, u64::MAX))]),
        BundleOutcome::Committed
    );
    let after = own.barrier();
    assert!(!format!("{after:?}").contains("Changed"), "{after:?}");
    // A second monitor of the same number is refused, and not under the request's xid.
    own.send(Message::MultipartRequest(MultipartRequest::new(MultipartRequestBody::FlowMonitor(
        FlowMonitorRequest::others(1),
    ))));
    assert!(own.barrier().iter().any(|m| matches!(m, Message::Error(_))));
    own.accepted(Message::FlowMonitorCancel(1));
    other.accepted(add(5, 85));
    assert!(own.barrier().is_empty());
}

#[test]
fn groups_and_meters_are_read_back_and_another_master_is_told() {
    let switch = Switch::start("OpenFlow13");
    let [mut own, mut other] = switch.controllers();
    let group = Group {
        kind: GroupType::Indirect,
        group: GroupId(7),
        buckets: vec![Bucket::new(vec![Action::output(PortNo(1))])],
    };
    let meter = Meter {
        flags: MeterFlags::PKTPS | MeterFlags::BURST,
        meter: 3,
        bands: vec![MeterBand::Drop { rate: 100, burst: 50 }],
    };
    other.accepted(Message::GroupMod(GroupMod {
        command: GroupModCommand::Add,
        kind: group.kind,
        group: group.group,
        buckets: group.buckets.clone(),
    }));
    other.accepted(Message::MeterMod(MeterMod {
        command: MeterModCommand::Add,
        flags: meter.flags,
        meter: meter.meter,
        bands: meter.bands.clone(),
    }));
    assert_eq!(own.ask(MultipartRequestBody::GroupDesc), MultipartReplyBody::GroupDesc(vec![group]));
    assert_eq!(own.ask(MultipartRequestBody::MeterConfig(u32::MAX)), MultipartReplyBody::MeterConfig(vec![meter]));
    let master = |generation_id| Message::RoleRequest(RoleRequest { role: Role::Master, generation_id });
    own.accepted(master(1));
    other.accepted(master(2));
    let status = own.wait(|_, event| match event {
        ChannelEvent::Message { message: Message::RoleStatus(status), .. } => Some(status),
        _ => None,
    });
    assert_eq!(status, RoleStatus { role: Role::Slave, reason: 0, generation_id: 2 });
}

/// An Ethernet frame in the switch's own flow syntax, as `netdev-dummy/receive` reads it.
fn syn(source: u16) -> String {
    format!(
        "in_port(1),eth(src=02:00:00:00:01:01,dst=02:00:00:00:01:02),eth_type(0x0800),\
         ipv4(src=10.1.0.1,dst=10.2.0.1,proto=6,tos=0,ttl=64,frag=no),\
         tcp(src={source},dst=443),tcp_flags(syn)"
    )
}

#[test]
fn a_packet_comes_in_and_its_answer_takes_effect() {
    let switch = Switch::start("OpenFlow13");
    let [mut c] = switch.controllers();
    let miss = vec![Instruction::ApplyActions(vec![
        Action::SetField(OxmField::Reg(1, 7.into())),
        Action::output(PortNo::CONTROLLER),
    ])];
    c.accepted(Message::FlowMod(FlowMod::add(0, 0, 0x99, Match::any(), miss)));
    switch.appctl(&["netdev-dummy/receive", "p1", &syn(1000)]);
    let packet = c.wait(|_, event| match event {
        ChannelEvent::Message { message: Message::PacketIn(packet), .. } => Some(packet),
        _ => None,
    });
    assert_eq!((packet.cookie, packet.table, packet.buffer_id), (0x99, 0, None));
    assert_eq!((packet.matching.in_port(), packet.matching.reg(1)), (Some(PortNo(1)), Some(7)));
    assert_eq!(packet.data[26..34], [10, 1, 0, 1, 10, 2, 0, 1]);

    let flow = FlowMod { flags: FlowModFlags::SEND_FLOW_REMOVED, ..FlowMod::add(0, 10, 0x11, tcp_to(443), output(2)) };
    c.accepted(Message::FlowMod(flow));
    let out = PacketOut::new(PortNo(1), vec![Action::output(PortNo::TABLE)], packet.data);
    c.accepted(Message::PacketOut(out));
    c.accepted(Message::FlowMod(FlowMod::delete_by_cookie(0x11, u64::MAX)));
    let removed = c.wait(|_, event| match event {
        ChannelEvent::Message { message: Message::FlowRemoved(removed), .. } => Some(removed),
        _ => None,
    });
    assert_eq!((removed.cookie, removed.reason, removed.packets), (0x11, FlowRemovedReason::Delete, 1));
}

#[test]
fn a_tracked_connection_is_forgotten_on_request() {
    let switch = Switch::start("OpenFlow13");
    let [mut c] = switch.controllers();
    let commit = vec![Instruction::ApplyActions(vec![
        Action::Ct(Ct { exec: vec![Action::SetField(OxmField::CtMark(7.into()))], ..Ct::commit(5) }),
        Action::output(PortNo(2)),
    ])];
    c.accepted(Message::FlowMod(FlowMod::add(0, 1, 1, tcp_to(443), commit)));
    for source in [1000, 1001] {
        switch.appctl(&["netdev-dummy/receive", "p1", &syn(source)]);
    }
    let tracked = |wanted: &[u16]| {
        let dump = switch.appctl(&["dpctl/dump-conntrack"]);
        let lines: Vec<_> = dump.lines().filter(|line| line.contains("zone=5")).collect();
        lines.len() == wanted.len()
            && wanted.iter().all(|port| lines.iter().any(|l| l.contains(&format!("sport={port}"))))
    };
    let until = |wanted: &[u16]| {
        let found = (0..300).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            tracked(wanted)
        });
        assert!(found, "{}", switch.appctl(&["dpctl/dump-conntrack"]));
    };
    until(&[1000, 1001]);
    let tuple = CtTuple {
        source: Some([10, 1, 0, 1].into()),
        destination: Some([10, 2, 0, 1].into()),
        source_port: Some(1000),
        destination_port: Some(443),
        icmp: None,
    };
    let flush = |zone| CtFlush { ip_proto: 6, original: Some(tuple.clone()), reply: None, zone: Some(zone) };
    c.accepted(Message::CtFlush(flush(6)));
    assert!(tracked(&[1000, 1001]), "another zone is left alone");
    c.accepted(Message::CtFlush(flush(5)));
    until(&[1001]);
    c.accepted(Message::CtFlushZone(5));
    until(&[]);
}

#[test]
fn ports_that_come_and_go_are_reported() {
    let switch = Switch::start("OpenFlow13");
    let [mut c] = switch.controllers();
    let status = |c: &mut live::Controller, wanted| {
        c.wait(|_, event| match event {
            ChannelEvent::Message { message: Message::PortStatus(status), .. }
                if status.reason == wanted && status.port.name == "p9" =>
            {
                Some(status.port.port)
            }
            _ => None,
        })
    };
    switch.vsctl(&["add-port", "br0", "p9", "--", "set", "interface", "p9", "type=dummy", "ofport_request=9"]);
    assert_eq!(status(&mut c, PortStatusReason::Add), PortNo(9));
    switch.vsctl(&["del-port", "br0", "p9"]);
    assert_eq!(status(&mut c, PortStatusReason::Delete), PortNo(9));
}
