//! Tier 3 of the proof, offline: the lemma behind the other two. Whatever rules, tunnels and filters stand, if each keeps
//! its local condition, every packet keeps the invariants; shown for all packets and all rules at once, at full width,
//! by a solver of bit-vectors.
//!
//! This crate must not know the planner, and knows the verifier in its tests only, where its restatement of the
//! verifier's conditions is held to the code. Numbers and tables (tags, cookies, states, zone matrix) come from `model`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod facts;
mod gateway;
mod lemmas;
mod passage;
mod rules;
mod show;
mod solver;
mod symbol;
mod term;
#[cfg(test)]
mod tests;
mod walk;

use std::process::ExitCode;

use lemmas::{Lemma, Outcome, Verdict, lemmas, prove_all};
use solver::Solver;

const HELP: &str = "\
sekisho-prove [--solver z3|cvc5] [--twins] [--needed] [ID…]

  --twins    also print each counter-example that shows a given is needed
  --needed   print which givens each lemma cannot do without, and prove nothing
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("sekisho-prove: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(args: impl Iterator<Item = String>) -> Result<bool, String> {
    let (mut name, mut twins, mut needed, mut ids) = (None, false, false, Vec::new());
    let mut args = args;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--solver" => name = Some(args.next().ok_or("--solver wants a name")?),
            "--twins" => twins = true,
            "--needed" => needed = true,
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(true);
            }
            id if !id.starts_with('-') => ids.push(id.to_owned()),
            other => return Err(format!("there is no option `{other}`\n\n{HELP}")),
        }
    }
    let solver = name.map_or_else(Solver::find, |n| Solver::named(&n))?;
    let all = lemmas();
    if let Some(id) = ids.iter().find(|id| all.iter().all(|l| l.id != **id)) {
        return Err(format!("there is no lemma {id}"));
    }
    let wanted = |l: &Lemma| ids.is_empty() || ids.iter().any(|id| id == l.id);
    let chosen: Vec<usize> = (0..all.len()).filter(|n| wanted(&all[*n])).collect();
    println!("solver  {solver}, at most {} s a question", solver::SECONDS);
    if needed {
        for lemma in chosen.iter().map(|n| &all[*n]) {
            println!("{}  {}", lemma.id, lemma.needed(&solver)?.join(", "));
        }
        return Ok(true);
    }
    let mut good: Result<bool, String> = Ok(true);
    prove_all(&solver, &chosen, |lemma, outcome| {
        let one = outcome.map(|outcome| told(lemma, &outcome, twins));
        good = good.clone().and_then(|so_far| Ok(one? && so_far));
    });
    let good = good?;
    println!("{}", if good { "all proved, all twins fail" } else { "NOT PROVED" });
    Ok(good)
}

/// Prints what came of one; true if it is proved.
fn told(lemma: &Lemma, outcome: &Outcome, twins: bool) -> bool {
    let (word, more) = match &outcome.verdict {
        Verdict::Proved => ("proved", String::new()),
        Verdict::Refuted(example) => ("REFUTED", example.clone()),
        Verdict::Vacuous => ("VACUOUS", "what it is given contradicts itself".to_owned()),
        Verdict::Idle(given) => ("IDLE", format!("it holds without `{given}`")),
        Verdict::Disputed(what) => ("DISPUTED", format!("solver and evaluator differ about {what}")),
        Verdict::Unknown => ("UNKNOWN", "no answer in time".to_owned()),
    };
    println!("{:4} {word:8} {:6} ms  {} [{}]", lemma.id, outcome.took.as_millis(), lemma.says, lemma.serves.join(" "));
    for line in more.lines() {
        println!("       {line}");
    }
    for (given, values) in outcome.twins.iter().filter(|_| twins) {
        println!("       without `{given}`:");
        for line in lemma.show(values).lines() {
            println!("         {line}");
        }
    }
    outcome.verdict == Verdict::Proved
}
