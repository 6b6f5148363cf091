//! OCSP (N2): who may answer, what answers are worth, and what each policy makes of them.
#![allow(clippy::unwrap_used)]

mod world;

use authority::{
    CaKind, CertIdHash, Issued, OcspSays, OcspSigner, OcspSpec, ResponderSpec, RevocationReason, ocsp_status,
};
use pki::{
    AnchorSet, AnswerStatus, Certificate, OcspHash, OcspNeed, OcspQuestion, OcspRefusal, OcspStore, Purpose, Refusal,
    Revocation, RevocationPolicy, TrustAnchor, verify_person,
};
use world::{HOUR, NOW, World, codes};

const CA: CaKind = CaKind::HpkiAuthentication;

struct Case {
    world: World,
    card: Issued,
}

impl Case {
    fn new() -> Self {
        let mut world = World::new();
        let card = world.authority.issue_doctor("SATO HANAKO").unwrap();
        Self { world, card }
    }

    /// The anchors of the world, with the persons' anchor asking under this policy.
    fn anchors(&self, policy: RevocationPolicy) -> AnchorSet {
        let mut anchors = AnchorSet::new();
        let root = self.world.authority.ca_der(CaKind::HpkiRoot).unwrap();
        anchors.add(TrustAnchor::new(&root, Purpose::HpkiAuthentication).unwrap().with_revocation(policy));
        anchors.add_intermediate(&self.world.authority.ca_der(CA).unwrap()).unwrap();
        anchors
    }

    fn response(&self, spec: &OcspSpec<'_>) -> Vec<u8> {
        self.world.authority.ocsp_response(CA, &self.card.serial, CertIdHash::Sha1, spec).unwrap()
    }

    fn take(&self, spec: &OcspSpec<'_>) -> Result<OcspStore, OcspRefusal> {
        let mut store = OcspStore::new();
        store.add(&self.response(spec), &self.world.anchors)?;
        Ok(store)
    }

    /// Codes of the refusal under a policy, with a fresh list or the one of the card's CA missing.
    fn judge(&self, policy: RevocationPolicy, listed: bool, ocsp: &OcspStore) -> Vec<&'static str> {
        let crls = if listed { self.world.crls() } else { self.world.crls_without(&[CA]) };
        codes(verify_person(&self.card.chain(), &self.anchors(policy), Revocation { crls: &crls, ocsp }, NOW))
    }
}

fn fresh() -> OcspSpec<'static> {
    OcspSpec::new(NOW - 60, NOW + HOUR)
}

#[test]
fn each_policy_asks_for_the_word_it_needs_and_a_revocation_counts_under_all() {
    use RevocationPolicy::{Both, Crl, Either, Ocsp};
    let mut case = Case::new();
    let none = OcspStore::new();
    let good = case.take(&fresh()).unwrap();
    let unknown = case.take(&OcspSpec { says: OcspSays::Unknown, ..fresh() }).unwrap();
    let nothing: [&str; 0] = [];
    for (policy, listed, answers, expected) in [
        (Crl, true, &none, &nothing[..]),
        (Crl, false, &good, &["P009"]),
        (Ocsp, true, &none, &["P030"]),
        (Ocsp, false, &good, &[]),
        (Ocsp, true, &unknown, &["P034"]),
        (Both, true, &good, &[]),
        (Both, true, &none, &["P030"]),
        (Both, false, &good, &["P009"]),
        (Both, false, &none, &["P009", "P030"]),
        (Either, true, &none, &[]),
        (Either, false, &good, &[]),
        (Either, true, &unknown, &[]),
        (Either, false, &none, &["P009", "P030"]),
    ] {
        assert_eq!(case.judge(policy, listed, answers), expected, "{policy:?}, list {listed}");
    }
    let reason = RevocationReason::KeyCompromise;
    let by_answer = case.take(&OcspSpec { says: OcspSays::Revoked(NOW - 9, reason), ..fresh() }).unwrap();
    for policy in RevocationPolicy::ALL {
        assert_eq!(case.judge(policy, true, &by_answer), ["P008"], "{policy:?}");
    }
    let old = OcspSpec { says: OcspSays::Revoked(NOW - 9, reason), ..OcspSpec::new(NOW - 9 * HOUR, NOW - HOUR) };
    let old = case.take(&old).unwrap();
    assert_eq!(case.judge(Ocsp, true, &old), ["P008", "P031"], "a revocation stays true");
    case.world.authority.revoke_issued(&case.card, reason).unwrap();
    case.world.authority.write_crl(CA, NOW, NOW + HOUR).unwrap();
    for policy in RevocationPolicy::ALL {
        assert_eq!(case.judge(policy, true, &good), ["P008"], "by the list, {policy:?}");
    }
    let registered = case.take(&fresh()).unwrap();
    let crls = case.world.crls_without(&[CA]);
    let held = Revocation { crls: &crls, ocsp: &registered };
    let refused = verify_person(&case.card.chain(), &case.anchors(Ocsp), held, NOW).unwrap_err();
    let [Refusal::Revoked { at, reason, .. }] = refused.as_slice() else { panic!("{refused:?}") };
    assert_eq!((*at, reason.to_string()), (NOW, "keyCompromise".into()));
}

