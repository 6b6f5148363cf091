//! Cutting from the operator's page (G14): a line at once, or everything of its person, of a terminal or host, of a site
//! or under an agreement, after a page that names what would fall. Forms and links only: it works without scripts.

use axum::extract::{Extension, Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use connections::{Center, Falls};
use maud::{Markup, html};
use serde::Deserialize;
use texts::Arg;
use wire::session::CutCall;

use super::Operator;
use crate::frame::{Page, encoded};
use crate::pages_of_refusal::refusals;
use crate::reader::Reader;
use crate::times::clock;

/// What is to be cut, and where the operator was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// `line`, `person`, `device`, `site` or `agreement`; with `line` and `more`, whatever belongs to it.
    what: String,
    /// Its id; of a person the card's fingerprint.
    which: String,
    /// Show what else could be cut with this line.
    more: bool,
    /// Query of the picture it was asked from.
    back: String,
}

/// The address of the page that asks before something is cut.
pub(super) fn ask(what: &CutCall, back: &str) -> String {
    let (kind, which) = words(what);
    format!("/live/cut?what={kind}&which={}&back={}", encoded(&which), encoded(back))
}

/// The address of the page with everything that belongs to a line.
pub(super) fn more(grant: model::GrantId, back: &str) -> String {
    format!("{}&more=true", ask(&CutCall::Line(grant), back))
}

fn words(what: &CutCall) -> (&'static str, String) {
    match what {
        CutCall::Line(grant) => ("line", grant.to_string()),
        CutCall::Person(person) => ("person", person.clone()),
        CutCall::Device(host) => ("device", host.to_string()),
        CutCall::Site(site) => ("site", site.to_string()),
        CutCall::Agreement(agreement) => ("agreement", agreement.to_string()),
    }
}

impl Asked {
    fn call(&self) -> Option<CutCall> {
        Some(match self.what.as_str() {
            "line" => CutCall::Line(self.which.parse().ok()?),
            "person" if !self.which.is_empty() => CutCall::Person(self.which.clone()),
            "device" => CutCall::Device(self.which.parse().ok()?),
            "site" => CutCall::Site(self.which.parse().ok()?),
            "agreement" => CutCall::Agreement(self.which.parse().ok()?),
            _ => return None,
        })
    }

    /// Only a query of the picture is gone back to.
    fn way_back(&self) -> String {
        let query: String = self.back.chars().filter(|c| !c.is_control()).collect();
        format!("/live?{query}")
    }
}

/// Asks before it cuts, or shows what belongs to a line.
pub(super) async fn page(
    State(center): State<Center>,
    Extension(operator): Extension<Operator>,
    reader: Reader,
    Query(asked): Query<Asked>,
) -> Response {
    let Some(what) = asked.call() else { return StatusCode::BAD_REQUEST.into_response() };
    let body = match (&what, asked.more) {
        (CutCall::Line(grant), true) => {
            let choices = connections::cuts_of(&center, *grant).await;
            let mut all = Vec::new();
            for choice in choices {
                let falls = connections::falls(&center, &choice).await;
                all.push((choice, falls));
            }
            choice(&all, &asked, &reader)
        }
        _ => confirmation(&what, &connections::falls(&center, &what).await, &asked, &reader),
    };
    frame(operator).answer(&reader, body)
}

/// Cuts.
pub(super) async fn cut(
    State(center): State<Center>,
    Extension(operator): Extension<Operator>,
    reader: Reader,
    Form(asked): Form<Asked>,
) -> Response {
    let Some(what) = asked.call() else { return StatusCode::BAD_REQUEST.into_response() };
    match connections::cut(&center, operator.0.clone(), what).await {
        Ok(_) => Redirect::to(&asked.way_back()).into_response(),
        Err(refused) => {
            let body = html! {
                (refusals(&refused.reasons, &reader))
                p { a href=(asked.way_back()) { (reader.say("portal-live-all")) } }
            };
            let mut answer = frame(operator).answer(&reader, body);
            *answer.status_mut() = StatusCode::CONFLICT;
            answer
        }
    }
}

fn frame(operator: Operator) -> Page<'static> {
    Page { title: "portal-cut-title", who: Some(operator.0), here: "/live", follows: None, reload: None }
}

/// What it is, for people.
fn named(what: &CutCall, falls: &Falls, reader: &Reader) -> String {
    let (kind, which) = words(what);
    let which = match what {
        // A fingerprint says nothing to anybody.
        CutCall::Person(_) => {
            let line = falls.lines.first().map(|l| l.person.clone());
            line.or_else(|| falls.sessions.first().map(|s| s.person.name.clone())).unwrap_or(which)
        }
        _ => which,
    };
    reader.tell(&format!("portal-cut-{kind}"), &[("which", Arg::Text(which))])
}

