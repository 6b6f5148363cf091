//! An authority whose key is on a real PKCS#11 token (G1).
#![allow(clippy::unwrap_used)]

use issuing::{Issuing, KeyPlace, Kind, Settings};
use model::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const SECRET: &str = "SEKISHO_ISSUING_TOKEN";
const NAME: &str = "an_authority_signs_with_a_key_that_never_leaves_its_token";
const NOW: Timestamp = Timestamp(1_795_219_200_000);

/// PKCS#11 reads its configuration from the environment when it is loaded: so the body runs in a child of this test.
#[test]
fn an_authority_signs_with_a_key_that_never_leaves_its_token() {
    if std::env::var_os(SECRET).is_some() {
        return tokio::runtime::Runtime::new().unwrap().block_on(body());
    }
    let dir = tempfile::tempdir().unwrap();
    let (conf, tokens) = (dir.path().join("softhsm2.conf"), dir.path().join("tokens"));
    std::fs::create_dir(&tokens).unwrap();
    std::fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "authority", "--so-pin", "12345678", "--pin", "4321"])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(SECRET, "inside")
        .env("SOFTHSM2_CONF", conf)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

async fn body() {
    let dir = tempfile::tempdir().unwrap();
    let driver = Arc::new(card::Driver::load(Path::new(MODULE)).unwrap());
    let place = KeyPlace::Token {
        driver: Arc::clone(&driver),
        token: Some("authority".into()),
        pin: "4321".into(),
        label: "service-ca".into(),
    };
    let settings = Settings {
        dir: dir.path().join("authorities"),
        organization: "TEST Operator".into(),
        keys: BTreeMap::from([(Kind::Service, place)]),
        trust: None,
        crl_base: None,
    };
    let registry = registry::Registry::open(&format!("sqlite://{}/r.db", dir.path().display())).await.unwrap();
    let issuing = Issuing::open(registry.clone(), settings.clone(), NOW).await.unwrap();
    assert!(!settings.dir.join("service-ca.key.pem").exists());
    let certificate = issuing.authority(Kind::Service).certificate().clone();
    assert_eq!(driver.cards().unwrap()[0].certificates, [certificate.der().to_vec()]);

    // The list is signed on the token and judged by pki.
    let mut anchors = pki::AnchorSet::new();
    anchors.add(pki::TrustAnchor::new(certificate.der(), pki::Purpose::Service).unwrap());
    let list = issuing.list(Kind::Service).await.unwrap().unwrap();
    pki::CrlStore::new().add(&list, &anchors).unwrap();

    let again = Issuing::open(registry, settings, NOW).await.unwrap();
    assert_eq!(again.authority(Kind::Service).certificate().der(), certificate.der());
}
