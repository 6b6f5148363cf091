//! The pages of the console.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use connections::Refused;
use maud::{Markup, html};
use model::{HostRef, Timestamp};
use serde::Deserialize;
use std::sync::Arc;
use texts::{Arg, Lang};
use wire::session::{ApprovalView, RefusedPacket, ServiceState, ServiceView, ServicesView, SessionView};

use super::attempts::Misuse;
use super::browsers::Said;
use super::card_side::misuse_text;
use super::{Terminal, beside};
use crate::frame::{Follows, Page, part};
use crate::guard::FormsAlsoTo;
use crate::pages_of_refusal::refusals;
use crate::reader::{Reader, choose};
use crate::times::{clock, minutes_left};

/// A browser without scripts loads the page again after so many seconds.
const RELOAD: u32 = 5;
/// Refused packets that are shown.
const RECENT: usize = 8;

/// Everything the page says.
struct Seen {
    at: HostRef,
    view: ServicesView,
    /// Of this browser; the terminal may have one at the command line.
    session: Option<SessionView>,
    approvals: Vec<ApprovalView>,
    said: Said,
}

impl Terminal {
    async fn seen(&self, headers: &HeaderMap) -> Result<Seen, Refused> {
        let (at, center) = (self.judged().await?, self.console.center());
        let known = self.session(headers, &at).await;
        let view = connections::services_at(center, &at).await;
        let (mut session, mut approvals, mut said) = (None, Vec::new(), Said::default());
        if let Some((id, last)) = known {
            session = view.session.clone().filter(|s| s.session == id);
            approvals = connections::approvals(center, id).await.map(|a| a.approvals).unwrap_or_default();
            said = last;
        }
        Ok(Seen { at, view, session, approvals, said })
    }
}

pub(super) async fn home(State(terminal): State<Arc<Terminal>>, headers: HeaderMap, reader: Reader) -> Response {
    let seen = match terminal.seen(&headers).await {
        Ok(seen) => seen,
        Err(refused) => return self::refused(&refused, &reader),
    };
    let who =
        seen.session.as_ref().map_or_else(|| seen.at.to_string(), |s| format!("{} · {}", name(s, &reader), seen.at));
    let page = Page {
        title: "portal-console-title",
        who: Some(who),
        here: "/",
        follows: Some(Follows { events: "/events", part: "/part" }),
        reload: Some(RELOAD),
    };
    let mut response = page.answer(&reader, body(&seen, &reader));
    // The button to sign in leads to the other entrance.
    if let Some(to) = beside(&headers, terminal.console.inner.ports.sign_in) {
        response.extensions_mut().insert(FormsAlsoTo(to));
    }
    response
}

pub(super) async fn part_of_home(
    State(terminal): State<Arc<Terminal>>,
    headers: HeaderMap,
    reader: Reader,
) -> Response {
    match terminal.seen(&headers).await {
        Ok(seen) => part(body(&seen, &reader)),
        Err(refused) => self::refused(&refused, &reader),
    }
}

/// Tells that something changed; the page then asks for itself, with its own cookie.
pub(super) async fn events(State(terminal): State<Arc<Terminal>>) -> Response {
    crate::live::events(State(terminal.console.center().clone())).await
}

#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    back: String,
}

pub(super) async fn language(Path(lang): Path<String>, Query(back): Query<Back>) -> Response {
    choose(&lang, &back.back)
}

/// A page that only says no.
pub(super) fn refused(refused: &Refused, reader: &Reader) -> Response {
    tracing::info!(%refused, "a browser is refused");
    only(html! { (refusals(&refused.reasons, reader)) }, reader)
}

pub(super) fn misused(misuse: Misuse, reader: &Reader) -> Response {
    only(misuse_text(misuse, reader), reader)
}

fn only(body: Markup, reader: &Reader) -> Response {
    let page = Page { title: "portal-console-title", who: None, here: "/", follows: None, reload: None };
    let body = html! { (body) p { a.button href="/" { (reader.say("portal-back")) } } };
    let mut response = page.answer(reader, body);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

fn name<'a>(session: &'a SessionView, reader: &Reader) -> &'a str {
    match (&session.person.kanji_name, reader.lang()) {
        (Some(kanji), Lang::Ja) => kanji,
        _ => &session.person.name,
    }
}

fn body(seen: &Seen, reader: &Reader) -> Markup {
    let now = seen.view.now;
    html! {
        @match &seen.session {
            Some(session) => (signed_in(session, now, reader)),
            None => (signed_out(seen, reader)),
        }
        @if !seen.said.reasons.is_empty() { div role="alert" { (refusals(&seen.said.reasons, reader)) } }
        @if !seen.approvals.is_empty() { (approvals(&seen.approvals, now, reader)) }
        @if seen.session.is_some() || !seen.view.services.is_empty() {
            h2 #services { (reader.say("portal-console-services")) }
            @if seen.view.services.is_empty() { p.empty { (reader.say("portal-console-no-services")) } }
            ul.services aria-labelledby="services" {
                @for service in &seen.view.services { (service_row(service, seen.session.is_some(), now, reader)) }
            }
        }
        @if !seen.view.recent.is_empty() { (recent(&seen.view.recent, now, reader)) }
    }
}

fn signed_out(seen: &Seen, reader: &Reader) -> Markup {
    html! {
        section.welcome {
            h1 { (reader.say("portal-console-welcome")) }
            p { (reader.tell("portal-console-terminal", &[("terminal", Arg::text(&seen.at))])) }
            @if let Some(other) = &seen.view.session {
                p.quiet { (reader.tell("portal-console-elsewhere", &[("name", Arg::text(name(other, reader)))])) }
            }
            form method="post" action="/sign-in" {
                button.primary #sign-in autofocus { (reader.say("portal-console-sign-in")) }
            }
            p.quiet { (reader.say("portal-console-sign-in-hint")) }
        }
    }
}

