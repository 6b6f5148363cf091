//! The live picture for operators' browsers: TLS 1.3 with the operator's certificate on both a socket and every request.

use axum::Router;
use axum::response::IntoResponse;
use connections::Center;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use portal::Operator;
use portal::joining::Auditor;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::gate_tls::{anybody, owned};
use crate::identity::Identity;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// Browsers served at a time: an event stream is one each, and few people work at a center.
const SESSIONS: usize = 256;

/// What stands beside the live picture.
#[derive(Clone, Default)]
pub(crate) struct Beside {
    /// Its routes.
    pub routes: Router,
    /// Operators who may only read, by the name in their certificate.
    pub auditors: Arc<Vec<String>>,
}

/// Serves until the process ends.
pub(crate) async fn serve(center: Center, identity: Arc<Identity>, listener: TcpListener, beside: Beside) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = match identity.server(anybody(provider), &[b"http/1.1"]) {
        Ok(tls) => TlsAcceptor::from(tls),
        Err(error) => return tracing::error!(%error, "no TLS for operators"),
    };
    let places = Arc::new(Semaphore::new(SESSIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept an operator; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("too many browsers at once; one is turned away");
            continue;
        };
        let (center, tls, beside) = (center.clone(), tls.clone(), beside.clone());
        tokio::spawn(async move {
            one(center, tls, stream, beside).await;
            drop(place);
        });
    }
}

async fn one(center: Center, tls: TlsAcceptor, stream: TcpStream, beside: Beside) {
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "no TLS session with an operator"),
        Err(_) => return tracing::debug!("an operator's TLS handshake took too long"),
    };
    let chain = stream.get_ref().1.peer_certificates().and_then(|c| c.split_first());
    let Some(chain) = chain.map(|(first, rest)| owned(first, rest)) else { return };
    let judge = center.clone();
    // Judged with every request: a session outlives revocation lists.
    let auditors = Arc::clone(&beside.auditors);
    let pages = Router::new().merge(portal::operator_routes(center)).merge(beside.routes);
    let router = pages.layer(axum::middleware::from_fn(
        move |mut request: axum::extract::Request, next: axum::middleware::Next| {
            let operator = judged(&judge, &chain);
            let auditors = Arc::clone(&auditors);
            async move {
                match operator {
                    Ok(operator) => {
                        let Operator(name) = &operator;
                        if auditors.contains(name) {
                            // Reads, changes nothing: neither the live picture nor anything beside it.
                            if !request.method().is_safe() {
                                return axum::http::StatusCode::FORBIDDEN.into_response();
                            }
                            request.extensions_mut().insert(Auditor(name.clone()));
                        }
                        request.extensions_mut().insert(operator);
                        next.run(request).await
                    }
                    Err(refused) => *refused,
                }
            }
        },
    ));
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        tracing::debug!(%error, "an operator's session broke");
    }
}

fn judged(center: &Center, chain: &[Vec<u8>]) -> Result<Operator, Box<axum::response::Response>> {
    let (trust, slices) = (center.trust(), chain.iter().map(Vec::as_slice).collect::<Vec<_>>());
    match pki::verify_operator(&slices, &trust.anchors, trust.revocation(), center.now().unix_seconds()) {
        Ok(operator) => Ok(Operator(operator.name().to_owned())),
        Err(refusals) => {
            let codes: Vec<&str> = refusals.iter().map(pki::Refusal::code).collect();
            tracing::warn!(codes = codes.join(" "), "an operator is refused");
            let said =
                format!("{}\n", refusals.iter().map(|r| format!("{} {r}", r.code())).collect::<Vec<_>>().join("\n"));
            Err(Box::new((axum::http::StatusCode::FORBIDDEN, said).into_response()))
        }
    }
}
