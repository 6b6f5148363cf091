//! Flow rules.

use model::{Action, ArpOp, Beginning, CtMatch, EtherType, FlowMatch, FlowRule, PortMatch, PortNo, Table, Tag, Zone};

use crate::fields::{enums, fit, messages, need, noun, nouns, protocol_from, protocol_to, read, read_maybe};
use crate::grants::owner_from;
use crate::{Wire, WireError, link as pb};

enums! {
    table_to, table_from: Table = pb::Table {
        Table::Admission => Admission / Table::Admission,
        Table::Posture => Posture / Table::Posture,
        Table::Connections => Connections / Table::Connections,
        Table::Zones => Zones / Table::Zones,
        Table::Forwarding => Forwarding / Table::Forwarding,
        Table::Neighbours => Neighbours / Table::Neighbours,
    }
    tag_to, tag_from: Tag = pb::Tag {
        Tag::Uplink => Uplink / Tag::Uplink,
        Tag::Zone(Zone::HighSecure) => HighSecure / Tag::Zone(Zone::HighSecure),
        Tag::Zone(Zone::Secure) => Secure / Tag::Zone(Zone::Secure),
        Tag::Zone(Zone::Dmz) => Dmz / Tag::Zone(Zone::Dmz),
    }
    ether_to, ether_from: EtherType = pb::EtherType {
        EtherType::Ipv4 => Ipv4 / EtherType::Ipv4,
        EtherType::Ipv6 => Ipv6 / EtherType::Ipv6,
        EtherType::Arp => Arp / EtherType::Arp,
        EtherType::Neighbour => Neighbour / EtherType::Neighbour,
    }
    arp_to, arp_from: ArpOp = pb::ArpOp {
        ArpOp::Request => Request / ArpOp::Request,
        ArpOp::Reply => Reply / ArpOp::Reply,
    }
    beginning_to, beginning_from: Beginning = pb::Beginning {
        Beginning::Syn => Syn / Beginning::Syn,
        Beginning::Icmp => Icmp / Beginning::Icmp,
    }
}

impl Wire for FlowRule {
    type Message = pb::FlowRule;
    fn to_message(&self) -> pb::FlowRule {
        pb::FlowRule {
            switch: self.switch.to_string(),
            table: table_to(self.table),
            priority: u32::from(self.priority),
            matches: Some(self.matches.to_message()),
            cookie: self.cookie().0,
            actions: messages(&self.actions),
        }
    }
    fn from_message(m: pb::FlowRule) -> Result<Self, WireError> {
        Ok(Self {
            switch: read("switch", &m.switch)?,
            table: table_from("table", m.table)?,
            priority: fit("priority", m.priority)?,
            matches: noun("matches", m.matches)?,
            owner: owner_from("cookie", m.cookie)?,
            actions: nouns("actions", m.actions)?,
        })
    }
}

impl Wire for FlowMatch {
    type Message = pb::FlowMatch;
    fn to_message(&self) -> pb::FlowMatch {
        pb::FlowMatch {
            in_port: self.in_port.map(|p| p.0),
            tag: self.tag.map(tag_to),
            eth_src: self.eth_src.map(|m| m.to_string()),
            eth_dst: self.eth_dst.map(|m| m.to_string()),
            eth_type: self.eth_type.map(ether_to),
            ip_src: self.ip_src.map(|p| p.to_string()),
            ip_dst: self.ip_dst.map(|p| p.to_string()),
            protocol: self.protocol.map(protocol_to),
            tp_src: self.tp_src.map(port_to),
            tp_dst: self.tp_dst.map(port_to),
            ct: self.ct.map(|c| pb::Masked { value: u32::from(c.value), mask: u32::from(c.mask) }),
            arp_op: self.arp_op.map(arp_to),
            arp_spa: self.arp_spa.map(|a| a.to_string()),
            arp_tpa: self.arp_tpa.map(|a| a.to_string()),
            arp_sha: self.arp_sha.map(|m| m.to_string()),
            beginning: self.beginning.map(beginning_to),
        }
    }
    fn from_message(m: pb::FlowMatch) -> Result<Self, WireError> {
        Ok(Self {
            in_port: m.in_port.map(PortNo),
            tag: m.tag.map(|v| tag_from("tag", v)).transpose()?,
            eth_src: read_maybe("eth_src", m.eth_src.as_deref())?,
            eth_dst: read_maybe("eth_dst", m.eth_dst.as_deref())?,
            eth_type: m.eth_type.map(|v| ether_from("eth_type", v)).transpose()?,
            ip_src: read_maybe("ip_src", m.ip_src.as_deref())?,
            ip_dst: read_maybe("ip_dst", m.ip_dst.as_deref())?,
            protocol: m.protocol.map(|v| protocol_from("protocol", v)).transpose()?,
            tp_src: m.tp_src.map(|v| port_from("tp_src", v)).transpose()?,
            tp_dst: m.tp_dst.map(|v| port_from("tp_dst", v)).transpose()?,
            ct: m.ct.map(ct_from).transpose()?,
            arp_op: m.arp_op.map(|v| arp_from("arp_op", v)).transpose()?,
            arp_spa: read_maybe("arp_spa", m.arp_spa.as_deref())?,
            arp_tpa: read_maybe("arp_tpa", m.arp_tpa.as_deref())?,
            arp_sha: read_maybe("arp_sha", m.arp_sha.as_deref())?,
            beginning: m.beginning.map(|v| beginning_from("beginning", v)).transpose()?,
        })
    }
}

