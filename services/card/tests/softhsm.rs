//! The card against a real PKCS#11 token (N3).
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use card::{CardError, Driver};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const SECRET: &str = "SEKISHO_CARD_TEST";

/// PKCS#11 reads its configuration from the environment when it is loaded, and a test may not change its own: so each
/// test runs its body in a child of itself.
fn with_token(name: &str, body: fn(&Driver)) {
    if std::env::var_os(SECRET).is_some() {
        return body(&Driver::load(Path::new(MODULE)).unwrap());
    }
    let dir = tempfile::tempdir().unwrap();
    let conf = token(dir.path());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(SECRET, "inside")
        .env("SOFTHSM2_CONF", conf)
        .env("CARD_CERTIFICATE", dir.path().join("cert.der"))
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn token(dir: &Path) -> PathBuf {
    let conf = dir.join("softhsm2.conf");
    let tokens = dir.join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    std::fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program)
            .args(args)
            .current_dir(dir)
            .env("SOFTHSM2_CONF", &conf)
            .output()
            .unwrap_or_else(|e| panic!("{program} is missing (packages softhsm2, opensc, openssl): {e}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(
        "openssl",
        &[
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj",
            "/CN=TEST", "-days", "2",
        ],
    );
    run("openssl", &["pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-out", "key8.pem"]);
    run("openssl", &["x509", "-in", "cert.pem", "-outform", "DER", "-out", "cert.der"]);
    run("softhsm2-util", &["--init-token", "--free", "--label", "doctor", "--so-pin", "12345678", "--pin", "1234"]);
    run(
        "softhsm2-util",
        &["--import", "key8.pem", "--token", "doctor", "--label", "auth", "--id", "0a", "--pin", "1234"],
    );
    run(
        "pkcs11-tool",
        &[
            "--module",
            MODULE,
            "--token-label",
            "doctor",
            "--login",
            "--pin",
            "1234",
            "--write-object",
            "cert.der",
            "--type",
            "cert",
            "--id",
            "0a",
            "--label",
            "auth",
        ],
    );
    conf
}

#[test]
fn certificates_are_read_without_a_pin() {
    with_token("certificates_are_read_without_a_pin", |driver| {
        let cards = driver.cards().unwrap();
        assert_eq!(cards.len(), 1);
        assert_eq!(cards[0].label, "doctor");
        assert_eq!(cards[0].certificates, [std::fs::read(std::env::var_os("CARD_CERTIFICATE").unwrap()).unwrap()]);
    });
}

#[test]
fn the_card_signs_and_the_certificate_verifies() {
    with_token("the_card_signs_and_the_certificate_verifies", |driver| {
        let card = driver.open(None, "1234").unwrap();
        let signature = card.sign(b"a challenge").unwrap();
        let certificate = pki::Certificate::parse(card.certificate()).unwrap();
        let pki::PublicKey::Rsa { der, .. } = certificate.public_key() else { panic!("no RSA key") };
        let key = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, der);
        assert!(key.verify(b"a challenge", &signature).is_ok());
        assert!(key.verify(b"another", &signature).is_err());
    });
}

#[test]
fn a_wrong_pin_and_a_wrong_label_are_told_apart() {
    with_token("a_wrong_pin_and_a_wrong_label_are_told_apart", |driver| {
        assert!(matches!(driver.open(Some("doctor"), "9999"), Err(CardError::WrongPin { .. })));
        match driver.open(Some("nurse"), "1234").err().unwrap() {
            CardError::NoSuchCard { wanted, found } => {
                assert_eq!((wanted.as_str(), found), ("nurse", vec!["doctor".to_owned()]))
            }
            other => panic!("{other}"),
        }
    });
}

#[test]
fn a_missing_driver_is_named() {
    let error = Driver::load(Path::new("/nonexistent/driver.so")).err().unwrap();
    assert!(error.to_string().contains("/nonexistent/driver.so"), "{error}");
}
