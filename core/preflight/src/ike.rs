//! A first message of IKEv2 (RFC 7296 §1.2, §3) with NAT detection (§2.23), and what answers it. Any responder of IKE
//! understands the question, so a real gateway can be asked as well as ours; ours says no proposal will do and, in a
//! notification of our own, whom it sees.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::nat::{Nat, hash};

const HEADER: usize = 28;
const VERSION: u8 = 0x20;
const IKE_SA_INIT: u8 = 34;
const INITIATOR: u8 = 0x08;
const RESPONSE: u8 = 0x20;

const SA: u8 = 33;
const KE: u8 = 34;
const NONCE: u8 = 40;
const NOTIFY: u8 = 41;

const NO_PROPOSAL_CHOSEN: u16 = 14;
const NAT_DETECTION_SOURCE_IP: u16 = 16388;
const NAT_DETECTION_DESTINATION_IP: u16 = 16389;
/// Of the range for private use (RFC 7296 §3.10.1): the address and port the responder sees.
const OBSERVED: u16 = 41_217;

/// What stands before IKE on UDP 4500 (RFC 3948 §2.2).
pub const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// Suite 1: AES-GCM-16 with 256 bits, HMAC-SHA2-256 as PRF, Curve25519, as transforms (RFC 7296 §3.3.2).
const PROPOSAL: [u8; 36] = [
    0, 0, 0, 36, 1, 1, 0, 3, // the only proposal, number 1, IKE, no SPI, three transforms
    3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0, // encryption, with its key length
    3, 0, 0, 8, 2, 0, 0, 5, // PRF
    0, 0, 0, 8, 4, 0, 0, 31, // group
];

/// What one question is made of. All of it random but the addresses.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Our SPI; not 0.
    pub spi: [u8; 8],
    /// Our nonce.
    pub nonce: [u8; 32],
    /// Our share of the key exchange: any 32 bytes are one (RFC 7748 §5).
    pub share: [u8; 32],
    /// Whence we send, as our machine says.
    pub from: SocketAddr,
    /// Whither.
    pub to: SocketAddr,
}

/// Bytes that are no answer to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// Not IKE, or cut off.
    NotIke,
    /// IKE, of another conversation.
    NotOurs,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotIke => "this is not IKE",
            Self::NotOurs => "this answers another question",
        })
    }
}
impl std::error::Error for NoAnswer {}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Who translates addresses; nothing if the responder does not say what it sees.
    pub nat: Option<Nat>,
    /// As whom it sees us, if it is ours.
    pub appears_as: Option<SocketAddr>,
}

impl Question {
    /// The message.
    pub fn bytes(&self) -> Vec<u8> {
        let mut share = vec![0, 31, 0, 0];
        share.extend(self.share);
        let source = hash(self.spi, [0; 8], self.from);
        let destination = hash(self.spi, [0; 8], self.to);
        message(
            self.spi,
            [0; 8],
            INITIATOR,
            &[
                (SA, PROPOSAL.to_vec()),
                (KE, share),
                (NONCE, self.nonce.to_vec()),
                (NOTIFY, notification(NAT_DETECTION_SOURCE_IP, &source)),
                (NOTIFY, notification(NAT_DETECTION_DESTINATION_IP, &destination)),
            ],
        )
    }

    /// Reads what came back.
    ///
    /// # Errors
    /// It is not an answer to this.
    pub fn read(&self, bytes: &[u8]) -> Result<Answer, NoAnswer> {
        let read = Message::read(bytes).ok_or(NoAnswer::NotIke)?;
        if read.initiator != self.spi || read.flags & RESPONSE == 0 {
            return Err(NoAnswer::NotOurs);
        }
        let seen = |of: SocketAddr| hash(self.spi, read.responder, of);
        let notified = |kind| read.notified(kind).collect::<Vec<_>>();
        let (theirs, ours) = (notified(NAT_DETECTION_SOURCE_IP), notified(NAT_DETECTION_DESTINATION_IP));
        // A responder with several addresses may send several of the first kind (§2.23).
        let nat = (!theirs.is_empty() && !ours.is_empty())
            .then(|| Nat::of(ours.contains(&seen(self.from).as_slice()), theirs.contains(&seen(self.to).as_slice())));
        Ok(Answer { nat, appears_as: read.notified(OBSERVED).find_map(address) })
    }
}

