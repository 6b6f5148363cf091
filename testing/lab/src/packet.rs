//! One frame of the Internet segment, judged by its headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use ipnet::IpNet;

/// What a frame on the Internet segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PacketClass {
    /// IKEv2: UDP 500, or UDP 4500 with the non-ESP marker (RFC 7296 §3.1).
    Ike,
    /// UDP 4500 with one byte 0xff (RFC 3948 §2.3).
    NatKeepalive,
    /// ESP in UDP 4500 (RFC 3948 §2.1).
    EspInUdp,
    /// ESP as IP protocol 50.
    Esp,
    /// ARP.
    Arp,
    /// TCP.
    Tcp,
    /// UDP that is none of the above.
    Udp,
    /// ICMP, of either family.
    Icmp,
    /// Anything else, later fragments and what cannot be read among them.
    Other,
}

/// A captured frame without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Counts up from 0 in the order of capture.
    pub number: u64,
    /// When it was read.
    pub at: SystemTime,
    /// Its kind.
    pub class: PacketClass,
    /// Source address; 0.0.0.0 if there is none.
    pub source: IpAddr,
    /// Destination address; 0.0.0.0 if there is none.
    pub destination: IpAddr,
    /// Ports of TCP and UDP, else 0.
    pub ports: (u16, u16),
    /// Length of the packet in bytes, its header included; 0 if it is not IP.
    pub length: u16,
}

impl Captured {
    /// Reads an Ethernet frame, which may be cut off; never fails: what cannot be read is [`PacketClass::Other`].
    #[must_use]
    pub fn read(number: u64, at: SystemTime, frame: &[u8]) -> Self {
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let mut captured = Self {
            number,
            at,
            class: PacketClass::Other,
            source: nowhere,
            destination: nowhere,
            ports: (0, 0),
            length: 0,
        };
        match frame.get(12..14) {
            Some([0x08, 0x00]) => captured.ipv4(&frame[14..]),
            Some([0x86, 0xdd]) => captured.ipv6(&frame[14..]),
            Some([0x08, 0x06]) => captured.class = PacketClass::Arp,
            _ => {}
        }
        captured
    }

    /// Whether it shows something of these prefixes: an address in clear, outside ESP and IKE.
    #[must_use]
    pub fn is_clear(&self, prefixes: &[IpNet]) -> bool {
        // ESP and IKE travel between gateways; if a host address stands in *their* outer header it is a leak too.
        prefixes.iter().any(|prefix| prefix.contains(&self.source) || prefix.contains(&self.destination))
    }

    fn ipv4(&mut self, packet: &[u8]) {
        let Some(header) = packet.first_chunk::<20>() else { return };
        let size = usize::from(header[0] & 0x0f) * 4;
        if header[0] >> 4 != 4 || size < 20 {
            return;
        }
        self.source = Ipv4Addr::new(header[12], header[13], header[14], header[15]).into();
        self.destination = Ipv4Addr::new(header[16], header[17], header[18], header[19]).into();
        self.length = u16::from_be_bytes([header[2], header[3]]);
        let later_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0;
        if later_fragment {
            return;
        }
        self.carries(header[9], packet.get(size..).unwrap_or_default());
    }

    fn ipv6(&mut self, packet: &[u8]) {
        let Some(header) = packet.first_chunk::<40>().filter(|header| header[0] >> 4 == 6) else { return };
        let address = |at: usize| {
            let octets: [u8; 16] = std::array::from_fn(|n| header[at + n]);
            IpAddr::V6(Ipv6Addr::from(octets))
        };
        (self.source, self.destination) = (address(8), address(24));
        self.length = u16::from_be_bytes([header[4], header[5]]).saturating_add(40);
        self.carries(header[6], &packet[40..]);
    }

