//! The terminal's side: one TLS 1.3 session, end to end with the center, in which the card answers a challenge.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::ServiceId;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use texts::Lang;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wire::api::{ChallengeIssued, CloseCall, CloseReport, LOGIN_EXPORTER_LABEL, OpenCall, OpenReport, TerminalStatus};

use wire::session::{LoginCall, SessionView};

use crate::arguments::Closing;
use crate::config::Terminal;
use crate::failure::{Failure, Unfit};
use crate::http::Json;
use crate::pin;

/// A gate that does not answer within this is not there.
const REACH: Duration = Duration::from_secs(5);

/// Which card signs, and where its PIN comes from.
pub struct CardChoice {
    /// PKCS#11 library.
    pub driver: PathBuf,
    /// Label, if it matters.
    pub label: Option<String>,
    /// Descriptor with the PIN; asked for if absent.
    pub pin_fd: Option<u32>,
    /// What to ask.
    pub prompt: String,
}

/// Asks for a service: the card signs a challenge bound to this very TLS session (RFC 8446 §7.5), so that nobody who
/// relays the bytes can use the signature elsewhere.
pub async fn open(
    terminal: &Terminal,
    lang: Lang,
    service: &ServiceId,
    choice: CardChoice,
) -> Result<OpenReport, Failure> {
    let mut session = Session::begin(terminal, lang).await?;
    let request = model::ConnectionRequest { from: terminal.host.clone(), service: service.clone() };
    let shown = session.show(terminal, &choice, &request.signed_bytes()).await?;
    let call = OpenCall { challenge: shown.challenge, request, chain: shown.chain, signature: shown.signature };
    session.json.post("/v1/open", &call).await
}

/// Signs in: the card's answer is for this terminal, and for nothing else.
pub async fn login(terminal: &Terminal, lang: Lang, choice: CardChoice) -> Result<SessionView, Failure> {
    let mut session = Session::begin(terminal, lang).await?;
    let confirmed = model::SignIn { at: terminal.host.clone() }.signed_bytes();
    let call = session.show(terminal, &choice, &confirmed).await?;
    session.json.post("/v1/login", &call).await
}

/// A session with the center, for what needs no card.
pub async fn json(terminal: &Terminal, lang: Lang) -> Result<Json, Failure> {
    Ok(Session::begin(terminal, lang).await?.json)
}

impl Session {
    /// Lets the card confirm these bytes in this TLS session.
    async fn show(&mut self, terminal: &Terminal, choice: &CardChoice, confirmed: &[u8]) -> Result<LoginCall, Failure> {
        let driver = card::Driver::load(&choice.driver)?;
        let pin = pin::read(choice.pin_fd, &choice.prompt)?;
        let card = driver.open(choice.label.as_deref(), &pin)?;
        let issued: ChallengeIssued = self.json.post("/v1/challenge", &serde_json::json!({})).await?;
        let nonce = nonce(&issued.nonce).ok_or_else(|| Failure::Nonsense {
            what: terminal.center_name.clone(),
            why: "a nonce of 32 bytes".into(),
        })?;
        let digest = ring::digest::digest(&ring::digest::SHA256, confirmed);
        let digest: [u8; 32] = digest.as_ref().try_into().expect("SHA-256 has 32 octets");
        let signature = card.sign(&pki::challenge_message(&nonce, &self.exporter, &digest))?;
        Ok(LoginCall {
            challenge: issued.challenge,
            chain: vec![BASE64.encode(card.certificate())],
            signature: BASE64.encode(signature),
        })
    }
}

/// Ends one of this terminal's connections. No card: to end is always safe.
pub async fn close(terminal: &Terminal, lang: Lang, what: &Closing) -> Result<CloseReport, Failure> {
    let mut session = Session::begin(terminal, lang).await?;
    let grant = match what {
        Closing::Grant(grant) => *grant,
        Closing::Service(service) => {
            let status: TerminalStatus = session.json.get("/v1/status").await?;
            let found = status.connections.iter().find(|c| &c.service == service);
            found.ok_or_else(|| Failure::NothingFits(what.to_string()))?.grant
        }
    };
    session.json.post("/v1/close", &CloseCall { grant }).await
}

/// What this terminal has open and may ask for.
pub async fn status(terminal: &Terminal, lang: Lang) -> Result<TerminalStatus, Failure> {
    Session::begin(terminal, lang).await?.json.get("/v1/status").await
}

struct Session {
    json: Json,
    exporter: [u8; 32],
}

impl Session {
    async fn begin(terminal: &Terminal, lang: Lang) -> Result<Self, Failure> {
        let config = tls(terminal)?;
        let gate = terminal.gate.to_string();
        let unreachable = |why: String| Failure::Unreachable { what: gate.clone(), why };
        let stream = tokio::time::timeout(REACH, TcpStream::connect(terminal.gate))
            .await
            .map_err(|_| unreachable("no answer".to_owned()))?
            .map_err(|e| unreachable(e.to_string()))?;
        stream.set_nodelay(true).map_err(|e| unreachable(e.to_string()))?;
        let name = ServerName::try_from(terminal.center_name.clone()).map_err(|e| misread(&terminal.center_ca, &e))?;
        let stream = tokio::time::timeout(REACH, TlsConnector::from(Arc::new(config)).connect(name, stream))
            .await
            .map_err(|_| unreachable("the center does not answer".to_owned()))?
            .map_err(|e| unreachable(e.to_string()))?;
        let exporter = stream
            .get_ref()
            .1
            .export_keying_material([0u8; 32], LOGIN_EXPORTER_LABEL, None)
            .map_err(|e| unreachable(e.to_string()))?;
        let json = Json::over(stream, &terminal.center_name, lang.as_str()).await?;
        Ok(Self { json, exporter })
    }
}

fn tls(terminal: &Terminal) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in files::certificates(&terminal.center_ca)? {
        roots.add(certificate).map_err(|e| misread(&terminal.center_ca, &e))?;
    }
    let (chain, key) = (files::certificates(&terminal.certificate)?, files::private_key(&terminal.key)?);
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(chain, key))
        .map_err(|e| misread(&terminal.certificate, &e))
}

fn misread(path: &Path, said: &dyn std::fmt::Display) -> Failure {
    files::Fault::of(path, Unfit::Misread { said: said.to_string() }).into()
}

fn nonce(text: &str) -> Option<[u8; 32]> {
    let mut out = [0u8; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_exactly_thirty_two_bytes() {
        assert_eq!(nonce(&"0f".repeat(32)), Some([15; 32]));
        assert_eq!(nonce(&"0f".repeat(31)), None);
        assert_eq!(nonce(&"zz".repeat(32)), None);
        assert_eq!(nonce(&"あ".repeat(32)), None);
    }
}
