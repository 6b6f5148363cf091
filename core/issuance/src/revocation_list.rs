//! Revocation lists: complete, direct, version 2 (RFC 5280 §5).

use crate::certificate::{algorithm, authority_key_id, extension};
use crate::der::{context, element, number, sequence, sequence_of, unsigned};
use crate::time::time;

const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
const REASON_CODE: &[u8] = &[0x55, 0x1d, 0x15];

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Serial number, the most significant octet first.
    pub serial: Vec<u8>,
    /// When, seconds since 1970.
    pub at: i64,
    /// CRLReason (RFC 5280 §5.3.1); 0 is said by leaving it out.
    pub reason: u8,
}

/// A list about to be signed.
#[derive(Debug, Clone)]
pub struct RevocationList<'a> {
    /// DER of the issuer's Name, as its certificate has it.
    pub issuer: &'a [u8],
    /// The issuer's subjectKeyIdentifier, if its certificate has one.
    pub issuer_key: Option<&'a [u8]>,
    /// When it is made, seconds since 1970.
    pub this_update: i64,
    /// Until when it counts.
    pub next_update: i64,
    /// One more than the list before it.
    pub number: u64,
    /// Everything revoked.
    pub revoked: &'a [Revoked],
}

impl RevocationList<'_> {
    /// The part that is signed.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let entries: Vec<Vec<u8>> = self.revoked.iter().map(entry).collect();
        // An empty list of entries is left out (§5.1.2.6).
        let entries = if entries.is_empty() { Vec::new() } else { sequence_of(&entries) };
        let mut extensions: Vec<Vec<u8>> = self.issuer_key.map(authority_key_id).into_iter().collect();
        extensions.push(extension(CRL_NUMBER, false, &number(self.number)));
        sequence(&[
            &number(1),
            &algorithm(),
            self.issuer,
            &time(self.this_update),
            &time(self.next_update),
            &entries,
            &context(0, &[&sequence_of(&extensions)]),
        ])
    }
}

fn entry(revoked: &Revoked) -> Vec<u8> {
    let extensions = match revoked.reason {
        0 => Vec::new(),
        reason => sequence(&[&extension(REASON_CODE, false, &element(0x0a, &[&[reason]]))]),
    };
    sequence(&[&unsigned(&revoked.serial), &time(revoked.at), &extensions])
}
