//! The judging of service certificates at the entrance of a service (R10): what is wrong is told apart, each with its mend.

use model::{Section, Timestamp};
use pki::{AnchorSet, Certificate, Refusal, Revocation, UnixSeconds, VerifiedUser};
use texts::{Arg, Texts};

/// Why a terminal is not let in. The page for it says what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum NotAdmitted {
    /// S001: none was shown; never installed, or the browser was told not to show it.
    #[error("no certificate was shown")]
    Missing,
    /// S002: it is not ours, or damaged.
    #[error("the certificate was issued by somebody else ({issuer})")]
    Foreign { issuer: String },
    /// S003: ours, but for something else: a gate's, a terminal's for connections.
    #[error("the certificate is for something else ({found})")]
    OtherKind { found: String },
    /// S004.
    #[error("the certificate expired at {at}")]
    Expired { at: Timestamp },
    /// S005.
    #[error("the certificate is valid only from {at}")]
    NotYetValid { at: Timestamp },
    /// S006.
    #[error("the certificate was revoked at {at}: {reason}")]
    Revoked { at: Timestamp, reason: String },
    /// S007: the center has no fresh revocation list; nobody is let in (fail closed).
    #[error("it cannot be told whether the certificate is revoked")]
    Unproven,
    /// S008: anything else of its form.
    #[error("the certificate cannot be used: {codes}")]
    Unusable { codes: String },
}

/// Judges what a terminal showed in TLS, the end entity first. TLS has proved that it holds the key.
///
/// # Errors
/// [`NotAdmitted`]: the reason that is to be mended first.
pub fn admit<'a>(
    chain: &[Vec<u8>],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedUser, NotAdmitted> {
    let Some(leaf) = chain.first() else { return Err(NotAdmitted::Missing) };
    let slices: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let refusals = match pki::verify_user(&slices, anchors, revocation, now) {
        Ok(user) => return Ok(user),
        Err(refusals) => refusals,
    };
    let codes = || refusals.iter().map(Refusal::code).collect::<Vec<_>>().join(" ");
    let Ok(leaf) = Certificate::parse(leaf) else { return Err(NotAdmitted::Unusable { codes: codes() }) };
    let other = leaf.uris().iter().find(|uri| uri.starts_with("urn:sekisho:") && !uri.starts_with("urn:sekisho:user:"));
    if let Some(found) = other {
        return Err(NotAdmitted::OtherKind { found: found.clone() });
    }
    // A forged certificate may say anything, so who issued it comes before what it says.
    let issuer = || leaf.issuer().to_string();
    let in_order = [foreign, revoked, expired, not_yet_valid, unproven];
    let found = in_order.iter().find_map(|kind| refusals.iter().find_map(|refusal| kind(refusal, &issuer)));
    Err(found.unwrap_or_else(|| NotAdmitted::Unusable { codes: codes() }))
}

fn foreign(refusal: &Refusal, issuer: &dyn Fn() -> String) -> Option<NotAdmitted> {
    match refusal {
        Refusal::UntrustedChain { .. } | Refusal::BadSignature { .. } | Refusal::IssuerMismatch { .. } => {
            Some(NotAdmitted::Foreign { issuer: issuer() })
        }
        _ => None,
    }
}

fn revoked(refusal: &Refusal, _: &dyn Fn() -> String) -> Option<NotAdmitted> {
    match refusal {
        Refusal::Revoked { at, reason, .. } => {
            Some(NotAdmitted::Revoked { at: Timestamp::from_unix_seconds(*at), reason: reason.to_string() })
        }
        _ => None,
    }
}

fn expired(refusal: &Refusal, _: &dyn Fn() -> String) -> Option<NotAdmitted> {
    match refusal {
        Refusal::Expired { not_after, .. } => {
            Some(NotAdmitted::Expired { at: Timestamp::from_unix_seconds(*not_after) })
        }
        _ => None,
    }
}

fn not_yet_valid(refusal: &Refusal, _: &dyn Fn() -> String) -> Option<NotAdmitted> {
    match refusal {
        Refusal::NotYetValid { not_before, .. } => {
            Some(NotAdmitted::NotYetValid { at: Timestamp::from_unix_seconds(*not_before) })
        }
        _ => None,
    }
}

fn unproven(refusal: &Refusal, _: &dyn Fn() -> String) -> Option<NotAdmitted> {
    match refusal {
        Refusal::CrlMissing { .. }
        | Refusal::CrlStale { .. }
        | Refusal::CrlTooOld { .. }
        | Refusal::CrlFromFuture { .. }
        | Refusal::OcspMissing { .. }
        | Refusal::OcspStale { .. }
        | Refusal::OcspTooOld { .. }
        | Refusal::OcspFromFuture { .. }
        | Refusal::OcspUnknown { .. }
        | Refusal::ResponderNotValid { .. } => Some(NotAdmitted::Unproven),
        _ => None,
    }
}

impl NotAdmitted {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "S001",
            Self::Foreign { .. } => "S002",
            Self::OtherKind { .. } => "S003",
            Self::Expired { .. } => "S004",
            Self::NotYetValid { .. } => "S005",
            Self::Revoked { .. } => "S006",
            Self::Unproven => "S007",
            Self::Unusable { .. } => "S008",
        }
    }

    /// Key of its text: `service-certificate-s001`; the remedy's key has `-do` behind it.
    pub fn key(&self) -> String {
        format!("service-certificate-{}", self.code().to_ascii_lowercase())
    }

    /// Whose section (N12).
    pub fn section(&self) -> Section {
        match self {
            Self::Unproven => Section::Operator,
            _ => Section::Terminal,
        }
    }

    /// The values of its text.
    pub fn facts(&self, texts: &Texts) -> Vec<(&'static str, Arg)> {
        match self {
            Self::Missing | Self::Unproven => Vec::new(),
            Self::Foreign { issuer } => vec![("issuer", issuer.as_str().into())],
            Self::OtherKind { found } => vec![("found", found.as_str().into())],
            Self::Expired { at } | Self::NotYetValid { at } => vec![("at", (*at).into())],
            Self::Revoked { at, reason } => {
                let reason = texts.say(&format!("revocation-{reason}"), &[]);
                vec![("at", (*at).into()), ("reason", reason.as_str().into())]
            }
            Self::Unusable { codes } => vec![("codes", codes.as_str().into())],
        }
    }

    /// What happened and what to do, in the reader's language.
    pub fn told(&self, texts: &Texts) -> (String, String) {
        let facts = self.facts(texts);
        (texts.say(&self.key(), &facts), texts.say(&format!("{}-do", self.key()), &facts))
    }
}
