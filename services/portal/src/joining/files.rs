//! Report files (届出ファイル, R12): at the entrance of their service, for terminals with a service certificate, they are
//! sent and listed; inside, institutions see the list and fetch receipts.
//!
//! A form sends a file without a script, in one go; our script and other programs send it by tus, which goes on after a
//! cut line.

use axum::Router;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Action, access};
use maud::{Markup, html};
use model::Section;
use multer::{Constraints, Multipart, SizeLimit};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use submissions::{Announced, Refused, SubmissionView, Submissions, Submitter};
use texts::{Arg, Reason, Texts};
use tower::ServiceExt;

use crate::frame::Page;
use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::words;
use crate::reader::Reader;

/// Where tus is spoken.
const FILES: &str = "/files";
/// What a form may have besides its file, octets.
const BESIDE: u64 = 4096;
/// A browser that sends nothing more for so long hears the answer to what it sent.
const SILENT: Duration = Duration::from_secs(2);

/// The files of one service.
#[derive(Clone)]
pub struct Files {
    room: Submissions,
    protocol: Router,
    service: String,
    url: String,
}

impl Files {
    /// `service`: what an institution must have been approved for; `url`: what browsers call the entrance.
    pub fn new(room: Submissions, service: &str, url: &str) -> Self {
        let protocol = Router::new().nest(FILES, room.router());
        Self { room, protocol, service: service.to_owned(), url: url.trim_end_matches('/').to_owned() }
    }

    pub(super) fn room(&self) -> &Submissions {
        &self.room
    }

    pub(super) fn service(&self) -> &str {
        &self.service
    }
}

/// What the listener of a service made of a terminal's certificate; it puts it on every request.
#[derive(Debug, Clone)]
pub enum Terminal {
    /// It is good, and names this user ID.
    Admitted {
        /// User ID.
        user: String,
    },
    /// It is not.
    TurnedBack(TurnedBack),
}

/// Why a terminal is not let in, for the page that says so.
#[derive(Clone)]
pub struct TurnedBack {
    code: String,
    section: Section,
    told: Arc<Told>,
}

/// What happened, and what to do, in the reader's language.
type Told = dyn Fn(&Texts) -> (String, String) + Send + Sync;

impl TurnedBack {
    /// `told`: what happened, and what to do.
    pub fn new(
        code: &str,
        section: Section,
        told: impl Fn(&Texts) -> (String, String) + Send + Sync + 'static,
    ) -> Self {
        Self { code: code.to_owned(), section, told: Arc::new(told) }
    }

    pub(super) fn of(reason: Reason) -> Self {
        let (code, section) = (reason.code.clone(), reason.section);
        Self::new(&code, section, move |texts| {
            let args: Vec<(&str, Arg)> = reason.args.iter().map(|(name, arg)| (name.as_str(), arg.clone())).collect();
            (texts.say(&reason.key, &args), texts.say(&reason.remedy_key(), &args))
        })
    }

    /// The center's own trouble is no fault of who asks.
    fn status(&self) -> StatusCode {
        if self.section == Section::Operator { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::FORBIDDEN }
    }

    pub(super) fn page(&self, desk: &Desk, reader: &Reader) -> Response {
        let (what, remedy) = (self.told)(reader.texts);
        let section = reader.say(self.section.key());
        words::only(
            desk,
            self.status(),
            said(&format!("{} {what}", self.code), &section, &remedy, reader),
            None,
            reader,
        )
    }

