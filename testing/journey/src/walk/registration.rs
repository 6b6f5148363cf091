//! A site from its model, by pages: its id, the operator's word, the gate's one-time token, a terminal, its signing code
//! (G9, G12).

use story::{Account, StageError};

use super::that;
use crate::{House, Person};

/// What is typed of the new site.
const SITE: [(&str, &str); 8] = [
    ("site", "keyaki-main"),
    ("name-ja", "ケヤキ病院"),
    ("name-en", "Keyaki Hospital"),
    ("address", "192.0.2.77"),
    ("dpid", "0000000000000077"),
    ("uplink", "1"),
    ("mac", "02:00:00:77:00:01"),
    ("secure", "10.77.20.0/24"),
];
const TERMINAL: [(&str, &str); 4] =
    [("host", "exam-1"), ("address", "10.77.20.11"), ("mac", "02:00:00:77:20:11"), ("port", "3")];

/// From an id for the institution to a terminal whose certificate can be fetched.
pub(super) fn site(house: &mut House, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    account.chapter("journey-registration");
    let sites = format!("{}/sites", house.inside());
    p.go(&sites)?;
    p.press("details:has([name=network-name]) summary")?;
    p.look("40-sites", account)?;
    p.fill("network-name", "keyaki")?;
    p.fill("name-en", "Keyaki Hospital")?;
    p.send("#do-name")?;
    propose(&sites, p, account)?;
    taken_in(house, account)?;
    p.go(&sites)?;
    p.send("#site-keyaki-main")?;
    p.reaches("page-site-title")?;
    p.look("44-site", account)?;
    p.send("#gate-token")?;
    let command = p.read("#command")?;
    p.look("45-gate-token", account)?;
    let given = command.split_whitespace().last().unwrap_or_default().to_owned();
    let enrolled = house.enroll_gate(&given);
    account.check("journey-gate", &[], enrolled.map_err(|e| e.to_string()));
    p.go(&format!("{sites}/at/keyaki-main"))?;
    let forgotten = !p.text()?.contains(&given);
    account.check("journey-token-once", &[], that(forgotten, || "the token can be seen again".into()));
    let done = p.has("[data-step=enroll][data-done=true]")?;
    account.check("journey-gate-seen", &[], that(done, || "the page does not know the gate".into()));
    terminal(p, account)?;
    checksheet(&sites, p, account)?;
    p.go(&format!("{}/agreements", house.inside()))?;
    p.look("48-agreements", account)?;
    p.send("#signing-code")?;
    let code = p.read("#code")?;
    account.check("journey-signing-code", &[], that(!code.is_empty(), || "no code".into()));
    p.look("49-signing-code", account)
}

/// A form that is refused at its field, and then waits for the operator.
fn propose(sites: &str, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    p.go(&format!("{sites}/new"))?;
    p.look("41-site-new", account)?;
    for (field, value) in SITE {
        p.fill(field, value)?;
    }
    p.choose("model", "small")?;
    p.choose("line", "internet")?;
    p.fill("mac", "02-00")?;
    p.send("#propose")?;
    let kept = p.has("#mac-fault")? && p.eval("document.getElementById('site').value")? == "keyaki-main";
    account.check("journey-site-refused", &[], that(kept, || "no fault, or what was typed is gone".into()));
    p.look("42-site-refused", account)?;
    p.fill("mac", "02:00:00:77:00:01")?;
    p.send("#propose")?;
    p.reaches("page-sites-title")?;
    let waits = p.has("[id^=draft-]")?;
    account.check("journey-site-waits", &[], that(waits, || "no proposal".into()));
    Ok(())
}

fn taken_in(house: &mut House, account: &mut Account) -> Result<(), StageError> {
    let mut p = house.operator("ito")?;
    p.go(&format!("{}/sites", house.review()))?;
    p.press("details.sure summary")?;
    p.look("43-review-sites", account)?;
    p.send("form[action$='/register'] button")?;
    let there = p.has("#site-keyaki-main")?;
    account.check("journey-site-registered", &[], that(there, || "no such site".into()));
    p.send("#site-keyaki-main")?;
    p.look("43-review-site", account)
}