#[test]
fn answers_must_be_fresh() {
    let case = Case::new();
    let judged = |spec: OcspSpec<'_>| case.judge(RevocationPolicy::Ocsp, false, &case.take(&spec).unwrap());
    assert_eq!(judged(fresh()), Vec::<&str>::new());
    assert_eq!(judged(OcspSpec::new(NOW - HOUR, NOW - 1)), ["P031"]);
    assert_eq!(judged(OcspSpec::new(NOW - HOUR, NOW)), Vec::<&str>::new(), "nextUpdate itself is still good");
    assert_eq!(judged(OcspSpec::new(NOW - 49 * HOUR, NOW + HOUR)), ["P032"]);
    assert_eq!(judged(OcspSpec { next_update: None, ..OcspSpec::new(NOW - 47 * HOUR, 0) }), Vec::<&str>::new());
    assert_eq!(judged(OcspSpec { next_update: None, ..OcspSpec::new(NOW - 49 * HOUR, 0) }), ["P032"]);
    assert_eq!(judged(OcspSpec::new(NOW + HOUR, NOW + 2 * HOUR)), ["P033"]);
    assert_eq!(judged(OcspSpec::new(NOW + 60, NOW + HOUR)), Vec::<&str>::new(), "clocks differ");
}

#[test]
fn only_the_authority_and_its_delegates_answer() {
    let mut case = Case::new();
    let world = &mut case.world;
    let mut delegate = |spec: ResponderSpec| world.authority.issue_responder(&spec).unwrap();
    let right = delegate(ResponderSpec::new(CA));
    let checked = delegate(ResponderSpec { nocheck: false, ..ResponderSpec::new(CA) });
    let no_purpose = delegate(ResponderSpec { may_sign: false, ..ResponderSpec::new(CA) });
    let of_root = delegate(ResponderSpec::new(CaKind::HpkiRoot));
    let expired = delegate(ResponderSpec { valid_from_day: -9, valid_to_day: -1, ..ResponderSpec::new(CA) });
    let future = delegate(ResponderSpec { valid_from_day: 1, valid_to_day: 9, ..ResponderSpec::new(CA) });
    let by = |delegate| OcspSpec { signer: OcspSigner::Delegate(delegate), ..fresh() };

    for by_key in [false, true] {
        for signer in [OcspSigner::Authority, OcspSigner::Delegate(&right)] {
            let store = case.take(&OcspSpec { signer, by_key, ..fresh() }).unwrap();
            assert_eq!(case.judge(RevocationPolicy::Ocsp, false, &store), Vec::<&str>::new());
        }
    }
    let refused = |spec: OcspSpec<'_>| case.take(&spec).unwrap_err();
    assert!(matches!(refused(by(&no_purpose)), OcspRefusal::NotAuthorised { why, .. } if why.contains("OCSPSigning")));
    assert!(matches!(refused(by(&of_root)), OcspRefusal::NotAuthorised { why, .. } if why.contains("not issued")));
    let other = OcspSpec { signer: OcspSigner::Other(CaKind::Gate), ..fresh() };
    assert!(matches!(refused(other), OcspRefusal::NotAuthorised { .. }));
    assert!(matches!(refused(by(&case.card)), OcspRefusal::NotAuthorised { .. }), "a card is no responder");

    for wrong in [&expired, &future] {
        let store = case.take(&by(wrong)).unwrap();
        assert_eq!(case.judge(RevocationPolicy::Ocsp, true, &store), ["P035"]);
    }
    // Without nocheck a fresh list has to cover the delegate itself.
    let store = case.take(&by(&checked)).unwrap();
    assert_eq!(case.judge(RevocationPolicy::Ocsp, true, &store), Vec::<&str>::new());
    assert_eq!(case.judge(RevocationPolicy::Ocsp, false, &store), ["P035"]);
    let spared = case.take(&by(&right)).unwrap();
    for delegate in [&checked, &right] {
        case.world.authority.revoke_issued(delegate, RevocationReason::KeyCompromise).unwrap();
    }
    case.world.authority.write_crl(CA, NOW, NOW + HOUR).unwrap();
    assert_eq!(case.judge(RevocationPolicy::Ocsp, true, &store), ["P035"], "the delegate is revoked");
    assert_eq!(case.judge(RevocationPolicy::Ocsp, true, &spared), ["P035"], "nocheck hides no known revocation");
}

