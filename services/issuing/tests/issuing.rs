//! The life of certificates over a real registry, judged by `pki`.
#![allow(clippy::unwrap_used)]

use audit::Event;
use issuance::{Request, Subject, sealed};
use issuing::{Identity, Issued, Issuing, Kind, NotAdmitted, Offer, Question, Reason, Refused, Settings, admit};
use model::Timestamp;
use pki::{AnchorSet, CrlStore, Purpose, TrustAnchor};
use registry::Registry;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use std::collections::BTreeMap;
use std::path::Path;
use texts::{Lang, Texts};

const NOW: Timestamp = Timestamp(1_795_219_200_000); // 2026-11-21T00:00:00Z
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &SystemRandom::new()).unwrap())
    }
    fn request(&self, uris: &[String], binding: Option<&str>) -> Vec<u8> {
        let spki = issuance::p256_spki(self.0.public_key().as_ref()).unwrap();
        let subject = Subject { organization: String::new(), common_name: "whatever".into() };
        let to_be_signed = Request { subject: &subject, spki: &spki, uris, binding }.to_be_signed();
        sealed(&to_be_signed, self.0.sign(&SystemRandom::new(), &to_be_signed).unwrap().as_ref())
    }
}

async fn open(dir: &Path, now: Timestamp) -> (Registry, Issuing) {
    let registry = Registry::open(&format!("sqlite://{}/registry.db", dir.display())).await.unwrap();
    let issuing = Issuing::open(registry.clone(), settings(dir), now).await.unwrap();
    (registry, issuing)
}

fn settings(dir: &Path) -> Settings {
    Settings {
        dir: dir.join("authorities"),
        organization: "TEST Operator".into(),
        keys: BTreeMap::new(),
        trust: Some(dir.join("trust")),
        crl_base: Some("http://center.example/crl/".into()),
    }
}

fn user() -> Identity {
    Identity::user("12345678").unwrap()
}

fn after(milliseconds: i64) -> Timestamp {
    Timestamp(NOW.0 + milliseconds)
}

async fn code(issuing: &Issuing, identity: &Identity) -> String {
    let dns_names = ["gw.clinic.example".to_owned()];
    let dns_names: &[String] = if identity.kind() == Kind::Gate { &dns_names } else { &[] };
    let offer = Offer { identity, organization: "青葉診療所", dns_names, operator: "ito", until: after(DAY) };
    issuing.offer(NOW, &offer).await.unwrap().code.expose().to_owned()
}

async fn enroll(issuing: &Issuing, now: Timestamp, code: &str, request: &[u8]) -> Result<Issued, &'static str> {
    issuing.enroll(now, "12345678", code, &Question::new(request)).await.map_err(|refused| refused.code())
}

/// As a center reads its trust folder.
fn trust(dir: &Path, kind: Kind, purpose: Purpose) -> (AnchorSet, CrlStore) {
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    let folder = dir.join("trust").join(kind.as_str());
    let ca = CertificateDer::from_pem_file(folder.join("issued-here.pem")).unwrap();
    let (mut anchors, mut crls) = (AnchorSet::new(), CrlStore::new());
    anchors.add(TrustAnchor::new(&ca, purpose).unwrap());
    crls.add(&std::fs::read(folder.join("issued-here.crl")).unwrap(), &anchors).unwrap();
    (anchors, crls)
}

fn admitted(dir: &Path, chain: &[Vec<u8>], now: Timestamp) -> Result<String, NotAdmitted> {
    let (anchors, crls) = trust(dir, Kind::Service, Purpose::Service);
    admit(chain, &anchors, &crls, now.unix_seconds()).map(|user| user.user().to_owned())
}

#[tokio::test]
async fn a_code_gives_one_certificate_once_and_the_same_to_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let (registry, issuing) = open(dir.path(), NOW).await;
    let (code, key) = (code(&issuing, &user()).await, Key::new());
    let request = key.request(&[], None);
    assert_eq!(issuing.enroll(NOW, "87654321", &code, &Question::new(&request)).await.unwrap_err().code(), "E004");
    assert_eq!(enroll(&issuing, NOW, "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE", &request).await, Err("E004"));
    assert_eq!(enroll(&issuing, NOW, "no code", &request).await, Err("E004"));
    let issued = enroll(&issuing, NOW, &code.to_lowercase(), &request).await.unwrap();
    assert_eq!(issued.chain.len(), 2);
    assert_eq!(issued.serial.len(), 40, "twenty octets");
    assert_eq!(admitted(dir.path(), &issued.chain, NOW), Ok("12345678".into()));

    // The answer was lost: the same key asks again. Another key does not get one.
    assert_eq!(enroll(&issuing, after(HOUR), &code, &key.request(&[], None)).await.unwrap(), issued);
    assert_eq!(enroll(&issuing, after(HOUR), &code, &Key::new().request(&[], None)).await, Err("E005"));
    assert_eq!(enroll(&issuing, after(DAY), &code, &request).await, Err("E006"));
    assert_eq!(issuing.certificates(&user()).await.unwrap().len(), 1);

    // The code is nowhere; what happened is in the log, refusals too.
    let entries = registry.audit_from(0, 100).await.unwrap();
    let body: String = entries.iter().map(|entry| entry.body()).collect();
    assert!(!body.contains(&code) && !body.contains(&code.replace('-', "")));
    let codes: Vec<_> = entries.iter().map(|entry| entry.event.code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "A702").count(), 1);
    assert_eq!(codes.iter().filter(|code| **code == "A703").count(), 5);
    let first = entries.iter().find(|entry| matches!(entry.event, Event::EnrolmentRefused { .. })).unwrap();
    assert!(matches!(&first.event, Event::EnrolmentRefused { identity: None, reason, .. } if reason == "E004"));
    registry.verify_log(None).await.unwrap();
}