fn terminal(p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    p.press("#add-host summary")?;
    for (field, value) in TERMINAL {
        p.fill(&format!("new-host-{field}"), value)?;
    }
    p.choose("new-host-segment", "secure")?;
    p.tick("#add-host [name=terminal]")?;
    p.fill("new-host-address", "10.88.20.11")?;
    p.send("#add-host button")?;
    let refused = p.has(".refusal")? && p.eval("document.getElementById('new-host-host').value")? == "exam-1";
    account.check("journey-host-refused", &[], that(refused, || "an address outside of its segment is taken".into()));
    p.look("46-host-refused", account)?;
    p.fill("new-host-address", "10.77.20.11")?;
    p.send("#add-host button")?;
    let there = p.has("[data-host=exam-1]")?;
    account.check("journey-host", &[], that(there, || "no such host".into()));
    p.send("form[action$='/hosts/exam-1/code'] button")?;
    let token = p.read("#token")?;
    account.check("journey-device-code", &[], that(token.starts_with("sekisho-once-"), || "no token".into()));
    p.look("47-device-code", account)
}

/// What a person of a small institution is asked (guideline 6.1 (2)).
const ASKED: [&str; 9] = ["3-1-1", "3-1-2", "3-3-3", "3-4-1", "3-4-2", "3-5-2", "3-6-1", "4-1-2", "4-3-1"];

/// The checksheet: what the machine knows stands there, the rest is answered, a reason that is missing is told (G11).
fn checksheet(sites: &str, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    p.go(&format!("{sites}/at/keyaki-main"))?;
    p.send("#checksheet")?;
    p.reaches("page-checksheet-title")?;
    let knows = p.has("[data-item='2-2-5'][data-standing=met]")? && p.has("[data-checksheet=open]")?;
    account.check("journey-checksheet-machine", &[], that(knows, || "the machine answers nothing".into()));
    p.look("47-checksheet", account)?;
    for item in ASKED {
        p.tick(&format!("#answer-{item}-yes"))?;
        p.fill(&format!("evidence-{item}"), "Network plan of 2026")?;
    }
    p.tick("#answer-4-3-1-does-not-apply")?;
    p.fill("evidence-4-3-1", "")?;
    p.send("#save")?;
    let told = p.has("#fault-4-3-1")? && p.eval("document.getElementById('answer-3-1-1-yes').checked")? == true;
    account.check("journey-checksheet-refused", &[], that(told, || "no fault, or the answers are gone".into()));
    p.look("47-checksheet-refused", account)?;
    p.fill("evidence-4-3-1", "Nothing is maintained from outside")?;
    p.send("#save")?;
    let passes = p.has("[data-checksheet=passes]")?;
    account.check("journey-checksheet-passes", &[], that(passes, || "it does not pass".into()));
    p.look("47-checksheet-passes", account)?;
    p.tick("#answer-3-1-1-no")?;
    p.send("#save")?;
    let asked = p.has("#end")?
        && p.has("#would-end a[href='#item-3-1-1']")?
        && p.text()?.contains("J114")
        && p.has("[data-checksheet=passes]")?;
    account.check("journey-checksheet-asks", &[], that(asked, || "saved, or refused without a way on".into()));
    p.look("47-checksheet-asks", account)?;
    p.go(&format!("{sites}/at/keyaki-main/checksheet"))?;
    p.send("#print")?;
    let whole = p.has("tr[data-item='4-3-1']")? && p.text()?.contains("Nothing is maintained from outside");
    account.check("journey-checksheet-print", &[], that(whole, || "an answer is missing on paper".into()));
    p.look("47-checksheet-print", account)
}
