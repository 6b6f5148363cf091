//! Typed ids. Names chosen by people are lowercase words; numbers given by the registry are newtypes. Names are shared,
//! not copied: plans, tables and ledgers name the same few sites and hosts a million times.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}: use 1 to 63 of a-z, 0-9 and `-`, starting with a letter or digit")]
pub struct IdError {
    /// Which id was expected.
    pub kind: &'static str,
    /// What was found.
    pub text: String,
}

fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_name(text) { Ok(Self(text.into())) } else { Err(IdError { kind: $kind, text: text.to_owned() }) }
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> { text.parse() }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.0.as_ref().to_owned() }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )*};
}

names! {
    /// A legal entity (法人・機関).
    InstitutionId = "institution id";
    /// A place with a gate (拠点).
    SiteId = "site id";
    /// An addressed endpoint, named within its site.
    HostId = "host id";
    /// A VLAN with its prefix, named within its site.
    SegmentId = "segment id";
    /// An in-house switch, named within its site.
    SwitchId = "switch id";
    /// A WAN line (回線), named within its site.
    LineId = "line id";
    /// What a piece of equipment is for (機器種別), e.g. `claims-terminal`; services admit kinds, sites give them.
    DeviceKind = "device kind";
    /// Services that share a circuit (排他グループ): while an exclusive one is open at a site, the others are not.
    GroupId = "exclusivity group";
}

macro_rules! pairs {
    ($($(#[$doc:meta])* $name:ident { $a:ident: $A:ident, $b:ident: $B:ident } = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name {
            /// Before the slash.
            pub $a: $A,
            /// After the slash.
            pub $b: $B,
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError { kind: $kind, text: text.to_owned() };
                let (a, b) = text.split_once('/').ok_or_else(wrong)?;
                Ok(Self { $a: a.parse().map_err(|_| wrong())?, $b: b.parse().map_err(|_| wrong())? })
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> { text.parse() }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.to_string() }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}/{}", self.$a, self.$b) }
        }
    )*};
}

pairs! {
    /// A host anywhere in the network, `site/host`.
    HostRef { site: SiteId, host: HostId } = "host reference `site/host`";
    /// A service, `institution/name`.
    ServiceId { institution: InstitutionId, name: HostId } = "service id `institution/name`";
}

/// A contract number as institutions write it, e.g. `A-0012`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgreementId(Arc<str>);

impl AgreementId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl FromStr for AgreementId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let ok = (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if ok { Ok(Self(text.into())) } else { Err(IdError { kind: "agreement id", text: text.to_owned() }) }
    }
}
impl TryFrom<String> for AgreementId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}
impl From<AgreementId> for String {
    fn from(id: AgreementId) -> String {
        id.0.as_ref().to_owned()
    }
}
impl fmt::Display for AgreementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a grant, given by the registry, never used twice. Fits in the 48 low bits of a flow cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantId(pub u64);

impl GrantId {
    /// Largest number a flow cookie can carry.
    pub const MAX: u64 = (1 << 48) - 1;
}
impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g-{}", self.0)
    }
}
impl FromStr for GrantId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix("g-")
            .and_then(|n| n.parse().ok())
            .filter(|n| *n <= Self::MAX)
            .map(Self)
            .ok_or_else(|| IdError { kind: "grant id `g-<number>`", text: text.to_owned() })
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}{}", $prefix, self.0) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .and_then(|n| n.parse().ok())
                    .map(Self)
                    .ok_or_else(|| IdError { kind: $kind, text: text.to_owned() })
            }
        }
    )*};
}

numbers! {
    /// A person's session at a terminal, never used twice.
    SessionId = "s-", "session id `s-<number>`";
    /// A question to a provider whether somebody agrees, never used twice.
    ApprovalId = "q-", "approval id `q-<number>`";
}

/// Number of a site's wanted state. A plan leads from its parent to the next; a gate refuses any other parent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// The one that follows.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
