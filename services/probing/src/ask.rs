//! What passes between this machine and the center: asks its responder in every way the VPN will need.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use preflight::{NotTried, Passing, Ports, Probes, Seen, esp, ike, tcp};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::raw::RawEsp;

/// How long an answer is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How often a packet is sent meanwhile: one may be lost.
const TIMES: u32 = 5;

/// Asks everything at once; takes as long as `patience` if anything is silent.
pub async fn ask(center: IpAddr, ports: Ports, patience: Duration) -> Probes {
    let at = |port| SocketAddr::new(center, port);
    let ((tcp, _), (ike, first), (nat_traversal, second), esp) = tokio::join!(
        ask_tcp(at(ports.tcp), patience),
        ask_ike(at(ports.ike), false, patience),
        ask_ike(at(ports.nat_traversal), true, patience),
        ask_esp(center, patience),
    );
    Probes { center: center.to_string(), tcp, ike, nat_traversal, esp, nat: [first, second] }
}

/// What an error of the machine means: somebody said no, or we could not even ask.
fn told(error: &io::Error, sent: bool) -> Passing {
    match error.kind() {
        // ICMP as Linux hands it on: port or protocol unreachable, prohibited on the way.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Passing::Refused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable if sent => Passing::Refused,
        // A firewall of this machine.
        io::ErrorKind::PermissionDenied if sent => Passing::Refused,
        io::ErrorKind::PermissionDenied => Passing::NotTried(NotTried::NoRight),
        _ => Passing::NotTried(NotTried::Failed(error.to_string())),
    }
}

async fn ask_tcp(to: SocketAddr, patience: Duration) -> (Passing, Option<SocketAddr>) {
    let nonce = match crate::random() {
        Ok(nonce) => nonce,
        Err(error) => return (told(&error, false), None),
    };
    let talk = async {
        let mut stream = TcpStream::connect(to).await.map_err(|error| told(&error, true))?;
        // From here on somebody is there; if it is not the responder, it is somebody else.
        let mut line = Vec::new();
        let (read, mut write) = stream.split();
        let asked = write.write_all(tcp::question(nonce).as_bytes()).await;
        let heard = BufReader::new(read.take(tcp::LONGEST as u64)).read_until(b'\n', &mut line).await;
        asked.and(heard).map_err(|_| Passing::Other)?;
        let line = String::from_utf8(line).map_err(|_| Passing::Other)?;
        tcp::seen(&line, nonce).ok_or(Passing::Other)
    };
    match timeout(patience, talk).await {
        Ok(Ok(seen)) => (Passing::Answered, Some(seen)),
        Ok(Err(passing)) => (passing, None),
        Err(_) => (Passing::Silent, None),
    }
}

async fn ask_ike(to: SocketAddr, marked: bool, patience: Duration) -> (Passing, Option<Seen>) {
    match over_udp(to, marked, patience).await {
        Ok(Some(answer)) => {
            let seen = answer.nat.map(|nat| Seen { nat, appears_as: answer.appears_as });
            (Passing::Answered, seen)
        }
        Ok(None) => (Passing::Silent, None),
        Err((error, sent)) => (told(&error, sent), None),
    }
}

/// The answer, or nothing in time; an error with whether something had been sent before it.
async fn over_udp(to: SocketAddr, marked: bool, patience: Duration) -> Result<Option<ike::Answer>, (io::Error, bool)> {
    let before = |error| (error, false);
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await.map_err(before)?;
    socket.connect(to).await.map_err(before)?;
    let question = ike::Question {
        spi: crate::random().map_err(before)?,
        nonce: crate::random().map_err(before)?,
        share: crate::random().map_err(before)?,
        from: socket.local_addr().map_err(before)?,
        to,
    };
    let marker: &[u8] = if marked { &ike::NON_ESP_MARKER } else { &[] };
    let bytes = [marker, &question.bytes()].concat();
    let send = async || socket.send(&bytes).await.map(drop);
    let hear = async || {
        let mut buffer = [0u8; 2048];
        loop {
            let length = socket.recv(&mut buffer).await?;
            let said = buffer[..length].strip_prefix(marker);
            // Whatever else comes in here is not of this conversation.
            if let Some(Ok(answer)) = said.map(|said| question.read(said)) {
                return Ok(answer);
            }
        }
    };
    insist(send, hear, patience).await.map_err(|error| (error, true))
}

async fn ask_esp(to: IpAddr, patience: Duration) -> Passing {
    let asked = async {
        let socket = RawEsp::connected(to).map_err(|error| told(&error, false))?;
        let nonce = crate::random().map_err(|error| told(&error, false))?;
        let spi = u32::from_be_bytes(crate::random().map_err(|error| told(&error, false))?);
        let question = esp::question(spi, nonce);
        let send = async || socket.send(&question).await;
        let hear = async || loop {
            if let Some((packet, _)) = socket.receive().await?
                && esp::is_answer(&packet, nonce)
            {
                return Ok(());
            }
        };
        insist(send, hear, patience).await.map_err(|error| told(&error, true))
    };
    match asked.await {
        Ok(Some(())) => Passing::Answered,
        Ok(None) => Passing::Silent,
        Err(passing) => passing,
    }
}

/// Sends again and again until something is heard or patience ends.
async fn insist<T, S, H>(send: impl Fn() -> S, hear: impl Fn() -> H, patience: Duration) -> io::Result<Option<T>>
where
    S: Future<Output = io::Result<()>>,
    H: Future<Output = io::Result<T>>,
{
    let asking = async {
        let heard = hear();
        tokio::pin!(heard);
        let mut again = tokio::time::interval(patience / TIMES);
        loop {
            tokio::select! {
                heard = &mut heard => return heard,
                _ = again.tick() => send().await?,
            }
        }
    };
    match timeout(patience, asking).await {
        Ok(heard) => heard.map(Some),
        Err(_) => Ok(None),
    }
}
