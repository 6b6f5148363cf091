//! Answers of OCSP responders (RFC 6960): what is taken from whom, and the store of what was taken.

use crate::anchors::AnchorSet;
use crate::certificate::{Certificate, sha256, to_hex};
use crate::crl::{AuthorityKey, RevocationReason, authority_key};
use crate::der::{Malformed, Reader, tag};
use crate::ocsp_request::OcspQuestion;
use crate::ocsp_response::{BasicResponse, CertId, Digest, ResponderId, Response};
use crate::oid::known;
use crate::path::key_identifiers_agree;
use crate::public_key::SignatureAlgorithm;
use crate::time::{UnixSeconds, format_utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a response is not taken into the store. What the store held before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum OcspRefusal {
    /// C006: the responder's fault, or something on the way that answers in its place.
    #[error("not a DER OCSP response: {0}")]
    Malformed(#[from] Malformed),
    /// C007: the responder would not answer (RFC 6960 §4.2.1); `tryLater` and `internalError` pass by themselves.
    #[error("the responder answered nothing: {status}")]
    NotSuccessful { status: &'static str },
    /// C008: it speaks of certificates of CAs that are not configured.
    #[error("the response is about certificates of no configured certification authority")]
    UnknownIssuer,
    /// C009: forged or damaged, or signed by somebody who is neither the CA nor in the response.
    #[error("the response was signed neither by {issuer} nor by a responder whose certificate it carries")]
    BadSignature { issuer: String },
    /// C010: its certificate does not make it a responder of this CA (RFC 6960 §4.2.2.2).
    #[error("{responder} may not answer for {issuer}: {why}")]
    NotAuthorised { responder: String, issuer: String, why: &'static str },
    /// C011: another response type or an unknown critical extension.
    #[error("the response is of a kind that is not supported: {what}")]
    Unsupported { what: String },
    /// C012: taking it would undo what is known by now (a replayed response).
    #[error("the answer about serial {serial} of {issuer} is of {}, older than the one held, of {}", format_utc(*offered), format_utc(*held))]
    Older { issuer: String, serial: String, offered: UnixSeconds, held: UnixSeconds },
    /// C013: SHA-1, MD5, PSS, an unknown algorithm.
    #[error("the response is signed with an algorithm that is not accepted: {algorithm}")]
    WeakSignature { algorithm: String },
    /// C014: a response, but not about what was asked.
    #[error("the response does not answer about serial {serial} of {issuer}")]
    NotAsked { issuer: String, serial: String },
}

impl OcspRefusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "C006",
            Self::NotSuccessful { .. } => "C007",
            Self::UnknownIssuer => "C008",
            Self::BadSignature { .. } => "C009",
            Self::NotAuthorised { .. } => "C010",
            Self::Unsupported { .. } => "C011",
            Self::Older { .. } => "C012",
            Self::WeakSignature { .. } => "C013",
            Self::NotAsked { .. } => "C014",
        }
    }

    /// Key of its text for people: `pki-c006`; the remedy's key has `-do` behind it.
    pub fn key(&self) -> String {
        format!("pki-{}", self.code().to_ascii_lowercase())
    }

    /// The data as named arguments for its text: times as `2028-03-31T14:59:59Z`, the rest as is.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Malformed(e) => vec![("what", e.what.to_owned()), ("offset", e.offset.to_string())],
            Self::NotSuccessful { status } => vec![("status", (*status).to_owned())],
            Self::UnknownIssuer => vec![],
            Self::BadSignature { issuer } => vec![("issuer", issuer.clone())],
            Self::NotAuthorised { responder, issuer, why } => {
                vec![("responder", responder.clone()), ("issuer", issuer.clone()), ("why", (*why).to_owned())]
            }
            Self::Unsupported { what } => vec![("what", what.clone())],
            Self::Older { issuer, serial, offered, held } => vec![
                ("issuer", issuer.clone()),
                ("serial", serial.clone()),
                ("offered", format_utc(*offered)),
                ("held", format_utc(*held)),
            ],
            Self::WeakSignature { algorithm } => vec![("algorithm", algorithm.clone())],
            Self::NotAsked { issuer, serial } => vec![("issuer", issuer.clone()), ("serial", serial.clone())],
        }
    }
}

/// certStatus (RFC 6960 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerStatus {
    /// Not revoked.
    Good,
    /// Revoked, or never issued (§2.2).
    Revoked {
        /// Since when.
        at: UnixSeconds,
        /// Why.
        reason: RevocationReason,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// What is known of one held answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspStatus {
    /// Issuing CA.
    pub issuer: String,
    /// Serial number of the certificate, lower-case hexadecimal.
    pub serial: String,
    /// What is said of it.
    pub status: AnswerStatus,
    /// When that was known to be right.
    pub this_update: UnixSeconds,
    /// When newer information is there at the latest; none if it always is.
    pub next_update: Option<UnixSeconds>,
    /// Who signed in the CA's place.
    pub delegate: Option<String>,
}

