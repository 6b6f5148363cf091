//! Asking an OCSP responder (RFC 6960 §4.1 in the profile of RFC 5019 §2.1): one certificate, no nonce, no signature.

use crate::anchors::{AnchorSet, Purpose};
use crate::certificate::{Certificate, to_hex};
use crate::crl::{AuthorityKey, authority_key};
use crate::der::tag;
use crate::name::Name;
use crate::ocsp::{key_bits, sha1};
use crate::oid::known;
use crate::path::{first_path, read_chain};
use crate::revocation::{Demand, Revocation, RevocationPolicy, answer_says, list_says};
use crate::time::UnixSeconds;

/// The digest that names the issuer in a request. Responders of RFC 5019 must understand SHA-1, others may not
/// understand more; it identifies here and protects nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OcspHash {
    /// SHA-1.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What for a responder is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcspNeed {
    /// The policy cannot be met without a fresh answer.
    ToDecide,
    /// No answer is held, or more than half of its time is over.
    ToRenew,
}

/// A question to a responder: is this certificate of this CA revoked?
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OcspQuestion {
    pub(crate) authority: AuthorityKey,
    pub(crate) serial: Vec<u8>,
    issuer: Name,
    key_bits: Vec<u8>,
}

impl OcspQuestion {
    /// About `certificate`, issued by `issuer`; that it is the issuer is not checked.
    pub fn new(certificate: &Certificate, issuer: &Certificate) -> Self {
        Self {
            authority: authority_key(issuer),
            serial: certificate.serial().to_vec(),
            issuer: issuer.subject().clone(),
            key_bits: key_bits(issuer).to_vec(),
        }
    }

    /// What a chain still needs before it can be judged for `purpose`, or what of it is due for renewal; nothing if no
    /// anchor of that purpose wants to hear responders, and nothing for a chain that leads to no anchor.
    pub fn about(
        chain_der: &[&[u8]],
        anchors: &AnchorSet,
        purpose: Purpose,
        held: Revocation<'_>,
        now: UnixSeconds,
        need: OcspNeed,
    ) -> Vec<Self> {
        if !anchors.for_purpose(purpose).any(|anchor| anchor.revocation.asks_responders()) {
            return Vec::new();
        }
        let Ok(chain) = read_chain(chain_der) else { return Vec::new() };
        let Some(path) = first_path(&chain, anchors, purpose) else { return Vec::new() };
        path.links()
            .filter(|(certificate, issuer, demand)| is_due(certificate, issuer, held, *demand, now, need))
            .map(|(certificate, issuer, _)| Self::new(certificate, issuer))
            .collect()
    }

    /// The issuing CA, whose responder is to be asked.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Serial number, lower-case hexadecimal.
    pub fn serial_hex(&self) -> String {
        to_hex(&self.serial)
    }

    /// DER of the OCSPRequest, to be sent as `application/ocsp-request`.
    pub fn request(&self, hash: OcspHash) -> Vec<u8> {
        type Digest = fn(&[u8]) -> Vec<u8>;
        let (algorithm, digest): (&[u8], Digest) = match hash {
            OcspHash::Sha1 => (known::SHA1, |bytes| sha1(bytes).to_vec()),
            OcspHash::Sha256 => (known::SHA256, |bytes| crate::certificate::sha256(bytes).to_vec()),
        };
        let algorithm = element(tag::SEQUENCE, &[&element(tag::OID, &[algorithm]), &element(tag::NULL, &[])]);
        let name_hash = element(tag::OCTET_STRING, &[&digest(self.issuer.der())]);
        let key_hash = element(tag::OCTET_STRING, &[&digest(&self.key_bits)]);
        let sign: &[u8] = if self.serial.first().is_none_or(|octet| octet & 0x80 != 0) { &[0] } else { &[] };
        let serial = element(tag::INTEGER, &[sign, &self.serial]);
        let cert_id = element(tag::SEQUENCE, &[&algorithm, &name_hash, &key_hash, &serial]);
        // OCSPRequest → TBSRequest → requestList → Request
        (0..4).fold(cert_id, |inner, _| element(tag::SEQUENCE, &[&inner]))
    }
}

fn is_due(
    certificate: &Certificate,
    issuer: &Certificate,
    held: Revocation<'_>,
    demand: Demand,
    now: UnixSeconds,
    need: OcspNeed,
) -> bool {
    if !demand.policy.asks_responders() {
        return false;
    }
    match need {
        OcspNeed::ToDecide => {
            let answer = answer_says(certificate, issuer, held, demand, now);
            let list_suffices = demand.policy == RevocationPolicy::Either
                && list_says(certificate, issuer, held.crls, demand, now).doubts.is_empty();
            !answer.doubts.is_empty() && !list_suffices
        }
        OcspNeed::ToRenew => held.ocsp.of(issuer, certificate.serial()).is_none_or(|answer| {
            let capped = answer.this_update.saturating_add(demand.max_ocsp_age);
            let until = answer.next_update.map_or(capped, |next_update| next_update.min(capped));
            now >= answer.this_update + until.saturating_sub(answer.this_update) / 2
        }),
    }
}

/// One DER element of concatenated contents.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let mut out = vec![tag];
    if let Ok(short @ 0..=0x7f) = u8::try_from(contents.len()) {
        out.push(short);
    } else {
        let octets: Vec<u8> = contents.len().to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
        out.push(0x80 | octets.len() as u8);
        out.extend(octets);
    }
    out.extend(contents);
    out
}
