//! Local contracts: which packets an owner may carry, and which way.
//!
//! A set of packets is admitted only if it lies inside one contract of its own owner. That stays true whatever else is
//! installed, and the conjunction of all contracts is the default deny (N1).

use model::{CtMatch, EtherType, Protocol};
use std::net::IpAddr;

use crate::Packet;
use crate::region::{Region, all_in, is_host};

/// From one host to one host, one protocol, these ports of the serving side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contract<'a> {
    /// Where connections originate.
    pub origin: IpAddr,
    /// Where they end.
    pub destination: IpAddr,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Ports at the destination, sorted.
    pub ports: &'a [u16],
}

/// Which way a set of packets goes under a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the originator.
    Forth,
    /// Back to it.
    Back,
}

impl Contract<'_> {
    /// The way all packets of the set go, or nothing if some packet is outside the contract.
    pub fn way(&self, region: &Region) -> Option<Way> {
        let family = if self.origin.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 };
        if region.eth_type != Some(family) || region.protocol != Some(self.protocol) {
            return None;
        }
        let (o, d) = (self.origin, self.destination);
        if is_host(region.ip_src, o) && is_host(region.ip_dst, d) && all_in(region.tp_dst, self.ports) {
            Some(Way::Forth)
        } else if is_host(region.ip_src, d) && is_host(region.ip_dst, o) && all_in(region.tp_src, self.ports) {
            Some(Way::Back)
        } else {
            None
        }
    }

    /// A packet of the set that the contract does not cover: the counter-example. Falls back to the first corner.
    pub fn outside(&self, region: &Region) -> Option<Packet> {
        let corners = region.corners(self.ports);
        corners.iter().find(|p| !self.covers(p)).or(corners.first()).cloned()
    }

    fn covers(&self, p: &Packet) -> bool {
        if p.arp.is_some() || p.protocol != Some(self.protocol) {
            return false;
        }
        let has = |port: Option<u16>| port.is_some_and(|port| self.ports.contains(&port));
        let answers = p.ct_state & (CtMatch::EST | CtMatch::RPL) == CtMatch::EST | CtMatch::RPL;
        let (o, d) = (Some(self.origin), Some(self.destination));
        (p.ip_src == o && p.ip_dst == d && has(p.tp_dst))
            || (p.ip_src == d && p.ip_dst == o && has(p.tp_src) && answers)
    }
}

/// Are all packets of the set answers of committed connections?
pub(crate) fn only_answers(region: &Region) -> bool {
    region.ct_is(CtMatch::TRK | CtMatch::EST | CtMatch::RPL, CtMatch::INV)
}
