//! The terminal API: HTTP/1.1 inside the terminal's own TLS session, which ends here and not in the gate.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use connections::{Asked, CardAnswer, Center, Closer, Refused, Shown, SignIn, Trouble};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use model::{ApprovalId, HostRef, SessionId, SiteId, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use texts::Arg;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use wire::api::{ChallengeIssued, CloseCall, LOGIN_EXPORTER_LABEL, OpenCall};
use wire::session::{AnswerCall, ApprovalsView, ExtendCall, LoginCall, ServiceCall, SessionView};

use crate::answer::{answer, close_report, malformed, open_report, texts};
use crate::gate_tls::owned;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a person may take to enter a PIN.
const CHALLENGE_MS: i64 = 120_000;
/// Challenges one session may hold at a time.
const CHALLENGES: usize = 4;

/// One TLS session of one terminal.
struct Session {
    center: Center,
    /// The site of the gate that relays; a terminal of another site has no business there.
    through: SiteId,
    chain: Vec<Vec<u8>>,
    exporter: [u8; 32],
    challenges: Mutex<Vec<Issued>>,
}

struct Issued {
    id: String,
    nonce: [u8; 32],
    until: Timestamp,
}

/// Serves one terminal until it leaves.
pub(crate) async fn serve<S>(center: Center, tls: Arc<rustls::ServerConfig>, through: SiteId, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = match tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "no TLS session with a terminal"),
        Err(_) => return tracing::debug!("a terminal's TLS handshake took too long"),
    };
    let connection = stream.get_ref().1;
    let chain = connection.peer_certificates().and_then(|c| c.split_first()).map(|(first, rest)| owned(first, rest));
    let exporter = connection.export_keying_material([0u8; 32], LOGIN_EXPORTER_LABEL, None);
    let (Some(chain), Ok(exporter)) = (chain, exporter) else { return };
    let session = Session { center, through, chain, exporter, challenges: Mutex::default() };
    let router = Router::new()
        .route("/v1/challenge", post(challenge))
        .route("/v1/open", post(open))
        .route("/v1/close", post(close))
        .route("/v1/status", get(status))
        .route("/v1/login", post(login))
        .route("/v1/logout", post(logout))
        .route("/v1/services", get(services))
        .route("/v1/session/open", post(open_in_session))
        .route("/v1/extend", post(extend))
        .route("/v1/approvals", get(approvals))
        .route("/v1/approvals/{number}", post(answer_approval))
        .fallback(nowhere)
        .with_state(Arc::new(session));
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        tracing::debug!(%error, "a terminal's session broke");
    }
}

impl Session {
    /// The terminal, judged at this moment.
    async fn device(&self) -> Result<HostRef, Refused> {
        let trust = self.center.trust_about(vec![(pki::Purpose::Device, self.chain.clone())]).await;
        let chain: Vec<&[u8]> = self.chain.iter().map(Vec::as_slice).collect();
        let device = pki::verify_device(&chain, &trust.anchors, trust.revocation(), self.center.now().unix_seconds())
            .map_err(|refusals| Refused::from(decision::Denial::from_device(&refusals)))?;
        let named = format!("{}/{}", device.site(), device.host());
        match named.parse::<HostRef>() {
            Ok(host) if host.site == self.through => Ok(host),
            _ => Err(malformed(&format!("{named} is no terminal of site {}", self.through))),
        }
    }

    fn challenges(&self) -> std::sync::MutexGuard<'_, Vec<Issued>> {
        self.challenges.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    async fn issue(&self) -> Result<ChallengeIssued, Refused> {
        self.device().await?;
        let mut random = [0u8; 48];
        SystemRandom::new().fill(&mut random).map_err(|_| malformed(&"the center has no randomness"))?;
        let (mut nonce, now) = ([0u8; 32], self.center.now());
        nonce.copy_from_slice(&random[..32]);
        let (id, until) = (hex::encode(&random[32..]), now.plus_ms(CHALLENGE_MS));
        let mut held = self.challenges();
        held.retain(|c| c.until > now);
        if held.len() == CHALLENGES {
            held.remove(0);
        }
        held.push(Issued { id: id.clone(), nonce, until });
        Ok(ChallengeIssued { challenge: id, nonce: hex::encode(nonce), until })
    }

    /// Uses a challenge up, whatever comes of it.
    fn redeem(&self, id: &str) -> Option<[u8; 32]> {
        let (mut held, now) = (self.challenges(), self.center.now());
        let at = held.iter().position(|c| c.id == id)?;
        let issued = held.remove(at);
        (issued.until > now).then_some(issued.nonce)
    }

    fn asked(&self, body: &[u8]) -> Result<Asked, Refused> {
        let call: OpenCall = serde_json::from_slice(body).map_err(|e| malformed(&e))?;
        let shown = self.shown(&call.challenge, &call.chain, &call.signature)?;
        Ok(Asked { request: call.request, shown, session: None })
    }

