//! What is applied, as a file to take out; a file taken in, after a trial that shows what it changes (N10).
//!
//! Nothing is kept between the two steps: the page of the trial carries the file and the digest of what was tried, and
//! the use case takes in nothing else.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use model::{Change, Changed, Difference};
use multer::{Constraints, Multipart};
use registration::{Brought, Trial};
use std::convert::Infallible;
use texts::Arg;
use tokio_stream::StreamExt;

use super::said;
use crate::joining::form::{carried, faults};
use crate::joining::sites::{Asker, Visit, refusals};
use crate::joining::words::{only, plain};
use crate::reader::Reader;

/// Octets of a form or call with a file; some thousands of sites fit.
pub(in crate::joining) const LONGEST: usize = 16 << 20;
/// What is too long is let come so far, because a browser that is still sending reads no answer.
const LET_COME: usize = 4 * LONGEST;
/// Beyond so many, the values of a thing are folded.
const UNFOLDED: usize = 4;
const HERE: &str = "/review/configuration";

pub(in crate::joining) async fn page(asker: Asker) -> Response {
    let visit = asker.visit();
    asked(&visit, html! {}, "", None)
}

/// The file; that it was taken is on record.
pub(in crate::joining) async fn export(asker: Asker) -> Response {
    let visit = asker.visit();
    match visit.registration.export(visit.who).await {
        Ok(text) => {
            let mut response = text.into_response();
            let head = response.headers_mut();
            head.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let name = HeaderValue::from_static("attachment; filename=\"sekisho-export.json\"");
            head.insert(header::CONTENT_DISPOSITION, name);
            response
        }
        Err(no) => visit.refused(&no, HERE),
    }
}

pub(in crate::joining) async fn trial(asker: Asker, request: Request) -> Response {
    let visit = asker.visit();
    let form = match Sent::read(request).await {
        Ok(form) => form,
        Err(why) => return why.answer(&visit),
    };
    match visit.registration.try_import(visit.who, &form.file).await {
        Ok(trial) => tried(&visit, &form.file, &trial),
        Err(no) => refused(&visit, &no, &form),
    }
}

pub(in crate::joining) async fn import(asker: Asker, request: Request) -> Response {
    let visit = asker.visit();
    let form = match Sent::read(request).await {
        Ok(form) => form,
        Err(why) => return why.answer(&visit),
    };
    match visit.registration.import(visit.who, &form.file, &form.tried).await {
        Ok(done) => taken(&visit, &done),
        Err(no) => refused(&visit, &no, &form),
    }
}

/// What a form sent.
struct Sent {
    file: Brought,
    /// Was it typed, not uploaded? Then it stands in its field again.
    typed: bool,
    tried: String,
}

/// Why it cannot even be tried.
enum Unread {
    TooLong,
    NotText,
    Empty,
    Malformed,
}

impl Sent {
    async fn read(request: Request) -> Result<Self, Unread> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(kind).map_err(|_| Unread::Malformed)?;
        let body = whole(request.into_body()).await?;
        let fields = Constraints::new().allowed_fields(vec!["file", "name", "text", "tried"]);
        let stream = tokio_stream::once(Ok::<_, Infallible>(body));
        let mut form = Multipart::with_constraints(stream, boundary, fields);
        let (mut uploaded, mut name, mut text, mut tried) = (None, String::new(), String::new(), String::new());
        while let Some(field) = form.next_field().await.map_err(|_| Unread::Malformed)? {
            let (called, file) = (field.name().unwrap_or_default().to_owned(), field.file_name().map(str::to_owned));
            let value = field.bytes().await.map_err(|_| Unread::Malformed)?;
            let value = String::from_utf8(value.into()).map_err(|_| Unread::NotText)?;
            match called.as_str() {
                "file" if !value.is_empty() => uploaded = Some((file.unwrap_or_default(), value)),
                "name" => name = value,
                "text" => text = value,
                "tried" => tried = value,
                _ => {}
            }
        }
        let typed = uploaded.is_none();
        let (name, text) = uploaded.unwrap_or((name, text));
        if text.trim().is_empty() {
            return Err(Unread::Empty);
        }
        // A byte-order mark is the editor's, not the file's.
        Ok(Self { file: Brought::new(&name, text.trim_start_matches('\u{feff}')), typed, tried })
    }
}