    /// RFC 9457.
    pub(super) fn problem(&self, reader: &Reader) -> Response {
        let (what, remedy) = (self.told)(reader.texts);
        let body = serde_json::json!({
            "type": format!("urn:sekisho:problem:{}", self.code.to_lowercase()),
            "title": what,
            "detail": remedy,
            "status": self.status().as_u16(),
            "code": self.code,
            "section": self.section,
        });
        (self.status(), [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}

impl fmt::Debug for TurnedBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TurnedBack({})", self.code)
    }
}

/// Who submits: the same person at both doors.
fn submitter(caller: &Caller) -> Option<Submitter> {
    let account = match caller {
        Caller::Member(member) => member.account(),
        Caller::In(who) => who.account(),
        _ => return None,
    };
    Some(Submitter { institution: account.institution.0.to_string(), account: account.user.to_string() })
}

/// The room, and who submits, for the API.
pub(super) fn room<'a>(desk: &'a Desk, caller: &Caller) -> Option<(&'a Submissions, Submitter)> {
    Some((&desk.files.as_ref()?.room, submitter(caller)?))
}

/// The room and who asks; the gate lets nobody else by.
fn here<'a>(desk: &'a Desk, caller: &Caller, reader: &Reader) -> Result<(&'a Files, Submitter), Box<Response>> {
    match (&desk.files, submitter(caller)) {
        (Some(files), Some(who)) => Ok((files, who)),
        _ => Err(Box::new(words::only(
            desk,
            StatusCode::NOT_FOUND,
            words::plain("page-not-found", &[], reader),
            None,
            reader,
        ))),
    }
}

/// The entrance of the service: what was sent, and the form to send more.
pub(super) async fn at_service(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let (files, who) = match here(&desk, &caller, &reader) {
        Ok(here) => here,
        Err(no) => return *no,
    };
    let all = match files.room.list(&who, None, 0).await {
        Ok(all) => all,
        Err(no) => return refused(&desk, &no, "/", &reader),
    };
    let form = match access::may(caller.role(), Action::Submit) {
        true => form(files, &reader),
        false => html! {},
    };
    let body = html! {
        h1 { (reader.say("page-files-title")) }
        (form)
        h2 #sent { (reader.say("page-files-sent")) }
        (table(&all, &reader))
    };
    framed(&caller, "page-files-title", "/", None, &reader, body)
}

