//! Hosts, services and whitelist lines of a site.

use axum::extract::{Extension, Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use joining::Field;
use maud::{Markup, html};
use registration::{HostForm, LineForm, Refused, RemoveForm, ServiceForm, SitePage};
use texts::Arg;

use super::one::{named, shown};
use super::{Visit, choice, line, once, refusals};
use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::form::carried;
use crate::reader::Reader;

/// What belongs to the site, and the forms that add to it.
pub(super) fn all(page: &SitePage, here: &str, visit: &Visit<'_>) -> Markup {
    html! { (hosts(page, here, visit)) (services(page, here, visit)) (lines(page, here, visit)) }
}

fn hosts(page: &SitePage, here: &str, visit: &Visit<'_>) -> Markup {
    let (reader, may) = (visit.reader, visit.who.may_change());
    let segments: Vec<(String, String)> = page
        .site
        .segments
        .values()
        .map(|s| (s.id.to_string(), format!("{} · {} · {}", s.id, s.zone, s.prefix)))
        .collect();
    html! {
        h2 #hosts { (visit.say("page-site-hosts")) }
        @if page.site.hosts.is_empty() { p.empty { (visit.say("page-site-no-hosts")) } } @else {
            div.scroll { table.stack { tbody { @for host in page.site.hosts.values() { tr data-host=(host.id) {
                th scope="row" { (host.id) }
                td { (host.segment) } td.number { (host.address) } td.number { (host.mac) } td.number { (host.port) }
                td { @if host.terminal {
                    @if page.certified.contains(&host.id) { span.tag.good { (visit.say("page-site-certified")) } }
                    @else { span.tag.warn { (visit.say("page-site-terminal")) } }
                    @if may && page.issues {
                        form method="post" action=(format!("{here}/hosts/{}/code", host.id)) { button { (visit.say("page-site-device-code")) } }
                    }
                } }
                td { @if may { (remove(page, &format!("{here}/hosts/{}/remove", host.id), &host.id, visit)) } }
            } } } } }
        }
        @if may { details { summary { (visit.say("page-site-add-host")) } div.form {
            form method="post" action=(format!("{here}/hosts")) {
                (carried(&[("version", &page.version)]))
                (line(Field::Host, "", &[], true, reader))
                (choice("segment", &Field::Segment.key(), "", &segments, None, reader))
                (line(Field::Address, "", &[], true, reader))
                (line(Field::Mac, "", &[], true, reader))
                (line(Field::Port, "", &[], true, reader))
                div.field { label { input type="checkbox" name="terminal" value="on"; " " (visit.say("page-site-is-terminal")) } }
                (line(Field::Kind, "", &[], false, reader))
                div.buttons { button.primary { (visit.say("page-site-add")) } }
            }
        } } }
    }
}

fn services(page: &SitePage, here: &str, visit: &Visit<'_>) -> Markup {
    let (reader, may) = (visit.reader, visit.who.may_change());
    let hosts: Vec<(String, String)> = page.site.hosts.keys().map(|h| (h.to_string(), h.to_string())).collect();
    let protocols = ["tcp", "udp"].map(|p| (p.to_owned(), p.to_owned()));
    html! {
        h2 #services { (visit.say("page-site-services")) }
        @if page.services.is_empty() { p.empty { (visit.say("page-site-no-services")) } } @else {
            div.scroll { table.stack { tbody { @for one in &page.services { tr data-service=(one.id) {
                th scope="row" { (reader.name(&one.name)) " " span.quiet { (one.id) } }
                td { (one.host.host) } td.number { (one.protocol) " " (numbers(&one.ports)) }
                td { (Arg::roles(&one.roles).worded(reader.texts)) }
                td { @if may { (remove(page, &format!("{here}/services/{}/remove", one.id.name), &one.id, visit)) } }
            } } } } }
        }
        @if may && !hosts.is_empty() { details { summary { (visit.say("page-site-add-service")) } div.form {
            form method="post" action=(format!("{here}/services")) {
                (carried(&[("version", &page.version)]))
                (line(Field::Service, "", &[], true, reader))
                (line(Field::NameJa, "", &[], true, reader))
                (line(Field::NameEn, "", &[], true, reader))
                (choice("host", &Field::Host.key(), "", &hosts, None, reader))
                (choice("protocol", &Field::Protocol.key(), "", &protocols, None, reader))
                (line(Field::Ports, "", &[], true, reader))
                (line(Field::Roles, "", &[], true, reader))
                (line(Field::Lease, "", &[], false, reader))
                div.buttons { button.primary { (visit.say("page-site-add")) } }
            }
        } } }
    }
}

fn lines(page: &SitePage, here: &str, visit: &Visit<'_>) -> Markup {
    let (reader, may) = (visit.reader, visit.who.may_change());
    html! {
        h2 #whitelist { (visit.say("page-site-whitelist")) }
        @if page.site.allow.is_empty() { p.empty { (visit.say("page-site-no-whitelist")) } } @else {
            div.scroll { table.stack { tbody { @for (n, rule) in page.site.allow.iter().enumerate() { tr {
                th scope="row" { (rule.service) }
                td { (Arg::roles(&rule.roles).worded(reader.texts)) }
                td { (rule.from.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) }
                td { @if may { (remove(page, &format!("{here}/lines/{n}/remove"), &rule.service, visit)) } }
            } } } } }
        }
        @if may && page.site.hosts.values().any(|h| h.terminal) { details { summary { (visit.say("page-site-add-line")) } div.form {
            form method="post" action=(format!("{here}/lines")) {
                (carried(&[("version", &page.version)]))
                (line(Field::Service, "", &[], true, reader))
                (line(Field::Roles, "", &[], true, reader))
                (line(Field::From, "", &[], true, reader))
                div.buttons { button.primary { (visit.say("page-site-add")) } }
            }
        } } }
    }
}

fn numbers(all: &[u16]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn remove(page: &SitePage, action: &str, what: &dyn std::fmt::Display, visit: &Visit<'_>) -> Markup {
    let label = visit.reader.tell("page-site-remove-label", &[("what", Arg::text(what))]);
    html! {
        form method="post" action=(action) {
            (carried(&[("version", &page.version)]))
            button.danger aria-label=(label) { (visit.say("page-site-remove")) }
        }
    }
}

/// The page again, with what was refused above it.
async fn after(visit: &Visit<'_>, site: &str, done: Result<(), Refused>) -> Response {
    match done {
        Ok(()) => Redirect::to(&format!("{}/at/{site}", visit.base)).into_response(),
        Err(no) if [404, 403].contains(&no.status()) || no.status() >= 500 => visit.refused(&no, visit.base),
        Err(no) => {
            let status = axum::http::StatusCode::from_u16(no.status()).unwrap_or(axum::http::StatusCode::CONFLICT);
            (status, shown(visit, site, refusals(&no, visit.reader)).await).into_response()
        }
    }
}

/// A part's id in a path.
fn part<T: std::str::FromStr>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|_| Refused::Joining(reception::Refused::NoSuch))
}

