//! Strategies for every message the crate can express in its normal form.

use std::net::{Ipv4Addr, Ipv6Addr};

use openflow::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn masked<T: Clone + std::fmt::Debug + 'static>(value: impl Fn() -> BoxedStrategy<T>) -> BoxedStrategy<Masked<T>> {
    prop_oneof![value().prop_map(Masked::exact), (value(), value()).prop_map(|(v, m)| Masked::with_mask(v, m)),].boxed()
}

fn eth() -> BoxedStrategy<EthAddr> {
    any::<[u8; 6]>().prop_map(EthAddr).boxed()
}

fn v4() -> BoxedStrategy<Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from).boxed()
}

fn v6() -> BoxedStrategy<Ipv6Addr> {
    any::<u128>().prop_map(Ipv6Addr::from).boxed()
}

fn u8s() -> BoxedStrategy<u8> {
    any::<u8>().boxed()
}

fn u16s() -> BoxedStrategy<u16> {
    any::<u16>().boxed()
}

fn u32s() -> BoxedStrategy<u32> {
    any::<u32>().boxed()
}

fn u64s() -> BoxedStrategy<u64> {
    any::<u64>().boxed()
}

pub fn port() -> BoxedStrategy<PortNo> {
    prop_oneof![any::<u32>().prop_map(PortNo), Just(PortNo::IN_PORT), Just(PortNo::CONTROLLER), Just(PortNo::ANY)]
        .boxed()
}

fn ct_state() -> BoxedStrategy<CtState> {
    any::<u32>().prop_map(CtState).boxed()
}

pub fn field() -> BoxedStrategy<OxmField> {
    use OxmField as F;
    let link = prop_oneof![
        port().prop_map(F::InPort),
        masked(u64s).prop_map(F::Metadata),
        masked(eth).prop_map(F::EthDst),
        masked(eth).prop_map(F::EthSrc),
        u16s().prop_map(F::EthType),
        masked(u16s).prop_map(F::VlanVid),
        u8s().prop_map(F::VlanPcp),
        u16s().prop_map(F::ArpOp),
        masked(v4).prop_map(F::ArpSpa),
        masked(v4).prop_map(F::ArpTpa),
        masked(eth).prop_map(F::ArpSha),
        masked(eth).prop_map(F::ArpTha),
    ];
    let network = prop_oneof![
        u8s().prop_map(F::IpDscp),
        u8s().prop_map(F::IpEcn),
        u8s().prop_map(F::IpProto),
        masked(v4).prop_map(F::Ipv4Src),
        masked(v4).prop_map(F::Ipv4Dst),
        masked(v6).prop_map(F::Ipv6Src),
        masked(v6).prop_map(F::Ipv6Dst),
        u8s().prop_map(F::Icmpv4Type),
        u8s().prop_map(F::Icmpv4Code),
        u8s().prop_map(F::Icmpv6Type),
        u8s().prop_map(F::Icmpv6Code),
        masked(v6).prop_map(F::Ipv6NdTarget),
        masked(eth).prop_map(F::Ipv6NdSll),
        masked(eth).prop_map(F::Ipv6NdTll),
    ];
    let transport = prop_oneof![
        masked(u16s).prop_map(F::TcpSrc),
        masked(u16s).prop_map(F::TcpDst),
        masked(u16s).prop_map(F::TcpFlags),
        masked(u16s).prop_map(F::UdpSrc),
        masked(u16s).prop_map(F::UdpDst),
        masked(u16s).prop_map(F::SctpSrc),
        masked(u16s).prop_map(F::SctpDst),
    ];
    let tracked = prop_oneof![
        masked(ct_state).prop_map(F::CtState),
        u16s().prop_map(F::CtZone),
        masked(u32s).prop_map(F::CtMark),
        u8s().prop_map(F::CtNwProto),
        masked(v4).prop_map(F::CtNwSrc),
        masked(v4).prop_map(F::CtNwDst),
        masked(u16s).prop_map(F::CtTpSrc),
        masked(u16s).prop_map(F::CtTpDst),
        (0u8..16, masked(u32s)).prop_map(|(n, v)| F::Reg(n, v)),
        (0u16..0x7fff, 0u8..128, any::<bool>(), vec(any::<u8>(), 0..32))
            .prop_filter("class 1 has names", |(class, ..)| *class != 1)
            .prop_map(|(class, field, masked, payload)| F::Raw { class, field, masked, payload }),
    ];
    prop_oneof![link, network, transport, tracked].boxed()
}

pub fn matching() -> BoxedStrategy<Match> {
    vec(field(), 0..8).prop_map(Match).boxed()
}