fn form(files: &Files, reader: &Reader) -> Markup {
    let mebibytes = i64::try_from(files.room.max_bytes() >> 20).unwrap_or(i64::MAX);
    html! {
        div.form {
            p { (reader.say("page-files-lead")) }
            form method="post" action="/submit" enctype="multipart/form-data" data-tus=(FILES)
                data-sending=(reader.say("page-files-sending")) data-cut=(reader.say("page-files-cut"))
                data-stopped=(reader.say("page-files-stopped")) {
                // First, so that it is known before the file comes: a form sent twice submits once.
                input type="hidden" name="key" value=(files.room.fresh_key());
                div.field {
                    label for="file" { (reader.say("page-files-file")) span.must { (reader.say("page-must")) } }
                    p.hint id="file-hint" { (reader.tell("page-files-hint", &[("mebibytes", mebibytes.into())])) }
                    input #file type="file" name="file" required aria-describedby="file-hint";
                }
                p hidden { progress max="1" value="0" aria-label=(reader.say("page-files-progress")) {} }
                p #said role="status" {}
                div.buttons { button.primary #send { (reader.say("page-files-send")) } }
            }
        }
    }
}

/// A page around it: at the entrance of a service there is nowhere else to go.
fn framed(caller: &Caller, title: &str, here: &str, reload: Option<u32>, reader: &Reader, body: Markup) -> Response {
    let who = match caller {
        Caller::Member(member) => Some(format!("{} · {}", member.account().name, member.user())),
        _ => None,
    };
    Page { title, who, here, follows: None, reload }.answer(reader, body)
}

/// One submission, with its receipt once there is one.
pub(super) async fn one(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    reader: Reader,
) -> Response {
    let (files, who) = match here(&desk, &caller, &reader) {
        Ok(here) => here,
        Err(no) => return *no,
    };
    let one = match files.room.view(&who, &id).await {
        Ok(one) => one,
        Err(no) => return refused(&desk, &no, "/", &reader),
    };
    let waits = one.state == "received";
    let body = html! {
        div.form {
            h1 { (reader.say("page-files-one")) }
            dl.confirm.wide {
                dt { (reader.say("page-files-file")) } dd { (one.name) }
                dt { (reader.say("page-files-number")) } dd.number { (one.id) }
                dt { (reader.say("page-files-state")) } dd { (tag(&one, &reader)) }
                dt { (reader.say("page-files-begun")) } dd.number { (Arg::Time(one.begun_at).worded(reader.texts)) }
                @if let Some(sum) = &one.sha256 { dt { "SHA-256" } dd.number { (sum) } }
            }
            (why(&one, &reader))
            @if waits { p role="status" data-again="3" { (reader.say("page-files-waits")) } }
            @if one.receipt {
                h2 { (reader.say("page-files-receipt")) }
                p { (reader.say("page-files-receipt-lead")) }
                (receipts("/submissions", &one.id, &reader))
                pre.command { "openssl x509 -in certificate.pem -pubkey -noout > key.pem\n\
                    openssl dgst -sha256 -verify key.pem -signature receipt.sig receipt.txt" }
            }
            p.buttons {
                @if waits { a.button href=(format!("/submissions/{}", one.id)) { (reader.say("page-files-look-again")) } }
                a.button href="/" { (reader.say("page-files-back")) }
            }
        }
    };
    let at = format!("/submissions/{}", one.id);
    framed(&caller, "page-files-one", &at, waits.then_some(3), &reader, body)
}

/// Inside: what the institution submitted.
pub(super) async fn inside(State(desk): State<Desk>, Extension(caller): Extension<Caller>, reader: Reader) -> Response {
    let (files, who) = match here(&desk, &caller, &reader) {
        Ok(here) => here,
        Err(no) => return *no,
    };
    let Caller::In(person) = &caller else { return Redirect::to("/login").into_response() };
    match files.room.list(&who, None, 0).await {
        Ok(all) => {
            let body = html! {
                p { (reader.say("page-files-inside")) " " a #service href=(files.url) { (files.url) } }
                (table(&all, &reader))
            };
            super::inside::page(person, "page-menu-submissions", "/submissions", &reader, body)
        }
        Err(no) => refused(&desk, &no, "/menu", &reader),
    }
}

/// A file of a receipt, at both doors.
pub(super) async fn receipt(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path((id, name)): Path<(String, String)>,
    reader: Reader,
) -> Response {
    let (files, who) = match here(&desk, &caller, &reader) {
        Ok(here) => here,
        Err(no) => return *no,
    };
    match files.room.receipt_file(&who, &id, &name).await {
        Ok(answer) => answer,
        Err(no) => refused(&desk, &no, "/", &reader),
    }
}

/// tus, for our script and other programs. Bodies are read only after the gate let the caller by.
pub(super) async fn tus(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    mut request: Request,
) -> Response {
    let (files, who) = match here(&desk, &caller, &reader) {
        Ok(here) => here,
        Err(no) => return *no,
    };
    request.extensions_mut().insert(who);
    match files.protocol.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// The form's file, whole.
pub(super) async fn submit(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    request: Request,
) -> Response {
    let (files, who) = match here(&desk, &caller, &reader) {
        Ok(here) => here,
        Err(no) => return *no,
    };
    let room = files.room.clone();
    // In a task of its own: it ends properly even if the browser goes away.
    match tokio::spawn(take(room, who, request)).await {
        Ok(Ok(view)) => Redirect::to(&format!("/submissions/{}", view.id)).into_response(),
        Ok(Err(no)) => refused(&desk, &no, "/", &reader),
        Err(error) => {
            tracing::error!(%error, "a form's file");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn take(room: Submissions, who: Submitter, request: Request) -> Result<SubmissionView, Refused> {
    let unreadable = |_| Refused::Malformed("multipart/form-data");
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(unreadable)?;
    let limit = room.max_bytes();
    let sizes = SizeLimit::new().whole_stream(2 * limit + BESIDE).for_field("key", BESIDE);
    let constraints = Constraints::new().allowed_fields(vec!["key", "file"]).size_limit(sizes);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, constraints);
    let done = take_fields(&room, &who, &mut form).await;
    if done.is_err() {
        // A browser that is still sending reads no answer; what it has on its way, up to the limit, is let come.
        while let Ok(Ok(Some(mut field))) = tokio::time::timeout(SILENT, form.next_field()).await {
            while let Ok(Ok(Some(_))) = tokio::time::timeout(SILENT, field.chunk()).await {}
        }
    }
    done
}

async fn take_fields(room: &Submissions, who: &Submitter, form: &mut Multipart<'_>) -> Result<SubmissionView, Refused> {
    let mut key = None;
    loop {
        let field = form.next_field().await.map_err(|_| Refused::Malformed("multipart/form-data"))?;
        let field = field.ok_or(Refused::Malformed("file"))?;
        match field.name() {
            Some("key") => key = Some(field.text().await.map_err(|_| Refused::Malformed("key"))?),
            Some("file") => {
                let announced = Announced {
                    name: field.file_name().unwrap_or_default().to_owned(),
                    media_type: field.content_type().map(ToString::to_string).unwrap_or_default(),
                    once: key,
                    ..Announced::default()
                };
                return room.take(who, announced, field).await;
            }
            _ => return Err(Refused::Malformed("multipart/form-data")),
        }
    }
}

fn table(all: &[SubmissionView], reader: &Reader) -> Markup {
    html! {
        @if all.is_empty() { p.empty { (reader.say("page-files-none")) } } @else {
            div.scroll { table.stack #submissions {
                thead { tr {
                    @for key in ["page-files-file", "page-files-begun", "page-files-state", "page-files-receipt"] {
                        th scope="col" { (reader.say(key)) }
                    }
                } }
                tbody { @for one in all.iter().rev() { tr id=(format!("s-{}", one.id)) {
                    th scope="row" { (one.name) span.quiet.small { " " (one.account) } }
                    td.number { (Arg::Time(one.begun_at).worded(reader.texts)) }
                    td { (tag(one, reader)) (why(one, reader)) }
                    td { @if one.receipt { (receipts("/submissions", &one.id, reader)) } }
                } } }
            } }
        }
    }
}

pub(super) fn receipts(base: &str, id: &str, reader: &Reader) -> Markup {
    const PARTS: [(&str, &str); 3] = [
        ("receipt.txt", "page-files-receipt-text"),
        ("receipt.sig", "page-files-receipt-signature"),
        ("certificate.pem", "page-files-receipt-certificate"),
    ];
    html! { ul.plain { @for (name, key) in PARTS {
        li { a href=(format!("{base}/{id}/{name}")) download=(name) { (reader.say(key)) } }
    } } }
}

pub(super) fn tag(one: &SubmissionView, reader: &Reader) -> Markup {
    let kind = match one.state {
        "accepted" | "repeated" => "good",
        "receiving" | "received" => "warn",
        _ => "bad",
    };
    html! { span class=(format!("tag {kind}")) { (one.state_text(reader.texts)) } }
}

pub(super) fn why(one: &SubmissionView, reader: &Reader) -> Markup {
    html! { @if let Some(reason) = &one.reason {
        @let lines = reason.lines(reader.texts);
        p.fault { (lines.refused) } p.do { (lines.remedy) }
    } }
}

pub(super) fn refused(desk: &Desk, no: &Refused, back: &str, reader: &Reader) -> Response {
    let lines = no.reason().lines(reader.texts);
    words::only(desk, no.status(), said(&lines.refused, &lines.section, &lines.remedy, reader), Some(back), reader)
}

fn said(what: &str, section: &str, remedy: &str, reader: &Reader) -> Markup {
    html! {
        section.refusal role="alert" {
            h2 { (what) }
            p { span.quiet { (reader.say("portal-refusal-section")) " " } (section) }
            p.do { span.quiet { (reader.say("portal-refusal-do")) " " } (remedy) }
        }
    }
}
