//! Requests for a certificate: PKCS#10 (RFC 2986), parsed strictly, with the proof of possession checked.

use crate::certificate::Signed;
use crate::der::{Element, Malformed, Parsed, Reader, tag};
use crate::extensions::{Extensions, RawExtension};
use crate::name::Name;
use crate::oid::{Oid, known};
use crate::public_key::PublicKey;
use std::ops::Range;

/// Largest request accepted, octets.
const MAX_REQUEST: usize = 16 * 1024;
/// extensionRequest and challengePassword (RFC 2985 §5.4).
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
const CHALLENGE_PASSWORD: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7];

/// A request whose sender holds the private key. Nothing else it says is believed by that.
#[derive(Debug, Clone)]
pub struct CertificationRequest {
    der: Vec<u8>,
    subject: Name,
    public_key: PublicKey,
    spki: Range<usize>,
    uris: Vec<String>,
    challenge_password: Option<String>,
}

/// Why a request is not taken. It lies with whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum RequestRefused {
    /// Not PKCS#10.
    #[error("not a DER certification request: {0}")]
    Malformed(#[from] Malformed),
    /// No proof of possession (RFC 7030 §3.4): the signature is not by the key that is to be certified.
    #[error("the request is not signed by the key it is for")]
    NotPossessed,
}

impl CertificationRequest {
    /// Reads exactly one DER request and checks its signature with the key in it.
    ///
    /// # Errors
    /// [`RequestRefused`].
    pub fn verified(der: &[u8]) -> Result<Self, RequestRefused> {
        if der.len() > MAX_REQUEST {
            return Err(Malformed { what: "request larger than 16 KiB", offset: MAX_REQUEST }.into());
        }
        let mut document = Reader::new(der);
        let outer = document.expect(tag::SEQUENCE, "certification request")?;
        document.finish("bytes after the certification request")?;
        let signed = Signed::read(&outer)?;
        let request = Self::read(der, &signed)?;
        match request.public_key.verify(&signed.algorithm, signed.tbs.whole, signed.signature) {
            Ok(()) => Ok(request),
            Err(_) => Err(RequestRefused::NotPossessed),
        }
    }

    fn read(der: &[u8], signed: &Signed<'_>) -> Parsed<Self> {
        let mut fields = signed.tbs.reader();
        let version = fields.expect(tag::INTEGER, "version")?;
        if version.small_unsigned()? != 0 {
            return Err(version.malformed("version 1 is required"));
        }
        let subject = Name::read(&fields.expect(tag::SEQUENCE, "subject")?)?;
        let spki = fields.expect(tag::SEQUENCE, "subjectPublicKeyInfo")?;
        let mut request = Self {
            der: der.to_vec(),
            subject,
            public_key: PublicKey::read(&spki)?,
            spki: spki.offset..spki.offset + spki.whole.len(),
            uris: Vec::new(),
            challenge_password: None,
        };
        // RFC 2986 §4.1 wants the attributes, if only empty; some clients leave them out.
        if let Some(attributes) = fields.optional(tag::explicit(0), "attributes")? {
            let mut attributes = attributes.reader();
            while !attributes.is_empty() {
                request.take(&attributes.expect(tag::SEQUENCE, "attribute")?)?;
            }
        }
        fields.finish("bytes after the attributes")?;
        Ok(request)
    }

    fn take(&mut self, attribute: &Element<'_>) -> Parsed<()> {
        let mut fields = attribute.reader();
        let kind = Oid::read(&fields.expect(tag::OID, "attribute type")?)?;
        let values = fields.expect(tag::SET, "attribute values")?;
        fields.finish("bytes after the attribute values")?;
        match kind.contents() {
            EXTENSION_REQUEST => {
                let mut extensions = values.only(tag::SEQUENCE, "extensionRequest")?.reader();
                while !extensions.is_empty() {
                    let extension = RawExtension::read(&mut extensions)?;
                    if extension.id.contents() == known::SUBJECT_ALT_NAME {
                        self.uris = Extensions::uris_of(&extension)?;
                    }
                }
            }
            CHALLENGE_PASSWORD => {
                let mut inner = values.reader();
                self.challenge_password = Some(inner.next("challengePassword")?.text()?);
                inner.finish("one challengePassword")?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The name asked for.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The key to be certified.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Its SubjectPublicKeyInfo, DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.der[self.spki.clone()]
    }

    /// URIs of the subjectAltName asked for.
    pub fn uris(&self) -> &[String] {
        &self.uris
    }

    /// challengePassword: in EST what binds the request to its TLS session (RFC 7030 §3.5).
    pub fn challenge_password(&self) -> Option<&str> {
        self.challenge_password.as_deref()
    }
}
