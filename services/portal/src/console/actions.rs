//! What a person does at the console. Every action ends in the page of services, which says how it went.

use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use connections::{Refused, SignIn};
use model::SessionId;
use serde::Deserialize;
use std::sync::Arc;

use super::attempts::{LIVES_MS, Secret};
use super::browsers::Said;
use super::{ATTEMPT_COOKIE, SESSION_COOKIE, Terminal, attempt_cookie, beside, random, session_cookie, set_cookie};
use crate::console::pages;
use crate::reader::Reader;

/// Makes an attempt and sends the browser to where the card is asked for.
pub(super) async fn begin(State(terminal): State<Arc<Terminal>>, headers: HeaderMap, reader: Reader) -> Response {
    let at = match terminal.judged().await {
        Ok(at) => at,
        Err(refused) => return pages::refused(&refused, &reader),
    };
    let (ports, now) = (terminal.console.inner.ports, terminal.console.center().now());
    let (Some(to), Some(id), Some(browser)) = (beside(&headers, ports.sign_in), random(), random()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let origin = terminal.origin.clone();
    terminal.console.attempts().begin(Secret::of(&id), Secret::of(&browser), at, origin, now);
    let cookie = set_cookie(ATTEMPT_COOKIE, &browser, Some(LIVES_MS / 1000));
    (StatusCode::SEE_OTHER, AppendHeaders([cookie, (header::LOCATION, format!("{to}/a/{id}"))])).into_response()
}

/// Back from the card: uses the attempt up and signs in.
pub(super) async fn signed_in(
    State(terminal): State<Arc<Terminal>>,
    Path(attempt): Path<String>,
    headers: HeaderMap,
    reader: Reader,
) -> Response {
    let at = match terminal.judged().await {
        Ok(at) => at,
        Err(refused) => return pages::refused(&refused, &reader),
    };
    let (center, browser) = (terminal.console.center(), attempt_cookie(&headers));
    let redeemed =
        terminal.console.attempts().redeem(&Secret::of(&attempt), &browser, &at, &terminal.origin, center.now());
    let mut shown = match redeemed {
        Ok(shown) => shown,
        Err(misuse) => {
            tracing::warn!(?misuse, origin = %terminal.origin, "an attempt to sign in was misused");
            return pages::misused(misuse, &reader);
        }
    };
    shown.device = terminal.device.clone();
    let Some(cookie) = random() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let browser = Some(Secret::of(&cookie).digest());
    let session = match connections::sign_in(center, SignIn { at: at.clone(), shown, browser }).await {
        Ok(session) => session,
        Err(refused) => return pages::refused(&refused, &reader),
    };
    terminal.console.browsers().enter(Secret::of(&cookie), session.session, at, session.until, center.now());
    let cookies = [set_cookie(SESSION_COOKIE, &cookie, None), set_cookie(ATTEMPT_COOKIE, "", Some(0))];
    (AppendHeaders(cookies), Redirect::to("/")).into_response()
}

/// Signs out.
pub(super) async fn sign_out(State(terminal): State<Arc<Terminal>>, headers: HeaderMap) -> Response {
    if let Ok(at) = terminal.judged().await
        && let Some((session, _)) = terminal.session(&headers, &at).await
    {
        if let Err(refused) = connections::sign_out(terminal.console.center(), session).await {
            tracing::warn!(%refused, "a person could not be signed out");
        }
        if let Some(cookie) = session_cookie(&headers) {
            terminal.console.browsers().leave(&cookie);
        }
    }
    (AppendHeaders([set_cookie(SESSION_COOKIE, "", Some(0))]), Redirect::to("/")).into_response()
}

#[derive(Deserialize)]
pub(super) struct ServiceForm {
    service: String,
}

/// Opens a service.
pub(super) async fn open(
    State(terminal): State<Arc<Terminal>>,
    headers: HeaderMap,
    Form(form): Form<ServiceForm>,
) -> Result<Response, Response> {
    let service = form.service.parse().map_err(unreadable)?;
    let session = known(&terminal, &headers).await?;
    let result = connections::open_in_session(terminal.console.center(), session, service).await.map(drop);
    Ok(done(&terminal, &headers, result))
}

#[derive(Deserialize)]
pub(super) struct GrantForm {
    grant: String,
}

/// Closes a line.
pub(super) async fn close(
    State(terminal): State<Arc<Terminal>>,
    headers: HeaderMap,
    Form(form): Form<GrantForm>,
) -> Result<Response, Response> {
    let grant = form.grant.parse().map_err(unreadable)?;
    let session = known(&terminal, &headers).await?;
    let result = connections::close_in_session(terminal.console.center(), session, grant).await.map(drop);
    Ok(done(&terminal, &headers, result))
}

/// Lets a line last longer.
pub(super) async fn extend(
    State(terminal): State<Arc<Terminal>>,
    headers: HeaderMap,
    Form(form): Form<GrantForm>,
) -> Result<Response, Response> {
    let grant = form.grant.parse().map_err(unreadable)?;
    let session = known(&terminal, &headers).await?;
    let result = connections::extend(terminal.console.center(), session, grant).await.map(drop);
    Ok(done(&terminal, &headers, result))
}

#[derive(Deserialize)]
pub(super) struct AnswerForm {
    approval: String,
    answer: String,
}

/// Agrees to somebody's request, or not.
pub(super) async fn answer(
    State(terminal): State<Arc<Terminal>>,
    headers: HeaderMap,
    Form(form): Form<AnswerForm>,
) -> Result<Response, Response> {
    let approval = form.approval.parse().map_err(unreadable)?;
    let session = known(&terminal, &headers).await?;
    let center = terminal.console.center();
    let result = match form.answer.as_str() {
        "accept" => connections::approve(center, session, approval).await,
        "refuse" => connections::refuse_approval(center, session, approval).await,
        other => return Err(unreadable(other)),
    };
    Ok(done(&terminal, &headers, result))
}

/// A form that none of our pages sends.
fn unreadable<T>(_: T) -> Response {
    StatusCode::BAD_REQUEST.into_response()
}

/// The session of this browser at this terminal; whoever has none is led to the console.
async fn known(terminal: &Terminal, headers: &HeaderMap) -> Result<SessionId, Response> {
    let at = terminal.judged().await.map_err(|_| Redirect::to("/").into_response())?;
    let found = terminal.session(headers, &at).await;
    found.map(|(session, _)| session).ok_or_else(|| Redirect::to("/").into_response())
}

fn done(terminal: &Terminal, headers: &HeaderMap, result: Result<(), Refused>) -> Response {
    if let Some(cookie) = session_cookie(headers) {
        let reasons = result.err().map(|refused| refused.reasons).unwrap_or_default();
        terminal.console.browsers().say(&cookie, Said { reasons });
    }
    Redirect::to("/").into_response()
}
