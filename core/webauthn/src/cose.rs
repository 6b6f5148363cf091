//! Public keys as COSE writes them (RFC 9052 §7, RFC 9053, RFC 8812), and whether they signed something.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::Fault;
use crate::cbor::{Value, numbered, only};

/// What is asked for, in our order: ES256, EdDSA with Ed25519, RS256 (`pubKeyCredParams`).
pub const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// ES256: the point, uncompressed (SEC 1 §2.3.3).
    P256([u8; 65]),
    /// EdDSA.
    Ed25519([u8; 32]),
    /// RS256.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl PublicKey {
    /// From a COSE_Key alone.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        Self::of(only(bytes)?)
    }

    /// §6.5.1.1: `alg` must be there, and nothing that its kind of key does not need.
    pub fn of(key: Value<'_>) -> Result<Self, Fault> {
        let key = key.map()?;
        let int = |label: i64| match numbered(&key, label) {
            Some(Value::Int(value)) => Ok(*value),
            _ => Err(Fault::Malformed("COSE_Key")),
        };
        let bytes = |label: i64| match numbered(&key, label) {
            Some(Value::Bytes(value)) => Ok(*value),
            _ => Err(Fault::Malformed("COSE_Key")),
        };
        let coordinate = |label: i64| bytes(label)?.try_into().map_err(|_| Fault::Malformed("COSE_Key"));
        let (kind, algorithm) = (int(1)?, int(3)?);
        let (read, labels) = match (kind, algorithm) {
            // RFC 9053 §2.1 and §7.1.1; §5.8.5: ES256 is with P-256 here, and the point is not compressed.
            (2, -7) if int(-1)? == 1 => {
                let (x, y): ([u8; 32], [u8; 32]) = (coordinate(-2)?, coordinate(-3)?);
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&x);
                point[33..].copy_from_slice(&y);
                (Self::P256(point), 5)
            }
            // RFC 9053 §2.2 and §7.2; §5.8.5: EdDSA is with Ed25519 here.
            (1, -8) if int(-1)? == 6 => (Self::Ed25519(coordinate(-2)?), 4),
            // RFC 8812 §2, RFC 8230 §4.
            (3, -257) => {
                let (modulus, exponent) = (bytes(-1)?.to_vec(), bytes(-2)?.to_vec());
                // 2048 to 8192 bits: what is verified below.
                if !(256..=1024).contains(&modulus.len()) || !(1..=8).contains(&exponent.len()) {
                    return Err(Fault::Algorithm);
                }
                (Self::Rsa { modulus, exponent }, 4)
            }
            _ => return Err(Fault::Algorithm),
        };
        if key.len() == labels { Ok(read) } else { Err(Fault::Malformed("COSE_Key")) }
    }

    /// As COSE numbers it.
    pub fn algorithm(&self) -> i64 {
        match self {
            Self::P256(_) => -7,
            Self::Ed25519(_) => -8,
            Self::Rsa { .. } => -257,
        }
    }

    /// §7.2 step 20; the forms of signatures are those of §6.5.5.
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let verdict = match self {
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verdict.map_err(|_| Fault::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_what_its_kind_needs_and_nothing_else() {
        let (x, y) = ("11".repeat(32), "22".repeat(32));
        let read = |hex: String| PublicKey::read(&hex::decode(hex).unwrap());
        assert_eq!(read(format!("a5010203262001215820{x}225820{y}")).unwrap().algorithm(), -7);
        assert_eq!(read(format!("a4010103272006215820{x}")).unwrap().algorithm(), -8);
        let rsa = |octets: usize| {
            format!("a401030339010020{}2143010001", format_args!("59{octets:04x}{}", "c1".repeat(octets)))
        };
        assert_eq!(read(rsa(256)).unwrap().algorithm(), -257);
        for (hex, why) in [
            (format!("a50102032620022158{}{x}225820{y}", "20"), "ES256 with P-384"),
            (format!("a50102033822200121{}{x}225820{y}", "5820"), "ES384"),
            (format!("a4010203262001215820{x}"), "no y"),
            (format!("a501020326200121581f{}225820{y}", &x[2..]), "a short x"),
            (format!("a5010203262001215820{x}22f5"), "a compressed point"),
            (format!("a60102024103262001215820{x}225820{y}"), "a key ID"),
            (format!("a4010103272004215820{x}"), "X25519"),
            (format!("a401022001215820{x}225820{y}"), "no alg"),
            (rsa(128), "1024 bits"),
            ("80".into(), "a list"),
            (String::new(), "nothing"),
        ] {
            assert!(read(hex).is_err(), "{why}");
        }
    }
}
