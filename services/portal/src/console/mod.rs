//! The console of a terminal (N3): sign in with the card, one's services, what was refused and what to do.
//!
//! Two entrances, both relayed by the gate and ended here: `console` wants the terminal's device certificate, `sign-in`
//! the person's card. The way in: the console makes an attempt ([`attempts`]) and sends the browser to the sign-in
//! entrance; there the card makes the TLS session, the page names terminal and person and asks; back at the console
//! the attempt is used up and the browser gets its cookie.

mod actions;
mod attempts;
mod browsers;
mod card_side;
mod pages;
mod tls;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::middleware::from_fn;
use axum::routing::{get, post};
use connections::{Center, Refused};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use model::{HostRef, SessionId, SiteId};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::guard::guard;
use crate::{assets, reader};
use attempts::{Attempts, Origin, Secret};
use browsers::{Browsers, Said};
use tls::Server;

const HANDSHAKE: Duration = Duration::from_secs(30);
/// A person needs time to enter a PIN, a speculative connection of a browser does not need for ever.
const FIRST_REQUEST: Duration = Duration::from_secs(60);
const SESSION_COOKIE: &str = "__Host-session";
const ATTEMPT_COOKIE: &str = "__Host-attempt";

/// A listener of the gate that ends at the center's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// For terminals with their device certificate.
    Console,
    /// For cards.
    SignIn,
}

impl Entrance {
    /// As gates name it.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "console" => Some(Self::Console),
            "sign-in" => Some(Self::SignIn),
            _ => None,
        }
    }
}

/// At which ports of every gate the entrances are reached; the same everywhere, so that one link leads from one to the
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// `console`.
    pub console: u16,
    /// `sign-in`.
    pub sign_in: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { console: 7445, sign_in: 7446 }
    }
}

/// The consoles of all terminals. Clones share it.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    center: Center,
    ports: Ports,
    tls: Server,
    attempts: Mutex<Attempts>,
    browsers: Mutex<Browsers>,
}

