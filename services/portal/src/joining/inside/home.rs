//! Notices and menu (R8).

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Action, access};
use maud::html;
use texts::Arg;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::words::refused;
use crate::reader::Reader;

pub(in crate::joining) async fn notices(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let notices = match desk.joining.notices(who).await {
        Ok(notices) => notices,
        Err(no) => return refused(&desk, &no, "/login", &reader),
    };
    let body = html! {
        @if notices.is_empty() { p.empty { (reader.say("page-notices-none")) } }
        @for notice in &notices {
            @let notice = &notice.notice;
            article.notice {
                h2 { (reader.name(&notice.title)) }
                p.quiet.small.number { (Arg::Time(notice.from).worded(reader.texts)) }
                p.lines { (reader.name(&notice.body)) }
            }
        }
    };
    super::page(who, "page-notices-title", "/notices", &reader, body)
}

/// There only where report files are taken.
const SUBMISSIONS: &str = "/submissions";

/// Where the menu leads, and what one must be allowed to do there.
const PLACES: [(&str, &str, Action); 8] = [
    ("/services", "page-menu-apply", Action::SeeServices),
    ("/certificate", "page-menu-certificate", Action::GetCertificate),
    (SUBMISSIONS, "page-menu-submissions", Action::SeeSubmissions),
    ("/staff", "page-menu-staff", Action::SeeStaff),
    ("/password", "page-menu-password", Action::ChangeOwn),
    ("/factor", "page-menu-factor", Action::ChangeOwn),
    ("/connection", "page-menu-connection", Action::Download),
    ("/tokens", "page-menu-tokens", Action::ManageTokens),
];

pub(in crate::joining) async fn menu(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let menu = match desk.joining.menu(who).await {
        Ok(menu) => menu,
        Err(no) => return refused(&desk, &no, "/notices", &reader),
    };
    let body = html! {
        p.quiet { (menu.institution) }
        ul.tiles {
            @for service in menu.services.iter().filter(|s| s.open && !s.offer.url.is_empty()).map(|s| &s.offer) {
                li { a href=(service.url) id=(format!("service-{}", service.id)) {
                    strong { (reader.name(&service.name)) }
                    (reader.say("page-menu-service-about"))
                } }
            }
            @for (to, key, action) in PLACES {
                @if access::may(caller.role(), action) && (to != SUBMISSIONS || desk.files.is_some()) {
                    li { a href=(to) id=(to.trim_start_matches('/')) {
                        strong { (reader.say(key)) }
                        (reader.say(&format!("{key}-about")))
                    } }
                }
            }
        }
    };
    super::page(who, "page-menu-title", "/menu", &reader, body)
}
