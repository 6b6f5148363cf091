//! The prescription server and the remote-signing endpoint: a doctor writes, a pharmacist reads and dispenses once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::Handler;

/// Signs prescriptions with doctors' keys that it keeps; the doctor is whom the client certificate names.
pub struct RemoteSigning {
    key: EcdsaKeyPair,
}

impl RemoteSigning {
    /// A fresh key.
    pub fn new() -> Result<Self, String> {
        let rng = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).map_err(|e| e.to_string())?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &rng);
        Ok(Self { key: key.map_err(|e| e.to_string())? })
    }

    /// Its public key.
    pub fn public(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }

    /// What it answers.
    pub fn handler(self) -> Handler {
        let signing = Arc::new(self);
        Arc::new(move |ask| match (ask.method.as_str(), ask.path.as_str(), ask.body["document"].as_str()) {
            ("POST", "/v1/sign", Some(document)) => {
                match signing.key.sign(&SystemRandom::new(), &signed(&ask.peer, document)) {
                    Ok(signature) => (200, json!({"signer": ask.peer, "signature": BASE64.encode(signature.as_ref())})),
                    Err(_) => (500, json!({"error": "no randomness"})),
                }
            }
            _ => (404, json!({"error": "no such path"})),
        })
    }
}

fn signed(signer: &str, document: &str) -> Vec<u8> {
    format!("test prescription 1\n{signer}\n{document}").into_bytes()
}

/// The server. Its two doors share what is stored.
#[derive(Clone)]
pub struct PrescriptionServer {
    signing: Vec<u8>,
    stored: Arc<Mutex<BTreeMap<u64, Stored>>>,
}

struct Stored {
    document: String,
    signer: String,
    dispensed_by: Option<String>,
}

impl PrescriptionServer {
    /// Believes one remote-signing endpoint.
    pub fn new(signing: Vec<u8>) -> Self {
        Self { signing, stored: Arc::default() }
    }

    fn stored(&self) -> MutexGuard<'_, BTreeMap<u64, Stored>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The doctors' door: prescriptions in.
    pub fn prescribe(&self) -> Handler {
        let server = self.clone();
        Arc::new(move |ask| match (ask.method.as_str(), ask.path.as_str()) {
            ("POST", "/v1/prescriptions") => server.write(&ask.body),
            _ => (404, json!({"error": "no such path"})),
        })
    }

    fn write(&self, body: &Value) -> (u16, Value) {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (document, signer) = (text("document"), text("signer"));
        let signature = BASE64.decode(text("signature")).unwrap_or_default();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.signing);
        if key.verify(&signed(&signer, &document), &signature).is_err() {
            return (403, json!({"error": "the prescription is not signed by a doctor"}));
        }
        let mut stored = self.stored();
        let number = stored.len() as u64 + 1;
        stored.insert(number, Stored { document, signer, dispensed_by: None });
        (200, json!({"prescription": number}))
    }

    /// The pharmacists' door: read, and dispense once.
    pub fn dispense(&self) -> Handler {
        let server = self.clone();
        Arc::new(move |ask| {
            let path = ask.path.strip_prefix("/v1/prescriptions/").unwrap_or_default();
            let (number, verb) = path.split_once('/').unwrap_or((path, ""));
            let mut stored = server.stored();
            let found = number.parse().ok().and_then(|n: u64| stored.get_mut(&n));
            let Some(found) = found else { return (404, json!({"error": "no such prescription"})) };
            match (ask.method.as_str(), verb) {
                ("GET", "") => (200, json!({"document": found.document, "signer": found.signer})),
                ("POST", "dispense") if found.dispensed_by.is_none() => {
                    found.dispensed_by = Some(ask.peer.clone());
                    (200, json!({"dispensed": number, "by": ask.peer}))
                }
                ("POST", "dispense") => (409, json!({"error": "dispensed before", "by": found.dispensed_by})),
                _ => (404, json!({"error": "no such path"})),
            }
        })
    }
}
