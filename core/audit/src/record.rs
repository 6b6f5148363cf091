//! What audit events are made of.

use model::{
    AgreementId, Generation, Grant, GrantId, HostRef, Passage, Protocol, Section, ServiceId, SiteId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::Digest;

/// Who it was, as the card says. Personal data: only entries of the center hold it, evidence of gates cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Display name, the certificate's common name.
    pub name: String,
    /// hcRole as in the certificate (ISO 17090-3), if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// SHA-256 of the card's certificate.
    pub certificate: Digest,
}

/// A reason for a refusal, with its section of responsibility (N12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonRecord {
    /// Stable code, e.g. `D017`.
    pub code: String,
    /// Whose section it lies in.
    pub section: Section,
    /// Fluent key of its text; the remedy's is this with `-do`.
    pub key: String,
    /// Values of the text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
}

/// A site and the number of its wanted state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteGeneration {
    /// The site.
    pub site: SiteId,
    /// Its generation.
    pub generation: Generation,
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseCause {
    /// The person asked.
    Person,
    /// The lease ended.
    Lease,
    /// Nothing passed for too long.
    Idle,
    /// The card was revoked.
    CardRevoked,
    /// The terminal is no longer healthy.
    DeviceUnhealthy,
    /// The agreement ended.
    AgreementEnded,
    /// An operator asked.
    Operator,
    /// Applied documents no longer allow it.
    NetworkChanged,
    /// The gate or gateway at the other end is gone.
    PeerDead,
    /// It never became open.
    NotOpened,
    /// The exact proof refused it after it was committed.
    Vetoed,
    /// The person signed out.
    SignedOut,
    /// The session ended by itself: card, device certificate or policy set its end.
    SessionOver,
    /// Another person signed in at the terminal.
    Replaced,
    /// An exclusive service of its group was opened (N8).
    Exclusive,
    /// The terminal's device certificate was revoked.
    DeviceRevoked,
    /// The gate of one of its ends was revoked.
    GateRevoked,
    /// The service no longer admits the qualification.
    RoleRemoved,
    /// The site's whitelist no longer has a rule for it.
    RuleRemoved,
    /// The service is gone, or is another one now.
    ServiceChanged,
    /// One of the two sites no longer passes its checksheet (G12).
    ChecksheetEnded,
}

impl CloseCause {
    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Lease => "lease",
            Self::Idle => "idle",
            Self::CardRevoked => "card-revoked",
            Self::DeviceUnhealthy => "device-unhealthy",
            Self::AgreementEnded => "agreement-ended",
            Self::Operator => "operator",
            Self::NetworkChanged => "network-changed",
            Self::PeerDead => "peer-dead",
            Self::NotOpened => "not-opened",
            Self::Vetoed => "vetoed",
            Self::SignedOut => "signed-out",
            Self::SessionOver => "session-over",
            Self::Replaced => "replaced",
            Self::Exclusive => "exclusive",
            Self::DeviceRevoked => "device-revoked",
            Self::GateRevoked => "gate-revoked",
            Self::RoleRemoved => "role-removed",
            Self::RuleRemoved => "rule-removed",
            Self::ServiceChanged => "service-changed",
            Self::ChecksheetEnded => "checksheet-ended",
        }
    }

    /// Whose section it lies in, where it ends what somebody still wanted (N12).
    pub fn section(self) -> Option<Section> {
        match self {
            Self::Person | Self::Lease | Self::Idle | Self::SignedOut | Self::SessionOver | Self::NotOpened => None,
            Self::CardRevoked | Self::DeviceUnhealthy | Self::DeviceRevoked | Self::Replaced => Some(Section::Terminal),
            Self::Exclusive
            | Self::RuleRemoved
            | Self::AgreementEnded
            | Self::ChecksheetEnded
            | Self::NetworkChanged => Some(Section::InHouseLan),
            Self::RoleRemoved | Self::ServiceChanged | Self::PeerDead => Some(Section::Peer),
            Self::Operator | Self::Vetoed | Self::GateRevoked => Some(Section::Operator),
        }
    }
}

/// What came of asking the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalAnswer {
    /// Somebody agreed.
    Given,
    /// Somebody refused.
    Refused,
    /// Nobody answered in time.
    Expired,
}

/// What a foreign hand did to an entry of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum ForeignChange {
    Added,
    Modified,
    Deleted,
}
impl fmt::Display for CloseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was done with a piece of evidence (chain of custody, RFC 3227 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustodyAction {
    /// Discovered and collected.
    Collected,
    /// Handled or examined.
    Examined,
    /// Handed from one custodian to another.
    Transferred,
    /// Put into storage.
    Archived,
    /// Destroyed at the end of its retention.
    Destroyed,
}

/// The three points where a connection leaves evidence (証跡, G13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Gate of the origin site (接続元).
    Source,
    /// The center (アクセスポイント).
    AccessPoint,
    /// Gate of the destination site (接続先).
    Destination,
}

impl Point {
    /// All, from the person outwards.
    pub const ALL: [Self; 3] = [Self::Source, Self::AccessPoint, Self::Destination];
    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::AccessPoint => "access-point",
            Self::Destination => "destination",
        }
    }
}
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which moment of a connection an observation is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Everything of it stands.
    Opened,
    /// Nothing of it is left.
    Closed,
}

impl Phase {
    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
        }
    }
}
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Packets and bytes as OpenFlow counts them, Ethernet header included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What the rules of a grant carried at one site, from the first rule to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// From the origin host to the destination host.
    pub forth: Count,
    /// From the destination host to the origin host.
    pub back: Count,
    /// False if counters were lost on the way (the switch restarted): then the numbers are not compared.
    pub complete: bool,
}

/// What one point recorded of a grant at one moment. Names hosts, never a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The grant.
    pub grant: GrantId,
    /// The observing site; absent for the access point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// The moment.
    pub phase: Phase,
    /// When, by the observer's own clock.
    pub at: Timestamp,
    /// The agreement.
    pub agreement: AgreementId,
    /// The service.
    pub service: ServiceId,
    /// Origin host.
    pub origin: HostRef,
    /// Its address.
    pub origin_address: IpAddr,
    /// Destination host.
    pub destination: HostRef,
    /// Its address.
    pub destination_address: IpAddr,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Destination ports.
    pub ports: Vec<u16>,
    /// End of the lease.
    pub lease_until: Timestamp,
    /// Flow rules of the grant seen on the switch; absent for the access point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<u32>,
    /// Is its CHILD_SA up? Absent for the access point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sa: Option<bool>,
    /// What passed; with `closed` at the two gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// When its first and its last packet passed, with `closed`; absent if none did. A gate's own observation; the access
    /// point, which no packet of a line passes, says between when and when it must have been by what it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passage: Option<Passage>,
}

impl Observation {
    /// What a point says of a grant at a moment; a gate adds `site`, `flows`, `sa` and, at the end, `traffic`.
    pub fn of(grant: &Grant, phase: Phase, at: Timestamp) -> Self {
        Self {
            grant: grant.id,
            site: None,
            phase,
            at,
            agreement: grant.agreement.clone(),
            service: grant.service.clone(),
            origin: grant.origin.host_ref(),
            origin_address: grant.origin.address,
            destination: grant.destination.host_ref(),
            destination_address: grant.destination.address,
            protocol: grant.protocol,
            ports: grant.ports.clone(),
            lease_until: grant.lease_until,
            flows: None,
            sa: None,
            traffic: None,
            passage: None,
        }
    }
}
