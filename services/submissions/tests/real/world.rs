//! A center of the tests' own, and a clamd that knows two signatures.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use model::Timestamp;
use registry::Registry;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use submissions::{Clamd, KeyFile, Settings, Submissions, Submitter};

/// What our own signature finds; harmless, and found by nobody else.
pub const HARMFUL: &[u8] = b"SEKISHO-HARMFUL-SAMPLE-0001";

/// A clamd. Ends when dropped, and when the tests are killed.
pub struct Scanner {
    supervisor: Child,
    pub socket: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

const SUPERVISOR: &str = r#"
/usr/sbin/clamd --config-file="$1/clamd.conf" >"$1/log" 2>&1 </dev/null &
pid=$!
n=0
until [ -S "$1/clamd.sock" ]; do
    kill -0 $pid && [ $n -lt 600 ] || { cat "$1/log" >&2; exit 1; }
    n=$((n + 1))
    sleep 0.1
done
echo ready
cat >/dev/null
kill $pid
wait $pid
rm -f "$1/clamd.sock"
"#;

impl Scanner {
    /// One for all tests that do not stop it.
    pub fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Scanner>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(|e| e.into_inner());
        running.upgrade().unwrap_or_else(|| {
            let folder = tempfile::tempdir().unwrap();
            let mut scanner = Self::start(folder.path(), true);
            scanner._folder = Some(folder);
            let scanner = Arc::new(scanner);
            *running = Arc::downgrade(&scanner);
            scanner
        })
    }

    /// In a folder; one that sees knows the EICAR test file.
    pub fn start(folder: &Path, sees: bool) -> Self {
        assert!(Path::new("/usr/sbin/clamd").exists(), "install the Debian package clamav-daemon");
        let database = folder.join("db");
        std::fs::create_dir_all(&database).unwrap();
        let signature = |name: &str, bytes: &[u8]| format!("{name}:0:*:{}\n", hex::encode(bytes));
        let mut signatures = signature("Sekisho.Test.Harmful", HARMFUL);
        if sees {
            signatures += &signature("Sekisho.Test.Eicar", b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE");
        }
        std::fs::write(database.join("local.ndb"), signatures).unwrap();
        let socket = folder.join("clamd.sock");
        let configuration = format!(
            "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\nStreamMaxLength 80M\nMaxFileSize 80M\n\
             MaxScanSize 80M\nAlertExceedsMax yes\nConcurrentDatabaseReload no\nMaxThreads 2\n",
            socket.display(),
            database.display()
        );
        std::fs::write(folder.join("clamd.conf"), configuration).unwrap();
        let mut supervisor = Command::new("/bin/sh")
            .args(["-c", SUPERVISOR, "sh"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "clamd did not start");
        Self { supervisor, socket, _folder: None }
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

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
        let scanner = Scanner::shared();
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
