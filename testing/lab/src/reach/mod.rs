//! Who reaches whom, by real packets: every host knocks at every other, and both ends say what they saw.
//!
//! A knock is a TCP SYN, a UDP datagram or an ICMP echo request, sent by the origin's own stack in its own namespace.
//! The origin sees the answer; the destination sees the arrival, whatever becomes of the answer. So a path that only
//! lets packets out is found too. What *should* pass is the caller's to know, see [`compare`].

mod segment;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::netns::Netns;
use crate::{Answer, Lab, LabError};

/// A host that knocks and is knocked at.
#[derive(Debug, Clone)]
pub struct Place {
    /// `<site>/<host>`.
    pub name: String,
    /// Where its stack is.
    pub netns: Netns,
    /// Its address.
    pub address: IpAddr,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Knock {
    /// A SYN to this port, and if it is answered, a whole connection.
    Tcp(u16),
    /// A datagram to this port.
    Udp(u16),
    /// An echo request.
    Icmp,
}

impl fmt::Display for Knock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp/{port}"),
            Self::Udp(port) => write!(f, "udp/{port}"),
            Self::Icmp => f.write_str("icmp"),
        }
    }
}

/// One question of the matrix. Hosts are named `<site>/<host>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Who knocks.
    pub from: String,
    /// At whom.
    pub to: String,
    /// How.
    pub knock: Knock,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {} {}", self.from, self.to, self.knock)
    }
}

/// What came of a knock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The destination's stack received it.
    pub arrived: bool,
    /// What the origin got back.
    pub answer: Answer,
}

impl Seen {
    /// Nothing, at either end.
    pub const NOTHING: Self = Self { arrived: false, answer: Answer::Silent };

    /// Does it go there and back? A reset is an answer: packets do pass.
    #[must_use]
    pub fn passes(self) -> bool {
        self.arrived && self.answer != Answer::Silent
    }

    /// What has been seen once is not unseen.
    fn or(self, other: Self) -> Self {
        let answer = match (self.answer, other.answer) {
            (Answer::Answered, _) | (_, Answer::Answered) => Answer::Answered,
            (Answer::Refused, _) | (_, Answer::Refused) => Answer::Refused,
            (Answer::Silent, Answer::Silent) => Answer::Silent,
        };
        Self { arrived: self.arrived || other.arrived, answer }
    }
}

/// All cells with what came of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// By cell, in order.
    pub cells: BTreeMap<Cell, Seen>,
    /// How long it took, setting up included.
    pub took: Duration,
}

impl Matrix {
    /// The cells through which anything came, at either end.
    pub fn open(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|(_, seen)| **seen != Seen::NOTHING).map(|(cell, _)| cell)
    }

    /// Takes in what another look saw.
    pub fn add(&mut self, other: Self) {
        self.took += other.took;
        for (cell, seen) in other.cells {
            let slot = self.cells.entry(cell).or_insert(Seen::NOTHING);
            *slot = slot.or(seen);
        }
    }
}

/// A cell in which packets do something else than was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub cell: Cell,
    /// What was said: it passes, or not.
    pub said: bool,
    /// What packets did.
    pub seen: Seen,
}

/// Waiting time after the last knock of a round.
const PATIENCE: Duration = Duration::from_millis(300);

/// Every host knocks at every other: at each port by TCP and UDP, and by ICMP. All at once, three times each.
///
/// Hosts get a listener at every port for that time, unless a server is there already.
///
/// # Errors
/// If the machine cannot send or listen; what the network does with packets is no error.
pub fn probe(hosts: &[Place], ports: &[u16]) -> Result<Matrix, LabError> {
    probe_cells(hosts, &cells(hosts, ports), PATIENCE)
}

/// Knocks at these cells only, waiting so long after the last knock.
///
/// # Errors
/// As [`probe`]; and if a cell names a host that is not among `hosts`.
pub fn probe_cells(hosts: &[Place], cells: &[Cell], patience: Duration) -> Result<Matrix, LabError> {
    let begin = Instant::now();
    let seen = watch::knock(hosts, cells, patience)?;
    Ok(Matrix { cells: cells.iter().cloned().zip(seen).collect(), took: begin.elapsed() })
}

/// [`probe`], and again with more patience where something that was said to pass did not: a loaded machine loses
/// packets. What did pass is a fact and is not asked again.
///
/// # Errors
/// As [`probe`].
pub fn probe_knowing(hosts: &[Place], ports: &[u16], said: impl Fn(&Cell) -> bool) -> Result<Matrix, LabError> {
    let mut matrix = probe(hosts, ports)?;
    for more in 1..=3 {
        let missing: Vec<Cell> =
            compare(&matrix, &said).into_iter().filter(|d| d.said).map(|difference| difference.cell).collect();
        if missing.is_empty() {
            break;
        }
        matrix.add(probe_cells(hosts, &missing, PATIENCE * 2 * more)?);
    }
    Ok(matrix)
}

