//! Bytes of the knocks, and what a raw socket gives of them and of their answers.

use std::net::IpAddr;

use super::Knock;

/// What tells this round's packets from all others: the source port of its SYNs and the identifier of its echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round {
    pub source_port: u16,
    pub number: u32,
}

/// A packet of this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A knock that came in, with the number of its cell.
    Knock(u32),
    /// Its answer.
    Answer(u32),
    /// A reset, or "port unreachable".
    Refusal(u32),
}

const MAGIC: &[u8; 8] = b"sk-reach";
const TCP: u8 = 6;
const UDP: u8 = 17;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

impl Round {
    /// The payload of a datagram or an echo for a cell.
    pub fn mark(self, cell: u32) -> [u8; 16] {
        let mut mark = [0; 16];
        mark[..8].copy_from_slice(MAGIC);
        mark[8..12].copy_from_slice(&self.number.to_be_bytes());
        mark[12..].copy_from_slice(&cell.to_be_bytes());
        mark
    }

    fn cell_of(self, payload: &[u8]) -> Option<u32> {
        let mark = payload.last_chunk::<16>()?;
        let cell = u32::from_be_bytes(*mark.last_chunk()?);
        (self.mark(cell) == *mark).then_some(cell)
    }

    /// A SYN; the cell is its sequence number (RFC 9293 §3.1).
    pub fn syn(self, from: IpAddr, to: IpAddr, port: u16, cell: u32) -> [u8; 24] {
        let mut syn = [0; 24];
        syn[..2].copy_from_slice(&self.source_port.to_be_bytes());
        syn[2..4].copy_from_slice(&port.to_be_bytes());
        syn[4..8].copy_from_slice(&cell.to_be_bytes());
        syn[12..18].copy_from_slice(&[6 << 4, SYN, 0xfa, 0xf0, 0, 0]);
        syn[20..].copy_from_slice(&[2, 4, 0x05, 0xb4]);
        // In either family's pseudo-header the same words stand beside the addresses (RFC 9293 §3.1).
        let mut pseudo = Vec::with_capacity(32 + 4 + 24);
        for address in [from, to] {
            match address {
                IpAddr::V4(address) => pseudo.extend(address.octets()),
                IpAddr::V6(address) => pseudo.extend(address.octets()),
            }
        }
        pseudo.extend([0, TCP, 0, 24]);
        pseudo.extend(syn);
        syn[16..18].copy_from_slice(&checksum(&pseudo).to_be_bytes());
        syn
    }

    /// An echo request (RFC 792, RFC 4443 §4.1; in IPv6 the kernel fills the checksum in).
    pub fn echo(self, cell: u32, v6: bool) -> [u8; 24] {
        let mut echo = [0; 24];
        echo[0] = if v6 { 128 } else { 8 };
        echo[4..6].copy_from_slice(&self.source_port.to_be_bytes());
        echo[6..8].copy_from_slice(&(cell as u16).to_be_bytes());
        echo[8..].copy_from_slice(&self.mark(cell));
        let sum = checksum(&echo).to_be_bytes();
        echo[2..4].copy_from_slice(&sum);
        echo
    }

