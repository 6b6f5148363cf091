//! The registration centre's pages: a device comes in on its maker's word, fetches its first-tier certificate, is answered
//! for, stands at a site, and is revoked (G1).

use story::{Account, StageError};

use super::that;
use crate::House;

pub(super) fn device(house: &mut House, account: &mut Account) -> Result<(), StageError> {
    account.chapter("journey-equipment");
    let statement = house.described()?;
    let mut p = house.operator("ito")?;
    let here = format!("{}/equipment", house.review());
    p.go(&here)?;
    p.reaches("page-equipment-title")?;
    p.look("70-equipment-none", account)?;
    p.fill("statement", &statement.replace("GE-01", "GE-02"))?;
    p.send("#take")?;
    let typed = p.eval("document.getElementById('statement').value.includes('GE-02')")? == true;
    let told = typed && p.text()?.contains("Q003") && p.has("#none")?;
    account.check("journey-equipment-forged", &[], that(told, || "taken in, or the text is gone".into()));
    p.look("71-equipment-refused", account)?;
    p.fill("statement", &statement)?;
    p.send("#take")?;
    let token = p.read("#token")?;
    p.look("72-equipment-token", account)?;
    let fetched = house.enroll_gate(&token);
    account.check("journey-equipment-first-tier", &[], fetched.map_err(|e| e.to_string()));
    p.send("#to-device")?;
    let proved = p.has("#row-11 .tag.good")? && p.has("#row-8 .tag.warn")? && !p.has("#answer-12")?;
    account.check("journey-equipment-rows", &[], that(proved, || "the rows stand otherwise".into()));
    p.look("73-equipment-device", account)?;
    p.fill("evidence-8", "Repair contract 12")?;
    p.send("#answer-8")?;
    let told = p.has("#row-8 .tag.good")? && p.text()?.contains("Repair contract 12");
    account.check("journey-equipment-answered", &[], that(told, || "the answer does not stand there".into()));
    p.fill("site", "keyaki-main")?;
    p.send("#place-do")?;
    p.press("details.sure summary")?;
    p.look("74-equipment-revoke", account)?;
    p.send("#revoke-do")?;
    let ended = !p.has("#revoke-do")? && !p.has("#answer-8")?;
    account.check("journey-equipment-revoked", &[], that(ended, || "it can still be changed".into()));
    p.go(&here)?;
    let listed = p.text()?.contains("keyaki-main") && p.has("table .tag.bad")?;
    account.check("journey-equipment-listed", &[], that(listed, || "the list does not know it".into()));
    p.look("75-equipment-list", account)
}
