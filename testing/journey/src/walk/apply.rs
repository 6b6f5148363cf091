//! 利用仮申請 and 利用本申請 (R2, R3).

use joining::LetterKind;
use serde_json::Value;
use story::{Account, StageError};

use super::{MAIL, that};
use crate::{House, Person};

/// What `sekisho preflight --only-facts` prints on an old terminal.
const FACTS: &str = include_str!("../../../../core/preflight/tests/machines/windows-7-with-much.json");

/// From the first page to the one-time URL.
pub(super) fn provisional(house: &mut House, p: &mut Person, account: &mut Account) -> Result<String, StageError> {
    account.chapter("journey-provisional");
    p.go(&house.public())?;
    p.reaches("page-start-title")?;
    p.look("01-start", account)?;
    p.send("#preflight")?;
    p.reaches("page-preflight-title")?;
    p.choose("line", "fiber")?;
    p.fill("facts", FACTS)?;
    p.send("#judge")?;
    p.until("!!document.querySelector('#outcome')", "the verdict")?;
    account.check("journey-preflight", &[], p.says("preflight-family-openvpn-do")?);
    p.look("01-preflight", account)?;
    p.send("a[href='/']")?;
    p.send("#begin")?;
    p.reaches("page-mail-title")?;
    p.look("02-mail", account)?;
    for field in ["mail", "mail-again"] {
        p.fill(field, "xxxx@docomo.ne.jp")?;
    }
    p.listen()?;
    p.send("#confirm")?;
    account.check("journey-mobile", &[], p.says("joining-fault-mobile")?);
    let first = p.until("document.activeElement?.id === 'faults'", "the keyboard at the list of faults");
    account.check("journey-faults-first", &[], first);
    p.look("03-mobile-refused", account)?;
    let first = picture(p)?;
    p.send("button[value=again]")?;
    let second = picture(p)?;
    account.check("journey-another-picture", &[], that(first != second, || "the same picture".into()));
    for field in ["mail", "mail-again"] {
        p.fill(field, MAIL)?;
    }
    p.fill("answer", "xxxxxx")?;
    p.send("#confirm")?;
    account.check("journey-wrong-letters", &[], p.says("page-answer-wrong")?);
    by_keyboard(house, p, account)?;
    p.look("04-mail-confirm", account)?;
    p.send("#back")?;
    let kept = p.eval("document.getElementById('mail').value + document.getElementById('answer').value")?;
    account.check("journey-back-keeps-mail", &[], that(kept == MAIL, || kept.to_string()));
    p.passes()?;
    p.send("#send")?;
    p.reaches("page-mail-sent-title")?;
    p.look("05-mail-sent", account)?;
    let letter = house.letter(LetterKind::ApplicationLink, MAIL)?;
    let link = letter.link().unwrap_or_default();
    let ours = letter.tls && link.starts_with(&house.public());
    account.check("journey-link", &[], that(ours, || format!("{link:?}, by TLS: {}", letter.tls)));
    Ok(link)
}

/// From the first page to the confirmation without a mouse.
fn by_keyboard(house: &House, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    p.go(&house.public())?;
    p.tab_to("#begin", 12)?;
    p.key("Enter")?;
    p.reaches("page-mail-title")?;
    for (field, text) in [("#mail", MAIL), ("#mail-again", MAIL)] {
        p.tab_to(field, 24)?;
        p.type_in(text)?;
    }
    for _ in 0..Person::TRIES {
        let letters = p.hears()?;
        p.tab_to("#answer", 24)?;
        p.type_in(&letters)?;
        p.leave("Enter")?;
        if !p.misheard()? {
            break;
        }
    }
    let reached = p.reaches("page-mail-confirm-title").map_err(|error| error.to_string());
    account.check("journey-keyboard", &[], reached);
    Ok(())
}

fn picture(p: &mut Person) -> Result<Value, StageError> {
    p.until("!!document.querySelector('.picture-and-voice img')", "the picture")?;
    Ok(p.eval("document.querySelector('.picture-and-voice img').src")?)
}

const FIELDS: [(&str, &str); 8] = [
    ("head", "医療 太郎"),
    ("head-kana", "イリョウ　タロウ"),
    ("applicant", "医療 一郎"),
    ("applicant-kana", "イリョウ　イチロウ"),
    ("department", "医事課"),
    ("post", "なし"),
    ("phone", "03-1234-5678"),
    ("extension", "1234"),
];
const FOUND: &str =
    "[...document.querySelectorAll('.choices label')].find(l => l.innerText.includes('ケヤキクリニック'))";

/// The nine fields, confirmation, receipt.
pub(super) fn full(house: &mut House, p: &mut Person, account: &mut Account, link: &str) -> Result<(), StageError> {
    account.chapter("journey-full");
    p.go(link)?;
    p.reaches("page-full-title")?;
    p.look("06-full", account)?;
    p.choose("prefecture", "13")?;
    p.fill("search", "けやき")?;
    p.send("#find")?;
    let found = p.eval(&format!("!!{FOUND}"))?;
    account.check("journey-search", &[], that(found == true, || "it is not in the list".into()));
    p.eval(&format!("{FOUND}.querySelector('input').click()"))?;
    for (field, value) in FIELDS {
        p.fill(field, value)?;
    }
    p.fill("head-kana", "ｲﾘｮｳ ﾀﾛｳ")?;
    p.tick("#consent")?;
    p.listen()?;
    p.send("#confirm")?;
    account.check("journey-kana", &[], p.says("joining-fault-not-kana")?);
    p.look("07-full-refused", account)?;
    p.fill("head-kana", FIELDS[1].1)?;
    p.passes()?;
    p.reaches("page-full-confirm-title")?;
    p.look("08-full-confirm", account)?;
    p.send("#back")?;
    let cleared = p.eval(
        "!document.getElementById('consent').checked && document.getElementById('answer').value === '' \
         && document.getElementById('head').value !== ''",
    )?;
    account.check("journey-back-clears", &[], that(cleared == true, || "picture or consent still there".into()));
    p.tick("#consent")?;
    p.passes()?;
    p.send("#send")?;
    p.reaches("page-full-sent-title")?;
    p.look("09-full-sent", account)?;
    house.letter(LetterKind::ApplicationReceived, MAIL)?;
    p.go(link)?;
    account.check("journey-link-once", &[], p.says("page-link-gone")?);
    p.look("10-link-gone", account)
}
