//! Two-step sign-in: an authenticator app is set up, its recovery codes are shown once, it is taken away; security
//! keys stand beside it (R5, R6).

use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use joining::{Field, FieldFault, OneTime};
use maud::{Markup, html};
use reception::{FactorView, Refused, SignedIn, TotpOffer};
use serde::Deserialize;
use texts::Arg;

use super::asker::Asker;
use super::keys;
use crate::joining::form::{Line, faults};
use crate::joining::words::{faults_of, leading, refused, said};
use crate::joining::{Desk, qr};
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Typed {
    password: String,
    code: String,
}

pub(in crate::joining) async fn page(asker: Asker) -> Response {
    asker.standing(&[])
}

/// With the present password: the secret, once.
pub(in crate::joining) async fn begin(asker: Asker, Form(typed): Form<Typed>) -> Response {
    let offered = asker.desk.joining.offer_totp(&asker.who, &typed.password).await;
    asker.answered(offered, |offer, reader| html! { (secret(&offer, reader)) (code_form(&[], reader)) })
}

/// The first code: now it counts, and the recovery codes are shown.
pub(in crate::joining) async fn confirm(asker: Asker, Form(typed): Form<Typed>) -> Response {
    let reader = &asker.reader;
    match asker.desk.joining.confirm_totp(&asker.who, &typed.code).await {
        Err(no) if !faults_of(&no).is_empty() => {
            // The secret is not shown again: the app has it, and a wrong code is mostly an old one.
            let wrong = faults_of(&no);
            let body = html! {
                (faults(&leading(wrong, reader), reader))
                p { (reader.say("page-factor-again")) }
                (code_form(wrong, reader))
            };
            (StatusCode::UNPROCESSABLE_ENTITY, asker.shown(body)).into_response()
        }
        done => asker.answered(done, |codes, reader| recovery(&codes, reader)),
    }
}

/// New recovery codes for those that are used up or lost.
pub(in crate::joining) async fn codes(asker: Asker, Form(typed): Form<Typed>) -> Response {
    let done = asker.desk.joining.renew_recovery_codes(&asker.who, &typed.password).await;
    asker.answered(done, |codes, reader| codes_once("page-factor-codes-made", &codes, reader))
}

pub(in crate::joining) async fn remove(asker: Asker, Form(typed): Form<Typed>) -> Response {
    let done = asker.desk.joining.drop_factors(&asker.who, &typed.password).await;
    asker.answered(done, |(), reader| {
        html! {
            div.done role="status" { p { (reader.say("page-factor-removed")) } }
            (back(reader))
        }
    })
}

/// To the page of two-step sign-in.
pub(super) fn back(reader: &Reader) -> Markup {
    html! { p.buttons { a.button href="/factor" { (reader.say("page-menu-factor")) } } }
}

impl Asker {
    /// What came of it; with a wrong password, the page as it stands, with the fault.
    pub(super) fn answered<T>(&self, done: Result<T, Refused>, body: impl FnOnce(T, &Reader) -> Markup) -> Response {
        match done {
            Ok(made) => self.shown(body(made, &self.reader)),
            Err(no) if !faults_of(&no).is_empty() => self.standing(faults_of(&no)),
            Err(no) => self.refused(&no),
        }
    }

    pub(super) fn refused(&self, no: &Refused) -> Response {
        refused(&self.desk, no, "/factor", &self.reader)
    }

    pub(super) fn shown(&self, body: Markup) -> Response {
        super::page(&self.who, "page-menu-factor", "/factor", &self.reader, html! { div.form { (body) } })
    }

    fn standing(&self, wrong: &[FieldFault]) -> Response {
        let answer = self.shown(standing(&self.desk, &self.who, wrong, &self.reader));
        if wrong.is_empty() { answer } else { (StatusCode::UNPROCESSABLE_ENTITY, answer).into_response() }
    }
}

