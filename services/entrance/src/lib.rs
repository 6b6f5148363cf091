//! Entrances from the outside: TLS that asks for a client certificate without forcing one, and hands every request what
//! the session proved (R10). Whether a certificate is good is judged behind it, with every request, so that a person
//! learns the reason from a page instead of a TLS alert, and a session does not outlive a revocation.
//!
//! It must not know what is served, nor any rule about certificates.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod places;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ProtocolVersion, ServerConfig, SignatureScheme};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use places::Places;

/// A handshake, or the head of a request, that takes longer is somebody who holds places.
const PATIENCE: Duration = Duration::from_secs(10);
/// Channel binding of RFC 9266 §4.
const BINDING_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// What a TLS session proved; an extension of every request in it.
#[derive(Debug, Clone)]
pub struct Session {
    /// The client's certificates as shown, the end entity first; its key is proved, nothing else. Empty if none was shown.
    pub chain: Arc<Vec<Vec<u8>>>,
    /// `tls-exporter` of this session (RFC 9266), Base64: what a request can be bound to. Only TLS 1.3 has it.
    pub binding: Option<String>,
    /// Where it comes from.
    pub address: IpAddr,
}

/// TLS 1.3 and 1.2 under this chain and key. A client certificate is asked for; who shows one proves its key. Nothing is
/// resumed: every session shows its certificate.
///
/// # Errors
/// [`rustls::Error`] if chain and key do not fit.
pub fn tls(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Asked { provider: Arc::clone(&provider) });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Serves a router, `places` sessions at a time, a quarter of them for one address, until the task is dropped. Every request carries its [`Session`].
pub async fn serve(listener: TcpListener, tls: Arc<ServerConfig>, router: Router, places: usize) {
    let acceptor = TlsAcceptor::from(tls);
    let places = Places::new(places);
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Some(place) = places.take(address.ip()) else {
            tracing::warn!("too many sessions at once, in all or from one address; one is turned away");
            continue;
        };
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            one(stream, address, acceptor, router).await;
            drop(place);
        });
    }
}

async fn one(stream: TcpStream, address: SocketAddr, acceptor: TlsAcceptor, router: Router) {
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "no TLS session"),
        Err(_) => return tracing::debug!("a TLS handshake took too long"),
    };
    let connection = stream.get_ref().1;
    let shown = connection.peer_certificates().unwrap_or_default();
    let binding = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => connection.export_keying_material([0u8; 32], BINDING_LABEL, Some(&[])).ok(),
        _ => None,
    };
    let session = Session {
        chain: Arc::new(shown.iter().map(|certificate| certificate.as_ref().to_vec()).collect()),
        binding: binding.map(|binding| BASE64.encode(binding)),
        address: address.ip(),
    };
    let router = router.layer(middleware::from_fn(move |mut request: Request, next: Next| {
        request.extensions_mut().insert(session.clone());
        next.run(request)
    }));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        tracing::debug!(%error, "a session broke");
    }
}

/// Asks for a certificate, takes every one, and none.
#[derive(Debug)]
struct Asked {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Asked {
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
