//! Before there is an account, and until its VPN is set up: reached from the Internet.

pub(super) mod first;
pub(super) mod full;
pub(super) mod mail;
pub(super) mod preflight;
pub(super) mod vpn;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;

use crate::joining::{Desk, words};
use crate::reader::Reader;

const WAY: [&str; 7] = ["mail", "full", "call", "password", "vpn", "service", "certificate"];

/// 利用準備の流れ.
pub(super) async fn start(State(desk): State<Desk>, reader: Reader) -> Response {
    let body = html! {
        h1 { (reader.say("page-start-title")) }
        p { (reader.say("page-start-lead")) }
        p { (reader.say("page-start-preflight")) " " a #preflight href="/preflight" { (reader.say("page-preflight-title")) } }
        ol.way {
            @for step in WAY {
                li { h2 { (reader.say(&format!("page-step-{step}"))) } p { (reader.say(&format!("page-start-{step}"))) } }
            }
        }
        p.buttons {
            a.button.primary #begin href="/mail" { (reader.say("page-start-begin")) }
            a.button #first href="/first" { (reader.say("page-start-again")) }
        }
    };
    desk.page("page-start-title", "/", &reader).answer(&reader, body)
}

pub(super) async fn picture(State(desk): State<Desk>, Path(id): Path<String>) -> Response {
    let now = desk.now();
    // Drawing takes milliseconds of a processor.
    let drawn = tokio::task::spawn_blocking(move || desk.challenges.picture(&id, now)).await.ok().flatten();
    file("image/png", drawn)
}

pub(super) async fn voice(State(desk): State<Desk>, Path(id): Path<String>) -> Response {
    let now = desk.now();
    let spoken = tokio::task::spawn_blocking(move || desk.challenges.spoken(&id, now)).await.ok().flatten();
    file("audio/wav", spoken)
}

fn file(kind: &'static str, body: Option<Vec<u8>>) -> Response {
    match body {
        Some(body) => ([(header::CONTENT_TYPE, kind)], body).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn nowhere(State(desk): State<Desk>, reader: Reader) -> Response {
    words::only(&desk, StatusCode::NOT_FOUND, words::plain("page-not-found", &[], &reader), None, &reader)
}
