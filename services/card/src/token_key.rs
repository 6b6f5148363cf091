//! Keys that are made on a token and never leave it: ECDSA on P-256 (R10, G1).

use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki::error::{Error as Pkcs11Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, SessionState, UserType};
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

    /// The token says that the next wrong PIN locks it. Whoever gives a PIN unattended had better leave it then.
    ///
    /// # Errors
    /// [`CardError`] if there is no such token.
    pub fn last_try(&self, token: Option<&str>) -> Result<bool, CardError> {
        let token = self.context.get_token_info(self.slot(token)?)?;
        Ok(token.user_pin_final_try() || token.user_pin_locked())
    }

    /// Ends the module and begins it again, as after a restart of the process: its token, or the service it reaches the
    /// token by, may have gone and come back. Every key of this driver must be opened again.
    ///
    /// # Errors
    /// [`CardError`] if it does not begin again.
    pub fn begin_anew(&self) -> Result<(), CardError> {
        // It may have ended already; what counts is that it begins.
        let _ = self.context.clone().finalize();
        Ok(self.context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?)
    }

    /// Tries to sign with a key without giving a PIN; none if this process gave it already, so that nothing can be tried.
    ///
    /// # Errors
    /// [`CardError`] if there is no such token.
    pub fn works_without_pin(&self, token: &str, label: &str) -> Result<Option<bool>, CardError> {
        let session = self.context.open_ro_session(self.slot(Some(token))?)?;
        if session.get_session_info()?.session_state() != SessionState::RoPublic {
            return Ok(None);
        }
        let key = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(label.into())];
        let seen = session.find_objects(&key)?;
        Ok(Some(seen.first().is_some_and(|key| session.sign(&Mechanism::Ecdsa, *key, &[0; 32]).is_ok())))
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

    /// CKA_ID: what ties key, public key and certificate on the token.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// Tries to read the key out: whether the token says that it is sensitive and not to be taken out, and keeps it.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn stays_inside(&self) -> Result<bool, CardError> {
        let session = self.session();
        let told = session.get_attributes(self.key, &[AttributeType::Sensitive, AttributeType::Extractable])?;
        let given = session.get_attributes(self.key, &[AttributeType::Value]).unwrap_or_default();
        let kept = [Attribute::Sensitive(true), Attribute::Extractable(false)];
        Ok(kept.iter().all(|kept| told.contains(kept)) && given.is_empty())
    }

    /// Forgets a key whose module is begun anew. Closing its session then would close whichever has its number next.
    pub fn abandon(self) {
        std::mem::forget(self.session.into_inner());
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
