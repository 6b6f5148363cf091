//! A center of the tests' own.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use model::Timestamp;
use registry::Registry;
pub use scanner::{HARMFUL, Scanner};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use submissions::{Clamd, KeyFile, Settings, Submissions, Submitter};

/// Key and certificate for receipts, in files.
pub fn receipt_key(folder: &Path) -> KeyFile {
    let (key, certificate) = (folder.join("receipts.key"), folder.join("receipts.pem"));
    if !key.exists() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let own = rcgen::CertificateParams::new(vec!["center.example".into()]).unwrap().self_signed(&pair).unwrap();
        std::fs::write(&certificate, own.pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
    }
    let read = |path| std::fs::read_to_string(path).unwrap();
    KeyFile::new(&read(key), &read(certificate)).unwrap()
}

/// Where a center keeps its things.
pub fn settings(folder: &Path, scanner: &Path) -> Settings {
    Settings {
        reserve_bytes: 0,
        max_bytes: 4 << 20,
        max_unfinished: 4,
        ..Settings::new(folder.join("spool"), Clamd::Unix(scanner.to_path_buf()), "center.example")
    }
}

/// A room and its HTTP line. Who somebody is stands in `x-who: institution/account`: the entrances verify it elsewhere.
pub async fn serve(
    folder: &Path,
    settings: Settings,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> (Submissions, SocketAddr) {
    let registry = Registry::open(&format!("sqlite://{}/registry.db", folder.display())).await.unwrap();
    let room = Submissions::open(registry, settings, Arc::new(receipt_key(folder)), Arc::new(clock)).unwrap();
    let router = axum::Router::new().nest("/files", room.router()).layer(from_fn(name_submitter));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (room, address)
}

async fn name_submitter(mut request: Request, next: Next) -> axum::response::Response {
    let who = request.headers().get("x-who").and_then(|v| v.to_str().ok()).and_then(|v| v.split_once('/'));
    if let Some((institution, account)) = who {
        let submitter = Submitter { institution: institution.into(), account: account.into() };
        request.extensions_mut().insert(submitter);
    }
    next.run(request).await
}

/// A center in this process, with a clock that is turned by hand.
pub struct Center {
    pub room: Submissions,
    pub address: SocketAddr,
    pub clock: Arc<AtomicI64>,
    pub folder: tempfile::TempDir,
    _scanner: Option<Arc<Scanner>>,
}

impl Center {
    pub async fn new() -> Self {
        let scanner = Scanner::shared().unwrap();
        let socket = scanner.socket.clone();
        let mut center = Self::with(&socket, |_| {}).await;
        center._scanner = Some(scanner);
        center
    }

    pub async fn with(scanner: &Path, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
        let hands = Arc::clone(&clock);
        let mut settings = settings(folder.path(), scanner);
        change(&mut settings);
        let now = move || Timestamp(hands.load(Ordering::SeqCst));
        let (room, address) = serve(folder.path(), settings, now).await;
        Self { room, address, clock, folder, _scanner: None }
    }

    pub fn file(&self, of: &str, id: &str) -> PathBuf {
        self.folder.path().join("spool").join(of).join(id)
    }
}

/// Bytes that look like nothing and are the same at every run.
pub fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed);
    (0..length).map(|_| dice.below(256) as u8).collect()
}

/// Numbers that are the same at every run (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}
