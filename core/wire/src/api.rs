//! JSON of the two HTTP APIs of the center, for the people's tools.
//!
//! Operator API (HTTP/1.1 on a Unix socket; the file's permission is the authorisation):
//! `POST /v1/plan`, `POST /v1/apply` ([`Documents`] → [`ApplyReport`]), `GET /v1/status` (→ [`Status`]),
//! `GET /v1/live` (→ [`crate::live::LiveView`]),
//! `GET /v1/refusals/{id}` (→ [`Explanation`]), `GET /v1/log` ([`LogQuery`] → [`LogPage`]), `GET /v1/log/verify`
//! (→ [`LogVerdict`]), `GET /v1/log/match/{grant}` (→ [`ThreePoints`]), `POST /v1/connections/{grant}/close`
//! (→ [`CloseReport`]), `GET /healthz`, `GET /metrics`.
//!
//! Questions to the proof: [`crate::questions`].
//!
//! Terminal API (HTTP/1.1 in the terminal's TLS session): `POST /v1/challenge` (→ [`ChallengeIssued`]), `POST /v1/open`
//! ([`OpenCall`] → [`OpenReport`]), `POST /v1/close` ([`CloseCall`] → [`CloseReport`]), `GET /v1/status`
//! (→ [`TerminalStatus`]).
//!
//! Every failure is `application/problem+json`: [`Problem`]. Texts follow `Accept-Language` (ja, otherwise en); the
//! data they are made from comes along, so a tool may word it again.

use model::{
    ConnectionRequest, ConnectionState, Generation, GrantId, HostRef, InstitutionId, LocalizedName, Protocol, Section,
    ServiceId, SiteId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use texts::Reason;

use crate::questions::PolicyLine;

/// Media type of [`Problem`].
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// Label of the TLS exporter a card's challenge is bound to (RFC 8446 §7.5); context empty, 32 bytes.
pub const LOGIN_EXPORTER_LABEL: &[u8] = b"EXPORTER-sekisho-login";

/// Why a call failed (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:sekisho:problem:<code in lower case>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line in the reader's language.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// More, in the reader's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where this occurrence can be read again: `refusal/17`, to be given to `explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Code of the first reason, e.g. `D017`.
    pub code: String,
    /// Whose section the first reason lies in (N12).
    pub section: Section,
    /// All reasons.
    pub reasons: Vec<ReasonView>,
    /// The packet that would have passed, if a proof refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter_example: Option<CounterExample>,
}

/// A reason as data and in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonView {
    /// Code, section, key and arguments.
    #[serde(flatten)]
    pub reason: Reason,
    /// What happened, with its code.
    pub text: String,
    /// Whose section.
    pub section_text: String,
    /// What to do.
    pub remedy: String,
}

/// What a proof found (X1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterExample {
    /// Stable id of the invariant, e.g. `I05`.
    pub invariant: String,
    /// What the invariant says, in the reader's language.
    pub statement: String,
    /// The site where it breaks.
    pub site: SiteId,
    /// The packet, if one shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<String>,
    /// Its way, hop by hop.
    #[serde(default)]
    pub path: Vec<String>,
    /// The rule that lets it pass, or what is missing.
    pub because: String,
    /// Whose line of policy caused it, if anybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyLine>,
    /// What to change, in the reader's language.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// The site's own promise that it breaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// The path as SVG, if asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// A site's own invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// `clinic/S01`.
    pub id: String,
    /// Why the site made it, in both languages as it says it.
    pub because: LocalizedName,
}

/// Documents to plan or apply, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// In the order given.
    pub documents: Vec<DocumentText>,
    /// Draw the path of a counter-example.
    #[serde(default)]
    pub picture: bool,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentText {
    /// What errors call it, usually the file name.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// What documents change, or would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyReport {
    /// False for `plan`.
    pub applied: bool,
    /// Per site; sites that stay as they are do not appear.
    pub sites: Vec<SiteChange>,
    /// Grants that end because nothing carries them any more.
    pub grants_ended: Vec<GrantId>,
    /// The proof.
    pub proof: Proof,
}

/// The change of one site in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SiteChange {
    pub site: SiteId,
    pub parent: Generation,
    pub generation: Generation,
    pub rules_added: usize,
    pub rules_removed: usize,
    pub tunnels_added: usize,
    pub tunnels_removed: usize,
    pub filters_added: usize,
    pub filters_removed: usize,
}

/// That a proof was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How many invariants hold.
    pub invariants: usize,
    /// At how many sites.
    pub sites: usize,
    /// How long the proof took, microseconds.
    pub micros: u64,
}

/// A connection as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Its grant.
    pub grant: GrantId,
    /// Where it stands.
    pub state: ConnectionState,
    /// The terminal.
    pub from: HostRef,
    /// The serving host.
    pub to: HostRef,
    /// The service.
    pub service: ServiceId,
    /// Address to connect to.
    pub address: std::net::IpAddr,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Ports.
    pub ports: Vec<u16>,
    /// When it was permitted.
    pub granted_at: Timestamp,
    /// First instant it no longer holds.
    pub lease_until: Timestamp,
}

/// Answer of the operator's `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The center's clock.
    pub now: Timestamp,
    /// Name and version of the center's software.
    pub software: String,
    /// Sites by id.
    pub sites: Vec<SiteStatus>,
    /// Connections that are not closed, by grant.
    pub connections: Vec<ConnectionView>,
    /// Letters of joining that wait for the mail server; absent if none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letters: Option<Waiting>,
    /// Report files that wait for their scan; absent if none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Waiting>,
}

