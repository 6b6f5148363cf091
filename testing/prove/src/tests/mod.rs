//! Every lemma, and the restatement held to the code.

mod agree;
mod encode;
mod universe;

use crate::lemmas::{Verdict, lemmas};
use crate::solver::Solver;

/// No solver is a failure, never a pass.
#[test]
fn every_lemma_holds_and_every_twin_fails() {
    let solver = Solver::find().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for lemma in lemmas() {
        assert!(seen.insert(lemma.id), "{} twice", lemma.id);
        assert!(!lemma.needs.is_empty(), "{} has no twin", lemma.id);
        let outcome = lemma.prove(&solver).unwrap();
        assert_eq!(outcome.verdict, Verdict::Proved, "{} {}", lemma.id, lemma.says);
        assert_eq!(outcome.twins.len(), lemma.needs.len());
    }
}
