//! A socket for IP protocol 50. The kernel hands it copies of what arrives; security associations of this machine get
//! theirs as before.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, ipproto};
use tokio::net::UdpSocket;

/// Longest packet of interest, in bytes, with an IPv4 header of full length before it.
const LONGEST: usize = 60 + preflight::esp::LENGTH;

pub(crate) struct RawEsp {
    /// A raw socket under the name of what has the same calls: it sends and receives packets with an address each.
    socket: UdpSocket,
    v4: bool,
}

impl RawEsp {
    /// Only an administrator may (CAP_NET_RAW).
    fn new(family: IpAddr, settle: impl FnOnce(&rustix::fd::OwnedFd) -> rustix::io::Result<()>) -> io::Result<Self> {
        let domain = if family.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = rustix::net::socket_with(domain, SocketType::RAW, flags, Some(ipproto::ESP))?;
        settle(&fd)?;
        Ok(Self { socket: UdpSocket::from_std(fd.into())?, v4: family.is_ipv4() })
    }

    /// Hears what is sent to this address.
    pub fn bound(at: IpAddr) -> io::Result<Self> {
        Self::new(at, |fd| bind(fd, &SocketAddr::new(at, 0)))
    }

    /// Speaks with this address only, and is told what the way there says.
    pub fn connected(to: IpAddr) -> io::Result<Self> {
        Self::new(to, |fd| connect(fd, &SocketAddr::new(to, 0)))
    }

    pub async fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.socket.send(packet).await.map(drop)
    }

    pub async fn send_to(&self, packet: &[u8], to: IpAddr) -> io::Result<()> {
        self.socket.send_to(packet, SocketAddr::new(to, 0)).await.map(drop)
    }

    /// The next packet, without its IP header, and who sent it; nothing if it is too long to be of interest.
    pub async fn receive(&self) -> io::Result<Option<(Vec<u8>, IpAddr)>> {
        let mut buffer = [0u8; LONGEST + 1];
        let (length, from) = self.socket.recv_from(&mut buffer).await?;
        let packet = buffer.get(..length).filter(|packet| packet.len() <= LONGEST);
        // Raw sockets of IPv4 show the header too (raw(7)), those of IPv6 do not.
        let packet = packet.and_then(|packet| {
            let header = if self.v4 { usize::from(packet.first()? & 0x0f) * 4 } else { 0 };
            packet.get(header..).map(<[u8]>::to_vec)
        });
        Ok(packet.map(|packet| (packet, from.ip())))
    }
}
