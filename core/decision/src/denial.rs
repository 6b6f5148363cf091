//! A refusal that helps.

use model::Section;
use pki::{PersonRefusal, Refusal};
use serde::{Deserialize, Serialize};
use std::fmt;
use texts::{Arg, Reason, ReasonLines, Texts};

/// Why not: every reason, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    reasons: Vec<Reason>,
}

impl Denial {
    pub(crate) fn new(reasons: Vec<Reason>) -> Self {
        Self { reasons }
    }

    /// The person's card was refused by `pki`: codes `P…`.
    pub fn from_person(refusals: &[PersonRefusal]) -> Self {
        Self::from_certificate(refusals, "card", "whose-person", Section::Terminal)
    }

    /// The terminal's device certificate was refused by `pki`: codes `P…`.
    pub fn from_device(refusals: &[Refusal]) -> Self {
        Self::from_certificate(refusals, "device", "whose-device", Section::Terminal)
    }

    /// The certificate of the site's own gate was refused by `pki`: codes `P…`.
    pub fn from_gate(refusals: &[Refusal]) -> Self {
        Self::from_certificate(refusals, "gate", "whose-gate", Section::InHouseLan)
    }

    /// The certificate that an institution signs with was refused by `pki`: codes `P…`. `section`: whose it is, as seen from
    /// who is told.
    pub fn from_institution(refusals: &[Refusal], section: Section) -> Self {
        Self::from_certificate(refusals, "institution", "whose-institution", section)
    }

    fn from_certificate(refusals: &[Refusal], bearer: &str, note: &str, section: Section) -> Self {
        Self { reasons: refusals.iter().map(|refusal| certificate_reason(refusal, bearer, note, section)).collect() }
    }

    /// Every reason.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// Their codes.
    pub fn codes(&self) -> Vec<&str> {
        self.reasons.iter().map(|reason| reason.code.as_str()).collect()
    }

    /// What a person reads of each reason.
    pub fn lines(&self, texts: &Texts) -> Vec<ReasonLines> {
        self.reasons.iter().map(|reason| reason.lines(texts)).collect()
    }
}

/// For logs: codes only, no names.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "denied: {}", self.codes().join(" "))
    }
}

impl std::error::Error for Denial {}

fn certificate_reason(refusal: &Refusal, bearer: &str, note: &str, section: Section) -> Reason {
    // Old revocation lists are not the fault of whoever holds the certificate.
    let (section, note) = match refusal {
        refusal if refusal.is_about_lists() => (Section::Operator, "whose-revocation-lists"),
        refusal if refusal.is_about_responders() => (Section::Operator, "whose-responders"),
        _ => (section, note),
    };
    let mut args: std::collections::BTreeMap<String, Arg> =
        refusal.facts().into_iter().map(|(name, value)| (name.to_owned(), Arg::fact(name, value))).collect();
    args.insert("bearer".into(), Arg::Key(format!("bearer-{bearer}")));
    args.insert("kind".into(), bearer.into());
    let code = refusal.code();
    Reason { code: code.into(), section, key: format!("pki-{}", code.to_lowercase()), note: Some(note.into()), args }
}
