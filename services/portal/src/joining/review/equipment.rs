//! Devices of the registration centre (G1): taken in on their maker's word, placed, answered for row by row, revoked.

use axum::extract::{Extension, Form, FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use equipment::{DeviceId, DeviceStand, Evidence, PersonMay, ROWS, Row, RowAnswer};
use issuing::Reason;
use joining::{Action, access};
use maud::{Markup, html};
use model::Timestamp;
use provenance::{DeviceView, DevicesPart, Once, Provenance, Refused};
use serde::Deserialize;
use texts::Arg;

use super::page as framed;
use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::form::{Line, given, sure};
use crate::joining::words::{only, plain};
use crate::reader::Reader;

const HERE: &str = "/review/equipment";

/// A call of these pages, as every handler takes it: the gate has let its caller by.
pub(in crate::joining) struct Asker {
    desk: Desk,
    caller: Caller,
    devices: Provenance,
    reader: Reader,
}

impl FromRequestParts<Desk> for Asker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Response> {
        let Ok(reader) = Reader::from_request_parts(parts, desk).await;
        let Extension(caller) = Extension::<Caller>::from_request_parts(parts, desk)
            .await
            .map_err(|_| StatusCode::UNAUTHORIZED.into_response())?;
        let Some(devices) = desk.devices.clone() else {
            let body = plain("page-no-devices", &[], &reader);
            return Err(only(desk, StatusCode::NOT_FOUND, body, Some("/review"), &reader));
        };
        Ok(Self { desk: desk.clone(), caller, devices, reader })
    }
}

impl Asker {
    fn by(&self) -> String {
        self.caller.operator().account
    }

    fn may(&self) -> bool {
        access::may(self.caller.role(), Action::RegisterSites)
    }

    fn page(&self, body: Markup) -> Response {
        framed(&self.caller, "page-equipment-title", HERE, &self.reader, body)
    }

    fn refused(&self, no: &Refused, back: &str) -> Response {
        only(&self.desk, self.status(no), refusal(no, &self.reader), Some(back), &self.reader)
    }

    fn status(&self, no: &Refused) -> StatusCode {
        let status = StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT);
        if status.is_server_error() {
            tracing::error!(why = ?no, "devices");
        }
        status
    }

    /// The list again, with what was refused above it and what was pasted where it was.
    async fn again(&self, no: &Refused, typed: &Typed) -> Response {
        (self.status(no), self.list(&After::default(), refusal(no, &self.reader), typed).await).into_response()
    }

    /// A text that is no device id is none that there is.
    fn no_device(&self) -> Response {
        let body = plain("page-no-device", &[], &self.reader);
        only(&self.desk, StatusCode::NOT_FOUND, body, Some(HERE), &self.reader)
    }
}

/// Every reason with section and remedy (N12).
fn refusal(no: &Refused, reader: &Reader) -> Markup {
    html! {
        section.refusal role="alert" {
            @for reason in no.reasons() {
                @let lines = reason.lines(reader.texts);
                h2 { (lines.refused) }
                p { span.quiet { (reader.say("portal-refusal-section")) " " } (lines.section) }
                p.do { span.quiet { (reader.say("portal-refusal-do")) " " } (lines.remedy) }
            }
        }
    }
}

fn at(device: &DeviceId) -> String {
    format!("{HERE}/{device}")
}

/// Where a part of the list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct After {
    after: String,
}

fn place(text: &str) -> Option<(Timestamp, i64)> {
    let (at, id) = text.split_once('.')?;
    Some((Timestamp(at.parse().ok()?), id.parse().ok()?))
}

pub(in crate::joining) async fn list(asker: Asker, Query(after): Query<After>) -> Response {
    asker.list(&after, html! {}, &Typed::default()).await
}

impl Asker {
    async fn list(&self, after: &After, above: Markup, typed: &Typed) -> Response {
        match self.devices.devices(place(&after.after)).await {
            Ok(part) => self.page(listed(&part, above, typed, self)),
            Err(no) => self.refused(&no, "/review"),
        }
    }
}

