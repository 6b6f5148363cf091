//! The terminal's side of HTTPS: one request, or a download that runs until it is cut.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use crate::LabError;
use crate::dial::dial;
use crate::netns::Netns;
use crate::process::until;

/// Where to go and whom to trust there.
#[derive(Debug, Clone)]
pub struct HttpsTarget {
    /// Address.
    pub address: IpAddr,
    /// Port.
    pub port: u16,
    /// Server name and the PEM of the authority (or of the self-signed certificate); `None`: plain HTTP.
    pub tls: Option<(String, String)>,
}

impl HttpsTarget {
    /// Fetches a path from inside a namespace and gives the whole body.
    ///
    /// `timeout` bounds the connection and each read. Any failure to get an answer is a [`LabError`].
    pub fn get(&self, netns: &Netns, path: &str, timeout: Duration) -> Result<String, LabError> {
        let what = || format!("GET {path} at {} from {}", SocketAddr::new(self.address, self.port), netns.name());
        let body = netns.within(|| {
            let stream = self.connect(timeout)?;
            let mut body = Vec::new();
            self.talk(&stream, path, true, |bytes| body.extend_from_slice(bytes))?;
            Ok(body)
        })?;
        let body = body.map_err(LabError::io(what()))?;
        let text = String::from_utf8_lossy(&body);
        match text.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.into()),
            _ => {
                Err(LabError::Protocol(format!("{}: answer is `{}`", what(), text.lines().next().unwrap_or_default())))
            }
        }
    }

    fn connect(&self, timeout: Duration) -> io::Result<TcpStream> {
        let stream = dial(SocketAddr::new(self.address, self.port), timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn talk(&self, stream: &TcpStream, path: &str, record: bool, sink: impl FnMut(&[u8])) -> io::Result<()> {
        match &self.tls {
            Some((name, ca_pem)) => {
                let name = ServerName::try_from(name.clone()).map_err(io::Error::other)?;
                let client = ClientConnection::new(trust(ca_pem)?, name).map_err(io::Error::other)?;
                exchange(StreamOwned::new(client, stream), path, record, sink)
            }
            None => exchange(stream, path, record, sink),
        }
    }
}

/// A download in a thread; dropping it ends it.
#[derive(Debug)]
pub struct Download {
    shared: Arc<Progress>,
    stream: TcpStream,
}

#[derive(Debug)]
struct Progress {
    bytes: AtomicU64,
    last: Mutex<Instant>,
    ended: AtomicBool,
}

impl Download {
    /// Connects and starts to fetch `/download`. Fails if there is no connection within `timeout`.
    pub fn start(netns: &Netns, target: &HttpsTarget, timeout: Duration) -> Result<Self, LabError> {
        let what = format!("download from {}", SocketAddr::new(target.address, target.port));
        let stream = netns.within(|| target.connect(timeout))?.map_err(LabError::io(what.clone()))?;
        // A cut is silence, not an end: reads wait as long as the download is watched.
        stream.set_read_timeout(None).map_err(LabError::io(what.clone()))?;
        let progress =
            Progress { bytes: AtomicU64::new(0), last: Mutex::new(Instant::now()), ended: AtomicBool::new(false) };
        let shared = Arc::new(progress);
        let (progress, target) = (Arc::clone(&shared), target.clone());
        let reader = stream.try_clone().map_err(LabError::io(what))?;
        std::thread::spawn(move || {
            let _ = target.talk(&reader, "/download", false, |bytes| {
                progress.bytes.fetch_add(bytes.len() as u64, Ordering::AcqRel);
                *progress.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            });
            progress.ended.store(true, Ordering::Release);
        });
        Ok(Self { shared, stream })
    }

    /// Bytes received so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Acquire)
    }

    /// When the last bytes came (or the start, if none came).
    #[must_use]
    pub fn last_byte(&self) -> Instant {
        *self.shared.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the connection has ended (reset, closed), as opposed to being silent.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire)
    }

    /// Waits until `more` bytes have come from now on; false if they do not come in time.
    #[must_use]
    pub fn flows(&self, more: u64, timeout: Duration) -> bool {
        let target = self.bytes() + more;
        until(timeout, || self.bytes() >= target)
    }

    /// Waits until nothing has come for `quiet`; gives the moment of the last byte, or `None` if it never is quiet.
    #[must_use]
    pub fn stalled(&self, quiet: Duration, timeout: Duration) -> Option<Instant> {
        until(timeout, || self.last_byte().elapsed() >= quiet).then(|| self.last_byte())
    }
}

impl Download {
    /// Sends something out of turn. On a line that was cut the kernel sends it again and again, as a segment with data.
    pub fn speak(&self) -> Result<(), LabError> {
        (&self.stream).write_all(b"?").map_err(LabError::io("a word into a download"))
    }

    /// Ends it with a reset instead of a FIN (socket(7), SO_LINGER of no time).
    pub fn reset(self) -> Result<(), LabError> {
        let lingers = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        lingers.map_err(LabError::io("the end of a download"))
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn trust(ca_pem: &str) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for cert in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(cert.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(io::Error::other)?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// Sends the request and hands out what comes. With `record` it stops after the announced length.
fn exchange(mut stream: impl Read + Write, path: &str, record: bool, mut sink: impl FnMut(&[u8])) -> io::Result<()> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: lab\r\n\r\n").as_bytes())?;
    stream.flush()?;
    let mut buffer = vec![0; 64 << 10];
    let mut head = Vec::new();
    loop {
        let size = stream.read(&mut buffer)?;
        if size == 0 {
            return Ok(());
        }
        sink(&buffer[..size]);
        if record {
            head.extend_from_slice(&buffer[..size]);
            if is_complete(&head) {
                return Ok(());
            }
        }
    }
}

fn is_complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| body.len() >= length)
}
