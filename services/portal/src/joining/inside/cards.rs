//! The person's card as a second factor: the pages (R5).

use axum::extract::Form;
use axum::http::Extensions;
use axum::response::Response;
use joining::CardCode;
use maud::{Markup, html};
use reception::Refused;
use serde::Deserialize;

use super::asker::Asker;
use super::factor::{back, recovery};
use crate::joining::Desk;
use crate::joining::caller::source;
use crate::joining::form::carried;
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Typed {
    password: String,
}

/// With the present password: the code that adds a card.
pub(in crate::joining) async fn begin(asker: Asker, extensions: Extensions, Form(typed): Form<Typed>) -> Response {
    if asker.desk.cards.is_none() {
        return asker.refused(&Refused::NoSuch);
    }
    let offered = asker.desk.joining.offer_card(&asker.who, &typed.password, source(&extensions)).await;
    asker.answered(offered, |code, reader| adding(&asker.desk, &code, false, reader))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Shown {
    code: String,
}

/// Was the card shown meanwhile? Then its owner is shown the recovery codes, if there were none.
pub(in crate::joining) async fn done(asker: Asker, extensions: Extensions, Form(typed): Form<Shown>) -> Response {
    let (desk, reader) = (&asker.desk, &asker.reader);
    let added = desk.joining.card_added(&asker.who, &typed.code, source(&extensions)).await;
    match (added, CardCode::read(&typed.code)) {
        (Ok(None), Some(code)) => asker.shown(adding(desk, &code, true, reader)),
        (Ok(Some(codes)), _) if !codes.is_empty() => asker.shown(recovery(&codes, reader)),
        (Ok(_), _) => asker.shown(html! {
            div.done role="status" { p #factor-on { (reader.say("page-card-done")) } }
            (back(reader))
        }),
        (Err(no), _) => asker.refused(&no),
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
