//! Flow rules as Sekisho means them ⇄ flow entries as OpenFlow 1.3 carries them.
//!
//! Both directions use one canonical form, so that "is it there?" is equality: matches normalised, instructions in
//! the order meter, apply-actions, goto-table, and register moves under the headers Open vSwitch reports.

use ipnet::IpNet;
use model::{
    Action, ArpOp, Beginning, Cookie, CtMatch, EtherType, FlowMatch, FlowRule, Mac, PortMatch, PortNo, Protocol,
    SwitchId, Table, Tag,
};
use openflow::{
    BitRange, Ct, CtState, CtZone, EthAddr, FieldKind, FlowMod, FlowModCommand, FlowModFlags, FlowStats, Instruction,
    Masked, Match, OxmField,
};

use crate::metered::Metered;

/// What makes two entries one entry to OpenFlow (OpenFlow 1.3.5 §5.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleKey {
    /// Table number.
    pub table: u8,
    /// Priority.
    pub priority: u16,
    /// Match, normalised.
    pub matching: Match,
}

/// The rest of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleBody {
    /// Cookie.
    pub cookie: u64,
    /// Instructions, canonical.
    pub instructions: Vec<Instruction>,
}

/// A rule that no OpenFlow entry says exactly. Never installed: a narrower or wider entry would not be what was proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inexpressible {
    /// A transport port needs a protocol (OpenFlow 1.3.5 §7.2.3.8).
    #[error("the rule matches a transport port without a protocol")]
    PortWithoutProtocol,
    /// A port match with bits outside its mask, or an all-zero mask.
    #[error("the rule has a field whose mask selects nothing or less than its value")]
    EmptyMask,
    /// OpenFlow has one goto, last.
    #[error("the rule goes on after `goto` or has two")]
    ActionAfterGoto,
    /// First packets, and questions for an address, are metered by the port they come in at.
    #[error("the rule shows packets to the gate or lets questions in, and names no port whose meter they pass")]
    NoPortToMeter,
    /// A solicitation is told from other IPv6 where it comes in, and turned into its answer where it is answered.
    #[error(
        "the rule speaks of neighbour solicitations where none can be: only admission and neighbours do, by target and source"
    )]
    NeighbourElsewhere,
    /// A SYN is of TCP, and ICMP is of a family.
    #[error("the rule matches a SYN without TCP, or ICMP without a family or with another protocol")]
    BeginningOfNothing,
}

/// Why an entry of the switch is not a rule of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// No Sekisho wrote this cookie.
    #[error("cookie {0:#018x} is nobody's")]
    Cookie(u64),
    /// Outside the pipeline.
    #[error("table {0} is not part of the pipeline")]
    Table(u8),
    /// A match field, or a mask on it, that no rule of ours has.
    #[error("match field {0}")]
    Field(String),
    /// An instruction or action that no rule of ours has.
    #[error("instruction {0}")]
    Instruction(String),
}

/// The entry that says this rule.
///
/// # Errors
/// [`Inexpressible`] if no entry says exactly this.
pub fn to_entry(rule: &FlowRule) -> Result<(RuleKey, RuleBody), Inexpressible> {
    let matching = to_match(rule.table, &rule.matches)?;
    let answers = |a: &Action| matches!(a, Action::NeighbourReply { .. } | Action::Goto(Table::Neighbours));
    if rule.actions.iter().any(answers) && rule.matches.eth_type != Some(EtherType::Neighbour) {
        return Err(Inexpressible::NeighbourElsewhere);
    }
    let instructions = to_instructions(&rule.actions, Metered::of(rule.table, &rule.matches))?;
    Ok((
        RuleKey { table: rule.table.number(), priority: rule.priority, matching },
        RuleBody { cookie: rule.cookie().0, instructions },
    ))
}

