//! The two ceremonies: a new credential (§7.1), and its use (§7.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::authenticator_data::{AttestationObject, AuthenticatorData};
use crate::cbor::{Value, named};
use crate::client_data;
use crate::cose::PublicKey;
use crate::{Fault, RelyingParty};

/// What was asked (§7.1 steps 1 and 2, §7.2 steps 1 and 2).
#[derive(Debug, Clone, Copy)]
pub struct Ceremony<'a> {
    /// Who asked.
    pub party: &'a RelyingParty,
    /// What was drawn for this one time, 16 octets and more (§13.4.3). That it is used once is for who drew it.
    pub challenge: &'a [u8],
    /// Must the authenticator itself ask who touches it (user verification)? Behind a password it need not.
    pub verified: bool,
}

/// A credential, to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Credential ID.
    #[serde(serialize_with = "text", deserialize_with = "octets")]
    pub id: Vec<u8>,
    /// Its public key, a COSE_Key.
    #[serde(serialize_with = "text", deserialize_with = "octets")]
    pub key: Vec<u8>,
    /// Its counter when it was used last; zero where the authenticator has none (§6.1.1).
    pub count: u32,
}

/// What an authenticator answers when asked to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Credential ID.
    pub id: Vec<u8>,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `signature`.
    pub signature: Vec<u8>,
    /// `userHandle`, from authenticators that keep one.
    pub user: Option<Vec<u8>>,
}

/// Level 3 §7.1 step 25.
const LONGEST_ID: usize = 1023;

/// §7.1: a new credential, from `clientDataJSON` and `attestationObject`. Steps 3 to 4 are the page's script's; that no
/// account has the credential yet (step 22) and that it is kept (step 23) is for who calls.
///
/// # Errors
/// [`Fault`] (step 24).
pub fn register(ceremony: &Ceremony<'_>, client_data: &[u8], attestation: &[u8]) -> Result<Credential, Fault> {
    // Steps 5 to 10.
    client_data::check(client_data, "webauthn.create", ceremony)?;
    // Step 11.
    let hash = digest(&SHA256, client_data);
    // Step 12.
    let object = AttestationObject::read(attestation)?;
    let data = AuthenticatorData::read(object.data)?;
    // Steps 13 to 15.
    data.check(ceremony)?;
    // Step 16: the key was read, so it is of a kind that was asked for. Step 17: no extension was asked for.
    let attested = data.attested.as_ref().ok_or(Fault::Malformed("authenticatorData"))?;
    // Steps 18 to 21.
    attestation_none(&object, &attested.key, hash.as_ref())?;
    // Level 3 step 25.
    if attested.id.is_empty() || attested.id.len() > LONGEST_ID {
        return Err(Fault::LongId);
    }
    Ok(Credential { id: attested.id.to_vec(), key: attested.cose.to_vec(), count: data.count })
}

/// Steps 18 to 21. `none` is asked for, and the browser takes off what says more, except where the key vouches only for
/// itself (§5.1.3 step 21): that is `packed` without certificates, and is held to what it says (§8.2).
fn attestation_none(object: &AttestationObject<'_>, key: &PublicKey, hash: &[u8]) -> Result<(), Fault> {
    match (object.format, object.statement.as_slice()) {
        // §8.7: an empty map.
        ("none", []) => Ok(()),
        // §8.2, self attestation.
        ("packed", statement @ [_, _]) => match (named(statement, "alg"), named(statement, "sig")) {
            (Some(Value::Int(algorithm)), Some(Value::Bytes(signature))) if *algorithm == key.algorithm() => {
                key.signed(&[object.data, hash].concat(), signature)
            }
            _ => Err(Fault::Attestation("packed".to_owned())),
        },
        (other, _) => Err(Fault::Attestation(other.chars().take(40).collect())),
    }
}

/// §7.2: the credential was used; its new counter, to be kept. `owner` is the user handle of who signs in. Steps 3, 4 and
/// 8 are the page's script's.
///
/// # Errors
/// [`Fault`] (step 22).
pub fn authenticate(
    ceremony: &Ceremony<'_>,
    credential: &Credential,
    owner: &[u8],
    shown: &Assertion,
) -> Result<u32, Fault> {
    // Steps 5 and 7.
    if shown.id != credential.id {
        return Err(Fault::NotAllowed);
    }
    // Step 6: who signs in was told by the password.
    if shown.user.as_ref().is_some_and(|user| user != owner) {
        return Err(Fault::User);
    }
    // Steps 9 to 14.
    client_data::check(&shown.client_data, "webauthn.get", ceremony)?;
    let data = AuthenticatorData::read(&shown.authenticator_data)?;
    // Steps 15 to 17; step 18: no extension was asked for.
    data.check(ceremony)?;
    // Steps 19 and 20.
    let hash = digest(&SHA256, &shown.client_data);
    let key = PublicKey::read(&credential.key)?;
    key.signed(&[&shown.authenticator_data, hash.as_ref()].concat(), &shown.signature)?;
    // Step 21: greater, or both are zero.
    if (data.count, credential.count) != (0, 0) && data.count <= credential.count {
        return Err(Fault::Copied { kept: credential.count, said: data.count });
    }
    Ok(data.count)
}

fn text<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
}

fn octets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    URL_SAFE_NO_PAD.decode(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of other kinds: the examples of Level 3 §16 give them with attestations that are not asked for here.
    #[test]
    fn the_standards_examples_of_rs256_and_eddsa_r5() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../tests/vectors.json")).unwrap();
        let party = RelyingParty::at("https://example.org").unwrap();
        for (name, algorithm) in
            [("packed-rs256", -257), ("packed-eddsa", -8), ("packed-es256", -7), ("fido-u2f-es256", -7)]
        {
            let of = |ceremony: &str, what: &str| hex::decode(vectors[name][ceremony][what].as_str().unwrap()).unwrap();
            let attestation = of("registration", "attestationObject");
            let object = AttestationObject::read(&attestation).unwrap();
            let attested = AuthenticatorData::read(object.data).unwrap().attested.unwrap();
            assert_eq!(attested.key.algorithm(), algorithm);
            let credential = Credential { id: attested.id.to_vec(), key: attested.cose.to_vec(), count: 0 };
            let challenge = of("authentication", "challenge");
            let ceremony = Ceremony { party: &party, challenge: &challenge, verified: false };
            let mut shown = Assertion {
                id: credential.id.clone(),
                client_data: of("authentication", "clientDataJSON"),
                authenticator_data: of("authentication", "authenticatorData"),
                signature: of("authentication", "signature"),
                user: None,
            };
            assert_eq!(authenticate(&ceremony, &credential, b"", &shown), Ok(0), "{name}");
            *shown.signature.last_mut().unwrap() ^= 1;
            assert_eq!(authenticate(&ceremony, &credential, b"", &shown), Err(Fault::Signature), "{name}");
        }
    }

    #[test]
    fn a_credential_comes_back_from_where_it_is_kept() {
        let credential = Credential { id: vec![0, 255, 7], key: vec![1; 77], count: 9 };
        let kept = serde_json::to_string(&credential).unwrap();
        assert!(kept.contains("\"id\":\"AP8H\""), "{kept}");
        assert_eq!(serde_json::from_str::<Credential>(&kept).unwrap(), credential);
        assert!(serde_json::from_str::<Credential>("{\"id\":\"a+b\",\"key\":\"\",\"count\":0}").is_err());
    }
}
