//! Tunnels: one IKE connection per pair of sites, one CHILD_SA per grant (RFC 7296 §1.3.1, §2.9).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

use crate::{GrantId, Protocol, SiteId};

/// One end of a traffic selector, always a single host (RFC 7296 §3.13.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Selector {
    /// The host.
    pub address: IpAddr,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Ports; empty means any (the origin's ephemeral side).
    pub ports: Vec<u16>,
}

impl fmt::Display for Selector {
    /// strongSwan's syntax, one selector a port, joined by commas: `10.2.0.10/32[tcp/443]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.address.is_ipv4() { 32 } else { 128 };
        if self.ports.is_empty() {
            return write!(f, "{}/{bits}[{}]", self.address, self.protocol);
        }
        for (i, port) in self.ports.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}/{bits}[{}/{port}]", self.address, self.protocol)?;
        }
        Ok(())
    }
}

/// The tunnel of one grant as one of its two sites sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tunnel {
    /// The grant it serves.
    pub grant: GrantId,
    /// The site at the other end.
    pub peer: SiteId,
    /// Traffic of this side.
    pub local: Selector,
    /// Traffic of the other side.
    pub remote: Selector,
    /// True at exactly one end: the one that initiates (RFC 7296 §2.8 simultaneous initiation is avoided, not solved).
    pub initiator: bool,
}
