//! Before every handler: how often, who, and may they.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Action, Role, access};
use serde_json::json;

use crate::joining::caller::{Caller, bearer, certified, source, token};
use crate::joining::files::{Terminal, TurnedBack};
use crate::joining::limits::{Counted, Whose};
use crate::joining::table::{Entrance, Shape};
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
}

pub(super) async fn keep(State(gate): State<Gate>, reader: Reader, mut request: Request, next: Next) -> Response {
    let from = source(request.extensions());
    if let Err(seconds) = gate.desk.limits.take(gate.counted, Whose::source(from), gate.desk.now()) {
        return match gate.shape {
            Shape::Api => problem(StatusCode::TOO_MANY_REQUESTS, "too-often", &reader),
            Shape::Page => words::too_often(&gate.desk, seconds, &reader),
        };
    }
    let caller = gate.caller(request.uri().path(), request.headers(), request.extensions()).await;
    if !access::may(caller.role(), gate.action) {
        return turned_away(gate.refuse(&caller, &reader));
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
        let api = self.shape == Shape::Api;
        let found = match self.at {
            Entrance::Operator => return certified(extensions),
            Entrance::Service => return self.terminal(extensions).await,
            Entrance::Public if self.action == Action::Apply => {
                let Some(link) = link(path, headers, api) else { return Caller::Nobody };
                joining.open_link(&link).await.map(Caller::Link)
            }
            Entrance::Public | Entrance::Inside => {
                let Some(token) = token(headers, api) else { return Caller::Nobody };
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

    fn refuse(&self, caller: &Caller, reader: &Reader) -> Response {
        tracing::debug!(role = caller.role().as_str(), action = self.action.as_str(), "refused");
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

/// The one-time URL of an application: in the path of pages, as a bearer token of the API.
fn link(path: &str, headers: &HeaderMap, api: bool) -> Option<String> {
    if api { bearer(headers) } else { path.strip_prefix("/apply/")?.split('/').next().map(str::to_owned) }
}

/// RFC 9457.
pub(super) fn problem(status: StatusCode, code: &str, reader: &Reader) -> Response {
    let title = reader.say(&format!("page-problem-{code}"));
    let body = json!({ "type": format!("urn:sekisho:joining:{code}"), "status": status.as_u16(), "title": title });
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
