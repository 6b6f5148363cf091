//! Persons' cards against the HPKI profile: right ones, and every way to be wrong (N2).
#![allow(clippy::unwrap_used)]

mod world;

use authority::{Authority, CaKind, CardSpec, CardUsage, RevocationReason, hc_role_extension};
use pki::{
    Certificate, Challenge, CrlRefusal, CrlStore, Purpose, Refusal, Role, TrustAnchor, verify_challenge, verify_person,
};
use world::{HOUR, NOW, World, codes};

fn doctor() -> CardSpec {
    CardSpec::new("SATO HANAKO", "Medical Doctor")
}

#[test]
fn a_doctor_is_verified_and_present_after_the_challenge() {
    let mut world = World::new();
    let spec = CardSpec { kanji: Some("佐藤花子".into()), ..doctor() };
    let card = world.authority.issue_card(&spec).unwrap();
    let person = world.judge(&card).unwrap();
    assert_eq!(person.name(), "SATO HANAKO");
    assert_eq!(person.kanji_name(), Some("佐藤花子"));
    assert_eq!(person.organization(), Some("TEST Facility"));
    assert_eq!(person.identity(), "HPKI-01-TEST-forAuthentication-forIndividual/TEST-SATO-HANAKO");
    assert_eq!(person.role().text(), "Medical Doctor");
    assert_eq!(person.recognised().unwrap().ja, "医師");
    assert_eq!(person.certificate_serial(), card.serial);

    // The card may hold its own certificate only; the subordinate CA is configured.
    assert!(verify_person(&[&card.cert_der], &world.anchors, &world.crls(), NOW).is_ok());

    let challenge = Challenge { nonce: [1; 32], tls_exporter: [2; 32], request_digest: [3; 32] };
    let answer = card.sign(&challenge.message()).unwrap();
    let present = verify_challenge(person.clone(), &challenge, &answer).unwrap();
    assert_eq!((present.person(), present.request_digest()), (&person, &[3; 32]));
    for other in [
        Challenge { nonce: [9; 32], ..challenge },
        Challenge { tls_exporter: [9; 32], ..challenge },
        Challenge { request_digest: [9; 32], ..challenge },
    ] {
        assert_eq!(verify_challenge(person.clone(), &other, &answer), Err(Refusal::ChallengeFailed));
    }
    let stranger = world.authority.issue_doctor("STRANGER").unwrap();
    let said = b"sekisho-card-confirm-v1\nhttps://inside.example";
    let answer = card.sign(said).unwrap();
    assert_eq!(person.verify(said, &answer), Ok(()));
    assert_eq!(person.verify(&challenge.message(), &answer), Err(Refusal::ChallengeFailed));
    assert_eq!(person.verify(said, &stranger.sign(said).unwrap()), Err(Refusal::ChallengeFailed));
    let answer = stranger.sign(&challenge.message()).unwrap();
    assert_eq!(verify_challenge(person, &challenge, &answer), Err(Refusal::ChallengeFailed));
}

#[test]
fn usage_policy_and_key_must_fit() {
    let mut world = World::new();
    let w = &mut world;
    assert_eq!(w.codes_of(&doctor()), Vec::<&str>::new());
    assert_eq!(w.codes_of(&CardSpec::signature("SATO HANAKO", "Medical Doctor")), ["P014", "P015"]);
    assert_eq!(w.codes_of(&CardSpec { usage: CardUsage::Both, ..doctor() }), ["P014"]);
    assert_eq!(w.codes_of(&CardSpec { usage: CardUsage::Encipherment, ..doctor() }), ["P013"]);
    assert_eq!(w.codes_of(&CardSpec { usage_critical: false, ..doctor() }), ["P013"]);
    assert_eq!(w.codes_of(&CardSpec { policy: Some("1.2.392.100495.1.5.1.2.3.1".into()), ..doctor() }), ["P015"]);
    assert_eq!(w.codes_of(&CardSpec { policy: None, ..doctor() }), ["P015"]);
    assert_eq!(w.codes_of(&CardSpec { policy_critical: false, ..doctor() }), ["P016"]);
    assert_eq!(w.codes_of(&CardSpec { unknown_critical: true, ..doctor() }), ["P017"]);
    assert_eq!(w.codes_of(&CardSpec { rsa_bits: 1024, ..doctor() }), ["P022"]);
}

