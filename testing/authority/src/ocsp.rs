//! An OCSP responder (RFC 6960, RFC 5019): answers from the registers of the CAs, and every kind of wrong answer.

use crate::authority::{Authority, AuthorityError, CaKind, DAY, EndEntity, RevocationReason};
use crate::der::{BIT_STRING, SEQUENCE, element, oid, tagged};
use crate::issued::Issued;
use crate::keys;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, PublicKeyData, SigningKey,
};
use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use std::io::{BufRead, BufReader, Read, Write};
use time::OffsetDateTime;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const ENUMERATED: u8 = 0x0a;
const GENERALIZED_TIME: u8 = 0x18;

/// The digest of a CertID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertIdHash {
    /// SHA-1, what RFC 5019 asks for.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcspSays {
    /// What the CA's register says: revoked, good, or unknown if such a serial number was never given.
    Register,
    /// Good, whatever the register says.
    Good,
    /// Revoked, whatever the register says.
    Revoked(i64, RevocationReason),
    /// Unknown, whatever the register says.
    Unknown,
}

/// Whose key signs.
#[derive(Debug, Clone, Copy)]
pub enum OcspSigner<'a> {
    /// The CA that issued the certificate.
    Authority,
    /// Another CA.
    Other(CaKind),
    /// A delegate, whose certificate goes along; see [`Authority::issue_responder`].
    Delegate(&'a Issued),
}

/// Everything that can differ between answers; [`OcspSpec::new`] gives a right one.
#[derive(Debug, Clone, Copy)]
pub struct OcspSpec<'a> {
    /// What it says.
    pub says: OcspSays,
    /// Seconds since 1970.
    pub this_update: i64,
    /// Seconds since 1970; none leaves it out.
    pub next_update: Option<i64>,
    /// Who signs.
    pub signer: OcspSigner<'a>,
    /// Names the responder by the SHA-1 of its key instead of its name.
    pub by_key: bool,
}

impl OcspSpec<'_> {
    /// The register's answer, signed by the CA.
    pub fn new(this_update: i64, next_update: i64) -> Self {
        let (says, signer) = (OcspSays::Register, OcspSigner::Authority);
        Self { says, this_update, next_update: Some(next_update), signer, by_key: false }
    }
}

/// What can differ between responders' certificates; [`ResponderSpec::new`] gives a right one.
#[derive(Debug, Clone, Copy)]
pub struct ResponderSpec {
    /// Who issues it.
    pub ca: CaKind,
    /// Whether extendedKeyUsage says OCSPSigning; else it says clientAuth.
    pub may_sign: bool,
    /// id-pkix-ocsp-nocheck.
    pub nocheck: bool,
    /// Days from the authority's `now` to notBefore.
    pub valid_from_day: i64,
    /// Days from the authority's `now` to notAfter.
    pub valid_to_day: i64,
}

impl ResponderSpec {
    /// OCSPSigning and nocheck, 30 days.
    pub fn new(ca: CaKind) -> Self {
        Self { ca, may_sign: true, nocheck: true, valid_from_day: -1, valid_to_day: 30 }
    }
}

