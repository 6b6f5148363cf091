//! Sites and what is judged against them.

use std::sync::Arc;

use model::{
    AllowRule, Dpid, Gateway, Host, HostRef, InHouseRule, Line, LineKind, LocalizedName, NeverRule, PeerFacts, PortNo,
    ProxyKind, Segment, Site, SiteFacts, SiteId, SiteModel, Switch, SwitchPort, TransitRule,
};

use crate::fields::{
    enums, fit, map, maybe, messages, noun, nouns, ports, protocol_from, protocol_to, read, read_all, read_maybe, wide,
    zone_from, zone_to,
};
use crate::{Wire, WireError, link as pb};

enums! {
    model_to, model_from: SiteModel = pb::SiteModel {
        SiteModel::Large => Large / SiteModel::Large,
        SiteModel::Small => Small / SiteModel::Small,
        SiteModel::ServiceProvider => ServiceProvider / SiteModel::ServiceProvider,
    }
    line_kind_to, line_kind_from: LineKind = pb::LineKind {
        LineKind::Leased => Leased / LineKind::Leased,
        LineKind::Isdn => Isdn / LineKind::Isdn,
        LineKind::ClosedIp => ClosedIp / LineKind::ClosedIp,
        LineKind::WideEthernet => WideEthernet / LineKind::WideEthernet,
        LineKind::IpVpn => IpVpn / LineKind::IpVpn,
        LineKind::Internet => Internet / LineKind::Internet,
    }
    proxy_to, proxy_from: ProxyKind = pb::ProxyKind {
        ProxyKind::Internal => Internal / ProxyKind::Internal,
        ProxyKind::External => External / ProxyKind::External,
    }
}

impl Wire for SiteFacts {
    type Message = pb::SiteFacts;
    fn to_message(&self) -> pb::SiteFacts {
        let peers = self.peers.iter().map(|(site, p)| pb::Peer {
            site: site.to_string(),
            institution: p.institution.to_string(),
            address: p.address.to_string(),
            ike_identity: p.ike_identity.clone(),
            prefixes: p.prefixes.iter().map(ToString::to_string).collect(),
        });
        pb::SiteFacts { site: Some(self.site.to_message()), peers: peers.collect() }
    }
    fn from_message(m: pb::SiteFacts) -> Result<Self, WireError> {
        let peers = m
            .peers
            .into_iter()
            .enumerate()
            .map(|(n, p)| peer(p).map_err(|e| e.within(&format!("[{n}]")).within("peers")));
        let peers = map("peers", peers.collect::<Result<Vec<_>, _>>()?, |(site, _)| site.clone())?;
        Ok(Self { site: noun("site", m.site)?, peers: peers.into_values().collect() })
    }
}

fn peer(m: pb::Peer) -> Result<(SiteId, Arc<PeerFacts>), WireError> {
    let facts = PeerFacts {
        institution: read("institution", &m.institution)?,
        address: read("address", &m.address)?,
        ike_identity: m.ike_identity,
        prefixes: read_all("prefixes", &m.prefixes)?,
    };
    Ok((read("site", &m.site)?, Arc::new(facts)))
}

impl Wire for Site {
    type Message = pb::Site;
    fn to_message(&self) -> pb::Site {
        pb::Site {
            id: self.id.to_string(),
            name: self.name.as_ref().map(Wire::to_message),
            institution: self.institution.to_string(),
            model: model_to(self.model),
            lines: messages(&self.lines),
            switch: Some(self.switch.to_message()),
            gateway: Some(self.gateway.to_message()),
            segments: messages(self.segments.values()),
            hosts: messages(self.hosts.values()),
            allow: messages(&self.allow),
            in_house: messages(&self.in_house),
            transit: messages(&self.transit),
            never: messages(&self.never),
        }
    }
    fn from_message(m: pb::Site) -> Result<Self, WireError> {
        Ok(Self {
            id: read("id", &m.id)?,
            name: maybe("name", m.name)?,
            institution: read("institution", &m.institution)?,
            model: model_from("model", m.model)?,
            lines: nouns("lines", m.lines)?,
            switch: noun("switch", m.switch)?,
            gateway: noun("gateway", m.gateway)?,
            segments: map("segments", nouns::<Segment, Vec<_>>("segments", m.segments)?, |s| s.id.clone())?,
            hosts: map("hosts", nouns::<Host, Vec<_>>("hosts", m.hosts)?, |h| h.id.clone())?,
            allow: nouns("allow", m.allow)?,
            in_house: nouns("in_house", m.in_house)?,
            transit: nouns("transit", m.transit)?,
            never: nouns("never", m.never)?,
        })
    }
}

impl Wire for LocalizedName {
    type Message = pb::LocalizedName;
    fn to_message(&self) -> pb::LocalizedName {
        pb::LocalizedName { ja: self.ja.clone(), en: self.en.clone() }
    }
    fn from_message(m: pb::LocalizedName) -> Result<Self, WireError> {
        Ok(Self { ja: m.ja, en: m.en })
    }
}

impl Wire for HostRef {
    type Message = pb::HostRef;
    fn to_message(&self) -> pb::HostRef {
        pb::HostRef { site: self.site.to_string(), host: self.host.to_string() }
    }
    fn from_message(m: pb::HostRef) -> Result<Self, WireError> {
        Ok(Self { site: read("site", &m.site)?, host: read("host", &m.host)? })
    }
}

impl Wire for SwitchPort {
    type Message = pb::SwitchPort;
    fn to_message(&self) -> pb::SwitchPort {
        pb::SwitchPort { switch: self.switch.to_string(), port: self.port.0 }
    }
    fn from_message(m: pb::SwitchPort) -> Result<Self, WireError> {
        Ok(Self { switch: read("switch", &m.switch)?, port: PortNo(m.port) })
    }
}

