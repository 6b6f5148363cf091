//! Elements of nftables sets by netlink, as one transaction: what `nft` would send, without a program that parses text
//! and asks the kernel for everything it has before each change.
//!
//! Layout: linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h.

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

const TABLE: &str = "sekisho";
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM: u16 = 10;
const NEW_ELEMENT: u16 = SUBSYSTEM << 8 | 12;
const DELETE_ELEMENT: u16 = SUBSYSTEM << 8 | 14;
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const CREATE: u16 = 0x400;
const ERROR: u16 = 2;
const NESTED: u16 = 0x8000;
const UNSPECIFIED: u8 = 0;
const INET: u8 = 1;
const HEADER: usize = 16;

/// A change of elements that `nft -f` would take as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elements(Vec<Element>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    added: bool,
    set: String,
    key: Vec<u8>,
    comment: Option<String>,
}

impl Elements {
    /// A script of elements and nothing else; anything else is for `nft`.
    pub fn of(script: &str) -> Option<Self> {
        let elements: Vec<Element> = script.lines().map(Element::of).collect::<Option<_>>()?;
        (!elements.is_empty()).then_some(Self(elements))
    }

    /// The whole transaction, and the number of its last message.
    fn batch(&self, first: u32) -> (Vec<u8>, u32) {
        let mut out = Vec::new();
        message(&mut out, BATCH_BEGIN, REQUEST, first, UNSPECIFIED, SUBSYSTEM, |_| ());
        let mut last = first;
        for element in &self.0 {
            last = last.wrapping_add(1);
            let (kind, flags) =
                if element.added { (NEW_ELEMENT, REQUEST | CREATE | ACK) } else { (DELETE_ELEMENT, REQUEST | ACK) };
            message(&mut out, kind, flags, last, INET, 0, |out| element.write(out));
        }
        message(&mut out, BATCH_END, REQUEST, last.wrapping_add(1), UNSPECIFIED, SUBSYSTEM, |_| ());
        (out, last)
    }
}

impl Element {
    /// `add element inet sekisho SET { A . B . tcp . 443 comment "g-1" }`
    fn of(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let added = match words.next()? {
            "add" => true,
            "delete" => false,
            _ => return None,
        };
        let [element, family, table, set] = [words.next()?, words.next()?, words.next()?, words.next()?];
        if (element, family, table) != ("element", "inet", TABLE) || words.next()? != "{" {
            return None;
        }
        let mut key = Vec::new();
        let mut field = |last: bool| {
            let word = words.next()?;
            (last || words.next()? == ".").then_some(word)
        };
        for _ in 0..2 {
            match field(false)?.parse().ok()? {
                IpAddr::V4(address) => key.extend(address.octets()),
                IpAddr::V6(address) => key.extend(address.octets()),
            }
        }
        // Each part of a key begins at a register of 32 bits.
        match field(false)? {
            "tcp" => key.extend([6, 0, 0, 0]),
            "udp" => key.extend([17, 0, 0, 0]),
            _ => return None,
        }
        let [high, low] = field(true)?.parse::<u16>().ok()?.to_be_bytes();
        key.extend([high, low, 0, 0]);
        let comment = match words.next()? {
            "}" => None,
            "comment" => {
                let quoted = words.next()?.strip_prefix('"')?.strip_suffix('"')?;
                (words.next()? == "}").then_some(())?;
                Some(quoted.to_owned())
            }
            _ => return None,
        };
        words.next().is_none().then(|| Self { added, set: set.to_owned(), key, comment })
    }

    fn write(&self, out: &mut Vec<u8>) {
        attribute(out, 1, |out| text(out, TABLE));
        attribute(out, 2, |out| text(out, &self.set));
        attribute(out, 3 | NESTED, |out| {
            attribute(out, 1 | NESTED, |out| {
                attribute(out, 1 | NESTED, |out| attribute(out, 1, |out| out.extend(&self.key)));
                if let Some(comment) = &self.comment {
                    // Userdata of libnftnl: kind 0, octets, text with its end.
                    attribute(out, 6, |out| {
                        let octets = u8::try_from(comment.len() + 1).unwrap_or(u8::MAX);
                        out.extend([0, octets]);
                        out.extend(comment.bytes().take(usize::from(octets) - 1));
                        out.push(0);
                    });
                }
            });
        });
    }
}

fn message(
    out: &mut Vec<u8>,
    kind: u16,
    flags: u16,
    sequence: u32,
    family: u8,
    resource: u16,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend(sequence.to_ne_bytes());
    out.extend([0; 4]);
    out.extend([family, 0]);
    out.extend(resource.to_be_bytes());
    body(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_ne_bytes());
    }
}

fn attribute(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 2]);
    out.extend(kind.to_ne_bytes());
    body(out);
    let length = u16::try_from(out.len() - start).unwrap_or(u16::MAX);
    if let Some(place) = out.get_mut(start..start + 2) {
        place.copy_from_slice(&length.to_ne_bytes());
    }
    out.resize(start + (out.len() - start).next_multiple_of(4), 0);
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.as_bytes());
    out.push(0);
}

/// The kernel's nftables in the namespace of the thread that opened it.
pub(crate) struct Kernel {
    socket: OwnedFd,
    sequence: u32,
}