#[tokio::test]
async fn what_a_request_may_not_be() {
    let dir = tempfile::tempdir().unwrap();
    let (_, issuing) = open(dir.path(), NOW).await;
    let (code, key) = (code(&issuing, &user()).await, Key::new());
    assert_eq!(enroll(&issuing, NOW, &code, b"nonsense").await, Err("E001"));
    let mut forged = key.request(&[], None);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(enroll(&issuing, NOW, &code, &forged).await, Err("E002"));
    let other = key.request(&["urn:sekisho:gate:clinic".into()], None);
    assert_eq!(enroll(&issuing, NOW, &code, &other).await, Err("E007"));
    let bound = key.request(&[], Some("here"));
    assert_eq!(enroll(&issuing, NOW, &code, &bound).await, Err("E008"));
    let question = Question { request: &bound, binding: Some("here"), address: None, shown: &[] };
    assert!(issuing.enroll(NOW, "12345678", &code, &question).await.is_ok());
}

#[tokio::test]
async fn a_certificate_is_renewed_revoked_and_each_wrong_one_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (registry, issuing) = open(dir.path(), NOW).await;
    let key = Key::new();
    let code = code(&issuing, &user()).await;
    let issued = enroll(&issuing, NOW, &code, &key.request(&[], None)).await.unwrap();
    let renew = async |chain: &[Vec<u8>], now, key: &Key| {
        let request = key.request(&[], None);
        issuing.renew(now, chain, &Question::new(&request)).await.map_err(|refused| refused.code())
    };
    assert_eq!(renew(&issued.chain, after(300 * DAY), &key).await, Err("E015"), "without a fresh list");
    issuing.keep_lists(after(300 * DAY)).await.unwrap();
    let fresh = renew(&issued.chain, after(300 * DAY), &Key::new()).await.unwrap();
    assert_ne!(fresh.serial, issued.serial);
    assert_eq!(renew(&[], NOW, &key).await, Err("E009"));
    assert_eq!(renew(&[b"nonsense".to_vec()], NOW, &key).await, Err("E010"));
    issuing.keep_lists(after(400 * DAY)).await.unwrap();
    assert_eq!(renew(&issued.chain, after(400 * DAY), &key).await, Err("E011"));
    let late = admitted(dir.path(), &issued.chain, after(400 * DAY));
    assert!(matches!(late, Err(NotAdmitted::Expired { .. })), "{late:?}");
    let early = admitted(dir.path(), &fresh.chain, after(300 * DAY - HOUR));
    assert!(matches!(early, Err(NotAdmitted::NotYetValid { .. })), "{early:?}");
    assert_eq!(admitted(dir.path(), &[], NOW), Err(NotAdmitted::Missing));
    let stale = admitted(dir.path(), &fresh.chain, after(450 * DAY));
    assert_eq!(stale, Err(NotAdmitted::Unproven));

    // Wrong authority, and another kind of certificate of the same center.
    let elsewhere = tempfile::tempdir().unwrap();
    let (_, others) = open(elsewhere.path(), NOW).await;
    let foreign_code = self::code(&others, &user()).await;
    let foreign = enroll(&others, NOW, &foreign_code, &key.request(&[], None)).await.unwrap();
    let verdict = admitted(dir.path(), &foreign.chain, after(400 * DAY));
    assert!(matches!(verdict, Err(NotAdmitted::Foreign { .. })), "{verdict:?}");
    assert_eq!(renew(&foreign.chain, NOW, &key).await, Err("E010"));
    let gate = Identity::gate("clinic").unwrap();
    let gate_code = self::code(&issuing, &gate).await;
    let request = key.request(&[], None);
    let gate = issuing.enroll(NOW, "clinic", &gate_code, &Question::new(&request)).await.unwrap();
    let verdict = admitted(dir.path(), &gate.chain, after(400 * DAY));
    assert!(matches!(verdict, Err(NotAdmitted::OtherKind { .. })), "{verdict:?}");
    let (anchors, crls) = trust(dir.path(), Kind::Gate, Purpose::Gate);
    let slices: Vec<&[u8]> = gate.chain.iter().map(Vec::as_slice).collect();
    let now = after(400 * DAY).unix_seconds();
    assert_eq!(pki::verify_gate(&slices, &anchors, &crls, now).unwrap().site(), "clinic");
    assert_eq!(pki::Certificate::parse(&gate.chain[0]).unwrap().dns_names(), ["gw.clinic.example"]);

    // Revoked: at once on the list, in the folder, and no renewal; a leaked key is never certified again.
    let at = after(401 * DAY);
    issuing.revoke(at, Kind::Service, &fresh.serial, Reason::KeyCompromise, "ito").await.unwrap();
    let verdict = admitted(dir.path(), &fresh.chain, at);
    assert!(matches!(&verdict, Err(NotAdmitted::Revoked { reason, .. }) if reason == "keyCompromise"), "{verdict:?}");
    assert_eq!(renew(&fresh.chain, at, &key).await, Err("E012"));
    let again = issuing.revoke(at, Kind::Service, &fresh.serial, Reason::Superseded, "ito").await.unwrap_err();
    assert_eq!(again.code(), "E012");
    let unknown = issuing.revoke(at, Kind::Service, "4711", Reason::Superseded, "ito").await.unwrap_err();
    assert_eq!(unknown.code(), "E014");
    registry.verify_log(None).await.unwrap();
}

