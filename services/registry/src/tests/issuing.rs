//! Offers, certificates and lists, on both databases.

use audit::{Digest, Event};
use model::Timestamp;

use super::{Place, both};
use crate::{CertificateRow, Commit, Enrolment, IssuingChange, ListRow, Registry, RegistryError};

both! { a_code_is_good_once_and_only_in_time lists_follow_each_other }

fn event() -> Event {
    Event::OperatorAction { operator: "ito".into(), action: "test".into(), target: None }
}

fn offer(code: &[u8]) -> Enrolment {
    Enrolment {
        code: Digest::of(code),
        identity: "urn:sekisho:user:12345678".into(),
        organization: "青葉診療所".into(),
        dns_names: vec!["gw.clinic.example".into(), "gate.example".into()],
        expires_at: Timestamp(1_000),
        used_at: None,
        serial: None,
    }
}

fn certificate(serial: &str) -> CertificateRow {
    CertificateRow {
        authority: "service".into(),
        serial: serial.into(),
        identity: "urn:sekisho:user:12345678".into(),
        organization: "青葉診療所".into(),
        key: Digest::of(b"key"),
        der: vec![0x30, 0x00],
        issued_at: Timestamp(500),
        not_after: Timestamp(9_000),
        revoked: None,
    }
}

async fn at(registry: &Registry, now: i64, change: IssuingChange) -> Result<(), RegistryError> {
    registry.commit(Commit::at(Timestamp(now)).issuing(change).event(event())).await.map(|_| ())
}

async fn a_code_is_good_once_and_only_in_time(place: Place) {
    let registry = place.open().await;
    for code in [b"one", b"two"] {
        at(&registry, 1, IssuingChange::Offer(offer(code))).await.unwrap();
    }
    let issue =
        |serial, code: &[u8]| IssuingChange::Issue { certificate: certificate(serial), code: Some(Digest::of(code)) };
    at(&registry, 500, issue("0a", b"one")).await.unwrap();
    for (now, serial, code) in [(501, "0b", &b"one"[..]), (1_000, "0c", b"two"), (501, "0d", b"three")] {
        let error = at(&registry, now, issue(serial, code)).await.unwrap_err();
        assert!(matches!(error, RegistryError::Stale { .. }), "{error}");
        assert!(registry.certificate("service", serial).await.unwrap().is_none(), "nothing of a refused change stays");
    }
    let found = registry.enrolment(Digest::of(b"one")).await.unwrap().unwrap();
    assert_eq!((found.used_at, found.serial.as_deref()), (Some(Timestamp(500)), Some("0a")));
    assert_eq!(found.dns_names, ["gw.clinic.example", "gate.example"]);
    assert_eq!(registry.certificates("urn:sekisho:user:12345678").await.unwrap(), [certificate("0a")]);

    let revoke = || IssuingChange::Revoke { authority: "service".into(), serial: "0a".into(), reason: 4 };
    at(&registry, 600, revoke()).await.unwrap();
    assert!(matches!(at(&registry, 700, revoke()).await, Err(RegistryError::Stale { .. })));
    assert_eq!(registry.revoked("service", Timestamp(9_000)).await.unwrap(), [("0a".into(), Timestamp(600), 4)]);
    assert!(registry.revoked("service", Timestamp(9_001)).await.unwrap().is_empty());
    assert!(registry.revoked("gate", Timestamp(1)).await.unwrap().is_empty());
    registry.verify_log(None).await.unwrap();
}

async fn lists_follow_each_other(place: Place) {
    let registry = place.open().await;
    assert!(registry.revocation_list("service").await.unwrap().is_none());
    let list = |number| ListRow {
        authority: "service".into(),
        number,
        this_update: Timestamp(1),
        next_update: Timestamp(2),
        der: vec![number as u8],
    };
    for number in [1, 2] {
        at(&registry, 1, IssuingChange::List(list(number))).await.unwrap();
    }
    for wrong in [2, 4] {
        let error = at(&registry, 1, IssuingChange::List(list(wrong))).await.unwrap_err();
        assert!(matches!(error, RegistryError::Stale { .. }), "{error}");
    }
    assert_eq!(registry.revocation_list("service").await.unwrap(), Some(list(2)));
}
