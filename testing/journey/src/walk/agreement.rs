//! An agreement of two institutions, by pages alone and the tools that the pages name: one proposes, both sign, each with
//! a key of its own (G12). The other institution comes into the network by a file, tried first (N10).

use serde_json::json;
use story::{Account, StageError};

use super::that;
use crate::{House, Person, partner};

const NUMBER: &str = "A-0001";

/// From a file on an operator's table to an agreement in force.
pub(super) fn both(house: &mut House, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    brought(house, account)?;
    account.chapter("journey-agreement");
    let mut other = house.member()?;
    other.go(&house.inside())?;
    other.fill("user", house.partner())?;
    other.fill("password", partner::PASSWORD)?;
    other.send("#login")?;
    other.reaches("page-notices-title")?;
    keyed(house, p, "keyaki")?;
    keyed(house, &mut other, "aoba")?;

    // One proposes, and signs with the command of the page.
    p.go(&format!("{}/agreements", house.inside()))?;
    for (field, value) in [
        ("agreement", NUMBER),
        ("service", "aoba/records"),
        ("valid-from", "2020-01-01"),
        ("valid-until", "2040-01-01"),
    ] {
        p.fill(field, value)?;
    }
    p.send("#propose")?;
    p.reaches("page-agreement-title")?;
    let sheets = p.has("[data-side=consumer][data-passes=true]")? && p.has("[data-side=provider][data-passes=true]")?;
    account.check("journey-agreement-sheets", &[], that(sheets, || "no word of the checksheets".into()));
    p.look("62-agreement", account)?;
    let command = p.read(".way pre.command")?;
    let document = p.fetch(&format!("/agreements/{NUMBER}/document"))?;
    let signed = house.sign("keyaki", &format!("{NUMBER}.toml"), &document, &command)?;
    p.fill("signed", &signed)?;
    p.send("#sign")?;
    let half = p.has("[data-signed='1']")?;
    account.check("journey-agreement-half", &[], that(half, || "the first signature does not count".into()));
    p.look("63-agreement-half", account)?;

    // The other finds it, and signs the bytes with a tool that knows nothing of us; other bytes first.
    other.go(&format!("{}/agreements", house.inside()))?;
    other.look("64-agreements-of-the-other", account)?;
    other.send(&format!("a[href='/agreements/{NUMBER}']"))?;
    let certificate = house.certificate_of("aoba")?;
    let bytes = format!(
        "fetch('/agreements/{NUMBER}/bytes').then(r => r.arrayBuffer()).then(b => btoa(String.fromCharCode(...new Uint8Array(b))))"
    );
    let bytes = other.eval(&bytes)?.as_str().unwrap_or_default().to_owned();
    let wrong = house.sign_bytes("aoba", &bytes[4..])?;
    other.fill("certificate", &certificate)?;
    other.fill("value", &wrong)?;
    other.send("#sign")?;
    let refused = other.has(".refusal")? && other.has("[data-signed='1']")?;
    account.check("journey-agreement-refused", &[], that(refused, || "a signature under other bytes is taken".into()));
    other.look("65-agreement-refused", account)?;
    let value = house.sign_bytes("aoba", &bytes)?;
    other.fill("certificate", &certificate)?;
    other.fill("value", &value)?;
    other.tab_to("#sign", 5)?;
    other.leave("Enter")?;
    let both = other.has("[data-signed='2']")?;
    account.check("journey-agreement-both", &[], that(both, || "the second signature does not count".into()));
    other.look("66-agreement-in-force", account)?;
    p.go(&format!("{}/agreements/{NUMBER}", house.inside()))?;
    account.check("journey-agreement-in-force", &[], p.says("page-agreement-complete")?);
    p.look("67-agreement-in-force", account)
}

/// A certificate for the institution's signing key, with the token and the command of the page.
fn keyed(house: &House, p: &mut Person, who: &str) -> Result<(), StageError> {
    p.go(&format!("{}/agreements", house.inside()))?;
    p.send("#signing-code")?;
    let (command, token) = (p.read("#command")?, p.read("#token")?);
    house.told(who, &command, Some(&token)).map(drop)
}

/// An operator brings the other institution: a file that does not fit, then one that does, shown and confirmed.
fn brought(house: &mut House, account: &mut Account) -> Result<(), StageError> {
    account.chapter("journey-transfer");
    let mut p = house.operator("ito")?;
    let page = format!("{}/configuration", house.review());
    p.go(&page)?;
    p.look("60-configuration", account)?;
    let export = p.fetch("/review/configuration/export")?;
    let whole = export.contains("\"sekisho_export\"") && export.contains("keyaki-main");
    account.check("journey-transfer-export", &[], that(whole, || export.clone()));
    // As pasted, its prefix is somebody else's.
    p.fill("text", &partner::DOCUMENT.replace("10.78.10.", "10.77.20."))?;
    p.send("#try")?;
    let told = p.has(".refusal")? && p.eval("document.getElementById('text').value.includes('10.77.20.')")? == true;
    account.check(
        "journey-transfer-refused",
        &[],
        that(told, || "an overlap is not told, or what was pasted is gone".into()),
    );
    p.look("60-configuration-refused", account)?;
    let file = house.file("aoba.toml", partner::DOCUMENT.as_bytes())?;
    p.go(&page)?;
    p.upload("#file", &file)?;
    p.tab_to("#try", 20)?;
    p.leave("Enter")?;
    let shown = p.eval("document.querySelectorAll('[data-change=added]').length")?;
    account.check("journey-transfer-trial", &[], that(shown == json!(4), || shown.to_string()));
    p.look("61-configuration-trial", account)?;
    p.send("#take")?;
    let taken = p.has("#taken")?;
    account.check("journey-transfer-taken", &[], that(taken, || "it was not taken in".into()));
    p.look("61-configuration-taken", account)?;
    // A value that differs is shown with what it was.
    p.go(&page)?;
    p.fill("text", &partner::DOCUMENT.replace("10.78.10.10", "10.78.10.20"))?;
    p.send("#try")?;
    let differs = p.has("[data-change=changed] del")?;
    account.check("journey-transfer-differs", &[], that(differs, || "no value is shown".into()));
    p.look("61-configuration-differs", account)?;
    p.go(&format!("{}/sites", house.review()))?;
    p.press("details:has([name=network-name]) summary")?;
    p.fill("institution", &partner::NUMBER.to_string())?;
    p.fill("network-name", "aoba")?;
    p.fill("name-en", "Aoba Clinic")?;
    p.send("#do-name")?;
    p.reaches("page-sites-title")
}