    /// Both proofs of this session; the challenge is used up.
    fn shown(&self, challenge: &str, chain: &[String], signature: &str) -> Result<Shown, Refused> {
        let decode =
            |what: &str, text: &str| BASE64.decode(text).map_err(|e| malformed(&format!("{what} is not base64: {e}")));
        Ok(Shown {
            nonce: self.redeem(challenge),
            device: self.chain.clone(),
            exporter: self.exporter,
            card: chain.iter().map(|c| decode("chain", c)).collect::<Result<_, _>>()?,
            answer: CardAnswer::Signature(decode("signature", signature)?),
        })
    }

    /// Who is signed in at this terminal; the terminal is judged at this moment.
    async fn signed_in(&self) -> Result<SessionId, Refused> {
        let at = self.device().await?;
        let session = connections::session_at(&self.center, &at).await;
        session.map(|s| s.session).ok_or_else(|| Refused::trouble(Trouble::NoSession, [("what", Arg::text(&at))]))
    }

    async fn sign_in(&self, body: &[u8]) -> Result<SessionView, Refused> {
        let call: LoginCall = read(body)?;
        let shown = self.shown(&call.challenge, &call.chain, &call.signature)?;
        connections::sign_in(&self.center, SignIn { at: self.device().await?, shown, browser: None }).await
    }

    async fn answers(&self, number: &str, body: &[u8]) -> Result<ApprovalsView, Refused> {
        let approval: ApprovalId = number.parse().map_err(|e: model::IdError| malformed(&e))?;
        let (call, session): (AnswerCall, _) = (read(body)?, self.signed_in().await?);
        match call.accept {
            true => connections::approve(&self.center, session, approval).await?,
            false => connections::refuse_approval(&self.center, session, approval).await?,
        }
        connections::approvals(&self.center, session).await
    }
}

async fn challenge(State(session): State<Arc<Session>>, headers: HeaderMap) -> Response {
    answer(session.issue().await, texts(&headers))
}

async fn open(State(session): State<Arc<Session>>, headers: HeaderMap, body: Bytes) -> Response {
    let result = match session.asked(&body) {
        Ok(asked) => connections::open(&session.center, asked).await.map(open_report),
        Err(refused) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn close(State(session): State<Arc<Session>>, headers: HeaderMap, body: Bytes) -> Response {
    let call = serde_json::from_slice::<CloseCall>(&body).map_err(|e| malformed(&e));
    let judged = match call {
        Ok(call) => session.device().await.map(|device| (call, device)),
        Err(refused) => Err(refused),
    };
    let result = match judged {
        Ok((call, device)) => {
            connections::close(&session.center, call.grant, Closer::Terminal(device)).await.map(close_report)
        }
        Err(refused) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn status(State(session): State<Arc<Session>>, headers: HeaderMap) -> Response {
    let result = match session.device().await {
        Ok(device) => Ok(connections::terminal_status(&session.center, device).await),
        Err(refused) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn login(State(session): State<Arc<Session>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(session.sign_in(&body).await, texts(&headers))
}

async fn logout(State(session): State<Arc<Session>>, headers: HeaderMap) -> Response {
    let result = match session.signed_in().await {
        Ok(id) => connections::sign_out(&session.center, id).await,
        Err(refused) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn services(State(session): State<Arc<Session>>, headers: HeaderMap) -> Response {
    let result = match session.device().await {
        Ok(at) => Ok(connections::services_at(&session.center, &at).await),
        Err(refused) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn open_in_session(State(session): State<Arc<Session>>, headers: HeaderMap, body: Bytes) -> Response {
    let result = match (read::<ServiceCall>(&body), session.signed_in().await) {
        (Ok(call), Ok(id)) => connections::open_in_session(&session.center, id, call.service).await.map(open_report),
        (Err(refused), _) | (_, Err(refused)) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn extend(State(session): State<Arc<Session>>, headers: HeaderMap, body: Bytes) -> Response {
    let result = match (read::<ExtendCall>(&body), session.signed_in().await) {
        (Ok(call), Ok(id)) => connections::extend(&session.center, id, call.grant).await,
        (Err(refused), _) | (_, Err(refused)) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn approvals(State(session): State<Arc<Session>>, headers: HeaderMap) -> Response {
    let result = match session.signed_in().await {
        Ok(id) => connections::approvals(&session.center, id).await,
        Err(refused) => Err(refused),
    };
    answer(result, texts(&headers))
}

async fn answer_approval(
    State(session): State<Arc<Session>>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(session.answers(&number, &body).await, texts(&headers))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|e| malformed(&e))
}

async fn nowhere(uri: axum::http::Uri, headers: HeaderMap) -> Response {
    let refused = Refused::trouble(Trouble::NoSuchPath, [("path", Arg::text(uri.path()))]);
    answer::<()>(Err(refused), texts(&headers))
}
