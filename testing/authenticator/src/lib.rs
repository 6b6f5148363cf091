//! A security key in software: it answers as an authenticator behind a browser does (W3C Web Authentication §6), and, when
//! told to, says what neither may say. What is real is tried against a real browser; see `testing/journey`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

/// User present.
pub const PRESENT: u8 = 1;
/// User verified.
pub const VERIFIED: u8 = 1 << 2;
/// Attested credential data are included.
pub const ATTESTED: u8 = 1 << 6;

/// A key with one credential.
pub struct SecurityKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    /// Credential ID.
    pub id: Vec<u8>,
    /// Counter of its last answer.
    pub count: u32,
    /// Name of the relying party it answers for.
    pub party: String,
    /// Where the browser says the page is.
    pub origin: String,
    /// Flags of its answers.
    pub flags: u8,
    /// More members of `clientDataJSON`, or other ones.
    pub says: serde_json::Map<String, serde_json::Value>,
}

/// What registering gives.
#[derive(Debug, Clone)]
pub struct Made {
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `attestationObject`.
    pub attestation: Vec<u8>,
}

/// What signing in gives.
#[derive(Debug, Clone)]
pub struct Shown {
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `signature`.
    pub signature: Vec<u8>,
}

impl SecurityKey {
    /// A new one, before a page at an origin.
    ///
    /// # Errors
    /// If the machine gives no random bytes.
    pub fn new(party: &str, origin: &str) -> Result<Self, ring::error::Unspecified> {
        let random = SystemRandom::new();
        let mut id = vec![0; 32];
        random.fill(&mut id)?;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random)
            .map_err(|_| ring::error::Unspecified)?;
        let (party, origin) = (party.to_owned(), origin.to_owned());
        Ok(Self { pair, random, id, count: 0, party, origin, flags: PRESENT, says: serde_json::Map::new() })
    }

    /// `navigator.credentials.create()`.
    pub fn register(&mut self, challenge: &[u8]) -> Made {
        self.count += 1;
        let mut data = self.head(self.flags | ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap_or(u16::MAX).to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose());
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        // With an ID of 32 octets it is shorter than 256, which CBOR writes in one.
        attestation.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
        attestation.extend(data);
        Made { client_data: self.client_data("webauthn.create", challenge), attestation }
    }

    /// `navigator.credentials.get()`.
    ///
    /// # Errors
    /// If the machine gives no random bytes.
    pub fn sign_in(&mut self, challenge: &[u8]) -> Result<Shown, ring::error::Unspecified> {
        self.count += 1;
        self.answer(challenge)
    }

    /// The same with the counter as it stands, for one that has none.
    ///
    /// # Errors
    /// If the machine gives no random bytes.
    pub fn answer(&self, challenge: &[u8]) -> Result<Shown, ring::error::Unspecified> {
        let client_data = self.client_data("webauthn.get", challenge);
        let authenticator_data = self.head(self.flags);
        let message = [&authenticator_data, digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.pair.sign(&self.random, &message)?.as_ref().to_vec();
        Ok(Shown { client_data, authenticator_data, signature })
    }

    fn client_data(&self, kind: &str, challenge: &[u8]) -> Vec<u8> {
        let mut said = json!({
            "type": kind, "challenge": URL_SAFE_NO_PAD.encode(challenge), "origin": self.origin, "crossOrigin": false,
        });
        for (name, value) in &self.says {
            said[name] = value.clone();
        }
        said.to_string().into_bytes()
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.party.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.count.to_be_bytes());
        data
    }

    /// ES256 over P-256 (RFC 9053 §7.1.1).
    fn cose(&self) -> Vec<u8> {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".as_slice(), x, b"\x22\x58\x20", y].concat()
    }
}

/// What an authenticator app shows at a time, after a secret was typed into it (RFC 4648 §6, RFC 6238).
pub fn app_code(secret: &str, unix_seconds: i64) -> String {
    let (mut held, mut bits, mut key) = (0u32, 0, Vec::new());
    for letter in secret.bytes() {
        let Some(value) = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter) else {
            continue;
        };
        (held, bits) = (held << 5 | value as u32, bits + 5);
        if bits >= 8 {
            bits -= 8;
            key.push((held >> bits & 0xff) as u8);
        }
    }
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &unix_seconds.div_euclid(30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let word = tag[offset..offset + 4].iter().fold(0u32, |word, octet| word << 8 | u32::from(*octet));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    /// RFC 6238 appendix B, with six digits.
    #[test]
    fn the_apps_code_is_that_of_the_standard() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(super::app_code("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", seconds), code);
        }
    }
}
