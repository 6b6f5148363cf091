//! Open vSwitch's own decoder and parser as judges of our bytes and texts.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use openflow::*;

/// Runs `ovs-ofctl`; its absence is a failure, not a skip.
fn ovs_ofctl(arguments: &[&str]) -> String {
    let output = Command::new("ovs-ofctl")
        .args(arguments)
        .output()
        .expect("ovs-ofctl is needed: install the package openvswitch-common");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{arguments:?}: {errors}{text}");
    text
}

/// What Open vSwitch reads in our bytes, which must be all of what `parts` say.
fn printed(message: &Message, parts: &[&str]) -> String {
    let bytes = hex::encode(encode(message, 0x77).unwrap());
    let text = ovs_ofctl(&["ofp-print", &bytes]);
    assert!(!text.contains("***"), "decode error in {text}\nfor {message:?}");
    assert!(text.contains("(xid=0x77)"), "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}\nfor {message:?}");
    }
    text
}

fn flow(matching: Vec<OxmField>, actions: Vec<Action>) -> FlowMod {
    FlowMod::add(3, 5, 0x11, Match(matching), vec![Instruction::ApplyActions(actions)])
}

const IPV4: OxmField = OxmField::EthType(0x0800);
const IPV6: OxmField = OxmField::EthType(0x86dd);
const ARP: OxmField = OxmField::EthType(0x0806);
const TCP: OxmField = OxmField::IpProto(6);
const UDP: OxmField = OxmField::IpProto(17);

fn mac(last: u8) -> EthAddr {
    EthAddr([2, 0, 0, 0, 1, last])
}

