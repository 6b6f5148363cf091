//! Application for services: choose, confirm, accepted; how they stand; taking one back (R9).

use axum::extract::{Extension, Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Action, access};
use maud::{Markup, html};
use reception::ServiceView;
use texts::Arg;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::form::{faults, sure};
use crate::joining::words::{faults_of, leading, refused, service_tag};
use crate::reader::Reader;

/// Names and values as a form sends them; several with one name.
type Pairs = Vec<(String, String)>;

fn chosen(pairs: Pairs) -> Vec<String> {
    pairs.into_iter().filter(|(name, _)| name == "service").map(|(_, value)| value).collect()
}

pub(in crate::joining) async fn page(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    shown(&desk, &caller, html! {}, false, &reader).await
}

/// `above`: what happened before.
async fn shown(desk: &Desk, caller: &Caller, above: Markup, wrong: bool, reader: &Reader) -> Response {
    let Caller::In(who) = caller else { return Redirect::to("/login").into_response() };
    let (menu, applied) = match (desk.joining.menu(who).await, desk.joining.service_applications(who).await) {
        (Ok(menu), Ok(applied)) => (menu, applied),
        (Err(no), _) | (_, Err(no)) => return refused(desk, &no, "/menu", reader),
    };
    let may = access::may(caller.role(), Action::ApplyForService);
    let free: Vec<_> = menu.services.iter().filter(|s| s.can_apply).map(|s| &s.offer).collect();
    let body = html! {
        (above)
        @if may {
            div.form {
                @if free.is_empty() { p.empty { (reader.say("page-apply-none-left")) } } @else {
                    form method="post" action="/services" {
                        p { (reader.say("page-apply-lead")) }
                        ul.choices #service role="group" aria-label=(reader.say("page-apply-lead")) tabindex="-1" {
                            @for service in &free {
                                li { label {
                                    input type="checkbox" name="service" value=(service.id) id=(format!("choose-{}", service.id));
                                    span { (reader.name(&service.name)) span.quiet.small { (reader.name(&service.about)) } }
                                } }
                            }
                        }
                        div.buttons { button.primary #confirm { (reader.say("page-next-confirm")) } }
                    }
                }
            }
        }
        h2 { (reader.say("page-apply-stands")) }
        (stands(&applied, may, reader))
    };
    super::said(who, "page-apply-title", "/services", wrong, reader, body)
}

fn stands(all: &[ServiceView], may: bool, reader: &Reader) -> Markup {
    html! {
        @if all.is_empty() { p.empty { (reader.say("page-apply-none-yet")) } } @else {
            div.scroll { table.stack { tbody {
                @for one in all {
                    tr {
                        th scope="row" { (name(one, reader)) }
                        td { (service_tag(&one.application.stand, reader)) }
                        td.number { (reader.tell("page-apply-at", &[("at", Arg::Time(one.application.at))])) }
                        td {
                            @if may && one.application.is_live() {
                                (sure(&reader.say("page-apply-cancel"), html! {
                                    p { (reader.tell("page-apply-cancel-sure", &[("service", Arg::text(name(one, reader)))])) }
                                    form method="post" action=(format!("/services/{}/cancel", one.number)) {
                                        button.danger { (reader.say("page-apply-cancel-do")) }
                                    }
                                }))
                            }
                        }
                    }
                }
            } } }
        }
    }
}

/// Name of the service; its id if it is not offered any more.
pub(in crate::joining) fn name<'a>(one: &'a ServiceView, reader: &Reader) -> &'a str {
    one.offer.as_ref().map_or(one.application.service.as_str(), |offer| reader.name(&offer.name))
}

pub(in crate::joining) async fn confirm(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(pairs): Form<Pairs>,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let services = match desk.joining.check_services(who, &chosen(pairs)).await {
        Ok(services) => services,
        Err(no) if !faults_of(&no).is_empty() => {
            return shown(&desk, &caller, faults(&leading(faults_of(&no), &reader), &reader), true, &reader).await;
        }
        Err(no) => return refused(&desk, &no, "/services", &reader),
    };
    let body = html! {
        div.form {
            p { (reader.say("page-apply-confirm-lead")) }
            dl.confirm.wide {
                dt { (reader.say("page-review-col-service")) }
                dd { @for service in &services { div { (reader.name(&service.name)) } } }
                dt { (reader.say("page-review-col-applicant")) } dd { (who.account().name) }
            }
            div.buttons {
                form method="post" action="/services/send" {
                    @for service in &services { input type="hidden" name="service" value=(service.id); }
                    button.primary #send { (reader.say("page-apply-send")) }
                }
                a.button href="/services" { (reader.say("page-back-to-form")) }
            }
        }
    };
    super::page(who, "page-apply-confirm-title", "/services", &reader, body)
}

pub(in crate::joining) async fn send(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(pairs): Form<Pairs>,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    match desk.joining.apply_for_services(who, &chosen(pairs)).await {
        Ok(_) => {
            let said = html! { div.done role="status" {
                h2 { (reader.say("page-apply-sent-title")) }
                p { (reader.say("page-apply-sent")) }
            } };
            shown(&desk, &caller, said, false, &reader).await
        }
        Err(no) => refused(&desk, &no, "/services", &reader),
    }
}

pub(in crate::joining) async fn cancel(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<i64>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    match desk.joining.take_back_service(who, number).await {
        Ok(()) => Redirect::to("/services").into_response(),
        Err(no) => refused(&desk, &no, "/services", &reader),
    }
}
