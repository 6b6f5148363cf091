//! Facts and rules in, verdicts out.

use std::collections::BTreeMap;

use crate::facts::{Facts, LineKind, Medium, NotTried, Passing, Probes};
use crate::families::{Families, Family};
use crate::nat::Nat;
use crate::rules::Rules;
use crate::verdict::{Group, Outcome, Report, Verdict};

/// Judges everything, in the order of the source.
pub fn judge(facts: &Facts, rules: &Rules, families: &Families) -> Report {
    let mut verdicts = vec![line(facts, rules), os(facts, rules), disk(facts, rules)];
    verdicts.extend(families.all().iter().map(|one| family(facts, one)));
    verdicts.extend(passages(facts, rules));
    let outcome = verdicts.iter().map(|v| v.outcome).max().unwrap_or(Outcome::Unknown);
    Report { rules: [rules.edition.clone(), families.edition.clone()], outcome, verdicts }
}

/// A verdict; its texts are `preflight-{word}` and, unless it holds, `preflight-{word}-do`.
fn say(item: &str, group: Group, outcome: Outcome, word: &str, args: &[(&'static str, &str)]) -> Verdict {
    Verdict {
        item: item.to_owned(),
        group,
        outcome,
        key: format!("preflight-{word}"),
        mend: (outcome != Outcome::Holds).then(|| format!("preflight-{word}-do")),
        args: args.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<BTreeMap<_, _>>(),
    }
}

fn line(facts: &Facts, rules: &Rules) -> Verdict {
    let say = |outcome, word: &str| say("line", Group::Line, outcome, word, &[]);
    // What is seen counts before what is said: a terminal on its modem does not use the fibre of the house.
    let kind = match (facts.line.seen, facts.line.told) {
        (Some(Medium::Mobile), _) => LineKind::Mobile,
        (_, Some(kind)) => kind,
        (Some(Medium::Wifi), None) => return say(Outcome::Unknown, "line-ask-wifi"),
        (Some(Medium::Dialled), None) => return say(Outcome::Unknown, "line-ask-dialled"),
        (Some(Medium::Cable) | None, None) => return say(Outcome::Unknown, "line-ask"),
    };
    let rule = rules.line.iter().find(|rule| rule.kind == kind);
    let outcome = rule.map_or(Outcome::Unknown, |rule| rule.outcome);
    match outcome {
        Outcome::Holds => say(outcome, &format!("line-{kind}")),
        _ => Verdict { mend: Some("preflight-line-do".to_owned()), ..say(outcome, &format!("line-{kind}")) },
    }
}

fn os(facts: &Facts, rules: &Rules) -> Verdict {
    let os = &facts.os;
    let args = [("name", os.name.as_str()), ("version", os.version.as_str())];
    let say = |outcome, word, args: &[_]| say("os", Group::Terminal, outcome, word, args);
    match rules.admits(os) {
        None => say(Outcome::Fails, "os-not-admitted", &args),
        Some(rule) => match rule.ended.as_deref().filter(|ended| facts.today.as_str() >= *ended) {
            // Days are written so that their order is that of their letters.
            Some(ended) => say(rules.ended, "os-ended", &[args[0], args[1], ("ended", ended)]),
            None => say(Outcome::Holds, "os-admitted", &[args[0], args[1], ("rule", &rule.name)]),
        },
    }
}

fn disk(facts: &Facts, rules: &Rules) -> Verdict {
    let wanted = rules.disk.wanted(facts.os.platform);
    let say = |outcome, word, free: &str| {
        say("disk", Group::Terminal, outcome, word, &[("free", free), ("wanted", &wanted.to_string())])
    };
    match facts.free_mb {
        None => say(Outcome::Unknown, "disk-unknown", ""),
        Some(free) if free < wanted => say(Outcome::Fails, "disk-full", &free.to_string()),
        Some(free) => say(Outcome::Holds, "disk-free", &free.to_string()),
    }
}

fn family(facts: &Facts, family: &Family) -> Verdict {
    let item = format!("family-{}", family.number);
    let number = family.number.to_string();
    let signs = family.signs(facts.os.platform);
    let say = |outcome, word: &str, what: &str, mend: Option<String>| Verdict {
        mend,
        ..say(&item, Group::Software, outcome, word, &[("number", &number), ("name", &family.name), ("what", what)])
    };
    if signs.is_empty() {
        return say(Outcome::Holds, "family-not-here", "", None);
    }
    if let Some(seen) = signs.iter().find_map(|sign| sign.seen(&facts.items)) {
        let told = |i: &&crate::Item| match &i.version {
            Some(version) => format!("{} {} {version}", i.kind, i.name),
            None => format!("{} {}", i.kind, i.name),
        };
        let what: Vec<String> = seen.iter().map(told).collect();
        let what = what.join(", ");
        if family.unless_all_passes && facts.probes.as_ref().is_some_and(all_passes) {
            return say(Outcome::Holds, "family-lets-pass", &what, None);
        }
        let mend = format!("preflight-family-{}-do", family.key);
        return say(family.outcome, "family-found", &what, Some(mend));
    }
    let blind = signs.iter().flat_map(|sign| sign.kinds()).find(|kind| !facts.collected.contains(kind));
    match blind {
        Some(kind) => {
            say(Outcome::Unknown, "family-unknown", kind.as_str(), Some("preflight-family-unknown-do".to_owned()))
        }
        None => say(Outcome::Holds, "family-absent", "", None),
    }
}

fn all_passes(probes: &Probes) -> bool {
    let ends = [&probes.tcp, &probes.ike, &probes.nat_traversal];
    ends.iter().all(|p| **p == Passing::Answered)
}

fn passages(facts: &Facts, rules: &Rules) -> Vec<Verdict> {
    let ports = rules.ports;
    let items = [
        (format!("tcp-{}", ports.tcp), "tcp", ports.tcp.to_string()),
        (format!("udp-{}", ports.ike), "ike", ports.ike.to_string()),
        (format!("udp-{}", ports.nat_traversal), "nat-traversal", ports.nat_traversal.to_string()),
        ("esp".to_owned(), "esp", "50".to_owned()),
    ];
    let Some(probes) = &facts.probes else {
        let nobody = |item: &str, port: &str| {
            say(item, Group::Passage, Outcome::Unknown, "nobody-asked", &[("what", item), ("port", port)])
        };
        let mut out: Vec<Verdict> = items.iter().map(|(item, _, port)| nobody(item, port)).collect();
        out.push(nobody("nat", ""));
        return out;
    };
    let answers = [&probes.tcp, &probes.ike, &probes.nat_traversal, &probes.esp];
    let mut out: Vec<Verdict> = items
        .iter()
        .zip(answers)
        .map(|((item, word, port), passing)| passage(item, word, port, passing, probes))
        .collect();
    out.push(translation(probes));
    out
}

fn passage(item: &str, word: &str, port: &str, passing: &Passing, probes: &Probes) -> Verdict {
    let say = |outcome, word: &str, why: &str| {
        let args = [("what", item), ("port", port), ("center", probes.center.as_str()), ("why", why)];
        say(item, Group::Passage, outcome, word, &args)
    };
    // Behind a translation ESP goes inside UDP 4500 (RFC 3948), so it need not pass by itself.
    let carried = word == "esp" && translated(probes) && probes.nat_traversal == Passing::Answered;
    let named = |verdict: Verdict| Verdict { mend: Some(format!("preflight-{word}-do")), ..verdict };
    match passing {
        Passing::Answered => say(Outcome::Holds, &format!("{word}-passes"), ""),
        Passing::Silent | Passing::Refused if carried => say(Outcome::Holds, "esp-carried", ""),
        Passing::Silent => named(say(Outcome::Fails, &format!("{word}-silent"), "")),
        Passing::Refused => named(say(Outcome::Fails, &format!("{word}-refused"), "")),
        Passing::Other => say(Outcome::Fails, "other-answers", ""),
        Passing::NotTried(NotTried::NoRight) => say(Outcome::Unknown, "no-right", ""),
        Passing::NotTried(NotTried::Failed(why)) => say(Outcome::Unknown, "not-tried", why),
    }
}

fn translated(probes: &Probes) -> bool {
    probes.nat.iter().flatten().any(|seen| seen.nat != Nat::Nobody)
}

fn translation(probes: &Probes) -> Verdict {
    let seen = probes.nat.iter().flatten();
    // Of two answers the one that saw a translation knows more.
    let Some(seen) = seen.max_by_key(|seen| (seen.nat != Nat::Nobody, seen.appears_as.is_some())) else {
        return say("nat", Group::Passage, Outcome::Unknown, "nat-unknown", &[]);
    };
    let address = seen.appears_as.map(|a| a.to_string()).unwrap_or_else(|| "–".to_owned());
    let say = |outcome, word| say("nat", Group::Passage, outcome, word, &[("address", &address)]);
    match (seen.nat, &probes.nat_traversal) {
        (Nat::Nobody, _) => say(Outcome::Holds, "nat-nobody"),
        (Nat::Here | Nat::There | Nat::Both, Passing::Answered) => say(Outcome::Holds, "nat-traversed"),
        (Nat::Here | Nat::There | Nat::Both, Passing::NotTried(_)) => say(Outcome::Unknown, "nat-not-tried"),
        (Nat::Here | Nat::There | Nat::Both, Passing::Silent | Passing::Refused | Passing::Other) => {
            say(Outcome::Fails, "nat-not-traversed")
        }
    }
}
