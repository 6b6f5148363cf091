//! Reading an OCSPResponse (RFC 6960 §4.2). Nothing here is verified.

use crate::certificate::Certificate;
use crate::crl::RevocationReason;
use crate::der::{Element, Parsed, Reader, tag};
use crate::extensions::RawExtension;
use crate::name::Name;
use crate::ocsp::AnswerStatus;
use crate::oid::{Oid, known};
use crate::public_key::SignatureAlgorithm;
use crate::time::UnixSeconds;

/// Largest response accepted, in octets; RFC 5019 responses have about two thousand.
const MAX_RESPONSE: usize = 64 * 1024;
/// Most certificates looked at in a response; a delegate needs one.
const MAX_CERTIFICATES: usize = 4;
/// Most single responses in one response; RFC 5019 §2.2.1 wants one.
const MAX_SINGLES: usize = 256;

/// A response that says something, or the status of one that does not.
pub(crate) enum Response {
    Basic(Box<BasicResponse>),
    /// responseStatus other than successful.
    Status(&'static str),
    /// A responseType other than id-pkix-ocsp-basic.
    OtherType(Oid),
}

pub(crate) struct BasicResponse {
    pub tbs: Vec<u8>,
    pub algorithm: SignatureAlgorithm,
    pub signature: Vec<u8>,
    pub responder: ResponderId,
    pub produced_at: UnixSeconds,
    pub singles: Vec<SingleResponse>,
    /// Those that could be read; the others can be nobody's proof.
    pub certificates: Vec<Certificate>,
    pub unsupported: Option<String>,
}

pub(crate) enum ResponderId {
    ByName(Name),
    /// SHA-1 of the responder's public key bits.
    ByKey(Vec<u8>),
}

pub(crate) struct SingleResponse {
    pub id: CertId,
    pub status: AnswerStatus,
    pub this_update: UnixSeconds,
    pub next_update: Option<UnixSeconds>,
}

/// CertID; none of the digests if made with one that is not known here.
pub(crate) struct CertId {
    pub digest: Option<Digest>,
    pub issuer_name: Vec<u8>,
    pub issuer_key: Vec<u8>,
    pub serial: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digest {
    Sha1,
    Sha256,
}

impl Response {
    pub fn parse(der: &[u8]) -> Parsed<Self> {
        if der.len() > MAX_RESPONSE {
            return Err(crate::der::Malformed { what: "response larger than 64 KiB", offset: MAX_RESPONSE });
        }
        let mut document = Reader::new(der);
        let mut fields = document.expect(tag::SEQUENCE, "OCSP response")?.reader();
        document.finish("bytes after the OCSP response")?;
        let status = fields.expect(tag::ENUMERATED, "responseStatus")?;
        let status = match status.contents {
            [0] => None,
            [1] => Some("malformedRequest"),
            [2] => Some("internalError"),
            [3] => Some("tryLater"),
            [5] => Some("sigRequired"),
            [6] => Some("unauthorized"),
            _ => return Err(status.malformed("unknown responseStatus")),
        };
        let bytes = fields.optional(tag::explicit(0), "responseBytes")?;
        fields.finish("bytes after responseBytes")?;
        if let Some(status) = status {
            return Ok(Self::Status(status));
        }
        let wrapped = bytes.ok_or(crate::der::Malformed { what: "responseBytes are absent", offset: 0 })?;
        let mut fields = wrapped.only(tag::SEQUENCE, "responseBytes")?.reader();
        let kind = Oid::read(&fields.expect(tag::OID, "responseType")?)?;
        let response = fields.expect(tag::OCTET_STRING, "response")?;
        fields.finish("bytes after response")?;
        if kind.contents() != known::OCSP_BASIC {
            return Ok(Self::OtherType(kind));
        }
        let basic = response.only(tag::SEQUENCE, "BasicOCSPResponse")?;
        BasicResponse::read(&basic).map(|basic| Self::Basic(Box::new(basic)))
    }
}

impl BasicResponse {
    fn read(basic: &Element<'_>) -> Parsed<Self> {
        let mut fields = basic.reader();
        let tbs = fields.expect(tag::SEQUENCE, "tbsResponseData")?;
        let algorithm = SignatureAlgorithm::read(&fields.expect(tag::SEQUENCE, "signature algorithm")?)?;
        let signature = fields.expect(tag::BIT_STRING, "signature")?.bit_string_octets()?.to_vec();
        let mut certificates = Vec::new();
        if let Some(wrapped) = fields.optional(tag::explicit(0), "certs")? {
            let mut reader = wrapped.only(tag::SEQUENCE, "certs")?.reader();
            for _ in 0..MAX_CERTIFICATES {
                if reader.is_empty() {
                    break;
                }
                certificates.extend(Certificate::parse(reader.expect(tag::SEQUENCE, "certificate")?.whole).ok());
            }
            reader.finish("more than four certificates")?;
        }
        fields.finish("bytes after BasicOCSPResponse")?;

        let mut data = tbs.reader();
        if let Some(version) = data.optional(tag::explicit(0), "version")? {
            // v1 is the default, which DER leaves out; there is no other.
            return Err(version.malformed("unknown version"));
        }
        let responder = read_responder(&mut data)?;
        let produced_at = data.expect(tag::GENERALIZED_TIME, "producedAt")?.time()?;
        let mut unsupported = None;
        let mut singles = Vec::new();
        let responses = data.expect(tag::SEQUENCE, "responses")?;
        let mut reader = responses.reader();
        while !reader.is_empty() {
            if singles.len() == MAX_SINGLES {
                return Err(responses.malformed("more than 256 single responses"));
            }
            singles.push(read_single(&reader.expect(tag::SEQUENCE, "single response")?, &mut unsupported)?);
        }
        if let Some(wrapped) = data.optional(tag::explicit(1), "responseExtensions")? {
            read_extensions(&wrapped, &mut unsupported)?;
        }
        data.finish("bytes after responseExtensions")?;
        let tbs = tbs.whole.to_vec();
        Ok(Self { tbs, algorithm, signature, responder, produced_at, singles, certificates, unsupported })
    }
}

fn read_responder(data: &mut Reader<'_>) -> Parsed<ResponderId> {
    if let Some(by_name) = data.optional(tag::explicit(1), "responder's name")? {
        return Name::read(&by_name.only(tag::SEQUENCE, "responder's name")?).map(ResponderId::ByName);
    }
    let by_key = data.expect(tag::explicit(2), "responderID")?.only(tag::OCTET_STRING, "responder's key")?;
    Ok(ResponderId::ByKey(by_key.contents.to_vec()))
}

fn read_single(single: &Element<'_>, unsupported: &mut Option<String>) -> Parsed<SingleResponse> {
    let mut fields = single.reader();
    let id = read_cert_id(&fields.expect(tag::SEQUENCE, "certID")?)?;
    let status = read_status(&fields.next("certStatus")?)?;
    let this_update = fields.expect(tag::GENERALIZED_TIME, "thisUpdate")?.time()?;
    let next_update = match fields.optional(tag::explicit(0), "nextUpdate")? {
        Some(wrapped) => Some(wrapped.only(tag::GENERALIZED_TIME, "nextUpdate")?.time()?),
        None => None,
    };
    if let Some(wrapped) = fields.optional(tag::explicit(1), "singleExtensions")? {
        read_extensions(&wrapped, unsupported)?;
    }
    fields.finish("bytes after the single response")?;
    Ok(SingleResponse { id, status, this_update, next_update })
}

fn read_cert_id(element: &Element<'_>) -> Parsed<CertId> {
    let mut fields = element.reader();
    let mut algorithm = fields.expect(tag::SEQUENCE, "hashAlgorithm")?.reader();
    let digest = match Oid::read(&algorithm.expect(tag::OID, "hash algorithm identifier")?)?.contents() {
        known::SHA1 => Some(Digest::Sha1),
        known::SHA256 => Some(Digest::Sha256),
        _ => None,
    };
    if digest.is_some() {
        // RFC 5754 §2: absent or NULL, both are found.
        algorithm.optional(tag::NULL, "hash parameters")?;
        algorithm.finish("bytes after the hash parameters")?;
    }
    let issuer_name = fields.expect(tag::OCTET_STRING, "issuerNameHash")?.contents.to_vec();
    let issuer_key = fields.expect(tag::OCTET_STRING, "issuerKeyHash")?.contents.to_vec();
    let serial = fields.expect(tag::INTEGER, "serialNumber")?.unsigned()?.to_vec();
    fields.finish("bytes after certID")?;
    Ok(CertId { digest, issuer_name, issuer_key, serial })
}

/// CertStatus: `good [0] NULL`, `revoked [1] RevokedInfo`, `unknown [2] NULL`, all IMPLICIT.
fn read_status(status: &Element<'_>) -> Parsed<AnswerStatus> {
    const GOOD: u8 = tag::implicit(0);
    const REVOKED: u8 = tag::explicit(1);
    const UNKNOWN: u8 = tag::implicit(2);
    match (status.tag, status.contents) {
        (GOOD, []) => Ok(AnswerStatus::Good),
        (UNKNOWN, []) => Ok(AnswerStatus::Unknown),
        (REVOKED, _) => {
            let mut fields = status.reader();
            let at = fields.expect(tag::GENERALIZED_TIME, "revocationTime")?.time()?;
            let reason = match fields.optional(tag::explicit(0), "revocationReason")? {
                Some(wrapped) => {
                    let code = wrapped.only(tag::ENUMERATED, "revocationReason")?;
                    let known = match code.contents {
                        [code] => RevocationReason::from_code(*code),
                        _ => None,
                    };
                    known.ok_or_else(|| code.malformed("unknown revocationReason"))?
                }
                None => RevocationReason::Unspecified,
            };
            fields.finish("bytes after RevokedInfo")?;
            Ok(AnswerStatus::Revoked { at, reason })
        }
        _ => Err(status.malformed("unknown certStatus")),
    }
}

fn read_extensions(wrapped: &Element<'_>, unsupported: &mut Option<String>) -> Parsed<()> {
    let mut reader = wrapped.only(tag::SEQUENCE, "extensions")?.reader();
    while !reader.is_empty() {
        let extension = RawExtension::read(&mut reader)?;
        if extension.critical {
            *unsupported = Some(format!("critical extension {}", extension.id));
        }
    }
    Ok(())
}
