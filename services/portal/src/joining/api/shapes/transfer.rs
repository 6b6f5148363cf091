//! What is applied, as a file, and what a file changes.

use model::{Change, Changed};
use registration::Trial;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that is applied: `sekisho_export` (version), `checksum` and `network`. As it is, it can be imported.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("type" = "object"))]
pub(in crate::joining::api) struct Exported(pub serde_json::Value);

/// A file to be tried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct FileGiven {
    /// What was exported, or a document, as text.
    pub file: String,
    /// What faults call it.
    #[serde(default)]
    pub name: String,
}

/// The file that was tried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct TriedGiven {
    /// The same text.
    pub file: String,
    /// What faults call it.
    #[serde(default)]
    pub name: String,
    /// What the trial answered as `tried`.
    pub tried: String,
}

/// What a file changes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Transfer")]
pub(in crate::joining::api) struct TransferDone {
    /// Names the file and what was applied: only what was tried can be taken in.
    tried: String,
    /// Was it taken in? False after a trial.
    imported: bool,
    /// Thing by thing; empty if everything is applied already.
    changes: Vec<Thing>,
    /// Sites whose tables change.
    sites: Vec<String>,
    /// Live connections that end by it.
    ended: Vec<String>,
}

/// A thing that is not what it was.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Changed")]
struct Thing {
    /// `institution`, `site`, `service` or `agreement`.
    what: String,
    /// Its id.
    id: String,
    /// `added`, `changed` or `removed`.
    change: String,
    /// Which values differ, if it was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<Value>,
}

/// A value that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Difference")]
struct Value {
    /// Where, as the export names it, e.g. `hosts.exam-1.address`.
    place: String,
    /// What it was; absent if there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// What it is; absent if there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl TransferDone {
    pub fn of(trial: Trial, imported: bool) -> Self {
        Self {
            tried: trial.tried.to_string(),
            imported,
            changes: trial.changes.into_iter().map(Thing::of).collect(),
            sites: trial.sites.iter().map(ToString::to_string).collect(),
            ended: trial.ended.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Thing {
    fn of(one: Changed) -> Self {
        let change = one.change.as_str().to_owned();
        let differences = match one.change {
            Change::Changed(differences) => differences,
            Change::Added | Change::Removed => Vec::new(),
        };
        let value = |d: model::Difference| Value { place: d.place, before: d.before, after: d.after };
        let values = differences.into_iter().map(value).collect();
        Self { what: one.noun.as_str().to_owned(), id: one.id, change, values }
    }
}