/// Flows that together use every field, action and instruction with a name.
fn flows() -> Vec<FlowMod> {
    use OxmField as F;
    let v4 = |text: &str| text.parse::<std::net::Ipv4Addr>().unwrap();
    let v6 = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap();
    let out = || vec![Action::output(PortNo(1))];
    let tracked = CtState::TRACKED | CtState::NEW;
    let mut list = vec![
        flow(vec![F::InPort(PortNo(1)), F::EthSrc(mac(1).into())], out()),
        flow(vec![F::InPort(PortNo::LOCAL)], vec![Action::output(PortNo::IN_PORT)]),
        flow(
            vec![
                F::Metadata(Masked::with_mask(0x700, 0xf00)),
                F::EthDst(Masked::with_mask(EthAddr([1, 0, 0, 0, 0, 0]), EthAddr([1, 0, 0, 0, 0, 0]))),
                F::VlanVid((VLAN_PRESENT | 20).into()),
                F::VlanPcp(3),
            ],
            vec![Action::PopVlan, Action::output(PortNo::NORMAL)],
        ),
        flow(
            vec![F::VlanVid(0.into())],
            vec![
                Action::PushVlan(0x8100),
                Action::SetField(F::VlanVid((VLAN_PRESENT | 30).into())),
                Action::output(PortNo::ALL),
            ],
        ),
        flow(vec![F::VlanVid(Masked::with_mask(VLAN_PRESENT, VLAN_PRESENT))], out()),
        flow(
            vec![
                IPV4,
                F::IpDscp(46),
                F::IpEcn(1),
                TCP,
                F::Ipv4Src(Masked::with_mask(v4("10.1.0.0"), v4("255.255.0.0"))),
                F::Ipv4Dst(v4("10.2.0.10").into()),
                F::TcpSrc(Masked::with_mask(0x8000, 0xfff0)),
                F::TcpDst(443.into()),
                F::TcpFlags(Masked::with_mask(0x02, 0x12)),
            ],
            vec![Action::DecNwTtl, Action::SetNwTtl(9), Action::output(PortNo::FLOOD)],
        ),
        flow(vec![IPV4, UDP, F::UdpSrc(67.into()), F::UdpDst(Masked::with_mask(64, 0xfffe))], out()),
        flow(vec![IPV4, F::IpProto(132), F::SctpSrc(1.into()), F::SctpDst(2.into())], out()),
        flow(vec![IPV4, F::IpProto(1), F::Icmpv4Type(8), F::Icmpv4Code(0)], out()),
        flow(
            vec![
                IPV6,
                TCP,
                F::Ipv6Src(Masked::with_mask(v6("fd00::"), v6("ffff:ffff::"))),
                F::Ipv6Dst(v6("fd00::2").into()),
                F::TcpDst(443.into()),
            ],
            out(),
        ),
        flow(
            vec![
                IPV6,
                F::IpProto(58),
                F::Icmpv6Type(135),
                F::Icmpv6Code(0),
                F::Ipv6NdTarget(v6("fd00::9").into()),
                F::Ipv6NdSll(mac(1).into()),
            ],
            out(),
        ),
        flow(vec![IPV6, F::IpProto(58), F::Icmpv6Type(136), F::Icmpv6Code(0), F::Ipv6NdTll(mac(2).into())], out()),
        flow(
            vec![
                F::InPort(PortNo(2)),
                ARP,
                F::ArpOp(1),
                F::ArpSpa(v4("10.1.0.10").into()),
                F::ArpTpa(Masked::with_mask(v4("10.1.0.0"), v4("255.255.255.0"))),
                F::ArpSha(mac(3).into()),
                F::ArpTha(mac(4).into()),
            ],
            vec![
                Action::RegMove { from: BitRange::whole(FieldKind::EthSrc), to: BitRange::whole(FieldKind::EthDst) },
                Action::SetField(F::EthSrc(mac(9).into())),
                Action::RegLoad { to: BitRange::whole(FieldKind::ArpOp), value: 2 },
                Action::output(PortNo::IN_PORT),
            ],
        ),
        flow(
            vec![
                IPV4,
                F::CtState(Masked::with_mask(tracked, tracked | CtState::REPLY)),
                F::CtZone(5),
                F::CtMark(Masked::with_mask(1, 3)),
                F::CtNwProto(6),
                F::CtNwSrc(v4("10.1.0.10").into()),
                F::CtNwDst(v4("10.2.0.10").into()),
                F::CtTpSrc(5.into()),
                F::CtTpDst(443.into()),
                F::Reg(0, 7.into()),
                F::Reg(7, Masked::with_mask(4, 0xff)),
            ],
            vec![
                Action::Ct(Ct {
                    exec: vec![
                        Action::SetField(F::CtMark(1.into())),
                        Action::RegMove {
                            from: BitRange::part(FieldKind::Reg(1), 0, 16),
                            to: BitRange::part(FieldKind::CtMark, 16, 16),
                        },
                    ],
                    ..Ct::commit(5)
                }),
                Action::Ct(Ct { force: true, ..Ct::commit(5) }),
                Action::Ct(Ct { zone: CtZone::Field(BitRange::part(FieldKind::Reg(1), 0, 16)), ..Ct::track(0, 4) }),
                Action::CtClear,
            ],
        ),
        flow(
            vec![IPV4, F::CtState(Masked::with_mask(CtState(0), CtState::TRACKED))],
            vec![Action::Ct(Ct::track(5, 4))],
        ),
        flow(
            vec![],
            vec![
                Action::SetQueue(2),
                Action::Group(GroupId(7)),
                Action::SetField(F::Reg(4, 3.into())),
                Action::RegLoad { to: BitRange::part(FieldKind::Reg(1), 4, 4), value: 5 },
                Action::RegMove { from: BitRange::whole(FieldKind::Reg(0)), to: BitRange::whole(FieldKind::Reg(2)) },
                Action::Controller(ControllerAction {
                    max_len: 128,
                    controller_id: 7,
                    reason: PacketInReason::InvalidTtl,
                }),
                Action::output(PortNo::CONTROLLER),
            ],
        ),
        FlowMod {
            idle_timeout: 30,
            hard_timeout: 60,
            flags: FlowModFlags::SEND_FLOW_REMOVED
                | FlowModFlags::CHECK_OVERLAP
                | FlowModFlags::RESET_COUNTS
                | FlowModFlags::NO_PACKET_COUNTS
                | FlowModFlags::NO_BYTE_COUNTS,
            ..FlowMod::add(
                3,
                5,
                0x11,
                Match::any(),
                vec![
                    Instruction::Meter(3),
                    Instruction::ApplyActions(out()),
                    Instruction::ClearActions,
                    Instruction::WriteActions(vec![Action::output(PortNo(2))]),
                    Instruction::WriteMetadata { value: 0x10, mask: 0xf0 },
                    Instruction::GotoTable(4),
                ],
            )
        },
        FlowMod::add(0, 0, u64::MAX, Match::any(), Vec::new()),
    ];
    list.push(FlowMod::add(0, 1, 0, Match(vec![IPV4]), vec![Instruction::GotoTable(1)]));
    list
}