/// The flow-mod that adds an entry, overwriting one with the same key. Grants' entries report their counters when
/// they go (OpenFlow 1.3.5 §7.4.2), which is the evidence of what the line carried (G13).
pub fn to_add(key: &RuleKey, body: &RuleBody) -> FlowMod {
    let mut add = FlowMod::add(key.table, key.priority, body.cookie, key.matching.clone(), body.instructions.clone());
    if matches!(Cookie(body.cookie).owner(), Some(model::CookieOwner::Grant(_))) {
        add.flags = FlowModFlags::SEND_FLOW_REMOVED;
        // An entry that takes a muted one's place must not inherit what that counted (OpenFlow 1.3.5 §6.4).
        if !body.instructions.is_empty() {
            add.flags = FlowModFlags::SEND_FLOW_REMOVED | FlowModFlags::RESET_COUNTS;
        }
    }
    add
}

/// The flow-mod that lets exactly this entry drop and count on: a change keeps counters, an add would begin them anew
/// (OpenFlow 1.3.5 §6.4; Open vSwitch also hands on what it counts late).
pub fn to_mute(key: &RuleKey) -> FlowMod {
    let mut mute = FlowMod::add(key.table, key.priority, 0, key.matching.clone(), Vec::new());
    mute.command = FlowModCommand::ModifyStrict;
    mute.flags = FlowModFlags::SEND_FLOW_REMOVED;
    mute
}

/// The flow-mod that removes exactly this entry.
pub fn to_delete(key: &RuleKey) -> FlowMod {
    FlowMod::delete_strict(key.table, key.priority, key.matching.clone())
}

/// An observed entry in canonical form.
pub fn observed_entry(stats: &FlowStats) -> (RuleKey, RuleBody) {
    (
        RuleKey { table: stats.table, priority: stats.priority, matching: stats.matching.normalized() },
        canonical_body(stats.cookie, &stats.instructions),
    )
}

/// Cookie and instructions of an observed entry in canonical form.
pub(crate) fn canonical_body(cookie: u64, instructions: &[Instruction]) -> RuleBody {
    RuleBody { cookie, instructions: canonical(instructions) }
}

/// The rule an entry says.
///
/// # Errors
/// [`NotOurs`] names the first thing that no rule of ours has.
pub fn to_rule(switch: &SwitchId, key: &RuleKey, body: &RuleBody) -> Result<FlowRule, NotOurs> {
    let table = Table::from_number(key.table).ok_or(NotOurs::Table(key.table))?;
    let matches = from_match(table, &key.matching)?;
    Ok(FlowRule {
        switch: switch.clone(),
        table,
        priority: key.priority,
        owner: Cookie(body.cookie).owner().ok_or(NotOurs::Cookie(body.cookie))?,
        actions: from_instructions(&body.instructions, Metered::of(table, &matches))?,
        matches,
    })
}

