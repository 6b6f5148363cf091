//! Keys that are made on a token and never leave it: ECDSA on P-256 (R10, G1).

use std::sync::{Mutex, PoisonError};

use cryptoki::error::{Error as Pkcs11Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use crate::{CardError, Driver};

/// secp256r1 as CKA_EC_PARAMS: its object identifier in DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

/// A P-256 key on a token whose PIN was given.
pub struct TokenKey {
    session: Mutex<Session>,
    key: ObjectHandle,
    id: Vec<u8>,
    label: String,
    point: Vec<u8>,
}

impl Driver {
    /// The key of this label on the token; none if there is no such key. `token` may be left out if there is only one.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn key(&self, token: Option<&str>, pin: &str, label: &str) -> Result<Option<TokenKey>, CardError> {
        let session = self.session(token, pin)?;
        let template = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::KeyType(KeyType::EC),
            Attribute::Label(label.into()),
        ];
        let Some(key) = session.find_objects(&template)?.first().copied() else { return Ok(None) };
        let id = attribute(&session, key, AttributeType::Id)?;
        let public =
            [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC), Attribute::Id(id.clone())];
        let public = session.find_objects(&public)?.first().copied().ok_or(CardError::NoIdentity)?;
        TokenKey::over(session, key, public, id, label).map(Some)
    }

    /// Makes a key on the token. It cannot be taken out (CKA_SENSITIVE, not CKA_EXTRACTABLE).
    ///
    /// # Errors
    /// [`CardError`].
    pub fn new_key(&self, token: Option<&str>, pin: &str, label: &str, id: &[u8]) -> Result<TokenKey, CardError> {
        let session = self.session(token, pin)?;
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::EcParams(P256.to_vec()),
            Attribute::Label(label.into()),
            Attribute::Id(id.to_vec()),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Label(label.into()),
            Attribute::Id(id.to_vec()),
        ];
        let (public, key) = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
        TokenKey::over(session, key, public, id.to_vec(), label)
    }

    fn session(&self, token: Option<&str>, pin: &str) -> Result<Session, CardError> {
        let slot = self.slot(token)?;
        let session = self.context.open_rw_session(slot)?;
        self.log_in(&session, slot, pin)?;
        Ok(session)
    }

    pub(crate) fn log_in(&self, session: &Session, slot: Slot, pin: &str) -> Result<(), CardError> {
        match session.login(UserType::User, Some(&AuthPin::new(pin.to_owned().into_boxed_str()))) {
            // The standard logs the whole process in, not one session.
            Ok(()) | Err(Pkcs11Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(error) => match (CardError::from(error), self.context.get_token_info(slot)) {
                (CardError::WrongPin { .. }, Ok(token)) if token.user_pin_locked() => Err(CardError::Locked),
                (CardError::WrongPin { .. }, Ok(token)) => {
                    Err(CardError::WrongPin { last_try: token.user_pin_final_try() })
                }
                (error, _) => Err(error),
            },
        }
    }
}

impl TokenKey {
    fn over(
        session: Session,
        key: ObjectHandle,
        public: ObjectHandle,
        id: Vec<u8>,
        label: &str,
    ) -> Result<Self, CardError> {
        // CKA_EC_POINT is a DER OCTET STRING (PKCS#11 2.40 §2.3.3); some tokens leave the wrapping out.
        let point = match attribute(&session, public, AttributeType::EcPoint)?.as_slice() {
            [0x04, 0x41, point @ ..] if point.len() == 65 => point.to_vec(),
            point if point.len() == 65 => point.to_vec(),
            _ => return Err(CardError::Driver("the token's key is not on P-256".into())),
        };
        Ok(Self { session: Mutex::new(session), key, id, label: label.to_owned(), point })
    }

    /// The public key: an uncompressed point, 65 octets.
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// ECDSA with SHA-256 over `message`: r and s side by side, 32 octets each. The token does CKM_ECDSA; the digest is
    /// made here, because not every token has CKM_ECDSA_SHA256.
    ///
    /// # Errors
    /// [`CardError`] if the token was pulled or refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        let digest = ring::digest::digest(&ring::digest::SHA256, message);
        Ok(self.session().sign(&Mechanism::Ecdsa, self.key, digest.as_ref())?)
    }

    /// Puts a certificate for this key on the token, in place of those that were there.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn put_certificate(&self, der: &[u8], subject: &[u8]) -> Result<(), CardError> {
        let session = self.session();
        let class = Attribute::Class(ObjectClass::CERTIFICATE);
        let old = session.find_objects(&[class.clone(), Attribute::Id(self.id.clone())])?;
        session.create_object(&[
            class,
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Label(self.label.as_str().into()),
            Attribute::Id(self.id.clone()),
            Attribute::Subject(subject.to_vec()),
            Attribute::Value(der.to_vec()),
        ])?;
        // The new one first: a token that is pulled in between holds one too many, never none.
        for certificate in old {
            session.destroy_object(certificate)?;
        }
        Ok(())
    }

    /// The certificate that is on the token for this key.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn certificate(&self) -> Result<Option<Vec<u8>>, CardError> {
        let session = self.session();
        let template = [Attribute::Class(ObjectClass::CERTIFICATE), Attribute::Id(self.id.clone())];
        let found = session.find_objects(&template)?;
        found.first().map(|certificate| attribute(&session, *certificate, AttributeType::Value)).transpose()
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKey({})", self.label)
    }
}

fn attribute(session: &Session, object: ObjectHandle, wanted: AttributeType) -> Result<Vec<u8>, CardError> {
    match session.get_attributes(object, &[wanted])?.into_iter().next() {
        Some(Attribute::Id(bytes) | Attribute::EcPoint(bytes) | Attribute::Value(bytes)) => Ok(bytes),
        _ => Err(CardError::Driver(format!("the token does not tell {wanted:?}"))),
    }
}