/// Our text, parsed by Open vSwitch, prints as our bytes do: text, bytes and values agree.
#[test]
fn bytes_and_text_of_a_flow_mean_the_same_to_open_vswitch() {
    for flow in flows() {
        let text = flow.to_string();
        let from_bytes = printed(&Message::FlowMod(flow), &["OFPT_FLOW_MOD (OF1.3)", "ADD"]);
        let from_text = ovs_ofctl(&["-O", "OpenFlow13", "parse-flow", &text]);
        let from_text = from_text.lines().find(|line| line.starts_with("OFPT_FLOW_MOD")).unwrap();
        assert_eq!(from_bytes.trim_end(), from_text.replace("(xid=0x1)", "(xid=0x77)").trim_end(), "for `{text}`");
    }
}

#[test]
fn flow_mod_commands() {
    printed(&Message::FlowMod(FlowMod::delete_by_cookie(0x1100, 0xff00)), &["DEL table:255", "cookie:0x1100/0xff00"]);
    let strict = FlowMod::delete_strict(2, 9, Match(vec![IPV4, TCP]));
    printed(&Message::FlowMod(strict.clone()), &["DEL_STRICT table:2 priority=9,tcp"]);
    let modify = FlowMod { command: FlowModCommand::Modify, ..strict.clone() };
    printed(&Message::FlowMod(modify), &["MOD table:2"]);
    let modify = FlowMod { command: FlowModCommand::ModifyStrict, ..strict };
    printed(&Message::FlowMod(modify), &["MOD_STRICT table:2"]);
}

#[test]
fn session_messages() {
    printed(&Message::Hello(Hello::ours()), &["OFPT_HELLO (OF1.3)", "version bitmap: 0x04"]);
    printed(&Message::EchoRequest(vec![1, 2]), &["OFPT_ECHO_REQUEST", "2 bytes of payload"]);
    printed(&Message::EchoReply(vec![]), &["OFPT_ECHO_REPLY", "0 bytes of payload"]);
    printed(&Message::FeaturesRequest, &["OFPT_FEATURES_REQUEST"]);
    let features = Features { datapath_id: 0x42, n_buffers: 3, n_tables: 254, auxiliary_id: 1, capabilities: 0x4f };
    printed(
        &Message::FeaturesReply(features),
        &["dpid:0000000000000042", "n_tables:254, n_buffers:3, auxiliary_id:1", "FLOW_STATS"],
    );
    printed(&Message::GetConfigRequest, &["OFPT_GET_CONFIG_REQUEST"]);
    let config = SwitchConfig { flags: 0, miss_send_len: 128 };
    printed(&Message::GetConfigReply(config), &["OFPT_GET_CONFIG_REPLY", "miss_send_len=128"]);
    printed(&Message::SetConfig(config), &["OFPT_SET_CONFIG", "miss_send_len=128"]);
    printed(&Message::BarrierRequest, &["OFPT_BARRIER_REQUEST"]);
    printed(&Message::BarrierReply, &["OFPT_BARRIER_REPLY"]);
    let role = |role| RoleRequest { role, generation_id: 12 };
    printed(&Message::RoleRequest(role(Role::Master)), &["role=primary generation_id=12"]);
    printed(&Message::RoleReply(role(Role::Slave)), &["role=secondary generation_id=12"]);
    let error = |error| Message::Error(ErrorMessage { error, data: vec![4, 20, 0, 8, 0, 0, 0, 5] });
    for kind in [
        SwitchError::INCOMPATIBLE,
        SwitchError::IS_SLAVE,
        SwitchError::STALE_ROLE,
        SwitchError::TABLE_FULL,
        SwitchError::OVERLAP,
        SwitchError::Experimenter { experimenter: ONF, exp_type: 2302 },
        SwitchError::Experimenter { experimenter: ONF, exp_type: 2309 },
        SwitchError::Experimenter { experimenter: ONF, exp_type: 2313 },
        SwitchError::Standard { kind: ErrorType::BadMatch, code: 9 },
        SwitchError::Standard { kind: ErrorType::BadAction, code: 4 },
        SwitchError::Standard { kind: ErrorType::BadInstruction, code: 2 },
        SwitchError::Standard { kind: ErrorType::GroupModFailed, code: 8 },
        SwitchError::Standard { kind: ErrorType::MeterModFailed, code: 3 },
    ] {
        // Open vSwitch has no master and slave in its names.
        let name = kind.name().unwrap().replace("IS_SLAVE", "IS_SECONDARY");
        let name = name.replace("OFPBRC_IS_SECONDARY", "OFPBRC_IS_S");
        printed(&error(kind), &[&name]);
    }
}

