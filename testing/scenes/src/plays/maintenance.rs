//! (c) The maker of the claims terminal maintains it from afar: one host of the maker, one terminal, in the booked window,
//! after the house agreed, recorded.

use std::time::{Duration, Instant};

use crate::farend::{FarEnd, Identity, Target, maintenance};
use crate::play::{Play, Told, product};
use serde_json::{Value, json};
use story::{StageError, until};

const LINE: &str = "maker/maint-1 → hospital/claims-1 tcp/2222";
const SERVICE: &str = "keyaki/claims-maintenance";
/// The host names the window of this place in the document when it books one.
const NO_BOOKING: &str = "booked = []";
/// For what comes by itself after a time that the house set in seconds.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) fn tell(play: &mut Play<'_>) -> Told {
    let (netns, papers) = (play.netns("hospital/claims-1")?, play.server_papers("hospital/claims-1")?);
    let clients = play.papers.ca_pem.clone();
    let _console = FarEnd::serve(&netns, 2222, &papers, Some(&clients), maintenance()).map_err(product)?;
    let target = play.target("hospital/claims-1", 2222)?;
    let maker = play.client_papers("maker/maint-1")?;

    play.exactly("scene-shut-before", &[])?;
    play.refused("scene-c-only-one-host", "maker/maint-2", "engineer", SERVICE, "D021")?;
    play.refused("scene-c-wrong-role", "maker/maint-1", "doctor", SERVICE, "D017")?;
    play.refused("scene-c-not-booked", "maker/maint-1", "engineer", SERVICE, "D041")?;
    let until = book(play, 1800)?;
    // The engineer signs in and asks; the director of the house agrees at a terminal of the house.
    play.signs_in("scene-c-engineer-signs-in", "maker/maint-1", "engineer")?;
    play.refused_in_session("scene-c-needs-approval", "maker/maint-1", "engineer", SERVICE, "D073")?;
    play.signs_in("scene-c-director-signs-in", "hospital/ward-1", "director")?;
    let number = asked(play, "scene-c-asked")?;
    answers(play, "scene-c-agreed", "accept", &number)?;
    let opened = play.comes_open(SERVICE)?;
    play.that("scene-c-open", opened.is_some(), play.stage.operator(&["--json", "status"])?.seen());
    let lease = opened.as_ref().map(|c| c["lease_until"].as_str().unwrap_or_default().to_owned()).unwrap_or_default();
    play.that("scene-c-ends-with-the-window", lease == until, format!("{lease} instead of {until}"));

    let reply = play.ask("maker/maint-1", &target, Some(&maker), ("GET", "/v1/version", Value::Null));
    play.answers("scene-c-works", reply, 200);
    let update = json!({"version": "4.2.1"});
    let reply = play.ask("maker/maint-1", &target, Some(&maker), ("POST", "/v1/update", update));
    let done = play.answers("scene-c-update", reply, 200);
    play.that("scene-c-names-who", done["by"] == "maker/maint-1", &done);
    // Exactly one terminal of the house, and nothing of the house by way of it.
    play.exactly("scene-exactly", &[LINE])?;
    play.live_picture()?;
    let ward = play.address("hospital/ward-1")?;
    play.silent("scene-c-nothing-beyond", &[("hospital/claims-1", ward, 443), ("maker/maint-1", ward, 443)])?;
    // An operator of the house ends it while it is in use.
    let grant = opened.and_then(|c| c["grant"].as_u64()).map(|g| format!("g-{g}")).unwrap_or_default();
    let cut = play.stage.operator(&["--json", "cut", "line", &grant])?;
    play.that("scene-c-cut", cut.code == 0, cut.seen());
    let address = play.address("hospital/claims-1")?;
    play.silent("scene-c-shut", &[("maker/maint-1", address, 2222)])?;
    // Who, when, who agreed: the record says it by itself.
    let shown = play.stage.operator(&["--json", "log", "show"])?.json().to_string();
    let words = ["YAMAMOTO KEN", "MORI AKIRA", "connection-permitted", "evidence-destination"];
    let missing: Vec<&str> = words.into_iter().filter(|w| !shown.contains(w)).collect();
    play.that("scene-c-recorded", missing.is_empty(), format!("{missing:?}"));
    let why = play.stage.operator(&["--json", "why", &grant])?;
    play.that("scene-c-why-cut", why.json()["steps"].to_string().contains("operator"), why.seen());
    nobody_answers(play)?;
    ends_by_itself(play, &target, &maker)?;
    is_refused(play)
}