fn bits() -> BoxedStrategy<BitRange> {
    (1u32.., 0u16..1024, 1u16..=64).prop_map(|(header, offset, bits)| BitRange { header, offset, bits }).boxed()
}

fn reason() -> BoxedStrategy<PacketInReason> {
    any::<u8>().prop_map(PacketInReason::from).boxed()
}

fn payload(header: usize) -> BoxedStrategy<Vec<u8>> {
    // A whole number of 8-byte words with the header that goes before.
    (1usize..4).prop_flat_map(move |words| vec(any::<u8>(), words * 8 - header)).boxed()
}

pub fn action() -> BoxedStrategy<Action> {
    let leaf = prop_oneof![
        (port(), any::<u16>()).prop_map(|(port, max_len)| Action::Output { port, max_len }),
        any::<u32>().prop_map(|g| Action::Group(GroupId(g))),
        any::<u32>().prop_map(Action::SetQueue),
        any::<u16>().prop_map(Action::PushVlan),
        Just(Action::PopVlan),
        Just(Action::DecNwTtl),
        any::<u8>().prop_map(Action::SetNwTtl),
        field().prop_map(Action::SetField),
        Just(Action::CtClear),
        (bits(), any::<u64>()).prop_map(|(to, value)| Action::RegLoad { to, value }),
        (bits(), bits()).prop_map(|(from, mut to)| {
            to.bits = from.bits;
            Action::RegMove { from, to }
        }),
        (any::<u16>(), any::<u16>(), reason()).prop_map(|(max_len, controller_id, reason)| {
            Action::Controller(ControllerAction { max_len, controller_id, reason })
        }),
        payload(8).prop_map(|data| Action::Experimenter { experimenter: 0x0102_0304, data }),
        (100u16..1000, payload(4)).prop_map(|(kind, data)| Action::Raw { kind, data }),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        (
            any::<bool>(),
            any::<bool>(),
            prop_oneof![any::<u16>().prop_map(CtZone::Number), bits().prop_map(CtZone::Field)],
            proptest::option::of(0u8..255),
            any::<u16>(),
            vec(inner, 0..3),
        )
            .prop_map(|(commit, force, zone, table, alg, exec)| {
                Action::Ct(Ct { commit, force, zone, table, alg, exec })
            })
    })
    .boxed()
}

pub fn instruction() -> BoxedStrategy<Instruction> {
    prop_oneof![
        any::<u8>().prop_map(Instruction::GotoTable),
        (any::<u64>(), any::<u64>()).prop_map(|(value, mask)| Instruction::WriteMetadata { value, mask }),
        vec(action(), 0..4).prop_map(Instruction::WriteActions),
        vec(action(), 0..4).prop_map(Instruction::ApplyActions),
        Just(Instruction::ClearActions),
        any::<u32>().prop_map(Instruction::Meter),
        (100u16.., payload(4)).prop_map(|(kind, data)| Instruction::Raw { kind, data }),
    ]
    .boxed()
}

fn buffer() -> BoxedStrategy<Option<u32>> {
    proptest::option::of(0u32..0xffff_ffff).boxed()
}

fn command() -> BoxedStrategy<FlowModCommand> {
    prop_oneof![
        Just(FlowModCommand::Add),
        Just(FlowModCommand::Modify),
        Just(FlowModCommand::ModifyStrict),
        Just(FlowModCommand::Delete),
        Just(FlowModCommand::DeleteStrict),
    ]
    .boxed()
}

pub fn flow_mod() -> BoxedStrategy<FlowMod> {
    (
        (any::<u64>(), any::<u64>(), any::<u8>(), command()),
        (any::<u16>(), any::<u16>(), any::<u16>(), buffer()),
        (port(), any::<u32>(), any::<u16>()),
        matching(),
        vec(instruction(), 0..4),
    )
        .prop_map(|(a, b, c, matching, instructions)| FlowMod {
            cookie: a.0,
            cookie_mask: a.1,
            table: a.2,
            command: a.3,
            idle_timeout: b.0,
            hard_timeout: b.1,
            priority: b.2,
            buffer_id: b.3,
            out_port: c.0,
            out_group: GroupId(c.1),
            flags: FlowModFlags(c.2),
            matching,
            instructions,
        })
        .boxed()
}

