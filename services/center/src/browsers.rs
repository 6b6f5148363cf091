//! A listener for browsers: TLS, HTTP/1.1, so many at a time, nobody for long without a word.

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// From one answer to the next request's last header.
const HEADERS: Duration = Duration::from_secs(30);
/// Connections at a time, and of them waiting for their handshake.
const AT_ONCE: usize = 1024;

/// Serves until the process ends. Who is not `admitted` is not even spoken to. `router` makes the routes of one connection
/// from its other end.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    admitted: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    router: impl Fn(SocketAddr) -> Router + Send + Sync + 'static,
) {
    let (tls, places) = (TlsAcceptor::from(tls), Arc::new(Semaphore::new(AT_ONCE)));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a browser; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        if !admitted(peer.ip()) {
            tracing::debug!("a connection from an address that has no business here");
            continue;
        }
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("too many browsers at once; one is turned away");
            continue;
        };
        let (tls, router) = (tls.clone(), router(peer));
        tokio::spawn(async move {
            one(tls, stream, router).await;
            drop(place);
        });
    }
}

async fn one(tls: TlsAcceptor, stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "no TLS session with a browser"),
        Err(_) => return tracing::debug!("a browser's TLS handshake took too long"),
    };
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        tracing::debug!(%error, "a browser's session broke");
    }
}
