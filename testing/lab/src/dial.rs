//! TCP connections whose source port was not used before.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Below what the kernel picks from by itself.
const FIRST: u16 = 10_000;
const MANY: u16 = 20_000;

/// Connects to `to` within `timeout`, from inside the namespace the caller is in.
///
/// A connection that was cut stays half open at its server for minutes. If the kernel happens to pick its source port
/// again, the server answers the new SYN with an ACK of the old connection and waits for a RST (RFC 9293 §3.5.1); that
/// RST is outside the window that Open vSwitch has seen, so it is `+inv` and dropped, and the new connection hangs. One in
/// some fourteen thousand ports is rare for a person, but not for a program that cuts a hundred downloads.
///
/// # Errors
/// As [`TcpStream::connect_timeout`].
pub fn dial(to: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let mut tries = MANY;
    loop {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % MANY;
        match socket.bind(&SocketAddr::new(any, port).into()) {
            Ok(()) => {
                socket.connect_timeout(&to.into(), timeout)?;
                return Ok(socket.into());
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => tries -= 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn every_connection_comes_from_a_port_of_its_own() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let to = listener.local_addr().unwrap();
            let mut ports = std::collections::BTreeSet::new();
            for _ in 0..50 {
                let stream = dial(to, Duration::from_secs(10)).unwrap();
                let (accepted, from) = listener.accept().unwrap();
                assert_eq!(stream.local_addr().unwrap().port(), from.port());
                assert!(ports.insert(from.port()), "{} again", from.port());
                drop((stream, accepted));
            }
        }
    }
}
