//! OpenSSL and `pki` as two judges of what `issuance` writes, neither of which shares a line with it.
#![allow(clippy::unwrap_used)]

use issuance::{Authority, EndEntity, KeyPurpose, Request, RevocationList, Revoked, Subject, sealed};
use pki::{AnchorSet, CrlStore, Purpose, Refusal, TrustAnchor};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use std::path::Path;
use std::process::Command;

const NOW: i64 = 1_795_219_200; // 2026-11-21T00:00:00Z
const DAY: i64 = 86_400;

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &SystemRandom::new()).unwrap())
    }
    fn spki(&self) -> Vec<u8> {
        issuance::p256_spki(self.0.public_key().as_ref()).unwrap()
    }
    fn seal(&self, to_be_signed: &[u8]) -> Vec<u8> {
        sealed(to_be_signed, self.0.sign(&SystemRandom::new(), to_be_signed).unwrap().as_ref())
    }
}

fn openssl(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(dir).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

struct World {
    dir: tempfile::TempDir,
    ca_key: Key,
    ca: Vec<u8>,
    leaf: Vec<u8>,
}

fn world() -> World {
    let (ca_key, key) = (Key::new(), Key::new());
    let name = Subject { organization: "試験事業者".into(), common_name: "TEST Service CA".into() };
    let ca = Authority {
        serial: &[0x40, 1],
        name: &name,
        validity: (NOW - DAY, NOW + 40 * 365 * DAY),
        spki: &ca_key.spki(),
    };
    let ca = ca_key.seal(&ca.to_be_signed());
    let parsed = pki::Certificate::parse(&ca).unwrap();
    let leaf = EndEntity {
        serial: &[0x7f; 20],
        issuer: parsed.subject().der(),
        issuer_key: parsed.subject_key_id(),
        subject: &Subject { organization: "青葉診療所".into(), common_name: "12345678".into() },
        validity: (NOW - DAY, NOW + 398 * DAY),
        spki: &key.spki(),
        uris: &["urn:sekisho:user:12345678".to_owned()],
        dns_names: &["terminal.example".to_owned()],
        purposes: &[KeyPurpose::ClientAuth],
        crl_uri: Some("http://crl.example/service.crl"),
    };
    let leaf = ca_key.seal(&leaf.to_be_signed());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ca.der"), &ca).unwrap();
    std::fs::write(dir.path().join("leaf.der"), &leaf).unwrap();
    World { dir, ca_key, ca, leaf }
}

impl World {
    fn list(&self, revoked: &[Revoked]) -> Vec<u8> {
        let ca = pki::Certificate::parse(&self.ca).unwrap();
        let list = RevocationList {
            issuer: ca.subject().der(),
            issuer_key: ca.subject_key_id(),
            this_update: NOW - 60,
            next_update: NOW + DAY,
            number: 300,
            revoked,
        };
        let list = self.ca_key.seal(&list.to_be_signed());
        std::fs::write(self.dir.path().join("list.der"), &list).unwrap();
        list
    }

    /// `openssl verify`, strictly and with the list.
    fn openssl_verifies(&self) -> (bool, String) {
        let dir = self.dir.path();
        for (kind, name) in [("x509", "ca"), ("x509", "leaf"), ("crl", "list")] {
            let (der, pem) = (format!("{name}.der"), format!("{name}.pem"));
            let (ok, text) = openssl(dir, &[kind, "-inform", "DER", "-in", &der, "-out", &pem]);
            assert!(ok, "{text}");
        }
        let at = NOW.to_string();
        openssl(
            dir,
            &[
                "verify",
                "-x509_strict",
                "-attime",
                &at,
                "-purpose",
                "sslclient",
                "-crl_check",
                "-CRLfile",
                "list.pem",
                "-CAfile",
                "ca.pem",
                "leaf.pem",
            ],
        )
    }

    fn pki_verifies(&self, list: &[u8]) -> Result<String, Vec<Refusal>> {
        let mut anchors = AnchorSet::new();
        anchors.add(TrustAnchor::new(&self.ca, Purpose::Service).unwrap());
        let mut crls = CrlStore::new();
        assert_eq!(crls.add(list, &anchors).unwrap().number.as_deref(), Some("012c"));
        pki::verify_user(&[&self.leaf], &anchors, &crls, NOW).map(|user| user.user().to_owned())
    }
}

#[test]
fn both_judges_accept_a_certificate_and_refuse_it_when_it_is_revoked() {
    let world = world();
    let list = world.list(&[Revoked { serial: vec![0x7e; 20], at: NOW - 60, reason: 0 }]);
    let (ok, text) = world.openssl_verifies();
    assert!(ok, "{text}");
    assert_eq!(world.pki_verifies(&list).unwrap(), "12345678");

    let list = world.list(&[Revoked { serial: vec![0x7f; 20], at: NOW - 60, reason: 1 }]);
    let (ok, text) = world.openssl_verifies();
    assert!(!ok && text.contains("certificate revoked"), "{text}");
    assert!(matches!(world.pki_verifies(&list).unwrap_err().as_slice(), [Refusal::Revoked { .. }]));

    let list = world.list(&[]);
    assert!(world.openssl_verifies().0);
    assert!(world.pki_verifies(&list).is_ok());
}

#[test]
fn openssl_reads_every_field() {
    let world = world();
    let (ok, text) = openssl(
        world.dir.path(),
        &["x509", "-inform", "DER", "-in", "leaf.der", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus"],
    );
    assert!(ok, "{text}");
    for expected in [
        "Subject: C=JP,O=青葉診療所,CN=12345678",
        "Issuer: C=JP,O=試験事業者,CN=TEST Service CA",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "TLS Web Client Authentication",
        "URI:urn:sekisho:user:12345678, DNS:terminal.example",
        "URI:http://crl.example/service.crl",
        "Signature Algorithm: ecdsa-with-SHA256",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let (_, text) = openssl(world.dir.path(), &["x509", "-inform", "DER", "-in", "ca.der", "-noout", "-text"]);
    for expected in ["Not After : Nov 11 00:00:00 2066 GMT", "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign"] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn requests_and_messages_are_read_by_both() {
    let world = world();
    let (dir, key) = (world.dir.path(), Key::new());
    let spki = key.spki();
    let request = Request {
        subject: &Subject { organization: String::new(), common_name: "12345678".into() },
        spki: &spki,
        uris: &["urn:sekisho:user:12345678".to_owned()],
        binding: Some("c2Vzc2lvbg=="),
    };
    let der = key.seal(&request.to_be_signed());
    std::fs::write(dir.join("request.der"), &der).unwrap();
    let (ok, text) = openssl(dir, &["req", "-inform", "DER", "-in", "request.der", "-verify", "-noout", "-text"]);
    assert!(ok && text.contains("URI:urn:sekisho:user:12345678") && text.contains("c2Vzc2lvbg=="), "{text}");
    let read = pki::CertificationRequest::verified(&der).unwrap();
    assert_eq!(read.uris(), ["urn:sekisho:user:12345678"]);
    assert_eq!(read.challenge_password(), Some("c2Vzc2lvbg=="));
    assert_eq!(read.spki_der(), spki);
    let other = Key::new().seal(&request.to_be_signed());
    assert_eq!(pki::CertificationRequest::verified(&other).unwrap_err(), pki::RequestRefused::NotPossessed);

    let message = issuance::certs_only([world.leaf.as_slice(), &world.ca]);
    std::fs::write(dir.join("message.der"), &message).unwrap();
    let (ok, text) = openssl(dir, &["pkcs7", "-inform", "DER", "-in", "message.der", "-print_certs"]);
    assert!(ok && text.matches("BEGIN CERTIFICATE").count() == 2, "{text}");
    assert_eq!(pki::read_certs_only(&message).unwrap(), [world.leaf.clone(), world.ca.clone()]);
    std::fs::write(dir.join("attributes.der"), issuance::csr_attributes()).unwrap();
    let (ok, text) = openssl(dir, &["asn1parse", "-inform", "DER", "-in", "attributes.der"]);
    assert!(ok && text.contains("prime256v1") && text.contains("ecdsa-with-SHA256"), "{text}");
}