#[test]
fn validity_is_judged_at_now() {
    let mut world = World::new();
    assert_eq!(world.codes_of(&CardSpec { valid_from_day: -10, valid_to_day: -1, ..doctor() }), ["P006"]);
    assert_eq!(world.codes_of(&CardSpec { valid_from_day: 1, valid_to_day: 9, ..doctor() }), ["P005"]);
    let card = world.authority.issue_card(&doctor()).unwrap();
    let before_the_ca = NOW - 3 * 24 * HOUR;
    let refused = codes(verify_person(&card.chain(), &world.anchors, &world.crls(), before_the_ca));
    assert_eq!(refused, ["P005", "P012", "P005", "P012", "P005"], "card, its list, CA, the root's list, root");
}

#[test]
fn exactly_one_well_formed_qualification() {
    let mut world = World::new();
    let w = &mut world;
    assert_eq!(w.codes_of(&CardSpec { roles: vec![], ..doctor() }), ["P018"]);
    let two = CardSpec { roles: vec!["Medical Doctor".into(), "Pharmacist".into()], ..doctor() };
    assert_eq!(w.codes_of(&two), ["P020"]);
    let mut trailing = hc_role_extension(&["Pharmacist"]);
    trailing.push(0);
    assert_eq!(w.codes_of(&CardSpec { raw_role: Some(trailing), ..doctor() }), ["P019"]);
    assert_eq!(w.codes_of(&CardSpec { roles: vec!["Director of Hospital".into()], ..doctor() }), ["P024"]);
    let director = CardSpec {
        roles: vec!["Director of Hospital".into()],
        organizational_unit: Some("Director".into()),
        ..doctor()
    };
    assert_eq!(w.codes_of(&director), Vec::<&str>::new());

    let unknown = w.authority.issue_card(&CardSpec::new("X", "medical doctor")).unwrap();
    let person = w.judge(&unknown).unwrap();
    assert_eq!(person.role(), &Role::Unrecognised("medical doctor".into()));
    assert_eq!(person.recognised().unwrap_err().code(), "P021");
}

#[test]
fn revocation_lists_must_be_there_fresh_and_silent() {
    let mut world = World::new();
    let card = world.authority.issue_doctor("SATO HANAKO").unwrap();
    let judge = |world: &World, crls: &CrlStore, now| codes(verify_person(&card.chain(), &world.anchors, crls, now));

    assert_eq!(judge(&world, &CrlStore::new(), NOW), ["P009", "P009"], "both CAs' lists are needed");
    assert_eq!(judge(&world, &world.crls_without(&[CaKind::HpkiRoot]), NOW), ["P009"]);
    let ca = CaKind::HpkiAuthentication;
    world.authority.write_crl(ca, NOW - HOUR, NOW + HOUR).unwrap();
    let crls = world.crls();
    assert_eq!(judge(&world, &crls, NOW + HOUR), Vec::<&str>::new(), "usable to its last second");
    assert_eq!(judge(&world, &crls, NOW + HOUR + 1), ["P010"]);
    world.authority.write_crl(ca, NOW - 49 * HOUR, NOW + 90 * HOUR).unwrap();
    assert_eq!(judge(&world, &world.crls(), NOW), ["P011"]);
    world.authority.write_crl(ca, NOW + HOUR, NOW + 2 * HOUR).unwrap();
    assert_eq!(judge(&world, &world.crls(), NOW), ["P012"]);

    world.authority.revoke_issued(&card, RevocationReason::KeyCompromise).unwrap();
    world.authority.write_crl(ca, NOW, NOW + HOUR).unwrap();
    let refused = verify_person(&card.chain(), &world.anchors, &world.crls(), NOW).unwrap_err();
    let [Refusal::Revoked { serial, at, reason, .. }] = refused.as_slice() else { panic!("{refused:?}") };
    assert_eq!((serial.as_str(), *at, reason.to_string().as_str()), (card.serial.as_str(), NOW, "keyCompromise"));
    assert_eq!(judge(&world, &world.crls(), NOW + 2 * HOUR), ["P008", "P010"], "both reasons are said");

    let fresh = world.authority.issue_doctor("OTHER").unwrap();
    assert!(world.judge(&fresh).is_ok());
    world.authority.revoke_ca(ca, RevocationReason::CaCompromise).unwrap();
    world.authority.write_crl(CaKind::HpkiRoot, NOW, NOW + HOUR).unwrap();
    assert_eq!(codes(world.judge(&fresh)), ["P008"], "a revoked CA takes its cards with it");
}

