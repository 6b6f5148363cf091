//! One's own password (R5).

use axum::extract::{Extension, Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use joining::FieldFault;
use maud::html;
use reception::SignedIn;

use crate::joining::Desk;
use crate::joining::caller::{self, Caller};
use crate::joining::form::faults;
use crate::joining::public::first::{NewPassword, password_lines};
use crate::joining::words::{faults_of, leading, refused, rules};
use crate::reader::Reader;

pub(in crate::joining) async fn ask(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    match &caller {
        Caller::In(who) => form(&desk, who, &[], false, &reader),
        _ => Redirect::to("/login").into_response(),
    }
}

pub(in crate::joining) async fn change(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(typed): Form<NewPassword>,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let NewPassword { password, new_password, new_password_again } = &typed;
    match desk.joining.change_password(who, password, new_password, new_password_again).await {
        Ok(token) => caller::enter(form(&desk, who, &[], true, &reader), &token),
        Err(no) if !faults_of(&no).is_empty() => form(&desk, who, faults_of(&no), false, &reader),
        Err(no) => refused(&desk, &no, "/password", &reader),
    }
}

fn form(desk: &Desk, who: &SignedIn, wrong: &[FieldFault], done: bool, reader: &Reader) -> Response {
    let body = html! {
        div.form {
            @if done { div.done role="status" { p { (reader.say("page-changed")) } } }
            (faults(&leading(wrong, reader), reader))
            p { (reader.say("page-change-lead")) }
            (rules(&desk.joining.settings().policy, reader))
            form method="post" action="/password" { (password_lines(wrong, reader)) }
        }
    };
    super::said(who, "page-menu-password", "/password", !wrong.is_empty(), reader, body)
}
