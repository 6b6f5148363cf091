//! OCSP against another implementation: responses and requests of OpenSSL 3 as golden vectors, OpenSSL as responder to
//! our requests and as client of our responder; and against bytes that are nothing.
#![expect(clippy::disallowed_methods, reason = "it meets OpenSSL: files, a process, and the time of day")]
#![allow(clippy::unwrap_used)]

mod world;

#[path = "../../../testing/fuzz/bodies/ocsp_response.rs"]
mod fuzz;

use authority::{Authority, CaKind, CertIdHash, Issued, OcspSigner, OcspSpec, ResponderSpec, RevocationReason};
use pki::{AnchorSet, AnswerStatus, Certificate, OcspHash, OcspQuestion, OcspRefusal, OcspStore, Purpose, TrustAnchor};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const CA: &[u8] = include_bytes!("vectors/ocsp/ca.der");
const GOOD: &[u8] = include_bytes!("vectors/ocsp/good.der");
const GOOD_BY_CA: &[u8] = include_bytes!("vectors/ocsp/good-by-ca.der");
const REVOKED: &[u8] = include_bytes!("vectors/ocsp/revoked.der");
const UNKNOWN: &[u8] = include_bytes!("vectors/ocsp/unknown.der");
const MADE: i64 = 1_795_251_560; // 2026-11-21T08:59:20Z

fn golden_anchors() -> AnchorSet {
    let mut anchors = AnchorSet::new();
    anchors.add(TrustAnchor::new(CA, Purpose::Gate).unwrap());
    anchors
}

/// What fuzzing once broke, and what it begins from.
#[test]
fn what_the_fuzzer_kept_holds() {
    let cases = std::fs::read_dir("../../testing/fuzz/cases/ocsp_response").unwrap();
    assert!(cases.map(|case| fuzz::check(&std::fs::read(case.unwrap().path()).unwrap())).count() > 0);
}