fn port_to(p: PortMatch) -> pb::Masked {
    pb::Masked { value: u32::from(p.value), mask: u32::from(p.mask) }
}

fn port_from(field: &str, m: pb::Masked) -> Result<PortMatch, WireError> {
    Ok(PortMatch { value: fit(field, m.value)?, mask: fit(field, m.mask)? })
}

fn ct_from(m: pb::Masked) -> Result<CtMatch, WireError> {
    Ok(CtMatch { value: fit("ct", m.value)?, mask: fit("ct", m.mask)? })
}

impl Wire for Action {
    type Message = pb::Action;
    fn to_message(&self) -> pb::Action {
        use pb::action::{Action as M, ArpReply, NeighbourReply, ToGate, Track};
        let action = match self {
            Self::SetTag(tag) => M::SetTag(tag_to(*tag)),
            Self::SetEthSrc(mac) => M::SetEthSrc(mac.to_string()),
            Self::SetEthDst(mac) => M::SetEthDst(mac.to_string()),
            Self::Track { zone, next } => M::Track(Track { zone: u32::from(*zone), next: table_to(*next) }),
            Self::Commit { zone } => M::Commit(u32::from(*zone)),
            Self::Output(port) => M::Output(port.0),
            Self::ArpReply { ip, mac } => M::ArpReply(ArpReply { ip: ip.to_string(), mac: mac.to_string() }),
            Self::NeighbourReply { ip, mac, router } => {
                M::NeighbourReply(NeighbourReply { ip: ip.to_string(), mac: mac.to_string(), router: *router })
            }
            Self::ToGate => M::ToGate(ToGate {}),
            Self::Goto(table) => M::Goto(table_to(*table)),
        };
        pb::Action { action: Some(action) }
    }
    fn from_message(m: pb::Action) -> Result<Self, WireError> {
        use pb::action::Action as M;
        Ok(match need("action", m.action)? {
            M::SetTag(v) => Self::SetTag(tag_from("set_tag", v)?),
            M::SetEthSrc(v) => Self::SetEthSrc(read("set_eth_src", &v)?),
            M::SetEthDst(v) => Self::SetEthDst(read("set_eth_dst", &v)?),
            M::Track(t) => Self::Track { zone: fit("track.zone", t.zone)?, next: table_from("track.next", t.next)? },
            M::Commit(zone) => Self::Commit { zone: fit("commit", zone)? },
            M::Output(port) => Self::Output(PortNo(port)),
            M::ArpReply(a) => Self::ArpReply { ip: read("arp_reply.ip", &a.ip)?, mac: read("arp_reply.mac", &a.mac)? },
            M::NeighbourReply(a) => Self::NeighbourReply {
                ip: read("neighbour_reply.ip", &a.ip)?,
                mac: read("neighbour_reply.mac", &a.mac)?,
                router: a.router,
            },
            M::ToGate(_) => Self::ToGate,
            M::Goto(v) => Self::Goto(table_from("goto", v)?),
        })
    }
}
