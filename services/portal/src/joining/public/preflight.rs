//! Are terminal and line fit (R1)? What `sekisho preflight --only-facts` found out is judged here, for who would rather
//! read a page; whoever has only a browser sees what is wanted. Nothing is kept of what is sent.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use preflight::{Facts, Families, Group, LineKind, Outcome, Report, Rules, Verdict, judge};
use serde::Deserialize;
use std::sync::LazyLock;
use texts::Arg;

use crate::joining::Desk;
use crate::joining::form::faults;
use crate::reader::Reader;

/// Octets of what a terminal tells; thousands of programs fit.
pub(in crate::joining) const LONGEST: usize = 512 * 1024;
const PATH: &str = "/preflight";

static SHIPPED: LazyLock<(Rules, Families)> = LazyLock::new(|| (Rules::shipped(), Families::shipped()));

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Typed {
    line: String,
    facts: String,
}

pub(in crate::joining) async fn ask(State(desk): State<Desk>, reader: Reader) -> Response {
    page(&desk, &Typed::default(), None, html! {}, &reader)
}

pub(in crate::joining) async fn tell(State(desk): State<Desk>, reader: Reader, Form(typed): Form<Typed>) -> Response {
    let line = typed.line.parse::<LineKind>().ok();
    if typed.facts.trim().is_empty() {
        // Only the line can be judged; without that there is nothing to say.
        return match line.and_then(of_line) {
            Some(verdict) => page(&desk, &typed, None, table(&[&verdict], &reader), &reader),
            None => no(&desk, &typed, "page-preflight-empty", &reader),
        };
    }
    match serde_json::from_str::<Facts>(&typed.facts) {
        Ok(mut facts) => {
            facts.line.told = line.or(facts.line.told);
            let report = judge(&facts, &SHIPPED.0, &SHIPPED.1);
            page(&desk, &typed, None, shown(&report, &reader), &reader)
        }
        Err(_) => no(&desk, &typed, "page-preflight-unread", &reader),
    }
}

fn no(desk: &Desk, typed: &Typed, key: &str, reader: &Reader) -> Response {
    let words = reader.say(key);
    (StatusCode::UNPROCESSABLE_ENTITY, page(desk, typed, Some(&words), html! {}, reader)).into_response()
}

/// A line by its kind alone.
fn of_line(kind: LineKind) -> Option<Verdict> {
    let facts: Facts = serde_json::from_str(NOBODY).ok()?;
    let line = preflight::Line { told: Some(kind), seen: None };
    judge(&Facts { line, ..facts }, &SHIPPED.0, &SHIPPED.1).of("line").cloned()
}

/// A terminal of which nothing is known.
const NOBODY: &str = r#"{"today":"2000-01-01","os":{"platform":"linux","version":"","name":""},"free_mb":null,"collected":[],"items":[]}"#;

fn page(desk: &Desk, typed: &Typed, fault: Option<&str>, answer: Markup, reader: &Reader) -> Response {
    let wrong: Vec<(String, String)> = fault.iter().map(|words| ("facts".to_owned(), (*words).to_owned())).collect();
    let ports = SHIPPED.0.ports;
    let body = html! {
        div.form {
            h1 { (reader.say("page-preflight-title")) }
            (faults(&wrong, reader))
            (answer)
            p { (reader.say("page-preflight-lead")) }
            form method="post" action=(PATH) {
                div.field {
                    label for="line" { (reader.say("page-preflight-line")) }
                    p.hint id="line-hint" { (reader.say("page-preflight-line-hint")) }
                    select #line name="line" aria-describedby="line-hint" {
                        option value="" { (reader.say("page-preflight-line-unknown")) }
                        @for kind in LineKind::ALL {
                            option value=(kind) selected[typed.line == kind.as_str()] {
                                (reader.say(&format!("page-preflight-line-{kind}")))
                            }
                        }
                    }
                }
                div.field.is-wrong[fault.is_some()] {
                    label for="facts" { (reader.say("page-preflight-facts")) }
                    p.hint id="facts-hint" { (reader.say("page-preflight-facts-hint")) }
                    pre.command { "sekisho preflight --center " (host(desk)) " --only-facts" }
                    @if let Some(words) = fault { p.fault id="facts-fault" { (words) } }
                    textarea #facts name="facts" rows="6" spellcheck="false" autocapitalize="none"
                        aria-invalid=[fault.map(|_| "true")]
                        aria-describedby=(if fault.is_some() { "facts-hint facts-fault" } else { "facts-hint" }) { (typed.facts) }
                }
                div.buttons { button.primary #judge { (reader.say("page-preflight-do")) } }
            }
            h2 { (reader.say("page-preflight-ports")) }
            p { (reader.say("page-preflight-ports-lead")) }
            div.scroll { table {
                thead { tr { @for column in ["protocol", "direction", "port", "use"] {
                    th scope="col" { (reader.say(&format!("page-preflight-col-{column}"))) }
                } } }
                tbody {
                    (port("TCP", "out", &ports.tcp.to_string(), "tcp", reader))
                    (port("UDP", "both", &ports.ike.to_string(), "ike", reader))
                    (port("UDP", "both", &ports.nat_traversal.to_string(), "natt", reader))
                    (port("ESP", "both", "–", "esp", reader))
                }
            } }
            p.buttons { a.button href="/" { (reader.say("page-to-start")) } }
        }
    };
    desk.page("page-preflight-title", PATH, reader).answer_to(fault.is_some(), reader, body)
}