impl Wire for Line {
    type Message = pb::Line;
    fn to_message(&self) -> pb::Line {
        pb::Line { id: self.id.to_string(), kind: line_kind_to(self.kind), address: self.address.to_string() }
    }
    fn from_message(m: pb::Line) -> Result<Self, WireError> {
        Ok(Self {
            id: read("id", &m.id)?,
            kind: line_kind_from("kind", m.kind)?,
            address: read("address", &m.address)?,
        })
    }
}

impl Wire for Switch {
    type Message = pb::Switch;
    fn to_message(&self) -> pb::Switch {
        pb::Switch { id: self.id.to_string(), dpid: self.dpid.0 }
    }
    fn from_message(m: pb::Switch) -> Result<Self, WireError> {
        Ok(Self { id: read("id", &m.id)?, dpid: Dpid(m.dpid) })
    }
}

impl Wire for Gateway {
    type Message = pb::Gateway;
    fn to_message(&self) -> pb::Gateway {
        pb::Gateway {
            uplink: Some(self.uplink.to_message()),
            mac: self.mac.to_string(),
            ike_identity: self.ike_identity.clone(),
        }
    }
    fn from_message(m: pb::Gateway) -> Result<Self, WireError> {
        Ok(Self { uplink: noun("uplink", m.uplink)?, mac: read("mac", &m.mac)?, ike_identity: m.ike_identity })
    }
}

impl Wire for Segment {
    type Message = pb::Segment;
    fn to_message(&self) -> pb::Segment {
        pb::Segment {
            id: self.id.to_string(),
            zone: zone_to(self.zone),
            vlan: u32::from(self.vlan),
            prefix: self.prefix.to_string(),
            gateway: self.gateway.map(|g| g.to_string()),
        }
    }
    fn from_message(m: pb::Segment) -> Result<Self, WireError> {
        Ok(Self {
            id: read("id", &m.id)?,
            zone: zone_from("zone", m.zone)?,
            vlan: fit("vlan", m.vlan)?,
            prefix: read("prefix", &m.prefix)?,
            gateway: read_maybe("gateway", m.gateway.as_deref())?,
        })
    }
}

impl Wire for Host {
    type Message = pb::Host;
    fn to_message(&self) -> pb::Host {
        pb::Host {
            id: self.id.to_string(),
            segment: self.segment.to_string(),
            address: self.address.to_string(),
            mac: self.mac.to_string(),
            port: Some(self.port.to_message()),
            terminal: self.terminal,
            proxy: self.proxy.map(proxy_to),
            kind: self.kind.as_ref().map(ToString::to_string),
        }
    }
    fn from_message(m: pb::Host) -> Result<Self, WireError> {
        Ok(Self {
            id: read("id", &m.id)?,
            segment: read("segment", &m.segment)?,
            address: read("address", &m.address)?,
            mac: read("mac", &m.mac)?,
            port: noun("port", m.port)?,
            terminal: m.terminal,
            proxy: m.proxy.map(|p| proxy_from("proxy", p)).transpose()?,
            kind: read_maybe("kind", m.kind.as_deref())?,
        })
    }
}

impl Wire for AllowRule {
    type Message = pb::AllowRule;
    fn to_message(&self) -> pb::AllowRule {
        pb::AllowRule {
            roles: self.roles.clone(),
            from: self.from.iter().map(ToString::to_string).collect(),
            service: self.service.to_string(),
        }
    }
    fn from_message(m: pb::AllowRule) -> Result<Self, WireError> {
        Ok(Self { roles: m.roles, from: read_all("from", &m.from)?, service: read("service", &m.service)? })
    }
}

impl Wire for InHouseRule {
    type Message = pb::InHouseRule;
    fn to_message(&self) -> pb::InHouseRule {
        pb::InHouseRule {
            from: self.from.to_string(),
            to: self.to.to_string(),
            protocol: protocol_to(self.protocol),
            ports: wide(&self.ports),
        }
    }
    fn from_message(m: pb::InHouseRule) -> Result<Self, WireError> {
        Ok(Self {
            from: read("from", &m.from)?,
            to: read("to", &m.to)?,
            protocol: protocol_from("protocol", m.protocol)?,
            ports: ports("ports", &m.ports)?,
        })
    }
}

impl Wire for TransitRule {
    type Message = pb::TransitRule;
    fn to_message(&self) -> pb::TransitRule {
        pb::TransitRule {
            from: Some(self.from.to_message()),
            to: Some(self.to.to_message()),
            protocol: protocol_to(self.protocol),
            ports: wide(&self.ports),
        }
    }
    fn from_message(m: pb::TransitRule) -> Result<Self, WireError> {
        Ok(Self {
            from: noun("from", m.from)?,
            to: noun("to", m.to)?,
            protocol: protocol_from("protocol", m.protocol)?,
            ports: ports("ports", &m.ports)?,
        })
    }
}

impl Wire for NeverRule {
    type Message = pb::NeverRule;
    fn to_message(&self) -> pb::NeverRule {
        pb::NeverRule {
            id: self.id.to_string(),
            from: self.from.to_string(),
            to: self.to.to_string(),
            because: Some(self.because.to_message()),
        }
    }
    fn from_message(m: pb::NeverRule) -> Result<Self, WireError> {
        Ok(Self {
            id: read("id", &m.id)?,
            from: read("from", &m.from)?,
            to: read("to", &m.to)?,
            because: noun("because", m.because)?,
        })
    }
}
