//! 4. What is refused, each with its reason, its remedy, and an entry in the record.

use texts::Arg;

use super::that;
use crate::account::Account;
use crate::command::Answered;
use crate::people::Person;
use crate::stage::{Stage, StageError, seconds, until};
use std::time::Duration;

pub(super) fn tell(stage: &mut Stage, account: &mut Account) -> Result<(), StageError> {
    account.chapter("demo-chapter-refusals");
    // The first answer is shown whole, as a person sees it.
    let shown = stage.at_terminal("clinic/exam-1", Person::Pharmacist, &["open", "keyaki/records", "--pin-fd", "9"])?;
    account.quote(&shown.stderr);
    for (person, service, codes) in [
        // The line is still open, which is a reason of its own.
        (Person::Pharmacist, "keyaki/records", &["D017", "D022", "D070"][..]),
        (Person::Revoked, "keyaki/records", &["P008"]),
        (Person::SignatureCard, "keyaki/records", &["P014", "P015"]),
        (Person::Forged, "keyaki/records", &["P004", "P003"]),
        (Person::Doctor, "midori/drug-information", &["D030"]),
        (Person::Doctor, "keyaki/bookings", &["D031"]),
    ] {
        refused(stage, account, person, "clinic/exam-1", service, codes)?;
    }
    stale_list(stage, account)?;
    relay(stage, account)?;
    revoked_gate(stage, account)
}

/// A refusal must say exactly these reasons, each with section and remedy, leave one more entry in the record, and be
/// told again by its number.
fn refused(
    stage: &Stage,
    account: &mut Account,
    person: Person,
    at: &str,
    service: &str,
    codes: &[&str],
) -> Result<(), StageError> {
    let answered = stage.open(at, person, service)?;
    let said = answered.codes();
    let json = answered.json();
    let complete = json["reasons"].as_array().is_some_and(|reasons| {
        reasons.iter().all(|r| {
            ["text", "section_text", "remedy"].iter().all(|field| r[*field].as_str().is_some_and(|t| !t.is_empty()))
        })
    });
    let outcome = that(answered.code == 1 && said == codes && complete, || answered.seen());
    account.check("demo-refused", &[("text", first_reason(&answered, codes).into())], outcome);
    let instance = json["instance"].as_str().unwrap_or("none").to_owned();
    let again = stage.operator(&["--json", "explain", &instance])?;
    let same = again.json()["problem"]["reasons"].as_array().map(Vec::len) == Some(said.len());
    account.check(
        "demo-refusal-recorded",
        &[("record", instance.into())],
        that(again.code == 0 && same, || again.seen()),
    );
    Ok(())
}

/// What the person reads of the reason that was expected.
fn first_reason(answered: &Answered, codes: &[&str]) -> String {
    let json = answered.json();
    let reasons = json["reasons"].as_array().cloned().unwrap_or_default();
    let found = reasons.iter().find(|r| codes.iter().any(|c| r["code"] == *c));
    found.and_then(|r| r["text"].as_str()).unwrap_or_default().to_owned()
}

fn stale_list(stage: &mut Stage, account: &mut Account) -> Result<(), StageError> {
    stage.let_card_list_expire()?;
    let answered = stage.open("clinic/exam-1", Person::Doctor, "keyaki/records")?;
    let codes = answered.codes();
    account.check(
        "demo-refused",
        &[("text", first_reason(&answered, &["P010"]).into())],
        that(answered.code == 1 && codes.iter().any(|c| c == "P010"), || answered.seen()),
    );
    stage.write_lists(seconds())
}

/// A document that would make the hospital carry traffic between two others is refused by the proof, with the packet.
fn relay(stage: &Stage, account: &mut Account) -> Result<(), StageError> {
    let document = stage.relay_document().display().to_string();
    let shown = stage.operator(&["apply", "-f", &document])?;
    account.quote(&shown.stderr);
    let answered = stage.operator(&["--json", "apply", "-f", &document])?;
    let example = answered.json()["counter_example"].clone();
    let has_packet = example["packet"].as_str().is_some_and(|p| p.contains("10.1.20.11"));
    let has_path = example["path"].as_array().is_some_and(|p| p.len() >= 2);
    account.check("demo-relay-refused", &[], that(answered.code == 1 && has_packet && has_path, || answered.seen()));
    let planned = stage.operator(&["--json", "plan", "-f", &document])?;
    account.check("demo-relay-refused-plan", &[], that(planned.code == 1, || planned.seen()));
    Ok(())
}

/// The provider's gate loses its certificate: its link is cut, and nothing opens toward it.
fn revoked_gate(stage: &mut Stage, account: &mut Account) -> Result<(), StageError> {
    stage.revoke_gate("provider")?;
    let mut last = Vec::new();
    let cut = until(Duration::from_secs(15), || {
        last = stage
            .open("hospital/ward-1", Person::Doctor, "midori/drug-information")
            .map(|a| a.codes())
            .unwrap_or_default();
        last.iter().any(|c| c == "D063")
    });
    account.check("demo-gate-revoked", &[("codes", Arg::text("D063"))], that(cut, || format!("{last:?}")));
    Ok(())
}
