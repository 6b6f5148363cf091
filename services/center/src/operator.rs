//! The operator API: HTTP/1.1 and JSON on a Unix socket. Whoever may open the socket is an operator.

use axum::Router;
use axum::body::Bytes;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::IncomingStream;
use connections::{Center, Closer, Refused, Trouble};
use model::{ConnectionState, GrantId};
use std::convert::Infallible;
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use texts::Arg;
use tokio::net::UnixListener;
use tokio::sync::mpsc::channel;
use tokio_stream::wrappers::ReceiverStream;
use wire::api::{Documents, LogQuery};
use wire::inquiry::{MatchQuery, WhyCall};
use wire::questions::{CanCall, DiffCall};
use wire::session::{CutCall, Watched};

use crate::answer::{answer, apply_report, close_report, drawn, explanation, malformed, texts};

/// Largest set of documents taken, octets.
const DOCUMENTS: usize = 64 << 20;

/// How long a question for the next change waits.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Changes within this are one to whoever watches.
const TOGETHER: Duration = Duration::from_millis(50);

/// Makes the socket with mode 0600, in place of one that an earlier center left.
pub(crate) fn bind(path: &std::path::Path) -> io::Result<UnixListener> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = std::path::PathBuf::from(beside);
    match fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&beside)?;
    // Nobody sees it under its name before its mode is right.
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
    fs::rename(&beside, path)?;
    Ok(listener)
}

/// Who is at the other end of the socket.
#[derive(Clone)]
pub(crate) struct Account(pub(crate) String);

impl Connected<IncomingStream<'_, UnixListener>> for Account {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().map_or_else(|_| "unknown".into(), |c| format!("uid {}", c.uid())))
    }
}

/// Serves operators until the socket breaks.
pub(crate) async fn serve(center: Center, beside: Router, listener: UnixListener) {
    let router = Router::new()
        .route("/v1/plan", post(plan))
        .route("/v1/apply", post(apply))
        .route("/v1/status", get(status))
        .route("/v1/live", get(live))
        .route("/v1/live/events", get(live_events))
        .route("/v1/cut", post(cut))
        .route("/v1/can", post(can))
        .route("/v1/reach/{site}/{host}", get(reach))
        .route("/v1/diff", post(diff))
        .route("/v1/verify", get(verify))
        .route("/v1/invariants", get(invariants))
        .route("/v1/refusals/{id}", get(explain))
        .route("/v1/log", get(log))
        .route("/v1/log/verify", get(verify_log))
        .route("/v1/log/match", get(match_lines))
        .route("/v1/log/match/{grant}", get(match_log))
        .route("/v1/why", post(why))
        .route("/v1/connections/{grant}/close", post(close))
        .route("/v1/export", get(export))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .fallback(nowhere)
        .layer(axum::extract::DefaultBodyLimit::max(DOCUMENTS))
        .with_state(center)
        .merge(beside);
    if let Err(error) = axum::serve(listener, router.into_make_service_with_connect_info::<Account>()).await {
        tracing::error!(%error, "the operator's socket broke");
    }
}

/// Documents, and whether a counter-example is to be drawn.
fn documents(body: &[u8]) -> Result<(Vec<(String, String)>, bool), Refused> {
    let call: Documents = read(body)?;
    Ok((call.documents.into_iter().map(|d| (d.name, d.text)).collect(), call.picture))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|e| malformed(&e))
}

async fn plan(State(center): State<Center>, headers: HeaderMap, body: Bytes) -> Response {
    let (result, picture) = match documents(&body) {
        Ok((documents, picture)) => {
            (connections::plan_only(&center, &documents).await.map(|a| apply_report(a, false)), picture)
        }
        Err(refused) => (Err(refused), false),
    };
    drawn(result, texts(&headers), picture)
}

async fn apply(
    State(center): State<Center>,
    ConnectInfo(account): ConnectInfo<Account>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (result, picture) = match documents(&body) {
        Ok((documents, picture)) => {
            (connections::apply(&center, documents, account.0).await.map(|a| apply_report(a, true)), picture)
        }
        Err(refused) => (Err(refused), false),
    };
    drawn(result, texts(&headers), picture)
}

