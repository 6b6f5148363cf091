//! Keys on cards and tokens through PKCS#11: the person's card (N3; JAHIS HPKI card guide 3.1 part C), and keys made on a
//! token for a terminal or an authority (R10, G1; PKCS#11 2.40).
//!
//! Finds tokens by label, reads the certificates on them without a PIN, and lets the card sign with its authentication
//! key. The private key never leaves the card and the PIN never leaves this call. It must not know what is signed or
//! why, and it judges no certificate: that is `core/pki`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod token_key;

use std::path::{Path, PathBuf};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Pkcs11Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;

pub use token_key::TokenKey;

/// Why the card could not be used. All of it lies in the person's own section: card, reader, driver, PIN.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The PKCS#11 library could not be loaded.
    #[error("the card driver {path} cannot be loaded: {why}")]
    NoDriver {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        why: String,
    },
    /// No card in any reader.
    #[error("no card is inserted")]
    NoCard,
    /// No card with this label.
    #[error("no card is labelled `{wanted}`; found: {found:?}")]
    NoSuchCard {
        /// What was asked for.
        wanted: String,
        /// What is there.
        found: Vec<String>,
    },
    /// Several cards, none named.
    #[error("several cards are inserted ({0:?}); say which")]
    SeveralCards(Vec<String>),
    /// Wrong PIN. Cards lock after a few.
    #[error("the PIN is wrong")]
    WrongPin {
        /// The card says that the next wrong PIN locks it.
        last_try: bool,
    },
    /// Locked by wrong PINs.
    #[error("the card is locked by too many wrong PINs")]
    Locked,
    /// The card has no certificate with a key beside it.
    #[error("the card holds no certificate with a private key")]
    NoIdentity,
    /// Anything else the driver reported.
    #[error("the card driver reports: {0}")]
    Driver(String),
}

impl CardError {
    /// Stable key of the text a person sees.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NoDriver { .. } => "card-no-driver",
            Self::NoCard => "card-none",
            Self::NoSuchCard { .. } => "card-not-found",
            Self::SeveralCards(_) => "card-several",
            Self::WrongPin { last_try: false } => "card-wrong-pin",
            Self::WrongPin { last_try: true } => "card-last-try",
            Self::Locked => "card-locked",
            Self::NoIdentity => "card-no-identity",
            Self::Driver(_) => "card-driver",
        }
    }
}

impl From<Pkcs11Error> for CardError {
    fn from(error: Pkcs11Error) -> Self {
        match error {
            Pkcs11Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _) => {
                Self::WrongPin { last_try: false }
            }
            Pkcs11Error::Pkcs11(RvError::PinLocked, _) => Self::Locked,
            Pkcs11Error::Pkcs11(RvError::TokenNotPresent | RvError::DeviceRemoved, _) => Self::NoCard,
            other => Self::Driver(other.to_string()),
        }
    }
}

/// A card in a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardInfo {
    /// Label written on the token.
    pub label: String,
    /// Serial number of the token.
    pub serial: String,
    /// Its end-entity certificates, DER, readable without a PIN.
    pub certificates: Vec<Vec<u8>>,
}

/// A loaded PKCS#11 library. One a process: the standard allows a single initialisation.
pub struct Driver {
    context: Pkcs11,
}

impl Driver {
    /// Loads the library.
    ///
    /// # Errors
    /// [`CardError::NoDriver`] if it is missing or no PKCS#11 library.
    pub fn load(path: &Path) -> Result<Self, CardError> {
        let no_driver = |why: String| CardError::NoDriver { path: path.to_path_buf(), why };
        if !path.exists() {
            return Err(no_driver("there is no such file".to_owned()));
        }
        let context = Pkcs11::new(path).map_err(|e| no_driver(e.to_string()))?;
        context
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(|e| no_driver(e.to_string()))?;
        Ok(Self { context })
    }

