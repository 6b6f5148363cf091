//! Certificates: of an authority by itself, and of those it certifies.

use ring::digest::{SHA256, digest};

use crate::der::{
    ECDSA_WITH_SHA256, bit_string, boolean, context, context_primitive, named_bits, number, octets, oid, sequence,
    sequence_of, unsigned,
};
use crate::name::Subject;
use crate::time::time;

const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 0x1f];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

/// extendedKeyUsage (RFC 5280 §4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of RFC 5280")]
pub enum KeyPurpose {
    ServerAuth,
    ClientAuth,
}

/// A self-signed authority that issues directly to end entities.
#[derive(Debug, Clone)]
pub struct Authority<'a> {
    /// 1 to 20 octets, the first bit 0 (RFC 5280 §4.1.2.2).
    pub serial: &'a [u8],
    /// Its name, as subject and issuer.
    pub name: &'a Subject,
    /// First and last second, since 1970.
    pub validity: (i64, i64),
    /// Its SubjectPublicKeyInfo, DER.
    pub spki: &'a [u8],
}

impl Authority<'_> {
    /// The part that is signed, with the key it certifies.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let name = self.name.der();
        let extensions = [
            // No further CA follows.
            extension(BASIC_CONSTRAINTS, true, &sequence(&[&boolean(true), &number(0)])),
            // keyCertSign, cRLSign.
            extension(KEY_USAGE, true, &named_bits(&[5, 6])),
            extension(SUBJECT_KEY_ID, false, &octets(&key_identifier(self.spki))),
        ];
        certificate(self.serial, &name, self.validity, &name, self.spki, &extensions)
    }
}

/// A gate, a terminal, an institution, a person's terminal at a service.
#[derive(Debug, Clone)]
pub struct EndEntity<'a> {
    /// 1 to 20 octets, the first bit 0 (RFC 5280 §4.1.2.2).
    pub serial: &'a [u8],
    /// DER of the issuer's Name, as its certificate has it.
    pub issuer: &'a [u8],
    /// The issuer's subjectKeyIdentifier, if its certificate has one.
    pub issuer_key: Option<&'a [u8]>,
    /// Its name.
    pub subject: &'a Subject,
    /// First and last second, since 1970.
    pub validity: (i64, i64),
    /// Its SubjectPublicKeyInfo, DER.
    pub spki: &'a [u8],
    /// URIs of subjectAltName: the identity.
    pub uris: &'a [String],
    /// DNS names of subjectAltName.
    pub dns_names: &'a [String],
    /// What its key may be used for besides signing.
    pub purposes: &'a [KeyPurpose],
    /// Where the revocation list is.
    pub crl_uri: Option<&'a str>,
}

impl EndEntity<'_> {
    /// The part that the issuer signs.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let mut extensions = vec![extension(KEY_USAGE, true, &named_bits(&[0]))];
        if !self.purposes.is_empty() {
            let purposes: Vec<_> = self.purposes.iter().map(|purpose| key_purpose(*purpose)).collect();
            extensions.push(extension(EXTENDED_KEY_USAGE, false, &sequence_of(&purposes)));
        }
        let names: Vec<Vec<u8>> = (self.uris.iter().map(|uri| context_primitive(6, uri.as_bytes())))
            .chain(self.dns_names.iter().map(|name| context_primitive(2, name.as_bytes())))
            .collect();
        if !names.is_empty() {
            extensions.push(extension(SUBJECT_ALT_NAME, false, &sequence_of(&names)));
        }
        extensions.push(extension(SUBJECT_KEY_ID, false, &octets(&key_identifier(self.spki))));
        if let Some(key) = self.issuer_key {
            extensions.push(authority_key_id(key));
        }
        if let Some(uri) = self.crl_uri {
            let full_name = context(0, &[&context_primitive(6, uri.as_bytes())]);
            let point = sequence(&[&context(0, &[&full_name])]);
            extensions.push(extension(CRL_DISTRIBUTION_POINTS, false, &sequence(&[&point])));
        }
        certificate(self.serial, self.issuer, self.validity, &self.subject.der(), self.spki, &extensions)
    }
}

/// `SIGNED { … }`: what was to be signed, ecdsa-with-SHA256, and the signature (DER SEQUENCE of r and s).
pub fn sealed(to_be_signed: &[u8], signature: &[u8]) -> Vec<u8> {
    sequence(&[to_be_signed, &algorithm(), &bit_string(signature)])
}

/// subjectKeyIdentifier: the leftmost 160 bits of SHA-256 over the SubjectPublicKeyInfo (RFC 7093 §2 method 4).
pub fn key_identifier(spki: &[u8]) -> [u8; 20] {
    let mut id = [0; 20];
    id.copy_from_slice(&digest(&SHA256, spki).as_ref()[..20]);
    id
}

pub(crate) fn algorithm() -> Vec<u8> {
    sequence(&[&oid(ECDSA_WITH_SHA256)])
}

pub(crate) fn authority_key_id(key: &[u8]) -> Vec<u8> {
    extension(AUTHORITY_KEY_ID, false, &sequence(&[&context_primitive(0, key)]))
}

pub(crate) fn extension(kind: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    // DER leaves the default FALSE out.
    let critical = if critical { boolean(true) } else { Vec::new() };
    sequence(&[&oid(kind), &critical, &octets(value)])
}

pub(crate) fn subject_alt_name(uris: &[String]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = uris.iter().map(|uri| context_primitive(6, uri.as_bytes())).collect();
    extension(SUBJECT_ALT_NAME, false, &sequence_of(&names))
}

fn key_purpose(purpose: KeyPurpose) -> Vec<u8> {
    let last = match purpose {
        KeyPurpose::ServerAuth => 1,
        KeyPurpose::ClientAuth => 2,
    };
    oid(&[0x2b, 6, 1, 5, 5, 7, 3, last])
}

fn certificate(
    serial: &[u8],
    issuer: &[u8],
    validity: (i64, i64),
    subject: &[u8],
    spki: &[u8],
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let validity = sequence(&[&time(validity.0), &time(validity.1)]);
    sequence(&[
        &context(0, &[&number(2)]),
        &unsigned(serial),
        &algorithm(),
        issuer,
        &validity,
        subject,
        spki,
        &context(3, &[&sequence_of(extensions)]),
    ])
}
