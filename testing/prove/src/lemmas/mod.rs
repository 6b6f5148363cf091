//! The lemmas. Each is a sentence with an id that never changes, what it is given, and what follows; and a twin that
//! lacks one of the givens and must fail, so that none holds for want of anything to hold of.

mod gateway;
mod invariants;
mod masks;
pub mod neighbours;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::solver::{Answer, Solver};
use crate::term::{Term, Values};

pub use world::World;

/// A sentence to prove.
pub struct Lemma {
    /// Stable; never used again for another.
    pub id: &'static str,
    pub says: &'static str,
    /// Invariants and requirements it serves.
    pub serves: &'static [&'static str],
    /// What is assumed, by name.
    pub given: Vec<(&'static str, Term)>,
    pub then: Term,
    /// Without any one of these it must be false.
    pub needs: &'static [&'static str],
    /// Names of the fields that a counter-example shows first, by prefix.
    pub shows: &'static [&'static str],
}

/// What came of one.
pub struct Outcome {
    pub verdict: Verdict,
    pub took: Duration,
    /// For each given that is needed: the counter-example without it.
    pub twins: Vec<(&'static str, Values)>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It follows, its givens can be met, and each twin fails.
    Proved,
    /// It does not follow; this is how.
    Refuted(String),
    /// Its givens contradict each other.
    Vacuous,
    /// It follows without this given too: then the sentence, or the given, says too little.
    Idle(&'static str),
    /// The solver gave values that the evaluator does not agree with.
    Disputed(&'static str),
    /// No answer in time.
    Unknown,
}

/// All lemmas, in order.
pub fn lemmas() -> Vec<Lemma> {
    let mut all = masks::lemmas();
    all.extend(invariants::lemmas());
    all.extend(gateway::lemmas());
    all.extend(neighbours::lemmas());
    all
}

/// Proves these lemmas, by their places in [`lemmas`]; as many at a time as there are processors, each with solvers of its
/// own. Tells of each in the order asked for, as soon as those before it are told.
pub fn prove_all(solver: &Solver, places: &[usize], mut tell: impl FnMut(&Lemma, Result<Outcome, String>)) {
    let next = AtomicUsize::new(0);
    let at_a_time = thread::available_parallelism().map_or(1, |n| n.get()).min(places.len());
    thread::scope(|scope| {
        let (done, outcomes) = mpsc::channel();
        for _ in 0..at_a_time {
            let (done, next) = (done.clone(), &next);
            scope.spawn(move || {
                // Terms stay in the thread that made them.
                let all = lemmas();
                while let Some(turn) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < places.len()) {
                    if done.send((turn, all[places[turn]].prove(solver))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let (all, mut early, mut told) = (lemmas(), BTreeMap::new(), 0);
        for (turn, outcome) in outcomes {
            early.insert(turn, outcome);
            while let Some(outcome) = early.remove(&told) {
                tell(&all[places[told]], outcome);
                told += 1;
            }
        }
    });
}

impl Lemma {
    /// Asks the solver three questions: does it follow, can the givens be met, does each twin fail?
    pub fn prove(&self, solver: &Solver) -> Result<Outcome, String> {
        let begin = Instant::now();
        let given = |without: Option<&str>| -> Vec<Term> {
            self.given.iter().filter(|(name, _)| Some(*name) != without).map(|(_, t)| t.clone()).collect()
        };
        let refuted = |without| {
            let mut terms = given(without);
            terms.push(!&self.then);
            terms
        };
        let mut twins = Vec::new();
        let mut verdict = || -> Result<Verdict, String> {
            match solver.ask(&refuted(None))? {
                Answer::Unsat => {}
                Answer::Sat(values) => return Ok(Verdict::Refuted(self.show(&values))),
                Answer::Unknown => return Ok(Verdict::Unknown),
            }
            match solver.ask(&given(None))? {
                Answer::Sat(values) if agrees(&given(None), &values) => {}
                Answer::Sat(_) => return Ok(Verdict::Disputed("the givens")),
                Answer::Unsat => return Ok(Verdict::Vacuous),
                Answer::Unknown => return Ok(Verdict::Unknown),
            }
            for name in self.needs.iter().copied() {
                assert!(self.given.iter().any(|(given, _)| *given == name), "{}: {name} is not given", self.id);
                let terms = refuted(Some(name));
                match solver.ask(&terms)? {
                    Answer::Sat(values) if agrees(&terms, &values) => twins.push((name, *values)),
                    Answer::Sat(_) => return Ok(Verdict::Disputed(name)),
                    Answer::Unsat => return Ok(Verdict::Idle(name)),
                    Answer::Unknown => return Ok(Verdict::Unknown),
                }
            }
            Ok(Verdict::Proved)
        };
        let verdict = verdict()?;
        Ok(Outcome { verdict, took: begin.elapsed(), twins })
    }

    /// Which givens it cannot do without: for who writes a lemma.
    pub fn needed(&self, solver: &Solver) -> Result<Vec<&'static str>, String> {
        let mut out = Vec::new();
        for (name, _) in &self.given {
            let mut terms: Vec<Term> = self.given.iter().filter(|(n, _)| n != name).map(|(_, t)| t.clone()).collect();
            terms.push(!&self.then);
            if matches!(solver.ask(&terms)?, Answer::Sat(_)) {
                out.push(*name);
            }
        }
        Ok(out)
    }

    /// A counter-example as a packet and what it met.
    pub fn show(&self, values: &Values) -> String {
        crate::show::example(values, self.shows)
    }
}

/// Are all of these true under the solver's values, by our own reading of them?
fn agrees(terms: &[Term], values: &Values) -> bool {
    terms.iter().all(|t| t.holds(values))
}
