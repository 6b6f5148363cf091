//! The sign-in entrance: the card made the TLS session; the page asks whether to sign in, and where.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use connections::{CardAnswer, Refused, Shown};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pki::ClientHandshake;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use texts::{Arg, Lang};

use super::attempts::{Misuse, Origin, Secret};
use super::{Console, attempt_cookie, beside};
use crate::assets;
use crate::guard::{FormsAlsoTo, StyleInside};
use crate::pages_of_refusal::refusals;
use crate::reader::Reader;

/// One TLS session of a card.
pub(super) struct CardSession {
    pub console: Console,
    pub origin: Origin,
    /// Chain of the card's certificate.
    pub card: Vec<Vec<u8>>,
    /// What the card signed to make this session.
    pub handshake: ClientHandshake,
    /// Exporter of this session.
    pub exporter: [u8; 32],
}

impl CardSession {
    fn card(&self) -> [u8; 32] {
        Sha256::digest(self.card.first().map(Vec::as_slice).unwrap_or_default()).into()
    }

    /// Who holds it, judged at this moment. The use case judges again; here only so that the page can name them.
    async fn person(&self) -> Result<pki::VerifiedPerson, Refused> {
        let center = self.console.center();
        let trust = center.trust_about(vec![(pki::Purpose::HpkiAuthentication, self.card.clone())]).await;
        let chain: Vec<&[u8]> = self.card.iter().map(Vec::as_slice).collect();
        pki::verify_person(&chain, &trust.anchors, trust.revocation(), center.now().unix_seconds())
            .map_err(|refusals| Refused::from(decision::Denial::from_person(&refusals)))
    }
}

/// Names terminal and person, and asks.
pub(super) async fn ask(
    State(session): State<Arc<CardSession>>,
    Path(attempt): Path<String>,
    headers: HeaderMap,
    reader: Reader,
) -> Response {
    let Some(console) = beside(&headers, session.console.inner.ports.console) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let person = match session.person().await {
        Ok(person) => person,
        Err(refused) => {
            let body = html! { (refusals(&refused.reasons, &reader)) (back(&console, &reader)) };
            return page(StatusCode::FORBIDDEN, body, &console, &reader);
        }
    };
    let (id, browser) = (Secret::of(&attempt), attempt_cookie(&headers));
    let now = session.console.center().now();
    let asked = session.console.attempts().ask(&id, &browser, &session.origin, session.card(), now);
    let at = match asked {
        Ok(at) => at,
        Err(misuse) => return misused(misuse, &session.origin, &console, &reader),
    };
    let name = match (person.kanji_name(), reader.lang()) {
        (Some(kanji), Lang::Ja) => kanji,
        _ => person.name(),
    };
    let body = html! {
        p { (reader.say("portal-confirm-question")) }
        dl.confirm {
            dt { (reader.say("portal-confirm-person")) }
            dd { strong { (name) } " · " (Arg::Role(person.role().text().to_owned()).worded(reader.texts)) }
            dt { (reader.say("portal-confirm-terminal")) }
            dd { strong { (at) } }
        }
        form method="post" action=(format!("/a/{attempt}")) {
            button.primary autofocus { (reader.say("portal-confirm-yes")) }
            a.button href=(format!("{console}/")) { (reader.say("portal-confirm-no")) }
        }
        p.quiet { (reader.say("portal-confirm-hint")) }
    };
    page(StatusCode::OK, body, &console, &reader)
}

/// The person says yes, in a session the same card made anew.
pub(super) async fn confirm(
    State(session): State<Arc<CardSession>>,
    Path(attempt): Path<String>,
    headers: HeaderMap,
    reader: Reader,
) -> Response {
    let Some(console) = beside(&headers, session.console.inner.ports.console) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (id, browser) = (Secret::of(&attempt), attempt_cookie(&headers));
    let shown = Shown {
        // The console's own session brings it.
        device: Vec::new(),
        // The attempt is random, the center's own, and used once.
        nonce: Some(id.digest()),
        exporter: session.exporter,
        card: session.card.clone(),
        answer: CardAnswer::Handshake(session.handshake.clone()),
    };
    let now = session.console.center().now();
    let confirmed = session.console.attempts().confirm(&id, &browser, &session.origin, session.card(), shown, now);
    match confirmed {
        Ok(()) => {
            (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{console}/signed-in/{attempt}"))]).into_response()
        }
        Err(misuse) => misused(misuse, &session.origin, &console, &reader),
    }
}

fn misused(misuse: Misuse, origin: &Origin, console: &str, reader: &Reader) -> Response {
    tracing::warn!(?misuse, %origin, "an attempt to sign in was misused");
    page(StatusCode::FORBIDDEN, html! { (misuse_text(misuse, reader)) (back(console, reader)) }, console, reader)
}

/// What went wrong with an attempt, and what to do.
pub(super) fn misuse_text(misuse: Misuse, reader: &Reader) -> Markup {
    html! {
        section.refusal role="alert" {
            h2 { (reader.say(misuse.key())) }
            p.do { (reader.say(&format!("{}-do", misuse.key()))) }
        }
    }
}

fn back(console: &str, reader: &Reader) -> Markup {
    html! { p { a.button href=(format!("{console}/")) autofocus { (reader.say("portal-back")) } } }
}

/// A page that needs nothing from anywhere: each file more would be another answer of the card.
fn page(status: StatusCode, body: Markup, console: &str, reader: &Reader) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang=(reader.lang().as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (reader.say("portal-confirm-title")) " · Sekisho" }
                link rel="icon" href="data:,";
                style { (PreEscaped(assets::STYLE)) }
            }
            body {
                header.bar { span.brand { "Sekisho" } span.title { (reader.say("portal-confirm-title")) } }
                main.narrow { h1 { (reader.say("portal-confirm-title")) } (body) }
            }
        }
    };
    let mut response = (status, Html(document.into_string())).into_response();
    response.extensions_mut().insert(FormsAlsoTo(console.to_owned()));
    response.extensions_mut().insert(StyleInside);
    response
}