#[test]
fn packets_and_events() {
    let frame =
        hex::decode("020000000001020000000002080600010800060400010200000000020a0100010000000000000a010002").unwrap();
    let packet_in = PacketIn {
        buffer_id: None,
        total_len: frame.len() as u16,
        reason: PacketInReason::Action,
        table: 2,
        cookie: 0x99,
        matching: Match(vec![OxmField::InPort(PortNo(3)), OxmField::Metadata(5.into()), OxmField::Reg(1, 6.into())]),
        data: frame.clone(),
    };
    printed(
        &Message::PacketIn(packet_in),
        &["table_id=2 cookie=0x99 total_len=42", "reg1=0x6,metadata=0x5,in_port=3", "(via action)", "arp_spa=10.1.0.1"],
    );
    let packet_out = PacketOut::new(PortNo::CONTROLLER, vec![Action::output(PortNo::TABLE)], frame);
    printed(&Message::PacketOut(packet_out), &["in_port=CONTROLLER actions=TABLE data_len=42"]);
    let removed = FlowRemoved {
        cookie: 0x11,
        priority: 5,
        reason: FlowRemovedReason::IdleTimeout,
        table: 2,
        duration_s: 3,
        duration_ns: 0,
        idle_timeout: 30,
        hard_timeout: 60,
        packets: 7,
        bytes: 700,
        matching: Match(vec![IPV4]),
    };
    printed(
        &Message::FlowRemoved(removed),
        &["priority=5,ip reason=idle table_id=2 cookie:0x11 duration3s idle30 hard60 pkts7 bytes700"],
    );
    let status = PortStatus { reason: PortStatusReason::Modify, port: a_port() };
    printed(&Message::PortStatus(status), &["MOD: 3(lan0): addr:02:00:00:00:01:07", "LINK_DOWN"]);
}

fn a_port() -> PortDescription {
    PortDescription {
        port: PortNo(3),
        address: mac(7),
        name: "lan0".to_owned(),
        state: 1,
        current_speed: 1_000_000,
        ..PortDescription::default()
    }
}

#[test]
fn multipart() {
    use MultipartReplyBody as R;
    use MultipartRequestBody as Q;
    let ask = |body| Message::MultipartRequest(MultipartRequest::new(body));
    let answer = |more, body| Message::MultipartReply(MultipartReply { more, body });
    printed(&ask(Q::Desc), &["OFPST_DESC request"]);
    printed(&ask(Q::Flow(FlowStatsRequest::all())), &["OFPST_FLOW request (OF1.3)"]);
    let some = FlowStatsRequest { table: 3, matching: Match(vec![IPV4]), ..FlowStatsRequest::all() };
    printed(&ask(Q::Flow(some)), &["OFPST_FLOW request (OF1.3) (xid=0x77): table=3 ip"]);
    printed(&ask(Q::Aggregate(FlowStatsRequest::all())), &["OFPST_AGGREGATE request"]);
    printed(&ask(Q::Table), &["OFPST_TABLE request"]);
    printed(&ask(Q::PortStats(PortNo(3))), &["OFPST_PORT request", "port_no=3"]);
    printed(&ask(Q::PortDesc), &["OFPST_PORT_DESC request"]);

    let description = SwitchDescription {
        manufacturer: "maker".to_owned(),
        hardware: "hard".to_owned(),
        software: "soft".to_owned(),
        serial: "none".to_owned(),
        datapath: "dp".to_owned(),
    };
    printed(&answer(false, R::Desc(description)), &["Manufacturer: maker", "DP Description: dp"]);
    let stats = FlowStats {
        table: 3,
        duration_s: 2,
        duration_ns: 0,
        priority: 9,
        idle_timeout: 0,
        hard_timeout: 0,
        flags: FlowModFlags::SEND_FLOW_REMOVED,
        cookie: 0x11,
        packets: 4,
        bytes: 400,
        matching: Match(vec![IPV4, TCP, OxmField::TcpDst(443.into())]),
        instructions: vec![Instruction::ApplyActions(vec![Action::output(PortNo(2))])],
    };
    printed(
        &answer(true, R::Flow(vec![stats.clone(), stats])),
        &["[more]", "table=3, n_packets=4, n_bytes=400, send_flow_rem priority=9,tcp,tp_dst=443 actions=output:2"],
    );
    let sum = AggregateStats { packets: 1, bytes: 2, flows: 3 };
    printed(&answer(false, R::Aggregate(sum)), &["packet_count=1 byte_count=2 flow_count=3"]);
    let table = TableStats { table: 0, active: 4, lookups: 5, matched: 6 };
    printed(&answer(false, R::Table(vec![table])), &["active=4, lookup=5, matched=6"]);
    let stats = PortStats { port: PortNo(3), rx_packets: 11, tx_packets: 12, rx_dropped: 13, ..PortStats::default() };
    printed(&answer(false, R::PortStats(vec![stats])), &["rx pkts=11", "drop=13", "tx pkts=12"]);
    printed(&answer(false, R::PortDesc(vec![a_port()])), &["3(lan0)", "1000 Mbps now"]);
}

