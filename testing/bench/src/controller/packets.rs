//! First packets as Open vSwitch sends them, and how an answer is known.
//!
//! Even ones lead where a live grant leads, odd ones to an address no host has. Each is a TCP SYN with a source port of
//! its own (and, if it leads nowhere, a destination port of its own), by which its answer is found again.

use std::net::Ipv4Addr;

use model::{CONNTRACK_ZONE, Cookie, CookieOwner, CtMatch, Table, Tag, Zone};
use openflow::{
    CtState, FlowMod, Masked, Match, Message, OxmField, PacketIn, PacketInReason, PacketOut, PortNo, encode,
};

use crate::network::{NOBODY, PORT, SERVERS, TERMINALS, gateway_mac, server_address, terminal_address, terminal_mac};

const FIRST_KEY: u16 = 1024;
const KEYS: u64 = 60_000;
const UPLINK: u32 = 1;
/// Offsets in an untagged Ethernet frame with an IPv4 header without options.
const SOURCE_PORT: usize = 34;
const FRAME: usize = 54;

/// What went out and is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    pub key: u16,
    pub granted: bool,
}

/// The `sequence`-th first packet of the n-th site's switch, encoded. Gates are sent them by a rule (`Action`); a learning
/// controller ignores all but those of a table miss (`NoMatch`).
pub(super) fn first_packet(n: u8, sequence: u64, reason: PacketInReason) -> (Sent, Vec<u8>) {
    let granted = sequence.is_multiple_of(2);
    let key = FIRST_KEY + (sequence % KEYS) as u16;
    let pick = sequence / 2;
    let terminal = (pick % u64::from(TERMINALS)) as u8;
    let server = (pick / u64::from(TERMINALS) % u64::from(SERVERS)) as u8;
    let (destination, port) = if granted { (server_address(server), PORT) } else { (NOBODY, key) };
    let frame =
        syn((terminal_mac(n, terminal), terminal_address(n, terminal), key), (gateway_mac(n), destination, port));
    (Sent { key, granted }, packet_in(u32::from(terminal) + 3, frame, reason))
}

/// A packet by which a learning controller learns where the gateway is. No gate ever sees one.
pub(super) fn from_gateway(n: u8) -> Vec<u8> {
    let frame = syn((gateway_mac(n), server_address(0), PORT), (terminal_mac(n, 0), terminal_address(n, 0), FIRST_KEY));
    packet_in(UPLINK, frame, PacketInReason::NoMatch)
}

/// The packet a flow-mod of a learning controller answers: it matches the source port exactly.
pub(super) fn exact_answer(flow: &FlowMod) -> Option<u16> {
    flow.matching.0.iter().find_map(|field| match field {
        OxmField::TcpSrc(Masked { value, .. }) => Some(*value),
        _ => None,
    })
}

/// The packet a refusal of a gate answers: a temporary drop of its destination.
pub(super) fn refusal_answer(flow: &FlowMod) -> Option<u16> {
    let refusal = flow.cookie == Cookie::from(CookieOwner::Refusal).0;
    if !refusal || flow.hard_timeout == 0 || !flow.instructions.is_empty() {
        return None;
    }
    flow.matching.0.iter().find_map(|field| match field {
        OxmField::TcpDst(Masked { value, .. }) => Some(*value),
        _ => None,
    })
}

/// True if a flow-mod belongs to a live grant.
pub(super) fn is_grant(flow: &FlowMod) -> bool {
    matches!(Cookie(flow.cookie).owner(), Some(CookieOwner::Grant(_)))
}

/// The packet that a packet-out releases.
pub(super) fn released(packet: &PacketOut) -> Option<u16> {
    let port = packet.data.get(SOURCE_PORT..SOURCE_PORT + 2)?;
    port.try_into().ok().map(u16::from_be_bytes)
}

/// Unbuffered, from the rule of table 2 that sends first packets to the gate, with what the pipeline knew by then.
fn packet_in(port: u32, data: Vec<u8>, reason: PacketInReason) -> Vec<u8> {
    let state = CtState(u32::from(CtMatch::TRK | CtMatch::NEW));
    let matching = Match::any()
        .with(OxmField::InPort(PortNo(port)))
        .with(OxmField::CtState(Masked::exact(state)))
        .with(OxmField::CtZone(CONNTRACK_ZONE))
        .with(OxmField::Reg(0, Masked::exact(Tag::Zone(Zone::Secure).value())));
    let packet = PacketIn {
        buffer_id: None,
        total_len: FRAME as u16,
        reason,
        table: Table::Connections.number(),
        cookie: Cookie::from(CookieOwner::Standing).0,
        matching,
        data,
    };
    encode(&Message::PacketIn(packet), 0).expect("a SYN is far shorter than an OpenFlow message may be")
}

type End = ([u8; 6], [u8; 4], u16);

fn syn((from_mac, from, from_port): End, (to_mac, to, to_port): End) -> Vec<u8> {
    let mut frame = Vec::with_capacity(FRAME);
    frame.extend(to_mac);
    frame.extend(from_mac);
    frame.extend(0x0800u16.to_be_bytes());
    let mut ip = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0];
    ip.extend(from);
    ip.extend(to);
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(ip);
    frame.extend(from_port.to_be_bytes());
    frame.extend(to_port.to_be_bytes());
    // Sequence 0, no acknowledgement, 20 bytes of header, SYN, window; nobody checks the checksum of TCP on the way.
    frame.extend([0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02, 0xfa, 0xf0, 0, 0, 0, 0]);
    frame
}

/// RFC 1071.
fn checksum(header: &[u8]) -> u16 {
    let mut sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// For messages about an answer that is not what it must be.
pub(super) fn tell(flow: &FlowMod) -> String {
    let addresses: Vec<Ipv4Addr> = flow
        .matching
        .0
        .iter()
        .filter_map(|field| match field {
            OxmField::Ipv4Src(m) | OxmField::Ipv4Dst(m) => Some(m.value),
            _ => None,
        })
        .collect();
    format!("flow-mod cookie {} table {} addresses {addresses:?}", Cookie(flow.cookie), flow.table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openflow::{Frame, Message};

    #[test]
    fn every_other_packet_leads_where_no_grant_leads() {
        for sequence in 0..200 {
            let (sent, bytes) = first_packet(7, sequence, PacketInReason::Action);
            let Message::PacketIn(packet) = Frame::decode(&bytes).unwrap().message else { panic!("no packet-in") };
            assert_eq!(packet.data.len(), FRAME);
            let to: [u8; 4] = packet.data[30..34].try_into().unwrap();
            assert_eq!((to == NOBODY, sent.granted), (!sent.granted, sequence % 2 == 0));
            assert_eq!(released(&PacketOut::new(PortNo(3), Vec::new(), packet.data)), Some(sent.key));
        }
    }
}