fn falling(falls: &Falls, reader: &Reader) -> String {
    let count = |n: usize| Arg::Number(i64::try_from(n).unwrap_or(i64::MAX));
    reader.tell("portal-cut-falls", &[("lines", count(falls.lines.len())), ("sessions", count(falls.sessions.len()))])
}

fn choice(all: &[(CutCall, Falls)], asked: &Asked, reader: &Reader) -> Markup {
    html! {
        h1 { (reader.say("portal-cut-choose")) }
        @if all.is_empty() { p.empty { (reader.say("portal-cut-nothing")) } }
        ul.choices {
            @for (n, (what, falls)) in all.iter().enumerate() {
                li {
                    a id=(format!("choose-{n}-{}", words(what).0)) href=(ask(what, &asked.back)) { (named(what, falls, reader)) }
                    " " span.quiet { (falling(falls, reader)) }
                }
            }
        }
        p { a href=(asked.way_back()) { (reader.say("portal-cut-back")) } }
    }
}

fn confirmation(what: &CutCall, falls: &Falls, asked: &Asked, reader: &Reader) -> Markup {
    let (kind, which) = words(what);
    let row = |line: &wire::live::LiveLine| {
        let connection = &line.connection;
        let until = clock(connection.lease_until, falls.now, reader.texts);
        html! {
            tr {
                th scope="row" { (connection.grant) }
                td { (line.person) }
                td { (connection.from) }
                td { (connection.to) }
                td { (reader.name(&line.service_name)) }
                td.number { (until) }
            }
        }
    };
    html! {
        h1 #cut { (named(what, falls, reader)) }
        p.summary role="status" { (falling(falls, reader)) }
        p { (reader.say("portal-cut-warning")) }
        form action="/live/cut" method="post" {
            input type="hidden" name="what" value=(kind);
            input type="hidden" name="which" value=(which);
            input type="hidden" name="back" value=(asked.back);
            button.danger #confirm-cut { (reader.say("portal-cut-do")) }
            " " a #keep href=(asked.way_back()) { (reader.say("portal-cut-back")) }
        }
        @if !falls.lines.is_empty() {
            div.scroll tabindex="0" {
                table aria-labelledby="cut" {
                    thead { tr {
                        @for column in ["line", "who", "from", "to", "service", "until"] {
                            th scope="col" { (reader.say(&format!("portal-live-col-{column}"))) }
                        }
                    } }
                    tbody { @for line in &falls.lines { (row(line)) } }
                }
            }
        }
        @if !falls.sessions.is_empty() {
            h2 { (reader.say("portal-cut-sessions")) }
            ul { @for session in &falls.sessions { li { (session.person.name) " · " (session.at) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{GrantId, Timestamp};
    use texts::Lang;

    fn all() -> [CutCall; 5] {
        [
            CutCall::Line(GrantId(7)),
            CutCall::Person("a".repeat(64)),
            CutCall::Device("clinic/exam-1".parse().unwrap()),
            CutCall::Site("clinic".parse().unwrap()),
            CutCall::Agreement("A-0012".parse().unwrap()),
        ]
    }

    fn read(address: &str) -> Asked {
        let (_, query) = address.split_once('?').unwrap();
        let uri = format!("/live/cut?{query}").parse().unwrap();
        Query::<Asked>::try_from_uri(&uri).unwrap().0
    }

    #[test]
    fn an_address_names_what_it_names_g14() {
        for what in all() {
            let asked = read(&ask(&what, "site=clinic&q=a b"));
            assert_eq!(asked.call().as_ref(), Some(&what));
            assert_eq!(asked.way_back(), "/live?site=clinic&q=a b");
            assert!(!asked.more);
        }
        assert!(read(&more(GrantId(7), "")).more);
        for wrong in
            ["what=everything&which=x", "what=line&which=x", "what=person&which=", "what=device&which=clinic", ""]
        {
            assert_eq!(read(&format!("/live/cut?{wrong}")).call(), None, "{wrong}");
        }
        let asked = Asked { back: "x\r\nSet-Cookie: a=b".into(), ..Asked::default() };
        assert_eq!(asked.way_back(), "/live?xSet-Cookie: a=b");
    }

    #[test]
    fn what_would_fall_is_named_before_it_does_in_both_languages() {
        for lang in [Lang::Ja, Lang::En] {
            let reader = Reader::of(lang);
            for what in all() {
                let falls = Falls { now: Timestamp(0), lines: Vec::new(), sessions: Vec::new() };
                let asked = Asked { back: "\"><script>".into(), ..Asked::default() };
                let page = confirmation(&what, &falls, &asked, &reader).into_string();
                assert!(page.contains("id=\"confirm-cut\"") && page.contains("method=\"post\""), "{page}");
                assert!(page.contains(&format!("name=\"what\" value=\"{}\"", words(&what).0)), "{page}");
                assert!(!page.contains("portal-cut") && !page.contains("\"><script>"), "{page}");
            }
        }
    }
}