#[tokio::test]
async fn a_leaked_key_is_not_certified_again() {
    let dir = tempfile::tempdir().unwrap();
    let (_, issuing) = open(dir.path(), NOW).await;
    let key = Key::new();
    let first = code(&issuing, &user()).await;
    enroll(&issuing, NOW, &first, &key.request(&[], None)).await.unwrap();
    assert_eq!(issuing.revoke_all(NOW, &user(), Reason::KeyCompromise, "ito").await.unwrap(), 1);
    assert_eq!(issuing.revoke_all(NOW, &user(), Reason::KeyCompromise, "ito").await.unwrap(), 0);
    let second = code(&issuing, &user()).await;
    assert_eq!(enroll(&issuing, NOW, &second, &key.request(&[], None)).await, Err("E013"));
    assert!(enroll(&issuing, NOW, &second, &Key::new().request(&[], None)).await.is_ok());
}

#[tokio::test]
async fn authorities_and_lists_survive_a_start_and_keys_are_their_owners_alone() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let (registry, issuing) = open(dir.path(), NOW).await;
    let before = issuing.authority(Kind::Service).certificate().der().to_vec();
    let key = dir.path().join("authorities/service-ca.key.pem");
    assert_eq!(std::fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    registry.close().await.unwrap();
    drop((registry, issuing));

    let (registry, issuing) = open(dir.path(), after(HOUR)).await;
    assert_eq!(issuing.authority(Kind::Service).certificate().der(), before);
    assert_eq!(registry.revocation_list("service").await.unwrap().unwrap().number, 1, "young enough");
    issuing.keep_lists(after(13 * HOUR)).await.unwrap();
    let list = registry.revocation_list("service").await.unwrap().unwrap();
    assert_eq!(list.number, 2);
    // A trust folder that lost its list gets it again.
    let file = dir.path().join("trust/service/issued-here.crl");
    std::fs::remove_file(&file).unwrap();
    issuing.keep_lists(after(14 * HOUR)).await.unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), list.der);

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = Issuing::open(registry, settings(dir.path()), NOW).await.err().unwrap();
    assert!(matches!(&error, Refused::Authority(why) if why.to_string().contains("chmod 600")), "{error}");
}

#[tokio::test]
async fn the_same_code_twice_at_once_gives_one_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let (_, issuing) = open(dir.path(), NOW).await;
    let code = code(&issuing, &user()).await;
    let keys: Vec<Key> = (0..4).map(|_| Key::new()).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for key in &keys {
        let (issuing, code, request) = (issuing.clone(), code.clone(), key.request(&[], None));
        tasks.spawn(async move { enroll(&issuing, NOW, &code, &request).await.map(|issued| issued.serial) });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err("E005"))), "{answers:?}");
    assert_eq!(issuing.certificates(&user()).await.unwrap().len(), 1);
}

#[test]
fn every_refusal_has_a_text_and_a_mend_in_both_languages_x5() {
    for lang in Lang::ALL {
        let texts = Texts::new(lang);
        for (prefix, last) in [("issuing-e", 16), ("service-certificate-s", 8)] {
            for n in 1..=last {
                let key = format!("{prefix}{n:03}");
                assert!(texts.has(&key) && texts.has(&format!("{key}-do")), "{lang}: {key}");
            }
        }
        let (what, fix) = NotAdmitted::Revoked { at: NOW, reason: "superseded".into() }.told(&texts);
        assert!(!what.contains("revocation-") && !what.contains('$') && !fix.is_empty(), "{what}");
    }
}
