//! The comparison as a person reads it, and as a program does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use lab::Answer;
use lab::reach::{Cell, Difference, Matrix, Seen};
use model::CookieOwner;
use serde_json::{Value, json as value};
use texts::{Arg, Texts};

use crate::{Said, Standing};

/// The matrix, what passes and why, and every difference.
pub fn tell(texts: &Texts, matrix: &Matrix, said: &Said, differences: &[Difference], standing: &Standing) -> String {
    let number = |n: usize| Arg::Number(n as i64);
    let say = |key: &str, args: &[(&str, Arg)]| texts.say(key, args);
    let mut out = say(
        "reach-title",
        &[("cells", number(matrix.cells.len())), ("seconds", Arg::text(format!("{:.1}", matrix.took.as_secs_f64())))],
    );
    out.push_str("\n\n");
    out.push_str(&grid(matrix, differences));
    let _ = writeln!(out, "\n{}\n", say("reach-legend", &[]));
    let open: Vec<&Cell> = matrix.open().collect();
    if open.is_empty() {
        let _ = writeln!(out, "{}", say("reach-nothing", &[]));
    } else {
        let _ = writeln!(out, "{}", say("reach-open", &[]));
        for cell in &open {
            let _ = writeln!(out, "  {cell}  ({})", owner(texts, cell, said.because(cell)));
        }
    }
    for (key, lines) in [("reach-foreign", &standing.foreign), ("reach-missing", &standing.missing)] {
        if !lines.is_empty() {
            let _ = writeln!(out, "\n{}\n  {}", say(key, &[]), lines.join("\n  "));
        }
    }
    out.push('\n');
    for difference in differences {
        let key = if difference.said { "reach-said-yes" } else { "reach-said-no" };
        let seen = Arg::Key(word(difference.seen).into());
        let _ = writeln!(out, "{}", say(key, &[("cell", Arg::text(&difference.cell)), ("seen", seen)]));
    }
    let summary = if differences.is_empty() { "reach-same" } else { "reach-differs" };
    let counts = [
        ("cells", number(matrix.cells.len())),
        ("open", number(open.len())),
        ("differences", number(differences.len())),
    ];
    let _ = writeln!(out, "{}", say(summary, &counts));
    out
}

/// The same as data: every cell with what was seen and said.
pub fn json(matrix: &Matrix, said: &Said, differences: &[Difference], standing: &Standing) -> Value {
    let cells: Vec<Value> = matrix
        .cells
        .iter()
        .map(|(cell, seen)| {
            value!({
                "from": cell.from,
                "to": cell.to,
                "knock": cell.knock.to_string(),
                "arrived": seen.arrived,
                "answer": answer(seen.answer),
                "proved": said.passes(cell),
                "because": said.because(cell).map(in_signs),
            })
        })
        .collect();
    let differences: Vec<String> = differences.iter().map(|difference| difference.cell.to_string()).collect();
    value!({
        "cells": cells,
        "differences": differences,
        "foreign": standing.foreign,
        "missing": standing.missing,
        "took-ms": matrix.took.as_millis() as u64,
    })
}

/// Rows knock at columns.
fn grid(matrix: &Matrix, differences: &[Difference]) -> String {
    let hosts: BTreeSet<&str> = matrix.cells.keys().flat_map(|cell| [cell.from.as_str(), cell.to.as_str()]).collect();
    let wrong: BTreeSet<(&str, &str)> =
        differences.iter().map(|d| (d.cell.from.as_str(), d.cell.to.as_str())).collect();
    let mut passing: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for cell in matrix.open() {
        *passing.entry((&cell.from, &cell.to)).or_default() += 1;
    }
    let width = hosts.iter().map(|host| host.len()).max().unwrap_or_default();
    let mut out = format!("{:width$}     ", "");
    for number in 1..=hosts.len() {
        let _ = write!(out, "{number:>4}");
    }
    out.push('\n');
    for (number, from) in hosts.iter().enumerate() {
        let _ = write!(out, "{from:width$} {:>4}", number + 1);
        for to in &hosts {
            let count = passing.get(&(from, to)).copied().unwrap_or_default();
            let mark = match (from == to, count) {
                (true, _) => String::new(),
                (false, 0) => "·".to_owned(),
                (false, count) => count.to_string(),
            };
            let alarm = if wrong.contains(&(*from, *to)) { "!" } else { "" };
            let _ = write!(out, "{:>4}", format!("{alarm}{mark}"));
        }
        out.push('\n');
    }
    out
}

