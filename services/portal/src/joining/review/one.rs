//! One application: what was entered, the calls, what can be decided (R4).

use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use joining::{Action, CallOutcome, Field, FieldFault, InstitutionChoice, Stand, access};
use maud::{Markup, html};
use reception::ReviewPage;
use serde::Deserialize;
use texts::Arg;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::form::{Line, faults, given};
use crate::joining::words::{prefecture_name, refused, said};
use crate::reader::Reader;

const FOUND: usize = 20;

#[derive(Debug, Default, Deserialize)]
pub(in crate::joining) struct Asked {
    /// Words to find the institution by.
    #[serde(default)]
    search: String,
}

pub(in crate::joining) async fn one(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
    reader: Reader,
) -> Response {
    let again = Again { search: asked.search, ..Again::default() };
    shown(&desk, &caller, id, &again, None, &reader).await
}

/// What was sent and is shown once more.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Words to find the institution by.
    pub search: String,
    /// What is wrong.
    pub wrong: Vec<FieldFault>,
    /// The call as it was typed.
    pub phone: String,
    pub outcome: String,
    pub note: String,
    /// The reason as it was typed.
    pub reason: String,
    /// It was the rejection that was sent, and not the call: both have words that are needed.
    pub rejects: bool,
}

impl Again {
    /// The field that a fault is about.
    fn anchor(&self, field: Field) -> &'static str {
        match field {
            Field::Reason if !self.rejects => "note",
            Field::Institution => "search",
            other => other.as_str(),
        }
    }

    /// Every fault, with what its field is called here.
    fn faults(&self, reader: &Reader) -> Vec<(String, String)> {
        let one = |fault: &FieldFault| {
            let anchor = self.anchor(fault.field);
            let field = match anchor {
                "phone" => reader.say("page-review-call-phone"),
                "note" => reader.say("page-review-call-note"),
                "reason" => reader.say("page-review-reason"),
                _ => reader.say(&fault.field.key()),
            };
            let words = self.at(anchor, reader).unwrap_or_default();
            let said = reader.tell("page-fault-of", &[("field", Arg::text(field)), ("fault", Arg::text(words))]);
            (anchor.to_owned(), said)
        };
        self.wrong.iter().map(one).collect()
    }

    fn at(&self, name: &str, reader: &Reader) -> Option<String> {
        let about = self.wrong.iter().find(|fault| self.anchor(fault.field) == name)?;
        said(&self.wrong, about.field, reader)
    }
}

pub(super) async fn shown(
    desk: &Desk,
    caller: &Caller,
    id: i64,
    again: &Again,
    above: Option<Markup>,
    reader: &Reader,
) -> Response {
    let view = match desk.joining.review(&caller.operator(), id).await {
        Ok(view) => view,
        Err(no) => return refused(desk, &no, "/review", reader),
    };
    let application = &view.item.application;
    let may = access::may(caller.role(), Action::Review) && application.is_open();
    let here = format!("/review/{id}");
    let unlisted = application.institution().is_none();
    let wrong: Vec<(String, String)> = again.faults(reader);
    let body = html! {
        @if let Some(above) = above { (above) }
        (faults(&wrong, reader))
        (entered(&view, reader))
        @if may && unlisted { (settle(desk, &view, &here, &again.search, reader).await) }
        h2 #calls { (reader.say("page-review-calls")) }
        @if application.calls.is_empty() { p.empty { (reader.say("page-review-calls-none")) } }
        @for call in &application.calls {
            div.sheet {
                p { strong { (reader.say(&format!("joining-call-{}", call.outcome.as_str()))) } " · "
                    span.number { (Arg::Time(call.at).worded(reader.texts)) } " · " (call.by) " · " span.number { (call.phone) } }
                p.lines { (call.note) }
            }
        }
        @if may { (actions(&view, &here, again, reader)) }
        p.buttons { a.button href="/review" { (reader.say("page-review-back")) } }
    };
    super::said(caller, "page-review-one-title", &here, !again.wrong.is_empty(), reader, body)
}

