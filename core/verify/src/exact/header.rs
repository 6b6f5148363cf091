//! The space everything is decided in: a packet as it enters a switch, and what the pipeline makes of it.

use ipnet::IpNet;
use model::{
    Action, ArpOp, Beginning, CtMatch, EtherType, FlowMatch, FlowRule, Mac, PortMatch, PortNo, Protocol, Table, Tag,
};
use spaces::{Field, Layout, Packet as Bits, Set, Space};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{ArpPacket, Packet};

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $word:literal: $width:literal;)*) => {
        /// Fields in the order in which sets are decided: what tells most rules apart first, what only the pipeline
        /// writes last.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum At { $($(#[$doc])* $name,)* }
        const FIELDS: &[(&str, u16)] = &[$(($word, $width),)*];
        impl At {
            const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

fields! {
    Kind = "kind": 2;
    Protocol = "protocol": 2;
    Tag = "tag": 5;
    InPort = "in-port": 32;
    /// An IPv4 address, or the first bits of an IPv6 one; the others stand further down, so that what narrow IPv4 rules
    /// name is one stretch.
    /// Of a Neighbour Solicitation: the target it asks for.
    IpDst = "ip-dst": 32;
    IpSrc = "ip-src": 32;
    TpDst = "tp-dst": 16;
    TpSrc = "tp-src": 16;
    Ct = "ct": 8;
    /// What of TCP and ICMP can begin something; 0 is nothing.
    Beginning = "beginning": 2;
    EthSrc = "eth-src": 48;
    EthDst = "eth-dst": 48;
    IpDstLow = "ip-dst-low": 96;
    IpSrcLow = "ip-src-low": 96;
    ArpOp = "arp-op": 2;
    ArpSpa = "arp-spa": 32;
    ArpTpa = "arp-tpa": 32;
    ArpSha = "arp-sha": 48;
    /// Where each table sends it (see [`Next`]), and which of its rules did.
    Next0 = "next-0": 2;
    Rule0 = "rule-0": 32;
    Next1 = "next-1": 2;
    Rule1 = "rule-1": 32;
    Next3 = "next-3": 2;
    Rule3 = "rule-3": 32;
    Next4 = "next-4": 2;
    Rule4 = "rule-4": 32;
    Next5 = "next-5": 2;
    Rule5 = "rule-5": 32;
    Next2 = "next-2": 2;
    Rule2 = "rule-2": 32;
    /// Is the connection remembered?
    Commit = "commit": 1;
    /// The port it leaves at; [`TO_GATE`] is the gate.
    Exit = "exit": 32;
    /// Destination MAC it leaves with.
    OutDst = "out-dst": 48;
    /// Source MAC written on the way out; 0 if it stays what it was.
    OutSrc = "out-src": 48;
}

/// What a rule does with a packet, apart from writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Drop = 0,
    /// To the next table (admission → posture → connections → zones).
    Step = 1,
    /// To forwarding, or out of forwarding.
    Forward = 2,
    /// To the gate.
    Gate = 3,
}

/// OFPP_CONTROLLER (OpenFlow 1.3.5 §7.2.1), as an exit.
pub(super) const TO_GATE: u32 = 0xffff_fffd;
/// Sides of the gateway, as ports.
pub(super) const LAN: u32 = 0xffff_fff0;
pub(super) const TUNNEL: u32 = 0xffff_fff1;

pub(super) const TABLES: usize = Table::ALL.len();
pub(super) const NEXTS: [At; TABLES] = [At::Next0, At::Next1, At::Next2, At::Next3, At::Next4, At::Next5];
pub(super) const RULES: [At; TABLES] = [At::Rule0, At::Rule1, At::Rule2, At::Rule3, At::Rule4, At::Rule5];

/// What a table writes, besides its `next` and `rule`.
pub(super) fn written(table: Table) -> &'static [At] {
    match table {
        Table::Admission => &[At::Next0, At::Rule0, At::Tag],
        Table::Posture => &[At::Next1, At::Rule1, At::Ct],
        Table::Connections => &[At::Next2, At::Rule2, At::Commit, At::Exit],
        Table::Zones => &[At::Next3, At::Rule3, At::Commit],
        Table::Forwarding => &[At::Next4, At::Rule4, At::Exit, At::OutDst, At::OutSrc],
        Table::Neighbours => &[At::Next5, At::Rule5],
    }
}

