//! A flood of first packets at one port (N1): another terminal's line opens all the same, and the gate does not grow.

use lab::Trial;
use story::{FLOOD_PER_SECOND, Stage, StageError};
use texts::Lang;

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("a flood at one port takes nothing of another's share", flood)]);
}

fn flood() -> Result<(), StageError> {
    let stage = Stage::raise(Lang::En, &|_| {})?;
    let flooded = stage.flood_open()?;
    eprintln!("    {flooded:?}");
    that(flooded.sent >= FLOOD_PER_SECOND, || format!("not a flood: {flooded:?}"))?;
    that(flooded.grown < 16 * 1024, || format!("the gate grows: {flooded:?}"))?;
    // A meter a terminal's port for first packets, and one a port for questions, the gateway's too.
    let meters = stage.lab().site("clinic")?.switch.ofctl(&["meter-stats", "br0"])?;
    eprintln!("{meters}");
    let wanted = ["meter:3 ", "meter:4 ", "meter:65537 ", "meter:65539 ", "meter:65540 "];
    let all = wanted.iter().all(|meter| meters.contains(meter));
    that(all && meters.matches("meter:").count() == wanted.len(), || meters.clone())
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
