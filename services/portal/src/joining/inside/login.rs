//! Log-in with password and second factor, log-out (R5, R8).

use axum::extract::{Extension, Form, State};
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use reception::{Refused, SignInAnswer, Token};
use serde::Deserialize;
use std::net::IpAddr;
use texts::Arg;
use webauthn::Assertion;

use super::cards;
use super::keys::{self, octets};
use crate::joining::Desk;
use crate::joining::caller::{self, Caller, source};
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
    /// A recovery code, in its own field: it has letters, which no keyboard for digits has.
    recovery: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(in crate::joining) struct Touched {
    step: String,
    id: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
    owner: String,
}

pub(in crate::joining) async fn ask(State(desk): State<Desk>, reader: Reader) -> Response {
    form(&desk, "", None, &reader)
}

pub(in crate::joining) async fn enter(
    State(desk): State<Desk>,
    extensions: Extensions,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    match desk.joining.sign_in(&typed.user, &typed.password).await {
        Ok(SignInAnswer::In { token, change_due }) => entered(&token, change_due),
        Ok(SignInAnswer::SecondFactor { token, .. }) => {
            second(&desk, token.reveal(), source(&extensions), Told::Nothing, &reader).await
        }
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

pub(in crate::joining) async fn code(
    State(desk): State<Desk>,
    extensions: Extensions,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let code = if typed.recovery.trim().is_empty() { &typed.code } else { &typed.recovery };
    let answer = desk.joining.second_factor_code(&typed.step, code).await;
    stepped(&desk, answer.map(Some), &typed.step, source(&extensions), &reader).await
}

pub(in crate::joining) async fn key(
    State(desk): State<Desk>,
    extensions: Extensions,
    reader: Reader,
    Form(typed): Form<Touched>,
) -> Response {
    let shown = Assertion {
        id: octets(&typed.id),
        client_data: octets(&typed.client_data),
        authenticator_data: octets(&typed.authenticator_data),
        signature: octets(&typed.signature),
        user: Some(octets(&typed.owner)).filter(|owner| !owner.is_empty()),
    };
    let answer = desk.joining.second_factor_key(&typed.step, &shown).await;
    stepped(&desk, answer.map(Some), &typed.step, source(&extensions), &reader).await
}

/// Was the card shown meanwhile?
pub(in crate::joining) async fn card(
    State(desk): State<Desk>,
    extensions: Extensions,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let from = source(&extensions);
    let answer = desk.joining.second_factor_card(&typed.step, from).await;
    stepped(&desk, answer, &typed.step, from, &reader).await
}

async fn stepped(
    desk: &Desk,
    answer: Result<Option<SignInAnswer>, Refused>,
    step: &str,
    from: IpAddr,
    reader: &Reader,
) -> Response {
    match answer {
        Ok(Some(SignInAnswer::In { token, change_due })) => entered(&token, change_due),
        Ok(Some(_)) => Redirect::to("/login").into_response(),
        Ok(None) => second(desk, step, from, Told::Waits, reader).await,
        Err(no) => second(desk, step, from, Told::No(&no), reader).await,
    }
}

/// What the page says besides asking.
enum Told<'a> {
    Nothing,
    No(&'a Refused),
    /// The card has not confirmed yet.
    Waits,
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

/// Whatever does as a second factor here, the quickest first.
async fn second(desk: &Desk, step: &str, from: IpAddr, told: Told<'_>, reader: &Reader) -> Response {
    let no = if let Told::No(no) = &told { Some(*no) } else { None };
    let Ok(ways) = desk.joining.second_step(step).await else {
        // It is over: five minutes, or five wrong ones.
        return form(desk, "", no.or(Some(&Refused::NotSignedIn)), reader);
    };
    let card = match desk.cards.is_some() && ways.card {
        true => desk.joining.card_code(step, from).await.ok(),
        false => None,
    };
    let body = html! {
        div.form {
            h1 { (reader.say("page-code-title")) }
            @if let Some(no) = no { (refusal(no, reader)) }
            @if let Some(question) = &ways.key { (keys::question(question, step, reader)) }
            @if let Some(code) = &card { (cards::question(desk, code, step, matches!(told, Told::Waits), reader)) }
            @if ways.totp {
                form.one-code method="post" action="/login/code" {
                    (carried(&[("step", step)]))
                    p { (reader.say("page-code-lead")) }
                    (Line::text("code", "page-code", "").of("text", "one-time-code").show(reader))
                    div.buttons { button.primary #confirm { (reader.say("page-code-do")) } }
                }
            }
            @if ways.recovery {
                details.other open[!ways.totp && ways.key.is_none() && card.is_none()] {
                    summary { (reader.say("page-recovery-use")) }
                    form method="post" action="/login/code" {
                        (carried(&[("step", step)]))
                        (Line::text("recovery", "page-recovery", "").show(reader))
                        div.buttons { button #recover { (reader.say("page-code-do")) } }
                    }
                }
            }
            p.buttons { a.button href="/login" { (reader.say("page-log-in-again")) } }
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
