//! Behind the client VPN: log-in, notices, menu, staff, application for a service, log-out (R8, R9, R11).

use joining::LetterKind;
use story::{Account, StageError};

use super::{Given, MAIL, PASSWORD, review, that};
use crate::{House, Person};

const COLLEAGUE: &str = "hanako@keyaki.example";

/// Log-in, notices, menu.
pub(super) fn log_in(house: &House, p: &mut Person, account: &mut Account, given: &Given) -> Result<(), StageError> {
    account.chapter("journey-inside");
    p.go(&house.inside())?;
    p.reaches("page-login-title")?;
    p.look("20-login", account)?;
    p.fill("user", &given.user)?;
    p.fill("password", PASSWORD)?;
    p.send("#login")?;
    p.reaches("page-notices-title")?;
    p.look("21-notices", account)?;
    p.send("nav a[href='/menu']")?;
    let menu = p.has("#services")? && p.has("#staff")?;
    account.check("journey-menu", &[], that(menu, || "no menu".into()));
    p.look("22-menu", account)
}

/// A colleague is added, and removed after one more question.
pub(super) fn staff(house: &mut House, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    p.send("#staff")?;
    p.fill("name", "看護 花子")?;
    p.fill("name-kana", "カンゴ　ハナコ")?;
    p.fill("mail", COLLEAGUE)?;
    p.send("#add")?;
    let initial = p.read("#initial")?;
    account.check("journey-staff", &[], that(initial.len() == 6, || initial.clone()));
    p.look("23-staff", account)?;
    house.letter(LetterKind::StaffAdded, COLLEAGUE)?;
    let hidden = "document.querySelector('form[action$=\"/remove\"]').checkVisibility() === false";
    let asks = p.eval(hidden)?;
    p.press(".sure summary")?;
    account.check("journey-sure", &[], that(asks == true, || "one press removes a person".into()));
    p.look("23-staff-sure", account)?;
    p.send("form[action$='/remove'] button")?;
    let gone = !p.text()?.contains(COLLEAGUE);
    account.check("journey-removed", &[], that(gone, || "still there".into()));
    Ok(())
}

/// Application, approval.
pub(super) fn service(house: &mut House, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    account.chapter("journey-service");
    p.go(&format!("{}/services", house.inside()))?;
    p.look("24-services", account)?;
    p.send("#confirm")?;
    account.check("journey-none-chosen", &[], p.says("joining-fault-empty")?);
    p.tick("#choose-cancer-registry")?;
    p.send("#confirm")?;
    p.reaches("page-apply-confirm-title")?;
    p.look("25-service-confirm", account)?;
    p.send("#send")?;
    let sent = p.words("page-apply-sent-title");
    p.sees(&sent)?;
    p.look("26-service-sent", account)?;
    house.letter(LetterKind::ServiceReceived, MAIL)?;
    review::service(house, account)?;
    house.letter(LetterKind::ServiceApproved, MAIL)?;
    p.go(&format!("{}/menu", house.inside()))?;
    let open = p.has("#service-cancer-registry")?;
    account.check("journey-service-open", &[], that(open, || "the menu does not lead to the service".into()));
    p.look("28-menu-with-service", account)
}

/// The end of a day's work.
pub(super) fn log_out(house: &House, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    p.go(&format!("{}/password", house.inside()))?;
    p.look("31-password", account)?;
    p.send("#logout")?;
    p.reaches("page-logged-out-title")?;
    p.look("32-logged-out", account)?;
    p.go(&format!("{}/menu", house.inside()))?;
    let out = p.url()?;
    account.check("journey-logged-out", &[], that(out.ends_with("/login"), || out.clone()));
    Ok(())
}
