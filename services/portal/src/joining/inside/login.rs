//! Log-in with password and second factor, log-out (R5, R8).

use axum::extract::{Extension, Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use reception::{SignInAnswer, Token};
use serde::Deserialize;
use texts::Arg;

use crate::joining::Desk;
use crate::joining::caller::{self, Caller};
use crate::joining::form::{Line, carried};
use crate::joining::words::{only, plain, refusal};
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Typed {
    user: String,
    password: String,
    step: String,
    code: String,
}

pub(in crate::joining) async fn ask(State(desk): State<Desk>, reader: Reader) -> Response {
    form(&desk, "", None, &reader)
}

pub(in crate::joining) async fn enter(State(desk): State<Desk>, reader: Reader, Form(typed): Form<Typed>) -> Response {
    match desk.joining.sign_in(&typed.user, &typed.password).await {
        Ok(SignInAnswer::In { token, change_due }) => entered(&token, change_due),
        Ok(SignInAnswer::SecondFactor { token, .. }) => code_form(&desk, token.reveal(), None, &reader),
        Ok(SignInAnswer::MustChange { .. }) => {
            let url = Arg::text(format!("{}/first", desk.joining.settings().public_url));
            let body = plain("page-login-initial", &[("url", url)], &reader);
            only(&desk, StatusCode::FORBIDDEN, body, Some("/login"), &reader)
        }
        Err(no) => form(&desk, &typed.user, Some(&no), &reader),
    }
}

fn entered(token: &Token, change_due: bool) -> Response {
    caller::enter(Redirect::to(if change_due { "/password" } else { "/notices" }).into_response(), token)
}

pub(in crate::joining) async fn code(State(desk): State<Desk>, reader: Reader, Form(typed): Form<Typed>) -> Response {
    match desk.joining.second_factor_code(&typed.step, &typed.code).await {
        Ok(SignInAnswer::In { token, change_due }) => entered(&token, change_due),
        Ok(_) => Redirect::to("/login").into_response(),
        Err(no) => code_form(&desk, &typed.step, Some(&no), &reader),
    }
}

fn form(desk: &Desk, user: &str, no: Option<&reception::Refused>, reader: &Reader) -> Response {
    let body = html! {
        div.form {
            h1 { (reader.say("page-login-title")) }
            p { (reader.say("page-login-lead")) }
            @if let Some(no) = no { (refusal(no, reader)) }
            form method="post" action="/login" {
                (Line::text("user", "page-user", user).of("text", "username").show(reader))
                (Line::text("password", "page-password", "").of("password", "current-password").show(reader))
                div.buttons { button.primary #login { (reader.say("page-login-do")) } }
            }
            p.hint { (reader.say("page-login-outside")) }
        }
    };
    let answer = desk.page("page-login-title", "/login", reader).answer_to(no.is_some(), reader, body);
    if no.is_some() { (StatusCode::UNAUTHORIZED, answer).into_response() } else { answer }
}

fn code_form(desk: &Desk, step: &str, no: Option<&reception::Refused>, reader: &Reader) -> Response {
    let body = html! {
        div.form {
            h1 { (reader.say("page-code-title")) }
            p { (reader.say("page-code-lead")) }
            @if let Some(no) = no { (refusal(no, reader)) }
            form method="post" action="/login/code" {
                (carried(&[("step", step)]))
                (Line::text("code", "page-code", "").of("text", "one-time-code").show(reader))
                div.buttons { button.primary #confirm { (reader.say("page-code-do")) } }
            }
        }
    };
    desk.page("page-code-title", "/login", reader).answer_to(no.is_some(), reader, body)
}

pub(in crate::joining) async fn leave(State(desk): State<Desk>, Extension(caller): Extension<Caller>) -> Response {
    if let Caller::In(who) = &caller
        && let Err(no) = desk.joining.sign_out(who).await
    {
        tracing::warn!(code = no.code(), "a session could not be ended; it ends by its time");
    }
    caller::leave(Redirect::to("/logged-out").into_response())
}

pub(in crate::joining) async fn left(State(desk): State<Desk>, reader: Reader) -> Response {
    let body = html! {
        div.form {
            h1 { (reader.say("page-logged-out-title")) }
            div.done role="status" { p { (reader.say("page-logged-out")) } }
            p.buttons { a.button href="/login" { (reader.say("page-log-in-again")) } }
        }
    };
    desk.page("page-logged-out-title", "/logged-out", &reader).answer(&reader, body)
}
