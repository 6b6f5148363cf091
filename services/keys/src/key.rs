//! A P-256 key, wherever it lies.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use card::{CardError, Driver, TokenKey};
use files::{Defect, Fault, Wanted};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::KeyFault;
use crate::element::owners_only;
use crate::files::{create, pem};

/// Where a key lies.
#[derive(Clone)]
pub enum KeyPlace {
    /// A PEM file (PKCS#8) that only its owner may read.
    File(PathBuf),
    /// A secure element; the key is made there and never leaves it.
    Token {
        /// The PKCS#11 module, loaded.
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

/// A P-256 key that signs. Clones share it.
#[derive(Clone, Debug)]
pub struct Key(Arc<Held>);

enum Held {
    File(Box<EcdsaKeyPair>),
    Element(InElement),
}

struct InElement {
    /// Where to find it again; none if the person who typed the PIN is needed.
    place: Option<KeyPlace>,
    /// Nobody else in this process uses the module.
    alone: AtomicBool,
    pin_refused: AtomicBool,
    point: Vec<u8>,
    id: Vec<u8>,
    key: Mutex<Option<Arc<TokenKey>>>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File(_) => "a key in a file",
            Self::Element(_) => "a key in a secure element",
        })
    }
}

impl Key {
    /// Opens a key, or makes it if there is none.
    ///
    /// # Errors
    /// [`KeyFault`] names the place and the mend.
    pub fn open_or_make(place: &KeyPlace) -> Result<Self, KeyFault> {
        match (Self::open(place), place) {
            (Err(KeyFault::NoSuchKey(_)), KeyPlace::Token { driver, token, pin, label }) => {
                let mut id = [0; 16];
                SystemRandom::new().fill(&mut id).map_err(|_| KeyFault::NoRandomness)?;
                let made = driver.new_key(token.as_deref(), pin, label, &id)?;
                Ok(Self::element(made, Some(place.clone())))
            }
            (Err(_), KeyPlace::File(path)) if !path.exists() => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                    .map_err(|_| KeyFault::NoRandomness)?;
                create(path, &pem("PRIVATE KEY", der.as_ref()))?;
                Self::read(path)
            }
            (opened, _) => opened,
        }
    }

    /// Opens a key that is there.
    ///
    /// # Errors
    /// [`KeyFault`] names the place and the mend.
    pub fn open(place: &KeyPlace) -> Result<Self, KeyFault> {
        match place {
            KeyPlace::File(path) => Self::read(path),
            KeyPlace::Token { label, .. } => {
                let found = find(place)?.ok_or_else(|| KeyFault::NoSuchKey(label.clone()))?;
                Ok(Self::element(found, Some(place.clone())))
            }
        }
    }

    /// The key in this file (PKCS#8, PEM); makes it, readable by its owner only, if there is none.
    ///
    /// # Errors
    /// [`KeyFault::File`].
    pub fn in_file(path: &Path) -> Result<Self, KeyFault> {
        Self::open_or_make(&KeyPlace::File(path.to_owned()))
    }

    /// A key on a token whose PIN a person gave.
    pub fn on_token(key: TokenKey) -> Self {
        Self::element(key, None)
    }

    /// This key is the only one of its module in this process: if the module itself must be begun anew, that takes
    /// nothing from anybody else.
    #[must_use]
    pub fn alone(self) -> Self {
        if let Held::Element(held) = &*self.0 {
            held.alone.store(true, Ordering::Relaxed);
        }
        self
    }

    /// The token's, if it is on one.
    pub fn token(&self) -> Option<Arc<TokenKey>> {
        match &*self.0 {
            Held::File(_) => None,
            Held::Element(held) => held.present(),
        }
    }

    /// CKA_ID of a key in a secure element: what others who use the same element find it by.
    pub fn id(&self) -> Option<&[u8]> {
        match &*self.0 {
            Held::File(_) => None,
            Held::Element(held) => Some(&held.id),
        }
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> Vec<u8> {
        let point = match &*self.0 {
            Held::File(pair) => pair.public_key().as_ref(),
            Held::Element(held) => &held.point,
        };
        issuance::p256_spki(point).expect("both kinds of key are on P-256 and give an uncompressed point")
    }

    /// ECDSA with SHA-256, as X.509 and TLS want it. An element may take its time (a TPM 50 to 300 ms): call it where
    /// waiting is allowed. One that was taken out, or lost its session, is looked for again.
    ///
    /// # Errors
    /// [`KeyFault`] if the element is gone or refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        match &*self.0 {
            Held::File(pair) => match pair.sign(&SystemRandom::new(), message) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => Err(KeyFault::NoRandomness),
            },
            Held::Element(held) => {
                let raw = held.sign(message)?;
                let wrong = || CardError::Driver("the signature has not 64 octets".to_owned());
                Ok(issuance::ecdsa_signature(&raw).ok_or_else(wrong)?)
            }
        }
    }

    fn element(key: TokenKey, place: Option<KeyPlace>) -> Self {
        let (point, id) = (key.point().to_vec(), key.id().to_vec());
        let (alone, pin_refused) = (AtomicBool::new(false), AtomicBool::new(false));
        let key = Mutex::new(Some(Arc::new(key)));
        Self(Arc::new(Held::Element(InElement { place, alone, pin_refused, point, id, key })))
    }

    fn read(path: &Path) -> Result<Self, KeyFault> {
        owners_only(path)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(&files::read(path)?);
        let der = der.map_err(|e| Fault::of(path, Defect::pem(Wanted::PrivateKey, e)))?;
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der(), &SystemRandom::new());
        let pair = pair.map_err(|e| Fault::of(path, Defect::NotP256 { said: e.to_string() }))?;
        Ok(Self(Arc::new(Held::File(Box::new(pair)))))
    }
}