#[test]
fn the_store_takes_only_lists_of_configured_cas_and_never_goes_back() {
    let mut world = World::new();
    let forger = World::new();
    let mut crls = world.crls();
    let forged = forger.authority.crl_der(CaKind::HpkiAuthentication).unwrap();
    assert!(matches!(crls.add(&forged, &world.anchors), Err(CrlRefusal::BadSignature { .. })));
    let empty = pki::AnchorSet::new();
    assert!(matches!(crls.add(&forged, &empty), Err(CrlRefusal::UnknownIssuer { .. })));
    let older = world.authority.write_crl(CaKind::HpkiAuthentication, NOW - HOUR, NOW + HOUR).unwrap();
    assert!(matches!(crls.add(&older.der, &world.anchors), Err(CrlRefusal::Older { .. })));
    for cut in 0..older.der.len() {
        assert!(matches!(crls.add(&older.der[..cut], &world.anchors), Err(CrlRefusal::Malformed(_))), "cut at {cut}");
    }
    for at in 0..older.der.len() {
        let mut changed = older.der.clone();
        changed[at] ^= 1;
        assert!(CrlStore::new().add(&changed, &world.anchors).is_err(), "changed at {at}");
    }
    assert_eq!(crls.status().count(), CaKind::ALL.len());
    let card = world.authority.issue_doctor("X").unwrap();
    assert!(verify_person(&card.chain(), &world.anchors, &crls, NOW).is_ok(), "refused lists changed nothing");
}

#[test]
fn forged_and_foreign_chains_are_untrusted() {
    let mut world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let mut forger = Authority::new(dir.path(), NOW).unwrap();
    let forged = forger.issue_doctor("SATO HANAKO").unwrap();
    assert_eq!(codes(world.judge(&forged)), ["P004", "P003"], "the names are right, the root's key is not");
    let alone = verify_person(&[&forged.cert_der], &world.anchors, &world.crls(), NOW);
    assert_eq!(codes(alone), ["P004", "P003"], "not made by the configured CA either");
    let with_root = [forged.chain_der.clone(), vec![forger.ca_der(CaKind::HpkiRoot).unwrap()]].concat();
    let with_root: Vec<&[u8]> = with_root.iter().map(Vec::as_slice).collect();
    assert_eq!(*codes(verify_person(&with_root, &world.anchors, &world.crls(), NOW)).last().unwrap(), "P003");

    // A card of somebody does not make its holder a CA.
    let gate = world.authority.issue_gate("clinic").unwrap();
    assert_eq!(codes(world.judge(&gate)), ["P003", "P022", "P015", "P018", "P024"], "a gate is no person, all reasons");
    let ca = world.authority.ca_der(CaKind::HpkiAuthentication).unwrap();
    let refused = codes(verify_person(&[&ca], &world.anchors, &world.crls(), NOW));
    assert!(refused.contains(&"P027") && refused.contains(&"P013"), "{refused:?}");
    assert!(TrustAnchor::new(&gate.cert_der, Purpose::Gate).is_err(), "an end entity is no anchor");
    assert_eq!(codes(verify_person(&[], &world.anchors, &world.crls(), NOW)), ["P002"]);
    assert_eq!(codes(verify_person(&[&ca[..]; 9], &world.anchors, &world.crls(), NOW)), ["P002"]);
}

#[test]
fn every_truncation_and_every_changed_bit_is_refused() {
    let mut world = World::new();
    let card = world.authority.issue_doctor("SATO HANAKO").unwrap();
    let crls = world.crls();
    let der = &card.cert_der;
    for cut in 0..der.len() {
        assert!(Certificate::parse(&der[..cut]).is_err(), "cut at {cut}");
    }
    assert!(Certificate::parse(&[der.as_slice(), &[0]].concat()).is_err());
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 1 << (at % 8);
        let chain = [changed.as_slice(), &card.chain_der[1]];
        assert!(verify_person(&chain, &world.anchors, &crls, NOW).is_err(), "changed at {at}");
    }
}
