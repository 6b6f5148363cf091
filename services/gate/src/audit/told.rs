//! What an audit found, as the person who asked reads it.

use model::FlowRule;
use std::fmt::Write as _;
use texts::{Arg, Texts};
use verify::Refutation;

/// A line for each finding, and the verdict last; entries and rules as `ovs-ofctl` writes them, in every language.
pub fn told(audit: &site::Audit, texts: &Texts) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut line = |key: &str, args: &[(&str, Arg)]| {
        let _ = writeln!(out, "{}", texts.say(key, args));
    };
    for strange in &audit.strange {
        line("gate-audit-strange", &[("entry", Arg::text(strange))]);
    }
    if !audit.strange.is_empty() {
        line("gate-audit-strange-do", &[]);
    }
    for (key, to_do, rules) in [
        ("gate-audit-missing", "gate-audit-missing-do", &audit.missing),
        ("gate-audit-surplus", "gate-audit-surplus-do", &audit.surplus),
    ] {
        for rule in rules {
            line(key, &[("rule", Arg::text(entry(rule, texts)))]);
        }
        if !rules.is_empty() {
            line(to_do, &[]);
        }
    }
    match &audit.verdict {
        Ok(state) => {
            let key = if audit.is_clean() { "gate-audit-proved" } else { "gate-audit-unlike" };
            let generation = Arg::text(state.state().generation);
            line(key, &[("entries", Arg::Number(audit.entries as i64)), ("generation", generation)]);
        }
        Err(refutation) => refuted(refutation, texts, &mut line),
    }
    out
}

fn entry(rule: &FlowRule, texts: &Texts) -> String {
    match site::to_entry(rule) {
        Ok((key, body)) => site::to_add(&key, &body).to_string(),
        Err(error) => {
            let args = [("rule", Arg::text(format!("{rule:?}"))), ("error", Arg::text(error))];
            texts.say("gate-audit-unsaid", &args)
        }
    }
}

fn refuted(r: &Refutation, texts: &Texts, line: &mut impl FnMut(&str, &[(&str, Arg)])) {
    let say = |key: &str, args: Vec<(&'static str, String)>| {
        let args: Vec<(&str, Arg)> = args.iter().map(|(name, text)| (*name, Arg::text(text))).collect();
        Arg::text(texts.say(key, &args))
    };
    line("gate-audit-refuted", &[("id", Arg::text(r.invariant.id())), ("statement", say(r.key(), r.args()))]);
    if let Some(packet) = &r.packet {
        line("gate-audit-packet", &[("packet", Arg::text(packet))]);
    }
    for hop in &r.path {
        line("gate-audit-path", &[("hop", say(hop.key(), hop.args()))]);
    }
    line("gate-audit-because", &[("because", say(r.because.key(), r.because.args()))]);
    line("gate-audit-do", &[("remedy", say(r.remedy_key(), r.args()))]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Network, SiteState, parse_document};
    use std::collections::BTreeMap;
    use texts::Lang;

    fn clinic() -> SiteState {
        let document = parse_document("clinic", include_str!("../../../../core/model/tests/documents/clinic.toml"));
        let network = Network::default().with(&[document.unwrap()]).unwrap();
        let (_, delta) = plan::apply(&network, &[], &BTreeMap::new()).unwrap().sites.into_iter().next().unwrap();
        let mut state = SiteState::empty(delta.facts.clone().unwrap());
        state.advance(&delta).unwrap();
        state
    }

    fn audit(change: impl FnOnce(&mut SiteState)) -> site::Audit {
        let wanted = clinic();
        let mut stands = wanted.clone();
        change(&mut stands);
        let missing = wanted.rules.difference(&stands.rules).cloned().collect();
        let surplus = stands.rules.difference(&wanted.rules).cloned().collect();
        let entries = stands.rules.len();
        site::Audit { entries, missing, surplus, strange: Vec::new(), verdict: verify::check_state(stands) }
    }

    #[test]
    fn every_kind_of_finding_is_told_in_both_languages() {
        let clean = audit(|_| {});
        let door = |state: &mut SiteState| {
            let mut rule = state.rules.iter().find(|r| r.table == model::Table::Connections).unwrap().clone();
            rule.matches = model::FlowMatch {
                in_port: rule.matches.in_port,
                eth_type: rule.matches.eth_type,
                ..model::FlowMatch::default()
            };
            (rule.priority, rule.actions) = (3000, vec![model::Action::Goto(model::Table::Forwarding)]);
            state.rules.insert(rule);
            let gone = state.rules.first().unwrap().clone();
            state.rules.remove(&gone);
        };
        let mut broken = audit(door);
        broken.strange.push("table=0, priority=1, actions=NORMAL (an action we never use)".to_owned());
        let begins = |lang, audit: &site::Audit, starts: &[&str]| {
            let told = told(audit, &Texts::new(lang));
            for start in starts {
                assert!(told.lines().any(|line| line.starts_with(start)), "{start} in:\n{told}");
            }
            assert!(!told.contains("gate-audit") && !told.contains("verify-"), "{told}");
        };
        begins(Lang::En, &clean, &["proved: "]);
        begins(Lang::Ja, &clean, &["証明済み: "]);
        let en = ["not a rule of ours: ", "wanted, and not", "on the switch, and", "refuted: I", "because: ", "way: "];
        begins(Lang::En, &broken, &en);
        let ja = ["Sekisho のものではない項目: ", "あるべきなのに", "スイッチにあるが", "反証: I", "原因: ", "経路: "];
        begins(Lang::Ja, &broken, &ja);
        // Nothing broken, and not what is wanted either.
        let unlike = audit(|state| drop(state.rules.pop_last()));
        if unlike.verdict.is_ok() {
            begins(Lang::En, &unlike, &["proved, but not"]);
        }
    }
}
