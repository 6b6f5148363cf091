//! What happened: the three points of lines, and why something does not work.

use model::{GrantId, Timestamp, Within};
use texts::{Arg, Texts};
use wire::inquiry::{MatchPage, MatchedLine, MatchedPoint, WhyCall, WhyReport};

use crate::failure::Failure;
use crate::operator::Operator;
use crate::render::Shown;

/// `log match`: every page of the log, or one line.
pub async fn match_lines(
    operator: &mut Operator,
    texts: &Texts,
    grant: Option<GrantId>,
    after: Option<u64>,
) -> Result<Shown, Failure> {
    let mut all = MatchPage { lines: Vec::new(), next: None };
    let mut after = after;
    loop {
        let path = match (grant, after) {
            (Some(grant), _) => format!("/v1/log/match?grant={grant}"),
            (None, Some(after)) => format!("/v1/log/match?after={after}"),
            (None, None) => "/v1/log/match".to_owned(),
        };
        let page: MatchPage = operator.json().get(&path).await?;
        all.lines.extend(page.lines);
        match page.next {
            Some(next) if grant.is_none() => after = Some(next),
            _ => return Ok(matched(texts, &all, grant.is_some())),
        }
    }
}

fn matched(texts: &Texts, page: &MatchPage, at_length: bool) -> Shown {
    let mut lines = Vec::new();
    for line in &page.lines {
        let findings = Arg::Number(i64::try_from(line.findings.len()).unwrap_or(i64::MAX));
        let key = if line.agree { "cli-match-agrees" } else { "cli-match-differs" };
        let args = [("line", Arg::Text(name(texts, line))), ("findings", findings)];
        lines.push((texts.say("cli-label-points", &[]), texts.say(key, &args)));
        for point in line.points.iter().filter(|_| at_length) {
            lines.push((texts.say(&format!("point-{}", point.point), &[]), recorded(texts, point)));
        }
        for finding in &line.findings {
            let section = texts.say(finding.section.key(), &[]);
            let args = [("text", Arg::text(&finding.text)), ("section", section.into())];
            lines.push((texts.say("cli-label-finding", &[]), texts.say("cli-match-finding", &args)));
        }
    }
    let count = |n: usize| Arg::Number(i64::try_from(n).unwrap_or(i64::MAX));
    let differ = page.lines.iter().filter(|l| !l.agree).count();
    let sum = match page.lines.len() {
        0 => texts.say("cli-match-none", &[]),
        all => texts.say("cli-match-sum", &[("lines", count(all)), ("differ", count(differ))]),
    };
    lines.push((texts.say("cli-label-sum", &[]), sum));
    let mut shown = Shown::lines(page, &lines);
    shown.exit_code = u8::from(differ > 0);
    shown
}

/// What a point recorded, in a line; what it did not is a dash.
fn recorded(texts: &Texts, point: &MatchedPoint) -> String {
    let none = || "–".to_owned();
    let at = |when: Option<Timestamp>| Arg::Text(when.map_or_else(none, |at| at.to_string()));
    let within = |when: Option<Within>| match when {
        Some(when) if when.from == when.to => at(Some(when.to)),
        Some(when) => Arg::Text(format!("{} … {}", when.from, when.to)),
        None => at(None),
    };
    let count = |n: Option<u64>| Arg::Text(n.map_or_else(none, |n| n.to_string()));
    let args = [
        ("opened", at(point.opened)),
        ("first", within(point.first)),
        ("last", within(point.last)),
        ("packets", count(point.packets)),
        ("bytes", count(point.bytes)),
        ("closed", at(point.closed)),
    ];
    texts.say("cli-match-point", &args)
}

fn name(texts: &Texts, line: &MatchedLine) -> String {
    let grant = ("grant", Arg::text(line.grant));
    match (&line.from, &line.service) {
        (Some(from), Some(service)) => {
            texts.say("cli-match-line", &[grant, ("from", Arg::text(from)), ("service", Arg::text(service))])
        }
        _ => texts.say("cli-match-line-unknown", &[grant]),
    }
}

/// `why`.
pub async fn why(operator: &mut Operator, texts: &Texts, call: &WhyCall) -> Result<Shown, Failure> {
    let report: WhyReport = operator.json().post("/v1/why", call).await?;
    Ok(told(texts, &report))
}

