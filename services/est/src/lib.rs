//! Enrollment over Secure Transport, the server's side (RFC 7030 with RFC 8951; R10, G1): how other programs than ours
//! fetch certificates too.
//!
//! - `GET /.well-known/est[/label]/cacerts` and `csrattrs`: to everybody.
//! - `POST …/simpleenroll`: user id and issuing code as HTTP Basic (§3.2.3). The certificate's names come from what was
//!   offered, never from the request; a request that asks for another identity of ours is refused.
//! - `POST …/simplereenroll`: with the present certificate in TLS (§3.3.2), which must still count.
//! - `serverkeygen` and `fullcmc`: 501. Keys never leave where they live.
//!
//! The label is the kind of certificate: `service` (also without a label), `gate`, `device`, `institution`,
//! `equipment`. Proof of
//! possession is the request's signature, always checked (§3.4). Linking it to the session (§3.5) is optional: TLS 1.3 has no
//! tls-unique, so a challengePassword must be the `tls-exporter` of this session (RFC 9266) in Base64, or empty; one that
//! is anything else was made for another session and is refused.
//!
//! Bodies are Base64 with or without line breaks; Content-Transfer-Encoding is written for old clients and ignored when
//! read (RFC 8951 §3). A refusal is plain text in the reader's language, its code in the header `sekisho-reason`.
//!
//! It must not know how certificates are made; it parses, calls `issuing` and renders.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod authorization;
mod body;

use std::pin::Pin;
use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use entrance::Session;
use issuing::{Identity, Issued, Issuing, Kind, Offer, Question, Refused};
use model::Timestamp;
use texts::{Lang, Texts};

/// A request has a few hundred octets; with Base64 and line breaks this is ample.
const LONGEST_BODY: usize = 32 * 1024;
const CERTS_ONLY: &str = "application/pkcs7-mime; smime-type=certs-only";
/// Where a program learns the code of a refusal.
const REASON: &str = "sekisho-reason";

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Another room that hands out codes for service certificates, and knows whose they are (R10).
pub trait Introducer: Send + Sync {
    /// Uses up a code of this user; none if there is no such code, or it is not good any more.
    fn introduce<'a>(&'a self, user: &'a str, code: &'a str) -> Introduction<'a>;
}

/// What [`Introducer::introduce`] comes to.
pub type Introduction<'a> = Pin<Box<dyn Future<Output = Option<Introduced>> + Send + 'a>>;

/// Who may have a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduced {
    /// Name of the institution in the certificate.
    pub organization: String,
    /// Until when the same key may ask again.
    pub until: Timestamp,
}

#[derive(Clone)]
struct Server {
    issuing: Issuing,
    clock: Clock,
    introducer: Option<Arc<dyn Introducer>>,
    texts: [Arc<Texts>; 2],
}

/// The routes; each request must carry its [`Session`], as `entrance::serve` gives it. Besides EST there is
/// `GET /crl/<kind>.crl`, the newest revocation list in DER.
pub fn routes(issuing: Issuing, clock: Clock, introducer: Option<Arc<dyn Introducer>>) -> Router {
    let texts = Lang::ALL.map(|lang| Arc::new(Texts::new(lang)));
    let server = Server { issuing, clock, introducer, texts };
    let mut router = Router::new().route("/crl/{file}", get(revocation_list));
    for prefix in ["/.well-known/est", "/.well-known/est/{label}"] {
        let at = |name: &str| format!("{prefix}/{name}");
        router = router
            .route(&at("cacerts"), get(ca_certificates))
            .route(&at("csrattrs"), get(csr_attributes))
            .route(&at("simpleenroll"), post(simple_enroll))
            .route(&at("simplereenroll"), post(simple_reenroll))
            .route(&at("serverkeygen"), post(not_offered))
            .route(&at("fullcmc"), post(not_offered));
    }
    router.layer(DefaultBodyLimit::max(LONGEST_BODY)).with_state(server)
}

/// `label` in the path; absent means service certificates.
type Label = Option<Path<String>>;

fn kind(label: Label) -> Result<Kind, StatusCode> {
    match label {
        None => Ok(Kind::Service),
        Some(Path(name)) => Kind::from_name(&name).ok_or(StatusCode::NOT_FOUND),
    }
}

async fn ca_certificates(State(server): State<Server>, label: Label) -> Result<Response, StatusCode> {
    let authority = server.issuing.authority(kind(label)?);
    Ok(base64(CERTS_ONLY, &issuance::certs_only([authority.certificate().der()])))
}

async fn csr_attributes(label: Label) -> Result<Response, StatusCode> {
    kind(label)?;
    Ok(base64("application/csrattrs", &issuance::csr_attributes()))
}

