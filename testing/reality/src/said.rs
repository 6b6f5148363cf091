//! What the exact proof says of every cell.

use std::collections::BTreeMap;

use lab::reach::{Cell, Knock};
use model::{CookieOwner, HostRef, Protocol, SiteId, SiteState};
use verify::exact::{Answer, Exact, Reach};

use crate::RealityError;

/// The cells that pass, each with whose rule lets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    passes: BTreeMap<Cell, CookieOwner>,
}

impl Said {
    /// Proves the states and asks about the cells, each in two ways.
    ///
    /// # Errors
    /// [`RealityError::Refused`] with the counter-example if the states break an invariant; [`RealityError::Product`] if
    /// the proof contradicts itself.
    pub fn of(states: &BTreeMap<SiteId, SiteState>, cells: &[Cell]) -> Result<Self, RealityError> {
        let mut exact = Exact::new(states)?;
        let mut reaches: BTreeMap<&str, Vec<Reach>> = BTreeMap::new();
        let mut passes = BTreeMap::new();
        for cell in cells {
            let (from, to) = (host(&cell.from)?, host(&cell.to)?);
            let all = reaches.entry(&cell.from).or_insert_with(|| exact.reach(&from));
            let because = all.iter().find(|reach| reach.to == to && includes(reach, cell.knock)).map(|r| r.because);
            let (protocol, port) = match cell.knock {
                Knock::Tcp(port) => (Protocol::Tcp, port),
                Knock::Udp(port) => (Protocol::Udp, port),
                // What is neither TCP nor UDP has no port to ask for.
                Knock::Icmp => {
                    passes.extend(because.map(|owner| (cell.clone(), owner)));
                    continue;
                }
            };
            match (exact.can(&from, &to, protocol, port), because) {
                (Answer::Yes { .. }, Some(owner)) => drop(passes.insert(cell.clone(), owner)),
                (Answer::No { .. }, None) => {}
                (answer, because) => {
                    let what = format!("{cell}: `can` says {answer:?}, `reach` says {because:?}");
                    return Err(RealityError::Product(what));
                }
            }
        }
        Ok(Self { passes })
    }

    /// Does this cell pass?
    pub fn passes(&self, cell: &Cell) -> bool {
        self.passes.contains_key(cell)
    }

    /// Whose rule lets it pass.
    pub fn because(&self, cell: &Cell) -> Option<CookieOwner> {
        self.passes.get(cell).copied()
    }

    /// How many cells pass.
    pub fn len(&self) -> usize {
        self.passes.len()
    }

    /// Does nothing pass?
    pub fn is_empty(&self) -> bool {
        self.passes.is_empty()
    }
}

fn host(name: &str) -> Result<HostRef, RealityError> {
    name.parse().map_err(|_| RealityError::Document(format!("`{name}` is not <site>/<host>")))
}

fn includes(reach: &Reach, knock: Knock) -> bool {
    let at = |port: u16| port & reach.ports.1 == reach.ports.0 & reach.ports.1;
    match (knock, reach.protocol) {
        (Knock::Tcp(port), Some(Protocol::Tcp)) | (Knock::Udp(port), Some(Protocol::Udp)) => at(port),
        (Knock::Icmp, None) => true,
        _ => false,
    }
}