#[test]
fn responses_of_openssl_are_read() {
    for (response, serial, delegated, days) in [
        (GOOD, "8101", true, Some(7)),
        (GOOD_BY_CA, "8101", false, None),
        (REVOKED, "8102", true, Some(7)),
        (UNKNOWN, "8103", true, Some(7)),
    ] {
        let taken = OcspStore::new().add(response, &golden_anchors()).unwrap();
        assert_eq!((taken.len(), taken[0].serial.as_str()), (1, serial));
        assert_eq!(taken[0].issuer, "C=JP, O=TEST, CN=TEST golden CA");
        assert_eq!(taken[0].delegate.as_deref(), delegated.then_some("CN=TEST golden responder"));
        if let Some(days) = days {
            assert_eq!(taken[0].next_update, Some(taken[0].this_update + days * 86_400));
        }
        assert!((MADE..MADE + 5).contains(&taken[0].this_update));
        match (serial, taken[0].status) {
            ("8101", AnswerStatus::Good) | ("8103", AnswerStatus::Unknown) => {}
            ("8102", AnswerStatus::Revoked { at, reason }) => {
                assert_eq!((at, reason.to_string().as_str()), (1_795_132_800, "keyCompromise"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn requests_are_those_of_openssl_to_the_byte() {
    let issuer = Certificate::parse(CA).unwrap();
    let ask =
        |certificate: &[u8], hash| OcspQuestion::new(&Certificate::parse(certificate).unwrap(), &issuer).request(hash);
    let (good, revoked) =
        (include_bytes!("vectors/ocsp/certificate-good.der"), include_bytes!("vectors/ocsp/certificate-revoked.der"));
    assert_eq!(ask(good, OcspHash::Sha1), include_bytes!("vectors/ocsp/request-sha1.der"));
    assert_eq!(ask(revoked, OcspHash::Sha256), include_bytes!("vectors/ocsp/request-sha256.der"));
}

fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "openssl {arguments:?}: {text}");
    text
}

fn real_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn trust(authority: &Authority) -> AnchorSet {
    let mut anchors = AnchorSet::new();
    anchors.add(TrustAnchor::new(&authority.ca_der(CaKind::HpkiRoot).unwrap(), Purpose::HpkiAuthentication).unwrap());
    anchors.add_intermediate(&authority.ca_der(CaKind::HpkiAuthentication).unwrap()).unwrap();
    anchors
}

/// OpenSSL answers our request; we judge its answer.
#[test]
fn openssl_as_responder_agrees_with_us() {
    let dir = tempfile::tempdir().unwrap();
    let mut authority = Authority::new(&dir.path().join("ca"), real_now()).unwrap();
    let kind = CaKind::HpkiAuthentication;
    let cards: Vec<Issued> =
        ["GOOD", "REVOKED", "UNKNOWN"].iter().map(|name| authority.issue_doctor(name).unwrap()).collect();
    let delegate = authority.issue_responder(&ResponderSpec::new(kind)).unwrap();
    let (good, revoked) = (&cards[0].serial, &cards[1].serial);
    let index = format!(
        "V\t480101000000Z\t\t{}\tunknown\t/CN=G\nR\t480101000000Z\t261101000000Z,superseded\t{}\tunknown\t/CN=R\n",
        good.to_uppercase(),
        revoked.to_uppercase()
    );
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("index"), index).unwrap();
    let issuer = Certificate::parse(&authority.ca_der(kind).unwrap()).unwrap();
    for (n, card) in cards.iter().enumerate() {
        for hash in [OcspHash::Sha1, OcspHash::Sha256] {
            let question = OcspQuestion::new(&Certificate::parse(&card.cert_der).unwrap(), &issuer);
            std::fs::write(path("request"), question.request(hash)).unwrap();
            let (ca, signer) = (authority.ca_pem_path(kind).display().to_string(), delegate.folder.join("cert.pem"));
            let (signer, key) = (signer.display().to_string(), delegate.folder.join("key.pem").display().to_string());
            let (index, request, response) = (path("index"), path("request"), path("response"));
            openssl(&[
                "ocsp", "-index", &index, "-CA", &ca, "-rsigner", &signer, "-rkey", &key, "-reqin", &request,
                "-respout", &response, "-nmin", "60",
            ]);
            let mut store = OcspStore::new();
            let taken = store.add_answer(&question, &std::fs::read(&response).unwrap(), &trust(&authority)).unwrap();
            match (n, taken[0].status) {
                (0, AnswerStatus::Good) | (2, AnswerStatus::Unknown) => {}
                (1, AnswerStatus::Revoked { reason, .. }) => assert_eq!(reason.to_string(), "superseded"),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Our responder answers; OpenSSL judges.
#[test]
fn openssl_as_client_agrees_with_our_responder() {
    let dir = tempfile::tempdir().unwrap();
    let now = real_now();
    let mut authority = Authority::new(&dir.path().join("ca"), now).unwrap();
    let kind = CaKind::HpkiAuthentication;
    let (good, revoked) = (authority.issue_doctor("GOOD").unwrap(), authority.issue_doctor("REVOKED").unwrap());
    authority.revoke_issued(&revoked, RevocationReason::KeyCompromise).unwrap();
    let delegate = authority.issue_responder(&ResponderSpec::new(kind)).unwrap();
    let wrong = authority.issue_responder(&ResponderSpec { may_sign: false, ..ResponderSpec::new(kind) }).unwrap();
    let response = dir.path().join("response");
    let root = authority.ca_pem_path(CaKind::HpkiRoot);
    let judge = |card: &Issued, spec: &OcspSpec<'_>| {
        let der = authority.ocsp_response(kind, &card.serial, CertIdHash::Sha1, spec).unwrap();
        std::fs::write(&response, &der).unwrap();
        let ours = OcspStore::new().add(&der, &trust(&authority));
        let shown = |path: &Path| path.display().to_string();
        let (ca, certificate) = (shown(&authority.ca_pem_path(kind)), shown(&card.folder.join("cert.pem")));
        let (response, root) = (shown(&response), shown(&root));
        let arguments =
            ["ocsp", "-issuer", &ca, "-cert", &certificate, "-respin", &response, "-CAfile", &root, "-no_nonce"];
        let output = Command::new("openssl").args(arguments).output().unwrap();
        (ours, String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let fresh = OcspSpec::new(now - 60, now + 3600);
    for signer in [OcspSigner::Authority, OcspSigner::Delegate(&delegate)] {
        for by_key in [false, true] {
            let (ours, theirs) = judge(&good, &OcspSpec { signer, by_key, ..fresh });
            assert_eq!(ours.unwrap()[0].status, AnswerStatus::Good);
            assert!(theirs.contains("Response verify OK") && theirs.contains(": good"), "{theirs}");
        }
    }
    let (ours, theirs) = judge(&revoked, &fresh);
    assert!(matches!(ours.unwrap()[0].status, AnswerStatus::Revoked { .. }));
    assert!(theirs.contains(": revoked") && theirs.contains("keyCompromise"), "{theirs}");
    let (ours, theirs) = judge(&good, &OcspSpec { signer: OcspSigner::Delegate(&wrong), ..fresh });
    assert!(matches!(ours, Err(OcspRefusal::NotAuthorised { .. })));
    assert!(theirs.contains("Response Verify Failure") && theirs.contains("missing ocspsigning usage"), "{theirs}");
    let (_, theirs) = judge(&good, &OcspSpec::new(now - 7200, now - 3600));
    assert!(theirs.contains("Status times invalid") || theirs.contains("status expired"), "{theirs}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz::check(&bytes);
    }

    #[test]
    fn a_response_changed_anywhere_is_refused_or_says_the_same(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for response in [GOOD, GOOD_BY_CA, REVOKED, UNKNOWN] {
            let mut damaged = response.to_vec();
            for (at, with) in &changes {
                damaged[at.index(response.len())] = *with;
            }
            fuzz::check(&damaged);
            fuzz::check(&damaged[..cut.index(damaged.len())]);
            if let Ok(taken) = OcspStore::new().add(&damaged, &golden_anchors()) {
                prop_assert_eq!(taken, OcspStore::new().add(response, &golden_anchors()).unwrap());
            }
        }
    }
}
