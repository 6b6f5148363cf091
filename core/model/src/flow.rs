//! Flow rules as Sekisho means them; `core/site` turns them into OpenFlow messages.
//!
//! Pipeline of every in-house switch, one owner a table, table-miss drops everywhere:
//! `0 admission` → `1 posture` → `2 connections` → `3 zones` → `4 forwarding`, and beside it, for IPv6 only,
//! `0 admission` → `5 neighbours`.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{GrantId, Mac, PortNo, Protocol, SwitchId, Zone};

/// A table of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// Registered host on its port, MAC and address; tags are written here and nowhere else (G16). Whoever asks for an
    /// address (ARP, Neighbour Solicitations) passes the meter of the port that the rule matches, as its first packets do.
    Admission,
    /// Healthy, quarantined, isolated; hands IP to connection tracking.
    Posture,
    /// Rules of grants, one set a grant; first packets of terminals go to the gate.
    Connections,
    /// In-house rules (G8).
    Zones,
    /// Address to port; ARP is answered here, never flooded.
    Forwarding,
    /// Neighbour Solicitations are answered here, never passed on; nothing leads further (RFC 4861).
    Neighbours,
}

impl Table {
    /// All, in order.
    pub const ALL: [Self; 6] =
        [Self::Admission, Self::Posture, Self::Connections, Self::Zones, Self::Forwarding, Self::Neighbours];
    /// OpenFlow table number.
    pub fn number(self) -> u8 {
        self as u8
    }
    /// From an OpenFlow table number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Where a packet entered, kept in register 0 through the pipeline. Written only at admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    /// From the gateway: it came through some tunnel.
    Uplink,
    /// From a registered host of this zone.
    Zone(Zone),
}

impl Tag {
    /// All tags.
    pub const ALL: [Self; 4] =
        [Self::Uplink, Self::Zone(Zone::HighSecure), Self::Zone(Zone::Secure), Self::Zone(Zone::Dmz)];
    /// Value in register 0; never 0, which is "no tag".
    pub fn value(self) -> u32 {
        match self {
            Self::Uplink => 1,
            Self::Zone(Zone::HighSecure) => 16,
            Self::Zone(Zone::Secure) => 17,
            Self::Zone(Zone::Dmz) => 18,
        }
    }
}

/// Whose rule it is: the 16 high bits of its cookie say the kind, the 48 low bits the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CookieOwner {
    /// Stands as long as the site's document says so.
    Standing,
    /// Serves this grant and goes with it.
    Grant(GrantId),
    /// Serves the n-th in-house rule of the site's document.
    InHouse(u32),
    /// Serves the n-th transit wish of the site's document.
    Transit(u32),
    /// A temporary drop the gate wrote after refusing a first packet; never allows anything.
    Refusal,
}

/// An OpenFlow cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cookie(pub u64);

impl Cookie {
    /// Mask of the kind.
    pub const KIND_MASK: u64 = 0xffff << 48;

    /// The owner, or nothing if no Sekisho wrote this cookie.
    pub fn owner(self) -> Option<CookieOwner> {
        let number = self.0 & !Self::KIND_MASK;
        Some(match self.0 >> 48 {
            0x5e01 if number == 0 => CookieOwner::Standing,
            0x5e02 => CookieOwner::Grant(GrantId(number)),
            0x5e03 => CookieOwner::InHouse(u32::try_from(number).ok()?),
            0x5e04 => CookieOwner::Transit(u32::try_from(number).ok()?),
            0x5e05 if number == 0 => CookieOwner::Refusal,
            _ => return None,
        })
    }
}

impl From<CookieOwner> for Cookie {
    fn from(owner: CookieOwner) -> Self {
        let (kind, number) = match owner {
            CookieOwner::Standing => (0x5e01, 0),
            CookieOwner::Grant(id) => (0x5e02, id.0 & !Self::KIND_MASK),
            CookieOwner::InHouse(n) => (0x5e03, u64::from(n)),
            CookieOwner::Transit(n) => (0x5e04, u64::from(n)),
            CookieOwner::Refusal => (0x5e05, 0),
        };
        Self(kind << 48 | number)
    }
}
impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:016x}", self.0)
    }
}

/// What a rule's frames carry: an EtherType, or the one message inside IPv6 that the switch answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum EtherType {
    Ipv4,
    Ipv6,
    Arp,
    /// A Neighbour Solicitation (RFC 4861 §4.3) with the sender's link-layer address. In a match `ip_src` is who asks,
    /// `ip_dst` *the target asked for* (not the destination of the packet), `arp_sha` the link-layer address it tells.
    ///
    /// Rules of [`EtherType::Ipv6`] take these packets too, as any other IPv6 that is neither TCP nor UDP. What is said
    /// of all such IPv6 is said of them; rules of this kind only lead to [`Table::Neighbours`], out of which nothing
    /// goes but an answer. So the two may be judged as if no packet were both.
    Neighbour,
}

impl EtherType {
    /// Its number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::Ipv4 => 0x0800,
            Self::Ipv6 | Self::Neighbour => 0x86dd,
            Self::Arp => 0x0806,
        }
    }
}

/// ARP operation (RFC 826).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ArpOp {
    Request,
    Reply,
}

/// A transport port under a mask; ranges are compiled to few of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortMatch {
    /// Wanted bits.
    pub value: u16,
    /// Bits that count.
    pub mask: u16,
}

impl PortMatch {
    /// Exactly this port.
    pub fn exact(port: u16) -> Self {
        Self { value: port, mask: 0xffff }
    }
}

