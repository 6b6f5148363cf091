//! Zones and who may originate to whom (G8; guideline sections 5.3.1 and 6.1, checklist 3-2-1 to 3-8-3).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A zone (ゾーン). Every segment, and so every host, is in exactly one (G8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// Records and claims are stored here; nothing originates from here inside the house.
    HighSecure,
    /// People's terminals.
    Secure,
    /// What the house offers to others.
    Dmz,
}

impl Zone {
    /// Every zone.
    pub const ALL: [Self; 3] = [Self::HighSecure, Self::Secure, Self::Dmz];
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HighSecure => "high-secure",
            Self::Secure => "secure",
            Self::Dmz => "dmz",
        })
    }
}

/// One side of a path: a zone of this site, or another site reached through a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneSide {
    /// Inside the house.
    Zone(Zone),
    /// Another site, through a tunnel with an agreement behind it.
    Tunnel,
}

/// What the matrix says of a pair of sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneVerdict {
    /// A connection may originate, limited to its host and port.
    Allowed,
    /// Only if one of the two hosts is a proxy.
    ViaProxy,
    /// Never.
    Denied,
}

/// May a connection originate at `from` and end at `to`?
///
/// Rows follow the guideline: no outside origin into High Secure or Secure (3-2-1); High Secure originates nothing
/// in-house (3-3-1, 3-4-1); DMZ reaches neither inner zone directly (3-5-1); Secure→High Secure, DMZ→High Secure and
/// Secure→DMZ only through a proxy (3-6-1, 3-7-1, 3-8-1); toward other sites the origin host is limited at the gateway
/// (5.3.2, 4-3-2) and a DMZ host only speaks outward as a proxy; tunnel to tunnel is a relay (G7).
pub fn may_originate(from: ZoneSide, to: ZoneSide) -> ZoneVerdict {
    use Zone::{Dmz, HighSecure, Secure};
    use ZoneSide::{Tunnel, Zone as In};
    match (from, to) {
        (In(a), In(b)) if a == b => ZoneVerdict::Allowed,
        (In(HighSecure), In(_)) => ZoneVerdict::Denied,
        (In(Secure), In(HighSecure | Dmz)) => ZoneVerdict::ViaProxy,
        (In(Dmz), In(HighSecure)) => ZoneVerdict::ViaProxy,
        (In(Dmz), In(Secure)) => ZoneVerdict::Denied,
        (In(Secure), In(Secure)) | (In(Dmz), In(Dmz)) => ZoneVerdict::Allowed,
        (In(HighSecure | Secure), Tunnel) => ZoneVerdict::Allowed,
        (In(Dmz), Tunnel) => ZoneVerdict::ViaProxy,
        (Tunnel, In(Dmz)) => ZoneVerdict::Allowed,
        (Tunnel, In(HighSecure | Secure)) => ZoneVerdict::Denied,
        (Tunnel, Tunnel) => ZoneVerdict::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_reaches_an_inner_zone_g8() {
        for zone in [Zone::HighSecure, Zone::Secure] {
            assert_eq!(may_originate(ZoneSide::Tunnel, ZoneSide::Zone(zone)), ZoneVerdict::Denied);
        }
        assert_eq!(may_originate(ZoneSide::Tunnel, ZoneSide::Tunnel), ZoneVerdict::Denied);
    }

    #[test]
    fn high_secure_originates_nothing_in_house_g8() {
        for to in [Zone::Secure, Zone::Dmz] {
            assert_eq!(may_originate(ZoneSide::Zone(Zone::HighSecure), ZoneSide::Zone(to)), ZoneVerdict::Denied);
        }
    }
}
