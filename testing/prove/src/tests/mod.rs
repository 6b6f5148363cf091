//! Every lemma, and the restatement held to the code.

mod agree;
mod encode;
mod neighbours;
mod universe;

use crate::lemmas::{Verdict, lemmas, prove_all};
use crate::solver::Solver;

/// No solver is a failure, never a pass.
#[test]
fn every_lemma_holds_and_every_twin_fails() {
    let solver = Solver::find().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let all: Vec<usize> = (0..lemmas().len()).collect();
    prove_all(&solver, &all, |lemma, outcome| {
        assert!(seen.insert(lemma.id), "{} twice", lemma.id);
        assert!(!lemma.needs.is_empty(), "{} has no twin", lemma.id);
        let outcome = outcome.unwrap();
        assert_eq!(outcome.verdict, Verdict::Proved, "{} {}", lemma.id, lemma.says);
        assert_eq!(outcome.twins.len(), lemma.needs.len());
    });
    assert_eq!(seen.len(), all.len(), "each was told");
}
