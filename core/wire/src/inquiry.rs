//! JSON of two questions of the operator about what happened: `GET /v1/log/match` ([`MatchQuery`] → [`MatchPage`]) and
//! `POST /v1/why` ([`WhyCall`] → [`WhyReport`]). Nothing is changed by either.

use model::{GrantId, HostRef, Section, ServiceId, Timestamp, Within};
use serde::{Deserialize, Serialize};

/// Which lines to reconcile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchQuery {
    /// Lines first recorded after this entry; from the beginning if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Entries to look through (default and at most 1000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only this line: a number, or `g-7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// Lines reconciled at their three points (G13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchPage {
    /// Every line whose first record is in this part of the log, in the order of those records.
    pub lines: Vec<MatchedLine>,
    /// Ask again with `after` = this, if there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A line at its three points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedLine {
    /// The grant.
    pub grant: GrantId,
    /// The terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<HostRef>,
    /// The service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// When the center declared it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Timestamp>,
    /// When the center declared it closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
    /// No gap, no contradiction.
    pub agree: bool,
    /// What is missing or contradicts.
    pub findings: Vec<MatchFinding>,
    /// What each of the three points recorded, from the person outwards.
    #[serde(default)]
    pub points: Vec<MatchedPoint>,
}

/// What one point recorded of a line; what it did not record is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedPoint {
    /// `source`, `access-point` or `destination`.
    pub point: String,
    /// When it stood, by the point's own clock.
    pub opened: Option<Timestamp>,
    /// When the first packet passed.
    pub first: Option<Within>,
    /// When the last packet passed.
    pub last: Option<Within>,
    /// When nothing was left of it.
    pub closed: Option<Timestamp>,
    /// Packets both ways; never of the access point, which no packet of a line passes.
    pub packets: Option<u64>,
    /// Their bytes.
    pub bytes: Option<u64>,
}

/// A gap or a contradiction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchFinding {
    /// Which.
    pub kind: FindingKind,
    /// Stable name: of a gap `source opened record` and the like, of a contradiction what was compared.
    pub what: String,
    /// Whose section it lies in (N12).
    pub section: Section,
    /// In the reader's language.
    pub text: String,
}

/// A gap or a contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum FindingKind {
    Gap,
    Contradiction,
}

/// Why does it not work?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhyCall {
    /// A line (`g-7`), a host (`site/host`) or a person, by a part of the name on the card.
    pub who: String,
    /// The service that is meant; whatever was tried last if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
}

/// The steps from the person outwards, and the first that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyReport {
    /// Whom or what it is about, in the reader's language.
    pub about: String,
    /// No step fails.
    pub works: bool,
    /// In order. Those behind the first that fails are not judged by it: each is looked at by itself.
    pub steps: Vec<WhyStep>,
    /// Index of the first step that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<usize>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyStep {
    /// Stable name: `registered`, `gate`, `refusal` …
    pub step: String,
    /// Does it hold? Nothing if it cannot be known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// What was found, in the reader's language.
    pub text: String,
    /// If it fails: whose section it lies in (N12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<Section>,
    /// The section in the reader's language, and who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsible: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Number of the refusal it was told with, for `sekisho explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<u64>,
}
