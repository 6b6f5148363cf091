//! Who answers at the center. It keeps nothing of anybody, answers nothing that is not a question, never with more
//! than it was asked with, and needs an address where no IKE daemon holds UDP 500 and 4500.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use preflight::{esp, ike, tcp};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::raw::RawEsp;

/// Conversations over TCP at a time, and how long one may take.
const MOST: usize = 256;
const LONGEST: Duration = Duration::from_secs(10);

/// It cannot begin; the operator's to mend.
#[derive(Debug)]
pub struct ResponderError {
    /// What could not be opened.
    pub what: String,
    /// Why.
    pub why: io::Error,
}

impl fmt::Display for ResponderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}
impl std::error::Error for ResponderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.why)
    }
}

/// Everything it listens at.
pub struct Responder {
    tcp: TcpListener,
    ike: UdpSocket,
    nat_traversal: UdpSocket,
    esp: RawEsp,
}

impl Responder {
    /// Listens at one address of this machine. It must be the address itself, not "any": whoever asks is told which
    /// address was reached.
    ///
    /// # Errors
    /// A port is taken, or the right to it is missing (CAP_NET_BIND_SERVICE, CAP_NET_RAW).
    pub async fn bind(at: IpAddr, ports: preflight::Ports) -> Result<Self, ResponderError> {
        let named = |what: String| move |why| ResponderError { what, why };
        if at.is_unspecified() {
            let why = io::Error::new(io::ErrorKind::InvalidInput, "say which address of this machine");
            return Err(named(at.to_string())(why));
        }
        let on = |port| SocketAddr::new(at, port);
        let udp = async |port| UdpSocket::bind(on(port)).await.map_err(named(format!("UDP {}", on(port))));
        Ok(Self {
            tcp: TcpListener::bind(on(ports.tcp)).await.map_err(named(format!("TCP {}", on(ports.tcp))))?,
            ike: udp(ports.ike).await?,
            nat_traversal: udp(ports.nat_traversal).await?,
            esp: RawEsp::bound(at).map_err(named(format!("ESP {at}")))?,
        })
    }

    /// Answers for ever.
    pub async fn run(self) {
        let Self { tcp, ike, nat_traversal, esp } = self;
        tokio::join!(hear_tcp(tcp), hear_ike(ike, false), hear_ike(nat_traversal, true), hear_esp(esp));
    }
}

/// Errors of a single packet or caller are theirs; a socket that does nothing else is asked again a little later.
async fn later(what: &str, error: &io::Error) {
    tracing::debug!(%error, what, "preflight responder");
    tokio::time::sleep(Duration::from_millis(20)).await;
}

async fn hear_tcp(listener: TcpListener) {
    let room = Arc::new(Semaphore::new(MOST));
    let mut conversations = JoinSet::new();
    loop {
        while conversations.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                conversations.spawn(async move {
                    let _place = place;
                    let _ = tokio::time::timeout(LONGEST, converse(stream, from)).await;
                });
            }
            Err(error) => later("tcp", &error).await,
        }
    }
}

async fn converse(mut stream: TcpStream, from: SocketAddr) -> io::Result<()> {
    let mut line = String::new();
    let (read, mut write) = stream.split();
    BufReader::new(read.take(tcp::LONGEST as u64)).read_line(&mut line).await?;
    if let Some(answer) = tcp::answer(&line, from) {
        write.write_all(answer.as_bytes()).await?;
    }
    write.shutdown().await
}

async fn hear_ike(socket: UdpSocket, marked: bool) {
    let Ok(at) = socket.local_addr() else { return };
    let marker: &[u8] = if marked { &ike::NON_ESP_MARKER } else { &[] };
    let mut buffer = [0u8; 2048];
    loop {
        let (length, from) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                later("ike", &error).await;
                continue;
            }
        };
        let Some(asked) = buffer[..length].strip_prefix(marker) else { continue };
        let Ok(spi) = crate::random() else { continue };
        if let Some(answer) = ike::answer(asked, from, at, spi) {
            let _ = socket.send_to(&[marker, &answer].concat(), from).await;
        }
    }
}

async fn hear_esp(socket: RawEsp) {
    loop {
        match socket.receive().await {
            Ok(Some((packet, from))) => {
                if let Some(answer) = esp::answer(&packet) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
            Ok(None) => {}
            Err(error) => later("esp", &error).await,
        }
    }
}
