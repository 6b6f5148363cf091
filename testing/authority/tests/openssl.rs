//! OpenSSL as an independent judge of what the authority issues.
#![allow(clippy::unwrap_used)]

use authority::{Authority, CaKind, CardSpec, RevocationReason};
use std::path::Path;
use std::process::Command;

const NOW: i64 = 1_795_219_200; // 2026-11-21T00:00:00Z

fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// `openssl verify` with the lists of the whole chain required.
fn verify(authority: &Authority, dir: &Path, issuers: &[CaKind], certificate: &Path) -> (bool, String) {
    let bundle = dir.join("bundle.pem");
    let mut text = String::new();
    for kind in issuers {
        text += &std::fs::read_to_string(authority.ca_pem_path(*kind)).unwrap();
        text += &std::fs::read_to_string(authority.crl_path(*kind).with_extension("pem")).unwrap();
    }
    std::fs::write(&bundle, text).unwrap();
    let (bundle, at) = (bundle.to_str().unwrap(), NOW.to_string());
    openssl(&[
        "verify",
        "-x509_strict",
        "-attime",
        &at,
        "-crl_check_all",
        "-CAfile",
        bundle,
        certificate.to_str().unwrap(),
    ])
}

#[test]
fn openssl_agrees_with_chains_lists_and_profile() {
    let dir = tempfile::tempdir().unwrap();
    let mut authority = Authority::new(dir.path(), NOW).unwrap();
    let persons = [CaKind::HpkiRoot, CaKind::HpkiAuthentication];
    let mut spec = CardSpec::new("SATO HANAKO", "Medical Doctor");
    spec.kanji = Some("佐藤花子".into());
    let doctor = authority.issue_card(&spec).unwrap();
    let certificate = doctor.folder.join("cert.pem");
    let (ok, text) = verify(&authority, dir.path(), &persons, &certificate);
    assert!(ok, "{text}");

    let (_, text) =
        openssl(&["x509", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus", "-in", certificate.to_str().unwrap()]);
    for expected in [
        "Signature Algorithm: sha256WithRSAEncryption",
        "Public-Key: (2048 bit)",
        "Issuer: C=JP,O=TEST Sekisho,CN=HPKI-01-TEST-forAuthentication-forIndividual",
        "Subject: C=JP,O=TEST Facility,CN=SATO HANAKO,serialNumber=TEST-SATO-HANAKO",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "X509v3 Certificate Policies: critical\n                Policy: 1.2.392.100495.1.5.1.2.0.1",
        "CPS: http://cps.test.invalid/hpki-authentication",
        "X509v3 Subject Directory Attributes",
        "DirName:/C=JP/O=TEST Sekisho/CN=TEST HPKI Root CA",
        "URI:http://crl.test.invalid/hpki-authentication.crl",
        // 佐藤花子: OpenSSL 3.0 escapes the UTF-8 octets of general names.
        r"CN=\xE4\xBD\x90\xE8\x97\xA4\xE8\x8A\xB1\xE5\xAD\x90",
    ] {
        assert!(text.contains(expected), "missing {expected:?} in:\n{text}");
    }
    assert!(!text.contains("Basic Constraints"), "absent in end entities");

    authority.revoke_issued(&doctor, RevocationReason::KeyCompromise).unwrap();
    authority.write_crl(CaKind::HpkiAuthentication, NOW, NOW + 3600).unwrap();
    let (ok, text) = verify(&authority, dir.path(), &persons, &certificate);
    assert!(!ok && text.contains("certificate revoked"), "{text}");

    let other = authority.issue_doctor("OTHER").unwrap();
    authority.write_crl(CaKind::HpkiAuthentication, NOW - 7200, NOW - 3600).unwrap();
    let (ok, text) = verify(&authority, dir.path(), &persons, &other.folder.join("cert.pem"));
    assert!(!ok && text.contains("CRL has expired"), "{text}");
}

#[test]
fn openssl_agrees_with_equipment_and_an_authority_can_be_reopened() {
    let dir = tempfile::tempdir().unwrap();
    drop(Authority::new(dir.path(), NOW).unwrap());
    assert!(Authority::new(dir.path(), NOW).is_err(), "an authority is never overwritten");
    let mut authority = Authority::open(dir.path()).unwrap();
    let issued = [
        authority.issue_gate("clinic").unwrap(),
        authority.issue_device("clinic", "exam-1").unwrap(),
        authority.issue_switch("clinic", 0x10).unwrap(),
        authority.issue_center("main", &["center.sekisho.test"], &["192.0.2.2".parse().unwrap()]).unwrap(),
        authority.issue_institution("aoba").unwrap(),
    ];
    for one in &issued {
        let (ok, text) = verify(&authority, dir.path(), &[one.ca], &one.folder.join("cert.pem"));
        assert!(ok, "{text}");
    }
    let (_, text) = openssl(&["x509", "-noout", "-text", "-in", issued[0].folder.join("cert.pem").to_str().unwrap()]);
    for expected in [
        "TLS Web Client Authentication",
        "TLS Web Server Authentication",
        "URI:urn:sekisho:gate:clinic",
        "DNS:clinic.gate.sekisho.test",
        "ASN1 OID: prime256v1",
    ] {
        assert!(text.contains(expected), "missing {expected:?} in:\n{text}");
    }
}
