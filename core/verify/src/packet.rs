//! Concrete packets: what a counter-example is made of.

use model::{ArpOp, Beginning, CtMatch, EtherType, Mac, PortNo, Protocol};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// A packet as it stands on the wire when it enters a switch, with the connection state tracking would give it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packet {
    /// The port it enters at.
    pub in_port: PortNo,
    /// Source MAC.
    pub eth_src: Mac,
    /// Destination MAC.
    pub eth_dst: Mac,
    /// What it carries. Of a Neighbour Solicitation, `ip_dst` is the target it asks for.
    pub eth_type: EtherType,
    /// Source address; nothing in ARP.
    pub ip_src: Option<IpAddr>,
    /// Destination address; nothing in ARP.
    pub ip_dst: Option<IpAddr>,
    /// Transport protocol; nothing if it is neither TCP nor UDP.
    pub protocol: Option<Protocol>,
    /// Source port, if TCP or UDP.
    pub tp_src: Option<u16>,
    /// Destination port, if TCP or UDP.
    pub tp_dst: Option<u16>,
    /// The state connection tracking would report, in Open vSwitch's bits.
    pub ct_state: u8,
    /// What it can begin by its kind, be it a SYN or ICMP; nothing is any other segment of TCP, and all the rest.
    pub beginning: Option<Beginning>,
    /// The ARP message, if it is one.
    pub arp: Option<ArpPacket>,
}

/// An ARP message (RFC 826).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArpPacket {
    /// Request or reply.
    pub op: ArpOp,
    /// Sender's protocol address.
    pub spa: Ipv4Addr,
    /// Target's protocol address.
    pub tpa: Ipv4Addr,
    /// Sender's hardware address.
    pub sha: Mac,
}

impl Packet {
    /// The packet without a word of any language: `tcp 10.1.20.11:49152 → 10.2.10.10:443 +new`.
    pub fn in_signs(&self) -> String {
        if let Some(arp) = &self.arp {
            return format!("arp {} ({}) → {}", arp.spa, arp.sha, arp.tpa);
        }
        if self.eth_type == EtherType::Neighbour {
            let end = |address: Option<IpAddr>| address.map_or_else(|| "?".to_owned(), |a| a.to_string());
            return format!("nd {} → {}", end(self.ip_src), end(self.ip_dst));
        }
        let end = |address: Option<IpAddr>, port: Option<u16>| match (address, port) {
            (Some(IpAddr::V6(a)), Some(p)) => format!("[{a}]:{p}"),
            (Some(a), Some(p)) => format!("{a}:{p}"),
            (Some(a), None) => a.to_string(),
            (None, _) => "?".to_owned(),
        };
        let protocol = self.protocol.map_or_else(|| "ip".to_owned(), |p| p.to_string());
        let (from, to) = (end(self.ip_src, self.tp_src), end(self.ip_dst, self.tp_dst));
        let mut out = format!("{protocol} {from} → {to}");
        for (bit, word) in
            [(CtMatch::NEW, " +new"), (CtMatch::EST, " +est"), (CtMatch::RPL, " +rpl"), (CtMatch::INV, " +inv")]
        {
            if self.ct_state & bit != 0 {
                out.push_str(word);
            }
        }
        out
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at port {}, mac {}", self.in_signs(), self.in_port, self.eth_src)
    }
}
