//! Demarcation of responsibility (N12).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Whose section a fault or a refusal lies in (責任区間, N12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// The person, the card or the terminal (端末).
    Terminal,
    /// The institution's own network and its policy (院内 LAN).
    InHouseLan,
    /// The line from the site to the carrier (アクセス回線).
    AccessLine,
    /// The operator of the centre (ネットワーク事業者).
    Operator,
    /// The institution at the other end (相手施設).
    Peer,
    /// The service itself (サービス).
    Service,
}

impl Section {
    /// All sections, from the person outwards.
    pub const ALL: [Self; 6] =
        [Self::Terminal, Self::InHouseLan, Self::AccessLine, Self::Operator, Self::Peer, Self::Service];

    /// Stable key of its text.
    pub fn key(self) -> &'static str {
        match self {
            Self::Terminal => "section-terminal",
            Self::InHouseLan => "section-in-house-lan",
            Self::AccessLine => "section-access-line",
            Self::Operator => "section-operator",
            Self::Peer => "section-peer",
            Self::Service => "section-service",
        }
    }
}
impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key().trim_start_matches("section-"))
    }
}
