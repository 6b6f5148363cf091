//! The API over HTTP: what is answered is what its document says, and what is refused is a problem (RFC 9457).

mod document;
mod refused;
mod story;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use std::net::IpAddr;
use tower::ServiceExt;

use super::super::{Auditor, Entrance, Source, documents, routes};
use super::{HOST, House};
use crate::live::Operator;

/// Who calls.
#[derive(Clone)]
enum Shows<'a> {
    Nothing,
    Token(&'a str),
    Operator,
    Auditor,
}

fn call(method: &Method, path: &str, who: &Shows<'_>, body: Option<&Value>) -> Request<Body> {
    let mut request = Request::builder().method(method.clone()).uri(path).header(header::HOST, HOST);
    request = request.header(header::ACCEPT_LANGUAGE, "en").extension(Source(IpAddr::from([192, 0, 2, 1])));
    match who {
        Shows::Nothing => {}
        Shows::Token(token) => request = request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        Shows::Operator => request = request.extension(Operator("ito".into())),
        Shows::Auditor => request = request.extension(Auditor("kansa".into())),
    }
    if *method == Method::POST || *method == Method::PUT {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    request.body(body.map_or(Body::empty(), |body| Body::from(body.to_string()))).unwrap()
}

/// Asks, and holds the answer against the document of the door.
async fn answer(house: &House, at: Entrance, template: &str, request: Request<Body>) -> (StatusCode, Value) {
    let method = request.method().clone();
    let response = routes(at, house.desk.clone()).oneshot(request).await.unwrap();
    let response = conforming(at, &method, template, response).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}

fn of(at: Entrance) -> Value {
    let [public, inside, operator] = documents();
    match at {
        Entrance::Public => public.1,
        Entrance::Inside => inside.1,
        Entrance::Service => panic!("no API is there"),
        Entrance::Operator => operator.1,
    }
}

/// The answer again, if it is one that the document has for the call: kind, body, and what every answer carries.
pub(super) async fn conforming(at: Entrance, method: &Method, template: &str, answer: Response) -> Response {
    let document = of(at);
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let place = format!("{at:?} {method} {template}: {} {}", head.status, String::from_utf8_lossy(&body));
    assert_eq!(head.headers[header::CACHE_CONTROL], "no-store", "{place}");
    assert!(!head.headers.contains_key(header::SET_COOKIE), "{place}");
    assert!(!head.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{place}");
    let operation = &document["paths"][template][method.as_str().to_ascii_lowercase()];
    assert!(operation.is_object(), "{place}");
    let responses = &operation["responses"];
    let kind = head.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap());
    let (content, problem) = match responses.get(head.status.as_str()) {
        Some(done) => (&done["content"], false),
        None => (&document["components"]["responses"]["problem"]["content"], true),
    };
    assert_eq!(problem, head.status.is_client_error() || head.status.is_server_error(), "{place}");
    if content.is_null() {
        assert!(body.is_empty() && kind.is_none(), "{place}");
    } else {
        let value: Value = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut schema = content[kind.unwrap_or_default()]["schema"].clone();
        assert!(schema.is_object(), "{place}: {kind:?} is not documented");
        schema["$schema"] = document["jsonSchemaDialect"].clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{place}: {wrong:?}");
        if problem {
            assert_eq!(value["status"], head.status.as_u16(), "{place}");
            let (kind, code) = (value["type"].as_str().unwrap(), value["code"].as_str().unwrap());
            assert_eq!(kind, format!("urn:sekisho:problem:{}", code.to_lowercase()), "{place}");
            for text in ["title", "remedy", "side"] {
                let text = value[text].as_str().unwrap();
                assert!(!text.is_empty() && !text.contains("api-problem") && !text.contains("joining-"), "{place}");
            }
        }
    }
    Response::from_parts(head, Body::from(body))
}

/// A token of somebody's for everything that they may.
pub(super) async fn token(house: &House, session: &str) -> (String, i64) {
    let who = house.desk.joining.session(session).await.unwrap();
    let role = who.account().role.into();
    let may = joining::ApiToken::OFFERED.iter().filter(|action| joining::access::may(role, **action));
    let form = reception::TokenForm {
        label: "inventory".into(),
        actions: may.map(|action| action.as_str().to_owned()).collect(),
        days: "30".into(),
        password: super::people::PASSWORD.into(),
    };
    let given = house.desk.joining.make_token(&who, &form).await.unwrap();
    (given.token.reveal(), given.view.number)
}