fn to_match(table: Table, m: &FlowMatch) -> Result<Match, Inexpressible> {
    let mut fields = Vec::new();
    let is_solicitation = m.eth_type == Some(EtherType::Neighbour);
    if is_solicitation {
        let kind = solicitation(table).ok_or(Inexpressible::NeighbourElsewhere)?;
        // Once it is turned, what it told of its sender is no longer there to be matched.
        if m.protocol.is_some() || (m.arp_sha.is_some() && kind != SOLICITATION) {
            return Err(Inexpressible::NeighbourElsewhere);
        }
        fields.extend([OxmField::IpProto(ICMPV6), OxmField::Icmpv6Type(kind), OxmField::Icmpv6Code(0)]);
        fields.extend(m.arp_sha.map(|a| OxmField::Ipv6NdSll(mac(a).into())));
    }
    fields.extend(m.in_port.map(|p| OxmField::InPort(openflow::PortNo(p.0))));
    fields.extend(m.tag.map(|t| OxmField::Reg(0, Masked::exact(t.value()))));
    fields.extend(m.eth_dst.map(|a| OxmField::EthDst(mac(a).into())));
    fields.extend(m.eth_src.map(|a| OxmField::EthSrc(mac(a).into())));
    fields.extend(m.eth_type.map(|t| OxmField::EthType(t.number())));
    fields.extend(m.protocol.map(|p| OxmField::IpProto(p.number())));
    fields.extend(m.ip_src.map(|n| match n {
        IpNet::V4(n) => OxmField::Ipv4Src(Masked::with_mask(n.network(), n.netmask())),
        IpNet::V6(n) => OxmField::Ipv6Src(Masked::with_mask(n.network(), n.netmask())),
    }));
    fields.extend(m.ip_dst.map(|n| match n {
        IpNet::V4(n) => OxmField::Ipv4Dst(Masked::with_mask(n.network(), n.netmask())),
        IpNet::V6(n) if is_solicitation => OxmField::Ipv6NdTarget(Masked::with_mask(n.network(), n.netmask())),
        IpNet::V6(n) => OxmField::Ipv6Dst(Masked::with_mask(n.network(), n.netmask())),
    }));
    for (port, tcp, udp) in [
        (m.tp_src, OxmField::TcpSrc as fn(Masked<u16>) -> OxmField, OxmField::UdpSrc as fn(Masked<u16>) -> OxmField),
        (m.tp_dst, OxmField::TcpDst, OxmField::UdpDst),
    ] {
        let Some(port) = port else { continue };
        if port.mask == 0 || port.value & !port.mask != 0 {
            return Err(Inexpressible::EmptyMask);
        }
        let make = match m.protocol.ok_or(Inexpressible::PortWithoutProtocol)? {
            Protocol::Tcp => tcp,
            Protocol::Udp => udp,
        };
        fields.push(make(Masked::with_mask(port.value, port.mask)));
    }
    if let Some(ct) = m.ct {
        if ct.mask == 0 || ct.value & !ct.mask != 0 {
            return Err(Inexpressible::EmptyMask);
        }
        let (value, mask) = (CtState(u32::from(ct.value)), CtState(u32::from(ct.mask)));
        fields.push(OxmField::CtState(Masked::with_mask(value, mask)));
    }
    match (m.beginning, m.protocol, m.eth_type) {
        (None, ..) => {}
        (Some(Beginning::Syn), Some(Protocol::Tcp), _) => fields.push(OxmField::TcpFlags(SYN)),
        (Some(Beginning::Icmp), None, Some(EtherType::Ipv4)) => fields.push(OxmField::IpProto(ICMP)),
        (Some(Beginning::Icmp), None, Some(EtherType::Ipv6)) => fields.push(OxmField::IpProto(ICMPV6)),
        (Some(_), ..) => return Err(Inexpressible::BeginningOfNothing),
    }
    fields.extend(m.arp_op.map(|o| OxmField::ArpOp(arp_number(o))));
    fields.extend(m.arp_spa.map(|a| OxmField::ArpSpa(a.into())));
    fields.extend(m.arp_tpa.map(|a| OxmField::ArpTpa(a.into())));
    if !is_solicitation {
        fields.extend(m.arp_sha.map(|a| OxmField::ArpSha(mac(a).into())));
    }
    Ok(Match(fields).normalized())
}

