//! X.509 v3 certificates (RFC 5280 §4.1), parsed strictly.

use crate::der::{Element, Malformed, Parsed, Reader, tag};
use crate::extensions::{BasicConstraints, Extensions, KeyUsage};
use crate::hcrole;
use crate::name::Name;
use crate::oid::Oid;
use crate::public_key::{PublicKey, SignatureAlgorithm, SignatureRefused};
use crate::time::UnixSeconds;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

/// Largest certificate accepted, in octets; real HPKI certificates have under 2 KiB.
pub(crate) const MAX_CERTIFICATE: usize = 16 * 1024;

/// A parsed certificate. Nothing about it is verified: reading is not trusting.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Range<usize>,
    serial: Vec<u8>,
    issuer: Name,
    subject: Name,
    not_before: UnixSeconds,
    not_after: UnixSeconds,
    public_key: PublicKey,
    spki: Range<usize>,
    pub(crate) signature_algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
    pub(crate) extensions: Extensions,
}

impl Certificate {
    /// Reads exactly one DER certificate.
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        if der.len() > MAX_CERTIFICATE {
            return Err(Malformed { what: "certificate larger than 16 KiB", offset: MAX_CERTIFICATE });
        }
        let mut document = Reader::new(der);
        let outer = document.expect(tag::SEQUENCE, "certificate")?;
        document.finish("bytes after the certificate")?;

        let signed = Signed::read(&outer)?;
        let mut fields = signed.tbs.reader();
        let version = fields.expect(tag::explicit(0), "version 3 is required")?;
        if version.only(tag::INTEGER, "version")?.small_unsigned()? != 2 {
            return Err(version.malformed("version 3 is required"));
        }
        let serial_element = fields.expect(tag::INTEGER, "serial number")?;
        let serial = serial_element.unsigned()?.to_vec();
        if serial.len() > 20 {
            return Err(serial_element.malformed("serial number longer than 20 octets"));
        }
        signed.check_inner_algorithm(&fields.expect(tag::SEQUENCE, "signature algorithm")?)?;
        let issuer = Name::read(&fields.expect(tag::SEQUENCE, "issuer")?)?;
        let mut validity = fields.expect(tag::SEQUENCE, "validity")?.reader();
        let not_before = validity.next("notBefore")?.time()?;
        let not_after = validity.next("notAfter")?.time()?;
        validity.finish("bytes after validity")?;
        let subject = Name::read(&fields.expect(tag::SEQUENCE, "subject")?)?;
        let spki = fields.expect(tag::SEQUENCE, "subjectPublicKeyInfo")?;
        let public_key = PublicKey::read(&spki)?;
        fields.optional(tag::implicit(1), "issuerUniqueID")?;
        fields.optional(tag::implicit(2), "subjectUniqueID")?;
        let extensions = match fields.optional(tag::explicit(3), "extensions")? {
            Some(wrapped) => Extensions::read(&wrapped.only(tag::SEQUENCE, "extensions")?)?,
            None => Extensions::default(),
        };
        fields.finish("bytes after the extensions")?;

        Ok(Self {
            tbs: signed.tbs.offset..signed.tbs.offset + signed.tbs.whole.len(),
            spki: spki.offset..spki.offset + spki.whole.len(),
            signature_algorithm: signed.algorithm,
            signature: signed.signature.to_vec(),
            der: der.to_vec(),
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            public_key,
            extensions,
        })
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Serial number in lower-case hexadecimal, without leading zero octets.
    pub fn serial_hex(&self) -> String {
        to_hex(&self.serial)
    }

    pub(crate) fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Issuer name.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Subject name.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// First second of validity.
    pub fn not_before(&self) -> UnixSeconds {
        self.not_before
    }

    /// Last second of validity.
    pub fn not_after(&self) -> UnixSeconds {
        self.not_after
    }

    /// The subject's key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// DER SubjectPublicKeyInfo, for verifiers outside this crate.
    pub fn spki_der(&self) -> &[u8] {
        &self.der[self.spki.clone()]
    }

    /// subjectKeyIdentifier, if it has one.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.extensions.subject_key_id.as_deref()
    }

    /// SHA-256 over the DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.der)
    }

    /// basicConstraints, if present.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.extensions.basic_constraints
    }

    /// keyUsage, if present.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage
    }

    /// Policy identifiers; empty if the extension is absent.
    pub fn policies(&self) -> &[Oid] {
        self.extensions.policies.as_ref().map_or(&[], |policies| &policies.oids)
    }

    /// URIs of subjectAltName.
    pub fn uris(&self) -> &[String] {
        &self.extensions.uris
    }

    /// DNS names of subjectAltName.
    pub fn dns_names(&self) -> &[String] {
        &self.extensions.dns_names
    }

    /// directoryNames of subjectAltName; HPKI repeats the subject there with the name in kanji.
    pub fn directory_names(&self) -> &[Name] {
        &self.extensions.directory_names
    }

    /// URIs of cRLDistributionPoints.
    pub fn crl_uris(&self) -> &[String] {
        &self.extensions.crl_uris
    }

    /// Texts of all hcRoles, none if the certificate carries no qualification.
    pub fn hc_roles(&self) -> Result<Vec<String>, Malformed> {
        self.extensions.directory_attributes.as_deref().map_or(Ok(Vec::new()), hcrole::parse_hc_roles)
    }

    pub(crate) fn is_signed_by(&self, issuer: &PublicKey) -> Result<(), SignatureRefused> {
        issuer.verify(&self.signature_algorithm, &self.der[self.tbs.clone()], &self.signature)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.subject, self.serial_hex())
    }
}

/// `SIGNED { … }`: what certificates and CRLs have in common (RFC 5280 §4.1.1, §5.1.1).
pub(crate) struct Signed<'a> {
    pub tbs: Element<'a>,
    pub algorithm: SignatureAlgorithm,
    algorithm_der: &'a [u8],
    pub signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub fn read(outer: &Element<'a>) -> Parsed<Self> {
        let mut fields = outer.reader();
        let tbs = fields.expect(tag::SEQUENCE, "signed part")?;
        let algorithm = fields.expect(tag::SEQUENCE, "signature algorithm")?;
        let signature = fields.expect(tag::BIT_STRING, "signature")?.bit_string_octets()?;
        fields.finish("bytes after the signature")?;
        Ok(Self { tbs, algorithm: SignatureAlgorithm::read(&algorithm)?, algorithm_der: algorithm.whole, signature })
    }

    /// The algorithm inside the signed part must equal the one outside.
    pub fn check_inner_algorithm(&self, inner: &Element<'_>) -> Parsed<()> {
        if inner.whole == self.algorithm_der {
            Ok(())
        } else {
            Err(inner.malformed("inner and outer signature algorithms differ"))
        }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    out
}

pub(crate) fn to_hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}
