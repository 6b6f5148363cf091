//! What people ask for, and how far it has come.

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::{HostRef, ServiceId};

/// A person at a terminal asks for a service (接続要求). Parsed once, at the edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionRequest {
    /// The terminal, as its device certificate names it.
    pub from: HostRef,
    /// The service.
    pub service: ServiceId,
}

impl ConnectionRequest {
    /// The bytes whose digest a card signs together with nonce and TLS exporter.
    pub fn signed_bytes(&self) -> Vec<u8> {
        format!("sekisho connection request 1\nfrom={}\nservice={}\n", self.from, self.service).into_bytes()
    }
}

/// A person signs in at a terminal (サインイン): from then on the first packet of an allowed service opens its line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The terminal, as its device certificate names it.
    pub at: HostRef,
}

impl SignIn {
    /// The bytes whose digest a card signs together with nonce and TLS exporter. No connection request has the same.
    pub fn signed_bytes(&self) -> Vec<u8> {
        format!("sekisho sign-in 1\nat={}\n", self.at).into_bytes()
    }
}

/// Where a connection stands (接続の状態). `Open` and `Closed` are said only of what gates observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum ConnectionState {
    Requested,
    Opening,
    Open,
    Closing,
    Closed,
    Refused,
}

impl ConnectionState {
    /// Stable lowercase name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Refused => "refused",
        }
    }
}
impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl std::str::FromStr for ConnectionState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Requested, Self::Opening, Self::Open, Self::Closing, Self::Closed, Self::Refused]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a connection state"))
    }
}
