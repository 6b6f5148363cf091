//! JSON of the operator's questions to the proof: `POST /v1/can` ([`CanCall`] → [`CanReport`]), `GET /v1/reach/{site}/
//! {host}` (→ [`ReachReport`]), `POST /v1/diff` ([`DiffCall`] → [`DiffReport`]), `GET /v1/verify` (→ [`VerifyReport`]),
//! `GET /v1/invariants` (→ [`InvariantsReport`]). Nothing is changed by any of them.

use model::{Generation, GrantId, HostRef, Protocol, ServiceId, SiteId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::api::{CounterExample, DocumentText};

/// Can a connection begin?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanCall {
    /// The host it would originate at.
    pub from: HostRef,
    /// The host it would end at, or a service: `institution/name`.
    pub to: HostRef,
    /// Transport protocol; any if absent, unless a service says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Destination port; any if absent, unless a service says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Supposed these were applied.
    #[serde(default)]
    pub documents: Vec<DocumentText>,
    /// Supposed these were open.
    #[serde(default)]
    pub open: Vec<Supposed>,
    /// Draw the way as well.
    #[serde(default)]
    pub picture: bool,
}

/// A line supposed to be open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supposed {
    /// The terminal.
    pub from: HostRef,
    /// The service.
    pub service: ServiceId,
}

/// Yes or no, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanReport {
    /// The answer.
    pub can: bool,
    /// Judged on a supposed network, not on the one there is.
    pub supposed: bool,
    /// Where it originates.
    pub from: HostRef,
    /// Where it ends.
    pub to: HostRef,
    /// Protocol of the way shown.
    pub protocol: Protocol,
    /// Port of the way shown.
    pub port: u16,
    /// Everything it can begin there, `tcp/443`.
    pub all: Vec<String>,
    /// Whose lines let it.
    pub because: Vec<PolicyLine>,
    /// A first packet of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<String>,
    /// Its way, hop by hop, as far as it gets.
    pub path: Vec<String>,
    /// Where it stops, if it does, in the reader's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops: Option<String>,
    /// What would be needed, in the reader's language.
    pub needed: Vec<Needed>,
    /// How long the proof took, microseconds.
    pub micros: u64,
    /// The way as SVG, if asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// Something that lacks, and how to come by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needed {
    /// What.
    pub what: String,
    /// What to do; empty if the first line says it.
    pub remedy: String,
}

/// A line of somebody's policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyLine {
    /// Site and section of its document: `clinic/allow[0]`, `hospital/inhouse[2]`.
    pub line: String,
    /// Whose rule serves it: `g-7`, `in-house[2]`, `transit[0]`, `standing`.
    pub owner: String,
    /// What it says, in the reader's language.
    pub text: String,
}

/// Who reaches whom by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PossibleView {
    /// Where it originates.
    pub from: HostRef,
    /// Where it ends.
    pub to: HostRef,
    /// Protocol and ports: `tcp/443`, `udp/53,123`, `any` for all but TCP and UDP.
    pub what: String,
    /// Whose lines let it.
    pub because: Vec<PolicyLine>,
}

/// Everything about one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachReport {
    /// The host.
    pub host: HostRef,
    /// What it can begin.
    pub begins: Vec<PossibleView>,
    /// What can begin with it.
    pub receives: Vec<PossibleView>,
    /// How long the proof took, microseconds.
    pub micros: u64,
}

/// What differs, in terms of who reaches whom?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffCall {
    /// The site whose generations are meant; every site counts its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// The earlier; now if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Generation>,
    /// The later; now if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Generation>,
    /// Supposed these were applied: the later is then what they lead to.
    #[serde(default)]
    pub documents: Vec<DocumentText>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffReport {
    /// Every site's generation in the earlier network.
    pub before: BTreeMap<SiteId, Generation>,
    /// And in the later; nothing if it is supposed.
    pub after: BTreeMap<SiteId, Generation>,
    /// Judged against a supposed network.
    pub supposed: bool,
    /// What can begin only in the later.
    pub came: Vec<PossibleView>,
    /// What can begin only in the earlier.
    pub went: Vec<PossibleView>,
    /// Grants that documents would end.
    pub grants_ended: Vec<GrantId>,
    /// How long it took, microseconds.
    pub micros: u64,
}

/// Does the committed network hold?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Both engines say yes.
    pub holds: bool,
    /// Invariants judged: of the house.
    pub invariants: usize,
    /// And of sites themselves (S01 and on).
    pub promises: usize,
    /// Sites.
    pub sites: usize,
    /// Live grants.
    pub grants: usize,
    /// Flow rules, tunnels and filters.
    pub parts: usize,
    /// What each engine says.
    pub engines: Vec<EngineVerdict>,
}

/// What one engine says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineVerdict {
    /// Which.
    pub engine: Engine,
    /// What it says.
    pub holds: bool,
    /// Classes of packets it followed, or nodes of its sets.
    pub size: usize,
    /// How long it took, microseconds.
    pub micros: u64,
    /// The breach, if it found one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter_example: Option<CounterExample>,
}

/// An engine of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Every path walked, priorities aside.
    Paths,
    /// Exact sets of packets, priorities respected.
    Sets,
}

/// All invariants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantsReport {
    /// In order; those of sites come last.
    pub invariants: Vec<InvariantView>,
}

/// An invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantView {
    /// Stable id: `I05`, `clinic/S01`.
    pub id: String,
    /// What it says, in the reader's language.
    pub statement: String,
    /// Requirements it answers; none for a site's own.
    pub requirements: Vec<String>,
}
