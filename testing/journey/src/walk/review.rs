//! The operator's side: an application (R4, R5), an application for a service (R9).

use joining::LetterKind;
use story::{Account, StageError};

use super::{Given, MAIL, that};
use crate::House;

/// Looked at by an auditor, called, approved: what is told by telephone.
pub(super) fn application(house: &mut House, account: &mut Account) -> Result<Given, StageError> {
    account.chapter("journey-review");
    let mut auditor = house.operator("kansa")?;
    auditor.go(&house.review())?;
    auditor.send("[id^=application-]")?;
    let quiet = !auditor.has("form[action$='/call']")? && !auditor.has("#reject")?;
    account.check("journey-auditor", &[], that(quiet, || "an auditor is offered to decide".into()));
    drop(auditor);
    let mut p = house.operator("ito")?;
    p.go(&house.review())?;
    p.reaches("page-review-title")?;
    p.look("11-review", account)?;
    p.send("[id^=application-]")?;
    p.reaches("page-review-one-title")?;
    let early = p.has("#approve")?;
    account.check("journey-no-approval-before-call", &[], that(!early, || "approval is offered already".into()));
    p.fill("phone", "1")?;
    p.tick("#call-confirmed")?;
    p.fill("note", "事務長に確認")?;
    p.send("#call")?;
    let kept = p.eval("document.getElementById('note').value + document.getElementById('call-confirmed').checked")?;
    account.check("journey-call-kept", &[], that(kept == "事務長に確認true", || kept.to_string()));
    p.look("12-review-refused", account)?;
    p.fill("phone", "03-1234-5678")?;
    p.send("#call")?;
    p.until("!!document.querySelector('#approve')", "the approval")?;
    p.look("13-review-one", account)?;
    p.send("#approve")?;
    p.reaches("page-review-approved-title")?;
    p.look("14-approved", account)?;
    let given = Given { initial: p.read("#initial")?, user: p.read("#user")?, ..Given::default() };
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|o| o.is_ascii_digit());
    let shown = digits(&given.initial, 6) && digits(&given.user, 8);
    account.check("journey-approved", &[], that(shown, || format!("user ID {}", given.user)));
    p.go(&house.review())?;
    p.send("#decided + .scroll [id^=application-]")?;
    let gone = !p.text()?.contains(&given.initial);
    account.check("journey-initial-once", &[], that(gone, || "the initial password can be seen again".into()));
    let letter = house.letter(LetterKind::ApplicationApproved, MAIL)?;
    let told = letter.text().contains(&given.user) && !letter.text().contains(&given.initial);
    account.check("journey-never-mailed", &[], that(told, || "the letter tells too much or too little".into()));
    Ok(given)
}

/// Approves the one application for a service.
pub(super) fn service(house: &mut House, account: &mut Account) -> Result<(), StageError> {
    let mut p = house.operator("ito")?;
    p.go(&house.review())?;
    p.look("27-review-services", account)?;
    Ok(p.send("[id^=approve-service-]")?)
}