fn owner(texts: &Texts, cell: &Cell, owner: Option<CookieOwner>) -> String {
    let site = Arg::text(cell.from.split('/').next().unwrap_or_default());
    let nth = |n: u32| [("number", Arg::Number(n.into())), ("site", site.clone())];
    match owner {
        Some(CookieOwner::Grant(id)) => texts.say("reach-owner-grant", &[("number", Arg::text(id))]),
        Some(CookieOwner::InHouse(n)) => texts.say("reach-owner-in-house", &nth(n)),
        Some(CookieOwner::Transit(n)) => texts.say("reach-owner-transit", &nth(n)),
        Some(CookieOwner::Standing) => texts.say("reach-owner-standing", &[]),
        Some(CookieOwner::Refusal) | None => texts.say("reach-owner-nobody", &[]),
    }
}

fn in_signs(owner: CookieOwner) -> String {
    match owner {
        CookieOwner::Standing => "standing".to_owned(),
        CookieOwner::Grant(id) => id.to_string(),
        CookieOwner::InHouse(n) => format!("in-house[{n}]"),
        CookieOwner::Transit(n) => format!("transit[{n}]"),
        CookieOwner::Refusal => "refusal".to_owned(),
    }
}

fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Answered => "answered",
        Answer::Refused => "refused",
        Answer::Silent => "silent",
    }
}

fn word(seen: Seen) -> &'static str {
    match (seen.arrived, seen.answer) {
        (true, Answer::Answered) => "reach-seen-both",
        (true, Answer::Refused) => "reach-seen-refused",
        (true, Answer::Silent) => "reach-seen-arrives",
        (false, Answer::Answered | Answer::Refused) => "reach-seen-answered",
        (false, Answer::Silent) => "reach-seen-nothing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::reach::Knock;
    use std::time::Duration;
    use texts::Lang;

    fn told(lang: Lang) -> String {
        let cell = |from: &str, to: &str, knock| Cell { from: from.into(), to: to.into(), knock };
        let leak = cell("a/1", "b/2", Knock::Tcp(443));
        let seen = Seen { arrived: true, answer: Answer::Silent };
        let cells = [
            (leak.clone(), seen),
            (cell("a/1", "b/2", Knock::Icmp), Seen::NOTHING),
            (cell("b/2", "a/1", Knock::Icmp), Seen::NOTHING),
        ];
        let matrix = Matrix { cells: cells.into(), took: Duration::from_millis(1234) };
        let said = Said::of(&BTreeMap::new(), &[]).unwrap();
        let standing = Standing { states: BTreeMap::new(), foreign: vec!["x".into()], missing: Vec::new() };
        let differences = lab::reach::compare(&matrix, |cell| said.passes(cell));
        assert_eq!(differences, [Difference { cell: leak, said: false, seen }]);
        let data = json(&matrix, &said, &differences, &standing);
        assert_eq!(data["differences"], value!(["a/1 → b/2 tcp/443"]));
        assert_eq!(data["cells"][0]["answer"], "silent");
        tell(&Texts::new(lang), &matrix, &said, &differences, &standing)
    }

    #[test]
    fn a_difference_is_marked_told_and_counted_in_both_languages() {
        let english = told(Lang::En);
        assert!(english.contains("a/1    1      !1"), "{english}");
        assert!(english.contains("b/2    2   ·"), "{english}");
        assert!(english.contains("a/1 → b/2 tcp/443: the proof says no, but it arrives, and no answer comes back"));
        assert!(english.contains("in 1 of them"));
        let japanese = told(Lang::Ja);
        for text in [&english, &japanese] {
            assert!(!text.contains("reach-") && !text.contains("{$"), "{text}");
        }
        assert!(japanese.contains("1 通りで"));
    }
}
