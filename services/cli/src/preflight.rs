//! `sekisho preflight`: may this terminal join (R1)? Needs no configuration, for the terminal has none yet.

use std::io::{IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::path::Path;

use ::preflight::{Facts, Families, Group, LineKind, Medium, Outcome, Probes, Report, Rules, Verdict, judge};
use serde::Serialize;
use texts::{Arg, Texts};

use crate::arguments::PreflightQuestion;
use crate::failure::{Failure, Unfit};
use crate::render::Shown;

/// Finds out, judges, and says it.
pub async fn run(question: &PreflightQuestion, texts: &Texts, json: bool) -> Result<Shown, Failure> {
    let (rules, families) = (Rules::shipped(), Families::shipped());
    let mut facts = match &question.facts {
        Some(file) => read(file)?,
        None => ::probing::collect(Path::new("/"), &question.place, &families, question.line),
    };
    if facts.line.told.is_none() && facts.line.seen != Some(Medium::Mobile) && question.facts.is_none() && !json {
        facts.line.told = asked(texts);
    }
    if let Some(center) = &question.center {
        let at = found(center, rules.ports.tcp).await?;
        let probes = ::probing::ask(at, rules.ports, ::probing::PATIENCE).await;
        facts.probes = Some(Probes { center: center.clone(), ..probes });
    }
    if question.only_facts {
        return Ok(Shown::plain(&facts, serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n"));
    }
    Ok(shown(&judge(&facts, &rules, &families), facts.probes.as_ref(), texts, question.all))
}

fn read(file: &Path) -> Result<Facts, Failure> {
    let read = serde_json::from_str(&files::text(file)?);
    read.map_err(|e| files::Fault::of(file, Unfit::Misread { said: e.to_string() }).into())
}

async fn found(center: &str, port: u16) -> Result<IpAddr, Failure> {
    let unreachable = |why: String| Failure::Unreachable { what: center.to_owned(), why };
    let mut all = tokio::net::lookup_host((center, port)).await.map_err(|e| unreachable(e.to_string()))?;
    all.next().map(|at| at.ip()).ok_or_else(|| unreachable("it has no address".to_owned()))
}

/// The kind of the line, if there is somebody to ask and the answer is one.
fn asked(texts: &Texts) -> Option<LineKind> {
    let (ears, mouth) = (std::io::stdin(), std::io::stderr());
    if !ears.is_terminal() || !mouth.is_terminal() {
        return None;
    }
    let kinds: Vec<&str> = LineKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let _ = write!(&mouth, "{} ", texts.say("preflight-line-question", &[("kinds", kinds.join(", ").into())]));
    let mut said = String::new();
    ears.read_line(&mut said).ok()?;
    said.trim().parse().ok()
}

/// A verdict in words.
#[derive(Serialize)]
struct Said<'r> {
    #[serde(flatten)]
    verdict: &'r Verdict,
    text: String,
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Serialize)]
struct Document<'r> {
    rules: &'r [String; 2],
    outcome: Outcome,
    text: &'r str,
    verdicts: Vec<Said<'r>>,
    probes: Option<&'r Probes>,
}

fn shown(report: &Report, probes: Option<&Probes>, texts: &Texts, all: bool) -> Shown {
    let said: Vec<Said<'_>> = report
        .verdicts
        .iter()
        .map(|verdict| {
            let args: Vec<(&str, Arg)> = verdict.args.iter().map(|(n, v)| (*n, v.as_str().into())).collect();
            let mend = verdict.mend.as_ref().map(|key| texts.say(key, &args));
            Said { verdict, text: texts.say(&verdict.key, &args), mend }
        })
        .collect();
    let mut lines = Vec::new();
    for group in Group::ALL {
        lines.push((texts.say(group.key(), &[]), String::new()));
        let of_group = || said.iter().filter(|s| s.verdict.group == group);
        // Of eighteen families, those that are not there are one line.
        let quiet = group == Group::Software && !all;
        if quiet && of_group().all(|s| s.verdict.outcome == Outcome::Holds) {
            let count = Arg::Number(i64::try_from(of_group().count()).unwrap_or_default());
            lines.push((word(Outcome::Holds, texts), texts.say("preflight-all-software", &[("count", count)])));
        }
        for one in of_group().filter(|s| !quiet || s.verdict.outcome != Outcome::Holds) {
            lines.push((word(one.verdict.outcome, texts), one.text.clone()));
            lines.extend(one.mend.iter().map(|mend| (format!("  {}", texts.say("preflight-do", &[])), mend.clone())));
        }
    }
    let failed = report.verdicts.iter().filter(|v| v.outcome == Outcome::Fails).count();
    let all_key = match report.outcome {
        Outcome::Holds => "preflight-all-holds",
        Outcome::Warns => "preflight-all-warns",
        Outcome::Unknown => "preflight-all-unknown",
        Outcome::Fails => "preflight-all-fails",
    };
    let count = Arg::Number(i64::try_from(failed).unwrap_or_default());
    let text = texts.say(all_key, &[("count", count)]);
    let document = Document { rules: &report.rules, outcome: report.outcome, text: &text, verdicts: said, probes };
    let mut shown = Shown::lines(&document, &lines);
    shown.append("");
    shown.append(&text);
    shown.exit_code = u8::from(matches!(report.outcome, Outcome::Fails | Outcome::Unknown));
    shown
}

fn word(outcome: Outcome, texts: &Texts) -> String {
    format!("  {}", texts.say(outcome.key(), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::Lang;

    fn facts(name: &str) -> Facts {
        let path = format!("{}/../../core/preflight/tests/machines/{name}.json", env!("CARGO_MANIFEST_DIR"));
        read(Path::new(&path)).unwrap()
    }

    fn said(name: &str, lang: Lang, all: bool) -> Shown {
        let report = judge(&facts(name), &Rules::shipped(), &Families::shipped());
        shown(&report, None, &Texts::new(lang), all)
    }

    #[test]
    fn what_fails_is_told_with_its_mend_in_both_languages_r1() {
        let en = said("windows-7-with-much", Lang::En, false);
        assert_eq!(en.exit_code, 1);
        assert!(en.text().contains("OpenVPN client: found as program OpenVPN 2.3.10-I603"), "{}", en.text());
        assert!(en.text().contains("stop and remove the OpenVPN client"));
        assert!(en.text().trim_end().ends_with("9 things have to be mended"), "{}", en.text());
        assert!(!en.text().contains("Check Point*") && !en.text().contains("{$"));
        let ja = said("windows-7-with-much", Lang::Ja, false);
        assert!(ja.text().contains("直すところが 9 件"), "{}", ja.text());
        assert!(ja.text().contains("要件を満たせない回線です"));
    }

    #[test]
    fn what_is_good_is_short_unless_all_is_wanted_r1() {
        let short = said("windows-10-clean", Lang::En, false);
        assert_eq!(short.exit_code, 0);
        assert!(short.text().contains("none of the 18 families") && !short.text().contains("Odyssey"));
        assert!(said("windows-10-clean", Lang::En, true).text().contains("6 Juniper Odyssey Client: not found"));
        assert_eq!(said("macos-10.12-unasked", Lang::En, false).exit_code, 1, "not known is not yes");
    }
}
