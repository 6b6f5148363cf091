//! What an operator does: record, settle, approve, reject, reset, publish.

use axum::extract::{Extension, Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use joining::{CallOutcome, Field, InstitutionId, UserId};
use maud::{Markup, html};
use reception::{Approved, CallForm, NoticeForm, Refused};
use serde::Deserialize;
use texts::Arg;

use super::one::{self, Again};
use super::page;
use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::words::{faults_of, refused};
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(in crate::joining) struct Typed {
    phone: String,
    outcome: String,
    note: String,
    institution: String,
    reason: String,
    user: String,
    title_ja: String,
    title_en: String,
    body_ja: String,
    body_en: String,
    version: i64,
}

type Answer = Result<Response, Refused>;

/// Back to the application with what was wrong, or a page that says why not.
async fn or_say(answer: Answer, desk: &Desk, caller: &Caller, id: i64, typed: Again, reader: &Reader) -> Response {
    match answer {
        Ok(response) => response,
        Err(no) if !faults_of(&no).is_empty() => {
            let typed = Again { wrong: faults_of(&no).to_vec(), ..typed };
            let again = one::shown(desk, caller, id, &typed, None, reader).await;
            (StatusCode::UNPROCESSABLE_ENTITY, again).into_response()
        }
        Err(no) => refused(desk, &no, &format!("/review/{id}"), reader),
    }
}

fn to(id: i64) -> Response {
    Redirect::to(&format!("/review/{id}")).into_response()
}

pub(in crate::joining) async fn call(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<i64>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let Some(outcome) = CallOutcome::ALL.iter().find(|o| o.as_str() == typed.outcome) else {
        return desk.old_form(&format!("/review/{id}"), &reader);
    };
    let call = CallForm { phone: typed.phone.clone(), outcome: *outcome, note: typed.note.clone() };
    let answer = desk.joining.record_call(&caller.operator(), id, typed.version, &call).await.map(|_| to(id));
    let again = Again { phone: typed.phone, outcome: typed.outcome, note: typed.note, ..Again::default() };
    or_say(answer, &desk, &caller, id, again, &reader).await
}

pub(in crate::joining) async fn settle(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<i64>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let Ok(number) = typed.institution.parse() else { return desk.old_form(&format!("/review/{id}"), &reader) };
    let settled = desk.joining.settle_institution(&caller.operator(), id, typed.version, InstitutionId(number)).await;
    or_say(settled.map(|_| to(id)), &desk, &caller, id, Again::default(), &reader).await
}

pub(in crate::joining) async fn approve(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<i64>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let here = format!("/review/{id}");
    let answer = match desk.joining.approve(&caller.operator(), id, typed.version).await {
        Ok(Approved::Done { user, initial, phone, extension, until, .. }) => {
            let rows = html! {
                dt { (reader.say(&Field::Phone.key())) } dd { (phone) }
                dt { (reader.say(&Field::Extension.key())) } dd { (extension) }
                dt { (reader.say("page-user")) } dd #user { (user) }
                dt { (reader.say("page-review-until")) } dd { (Arg::Time(until).worded(reader.texts)) }
            };
            Ok(told_once(&caller, "page-review-approved", rows, initial.reveal(), &here, &reader))
        }
        Ok(Approved::AwaitsSecond) => {
            let said = html! { div.done role="status" { p { (reader.say("page-review-waits")) } } };
            Ok(one::shown(&desk, &caller, id, &Again::default(), Some(said), &reader).await)
        }
        Err(no) => Err(no),
    };
    or_say(answer, &desk, &caller, id, Again::default(), &reader).await
}

/// A page with an initial password, which nobody sees again.
fn told_once(caller: &Caller, of: &str, rows: Markup, password: &str, here: &str, reader: &Reader) -> Response {
    let title = format!("{of}-title");
    let body = html! {
        div.done role="status" { p { (reader.say("page-review-approved")) } }
        dl.confirm.wide {
            (rows)
            dt { (reader.say("page-initial-password")) } dd { span.secret #initial { (password) } }
        }
        p.buttons { a.button href="/review" { (reader.say("page-review-back")) } }
    };
    page(caller, &title, here, reader, body)
}

pub(in crate::joining) async fn reject(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<i64>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let answer = desk.joining.reject(&caller.operator(), id, typed.version, &typed.reason).await;
    let again = Again { reason: typed.reason, rejects: true, ..Again::default() };
    or_say(answer.map(|_| to(id)), &desk, &caller, id, again, &reader).await
}

pub(in crate::joining) async fn approve_service(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<i64>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    match desk.joining.approve_service(&caller.operator(), id, typed.version).await {
        Ok(_) => Redirect::to("/review#services").into_response(),
        Err(no) => refused(&desk, &no, "/review", &reader),
    }
}

pub(in crate::joining) async fn cancel_service(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<i64>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    match desk.joining.cancel_service(&caller.operator(), id, typed.version, &typed.reason).await {
        Ok(_) => Redirect::to("/review#services").into_response(),
        Err(no) => refused(&desk, &no, "/review", &reader),
    }
}

pub(in crate::joining) async fn reset(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let Ok(user) = typed.user.parse::<UserId>() else { return refused(&desk, &Refused::NoSuch, "/review", &reader) };
    match desk.joining.reset_account(&caller.operator(), user, false).await {
        Ok(made) => {
            let rows = html! {
                dt { (reader.say("page-user")) } dd #user { (made.user) }
                dt { (reader.say("page-review-until")) } dd { (Arg::Time(made.until).worded(reader.texts)) }
            };
            told_once(&caller, "page-review-reset", rows, made.initial.reveal(), "/review", &reader)
        }
        Err(no) => refused(&desk, &no, "/review", &reader),
    }
}

pub(in crate::joining) async fn publish(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let form = NoticeForm {
        title_ja: typed.title_ja,
        title_en: typed.title_en,
        body_ja: typed.body_ja,
        body_en: typed.body_en,
        until: None,
    };
    match desk.joining.publish_notice(&caller.operator(), &form).await {
        Ok(_) => {
            let said = html! {
                div.done role="status" { p { (reader.say("page-review-notice-done")) } }
                p.buttons { a.button href="/review" { (reader.say("page-review-back")) } }
            };
            page(&caller, "page-review-notice", "/review", &reader, said)
        }
        Err(no) => refused(&desk, &no, "/review", &reader),
    }
}