fn listed(part: &DevicesPart, above: Markup, typed: &Typed, asker: &Asker) -> Markup {
    let reader = &asker.reader;
    html! {
        (above)
        p { (reader.say("page-equipment-lead")) }
        @if part.devices.is_empty() { p.empty #none { (reader.say("page-equipment-none")) } } @else { (table(&part.devices, reader)) }
        @if let Some((at, id)) = part.next {
            nav.buttons aria-label=(reader.say("page-parts")) { a.button #next href=(format!("{HERE}?after={}.{id}", at.0)) rel="next" { (reader.say("page-equipment-more")) } }
        }
        @if asker.may() {
            div.form {
                h2 #take-in { (reader.say("page-equipment-take-in")) }
                form method="post" action=(HERE) {
                    (pasted("statement", "page-equipment-statement", &typed.statement, reader))
                    div.buttons { button.primary #take { (reader.say("page-equipment-take-in-do")) } }
                }
            }
            div.form {
                h2 #reports { (reader.say("page-equipment-report")) }
                form method="post" action=(format!("{HERE}/report")) {
                    (pasted("report", "page-equipment-report-text", &typed.report, reader))
                    div.buttons { button #bring { (reader.say("page-equipment-report-do")) } }
                }
            }
        }
    }
}

/// A field for a file's text.
fn pasted(name: &str, label: &str, typed: &str, reader: &Reader) -> Markup {
    html! {
        div.field {
            label for=(name) { (reader.say(label)) span.must { (reader.say("page-must")) } }
            p.hint id=(format!("{name}-hint")) { (reader.say(&format!("{label}-hint"))) }
            textarea id=(name) name=(name) rows="8" cols="60" maxlength="30000" required aria-describedby=(format!("{name}-hint")) spellcheck="false" { (typed) }
        }
    }
}

fn table(devices: &[DeviceView], reader: &Reader) -> Markup {
    html! {
        div.scroll { table.stack {
            thead { tr { @for column in ["device", "model", "maker", "site", "stand", "open"] {
                th scope="col" { (reader.say(&format!("page-equipment-col-{column}"))) }
            } } }
            tbody { @for view in devices {
                @let device = &view.device;
                @let said = &device.information.device;
                tr {
                    th scope="row" { a.number href=(at(&device.id)) id=(format!("device-{}", device.id)) { (device.id) } }
                    td { (said.model) " " (said.serial) }
                    td { (said.maker) }
                    td { (device.site.as_ref().map(ToString::to_string).unwrap_or_default()) }
                    td { (stand(&device.stand, reader)) }
                    td.number { (numbers(&view.open(), reader)) }
                }
            } }
        } }
    }
}

fn numbers(open: &[u8], reader: &Reader) -> String {
    if open.is_empty() {
        return reader.say("page-equipment-all-answered");
    }
    open.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn stand(stand: &DeviceStand, reader: &Reader) -> Markup {
    let kind = if stand.is_live() { "good" } else { "bad" };
    html! { span class=(format!("tag {kind}")) { (reader.say(&format!("equipment-stand-{}", stand.as_str()))) } }
}

/// What a form sent; each form sends what it has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Typed {
    statement: String,
    report: String,
    site: String,
    row: String,
    evidence: String,
    reason: String,
}

pub(in crate::joining) async fn take_in(asker: Asker, Form(typed): Form<Typed>) -> Response {
    match asker.devices.take_in(&asker.by(), &typed.statement).await {
        Ok(once) => asker.page(shown_once(&once, &asker.reader)),
        Err(no) => asker.again(&no, &typed).await,
    }
}

pub(in crate::joining) async fn report(asker: Asker, Form(typed): Form<Typed>) -> Response {
    match asker.devices.report(&asker.by(), &typed.report).await {
        Ok(device) => Redirect::to(&at(&device)).into_response(),
        Err(no) => asker.again(&no, &typed).await,
    }
}

pub(in crate::joining) async fn token(asker: Asker, Path(device): Path<String>) -> Response {
    let Ok(id) = device.parse::<DeviceId>() else { return asker.no_device() };
    match asker.devices.token(&asker.by(), &id).await {
        Ok(once) => asker.page(shown_once(&once, &asker.reader)),
        Err(no) => asker.refused(&no, &at(&id)),
    }
}

pub(in crate::joining) async fn site(asker: Asker, Path(device): Path<String>, Form(typed): Form<Typed>) -> Response {
    let Ok(id) = device.parse::<DeviceId>() else { return asker.no_device() };
    let typed = typed.site.trim();
    let site = match typed {
        "" => None,
        typed => match typed.parse() {
            Ok(site) => Some(site),
            Err(_) => return asker.refused(&Refused::NoSite { site: typed.to_owned() }, &at(&id)),
        },
    };
    back(&asker, &id, asker.devices.stands_at(&asker.by(), &id, site.as_ref()).await)
}

pub(in crate::joining) async fn answer(asker: Asker, Path(device): Path<String>, Form(typed): Form<Typed>) -> Response {
    let Ok(id) = device.parse::<DeviceId>() else { return asker.no_device() };
    let row = typed.row.parse().unwrap_or(0);
    back(&asker, &id, asker.devices.answer(&asker.by(), &id, row, &typed.evidence).await)
}

pub(in crate::joining) async fn revoke(asker: Asker, Path(device): Path<String>, Form(typed): Form<Typed>) -> Response {
    let Ok(id) = device.parse::<DeviceId>() else { return asker.no_device() };
    let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == typed.reason);
    let Some(reason) = reason else {
        let body = plain("page-equipment-no-reason", &[], &asker.reader);
        return only(&asker.desk, StatusCode::UNPROCESSABLE_ENTITY, body, Some(&at(&id)), &asker.reader);
    };
    back(&asker, &id, asker.devices.revoke(&asker.by(), &id, reason).await.map(|_| ()))
}

fn back(asker: &Asker, id: &DeviceId, done: Result<(), Refused>) -> Response {
    match done {
        Ok(()) => Redirect::to(&at(id)).into_response(),
        Err(no) => asker.refused(&no, &at(id)),
    }
}

/// A token, seen here and nowhere else.
fn shown_once(once: &Once, reader: &Reader) -> Markup {
    html! {
        div.done role="status" {
            h2 { (reader.say("page-once-title")) }
            p { (reader.tell("page-once", &[("until", Arg::Time(once.until))])) }
            p { (reader.tell("page-equipment-id", &[("device", Arg::text(once.device))])) " " a #to-device href=(at(&once.device)) { (reader.say("page-equipment-to-device")) } }
            @if let Some(token) = &once.token {
                p.label { (reader.say("page-equipment-token")) }
                pre.command #token { (token) }
            }
            p.label { (reader.say("page-once-code")) }
            p { span.secret #code { (once.code) } }
        }
    }
}

pub(in crate::joining) async fn one(asker: Asker, Path(device): Path<String>) -> Response {
    let Ok(id) = device.parse::<DeviceId>() else { return asker.no_device() };
    let view = match asker.devices.device(&id).await {
        Ok(view) => view,
        Err(no) => return asker.refused(&no, HERE),
    };
    let reader = &asker.reader;
    let may = asker.may() && view.device.stand.is_live();
    let body = html! {
        p { a href=(HERE) { (reader.say("page-equipment-all")) } }
        h2 #device { span.number { (id) } " " (stand(&view.device.stand, reader)) }
        (given(&facts(&view, reader)))
        h2 #rows { (reader.say("page-equipment-rows")) }
        p { (reader.say("page-equipment-rows-lead")) }
        @for (row, answer) in ROWS.iter().zip(&view.answers) { (row_of(&id, row, answer, may, reader)) }
        @if may { (changes(&view, reader)) }
    };
    asker.page(body)
}

fn facts(view: &DeviceView, reader: &Reader) -> Vec<(String, String)> {
    let (device, said) = (&view.device, &view.device.information.device);
    let time = |at: Timestamp| Arg::Time(at).worded(reader.texts);
    let kind = reader.say(&format!("equipment-kind-{}", said.element.kind));
    let mut facts = vec![
        ("maker", said.maker.to_string()),
        ("model", format!("{} {}", said.model, said.serial)),
        ("made", said.made.to_string()),
        ("element", format!("{} ({kind})", said.element.serial)),
        ("taken", format!("{} · {}", time(device.taken_at), device.taken_by)),
        ("site", device.site.as_ref().map_or_else(|| "—".to_owned(), ToString::to_string)),
        ("open", numbers(&view.open(), reader)),
    ];
    match &device.stand {
        DeviceStand::Registered => {}
        DeviceStand::Ending { at, by, reason } | DeviceStand::Revoked { at, by, reason } => {
            let why = reader.say(&format!("revocation-{reason}"));
            facts.push(("revoked", format!("{} · {by} · {why}", time(*at))));
        }
    }
    facts.into_iter().map(|(key, value)| (reader.say(&format!("page-equipment-col-{key}")), value)).collect()
}

fn row_of(id: &DeviceId, row: &Row, answer: &RowAnswer, may: bool, reader: &Reader) -> Markup {
    let (kind, key) = match answer {
        RowAnswer::Proved { .. } => ("good", "page-equipment-proved"),
        RowAnswer::Told { .. } => ("good", "page-equipment-told"),
        RowAnswer::Open { .. } => ("warn", "page-equipment-open"),
    };
    let classes: Vec<String> = row.classes.iter().map(|class| reader.say(class.key())).collect();
    let evidence = match answer {
        RowAnswer::Proved { evidence } | RowAnswer::Told { evidence, .. } | RowAnswer::Open { evidence, .. } => {
            evidence
        }
    };
    let asked = may && row.person != PersonMay::Never && !matches!(answer, RowAnswer::Proved { .. });
    let field = format!("evidence-{}", row.number);
    html! {
        section.item id=(format!("row-{}", row.number)) {
            h3 { (row.number) ". " (reader.say(&row.key())) " " span class=(format!("tag {kind}")) { (reader.say(key)) } }
            p { (reader.say(&format!("{}-asks", row.key()))) " " span.quiet { "(" (classes.join(" · ")) ")" } }
            @if !evidence.is_empty() {
                ul { @for (one, at) in evidence { li { (worded(*one, reader)) " " span.quiet { (Arg::Time(*at).worded(reader.texts)) } } } }
            }
            @match answer {
                RowAnswer::Told { answer, .. } => p { (answer.evidence) " " span.quiet { (answer.by) " · " (Arg::Time(answer.at).worded(reader.texts)) } },
                RowAnswer::Open { missing, person, .. } => {
                    @if !missing.is_empty() {
                        p.quiet { (reader.say("page-equipment-missing")) }
                        ul { @for one in missing { li { (worded(*one, reader)) } } }
                    }
                    @if *person { p.quiet { (reader.say("page-equipment-person")) } }
                },
                RowAnswer::Proved { .. } => {},
            }
            @if asked {
                form method="post" action=(format!("{}/answer", at(id))) {
                    input type="hidden" name="row" value=(row.number);
                    div.field {
                        label for=(field) { (reader.say("page-equipment-evidence")) }
                        input id=(field) name="evidence" type="text" required maxlength="1000" autocomplete="off";
                    }
                    button id=(format!("answer-{}", row.number)) { (reader.say("page-equipment-answer-do")) }
                }
            }
        }
    }
}

fn worded(evidence: Evidence, reader: &Reader) -> String {
    reader.say(&format!("equipment-evidence-{}", evidence.as_str()))
}

fn changes(view: &DeviceView, reader: &Reader) -> Markup {
    let here = at(&view.device.id);
    let site = view.device.site.as_ref().map(ToString::to_string).unwrap_or_default();
    html! {
        div.form {
            h2 #place { (reader.say("page-equipment-place")) }
            form method="post" action=(format!("{here}/site")) {
                p { (reader.say("page-equipment-place-lead")) }
                (Line { required: false, ..Line::text("site", "page-equipment-col-site", &site) }.show(reader))
                div.buttons { button #place-do { (reader.say("page-equipment-place-do")) } }
            }
        }
        div.form {
            h2 #another { (reader.say("page-equipment-another")) }
            form method="post" action=(format!("{here}/token")) {
                p { (reader.say("page-equipment-another-lead")) }
                div.buttons { button #token-do { (reader.say("page-equipment-another-do")) } }
            }
        }
        div.form {
            h2 #end { (reader.say("page-equipment-revoke")) }
            p { (reader.say("page-equipment-revoke-lead")) }
            (sure(&reader.say("page-equipment-revoke-do"), html! {
                form method="post" action=(format!("{here}/revoke")) {
                    label for="reason" { (reader.say("page-review-reason")) }
                    select id="reason" name="reason" required {
                        @for reason in Reason::ALL { option value=(reason.as_str()) { (reader.say(&format!("revocation-{}", reason.as_str()))) } }
                    }
                    button.danger #revoke-do { (reader.say("page-equipment-revoke-do")) }
                }
            }))
        }
    }
}