#[test]
fn what_is_no_answer_changes_nothing() {
    let mut case = Case::new();
    let mut store = OcspStore::new();
    for (status, name) in
        [(1, "malformedRequest"), (2, "internalError"), (3, "tryLater"), (5, "sigRequired"), (6, "unauthorized")]
    {
        let refused = store.add(&ocsp_status(status), &case.world.anchors).unwrap_err();
        assert_eq!(refused, OcspRefusal::NotSuccessful { status: name });
    }
    assert!(matches!(store.add(&ocsp_status(4), &case.world.anchors), Err(OcspRefusal::Malformed(_))));
    assert!(matches!(store.add(&ocsp_status(0), &case.world.anchors), Err(OcspRefusal::Malformed(_))));
    let response = case.response(&fresh());
    assert_eq!(store.add(&response, &AnchorSet::new()), Err(OcspRefusal::UnknownIssuer));
    let mut tampered = response.clone();
    *tampered.last_mut().unwrap() ^= 1;
    assert!(matches!(store.add(&tampered, &case.world.anchors), Err(OcspRefusal::BadSignature { .. })));
    // Same names, other keys.
    let forged = Case::new().response(&fresh());
    assert_eq!(store.add(&forged, &case.world.anchors), Err(OcspRefusal::UnknownIssuer));

    // Somebody else's good answer is none for this card.
    let other = case.world.authority.issue_doctor("OTHER").unwrap();
    let question = question(&case);
    let about_other = case.world.authority.ocsp_response(CA, &other.serial, CertIdHash::Sha1, &fresh()).unwrap();
    assert!(matches!(
        store.add_answer(&question, &about_other, &case.world.anchors),
        Err(OcspRefusal::NotAsked { .. })
    ));
    assert_eq!(store.status().count(), 0);
    store.add_answer(&question, &response, &case.world.anchors).unwrap();
    let older = case.response(&OcspSpec::new(NOW - HOUR, NOW + HOUR));
    assert!(matches!(store.add(&older, &case.world.anchors), Err(OcspRefusal::Older { .. })));
    let held: Vec<_> = store.status().collect();
    assert_eq!((held.len(), held[0].this_update, held[0].status), (1, NOW - 60, AnswerStatus::Good));
    // A replay taken by a second store does not get in by merging either.
    let mut replayed = OcspStore::new();
    replayed.add(&older, &case.world.anchors).unwrap();
    store.merge(&replayed);
    assert_eq!(store.status().next().unwrap().this_update, NOW - 60);
    store.forget_before(NOW);
    assert_eq!(store.status().count(), 0);
}

fn question(case: &Case) -> OcspQuestion {
    let card = Certificate::parse(&case.card.cert_der).unwrap();
    let issuer = Certificate::parse(&case.world.authority.ca_der(CA).unwrap()).unwrap();
    OcspQuestion::new(&card, &issuer)
}

