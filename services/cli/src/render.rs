//! Answers as a person reads them: a label, a tab stop, a line.

use std::fmt::Write as _;

use card::CardInfo;
use model::Timestamp;
use serde::Serialize;
use texts::{Arg, Texts};
use wire::api::{
    AlarmKind, ApplyReport, CloseReport, ConnectionView, CounterExample, Explanation, LogEntry, LogPage, LogVerdict,
    OpenReport, Problem, Status, TerminalStatus, ThreePoints, Waiting,
};

use crate::failure::Failure;

/// What a command prints and how it ends.
pub struct Shown {
    text: String,
    json: serde_json::Value,
    /// 0, or 1 if what was asked for does not hold.
    pub exit_code: u8,
}

impl Shown {
    /// Ready text beside its data.
    pub fn plain(data: &impl Serialize, text: String) -> Self {
        Self { text, json: serde_json::to_value(data).unwrap_or_default(), exit_code: 0 }
    }

    /// Lines of label and text beside their data.
    pub fn lines(data: &impl Serialize, lines: &[(String, String)]) -> Self {
        Self::plain(data, columns(lines))
    }

    /// The text.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// One more line.
    pub fn append(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// To standard output.
    pub fn print(&self, json: bool) {
        if json {
            println!("{}", serde_json::to_string_pretty(&self.json).unwrap_or_default());
        } else {
            print!("{}", self.text);
        }
    }
}

/// A failure, to standard error; as JSON to standard output, where a tool reads it.
pub fn failure(texts: &Texts, failure: &Failure, json: bool) {
    let lines = failure.lines(texts);
    if !json {
        eprint!("{}", columns(&lines));
        return;
    }
    let value = match failure {
        Failure::Refused(problem) => serde_json::to_value(problem).unwrap_or_default(),
        Failure::NotBelieved(reasons) => serde_json::json!({ "refused": reasons, "lines": lines }),
        other => serde_json::json!({ "error": other.to_string(), "lines": lines }),
    };
    println!("{}", serde_json::to_string_pretty(&value).unwrap_or_default());
}

/// All reasons of a refusal, then the packet that would have passed.
pub fn problem(texts: &Texts, problem: &Problem) -> Vec<(String, String)> {
    let label = |key: &str| texts.say(key, &[]);
    let mut lines = Vec::new();
    for view in &problem.reasons {
        let said = view.reason.lines(texts);
        lines.push((label("cli-label-refused"), said.refused));
        lines.push((label("cli-label-section"), said.section));
        lines.push((label("cli-label-remedy"), said.remedy));
    }
    if problem.reasons.is_empty() {
        lines.push((label("cli-label-refused"), format!("{} {}", problem.code, problem.title)));
        if let Some(detail) = &problem.detail {
            lines.push((String::new(), detail.clone()));
        }
    }
    if let Some(example) = &problem.counter_example {
        lines.extend(counter_example(texts, example));
    }
    if let Some(instance) = &problem.instance {
        lines.push((label("cli-label-record"), instance.clone()));
    }
    lines
}

/// The packet that would have passed, its way, whose line of policy caused it, and what to change.
pub fn counter_example(texts: &Texts, example: &CounterExample) -> Vec<(String, String)> {
    let label = |key: &str| texts.say(key, &[]);
    let mut lines = vec![(label("cli-label-invariant"), format!("{} {}", example.invariant, example.statement))];
    if let Some(packet) = &example.packet {
        lines.push((label("cli-label-packet"), packet.clone()));
    }
    crate::questions::steps(&label("cli-label-path"), &example.path, &mut lines);
    lines.push((label("cli-label-because"), example.because.clone()));
    if let Some(promise) = &example.promise {
        let why = Arg::Name(promise.because.clone()).worded(texts);
        lines.push((label("cli-label-promise"), format!("{} · {why}", promise.id)));
    }
    if let Some(policy) = &example.policy {
        let said = if policy.text.is_empty() { String::new() } else { format!(" · {}", policy.text) };
        lines.push((label("cli-label-policy"), format!("{}{said}", policy.line)));
    }
    if !example.remedy.is_empty() {
        lines.push((label("cli-label-change"), example.remedy.clone()));
    }
    lines
}

/// The story of an opened connection.
pub fn opened(texts: &Texts, report: &OpenReport) -> Shown {
    let label = |key: &str| texts.say(key, &[]);
    let person = match (&report.person.kanji_name, texts.lang()) {
        (Some(kanji), texts::Lang::Ja) => kanji,
        _ => &report.person.name,
    };
    let lines = [
        (
            label("cli-label-person"),
            texts.say(
                "cli-person",
                &[
                    ("name", person.as_str().into()),
                    ("role", Arg::Role(report.person.role.clone())),
                    ("until", report.person.valid_until.into()),
                ],
            ),
        ),
        (label("cli-label-device"), texts.say("cli-device", &[("device", Arg::text(&report.device))])),
        (
            label("cli-label-permit"),
            texts.say(
                "cli-permit",
                &[
                    ("agreement", Arg::text(&report.permit.agreement)),
                    ("rule", Arg::text(format!("{}/allow[{}]", report.permit.site, report.permit.allow))),
                ],
            ),
        ),
        (label("cli-label-proof"), proof(texts, &report.proof)),
        (
            label("cli-label-open"),
            texts.say(
                "cli-open",
                &[
                    ("grant", Arg::text(report.connection.grant)),
                    ("line", Arg::text(line(&report.connection))),
                    ("address", Arg::text(report.connection.address)),
                    ("until", report.connection.lease_until.into()),
                    ("took", Arg::text(milliseconds(report.micros))),
                ],
            ),
        ),
    ];
    Shown::lines(report, &lines)
}

/// What ended.
pub fn closed(texts: &Texts, report: &CloseReport) -> Shown {
    let label = |key: &str| texts.say(key, &[]);
    let mut lines = vec![(
        label("cli-label-closed"),
        texts.say(
            if report.connection.state == model::ConnectionState::Closed { "cli-closed" } else { "cli-closing" },
            &[
                ("grant", Arg::text(report.connection.grant)),
                ("line", Arg::text(line(&report.connection))),
                ("took", Arg::text(milliseconds(report.micros))),
            ],
        ),
    )];
    for (site, counters) in &report.counters {
        lines.push((
            label("cli-label-counted"),
            texts.say(
                "cli-counted",
                &[
                    ("site", Arg::text(site)),
                    ("packets", (counters.packets as i64).into()),
                    ("bytes", (counters.bytes as i64).into()),
                ],
            ),
        ));
    }
    Shown::lines(report, &lines)
}

/// What a terminal has and may ask for.
pub fn terminal_status(texts: &Texts, status: &TerminalStatus) -> Shown {
    let label = |key: &str| texts.say(key, &[]);
    let mut lines =
        vec![(label("cli-label-device"), texts.say("cli-device", &[("device", Arg::text(&status.device))]))];
    lines.extend(connections(texts, &status.connections));
    let services: Vec<Arg> = status.services.iter().map(Arg::text).collect();
    lines.push((label("cli-label-services"), Arg::List(services).worded(texts)));
    Shown::lines(status, &lines)
}

/// Sites and connections.
pub fn status(texts: &Texts, status: &Status) -> Shown {
    let mut lines = Vec::new();
    for site in &status.sites {
        let in_force = site.in_force.map_or("–".to_owned(), |g| g.to_string());
        lines.push((
            texts.say("cli-label-site", &[]),
            texts.say(
                if site.linked { "cli-site-linked" } else { "cli-site-away" },
                &[
                    ("site", Arg::text(&site.site)),
                    ("institution", Arg::text(&site.institution)),
                    ("wanted", Arg::text(site.wanted)),
                    ("force", in_force.into()),
                ],
            ),
        ));
        lines.extend(site.alarms.iter().map(|alarm| {
            let key = match (alarm.kind, alarm.over) {
                (AlarmKind::Foreign, Some(_)) => "cli-alarm-foreign-over",
                (AlarmKind::Foreign, None) => "cli-alarm-foreign",
                (AlarmKind::Fault, Some(_)) => "cli-alarm-fault-over",
                (AlarmKind::Fault, None) => "cli-alarm-fault",
            };
            let stood = alarm.over.map_or(0, |over| over.0.saturating_sub(alarm.since.0));
            let args = [("since", alarm.since.into()), ("detail", Arg::text(&alarm.detail)), ("stood", stood.into())];
            (texts.say("cli-label-alarm", &[]), texts.say(key, &args))
        }));
    }
    if let Some(letters) = &status.letters {
        let key = if letters.why.is_some() { "cli-letters-wait" } else { "cli-letters-untried" };
        lines.push(waiting(texts, "cli-label-letters", key, letters));
    }
    if let Some(files) = &status.files {
        lines.push(waiting(texts, "cli-label-files", "cli-files-wait", files));
    }
    lines.extend(connections(texts, &status.connections));
    Shown::lines(status, &lines)
}

fn waiting(texts: &Texts, label: &str, key: &str, waiting: &Waiting) -> (String, String) {
    let count = i64::try_from(waiting.count).unwrap_or(i64::MAX);
    let why = waiting.why.as_deref().unwrap_or_default();
    let args = [("count", count.into()), ("since", waiting.since.into()), ("why", why.into())];
    (texts.say(label, &[]), texts.say(key, &args))
}

fn connections(texts: &Texts, connections: &[ConnectionView]) -> Vec<(String, String)> {
    if connections.is_empty() {
        return vec![(texts.say("cli-label-open", &[]), texts.say("cli-nothing-open", &[]))];
    }
    connections
        .iter()
        .map(|c| {
            let said = texts.say(
                "cli-connection",
                &[
                    ("grant", Arg::text(c.grant)),
                    ("line", Arg::text(line(c))),
                    ("service", Arg::text(&c.service)),
                    ("until", c.lease_until.into()),
                ],
            );
            (texts.say(&format!("state-{}", c.state), &[]), said)
        })
        .collect()
}

/// What documents change.
pub fn applied(texts: &Texts, report: &ApplyReport) -> Shown {
    let mut lines = Vec::new();
    for site in &report.sites {
        let number = |n: usize| Arg::Number(n as i64);
        lines.push((
            texts.say("cli-label-site", &[]),
            texts.say(
                "cli-site-change",
                &[
                    ("site", Arg::text(&site.site)),
                    ("parent", Arg::text(site.parent)),
                    ("generation", Arg::text(site.generation)),
                    ("added", number(site.rules_added + site.tunnels_added + site.filters_added)),
                    ("removed", number(site.rules_removed + site.tunnels_removed + site.filters_removed)),
                ],
            ),
        ));
    }
    if report.sites.is_empty() {
        lines.push((texts.say("cli-label-site", &[]), texts.say("cli-no-change", &[])));
    }
    for grant in &report.grants_ended {
        lines.push((texts.say("cli-label-ends", &[]), grant.to_string()));
    }
    lines.push((texts.say("cli-label-proof", &[]), proof(texts, &report.proof)));
    let done = if report.applied { "cli-applied" } else { "cli-planned" };
    lines.push((texts.say("cli-label-remedyne", &[]), texts.say(done, &[])));
    Shown::lines(report, &lines)
}

fn proof(texts: &Texts, proof: &wire::api::Proof) -> String {
    texts.say(
        "cli-proof",
        &[
            ("invariants", Arg::Number(proof.invariants as i64)),
            ("sites", Arg::Number(proof.sites as i64)),
            ("took", Arg::text(milliseconds(proof.micros))),
        ],
    )
}

/// A refusal told again.
pub fn explained(texts: &Texts, explanation: &Explanation) -> Shown {
    let mut lines = vec![(texts.say("cli-label-when", &[]), Arg::Time(explanation.at).worded(texts))];
    if let Some(request) = &explanation.request {
        lines.push((texts.say("cli-label-asked", &[]), format!("{} → {}", request.from, request.service)));
    }
    lines.extend(problem(texts, &explanation.problem));
    Shown::lines(explanation, &lines)
}

/// Entries of the record.
pub fn log(_texts: &Texts, page: &LogPage) -> Shown {
    let mut text = String::new();
    for entry in &page.entries {
        let _ = writeln!(text, "{}", entry_line(entry));
    }
    Shown::plain(page, text)
}

fn entry_line(entry: &LogEntry) -> String {
    let mut text = format!("{:>6}  {}  {}", entry.sequence, clock(entry.at), entry.event);
    if let Some(grant) = entry.grant {
        let _ = write!(text, "  {grant}");
    }
    for (name, value) in &entry.facts {
        let _ = write!(text, "  {name}={value}");
    }
    text
}

/// The three points of a grant.
pub fn three_points(texts: &Texts, points: &ThreePoints) -> Shown {
    let mut text = String::new();
    for entry in &points.entries {
        let _ = writeln!(text, "{}", entry_line(entry));
    }
    let mut lines = Vec::new();
    for point in &points.missing {
        lines.push((texts.say("cli-label-missing", &[]), texts.say(&format!("point-{point}"), &[])));
    }
    for what in &points.contradictions {
        lines.push((texts.say("cli-label-contradiction", &[]), what.clone()));
    }
    if points.agree {
        lines.push((texts.say("cli-label-points", &[]), texts.say("cli-points-agree", &[])));
    }
    text.push_str(&columns(&lines));
    let mut shown = Shown::plain(points, text);
    shown.exit_code = u8::from(!points.agree);
    shown
}

/// Does the record hold?
pub fn log_verdict(texts: &Texts, verdict: &LogVerdict) -> Shown {
    let said = if verdict.holds {
        texts.say(
            "cli-log-holds",
            &[("entries", Arg::Number(verdict.entries as i64)), ("head", verdict.head.as_str().into())],
        )
    } else {
        texts.say(
            "cli-log-broken",
            &[
                ("at", Arg::text(verdict.broken_at.map_or("?".to_owned(), |n| n.to_string()))),
                ("why", verdict.why.clone().unwrap_or_default().into()),
            ],
        )
    };
    let mut shown = Shown::lines(verdict, &[(texts.say("cli-label-record", &[]), said)]);
    shown.exit_code = u8::from(!verdict.holds);
    shown
}

/// Cards and what is on them.
pub fn cards(texts: &Texts, cards: &[CardInfo]) -> Shown {
    let mut lines = Vec::new();
    let mut data = Vec::new();
    for card in cards {
        lines.push((texts.say("cli-label-card", &[]), format!("{} · {}", card.label, card.serial)));
        for der in &card.certificates {
            let Ok(certificate) = pki::Certificate::parse(der) else {
                lines.push((String::new(), texts.say("cli-card-unreadable", &[])));
                continue;
            };
            let roles = certificate.hc_roles().unwrap_or_default();
            let usage = match certificate.key_usage() {
                Some(usage) if usage.non_repudiation() => "cli-card-signs",
                Some(usage) if usage.digital_signature() => "cli-card-authenticates",
                _ => "cli-card-other",
            };
            let until = Timestamp::from_unix_seconds(certificate.not_after());
            let name = certificate.subject().common_name().unwrap_or_default().to_owned();
            data.push(serde_json::json!({
                "card": card.label, "name": name, "roles": roles, "valid_until": until,
                "serial": certificate.serial_hex(), "authenticates": usage == "cli-card-authenticates",
            }));
            lines.push((
                String::new(),
                texts
                    .say("cli-person", &[("name", name.into()), ("role", Arg::roles(&roles)), ("until", until.into())]),
            ));
            lines.push((String::new(), texts.say(usage, &[])));
        }
    }
    if cards.is_empty() {
        lines.push((texts.say("cli-label-card", &[]), texts.say("card-none", &[])));
    }
    Shown::lines(&data, &lines)
}

/// Its two ends and what passes.
pub fn line(c: &ConnectionView) -> String {
    let ports: Vec<String> = c.ports.iter().map(u16::to_string).collect();
    format!("{} → {} {}/{}", c.from, c.to, c.protocol, ports.join(","))
}

/// Microseconds as people read them.
pub fn milliseconds(micros: u64) -> String {
    if micros < 1000 { format!("{micros} µs") } else { format!("{:.1} ms", micros as f64 / 1000.0) }
}

fn clock(at: Timestamp) -> String {
    at.to_string()
}

/// Labels padded to one column; wide (Japanese) characters take two cells.
pub fn columns(lines: &[(String, String)]) -> String {
    let width = lines.iter().map(|(label, _)| cells(label)).max().unwrap_or(0).max(8);
    let mut text = String::new();
    for (label, said) in lines {
        let pad = " ".repeat(width - cells(label) + 2);
        let _ = writeln!(text, "{label}{pad}{said}");
    }
    text
}

fn cells(text: &str) -> usize {
    text.chars().map(|c| if (c as u32) < 0x1100 { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::Lang;

    #[test]
    fn labels_stand_in_one_column_in_both_scripts() {
        let said = columns(&[("person".into(), "a".into()), ("利用者".into(), "b".into())]);
        assert_eq!(said, "person    a\n利用者    b\n");
    }

    #[test]
    fn letters_that_wait_are_told_with_why_and_since_when_in_both_languages_r2() {
        let waiting = |why: Option<&str>| Waiting { count: 3, since: Timestamp(0), why: why.map(str::to_owned) };
        let told = |lang, letters| {
            let (letters, files) = (Some(letters), Some(waiting(None)));
            let (sites, connections) = (Vec::new(), Vec::new());
            let status = Status { now: Timestamp(0), software: String::new(), sites, connections, letters, files };
            super::status(&Texts::new(lang), &status).text
        };
        let said = told(Lang::En, waiting(Some("Connection refused")));
        assert!(
            said.contains("waiting for the mail server: 3, since") && said.contains("Connection refused"),
            "{said}"
        );
        assert!(said.contains("waiting for their scan: 3"), "{said}");
        assert!(told(Lang::En, waiting(None)).contains("not tried yet"));
        let said = told(Lang::Ja, waiting(Some("Connection refused")));
        assert!(said.contains("メールサーバー待ち: 3") && said.contains("Connection refused"), "{said}");
    }
}
