//! What a terminal must be, read from data.

use serde::Deserialize;
use std::fmt;

use crate::facts::{LineKind, Os, Platform};
use crate::sign::like;
use crate::verdict::Outcome;
use crate::version::compare;

const SHIPPED: &str = include_str!("../rules/terminal.toml");

/// Requirements of systems, disks, lines and ports.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Which edition of the source, and of our reading of it.
    pub edition: String,
    /// What it means that a system's maker mends it no longer.
    pub(crate) ended: Outcome,
    pub(crate) os: Vec<OsRule>,
    pub(crate) disk: Disk,
    pub(crate) line: Vec<LineRule>,
    /// What must pass.
    pub ports: Ports,
}

/// A system that is admitted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OsRule {
    pub platform: Platform,
    #[serde(default)]
    pub id: String,
    pub name: String,
    pub from: String,
    #[serde(default)]
    pub below: Option<String>,
    #[serde(default)]
    pub not_edition: Option<String>,
    /// The day its maker stopped mending it.
    #[serde(default)]
    pub ended: Option<String>,
    /// Not in the source.
    #[serde(default)]
    #[allow(dead_code, reason = "for who reads the file")]
    pub added: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disk {
    windows: u64,
    macos: u64,
    linux: u64,
}

impl Disk {
    pub fn wanted(&self, platform: Platform) -> u64 {
        match platform {
            Platform::Windows => self.windows,
            Platform::Macos => self.macos,
            Platform::Linux => self.linux,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineRule {
    pub kind: LineKind,
    pub outcome: Outcome,
}

/// Ports of the center.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// TCP.
    pub tcp: u16,
    /// UDP, IKE.
    pub ike: u16,
    /// UDP, IKE and ESP where addresses are translated.
    pub nat_traversal: u16,
}

/// A file of rules that cannot be used; its author's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError(pub(crate) String);

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rules: {}", self.0)
    }
}
impl std::error::Error for RulesError {}

impl Rules {
    /// Those that come with the product.
    pub fn shipped() -> Self {
        Self::read(SHIPPED).expect("a test reads them")
    }

    /// An operator's own.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn read(text: &str) -> Result<Self, RulesError> {
        let rules: Self = toml::from_str(text).map_err(|e| RulesError(e.to_string()))?;
        for kind in LineKind::ALL {
            if rules.line.iter().filter(|rule| rule.kind == *kind).count() != 1 {
                return Err(RulesError(format!("one [[line]] for `{kind}`")));
            }
        }
        Ok(rules)
    }

    /// The row that admits a system.
    pub(crate) fn admits(&self, os: &Os) -> Option<&OsRule> {
        self.os.iter().find(|rule| {
            let edition = os.edition.as_deref().unwrap_or_default();
            rule.platform == os.platform
                && rule.id == os.id
                && compare(&os.version, &rule.from).is_ge()
                && rule.below.as_ref().is_none_or(|below| compare(&os.version, below).is_lt())
                && rule.not_edition.as_ref().is_none_or(|not| !like(not, edition))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rules_can_be_read_and_faulty_ones_are_told() {
        let rules = Rules::shipped();
        assert_eq!((rules.ports.tcp, rules.ports.ike, rules.ports.nat_traversal), (443, 500, 4500));
        let without = SHIPPED.replace("kind = \"adsl\"", "kind = \"fiber\"");
        assert!(Rules::read(&without).unwrap_err().to_string().contains("fiber"));
        assert!(Rules::read(&SHIPPED.replace("edition =", "editions =")).is_err());
    }
}