/// The responder's answer to whatever came in: one to a first message of IKE, nothing to anything else. Never longer
/// than what it answers, so that it is of no use against others.
pub fn answer(bytes: &[u8], from: SocketAddr, at: SocketAddr, spi: [u8; 8]) -> Option<Vec<u8>> {
    let asked = Message::read(bytes)?;
    let first = asked.flags & (RESPONSE | INITIATOR) == INITIATOR && asked.responder == [0; 8];
    if !first || asked.initiator == [0; 8] {
        return None;
    }
    let source = hash(asked.initiator, spi, at);
    let destination = hash(asked.initiator, spi, from);
    let mut seen = match from.ip().to_canonical() {
        IpAddr::V4(address) => [&[4][..], &address.octets()].concat(),
        IpAddr::V6(address) => [&[6][..], &address.octets()].concat(),
    };
    seen.extend(from.port().to_be_bytes());
    let said = message(
        asked.initiator,
        spi,
        RESPONSE,
        &[
            (NOTIFY, notification(NO_PROPOSAL_CHOSEN, &[])),
            (NOTIFY, notification(NAT_DETECTION_SOURCE_IP, &source)),
            (NOTIFY, notification(NAT_DETECTION_DESTINATION_IP, &destination)),
            (NOTIFY, notification(OBSERVED, &seen)),
        ],
    );
    (said.len() <= bytes.len()).then_some(said)
}

fn notification(kind: u16, data: &[u8]) -> Vec<u8> {
    let [high, low] = kind.to_be_bytes();
    [&[0, 0, high, low], data].concat()
}

fn address(seen: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = seen.split_at_checked(seen.len().checked_sub(2)?)?;
    let (family, octets) = ip.split_first()?;
    let ip: IpAddr = match family {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into(),
        6 => Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(port.try_into().ok()?)))
}

fn message(initiator: [u8; 8], responder: [u8; 8], flags: u8, payloads: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let first = payloads.first().map_or(0, |(kind, _)| *kind);
    let mut out = [&initiator[..], &responder, &[first, VERSION, IKE_SA_INIT, flags], &[0; 8]].concat();
    for (n, (_, body)) in payloads.iter().enumerate() {
        let next = payloads.get(n + 1).map_or(0, |(kind, _)| *kind);
        let length = u16::try_from(4 + body.len()).expect("our payloads are short");
        out.extend([next, 0]);
        out.extend(length.to_be_bytes());
        out.extend(body);
    }
    let length = u32::try_from(out.len()).expect("our messages are short");
    out[24..HEADER].copy_from_slice(&length.to_be_bytes());
    out
}

/// An IKE_SA_INIT message, taken apart.
struct Message<'b> {
    initiator: [u8; 8],
    responder: [u8; 8],
    flags: u8,
    payloads: Vec<(u8, &'b [u8])>,
}

