//! Probes: one real packet exchange from inside a namespace, and what came of it.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::LabError;
use crate::netns::Netns;

/// What came of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// TCP: handshake complete; UDP: a datagram came back; ICMP: echo reply.
    Answered,
    /// A reset or "port unreachable" came back, so packets do pass.
    Refused,
    /// Nothing came back in time, or the own stack had no way to send.
    Silent,
}

/// A probe to be sent, see [`crate::Lab::probe_all`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Namespace to send from.
    pub from: String,
    /// Address to reach.
    pub to: IpAddr,
    /// TCP or UDP port; ICMP echo if there is none.
    pub port: Option<u16>,
    /// Whether the port is UDP.
    pub udp: bool,
    /// How long to wait.
    pub timeout: Duration,
}

impl Probe {
    /// A TCP connect.
    #[must_use]
    pub fn tcp(from: &str, to: impl Into<IpAddr>, port: u16) -> Self {
        Self { from: from.into(), to: to.into(), port: Some(port), udp: false, timeout: Duration::from_secs(1) }
    }

    /// A UDP datagram to an echo server.
    #[must_use]
    pub fn udp(from: &str, to: impl Into<IpAddr>, port: u16) -> Self {
        Self { udp: true, ..Self::tcp(from, to, port) }
    }

    /// An ICMP echo request.
    #[must_use]
    pub fn icmp(from: &str, to: impl Into<IpAddr>) -> Self {
        Self { port: None, ..Self::tcp(from, to, 0) }
    }

    /// The same with another waiting time (default 1 s).
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends it from a namespace.
    pub fn send(&self, netns: &Netns) -> Result<Answer, LabError> {
        match self.port {
            Some(port) if self.udp => netns.probe_udp(self.to, port, self.timeout),
            Some(port) => netns.probe_tcp(self.to, port, self.timeout),
            None => netns.probe_icmp(self.to, self.timeout),
        }
    }
}

impl Netns {
    /// Tries a TCP handshake.
    pub fn probe_tcp(&self, to: impl Into<IpAddr>, port: u16, timeout: Duration) -> Result<Answer, LabError> {
        let to = SocketAddr::new(to.into(), port);
        self.within(|| {
            let connected = std::net::TcpStream::connect_timeout(&to, timeout);
            judge(connected.map(drop), "TCP probe")
        })?
    }

    /// Sends a datagram and waits for one back; sent again every 200 ms, since UDP may lose one.
    pub fn probe_udp(&self, to: impl Into<IpAddr>, port: u16, timeout: Duration) -> Result<Answer, LabError> {
        let to = SocketAddr::new(to.into(), port);
        self.within(|| judge(ask_udp(to, timeout), "UDP probe"))?
    }

    /// Sends ICMP echo requests, one every 200 ms, and waits for a reply.
    pub fn probe_icmp(&self, to: impl Into<IpAddr>, timeout: Duration) -> Result<Answer, LabError> {
        let to = to.into();
        self.within(|| judge(ping(to, timeout), "ICMP probe"))?
    }
}

const RESEND: Duration = Duration::from_millis(200);

fn ask_udp(to: SocketAddr, timeout: Duration) -> io::Result<()> {
    let socket = UdpSocket::bind((crate::netns::unspecified(to.ip()), 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(RESEND.min(timeout)))?;
    let end = Instant::now() + timeout;
    loop {
        socket.send(b"probe")?;
        match socket.recv(&mut [0; 64]) {
            Err(error) if is_timeout(&error) && Instant::now() < end => {}
            other => return other.map(drop),
        }
    }
}

fn ping(to: IpAddr, timeout: Duration) -> io::Result<()> {
    let (domain, protocol) =
        if to.is_ipv4() { (Domain::IPV4, Protocol::ICMPV4) } else { (Domain::IPV6, Protocol::ICMPV6) };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.connect(&SocketAddr::new(to, 0).into())?;
    let end = Instant::now() + timeout;
    let id = (std::process::id() as u16).to_be_bytes();
    for sequence in 1u16.. {
        let number = sequence.to_be_bytes();
        let mut request = [if to.is_ipv4() { 8 } else { 128 }, 0, 0, 0, id[0], id[1], number[0], number[1]];
        // In ICMPv6 the kernel fills it in (RFC 3542 §3.1).
        let sum = checksum(&request).to_be_bytes();
        request[2..4].copy_from_slice(&sum);
        socket.send(&request)?;
        let resend = Instant::now() + RESEND;
        loop {
            let now = Instant::now();
            if now >= end {
                return Err(ErrorKind::TimedOut.into());
            }
            if now >= resend {
                break;
            }
            socket.set_read_timeout(Some(resend.min(end) - now))?;
            let mut reply = [0; 128];
            match (&socket).read(&mut reply) {
                // A raw socket gives the IPv4 header too; the peer's own requests would be of type 8.
                Ok(size) if to.is_ipv4() && is_echo_reply(&reply[..size], id) => return Ok(()),
                Ok(size) if to.is_ipv6() && matches!(&reply[..size], [129, 0, _, _, a, b, ..] if [*a, *b] == id) => {
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Err(ErrorKind::TimedOut.into())
}

fn is_echo_reply(packet: &[u8], id: [u8; 2]) -> bool {
    let size = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    matches!(packet.get(size..), Some([0, 0, _, _, a, b, ..]) if [*a, *b] == id)
}

/// RFC 1071.
fn checksum(bytes: &[u8; 8]) -> u16 {
    let words = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn judge(outcome: io::Result<()>, what: &str) -> Result<Answer, LabError> {
    match outcome {
        Ok(()) => Ok(Answer::Answered),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Ok(Answer::Refused),
            ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable => Ok(Answer::Silent),
            // Anything else (no permission, no descriptors) says nothing about the network.
            _ => Err(LabError::io(what)(error)),
        },
    }
}