/// What of a covered packet is the switch's, and not the gateway's.
pub(super) const SWITCH_ONLY: [At; 6] = [At::Tag, At::InPort, At::EthSrc, At::Commit, At::Exit, At::OutDst];
/// The same, and what a tunnel does not look at either.
pub(super) const NOT_CARRIED: [At; 7] = [At::Tag, At::InPort, At::EthSrc, At::Commit, At::Exit, At::OutDst, At::Ct];
/// Everything but addresses, protocol and ports: see what stays on the wire between two gateways.
pub(super) fn not_on_wire() -> impl Iterator<Item = At> {
    let wire = [At::Kind, At::Protocol, At::IpDst, At::IpSrc, At::IpDstLow, At::IpSrcLow, At::TpDst, At::TpSrc];
    At::ALL.iter().copied().filter(move |at| !wire.contains(at))
}

pub(super) fn space() -> Space {
    Space::new(Layout::new(FIELDS).expect("the fields above fit a layout"))
}

pub(super) fn field(space: &Space, at: At) -> Field {
    space.layout().nth(at as usize).expect("one field for each name")
}

/// The bits of an IPv6 address that stand in a field of their own.
const LOW: u128 = u128::MAX >> 32;

/// A conjunction of masked fields.
#[derive(Debug, Clone)]
pub(super) struct Cube([(u128, u128); FIELDS.len()]);

impl Cube {
    pub fn any() -> Self {
        Self([(0, 0); FIELDS.len()])
    }

    pub fn is(mut self, at: At, value: u128) -> Self {
        self.0[at as usize] = (value, u128::MAX);
        self
    }

    pub fn masked(mut self, at: At, value: u128, mask: u128) -> Self {
        self.0[at as usize] = (value, mask);
        self
    }

    pub fn between(self, source: IpAddr, destination: IpAddr) -> Self {
        let kind = if source.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 };
        self.is(At::Kind, kind_bits(kind)).net(At::IpSrc, source.into()).net(At::IpDst, destination.into())
    }

    /// `at` is [`At::IpDst`] or [`At::IpSrc`].
    pub fn net(self, at: At, net: IpNet) -> Self {
        match net {
            IpNet::V4(n) => self.masked(at, u32::from(n.network()).into(), u32::from(n.netmask()).into()),
            IpNet::V6(n) => {
                let (address, mask) = (u128::from(n.network()), u128::from(n.netmask()));
                let low = if at == At::IpDst { At::IpDstLow } else { At::IpSrcLow };
                self.masked(at, address >> 96, mask >> 96).masked(low, address & LOW, mask & LOW)
            }
        }
    }

    pub fn protocol(self, protocol: Protocol) -> Self {
        self.is(At::Protocol, protocol_bits(protocol))
    }

    /// ICMP is neither TCP nor UDP, whose numbers have no high bit.
    pub fn beginning(self, beginning: Beginning) -> Self {
        let cube = self.is(At::Beginning, beginning_bits(beginning));
        if beginning == Beginning::Icmp { cube.masked(At::Protocol, 0b10, 0b10) } else { cube }
    }

    pub fn mac(self, at: At, mac: Mac) -> Self {
        self.is(at, mac_bits(mac))
    }

    pub fn answers(self) -> Self {
        let ct = CtMatch::ANSWERS;
        self.masked(At::Ct, ct.value.into(), ct.mask.into()).is(At::Commit, 0)
    }

    pub fn set(&self, space: &mut Space) -> Set {
        let mut given = [(field_zero(space), 0u128, 0u128); FIELDS.len()];
        let mut n = 0;
        for (place, &(value, mask)) in self.0.iter().enumerate().filter(|(_, (_, mask))| *mask != 0) {
            given[n] = (space.layout().nth(place).expect("one field for each name"), value, mask);
            n += 1;
        }
        space.conjunction(&given[..n])
    }
}

fn field_zero(space: &Space) -> Field {
    field(space, At::Kind)
}

fn kind_bits(kind: EtherType) -> u128 {
    match kind {
        EtherType::Ipv4 => 0,
        EtherType::Ipv6 => 1,
        EtherType::Arp => 2,
        EtherType::Neighbour => 3,
    }
}

fn protocol_bits(protocol: Protocol) -> u128 {
    match protocol {
        Protocol::Tcp => 0,
        Protocol::Udp => 1,
    }
}

fn beginning_bits(beginning: Beginning) -> u128 {
    match beginning {
        Beginning::Syn => 1,
        Beginning::Icmp => 2,
    }
}

