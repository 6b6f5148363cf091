//! Why something was refused, as data.

use model::Section;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{Arg, Texts};

/// One reason of a refusal: what happened, in whose section, what to do.
///
/// Its texts are `key` (what happened), `note` (who answers for it) and `key` + `-do` (the remedy); all three may use
/// every argument.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code, e.g. `D017`.
    pub code: String,
    /// Whose section it lies in (N12).
    pub section: Section,
    /// Key of the text.
    pub key: String,
    /// Key of the text that says who in that section answers for it; the section's name alone if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Values the texts mention.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, Arg>,
}

/// The three lines a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonLines {
    /// After `refused`: code and what happened.
    pub refused: String,
    /// After `section`: whose section, and who answers for it.
    pub section: String,
    /// After `do`: the remedy.
    pub remedy: String,
}

impl Reason {
    /// Key of the remedy.
    pub fn remedy_key(&self) -> String {
        format!("{}-do", self.key)
    }

    /// The three lines in the reader's language.
    pub fn lines(&self, texts: &Texts) -> ReasonLines {
        let args: Vec<(&str, Arg)> = self.args.iter().map(|(name, arg)| (name.as_str(), arg.clone())).collect();
        let section = texts.say(self.section.key(), &[]);
        ReasonLines {
            refused: format!("{} {}", self.code, texts.say(&self.key, &args)),
            section: match &self.note {
                None => section,
                Some(note) => texts
                    .say("section-with-note", &[("section", section.into()), ("note", texts.say(note, &args).into())]),
            },
            remedy: texts.say(&self.remedy_key(), &args),
        }
    }
}