fn from_match(table: Table, matching: &Match) -> Result<FlowMatch, NotOurs> {
    let mut m = FlowMatch::default();
    // Of a solicitation: type and code, and whom it asks for.
    let (mut asks, mut target) = ((false, false), None);
    let mut icmp_of = None;
    for field in &matching.0 {
        match field {
            OxmField::InPort(p) => m.in_port = Some(PortNo(p.0)),
            OxmField::Reg(0, Masked { value, mask: None }) => {
                m.tag = Some(tag(*value).ok_or_else(|| unknown(field))?);
            }
            OxmField::EthDst(Masked { value, mask: None }) => m.eth_dst = Some(Mac(value.0)),
            OxmField::EthSrc(Masked { value, mask: None }) => m.eth_src = Some(Mac(value.0)),
            OxmField::EthType(0x0800) => m.eth_type = Some(EtherType::Ipv4),
            // A protocol field may have come before and told more.
            OxmField::EthType(0x86dd) => m.eth_type = m.eth_type.or(Some(EtherType::Ipv6)),
            OxmField::EthType(0x0806) => m.eth_type = Some(EtherType::Arp),
            OxmField::IpProto(6) => m.protocol = Some(Protocol::Tcp),
            OxmField::IpProto(17) => m.protocol = Some(Protocol::Udp),
            OxmField::TcpFlags(flags) if *flags == SYN => m.beginning = Some(Beginning::Syn),
            OxmField::IpProto(ICMP) => icmp_of = Some(EtherType::Ipv4),
            OxmField::IpProto(ICMPV6) if solicitation(table).is_none() => icmp_of = Some(EtherType::Ipv6),
            OxmField::Ipv4Src(v) => {
                m.ip_src = Some(net(v.value.into(), v.mask.map(Into::into)).ok_or_else(|| unknown(field))?)
            }
            OxmField::Ipv4Dst(v) => {
                m.ip_dst = Some(net(v.value.into(), v.mask.map(Into::into)).ok_or_else(|| unknown(field))?)
            }
            OxmField::Ipv6Src(v) => {
                m.ip_src = Some(net(v.value.into(), v.mask.map(Into::into)).ok_or_else(|| unknown(field))?)
            }
            OxmField::Ipv6Dst(v) => {
                m.ip_dst = Some(net(v.value.into(), v.mask.map(Into::into)).ok_or_else(|| unknown(field))?)
            }
            OxmField::TcpSrc(v) | OxmField::UdpSrc(v) => m.tp_src = Some(port(*v)),
            OxmField::TcpDst(v) | OxmField::UdpDst(v) => m.tp_dst = Some(port(*v)),
            OxmField::CtState(v) => {
                let mask = v.mask.map_or(u32::MAX, |m| m.0);
                match (u8::try_from(v.value.0), u8::try_from(mask)) {
                    (Ok(value), Ok(mask)) => m.ct = Some(CtMatch { value, mask }),
                    _ => return Err(unknown(field)),
                }
            }
            OxmField::ArpOp(1) => m.arp_op = Some(ArpOp::Request),
            OxmField::ArpOp(2) => m.arp_op = Some(ArpOp::Reply),
            OxmField::ArpSpa(Masked { value, mask: None }) => m.arp_spa = Some(*value),
            OxmField::ArpTpa(Masked { value, mask: None }) => m.arp_tpa = Some(*value),
            OxmField::ArpSha(Masked { value, mask: None }) => m.arp_sha = Some(Mac(value.0)),
            OxmField::IpProto(ICMPV6) if solicitation(table).is_some() => m.eth_type = Some(EtherType::Neighbour),
            OxmField::Icmpv6Type(kind) if solicitation(table) == Some(*kind) => asks.0 = true,
            OxmField::Icmpv6Code(0) => asks.1 = true,
            OxmField::Ipv6NdTarget(v) => {
                target = Some(net(v.value.into(), v.mask.map(Into::into)).ok_or_else(|| unknown(field))?)
            }
            OxmField::Ipv6NdSll(Masked { value, mask: None }) => m.arp_sha = Some(Mac(value.0)),
            other => return Err(unknown(other)),
        }
    }
    let is_solicitation = m.eth_type == Some(EtherType::Neighbour);
    if is_solicitation != (asks == (true, true)) || (target.is_some() && (!is_solicitation || m.ip_dst.is_some())) {
        return Err(NotOurs::Field("of ICMPv6, but not of a solicitation as we tell it".to_owned()));
    }
    if is_solicitation && m.ip_dst.is_some() {
        return Err(NotOurs::Field("destination of a solicitation".to_owned()));
    }
    m.ip_dst = m.ip_dst.or(target);
    if icmp_of.is_some() {
        if icmp_of != m.eth_type {
            return Err(NotOurs::Field("ICMP of the other family".to_owned()));
        }
        m.beginning = Some(Beginning::Icmp);
    }
    Ok(m)
}