/// Answers whose signatures and signers were checked against the configured CAs, the newest about each certificate.
///
/// Freshness, and whether a delegate is valid now, is judged when a certificate is verified: held answers grow stale.
#[derive(Debug, Clone, Default)]
pub struct OcspStore {
    answers: BTreeMap<AuthorityKey, BTreeMap<Vec<u8>, Arc<Answer>>>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub status: AnswerStatus,
    pub this_update: UnixSeconds,
    pub next_update: Option<UnixSeconds>,
    pub produced_at: UnixSeconds,
    pub delegate: Option<Arc<Certificate>>,
}

impl OcspStore {
    /// Holds nothing: every verification that needs an answer fails with `OcspMissing`.
    pub const fn new() -> Self {
        Self { answers: BTreeMap::new() }
    }

    /// Takes every answer of a DER response in, if who signed it may and none is older than what is held.
    pub fn add(&mut self, der: &[u8], anchors: &AnchorSet) -> Result<Vec<OcspStatus>, OcspRefusal> {
        let taken = read(der, anchors)?;
        self.take(taken)
    }

    /// The same for the response to a question: it must answer it.
    pub fn add_answer(
        &mut self,
        question: &OcspQuestion,
        der: &[u8],
        anchors: &AnchorSet,
    ) -> Result<Vec<OcspStatus>, OcspRefusal> {
        let taken = read(der, anchors)?;
        if !taken.iter().any(|t| t.authority == question.authority && t.serial == question.serial) {
            let (issuer, serial) = (question.issuer().to_string(), question.serial_hex());
            return Err(OcspRefusal::NotAsked { issuer, serial });
        }
        self.take(taken)
    }

    /// Takes over what another store holds that is newer.
    pub fn merge(&mut self, other: &Self) {
        for (authority, answers) in &other.answers {
            let held = self.answers.entry(authority.clone()).or_default();
            for (serial, answer) in answers {
                if held.get(serial).is_none_or(|held| !is_older(answer, held)) {
                    held.insert(serial.clone(), Arc::clone(answer));
                }
            }
        }
    }

    /// Forgets good and unknown answers of before an instant; a revocation is never forgotten.
    pub fn forget_before(&mut self, instant: UnixSeconds) {
        for answers in self.answers.values_mut() {
            answers.retain(|_, a| a.this_update >= instant || matches!(a.status, AnswerStatus::Revoked { .. }));
        }
    }

    /// Every held answer, by issuer and serial number.
    pub fn status(&self) -> impl Iterator<Item = OcspStatus> {
        self.answers.iter().flat_map(|(authority, answers)| {
            answers.iter().map(|(serial, answer)| answer.status(authority.0.to_string(), serial))
        })
    }

    pub(crate) fn of(&self, authority: &Certificate, serial: &[u8]) -> Option<&Answer> {
        // Most centers hold none; the key costs a digest.
        if self.answers.is_empty() {
            return None;
        }
        self.answers.get(&authority_key(authority))?.get(serial).map(Arc::as_ref)
    }

    fn take(&mut self, taken: Vec<Taken>) -> Result<Vec<OcspStatus>, OcspRefusal> {
        for Taken { authority, serial, answer } in &taken {
            if let Some(held) = self.answers.get(authority).and_then(|answers| answers.get(serial))
                && is_older(answer, held)
            {
                let (issuer, serial) = (authority.0.to_string(), to_hex(serial));
                let (offered, held) = (answer.this_update, held.this_update);
                return Err(OcspRefusal::Older { issuer, serial, offered, held });
            }
        }
        let mut statuses = Vec::new();
        for Taken { authority, serial, answer } in taken {
            statuses.push(answer.status(authority.0.to_string(), &serial));
            self.answers.entry(authority).or_default().insert(serial, Arc::new(answer));
        }
        Ok(statuses)
    }
}

impl Answer {
    fn status(&self, issuer: String, serial: &[u8]) -> OcspStatus {
        OcspStatus {
            issuer,
            serial: to_hex(serial),
            status: self.status,
            this_update: self.this_update,
            next_update: self.next_update,
            delegate: self.delegate.as_deref().map(|delegate| delegate.subject().to_string()),
        }
    }
}

fn is_older(offered: &Answer, held: &Answer) -> bool {
    (offered.this_update, offered.produced_at) < (held.this_update, held.produced_at)
}

/// An answer whose signer was checked.
struct Taken {
    authority: AuthorityKey,
    serial: Vec<u8>,
    answer: Answer,
}