impl Authority {
    /// Certifies an OCSP responder (P-256), right or wrong.
    pub fn issue_responder(&mut self, spec: &ResponderSpec) -> Result<Issued, AuthorityError> {
        let mut params = CertificateParams::default();
        params.not_before = self.at(spec.valid_from_day * DAY)?;
        params.not_after = self.at(spec.valid_to_day * DAY)?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CountryName, DnValue::PrintableString("JP".try_into()?));
        subject.push(DnType::OrganizationName, "TEST Sekisho");
        subject.push(DnType::CommonName, format!("TEST OCSP {}", spec.ca.name()));
        params.distinguished_name = subject;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match spec.may_sign {
            true => ExtendedKeyUsagePurpose::OcspSigning,
            false => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        if spec.nocheck {
            let arcs = [1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
            params.custom_extensions.push(CustomExtension::from_oid_content(&arcs, element(NULL, &[])));
        }
        let folder = format!("ocsp-{}", spec.ca.name());
        self.issue(EndEntity { ca: spec.ca, params, key_pem: keys::new_p256()?, folder })
    }

    /// A response about one certificate, by its CA and serial number in hexadecimal.
    pub fn ocsp_response(
        &self,
        ca: CaKind,
        serial: &str,
        hash: CertIdHash,
        spec: &OcspSpec<'_>,
    ) -> Result<Vec<u8>, AuthorityError> {
        let serial = crate::authority::parse_hex(serial)?;
        self.respond(ca, &self.cert_id(ca, &serial, hash)?, &serial, spec)
    }

    /// Answers a request as a responder would: with a response, or with malformedRequest or unauthorized.
    pub fn ocsp_answer(&self, request: &[u8], spec: &OcspSpec<'_>) -> Result<Vec<u8>, AuthorityError> {
        let Some((id, serial)) = read_request(request) else { return Ok(ocsp_status(1)) };
        for ca in CaKind::ALL {
            for hash in [CertIdHash::Sha1, CertIdHash::Sha256] {
                // The digests of name and key come after the algorithm and before the serial number.
                if self.cert_id(ca, &serial, hash)? == id {
                    return self.respond(ca, &id, &serial, spec);
                }
            }
        }
        Ok(ocsp_status(6))
    }

    fn respond(
        &self,
        ca: CaKind,
        cert_id: &[u8],
        serial: &[u8],
        spec: &OcspSpec<'_>,
    ) -> Result<Vec<u8>, AuthorityError> {
        let status = match spec.says {
            OcspSays::Register => self.register_says(ca, serial)?,
            says => says,
        };
        let status = match status {
            OcspSays::Good | OcspSays::Register => element(0x80, &[]),
            OcspSays::Unknown => element(0x82, &[]),
            OcspSays::Revoked(at, reason) => {
                let code = element(tagged(0), &[&element(ENUMERATED, &[&[reason as u8]])]);
                let code = if reason == RevocationReason::Unspecified { Vec::new() } else { code };
                element(tagged(1), &[&generalized(at)?, &code])
            }
        };
        let next_update = match spec.next_update {
            Some(at) => element(tagged(0), &[&generalized(at)?]),
            None => Vec::new(),
        };
        let single = element(SEQUENCE, &[cert_id, &status, &generalized(spec.this_update)?, &next_update]);

        let (certificate, key_pem) = match spec.signer {
            OcspSigner::Authority => (self.ca_der(ca)?, self.ca_key_pem(ca)?),
            OcspSigner::Other(other) => (self.ca_der(other)?, self.ca_key_pem(other)?),
            OcspSigner::Delegate(delegate) => (delegate.cert_der.clone(), delegate.key_pem.clone()),
        };
        let key = KeyPair::from_pem(&key_pem)?;
        let responder = if spec.by_key {
            let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, key.der_bytes());
            element(tagged(2), &[&element(OCTET_STRING, &[hash.as_ref()])])
        } else {
            element(tagged(1), &[&crate::authority::subject_der(&certificate)?])
        };
        let data = element(SEQUENCE, &[&responder, &generalized(spec.this_update)?, &element(SEQUENCE, &[&single])]);
        let algorithm = if key.is_compatible(&rcgen::PKCS_ECDSA_P256_SHA256) {
            element(SEQUENCE, &[&oid(&[1, 2, 840, 10045, 4, 3, 2])])
        } else {
            element(SEQUENCE, &[&oid(&[1, 2, 840, 113549, 1, 1, 11]), &element(NULL, &[])])
        };
        let signature = element(BIT_STRING, &[&[0], &key.sign(&data)?]);
        let certificates = match spec.signer {
            OcspSigner::Authority => Vec::new(),
            OcspSigner::Other(_) | OcspSigner::Delegate(_) => {
                element(tagged(0), &[&element(SEQUENCE, &[&certificate])])
            }
        };
        let basic = element(SEQUENCE, &[&data, &algorithm, &signature, &certificates]);
        let kind = oid(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 1]);
        let bytes = element(tagged(0), &[&element(SEQUENCE, &[&kind, &element(OCTET_STRING, &[&basic])])]);
        Ok(element(SEQUENCE, &[&element(ENUMERATED, &[&[0]]), &bytes]))
    }

    fn register_says(&self, ca: CaKind, serial: &[u8]) -> Result<OcspSays, AuthorityError> {
        let number = |octets: &[u8]| octets.iter().fold(0i64, |n, octet| (n << 8) | i64::from(*octet));
        for entry in self.register(ca)? {
            if number(entry.serial_number.as_ref()) == number(serial) {
                let reason = entry.reason_code.unwrap_or(RevocationReason::Unspecified);
                return Ok(OcspSays::Revoked(entry.revocation_time.unix_timestamp(), reason));
            }
        }
        let given = serial.len() <= 7 && (1..=self.last_serial(ca)?).contains(&number(serial));
        Ok(if given { OcspSays::Good } else { OcspSays::Unknown })
    }

    fn cert_id(&self, ca: CaKind, serial: &[u8], hash: CertIdHash) -> Result<Vec<u8>, AuthorityError> {
        let (algorithm, arcs): (&'static Algorithm, &[u64]) = match hash {
            CertIdHash::Sha1 => (&SHA1_FOR_LEGACY_USE_ONLY, &[1, 3, 14, 3, 2, 26]),
            CertIdHash::Sha256 => (&SHA256, &[2, 16, 840, 1, 101, 3, 4, 2, 1]),
        };
        let key = KeyPair::from_pem(&self.ca_key_pem(ca)?)?;
        let name = digest(algorithm, &crate::authority::subject_der(&self.ca_der(ca)?)?);
        let key = digest(algorithm, key.der_bytes());
        let sign: &[u8] = if serial.first().is_none_or(|octet| octet & 0x80 != 0) { &[0] } else { &[] };
        Ok(element(
            SEQUENCE,
            &[
                &element(SEQUENCE, &[&oid(arcs), &element(NULL, &[])]),
                &element(OCTET_STRING, &[name.as_ref()]),
                &element(OCTET_STRING, &[key.as_ref()]),
                &element(INTEGER, &[sign, serial]),
            ],
        ))
    }
}