impl Kernel {
    pub fn open() -> io::Result<Self> {
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::NETFILTER))?;
        let soon = std::time::Duration::from_secs(5);
        rustix::net::sockopt::set_socket_timeout(&socket, rustix::net::sockopt::Timeout::Recv, Some(soon))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// All of it or nothing. After an error this connection is not to be used again: other answers may still wait.
    ///
    /// # Errors
    /// What the kernel said of the first element it refused.
    pub fn change(&mut self, elements: &Elements) -> io::Result<()> {
        let first = self.sequence.wrapping_add(1);
        let (batch, last) = elements.batch(first);
        self.sequence = last.wrapping_add(1);
        let sent = send(&self.socket, &batch, SendFlags::empty())?;
        if sent != batch.len() {
            return Err(io::Error::other("the kernel took half a transaction"));
        }
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let (_, count) = recv(&self.socket, &mut buffer[..], RecvFlags::empty())?;
            for answer in Answers(buffer.get(..count).unwrap_or_default()) {
                let (sequence, error) = answer?;
                if error != 0 {
                    return Err(io::Error::from_raw_os_error(error));
                }
                // Acknowledged after the transaction is committed, in order.
                if sequence == last {
                    return Ok(());
                }
            }
        }
    }
}

/// Messages of the kernel: the number of the request, and an error or 0 for an acknowledgement.
struct Answers<'a>(&'a [u8]);

impl Iterator for Answers<'_> {
    type Item = io::Result<(u32, i32)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let word = |at: usize| <[u8; 4]>::try_from(self.0.get(at..at + 4)?).ok();
        let read = || {
            let length = usize::try_from(u32::from_ne_bytes(word(0)?)).ok().filter(|l| *l >= HEADER + 4)?;
            let kind = u16::from_ne_bytes(self.0.get(4..6)?.try_into().ok()?);
            let (sequence, error) = (u32::from_ne_bytes(word(8)?), i32::from_ne_bytes(word(HEADER)?));
            Some((length, (kind == ERROR).then_some((sequence, error.checked_neg()?))?))
        };
        match read() {
            Some((length, answer)) => {
                self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
                Some(Ok(answer))
            }
            None => {
                self.0 = &[];
                Some(Err(io::Error::new(io::ErrorKind::InvalidData, "an answer that is none")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "delete element inet sekisho lan_tunnel_origin4 { 10.1.20.11 . 10.2.10.10 . tcp . 443 }\n\
                       add element inet sekisho tunnel_lan_reply6 { fd00::1 . fd00::2 . udp . 53 comment \"g-7\" }\n";

    #[test]
    fn only_scripts_of_elements_are_taken() {
        let elements = Elements::of(TWO).unwrap();
        assert_eq!(elements.0[0].key, [10, 1, 20, 11, 10, 2, 10, 10, 6, 0, 0, 0, 1, 187, 0, 0]);
        assert_eq!(elements.0[1].key.len(), 40);
        assert_eq!(elements.0[1].comment.as_deref(), Some("g-7"));
        for other in [
            "",
            "add table inet sekisho\n",
            "add element inet other a { 10.0.0.1 . 10.0.0.2 . tcp . 1 }\n",
            "add element inet sekisho a { 10.0.0.1 . 10.0.0.2 . tcp . 70000 }\n",
            "add element inet sekisho a { 10.0.0.1 . 10.0.0.2 . icmp . 1 }\n",
            "add element inet sekisho a { 10.0.0.1 . 10.0.0.2 . tcp . 1 } more\n",
            "add element inet sekisho a { 10.0.0.1 . 10.0.0.2 . tcp . 1 timeout 5s }\n",
        ] {
            assert_eq!(Elements::of(other), None, "{other}");
            assert_eq!(Elements::of(&(TWO.to_owned() + other)).is_none(), !other.is_empty(), "{other}");
        }
    }

    #[test]
    fn lengths_are_right_and_everything_is_aligned() {
        let (batch, last) = Elements::of(TWO).unwrap().batch(7);
        assert_eq!(last, 9);
        let mut rest = batch.as_slice();
        let mut kinds = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_ne_bytes(rest[..4].try_into().unwrap()) as usize;
            assert_eq!(length % 4, 0);
            kinds.push(u16::from_ne_bytes(rest[4..6].try_into().unwrap()));
            rest = &rest[length..];
        }
        assert_eq!(kinds, [BATCH_BEGIN, DELETE_ELEMENT, NEW_ELEMENT, BATCH_END]);
    }

    #[test]
    fn answers_are_read_and_nonsense_is_not() {
        let mut bytes = Vec::new();
        for (sequence, error) in [(1u32, 0i32), (2, -2)] {
            bytes.extend(36u32.to_ne_bytes());
            bytes.extend(ERROR.to_ne_bytes());
            bytes.extend([0; 2]);
            bytes.extend(sequence.to_ne_bytes());
            bytes.extend([0; 4]);
            bytes.extend(error.to_ne_bytes());
            bytes.extend([0; 16]);
        }
        let answers: Vec<_> = Answers(&bytes).map(Result::unwrap).collect();
        assert_eq!(answers, [(1, 0), (2, 2)]);
        for cut in 1..bytes.len() {
            let last = Answers(&bytes[..cut]).last().unwrap();
            assert_eq!(last.is_ok(), (20..=36).contains(&cut) || cut >= 56, "{cut}");
        }
    }
}
