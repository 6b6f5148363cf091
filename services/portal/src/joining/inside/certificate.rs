//! How a service certificate comes to the terminal (R10).

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use reception::SignedIn;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::words::refused;
use crate::reader::Reader;

pub(in crate::joining) async fn page(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let ask = html! {
        form method="post" action="/certificate" { button.primary #code { (reader.say("page-certificate-code-do")) } }
    };
    shown(&desk, who, ask, &reader)
}

pub(in crate::joining) async fn code(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    match desk.joining.certificate_code(who).await {
        Ok(code) => {
            let seen = html! {
                div.done role="status" { p { (reader.say("page-certificate-once")) } }
                p.label { (reader.say("page-certificate-code")) }
                p { span.secret #enrolment-code { (code.code.reveal()) } }
            };
            shown(&desk, who, seen, &reader)
        }
        Err(no) => refused(&desk, &no, "/certificate", &reader),
    }
}

fn shown(desk: &Desk, who: &SignedIn, code: Markup, reader: &Reader) -> Response {
    let body = html! {
        div.form {
            p { (reader.say("page-certificate-lead")) }
            ol.way {
                @for step in 1..=3 { li { p { (reader.say(&format!("page-certificate-{step}"))) } } }
            }
            div.sheet {
                @if let Some(command) = &desk.settings.enroll_command {
                    p.label { (reader.say("page-certificate-command")) }
                    pre.command { (command.replace("{user}", &who.user().to_string())) }
                }
                (code)
            }
        }
    };
    super::page(who, "page-certificate-title", "/certificate", reader, body)
}
