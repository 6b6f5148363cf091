//! Public keys and the signatures checked with them.

use crate::der::{Element, Malformed, Parsed, Reader, tag};
use crate::handshake::RsaScheme;
use crate::oid::{Oid, known};
use ring::signature as ring_signature;
use std::fmt;

/// A subjectPublicKeyInfo of a kind this house verifies with, or the name of another.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA; `der` is the RSAPublicKey (RFC 8017 §A.1.1).
    Rsa {
        /// Modulus length in bits.
        bits: usize,
        /// RSAPublicKey.
        der: Vec<u8>,
    },
    /// ECDSA on P-256, uncompressed point.
    EcP256(Vec<u8>),
    /// ECDSA on P-384, uncompressed point.
    EcP384(Vec<u8>),
    /// Ed25519, 32 octets.
    Ed25519(Vec<u8>),
    /// Any other algorithm: never verifies.
    Other(Oid),
}

/// A signature that does not verify, or is of an algorithm that is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify with this key")]
pub struct SignatureRefused;

/// Checks a detached signature of an agreement (G12) or a center's order: ECDSA P-256 with SHA-256
/// (ASN.1 DER signature) or Ed25519. Other keys are refused.
pub fn verify_detached(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureRefused> {
    match key {
        PublicKey::EcP256(point) => check(&ring_signature::ECDSA_P256_SHA256_ASN1, point, message, signature),
        PublicKey::Ed25519(point) => check(&ring_signature::ED25519, point, message, signature),
        PublicKey::Rsa { .. } | PublicKey::EcP384(_) | PublicKey::Other(_) => Err(SignatureRefused),
    }
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub fn from_spki_der(der: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(der);
        let element = reader.expect(tag::SEQUENCE, "subjectPublicKeyInfo")?;
        reader.finish("bytes after subjectPublicKeyInfo")?;
        Self::read(&element)
    }

    pub(crate) fn read(spki: &Element<'_>) -> Parsed<Self> {
        let mut fields = spki.reader();
        let algorithm = fields.expect(tag::SEQUENCE, "key algorithm")?;
        let key = fields.expect(tag::BIT_STRING, "public key bits")?;
        fields.finish("bytes after the public key")?;

        let mut algorithm_fields = algorithm.reader();
        let kind = Oid::read(&algorithm_fields.expect(tag::OID, "key algorithm identifier")?)?;
        match kind.contents() {
            known::RSA_ENCRYPTION => {
                algorithm_fields.expect(tag::NULL, "RSA parameters must be NULL")?;
                algorithm_fields.finish("bytes after RSA parameters")?;
                read_rsa(&key)
            }
            known::EC_PUBLIC_KEY => {
                let curve = Oid::read(&algorithm_fields.expect(tag::OID, "named curve")?)?;
                algorithm_fields.finish("bytes after the named curve")?;
                let point = key.bit_string_octets()?;
                let (size, make): (usize, fn(Vec<u8>) -> Self) = match curve.contents() {
                    known::CURVE_P256 => (65, Self::EcP256),
                    known::CURVE_P384 => (97, Self::EcP384),
                    _ => return Ok(Self::Other(curve)),
                };
                if point.len() != size || point.first() != Some(&0x04) {
                    return Err(key.malformed("elliptic curve point is not uncompressed"));
                }
                Ok(make(point.to_vec()))
            }
            known::ED25519 => {
                algorithm_fields.finish("Ed25519 has no parameters")?;
                match key.bit_string_octets()? {
                    point if point.len() == 32 => Ok(Self::Ed25519(point.to_vec())),
                    _ => Err(key.malformed("Ed25519 key is not 32 octets")),
                }
            }
            _ => Ok(Self::Other(kind)),
        }
    }

    /// Octets that no other key has.
    pub(crate) fn name(&self) -> Vec<u8> {
        let (kind, octets) = match self {
            Self::Rsa { der, .. } => (0, der.as_slice()),
            Self::EcP256(point) => (1, point.as_slice()),
            Self::EcP384(point) => (2, point.as_slice()),
            Self::Ed25519(point) => (3, point.as_slice()),
            Self::Other(oid) => (4, oid.contents()),
        };
        [&[kind], octets].concat()
    }

    /// Whether §6 of the algorithm profile accepts the key in a certificate.
    pub(crate) fn is_strong(&self) -> bool {
        match self {
            Self::Rsa { bits, .. } => (2048..=8192).contains(bits),
            Self::EcP256(_) | Self::EcP384(_) | Self::Ed25519(_) => true,
            Self::Other(_) => false,
        }
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, the only scheme of the JAHIS card guide (CKM_RSA_PKCS).
    pub(crate) fn verify_rsa_pkcs1_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureRefused> {
        match self {
            Self::Rsa { der, .. } => check(&ring_signature::RSA_PKCS1_2048_8192_SHA256, der, message, signature),
            _ => Err(SignatureRefused),
        }
    }

    /// As a card signs a TLS handshake.
    pub(crate) fn verify_rsa(
        &self,
        scheme: RsaScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureRefused> {
        let Self::Rsa { der, .. } = self else { return Err(SignatureRefused) };
        let algorithm = match scheme {
            RsaScheme::Pkcs1Sha256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
            RsaScheme::Pkcs1Sha384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
            RsaScheme::Pkcs1Sha512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
            RsaScheme::PssSha256 => &ring_signature::RSA_PSS_2048_8192_SHA256,
            RsaScheme::PssSha384 => &ring_signature::RSA_PSS_2048_8192_SHA384,
            RsaScheme::PssSha512 => &ring_signature::RSA_PSS_2048_8192_SHA512,
        };
        check(algorithm, der, message, signature)
    }

    pub(crate) fn verify(
        &self,
        algorithm: &SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureRefused> {
        use SignatureAlgorithm::{EcdsaSha256, EcdsaSha384, Other, RsaSha256, RsaSha384, RsaSha512};
        match (self, algorithm) {
            (Self::Rsa { der, .. }, RsaSha256) => {
                check(&ring_signature::RSA_PKCS1_2048_8192_SHA256, der, message, signature)
            }
            (Self::Rsa { der, .. }, RsaSha384) => {
                check(&ring_signature::RSA_PKCS1_2048_8192_SHA384, der, message, signature)
            }
            (Self::Rsa { der, .. }, RsaSha512) => {
                check(&ring_signature::RSA_PKCS1_2048_8192_SHA512, der, message, signature)
            }
            (Self::EcP256(p), EcdsaSha256) => check(&ring_signature::ECDSA_P256_SHA256_ASN1, p, message, signature),
            (Self::EcP256(p), EcdsaSha384) => check(&ring_signature::ECDSA_P256_SHA384_ASN1, p, message, signature),
            (Self::EcP384(p), EcdsaSha256) => check(&ring_signature::ECDSA_P384_SHA256_ASN1, p, message, signature),
            (Self::EcP384(p), EcdsaSha384) => check(&ring_signature::ECDSA_P384_SHA384_ASN1, p, message, signature),
            (Self::Rsa { .. }, EcdsaSha256 | EcdsaSha384 | Other(_))
            | (Self::EcP256(_) | Self::EcP384(_), RsaSha256 | RsaSha384 | RsaSha512 | Other(_))
            | (Self::Ed25519(_) | Self::Other(_), _) => Err(SignatureRefused),
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits, .. } => write!(f, "RSA {bits}"),
            Self::EcP256(_) => f.write_str("ECDSA P-256"),
            Self::EcP384(_) => f.write_str("ECDSA P-384"),
            Self::Ed25519(_) => f.write_str("Ed25519"),
            Self::Other(oid) => write!(f, "algorithm {oid}"),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// The algorithm a certificate or CRL says it was signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    EcdsaSha256,
    EcdsaSha384,
    /// SHA-1, MD5, PSS, … : not accepted.
    Other(Oid),
}

impl SignatureAlgorithm {
    pub fn read(element: &Element<'_>) -> Parsed<Self> {
        let mut fields = element.reader();
        let kind = Oid::read(&fields.expect(tag::OID, "signature algorithm")?)?;
        let (algorithm, null_parameters) = match kind.contents() {
            known::SHA256_WITH_RSA => (Self::RsaSha256, true),
            known::SHA384_WITH_RSA => (Self::RsaSha384, true),
            known::SHA512_WITH_RSA => (Self::RsaSha512, true),
            known::ECDSA_WITH_SHA256 => (Self::EcdsaSha256, false),
            known::ECDSA_WITH_SHA384 => (Self::EcdsaSha384, false),
            _ => return Ok(Self::Other(kind)),
        };
        if null_parameters {
            fields.expect(tag::NULL, "RSA signature parameters must be NULL")?;
        }
        fields.finish("unexpected signature algorithm parameters")?;
        Ok(algorithm)
    }
}

fn read_rsa(key: &Element<'_>) -> Parsed<PublicKey> {
    let der = key.bit_string_octets()?;
    // One octet (unused bits) precedes the key inside the BIT STRING.
    let mut reader = Reader::at(der, key.contents_offset() + 1);
    let sequence = reader.expect(tag::SEQUENCE, "RSAPublicKey")?;
    reader.finish("bytes after RSAPublicKey")?;
    let mut fields = sequence.reader();
    let modulus = fields.expect(tag::INTEGER, "RSA modulus")?.unsigned()?;
    fields.expect(tag::INTEGER, "RSA exponent")?.unsigned()?;
    fields.finish("bytes after the RSA exponent")?;
    let leading = modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
    Ok(PublicKey::Rsa { bits: modulus.len() * 8 - leading, der: der.to_vec() })
}

fn check(
    algorithm: &'static dyn ring_signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureRefused> {
    ring_signature::UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| SignatureRefused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn detached_ed25519_known_answer() {
        // RFC 8032 §7.1 test 2.
        let key =
            hex::decode("302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
                .unwrap();
        let signature = hex::decode("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00").unwrap();
        let key = PublicKey::from_spki_der(&key).unwrap();
        assert_eq!(verify_detached(&key, &[0x72], &signature), Ok(()));
        assert_eq!(verify_detached(&key, &[0x73], &signature), Err(SignatureRefused));
        assert_eq!(verify_detached(&key, &[0x72], &signature[..63]), Err(SignatureRefused));
    }

    proptest! {
        #[test]
        fn arbitrary_keys_never_panic(der in proptest::collection::vec(any::<u8>(), 0..200), sig in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(key) = PublicKey::from_spki_der(&der) {
                let _ = verify_detached(&key, b"m", &sig);
            }
        }
    }
}
