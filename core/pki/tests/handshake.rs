//! A card's possession shown by a TLS handshake (N3).
#![allow(clippy::unwrap_used)]
// The test signs as a terminal does, and terminals have randomness.
#![allow(clippy::disallowed_types)]

mod world;

use authority::Issued;
use pki::{Challenge, ClientHandshake, Refusal, TlsVersion, verify_handshake};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use world::World;

const BOUND: Challenge = Challenge { nonce: [1; 32], tls_exporter: [2; 32], request_digest: [3; 32] };

fn sign(card: &Issued, scheme: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let key = PrivateKeyDer::from_pem_slice(card.key_pem.as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_der()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(scheme, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

fn tls13(context: &str) -> Vec<u8> {
    [&[0x20; 64][..], context.as_bytes(), &[0], &[9; 48]].concat()
}

fn tls12() -> Vec<u8> {
    [&[1, 0, 0, 2, 3, 3][..], &[2, 0, 0, 1, 7], &[16, 0, 0, 1, 4]].concat()
}

#[test]
fn a_handshake_proves_the_card_of_its_person_only() {
    let mut world = World::new();
    let (doctor, other) =
        (world.authority.issue_doctor("SATO HANAKO").unwrap(), world.authority.issue_doctor("ITO").unwrap());
    let (person, stranger) = (world.judge(&doctor).unwrap(), world.judge(&other).unwrap());
    let client = tls13("TLS 1.3, client CertificateVerify");
    let shown = |version, message: &[u8], scheme: u16, encoding| ClientHandshake {
        version,
        message: message.to_vec(),
        scheme,
        signature: sign(&doctor, encoding, message),
    };

    let good = shown(TlsVersion::Tls13, &client, 0x0804, &RSA_PSS_SHA256);
    let present = verify_handshake(person.clone(), &good, &BOUND).unwrap();
    assert_eq!((present.person(), present.challenge()), (&person, &BOUND));
    let old = shown(TlsVersion::Tls12, &tls12(), 0x0401, &RSA_PKCS1_SHA256);
    assert!(verify_handshake(person.clone(), &old, &BOUND).is_ok(), "the scheme of PKCS#11 cards, in TLS 1.2");

    let mut altered = good.clone();
    *altered.message.last_mut().unwrap() ^= 1;
    let server = tls13("TLS 1.3, server CertificateVerify");
    let login = pki::challenge_message(&[1; 32], &[2; 32], &[3; 32]);
    for (wrong, why) in [
        (altered, "another transcript"),
        (shown(TlsVersion::Tls13, &server, 0x0804, &RSA_PSS_SHA256), "a server's context"),
        (shown(TlsVersion::Tls13, &login, 0x0804, &RSA_PSS_SHA256), "something that is no handshake"),
        (shown(TlsVersion::Tls12, &login, 0x0401, &RSA_PKCS1_SHA256), "a challenge signed for the CLI"),
        (shown(TlsVersion::Tls13, &client, 0x0401, &RSA_PKCS1_SHA256), "PKCS#1 v1.5 in TLS 1.3"),
        (shown(TlsVersion::Tls13, &client, 0x0805, &RSA_PSS_SHA256), "another hash than said"),
        (shown(TlsVersion::Tls13, &client, 0x0201, &RSA_PSS_SHA256), "SHA-1"),
        (shown(TlsVersion::Tls12, &client, 0x0804, &RSA_PSS_SHA256), "another version than spoken"),
    ] {
        assert_eq!(verify_handshake(person.clone(), &wrong, &BOUND), Err(Refusal::ChallengeFailed), "{why}");
    }
    assert_eq!(verify_handshake(stranger, &good, &BOUND), Err(Refusal::ChallengeFailed), "somebody else's card");
    let mut cut = good;
    cut.signature.pop();
    assert_eq!(verify_handshake(person, &cut, &BOUND), Err(Refusal::ChallengeFailed), "a cut signature");
}
