//! Legal entities.

use serde::{Deserialize, Serialize};

use crate::InstitutionId;

/// A name as people read it, in both languages (X5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalizedName {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// A legal entity (法人・機関): responsibility ends here, and so do agreements and the ban on relaying (G7, G12).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Institution {
    /// Its id.
    pub id: InstitutionId,
    /// Its name.
    pub name: LocalizedName,
}
