//! The individual number card in its reader, and the institution's key: who may ask the card, and on which channel.
//!
//! Without a PIN the card answers only an institution that proves itself. The source names the danger: that the card's
//! commands are exchanged with another server than the one the person stands before. So the proof is made over the
//! card's challenge *and* the exporter of the TLS session it comes through (RFC 8446 §7.5); whoever sits between has two
//! sessions with two exporters, and the proof he passes on is of the wrong one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

/// A key that signs here.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Result<Self, String> {
        let rng = SystemRandom::new();
        let failed = |what: &'static str| move |_| what.to_owned();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).map_err(failed("a key"))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &rng);
        pair.map(Self).map_err(|e| e.to_string())
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| "a signature".to_owned())?;
        Ok(signature.as_ref().to_vec())
    }
    fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }
}

fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature).is_ok()
}

pub(crate) fn random() -> Result<[u8; 32], String> {
    let mut out = [0; 32];
    SystemRandom::new().fill(&mut out).map_err(|_| "no randomness".to_owned())?;
    Ok(out)
}

/// What both sides sign: purpose, challenge and channel. The layout is the product's own for logins, with another
/// purpose in place of the request.
fn bound(purpose: &str, challenge: &[u8; 32], exporter: &[u8; 32]) -> Vec<u8> {
    let purpose: [u8; 32] = digest(&SHA256, purpose.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 octets");
    pki::challenge_message(challenge, exporter, &purpose)
}

const INSTITUTION: &str = "institution authentication";
const CARD: &str = "eligibility";

/// Says which institutions may ask cards.
pub struct InstitutionAuthority(Key);

/// An institution's name and key, signed by the authority: what cards can check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    name: String,
    key: Vec<u8>,
    signature: Vec<u8>,
}

/// The institution's own key with its credential.
pub struct InstitutionKey {
    key: Key,
    credential: Credential,
}

impl InstitutionAuthority {
    /// A fresh one.
    pub fn new() -> Result<Self, String> {
        Key::new().map(Self)
    }

    /// Lets an institution ask.
    pub fn admit(&self, name: &str) -> Result<InstitutionKey, String> {
        let key = Key::new()?;
        let signature = self.0.sign(&credential_bytes(name, &key.public()))?;
        let credential = Credential { name: name.to_owned(), key: key.public(), signature };
        Ok(InstitutionKey { key, credential })
    }
}

fn credential_bytes(name: &str, key: &[u8]) -> Vec<u8> {
    [b"test institution credential 1\n", name.as_bytes(), b"\n", key].concat()
}

impl InstitutionKey {
    /// Proves itself to a card, on one channel.
    pub fn prove(&self, challenge: &[u8; 32], exporter: &[u8; 32]) -> Result<Value, String> {
        let signature = self.key.sign(&bound(INSTITUTION, challenge, exporter))?;
        let Credential { name, key, signature: by } = &self.credential;
        Ok(json!({
            "institution": name, "key": BASE64.encode(key), "admitted": BASE64.encode(by),
            "signature": BASE64.encode(signature),
        }))
    }
}

/// Why a card says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardRefusal {
    /// The answer cannot be read.
    Unreadable,
    /// The authority never admitted this institution.
    NotAdmitted,
    /// The proof is of another challenge or another channel.
    NotForThisChannel,
}

/// A card in a reader.
pub struct InsuranceCard {
    key: Key,
    authority: Vec<u8>,
    /// What is printed on it.
    pub number: String,
}

impl InsuranceCard {
    /// Issues a card that believes one authority.
    pub fn issue(number: &str, authority: &InstitutionAuthority) -> Result<Self, String> {
        Ok(Self { key: Key::new()?, authority: authority.0.public(), number: number.to_owned() })
    }

    /// Its public key, as the eligibility server knows it.
    pub fn public(&self) -> Vec<u8> {
        self.key.public()
    }

    /// Checks an institution's proof and answers only then. `exporter` is that of the session the reader itself holds.
    pub fn answer(
        &self,
        challenge: &[u8; 32],
        exporter: &[u8; 32],
        proof: &Value,
        server_nonce: &[u8; 32],
    ) -> Result<Value, CardRefusal> {
        let field = |name: &str| proof[name].as_str().and_then(|text| BASE64.decode(text).ok());
        let (name, key, admitted, signature) =
            (proof["institution"].as_str(), field("key"), field("admitted"), field("signature"));
        let (Some(name), Some(key), Some(admitted), Some(signature)) = (name, key, admitted, signature) else {
            return Err(CardRefusal::Unreadable);
        };
        if !verifies(&self.authority, &credential_bytes(name, &key), &admitted) {
            return Err(CardRefusal::NotAdmitted);
        }
        if !verifies(&key, &bound(INSTITUTION, challenge, exporter), &signature) {
            return Err(CardRefusal::NotForThisChannel);
        }
        let signature = self.key.sign(&bound(CARD, server_nonce, exporter)).map_err(|_| CardRefusal::Unreadable)?;
        Ok(json!({ "card": self.number, "signature": BASE64.encode(signature) }))
    }
}

/// Did this card answer on this channel?
pub(crate) fn card_answered(key: &[u8], nonce: &[u8; 32], exporter: &[u8; 32], answer: &Value) -> bool {
    let signature = answer["signature"].as_str().and_then(|text| BASE64.decode(text).ok());
    signature.is_some_and(|signature| verifies(key, &bound(CARD, nonce, exporter), &signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_answers_an_admitted_institution_on_its_own_channel_only_n8() {
        let authority = InstitutionAuthority::new().unwrap();
        let server = authority.admit("payer").unwrap();
        let card = InsuranceCard::issue("0613-0012", &authority).unwrap();
        let (challenge, other, here, there) = ([1; 32], [2; 32], [3; 32], [4; 32]);
        let proof = server.prove(&challenge, &here).unwrap();
        let answer = card.answer(&challenge, &here, &proof, &other).unwrap();
        assert!(card_answered(&card.public(), &other, &here, &answer));
        // The card's answer is of no use on another channel, or for another question.
        assert!(!card_answered(&card.public(), &other, &there, &answer));
        assert!(!card_answered(&card.public(), &challenge, &here, &answer));
        // Passed on by somebody in between; played again; from somebody nobody admitted; nonsense.
        let refused = |challenge: &[u8; 32], exporter: &[u8; 32], proof: &Value| {
            card.answer(challenge, exporter, proof, &other).unwrap_err()
        };
        assert_eq!(refused(&challenge, &there, &proof), CardRefusal::NotForThisChannel);
        assert_eq!(refused(&other, &here, &proof), CardRefusal::NotForThisChannel);
        let stranger = InstitutionAuthority::new().unwrap().admit("payer").unwrap();
        let forged = stranger.prove(&challenge, &here).unwrap();
        assert_eq!(refused(&challenge, &here, &forged), CardRefusal::NotAdmitted);
        assert_eq!(refused(&challenge, &here, &json!({"key": 7})), CardRefusal::Unreadable);
    }
}
