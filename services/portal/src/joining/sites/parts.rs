//! Hosts, services and whitelist lines of a site.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Field, FieldFault};
use maud::{Markup, html};
use registration::{HostForm, LineForm, Refused, RemoveForm, ServiceForm, SitePage};
use texts::Arg;

use super::one::{named, shown};
use super::{Asker, Visit, choice, once, refusals, typed, within};
use crate::joining::form::{carried, faults, sure};
use crate::joining::words::leading;

/// A form that was refused, as it was typed.
#[derive(Default)]
pub(super) struct Again<'a> {
    host: Option<&'a HostForm>,
    service: Option<&'a ServiceForm>,
    line: Option<&'a LineForm>,
    /// What is wrong in it.
    wrong: &'a [FieldFault],
}

impl Again<'_> {
    fn form(&self) -> &'static str {
        match self {
            Self { host: Some(_), .. } => HOST,
            Self { service: Some(_), .. } => SERVICE,
            Self { line: Some(_), .. } => LINE,
            Self { .. } => "",
        }
    }

    /// What is wrong, for one of the forms.
    fn wrong_in(&self, form: &str) -> &[FieldFault] {
        if self.form() == form { self.wrong } else { &[] }
    }
}

/// What the ids of the fields of a form begin with: some fields are in several.
const HOST: &str = "new-host";
const SERVICE: &str = "new-service";
const LINE: &str = "new-line";

/// What belongs to the site, and the forms that add to it.
pub(super) fn all(page: &SitePage, here: &str, again: &Again<'_>, visit: &Visit<'_>) -> Markup {
    html! { (hosts(page, here, again, visit)) (services(page, here, again, visit)) (lines(page, here, again, visit)) }
}

fn hosts(page: &SitePage, here: &str, again: &Again<'_>, visit: &Visit<'_>) -> Markup {
    let may = visit.who.may_change();
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
        @if may { details #add-host open[again.host.is_some()] { summary { (visit.say("page-site-add-host")) } (host_form(page, here, again, visit)) } }
    }
}

fn host_form(page: &SitePage, here: &str, again: &Again<'_>, visit: &Visit<'_>) -> Markup {
    let (reader, wrong, none) = (visit.reader, again.wrong_in(HOST), HostForm::default());
    let of = again.host.unwrap_or(&none);
    let segment = |s: &model::Segment| (s.id.to_string(), format!("{} · {} · {}", s.id, s.zone, s.prefix));
    let segments: Vec<(String, String)> = page.site.segments.values().map(segment).collect();
    html! {
        div.form { form method="post" action=(format!("{here}/hosts")) {
            (carried(&[("version", &page.version)]))
            (typed((HOST, Field::Host), &of.host, wrong, true, reader))
            (choice((HOST, Field::Segment), &of.segment, &segments, wrong, reader))
            (typed((HOST, Field::Address), &of.address, wrong, true, reader))
            (typed((HOST, Field::Mac), &of.mac, wrong, true, reader))
            (typed((HOST, Field::Port), &of.port, wrong, true, reader))
            label.tick { input type="checkbox" name="terminal" value="on" checked[!of.terminal.is_empty()]; span { (visit.say("page-site-is-terminal")) } }
            (typed((HOST, Field::Kind), &of.kind, wrong, false, reader))
            div.buttons { button.primary { (visit.say("page-site-add")) } }
        } }
    }
}

fn services(page: &SitePage, here: &str, again: &Again<'_>, visit: &Visit<'_>) -> Markup {
    let (reader, may) = (visit.reader, visit.who.may_change());
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
        @if may && !page.site.hosts.is_empty() { details #add-service open[again.service.is_some()] {
            summary { (visit.say("page-site-add-service")) } (service_form(page, here, again, visit))
        } }
    }
}

fn service_form(page: &SitePage, here: &str, again: &Again<'_>, visit: &Visit<'_>) -> Markup {
    let (reader, wrong, none) = (visit.reader, again.wrong_in(SERVICE), ServiceForm::default());
    let of = again.service.unwrap_or(&none);
    let hosts: Vec<(String, String)> = page.site.hosts.keys().map(|h| (h.to_string(), h.to_string())).collect();
    let protocols = ["tcp", "udp"].map(|p| (p.to_owned(), p.to_owned()));
    html! {
        div.form { form method="post" action=(format!("{here}/services")) {
            (carried(&[("version", &page.version)]))
            (typed((SERVICE, Field::Service), &of.service, wrong, true, reader))
            (typed((SERVICE, Field::NameJa), &of.name_ja, wrong, true, reader))
            (typed((SERVICE, Field::NameEn), &of.name_en, wrong, true, reader))
            (choice((SERVICE, Field::Host), &of.host, &hosts, wrong, reader))
            (choice((SERVICE, Field::Protocol), &of.protocol, &protocols, wrong, reader))
            (typed((SERVICE, Field::Ports), &of.ports, wrong, true, reader))
            (typed((SERVICE, Field::Roles), &of.roles, wrong, true, reader))
            (typed((SERVICE, Field::Lease), &of.lease, wrong, false, reader))
            div.buttons { button.primary { (visit.say("page-site-add")) } }
        } }
    }
}

fn lines(page: &SitePage, here: &str, again: &Again<'_>, visit: &Visit<'_>) -> Markup {
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
        @if may && page.site.hosts.values().any(|h| h.terminal) { details #add-line open[again.line.is_some()] {
            summary { (visit.say("page-site-add-line")) } (line_form(page, here, again, visit))
        } }
    }
}