#[test]
fn groups_and_meters() {
    let bucket = |port, weight| Bucket { weight, ..Bucket::new(vec![Action::output(PortNo(port))]) };
    let group = GroupMod {
        command: GroupModCommand::Add,
        kind: GroupType::Select,
        group: GroupId(9),
        buckets: vec![bucket(1, 10), bucket(2, 20)],
    };
    printed(
        &Message::GroupMod(group.clone()),
        &["ADD group_id=9,type=select", "weight:10", "weight:20,actions=output:2"],
    );
    let failover = GroupMod {
        command: GroupModCommand::Modify,
        kind: GroupType::FastFailover,
        buckets: vec![Bucket { watch_port: PortNo(1), ..bucket(1, 0) }],
        ..group.clone()
    };
    printed(&Message::GroupMod(failover), &["MOD", "type=ff", "watch_port:1"]);
    let delete =
        GroupMod { command: GroupModCommand::Delete, kind: GroupType::All, group: GroupId::ALL, buckets: Vec::new() };
    printed(&Message::GroupMod(delete), &["DEL", "type=all"]);
    let meter = MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::PKTPS | MeterFlags::BURST | MeterFlags::STATS,
        meter: 3,
        bands: vec![MeterBand::Drop { rate: 100, burst: 50 }, MeterBand::DscpRemark { rate: 10, burst: 5, levels: 1 }],
    };
    printed(
        &Message::MeterMod(meter),
        &[
            "ADD meter=3 pktps burst stats",
            "type=drop rate=100 burst_size=50",
            "type=dscp_remark rate=10 burst_size=5 prec_level=1",
        ],
    );
}

