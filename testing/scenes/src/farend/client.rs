//! The terminal's program: a TLS session with a far end, from inside a host's namespace.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use lab::Netns;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use serde_json::Value;

use super::server::{body, credentials, roots};
use super::{EXPORTER, Identity};

/// A far end as its clients know it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Address.
    pub address: Ipv4Addr,
    /// Port.
    pub port: u16,
    /// Its name in its certificate.
    pub name: String,
    /// Whom to trust, PEM.
    pub ca_pem: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Value,
}

/// A TLS session.
pub struct Session {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    /// Exporter of this very session.
    pub exporter: [u8; 32],
}

/// A line that is shut is silent: this is how long silence is waited for.
const REACH: Duration = Duration::from_secs(3);
const READ: Duration = Duration::from_secs(10);

impl Session {
    /// Connects from a namespace, with or without a client certificate.
    pub fn open(netns: &Netns, target: &Target, identity: Option<&Identity>) -> Result<Self, String> {
        let address = SocketAddrV4::new(target.address, target.port).into();
        Self::over(&|| TcpStream::connect_timeout(&address, REACH), netns, target, identity)
    }

    /// The same over a stream made otherwise, e.g. through a proxy.
    pub fn over(
        connect: &(dyn Fn() -> io::Result<TcpStream> + Sync),
        netns: &Netns,
        target: &Target,
        identity: Option<&Identity>,
    ) -> Result<Self, String> {
        let config = config(target, identity)?;
        let name = ServerName::try_from(target.name.clone()).map_err(|e| e.to_string())?;
        let made = netns.within(connect).map_err(|e| e.to_string())?;
        let mut stream = made.map_err(|e| format!("{}:{}: {e}", target.address, target.port))?;
        let told = |e: io::Error| format!("{}: {e}", target.name);
        stream.set_read_timeout(Some(READ)).and_then(|()| stream.set_nodelay(true)).map_err(told)?;
        let mut tls = ClientConnection::new(Arc::new(config), name).map_err(|e| e.to_string())?;
        while tls.is_handshaking() {
            tls.complete_io(&mut stream).map_err(told)?;
        }
        let exporter = tls.export_keying_material([0u8; 32], EXPORTER, None).map_err(|e| e.to_string())?;
        Ok(Self { stream: BufReader::new(StreamOwned::new(tls, stream)), exporter })
    }

    /// A question and its answer.
    pub fn ask(&mut self, method: &str, path: &str, body: &Value) -> Result<Reply, String> {
        self.exchange(method, path, body).map_err(|e| format!("{method} {path}: {e}"))
    }

    fn exchange(&mut self, method: &str, path: &str, sent: &Value) -> io::Result<Reply> {
        let text = if sent.is_null() { String::new() } else { sent.to_string() };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: far\r\nContent-Length: {}\r\n\r\n", text.len());
        let out = self.stream.get_mut();
        out.write_all((head + &text).as_bytes())?;
        out.flush()?;
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let status = line.split_whitespace().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let body = serde_json::from_slice(&body(&mut self.stream)?).unwrap_or_default();
        Ok(Reply { status, body })
    }
}

fn config(target: &Target, identity: Option<&Identity>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots(&target.ca_pem)?);
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let (chain, key) = credentials(identity)?;
            builder.with_client_auth_cert(chain, key).map_err(|e| e.to_string())
        }
    }
}
