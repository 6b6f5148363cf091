//! Before every handler: how often, who, and may they.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Action, BearerToken, Role, access};
use serde_json::json;

use crate::joining::api::{Plain, Problem};
use crate::joining::caller::{Caller, authorization, certified, source, token};
use crate::joining::files::{Terminal, TurnedBack};
use crate::joining::limits::{Counted, Whose};
use crate::joining::table::{Entrance, Shape, longest};
use crate::joining::{Desk, words};
use crate::reader::Reader;

/// What the gate of one route knows.
#[derive(Clone)]
pub(super) struct Gate {
    pub desk: Desk,
    pub at: Entrance,
    pub method: Method,
    pub action: Action,
    pub counted: Counted,
    pub shape: Shape,
    /// Is it a call of the API under `/api`? It knows tokens, and no cookies.
    pub call: bool,
}

pub(super) async fn keep(State(gate): State<Gate>, reader: Reader, mut request: Request, next: Next) -> Response {
    let reader = if gate.call { Reader::of_program(request.headers()) } else { reader };
    // Before anybody is asked who they are (ASVS 12.1.1).
    if gate.call && announced(request.headers()) > longest(gate.action) {
        return Problem::from(Plain::TooLong).show(&reader);
    }
    let from = source(request.extensions());
    if let Err(seconds) = gate.desk.limits.take(gate.counted, Whose::source(from), gate.desk.now()) {
        return match gate.shape {
            Shape::Api if gate.call => Problem::from(Plain::TooOften { seconds }).show(&reader),
            Shape::Api => problem(StatusCode::TOO_MANY_REQUESTS, "too-often", &reader),
            Shape::Page => words::too_often(&gate.desk, seconds, &reader),
        };
    }
    let caller = gate.caller(request.uri().path(), request.headers(), request.extensions()).await;
    let reaches = caller.reaches(gate.action) || access::may(Role::Nobody, gate.action);
    if !access::may(caller.role(), gate.action) || !reaches {
        let showed = request.headers().contains_key(header::AUTHORIZATION);
        return turned_away(gate.refuse(&caller, showed, &reader));
    }
    if let Some(token) = caller.token()
        && let Err(seconds) = gate.desk.limits.take(Counted::Call, Whose::Token(token), gate.desk.now())
    {
        return Problem::from(Plain::TooOften { seconds }).show(&reader);
    }
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    // Refused before a handler saw it: axum's own words, for programs.
    let bare = |answer: &Response| answer.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind != HTML);
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && gate.shape == Shape::Page && bare(&response) {
        let body = words::plain("page-too-long", &[], &reader);
        return words::only(&gate.desk, StatusCode::PAYLOAD_TOO_LARGE, body, None, &reader);
    }
    response
}

const HTML: &str = "text/html; charset=utf-8";

/// Marks what the gate itself answered: a handler may answer 401 too, to a wrong password.
#[derive(Debug, Clone, Copy)]
pub(super) struct TurnedAway;

fn turned_away(mut response: Response) -> Response {
    response.extensions_mut().insert(TurnedAway);
    response
}

impl Gate {
    async fn caller(&self, path: &str, headers: &HeaderMap, extensions: &Extensions) -> Caller {
        let joining = &self.desk.joining;
        let found = match self.at {
            Entrance::Operator => return certified(extensions),
            Entrance::Service => return self.terminal(extensions).await,
            Entrance::Public if self.action == Action::Apply => {
                let link = if self.call { authorization(headers).and_then(joining::bearer) } else { link(path) };
                let Some(link) = link else { return Caller::Nobody };
                joining.open_link(link).await.map(Caller::Link)
            }
            Entrance::Public if self.call => return Caller::Nobody,
            Entrance::Inside if self.call => {
                let token = authorization(headers).and_then(BearerToken::from_authorization);
                let Some(token) = token else { return Caller::Nobody };
                joining.program(&token).await.map(|who| Caller::In(Box::new(who)))
            }
            Entrance::Public | Entrance::Inside => {
                let Some(token) = token(headers) else { return Caller::Nobody };
                // Each door has its sessions: the public one those that began with an initial password, the inner one
                // those of the log-in behind the VPN.
                match self.at {
                    Entrance::Public => joining.settling(&token).await.map(|who| Caller::Settling(Box::new(who))),
                    _ => joining.session(&token).await.map(|who| Caller::In(Box::new(who))),
                }
            }
        };
        found.unwrap_or(Caller::Nobody)
    }

    /// Whom the certificate of a terminal names, judged by the listener with this very request.
    async fn terminal(&self, extensions: &Extensions) -> Caller {
        let (Some(files), Some(terminal)) = (&self.desk.files, extensions.get::<Terminal>()) else {
            return Caller::Nobody;
        };
        let user = match terminal {
            Terminal::Admitted { user } => user,
            Terminal::TurnedBack(why) => return Caller::TurnedBack(why.clone()),
        };
        match self.desk.joining.member(user, files.service()).await {
            Ok(member) => Caller::Member(Box::new(member)),
            Err(no) => Caller::TurnedBack(TurnedBack::of(no.reason())),
        }
    }

    fn refuse(&self, caller: &Caller, showed: bool, reader: &Reader) -> Response {
        tracing::debug!(role = caller.role().as_str(), action = self.action.as_str(), "refused");
        if self.call {
            let known = caller.role() != Role::Nobody || self.at == Entrance::Operator;
            let why = match (known, showed) {
                (true, _) if access::may(caller.role(), self.action) => Plain::TooNarrow(self.action),
                (true, _) => Plain::NotYours,
                (false, true) => Plain::BadToken,
                (false, false) => Plain::NoToken,
            };
            return Problem::from(why).show(reader);
        }
        if let Caller::TurnedBack(why) = caller {
            return if self.shape == Shape::Api { why.problem(reader) } else { why.page(&self.desk, reader) };
        }
        let status = if caller.role() == Role::Nobody { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
        if self.shape == Shape::Api {
            return problem(status, if caller.role() == Role::Nobody { "sign-in" } else { "forbidden" }, reader);
        }
        let sign_in = match self.at {
            Entrance::Public => "/first",
            Entrance::Inside => "/login",
            Entrance::Service | Entrance::Operator => "",
        };
        if self.action == Action::Apply {
            let body = words::plain("page-link-gone", &[], reader);
            return words::only(&self.desk, StatusCode::GONE, body, None, reader);
        }
        if caller.role() == Role::Nobody && self.method == Method::GET && !sign_in.is_empty() {
            return Redirect::to(sign_in).into_response();
        }
        let key = if caller.role() == Role::Nobody { "page-sign-in-first" } else { "page-not-yours" };
        words::only(&self.desk, status, words::plain(key, &[], reader), None, reader)
    }
}

/// The one-time URL of an application, in the path of its pages; to the API it is shown as a bearer token.
fn link(path: &str) -> Option<&str> {
    path.strip_prefix("/apply/")?.split('/').next()
}

/// Octets the body says it has.
fn announced(headers: &HeaderMap) -> usize {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).unwrap_or("0");
    said.parse().unwrap_or(usize::MAX)
}

/// RFC 9457.
pub(super) fn problem(status: StatusCode, code: &str, reader: &Reader) -> Response {
    let title = reader.say(&format!("page-problem-{code}"));
    let body = json!({ "type": format!("urn:sekisho:joining:{code}"), "status": status.as_u16(), "title": title });
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