fn port(protocol: &str, direction: &str, number: &str, what: &str, reader: &Reader) -> Markup {
    html! { tr {
        th.number scope="row" { (protocol) }
        td.number { (reader.say(&format!("page-preflight-{direction}"))) }
        td.number { (number) }
        td { (reader.say(&format!("page-preflight-for-{what}"))) }
    } }
}

/// Host of the public entrance.
fn host(desk: &Desk) -> &str {
    let url = desk.joining.settings().public_url.as_str();
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.split([':', '/']).next().unwrap_or(host)
}

fn shown(report: &Report, reader: &Reader) -> Markup {
    let failed = report.verdicts.iter().filter(|v| v.outcome == Outcome::Fails).count();
    let count = [("count", Arg::Number(i64::try_from(failed).unwrap_or_default()))];
    let key = match report.outcome {
        Outcome::Holds => "preflight-all-holds",
        Outcome::Warns => "preflight-all-warns",
        Outcome::Unknown => "preflight-all-unknown",
        Outcome::Fails => "preflight-all-fails",
    };
    let worst = matches!(report.outcome, Outcome::Fails | Outcome::Unknown);
    html! {
        section class=(if worst { "refusal" } else { "done" }) role="status" tabindex="-1" autofocus {
            h2 #outcome { (reader.tell(key, &count)) }
        }
        @for group in Group::ALL {
            h2 { (reader.say(group.key())) }
            @let all: Vec<&Verdict> = report.verdicts.iter().filter(|v| v.group == group).collect();
            // Of eighteen families, those that are not there are one line.
            @let told: Vec<&Verdict> =
                all.iter().copied().filter(|v| group != Group::Software || v.outcome != Outcome::Holds).collect();
            @if told.is_empty() && !all.is_empty() {
                @let count = [("count", Arg::Number(i64::try_from(all.len()).unwrap_or_default()))];
                p { (tag(Outcome::Holds, reader)) " " (reader.tell("preflight-all-software", &count)) }
            } @else { (table(&told, reader)) }
        }
    }
}

fn table(all: &[&Verdict], reader: &Reader) -> Markup {
    html! {
        div.scroll { table.stack.verdicts { tbody { @for one in all {
            @let args: Vec<(&str, Arg)> = one.args.iter().map(|(name, value)| (*name, value.as_str().into())).collect();
            tr {
                td { (tag(one.outcome, reader)) }
                td {
                    div { (reader.tell(&one.key, &args)) }
                    @if let Some(mend) = &one.mend {
                        div.do { span.quiet { (reader.say("portal-refusal-do")) " " } (reader.tell(mend, &args)) }
                    }
                }
            }
        } } } }
    }
}

fn tag(outcome: Outcome, reader: &Reader) -> Markup {
    let kind = match outcome {
        Outcome::Holds => "good",
        Outcome::Warns | Outcome::Unknown => "warn",
        Outcome::Fails => "bad",
    };
    html! { span class=(format!("tag {kind}")) { (reader.say(outcome.key())) } }
}
