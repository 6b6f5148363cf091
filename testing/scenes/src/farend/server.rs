//! A TLS server on a host: JSON over HTTP/1.1, a client certificate demanded where one is.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use lab::Netns;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

use super::{EXPORTER, Identity};

/// A question as the server saw it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// `GET`, `POST`.
    pub method: String,
    /// Path.
    pub path: String,
    /// JSON; null if there was none.
    pub body: Value,
    /// Common name of the client's certificate; empty where none is demanded.
    pub peer: String,
    /// Exporter of this very TLS session.
    pub exporter: [u8; 32],
}

/// Answers a question: status and JSON.
pub type Handler = Arc<dyn Fn(&Ask) -> (u16, Value) + Send + Sync>;

/// A running server; dropping it closes its port.
pub struct FarEnd {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

const READ: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
const LONGEST: usize = 1 << 20;

impl FarEnd {
    /// Listens in a namespace. With `clients` only holders of a certificate of that authority get through the handshake.
    pub fn serve(
        netns: &Netns,
        port: u16,
        identity: &Identity,
        clients: Option<&str>,
        handler: Handler,
    ) -> Result<Self, String> {
        let config = Arc::new(config(identity, clients)?);
        let what = format!("{} tcp/{port}", netns.name());
        let listener = netns.within(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)));
        let listener = listener.map_err(|e| e.to_string())?.map_err(|e| format!("{what}: {e}"))?;
        listener.set_nonblocking(true).map_err(|e| format!("{what}: {e}"))?;
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::spawn({
            let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
            move || {
                while !stop.load(Ordering::Acquire) {
                    let Ok((stream, _)) = listener.accept() else {
                        std::thread::sleep(LOOK);
                        continue;
                    };
                    let (config, handler, served) = (Arc::clone(&config), Arc::clone(&handler), Arc::clone(&served));
                    // A client that goes away in the middle is no error of the server.
                    std::thread::spawn(move || drop(session(stream, config, &handler, &served)));
                }
            }
        });
        Ok(Self { stop, served, thread: Some(thread) })
    }

    /// Questions answered so far.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Acquire)
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn config(identity: &Identity, clients: Option<&str>) -> Result<ServerConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| e.to_string())?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca_pem) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca_pem)?), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|e| e.to_string())?)
        }
    };
    let (chain, key) = credentials(identity)?;
    builder.with_single_cert(chain, key).map_err(|e| e.to_string())
}

pub(crate) fn credentials(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(identity.chain_pem.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes());
    Ok((chain.map_err(|e| e.to_string())?, key.map_err(|e| e.to_string())?))
}

pub(crate) fn roots(ca_pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    }
    Ok(roots)
}

fn session(stream: TcpStream, config: Arc<ServerConfig>, handler: &Handler, served: &AtomicU64) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ))?;
    let mut stream = stream;
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    let exporter = tls.export_keying_material([0u8; 32], EXPORTER, None).map_err(io::Error::other)?;
    let peer = tls.peer_certificates().and_then(|c| c.first()).map(|c| common_name(c)).unwrap_or_default();
    let mut stream = BufReader::new(StreamOwned::new(tls, stream));
    while let Some((method, path, body)) = read(&mut stream)? {
        let ask = Ask { method, path, body, peer: peer.clone(), exporter };
        served.fetch_add(1, Ordering::AcqRel);
        let (status, body) = handler(&ask);
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        let out = stream.get_mut();
        out.write_all((head + &body).as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

fn common_name(certificate: &CertificateDer<'_>) -> String {
    let parsed = x509_parser::parse_x509_certificate(certificate).ok();
    let name = parsed.as_ref().and_then(|(_, c)| c.subject().iter_common_name().next()?.as_str().ok());
    name.unwrap_or_default().to_owned()
}

fn read(stream: &mut impl BufRead) -> io::Result<Option<(String, String, Value)>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let body = body(stream)?;
    Ok(Some((method, path, serde_json::from_slice(&body).unwrap_or_default())))
}

/// Headers to the empty line, then as much as they announce.
pub(crate) fn body(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length.min(LONGEST)];
    stream.read_exact(&mut body)?;
    Ok(body)
}
