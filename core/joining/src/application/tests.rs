use super::*;
use crate::{FullForm, MailAddress};
use proptest::prelude::*;

fn full(institution: &str) -> FullApplication {
    FullForm {
        prefecture: "13".into(),
        institution: institution.into(),
        not_listed: if institution.is_empty() { "新設医院".into() } else { String::new() },
        head: "医療 太郎".into(),
        head_kana: "イリョウ タロウ".into(),
        applicant: "医療 一郎".into(),
        applicant_kana: "イリョウ イチロウ".into(),
        department: "なし".into(),
        post: "なし".into(),
        phone: "03-1234-5678".into(),
        extension: "1".into(),
        consent: true,
    }
    .check()
    .unwrap()
}

fn begun() -> Application {
    Application::begin(MailAddress::parse("a@clinic.example").unwrap(), Lang::Ja, Timestamp(0))
}

fn call(outcome: CallOutcome) -> Call {
    Call { by: "op-1".into(), at: Timestamp(2), phone: "0312345678".into(), outcome, note: String::new() }
}

fn user() -> UserId {
    UserId::new(12_345_678).unwrap()
}

#[test]
fn the_way_through_r3_r4() {
    let mut one = begun();
    assert_eq!(one.record(call(CallOutcome::Confirmed)), Err(StepFault::WrongStand));
    one.submit(full("7"), Timestamp(1)).unwrap();
    assert_eq!(one.submit(full("7"), Timestamp(1)), Err(StepFault::WrongStand), "a link works once");
    assert_eq!(one.lapse(), Err(StepFault::WrongStand));
    assert_eq!(one.approve("op-1", false, user(), Timestamp(2)), Err(StepFault::NotConfirmed));
    one.record(call(CallOutcome::NotReached)).unwrap();
    assert_eq!(one.approve("op-1", false, user(), Timestamp(2)), Err(StepFault::NotConfirmed));
    one.record(call(CallOutcome::Confirmed)).unwrap();
    assert_eq!(one.approve("op-1", false, user(), Timestamp(3)), Ok(Decision::Approved));
    assert_eq!(one.reject("op-1", "late".into(), Timestamp(4)), Err(StepFault::WrongStand));
}

#[test]
fn a_denial_undoes_a_confirmation_r4() {
    let mut one = begun();
    one.submit(full("7"), Timestamp(1)).unwrap();
    one.record(call(CallOutcome::Confirmed)).unwrap();
    one.record(call(CallOutcome::Denied)).unwrap();
    one.record(call(CallOutcome::NotReached)).unwrap();
    assert_eq!(one.approve("op-1", false, user(), Timestamp(2)), Err(StepFault::NotConfirmed));
    one.reject("op-1", "the institution knows nothing of it".into(), Timestamp(3)).unwrap();
}

#[test]
fn four_eyes_are_two_persons_r4() {
    let mut one = begun();
    one.submit(full("7"), Timestamp(1)).unwrap();
    one.record(call(CallOutcome::Confirmed)).unwrap();
    assert_eq!(one.approve("op-1", true, user(), Timestamp(2)), Ok(Decision::AwaitsSecond));
    assert_eq!(one.approve("op-1", true, user(), Timestamp(3)), Err(StepFault::SamePerson));
    assert_eq!(
        one.approve("op-1", false, user(), Timestamp(3)),
        Err(StepFault::SamePerson),
        "though the rule was lifted"
    );
    assert_eq!(one.approve("op-2", true, user(), Timestamp(3)), Ok(Decision::Approved));
}

#[test]
fn an_institution_that_is_not_listed_is_settled_before_approval_r3() {
    let mut one = begun();
    one.submit(full(""), Timestamp(1)).unwrap();
    one.record(call(CallOutcome::Confirmed)).unwrap();
    assert_eq!(one.approve("op-1", false, user(), Timestamp(2)), Err(StepFault::NotListed));
    one.settle_institution(InstitutionId(9)).unwrap();
    assert_eq!(one.approve("op-1", false, user(), Timestamp(2)), Ok(Decision::Approved));
}

#[test]
fn due_in_ten_days_alarm_after_two_weeks_r4() {
    let due = Due::of(Timestamp(0));
    assert_eq!(due.urgency(Timestamp(10 * DAY)), Urgency::InTime);
    assert_eq!(due.urgency(Timestamp(10 * DAY + 1)), Urgency::Overdue);
    assert_eq!(due.urgency(Timestamp(14 * DAY)), Urgency::Overdue);
    assert_eq!(due.urgency(Timestamp(14 * DAY + 1)), Urgency::Alarm);
}

proptest! {
    /// Whatever is tried in whatever order: nothing is approved without a confirmation, or by one pair of eyes where
    /// two are asked; and what is over stays over.
    #[test]
    fn no_order_of_steps_goes_around_the_rules(steps in proptest::collection::vec((0u8..7, 0u8..3), 0..30)) {
        let mut one = begun();
        let mut ended: Option<Stand> = None;
        let mut first: Option<String> = None;
        for (step, who) in steps {
            let by = format!("op-{who}");
            let before = one.clone();
            let done = match step {
                0 => one.submit(full("7"), Timestamp(1)).is_ok(),
                1 => one.record(call(CallOutcome::Confirmed)).is_ok(),
                2 => one.record(call(CallOutcome::Denied)).is_ok(),
                3 => one.approve(&by, true, user(), Timestamp(2)).is_ok(),
                4 => one.reject(&by, "no".into(), Timestamp(2)).is_ok(),
                5 => one.lapse().is_ok(),
                _ => one.settle_institution(InstitutionId(7)).is_ok(),
            };
            if !done {
                prop_assert_eq!(&one, &before, "a step refused changes nothing");
            }
            if let Some(ended) = &ended {
                prop_assert_eq!(ended, &one.stand);
            }
            match &one.stand {
                Stand::AwaitsSecond { by, .. } => first = Some(by.clone()),
                Stand::Approved { by, .. } if ended.is_none() => {
                    prop_assert!(before.confirmed());
                    prop_assert_ne!(Some(by), first.as_ref());
                }
                _ => {}
            }
            if matches!(one.stand, Stand::Approved { .. } | Stand::Rejected { .. } | Stand::Lapsed) {
                ended = Some(one.stand.clone());
            }
        }
    }
}
