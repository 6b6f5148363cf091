//! The operator's side: due dates, four eyes, two operators at once.

use joining::{CallOutcome, FullForm, InstitutionId, Urgency};

use super::{Desk, Place, both, settings};
use crate::{Approved, Operator, Refused};

both! { two_operators_never_both_decide_r4 four_eyes_are_two_persons_r4 }

async fn two_operators_never_both_decide_r4(place: Place) {
    let desk = Desk::open(place).await;
    let number = desk.applied("a@clinic.example", 1).await;
    let page = desk.joining.review(&desk.operator, number).await.unwrap();
    let call = desk.call(CallOutcome::Confirmed);
    let page = desk.joining.record_call(&desk.operator, number, page.version, &call).await.unwrap();
    let mut tasks = Vec::new();
    for i in 0..6 {
        let (joining, version) = (desk.joining.clone(), page.version);
        tasks.push(tokio::spawn(async move {
            let operator = Operator::new(&format!("op-{i}"));
            if i % 2 == 0 {
                joining.approve(&operator, number, version).await.map(|_| ())
            } else {
                joining.reject(&operator, number, version, "no").await.map(|_| ())
            }
        }));
    }
    let mut decided = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => decided += 1,
            Err(Refused::Changed) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(decided, 1);
    let letters = desk.post().await;
    assert_eq!(letters.len(), 1 + 1, "the receipt, and one decision");
    assert!(matches!(desk.joining.review(&Operator::new("x"), 7).await, Err(Refused::NoSuch)));
}

async fn four_eyes_are_two_persons_r4(place: Place) {
    let mut strict = settings();
    strict.four_eyes = true;
    let desk = Desk::with(place, strict).await;
    let number = desk.applied("a@clinic.example", 1).await;
    let page = desk.joining.review(&desk.operator, number).await.unwrap();
    assert!(!page.last_approval);
    let call = desk.call(CallOutcome::Confirmed);
    let page = desk.joining.record_call(&desk.operator, number, page.version, &call).await.unwrap();
    let first = desk.joining.approve(&desk.operator, number, page.version).await.unwrap();
    assert_eq!(first, Approved::AwaitsSecond);
    let page = desk.joining.review(&desk.operator, number).await.unwrap();
    assert!(page.last_approval);
    assert!(matches!(desk.joining.approve(&desk.operator, number, page.version).await, Err(Refused::SamePerson)));
    let second = desk.joining.approve(&Operator::new("op-2"), number, page.version).await.unwrap();
    assert!(matches!(second, Approved::Done { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_list_is_by_due_date_and_alarms_after_two_weeks_r4() {
    let desk = Desk::open(Place::sqlite()).await;
    let old = desk.applied("old@clinic.example", 1).await;
    desk.still.days(5);
    let mid = desk.applied("mid@clinic.example", 2).await;
    desk.still.days(10);
    let new = desk.applied("new@clinic.example", 3).await;
    let list = desk.joining.review_list(&desk.operator).await.unwrap();
    let lines: Vec<_> = list.open.iter().map(|i| (i.number, i.urgency)).collect();
    assert_eq!(lines, [(old, Urgency::Alarm), (mid, Urgency::InTime), (new, Urgency::InTime)]);
    assert_eq!(list.alarms, 1);
    desk.still.pass(1);
    let list = desk.joining.review_list(&desk.operator).await.unwrap();
    assert_eq!(list.open[1].urgency, Urgency::Overdue);
    desk.approved(old).await;
    let list = desk.joining.review_list(&Operator::auditor("aud")).await.unwrap();
    assert_eq!((list.open.len(), list.decided.len(), list.alarms), (2, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institution_that_is_not_listed_is_settled_by_the_operator_r3() {
    let desk = Desk::open(Place::sqlite()).await;
    let token = desk.token("new@clinic.example").await;
    let form = FullForm { institution: String::new(), not_listed: "新設医院".into(), ..desk.form(1).await };
    let number = desk.joining.submit_full(&token, &form).await.unwrap().number;
    let page = desk.joining.review(&desk.operator, number).await.unwrap();
    assert_eq!((page.item.institution.as_str(), page.listed.is_none()), ("新設医院", true));
    let call = desk.call(CallOutcome::Confirmed);
    let page = desk.joining.record_call(&desk.operator, number, page.version, &call).await.unwrap();
    assert!(matches!(desk.joining.approve(&desk.operator, number, page.version).await, Err(Refused::NotListed)));
    let settle =
        async |id| desk.joining.settle_institution(&desk.operator, number, page.version, InstitutionId(id)).await;
    assert!(matches!(settle(9_999).await, Err(Refused::Fields(_))));
    let page = settle(5).await.unwrap();
    assert!(matches!(desk.joining.approve(&desk.operator, number, page.version).await.unwrap(), Approved::Done { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_and_changes_nothing() {
    let desk = Desk::open(Place::sqlite()).await;
    let number = desk.applied("a@clinic.example", 1).await;
    let auditor = Operator::auditor("aud");
    let page = desk.joining.review(&auditor, number).await.unwrap();
    let call = desk.call(CallOutcome::Confirmed);
    let may_not = |refused: Result<(), Refused>| assert!(matches!(refused, Err(Refused::MayNot)), "{refused:?}");
    may_not(desk.joining.record_call(&auditor, number, page.version, &call).await.map(|_| ()));
    may_not(desk.joining.approve(&auditor, number, page.version).await.map(|_| ()));
    may_not(desk.joining.reject(&auditor, number, page.version, "no").await.map(|_| ()));
    may_not(desk.joining.put_institutions(&auditor, Vec::new()).await);
    let manager = desk.manager("b@clinic.example", 2).await;
    may_not(desk.joining.reset_account(&auditor, manager.user, true).await.map(|_| ()));
    may_not(desk.joining.suspend_account(&auditor, manager.user, true).await.map(|_| ()));
    assert_eq!(desk.joining.accounts(&auditor, None).await.unwrap().len(), 1);
}
