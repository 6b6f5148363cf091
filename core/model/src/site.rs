//! A site and what stands in it.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::{
    DeviceKind, Dpid, Generation, HostId, HostRef, InstitutionId, LineId, LocalizedName, Mac, NeverRule, Protocol,
    SegmentId, ServiceId, SiteId, SwitchId, SwitchPort, Zone,
};

/// The model a site is made from; it fixes the zones the site has (G9; guideline section 5.3.1 (2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteModel {
    /// 大規模機関型: offers services; all three zones.
    Large,
    /// 小規模機関型: uses services; High Secure and Secure.
    Small,
    /// サービスプロバイダ型: offers what small ones cannot; High Secure and DMZ.
    ServiceProvider,
}

impl SiteModel {
    /// The zones a site of this model may have.
    pub fn zones(self) -> &'static [Zone] {
        match self {
            Self::Large => &[Zone::HighSecure, Zone::Secure, Zone::Dmz],
            Self::Small => &[Zone::HighSecure, Zone::Secure],
            Self::ServiceProvider => &[Zone::HighSecure, Zone::Dmz],
        }
    }
}

/// Kind of a WAN line (G17). All but leased lines share a hop with others, so everything is encrypted on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum LineKind {
    Leased,
    Isdn,
    ClosedIp,
    WideEthernet,
    IpVpn,
    Internet,
}

/// A WAN line (回線).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its id within the site.
    pub id: LineId,
    /// Its kind (G17).
    pub kind: LineKind,
    /// Address of the gateway on this line.
    pub address: IpAddr,
}

/// An in-house OpenFlow switch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Its id within the site.
    pub id: SwitchId,
    /// Its datapath id; the TLS certificate of the switch must name the same.
    pub dpid: Dpid,
}

/// The gateway between the in-house LAN and the tunnels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// The switch port its in-house interface hangs on.
    pub uplink: SwitchPort,
    /// MAC of that interface.
    pub mac: Mac,
    /// Identity in IKE: a DNS name that its certificate carries (RFC 7296 §3.5 ID_FQDN).
    pub ike_identity: String,
}

/// A VLAN with its prefix, in exactly one zone (G8).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its id within the site.
    pub id: SegmentId,
    /// Its zone.
    pub zone: Zone,
    /// VLAN id, 1 to 4094, unique in the site.
    pub vlan: u16,
    /// Its prefix; no other segment of any site may overlap it.
    pub prefix: IpNet,
    /// The gateway's address in it; the first that one router may have (`.1`, `::1`) if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
}

impl Segment {
    /// The gateway's address in this segment.
    pub fn gateway_address(&self) -> IpAddr {
        // The lowest address of an IPv6 prefix is any router's (RFC 4291 §2.6.1), but on a link of two (RFC 6164).
        let taken = matches!(self.prefix, IpNet::V6(net) if net.prefix_len() < 127);
        let first = || self.prefix.hosts().nth(usize::from(taken)).unwrap_or(self.prefix.addr());
        self.gateway.unwrap_or_else(first)
    }
}

/// Which way a proxy speaks (G18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyKind {
    /// 内部プロキシ: outbound only.
    Internal,
    /// 外部プロキシ: inbound, in the DMZ.
    External,
}

/// An addressed endpoint bound to (switch port, MAC, IP); anything else on that port is dropped (G16).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its id within the site.
    pub id: HostId,
    /// Its segment, hence its zone.
    pub segment: SegmentId,
    /// Its address, inside the segment's prefix.
    pub address: IpAddr,
    /// Its MAC.
    pub mac: Mac,
    /// The switch port it hangs on; one host a port.
    pub port: SwitchPort,
    /// True if people open connections from it: then it has a registered device certificate.
    #[serde(default)]
    pub terminal: bool,
    /// What it is for; services may admit certain kinds only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DeviceKind>,
    /// Set if it is a proxy (G18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyKind>,
}

/// A line of the site's whitelist (ホワイトリスト, N1): which of its people and hosts may use which service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowRule {
    /// hcRole texts that may (exact UTF-8, ISO 17090-3); at least one.
    pub roles: Vec<String>,
    /// Terminals they may use; at least one.
    pub from: Vec<HostId>,
    /// The service.
    pub service: ServiceId,
}

/// A standing in-house rule: `from` may originate to `to`, if the zone matrix agrees (G8).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InHouseRule {
    /// Where it originates.
    pub from: HostId,
    /// Where it ends.
    pub to: HostId,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Destination ports.
    pub ports: Vec<u16>,
}

/// A wish to carry traffic between two other sites through this one. Sound only inside one legal entity (G7); the
/// planner does as it is told and the proof refuses the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitRule {
    /// Where it originates, at another site.
    pub from: HostRef,
    /// Where it ends, at a third site.
    pub to: HostRef,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Destination ports.
    pub ports: Vec<u16>,
}