pub(in crate::joining) async fn add_host(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(site): Path<String>,
    reader: Reader,
    Form(typed): Form<HostForm>,
) -> Response {
    let visit = match Visit::of(&desk, &caller, &reader) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let done = match named(&site) {
        Ok(id) => visit.registration.add_host(visit.who, &id, &typed).await,
        Err(no) => Err(no),
    };
    after(&visit, &site, done).await
}

pub(in crate::joining) async fn add_service(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(site): Path<String>,
    reader: Reader,
    Form(typed): Form<ServiceForm>,
) -> Response {
    let visit = match Visit::of(&desk, &caller, &reader) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let done = match named(&site) {
        Ok(id) => visit.registration.add_service(visit.who, &id, &typed).await,
        Err(no) => Err(no),
    };
    after(&visit, &site, done).await
}

pub(in crate::joining) async fn add_line(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(site): Path<String>,
    reader: Reader,
    Form(typed): Form<LineForm>,
) -> Response {
    let visit = match Visit::of(&desk, &caller, &reader) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let done = match named(&site) {
        Ok(id) => visit.registration.add_line(visit.who, &id, &typed).await,
        Err(no) => Err(no),
    };
    after(&visit, &site, done).await
}

pub(in crate::joining) async fn remove_host(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path((site, name)): Path<(String, String)>,
    reader: Reader,
    Form(typed): Form<RemoveForm>,
) -> Response {
    let visit = match Visit::of(&desk, &caller, &reader) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let done = match (named(&site), part(&name)) {
        (Ok(at), Ok(id)) => visit.registration.remove_host(visit.who, &at, &id, &typed).await,
        (Err(no), _) | (_, Err(no)) => Err(no),
    };
    after(&visit, &site, done).await
}

pub(in crate::joining) async fn remove_service(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path((site, name)): Path<(String, String)>,
    reader: Reader,
    Form(typed): Form<RemoveForm>,
) -> Response {
    let visit = match Visit::of(&desk, &caller, &reader) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let done = match (named(&site), part(&name)) {
        (Ok(at), Ok(id)) => visit.registration.remove_service(visit.who, &at, &id, &typed).await,
        (Err(no), _) | (_, Err(no)) => Err(no),
    };
    after(&visit, &site, done).await
}

pub(in crate::joining) async fn remove_line(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path((site, name)): Path<(String, String)>,
    reader: Reader,
    Form(typed): Form<RemoveForm>,
) -> Response {
    let visit = match Visit::of(&desk, &caller, &reader) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let done = match (named(&site), part(&name)) {
        (Ok(at), Ok(id)) => visit.registration.remove_line(visit.who, &at, id, &typed).await,
        (Err(no), _) | (_, Err(no)) => Err(no),
    };
    after(&visit, &site, done).await
}

pub(in crate::joining) async fn device_code(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path((site, name)): Path<(String, String)>,
    reader: Reader,
) -> Response {
    let visit = match Visit::of(&desk, &caller, &reader) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let given = match (named(&site), part(&name)) {
        (Ok(at), Ok(id)) => visit.registration.device_code(visit.who, &at, &id).await,
        (Err(no), _) | (_, Err(no)) => Err(no),
    };
    match given {
        Ok(code) => shown(&visit, &site, once(&code, "sekisho card enroll --into sekisho-device", &reader)).await,
        Err(no) => visit.refused(&no, visit.base),
    }
}