/// The first step that fails is told at length; what holds before it in a line each. What comes after it may fail
/// because of it, so it is left to `--json`.
fn told(texts: &Texts, report: &WhyReport) -> Shown {
    let label = |key: &str| texts.say(key, &[]);
    let mut lines = vec![(label("cli-label-about"), report.about.clone())];
    let until = report.first.map_or(report.steps.len(), |first| first.saturating_add(1));
    for step in report.steps.iter().take(until) {
        let key = match step.holds {
            Some(true) => "cli-label-step-holds",
            Some(false) => "cli-label-step-fails",
            None => "cli-label-step-unknown",
        };
        lines.push((label(key), step.text.clone()));
        lines.extend(step.responsible.iter().map(|who| (label("cli-label-section"), who.clone())));
        lines.extend(step.remedy.iter().map(|what| (label("cli-label-remedy"), what.clone())));
        if let Some(refusal) = step.refusal {
            let args = [("refusal", Arg::text(format!("refusal/{refusal}")))];
            lines.push((label("cli-label-explain"), texts.say("cli-why-explain", &args)));
        }
    }
    if report.works {
        lines.push((label("cli-label-answer"), label("cli-why-works")));
    }
    let mut shown = Shown::lines(report, &lines);
    shown.exit_code = u8::from(!report.works);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Section;
    use texts::Lang;
    use wire::inquiry::{FindingKind, MatchFinding, WhyStep};

    #[test]
    fn a_line_that_differs_says_what_and_whose_and_fails_the_command() {
        let finding = MatchFinding {
            kind: FindingKind::Gap,
            what: "destination closed record".into(),
            section: Section::Peer,
            text: "destination has no record that the line ended".into(),
        };
        let line = |n, findings: Vec<MatchFinding>| MatchedLine {
            grant: GrantId(n),
            from: Some("clinic/exam-1".parse().unwrap()),
            service: Some("keyaki/records".parse().unwrap()),
            opened: None,
            closed: None,
            agree: findings.is_empty(),
            findings,
            points: vec![MatchedPoint {
                point: "source".into(),
                opened: Some(Timestamp(0)),
                first: Some(Within { from: Timestamp(1_000), to: Timestamp(2_000) }),
                last: None,
                closed: None,
                packets: Some(12),
                bytes: None,
            }],
        };
        let page = MatchPage { lines: vec![line(7, vec![]), line(8, vec![finding])], next: None };
        let shown = matched(&Texts::new(Lang::En), &page, false);
        assert!(!shown.text().contains("first packet"), "{}", shown.text());
        let at_length = matched(&Texts::new(Lang::En), &page, true);
        let row = "first packet 1970-01-01T00:00:01Z … 1970-01-01T00:00:02Z, last packet –, 12 packets";
        assert!(at_length.text().contains(row), "{}", at_length.text());
        assert_eq!(shown.exit_code, 1);
        assert!(
            shown.text().contains("g-7  clinic/exam-1 → keyaki/records: the three points agree"),
            "{}",
            shown.text()
        );
        assert!(shown.text().contains("no record that the line ended (peer facility)"), "{}", shown.text());
        assert!(shown.text().contains("2 lines compared, 1 do not agree"), "{}", shown.text());
        let none = matched(&Texts::new(Lang::Ja), &MatchPage { lines: Vec::new(), next: None }, true);
        assert_eq!(none.exit_code, 0);
    }

    #[test]
    fn why_stops_at_the_first_step_that_fails() {
        let step = |name: &str, holds| WhyStep {
            step: name.into(),
            holds: Some(holds),
            text: name.into(),
            section: (!holds).then_some(Section::AccessLine),
            responsible: (!holds).then(|| "access line".into()),
            remedy: (!holds).then(|| "look at the line".into()),
            refusal: None,
        };
        let steps = vec![step("first", true), step("second", false), step("third", false)];
        let report = WhyReport { about: "clinic/exam-1".into(), works: false, steps, first: Some(1) };
        let shown = told(&Texts::new(Lang::En), &report);
        assert_eq!(shown.exit_code, 1);
        assert!(shown.text().contains("look at the line") && !shown.text().contains("third"), "{}", shown.text());
    }
}
