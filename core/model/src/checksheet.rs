//! What people answered of a site (チェックシート, G11; guideline section 6.1). The sheets themselves, and what a machine
//! finds, are `core/checksheet`'s.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{SiteId, SiteModel, Timestamp};

/// Which text of the sheets is answered: numbers mean something else in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CheckEdition {
    /// The guideline of the HEASNET consortium, 2007.
    #[serde(rename = "heasnet-2007")]
    Heasnet2007,
}

impl CheckEdition {
    /// Stable name, as documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heasnet2007 => "heasnet-2007",
        }
    }
}

/// Number of an item in its sheet (項目), `2-3-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckItem {
    /// Before the first line, from 1.
    pub chapter: u8,
    /// Between the lines, from 1.
    pub group: u8,
    /// After the second line, from 1.
    pub item: u8,
}

impl CheckItem {
    /// Of three numbers, each from 1 to 99.
    pub const fn new(chapter: u8, group: u8, item: u8) -> Self {
        Self { chapter, group, item }
    }
}

/// Why a text is not the number of an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number of an item like 2-3-1")]
pub struct CheckItemError(pub String);

impl FromStr for CheckItem {
    type Err = CheckItemError;
    fn from_str(text: &str) -> Result<Self, CheckItemError> {
        let wrong = || CheckItemError(text.to_owned());
        let mut numbers = text.split('-').map(|part| part.parse::<u8>().ok().filter(|n| (1..=99).contains(n)));
        let mut next = || numbers.next().flatten().ok_or_else(wrong);
        let item = Self::new(next()?, next()?, next()?);
        // One way to write each: 2-3-1, never 2-03-1 or +2-3-1.
        if item.to_string() == text { Ok(item) } else { Err(wrong()) }
    }
}
impl fmt::Display for CheckItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.chapter, self.group, self.item)
    }
}
impl TryFrom<String> for CheckItem {
    type Error = CheckItemError;
    fn try_from(text: String) -> Result<Self, CheckItemError> {
        text.parse()
    }
}
impl From<CheckItem> for String {
    fn from(item: CheckItem) -> String {
        item.to_string()
    }
}

/// What somebody says to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckSay {
    /// It is so.
    Yes,
    /// It is not.
    No,
    /// There is nothing here that it asks about; the evidence says why.
    DoesNotApply,
}

impl CheckSay {
    /// All.
    pub const ALL: [Self; 3] = [Self::Yes, Self::No, Self::DoesNotApply];

    /// Stable name, as documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::DoesNotApply => "does-not-apply",
        }
    }
}

/// A recorded answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckAnswer {
    /// What.
    pub answer: CheckSay,
    /// Who said it, as records name them.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What it rests on: a paper, a setting, the reason why it does not apply.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
}

/// The answers of a site's people. What is not in it was not answered; nothing is answered by default.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksheet {
    /// The site.
    pub site: SiteId,
    /// The sheet that was answered: of another model than the site's it says nothing of it.
    pub model: SiteModel,
    /// Which text of it.
    pub edition: CheckEdition,
    /// By number.
    #[serde(default)]
    pub answers: BTreeMap<CheckItem, CheckAnswer>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_item_is_written_in_one_way() {
        assert_eq!("2-3-1".parse(), Ok(CheckItem::new(2, 3, 1)));
        for wrong in ["", "2-3", "2-3-1-1", "2-3-01", "0-1-1", "2-3-100", "+2-3-1", "2-3-x", "2--1", " 2-3-1", "２-3-1"]
        {
            assert_eq!(wrong.parse::<CheckItem>(), Err(CheckItemError(wrong.into())), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_item_or_none(text in "[0-9+-]{0,9}|\\PC{0,9}") {
            if let Ok(item) = text.parse::<CheckItem>() {
                prop_assert_eq!(item.to_string(), text);
            }
        }
    }
}
