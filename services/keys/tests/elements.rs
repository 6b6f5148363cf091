//! One way for both kinds of element: a key made, found, signing and shown beside its certificate in SoftHSM and in a real
//! TPM 2.0 in software; what goes away and comes back is found again (G1).
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use keys::{Key, KeyFault, KeyPlace};
use lab::{LabError, Netns, SecureElement, Trial};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

/// Set for the child that loads the module: PKCS#11 reads the environment then.
const MODULE: &str = "SEKISHO_ELEMENT_MODULE";

fn main() {
    if let Some(module) = std::env::var_os(MODULE) {
        return body(&KeyPlace::Token {
            driver: keys::driver(module.as_ref()).unwrap(),
            token: Some("gate".into()),
            pin: "4321".into(),
            label: "gate".into(),
        });
    }
    lab::enter();
    lab::trials(vec![
        Trial::new("a key in SoftHSM", || {
            let dir = tempfile::tempdir().unwrap();
            tried(SecureElement::softhsm(dir.path(), "gate", "4321")?, |_| Ok(()))
        }),
        Trial::new("a key in a TPM 2.0", || {
            let dir = tempfile::tempdir().unwrap();
            let netns = Netns::add("sk-tpm", dir.path())?;
            tried(SecureElement::tpm(&netns, dir.path(), "gate", "4321")?, |element| element.restart_broker(&netns))
        }),
    ]);
}

/// Runs the body in a child that reaches the element, and does what it asks for.
fn tried(
    mut element: SecureElement,
    interrupt: impl Fn(&mut SecureElement) -> Result<(), LabError>,
) -> Result<(), LabError> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(MODULE, element.module())
        .envs(element.environment().iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = child.stdin.take().unwrap();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        match line.unwrap().as_str() {
            "interrupt" => interrupt(&mut element).unwrap(),
            told => eprintln!("    {told}"),
        }
        // A child that ended has said so by its status.
        let _ = answers.write_all(b"done\n");
    }
    assert!(child.wait().unwrap().success());
    Ok(())
}

fn body(place: &KeyPlace) {
    let KeyPlace::Token { driver, .. } = place else { unreachable!() };
    assert_eq!(driver.works_without_pin("gate", "gate").unwrap(), Some(false));
    assert!(matches!(Key::open(place), Err(KeyFault::NoSuchKey(label)) if label == "gate"));
    let key = Key::open_or_make(place).unwrap().alone();
    signs(&key, "made");
    let again = Key::open_or_make(place).unwrap();
    assert_eq!((again.spki(), again.id()), (key.spki(), key.id()));
    assert_eq!(key.id().unwrap().len(), 16);
    signs(&again, "found");
    drop(again);
    let token = key.token().unwrap();
    for der in [&[0x30, 0x03, 0x02, 0x01, 0x01][..], &[0x30, 0x03, 0x02, 0x01, 0x02]] {
        token.put_certificate(der, &[0x30, 0x00]).unwrap();
        assert_eq!(token.certificate().unwrap().as_deref(), Some(der));
    }
    assert!(token.stays_inside().unwrap());
    drop(token);
    let begin = Instant::now();
    for _ in 0..20 {
        key.sign(b"a handshake").unwrap();
    }
    ask(&format!("a signature takes {:?}", begin.elapsed() / 20));

    ask("interrupt");
    // What the element is reached by may need a moment.
    let until = Instant::now() + Duration::from_secs(30);
    while let Err(error) = key.sign(b"after") {
        assert!(Instant::now() < until, "{error}");
        std::thread::sleep(Duration::from_millis(50));
    }
    signs(&key, "after an interruption");

    let other = match place.clone() {
        KeyPlace::Token { driver, token, label, .. } => {
            KeyPlace::Token { driver, token, label: format!("no {label}"), pin: "4321".into() }
        }
        file => file,
    };
    assert!(matches!(Key::open(&other), Err(KeyFault::NoSuchKey(_))));
}

fn signs(key: &Key, when: &str) {
    let signature = key.sign(b"a message").unwrap();
    let spki = key.spki();
    let point = &spki[spki.len() - 65..];
    let verifies = |message: &[u8]| UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, &signature);
    assert!(verifies(b"a message").is_ok() && verifies(b"another").is_err(), "{when}");
}

fn ask(what: &str) {
    println!("{what}");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
