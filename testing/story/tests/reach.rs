//! Under the real center and its gates, packets do what the proof on the installed tables says (X1, G5, G7).

use std::collections::BTreeMap;
use std::time::Duration;

use lab::Trial;
use lab::reach::{self, Cell, Knock};
use model::{SiteId, SiteState};
use reality::{Said, Standing};
use story::{Person, Stage, StageError, until};
use texts::Lang;

/// The stage's servers stand at some of them; at the others nobody listens but for the time of the knocks.
const PORTS: [u16; 6] = [22, 53, 80, 443, 4000, 8080];

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("before, while and after lines are open, every cell is as proved", story)]);
}

fn story() -> Result<(), StageError> {
    let stage = Stage::raise(Lang::En, &|_| {})?;
    let cell = |from: &str, to: &str| Cell { from: from.into(), to: to.into(), knock: Knock::Tcp(443) };
    let in_house = cell("hospital/ward-1", "hospital/portal");
    let records = cell("clinic/exam-1", "hospital/record-server");
    let drugs = cell("hospital/ward-1", "provider/ops-1");
    as_proved(&stage, "nothing open", &[&in_house])?;
    for (at, service) in [("clinic/exam-1", "keyaki/records"), ("hospital/ward-1", "midori/drug-information")] {
        let opened = stage.open(at, Person::Doctor, service)?;
        that(opened.code == 0, || opened.seen())?;
    }
    // Two tunnels end at the hospital: what comes in by one must not leave by the other.
    as_proved(&stage, "two lines open", &[&records, &in_house, &drugs])?;
    let closed = stage.close("clinic/exam-1", "keyaki/records")?;
    that(closed.code == 0, || closed.seen())?;
    as_proved(&stage, "one of them closed", &[&in_house, &drugs])
}

/// Reads back what stands, proves it, and lets every host knock at every other.
fn as_proved(stage: &Stage, when: &str, expected: &[&Cell]) -> Result<(), StageError> {
    let mut standing = None;
    let mut why = String::new();
    // Gates keep what they were ordered a moment after they have done it.
    let settled = until(Duration::from_secs(20), || match read(stage) {
        Ok(read) => {
            why = format!("foreign {:#?}, missing {:#?}", read.foreign, read.missing);
            let as_ordered = read.as_ordered();
            standing = Some(read);
            as_ordered
        }
        Err(error) => {
            why = error;
            false
        }
    });
    let standing = standing.filter(|_| settled);
    let Some(standing) = standing else {
        return Err(StageError::Product(format!("{when}: what stands is not what was ordered: {why}")));
    };
    let places = stage.lab().places()?;
    let said = Said::of(&standing.states, &reach::cells(&places, &PORTS));
    let said = said.map_err(|error| StageError::Product(format!("{when}: {error}")))?;
    let matrix = reach::probe_knowing(&places, &PORTS, |cell| said.passes(cell))?;
    let (open, took): (Vec<&Cell>, _) = (matrix.open().collect(), matrix.took.as_secs_f64());
    eprintln!("    {when}: {} cells, {} pass, {took:.1} s", matrix.cells.len(), open.len());
    let differences = reach::compare(&matrix, |cell| said.passes(cell));
    that(differences.is_empty(), || format!("{when}: {differences:#?}"))?;
    that(open == expected, || format!("{when}: {open:?} instead of {expected:?}"))
}

fn read(stage: &Stage) -> Result<Standing, String> {
    let mut ordered: BTreeMap<SiteId, SiteState> = BTreeMap::new();
    for site in stage.lab().sites() {
        let folder = stage.dir().join("gate").join(&site.spec.id).join("data");
        let state = Standing::ordered(&folder).map_err(|error| error.to_string())?;
        ordered.insert(state.facts.site.id.clone(), state);
    }
    Standing::read(stage.lab(), &ordered).map_err(|error| error.to_string())
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
