//! Where an authority's key lies, and how it signs: the key never comes in here.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use card::{Driver, TokenKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use crate::Refused;

/// Where a key lies.
#[derive(Clone)]
pub enum KeyPlace {
    /// A PEM file (PKCS#8) that only its owner may read.
    File(PathBuf),
    /// A PKCS#11 token; the key is made there and never leaves it.
    Token {
        /// The library, loaded.
        driver: Arc<Driver>,
        /// Label of the token, if there are several.
        token: Option<String>,
        /// Its PIN.
        pin: String,
        /// Label of the key.
        label: String,
    },
}

impl std::fmt::Debug for KeyPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Token { token, label, .. } => write!(f, "key {label} on token {token:?}"),
        }
    }
}

/// A P-256 key that signs.
pub enum Signer {
    /// In memory, from a file.
    File(Box<EcdsaKeyPair>),
    /// On a token.
    Token(TokenKey),
}

impl Signer {
    /// Opens a key, or makes it if there is none.
    ///
    /// # Errors
    /// [`Refused::Authority`] names the place and the mend.
    pub fn open(place: &KeyPlace) -> Result<Self, Refused> {
        match place {
            KeyPlace::File(path) if path.exists() => read(path),
            KeyPlace::File(path) => make(path),
            KeyPlace::Token { driver, token, pin, label } => {
                let failed = |e: card::CardError| Refused::Authority(format!("{place:?}: {e}"));
                let found = driver.key(token.as_deref(), pin, label).map_err(failed)?;
                let key = match found {
                    Some(key) => key,
                    None => driver.new_key(token.as_deref(), pin, label, label.as_bytes()).map_err(failed)?,
                };
                Ok(Self::Token(key))
            }
        }
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> Vec<u8> {
        let point = match self {
            Self::File(pair) => pair.public_key().as_ref(),
            Self::Token(key) => key.point(),
        };
        issuance::p256_spki(point).expect("both kinds of key are on P-256 and give an uncompressed point")
    }

    /// ECDSA with SHA-256, as X.509 wants it. A token may take its time: call it where waiting is allowed.
    ///
    /// # Errors
    /// [`Refused::Authority`] if the token was pulled or refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Refused> {
        match self {
            Self::File(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| Refused::Authority("the key could not sign".into())),
            Self::Token(key) => {
                let raw = key.sign(message).map_err(|e| Refused::Authority(e.to_string()))?;
                issuance::ecdsa_signature(&raw)
                    .ok_or_else(|| Refused::Authority("the token's signature has not 64 octets".into()))
            }
        }
    }
}

fn read(path: &Path) -> Result<Signer, Refused> {
    let failed = |why: String| Refused::Authority(format!("{}: {why}", path.display()));
    let mode = fs::metadata(path).map_err(|e| failed(e.to_string()))?.mode();
    if mode & 0o077 != 0 {
        return Err(failed(format!("others may read this key (mode {:o}); chmod 600 it", mode & 0o777)));
    }
    let der = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|e| failed(format!("no private key in PEM ({e})")))?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_pkcs8_der(), &SystemRandom::new());
    pair.map(|pair| Signer::File(Box::new(pair))).map_err(|e| failed(format!("no P-256 key in PKCS#8: {e}")))
}

fn make(path: &Path) -> Result<Signer, Refused> {
    let failed = |why: String| Refused::Authority(format!("{}: {why}", path.display()));
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .map_err(|e| failed(e.to_string()))?;
    write_private(path, &pem("PRIVATE KEY", der.as_ref())).map_err(|e| failed(e.to_string()))?;
    read(path)
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, contents: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("unfinished");
    let _ = fs::remove_file(&unfinished);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(contents.as_bytes())?;
    file.sync_all()?;
    // A hard link fails if the name is taken: two that start at once make one key.
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    File::open(folder)?.sync_all()
}

/// RFC 7468.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
