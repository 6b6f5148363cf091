//! Small network values: MAC addresses, ports of switches, transport protocols.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::SwitchId;

/// Why a network value could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct NetParseError {
    /// What was found.
    pub text: String,
    /// What it should look like.
    pub expected: &'static str,
}

fn wrong(text: &str, expected: &'static str) -> NetParseError {
    NetParseError { text: text.to_owned(), expected }
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NetParseError;
            fn try_from(text: String) -> Result<Self, NetParseError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(v: $name) -> String {
                v.to_string()
            }
        }
    };
}

/// An Ethernet address, `02:00:00:01:20:11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);
as_text!(Mac);

impl FromStr for Mac {
    type Err = NetParseError;
    fn from_str(text: &str) -> Result<Self, NetParseError> {
        const SHAPE: &str = "a MAC address like 02:00:00:01:20:11";
        let mut out = [0u8; 6];
        let mut parts = text.split(':');
        for byte in &mut out {
            let part = parts.next().filter(|p| p.len() == 2).ok_or_else(|| wrong(text, SHAPE))?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| wrong(text, SHAPE))?;
        }
        if parts.next().is_some() { Err(wrong(text, SHAPE)) } else { Ok(Self(out)) }
    }
}
impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// An OpenFlow port number of a physical port: 1 to 0xffffff00 (OpenFlow 1.3.5 §7.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PortNo(pub u32);

impl fmt::Display for PortNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A switch's datapath id, sixteen hexadecimal digits (OpenFlow 1.3.5 §7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dpid(pub u64);
as_text!(Dpid);

impl FromStr for Dpid {
    type Err = NetParseError;
    fn from_str(text: &str) -> Result<Self, NetParseError> {
        const SHAPE: &str = "a datapath id of sixteen hexadecimal digits";
        if text.len() != 16 {
            return Err(wrong(text, SHAPE));
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| wrong(text, SHAPE))
    }
}
impl fmt::Display for Dpid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A port of a named switch, `sw1/3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SwitchPort {
    /// The switch, within its site.
    pub switch: SwitchId,
    /// Its OpenFlow port number.
    pub port: PortNo,
}
as_text!(SwitchPort);

impl FromStr for SwitchPort {
    type Err = NetParseError;
    fn from_str(text: &str) -> Result<Self, NetParseError> {
        const SHAPE: &str = "a switch port like sw1/3 (port 1 to 65279)";
        let (switch, port) = text.split_once('/').ok_or_else(|| wrong(text, SHAPE))?;
        let port: u32 = port.parse().map_err(|_| wrong(text, SHAPE))?;
        if !(1..=0xfeff).contains(&port) {
            return Err(wrong(text, SHAPE));
        }
        Ok(Self { switch: switch.parse().map_err(|_| wrong(text, SHAPE))?, port: PortNo(port) })
    }
}
impl fmt::Display for SwitchPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.switch, self.port)
    }
}

/// Transport protocol of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
}

impl Protocol {
    /// IANA protocol number.
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// TCP port on which a gate serves its terminals' programs, on its address in each segment.
pub const GATE_SERVICE_PORT: u16 = 7444;
/// TCP port of the console for browsers, likewise; it asks for the terminal's certificate.
pub const GATE_CONSOLE_PORT: u16 = 7445;
/// TCP port at which a browser shows the person's card, likewise.
pub const GATE_SIGN_IN_PORT: u16 = 7446;
/// Every TCP port of a gate that its terminals reach.
pub const GATE_SERVICE_PORTS: [u16; 3] = [GATE_SERVICE_PORT, GATE_CONSOLE_PORT, GATE_SIGN_IN_PORT];
