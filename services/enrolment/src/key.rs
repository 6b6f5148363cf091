//! The key a certificate is asked for: in a file that only its owner may read, or on a token.

use std::path::Path;
use std::sync::Arc;

use card::TokenKey;
use issuance::{Request, Subject, sealed};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::Failure;
use crate::keep::{keep, pem};

/// A P-256 key. Clones share it.
#[derive(Clone, Debug)]
pub struct Key(Arc<Held>);

enum Held {
    File(EcdsaKeyPair),
    Token(TokenKey),
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File(_) => "a key in a file",
            Self::Token(_) => "a key on a token",
        })
    }
}

impl Key {
    /// The key in this file (PKCS#8, PEM); makes it, readable by its owner only, if there is none.
    ///
    /// # Errors
    /// [`Failure::File`].
    pub fn in_file(path: &Path) -> Result<Self, Failure> {
        let failed = |why: String| Failure::File { path: path.to_owned(), why };
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        if !path.exists() {
            let der =
                EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).map_err(|e| failed(e.to_string()))?;
            keep(path, &pem("PRIVATE KEY", der.as_ref()), 0o600)?;
        }
        let der =
            PrivatePkcs8KeyDer::from_pem_file(path).map_err(|e| failed(format!("no private key in PEM ({e})")))?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der(), &SystemRandom::new());
        let pair = pair.map_err(|e| failed(format!("no P-256 key in PKCS#8: {e}")))?;
        Ok(Self(Arc::new(Held::File(pair))))
    }

    /// A key on a token.
    pub fn on_token(key: TokenKey) -> Self {
        Self(Arc::new(Held::Token(key)))
    }

    /// The token's, if it is on one.
    pub fn token(&self) -> Option<&TokenKey> {
        match &*self.0 {
            Held::File(_) => None,
            Held::Token(key) => Some(key),
        }
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> Vec<u8> {
        let point = match &*self.0 {
            Held::File(pair) => pair.public_key().as_ref(),
            Held::Token(key) => key.point(),
        };
        issuance::p256_spki(point).expect("both kinds of key are on P-256 and give an uncompressed point")
    }

    /// A request for a certificate, signed: PKCS#10, DER.
    pub(crate) fn request(&self, name: &str, binding: Option<&str>) -> Result<Vec<u8>, Failure> {
        let subject = Subject { organization: String::new(), common_name: name.to_owned() };
        let to_be_signed = Request { subject: &subject, spki: &self.spki(), uris: &[], binding }.to_be_signed();
        Ok(sealed(&to_be_signed, &self.signature(&to_be_signed)?))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let failed = |why: &str| card::CardError::Driver(why.to_owned()).into();
        match &*self.0 {
            Held::File(pair) => match pair.sign(&SystemRandom::new(), message) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => Err(failed("the machine gives no random numbers")),
            },
            Held::Token(key) => {
                issuance::ecdsa_signature(&key.sign(message)?).ok_or_else(|| failed("the signature has not 64 octets"))
            }
        }
    }
}

/// So that the present certificate can be shown in TLS with a key that never leaves its token.
impl SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let ours = SignatureScheme::ECDSA_NISTP256_SHA256;
        offered.contains(&ours).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.signature(message).map_err(|e| Error::General(e.to_string()))
    }
    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}
