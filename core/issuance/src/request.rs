//! Requests for a certificate: PKCS#10 (RFC 2986).

use crate::certificate::subject_alt_name;
use crate::der::{context, number, oid, sequence, set, set_contents, utf8};
use crate::name::Subject;

/// extensionRequest (RFC 2985 §5.4.2) and challengePassword (§5.4.1).
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
const CHALLENGE_PASSWORD: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7];

/// A request about to be signed with the key it is for: that signature is the proof of possession.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The name asked for; the authority may give another.
    pub subject: &'a Subject,
    /// SubjectPublicKeyInfo, DER.
    pub spki: &'a [u8],
    /// URIs asked for in subjectAltName.
    pub uris: &'a [String],
    /// What binds the request to the TLS session it is sent in (RFC 7030 §3.5), Base64.
    pub binding: Option<&'a str>,
}

impl Request<'_> {
    /// The part that is signed.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let attribute = |kind: &[u8], value: Vec<u8>| sequence(&[&oid(kind), &set(vec![value])]);
        let mut attributes = Vec::new();
        if !self.uris.is_empty() {
            attributes.push(attribute(EXTENSION_REQUEST, sequence(&[&subject_alt_name(self.uris)])));
        }
        if let Some(binding) = self.binding {
            attributes.push(attribute(CHALLENGE_PASSWORD, utf8(binding)));
        }
        sequence(&[&number(0), &self.subject.der(), self.spki, &context(0, &[&set_contents(attributes)])])
    }
}