/// A place with a gate (拠点). Valid only inside a [`crate::Network`], which checks it against its neighbours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name, if it has one of its own.
    pub name: Option<LocalizedName>,
    /// The legal entity it belongs to.
    pub institution: InstitutionId,
    /// The model it is made from.
    pub model: SiteModel,
    /// WAN lines; the first carries the tunnels.
    pub lines: Vec<Line>,
    /// The in-house switch.
    pub switch: Switch,
    /// The gateway.
    pub gateway: Gateway,
    /// Segments by id.
    pub segments: BTreeMap<SegmentId, Segment>,
    /// Hosts by id.
    pub hosts: BTreeMap<HostId, Host>,
    /// Whitelist, in the order written.
    pub allow: Vec<AllowRule>,
    /// In-house rules, in the order written.
    pub in_house: Vec<InHouseRule>,
    /// Transit wishes, in the order written.
    pub transit: Vec<TransitRule>,
    /// What it forbids itself, in the order written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<NeverRule>,
}

impl Site {
    /// The segment a host is in.
    pub fn segment_of(&self, host: &Host) -> Option<&Segment> {
        self.segments.get(&host.segment)
    }
    /// The zone a host is in.
    pub fn zone_of(&self, host: &Host) -> Option<Zone> {
        self.segment_of(host).map(|s| s.zone)
    }
    /// Address of the gateway on the line that carries the tunnels.
    pub fn wan_address(&self) -> Option<IpAddr> {
        self.lines.first().map(|l| l.address)
    }
    /// The host that owns an address.
    pub fn host_at(&self, address: IpAddr) -> Option<&Host> {
        self.hosts.values().find(|h| h.address == address)
    }
    /// What other sites must know of this one.
    pub fn as_peer(&self) -> Option<PeerFacts> {
        Some(PeerFacts {
            institution: self.institution.clone(),
            address: self.wan_address()?,
            ike_identity: self.gateway.ike_identity.clone(),
            prefixes: self.segments.values().map(|s| s.prefix).collect(),
        })
    }
}

/// What a gate knows of another site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerFacts {
    /// Its legal entity.
    pub institution: InstitutionId,
    /// WAN address of its gateway.
    pub address: IpAddr,
    /// Its identity in IKE.
    pub ike_identity: String,
    /// Its in-house prefixes.
    pub prefixes: Vec<IpNet>,
}

/// Everything a site's tables are judged against: its own document and its neighbours'.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SiteFacts {
    /// The site itself.
    pub site: Site,
    /// The sites it may have tunnels with. Everybody knows everybody, so what is known is shared, not copied.
    #[serde(with = "shared")]
    pub peers: BTreeMap<SiteId, Arc<PeerFacts>>,
}

/// Shared or not, what is written is the same.
mod shared {
    use super::{Arc, BTreeMap, PeerFacts, SiteId};
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(peers: &BTreeMap<SiteId, Arc<PeerFacts>>, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(peers.iter().map(|(id, peer)| (id, peer.as_ref())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<SiteId, Arc<PeerFacts>>, D::Error> {
        let peers = BTreeMap::<SiteId, PeerFacts>::deserialize(d)?;
        Ok(peers.into_iter().map(|(id, peer)| (id, Arc::new(peer))).collect())
    }
}

impl SiteFacts {
    /// The peer whose prefixes hold an address.
    pub fn peer_at(&self, address: IpAddr) -> Option<(&SiteId, &PeerFacts)> {
        let found = self.peers.iter().find(|(_, p)| p.prefixes.iter().any(|n| n.contains(&address)));
        found.map(|(id, peer)| (id, peer.as_ref()))
    }
    /// The state of a site nothing was ever planned for.
    pub fn generation_zero() -> Generation {
        Generation(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_nobody_names_has_the_first_address_a_router_may_have() {
        for (prefix, gateway) in [
            ("10.1.20.0/24", "10.1.20.1"),
            ("10.1.20.64/26", "10.1.20.65"),
            ("fd00:0:1:20::/64", "fd00:0:1:20::1"),
            ("fd00::4/126", "fd00::5"),
            ("fd00::4/127", "fd00::4"),
            ("fd00::4/128", "fd00::4"),
        ] {
            let segment = Segment {
                id: "exam".parse().unwrap(),
                zone: crate::Zone::Secure,
                vlan: 10,
                prefix: prefix.parse().unwrap(),
                gateway: None,
            };
            assert_eq!(segment.gateway_address(), gateway.parse::<IpAddr>().unwrap(), "{prefix}");
        }
    }
}