impl Console {
    /// With the center's own certificate.
    ///
    /// # Errors
    /// [`rustls::Error`] if key and chain cannot be used.
    pub fn new(
        center: Center,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        ports: Ports,
    ) -> Result<Self, rustls::Error> {
        let tls = Server::new(chain, key)?;
        let inner = Inner { center, ports, tls, attempts: Mutex::default(), browsers: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Serves one connection that a site's gate relays, until it ends. `source` is `address:port` as the gate saw it.
    pub async fn serve<S>(&self, entrance: Entrance, through: SiteId, source: &str, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(source) = source.parse::<SocketAddr>() else {
            return tracing::warn!(%through, source, "a gate relays without saying whom");
        };
        let origin = Origin { through, source: source.ip() };
        match entrance {
            Entrance::Console => self.serve_terminal(origin, stream).await,
            Entrance::SignIn => self.serve_card(origin, stream).await,
        }
    }

    async fn serve_terminal<S>(&self, origin: Origin, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let trust = self.center().trust();
        let Ok(config) = self.inner.tls.for_devices(&trust.anchors) else { return };
        let Some(stream) = handshake(config, stream).await else { return };
        let Some(device) = peer(&stream) else { return };
        let terminal = Arc::new(Terminal { console: self.clone(), origin, device });
        let router = Router::new()
            .route("/", get(pages::home))
            .route("/part", get(pages::part_of_home))
            .route("/events", get(pages::events))
            .route("/sign-in", post(actions::begin))
            .route("/signed-in/{attempt}", get(actions::signed_in))
            .route("/sign-out", post(actions::sign_out))
            .route("/open", post(actions::open))
            .route("/close", post(actions::close))
            .route("/extend", post(actions::extend))
            .route("/approvals", post(actions::answer))
            .route("/lang/{lang}", get(pages::language))
            .merge(assets::routes())
            .fallback(|| async { axum::http::StatusCode::NOT_FOUND })
            .layer(from_fn(guard))
            .with_state(terminal);
        serve_http(stream, router, true).await;
    }

    async fn serve_card<S>(&self, origin: Origin, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let trust = self.center().trust();
        let Ok((config, signed)) = self.inner.tls.for_a_card(&trust.anchors) else { return };
        let Some(stream) = handshake(config, stream).await else { return };
        let exporter = stream.get_ref().1.export_keying_material([0u8; 32], wire::api::LOGIN_EXPORTER_LABEL, None);
        let signed = signed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let (Some(card), Some(handshake), Ok(exporter)) = (peer(&stream), signed, exporter) else { return };
        let reader = card_side::CardSession { console: self.clone(), origin, card, handshake, exporter };
        let router = Router::new()
            .route("/a/{attempt}", get(card_side::ask).post(card_side::confirm))
            .fallback(|| async { axum::http::StatusCode::NOT_FOUND })
            .layer(from_fn(guard))
            .with_state(Arc::new(reader));
        // One request a session: so every step is a fresh answer of the card, and no proof is older than its step.
        serve_http(stream, router, false).await;
    }

    fn center(&self) -> &Center {
        &self.inner.center
    }
    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.inner.attempts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    fn browsers(&self) -> MutexGuard<'_, Browsers> {
        self.inner.browsers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// One TLS session of a terminal.
struct Terminal {
    console: Console,
    origin: Origin,
    /// Chain of its device certificate.
    device: Vec<Vec<u8>>,
}

impl Terminal {
    /// The terminal, judged at this moment; it must stand where its gate is.
    async fn judged(&self) -> Result<HostRef, Refused> {
        let center = self.console.center();
        let trust = center.trust_about(vec![(pki::Purpose::Device, self.device.clone())]).await;
        let chain: Vec<&[u8]> = self.device.iter().map(Vec::as_slice).collect();
        let device = pki::verify_device(&chain, &trust.anchors, trust.revocation(), center.now().unix_seconds())
            .map_err(|refusals| Refused::from(decision::Denial::from_device(&refusals)))?;
        let named = format!("{}/{}", device.site(), device.host());
        match named.parse::<HostRef>() {
            Ok(host) if host.site == self.origin.through => Ok(host),
            _ => Err(Refused::trouble(
                connections::Trouble::Malformed,
                [("why", texts::Arg::Text(format!("{named} is no terminal of site {}", self.origin.through)))],
            )),
        }
    }

    /// Who is signed in with this browser at this terminal, and what was said last.
    async fn session(&self, headers: &HeaderMap, at: &HostRef) -> Option<(SessionId, Said)> {
        let (center, cookie) = (self.console.center(), session_cookie(headers)?);
        let held = self.console.browsers().session(&cookie, at, center.now());
        let (id, said) = match held {
            Some(held) => held,
            // It may have begun before the center's last start.
            None => {
                let session = connections::session_of_browser(center, at, &cookie.digest()).await?;
                let (id, until) = (session.session, session.until);
                self.console.browsers().enter(cookie.clone(), id, at.clone(), until, center.now());
                (id, Said::default())
            }
        };
        // It may have ended otherwise: at its time, by an operator, at the command line.
        let stands = connections::session(center, id).await.is_some_and(|s| s.at == *at);
        if !stands {
            self.console.browsers().leave(&cookie);
        }
        stands.then_some((id, said))
    }
}

fn session_cookie(headers: &HeaderMap) -> Option<Secret> {
    reader::cookie(headers, SESSION_COOKIE).map(Secret::of)
}

fn attempt_cookie(headers: &HeaderMap) -> Secret {
    Secret::of(reader::cookie(headers, ATTEMPT_COOKIE).unwrap_or_default())
}

/// A cookie that no script, no other site and no clear line ever sees.
fn set_cookie(name: &str, value: &str, max_age: Option<i64>) -> (header::HeaderName, String) {
    let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    (header::SET_COOKIE, format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}"))
}

/// 32 random octets in hexadecimal.
fn random() -> Option<String> {
    let mut octets = [0u8; 32];
    SystemRandom::new().fill(&mut octets).ok()?;
    Some(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

/// The other entrance under the name this one was called by.
fn beside(headers: &HeaderMap, port: u16) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let fits = |b: u8| b.is_ascii_alphanumeric() || b".-[]:".contains(&b);
    (!name.is_empty() && name.bytes().all(fits)).then(|| format!("https://{name}:{port}"))
}

type Tls<S> = tokio_rustls::server::TlsStream<S>;

async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(config: Arc<rustls::ServerConfig>, stream: S) -> Option<Tls<S>> {
    match tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no TLS session with a browser");
            None
        }
        Err(_) => None,
    }
}

fn peer<S>(stream: &Tls<S>) -> Option<Vec<Vec<u8>>> {
    Some(stream.get_ref().1.peer_certificates()?.iter().map(|c| c.as_ref().to_vec()).collect())
}

async fn serve_http<S>(stream: Tls<S>, router: Router, keep_alive: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(FIRST_REQUEST)
        .keep_alive(keep_alive)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        tracing::debug!(%error, "a browser's session broke");
    }
}

/// The host of an origin, for logs.
impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let source: &IpAddr = &self.source;
        write!(f, "{source} at {}", self.through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_entrance_has_the_same_name() {
        let beside_of = |host: &str| {
            let headers: HeaderMap = [(header::HOST, host.parse().unwrap())].into_iter().collect();
            beside(&headers, 7446)
        };
        assert_eq!(beside_of("center.sekisho.test:7445").unwrap(), "https://center.sekisho.test:7446");
        assert_eq!(beside_of("center.sekisho.test").unwrap(), "https://center.sekisho.test:7446");
        assert_eq!(beside_of("[2001:db8::1]:7445").unwrap(), "https://[2001:db8::1]:7446");
        assert_eq!(beside_of("evil.example/ https://x"), None);
        assert_eq!(beside_of(""), None);
    }

    #[test]
    fn secrets_are_never_the_same_twice() {
        let (a, b) = (random().unwrap(), random().unwrap());
        assert!(a.len() == 64 && a != b);
        let (_, cookie) = set_cookie(SESSION_COOKIE, &a, None);
        for part in ["__Host-", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
            assert!(cookie.contains(part), "{part}");
        }
    }
}