/// Reads a response and checks for every answer in it that its signer may give it. Answers about other people's
/// certificates are left out; if nothing remains the response is refused.
fn read(der: &[u8], anchors: &AnchorSet) -> Result<Vec<Taken>, OcspRefusal> {
    let basic = match Response::parse(der)? {
        Response::Basic(basic) => basic,
        Response::Status(status) => return Err(OcspRefusal::NotSuccessful { status }),
        Response::OtherType(kind) => return Err(OcspRefusal::Unsupported { what: format!("response type {kind}") }),
    };
    if let Some(what) = &basic.unsupported {
        return Err(OcspRefusal::Unsupported { what: what.clone() });
    }
    if let SignatureAlgorithm::Other(oid) = &basic.algorithm {
        return Err(OcspRefusal::WeakSignature { algorithm: oid.to_string() });
    }
    let mut signers: BTreeMap<AuthorityKey, Option<Arc<Certificate>>> = BTreeMap::new();
    let mut taken = Vec::new();
    for single in &basic.singles {
        let Some(issuer) = anchors.authorities().find(|ca| single.id.names(ca)) else { continue };
        let authority = authority_key(issuer);
        let delegate = match signers.get(&authority) {
            Some(delegate) => delegate.clone(),
            None => {
                let delegate = signer(&basic, issuer)?.cloned().map(Arc::new);
                signers.entry(authority.clone()).or_insert(delegate).clone()
            }
        };
        let answer = Answer {
            status: single.status,
            this_update: single.this_update,
            next_update: single.next_update,
            produced_at: basic.produced_at,
            delegate,
        };
        taken.push(Taken { authority, serial: single.id.serial.clone(), answer });
    }
    if taken.is_empty() { Err(OcspRefusal::UnknownIssuer) } else { Ok(taken) }
}

/// Who signed: the CA itself (none), or a delegate it certified for that.
fn signer<'a>(basic: &'a BasicResponse, issuer: &Certificate) -> Result<Option<&'a Certificate>, OcspRefusal> {
    let signed_by = |who: &Certificate| {
        basic.responder.names(who) && who.public_key().verify(&basic.algorithm, &basic.tbs, &basic.signature).is_ok()
    };
    if signed_by(issuer) {
        return Ok(None);
    }
    match basic.certificates.iter().find(|certificate| signed_by(certificate)) {
        None => Err(OcspRefusal::BadSignature { issuer: issuer.subject().to_string() }),
        Some(delegate) => match why_not_authorised(delegate, issuer) {
            None => Ok(Some(delegate)),
            Some(why) => {
                let (responder, issuer) = (delegate.subject().to_string(), issuer.subject().to_string());
                Err(OcspRefusal::NotAuthorised { responder, issuer, why })
            }
        },
    }
}

/// RFC 6960 §4.2.2.2: certified directly by the CA that issued the certificate in question, for exactly this.
fn why_not_authorised(delegate: &Certificate, issuer: &Certificate) -> Option<&'static str> {
    let certified = delegate.issuer() == issuer.subject()
        && delegate.is_signed_by(issuer.public_key()).is_ok()
        && key_identifiers_agree(delegate, issuer);
    let listed = delegate.extensions.extended_key_usage.as_deref().unwrap_or_default();
    if !certified {
        Some("its certificate was not issued by that authority")
    } else if !listed.iter().any(|purpose| purpose.contents() == known::EKU_OCSP_SIGNING) {
        Some("extendedKeyUsage lacks OCSPSigning")
    } else if delegate.key_usage().is_some_and(|usage| !usage.digital_signature() && !usage.non_repudiation()) {
        Some("keyUsage lacks digitalSignature")
    } else if !delegate.public_key().is_strong() {
        Some("its key is not accepted")
    } else if !delegate.extensions.unknown_critical.is_empty() {
        Some("its certificate has an unknown critical extension")
    } else {
        None
    }
}

impl CertId {
    /// Both digests must be those of this CA; the serial number is the caller's.
    fn names(&self, authority: &Certificate) -> bool {
        let agree = |digest: fn(&[u8]) -> Vec<u8>| {
            self.issuer_name == digest(authority.subject().der()) && self.issuer_key == digest(key_bits(authority))
        };
        match self.digest {
            Some(Digest::Sha1) => agree(|bytes| sha1(bytes).to_vec()),
            Some(Digest::Sha256) => agree(|bytes| sha256(bytes).to_vec()),
            None => false,
        }
    }
}

impl ResponderId {
    fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::ByName(name) => name == certificate.subject(),
            Self::ByKey(hash) => hash[..] == sha1(key_bits(certificate)),
        }
    }
}

/// The bits of subjectPublicKey without tag, length and number of unused bits (RFC 6960 §4.1.1).
pub(crate) fn key_bits(certificate: &Certificate) -> &[u8] {
    let read = || {
        let mut fields = Reader::new(certificate.spki_der()).expect(tag::SEQUENCE, "subjectPublicKeyInfo")?.reader();
        fields.expect(tag::SEQUENCE, "key algorithm")?;
        fields.expect(tag::BIT_STRING, "public key bits")?.bit_string_octets()
    };
    // A key whose bits are no whole octets is of no accepted kind and verifies nothing.
    read().unwrap_or_default()
}

pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    out
}
