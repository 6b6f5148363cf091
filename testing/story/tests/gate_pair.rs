//! Two gates at a site (N6): killing the active one keeps what is open and opens what is asked for, and a gate that came
//! back waits beside the other.

use std::time::Duration;

use lab::Trial;
use story::{Person, Stage, StageError, until};
use texts::Lang;

/// How long what must come may take on a busy machine; how long it does take is measured (`cargo xtask bench scenarios`).
const WAIT: Duration = Duration::from_secs(60);

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("the active gate dies, the other goes on", dies)]);
}

fn dies() -> Result<(), StageError> {
    let mut stage = Stage::raise_pair(Lang::En, &|_| {})?;
    let generation = |stage: &Stage, name: &str| {
        std::fs::metadata(stage.dir().join("gate/clinic").join(format!("data-{name}")).join("state")).is_ok()
    };
    that(until(WAIT, || generation(&stage, "b")), || "the waiting gate keeps no state".into())?;
    let took = stage.fail_over()?;
    eprintln!("    a new line after {:?}, longest silence of the open one {:?}", took.opens_again, took.silence);
    // The switch obeys the new one, and what stands is what is wanted.
    stage.in_force()?;

    let elections = stage.elections("clinic");
    that(elections >= 2, || format!("{elections} elections"))?;
    stage.start_one_of_beside("clinic", "a")?;
    that(stage.elections("clinic") == elections, || "it came back and took over".into())?;
    opens_and_closes(&stage)?;
    stops_as_planned(&mut stage)?;
    lives_on_without_knowing(&mut stage)?;
    hangs_and_is_ended(&mut stage)
}

/// `b` is the only one. `a` comes back watched, `b` is stopped, so `a` is active and has the doors; `b` waits beside it. Then
/// `a` hangs for good: `b` is elected but stands before closed doors, until the watchdog ends `a`.
fn hangs_and_is_ended(stage: &mut Stage) -> Result<(), StageError> {
    let watched = stage.start_one_of_watched("clinic", "a", Duration::from_secs(5))?;
    stops_as_planned(stage)?;
    let before = stage.elections("clinic");
    that(watched.next(WAIT).as_deref() == Some("WATCHDOG=1"), || "no sign of life".into())?;
    stage.pause_one_of("clinic", "a");
    that(until(WAIT, || stage.elections("clinic") > before), || "nobody took over".into())?;
    that(watched.hangs(WAIT), || "it gives signs of life while it stands still".into())?;
    that(stage.abort_one_of("clinic", "a"), || "it does not end".into())?;
    stage.in_force()?;
    opens_and_closes(stage)
}

/// `b` is active and is stopped: it gives its lease back, and `a` need not wait until it ends.
fn stops_as_planned(stage: &mut Stage) -> Result<(), StageError> {
    let (before, back) = (stage.elections("clinic"), stage.given_back("clinic"));
    that(stage.stop_one_of("clinic", "b"), || "it does not end in order".into())?;
    that(stage.given_back("clinic") == back + 1, || format!("not given back\n{}", stage.center_log(20)))?;
    that(until(WAIT, || stage.elections("clinic") > before), || "nobody took over".into())?;
    stage.in_force()?;
    opens_and_closes(stage)?;
    stage.start_one_of_beside("clinic", "b")
}

/// `a` is active, and stands still for longer than its lease: `b` is elected and writes. When `a` goes on it believes to
/// be the active one still and holds all its connections; the switch has a newer election and obeys it no more. (A gate
/// that stands still holds its doors for terminals; the other opens them when it ends.)
fn lives_on_without_knowing(stage: &mut Stage) -> Result<(), StageError> {
    let line = line_of(stage, "midori/drug-information")?;
    let before = stage.elections("clinic");
    stage.pause_one_of("clinic", "a");
    that(until(WAIT, || stage.elections("clinic") > before), || "nobody took over".into())?;
    stage.in_force()?;
    let cut = stage.operator(&["--json", "cut", "line", &line])?;
    that(cut.code == 0 && cut.json()["confirmed"] == true, || cut.seen())?;
    that(stage.resume_one_of("clinic", "a"), || "it goes on beside the one that took over".into())?;
    stage.in_force()?;
    that(line_of(stage, "midori/drug-information").is_err(), || "what was cut is back".into())?;
    let mut opened = None;
    let opens = until(WAIT, || {
        opened = stage.open("clinic/exam-1", Person::Doctor, "midori/drug-information").ok();
        opened.as_ref().is_some_and(|answered| answered.code == 0)
    });
    that(opens, || opened.map(|answered| answered.seen()).unwrap_or_default())
}

fn line_of(stage: &Stage, service: &str) -> Result<String, StageError> {
    let status = stage.operator(&["--json", "status"])?;
    let lines = status.json()["connections"].as_array().cloned().unwrap_or_default();
    let found = lines.iter().find(|line| line["service"] == service).and_then(|line| line["grant"].as_u64());
    found.map(|grant| format!("g-{grant}")).ok_or_else(|| StageError::Product(status.seen()))
}

fn opens_and_closes(stage: &Stage) -> Result<(), StageError> {
    let mut closed = None;
    // The doors for terminals move to the gate that took over.
    let closes = until(WAIT, || {
        closed = stage.close("clinic/exam-1", "midori/drug-information").ok();
        closed.as_ref().is_some_and(|answered| answered.code == 0) || line_of(stage, "midori/drug-information").is_err()
    });
    that(closes, || closed.map(|answered| answered.seen()).unwrap_or_default())?;
    let opened = stage.open("clinic/exam-1", Person::Doctor, "midori/drug-information")?;
    that(opened.code == 0, || opened.seen())
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