/// How it stands, and what can be done about it with the present password: one form, a button for each thing.
fn standing(desk: &Desk, who: &SignedIn, wrong: &[FieldFault], reader: &Reader) -> Markup {
    let views = desk.joining.factors(who);
    let app = views.iter().any(|v| matches!(v, FactorView::Totp { confirmed: true }));
    let key = |view: &FactorView| match view {
        FactorView::Key { id, name, at } => Some((id.clone(), name.clone(), *at)),
        _ => None,
    };
    let held: Vec<_> = views.iter().filter_map(key).collect();
    let card = views.iter().any(|v| matches!(v, FactorView::Card { .. }));
    let on = app || card || !held.is_empty();
    let left = views.iter().find_map(|v| if let FactorView::Recovery { left } = v { Some(*left) } else { None });
    let fault = said(wrong, Field::Password, reader);
    let password = Line::text("password", "page-change-old", "").of("password", "current-password");
    html! {
        (faults(&leading(wrong, reader), reader))
        @if on { p.state-on #factor-on { (reader.say("page-factor-on")) } } @else { p { (reader.say("page-factor-lead")) } }
        form.factors method="post" action="/factor" {
            (password.with(fault.as_deref()).show(reader))
            section {
                h2 { (reader.say("page-factor-app")) }
                p { (reader.say(if app { "page-factor-app-on" } else { "page-factor-app-about" })) }
                @if !app { button.primary #begin { (reader.say("page-factor-begin")) } }
            }
            @if desk.joining.takes_keys() {
                section {
                    h2 { (reader.say("page-factor-keys")) }
                    p { (reader.say("page-factor-keys-about")) }
                    @if !held.is_empty() { (keys::list(&held, reader)) }
                    button #key formaction="/factor/key" { (reader.say("page-key-add")) }
                }
            }
            @if desk.cards.is_some() {
                section {
                    h2 { (reader.say("page-factor-card")) }
                    p { (reader.say(if card { "page-factor-card-on" } else { "page-factor-card-about" })) }
                    button #card formaction="/factor/card" { (reader.say("page-card-add")) }
                }
            }
            @if on {
                section {
                    h2 { (reader.say("page-factor-recovery")) }
                    @let left = i64::try_from(left.unwrap_or(0)).unwrap_or(0);
                    p { (reader.tell("page-factor-left", &[("left", Arg::Number(left))])) }
                    p { (reader.say("page-factor-codes-about")) }
                    button #codes formaction="/factor/codes" { (reader.say("page-factor-codes")) }
                }
                section {
                    h2 { (reader.say("page-factor-off")) }
                    p { (reader.say("page-factor-remove-lead")) }
                    button.danger #remove formaction="/factor/remove" { (reader.say("page-factor-remove")) }
                }
            }
        }
    }
}

/// The secret for the app: to be seen by its camera, to be opened on the same machine, or to be typed.
fn secret(offer: &TotpOffer, reader: &Reader) -> Markup {
    html! {
        div.done role="status" { p { (reader.say("page-factor-once")) } }
        div.sheet {
            @if let Some(picture) = qr::picture(&offer.uri, &reader.say("page-factor-picture")) { (picture) }
            p { a #otpauth href=(offer.uri) { (reader.say("page-factor-open")) } }
            p.label { (reader.say("page-factor-secret")) }
            p { span.secret #totp-secret { (grouped(&offer.secret)) } }
        }
    }
}

fn code_form(wrong: &[FieldFault], reader: &Reader) -> Markup {
    let fault = said(wrong, Field::Code, reader);
    html! {
        form.one-code method="post" action="/factor/confirm" {
            (Line::text("code", "page-code", "").of("text", "one-time-code").with(fault.as_deref()).show(reader))
            div.buttons { button.primary #confirm { (reader.say("page-factor-confirm")) } }
        }
    }
}

pub(super) fn recovery(codes: &[OneTime], reader: &Reader) -> Markup {
    codes_once("page-factor-done", codes, reader)
}

fn codes_once(done: &str, codes: &[OneTime], reader: &Reader) -> Markup {
    html! {
        div.done role="status" { p #factor-on { (reader.say(done)) } }
        h2 { (reader.say("page-factor-recovery")) }
        p { (reader.say("page-factor-recovery-lead")) }
        div.sheet { ol.codes #recovery { @for code in codes { li { span.secret { (code.reveal()) } } } } }
        p.buttons { a.button href="/menu" { (reader.say("page-to-menu")) } }
    }
}

/// In fours, to be typed.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}