/// Nobody in the house answers in time: nothing opens, and an answer that comes later counts no more (N8).
fn nobody_answers(play: &mut Play<'_>) -> Told {
    change(play, "scene-c-waits-shortly", &[("wait_minutes = 10", "wait_seconds = 5")])?;
    play.signs_in("scene-c-signs-in-anew", "maker/maint-1", "engineer")?;
    play.refused_in_session("scene-c-asks-again", "maker/maint-1", "engineer", SERVICE, "D073")?;
    let mut number = String::new();
    let expired = until(PATIENCE, || {
        let over = recorded(play, |e| e["event"] == "approval-answered" && e["facts"]["answer"] == "expired");
        number = over.and_then(|e| e["facts"]["approval"].as_str().map(str::to_owned)).unwrap_or_default();
        !number.is_empty()
    });
    let listed = play.stage.at_terminal_as("hospital/ward-1", "director", &["--json", "approvals"])?;
    let nothing = listed.json()["approvals"].as_array().is_some_and(Vec::is_empty);
    play.that("scene-c-expired", expired && nothing, listed.seen());
    let late = ["--json", "approvals", "accept", &format!("q-{number}")];
    let late = play.stage.at_terminal_as("hospital/ward-1", "director", &late)?;
    let told = late.code == 1 && late.json()["reasons"][0]["code"] == "O020";
    play.that("scene-c-late-answer", told, late.seen());
    let address = play.address("hospital/claims-1")?;
    play.silent("scene-c-expired-shut", &[("maker/maint-1", address, 2222)])?;
    Ok(())
}

/// What is used stays; what nobody uses any more ends by itself after the time that the house set (N8).
fn ends_by_itself(play: &mut Play<'_>, target: &Target, maker: &Identity) -> Told {
    let shorter = [("wait_seconds = 5", "wait_minutes = 10"), ("idle_minutes = 15", "idle_seconds = 8")];
    change(play, "scene-c-idle-shortly", &shorter)?;
    play.refused_in_session("scene-c-asks-again", "maker/maint-1", "engineer", SERVICE, "D073")?;
    let number = asked(play, "scene-c-asked")?;
    answers(play, "scene-c-agreed", "accept", &number)?;
    let opened = play.comes_open(SERVICE)?;
    play.that("scene-c-open-again", opened.is_some(), play.stage.operator(&["--json", "status"])?.seen());
    let grant = opened.and_then(|c| c["grant"].as_u64()).unwrap_or_default();
    // Longer than the idle time, never quiet for as long.
    let (begun, mut asks) = (Instant::now(), Ok(()));
    while asks.is_ok() && begun.elapsed() < Duration::from_secs(12) {
        let reply = play.ask("maker/maint-1", target, Some(maker), ("GET", "/v1/version", Value::Null));
        asks = reply.map(drop);
        std::thread::sleep(Duration::from_millis(500));
    }
    play.check("scene-c-used-stays", asks);
    let idle = until(PATIENCE, || {
        recorded(play, |e| e["event"] == "connection-closing" && e["grant"] == grant)
            .is_some_and(|e| e["facts"]["cause"] == "idle")
    });
    let gone = play.is_gone(SERVICE);
    play.that("scene-c-idle-ends", idle && gone, play.stage.gate_log("hospital", 20));
    let address = play.address("hospital/claims-1")?;
    play.silent("scene-c-idle-shut", &[("maker/maint-1", address, 2222)])?;
    let why = play.stage.operator(&["--json", "why", &format!("g-{grant}")])?;
    let remedy = play.account.texts().say("why-ended-idle-do", &[]);
    play.that("scene-c-why-idle", why.json()["steps"].to_string().contains(&remedy), why.seen());
    Ok(())
}

