//! What an authority hands out.

use crate::{AuthorityError, CaKind};
use rcgen::{KeyPair, SigningKey};
use std::path::PathBuf;

/// A certificate with its key. The same is written to `folder` as `key.pem`, `cert.pem`, `cert.der`
/// and `chain.pem`.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Which CA issued it.
    pub ca: CaKind,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// PKCS#8 PEM.
    pub key_pem: String,
    /// The certificate.
    pub cert_pem: String,
    /// The certificate.
    pub cert_der: Vec<u8>,
    /// End entity, then subordinate CAs; the root is left out.
    pub chain_der: Vec<Vec<u8>>,
    /// The same as PEM.
    pub chain_pem: String,
    /// Where the files lie.
    pub folder: PathBuf,
}

impl Issued {
    /// Signs with the key: RSASSA-PKCS1-v1_5 with SHA-256, or ECDSA P-256 with SHA-256 (ASN.1 DER).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        Ok(KeyPair::from_pem(&self.key_pem)?.sign(message)?)
    }

    /// The chain as the slices that verifiers take.
    pub fn chain(&self) -> Vec<&[u8]> {
        self.chain_der.iter().map(Vec::as_slice).collect()
    }
}