fn flow_stats() -> BoxedStrategy<FlowStats> {
    (flow_mod(), any::<(u32, u32, u64, u64)>())
        .prop_map(|(flow, (duration_s, duration_ns, packets, bytes))| FlowStats {
            table: flow.table,
            duration_s,
            duration_ns,
            priority: flow.priority,
            idle_timeout: flow.idle_timeout,
            hard_timeout: flow.hard_timeout,
            flags: flow.flags,
            cookie: flow.cookie,
            packets,
            bytes,
            matching: flow.matching,
            instructions: flow.instructions,
        })
        .boxed()
}

fn flow_removed() -> BoxedStrategy<FlowRemoved> {
    (flow_stats(), any::<u8>())
        .prop_map(|(flow, reason)| FlowRemoved {
            cookie: flow.cookie,
            priority: flow.priority,
            reason: reason.into(),
            table: flow.table,
            duration_s: flow.duration_s,
            duration_ns: flow.duration_ns,
            idle_timeout: flow.idle_timeout,
            hard_timeout: flow.hard_timeout,
            packets: flow.packets,
            bytes: flow.bytes,
            matching: flow.matching,
        })
        .boxed()
}

fn port_description() -> BoxedStrategy<PortDescription> {
    (port(), eth(), "[a-z0-9-]{0,16}", any::<[u32; 8]>())
        .prop_map(|(port, address, name, n)| PortDescription {
            port,
            address,
            name,
            config: n[0],
            state: n[1],
            current: n[2],
            advertised: n[3],
            supported: n[4],
            peer: n[5],
            current_speed: n[6],
            max_speed: n[7],
        })
        .boxed()
}

fn port_stats() -> BoxedStrategy<PortStats> {
    (port(), any::<[u64; 12]>(), any::<(u32, u32)>())
        .prop_map(|(port, n, (duration_s, duration_ns))| PortStats {
            port,
            rx_packets: n[0],
            tx_packets: n[1],
            rx_bytes: n[2],
            tx_bytes: n[3],
            rx_dropped: n[4],
            tx_dropped: n[5],
            rx_errors: n[6],
            tx_errors: n[7],
            rx_frame_errors: n[8],
            rx_over_errors: n[9],
            rx_crc_errors: n[10],
            collisions: n[11],
            duration_s,
            duration_ns,
        })
        .boxed()
}

fn flow_request() -> BoxedStrategy<FlowStatsRequest> {
    (any::<u8>(), port(), any::<u32>(), any::<(u64, u64)>(), matching())
        .prop_map(|(table, out_port, group, (cookie, cookie_mask), matching)| FlowStatsRequest {
            table,
            out_port,
            out_group: GroupId(group),
            cookie,
            cookie_mask,
            matching,
        })
        .boxed()
}

fn request_body() -> BoxedStrategy<MultipartRequestBody> {
    use MultipartRequestBody as B;
    prop_oneof![
        Just(B::Desc),
        flow_request().prop_map(B::Flow),
        flow_request().prop_map(B::Aggregate),
        Just(B::Table),
        port().prop_map(B::PortStats),
        Just(B::PortDesc),
        Just(B::GroupDesc),
        any::<u32>().prop_map(B::MeterConfig),
        (any::<(u32, u16, u8)>(), port(), matching()).prop_map(|((id, flags, table), out_port, matching)| {
            B::FlowMonitor(FlowMonitorRequest { id, flags: FlowMonitorFlags(flags), out_port, table, matching })
        }),
        (100u16.., vec(any::<u8>(), 0..40)).prop_map(|(kind, data)| B::Raw { kind, data }),
    ]
    .boxed()
}

fn reply_body() -> BoxedStrategy<MultipartReplyBody> {
    use MultipartReplyBody as B;
    let name = || "[ -~]{0,32}";
    prop_oneof![
        (name(), name(), name(), name(), name()).prop_map(|n| B::Desc(SwitchDescription {
            manufacturer: n.0,
            hardware: n.1,
            software: n.2,
            serial: n.3,
            datapath: n.4,
        })),
        vec(flow_stats(), 0..3).prop_map(B::Flow),
        any::<(u64, u64, u32)>().prop_map(|(packets, bytes, flows)| B::Aggregate(AggregateStats {
            packets,
            bytes,
            flows
        })),
        vec(
            any::<(u8, u32, u64, u64)>().prop_map(|(table, active, lookups, matched)| TableStats {
                table,
                active,
                lookups,
                matched
            }),
            0..4
        )
        .prop_map(B::Table),
        vec(port_stats(), 0..3).prop_map(B::PortStats),
        vec(port_description(), 0..3).prop_map(B::PortDesc),
        vec(group_mod(), 0..3).prop_map(|all| B::GroupDesc(
            all.into_iter().map(|g| Group { kind: g.kind, group: g.group, buckets: g.buckets }).collect()
        )),
        vec(meter_mod(), 0..3).prop_map(|all| B::MeterConfig(
            all.into_iter().map(|m| Meter { flags: m.flags, meter: m.meter, bands: m.bands }).collect()
        )),
        vec(flow_update(), 0..4).prop_map(B::FlowMonitor),
        (100u16.., vec(any::<u8>(), 0..40)).prop_map(|(kind, data)| B::Raw { kind, data }),
    ]
    .boxed()
}

