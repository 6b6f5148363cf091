//! After log-in: reached through the client VPN only (R8–R11).

mod asker;
pub(super) mod cards;
pub(super) mod certificate;
pub(super) mod connection;
pub(super) mod factor;
pub(super) mod home;
pub(super) mod keys;
pub(super) mod login;
pub(super) mod own;
pub(super) mod services;
pub(super) mod staff;
pub(super) mod tokens;

use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use reception::SignedIn;

use crate::frame::Page;
use crate::reader::Reader;

pub(super) async fn start() -> Response {
    Redirect::to("/notices").into_response()
}

/// A page of somebody who has logged in: the bar says who, below it is where one can go.
pub(super) fn page(who: &SignedIn, title: &str, here: &str, reader: &Reader, body: Markup) -> Response {
    said(who, title, here, false, reader, body)
}

/// The same; `wrong` if it says what is wrong with what was sent.
pub(super) fn said(who: &SignedIn, title: &str, here: &str, wrong: bool, reader: &Reader, body: Markup) -> Response {
    let page = Page {
        title,
        who: Some(format!("{} · {}", who.account().name, who.user())),
        here,
        follows: None,
        reload: None,
    };
    page.answer_to(wrong, reader, html! { (within(here, reader)) h1 { (reader.say(title)) } (body) })
}

fn within(here: &str, reader: &Reader) -> Markup {
    const PLACES: [(&str, &str); 4] = [
        ("/notices", "page-to-notices"),
        ("/menu", "page-to-menu"),
        ("/sites", "page-sites-title"),
        ("/agreements", "page-agreements-title"),
    ];
    html! {
        nav.within aria-label=(reader.say("page-nav")) {
            @for (to, key) in PLACES { a href=(to) aria-current=[(to == here).then_some("page")] { (reader.say(key)) } }
            form method="post" action="/logout" { button #logout { (reader.say("page-logout")) } }
        }
    }
}
