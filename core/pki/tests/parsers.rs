//! Our parser against another one, and against bytes that are nothing.
#![allow(clippy::unwrap_used)]

mod world;

use authority::{CaKind, CardSpec};
use pki::{Certificate, CrlStore, verify_gate, verify_person};
use proptest::prelude::*;
use std::sync::OnceLock;
use world::{NOW, World};
use x509_parser::prelude::{FromDer, X509Certificate};

struct Fixture {
    world: World,
    crls: CrlStore,
    card: Vec<u8>,
    list: Vec<u8>,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let mut world = World::new();
        let card = world.authority.issue_doctor("SATO HANAKO").unwrap().cert_der;
        let list = world.authority.crl_der(CaKind::HpkiAuthentication).unwrap();
        Fixture { crls: world.crls(), world, card, list }
    })
}

#[test]
fn two_parsers_read_the_same() {
    let mut world = World::new();
    let mut all: Vec<Vec<u8>> = CaKind::ALL.iter().map(|kind| world.authority.ca_der(*kind).unwrap()).collect();
    let spec = CardSpec { kanji: Some("佐藤花子".into()), ..CardSpec::new("SATO HANAKO", "Pharmacist") };
    all.push(world.authority.issue_card(&spec).unwrap().cert_der);
    all.push(world.authority.issue_gate("clinic").unwrap().cert_der);
    all.push(world.authority.issue_center("main", &["center.sekisho.test"], &[]).unwrap().cert_der);
    for der in &all {
        let ours = Certificate::parse(der).unwrap();
        let (_, theirs) = X509Certificate::from_der(der).unwrap();
        assert_eq!(ours.not_before(), theirs.validity().not_before.timestamp());
        assert_eq!(ours.not_after(), theirs.validity().not_after.timestamp());
        assert_eq!(ours.subject().der(), theirs.subject().as_raw());
        assert_eq!(ours.issuer().der(), theirs.issuer().as_raw());
        assert_eq!(ours.spki_der(), theirs.public_key().raw);
        assert_eq!(ours.serial_hex().trim_start_matches('0'), theirs.serial.to_str_radix(16));
        assert_eq!(ours.basic_constraints().is_some_and(|bc| bc.ca), theirs.is_ca());
        let usage = theirs.key_usage().unwrap().map(|usage| usage.value.flags);
        let bits = ours.key_usage().map(|usage| {
            u16::from(usage.digital_signature())
                | u16::from(usage.non_repudiation()) << 1
                | u16::from(usage.key_cert_sign()) << 5
                | u16::from(usage.crl_sign()) << 6
        });
        assert_eq!(bits, usage);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let Fixture { world, crls, .. } = fixture();
        prop_assert!(Certificate::parse(&bytes).is_err());
        prop_assert!(verify_person(&[&bytes], &world.anchors, crls, NOW).is_err());
        prop_assert!(verify_gate(&[&bytes], &world.anchors, crls, NOW).is_err());
        prop_assert!(CrlStore::new().add(&bytes, &world.anchors).is_err());
    }

    #[test]
    fn damaged_documents_are_refused_without_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let Fixture { world, crls, card, list } = fixture();
        for (document, is_list) in [(card, false), (list, true)] {
            let mut damaged = document.clone();
            for (at, with) in &changes {
                damaged[at.index(document.len())] = *with;
            }
            if damaged == *document {
                continue;
            }
            for bytes in [damaged.as_slice(), &damaged[..cut.index(damaged.len())]] {
                if is_list {
                    prop_assert!(CrlStore::new().add(bytes, &world.anchors).is_err());
                } else {
                    prop_assert!(verify_person(&[bytes], &world.anchors, crls, NOW).is_err());
                }
            }
        }
    }
}
