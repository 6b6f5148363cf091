//! A center that is killed while it issues: no code is good twice, nothing that was answered is lost, and whoever got no
//! answer asks again and gets one certificate (R10).
#![allow(clippy::unwrap_used)]

use issuance::{Request, Subject, sealed};
use issuing::{Identity, Issuing, Offer, Question, Settings};
use model::Timestamp;
use registry::Registry;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const NOW: Timestamp = Timestamp(1_795_219_200_000);
const SECRET: &str = "SEKISHO_ISSUING_KILLED";
const NAME: &str = "a_killed_center_loses_and_doubles_no_certificate";
/// Lines after which the child is killed: before the first certificate, in the midst of them, and later.
const AFTER: [usize; 5] = [1, 2, 3, 8, 21];

fn key(pkcs8: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &SystemRandom::new()).unwrap()
}

fn request(pair: &EcdsaKeyPair) -> Vec<u8> {
    let spki = issuance::p256_spki(pair.public_key().as_ref()).unwrap();
    let subject = Subject { organization: String::new(), common_name: "x".into() };
    let to_be_signed = Request { subject: &subject, spki: &spki, uris: &[], binding: None }.to_be_signed();
    sealed(&to_be_signed, pair.sign(&SystemRandom::new(), &to_be_signed).unwrap().as_ref())
}

async fn open(dir: &Path) -> (Registry, Issuing) {
    let registry = Registry::open(&format!("sqlite://{}/r.db", dir.display())).await.unwrap();
    let settings = Settings {
        dir: dir.join("authorities"),
        organization: "TEST Operator".into(),
        keys: BTreeMap::new(),
        trust: Some(dir.join("trust")),
        crl_base: None,
    };
    let issuing = Issuing::open(registry.clone(), settings, NOW).await.unwrap();
    (registry, issuing)
}

/// Says `offered <user> <code> <key>` before each question and `issued <user> <serial>` after each answer.
async fn issue_until_killed(dir: &Path, first: usize) {
    let (_registry, issuing) = open(dir).await;
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
    };
    for n in first.. {
        let user = format!("user-{n}");
        let identity = Identity::user(&user).unwrap();
        let until = Timestamp(NOW.0 + 1_000_000);
        let offer = Offer { identity: &identity, organization: "o", dns_names: &[], operator: "ito", until };
        let code = issuing.offer(NOW, &offer).await.unwrap().code;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        say(format!("offered {user} {} {}", code.expose(), hex::encode(&pkcs8)));
        let request = request(&key(pkcs8.as_ref()));
        let issued = issuing.enroll(NOW, &user, code.expose(), &Question::new(&request)).await.unwrap();
        say(format!("issued {user} {}", issued.serial));
    }
}

#[test]
fn a_killed_center_loses_and_doubles_no_certificate() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(told) = std::env::var_os(SECRET) {
        let told = told.into_string().unwrap();
        let (first, dir) = told.split_once(' ').unwrap();
        return runtime.block_on(issue_until_killed(Path::new(dir), first.parse().unwrap()));
    }
    let dir = tempfile::tempdir().unwrap();
    let (mut offered, mut issued) = (Vec::new(), BTreeMap::new());
    for (round, after) in AFTER.into_iter().enumerate() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(SECRET, format!("{} {}", round * 1_000, dir.path().display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut seen, mut killed) = (0, false);
        // After the kill what the pipe still holds is read too: it was said before.
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["offered", user, code, key] => {
                    offered.push(((*user).to_owned(), (*code).to_owned(), hex::decode(key).unwrap()));
                }
                ["issued", user, serial] => {
                    issued.insert((*user).to_owned(), (*serial).to_owned());
                }
                _ => continue,
            }
            seen += 1;
            if seen >= after && !killed {
                child.kill().unwrap();
                killed = true;
            }
        }
        assert!(killed, "the child ended by itself");
        child.wait().unwrap();
    }
    assert!(issued.len() >= 10 && offered.len() >= issued.len(), "{} {}", issued.len(), offered.len());
    runtime.block_on(async {
        let (registry, issuing) = open(dir.path()).await;
        registry.verify_log(None).await.unwrap();
        for (user, code, pkcs8) in &offered {
            let identity = Identity::user(user).unwrap();
            let before = issuing.certificates(&identity).await.unwrap();
            assert!(before.len() <= 1, "{user}");
            let request = request(&key(pkcs8));
            let again = issuing.enroll(NOW, user, code, &Question::new(&request)).await.unwrap();
            if let Some(serial) = issued.get(user) {
                assert_eq!(&again.serial, serial, "{user}: what was answered stays");
            }
            assert_eq!(issuing.certificates(&identity).await.unwrap().len(), 1, "{user}");
        }
    });
}
