//! The person's card as a second factor: the pages (R5).

use axum::extract::{Extension, Form, State};
use axum::http::Extensions;
use axum::response::{IntoResponse, Redirect, Response};
use joining::CardCode;
use maud::{Markup, html};
use reception::Refused;
use serde::Deserialize;

use super::factor::{recovery, shown, standing};
use crate::joining::Desk;
use crate::joining::caller::{Caller, source};
use crate::joining::form::carried;
use crate::joining::words::{faults_of, refused};
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Typed {
    password: String,
}

/// With the present password: the code that adds a card.
pub(in crate::joining) async fn begin(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    extensions: Extensions,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    if desk.cards.is_none() {
        return refused(&desk, &Refused::NoSuch, "/factor", &reader);
    }
    match desk.joining.offer_card(who, &typed.password, source(&extensions)).await {
        Ok(code) => shown(who, &reader, adding(&desk, &code, false, &reader)),
        Err(no) if !faults_of(&no).is_empty() => standing(&desk, who, faults_of(&no), &reader),
        Err(no) => refused(&desk, &no, "/factor", &reader),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Shown {
    code: String,
}

/// Was the card shown meanwhile? Then its owner is shown the recovery codes, if there were none.
pub(in crate::joining) async fn done(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    extensions: Extensions,
    reader: Reader,
    Form(typed): Form<Shown>,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    match (desk.joining.card_added(who, &typed.code, source(&extensions)).await, CardCode::read(&typed.code)) {
        (Ok(None), Some(code)) => shown(who, &reader, adding(&desk, &code, true, &reader)),
        (Ok(Some(codes)), _) if !codes.is_empty() => shown(who, &reader, recovery(&codes, &reader)),
        (Ok(_), _) => {
            let body = html! {
                div.done role="status" { p #factor-on { (reader.say("page-card-done")) } }
                p.buttons { a.button href="/factor" { (reader.say("page-menu-factor")) } }
            };
            shown(who, &reader, body)
        }
        (Err(no), _) => refused(&desk, &no, "/factor", &reader),
    }
}

/// The code, and the way on.
fn adding(desk: &Desk, code: &CardCode, waits: bool, reader: &Reader) -> Markup {
    html! {
        p { (reader.say("page-card-lead")) }
        @if waits { p.fault role="alert" { (reader.say("page-card-waits")) } }
        form method="post" action="/factor/card/done" {
            (carried(&[("code", &code.reveal())]))
            div.sheet { (steps(desk, code, reader)) }
            div.buttons { button.primary #card-added { (reader.say("page-card-go-on")) } }
        }
    }
}

/// At log-in, after the password.
pub(super) fn question(desk: &Desk, code: &CardCode, step: &str, waits: bool, reader: &Reader) -> Markup {
    html! {
        form method="post" action="/login/card" {
            (carried(&[("step", step)]))
            @if waits { p.fault role="alert" { (reader.say("page-card-waits")) } }
            (steps(desk, code, reader))
            div.buttons { button.primary #card-confirmed { (reader.say("page-card-go-on")) } }
        }
    }
}

fn steps(desk: &Desk, code: &CardCode, reader: &Reader) -> Markup {
    let at = &desk.joining.settings().inside_url;
    html! {
        p { (reader.say("page-card-code")) }
        p { span.secret #card-code { (code.reveal()) } }
        pre.command { "sekisho card confirm --server " (at) " --ca center-ca.pem " (code.reveal()) }
        p.hint { (reader.say("page-card-code-hint")) }
    }
}
