//! What a certification authority writes (R10, G1, G12): certificates and revocation lists of our own profile (RFC 5280),
//! requests for them (PKCS#10, RFC 2986), and the certs-only message they travel in (RFC 5652, RFC 7030 §4.1.3).
//!
//! Pure: values in, the bytes to be signed out; whoever holds the key signs them, and [`sealed`] puts both together. So
//! the key may lie in a file or on a token, and this crate never meets it. It must not know `pki`, which judges what is
//! written here: encoding and parsing are written separately, so that each is a check on the other.
//!
//! One algorithm: ECDSA with SHA-256 on P-256, as the profile has it (G3).
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod certificate;
mod der;
mod message;
mod name;
mod request;
mod revocation_list;
mod time;

pub use certificate::{Authority, EndEntity, KeyPurpose, key_identifier, sealed};
pub use message::{certs_only, csr_attributes};
pub use name::Subject;
pub use request::Request;
pub use revocation_list::{RevocationList, Revoked};

/// The DER SEQUENCE of two INTEGERs that X.509 wants (RFC 3279 §2.2.3), from the two numbers side by side that PKCS#11
/// gives (PKCS#11 2.40 §2.3.1); none if they are not 32 octets each.
pub fn ecdsa_signature(raw: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = raw.split_at_checked(32).filter(|(_, s)| s.len() == 32)?;
    Some(der::sequence(&[&der::unsigned(r), &der::unsigned(s)]))
}

/// SubjectPublicKeyInfo of a P-256 key from its uncompressed point (65 octets, the first is 4); none for anything else.
pub fn p256_spki(point: &[u8]) -> Option<Vec<u8>> {
    if point.len() != 65 || point[0] != 4 {
        return None;
    }
    let algorithm = der::sequence(&[&der::oid(der::EC_PUBLIC_KEY), &der::oid(der::CURVE_P256)]);
    Some(der::sequence(&[&algorithm, &der::bit_string(point)]))
}
