//! Certificate revocation lists (RFC 5280 §5): complete, direct lists, version 2.

use crate::anchors::AnchorSet;
use crate::certificate::{Certificate, Signed, sha256, to_hex};
use crate::der::{Element, Malformed, Parsed, Reader, tag};
use crate::extensions::RawExtension;
use crate::name::Name;
use crate::oid::known;
use crate::time::{UnixSeconds, format_utc};
use std::collections::BTreeMap;
use std::fmt;

/// CRLReason (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names of RFC 5280 §5.3.1")]
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    RemoveFromCrl,
    PrivilegeWithdrawn,
    AaCompromise,
}

impl RevocationReason {
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => return None,
        })
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        })
    }
}

/// Why a revocation list is not taken into the store. What the store held before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum CrlRefusal {
    /// C001.
    #[error("not a DER revocation list: {0}")]
    Malformed(#[from] Malformed),
    /// C002: configure the issuing CA's certificate as anchor or intermediate.
    #[error("no configured certification authority is named {issuer}")]
    UnknownIssuer { issuer: String },
    /// C003: forged or damaged, or the CA may not sign lists.
    #[error("the list was not signed by a key of {issuer} that may sign revocation lists")]
    BadSignature { issuer: String },
    /// C004: a delta, indirect or partitioned list, or an unknown critical extension.
    #[error("the list of {issuer} is of a kind that is not supported: {what}")]
    Unsupported { issuer: String, what: String },
    /// C005: a list older than the one held; accepting it would undo revocations.
    #[error("the list of {issuer} is of {}, older than the one held, of {}", format_utc(*offered), format_utc(*held))]
    Older { issuer: String, offered: UnixSeconds, held: UnixSeconds },
}

impl CrlRefusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "C001",
            Self::UnknownIssuer { .. } => "C002",
            Self::BadSignature { .. } => "C003",
            Self::Unsupported { .. } => "C004",
            Self::Older { .. } => "C005",
        }
    }

    /// Key of its text for people: `pki-c003`; the remedy's key has `-do` behind it.
    pub fn key(&self) -> String {
        format!("pki-{}", self.code().to_ascii_lowercase())
    }

    /// The data as named arguments for its text: times as `2028-03-31T14:59:59Z`, the rest as is.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Malformed(e) => vec![("what", e.what.to_owned()), ("offset", e.offset.to_string())],
            Self::UnknownIssuer { issuer } | Self::BadSignature { issuer } => vec![("issuer", issuer.clone())],
            Self::Unsupported { issuer, what } => vec![("issuer", issuer.clone()), ("what", what.clone())],
            Self::Older { issuer, offered, held } => {
                vec![("issuer", issuer.clone()), ("offered", format_utc(*offered)), ("held", format_utc(*held))]
            }
        }
    }
}

/// What is known of one held list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlStatus {
    /// Issuing CA.
    pub issuer: String,
    /// When it was made.
    pub this_update: UnixSeconds,
    /// When it stops being usable.
    pub next_update: UnixSeconds,
    /// Entries.
    pub revoked: usize,
    /// cRLNumber in hexadecimal, if present.
    pub number: Option<String>,
}

/// Revocation lists whose signatures were checked against the configured CAs, the newest of each.
///
/// Freshness is judged when a certificate is verified, not here: a held list grows stale.
#[derive(Debug, Clone, Default)]
pub struct CrlStore {
    lists: BTreeMap<AuthorityKey, Crl>,
}

/// A CA by name and key, so that a re-keyed CA has two lists.
pub(crate) type AuthorityKey = (Name, [u8; 32]);

impl CrlStore {
    /// Holds nothing: every verification fails with `CrlMissing`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a DER list in if a configured CA signed it and it is not older than the one held.
    pub fn add(&mut self, der: &[u8], anchors: &AnchorSet) -> Result<CrlStatus, CrlRefusal> {
        let crl = Crl::parse(der)?;
        let issuer = crl.issuer.to_string();
        let mut named = anchors.authorities().filter(|ca| *ca.subject() == crl.issuer).peekable();
        if named.peek().is_none() {
            return Err(CrlRefusal::UnknownIssuer { issuer });
        }
        let authority = named
            .find(|ca| {
                let may_sign = ca.key_usage().is_none_or(|usage| usage.crl_sign());
                may_sign && ca.public_key().verify(&crl.algorithm, &crl.tbs, &crl.signature).is_ok()
            })
            .ok_or_else(|| CrlRefusal::BadSignature { issuer: issuer.clone() })?;
        if let Some(what) = &crl.unsupported {
            return Err(CrlRefusal::Unsupported { issuer, what: what.clone() });
        }
        let key = authority_key(authority);
        if let Some(held) = self.lists.get(&key)
            && held.this_update > crl.this_update
        {
            return Err(CrlRefusal::Older { issuer, offered: crl.this_update, held: held.this_update });
        }
        let status = crl.status();
        self.lists.insert(key, crl.without_bytes());
        Ok(status)
    }

    /// Every held list, by issuer.
    pub fn status(&self) -> impl Iterator<Item = CrlStatus> {
        self.lists.values().map(Crl::status)
    }

    pub(crate) fn of(&self, authority: &Certificate) -> Option<&Crl> {
        self.lists.get(&authority_key(authority))
    }
}

