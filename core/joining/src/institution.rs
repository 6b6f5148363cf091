//! Institutions of the directory (医療機関).

use serde::{Deserialize, Serialize};

use crate::{Prefecture, SearchKey};

/// Number of an institution in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstitutionId(pub i64);

/// An institution as the directory lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Institution {
    /// Its number.
    pub id: InstitutionId,
    /// Code of a medical institution (医療機関コード), ten digits: prefecture, kind, seven digits; empty if it has none.
    pub code: String,
    /// Where.
    pub prefecture: Prefecture,
    /// Name.
    pub name: String,
    /// Its reading in katakana.
    pub kana: String,
    /// Address without the prefecture.
    pub address: String,
}

impl Institution {
    /// What [`crate::Directory::build`] wants of it.
    pub fn keys(&self) -> (InstitutionId, Prefecture, SearchKey, SearchKey) {
        (self.id, self.prefecture, SearchKey::of(&self.name), SearchKey::of(&self.kana))
    }
}
