//! A center that runs in this process, and what its operator asks over the socket.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Of `center.toml` in a folder, with its socket beside it.
pub struct Running {
    socket: PathBuf,
    stop: oneshot::Sender<()>,
    center: JoinHandle<Result<(), center::RunError>>,
}

impl Running {
    /// Starts it and waits until it answers.
    pub async fn begin(folder: &Path) -> Self {
        let config = center::Config::load(&folder.join("center.toml")).unwrap();
        center::check(&config).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let center = tokio::spawn(center::run(config, async {
            let _ = stopped.await;
        }));
        let socket = folder.join("center.sock");
        for _ in 0..3_000 {
            // The socket is there before the other doors, and answered after them.
            if answers(&socket).await.is_some() {
                return Self { socket, stop, center };
            }
            if center.is_finished() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the center does not come up: {:?}", center.await);
    }

    /// Ends it as planned.
    pub async fn end(self) {
        self.stop.send(()).unwrap();
        self.center.await.unwrap().unwrap();
    }

    /// Status and body of what an operator asks.
    pub async fn operator(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let stream = UnixStream::connect(&self.socket).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "center")
            .header("accept-language", "en")
            .body(Full::new(Bytes::from(serde_json::to_vec(&body).unwrap())))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

async fn answers(socket: &Path) -> Option<()> {
    let stream = UnixStream::connect(socket).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let request = hyper::Request::get("/v1/status").header("host", "center").body(Full::new(Bytes::new())).ok()?;
    sender.send_request(request).await.ok().map(drop)
}

/// Set for a test that runs in a child of itself.
pub const IN_A_CHILD: &str = "SEKISHO_TEST_IN_A_CHILD";

/// An address on loopback that nobody listens at, below the ports the system gives to whoever asks for any: nobody else
/// takes it before the center does. A test that runs in a child of its own has a range of its own: parent and child begin
/// near each other and would take each other's.
pub fn free() -> SocketAddr {
    let (first, many) = if std::env::var_os(IN_A_CHILD).is_some() { (28_000, 4_000) } else { (20_000, 8_000) };
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = std::process::id().wrapping_mul(37).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, first + (n % many) as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
