//! Why a certificate, a person or a piece of equipment is refused.

use crate::crl::RevocationReason;
use crate::time::{UnixSeconds, format_utc};

/// One reason of a refusal. Codes are stable; texts for people come from the catalogue of texts,
/// the `Display` here is for logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Refusal {
    /// P001: not DER, or not the structure of RFC 5280. `index` counts from the end entity, 0.
    #[error("certificate {index} of the chain is malformed: {what} at byte {offset}")]
    Malformed { index: usize, what: &'static str, offset: usize },
    /// P002: no certificate, or more than a chain can have.
    #[error("a chain has 1 to {max} certificates, not {found}")]
    ChainLength { found: usize, max: usize },
    /// P003: nobody trusted issued `subject`.
    #[error("{subject} was issued by {issuer}, which leads to no trust anchor for this purpose")]
    UntrustedChain { subject: String, issuer: String },
    /// P004: the named issuer is known, but its key did not make this signature (forged chain).
    #[error("the signature on {subject} was not made by the key of {issuer}")]
    BadSignature { subject: String, issuer: String },
    /// P005.
    #[error("{subject} is not valid before {}", format_utc(*not_before))]
    NotYetValid { subject: String, not_before: UnixSeconds },
    /// P006.
    #[error("{subject} expired at {}", format_utc(*not_after))]
    Expired { subject: String, not_after: UnixSeconds },
    /// P007: an issuing certificate lacks CA:TRUE or keyCertSign, or exceeds pathLen.
    #[error("{subject} may not issue certificates: {why}")]
    NotAnIssuer { subject: String, why: &'static str },
    /// P008.
    #[error("{subject} (serial {serial}) was revoked at {}: {reason}", format_utc(*at))]
    Revoked { subject: String, serial: String, at: UnixSeconds, reason: RevocationReason },
    /// P009: hard fail; no revocation list of this issuer is held.
    #[error("no revocation list of {issuer} is held")]
    CrlMissing { issuer: String },
    /// P010: hard fail after nextUpdate.
    #[error("the revocation list of {issuer} expired at {}", format_utc(*next_update))]
    CrlStale { issuer: String, next_update: UnixSeconds },
    /// P011: older than the anchor's own limit, although nextUpdate is still ahead.
    #[error("the revocation list of {issuer} is of {}, older than {max_age} s", format_utc(*this_update))]
    CrlTooOld { issuer: String, this_update: UnixSeconds, max_age: i64 },
    /// P012.
    #[error("the revocation list of {issuer} is dated in the future, {}", format_utc(*this_update))]
    CrlFromFuture { issuer: String, this_update: UnixSeconds },
    /// P013: keyUsage absent, not critical where it must be, or without digitalSignature.
    #[error("the key may not be used to sign in: {why} (keyUsage: {found})")]
    WrongUsage { found: String, why: &'static str },
    /// P014: a signature card (署名用, nonRepudiation): what it signs is a legal signature, so it
    /// must never sign a challenge (JAHIS card guide §4.3.8).
    #[error("this is a signature card, not an authentication card (keyUsage: {found})")]
    SignatureCard { found: String },
    /// P015: none of the policies found is in the set of the trust anchor.
    #[error("certificate policy not accepted: {}", if found.is_empty() { "none" } else { found.as_str() })]
    PolicyNotAccepted { found: String },
    /// P016: HPKI marks certificatePolicies critical.
    #[error("certificatePolicies is not critical")]
    PolicyNotCritical,
    /// P017.
    #[error("{subject} has the unknown critical extension {oid}")]
    UnknownCriticalExtension { subject: String, oid: String },
    /// P018.
    #[error("the certificate states no qualification (hcRole)")]
    RoleMissing,
    /// P019: an hcRole that is not the exact ASN.1.
    #[error("the qualification (hcRole) is malformed: {why} at byte {offset}")]
    RoleMalformed { why: &'static str, offset: usize },
    /// P020: one card carries one qualification (JAHIS card guide §B.1-4).
    #[error("the certificate states several qualifications: {texts}")]
    SeveralRoles { texts: String },
    /// P021: for callers that require a recognised qualification.
    #[error("the qualification {text:?} is not known")]
    RoleUnknown { text: String },
    /// P022.
    #[error("{subject} has a key that is not accepted: {key}")]
    WeakKey { subject: String, key: String },
    /// P023: SHA-1, MD5, an unknown algorithm.
    #[error("{subject} is signed with an algorithm that is not accepted: {algorithm}")]
    WeakSignature { subject: String, algorithm: String },
    /// P024: a subject field the profile requires is absent.
    #[error("the subject lacks {missing}")]
    SubjectIncomplete { missing: &'static str },
    /// P025: extendedKeyUsage lacks a purpose that this kind of equipment needs.
    #[error("extendedKeyUsage lacks {missing}")]
    PurposeMissing { missing: &'static str },
    /// P026: not exactly one `urn:sekisho:` URI in subjectAltName, or not of the expected kind.
    #[error("expected one identity {expected}, found {}", if found.is_empty() { "none" } else { found.as_str() })]
    IdentityWrong { expected: &'static str, found: String },
    /// P027: a certification authority is not a person or a device.
    #[error("{subject} is a certification authority, not an end entity")]
    EndEntityIsCa { subject: String },
    /// P028: the card's answer does not fit the challenge of this session.
    #[error("the answer to the challenge was not made by the certified key")]
    ChallengeFailed,
    /// P029: authorityKeyIdentifier names another key or certificate than the issuer's.
    #[error("{subject} names another issuing key than that of {issuer}")]
    IssuerMismatch { subject: String, issuer: String },
    /// P030: hard fail; no answer of a responder of this issuer about the certificate is held.
    #[error("no answer of the OCSP responder of {issuer} is held")]
    OcspMissing { issuer: String },
    /// P031: hard fail after nextUpdate.
    #[error("the answer of the OCSP responder of {issuer} expired at {}", format_utc(*next_update))]
    OcspStale { issuer: String, next_update: UnixSeconds },
    /// P032: older than the anchor's own limit, although nextUpdate is still ahead or absent.
    #[error("the answer of the OCSP responder of {issuer} is of {}, older than {max_age} s", format_utc(*this_update))]
    OcspTooOld { issuer: String, this_update: UnixSeconds, max_age: i64 },
    /// P033.
    #[error("the answer of the OCSP responder of {issuer} is dated in the future, {}", format_utc(*this_update))]
    OcspFromFuture { issuer: String, this_update: UnixSeconds },
    /// P034: the responder says that it does not know the certificate (RFC 6960 §2.2).
    #[error("the OCSP responder of {issuer} does not know {subject} (serial {serial})")]
    OcspUnknown { subject: String, serial: String, issuer: String },
    /// P035: a delegated responder that is not valid now, or may be revoked itself (RFC 6960 §4.2.2.2).
    #[error("the OCSP responder {responder} cannot be believed for {issuer}: {why}")]
    ResponderNotValid { responder: String, issuer: String, why: &'static str },
}

impl Refusal {
    /// Does it say only that nobody can know whether something was revoked? That is for who keeps the lists to mend.
    pub fn is_of_lists(&self) -> bool {
        matches!(
            self,
            Self::CrlMissing { .. }
                | Self::CrlStale { .. }
                | Self::CrlTooOld { .. }
                | Self::CrlFromFuture { .. }
                | Self::OcspMissing { .. }
                | Self::OcspStale { .. }
                | Self::OcspTooOld { .. }
                | Self::OcspFromFuture { .. }
                | Self::OcspUnknown { .. }
                | Self::ResponderNotValid { .. }
        )
    }

    /// Every code, in order; texts and documentation must cover them all.
    pub const CODES: [&'static str; 35] = [
        "P001", "P002", "P003", "P004", "P005", "P006", "P007", "P008", "P009", "P010", "P011", "P012", "P013", "P014",
        "P015", "P016", "P017", "P018", "P019", "P020", "P021", "P022", "P023", "P024", "P025", "P026", "P027", "P028",
        "P029", "P030", "P031", "P032", "P033", "P034", "P035",
    ];

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "P001",
            Self::ChainLength { .. } => "P002",
            Self::UntrustedChain { .. } => "P003",
            Self::BadSignature { .. } => "P004",
            Self::NotYetValid { .. } => "P005",
            Self::Expired { .. } => "P006",
            Self::NotAnIssuer { .. } => "P007",
            Self::Revoked { .. } => "P008",
            Self::CrlMissing { .. } => "P009",
            Self::CrlStale { .. } => "P010",
            Self::CrlTooOld { .. } => "P011",
            Self::CrlFromFuture { .. } => "P012",
            Self::WrongUsage { .. } => "P013",
            Self::SignatureCard { .. } => "P014",
            Self::PolicyNotAccepted { .. } => "P015",
            Self::PolicyNotCritical => "P016",
            Self::UnknownCriticalExtension { .. } => "P017",
            Self::RoleMissing => "P018",
            Self::RoleMalformed { .. } => "P019",
            Self::SeveralRoles { .. } => "P020",
            Self::RoleUnknown { .. } => "P021",
            Self::WeakKey { .. } => "P022",
            Self::WeakSignature { .. } => "P023",
            Self::SubjectIncomplete { .. } => "P024",
            Self::PurposeMissing { .. } => "P025",
            Self::IdentityWrong { .. } => "P026",
            Self::EndEntityIsCa { .. } => "P027",
            Self::ChallengeFailed => "P028",
            Self::IssuerMismatch { .. } => "P029",
            Self::OcspMissing { .. } => "P030",
            Self::OcspStale { .. } => "P031",
            Self::OcspTooOld { .. } => "P032",
            Self::OcspFromFuture { .. } => "P033",
            Self::OcspUnknown { .. } => "P034",
            Self::ResponderNotValid { .. } => "P035",
        }
    }

    /// Key of its text for people: `pki-p014`; the remedy's key has `-do` behind it.
    pub fn key(&self) -> String {
        format!("pki-{}", self.code().to_ascii_lowercase())
    }

    /// Whether the operator has to act (revocation lists, clocks), not the holder of the certificate.
    pub fn lies_with_operator(&self) -> bool {
        self.is_about_lists() || self.is_about_responders()
    }

    /// Whether a revocation list is missing or not fresh.
    pub fn is_about_lists(&self) -> bool {
        matches!(
            self,
            Self::CrlMissing { .. } | Self::CrlStale { .. } | Self::CrlTooOld { .. } | Self::CrlFromFuture { .. }
        )
    }

    /// Whether an OCSP answer is missing, not fresh, or of a responder that cannot be believed now. That a responder
    /// does not know a certificate (P034) lies with who issued it.
    pub fn is_about_responders(&self) -> bool {
        matches!(
            self,
            Self::OcspMissing { .. }
                | Self::OcspStale { .. }
                | Self::OcspTooOld { .. }
                | Self::OcspFromFuture { .. }
                | Self::ResponderNotValid { .. }
        )
    }

    /// The data as named arguments for its text: times as `2028-03-31T14:59:59Z`, the rest as is.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Malformed { index, what, offset } => {
                vec![("index", index.to_string()), ("what", what.to_string()), ("offset", offset.to_string())]
            }
            Self::ChainLength { found, max } => vec![("found", found.to_string()), ("max", max.to_string())],
            Self::UntrustedChain { subject, issuer }
            | Self::BadSignature { subject, issuer }
            | Self::IssuerMismatch { subject, issuer } => {
                vec![("subject", subject.to_string()), ("issuer", issuer.to_string())]
            }
            Self::NotYetValid { subject, not_before: at } | Self::Expired { subject, not_after: at } => {
                vec![("subject", subject.to_string()), ("at", format_utc(*at))]
            }
            Self::NotAnIssuer { subject, why } => vec![("subject", subject.to_string()), ("why", why.to_string())],
            Self::Revoked { subject, serial, at, reason } => vec![
                ("subject", subject.to_string()),
                ("serial", serial.to_string()),
                ("at", format_utc(*at)),
                ("reason", reason.to_string()),
            ],
            Self::CrlMissing { issuer } | Self::OcspMissing { issuer } => vec![("issuer", issuer.to_string())],
            Self::CrlStale { issuer, next_update: at }
            | Self::CrlFromFuture { issuer, this_update: at }
            | Self::OcspStale { issuer, next_update: at }
            | Self::OcspFromFuture { issuer, this_update: at } => {
                vec![("issuer", issuer.to_string()), ("at", format_utc(*at))]
            }
            Self::OcspUnknown { subject, serial, issuer } => {
                vec![("subject", subject.to_string()), ("serial", serial.to_string()), ("issuer", issuer.to_string())]
            }
            Self::ResponderNotValid { responder, issuer, why } => {
                vec![("responder", responder.to_string()), ("issuer", issuer.to_string()), ("why", why.to_string())]
            }
            Self::CrlTooOld { issuer, this_update, max_age } | Self::OcspTooOld { issuer, this_update, max_age } => {
                vec![("issuer", issuer.to_string()), ("at", format_utc(*this_update)), ("max-age", max_age.to_string())]
            }
            Self::WrongUsage { found, why } => vec![("found", found.to_string()), ("why", why.to_string())],
            Self::SignatureCard { found } | Self::PolicyNotAccepted { found } => vec![("found", found.to_string())],
            Self::UnknownCriticalExtension { subject, oid } => {
                vec![("subject", subject.to_string()), ("oid", oid.to_string())]
            }
            Self::RoleMalformed { why, offset } => vec![("why", why.to_string()), ("offset", offset.to_string())],
            Self::SeveralRoles { texts } => vec![("texts", texts.to_string())],
            Self::RoleUnknown { text } => vec![("text", text.clone())],
            Self::WeakKey { subject, key } => vec![("subject", subject.to_string()), ("key", key.to_string())],
            Self::WeakSignature { subject, algorithm } => {
                vec![("subject", subject.to_string()), ("algorithm", algorithm.to_string())]
            }
            Self::SubjectIncomplete { missing } | Self::PurposeMissing { missing } => {
                vec![("missing", missing.to_string())]
            }
            Self::IdentityWrong { expected, found } => {
                vec![("expected", expected.to_string()), ("found", found.to_string())]
            }
            Self::EndEntityIsCa { subject } => vec![("subject", subject.to_string())],
            Self::PolicyNotCritical | Self::RoleMissing | Self::ChallengeFailed => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// One of each variant; `code` and `facts` match exhaustively, so a new variant is noticed there.
    fn one_of_each() -> Vec<Refusal> {
        let (subject, issuer) = ("S".to_owned(), "I".to_owned());
        let pair = || (subject.clone(), issuer.clone());
        vec![
            Refusal::Malformed { index: 0, what: "w", offset: 1 },
            Refusal::ChainLength { found: 0, max: 8 },
            {
                let (subject, issuer) = pair();
                Refusal::UntrustedChain { subject, issuer }
            },
            {
                let (subject, issuer) = pair();
                Refusal::BadSignature { subject, issuer }
            },
            Refusal::NotYetValid { subject: subject.clone(), not_before: 0 },
            Refusal::Expired { subject: subject.clone(), not_after: 0 },
            Refusal::NotAnIssuer { subject: subject.clone(), why: "w" },
            Refusal::Revoked {
                subject: subject.clone(),
                serial: "01".into(),
                at: 0,
                reason: RevocationReason::Superseded,
            },
            Refusal::CrlMissing { issuer: issuer.clone() },
            Refusal::CrlStale { issuer: issuer.clone(), next_update: 0 },
            Refusal::CrlTooOld { issuer: issuer.clone(), this_update: 0, max_age: 1 },
            Refusal::CrlFromFuture { issuer: issuer.clone(), this_update: 0 },
            Refusal::WrongUsage { found: "f".into(), why: "w" },
            Refusal::SignatureCard { found: "f".into() },
            Refusal::PolicyNotAccepted { found: String::new() },
            Refusal::PolicyNotCritical,
            Refusal::UnknownCriticalExtension { subject: subject.clone(), oid: "1.2".into() },
            Refusal::RoleMissing,
            Refusal::RoleMalformed { why: "w", offset: 0 },
            Refusal::SeveralRoles { texts: "a, b".into() },
            Refusal::RoleUnknown { text: "t".into() },
            Refusal::WeakKey { subject: subject.clone(), key: "k".into() },
            Refusal::WeakSignature { subject: subject.clone(), algorithm: "a".into() },
            Refusal::SubjectIncomplete { missing: "m" },
            Refusal::PurposeMissing { missing: "m" },
            Refusal::IdentityWrong { expected: "e", found: String::new() },
            Refusal::EndEntityIsCa { subject: subject.clone() },
            Refusal::ChallengeFailed,
            {
                let (subject, issuer) = pair();
                Refusal::IssuerMismatch { subject, issuer }
            },
            Refusal::OcspMissing { issuer: issuer.clone() },
            Refusal::OcspStale { issuer: issuer.clone(), next_update: 0 },
            Refusal::OcspTooOld { issuer: issuer.clone(), this_update: 0, max_age: 1 },
            Refusal::OcspFromFuture { issuer: issuer.clone(), this_update: 0 },
            Refusal::OcspUnknown { subject: subject.clone(), serial: "01".into(), issuer: issuer.clone() },
            Refusal::ResponderNotValid { responder: subject.clone(), issuer: issuer.clone(), why: "w" },
        ]
    }

    #[test]
    fn codes_are_complete_unique_and_in_order() {
        let codes: Vec<&str> = one_of_each().iter().map(Refusal::code).collect();
        assert_eq!(codes, Refusal::CODES);
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn every_fact_has_a_name_of_its_own() {
        for refusal in one_of_each() {
            let names: Vec<&str> = refusal.facts().iter().map(|(name, _)| *name).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{refusal}");
        }
    }

    /// Who words a reason adds whose certificate it is (`bearer`, `kind`); all else comes from the facts.
    #[test]
    fn every_reason_and_remedy_is_worded_with_its_facts_in_both_languages() {
        for file in [include_str!("../../texts/locales/en/pki.ftl"), include_str!("../../texts/locales/ja/pki.ftl")] {
            let line = |key: &str| file.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
            for refusal in one_of_each() {
                let key = refusal.key();
                let wording = line(&key).unwrap_or_else(|| panic!("{key} has no text"));
                assert!(line(&format!("{key}-do")).is_some(), "{key} has no remedy");
                let mut known: BTreeSet<&str> = refusal.facts().iter().map(|(name, _)| *name).collect();
                known.extend(["bearer", "kind"]);
                for used in wording.split("{ $").skip(1).filter_map(|rest| rest.split(" }").next()) {
                    assert!(known.contains(used), "{key} mentions {used}, which is no fact of it");
                }
            }
        }
    }
}
