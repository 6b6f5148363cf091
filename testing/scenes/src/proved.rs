//! Who reaches whom, by packets, against what the proof says of the tables that stand (X1, X2).

use std::collections::BTreeMap;
use std::time::Duration;

use lab::reach::{self, Cell};
use model::{SiteId, SiteState};
use reality::{Said, Standing};
use story::{Stage, StageError, until};

/// Ports knocked at: those of the services, and some nobody serves.
const PORTS: [u16; 7] = [22, 53, 80, 443, 2222, 3128, 8443];

/// Reads back what stands, proves it, and lets every host knock at every other. `Ok` says how many cells were asked;
/// `Err` what differs: from the proof, or from `expected` (`site/host → site/host tcp/443`).
pub(crate) fn exactly(stage: &Stage, expected: &[&str]) -> Result<Result<usize, String>, StageError> {
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
    let Some(standing) = standing.filter(|_| settled) else {
        return Ok(Err(format!("what stands is not what was ordered: {why}")));
    };
    let places = stage.lab().places()?;
    let said = match Said::of(&standing.states, &reach::cells(&places, &PORTS)) {
        Ok(said) => said,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let matrix = reach::probe_knowing(&places, &PORTS, |cell| said.passes(cell))?;
    let differences = reach::compare(&matrix, |cell| said.passes(cell));
    if !differences.is_empty() {
        return Ok(Err(format!("{differences:#?}")));
    }
    let mut open: Vec<String> = matrix.open().map(Cell::to_string).collect();
    let mut expected: Vec<String> = expected.iter().map(|s| (*s).to_owned()).collect();
    open.sort();
    expected.sort();
    if open == expected { Ok(Ok(matrix.cells.len())) } else { Ok(Err(format!("{open:?} instead of {expected:?}"))) }
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