/// What waits for somebody else's program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// Since when the one that waits longest.
    pub since: Timestamp,
    /// What was said at the last try, English; absent if nothing failed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A site in `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteStatus {
    /// The site.
    pub site: SiteId,
    /// Its legal entity.
    pub institution: InstitutionId,
    /// Is its gate linked to the center?
    pub linked: bool,
    /// Generation wanted.
    pub wanted: Generation,
    /// Generation the gate last said is in force.
    pub in_force: Option<Generation>,
    /// The gate's software.
    pub software: Option<String>,
    /// What its gate complained of since the center started, newest last; those of a day ago are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<Alarm>,
}

/// Something a gate complained of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it is.
    pub kind: AlarmKind,
    /// Since when, as far as the gate knows.
    pub since: Timestamp,
    /// When it was over; nothing if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Timestamp>,
    /// English, for people who mend it.
    pub detail: String,
}

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// A part of the site does not work.
    Fault,
    /// Somebody else wrote to the site's switch, tunnels or filters.
    Foreign,
}

/// A refusal told again, with what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Number of its audit entry.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// What was asked, if it came so far.
    pub request: Option<ConnectionRequest>,
    /// What was answered.
    pub problem: Problem,
}

/// What part of the log to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// Entries after this number; from the beginning if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many (default 200, at most 1000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only entries about this grant: a number, or `g-7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// Part of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// In order.
    pub entries: Vec<LogEntry>,
    /// Ask again with `after` = this, if there is more.
    pub next: Option<u64>,
}

/// An audit entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its number, from 1 without gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Stable name of the event.
    pub event: String,
    /// Which of the three points it is evidence from, if it is evidence (G13).
    pub point: Option<String>,
    /// The grant it is about.
    pub grant: Option<GrantId>,
    /// Everything else the event says.
    pub facts: BTreeMap<String, String>,
    /// Its hash, hexadecimal.
    pub hash: String,
}

/// What checking the hash chain gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogVerdict {
    /// Does the whole chain hold?
    pub holds: bool,
    /// Entries read.
    pub entries: u64,
    /// Hash of the last entry, hexadecimal.
    pub head: String,
    /// First entry that does not fit, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<u64>,
    /// Why, in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What the three points say about a grant (G13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreePoints {
    /// The grant.
    pub grant: GrantId,
    /// Do they agree?
    pub agree: bool,
    /// Points that say nothing yet, or nothing at all: `source`, `access-point`, `destination`.
    pub missing: Vec<String>,
    /// Where two points contradict each other, in the reader's language.
    pub contradictions: Vec<String>,
    /// The evidence itself.
    pub entries: Vec<LogEntry>,
}

/// How long closing took and what passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseReport {
    /// The connection; `closing` if a gate has not confirmed yet.
    pub connection: ConnectionView,
    /// Microseconds from the call to the confirmation.
    pub micros: u64,
    /// What was counted at each end, by site.
    pub counters: BTreeMap<SiteId, Counters>,
}

/// What a gate counted for a grant, both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Counters {
    pub packets: u64,
    pub bytes: u64,
}

/// A challenge, good for one answer in the same TLS session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeIssued {
    /// Its id; send it back.
    pub challenge: String,
    /// 32 bytes, lower-case hexadecimal.
    pub nonce: String,
    /// When it ends.
    pub until: Timestamp,
}

/// A terminal asks to open. The card signs (RSASSA-PKCS1-v1_5, SHA-256) `pki::challenge_message(nonce, exporter,
/// sha256(request.signed_bytes()))`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenCall {
    /// From [`ChallengeIssued`].
    pub challenge: String,
    /// What the person asks for.
    pub request: ConnectionRequest,
    /// The card's certificate chain, end entity first: DER, base64 (standard alphabet, padded).
    pub chain: Vec<String>,
    /// The card's signature, base64.
    pub signature: String,
}

/// It is open: the whole story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenReport {
    /// Who.
    pub person: PersonView,
    /// On which terminal.
    pub device: HostRef,
    /// On what it stands.
    pub permit: PermitView,
    /// The proof.
    pub proof: Proof,
    /// What is open.
    pub connection: ConnectionView,
    /// Microseconds from the call to the last gate's confirmation.
    pub micros: u64,
}

/// A person as the card says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// Romaji.
    pub name: String,
    /// Kanji, if the card has it.
    pub kanji_name: Option<String>,
    /// hcRole text.
    pub role: String,
    /// Last second the card is valid.
    pub valid_until: Timestamp,
}

/// What a permit stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitView {
    /// The agreement.
    pub agreement: model::AgreementId,
    /// Site of the whitelist.
    pub site: SiteId,
    /// Index of its `[[allow]]`, from 0.
    pub allow: usize,
}

/// A terminal asks to close one of its own connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseCall {
    /// Which.
    pub grant: GrantId,
}

/// What a terminal may know: itself, what it may ask for, what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalStatus {
    /// The center's clock.
    pub now: Timestamp,
    /// The terminal, as its certificate names it.
    pub device: HostRef,
    /// Services the site's whitelist names for it.
    pub services: Vec<ServiceId>,
    /// Its connections that are not closed.
    pub connections: Vec<ConnectionView>,
}
