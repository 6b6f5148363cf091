//! Families of software that hinder a VPN, and the signs they are seen by, read from data.

use serde::Deserialize;
use std::collections::BTreeSet;

use crate::facts::Platform;
use crate::rules::RulesError;
use crate::sign::Sign;
use crate::verdict::Outcome;

const SHIPPED: &str = include_str!("../rules/conflicts.toml");

/// The source's table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Families {
    /// Which edition of the source, and of our reading of it.
    pub edition: String,
    family: Vec<Family>,
}

/// One of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its number in the source.
    pub number: u8,
    /// Its word in our texts: `preflight-family-…`.
    pub key: String,
    /// Its name in the source.
    pub name: String,
    /// What it means that it is there.
    pub outcome: Outcome,
    /// Nothing is said of it if every port was seen to pass.
    #[serde(default)]
    pub unless_all_passes: bool,
    windows: Vec<Sign>,
    macos: Vec<Sign>,
    linux: Vec<Sign>,
}

impl Family {
    /// The signs of it on a platform; none if it does not exist there.
    pub fn signs(&self, platform: Platform) -> &[Sign] {
        match platform {
            Platform::Windows => &self.windows,
            Platform::Macos => &self.macos,
            Platform::Linux => &self.linux,
        }
    }
}

impl Families {
    /// Those that come with the product.
    pub fn shipped() -> Self {
        Self::read(SHIPPED).expect("a test reads them")
    }

    /// An operator's own.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn read(text: &str) -> Result<Self, RulesError> {
        let families: Self = toml::from_str(text).map_err(|e| RulesError(e.to_string()))?;
        let numbers: BTreeSet<u8> = families.family.iter().map(|f| f.number).collect();
        if numbers.len() != families.family.len() {
            return Err(RulesError("a number of a family is used twice".to_owned()));
        }
        if let Some(family) = families.family.iter().find(|f| matches!(f.outcome, Outcome::Holds | Outcome::Unknown)) {
            return Err(RulesError(format!("family {}: it warns or it fails", family.number)));
        }
        Ok(families)
    }

    /// In the source's order.
    pub fn all(&self) -> &[Family] {
        &self.family
    }

    /// Paths to look for on a platform.
    pub fn files(&self, platform: Platform) -> BTreeSet<&str> {
        self.family.iter().flat_map(|f| f.signs(platform)).flat_map(Sign::files).collect()
    }
}
