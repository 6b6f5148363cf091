//! A device as the registration centre keeps it.

use model::{SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::{DeviceId, EquipmentRecord, SignedInformation};

/// How a device stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", deny_unknown_fields)]
pub enum DeviceStand {
    /// It may fetch certificates.
    Registered,
    /// Somebody revoked it; its certificates are being ended.
    Ending {
        /// When.
        at: Timestamp,
        /// By whom.
        by: String,
        /// Why: a name of RFC 5280 §5.3.1.
        reason: String,
    },
    /// It and every certificate of it are revoked.
    Revoked {
        /// When.
        at: Timestamp,
        /// By whom.
        by: String,
        /// Why.
        reason: String,
    },
}

impl DeviceStand {
    /// Its name; `equipment-stand-<name>` is the key of its text.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Ending { .. } => "ending",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// May it fetch certificates?
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Registered)
    }
}

/// A registered device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The id it was given.
    pub id: DeviceId,
    /// What its maker signed, so that it can be verified again.
    pub information: SignedInformation,
    /// When it was taken in.
    pub taken_at: Timestamp,
    /// By whom.
    pub taken_by: String,
    /// The site it stands at, if it stands at one.
    #[serde(default)]
    pub site: Option<SiteId>,
    /// How it stands.
    pub stand: DeviceStand,
    /// What was verified and answered.
    #[serde(default)]
    pub record: EquipmentRecord,
    /// Serial numbers of its first-tier certificates.
    #[serde(default)]
    pub first_tier: BTreeSet<String>,
    /// Serial numbers of gate certificates that were given to this device.
    #[serde(default)]
    pub second_tier: BTreeSet<String>,
}

impl Device {
    /// A device as it is taken in.
    pub fn taken_in(id: DeviceId, information: SignedInformation, at: Timestamp, by: &str) -> Self {
        Self {
            id,
            information,
            taken_at: at,
            taken_by: by.to_owned(),
            site: None,
            stand: DeviceStand::Registered,
            record: EquipmentRecord::default(),
            first_tier: BTreeSet::new(),
            second_tier: BTreeSet::new(),
        }
    }
}
