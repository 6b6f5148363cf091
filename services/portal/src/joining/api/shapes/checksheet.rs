//! A checksheet as it goes in and out (G11).

use checksheet::{Basis, Verdict};
use registration::ChecksheetView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use texts::Arg;

use super::At;
use crate::reader::Reader;

/// Answers to a checksheet, whole: an item left out is not answered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct AnswersGiven {
    /// `version` of the checksheet that was seen.
    pub version: String,
    /// The answers.
    pub answers: Vec<CheckAnswerGiven>,
    /// A sheet that passes may stop passing by this; lines of the site end with it. Without it that is refused (J114).
    #[serde(default)]
    pub may_end: bool,
}

/// An answer to an item that a person is asked. Who gave it, and when, is recorded by the center.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct CheckAnswerGiven {
    /// Number of the item, `2-3-1`.
    pub item: String,
    /// `yes`, `no` or `does-not-apply`.
    pub answer: String,
    /// What it rests on; the reason, if it does not apply.
    #[serde(default)]
    pub evidence: String,
}

/// The checksheet of a site.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct SiteChecksheet {
    /// Id of the site.
    site: String,
    /// Id of its institution in the network.
    institution: String,
    /// Whose sheet it is: `large`, `small` or `service-provider`.
    model: String,
    /// Which text of it, e.g. `heasnet-2007`.
    edition: String,
    /// Changes with every answer: whoever answers sends it back.
    version: String,
    /// Does it pass, 1-1-x aside? Those are judged for each other side.
    passes: bool,
    /// Numbers of the items that are not met; all of them while nothing was answered.
    lacking: Vec<String>,
    /// Every item, in order.
    items: Vec<SheetItem>,
}

/// An item of a checksheet, as it stands.
#[derive(Debug, Serialize, JsonSchema)]
struct SheetItem {
    /// Its number.
    item: String,
    /// What is asked.
    text: String,
    /// Section of the guideline that it comes from.
    source: String,
    /// Who answers: `machine`, `person` or `peer`.
    judged_by: String,
    /// `met`, `unmet`, `open`, `not-applicable`, `skipped` or `per-peer`.
    standing: String,
    /// Who answered, if a person did.
    by: Option<String>,
    /// When.
    at: Option<At>,
    /// What the answer rests on.
    evidence: String,
}

impl SiteChecksheet {
    pub fn of(view: ChecksheetView, reader: &Reader) -> Self {
        let (sheet, verdict) = (view.examined.sheet, &view.examined.verdict);
        let open = |found: &checksheet::Finding| {
            matches!(found.standing, checksheet::Standing::Open | checksheet::Standing::Unmet)
        };
        let findings = view.examined.groups.iter().flat_map(|(group, all)| all.iter().map(move |one| (*group, one)));
        let lacking = match verdict {
            Verdict::Passes => Vec::new(),
            Verdict::Lacks(items) => items.iter().map(ToString::to_string).collect(),
            Verdict::Missing | Verdict::OtherModel(_) => {
                findings.clone().filter(|(_, one)| open(one)).map(|(_, one)| one.item.id.to_string()).collect()
            }
        };
        let item = |(group, one): (&checksheet::Group, &checksheet::Finding)| SheetItem {
            item: one.item.id.to_string(),
            text: reader.say(&format!("checksheet-item-{}", one.item.key)),
            source: group.source.to_owned(),
            judged_by: match one.item.judged {
                checksheet::Judged::Peer(_) => "peer",
                checksheet::Judged::Machine(_) => "machine",
                checksheet::Judged::Person { .. } => "person",
            }
            .to_owned(),
            standing: one.standing.as_str().to_owned(),
            by: match &one.basis {
                Basis::Person(answer) => Some(answer.by.clone()),
                Basis::Machine(_) | Basis::Nothing => None,
            },
            at: match &one.basis {
                Basis::Person(answer) => Some(answer.at.into()),
                Basis::Machine(_) | Basis::Nothing => None,
            },
            evidence: match &one.basis {
                Basis::Person(answer) => answer.evidence.clone(),
                Basis::Machine(found) => {
                    let what = Arg::List(found.what.iter().map(Arg::text).collect());
                    reader.tell(&found.key, &[("what", what)])
                }
                Basis::Nothing => String::new(),
            },
        };
        Self {
            site: view.site.to_string(),
            institution: view.institution.to_string(),
            model: sheet.model.as_str().to_owned(),
            edition: sheet.edition.as_str().to_owned(),
            version: view.version.clone(),
            passes: verdict.passes(),
            items: findings.map(item).collect(),
            lacking,
        }
    }
}
