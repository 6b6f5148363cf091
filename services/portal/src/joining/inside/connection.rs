//! The client VPN's profiles and manuals once more, for another machine of a member (R6).

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::public::nowhere;
use crate::joining::public::vpn::{Handed, handed, offered};
use crate::reader::Reader;

pub(in crate::joining) async fn page(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let body = html! {
        p { (reader.say("page-vpn-id")) ": " strong #vpn-id { (who.account().vpn) } }
        p { (reader.say("page-connection-lead")) }
        (offered(&desk, "/connection/files", &reader))
    };
    super::page(who, "page-menu-connection", "/connection", &reader, body)
}

pub(in crate::joining) async fn file(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let Some(found) = desk.settings.downloads.iter().find(|d| d.name == name) else {
        return nowhere(State(desk), reader).await;
    };
    match handed(found, &who.account().vpn, &reader) {
        Handed::File(response) => *response,
        Handed::Manual(text) => {
            super::page(who, "page-vpn-manual", "/connection", &reader, html! { div.form { (text) } })
        }
    }
}
