//! What is known of a terminal. Written as JSON by whoever collects it, so that it can be judged elsewhere.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use crate::nat::Nat;
use crate::sign::ItemKind;

/// Everything asked of a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The day, `YYYY-MM-DD`.
    pub today: String,
    /// Its system.
    pub os: Os,
    /// Free megabytes (10^6 bytes) where the software goes; nothing if that could not be read.
    pub free_mb: Option<u64>,
    /// How it reaches the Internet.
    #[serde(default)]
    pub line: Line,
    /// Kinds of which everything is in `items`; of the others nothing is known.
    pub collected: BTreeSet<ItemKind>,
    /// What is installed and what runs.
    pub items: Vec<Item>,
    /// What passes between it and the center; nothing if there was nobody to ask.
    #[serde(default)]
    pub probes: Option<Probes>,
}

/// Families of systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Any Linux.
    Linux,
    /// Microsoft Windows.
    Windows,
    /// OS X and macOS.
    Macos,
}

/// A system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Os {
    /// Its family.
    pub platform: Platform,
    /// Which Linux (`ID` of os-release); empty elsewhere.
    #[serde(default)]
    pub id: String,
    /// Its version: `10.0.19045` on Windows, `12` or `13.6` elsewhere.
    pub version: String,
    /// Its edition, on Windows.
    #[serde(default)]
    pub edition: Option<String>,
    /// As it calls itself.
    pub name: String,
}

/// The line to the Internet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What the person says.
    #[serde(default)]
    pub told: Option<LineKind>,
    /// What the terminal itself is connected by, if that can be seen.
    #[serde(default)]
    pub seen: Option<Medium>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+ }
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                let known = || Self::ALL.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(", ");
                Self::ALL.iter().copied().find(|k| k.as_str() == word).ok_or_else(|| format!("one of: {}", known()))
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Kinds of lines the source tells apart.
    LineKind {
        /// Broadband over optical fibre.
        Fiber = "fiber",
        /// ISDN.
        Isdn = "isdn",
        /// ADSL.
        Adsl = "adsl",
        /// Mobile telephony.
        Mobile = "mobile",
        /// Cable television.
        Catv = "catv",
        /// Public wireless LAN.
        PublicWifi = "public-wifi",
        /// A leased line.
        Leased = "leased",
        /// A closed network (IP-VPN).
        IpVpn = "ip-vpn",
    }
}

words! {
    /// What a terminal is connected by.
    Medium {
        /// A cable.
        Cable = "cable",
        /// Wireless LAN, public or not.
        Wifi = "wifi",
        /// A modem for mobile telephony.
        Mobile = "mobile",
        /// It dials by itself (PPP).
        Dialled = "dialled",
    }
}

/// Something installed or running.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its name; of a file the whole path.
    pub name: String,
    /// Its version, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What came of asking the center's responder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probes {
    /// Whom was asked.
    pub center: String,
    /// TCP 443.
    pub tcp: Passing,
    /// UDP 500, with a real first message of IKE.
    pub ike: Passing,
    /// UDP 4500, with the same after a non-ESP marker (RFC 3948 §2.2).
    pub nat_traversal: Passing,
    /// IP protocol 50.
    pub esp: Passing,
    /// Who translates addresses between, as seen on UDP 500 and on UDP 4500.
    pub nat: [Option<Seen>; 2],
}

/// Does it pass?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passing {
    /// The responder answered.
    Answered,
    /// Nothing came back.
    Silent,
    /// Somebody on the way, or the other end, said no.
    Refused,
    /// Somebody else answered.
    Other,
    /// It could not be tried.
    NotTried(NotTried),
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotTried {
    /// Only an administrator may send it.
    NoRight,
    /// The machine would not.
    Failed(String),
}

/// Addresses on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Who translates.
    pub nat: Nat,
    /// What the center sees the terminal as, if its responder says so.
    pub appears_as: Option<SocketAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_survive_json() {
        let facts = Facts {
            today: "2026-11-21".into(),
            os: Os {
                platform: Platform::Windows,
                id: String::new(),
                version: "10.0.19045".into(),
                edition: Some("Professional".into()),
                name: "Windows 10 Pro".into(),
            },
            free_mb: Some(1),
            line: Line { told: Some(LineKind::PublicWifi), seen: Some(Medium::Wifi) },
            collected: BTreeSet::from([ItemKind::Program]),
            items: vec![Item { kind: ItemKind::Program, name: "OpenVPN 2.6".into(), version: Some("2.6.3".into()) }],
            probes: Some(Probes {
                center: "192.0.2.1".into(),
                tcp: Passing::Answered,
                ike: Passing::Silent,
                nat_traversal: Passing::Refused,
                esp: Passing::NotTried(NotTried::NoRight),
                nat: [None, Some(Seen { nat: Nat::Here, appears_as: Some("198.51.100.7:40001".parse().unwrap()) })],
            }),
        };
        let text = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts);
        assert!("dial-up".parse::<LineKind>().unwrap_err().contains("fiber"));
    }
}
