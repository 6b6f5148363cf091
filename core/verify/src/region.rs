//! Sets of packets: a conjunction of constraints, one a field, and what the pipeline wrote on the way.

use ipnet::IpNet;
use model::{ArpOp, Beginning, CtMatch, EtherType, FlowMatch, Mac, PortMatch, PortNo, Protocol, Tag};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{ArpPacket, Packet};

/// A set of packets on their way. Constraints are on the packet as it entered; tag, tracking state and rewritten MACs
/// are what the pipeline made of it.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub in_port: Option<PortNo>,
    pub eth_src: Option<Mac>,
    pub eth_dst: Option<Mac>,
    pub eth_type: Option<EtherType>,
    pub ip_src: Option<IpNet>,
    pub ip_dst: Option<IpNet>,
    pub protocol: Option<Protocol>,
    pub tp_src: PortMatch,
    pub tp_dst: PortMatch,
    pub arp_op: Option<ArpOp>,
    pub arp_spa: Option<Ipv4Addr>,
    pub arp_tpa: Option<Ipv4Addr>,
    pub arp_sha: Option<Mac>,
    pub beginning: Option<Beginning>,
    /// Nothing is "no tag yet".
    pub tag: Option<Tag>,
    pub ct: CtMatch,
    /// The source MAC, if it was rewritten.
    pub new_src: Option<Mac>,
    /// The destination MAC, if it was rewritten.
    pub new_dst: Option<Mac>,
}

const ANY_PORT: PortMatch = PortMatch { value: 0, mask: 0 };

impl Region {
    /// Everything a wire can bring: no tag, never tracked (`ct_state` 0, ovs-fields(7)).
    pub fn wire() -> Self {
        Self {
            in_port: None,
            eth_src: None,
            eth_dst: None,
            eth_type: None,
            ip_src: None,
            ip_dst: None,
            protocol: None,
            tp_src: ANY_PORT,
            tp_dst: ANY_PORT,
            arp_op: None,
            arp_spa: None,
            arp_tpa: None,
            arp_sha: None,
            beginning: None,
            tag: None,
            ct: CtMatch { value: 0, mask: 0xff },
            new_src: None,
            new_dst: None,
        }
    }

    /// The packets of this set that a match takes; nothing if it takes none.
    pub fn meet(&self, m: &FlowMatch) -> Option<Self> {
        if m.tag.is_some() && m.tag != self.tag {
            return None;
        }
        let mut out = self.clone();
        out.in_port = one(self.in_port, m.in_port)?;
        (out.eth_src, out.new_src) = mac(self.eth_src, self.new_src, m.eth_src)?;
        (out.eth_dst, out.new_dst) = mac(self.eth_dst, self.new_dst, m.eth_dst)?;
        out.eth_type = one(self.eth_type, m.eth_type)?;
        out.ip_src = net(self.ip_src, m.ip_src)?;
        out.ip_dst = net(self.ip_dst, m.ip_dst)?;
        out.protocol = one(self.protocol, m.protocol)?;
        out.tp_src = ports(self.tp_src, m.tp_src)?;
        out.tp_dst = ports(self.tp_dst, m.tp_dst)?;
        out.ct = state(self.ct, m.ct)?;
        out.arp_op = one(self.arp_op, m.arp_op)?;
        out.arp_spa = one(self.arp_spa, m.arp_spa)?;
        out.arp_tpa = one(self.arp_tpa, m.arp_tpa)?;
        out.arp_sha = one(self.arp_sha, m.arp_sha)?;
        out.beginning = one(self.beginning, m.beginning)?;
        Some(out)
    }

    /// After connection tracking: the state is known to be some tracked one.
    pub fn tracked(&self) -> Self {
        Self { ct: CtMatch { value: CtMatch::TRK, mask: CtMatch::TRK }, ..self.clone() }
    }

    /// Do all its packets have these state bits set and those clear?
    pub fn ct_is(&self, set: u8, clear: u8) -> bool {
        let known = set | clear;
        self.ct.mask & known == known && self.ct.value & known == set
    }

    /// Could a packet in exactly this tracking state be in it?
    pub fn ct_admits(&self, state: u8) -> bool {
        (state ^ self.ct.value) & self.ct.mask == 0
    }

