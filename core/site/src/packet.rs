//! The few header fields by which a first packet is judged. Anything malformed is nothing, never a panic.

use model::Protocol;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who wants to reach whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Source port; 0 if the protocol has none or the packet is a later fragment.
    pub source_port: u16,
    /// Destination port; as above.
    pub destination_port: u16,
}

impl FiveTuple {
    /// The transport protocol, if it is one that services use.
    pub fn transport(&self) -> Option<Protocol> {
        [Protocol::Tcp, Protocol::Udp].into_iter().find(|p| p.number() == self.protocol)
    }

    /// Reads an untagged Ethernet frame (hosts hang on access ports).
    pub fn of_frame(frame: &[u8]) -> Option<Self> {
        let payload = frame.get(14..)?;
        match u16_at(frame, 12)? {
            0x0800 => Self::of_ipv4(payload),
            0x86dd => Self::of_ipv6(payload),
            _ => None,
        }
    }

    fn of_ipv4(packet: &[u8]) -> Option<Self> {
        let first = *packet.first()?;
        let header = usize::from(first & 0x0f) * 4;
        if first >> 4 != 4 || header < 20 {
            return None;
        }
        let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
        let destination: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
        let later_fragment = u16_at(packet, 6)? & 0x1fff != 0;
        let segment = if later_fragment { &[] } else { packet.get(header..)? };
        Some(Self::with_ports(
            Ipv4Addr::from(source).into(),
            Ipv4Addr::from(destination).into(),
            *packet.get(9)?,
            segment,
        ))
    }

    fn of_ipv6(packet: &[u8]) -> Option<Self> {
        if packet.first()? >> 4 != 6 {
            return None;
        }
        let source: [u8; 16] = packet.get(8..24)?.try_into().ok()?;
        let destination: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
        Some(Self::with_ports(
            Ipv6Addr::from(source).into(),
            Ipv6Addr::from(destination).into(),
            *packet.get(6)?,
            packet.get(40..)?,
        ))
    }

    fn with_ports(source: IpAddr, destination: IpAddr, protocol: u8, segment: &[u8]) -> Self {
        let has_ports = protocol == Protocol::Tcp.number() || protocol == Protocol::Udp.number();
        let port = |at| if has_ports { u16_at(segment, at).unwrap_or(0) } else { 0 };
        Self { source, destination, protocol, source_port: port(0), destination_port: port(2) }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_syn_is_read_and_a_later_fragment_has_no_ports() {
        let mut frame = vec![0u8; 14 + 20 + 20];
        frame[12] = 8;
        frame[14] = 0x45;
        frame[23] = 6;
        frame[26..30].copy_from_slice(&[10, 1, 20, 11]);
        frame[30..34].copy_from_slice(&[10, 2, 10, 10]);
        frame[34..38].copy_from_slice(&[0x9c, 0x40, 1, 0xbb]);
        let read = FiveTuple::of_frame(&frame).unwrap();
        assert_eq!((read.source_port, read.destination_port), (40000, 443));
        assert_eq!(read.transport(), Some(Protocol::Tcp));
        frame[21] = 1;
        assert_eq!(FiveTuple::of_frame(&frame).unwrap().destination_port, 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = FiveTuple::of_frame(&bytes);
        }
    }
}