    /// What an IPv4 packet is to this round; nothing if it is none of it, or cannot be read.
    pub fn read(self, packet: &[u8]) -> Option<Found> {
        let (protocol, body) = body(packet)?;
        match protocol {
            TCP => self.read_tcp(body),
            UDP => self.read_udp(body),
            1 => match *body.first_chunk::<2>()? {
                [8, 0] => Some(Found::Knock(self.cell_of(body.get(8..)?)?)),
                [0, 0] => Some(Found::Answer(self.cell_of(body.get(8..)?)?)),
                // Port unreachable, with the datagram it is about.
                [3, 3] => match self::body(body.get(8..)?)? {
                    (UDP, datagram) => Some(Found::Refusal(self.cell_of(datagram.get(8..)?)?)),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// The same of IPv6, of which a raw socket gives only what it carries.
    pub fn read6(self, protocol: u8, body: &[u8]) -> Option<Found> {
        match protocol {
            TCP => self.read_tcp(body),
            UDP => self.read_udp(body),
            _ => match *body.first_chunk::<2>()? {
                [128, 0] => Some(Found::Knock(self.cell_of(body.get(8..)?)?)),
                [129, 0] => Some(Found::Answer(self.cell_of(body.get(8..)?)?)),
                // Port unreachable (RFC 4443 §3.1), with the datagram it is about.
                [1, 4] if body.get(8 + 6) == Some(&UDP) => Some(Found::Refusal(self.cell_of(body.get(8 + 40 + 8..)?)?)),
                _ => None,
            },
        }
    }

    /// An answer has what the server said before the mark, so it is told by the port it comes to.
    fn read_udp(self, body: &[u8]) -> Option<Found> {
        let cell = self.cell_of(body.get(8..)?)?;
        let to_knocker = u16::from_be_bytes([body[2], body[3]]) == self.source_port;
        Some(if to_knocker { Found::Answer(cell) } else { Found::Knock(cell) })
    }

    fn read_tcp(self, segment: &[u8]) -> Option<Found> {
        let head = segment.first_chunk::<20>()?;
        let (from, to) = (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]]));
        let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        match head[13] & (SYN | RST | ACK) {
            SYN if from == self.source_port => Some(Found::Knock(number(4))),
            flags if to == self.source_port && flags & ACK != 0 => {
                let cell = number(8).checked_sub(1)?;
                if flags & RST != 0 {
                    Some(Found::Refusal(cell))
                } else {
                    (flags & SYN != 0).then_some(Found::Answer(cell))
                }
            }
            _ => None,
        }
    }
}

impl Knock {
    /// Number of its protocol in the family of an address.
    pub(super) fn protocol(self, of: IpAddr) -> u8 {
        match self {
            Self::Tcp(_) => TCP,
            Self::Udp(_) => UDP,
            Self::Icmp if of.is_ipv4() => 1,
            Self::Icmp => 58,
        }
    }
}

fn body(packet: &[u8]) -> Option<(u8, &[u8])> {
    let length = usize::from(packet.first()? & 0x0f) * 4;
    // Raw sockets are given whole packets: what is not the first fragment has no header to read.
    Some((*packet.get(9)?, packet.get(length..).filter(|_| length >= 20)?))
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks(2).map(|c| u32::from(u16::from_be_bytes([c[0], *c.get(1).unwrap_or(&0)]))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    !((sum & 0xffff) + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROUND: Round = Round { source_port: 20_007, number: 3 };
    const OTHER: Round = Round { source_port: 20_008, number: 4 };

    fn packet(protocol: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(body);
        packet
    }

    fn datagram(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
        let mut body = [from.to_be_bytes(), to.to_be_bytes(), [0, 0], [0, 0]].concat();
        body.extend_from_slice(payload);
        body
    }

    #[test]
    fn knocks_and_answers_are_known_again_and_other_rounds_are_not() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let syn = packet(6, &ROUND.syn(a, b, 443, 77));
        assert_eq!(ROUND.read(&syn), Some(Found::Knock(77)));
        assert_eq!(OTHER.read(&syn), None);
        let mut answer = [0; 20];
        answer[..2].copy_from_slice(&443u16.to_be_bytes());
        answer[2..4].copy_from_slice(&20_007u16.to_be_bytes());
        answer[8..12].copy_from_slice(&78u32.to_be_bytes());
        answer[13] = SYN | ACK;
        assert_eq!(ROUND.read(&packet(6, &answer)), Some(Found::Answer(77)));
        answer[13] = RST | ACK;
        assert_eq!(ROUND.read(&packet(6, &answer)), Some(Found::Refusal(77)));
        assert_eq!(OTHER.read(&packet(6, &answer)), None);

        let echo = ROUND.echo(5, false);
        assert_eq!(checksum(&echo), 0);
        assert_eq!(ROUND.read(&packet(1, &echo)), Some(Found::Knock(5)));
        assert_eq!(OTHER.read(&packet(1, &echo)), None);
        let mut reply = echo;
        reply[0] = 0;
        assert_eq!(ROUND.read(&packet(1, &reply)), Some(Found::Answer(5)));

        let knock = packet(17, &datagram(20_007, 53, &ROUND.mark(9)));
        assert_eq!(ROUND.read(&knock), Some(Found::Knock(9)));
        let said = [b"portal:", &ROUND.mark(9)[..]].concat();
        assert_eq!(ROUND.read(&packet(17, &datagram(53, 20_007, &said))), Some(Found::Answer(9)));
        let unreachable = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &knock].concat();
        assert_eq!(ROUND.read(&packet(1, &unreachable)), Some(Found::Refusal(9)));
        let prohibited = [&[3, 13, 0, 0, 0, 0, 0, 0][..], &knock].concat();
        assert_eq!(ROUND.read(&packet(1, &prohibited)), None);
    }

    #[test]
    fn the_same_of_ipv6_where_no_header_is_given() {
        let (a, b) = (IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 1]), IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 2]));
        let syn = ROUND.syn(a, b, 443, 77);
        assert_eq!((ROUND.read6(TCP, &syn), OTHER.read6(TCP, &syn)), (Some(Found::Knock(77)), None));
        assert_ne!(ROUND.syn(a, b, 443, 77), ROUND.syn(b, IpAddr::from([10, 0, 0, 1]), 443, 77), "checksums differ");
        let mut echo = ROUND.echo(5, true);
        assert_eq!((ROUND.read6(58, &echo), OTHER.read6(58, &echo)), (Some(Found::Knock(5)), None));
        echo[0] = 129;
        assert_eq!(ROUND.read6(58, &echo), Some(Found::Answer(5)));
        let knock = datagram(20_007, 53, &ROUND.mark(9));
        assert_eq!(ROUND.read6(UDP, &knock), Some(Found::Knock(9)));
        assert_eq!(ROUND.read6(UDP, &datagram(53, 20_007, &ROUND.mark(9))), Some(Found::Answer(9)));
        let mut header = [0; 40];
        header[6] = UDP;
        let unreachable = [&[1, 4, 0, 0, 0, 0, 0, 0][..], &header, &knock].concat();
        assert_eq!(ROUND.read6(58, &unreachable), Some(Found::Refusal(9)));
        let prohibited = [&[1, 1, 0, 0, 0, 0, 0, 0][..], &header, &knock].concat();
        assert_eq!(ROUND.read6(58, &prohibited), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), protocol: u8) {
            let _ = ROUND.read(&bytes);
            let _ = ROUND.read(&packet(protocol, &bytes));
            let _ = ROUND.read6(protocol, &bytes);
        }
    }
}