    /// Corner packets: one with the lowest value in each field, and for each field its other corners. If a set of
    /// packets given by independent conditions a field does not contain the region, one of these lies outside of it.
    pub fn corners(&self, ports_of_interest: &[u16]) -> Vec<Packet> {
        let first = self.lowest();
        let mut out = vec![first.clone()];
        if matches!(first.eth_type, EtherType::Arp | EtherType::Neighbour) {
            return out;
        }
        if self.protocol.is_none() && self.beginning.is_none() {
            for protocol in [Some(Protocol::Udp), None] {
                let mut packet = Packet { protocol, ..first.clone() };
                if protocol.is_none() {
                    (packet.tp_src, packet.tp_dst) = (None, None);
                }
                out.push(packet);
            }
        }
        for state in [CtMatch::NEW, CtMatch::EST, CtMatch::EST | CtMatch::RPL, CtMatch::INV] {
            if self.ct_admits(CtMatch::TRK | state) {
                out.push(Packet { ct_state: CtMatch::TRK | state, ..first.clone() });
            }
        }
        let family = first.eth_type;
        for address in addresses(self.ip_src, family) {
            out.push(Packet { ip_src: Some(address), ..first.clone() });
        }
        for address in addresses(self.ip_dst, family) {
            out.push(Packet { ip_dst: Some(address), ..first.clone() });
        }
        if first.protocol.is_some() {
            for port in members(self.tp_src, ports_of_interest) {
                out.push(Packet { tp_src: Some(port), ..first.clone() });
            }
            for port in members(self.tp_dst, ports_of_interest) {
                out.push(Packet { tp_dst: Some(port), ..first.clone() });
            }
        }
        out
    }

    fn lowest(&self) -> Packet {
        let eth_type = self.eth_type.unwrap_or(match (self.ip_src.or(self.ip_dst), self.arp_op) {
            (Some(IpNet::V6(_)), _) => EtherType::Ipv6,
            (Some(IpNet::V4(_)), _) | (None, None) => EtherType::Ipv4,
            (None, Some(_)) => EtherType::Arp,
        });
        let nowhere = Ipv4Addr::UNSPECIFIED;
        let stranger = Mac([2, 0, 0, 0, 0, 0x99]);
        let is_ip = eth_type != EtherType::Arp;
        let is_icmp = self.beginning == Some(Beginning::Icmp);
        let has_ports = matches!(eth_type, EtherType::Ipv4 | EtherType::Ipv6) && !is_icmp;
        let address = |net: Option<IpNet>| {
            is_ip.then(|| addresses(net, eth_type).first().copied().unwrap_or(IpAddr::V4(nowhere)))
        };
        let ephemeral = |cube: PortMatch| if cube.mask == 0 { 49152 } else { cube.value & cube.mask };
        Packet {
            in_port: self.in_port.unwrap_or(PortNo(1)),
            eth_src: self.eth_src.unwrap_or(stranger),
            eth_dst: self.eth_dst.unwrap_or(stranger),
            eth_type,
            ip_src: address(self.ip_src),
            ip_dst: address(self.ip_dst),
            protocol: has_ports.then(|| self.protocol.unwrap_or(Protocol::Tcp)),
            tp_src: has_ports.then(|| ephemeral(self.tp_src)),
            tp_dst: has_ports.then(|| ephemeral(self.tp_dst)),
            ct_state: self.ct.value & self.ct.mask,
            beginning: self.beginning,
            arp: (!is_ip).then(|| ArpPacket {
                op: self.arp_op.unwrap_or(ArpOp::Request),
                spa: self.arp_spa.unwrap_or(nowhere),
                tpa: self.arp_tpa.unwrap_or(nowhere),
                sha: self.arp_sha.unwrap_or(stranger),
            }),
        }
    }
}

/// Are all ports of a masked match in a sorted list?
pub(crate) fn all_in(cube: PortMatch, list: &[u16]) -> bool {
    let free = 16 - cube.mask.count_ones();
    // 2^free ports match: more than the list holds cannot all be in it.
    if free >= 16 || (1usize << free) > list.len() {
        return false;
    }
    list.iter().filter(|p| **p & cube.mask == cube.value & cube.mask).count() == 1usize << free
}

/// Does a prefix hold exactly this address?
pub(crate) fn is_host(net: Option<IpNet>, address: IpAddr) -> bool {
    net.is_some_and(|n| n.prefix_len() == n.max_prefix_len() && n.addr() == address)
}