pub(crate) fn authority_key(authority: &Certificate) -> AuthorityKey {
    (authority.subject().clone(), sha256(authority.spki_der()))
}

#[derive(Debug, Clone)]
pub(crate) struct Crl {
    issuer: Name,
    pub this_update: UnixSeconds,
    pub next_update: UnixSeconds,
    number: Option<Vec<u8>>,
    revoked: BTreeMap<Vec<u8>, (UnixSeconds, RevocationReason)>,
    algorithm: crate::public_key::SignatureAlgorithm,
    tbs: Vec<u8>,
    signature: Vec<u8>,
    unsupported: Option<String>,
}

impl Crl {
    pub fn parse(der: &[u8]) -> Parsed<Self> {
        let mut document = Reader::new(der);
        let outer = document.expect(tag::SEQUENCE, "revocation list")?;
        document.finish("bytes after the revocation list")?;
        let signed = Signed::read(&outer)?;
        let mut fields = signed.tbs.reader();
        let version = fields.expect(tag::INTEGER, "version 2 is required")?;
        if version.small_unsigned()? != 1 {
            return Err(version.malformed("version 2 is required"));
        }
        signed.check_inner_algorithm(&fields.expect(tag::SEQUENCE, "signature algorithm")?)?;
        let issuer = Name::read(&fields.expect(tag::SEQUENCE, "issuer")?)?;
        let this_update = fields.next("thisUpdate")?.time()?;
        // RFC 5280 §5.1.2.5 requires nextUpdate; without it staleness could not be seen.
        let next_update = fields.next("nextUpdate")?.time()?;
        let mut crl = Self {
            issuer,
            this_update,
            next_update,
            number: None,
            revoked: BTreeMap::new(),
            algorithm: signed.algorithm,
            tbs: signed.tbs.whole.to_vec(),
            signature: signed.signature.to_vec(),
            unsupported: None,
        };
        if let Some(entries) = fields.optional(tag::SEQUENCE, "revokedCertificates")? {
            let mut reader = entries.reader();
            while !reader.is_empty() {
                crl.take_entry(&reader.expect(tag::SEQUENCE, "revoked certificate")?)?;
            }
        }
        if let Some(wrapped) = fields.optional(tag::explicit(0), "list extensions")? {
            let mut reader = wrapped.only(tag::SEQUENCE, "list extensions")?.reader();
            while !reader.is_empty() {
                crl.take_extension(&RawExtension::read(&mut reader)?)?;
            }
        }
        fields.finish("bytes after the list extensions")?;
        Ok(crl)
    }

    /// When and why a serial number was revoked.
    pub fn revocation_of(&self, serial: &[u8]) -> Option<(UnixSeconds, RevocationReason)> {
        self.revoked.get(serial).copied()
    }

    fn take_entry(&mut self, entry: &Element<'_>) -> Parsed<()> {
        let mut fields = entry.reader();
        let serial = fields.expect(tag::INTEGER, "revoked serial number")?.unsigned()?;
        let at = fields.next("revocation date")?.time()?;
        let mut reason = RevocationReason::Unspecified;
        if let Some(extensions) = fields.optional(tag::SEQUENCE, "entry extensions")? {
            let mut reader = extensions.reader();
            while !reader.is_empty() {
                let extension = RawExtension::read(&mut reader)?;
                match extension.id.contents() {
                    known::REASON_CODE => {
                        let code = extension.value.only(tag::ENUMERATED, "reasonCode")?;
                        reason = match code.contents {
                            [code] => RevocationReason::from_code(*code),
                            _ => None,
                        }
                        .ok_or_else(|| code.malformed("unknown reasonCode"))?;
                    }
                    known::CERTIFICATE_ISSUER => self.unsupported = Some("indirect list".into()),
                    _ if extension.critical => {
                        self.unsupported = Some(format!("critical entry extension {}", extension.id));
                    }
                    _ => {}
                }
            }
        }
        fields.finish("bytes after the revoked certificate")?;
        self.revoked.insert(serial.to_vec(), (at, reason));
        Ok(())
    }

    fn take_extension(&mut self, extension: &RawExtension<'_>) -> Parsed<()> {
        match extension.id.contents() {
            known::CRL_NUMBER => {
                self.number = Some(extension.value.only(tag::INTEGER, "cRLNumber")?.unsigned()?.to_vec());
            }
            known::AUTHORITY_KEY_ID => {}
            known::DELTA_CRL_INDICATOR => self.unsupported = Some("delta list".into()),
            // A list for a part of the certificates says nothing about the others.
            known::ISSUING_DISTRIBUTION_POINT => self.unsupported = Some("partitioned or indirect list".into()),
            _ if extension.critical => self.unsupported = Some(format!("critical extension {}", extension.id)),
            _ => {}
        }
        Ok(())
    }

    fn status(&self) -> CrlStatus {
        CrlStatus {
            issuer: self.issuer.to_string(),
            this_update: self.this_update,
            next_update: self.next_update,
            revoked: self.revoked.len(),
            number: self.number.as_deref().map(to_hex),
        }
    }

    /// Once the signature is checked the raw bytes are of no further use.
    fn without_bytes(self) -> Self {
        Self { tbs: Vec::new(), signature: Vec::new(), ..self }
    }
}