#[test]
fn our_request_is_answered_in_both_digests_and_only_what_is_due_is_asked() {
    let case = Case::new();
    for hash in [OcspHash::Sha1, OcspHash::Sha256] {
        let response = case.world.authority.ocsp_answer(&question(&case).request(hash), &fresh()).unwrap();
        let mut store = OcspStore::new();
        store.add_answer(&question(&case), &response, &case.world.anchors).unwrap();
        assert_eq!(case.judge(RevocationPolicy::Ocsp, false, &store), Vec::<&str>::new(), "{hash:?}");
    }
    let due = |policy, listed, ocsp: &OcspStore, now, need| {
        let crls = if listed { case.world.crls() } else { case.world.crls_without(&[CA]) };
        let held = Revocation { crls: &crls, ocsp };
        let asked = OcspQuestion::about(
            &case.card.chain(),
            &case.anchors(policy),
            Purpose::HpkiAuthentication,
            held,
            now,
            need,
        );
        asked.iter().filter(|asked| **asked == question(&case)).count()
    };
    use OcspNeed::{ToDecide, ToRenew};
    use RevocationPolicy::{Both, Crl, Either, Ocsp};
    let (none, good) = (OcspStore::new(), case.take(&OcspSpec::new(NOW - HOUR, NOW + 3 * HOUR)).unwrap());
    assert_eq!(due(Crl, false, &none, NOW, ToDecide), 0, "nobody wants to hear it");
    assert_eq!(due(Ocsp, true, &none, NOW, ToDecide), 1);
    assert_eq!(due(Both, true, &none, NOW, ToDecide), 1);
    assert_eq!(due(Either, true, &none, NOW, ToDecide), 0, "the list suffices");
    assert_eq!(due(Either, false, &none, NOW, ToDecide), 1);
    assert_eq!(due(Either, true, &none, NOW, ToRenew), 1, "but what it knows beyond the list is worth asking");
    assert_eq!(due(Ocsp, true, &good, NOW, ToDecide), 0);
    assert_eq!(due(Ocsp, true, &good, NOW, ToRenew), 0);
    assert_eq!(due(Ocsp, true, &good, NOW + HOUR, ToRenew), 1, "half of its time is over");
    assert_eq!(due(Ocsp, true, &good, NOW + 4 * HOUR, ToDecide), 1);
    let stranger = Case::new();
    let held = Revocation { crls: &case.world.crls(), ocsp: &none };
    let anchors = case.anchors(Ocsp);
    let purpose = Purpose::HpkiAuthentication;
    assert!(OcspQuestion::about(&stranger.card.chain(), &anchors, purpose, held, NOW, ToDecide).is_empty());
}

#[test]
fn every_reason_and_remedy_is_worded_with_its_facts_in_both_languages() {
    let s = || "x".to_owned();
    let malformed = Case::new().world.anchors;
    let malformed = OcspStore::new().add(&[1], &malformed).unwrap_err();
    let all = [
        malformed,
        OcspRefusal::NotSuccessful { status: "tryLater" },
        OcspRefusal::UnknownIssuer,
        OcspRefusal::BadSignature { issuer: s() },
        OcspRefusal::NotAuthorised { responder: s(), issuer: s(), why: "w" },
        OcspRefusal::Unsupported { what: s() },
        OcspRefusal::Older { issuer: s(), serial: s(), offered: 0, held: 1 },
        OcspRefusal::WeakSignature { algorithm: s() },
        OcspRefusal::NotAsked { issuer: s(), serial: s() },
    ];
    for (n, refusal) in all.iter().enumerate() {
        assert_eq!(refusal.code(), format!("C{:03}", n + 6));
    }
    for file in [include_str!("../../texts/locales/en/pki.ftl"), include_str!("../../texts/locales/ja/pki.ftl")] {
        let line = |key: &str| file.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
        for refusal in &all {
            let wording = line(&refusal.key()).unwrap_or_else(|| panic!("{} has no text", refusal.key()));
            assert!(line(&format!("{}-do", refusal.key())).is_some(), "{} has no remedy", refusal.key());
            for used in wording.split("{ $").skip(1).filter_map(|rest| rest.split(" }").next()) {
                assert!(refusal.facts().iter().any(|(name, _)| *name == used), "{}: {used}", refusal.key());
            }
        }
    }
}
