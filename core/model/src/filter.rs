//! Filters in the gateway's red namespace: the second lock (G5, G6).

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::{CookieOwner, Protocol};

/// A side of the red namespace. There is no WAN side: no WAN interface exists in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilterSide {
    /// The interface toward the in-house switch.
    Lan,
    /// The tunnel device.
    Tunnel,
}

/// Direction of a packet relative to the connection it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowDirection {
    /// From the originator: may begin a connection; `ports` are destination ports.
    Origin,
    /// Back to the originator: only of an established connection; `ports` are source ports.
    Reply,
}

/// Something the forward chain accepts; everything else it drops.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// Whose it is.
    pub owner: CookieOwner,
    /// Where the packet comes from.
    pub from: FilterSide,
    /// Where it goes.
    pub to: FilterSide,
    /// Source host.
    pub source: IpAddr,
    /// Destination host.
    pub destination: IpAddr,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Ports of the serving side, at least one.
    pub ports: Vec<u16>,
    /// Direction.
    pub direction: FlowDirection,
}
