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
    let closed = stage.close("clinic/exam-1", "midori/drug-information")?;
    that(closed.code == 0, || closed.seen())?;
    let opened = stage.open("clinic/exam-1", Person::Doctor, "midori/drug-information")?;
    that(opened.code == 0, || opened.seen())
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