async fn simple_enroll(
    State(server): State<Server>,
    Extension(session): Extension<Session>,
    label: Label,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let kind = kind(label)?;
    let Some(request) = request(&headers, &body) else { return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE) };
    let Some((name, code)) = authorization::basic(&headers) else {
        return Ok(server.refuse(&headers, &Refused::CertificateMissing));
    };
    if kind == Kind::Service
        && let Err(refused) = server.introduced(&name, &code).await
    {
        return Ok(server.refuse(&headers, &refused));
    }
    let question = Question {
        request: &request.unwrap_or_default(),
        binding: session.binding.as_deref(),
        address: Some(session.address),
        shown: &session.chain,
    };
    let answer = server.issuing.enroll((server.clock)(), &name, &code, &question).await;
    Ok(server.answer(&headers, answer, kind))
}

async fn simple_reenroll(
    State(server): State<Server>,
    Extension(session): Extension<Session>,
    label: Label,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let kind = kind(label)?;
    let Some(request) = request(&headers, &body) else { return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE) };
    let question = Question {
        request: &request.unwrap_or_default(),
        binding: session.binding.as_deref(),
        address: Some(session.address),
        shown: &session.chain,
    };
    let answer = server.issuing.renew((server.clock)(), &session.chain, &question).await;
    Ok(server.answer(&headers, answer, kind))
}

async fn not_offered() -> StatusCode {
    StatusCode::NOT_IMPLEMENTED
}

async fn revocation_list(State(server): State<Server>, Path(file): Path<String>) -> Result<Response, StatusCode> {
    let kind = file.strip_suffix(".crl").and_then(Kind::from_name).ok_or(StatusCode::NOT_FOUND)?;
    match server.issuing.list(kind).await {
        Ok(Some(der)) => Ok(([(header::CONTENT_TYPE, "application/pkix-crl")], der).into_response()),
        Ok(None) => Err(StatusCode::NOT_FOUND),
        Err(error) => {
            tracing::error!(%error, "no revocation list");
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// The request in the body; none if the body says it is something else, none inside if it is no Base64.
fn request(headers: &HeaderMap, body: &[u8]) -> Option<Option<Vec<u8>>> {
    let said = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let said = said.split(';').next().unwrap_or_default().trim();
    said.eq_ignore_ascii_case("application/pkcs10").then(|| body::decode(body))
}

fn base64(content_type: &'static str, der: &[u8]) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::HeaderName::from_static("content-transfer-encoding"), "base64"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body::encode(der)).into_response()
}

impl Server {
    /// A code that the authorities do not know may be one of the portal.
    async fn introduced(&self, user: &str, code: &str) -> Result<(), Refused> {
        let Some(introducer) = &self.introducer else { return Ok(()) };
        let Some(identity) = Identity::user(user) else { return Ok(()) };
        if self.issuing.knows(code).await? {
            return Ok(());
        }
        let Some(found) = introducer.introduce(user, code).await else { return Ok(()) };
        let offer = Offer {
            identity: &identity,
            organization: &found.organization,
            dns_names: &[],
            operator: user,
            until: found.until,
        };
        self.issuing.take_over((self.clock)(), code, &offer).await
    }

    fn answer(&self, headers: &HeaderMap, answer: Result<Issued, Refused>, kind: Kind) -> Response {
        match answer {
            Ok(issued) => {
                if issued.identity.kind() != kind {
                    tracing::debug!(asked = %kind, given = %issued.identity.kind(), "asked under another label");
                }
                // §4.2.3: the certificate alone; the authority's is at cacerts.
                base64(CERTS_ONLY, &issuance::certs_only(issued.chain.first().map(Vec::as_slice)))
            }
            Err(refused) => self.refuse(headers, &refused),
        }
    }

    fn refuse(&self, headers: &HeaderMap, refused: &Refused) -> Response {
        if refused.is_transient() {
            tracing::error!(%refused, "no certificate");
        }
        let status = match refused {
            Refused::RequestUnreadable { .. }
            | Refused::NotPossessed
            | Refused::KeyKind { .. }
            | Refused::OtherIdentity { .. }
            | Refused::NotBound => StatusCode::BAD_REQUEST,
            Refused::WrongCode | Refused::CertificateMissing => StatusCode::UNAUTHORIZED,
            Refused::CodeUsed
            | Refused::CodeExpired { .. }
            | Refused::CertificateForeign
            | Refused::CertificateExpired { .. }
            | Refused::CertificateRevoked { .. }
            | Refused::KeyLeaked
            | Refused::FirstTierMissing { .. }
            | Refused::FirstTierRefused { .. }
            | Refused::DeviceElsewhere { .. }
            | Refused::DeviceUnknown { .. }
            | Refused::EquipmentRequired { .. }
            | Refused::ElementRefused { .. }
            | Refused::UnknownCertificate { .. } => StatusCode::FORBIDDEN,
            Refused::Authority(_) | Refused::Registry(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let [first, second] = &self.texts;
        let texts = if first.lang() == authorization::language(headers) { first } else { second };
        let (what, fix) = refused.told(texts);
        let mut response =
            (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{what}\n{fix}\n")).into_response();
        let headers = response.headers_mut();
        if let Ok(code) = refused.code().parse() {
            headers.insert(REASON, code);
        }
        headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Basic realm=\"sekisho\", charset=\"UTF-8\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
        }
        response
    }
}