fn signed_in(session: &SessionView, now: Timestamp, reader: &Reader) -> Markup {
    html! {
        section.person {
            div {
                h1 { (name(session, reader)) }
                p.quiet {
                    (Arg::Role(session.person.role.clone()).worded(reader.texts)) " · "
                    (reader.tell("portal-console-until", &[("at", clock(session.until, now, reader.texts).into())]))
                }
            }
            form method="post" action="/sign-out" {
                button #sign-out { (reader.say("portal-console-sign-out")) }
            }
        }
    }
}

fn service_row(service: &ServiceView, may_act: bool, now: Timestamp, reader: &Reader) -> Markup {
    let id = service.service.to_string();
    let key = id.replace('/', "-");
    html! {
        li class=(format!("service is-{}", service.state.as_str())) {
            div.what {
                h3 id=(format!("s-{key}")) { (reader.name(&service.name)) }
                p.quiet { (reader.name(&service.provider)) " · " (id) }
                @if let Some(line) = &service.connection {
                    p.address {
                        (reader.tell("portal-console-address", &[("address", Arg::Text(address(line)))]))
                    }
                }
            }
            div.how {
                span.state {
                    @if service.state == ServiceState::Closed && !may_act {
                        (reader.say("portal-state-after-sign-in"))
                    } @else {
                        (reader.say(&format!("portal-state-{}", service.state.as_str())))
                    }
                }
                @if let Some(line) = service.connection.as_ref().filter(|_| service.state == ServiceState::Open) {
                    @let left = minutes_left(line.lease_until, now);
                    p class=(if service.warn { "number warned" } else { "number" }) {
                        (reader.tell("portal-console-left", &[
                            ("at", clock(line.lease_until, now, reader.texts).into()), ("minutes", Arg::Number(left)),
                        ]))
                    }
                }
                @if let Some(until) = service.approval_until {
                    p.quiet { (reader.tell("portal-console-waits", &[("at", clock(until, now, reader.texts).into())])) }
                }
            }
            @if may_act { div.act { (buttons(service, &key, reader)) } }
            @if service.state == ServiceState::Refused { div.why { (refusals(&service.reasons, reader)) } }
        }
    }
}

fn address(line: &wire::api::ConnectionView) -> String {
    let ports: Vec<String> = line.ports.iter().map(u16::to_string).collect();
    format!("{} · {}/{}", line.address, line.protocol, ports.join(","))
}

fn buttons(service: &ServiceView, key: &str, reader: &Reader) -> Markup {
    let label = |act: &str| {
        reader
            .tell("portal-act-on", &[("act", Arg::Text(reader.say(act))), ("service", Arg::Name(service.name.clone()))])
    };
    let on_line = |action: &str, act: &str, class: &str| {
        html! {
            @if let Some(line) = &service.connection {
                form method="post" action=(format!("/{action}")) {
                    input type="hidden" name="grant" value=(line.grant);
                    button class=(class) id=(format!("{action}-{key}")) aria-label=(label(act)) { (reader.say(act)) }
                }
            }
        }
    };
    html! {
        @match service.state {
            ServiceState::Closed => {
                form method="post" action="/open" {
                    input type="hidden" name="service" value=(service.service);
                    @let act = if service.needs_approval { "portal-act-ask" } else { "portal-act-open" };
                    button.primary id=(format!("open-{key}")) aria-label=(label(act)) { (reader.say(act)) }
                }
            }
            ServiceState::Open => {
                (on_line("extend", "portal-act-extend", if service.warn { "primary" } else { "" }))
                (on_line("close", "portal-act-close", ""))
            }
            ServiceState::Opening => { (on_line("close", "portal-act-close", "")) }
            ServiceState::Refused | ServiceState::WaitingApproval | ServiceState::Closing => {}
        }
    }
}

fn approvals(asked: &[ApprovalView], now: Timestamp, reader: &Reader) -> Markup {
    html! {
        h2 #approvals { (reader.say("portal-console-approvals")) }
        ul.services aria-labelledby="approvals" {
            @for one in asked {
                li.service.is-waiting-approval {
                    div.what {
                        h3 { (reader.name(&one.name)) }
                        p {
                            strong { (one.person) }
                            @if let Some(role) = &one.role { " · " (Arg::Role(role.clone()).worded(reader.texts)) }
                        }
                        p.quiet { (reader.name(&one.institution)) " · " (one.from) }
                    }
                    div.how {
                        p.quiet { (reader.tell("portal-console-waits", &[("at", clock(one.until, now, reader.texts).into())])) }
                    }
                    div.act {
                        form method="post" action="/approvals" {
                            input type="hidden" name="approval" value=(one.approval);
                            button.primary name="answer" value="accept" id=(format!("accept-{}", one.approval)) {
                                (reader.say("portal-act-accept"))
                            }
                            button name="answer" value="refuse" id=(format!("refuse-{}", one.approval)) {
                                (reader.say("portal-act-refuse"))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn recent(packets: &[RefusedPacket], now: Timestamp, reader: &Reader) -> Markup {
    html! {
        h2 #refused { (reader.say("portal-console-refused")) }
        @for packet in packets.iter().rev().take(RECENT) {
            @let port = packet.port.map(|p| format!(":{p}")).unwrap_or_default();
            @let service = packet.service.as_ref().map(|s| format!(" · {s}")).unwrap_or_default();
            div.packet {
                p.quiet.number { (clock(packet.at, now, reader.texts)) " · " (packet.destination) (port) (service) }
                (refusals(&packet.reasons, reader))
            }
        }
    }
}