/// Nobody watches when a machine gives its PIN: one that is wrong must not use up the last try.
fn find(place: &KeyPlace) -> Result<Option<TokenKey>, KeyFault> {
    let KeyPlace::Token { driver, token, pin, label } = place else { return Ok(None) };
    if driver.last_try(token.as_deref())? {
        return Err(CardError::WrongPin { last_try: true }.into());
    }
    Ok(driver.key(token.as_deref(), pin, label)?)
}

impl InElement {
    fn present(&self) -> Option<Arc<TokenKey>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        if let Some(key) = self.present() {
            match (key.sign(message), &self.place) {
                (Ok(signature), _) => return Ok(signature),
                (Err(error), None) => return Err(error.into()),
                // Its session is gone, or more.
                (Err(_), Some(_)) => {}
            }
        }
        match self.again(false).and_then(|key| Ok(key.sign(message)?)) {
            // An element can answer questions and yet not sign: what it is reached by was started again meanwhile.
            Err(KeyFault::Element(_)) if self.alone.load(Ordering::Relaxed) => Ok(self.again(true)?.sign(message)?),
            signed => signed,
        }
    }

    /// Looks for the key afresh: with a session of its own, or in a module that begins anew.
    fn again(&self, anew: bool) -> Result<Arc<TokenKey>, KeyFault> {
        let mut slot = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if self.pin_refused.load(Ordering::Relaxed) {
            return Err(KeyFault::PinRefused);
        }
        let Some(place) = &self.place else { return Err(CardError::NoCard.into()) };
        if let (true, KeyPlace::Token { driver, .. }) = (anew, place) {
            // What belongs to the module as it was must not be given back to the module as it will be.
            if let Some(Ok(old)) = slot.take().map(Arc::try_unwrap) {
                old.abandon();
            }
            driver.begin_anew()?;
        }
        let found = Arc::new(self.find(place)?);
        *slot = Some(Arc::clone(&found));
        Ok(found)
    }

    fn find(&self, place: &KeyPlace) -> Result<TokenKey, KeyFault> {
        let found = find(place);
        if let Err(KeyFault::Element(CardError::WrongPin { .. } | CardError::Locked)) = &found {
            self.pin_refused.store(true, Ordering::Relaxed);
            return Err(KeyFault::PinRefused);
        }
        match found? {
            Some(key) if key.point() == self.point => Ok(key),
            _ => Err(KeyFault::NoSuchKey(format!("{place:?}"))),
        }
    }
}

/// So that a certificate can be shown in TLS with a key that never leaves its element.
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
        Self::sign(self, message).map_err(|e| Error::General(e.to_string()))
    }
    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}
