//! Revocation by OCSP, from the responder to the reason a person reads (N2).

use authority::{Authority, CaKind, CertIdHash, OcspSays, OcspSpec, RevocationReason};
use pki::{Purpose, RevocationPolicy};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::world::{World, doctor_asks};
use crate::{Answering, Responders, RevocationSettings, open, renew_answers};
use audit::CloseCause;

/// A responder in memory over the registers of the test authority.
#[derive(Debug)]
struct Responder {
    authority: PathBuf,
    /// Seconds from the authority's `now` to thisUpdate, and to nextUpdate.
    ages: (AtomicI64, AtomicI64),
    says: Mutex<Result<OcspSays, ()>>,
    asked: AtomicUsize,
    now: i64,
}

impl Responder {
    fn in_folder(authority: &Path) -> Arc<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        let ages = (AtomicI64::new(-60), AtomicI64::new(3600));
        let (says, asked) = (Mutex::new(Ok(OcspSays::Register)), AtomicUsize::new(0));
        Arc::new(Self { authority: authority.to_owned(), ages, says, asked, now })
    }

    fn update(&self, this: i64, next: i64) {
        self.ages.0.store(this, Ordering::SeqCst);
        self.ages.1.store(next, Ordering::SeqCst);
    }

    fn say(&self, says: Result<OcspSays, ()>) {
        *self.says.lock().unwrap() = says;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Responders for Responder {
    fn ask<'a>(&'a self, url: &'a str, request: Vec<u8>) -> Answering<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            assert_eq!(url, "http://ocsp.test.invalid/");
            let (this, next) = (self.ages.0.load(Ordering::SeqCst), self.ages.1.load(Ordering::SeqCst));
            let says = self.says.lock().unwrap().map_err(|()| "connecting: refused".to_owned())?;
            let spec = OcspSpec { says, ..OcspSpec::new(self.now + this, self.now + next) };
            let authority = Authority::open(&self.authority).map_err(|e| e.to_string())?;
            authority.ocsp_answer(&request, &spec).map_err(|e| e.to_string())
        })
    }
}

/// Persons are judged by this policy; lists of all CAs are there and fresh.
async fn world(policy: RevocationPolicy) -> (World, Arc<Responder>) {
    let settings = RevocationSettings {
        policy,
        responder: Some("http://ocsp.test.invalid/".into()),
        ..RevocationSettings::default()
    };
    let mut made = None;
    let world = World::asking(BTreeMap::from([(Purpose::HpkiAuthentication, settings)]), |folder| {
        let responder = Responder::in_folder(folder);
        made = Some(Arc::clone(&responder));
        responder
    })
    .await;
    (world, made.unwrap())
}

async fn refused(world: &World, nonce: u8) -> Vec<String> {
    let refused = open(&world.center, doctor_asks(world, [nonce; 32])).await.unwrap_err();
    assert!(refused.entry.is_some(), "it is recorded");
    refused.reasons.iter().map(|reason| reason.code.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_answer_opens_and_is_not_asked_for_again_n2() {
    for policy in [RevocationPolicy::Ocsp, RevocationPolicy::Both] {
        let (world, responder) = world(policy).await;
        world.honest_gates();
        let connection = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection;
        let asked = responder.asked();
        assert!(asked >= 1);
        crate::close::begin(&world.center, connection.grant, &crate::Closer::Operator("test".into())).await.unwrap();
        world.settle(|connections| connections.is_empty()).await;
        open(&world.center, doctor_asks(&world, [2; 32])).await.unwrap();
        assert_eq!(responder.asked(), asked, "the answer is still fresh");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_revoked_by_ocsp_only_is_refused_with_the_reason_n2() {
    let (mut world, responder) = world(RevocationPolicy::Both).await;
    let doctor = world.doctor.clone();
    // In the register, and on no list yet.
    world.authority.revoke_issued(&doctor, RevocationReason::KeyCompromise).unwrap();
    let refused = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap_err();
    assert_eq!(refused.reasons.len(), 1);
    assert_eq!(refused.reasons[0].code, "P008");
    let told = refused.reasons[0].lines(&texts::Texts::new(texts::Lang::En));
    assert!(format!("{told:?}").contains("its key leaked"), "{told:?}");
    assert!(responder.asked() >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fresh_answer_is_a_refusal_that_says_so_n2() {
    let (world, responder) = world(RevocationPolicy::Ocsp).await;
    world.honest_gates();
    responder.say(Err(()));
    assert_eq!(refused(&world, 1).await, ["P030"]);
    let asked = responder.asked();
    assert_eq!(refused(&world, 2).await, ["P030"]);
    assert_eq!(responder.asked(), asked, "a responder that failed rests for a while");
    // The same card again, some seconds later each time.
    let later = |seconds| world.clock.set(model::Timestamp::from_unix_seconds(world.now + seconds));
    for (n, this, next, says, code) in
        [(3u8, -7200, -3600, OcspSays::Register, "P031"), (4, -3000, 7200, OcspSays::Unknown, "P034")]
    {
        later(i64::from(n) * 10);
        responder.update(this, next);
        responder.say(Ok(says));
        assert_eq!(refused(&world, n).await, [code]);
    }
    later(60);
    responder.update(-60, 3600);
    responder.say(Ok(OcspSays::Register));
    open(&world.center, doctor_asks(&world, [9; 32])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_in_the_folder_count_like_fetched_ones_n2() {
    let (world, responder) = world(RevocationPolicy::Ocsp).await;
    world.honest_gates();
    responder.say(Err(()));
    let spec = OcspSpec::new(world.now - 30, world.now + 3600);
    let card = &world.doctor.serial;
    let response = world.authority.ocsp_response(CaKind::HpkiAuthentication, card, CertIdHash::Sha256, &spec).unwrap();
    world.put("hpki", "doctor.ocsp", &response);
    open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap();
    assert_eq!(responder.asked(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_answer_that_says_revoked_ends_what_is_open_n2() {
    let (mut world, responder) = world(RevocationPolicy::Either).await;
    world.honest_gates();
    let open_one = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
    assert_eq!(responder.asked(), 0, "a fresh list suffices");
    let before = world.center.trust();
    renew_answers(&world.center).await;
    assert!(responder.asked() >= 1);
    assert!(world.center.trust().revokes_the_same(&before), "good news ends nothing");
    let doctor = world.doctor.clone();
    world.authority.revoke_issued(&doctor, RevocationReason::CessationOfOperation).unwrap();
    // Past half of the time of the first answer.
    world.clock.set(model::Timestamp::from_unix_seconds(world.now + 2400));
    responder.update(2300, 5000);
    renew_answers(&world.center).await;
    assert!(!world.center.trust().revokes_the_same(&before));
    crate::reexamine(&world.center).await;
    world.settle(|connections| connections.is_empty()).await;
    assert_eq!(world.causes(open_one).await, [CloseCause::CardRevoked]);
}