fn flow_update() -> BoxedStrategy<FlowUpdate> {
    let event = prop_oneof![Just(FlowEvent::Added), Just(FlowEvent::Deleted), Just(FlowEvent::Modified)];
    let changed = (event, any::<u8>(), flow_mod()).prop_map(|(event, reason, flow)| {
        FlowUpdate::Changed(Box::new(ChangedFlow {
            event,
            reason: reason.into(),
            table: flow.table,
            priority: flow.priority,
            idle_timeout: flow.idle_timeout,
            hard_timeout: flow.hard_timeout,
            cookie: flow.cookie,
            matching: flow.matching,
            instructions: flow.instructions,
        }))
    });
    prop_oneof![3 => changed, 1 => any::<u32>().prop_map(|xid| FlowUpdate::Own { xid })].boxed()
}

fn group_mod() -> BoxedStrategy<GroupMod> {
    let command = prop_oneof![Just(GroupModCommand::Add), Just(GroupModCommand::Modify), Just(GroupModCommand::Delete)];
    let bucket =
        (any::<u16>(), port(), any::<u32>(), vec(action(), 0..3)).prop_map(|(weight, watch_port, group, actions)| {
            Bucket { weight, watch_port, watch_group: GroupId(group), actions }
        });
    (command, any::<u8>(), any::<u32>(), vec(bucket, 0..3))
        .prop_map(|(command, kind, group, buckets)| GroupMod {
            command,
            kind: kind.into(),
            group: GroupId(group),
            buckets,
        })
        .boxed()
}

fn meter_mod() -> BoxedStrategy<MeterMod> {
    let command = prop_oneof![Just(MeterModCommand::Add), Just(MeterModCommand::Modify), Just(MeterModCommand::Delete)];
    let band =
        prop_oneof![
            any::<(u32, u32)>().prop_map(|(rate, burst)| MeterBand::Drop { rate, burst }),
            any::<(u32, u32, u8)>().prop_map(|(rate, burst, levels)| MeterBand::DscpRemark { rate, burst, levels }),
            (3u16.., any::<(u32, u32)>(), vec(any::<u8>(), 0..12))
                .prop_map(|(kind, (rate, burst), data)| MeterBand::Raw { kind, rate, burst, data }),
        ];
    (command, any::<u16>(), any::<u32>(), vec(band, 0..3))
        .prop_map(|(command, flags, meter, bands)| MeterMod { command, flags: MeterFlags(flags), meter, bands })
        .boxed()
}

fn tuple() -> BoxedStrategy<CtTuple> {
    let address = || {
        proptest::option::of(prop_oneof![v4().prop_map(std::net::IpAddr::V4), v6().prop_map(|v6| v6.to_canonical()),])
    };
    let number = || proptest::option::of(any::<u16>());
    let icmp = proptest::option::of(any::<(u16, u8, u8)>().prop_map(|(id, kind, code)| CtIcmp { id, kind, code }));
    (address(), address(), number(), number(), icmp)
        .prop_map(|(source, destination, source_port, destination_port, icmp)| CtTuple {
            source,
            destination,
            source_port,
            destination_port,
            icmp,
        })
        .boxed()
}

fn error() -> BoxedStrategy<ErrorMessage> {
    let kind = prop_oneof![
        (0u16..0xffff, any::<u16>()).prop_map(|(kind, code)| SwitchError::Standard { kind: kind.into(), code }),
        any::<(u32, u16)>().prop_map(|(experimenter, exp_type)| SwitchError::Experimenter { experimenter, exp_type }),
    ];
    (kind, vec(any::<u8>(), 0..80)).prop_map(|(error, data)| ErrorMessage { error, data }).boxed()
}

fn hello() -> BoxedStrategy<Hello> {
    let element = prop_oneof![
        vec(any::<u32>(), 0..4).prop_map(HelloElement::VersionBitmap),
        (2u16.., vec(any::<u8>(), 0..12)).prop_map(|(kind, data)| HelloElement::Raw { kind, data }),
    ];
    (any::<u8>(), vec(element, 0..3)).prop_map(|(version, elements)| Hello { version, elements }).boxed()
}

