//! What is said of a terminal.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How it stands with one thing, or with all; the later the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As wanted.
    Holds,
    /// It may do, and something should be known.
    Warns,
    /// Not known: somebody must be asked, or something be tried.
    Unknown,
    /// The terminal cannot join like this.
    Fails,
}

impl Outcome {
    /// Fluent key of its word.
    pub fn key(self) -> &'static str {
        match self {
            Self::Holds => "preflight-holds",
            Self::Warns => "preflight-warns",
            Self::Unknown => "preflight-unknown",
            Self::Fails => "preflight-fails",
        }
    }
}

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// The line to the Internet.
    Line,
    /// The system and its disk.
    Terminal,
    /// Other software.
    Software,
    /// What passes to the center.
    Passage,
}

impl Group {
    /// All, in the order they are told.
    pub const ALL: [Self; 4] = [Self::Line, Self::Terminal, Self::Software, Self::Passage];

    /// Fluent key of its title.
    pub fn key(self) -> &'static str {
        match self {
            Self::Line => "preflight-group-line",
            Self::Terminal => "preflight-group-terminal",
            Self::Software => "preflight-group-software",
            Self::Passage => "preflight-group-passage",
        }
    }
}

/// One thing, how it stands, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Stable name: `line`, `os`, `disk`, `family-11`, `tcp-443`, `udp-500`, `udp-4500`, `esp`, `nat`.
    pub item: String,
    /// What it is about.
    pub group: Group,
    /// How it stands.
    pub outcome: Outcome,
    /// Fluent key of what was found.
    pub key: String,
    /// Fluent key of what to do, unless it holds.
    pub mend: Option<String>,
    /// Values for both.
    pub args: BTreeMap<&'static str, String>,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Editions of the rules it was judged by.
    pub rules: [String; 2],
    /// The worst of all.
    pub outcome: Outcome,
    /// Of each thing, in the order of the source.
    pub verdicts: Vec<Verdict>,
}

impl Report {
    /// Of one thing.
    pub fn of(&self, item: &str) -> Option<&Verdict> {
        self.verdicts.iter().find(|v| v.item == item)
    }
}