fn unknown(field: &OxmField) -> NotOurs {
    NotOurs::Field(format!("{field:?}"))
}

fn to_instructions(actions: &[Action], metered: Metered) -> Result<Vec<Instruction>, Inexpressible> {
    let mut instructions = Vec::new();
    if metered.applies(actions) {
        instructions.push(Instruction::Meter(metered.meter().ok_or(Inexpressible::NoPortToMeter)?));
    }
    let mut apply = Vec::new();
    let mut goto = None;
    for action in actions {
        if goto.is_some() {
            return Err(Inexpressible::ActionAfterGoto);
        }
        match action {
            Action::SetTag(tag) => apply.push(set(OxmField::Reg(0, tag.value().into()))),
            Action::SetEthSrc(a) => apply.push(set(OxmField::EthSrc(mac(*a).into()))),
            Action::SetEthDst(a) => apply.push(set(OxmField::EthDst(mac(*a).into()))),
            Action::Track { zone, next } => apply.push(openflow::Action::Ct(Ct::track(*zone, next.number()))),
            Action::Commit { zone } => apply.push(openflow::Action::Ct(Ct::commit(*zone))),
            Action::Output(port) => apply.push(openflow::Action::output(openflow::PortNo(port.0))),
            Action::ArpReply { ip, mac: at } => apply.extend(arp_reply(*ip, *at)),
            Action::ToGate => apply.push(openflow::Action::output(openflow::PortNo::CONTROLLER)),
            Action::NeighbourReply { ip, mac: at, router } => apply.extend(neighbour_reply(*ip, *at, *router)),
            Action::Goto(table) => {
                if *table == Table::Neighbours {
                    apply.extend(turn());
                }
                goto = Some(table.number());
            }
        }
    }
    if !apply.is_empty() {
        instructions.push(Instruction::ApplyActions(apply));
    }
    instructions.extend(goto.map(Instruction::GotoTable));
    Ok(instructions)
}

/// RFC 826: sender becomes target, `ip` is at `mac`, back where it came from. Answering in the switch means a request
/// is never flooded.
fn arp_reply(ip: std::net::Ipv4Addr, at: Mac) -> [openflow::Action; 8] {
    let copy = |from, to| openflow::Action::RegMove { from: BitRange::whole(from), to: BitRange::whole(to) };
    [
        copy(FieldKind::EthSrc, FieldKind::EthDst),
        set(OxmField::EthSrc(mac(at).into())),
        set(OxmField::ArpOp(2)),
        copy(FieldKind::ArpSha, FieldKind::ArpTha),
        copy(FieldKind::ArpSpa, FieldKind::ArpTpa),
        set(OxmField::ArpSha(mac(at).into())),
        set(OxmField::ArpSpa(ip.into())),
        openflow::Action::output(openflow::PortNo::IN_PORT),
    ]
}

/// SYN set and ACK not (RFC 9293 §3.1), of the twelve bits of `tcp_flags` (ovs-fields(7)).
const SYN: Masked<u16> = Masked { value: 0x002, mask: Some(0x012) };
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// The ICMPv6 type by which a solicitation is told in this table (RFC 4861 §4.3, §4.4): on its way from admission it is
/// turned into an advertisement, because only of an advertisement Open vSwitch sets the target's link-layer address.
fn solicitation(table: Table) -> Option<u8> {
    match table {
        Table::Admission => Some(SOLICITATION),
        Table::Neighbours => Some(ADVERTISEMENT),
        Table::Posture | Table::Connections | Table::Zones | Table::Forwarding => None,
    }
}

/// The turn: the option that told the sender's address will tell the target's.
fn turn() -> [openflow::Action; 2] {
    [set(OxmField::Ipv6NdOptionsType(2)), set(OxmField::Icmpv6Type(ADVERTISEMENT))]
}

