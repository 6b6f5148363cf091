//! First sign-in with the initial password, and its change (R5).

use axum::extract::{Extension, Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Field, FieldFault};
use maud::html;
use serde::Deserialize;

use crate::joining::caller::{self, Caller};
use crate::joining::form::{Line, faults};
use crate::joining::words::{faults_of, leading, refusal, refused, rules, said};
use crate::joining::{Desk, steps};
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Typed {
    user: String,
    password: String,
}

/// What a form for another password sends.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(in crate::joining) struct NewPassword {
    pub password: String,
    pub new_password: String,
    pub new_password_again: String,
}

pub(in crate::joining) async fn ask(State(desk): State<Desk>, reader: Reader) -> Response {
    form(&desk, "", None, &reader)
}

pub(in crate::joining) async fn enter(State(desk): State<Desk>, reader: Reader, Form(typed): Form<Typed>) -> Response {
    match desk.joining.first_sign_in(&typed.user, &typed.password).await {
        Ok(token) => caller::enter(Redirect::to("/first/password").into_response(), &token),
        Err(no) => form(&desk, &typed.user, Some(&no), &reader),
    }
}

fn form(desk: &Desk, user: &str, no: Option<&reception::Refused>, reader: &Reader) -> Response {
    let body = html! {
        div.form {
            (steps("page-step-password", reader))
            h1 { (reader.say("page-first-title")) }
            p { (reader.say("page-first-lead")) }
            @if let Some(no) = no { (refusal(no, reader)) }
            form method="post" action="/first" {
                (Line::text("user", "page-user", user).of("text", "username").show(reader))
                (Line::text("password", "page-password", "").of("password", "current-password").show(reader))
                div.buttons { button.primary #enter { (reader.say("page-first-do")) } }
            }
        }
    };
    let answer = desk.page("page-first-title", "/first", reader).answer_to(no.is_some(), reader, body);
    if no.is_some() { (StatusCode::UNAUTHORIZED, answer).into_response() } else { answer }
}

pub(in crate::joining) async fn change_form(State(desk): State<Desk>, reader: Reader) -> Response {
    change_page(&desk, &[], &reader)
}

pub(in crate::joining) async fn change(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(typed): Form<NewPassword>,
) -> Response {
    let Caller::Settling(who) = &caller else { return Redirect::to("/first").into_response() };
    let NewPassword { password, new_password, new_password_again } = &typed;
    match desk.joining.change_initial(who, password, new_password, new_password_again).await {
        Ok(settled) => caller::enter(Redirect::to("/first/vpn").into_response(), &settled.token),
        Err(no) if !faults_of(&no).is_empty() => change_page(&desk, faults_of(&no), &reader),
        Err(no) => refused(&desk, &no, "/first/password", &reader),
    }
}

fn change_page(desk: &Desk, wrong: &[FieldFault], reader: &Reader) -> Response {
    let body = html! {
        div.form {
            (steps("page-step-password", reader))
            h1 { (reader.say("page-change-title")) }
            (faults(&leading(wrong, reader), reader))
            p { (reader.say("page-change-lead")) }
            (rules(&desk.joining.settings().policy, reader))
            form method="post" action="/first/password" { (password_lines(wrong, reader)) }
        }
    };
    desk.page("page-change-title", "/first/password", reader).answer_to(!wrong.is_empty(), reader, body)
}

/// Present password, new one, new one again, button.
pub(in crate::joining) fn password_lines(wrong: &[FieldFault], reader: &Reader) -> maud::Markup {
    let at = |field| said(wrong, field, reader);
    let (old, new, again) = (at(Field::Password), at(Field::NewPassword), at(Field::NewPasswordAgain));
    html! {
        (Line::text("password", "page-change-old", "").of("password", "current-password").with(old.as_deref()).show(reader))
        (Line::text("new-password", &Field::NewPassword.key(), "").of("password", "new-password").with(new.as_deref()).show(reader))
        (Line::text("new-password-again", &Field::NewPasswordAgain.key(), "").of("password", "new-password").with(again.as_deref()).show(reader))
        div.buttons { button.primary #change { (reader.say("page-change-do")) } }
    }
}

pub(in crate::joining) async fn leave(State(desk): State<Desk>, Extension(caller): Extension<Caller>) -> Response {
    if let Caller::Settling(who) = &caller
        && let Err(no) = desk.joining.end_settling(who).await
    {
        tracing::warn!(code = no.code(), "a session could not be ended; it ends by its time");
    }
    caller::leave(Redirect::to("/").into_response())
}
