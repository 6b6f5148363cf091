//! Possession of a card shown by a TLS handshake: all that a browser can prove with it (N3).
//!
//! A browser signs nothing but TLS. So the center, which ends the session itself, hands over what the client signed —
//! `CertificateVerify` (RFC 8446 §4.4.3, RFC 5246 §7.4.8) — and it is verified here, with the card's certified key and
//! not by whoever carried it.

use crate::person::{Challenge, PresentPerson, VerifiedPerson};
use crate::public_key::{PublicKey, SignatureRefused};
use crate::refusal::Refusal;

/// Version of the protocol that was spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// RFC 5246, for cards whose middleware knows RSASSA-PKCS1-v1_5 only.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// What a client signed in a handshake, as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHandshake {
    /// The version.
    pub version: TlsVersion,
    /// The signed bytes. TLS 1.3: padding, context and transcript hash; TLS 1.2: all handshake messages so far.
    pub message: Vec<u8>,
    /// SignatureScheme (RFC 8446 §4.2.3).
    pub scheme: u16,
    /// The signature.
    pub signature: Vec<u8>,
}

impl ClientHandshake {
    /// Checks shape and signature with a key that nobody has vouched for yet: what a TLS listener needs.
    ///
    /// # Errors
    /// [`SignatureRefused`].
    pub fn is_by(&self, key: &PublicKey) -> Result<(), SignatureRefused> {
        let shaped = match self.version {
            TlsVersion::Tls13 => is_tls13_client(&self.message),
            TlsVersion::Tls12 => is_tls12_transcript(&self.message),
        };
        if !shaped {
            return Err(SignatureRefused);
        }
        key.verify_rsa(scheme(self)?, &self.message, &self.signature)
    }
}

/// Checks that the holder of the card's key made this handshake.
///
/// The handshake says *who is there*, not what for: `bound` is what the caller ties it to. Its exporter must be that of
/// the session the handshake made, its nonce one the caller issued to this session and has now used up, and the request
/// one the person confirmed inside this session.
///
/// # Errors
/// [`Refusal::ChallengeFailed`]: signed by another key, over something that is not a client's handshake, or with a
/// scheme that cards do not use.
pub fn verify_handshake(
    person: VerifiedPerson,
    handshake: &ClientHandshake,
    bound: &Challenge,
) -> Result<PresentPerson, Refusal> {
    match handshake.is_by(person.public_key()) {
        Ok(()) => Ok(PresentPerson::new(person, *bound)),
        Err(SignatureRefused) => Err(Refusal::ChallengeFailed),
    }
}

/// How a card's RSA key signs a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RsaScheme {
    Pkcs1Sha256,
    Pkcs1Sha384,
    Pkcs1Sha512,
    PssSha256,
    PssSha384,
    PssSha512,
}

fn scheme(handshake: &ClientHandshake) -> Result<RsaScheme, SignatureRefused> {
    use RsaScheme::{Pkcs1Sha256, Pkcs1Sha384, Pkcs1Sha512, PssSha256, PssSha384, PssSha512};
    match (handshake.version, handshake.scheme) {
        // RFC 8446 §4.2.3: PKCS#1 v1.5 is not defined for handshakes of TLS 1.3.
        (TlsVersion::Tls12, 0x0401) => Ok(Pkcs1Sha256),
        (TlsVersion::Tls12, 0x0501) => Ok(Pkcs1Sha384),
        (TlsVersion::Tls12, 0x0601) => Ok(Pkcs1Sha512),
        (_, 0x0804) => Ok(PssSha256),
        (_, 0x0805) => Ok(PssSha384),
        (_, 0x0806) => Ok(PssSha512),
        (TlsVersion::Tls12 | TlsVersion::Tls13, _) => Err(SignatureRefused),
    }
}

/// RFC 8446 §4.4.3: 64 spaces, the client's context, a zero octet, and a SHA-256 or SHA-384 transcript hash. The context
/// keeps a server's signature, or any other use of the key, from counting as a client's handshake.
fn is_tls13_client(message: &[u8]) -> bool {
    const CONTEXT: &[u8] = b"TLS 1.3, client CertificateVerify\0";
    let Some((padding, rest)) = message.split_at_checked(64) else { return false };
    let hash = rest.strip_prefix(CONTEXT).map(<[u8]>::len);
    padding.iter().all(|octet| *octet == 0x20) && matches!(hash, Some(32 | 48))
}

/// RFC 5246 §7.4: ClientHello, ServerHello and what follows, each with its exact length; the last is the client's key
/// exchange.
fn is_tls12_transcript(message: &[u8]) -> bool {
    const CLIENT_HELLO: u8 = 1;
    const SERVER_HELLO: u8 = 2;
    const CLIENT_KEY_EXCHANGE: u8 = 16;
    let mut kinds = Vec::new();
    let mut rest = message;
    while let [kind, a, b, c, body @ ..] = rest {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let Some((_, next)) = body.split_at_checked(length) else { return false };
        kinds.push(*kind);
        rest = next;
    }
    rest.is_empty() && kinds.starts_with(&[CLIENT_HELLO, SERVER_HELLO]) && kinds.last() == Some(&CLIENT_KEY_EXCHANGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_transcript_has_its_messages_whole_and_in_order() {
        let message = |kind: u8, body: &[u8]| [&[kind, 0, 0, body.len() as u8][..], body].concat();
        let good = [message(1, b"hello"), message(2, b"hi"), message(11, b"certificate"), message(16, b"key")].concat();
        assert!(is_tls12_transcript(&good));
        assert!(!is_tls12_transcript(&good[..good.len() - 1]), "cut");
        assert!(!is_tls12_transcript(&[good.as_slice(), &[0]].concat()), "trailing");
        assert!(!is_tls12_transcript(&[message(2, b"hi"), message(1, b"hello"), message(16, b"key")].concat()));
        assert!(!is_tls12_transcript(&[message(1, b"hello"), message(2, b"hi")].concat()), "no key exchange");
        assert!(!is_tls12_transcript(&[]));
    }

    #[test]
    fn tls13_wants_the_clients_context_and_a_hash() {
        let message = |context: &str, hash: usize| [&[0x20; 64][..], context.as_bytes(), &[0], &vec![7; hash]].concat();
        let (client, server) = ("TLS 1.3, client CertificateVerify", "TLS 1.3, server CertificateVerify");
        assert!(is_tls13_client(&message(client, 32)) && is_tls13_client(&message(client, 48)));
        assert!(!is_tls13_client(&message(server, 32)), "a server's signature is none of a client's");
        assert!(!is_tls13_client(&message(client, 31)) && !is_tls13_client(&message(client, 0)));
        assert!(!is_tls13_client(&message(client, 32)[1..]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(message in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (is_tls13_client(&message), is_tls12_transcript(&message));
        }
    }
}