/// RFC 4861 §7.2.4: the target answers who asked, solicited and overriding what was known; never flooded.
fn neighbour_reply(ip: std::net::Ipv6Addr, at: Mac, router: bool) -> [openflow::Action; 7] {
    let copy = |from, to| openflow::Action::RegMove { from: BitRange::whole(from), to: BitRange::whole(to) };
    [
        copy(FieldKind::EthSrc, FieldKind::EthDst),
        set(OxmField::EthSrc(mac(at).into())),
        copy(FieldKind::Ipv6Src, FieldKind::Ipv6Dst),
        set(OxmField::Ipv6Src(ip.into())),
        set(OxmField::Ipv6NdTll(mac(at).into())),
        set(OxmField::Ipv6NdReserved(if router { 0xe000_0000 } else { 0x6000_0000 })),
        openflow::Action::output(openflow::PortNo::IN_PORT),
    ]
}

fn from_instructions(instructions: &[Instruction], limit: Metered) -> Result<Vec<Action>, NotOurs> {
    let wrong = |what: &dyn std::fmt::Debug| NotOurs::Instruction(format!("{what:?}"));
    let mut out = Vec::new();
    let (mut metered, mut turned) = (false, false);
    for instruction in instructions {
        match instruction {
            Instruction::Meter(n) if !metered && limit.meter() == Some(*n) => metered = true,
            Instruction::ApplyActions(list) => {
                let mut rest = list.as_slice();
                while let Some(action) = rest.first() {
                    if let Some((reply, taken)) = read_arp_reply(rest).or_else(|| read_neighbour_reply(rest)) {
                        out.push(reply);
                        rest = rest.get(taken..).unwrap_or_default();
                        continue;
                    }
                    if !turned && rest.starts_with(&turn()) {
                        turned = true;
                        rest = rest.get(turn().len()..).unwrap_or_default();
                        continue;
                    }
                    out.push(from_action(action, metered).ok_or_else(|| wrong(action))?);
                    rest = rest.get(1..).unwrap_or_default();
                }
            }
            Instruction::GotoTable(n) => {
                out.push(Action::Goto(Table::from_number(*n).ok_or_else(|| wrong(instruction))?));
            }
            other => return Err(wrong(other)),
        }
    }
    if metered != limit.applies(&out) || turned != out.contains(&Action::Goto(Table::Neighbours)) {
        return Err(wrong(&instructions));
    }
    Ok(out)
}

fn from_action(action: &openflow::Action, metered: bool) -> Option<Action> {
    use openflow::Action as Of;
    Some(match action {
        Of::SetField(OxmField::Reg(0, Masked { value, mask: None })) => Action::SetTag(tag(*value)?),
        Of::SetField(OxmField::EthSrc(Masked { value, mask: None })) => Action::SetEthSrc(Mac(value.0)),
        Of::SetField(OxmField::EthDst(Masked { value, mask: None })) => Action::SetEthDst(Mac(value.0)),
        Of::Ct(Ct { commit: false, force: false, zone: CtZone::Number(zone), table: Some(table), alg: 0, exec })
            if exec.is_empty() =>
        {
            Action::Track { zone: *zone, next: Table::from_number(*table)? }
        }
        Of::Ct(Ct { commit: true, force: false, zone: CtZone::Number(zone), table: None, alg: 0, exec })
            if exec.is_empty() =>
        {
            Action::Commit { zone: *zone }
        }
        Of::Output { port: openflow::PortNo::CONTROLLER, max_len: 0xffff } if metered => Action::ToGate,
        Of::Output { port, max_len: 0 } if !port.is_reserved() => Action::Output(PortNo(port.0)),
        _ => return None,
    })
}

/// The answer, and how many actions say it.
fn read_arp_reply(list: &[openflow::Action]) -> Option<(Action, usize)> {
    let openflow::Action::SetField(OxmField::ArpSpa(ip)) = list.get(6)? else { return None };
    let openflow::Action::SetField(OxmField::ArpSha(at)) = list.get(5)? else { return None };
    let at = Mac(at.value.0);
    let said = arp_reply(ip.value, at);
    list.starts_with(&said).then_some((Action::ArpReply { ip: ip.value, mac: at }, said.len()))
}

