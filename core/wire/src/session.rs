//! JSON of what a person does at a terminal, and of an operator's cuts.
//!
//! Terminal API: `POST /v1/login` ([`LoginCall`] → [`SessionView`]), `POST /v1/logout` (→ [`SessionView`]),
//! `GET /v1/services` (→ [`ServicesView`]), `POST /v1/session/open` ([`ServiceCall`] → [`crate::api::OpenReport`]),
//! `POST /v1/extend` ([`ExtendCall`] → [`crate::api::ConnectionView`]), `GET /v1/approvals` (→ [`ApprovalsView`]),
//! `POST /v1/approvals/{number}` ([`AnswerCall`] → [`ApprovalsView`]).
//!
//! Operator API: `POST /v1/cut` ([`CutCall`] → [`CutReport`]), `GET /v1/live?after=N` (waits for a change after tick N,
//! at most half a minute, → [`Watched`]), `GET /v1/live/events` (server-sent events: a `change` with its tick as data
//! whenever anything changes).

use model::{
    AgreementId, ApprovalId, GrantId, HostRef, LocalizedName, Protocol, ServiceId, ServiceKind, SessionId, SiteId,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use texts::Reason;

use crate::api::{ConnectionView, PersonView};
use crate::live::LiveView;

/// A person signs in at this terminal. The card signs `pki::challenge_message(nonce, exporter,
/// sha256(SignIn { at: this terminal }.signed_bytes()))`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginCall {
    /// From [`crate::api::ChallengeIssued`].
    pub challenge: String,
    /// The card's certificate chain, end entity first: DER, base64.
    pub chain: Vec<String>,
    /// The card's signature, base64.
    pub signature: String,
}

/// Somebody is signed in at a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Its number.
    pub session: SessionId,
    /// The terminal.
    pub at: HostRef,
    /// Who.
    pub person: PersonView,
    /// Since when.
    pub since: Timestamp,
    /// First instant it is over, whatever happens.
    pub until: Timestamp,
}

/// How a service stands for the person at a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// It opens when it is asked for, or with its first packet.
    Closed,
    /// It would be refused now; the reasons say why.
    Refused,
    /// The provider was asked and has not answered.
    WaitingApproval,
    /// On its way.
    Opening,
    /// Open.
    Open,
    /// Being closed.
    Closing,
}

impl ServiceState {
    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Refused => "refused",
            Self::WaitingApproval => "waiting-approval",
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Closing => "closing",
        }
    }
}

/// A service the site's whitelist names for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// Its id.
    pub service: ServiceId,
    /// Its name.
    pub name: LocalizedName,
    /// The institution that offers it.
    pub provider: LocalizedName,
    /// What it is in the catalogue (G10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ServiceKind>,
    /// How it stands.
    pub state: ServiceState,
    /// The line, unless it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionView>,
    /// The lease ends soon: extend it or finish.
    #[serde(default)]
    pub warn: bool,
    /// The provider must agree before it opens.
    #[serde(default)]
    pub needs_approval: bool,
    /// Until when the provider's answer is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_until: Option<Timestamp>,
    /// Why it would be refused now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

/// What a terminal shows the person at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicesView {
    /// The center's clock.
    pub now: Timestamp,
    /// Who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionView>,
    /// Services by id; without a session their lines only.
    pub services: Vec<ServiceView>,
    /// Packets of this terminal that were refused lately, newest last.
    pub recent: Vec<RefusedPacket>,
}

/// A first packet that was refused (N1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedPacket {
    /// When.
    pub at: Timestamp,
    /// Where it went.
    pub destination: IpAddr,
    /// Transport protocol, if it was one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Destination port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The service that is there, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Number of its audit entry, to be given to `explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

/// Open a service in the session of this terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceCall {
    /// Which.
    pub service: ServiceId,
}

/// Extend a line of the session of this terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendCall {
    /// Which.
    pub grant: GrantId,
}

/// What the person at a terminal may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalsView {
    /// The center's clock.
    pub now: Timestamp,
    /// Oldest first.
    pub approvals: Vec<ApprovalView>,
}

/// Somebody asks the provider to agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Its number.
    pub approval: ApprovalId,
    /// The service.
    pub service: ServiceId,
    /// Its name.
    pub name: LocalizedName,
    /// The terminal it would be opened from.
    pub from: HostRef,
    /// The institution of that terminal.
    pub institution: LocalizedName,
    /// Who asks: the name on the card.
    pub person: String,
    /// Their hcRole text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// Until when an answer counts.
    pub until: Timestamp,
}

/// Agree or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerCall {
    /// Does the provider agree?
    pub accept: bool,
}

/// What an operator cuts (G14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutCall {
    /// One line.
    Line(GrantId),
    /// Everything of a person: the name on the card, or SHA-256 of its certificate in hexadecimal, at least 8 digits.
    Person(String),
    /// Everything opened from a terminal, or that ends at a host.
    Device(HostRef),
    /// Everything with an end at a site.
    Site(SiteId),
    /// Everything that stands on an agreement.
    Agreement(AgreementId),
}

impl std::fmt::Display for CutCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(grant) => write!(f, "line {grant}"),
            Self::Person(person) => write!(f, "person {person}"),
            Self::Device(host) => write!(f, "device {host}"),
            Self::Site(site) => write!(f, "site {site}"),
            Self::Agreement(agreement) => write!(f, "agreement {agreement}"),
        }
    }
}

/// What a cut ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutReport {
    /// Lines.
    pub grants: Vec<GrantId>,
    /// Sessions.
    pub sessions: Vec<SessionId>,
    /// True if both gates of every line have confirmed that nothing of it is left.
    pub confirmed: bool,
    /// Microseconds from the call to the last confirmation.
    pub micros: u64,
}

/// The live picture at a tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Number of changes since the center started; ask again with it.
    pub tick: u64,
    /// What is.
    pub live: LiveView,
}
