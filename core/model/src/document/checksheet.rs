//! `[checksheet]`: what people answered of the site.

use serde::Deserialize;
use std::collections::BTreeMap;

use super::{Fault, fault};
use crate::{CheckAnswer, CheckEdition, CheckItem, CheckSay, Checksheet, DocumentFault, SiteId, SiteModel};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChecksheet {
    /// Needed only where the document does not bring the site itself.
    site: Option<SiteId>,
    model: SiteModel,
    edition: CheckEdition,
    #[serde(default)]
    answer: BTreeMap<CheckItem, CheckAnswer>,
}

impl RawChecksheet {
    /// `described`: the site that the document brings.
    pub fn into_checksheet(self, described: Option<&SiteId>) -> Result<Checksheet, Fault> {
        let place = "[checksheet]";
        let site = match (self.site, described) {
            (Some(named), Some(site)) if named != *site => {
                let (named, site) = (named.to_string(), site.to_string());
                return Err(fault(place, DocumentFault::ChecksheetElsewhere { named, site }));
            }
            (Some(named), _) => named,
            (None, Some(site)) => site.clone(),
            (None, None) => return Err(fault(place, DocumentFault::MissingField { field: "site".into() })),
        };
        for (item, answer) in &self.answer {
            let place = format!("[checksheet.answer] {item}");
            if answer.by.trim().is_empty() {
                return Err(fault(place, DocumentFault::AnswerOfNobody {}));
            }
            if answer.answer == CheckSay::DoesNotApply && answer.evidence.trim().is_empty() {
                return Err(fault(place, DocumentFault::AnswerUnreasoned {}));
            }
        }
        Ok(Checksheet { site, model: self.model, edition: self.edition, answers: self.answer })
    }
}
