//! Keys made on a real PKCS#11 token (R10, G1).
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use card::{CardError, Driver};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const SECRET: &str = "SEKISHO_TOKEN_TEST";
const NAME: &str = "a_key_is_made_signs_is_found_again_and_never_leaves";

/// PKCS#11 reads its configuration from the environment when it is loaded: so the body runs in a child of this test.
#[test]
fn a_key_is_made_signs_is_found_again_and_never_leaves() {
    if std::env::var_os(SECRET).is_some() {
        return body(&Driver::load(Path::new(MODULE)).unwrap());
    }
    let dir = tempfile::tempdir().unwrap();
    let (conf, tokens) = (dir.path().join("softhsm2.conf"), dir.path().join("tokens"));
    std::fs::create_dir(&tokens).unwrap();
    std::fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "terminal", "--so-pin", "12345678", "--pin", "1234"])
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

fn body(driver: &Driver) {
    assert_eq!(driver.works_without_pin("terminal", "service").unwrap(), Some(false));
    assert!(driver.key(None, "1234", "service").unwrap().is_none());
    let key = driver.new_key(None, "1234", "service", b"\x01").unwrap();
    let signature = key.sign(b"a request").unwrap();
    let verifies = |message: &[u8]| {
        ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, key.point())
            .verify(message, &signature)
    };
    assert!(verifies(b"a request").is_ok());
    assert!(verifies(b"another").is_err());

    let again = driver.key(Some("terminal"), "1234", "service").unwrap().unwrap();
    assert_eq!(again.point(), key.point());
    assert_eq!(again.certificate().unwrap(), None);
    let subject = [0x30, 0x00];
    for der in [&b"first"[..], b"second"] {
        again.put_certificate(der, &subject).unwrap();
        assert_eq!(key.certificate().unwrap().as_deref(), Some(der));
    }
    assert_eq!(driver.cards().unwrap()[0].certificates, [b"second".to_vec()]);
    assert!(driver.key(None, "1234", "other").unwrap().is_none());
    assert_eq!((key.id(), driver.last_try(None).unwrap()), (&b"\x01"[..], false));
    comes_not_out(b"\x01");
    assert!(key.stays_inside().unwrap());
    assert_eq!(driver.works_without_pin("terminal", "service").unwrap(), None, "the PIN was given");
    drop((key, again));
    assert_eq!(driver.works_without_pin("terminal", "service").unwrap(), Some(false));
    assert!(matches!(driver.key(None, "9999", "service"), Err(CardError::WrongPin { .. })));
}

/// Neither read nor wrapped: the token itself says no.
fn comes_not_out(id: &[u8]) {
    use cryptoki::context::Pkcs11;
    use cryptoki::mechanism::Mechanism;
    use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
    // The module was begun by the driver: this is the same one.
    let module = Pkcs11::new(MODULE).unwrap();
    let session = module.open_rw_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
    let own = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id.to_vec())];
    let key = session.find_objects(&own).unwrap()[0];
    let value = session.get_attributes(key, &[AttributeType::Value]).unwrap_or_default();
    assert!(value.is_empty(), "the token gave out the key");
    let told = session.get_attributes(key, &[AttributeType::Sensitive, AttributeType::Extractable]).unwrap();
    assert_eq!(told, [Attribute::Sensitive(true), Attribute::Extractable(false)]);
    let wrapping = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(32.into()),
        Attribute::Wrap(true),
    ];
    let wrapping = session.generate_key(&Mechanism::AesKeyGen, &wrapping).unwrap();
    let wrapped = session.wrap_key(&Mechanism::AesKeyWrapPad, wrapping, key);
    assert!(wrapped.is_err(), "the token wrapped the key");
    let opened = session.update_attributes(key, &[Attribute::Extractable(true)]);
    assert!(opened.is_err(), "the token lets the key be made extractable");
}
