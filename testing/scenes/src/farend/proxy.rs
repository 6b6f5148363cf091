//! An internal proxy in a DMZ (内部プロキシ): outbound CONNECT to the sites of a list, and a log of who, when, where.
//! A simulator for the lab: no content is looked at.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use lab::Netns;

/// Somebody went somewhere.
#[derive(Debug, Clone)]
pub struct Visit {
    /// From which address.
    pub who: Ipv4Addr,
    /// When.
    pub when: SystemTime,
    /// To which site, as asked.
    pub site: String,
    /// Was it on the list?
    pub allowed: bool,
}

/// A running proxy.
pub struct InternalProxy {
    stop: Arc<AtomicBool>,
    visits: Arc<Mutex<Vec<Visit>>>,
    thread: Option<JoinHandle<()>>,
}

const WAIT: Duration = Duration::from_secs(5);

impl InternalProxy {
    /// Listens in a namespace. `sites` are the only ones it connects to: name and port as asked, and where they are.
    pub fn start(netns: &Netns, port: u16, sites: BTreeMap<String, SocketAddrV4>) -> Result<Self, String> {
        let listener = netns.within(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)));
        let listener = listener.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        listener.set_nonblocking(true).map_err(|e| e.to_string())?;
        let (stop, visits) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (netns, sites) = (netns.clone(), Arc::new(sites));
        let thread = std::thread::spawn({
            let (stop, visits) = (Arc::clone(&stop), Arc::clone(&visits));
            move || {
                while !stop.load(Ordering::Acquire) {
                    let Ok((stream, _)) = listener.accept() else {
                        std::thread::sleep(Duration::from_millis(20));
                        continue;
                    };
                    let (netns, sites, visits) = (netns.clone(), Arc::clone(&sites), Arc::clone(&visits));
                    std::thread::spawn(move || drop(visit(&stream, &netns, &sites, &visits)));
                }
            }
        });
        Ok(Self { stop, visits, thread: Some(thread) })
    }

    /// Its log.
    pub fn visits(&self) -> Vec<Visit> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes through a proxy: a stream to the site, or the proxy's refusal.
    pub fn through(proxy: SocketAddrV4, site: &str) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&proxy.into(), WAIT)?;
        stream.set_read_timeout(Some(WAIT))?;
        stream.write_all(format!("CONNECT {site} HTTP/1.1\r\nHost: {site}\r\n\r\n").as_bytes())?;
        // Octet by octet: what follows the answer belongs to TLS.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            io::Read::read_exact(&mut stream, &mut octet)?;
            head.push(octet[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        if head.starts_with("HTTP/1.1 200 ") { Ok(stream) } else { Err(io::Error::other(head.trim().to_owned())) }
    }
}

impl Drop for InternalProxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn visit(
    stream: &TcpStream,
    netns: &Netns,
    sites: &BTreeMap<String, SocketAddrV4>,
    visits: &Mutex<Vec<Visit>>,
) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(WAIT))?;
    let who = match stream.peer_addr()? {
        std::net::SocketAddr::V4(address) => *address.ip(),
        std::net::SocketAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    };
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, site) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
    let mut header = String::from("-");
    while !header.trim().is_empty() {
        header.clear();
        if reader.read_line(&mut header)? == 0 {
            return Ok(());
        }
    }
    let target = sites.get(&site).filter(|_| method == "CONNECT").copied();
    let noted = Visit { who, when: SystemTime::now(), site, allowed: target.is_some() };
    visits.lock().unwrap_or_else(PoisonError::into_inner).push(noted);
    let mut out = stream;
    let Some(target) = target else {
        return out.write_all(b"HTTP/1.1 403 not on this site's list\r\nContent-Length: 0\r\n\r\n");
    };
    let upstream = netns.within(|| TcpStream::connect_timeout(&target.into(), WAIT)).map_err(io::Error::other)??;
    out.write_all(b"HTTP/1.1 200 connected\r\n\r\n")?;
    stream.set_read_timeout(None)?;
    std::thread::scope(|scope| {
        scope.spawn(|| pump(stream, &upstream));
        pump(&upstream, stream);
    });
    Ok(())
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
