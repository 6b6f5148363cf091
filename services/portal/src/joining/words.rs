//! Codes of the rooms below as words, and the pages that only say no.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use joining::{Field, FieldFault, PasswordPolicy, Prefecture, ServiceStand};
use maud::{Markup, html};
use reception::Refused;
use texts::{Arg, Lang};

use crate::joining::Desk;
use crate::reader::Reader;

/// What is wrong with a field, a line for every fault of it.
pub(crate) fn said(wrong: &[FieldFault], field: Field, reader: &Reader) -> Option<String> {
    let all: Vec<String> =
        wrong.iter().filter(|fault| fault.field == field).map(|fault| words(fault, reader)).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

/// A fault in words.
pub(crate) fn words(fault: &FieldFault, reader: &Reader) -> String {
    reader.tell(&fault.key(), &[("limit", Arg::Number(fault.limit.unwrap_or_default().into()))])
}

/// A fault of a field, away from it.
pub(crate) fn named(field: Field, words: &str, reader: &Reader) -> String {
    reader.tell("page-fault-of", &[("field", Arg::text(reader.say(&field.key()))), ("fault", Arg::text(words))])
}

/// Every fault, each leading to its field.
pub(crate) fn leading(wrong: &[FieldFault], reader: &Reader) -> Vec<(String, String)> {
    wrong
        .iter()
        .map(|fault| (fault.field.as_str().to_owned(), named(fault.field, &words(fault, reader), reader)))
        .collect()
}

/// Its name.
pub(crate) fn prefecture_name(prefecture: Prefecture, reader: &Reader) -> &'static str {
    match reader.lang() {
        Lang::Ja => prefecture.ja(),
        Lang::En => prefecture.en(),
    }
}

/// The faults of a form, if that is why it was refused.
pub(crate) fn faults_of(no: &Refused) -> &[FieldFault] {
    match no {
        Refused::Fields(faults) => faults,
        _ => &[],
    }
}

/// What a password must be.
pub(crate) fn rules(policy: &PasswordPolicy, reader: &Reader) -> Markup {
    html! {
        ul.rules {
            li { (reader.tell("page-rule-length", &[("min", Arg::Number(policy.min.into()))])) }
            @if policy.letter && policy.digit && policy.symbol {
                li { (reader.tell("page-rule-kinds", &[("symbols", Arg::text(&policy.symbols))])) }
            }
            @if policy.guessable_refused { li { (reader.say("page-rule-guessable")) } }
        }
    }
}

/// How an application for a service stands.
pub(crate) fn service_tag(stand: &ServiceStand, reader: &Reader) -> Markup {
    let kind = match stand {
        ServiceStand::Accepted => "warn",
        ServiceStand::Approved { .. } => "good",
        ServiceStand::Cancelled { .. } => "bad",
    };
    html! {
        span class=(format!("tag {kind}")) { (reader.say(&format!("joining-service-{}", stand.as_str()))) }
        @if let ServiceStand::Cancelled { reason, .. } = stand { span.quiet { " " (reason) } }
    }
}

/// A refusal of a use case: what, in whose section, what to do (N12).
pub(crate) fn refusal(no: &Refused, reader: &Reader) -> Markup {
    let lines = no.reason().lines(reader.texts);
    html! {
        section.refusal role="alert" tabindex="-1" autofocus {
            h2 { (lines.refused) }
            @for fault in leading(faults_of(no), reader) { p { (fault.1) } }
            p { span.quiet { (reader.say("portal-refusal-section")) " " } (lines.section) }
            p.do { span.quiet { (reader.say("portal-refusal-do")) " " } (lines.remedy) }
        }
    }
}

/// A page that only says what a use case refused.
pub(crate) fn refused(desk: &Desk, no: &Refused, back: &str, reader: &Reader) -> Response {
    let status = StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT);
    if status.is_server_error() {
        tracing::error!(code = no.code(), why = ?no, "joining");
    }
    only(desk, status, refusal(no, reader), Some(back), reader)
}

/// Too much in a short time.
pub(crate) fn too_often(desk: &Desk, seconds: u64, reader: &Reader) -> Response {
    let wait = i64::try_from(seconds).unwrap_or(i64::MAX);
    let body = plain("page-too-often", &[("seconds", wait.into())], reader);
    let mut response = only(desk, StatusCode::TOO_MANY_REQUESTS, body, None, reader);
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// What happened and what to do, for what no use case was asked about.
pub(crate) fn plain(key: &str, args: &[(&str, Arg)], reader: &Reader) -> Markup {
    html! {
        section.refusal role="alert" {
            h2 { (reader.tell(key, args)) }
            p.do { span.quiet { (reader.say("portal-refusal-do")) " " } (reader.tell(&format!("{key}-do"), args)) }
        }
    }
}

/// A page with nothing else.
pub(crate) fn only(desk: &Desk, status: StatusCode, body: Markup, back: Option<&str>, reader: &Reader) -> Response {
    let body = html! {
        div.form {
            h1 { (reader.say("page-refused-title")) }
            (body)
            p.buttons { a.button href=(back.unwrap_or("/")) { (reader.say(if back.is_some() { "page-back-to-form" } else { "page-to-start" })) } }
        }
    };
    let page = desk.page("page-refused-title", "/", reader);
    (status, page.answer(reader, body)).into_response()
}
