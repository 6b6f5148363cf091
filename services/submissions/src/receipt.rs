//! Receipts (受領証): bytes that anybody can check, with nothing of ours.
//!
//! A receipt is UTF-8 text, one `name: value` a line, in a fixed order; the signature is ECDSA on P-256 over SHA-256 of
//! exactly these bytes, in DER. With the center's certificate (`certificate.pem`):
//!
//! ```text
//! openssl x509 -in certificate.pem -pubkey -noout > key.pem
//! openssl dgst -sha256 -verify key.pem -signature receipt.sig receipt.txt
//! sha256sum report.zip        # the line `sha256:` of the receipt
//! ```

use model::Timestamp;
use registry::Submission;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::fmt::Write;

/// A receipt and what it takes to check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The signed bytes.
    pub text: String,
    /// ECDSA P-256, SHA-256, DER.
    pub signature: Vec<u8>,
    /// Certificate of the key that signs at present, PEM.
    pub certificate: String,
}

/// What signs receipts. Behind it lies a file, or a PKCS#11 token.
pub trait ReceiptSigner: Send + Sync {
    /// ECDSA P-256 over SHA-256 of the message, DER. May block.
    ///
    /// # Errors
    /// What the key's place says.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String>;

    /// Certificate of the key, PEM.
    fn certificate(&self) -> String;
}

/// A key in a file.
pub struct KeyFile {
    key: EcdsaKeyPair,
    certificate: String,
}

/// Why key and certificate cannot sign receipts.
#[derive(Debug, thiserror::Error)]
pub enum BadKey {
    /// No key in the file.
    #[error("the receipts' key: {0}")]
    Key(rustls_pki_types::pem::Error),
    /// Another kind of key.
    #[error("the receipts' key is not one on P-256: {0}")]
    NotP256(String),
    /// No certificate in the file.
    #[error("the certificate of the receipts' key: {0}")]
    Certificate(rustls_pki_types::pem::Error),
}

impl KeyFile {
    /// From PEM texts: a PKCS#8 key on P-256 and its certificate.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(key: &str, certificate: &str) -> Result<Self, BadKey> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).map_err(BadKey::Key)?;
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_pkcs8_der(), &SystemRandom::new())
                .map_err(|e| BadKey::NotP256(e.to_string()))?;
        CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(BadKey::Certificate)?;
        Ok(Self { key, certificate: certificate.to_owned() })
    }
}

impl ReceiptSigner for KeyFile {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let signature = self.key.sign(&SystemRandom::new(), message).map_err(|e| e.to_string())?;
        Ok(signature.as_ref().to_vec())
    }

    fn certificate(&self) -> String {
        self.certificate.clone()
    }
}

/// The bytes of a receipt. Names hold no line ends: they were refused when the submission began.
pub(crate) fn text(center: &str, row: &Submission, sha256: &str, scanner: &str, now: Timestamp, pem: &str) -> String {
    let signer = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_or_else(|_| "-".to_owned(), |der| hex::encode(digest(&SHA256, der.as_ref())));
    let received = row.received_at.unwrap_or(now);
    let mut text = String::from("Sekisho receipt 1 / 受領証\n");
    for (name, value) in [
        ("center", center.to_owned()),
        ("submission", row.new.id.clone()),
        ("institution", row.new.institution.clone()),
        ("account", row.new.account.clone()),
        ("file", row.new.name.clone()),
        ("bytes", row.new.length.to_string()),
        ("sha256", sha256.to_owned()),
        ("received", received.to_string()),
        ("accepted", now.to_string()),
        ("scanned-by", scanner.to_owned()),
        ("signed-by-certificate-sha256", signer),
    ] {
        let line: String = value.chars().filter(|c| !c.is_control()).collect();
        // Writing into a string does not fail.
        let _ = writeln!(text, "{name}: {line}");
    }
    text
}