/// A response that only has a responseStatus, RFC 6960 §4.2.1: 1 malformedRequest, 2 internalError, 3 tryLater,
/// 5 sigRequired, 6 unauthorized.
pub fn ocsp_status(status: u8) -> Vec<u8> {
    element(SEQUENCE, &[&element(ENUMERATED, &[&[status]])])
}

/// Serves one HTTP POST (RFC 6960 appendix A.1) on a stream.
pub fn serve_ocsp(mut stream: impl Read + Write, answer: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 0 && line.trim() != "" {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut request = vec![0; usize::min(length, 65_536)];
    reader.read_exact(&mut request)?;
    let (status, body) = match answer(&request) {
        Some(body) => ("200 OK", body),
        None => ("500 Internal Server Error", Vec::new()),
    };
    let kind = "application/ocsp-response";
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)?;
    stream.flush()
}

fn generalized(at: i64) -> Result<Vec<u8>, AuthorityError> {
    let at = OffsetDateTime::from_unix_timestamp(at)?;
    let (date, time) = (at.date(), at.time());
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    Ok(element(GENERALIZED_TIME, &[text.as_bytes()]))
}

/// CertID and serial number of the first request in an OCSPRequest; extensions and signatures are not looked at.
fn read_request(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (_, request, _) = split(der)?;
    let (_, mut tbs, _) = split(request)?;
    // version [0] and requestorName [1] may stand before the list.
    while let Some(0xa0 | 0xa1) = tbs.first() {
        tbs = split(tbs)?.2;
    }
    let (_, list, _) = split(tbs)?;
    let (_, first, _) = split(list)?;
    let (id, fields, _) = split(first)?;
    let (_, _, after_algorithm) = split(fields)?;
    let (_, _, after_name) = split(after_algorithm)?;
    let (_, _, after_key) = split(after_name)?;
    let (_, serial, _) = split(after_key)?;
    let serial = serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(serial);
    Some((id.to_vec(), serial.to_vec()))
}

/// An element, its contents, and what comes after it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let first = usize::from(*bytes.get(1)?);
    let (header, length) = match first.checked_sub(0x80) {
        None => (2, first),
        Some(count @ 1..=3) => {
            let octets = bytes.get(2..2 + count)?;
            (2 + count, octets.iter().fold(0, |n, octet| (n << 8) | usize::from(*octet)))
        }
        Some(_) => return None,
    };
    let whole = bytes.get(..header + length)?;
    Some((whole, whole.get(header..)?, bytes.get(header + length..)?))
}
