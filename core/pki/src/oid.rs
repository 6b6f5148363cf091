//! Object identifiers.

use crate::der::{Element, Parsed};
use std::fmt;

/// An OBJECT IDENTIFIER, kept as its DER contents.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Vec<u8>);

impl Oid {
    /// From dotted notation; none if it is not one, or an arc exceeds 64 bits.
    pub fn from_dotted(text: &str) -> Option<Self> {
        let mut arcs = text.split('.').map(|arc| {
            let canonical =
                !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'));
            if canonical { arc.parse::<u64>().ok() } else { None }
        });
        let (first, second) = (arcs.next()??, arcs.next()??);
        if first > 2 || (first < 2 && second > 39) {
            return None;
        }
        let mut contents = Vec::new();
        push_arc(&mut contents, first.checked_mul(40)?.checked_add(second)?);
        for arc in arcs {
            push_arc(&mut contents, arc?);
        }
        Some(Self(contents))
    }

    pub(crate) fn read(element: &Element<'_>) -> Parsed<Self> {
        let contents = element.contents;
        let mut start = true;
        for octet in contents {
            if start && *octet == 0x80 {
                return Err(element.malformed("object identifier arc is not minimal"));
            }
            start = octet & 0x80 == 0;
        }
        if contents.is_empty() || !start || contents.len() > 64 {
            return Err(element.malformed("object identifier is incomplete or too long"));
        }
        Ok(Self(contents.to_vec()))
    }

    pub(crate) fn contents(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value: u128 = 0;
        let mut first = true;
        for octet in &self.0 {
            if value > u128::MAX >> 7 {
                return f.write_str("…");
            }
            value = (value << 7) | u128::from(octet & 0x7f);
            if octet & 0x80 == 0 {
                if first {
                    let top = (value / 40).min(2);
                    write!(f, "{top}.{}", value - top * 40)?;
                    first = false;
                } else {
                    write!(f, ".{value}")?;
                }
                value = 0;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

fn push_arc(contents: &mut Vec<u8>, arc: u64) {
    let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        contents.push(((arc >> (7 * group)) & 0x7f) as u8 | more);
    }
}

/// DER contents of the identifiers this crate acts upon.
pub(crate) mod known {
    pub const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    pub const SERIAL_NUMBER: &[u8] = &[0x55, 0x04, 0x05];
    pub const COUNTRY: &[u8] = &[0x55, 0x04, 0x06];
    pub const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
    pub const ORGANIZATIONAL_UNIT: &[u8] = &[0x55, 0x04, 0x0b];

    pub const SUBJECT_DIRECTORY_ATTRIBUTES: &[u8] = &[0x55, 0x1d, 0x09];
    pub const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
    pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    pub const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
    pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    pub const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
    pub const REASON_CODE: &[u8] = &[0x55, 0x1d, 0x15];
    pub const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 0x1b];
    pub const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 0x1c];
    pub const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 0x1d];
    pub const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 0x1f];
    pub const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
    pub const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
    pub const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

    pub const EKU_SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    pub const EKU_CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
    pub const EKU_OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];

    /// id-pkix-ocsp-basic and id-pkix-ocsp-nocheck (RFC 6960 §4.2.1, §4.2.2.2.1).
    pub const OCSP_BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1, 1];
    pub const OCSP_NOCHECK: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1, 5];
    pub const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 26];
    pub const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

    /// id-hcpki-at-healthcareactor, 1.0.17090.0.1 (ISO 17090-2).
    pub const HEALTHCARE_ACTOR: &[u8] = &[0x28, 0x81, 0x85, 0x42, 0x00, 0x01];
    /// codingSchemeReference of the Japanese qualifications, 1.2.392.100495.1.6.1.1.
    pub const JAPANESE_QUALIFICATIONS: &[u8] = &[0x2a, 0x83, 0x08, 0x86, 0x91, 0x0f, 0x01, 0x06, 0x01, 0x01];

    pub const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    pub const SHA384_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
    pub const SHA512_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
    pub const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub const CURVE_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    pub const CURVE_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    pub const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    pub const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_and_der_agree_with_the_hpki_identifiers() {
        for (dotted, contents) in [
            ("1.0.17090.0.1", known::HEALTHCARE_ACTOR),
            ("1.2.392.100495.1.6.1.1", known::JAPANESE_QUALIFICATIONS),
            ("2.5.29.9", known::SUBJECT_DIRECTORY_ATTRIBUTES),
            ("1.2.840.113549.1.1.11", known::SHA256_WITH_RSA),
            ("1.3.132.0.34", known::CURVE_P384),
        ] {
            let oid = Oid::from_dotted(dotted).unwrap();
            assert_eq!(oid.contents(), contents);
            assert_eq!(oid.to_string(), dotted);
        }
        assert_eq!(Oid::from_dotted("2.999").unwrap().to_string(), "2.999");
        for wrong in ["", "1", "3.1", "1.40", "1..2", "1.2.x", "1.2.-1", "01.2", "1.2.03"] {
            assert_eq!(Oid::from_dotted(wrong), None, "{wrong}");
        }
    }
}