/// Nothing is what is neither TCP nor UDP.
pub(super) fn protocol_of(bits: u128) -> Option<Protocol> {
    match bits {
        0 => Some(Protocol::Tcp),
        1 => Some(Protocol::Udp),
        _ => None,
    }
}

pub(super) fn mac_bits(mac: Mac) -> u128 {
    mac.0.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

fn arp_bits(op: ArpOp) -> u128 {
    match op {
        ArpOp::Request => 1,
        ArpOp::Reply => 2,
    }
}

/// The packets a rule of this table matches, as they enter the switch; nothing if it can never match there: the first two
/// tables see no tracking state (`ct_state` is 0, ovs-fields(7)), and admission no tag.
pub(super) fn matched(m: &FlowMatch, table: Table) -> Option<Cube> {
    let mut cube = Cube::any();
    let early = matches!(table, Table::Admission | Table::Posture);
    if table == Table::Admission && m.tag.is_some() {
        return None;
    }
    match m.ct {
        Some(ct) if early && !ct.matches(0) => return None,
        Some(ct) if !early => cube = cube.masked(At::Ct, ct.value.into(), ct.mask.into()),
        _ => {}
    }
    let ports = |cube: Cube, at: At, port: Option<PortMatch>| match port {
        Some(p) => cube.masked(at, p.value.into(), p.mask.into()),
        None => cube,
    };
    let address = |cube: Cube, at: At, a: Option<Ipv4Addr>| match a {
        Some(a) => cube.is(at, u32::from(a).into()),
        None => cube,
    };
    if let Some(port) = m.in_port {
        cube = cube.is(At::InPort, port.0.into());
    }
    if let Some(tag) = m.tag {
        cube = cube.is(At::Tag, tag.value().into());
    }
    for (at, mac) in [(At::EthSrc, m.eth_src), (At::EthDst, m.eth_dst), (At::ArpSha, m.arp_sha)] {
        if let Some(mac) = mac {
            cube = cube.mac(at, mac);
        }
    }
    if let Some(kind) = m.eth_type {
        cube = cube.is(At::Kind, kind_bits(kind));
    }
    for (at, net) in [(At::IpSrc, m.ip_src), (At::IpDst, m.ip_dst)] {
        if let Some(net) = net {
            cube = cube.net(at, net);
        }
    }
    if let Some(protocol) = m.protocol {
        cube = cube.protocol(protocol);
    }
    if let Some(beginning) = m.beginning {
        cube = cube.beginning(beginning);
    }
    if let Some(op) = m.arp_op {
        cube = cube.is(At::ArpOp, arp_bits(op));
    }
    cube = ports(ports(cube, At::TpSrc, m.tp_src), At::TpDst, m.tp_dst);
    Some(address(address(cube, At::ArpSpa, m.arp_spa), At::ArpTpa, m.arp_tpa))
}

/// The match with what the rule makes of it, or nothing if it does what its table may not.
pub(super) fn effect(rule: &FlowRule, mut cube: Cube, number: u32) -> Option<Cube> {
    use Action::{Commit, Goto, Output, SetEthDst, SetEthSrc, SetTag, ToGate, Track};
    let table = usize::from(rule.table.number());
    let zone = |z: &u16| *z == model::CONNTRACK_ZONE;
    let tag = |cube: Cube, tag: Tag| cube.is(At::Tag, tag.value().into());
    // To the switch a solicitation is IPv6 too: apart from IPv6 it can be judged only where nothing else is done with it.
    let solicits = rule.matches.eth_type == Some(EtherType::Neighbour);
    let apart = match rule.table {
        Table::Admission => matches!(rule.actions.as_slice(), [] | [SetTag(_), Goto(Table::Neighbours)]),
        Table::Neighbours => true,
        Table::Posture | Table::Connections | Table::Zones | Table::Forwarding => false,
    };
    if solicits && !apart {
        return None;
    }
    let (next, cube) = match (rule.table, rule.actions.as_slice()) {
        (_, []) => (Next::Drop, cube),
        (Table::Admission, [SetTag(t), Goto(Table::Posture)]) => (Next::Step, tag(cube, *t)),
        (Table::Admission, [SetTag(t), Goto(Table::Forwarding)]) => (Next::Forward, tag(cube, *t)),
        // Nothing leaves from there but answers.
        (Table::Admission, [SetTag(t), Goto(Table::Neighbours)]) if solicits => (Next::Drop, tag(cube, *t)),
        (Table::Posture, [Track { zone: z, next: Table::Connections }]) if zone(z) => {
            (Next::Step, cube.masked(At::Ct, CtMatch::TRK.into(), CtMatch::TRK.into()))
        }
        // Its meter is that of the port it names.
        (Table::Connections, [ToGate]) if rule.matches.in_port.is_some() => {
            (Next::Gate, cube.is(At::Exit, TO_GATE.into()).is(At::Commit, 0))
        }
        (Table::Connections, [Goto(Table::Zones)]) => (Next::Step, cube),
        (Table::Connections | Table::Zones, [Goto(Table::Forwarding)]) => (Next::Forward, cube.is(At::Commit, 0)),
        (Table::Connections | Table::Zones, [Commit { zone: z }, Goto(Table::Forwarding)]) if zone(z) => {
            (Next::Forward, cube.is(At::Commit, 1))
        }
        (Table::Forwarding, [Action::ArpReply { .. }]) => (Next::Drop, cube),
        (Table::Neighbours, [Action::NeighbourReply { .. }]) if solicits => (Next::Drop, cube),
        (Table::Forwarding, actions) => {
            let Some((Output(port), writes)) = actions.split_last() else { return None };
            // Without a rewrite the MAC is the one it came with, which only a match can tell.
            if let Some(mac) = rule.matches.eth_dst {
                cube = cube.mac(At::OutDst, mac);
            }
            cube = cube.is(At::OutSrc, 0);
            for write in writes {
                match write {
                    SetEthSrc(mac) => cube = cube.mac(At::OutSrc, *mac),
                    SetEthDst(mac) => cube = cube.mac(At::OutDst, *mac),
                    _ => return None,
                }
            }
            (Next::Forward, cube.is(At::Exit, port.0.into()))
        }
        _ => return None,
    };
    Some(cube.is(NEXTS[table], next as u128).is(RULES[table], number.into()))
}

/// A concrete packet of the space, for people.
pub(super) fn packet(bits: &Bits) -> Packet {
    let of = |at: At| bits.0[at as usize];
    let mac = |at: At| Mac(std::array::from_fn(|n| (of(at) >> (8 * (5 - n))) as u8));
    let v4 = |at: At| Ipv4Addr::from(of(at) as u32);
    let eth_type = match of(At::Kind) {
        0 => EtherType::Ipv4,
        1 => EtherType::Ipv6,
        2 => EtherType::Arp,
        _ => EtherType::Neighbour,
    };
    let ip = |at: At, low: At| match eth_type {
        EtherType::Ipv4 => Some(IpAddr::V4(Ipv4Addr::from(of(at) as u32))),
        EtherType::Ipv6 | EtherType::Neighbour => Some(IpAddr::V6(Ipv6Addr::from(of(at) << 96 | of(low)))),
        EtherType::Arp => None,
    };
    let protocol = protocol_of(of(At::Protocol)).filter(|_| matches!(eth_type, EtherType::Ipv4 | EtherType::Ipv6));
    let arp = (eth_type == EtherType::Arp).then(|| ArpPacket {
        op: if of(At::ArpOp) == 2 { ArpOp::Reply } else { ArpOp::Request },
        spa: v4(At::ArpSpa),
        tpa: v4(At::ArpTpa),
        sha: mac(At::ArpSha),
    });
    Packet {
        in_port: PortNo(of(At::InPort) as u32),
        eth_src: mac(At::EthSrc),
        eth_dst: mac(At::EthDst),
        eth_type,
        ip_src: ip(At::IpSrc, At::IpSrcLow),
        ip_dst: ip(At::IpDst, At::IpDstLow),
        protocol,
        tp_src: protocol.map(|_| of(At::TpSrc) as u16),
        tp_dst: protocol.map(|_| of(At::TpDst) as u16),
        ct_state: of(At::Ct) as u8,
        beginning: [Beginning::Syn, Beginning::Icmp].into_iter().find(|b| beginning_bits(*b) == of(At::Beginning)),
        arp,
    }
}

pub(super) fn value(bits: &Bits, at: At) -> u32 {
    bits.0[at as usize] as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_fields_are_in_one_order() {
        let space = space();
        assert_eq!(At::ALL.len(), FIELDS.len());
        for (n, at) in At::ALL.iter().enumerate() {
            assert_eq!(*at as usize, n);
            assert_eq!(space.layout().field(FIELDS[n].0), Some(field(&space, *at)));
        }
    }
}