/// The cells in which packets do something else than `said`: passing there and back, or nothing at either end.
pub fn compare(matrix: &Matrix, said: impl Fn(&Cell) -> bool) -> Vec<Difference> {
    let judge = |(cell, seen): (&Cell, &Seen)| {
        let said = said(cell);
        let agrees = if said { seen.passes() } else { *seen == Seen::NOTHING };
        (!agrees).then(|| Difference { cell: cell.clone(), said, seen: *seen })
    };
    matrix.cells.iter().filter_map(judge).collect()
}

/// Every question there is, in order.
#[must_use]
pub fn cells(hosts: &[Place], ports: &[u16]) -> Vec<Cell> {
    let ports: BTreeSet<u16> = ports.iter().copied().collect();
    let knocks: Vec<Knock> = ports
        .iter()
        .map(|port| Knock::Tcp(*port))
        .chain(ports.iter().map(|port| Knock::Udp(*port)))
        .chain([Knock::Icmp])
        .collect();
    let mut cells = Vec::new();
    for from in hosts {
        for to in hosts.iter().filter(|to| to.name != from.name) {
            let cell = |knock: &Knock| Cell { from: from.name.clone(), to: to.name.clone(), knock: *knock };
            cells.extend(knocks.iter().map(cell));
        }
    }
    cells
}

impl Lab {
    /// All hosts of all sites.
    ///
    /// # Errors
    /// Never for a lab that is up: its hosts have namespaces.
    pub fn places(&self) -> Result<Vec<Place>, LabError> {
        let mut places = Vec::new();
        for site in self.sites() {
            for host in &site.spec.hosts {
                let netns = self.netns(&format!("sk-{}-{}", site.spec.id, host.id))?.clone();
                places.push(Place { name: format!("{}/{}", site.spec.id, host.id), netns, address: host.address });
            }
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSES: Seen = Seen { arrived: true, answer: Answer::Answered };

    fn cell(from: &str, to: &str, knock: Knock) -> Cell {
        Cell { from: from.into(), to: to.into(), knock }
    }

    fn matrix(cells: &[(Cell, Seen)]) -> Matrix {
        Matrix { cells: cells.iter().cloned().collect(), took: Duration::ZERO }
    }

    #[test]
    fn exactly_the_cells_that_differ_are_told() {
        let (a, b, c, d) = (
            cell("a/1", "b/1", Knock::Tcp(443)),
            cell("a/1", "b/1", Knock::Udp(443)),
            cell("b/1", "a/1", Knock::Icmp),
            cell("b/1", "a/1", Knock::Tcp(22)),
        );
        let seen =
            matrix(&[(a.clone(), PASSES), (b.clone(), Seen::NOTHING), (c.clone(), PASSES), (d.clone(), Seen::NOTHING)]);
        assert_eq!(compare(&seen, |cell| [&a, &c].contains(&cell)), []);
        let told = compare(&seen, |cell| [&a, &d].contains(&cell));
        // In the order of cells: knocks of one pair stand as their kinds do.
        let expected = [
            Difference { cell: d, said: true, seen: Seen::NOTHING },
            Difference { cell: c, said: false, seen: PASSES },
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_half_way_is_a_difference_whatever_was_said() {
        let one = cell("a/1", "b/1", Knock::Udp(53));
        for half in [
            Seen { arrived: true, answer: Answer::Silent },
            Seen { arrived: false, answer: Answer::Refused },
            Seen { arrived: false, answer: Answer::Answered },
        ] {
            for said in [true, false] {
                assert_eq!(compare(&matrix(&[(one.clone(), half)]), |_| said).len(), 1, "{half:?} {said}");
            }
        }
        let reset = Seen { arrived: true, answer: Answer::Refused };
        assert_eq!(compare(&matrix(&[(one, reset)]), |_| true), []);
    }

    #[test]
    fn another_look_adds_and_never_takes_away() {
        let one = cell("a/1", "b/1", Knock::Tcp(53));
        let mut first = matrix(&[(one.clone(), Seen { arrived: true, answer: Answer::Silent })]);
        first.add(matrix(&[(one.clone(), Seen { arrived: false, answer: Answer::Refused })]));
        assert_eq!(first.cells[&one], Seen { arrived: true, answer: Answer::Refused });
        first.add(matrix(&[(one.clone(), Seen::NOTHING)]));
        assert_eq!(first.cells[&one], Seen { arrived: true, answer: Answer::Refused });
        assert_eq!(first.open().count(), 1);
    }
}