    /// Every card that is inserted.
    ///
    /// # Errors
    /// [`CardError::Driver`].
    pub fn cards(&self) -> Result<Vec<CardInfo>, CardError> {
        let mut cards = Vec::new();
        for slot in self.context.get_slots_with_initialized_token()? {
            let token = self.context.get_token_info(slot)?;
            let session = self.context.open_ro_session(slot)?;
            cards.push(CardInfo {
                label: token.label().trim_end().to_owned(),
                serial: token.serial_number().trim_end().to_owned(),
                certificates: certificates(&session)?.into_iter().map(|found| found.der).collect(),
            });
        }
        Ok(cards)
    }

    /// Opens a card with its PIN. `label` may be left out if only one card is inserted.
    ///
    /// # Errors
    /// [`CardError`]; a wrong PIN is asked for again by the caller, never tried twice here.
    pub fn open(&self, label: Option<&str>, pin: &str) -> Result<Card, CardError> {
        let slot = self.slot(label)?;
        let session = self.context.open_ro_session(slot)?;
        self.log_in(&session, slot, pin)?;
        let (key, certificate) = identity(&session)?;
        Ok(Card { session, key, certificate })
    }

    fn slot(&self, label: Option<&str>) -> Result<Slot, CardError> {
        let mut found = Vec::new();
        for slot in self.context.get_slots_with_initialized_token()? {
            let name = self.context.get_token_info(slot)?.label().trim_end().to_owned();
            if Some(name.as_str()) == label {
                return Ok(slot);
            }
            found.push((name, slot));
        }
        match (label, found.as_slice()) {
            (_, []) => Err(CardError::NoCard),
            (None, [(_, slot)]) => Ok(*slot),
            (None, _) => Err(CardError::SeveralCards(found.into_iter().map(|(n, _)| n).collect())),
            (Some(wanted), _) => Err(CardError::NoSuchCard {
                wanted: wanted.to_owned(),
                found: found.into_iter().map(|(n, _)| n).collect(),
            }),
        }
    }
}

/// A card whose PIN was given.
pub struct Card {
    session: Session,
    key: ObjectHandle,
    certificate: Vec<u8>,
}

impl Card {
    /// The certificate of the key that signs, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 over `message` (RFC 8017 §8.2). The card only does CKM_RSA_PKCS: hash and
    /// DigestInfo are made here, as the card guide demands.
    ///
    /// # Errors
    /// [`CardError`] if the card was pulled or refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        // DigestInfo for SHA-256, RFC 8017 §9.2 note 1.
        const PREFIX: [u8; 19] = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
            0x20,
        ];
        let digest = ring::digest::digest(&ring::digest::SHA256, message);
        let info = [&PREFIX, digest.as_ref()].concat();
        Ok(self.session.sign(&Mechanism::RsaPkcs, self.key, &info)?)
    }
}

struct FoundCertificate {
    /// CKA_ID.
    id: Vec<u8>,
    der: Vec<u8>,
}

/// Every X.509 certificate on the token.
fn certificates(session: &Session) -> Result<Vec<FoundCertificate>, CardError> {
    let template = [Attribute::Class(ObjectClass::CERTIFICATE), Attribute::CertificateType(CertificateType::X_509)];
    let mut found = Vec::new();
    for object in session.find_objects(&template)? {
        let (mut id, mut der) = (Vec::new(), Vec::new());
        for attribute in session.get_attributes(object, &[AttributeType::Id, AttributeType::Value])? {
            match attribute {
                Attribute::Id(bytes) => id = bytes,
                Attribute::Value(bytes) => der = bytes,
                _ => {}
            }
        }
        if !der.is_empty() {
            found.push(FoundCertificate { id, der });
        }
    }
    Ok(found)
}

/// The RSA key on the token and the certificate that shares its CKA_ID (PKCS#11 §4.6.3: that is what ties them).
fn identity(session: &Session) -> Result<(ObjectHandle, Vec<u8>), CardError> {
    for FoundCertificate { id, der } in certificates(session)? {
        let template = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::KeyType(KeyType::RSA),
            Attribute::Id(id),
            Attribute::Sign(true),
        ];
        if let Some(key) = session.find_objects(&template)?.first() {
            return Ok((*key, der));
        }
    }
    Err(CardError::NoIdentity)
}