impl<'b> Message<'b> {
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(HEADER)?;
        let length = u32::from_be_bytes(header[24..].try_into().ok()?);
        if usize::try_from(length).ok()? != bytes.len() || header[17] >> 4 != VERSION >> 4 || header[18] != IKE_SA_INIT
        {
            return None;
        }
        let (mut kind, mut payloads) = (header[16], Vec::new());
        while kind != 0 {
            let (head, _) = rest.split_at_checked(4)?;
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (payload, more) = rest.split_at_checked(length)?;
            payloads.push((kind, payload.get(4..)?));
            (kind, rest) = (head[0], more);
        }
        Some(Self {
            initiator: header[..8].try_into().ok()?,
            responder: header[8..16].try_into().ok()?,
            flags: header[19],
            payloads: rest.is_empty().then_some(payloads)?,
        })
    }

    /// Data of the notifications of a kind, whatever SPI they name (§3.10).
    fn notified(&self, kind: u16) -> impl Iterator<Item = &'b [u8]> {
        self.payloads.iter().filter(|(payload, _)| *payload == NOTIFY).filter_map(move |(_, body)| {
            let (head, rest) = body.split_at_checked(4)?;
            let data = rest.get(usize::from(head[1])..)?;
            (u16::from_be_bytes([head[2], head[3]]) == kind).then_some(data)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn question() -> Question {
        let (from, to) = (at("10.0.0.2:500"), at("203.0.113.5:500"));
        Question { spi: [1; 8], nonce: [2; 32], share: [3; 32], from, to }
    }

    fn said(seen_from: &str, seen_at: &str) -> Answer {
        let asked = question();
        let back = answer(&asked.bytes(), at(seen_from), at(seen_at), [9; 8]).unwrap();
        asked.read(&back).unwrap()
    }

    #[test]
    fn who_translates_is_seen() {
        let nat = |from, to| said(from, to).nat.unwrap();
        assert_eq!(nat("10.0.0.2:500", "203.0.113.5:500"), Nat::Nobody);
        assert_eq!(nat("198.51.100.9:500", "203.0.113.5:500"), Nat::Here);
        assert_eq!(nat("10.0.0.2:1024", "203.0.113.5:500"), Nat::Here, "a port is enough");
        assert_eq!(nat("10.0.0.2:500", "192.168.0.5:500"), Nat::There);
        assert_eq!(nat("198.51.100.9:500", "192.168.0.5:500"), Nat::Both);
        assert_eq!(said("198.51.100.9:501", "203.0.113.5:500").appears_as, Some(at("198.51.100.9:501")));
        assert_eq!(said("[2001:db8::1]:501", "203.0.113.5:500").appears_as, Some(at("[2001:db8::1]:501")));
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        // SHA-1 over 8 + 8 + 4 + 2 bytes, as `openssl dgst -sha1` says of 01×8 00×8 0a000002 01f4.
        let said: String = hash([1; 8], [0; 8], at("10.0.0.2:500")).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(said, "92d999e92c4160408f7eab89a44ca78c251e296d");
    }

    #[test]
    fn answers_to_others_and_what_is_no_answer_are_told() {
        let asked = question();
        let back = answer(&asked.bytes(), asked.from, asked.to, [9; 8]).unwrap();
        assert_eq!(Question { spi: [5; 8], ..asked }.read(&back), Err(NoAnswer::NotOurs));
        assert_eq!(asked.read(&asked.bytes()), Err(NoAnswer::NotOurs), "our own question, sent back");
        assert_eq!(asked.read(&back[..back.len() - 1]), Err(NoAnswer::NotIke));
        assert_eq!(answer(&back, asked.from, asked.to, [9; 8]), None, "answers are not answered");
        // A gateway that says no and nothing else has answered.
        let curt = message(asked.spi, [7; 8], RESPONSE, &[(NOTIFY, notification(NO_PROPOSAL_CHOSEN, &[]))]);
        assert_eq!(asked.read(&curt), Ok(Answer { nat: None, appears_as: None }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne_and_never_answered_with_more(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let asked = question();
            let _ = asked.read(&bytes);
            if let Some(said) = answer(&bytes, asked.from, asked.to, [9; 8]) {
                prop_assert!(said.len() <= bytes.len());
            }
        }

        #[test]
        fn a_damaged_question_or_answer_is_borne(at in any::<prop::sample::Index>(), value: u8, cut in any::<prop::sample::Index>()) {
            let asked = question();
            let mut bytes = asked.bytes();
            *at.get_mut(&mut bytes) = value;
            bytes.truncate(1 + cut.index(bytes.len()));
            if let Some(mut back) = answer(&bytes, asked.from, asked.to, [9; 8]) {
                prop_assert!(back.len() <= bytes.len());
                *at.get_mut(&mut back) = value;
                let _ = asked.read(&back);
            }
        }
    }
}
