//! Servers on hosts: TCP and UDP echo, and HTTPS with a record and a download.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::LabError;
use crate::netns::{Netns, any};

/// Echo servers of one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Echo {
    /// What the server says first: `<name>\n` on a TCP connection, `<name>:` before the echo of a datagram.
    pub name: String,
    /// TCP ports.
    pub tcp: Vec<u16>,
    /// UDP ports.
    pub udp: Vec<u16>,
}

/// Certificate chain and private key of an HTTPS server, PEM.
#[derive(Debug, Clone)]
pub struct HttpsIdentity {
    /// Server certificate first.
    pub cert_pem: String,
    /// PKCS#8, SEC1 or PKCS#1.
    pub key_pem: String,
}

/// Running servers of one namespace; dropping it cuts their connections and closes their ports.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    netns: Netns,
    tcp_ports: Vec<u16>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    served: AtomicU64,
    open: Mutex<Vec<Weak<TcpStream>>>,
}

/// How often a UDP server looks whether it shall end.
const LOOK: Duration = Duration::from_millis(100);

impl Server {
    pub(crate) fn echo(netns: &Netns, echo: &Echo) -> Result<Self, LabError> {
        let mut server = Self::new(netns);
        let name: Arc<str> = echo.name.as_str().into();
        for port in &echo.tcp {
            let name = Arc::clone(&name);
            server.listen(*port, move |stream| echo_tcp(&stream, &name))?;
        }
        for port in &echo.udp {
            server.listen_udp(*port, Arc::clone(&name))?;
        }
        Ok(server)
    }

    pub(crate) fn http(netns: &Netns, port: u16, identity: Option<&HttpsIdentity>) -> Result<Self, LabError> {
        let mut server = Self::new(netns);
        let config = identity.map(tls).transpose()?.map(Arc::new);
        let name: Arc<str> = netns.name().into();
        server.listen(port, move |stream| match &config {
            Some(config) => {
                let tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                http(StreamOwned::new(tls, stream.as_ref()), &name)
            }
            None => http(stream.as_ref(), &name),
        })?;
        Ok(server)
    }

    /// Connections and datagrams served so far: proof on the receiving side that something arrived.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.shared.served.load(Ordering::Acquire)
    }

    fn new(netns: &Netns) -> Self {
        Self { shared: Arc::default(), netns: netns.clone(), tcp_ports: Vec::new(), threads: Vec::new() }
    }

    fn listen<F>(&mut self, port: u16, serve: F) -> Result<(), LabError>
    where
        F: Fn(Arc<TcpStream>) -> io::Result<()> + Send + Sync + 'static,
    {
        let what = format!("{} tcp/{port}", self.netns.name());
        let listener = self.netns.within(|| TcpListener::bind((any(), port)))?.map_err(LabError::io(what))?;
        let shared = Arc::clone(&self.shared);
        let serve = Arc::new(serve);
        self.tcp_ports.push(port);
        self.threads.push(std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::Acquire) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let _ = stream.set_nodelay(true);
                let stream = Arc::new(stream);
                shared.served.fetch_add(1, Ordering::AcqRel);
                let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
                open.retain(|stream| stream.strong_count() > 0);
                open.push(Arc::downgrade(&stream));
                let serve = Arc::clone(&serve);
                // A peer that goes away in the middle is no error of the lab.
                std::thread::spawn(move || drop(serve(stream)));
            }
        }));
        Ok(())
    }

    fn listen_udp(&mut self, port: u16, name: Arc<str>) -> Result<(), LabError> {
        let what = format!("{} udp/{port}", self.netns.name());
        let socket = self.netns.within(|| {
            let socket = UdpSocket::bind((any(), port))?;
            socket.set_read_timeout(Some(LOOK))?;
            Ok(socket)
        })?;
        let socket = socket.map_err(LabError::io(what))?;
        let shared = Arc::clone(&self.shared);
        self.threads.push(std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !shared.stop.load(Ordering::Acquire) {
                if let Ok((size, peer)) = socket.recv_from(&mut buffer) {
                    shared.served.fetch_add(1, Ordering::AcqRel);
                    let reply = [name.as_bytes(), b":", &buffer[..size]].concat();
                    let _ = socket.send_to(&reply, peer);
                }
            }
        }));
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        for stream in self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(stream) = stream.upgrade() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        let ports = &self.tcp_ports;
        // `accept` blocks for the sake of speed, so a last connection wakes it.
        let _ =
            self.netns.within(|| ports.iter().for_each(|port| drop(TcpStream::connect((Ipv4Addr::LOCALHOST, *port)))));
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn echo_tcp(mut stream: &TcpStream, name: &str) -> io::Result<()> {
    stream.write_all(format!("{name}\n").as_bytes())?;
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            size => stream.write_all(&buffer[..size])?,
        }
    }
}

fn tls(identity: &HttpsIdentity) -> Result<ServerConfig, LabError> {
    let bad = |error: &dyn std::fmt::Display| LabError::Protocol(format!("HTTPS identity: {error}"));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(identity.cert_pem.as_bytes()).collect();
    let chain = chain.map_err(|error| bad(&error))?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|error| bad(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| bad(&error))
}

/// HTTP/1.1 for GET: `/` a small record, `/download` without end, `/download/<bytes>` with one.
fn http(stream: impl Read + Write, name: &str) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if stream.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let mut header = String::new();
        while header != "\r\n" {
            header.clear();
            if stream.read_line(&mut header)? == 0 {
                return Ok(());
            }
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let out = stream.get_mut();
        match path.strip_prefix("/download").map(|rest| rest.trim_start_matches('/')) {
            None => {
                let body = format!("{{\"record\":\"0001\",\"server\":\"{name}\"}}\n");
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                out.write_all((head + &body).as_bytes())?;
                out.flush()?;
            }
            Some(size) => return download(out, size.parse().unwrap_or(u64::MAX)),
        }
    }
}

fn download(out: &mut impl Write, size: u64) -> io::Result<()> {
    out.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n")?;
    let chunk = [0x5a; 16 << 10];
    let mut left = size;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        out.write_all(&chunk[..part])?;
        left -= part as u64;
    }
    out.flush()
}
