//! What was permitted.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::{AgreementId, GrantId, HostId, HostRef, InstitutionId, Protocol, ServiceId, SiteId, Timestamp, Zone};

/// One end of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// The site.
    pub site: SiteId,
    /// Its legal entity.
    pub institution: InstitutionId,
    /// The host in it.
    pub host: HostId,
    /// The host's address.
    pub address: IpAddr,
    /// The host's zone.
    pub zone: Zone,
}

impl Endpoint {
    /// The host, named from outside its site.
    pub fn host_ref(&self) -> HostRef {
        HostRef { site: self.site.clone(), host: self.host.clone() }
    }
}

/// A permission (許可) with an end: from one host to one host, one protocol, these ports, until the lease ends. It
/// names no person: gates need none, and what they do not hold they cannot lose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// Its number.
    pub id: GrantId,
    /// The agreement it stands on.
    pub agreement: AgreementId,
    /// The service it opens.
    pub service: ServiceId,
    /// Where connections originate.
    pub origin: Endpoint,
    /// Where they end.
    pub destination: Endpoint,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Destination ports, sorted, at least one.
    pub ports: Vec<u16>,
    /// When it was given.
    pub granted_at: Timestamp,
    /// First instant it no longer holds.
    pub lease_until: Timestamp,
    /// Ends when no packet passed either way for so long, milliseconds; the gates enforce it. Never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<i64>,
}

impl Grant {
    /// The end that stands at a site, if any, and whether it is the origin.
    pub fn end_at(&self, site: &SiteId) -> Option<(&Endpoint, bool)> {
        if &self.origin.site == site {
            Some((&self.origin, true))
        } else if &self.destination.site == site {
            Some((&self.destination, false))
        } else {
            None
        }
    }
}