fn role() -> BoxedStrategy<RoleRequest> {
    let role = prop_oneof![Just(Role::NoChange), Just(Role::Equal), Just(Role::Master), Just(Role::Slave)];
    (role, any::<u64>()).prop_map(|(role, generation_id)| RoleRequest { role, generation_id }).boxed()
}

fn config() -> BoxedStrategy<SwitchConfig> {
    any::<(u16, u16)>().prop_map(|(flags, miss_send_len)| SwitchConfig { flags, miss_send_len }).boxed()
}

fn frame_bytes() -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), 0..100).boxed()
}

fn plain() -> BoxedStrategy<Message> {
    use Message as M;
    let session = prop_oneof![
        hello().prop_map(M::Hello),
        error().prop_map(M::Error),
        frame_bytes().prop_map(M::EchoRequest),
        frame_bytes().prop_map(M::EchoReply),
        Just(M::FeaturesRequest),
        any::<(u64, u32, u8, u8, u32)>().prop_map(|n| M::FeaturesReply(Features {
            datapath_id: n.0,
            n_buffers: n.1,
            n_tables: n.2,
            auxiliary_id: n.3,
            capabilities: n.4,
        })),
        Just(M::GetConfigRequest),
        config().prop_map(M::GetConfigReply),
        config().prop_map(M::SetConfig),
        Just(M::BarrierRequest),
        Just(M::BarrierReply),
        role().prop_map(M::RoleRequest),
        role().prop_map(M::RoleReply),
    ];
    let tables = prop_oneof![
        flow_mod().prop_map(M::FlowMod),
        group_mod().prop_map(M::GroupMod),
        meter_mod().prop_map(M::MeterMod),
        flow_removed().prop_map(M::FlowRemoved),
        (any::<bool>(), request_body()).prop_map(|(more, body)| M::MultipartRequest(MultipartRequest { more, body })),
        (any::<bool>(), reply_body()).prop_map(|(more, body)| M::MultipartReply(MultipartReply { more, body })),
    ];
    let packets = prop_oneof![
        (buffer(), any::<(u16, u8, u64)>(), reason(), matching(), frame_bytes()).prop_map(
            |(buffer_id, (total_len, table, cookie), reason, matching, data)| M::PacketIn(PacketIn {
                buffer_id,
                total_len,
                reason,
                table,
                cookie,
                matching,
                data
            })
        ),
        (buffer(), port(), vec(action(), 0..4), frame_bytes()).prop_map(|(buffer_id, in_port, actions, data)| {
            M::PacketOut(PacketOut { buffer_id, in_port, actions, data })
        }),
        (any::<u8>(), port_description())
            .prop_map(|(reason, port)| M::PortStatus(PortStatus { reason: reason.into(), port })),
    ];
    let vendor = prop_oneof![
        any::<(u32, u16, u16)>().prop_map(|(bundle_id, kind, flags)| M::BundleControl(BundleControl {
            bundle_id,
            kind: kind.into(),
            flags: BundleFlags(flags)
        })),
        (any::<u8>(), proptest::option::of(tuple()), proptest::option::of(tuple()), proptest::option::of(any::<u16>()))
            .prop_map(|(ip_proto, original, reply, zone)| M::CtFlush(CtFlush { ip_proto, original, reply, zone })),
        any::<u16>().prop_map(M::CtFlushZone),
        any::<u32>().prop_map(M::FlowMonitorCancel),
        Just(M::FlowMonitorPaused),
        Just(M::FlowMonitorResumed),
        (role(), any::<u8>()).prop_map(|(r, reason)| M::RoleStatus(RoleStatus {
            role: r.role,
            reason,
            generation_id: r.generation_id
        })),
        (any::<u32>(), frame_bytes()).prop_map(|(exp_type, data)| M::Experimenter {
            experimenter: 0x0102_0304,
            exp_type,
            data
        }),
        (100u8.., frame_bytes()).prop_map(|(kind, data)| M::Raw { kind, data }),
    ];
    prop_oneof![session, tables, packets, vendor].boxed()
}

/// Any message.
pub fn message() -> BoxedStrategy<Message> {
    let bundled = plain()
        .prop_filter("a bundle does not hold bundles", |m| !matches!(m, Message::BundleControl(_)))
        .prop_flat_map(|message| {
            any::<(u32, u16)>().prop_map(move |(bundle_id, flags)| {
                Message::BundleAdd(BundleAdd {
                    bundle_id,
                    flags: BundleFlags(flags),
                    message: Box::new(message.clone()),
                })
            })
        });
    prop_oneof![5 => plain(), 1 => bundled].boxed()
}
