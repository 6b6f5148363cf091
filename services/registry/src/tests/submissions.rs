//! Submissions of report files as rows (R12).

use audit::Event;
use model::Timestamp;

use super::{Place, both};
use crate::{
    Commit, NewSubmission, Registry, RegistryError, SubmissionQuery, SubmissionState, SubmissionStep,
    SubmissionsOverseen,
};

both! {
    a_submission_lives_its_states_in_order_and_no_step_is_made_twice
    a_key_begins_one_submission_and_a_file_is_accepted_once
    submissions_are_found_by_institution_and_state_page_by_page
    operators_find_everybodys_submissions_newest_first
}

fn new(id: &str, institution: &str) -> NewSubmission {
    NewSubmission {
        id: id.into(),
        institution: institution.into(),
        account: "10000001".into(),
        name: "届出 2026.zip".into(),
        media_type: "application/zip".into(),
        once: format!("key of {id}"),
        length: 5,
        announced: None,
        expires_at: Timestamp(99),
    }
}

async fn step(registry: &Registry, at: i64, step: SubmissionStep) -> Result<(), RegistryError> {
    let event = Event::SubmissionReceived { submission: "s".into() };
    registry.commit(Commit::at(Timestamp(at)).submission(step).event(event)).await.map(|_| ())
}

fn accept(id: &str, digest: &str) -> SubmissionStep {
    SubmissionStep::Accept { id: id.into(), digest: digest.into(), receipt: "receipt\n".into(), signature: "30".into() }
}

async fn a_submission_lives_its_states_in_order_and_no_step_is_made_twice(place: Place) {
    let registry = place.open().await;
    step(&registry, 1, SubmissionStep::Begin(new("a", "x"))).await.unwrap();
    let early = step(&registry, 2, accept("a", "d")).await.unwrap_err();
    assert!(
        matches!(&early, RegistryError::Submission { found: Some(SubmissionState::Receiving), .. }),
        "what is not complete is never accepted: {early}"
    );
    step(&registry, 3, SubmissionStep::Receive { id: "a".into() }).await.unwrap();
    assert!(step(&registry, 4, SubmissionStep::Receive { id: "a".into() }).await.is_err());
    assert!(
        step(&registry, 4, SubmissionStep::Expire { id: "a".into() }).await.is_err(),
        "what arrived does not expire"
    );
    step(&registry, 5, accept("a", "d")).await.unwrap();
    let refuse = || SubmissionStep::Refuse { id: "a".into(), digest: "d".into(), why: "[]".into() };
    for late in [accept("a", "d"), SubmissionStep::Withdraw { id: "a".into() }, refuse()] {
        assert!(step(&registry, 6, late).await.is_err());
    }
    assert!(matches!(
        step(&registry, 7, SubmissionStep::Withdraw { id: "none".into() }).await,
        Err(RegistryError::Submission { found: None, .. })
    ));
    registry.close().await.unwrap();
    let registry = place.open().await;
    let found = registry.submission("a").await.unwrap().unwrap();
    assert_eq!(found.new, new("a", "x"));
    assert_eq!(
        (found.state, found.begun_at, found.received_at, found.ended_at),
        (SubmissionState::Accepted, Timestamp(1), Some(Timestamp(3)), Some(Timestamp(5)))
    );
    assert_eq!((found.receipt.as_deref(), found.signature.as_deref()), (Some("receipt\n"), Some("30")));
    // Refused steps left no entry behind either.
    assert_eq!(registry.verify_log(None).await.unwrap().seq, 3);
}

async fn a_key_begins_one_submission_and_a_file_is_accepted_once(place: Place) {
    let registry = place.open().await;
    step(&registry, 1, SubmissionStep::Begin(new("a", "x"))).await.unwrap();
    let same_key = NewSubmission { once: "key of a".into(), ..new("b", "x") };
    assert!(step(&registry, 1, SubmissionStep::Begin(same_key.clone())).await.is_err());
    let elsewhere = NewSubmission { institution: "y".into(), ..same_key };
    step(&registry, 1, SubmissionStep::Begin(elsewhere)).await.unwrap();
    assert_eq!(registry.submission_of_key("x", "key of a").await.unwrap().unwrap().new.id, "a");
    assert_eq!(registry.submission_of_key("y", "key of a").await.unwrap().unwrap().new.id, "b");
    step(&registry, 2, SubmissionStep::Begin(new("c", "x"))).await.unwrap();
    assert_eq!(registry.unfinished_submissions("x").await.unwrap(), 2);
    for id in ["a", "c"] {
        step(&registry, 3, SubmissionStep::Receive { id: id.into() }).await.unwrap();
    }
    step(&registry, 4, accept("a", "d")).await.unwrap();
    assert!(step(&registry, 4, accept("c", "d")).await.is_err(), "the same file twice");
    let first = registry.accepted_submission("x", "届出 2026.zip", "d").await.unwrap().unwrap();
    assert_eq!(first.new.id, "a");
    assert!(registry.accepted_submission("y", "届出 2026.zip", "d").await.unwrap().is_none());
    let repeat = SubmissionStep::Repeat { id: "c".into(), digest: "d".into(), same_as: "a".into() };
    step(&registry, 5, repeat).await.unwrap();
    assert_eq!(registry.submission("c").await.unwrap().unwrap().same_as.as_deref(), Some("a"));
    assert_eq!(registry.unfinished_submissions("x").await.unwrap(), 0);
}

