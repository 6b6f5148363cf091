//! What is installed, and which permits were used: one file, replaced as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use equipment::{Name, Package, SignedPermit};
use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Refused;

/// An application on the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// The permit it was taken with, so that it can be verified again.
    pub permit: SignedPermit,
    /// When it was taken.
    pub at: Timestamp,
}

impl Installed {
    /// Its octets.
    pub fn package(&self) -> &Package {
        &self.permit.permit.package
    }
}

/// Numbers of permits, by who issued them: two registration centres may give the same number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Register {
    pub installed: BTreeMap<Name, Installed>,
    pub used: BTreeSet<(Name, Name)>,
}

impl Register {
    /// A register that is not there is empty; one that is there must be whole.
    pub(crate) fn read(path: &Path) -> Result<Self, Refused> {
        match std::fs::read(path) {
            Ok(octets) => serde_json::from_slice(&octets)
                .map_err(|error| Refused::Register { path: path.to_owned(), said: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Refused::file(path)(error)),
        }
    }

    pub(crate) fn use_up(&mut self, permit: &SignedPermit) -> Result<(), Refused> {
        let permit = &permit.permit;
        if self.used.insert((permit.issuer.clone(), permit.number.clone())) {
            return Ok(());
        }
        Err(Refused::NumberUsed { number: permit.number.to_string(), issuer: permit.issuer.to_string() })
    }
}