/// The house refuses: who asks is told so, however often, and nothing opens (N8).
fn is_refused(play: &mut Play<'_>) -> Told {
    play.refused_in_session("scene-c-agreed-once", "maker/maint-1", "engineer", SERVICE, "D073")?;
    let number = asked(play, "scene-c-asked")?;
    answers(play, "scene-c-refuses", "refuse", &number)?;
    for _ in 0..2 {
        play.refused_in_session("scene-c-refused", "maker/maint-1", "engineer", SERVICE, "D074")?;
    }
    let address = play.address("hospital/claims-1")?;
    play.silent("scene-c-refused-shut", &[("maker/maint-1", address, 2222)])?;
    let said = recorded(play, |e| e["event"] == "approval-answered" && e["facts"]["answer"] == "refused");
    let who = said.as_ref().is_some_and(|e| e.to_string().contains("MORI AKIRA"));
    play.that("scene-c-refused-recorded", who, format!("{said:?}"));
    Ok(())
}

/// The director sees who asks, from which host. Returns the number of the question.
fn asked(play: &mut Play<'_>, key: &str) -> Result<String, StageError> {
    let asked = play.stage.at_terminal_as("hospital/ward-1", "director", &["--json", "approvals"])?;
    let first = asked.json()["approvals"][0].clone();
    let named = first["person"] == "YAMAMOTO KEN" && first["from"] == "maker/maint-1";
    play.that(key, named, asked.seen());
    let number = first["approval"].as_u64().map(|n| format!("q-{n}"));
    Ok(number.or_else(|| first["approval"].as_str().map(str::to_owned)).unwrap_or_default())
}

/// The director says `accept` or `refuse`.
fn answers(play: &mut Play<'_>, key: &str, what: &str, number: &str) -> Told {
    let said = play.stage.at_terminal_as("hospital/ward-1", "director", &["--json", "approvals", what, number])?;
    play.that(key, said.code == 0, said.seen());
    Ok(())
}

/// The newest entry of the record like this.
fn recorded(play: &Play<'_>, like: impl Fn(&Value) -> bool) -> Option<Value> {
    let shown = play.stage.operator(&["--json", "log", "show"]).ok()?.json();
    shown["entries"].as_array()?.iter().rev().find(|e| like(e)).cloned()
}

/// The house books a window of so many seconds from now and applies its document; says when it ends.
fn book(play: &mut Play<'_>, seconds: i64) -> Result<String, StageError> {
    let now = story::seconds();
    let [from, until] = [now - 60, now + seconds].map(|at| model::Timestamp::from_unix_seconds(at).to_string());
    let booked = format!("booked = [{{ from = \"{from}\", until = \"{until}\" }}]");
    change(play, "scene-c-booked", &[(NO_BOOKING, &booked)])?;
    Ok(until)
}

/// The house changes its document and applies it.
fn change(play: &mut Play<'_>, key: &str, changes: &[(&str, &str)]) -> Told {
    let path = play.stage.documents().join("hospital.toml");
    let mut text = std::fs::read_to_string(&path).map_err(product)?;
    for (from, to) in changes {
        if !text.contains(from) {
            return Err(product(format!("the house's document does not say `{from}`")));
        }
        text = text.replacen(from, to, 1);
    }
    std::fs::write(&path, text).map_err(product)?;
    let applied = play.stage.operator(&["--json", "apply", "-f", &path.display().to_string()])?;
    play.that(key, applied.code == 0, applied.seen());
    play.stage.in_force()
}