async fn submissions_are_found_by_institution_and_state_page_by_page(place: Place) {
    let registry = place.open().await;
    for n in 0..7 {
        let institution = if n % 2 == 0 { "even" } else { "odd" };
        step(&registry, n / 3, SubmissionStep::Begin(new(&format!("s{n}"), institution))).await.unwrap();
    }
    assert_eq!(registry.submissions_waiting().await.unwrap(), None);
    step(&registry, 9, SubmissionStep::Receive { id: "s4".into() }).await.unwrap();
    assert_eq!(registry.submissions_waiting().await.unwrap(), Some((1, Timestamp(9))));
    let ids = |found: Vec<crate::Submission>| found.into_iter().map(|s| s.new.id).collect::<Vec<_>>();
    let all = SubmissionQuery { institution: Some("even".into()), ..SubmissionQuery::default() };
    assert_eq!(ids(registry.submissions(&all).await.unwrap()), ["s0", "s2", "s4", "s6"]);
    let one = SubmissionQuery { state: Some(SubmissionState::Received), ..SubmissionQuery::default() };
    assert_eq!(ids(registry.submissions(&one).await.unwrap()), ["s4"]);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = SubmissionQuery { after, limit: 2, ..SubmissionQuery::default() };
        let page = registry.submissions(&query).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.begun_at, last.new.id.clone()));
        seen.extend(ids(page));
    }
    assert_eq!(seen, ["s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
    assert!(
        registry.submissions(&SubmissionQuery { institution: Some("none".into()), ..all }).await.unwrap().is_empty()
    );
}

async fn operators_find_everybodys_submissions_newest_first(place: Place) {
    let registry = place.open().await;
    for (n, (id, institution)) in [("a", "1"), ("b", "2"), ("c", "1"), ("d", "3"), ("e", "2")].into_iter().enumerate() {
        let at = 10 * (n as i64 + 1);
        step(&registry, at, SubmissionStep::Begin(new(id, institution))).await.unwrap();
        if ["a", "e"].contains(&id) {
            step(&registry, at, SubmissionStep::Receive { id: id.into() }).await.unwrap();
        }
    }
    let found = async |query: SubmissionsOverseen| {
        let all = registry.submissions_overseen(&SubmissionsOverseen { limit: 10, ..query }).await.unwrap();
        all.into_iter().map(|one| one.new.id).collect::<String>()
    };
    let any = SubmissionsOverseen::default;
    let of = |institutions: &[&str]| Some(institutions.iter().map(ToString::to_string).collect());
    assert_eq!(found(any()).await, "edcba");
    assert_eq!(found(SubmissionsOverseen { state: Some(SubmissionState::Received), ..any() }).await, "ea");
    assert_eq!(found(SubmissionsOverseen { institutions: of(&["1", "3"]), ..any() }).await, "dca");
    assert_eq!(found(SubmissionsOverseen { institutions: of(&[]), ..any() }).await, "");
    let both = SubmissionsOverseen { state: Some(SubmissionState::Received), institutions: of(&["1"]), ..any() };
    assert_eq!(found(both).await, "a");
    let period = SubmissionsOverseen { from: Some(Timestamp(20)), until: Some(Timestamp(40)), ..any() };
    assert_eq!(found(period).await, "cb");
    let first = registry.submissions_overseen(&SubmissionsOverseen { limit: 2, ..any() }).await.unwrap();
    assert_eq!(first.iter().map(|one| one.new.id.as_str()).collect::<String>(), "ed");
    // Part by part, also between two that were begun in the same instant.
    let mut parts = String::new();
    let mut after = None;
    loop {
        let part = registry.submissions_overseen(&SubmissionsOverseen { limit: 2, after, ..any() }).await.unwrap();
        parts.extend(part.iter().map(|one| one.new.id.as_str()));
        parts.push(' ');
        after = part.last().map(|last| (last.begun_at, last.new.id.clone()));
        if part.len() < 2 {
            break;
        }
    }
    assert_eq!(parts, "ed cb a ");
}