fn read_neighbour_reply(list: &[openflow::Action]) -> Option<(Action, usize)> {
    let openflow::Action::SetField(OxmField::Ipv6Src(ip)) = list.get(3)? else { return None };
    let openflow::Action::SetField(OxmField::Ipv6NdTll(at)) = list.get(4)? else { return None };
    let (ip, at) = (ip.value, Mac(at.value.0));
    [true, false].into_iter().find_map(|router| {
        let said = neighbour_reply(ip, at, router);
        list.starts_with(&said).then_some((Action::NeighbourReply { ip, mac: at, router }, said.len()))
    })
}

/// One order of instructions, one header per field. Open vSwitch reports moves under the older NXM headers.
fn canonical(instructions: &[Instruction]) -> Vec<Instruction> {
    let mut out: Vec<Instruction> = instructions
        .iter()
        .map(|instruction| match instruction {
            Instruction::ApplyActions(list) => Instruction::ApplyActions(list.iter().map(canonical_action).collect()),
            other => other.clone(),
        })
        .collect();
    out.sort_by_key(|instruction| match instruction {
        Instruction::Meter(_) => 0,
        Instruction::ApplyActions(_) => 1,
        Instruction::ClearActions => 2,
        Instruction::WriteActions(_) => 3,
        Instruction::WriteMetadata { .. } => 4,
        Instruction::GotoTable(_) => 5,
        Instruction::Raw { .. } => 6,
    });
    out
}

fn canonical_action(action: &openflow::Action) -> openflow::Action {
    match action {
        openflow::Action::RegMove { from, to } => {
            openflow::Action::RegMove { from: canonical_range(*from), to: canonical_range(*to) }
        }
        openflow::Action::RegLoad { to, value } => {
            load_as_set(canonical_range(*to), *value).unwrap_or_else(|| action.clone())
        }
        openflow::Action::SetField(field) => field.normalized().map_or_else(|| action.clone(), set),
        other => other.clone(),
    }
}

/// A load of a whole register is the same as setting it.
fn load_as_set(to: BitRange, value: u64) -> Option<openflow::Action> {
    (to == BitRange::whole(FieldKind::Reg(0)))
        .then(|| u32::try_from(value).ok())
        .flatten()
        .map(|v| set(OxmField::Reg(0, v.into())))
}

fn canonical_range(range: BitRange) -> BitRange {
    // nicira-ext.h: NXM_OF_* and NXM_NX_ARP_* name the same fields as the OXM basic class.
    let kind = match range.header {
        0x0000_0206 => FieldKind::EthDst,
        0x0000_0406 => FieldKind::EthSrc,
        0x0000_1e02 => FieldKind::ArpOp,
        0x0000_2004 => FieldKind::ArpSpa,
        0x0000_2204 => FieldKind::ArpTpa,
        0x0001_2206 => FieldKind::ArpSha,
        0x0001_2406 => FieldKind::ArpTha,
        0x0001_2610 => FieldKind::Ipv6Src,
        0x0001_2810 => FieldKind::Ipv6Dst,
        _ => return range,
    };
    BitRange { header: kind.header(), ..range }
}

fn set(field: OxmField) -> openflow::Action {
    openflow::Action::SetField(field)
}
fn mac(m: Mac) -> EthAddr {
    EthAddr(m.0)
}
fn arp_number(op: ArpOp) -> u16 {
    match op {
        ArpOp::Request => 1,
        ArpOp::Reply => 2,
    }
}
fn tag(value: u32) -> Option<Tag> {
    Tag::ALL.into_iter().find(|t| t.value() == value)
}
fn port(v: Masked<u16>) -> PortMatch {
    PortMatch { value: v.value, mask: v.mask.unwrap_or(u16::MAX) }
}
fn net(address: std::net::IpAddr, mask: Option<std::net::IpAddr>) -> Option<IpNet> {
    match mask {
        None => Some(address.into()),
        Some(mask) => IpNet::with_netmask(address, mask).ok(),
    }
}
