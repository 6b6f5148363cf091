//! The service certificate on the terminal, and the first report file (R10, R12).

use story::{Account, StageError};

use super::{Given, that};
use crate::{House, Person};

const FILE: &str = "todoke-2026-11.csv";

/// A code from the page, the certificate by `sekisho card enroll`.
pub(super) fn certificate(
    house: &House,
    p: &mut Person,
    account: &mut Account,
    given: &Given,
) -> Result<(), StageError> {
    account.chapter("journey-certificate");
    p.go(&format!("{}/menu", house.inside()))?;
    p.send("#certificate")?;
    p.look("29-certificate", account)?;
    p.send("#code")?;
    let code = p.read("#enrolment-code")?;
    p.look("30-certificate-code", account)?;
    let mut none = house.member()?;
    none.go(&house.service())?;
    let told = none.text()?.contains("S001");
    account.check("journey-no-certificate", &[], that(told, || "no S001".into()));
    none.look("30-no-certificate", account)?;
    drop(none);
    house.enroll(&given.user, &code)?;
    // The key that used it may ask again, if its answer was lost; another one may not.
    let again = house.enroll_again(&given.user, &code).is_err();
    account.check("journey-code-once", &[], that(again, || "the code works twice".into()));
    Ok(())
}

/// A file, until its receipt is there.
pub(super) fn first(house: &mut House, account: &mut Account) -> Result<(), StageError> {
    account.chapter("journey-report");
    let mut p = house.member()?;
    p.go(&house.service())?;
    p.reaches("page-files-title")?;
    p.look("33-service", account)?;
    let file = house.file(FILE, "番号,診断日\n1,2026-11-01\n".as_bytes())?;
    p.upload("#file", &file)?;
    p.send("#send")?;
    p.until("!!document.querySelector('a[href$=\"/receipt.txt\"]')", "the receipt")?;
    p.look("34-accepted", account)?;
    let address = p.eval("document.querySelector('a[href$=\"/receipt.txt\"]').href")?;
    let receipt = p.fetch(address.as_str().unwrap_or_default())?;
    let says = receipt.contains(FILE) && receipt.contains("accepted");
    account.check("journey-receipt", &[], that(says, || receipt.clone()));
    Ok(())
}

/// What operators see of it, and of who is in the client VPN.
pub(super) fn overseen(house: &mut House, account: &mut Account) -> Result<(), StageError> {
    let mut p = house.operator("ito")?;
    p.go(&format!("{}/submissions", house.review()))?;
    p.reaches("page-overseen-title")?;
    p.look("35-overseen", account)?;
    let address = p.eval("document.querySelector('a[href$=\"/receipt.txt\"]')?.href")?;
    let receipt = p.fetch(address.as_str().unwrap_or_default())?;
    let told = p.text()?.contains(FILE) && receipt.contains(FILE);
    account.check("journey-overseen", &[], that(told, || receipt.clone()));
    p.go(&format!("{}/vpn", house.review()))?;
    p.reaches("page-lines-title")?;
    p.look("36-vpn-lines", account)
}
