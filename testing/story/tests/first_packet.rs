//! A person signs in once and then just works (N1, N8): the first packet waits at the gate while its line is opened, none
//! is lost, and a line nobody uses closes by itself.

use std::time::Duration;

use lab::Trial;
use story::{Person, Set, Stage, StageError, until};
use texts::Lang;

const WAIT: Duration = Duration::from_secs(60);
const ROUNDS: usize = 3;

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("the first packet opens its line, and idleness closes it", works)]);
}

fn works() -> Result<(), StageError> {
    let mut set = Set::story();
    for (_, text) in &mut set.documents {
        *text = text.replace("id = \"records\"\n", "id = \"records\"\nidle_seconds = 4\n");
    }
    let stage = Stage::raise_set(Lang::En, 0, set, &|_| {})?;
    let terminal = stage.lab().netns("sk-clinic-exam-1")?;
    let connections = || {
        let status = stage.operator(&["--json", "status"]).map(|a| a.json()).unwrap_or_default();
        status["connections"].as_array().map_or(0, Vec::len)
    };

    // Nobody has signed in.
    let early = stage.record_server().get(terminal, "/", Duration::from_secs(2));
    that(early.is_err() && connections() == 0, || format!("{early:?}"))?;

    let signed_in = stage.at_terminal("clinic/exam-1", Person::Doctor, &["--json", "login", "--pin-fd", "9"])?;
    that(signed_in.code == 0, || signed_in.seen())?;
    // What was refused because nobody was signed in is refused a moment longer.
    let asks_again = until(WAIT, || stage.record_server().get(terminal, "/", Duration::from_secs(3)).is_ok());
    that(asks_again, || format!("{}\n{}", stage.center_log(30), stage.gate_log("clinic", 30)))?;

    // A kernel asks again after a second (RFC 6298 §2.1), also when nothing was lost and the machine was merely busy:
    // a loss is what happens every time.
    let mut again = 0;
    for _ in 0..ROUNDS {
        let closed = until(WAIT, || connections() == 0);
        that(closed, || format!("still open\n{}", stage.gate_log("clinic", 30)))?;
        that(stage.gate_log("clinic", 400).contains("idle"), || "it was not idleness".into())?;
        // The line is closed and nothing is refused: this first packet waits, and goes.
        let before = terminal.tcp_counter("RetransSegs")?;
        let carried = stage.record_server().get(terminal, "/", WAIT)?;
        again = terminal.tcp_counter("RetransSegs")? - before;
        that(!carried.is_empty(), || "an empty page".into())?;
        that(connections() == 1, || "no line is open".into())?;
        if again == 0 {
            return Ok(());
        }
    }
    that(false, || format!("{again} segments were lost on the way, in each of {ROUNDS} rounds"))
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