fn entered(view: &ReviewPage, reader: &Reader) -> Markup {
    let mut rows = Vec::new();
    let mut row = |key: &str, value: &str| rows.push((reader.say(key), value.to_owned()));
    if let Some(full) = &view.item.application.full {
        row(&Field::Prefecture.key(), prefecture_name(full.prefecture, reader));
        row(&Field::Institution.key(), &view.item.institution);
        if let Some(listed) = &view.listed {
            row("page-review-listed", &format!("{} · {}", listed.code, listed.address));
        }
        row(&Field::Head.key(), &format!("{} / {}", full.head, full.head_kana));
        row(&Field::Applicant.key(), &format!("{} / {}", full.applicant, full.applicant_kana));
        row(&Field::Department.key(), &full.department);
        row(&Field::Post.key(), &full.post);
        row(&Field::Mail.key(), view.item.application.mail.as_str());
        row(&Field::Phone.key(), &full.phone);
        row(&Field::Extension.key(), &full.extension);
    }
    rows.push((
        reader.say("page-review-col-stand"),
        reader.say(&format!("joining-stand-{}", view.item.application.stand.as_str())),
    ));
    if let Some(due) = view.item.application.due() {
        rows.push((reader.say("page-review-col-due"), Arg::Time(due.by).worded(reader.texts)));
    }
    html! {
        (given(&rows))
        @if let Stand::AwaitsSecond { by, .. } = &view.item.application.stand {
            div.done { p { (reader.tell("page-review-second", &[("by", Arg::text(by))])) } }
        }
    }
}

async fn settle(desk: &Desk, view: &ReviewPage, here: &str, search: &str, reader: &Reader) -> Markup {
    let Some(full) = &view.item.application.full else { return html! {} };
    let words = match (&full.institution, search) {
        (InstitutionChoice::NotListed(name), "") => name.as_str(),
        _ => search,
    };
    let found = desk.joining.search_institutions(Some(full.prefecture), words, FOUND).await.unwrap_or_default();
    html! {
        div.form {
            h2 #settle { (reader.say("page-review-settle")) }
            form method="get" action=(here) {
                div.find-row {
                    (Line { required: false, ..Line::text("search", "page-full-search", words) }.show(reader))
                    div.field { button { (reader.say("page-full-search-do")) } }
                }
            }
            form method="post" action=(format!("{here}/settle")) {
                (version(view))
                ul.choices { @for one in &found.found { li { label {
                    input type="radio" name="institution" value=(one.id.0) required;
                    span { (one.name) span.quiet.small { (one.address) } }
                } } } }
                div.buttons { button #settle-do { (reader.say("page-review-settle-do")) } }
            }
        }
    }
}

/// What was seen: nobody decides on something else.
fn version(view: &ReviewPage) -> Markup {
    html! { input type="hidden" name="version" value=(view.version); }
}

fn actions(view: &ReviewPage, here: &str, again: &Again, reader: &Reader) -> Markup {
    let at = |name| again.at(name, reader);
    let (phone, note, reason) = (at("phone"), at("note"), at("reason"));
    html! {
        div.form {
            form method="post" action=(format!("{here}/call")) {
                (version(view))
                h2 { (reader.say("page-review-call-add")) }
                (Line::text("phone", "page-review-call-phone", &again.phone).of("tel", "off")
                    .hinted("page-review-call-phone-hint").with(phone.as_deref()).show(reader))
                fieldset {
                    legend { (reader.say("page-review-call-outcome")) }
                    @for outcome in CallOutcome::ALL {
                        label.tick {
                            input type="radio" name="outcome" value=(outcome.as_str()) id=(format!("call-{}", outcome.as_str())) required
                                checked[again.outcome == outcome.as_str()];
                            span { (reader.say(&format!("joining-call-{}", outcome.as_str()))) }
                        }
                    }
                }
                (Line::text("note", "page-review-call-note", &again.note).hinted("page-review-call-note-hint").with(note.as_deref()).show(reader))
                div.buttons { button #call { (reader.say("page-review-call-do")) } }
            }
            @if view.item.application.confirmed() && view.item.application.institution().is_some() {
                form method="post" action=(format!("{here}/approve")) {
                    (version(view))
                    h2 { (reader.say("page-review-approve")) }
                    p { (reader.say("page-review-approve-lead")) }
                    div.buttons { button.primary #approve { (reader.say("page-review-approve-do")) } }
                }
            }
            form method="post" action=(format!("{here}/reject")) {
                (version(view))
                h2 { (reader.say("page-review-reject")) }
                p { (reader.say("page-review-reject-lead")) }
                (Line::text("reason", "page-review-reason", &again.reason).with(reason.as_deref()).show(reader))
                div.buttons { button.danger #reject { (reader.say("page-review-reject-do")) } }
            }
        }
    }
}
