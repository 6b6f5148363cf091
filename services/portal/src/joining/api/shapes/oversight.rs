//! What operators see of submissions and of the client VPN.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{At, Keyed, Submission, most};
use crate::joining::VpnLine;
use crate::joining::review::submissions::Names;
use crate::reader::Reader;

/// Which submissions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct OverseenPart {
    /// In this state; in any if left out.
    pub state: Option<String>,
    /// Part of the institution's name or its reading.
    #[serde(default)]
    pub institution: String,
    /// Begun on this day or later, `2026-04-01`, in Japan.
    #[schemars(extend("format" = "date"))]
    pub from: Option<String>,
    /// Begun on this day or before.
    #[schemars(extend("format" = "date"))]
    pub until: Option<String>,
    /// Items at most.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: u16,
    /// The value of `next` that the part before ended with.
    #[serde(default)]
    pub after: String,
}

/// A submission and whose it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Overseen {
    /// Number of the institution.
    institution: String,
    /// Its name, if the directory has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    institution_name: Option<String>,
    /// The submission.
    submission: Submission,
}

impl Overseen {
    pub fn of(one: submissions::Overseen, names: &Names, reader: &Reader) -> Self {
        Self {
            institution_name: names.get(&one.institution).cloned(),
            institution: one.institution,
            submission: Submission::of(one.view, reader),
        }
    }
}

/// A line of the client VPN.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct ClientLine {
    /// VPN-ID.
    vpn: String,
    /// Name of the institution.
    institution_name: String,
    /// From where, outside.
    address: String,
    /// Its address inside.
    inside: String,
    /// The machine that was proved; a hyphen if none was.
    machine: String,
    /// Since when.
    since: At,
}

impl ClientLine {
    pub fn of(line: VpnLine) -> Self {
        let VpnLine { vpn, institution, address, inside, machine, since } = line;
        Self { vpn, institution_name: institution, address, inside, machine, since: since.into() }
    }
}

impl Keyed for ClientLine {
    fn key(&self) -> String {
        self.inside.clone()
    }
}
