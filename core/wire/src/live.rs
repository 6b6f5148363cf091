//! The live picture (G14): sites, zones, hosts, open lines, who and until when. `GET /v1/live` of the operator API.

use model::{GrantId, HostId, InstitutionId, LocalizedName, SiteId, SiteModel, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::api::ConnectionView;

/// What is, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveView {
    /// The center's clock.
    pub now: Timestamp,
    /// Name and version of the center's software.
    pub software: String,
    /// Sites by id.
    pub sites: Vec<LiveSite>,
    /// Connections that are not closed, by grant.
    pub lines: Vec<LiveLine>,
}

/// A site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSite {
    /// Its id.
    pub site: SiteId,
    /// Its own name, or that of its institution.
    pub name: LocalizedName,
    /// Its legal entity.
    pub institution: InstitutionId,
    /// The model it is made from.
    pub model: SiteModel,
    /// Is its gate linked to the center?
    pub linked: bool,
    /// Does the gate say that what is wanted is in force?
    pub in_force: bool,
    /// Complaints of its gate that are not over.
    pub alarms: usize,
    /// Its zones, innermost first, with their hosts by id.
    pub zones: Vec<LiveZone>,
}

/// A zone of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveZone {
    /// Which.
    pub zone: Zone,
    /// Its hosts by id.
    pub hosts: Vec<LiveHost>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveHost {
    /// Its id within the site.
    pub host: HostId,
    /// Its address.
    pub address: IpAddr,
    /// Do people open connections from it?
    pub terminal: bool,
}

/// A connection that is not closed, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveLine {
    /// Where it goes and until when.
    #[serde(flatten)]
    pub connection: ConnectionView,
    /// The service's name.
    pub service_name: LocalizedName,
    /// Who opened it: the name on the card.
    pub person: String,
    /// hcRole text, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl LiveLine {
    /// Its grant.
    pub fn grant(&self) -> GrantId {
        self.connection.grant
    }
}