/// Everything that is applied, as one document that can be applied again (N10).
async fn export(State(center): State<Center>) -> Response {
    let network = connections::applied_network(&center).await;
    match model::export(&network) {
        Ok(text) => ([(axum::http::header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the network cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn status(State(center): State<Center>, headers: HeaderMap) -> Response {
    answer(Ok(connections::status(&center).await), texts(&headers))
}

/// At once, or after the next change but `after`: then nobody need ask in vain.
async fn live(State(center): State<Center>, Query(wanted): Query<After>, headers: HeaderMap) -> Response {
    let Some(after) = wanted.after else { return answer(Ok(connections::live(&center).await), texts(&headers)) };
    let mut changes = center.changes();
    let _ = tokio::time::timeout(LONGEST_WAIT, changes.wait_for(|tick| *tick > after)).await;
    let tick = *changes.borrow();
    answer(Ok(Watched { tick, live: connections::live(&center).await }), texts(&headers))
}

/// The last change that is known.
#[derive(serde::Deserialize)]
struct After {
    after: Option<u64>,
}

/// Server-sent events: a `change` with its tick; who hears it asks what is.
async fn live_events(State(center): State<Center>) -> Response {
    let (tell, ticks) = channel(1);
    let mut changes = center.changes();
    tokio::spawn(async move {
        loop {
            let tick = *changes.borrow_and_update();
            let event = Event::default().event("change").data(tick.to_string());
            if tell.send(Ok::<_, Infallible>(event)).await.is_err() {
                return;
            }
            tokio::select! {
                () = tell.closed() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
            // What changes together is told together.
            tokio::time::sleep(TOGETHER).await;
        }
    });
    Sse::new(ReceiverStream::new(ticks)).keep_alive(KeepAlive::default()).into_response()
}

async fn cut(
    State(center): State<Center>,
    ConnectInfo(account): ConnectInfo<Account>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = match read::<CutCall>(&body) {
        Ok(what) => connections::cut(&center, account.0, what).await,
        Err(refused) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn can(State(center): State<Center>, headers: HeaderMap, body: Bytes) -> Response {
    let texts = texts(&headers);
    match read::<CanCall>(&body) {
        Ok(call) => {
            let picture = call.picture;
            drawn(connections::can(&center, call, texts).await, texts, picture)
        }
        Err(refused) => answer::<()>(Err(refused), texts),
    }
}

async fn reach(
    State(center): State<Center>,
    Path((site, host)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let texts = texts(&headers);
    let result = match format!("{site}/{host}").parse().map_err(|e: model::IdError| malformed(&e)) {
        Ok(host) => connections::reach(&center, host, texts).await,
        Err(refused) => Err(refused),
    };
    answer(result, texts)
}

async fn diff(State(center): State<Center>, headers: HeaderMap, body: Bytes) -> Response {
    let texts = texts(&headers);
    let result = match read::<DiffCall>(&body) {
        Ok(call) => connections::diff(&center, call, texts).await,
        Err(refused) => Err(refused),
    };
    answer(result, texts)
}

async fn verify(State(center): State<Center>, Query(wanted): Query<Drawn>, headers: HeaderMap) -> Response {
    let texts = texts(&headers);
    answer(connections::prove(&center, texts, wanted.picture).await, texts)
}

async fn invariants(State(center): State<Center>, headers: HeaderMap) -> Response {
    let texts = texts(&headers);
    answer(Ok(connections::invariants(&center, texts).await), texts)
}

/// Whether a picture is wanted.
#[derive(serde::Deserialize)]
struct Drawn {
    #[serde(default)]
    picture: bool,
}

async fn explain(
    State(center): State<Center>,
    Path(id): Path<String>,
    Query(wanted): Query<Drawn>,
    headers: HeaderMap,
) -> Response {
    let texts = texts(&headers);
    let result = match id.parse() {
        Ok(number) => {
            connections::explain(&center, number).await.map(|e| explanation(number, e, texts, wanted.picture))
        }
        Err(_) => Err(Refused::trouble(Trouble::NoSuchRefusal, [("id", Arg::Text(id))])),
    };
    answer(result, texts)
}

async fn log(
    State(center): State<Center>,
    query: Result<Query<LogQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let result = match query {
        Ok(Query(query)) => match query.grant.as_deref().map(grant_id).transpose() {
            Ok(grant) => connections::log_page(&center, query.after, query.limit, grant).await,
            Err(refused) => Err(refused),
        },
        Err(rejection) => Err(malformed(&rejection)),
    };
    answer(result, texts(&headers))
}

async fn verify_log(State(center): State<Center>, headers: HeaderMap) -> Response {
    answer(connections::log_verdict(&center).await, texts(&headers))
}

async fn match_log(State(center): State<Center>, Path(grant): Path<String>, headers: HeaderMap) -> Response {
    let texts = texts(&headers);
    let result = match grant_id(&grant) {
        Ok(grant) => connections::three_points(&center, grant, texts).await,
        Err(refused) => Err(refused),
    };
    answer(result, texts)
}

async fn match_lines(
    State(center): State<Center>,
    query: Result<Query<MatchQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let texts = texts(&headers);
    let result = match query {
        Ok(Query(query)) => match query.grant.as_deref().map(grant_id).transpose() {
            Ok(Some(grant)) => connections::line_match(&center, grant, texts).await,
            Ok(None) => connections::log_match(&center, query.after, query.limit, texts).await,
            Err(refused) => Err(refused),
        },
        Err(rejection) => Err(malformed(&rejection)),
    };
    answer(result, texts)
}

async fn why(State(center): State<Center>, headers: HeaderMap, body: Bytes) -> Response {
    let texts = texts(&headers);
    let result = match read::<WhyCall>(&body) {
        Ok(call) => connections::why(&center, call, texts).await,
        Err(refused) => Err(refused),
    };
    answer(result, texts)
}

async fn close(
    State(center): State<Center>,
    ConnectInfo(account): ConnectInfo<Account>,
    Path(grant): Path<String>,
    headers: HeaderMap,
) -> Response {
    let result = match grant_id(&grant) {
        Ok(grant) => connections::close(&center, grant, Closer::Operator(account.0)).await.map(close_report),
        Err(refused) => Err(refused),
    };
    answer(result, texts(&headers))
}

/// `g-7` or `7`.
fn grant_id(text: &str) -> Result<GrantId, Refused> {
    let number = text.strip_prefix("g-").unwrap_or(text);
    format!("g-{number}").parse().map_err(|e| malformed(&e))
}

async fn health(State(center): State<Center>) -> Response {
    match center.registry().head().await {
        Ok(_) => "ok\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", error.words())).into_response(),
    }
}

/// Prometheus text format.
async fn metrics(State(center): State<Center>) -> Response {
    let status = connections::status(&center).await;
    let mut text = String::from("# TYPE sekisho_gates_linked gauge\n");
    let linked = status.sites.iter().filter(|s| s.linked).count();
    let _ = writeln!(text, "sekisho_gates_linked {linked}\n# TYPE sekisho_sites gauge");
    let _ = writeln!(text, "sekisho_sites {}\n# TYPE sekisho_connections gauge", status.sites.len());
    for state in [ConnectionState::Opening, ConnectionState::Open, ConnectionState::Closing] {
        let count = status.connections.iter().filter(|c| c.state == state).count();
        let _ = writeln!(text, "sekisho_connections{{state=\"{state}\"}} {count}");
    }
    for (name, waiting) in [("letters", &status.letters), ("files", &status.files)] {
        let count = waiting.as_ref().map_or(0, |w| w.count);
        let _ = writeln!(text, "# TYPE sekisho_{name}_waiting gauge\nsekisho_{name}_waiting {count}");
    }
    if let Ok(head) = center.registry().head().await {
        let _ = writeln!(text, "# TYPE sekisho_audit_entries counter\nsekisho_audit_entries {}", head.seq);
    }
    text.into_response()
}

async fn nowhere(uri: Uri, headers: HeaderMap) -> Response {
    let refused = Refused::trouble(Trouble::NoSuchPath, [("path", Arg::text(uri.path()))]);
    answer::<()>(Err(refused), texts(&headers))
}
