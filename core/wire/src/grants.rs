//! Grants, tunnels and filters.

use model::{Cookie, Endpoint, Filter, FilterSide, FlowDirection, Grant, Renewal, Selector, Timestamp, Tunnel};

use crate::fields::{enums, grant_id, noun, ports, protocol_from, protocol_to, read, wide, zone_from, zone_to};
use crate::{Wire, WireError, link as pb};

enums! {
    side_to, side_from: FilterSide = pb::FilterSide {
        FilterSide::Lan => Lan / FilterSide::Lan,
        FilterSide::Tunnel => Tunnel / FilterSide::Tunnel,
    }
    direction_to, direction_from: FlowDirection = pb::FlowDirection {
        FlowDirection::Origin => Origin / FlowDirection::Origin,
        FlowDirection::Reply => Reply / FlowDirection::Reply,
    }
}

/// The owner a cookie names.
pub(crate) fn owner_from(field: &str, cookie: u64) -> Result<model::CookieOwner, WireError> {
    Cookie(cookie)
        .owner()
        .ok_or_else(|| WireError::new(format!("{} names no owner this version knows", Cookie(cookie))).within(field))
}

impl Wire for Endpoint {
    type Message = pb::Endpoint;
    fn to_message(&self) -> pb::Endpoint {
        pb::Endpoint {
            site: self.site.to_string(),
            institution: self.institution.to_string(),
            host: self.host.to_string(),
            address: self.address.to_string(),
            zone: zone_to(self.zone),
        }
    }
    fn from_message(m: pb::Endpoint) -> Result<Self, WireError> {
        Ok(Self {
            site: read("site", &m.site)?,
            institution: read("institution", &m.institution)?,
            host: read("host", &m.host)?,
            address: read("address", &m.address)?,
            zone: zone_from("zone", m.zone)?,
        })
    }
}

impl Wire for Grant {
    type Message = pb::Grant;
    fn to_message(&self) -> pb::Grant {
        pb::Grant {
            id: self.id.0,
            agreement: self.agreement.to_string(),
            service: self.service.to_string(),
            origin: Some(self.origin.to_message()),
            destination: Some(self.destination.to_message()),
            protocol: protocol_to(self.protocol),
            ports: wide(&self.ports),
            granted_at: self.granted_at.0,
            lease_until: self.lease_until.0,
            idle_ms: self.idle_ms,
        }
    }
    fn from_message(m: pb::Grant) -> Result<Self, WireError> {
        Ok(Self {
            id: grant_id("id", m.id)?,
            agreement: read("agreement", &m.agreement)?,
            service: read("service", &m.service)?,
            origin: noun("origin", m.origin)?,
            destination: noun("destination", m.destination)?,
            protocol: protocol_from("protocol", m.protocol)?,
            ports: ports("ports", &m.ports)?,
            granted_at: Timestamp(m.granted_at),
            lease_until: Timestamp(m.lease_until),
            idle_ms: m.idle_ms,
        })
    }
}

impl Wire for Renewal {
    type Message = pb::Renewal;
    fn to_message(&self) -> pb::Renewal {
        pb::Renewal { grant: self.grant.0, lease_until: self.lease_until.0 }
    }
    fn from_message(m: pb::Renewal) -> Result<Self, WireError> {
        Ok(Self { grant: grant_id("grant", m.grant)?, lease_until: Timestamp(m.lease_until) })
    }
}

impl Wire for Selector {
    type Message = pb::Selector;
    fn to_message(&self) -> pb::Selector {
        pb::Selector {
            address: self.address.to_string(),
            protocol: protocol_to(self.protocol),
            ports: wide(&self.ports),
        }
    }
    fn from_message(m: pb::Selector) -> Result<Self, WireError> {
        Ok(Self {
            address: read("address", &m.address)?,
            protocol: protocol_from("protocol", m.protocol)?,
            ports: ports("ports", &m.ports)?,
        })
    }
}

impl Wire for Tunnel {
    type Message = pb::Tunnel;
    fn to_message(&self) -> pb::Tunnel {
        pb::Tunnel {
            grant: self.grant.0,
            peer: self.peer.to_string(),
            local: Some(self.local.to_message()),
            remote: Some(self.remote.to_message()),
            initiator: self.initiator,
        }
    }
    fn from_message(m: pb::Tunnel) -> Result<Self, WireError> {
        Ok(Self {
            grant: grant_id("grant", m.grant)?,
            peer: read("peer", &m.peer)?,
            local: noun("local", m.local)?,
            remote: noun("remote", m.remote)?,
            initiator: m.initiator,
        })
    }
}

impl Wire for Filter {
    type Message = pb::Filter;
    fn to_message(&self) -> pb::Filter {
        pb::Filter {
            cookie: Cookie::from(self.owner).0,
            from: side_to(self.from),
            to: side_to(self.to),
            source: self.source.to_string(),
            destination: self.destination.to_string(),
            protocol: protocol_to(self.protocol),
            ports: wide(&self.ports),
            direction: direction_to(self.direction),
        }
    }
    fn from_message(m: pb::Filter) -> Result<Self, WireError> {
        Ok(Self {
            owner: owner_from("cookie", m.cookie)?,
            from: side_from("from", m.from)?,
            to: side_from("to", m.to)?,
            source: read("source", &m.source)?,
            destination: read("destination", &m.destination)?,
            protocol: protocol_from("protocol", m.protocol)?,
            ports: ports("ports", &m.ports)?,
            direction: direction_from("direction", m.direction)?,
        })
    }
}