fn line_form(page: &SitePage, here: &str, again: &Again<'_>, visit: &Visit<'_>) -> Markup {
    let (reader, wrong, none) = (visit.reader, again.wrong_in(LINE), LineForm::default());
    let of = again.line.unwrap_or(&none);
    html! {
        div.form { form method="post" action=(format!("{here}/lines")) {
            (carried(&[("version", &page.version)]))
            (typed((LINE, Field::Service), &of.service, wrong, true, reader))
            (typed((LINE, Field::Roles), &of.roles, wrong, true, reader))
            (typed((LINE, Field::From), &of.from, wrong, true, reader))
            div.buttons { button.primary { (visit.say("page-site-add")) } }
        } }
    }
}

fn numbers(all: &[u16]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Live lines that it carries end with it, so it is asked once more.
fn remove(page: &SitePage, action: &str, what: &dyn std::fmt::Display, visit: &Visit<'_>) -> Markup {
    let named = [("what", Arg::text(what))];
    sure(
        &visit.say("page-site-remove"),
        html! {
            p { (visit.reader.tell("page-site-remove-sure", &named)) }
            form method="post" action=(action) {
                (carried(&[("version", &page.version)]))
                button.danger { (visit.reader.tell("page-site-remove-label", &named)) }
            }
        },
    )
}

/// The page again, with what was refused above it and what was typed where it was.
async fn after(visit: &Visit<'_>, site: &str, done: Result<(), Refused>, typed: Again<'_>) -> Response {
    match done {
        Ok(()) => Redirect::to(&format!("{}/at/{site}", visit.base)).into_response(),
        Err(no) if [404, 403].contains(&no.status()) || no.status() >= 500 => visit.refused(&no, visit.base),
        Err(no) => {
            let status = axum::http::StatusCode::from_u16(no.status()).unwrap_or(axum::http::StatusCode::CONFLICT);
            let again = Again { wrong: no.faults(), ..typed };
            let lead = |fault: &FieldFault| within(again.form(), fault.field);
            let leads: Vec<(String, String)> = no
                .faults()
                .iter()
                .zip(leading(no.faults(), visit.reader))
                .map(|(fault, (_, words))| (lead(fault), words))
                .collect();
            let above = if leads.is_empty() { refusals(&no, visit.reader) } else { faults(&leads, visit.reader) };
            (status, shown(visit, site, above, &again).await).into_response()
        }
    }
}

/// A part's id in a path.
fn part<T: std::str::FromStr>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|_| Refused::Joining(reception::Refused::NoSuch))
}

pub(in crate::joining) async fn add_host(
    asker: Asker,
    Path(site): Path<String>,
    Form(typed): Form<HostForm>,
) -> Response {
    let visit = asker.visit();
    let done = match named(&site) {
        Ok(id) => visit.registration.add_host(visit.who, &id, &typed).await,
        Err(no) => Err(no),
    };
    after(&visit, &site, done, Again { host: Some(&typed), ..Again::default() }).await
}

pub(in crate::joining) async fn add_service(
    asker: Asker,
    Path(site): Path<String>,
    Form(typed): Form<ServiceForm>,
) -> Response {
    let visit = asker.visit();
    let done = match named(&site) {
        Ok(id) => visit.registration.add_service(visit.who, &id, &typed).await,
        Err(no) => Err(no),
    };
    after(&visit, &site, done, Again { service: Some(&typed), ..Again::default() }).await
}

pub(in crate::joining) async fn add_line(
    asker: Asker,
    Path(site): Path<String>,
    Form(typed): Form<LineForm>,
) -> Response {
    let visit = asker.visit();
    let done = match named(&site) {
        Ok(id) => visit.registration.add_line(visit.who, &id, &typed).await,
        Err(no) => Err(no),
    };
    after(&visit, &site, done, Again { line: Some(&typed), ..Again::default() }).await
}

pub(in crate::joining) async fn remove_host(
    asker: Asker,
    Path((site, name)): Path<(String, String)>,
    Form(typed): Form<RemoveForm>,
) -> Response {
    let visit = asker.visit();
    let done = match (named(&site), part(&name)) {
        (Ok(at), Ok(id)) => visit.registration.remove_host(visit.who, &at, &id, &typed).await,
        (Err(no), _) | (_, Err(no)) => Err(no),
    };
    after(&visit, &site, done, Again::default()).await
}

pub(in crate::joining) async fn remove_service(
    asker: Asker,
    Path((site, name)): Path<(String, String)>,
    Form(typed): Form<RemoveForm>,
) -> Response {
    let visit = asker.visit();
    let done = match (named(&site), part(&name)) {
        (Ok(at), Ok(id)) => visit.registration.remove_service(visit.who, &at, &id, &typed).await,
        (Err(no), _) | (_, Err(no)) => Err(no),
    };
    after(&visit, &site, done, Again::default()).await
}

pub(in crate::joining) async fn remove_line(
    asker: Asker,
    Path((site, name)): Path<(String, String)>,
    Form(typed): Form<RemoveForm>,
) -> Response {
    let visit = asker.visit();
    let done = match (named(&site), part(&name)) {
        (Ok(at), Ok(id)) => visit.registration.remove_line(visit.who, &at, id, &typed).await,
        (Err(no), _) | (_, Err(no)) => Err(no),
    };
    after(&visit, &site, done, Again::default()).await
}

pub(in crate::joining) async fn device_code(asker: Asker, Path((site, name)): Path<(String, String)>) -> Response {
    let visit = asker.visit();
    let given = match (named(&site), part(&name)) {
        (Ok(at), Ok(id)) => visit.registration.device_code(visit.who, &at, &id).await,
        (Err(no), _) | (_, Err(no)) => Err(no),
    };
    match given {
        Ok(code) => {
            let above = once(&code, "sekisho card enroll --into sekisho-device", visit.reader);
            shown(&visit, &site, above, &Again::default()).await
        }
        Err(no) => visit.refused(&no, visit.base),
    }
}