#[test]
fn flow_monitors_and_roles() {
    let ask = MultipartRequestBody::FlowMonitor(FlowMonitorRequest {
        table: 2,
        matching: Match(vec![IPV4, TCP]),
        ..FlowMonitorRequest::others(7)
    });
    printed(
        &Message::MultipartRequest(MultipartRequest::new(ask)),
        &["ONFST_FLOW_MONITOR request (OF1.3)", "id=7 flags=add,delete,modify,actions table=2 tcp"],
    );
    let changed = |event| {
        FlowUpdate::Changed(Box::new(ChangedFlow {
            event,
            reason: FlowRemovedReason::HardTimeout,
            table: 2,
            priority: 9,
            idle_timeout: 30,
            hard_timeout: 60,
            cookie: 0x11,
            matching: Match(vec![IPV4, TCP, OxmField::TcpDst(443.into())]),
            instructions: match event {
                FlowEvent::Deleted => Vec::new(),
                _ => vec![Instruction::ApplyActions(vec![Action::output(PortNo(2))])],
            },
        }))
    };
    let updates = vec![
        changed(FlowEvent::Added),
        changed(FlowEvent::Deleted),
        changed(FlowEvent::Modified),
        FlowUpdate::Own { xid: 0x99 },
    ];
    let body = MultipartReplyBody::FlowMonitor(updates);
    printed(
        &Message::MultipartReply(MultipartReply { more: false, body }),
        &[
            "event=ADDED table=2 idle_timeout=30 hard_timeout=60 cookie=0x11 tcp,tp_dst=443 actions=output:2",
            "event=DELETED reason=hard table=2 idle_timeout=30 hard_timeout=60 cookie=0x11 tcp,tp_dst=443",
            "event=MODIFIED table=2",
            "event=ABBREV xid=0x99",
        ],
    );
    printed(&Message::FlowMonitorCancel(7), &["ONFT_FLOW_MONITOR_CANCEL", "id=7"]);
    printed(&Message::FlowMonitorPaused, &["ONFT_FLOW_MONITOR_PAUSED"]);
    printed(&Message::FlowMonitorResumed, &["ONFT_FLOW_MONITOR_RESUMED"]);
    let status = RoleStatus { role: Role::Slave, reason: 0, generation_id: 2 };
    printed(&Message::RoleStatus(status), &["role=secondary generation_id=2 reason=primary_request"]);
    let ask = |body| Message::MultipartRequest(MultipartRequest::new(body));
    printed(&ask(MultipartRequestBody::GroupDesc), &["OFPST_GROUP_DESC request"]);
    printed(&ask(MultipartRequestBody::MeterConfig(u32::MAX)), &["OFPST_METER_CONFIG request", "meter=all"]);
    let group = Group {
        kind: GroupType::Indirect,
        group: GroupId(7),
        buckets: vec![Bucket::new(vec![Action::output(PortNo(2))])],
    };
    let answer = |body| Message::MultipartReply(MultipartReply { more: false, body });
    printed(&answer(MultipartReplyBody::GroupDesc(vec![group])), &["group_id=7,type=indirect", "actions=output:2"]);
    let meter = Meter { flags: MeterFlags::PKTPS, meter: 3, bands: vec![MeterBand::Drop { rate: 100, burst: 50 }] };
    printed(&answer(MultipartReplyBody::MeterConfig(vec![meter])), &["meter=3 pktps", "type=drop rate=100"]);
}

#[test]
fn bundles_and_flushes() {
    let control = |kind| Message::BundleControl(BundleControl { bundle_id: 0x10, kind, flags: BundleFlags(3) });
    for (kind, name) in [
        (BundleControlKind::OpenRequest, "OPEN_REQUEST"),
        (BundleControlKind::OpenReply, "OPEN_REPLY"),
        (BundleControlKind::CloseRequest, "CLOSE_REQUEST"),
        (BundleControlKind::CloseReply, "CLOSE_REPLY"),
        (BundleControlKind::CommitRequest, "COMMIT_REQUEST"),
        (BundleControlKind::CommitReply, "COMMIT_REPLY"),
        (BundleControlKind::DiscardRequest, "DISCARD_REQUEST"),
        (BundleControlKind::DiscardReply, "DISCARD_REPLY"),
    ] {
        printed(&control(kind), &["bundle_id=0x10", name, "atomic ordered"]);
    }
    let add = BundleAdd {
        bundle_id: 0x10,
        flags: BundleFlags(3),
        message: Box::new(Message::FlowMod(flow(vec![IPV4], vec![]))),
    };
    printed(
        &Message::BundleAdd(add),
        &["ONFT_BUNDLE_ADD_MESSAGE", "bundle_id=0x10", "OFPT_FLOW_MOD (OF1.3) (xid=0x77): ADD table:3 priority=5,ip"],
    );
    let flush = CtFlush {
        ip_proto: 6,
        zone: Some(5),
        original: Some(CtTuple {
            source: Some("10.0.0.1".parse().unwrap()),
            destination: Some("10.0.0.2".parse().unwrap()),
            source_port: Some(1),
            destination_port: Some(2),
            icmp: None,
        }),
        reply: None,
    };
    printed(
        &Message::CtFlush(flush),
        &["zone=5", "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_tp_src=1,ct_tp_dst=2,ct_nw_proto=6"],
    );
    printed(&Message::CtFlushZone(9), &["NXT_CT_FLUSH_ZONE", "zone_id=9"]);
}
