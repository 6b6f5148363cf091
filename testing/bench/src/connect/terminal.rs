//! A terminal with a card that keeps its TLS session: what `sekisho open` does, without starting a program each time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lab::Netns;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use story::Stage;

use crate::BenchError;

const FROM: &str = "clinic/exam-1";
const SERVICE: &str = "keyaki/records";
const CENTER: &str = "center.sekisho.test";

pub(crate) struct Terminal {
    stream: StreamOwned<ClientConnection, TcpStream>,
    exporter: [u8; 32],
    card: card::Card,
}

/// A challenge with its answer.
pub(crate) struct Signed(Value);

impl Terminal {
    pub(crate) fn sign_on(stage: &Stage, netns: &Netns, card: card::Card) -> Result<Self, BenchError> {
        let config = stage.terminal_config(FROM);
        let folder = config.parent().unwrap_or(&config).to_owned();
        let text = super::read(&config)?;
        let value = |key: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(key)?.trim().strip_prefix('=').map(str::trim));
            line.map(|v| v.trim_matches('"').to_owned())
                .ok_or_else(|| BenchError::Subject(format!("{} has no {key}", config.display())))
        };
        let bad = |e: String| BenchError::Subject(e);
        let pem = |path: &std::path::Path| -> Result<Vec<CertificateDer<'static>>, BenchError> {
            CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|e| bad(e.to_string()))
        };
        let mut roots = RootCertStore::empty();
        for root in pem(std::path::Path::new(&value("center-ca")?))? {
            roots.add(root)?;
        }
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).map_err(|e| bad(e.to_string()))?;
        let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(pem(&folder.join("cert.pem"))?, key)?;
        let gate = value("gate")?;
        let socket = netns
            .within(|| TcpStream::connect(&gate).and_then(|s| s.set_nodelay(true).map(|()| s)))?
            .map_err(BenchError::file(&gate))?;
        let name = ServerName::try_from(CENTER).map_err(|e| bad(e.to_string()))?;
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(client), name)?, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(BenchError::file(&gate))?;
        }
        let exporter = stream.conn.export_keying_material([0; 32], wire::api::LOGIN_EXPORTER_LABEL, None)?;
        Ok(Self { stream, exporter, card })
    }

    /// Takes a challenge and lets the card answer it.
    pub(crate) fn sign(&mut self) -> Result<Signed, BenchError> {
        let issued = self.post("/v1/challenge", &json!({}))?;
        let request = model::ConnectionRequest {
            from: FROM.parse().map_err(|e: model::IdError| BenchError::Network(e.to_string()))?,
            service: SERVICE.parse().map_err(|e: model::IdError| BenchError::Network(e.to_string()))?,
        };
        let nonce = issued["nonce"].as_str().unwrap_or_default();
        let nonce: Vec<u8> =
            (0..nonce.len() / 2).filter_map(|i| u8::from_str_radix(nonce.get(2 * i..2 * i + 2)?, 16).ok()).collect();
        let nonce: [u8; 32] = nonce.try_into().map_err(|_| BenchError::Subject(format!("no nonce in {issued}")))?;
        let digest = ring::digest::digest(&ring::digest::SHA256, &request.signed_bytes());
        let digest: [u8; 32] = digest.as_ref().try_into().expect("SHA-256 has 32 octets");
        let signature = self.card.sign(&pki::challenge_message(&nonce, &self.exporter, &digest))?;
        Ok(Signed(json!({
            "challenge": issued["challenge"],
            "request": request,
            "chain": [BASE64.encode(self.card.certificate())],
            "signature": BASE64.encode(signature),
        })))
    }

    pub(crate) fn open(&mut self, signed: &Signed) -> Result<u64, BenchError> {
        let report = self.post("/v1/open", &signed.0)?;
        report["connection"]["grant"].as_u64().ok_or_else(|| BenchError::Subject(format!("not opened: {report}")))
    }

    pub(crate) fn close(&mut self, grant: u64) -> Result<(), BenchError> {
        let report = self.post("/v1/close", &json!({ "grant": grant }))?;
        if report["connection"]["state"] == "closed" {
            return Ok(());
        }
        Err(BenchError::Subject(format!("not closed: {report}")))
    }

    /// HTTP/1.1 by hand: one question, one answer with a length.
    fn post(&mut self, path: &str, body: &Value) -> Result<Value, BenchError> {
        let broken = || BenchError::file("the terminal's session");
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {CENTER}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all((head + &body).as_bytes()).map_err(broken())?;
        self.stream.flush().map_err(broken())?;
        let mut answer = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            if let Some(end) = answer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
                let length = head.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
                let length = length.ok_or_else(|| BenchError::Subject(format!("no length in {head}")))?;
                if answer.len() >= end + 4 + length {
                    return serde_json::from_slice(&answer[end + 4..end + 4 + length])
                        .map_err(|e| BenchError::Subject(e.to_string()));
                }
            }
            let read = self.stream.read(&mut chunk).map_err(broken())?;
            if read == 0 {
                return Err(BenchError::Subject("the center ended the session".into()));
            }
            answer.extend_from_slice(&chunk[..read]);
        }
    }
}

/// A TLS client that only says hello.
pub(crate) fn greeting() -> std::io::Result<ClientConnection> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("records.keyaki.test").map_err(std::io::Error::other)?;
    ClientConnection::new(Arc::new(config), name).map_err(std::io::Error::other)
}
