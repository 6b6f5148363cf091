//! VPN password, shown once; connection profiles and manuals (R6).

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{VpnId, VpnSecret};
use maud::{Markup, PreEscaped, html};
use texts::Lang;

use crate::joining::caller::Caller;
use crate::joining::words::refused;
use crate::joining::{Contents, Desk, Download, steps};
use crate::reader::Reader;

pub(in crate::joining) async fn page(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let Caller::Settling(who) = &caller else { return Redirect::to("/first").into_response() };
    if who.must_change() {
        return Redirect::to("/first/password").into_response();
    }
    let account = who.account();
    let password = html! {
        @if matches!(account.vpn_secret, VpnSecret::Shown { .. }) {
            p { (reader.say("page-vpn-gone")) }
        } @else {
            p { (reader.say("page-vpn-show-lead")) }
            form method="post" action="/first/vpn" { button.primary #show { (reader.say("page-vpn-show")) } }
        }
    };
    shown(&desk, &account.vpn.to_string(), password, &reader)
}

pub(in crate::joining) async fn show(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let Caller::Settling(who) = &caller else { return Redirect::to("/first").into_response() };
    match desk.joining.show_vpn_password(who).await {
        Ok(seen) => {
            let password = html! {
                div.done role="status" { p { (reader.say("page-vpn-once")) } }
                p.label { (reader.say("page-vpn-password")) }
                p { span.secret #vpn-password { (seen.password.reveal()) } }
            };
            shown(&desk, &seen.vpn.to_string(), password, &reader)
        }
        Err(no) => refused(&desk, &no, "/first/vpn", &reader),
    }
}

fn shown(desk: &Desk, id: &str, password: Markup, reader: &Reader) -> Response {
    let body = html! {
        div.form {
            (steps("page-step-vpn", reader))
            h1 { (reader.say("page-vpn-title")) }
            div.sheet {
                h2 { (reader.say("page-vpn-id")) }
                p { span.secret #vpn-id { (id) } }
                h2 { (reader.say("page-vpn-password")) }
                (password)
            }
            div.sheet {
                h2 { (reader.say("page-vpn-profiles")) }
                (offered(desk, "/first/files", reader))
            }
            div.sheet {
                p { (reader.say("page-vpn-then")) }
                p { strong #inside { (desk.joining.settings().inside_url) } }
            }
            form.plain method="post" action="/first/leave" { button #leave { (reader.say("page-logout")) } }
        }
    };
    desk.page("page-vpn-title", "/first/vpn", reader).answer(reader, body)
}

/// Profiles and manuals, each leading to itself below `base`.
pub(in crate::joining) fn offered(desk: &Desk, base: &str, reader: &Reader) -> Markup {
    let downloads = &desk.settings.downloads;
    let (profiles, manuals): (Vec<&Download>, Vec<&Download>) =
        downloads.iter().partition(|d| matches!(d.contents, Contents::Profile { .. }));
    html! {
        @if downloads.is_empty() { p.empty { (reader.say("page-vpn-none")) } } @else {
            p { (reader.say("page-vpn-profiles-lead")) }
            div.scroll { table.stack {
                thead { tr { th scope="col" { (reader.say("page-vpn-profile")) } th scope="col" { (reader.say("page-vpn-manual")) } } }
                tbody { tr {
                    td { (links(&profiles, base, reader)) }
                    td { (links(&manuals, base, reader)) }
                } }
            } }
        }
    }
}

fn links(all: &[&Download], base: &str, reader: &Reader) -> Markup {
    html! { @for one in all {
        @let file = matches!(one.contents, Contents::Profile { .. });
        div { a href=(format!("{base}/{}", one.name)) download[file] { (reader.name(&one.title)) } }
    } }
}

pub(in crate::joining) async fn file(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    reader: Reader,
) -> Response {
    let Caller::Settling(who) = &caller else { return Redirect::to("/first").into_response() };
    let Some(found) = desk.settings.downloads.iter().find(|d| d.name == name) else {
        return super::nowhere(State(desk), reader).await;
    };
    match handed(found, &who.account().vpn, &reader) {
        Handed::File(response) => *response,
        Handed::Manual(text) => {
            let body = html! {
                div.form {
                    h1 { (reader.name(&found.title)) }
                    (text)
                    p.buttons { a.button href="/first/vpn" { (reader.say("page-vpn-back")) } }
                }
            };
            desk.page("page-vpn-manual", "/first/vpn", &reader).answer(&reader, body)
        }
    }
}

/// What somebody gets who asked for a download.
pub(in crate::joining) enum Handed {
    File(Box<Response>),
    /// To stand in a page.
    Manual(Markup),
}

/// A download for one VPN-ID.
pub(in crate::joining) fn handed(found: &Download, vpn: &VpnId, reader: &Reader) -> Handed {
    match &found.contents {
        Contents::Profile { kind, make } => {
            let disposition = format!("attachment; filename=\"{}\"", found.name);
            Handed::File(Box::new(match (HeaderValue::from_str(kind), HeaderValue::from_str(&disposition)) {
                (Ok(kind), Ok(disposition)) => {
                    let head = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)];
                    (head, make(vpn)).into_response()
                }
                _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }))
        }
        Contents::Manual { ja, en } => Handed::Manual(PreEscaped(match reader.lang() {
            Lang::Ja => ja.clone(),
            Lang::En => en.clone(),
        })),
    }
}