/// The body, if it is not too long.
async fn whole(body: Body) -> Result<Bytes, Unread> {
    let mut stream = body.into_data_stream();
    let (mut all, mut come) = (Vec::new(), 0);
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| Unread::Malformed)?;
        come += piece.len();
        if come > LET_COME {
            break;
        }
        if come > LONGEST {
            all = Vec::new();
        } else {
            all.extend_from_slice(&piece);
        }
    }
    if come > LONGEST { Err(Unread::TooLong) } else { Ok(all.into()) }
}

fn mebibytes() -> Arg {
    Arg::Number(i64::try_from(LONGEST >> 20).unwrap_or(i64::MAX))
}

impl Unread {
    fn answer(&self, visit: &Visit<'_>) -> Response {
        let reader = visit.reader;
        let fault = match self {
            Self::TooLong => {
                let body = plain("page-transfer-too-long", &[("mebibytes", mebibytes())], reader);
                return only(visit.desk, StatusCode::PAYLOAD_TOO_LARGE, body, Some(HERE), reader);
            }
            Self::NotText => "page-transfer-not-text",
            Self::Empty | Self::Malformed => "page-transfer-empty",
        };
        (StatusCode::UNPROCESSABLE_ENTITY, asked(visit, html! {}, "", Some(fault))).into_response()
    }
}

fn refused(visit: &Visit<'_>, no: &registration::Refused, form: &Sent) -> Response {
    if no.status() >= 500 || no.status() == 403 {
        return visit.refused(no, HERE);
    }
    let status = StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT);
    let above = html! { (refusals(no, visit.reader)) p { (visit.reader.say("page-transfer-refused")) } };
    // What was typed is there to be mended; a file was chosen on its owner's machine, and is chosen again.
    let typed = if form.typed { form.file.text.as_str() } else { "" };
    (status, asked(visit, above, typed, None)).into_response()
}