    fn carries(&mut self, protocol: u8, payload: &[u8]) {
        self.class = match (protocol, payload.first_chunk::<4>()) {
            (1 | 58, _) => PacketClass::Icmp,
            (50, _) => PacketClass::Esp,
            (protocol @ (6 | 17), Some(ports)) => {
                self.ports = (u16::from_be_bytes([ports[0], ports[1]]), u16::from_be_bytes([ports[2], ports[3]]));
                if protocol == 6 { PacketClass::Tcp } else { self.udp(payload.get(8..).unwrap_or_default()) }
            }
            _ => PacketClass::Other,
        };
    }

    fn udp(&self, data: &[u8]) -> PacketClass {
        let uses = |port| self.ports.0 == port || self.ports.1 == port;
        match data {
            _ if uses(500) => PacketClass::Ike,
            [0xff] if uses(4500) => PacketClass::NatKeepalive,
            [0, 0, 0, 0, ..] if uses(4500) => PacketClass::Ike,
            [_, _, _, _, ..] if uses(4500) => PacketClass::EspInUdp,
            _ => PacketClass::Udp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 100, 0, 0]);
        frame.extend(fragment.to_be_bytes());
        frame.extend([64, protocol, 0, 0, 192, 0, 2, 11, 10, 2, 10, 10]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn classes() {
        let udp = |port: u16, data: &[u8]| {
            let mut bytes = Vec::from(port.to_be_bytes());
            bytes.extend([0x11, 0x94, 0, 0, 0, 0]);
            bytes.extend(data);
            frame(17, 0, &bytes)
        };
        let cases = [
            (udp(4500, &[0, 0, 0, 0, 9]), PacketClass::Ike),
            (udp(500, &[1, 2, 3, 4]), PacketClass::Ike),
            (udp(4500, &[0xff]), PacketClass::NatKeepalive),
            (udp(4500, &[0xc0, 1, 2, 3, 0, 0, 0, 1]), PacketClass::EspInUdp),
            (udp(4500, &[]), PacketClass::Udp),
            (frame(50, 0, &[1, 2, 3, 4]), PacketClass::Esp),
            (frame(6, 0, &[0, 80, 1, 187]), PacketClass::Tcp),
            (frame(6, 0, &[0, 80]), PacketClass::Other),
            (frame(6, 7, &[0, 80, 1, 187]), PacketClass::Other),
            (frame(1, 0, &[8, 0]), PacketClass::Icmp),
        ];
        for (bytes, class) in cases {
            assert_eq!(Captured::read(0, SystemTime::UNIX_EPOCH, &bytes).class, class, "{bytes:?}");
        }
        let tcp = Captured::read(0, SystemTime::UNIX_EPOCH, &frame(6, 0, &[0, 80, 1, 187]));
        assert_eq!((tcp.ports, tcp.length, tcp.destination), ((80, 443), 100, IpAddr::from([10, 2, 10, 10])));
        assert!(tcp.is_clear(&["10.2.0.0/16".parse().unwrap()]));
        assert!(!tcp.is_clear(&["10.3.0.0/16".parse().unwrap()]));
        let mut six = vec![0; 12];
        six.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 4, 6, 64]);
        six.extend("fd00:1::1".parse::<Ipv6Addr>().unwrap().octets());
        six.extend("fd00:2::1".parse::<Ipv6Addr>().unwrap().octets());
        six.extend([0, 80, 1, 187]);
        let six = Captured::read(0, SystemTime::UNIX_EPOCH, &six);
        assert_eq!((six.class, six.ports, six.length), (PacketClass::Tcp, (80, 443), 44));
        assert!(six.is_clear(&["fd00:2::/64".parse().unwrap()]) && !six.is_clear(&["fd00:3::/64".parse().unwrap()]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Captured::read(0, SystemTime::UNIX_EPOCH, &bytes);
            let mut ip = frame(17, 0, &[]);
            ip.extend(bytes);
            let _ = Captured::read(0, SystemTime::UNIX_EPOCH, &ip);
        }
    }
}