/// Connection-tracking state under a mask, in Open vSwitch's bits (ovs-fields(7) `ct_state`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CtMatch {
    /// Wanted bits.
    pub value: u8,
    /// Bits that count.
    pub mask: u8,
}

impl CtMatch {
    /// First packet of a connection.
    pub const NEW: u8 = 0x01;
    /// Part of a committed connection.
    pub const EST: u8 = 0x02;
    /// In the reply direction of one.
    pub const RPL: u8 = 0x08;
    /// Could not be identified.
    pub const INV: u8 = 0x10;
    /// Went through `ct`.
    pub const TRK: u8 = 0x20;

    /// `+trk+new-inv`: would begin a connection.
    pub const BEGINS: Self = Self { value: Self::TRK | Self::NEW, mask: Self::TRK | Self::NEW | Self::INV };
    /// `+trk+est-rpl-inv`: a committed connection, origin's direction.
    pub const GOES_ON: Self =
        Self { value: Self::TRK | Self::EST, mask: Self::TRK | Self::EST | Self::RPL | Self::INV };
    /// `+trk+est+rpl-inv`: a committed connection, reply direction.
    pub const ANSWERS: Self =
        Self { value: Self::TRK | Self::EST | Self::RPL, mask: Self::TRK | Self::EST | Self::RPL | Self::INV };

    /// Does a packet with these state bits match?
    pub fn matches(self, state: u8) -> bool {
        state & self.mask == self.value
    }
}

/// What of TCP and ICMP can begin something. A segment that is no SYN belongs to what began before (RFC 9293 §3.5): what
/// is left of a connection whose line was cut must not open it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beginning {
    /// A TCP segment with SYN and without ACK; a match that says so says TCP too.
    Syn,
    /// ICMP of the family of the match, which names no protocol besides: no service uses it, and who tries is told.
    Icmp,
}

impl Beginning {
    /// How a connection of this protocol begins; nothing, if any packet may be its first.
    pub fn of(protocol: Protocol) -> Option<Self> {
        match protocol {
            Protocol::Tcp => Some(Self::Syn),
            Protocol::Udp => None,
        }
    }
}

/// What a packet must look like; an absent field matches anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FlowMatch {
    pub in_port: Option<PortNo>,
    pub tag: Option<Tag>,
    pub eth_src: Option<Mac>,
    pub eth_dst: Option<Mac>,
    pub eth_type: Option<EtherType>,
    pub ip_src: Option<IpNet>,
    pub ip_dst: Option<IpNet>,
    pub protocol: Option<Protocol>,
    pub tp_src: Option<PortMatch>,
    pub tp_dst: Option<PortMatch>,
    pub ct: Option<CtMatch>,
    pub arp_op: Option<ArpOp>,
    pub arp_spa: Option<Ipv4Addr>,
    pub arp_tpa: Option<Ipv4Addr>,
    pub arp_sha: Option<Mac>,
    pub beginning: Option<Beginning>,
}

/// What happens to a packet that matches; applied in order, `Goto` last. No actions: dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Write the tag (register 0).
    SetTag(Tag),
    /// Rewrite the source MAC.
    SetEthSrc(Mac),
    /// Rewrite the destination MAC.
    SetEthDst(Mac),
    /// Look the packet up in connection tracking, in this zone, and go on in a table.
    Track {
        /// Conntrack zone.
        zone: u16,
        /// Table that sees the state.
        next: Table,
    },
    /// Remember the connection in this zone.
    Commit {
        /// Conntrack zone.
        zone: u16,
    },
    /// Send out of a port (never the one it came from, OpenFlow 1.3.5 §7.2.5).
    Output(PortNo),
    /// Turn the ARP request into the reply "`ip` is at `mac`" and send it back.
    ArpReply {
        /// The address asked for.
        ip: Ipv4Addr,
        /// The answer.
        mac: Mac,
    },
    /// Turn the Neighbour Solicitation into the advertisement "`ip` is at `mac`" and send it back (RFC 4861 §7.2.4).
    NeighbourReply {
        /// The target asked for.
        ip: Ipv6Addr,
        /// The answer.
        mac: Mac,
        /// Says that it is a router (the R flag): the gateway, and no host.
        router: bool,
    },
    /// Send the packet to the gate, through the meter of the port that the rule matches: a flood at one port takes
    /// nothing of another's share (N1).
    ToGate,
    /// Go on in a later table.
    Goto(Table),
}

/// A flow rule with its owner. Two rules of a switch with equal table, priority and match are one rule to OpenFlow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlowRule {
    /// The switch it stands on, within the site.
    pub switch: SwitchId,
    /// Its table.
    pub table: Table,
    /// Higher wins.
    pub priority: u16,
    /// What it matches.
    pub matches: FlowMatch,
    /// Whose it is.
    pub owner: CookieOwner,
    /// What it does.
    pub actions: Vec<Action>,
}

impl FlowRule {
    /// Its cookie on the wire.
    pub fn cookie(&self) -> Cookie {
        self.owner.into()
    }
}

/// The conntrack zone Sekisho uses on every switch.
pub const CONNTRACK_ZONE: u16 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_names_its_owner_and_a_foreign_one_names_nobody() {
        for owner in [
            CookieOwner::Standing,
            CookieOwner::Grant(GrantId(GrantId::MAX)),
            CookieOwner::InHouse(7),
            CookieOwner::Transit(0),
            CookieOwner::Refusal,
        ] {
            assert_eq!(Cookie::from(owner).owner(), Some(owner));
        }
        assert_eq!(Cookie(0).owner(), None);
        assert_eq!(Cookie(0x1234).owner(), None);
    }
}