/// The page that asks for a file.
fn asked(visit: &Visit<'_>, above: Markup, typed: &str, fault: Option<&str>) -> Response {
    let say = |key: &str| visit.reader.say(key);
    let wrong: Vec<(String, String)> = fault.iter().map(|key| ("file".to_owned(), say(key))).collect();
    let described = if fault.is_some() { "file-hint file-fault" } else { "file-hint" };
    let body = html! {
        (faults(&wrong, visit.reader))
        (above)
        p { (say("page-transfer-lead")) }
        h2 #export { (say("page-transfer-export")) }
        p { (say("page-transfer-export-lead")) }
        p.buttons { a.button #download href=(format!("{HERE}/export")) download { (say("page-transfer-export-do")) } }
        h2 #import { (say("page-transfer-import")) }
        p { (say("page-transfer-import-lead")) }
        div.form { form method="post" action=(format!("{HERE}/trial")) enctype="multipart/form-data" {
            div.field.is-wrong[fault.is_some()] {
                label for="file" { (say("page-transfer-file")) }
                p.hint id="file-hint" { (visit.reader.tell("page-transfer-file-hint", &[("mebibytes", mebibytes())])) }
                @if let Some(key) = fault { p.fault id="file-fault" { (say(key)) } }
                input #file type="file" name="file" accept=".json,.toml,application/json,application/toml"
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=(described);
            }
            div.field {
                label for="text" { (say("page-transfer-text")) }
                textarea #text name="text" rows="8" cols="60" spellcheck="false" autocapitalize="none" { (typed) }
            }
            div.buttons { button.primary #try { (say("page-transfer-try")) } }
        } }
    };
    said(visit.caller, "page-transfer-title", HERE, fault.is_some(), visit.reader, body)
}

/// What the file would change, and the one button that takes it in.
fn tried(visit: &Visit<'_>, file: &Brought, trial: &Trial) -> Response {
    let say = |key: &str| visit.reader.say(key);
    let digest = trial.tried.to_string();
    let body = html! {
        section.done role="status" tabindex="-1" autofocus {
            h2 { (say("page-transfer-trial")) }
            p { (visit.reader.tell("page-transfer-trial-of", &[("name", Arg::text(&file.name))])) }
            (summary(trial, visit.reader))
        }
        (changes(trial, visit.reader))
        h2 { (say("page-transfer-consequences")) }
        (consequences(trial, visit.reader))
        div.buttons {
            @if !trial.changes.is_empty() {
                form method="post" action=(format!("{HERE}/import")) enctype="multipart/form-data" {
                    (carried(&[("tried", &digest), ("name", &file.name), ("text", &file.text)]))
                    button.primary #take { (say("page-transfer-take")) }
                }
            }
            a.button #other href=(HERE) { (say("page-transfer-other")) }
        }
    };
    said(visit.caller, "page-transfer-title", HERE, false, visit.reader, body)
}

fn taken(visit: &Visit<'_>, done: &Trial) -> Response {
    let say = |key: &str| visit.reader.say(key);
    let body = html! {
        section.done #taken role="status" tabindex="-1" autofocus {
            h2 { (say("page-transfer-taken")) }
            p { (say("page-transfer-taken-lead")) }
            (summary(done, visit.reader))
        }
        (changes(done, visit.reader))
        div.buttons { a.button href=(HERE) { (say("page-transfer-other")) } }
    };
    said(visit.caller, "page-transfer-title", HERE, false, visit.reader, body)
}

fn number(count: usize) -> Arg {
    Arg::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

fn summary(trial: &Trial, reader: &Reader) -> Markup {
    let count = |kind: &str| number(trial.changes.iter().filter(|one| one.change.as_str() == kind).count());
    let args = [("added", count("added")), ("changed", count("changed")), ("removed", count("removed"))];
    html! {
        @if trial.changes.is_empty() { p #nothing { (reader.say("page-transfer-nothing")) } }
        @else { p #count { (reader.tell("page-transfer-count", &args)) } }
    }
}

fn changes(trial: &Trial, reader: &Reader) -> Markup {
    html! {
        @if !trial.changes.is_empty() { div.scroll { table.stack.verdicts #changes {
            thead { tr { @for column in ["change", "what", "id", "values"] {
                th scope="col" { (reader.say(&format!("page-transfer-col-{column}"))) }
            } } }
            tbody { @for one in &trial.changes { (row(one, reader)) } }
        } } }
    }
}

fn row(one: &Changed, reader: &Reader) -> Markup {
    let tag = match one.change {
        Change::Added => "tag good",
        Change::Changed(_) => "tag warn",
        Change::Removed => "tag bad",
    };
    html! { tr data-change=(one.change.as_str()) {
        td { span class=(tag) { (reader.say(&format!("page-transfer-{}", one.change.as_str()))) } }
        td { (reader.say(&format!("page-transfer-{}", one.noun.as_str()))) }
        th scope="row" { (one.id) }
        td { @match &one.change {
            Change::Added | Change::Removed => {},
            Change::Changed(all) if all.len() <= UNFOLDED => (values(all, reader)),
            Change::Changed(all) => details {
                summary { (reader.tell("page-transfer-values", &[("count", number(all.len()))])) }
                (values(all, reader))
            },
        } }
    } }
}

fn values(all: &[Difference], reader: &Reader) -> Markup {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| reader.say("page-transfer-absent"));
    html! { dl.differences { @for one in all {
        dt { (one.place) }
        dd { del { (value(&one.before)) } " → " ins { (value(&one.after)) } }
    } } }
}

fn consequences(trial: &Trial, reader: &Reader) -> Markup {
    let list = |all: Vec<String>| all.join(", ");
    html! {
        ul.rules {
            li { (reader.say("page-transfer-proof")) }
            @if trial.sites.is_empty() { li { (reader.say("page-transfer-no-sites")) } } @else {
                li { (reader.tell("page-transfer-sites", &[("count", number(trial.sites.len()))]))
                    " " span.quiet { (list(trial.sites.iter().map(ToString::to_string).collect())) } }
            }
            @if trial.ended.is_empty() { li { (reader.say("page-transfer-no-ended")) } } @else {
                li.warned #ended { (reader.tell("page-transfer-ended", &[("count", number(trial.ended.len()))]))
                    " " (list(trial.ended.iter().map(ToString::to_string).collect())) }
            }
        }
    }
}