fn one<T: PartialEq + Copy>(have: Option<T>, want: Option<T>) -> Option<Option<T>> {
    match (have, want) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => Some(a.or(b)),
    }
}

fn mac(entered: Option<Mac>, rewritten: Option<Mac>, want: Option<Mac>) -> Option<(Option<Mac>, Option<Mac>)> {
    match (rewritten, want) {
        (Some(now), Some(want)) if now != want => None,
        (Some(_), _) => Some((entered, rewritten)),
        (None, want) => Some((one(entered, want)?, None)),
    }
}

fn net(have: Option<IpNet>, want: Option<IpNet>) -> Option<Option<IpNet>> {
    match (have, want) {
        (Some(a), Some(b)) if a.contains(&b) => Some(Some(b)),
        (Some(a), Some(b)) if b.contains(&a) => Some(Some(a)),
        (Some(_), Some(_)) => None,
        (a, b) => Some(a.or(b)),
    }
}

fn ports(have: PortMatch, want: Option<PortMatch>) -> Option<PortMatch> {
    let Some(want) = want else { return Some(have) };
    if (have.value ^ want.value) & have.mask & want.mask != 0 {
        return None;
    }
    let value = (have.value & have.mask) | (want.value & want.mask);
    Some(PortMatch { value, mask: have.mask | want.mask })
}

fn state(have: CtMatch, want: Option<CtMatch>) -> Option<CtMatch> {
    let Some(want) = want else { return Some(have) };
    if (have.value ^ want.value) & have.mask & want.mask != 0 {
        return None;
    }
    let value = (have.value & have.mask) | (want.value & want.mask);
    Some(CtMatch { value, mask: have.mask | want.mask })
}

/// Corners of a prefix: first, second, last but one, last; of everything, three addresses that are nobody's.
fn addresses(net: Option<IpNet>, family: EtherType) -> Vec<IpAddr> {
    let mut out = match (net, family) {
        (Some(IpNet::V4(n)), _) => {
            let (low, high) = (u32::from(n.network()), u32::from(n.broadcast()));
            [low, low.saturating_add(1), high.saturating_sub(1), high]
                .into_iter()
                .filter(|a| (low..=high).contains(a))
                .map(|a| IpAddr::V4(Ipv4Addr::from(a)))
                .collect()
        }
        (Some(IpNet::V6(n)), _) => {
            let (low, high) = (u128::from(n.network()), u128::from(n.broadcast()));
            [low, low.saturating_add(1), high.saturating_sub(1), high]
                .into_iter()
                .filter(|a| (low..=high).contains(a))
                .map(|a| IpAddr::V6(Ipv6Addr::from(a)))
                .collect()
        }
        (None, EtherType::Ipv6 | EtherType::Neighbour) => {
            vec![IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))]
        }
        (None, EtherType::Ipv4 | EtherType::Arp) => {
            vec![IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1))]
        }
    };
    out.dedup();
    out
}

/// Corners of a masked match, and for each port of interest those that differ from it in one free bit.
fn members(cube: PortMatch, interest: &[u16]) -> Vec<u16> {
    let fixed = cube.value & cube.mask;
    let free = !cube.mask;
    let mut out = vec![fixed, fixed | free];
    for port in interest.iter().filter(|p| **p & cube.mask == fixed) {
        out.push(*port);
        out.extend((0..16).map(|b| 1u16 << b).filter(|b| free & b != 0).map(|b| port ^ b));
    }
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_in_equals_counting(value: u16, mask: u16, list in proptest::collection::btree_set(0u16..64, 0..40)) {
            // Six free low bits at most, so that "all" is sometimes true.
            let cube = PortMatch { value: value & 63 & mask, mask: mask | 0xffc0 };
            let list: Vec<u16> = list.into_iter().collect();
            let naive = (0..=u16::MAX).filter(|p| p & cube.mask == cube.value).all(|p| list.contains(&p));
            prop_assert_eq!(all_in(cube, &list), naive);
        }

        #[test]
        fn meeting_masks_is_intersection(a: u16, am: u16, b: u16, bm: u16, probe: u16) {
            let (x, y) = (PortMatch { value: a & am, mask: am }, PortMatch { value: b & bm, mask: bm });
            let both = probe & x.mask == x.value && probe & y.mask == y.value;
            let met = ports(x, Some(y)).is_some_and(|m| probe & m.mask == m.value);
            prop_assert_eq!(met, both);
        }
    }
}
