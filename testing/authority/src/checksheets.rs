//! Checksheets that pass, for tests of what comes after (G12): every question that a person is asked is answered yes.

use checksheet::Sheet;
use model::{
    CheckAnswer, CheckEdition, CheckSay, Checksheet, Document, Network, Site, SiteId, SiteModel, Timestamp,
    write_document,
};
use std::collections::BTreeMap;

/// Sheets of all sites of a network, as [`Network::checksheets`] holds them.
pub fn answered_checksheets(network: &Network) -> BTreeMap<SiteId, Checksheet> {
    network.sites.values().map(|site| (site.id.clone(), answered_checksheet(site))).collect()
}

/// The sheet of a site.
pub fn answered_checksheet(site: &Site) -> Checksheet {
    sheet(site.id.clone(), site.model)
}

/// `[checksheet]` of a site of this model, to be put into its document: before `[[host]]` and the like, or behind all.
///
/// # Panics
/// On an id that is none.
pub fn checksheet_text(site: &str, model: SiteModel) -> String {
    let site = site.parse().unwrap_or_else(|_| panic!("`{site}` is not the id of a site"));
    let document = Document { checksheet: Some(sheet(site, model)), ..Document::default() };
    write_document(&document).expect("nouns are JSON")
}

fn sheet(site: SiteId, model: SiteModel) -> Checksheet {
    let yes = CheckAnswer {
        answer: CheckSay::Yes,
        by: "10000001".to_owned(),
        // 2026-11-20T01:00:00Z.
        at: Timestamp(1_795_136_400_000),
        evidence: "a test says so".to_owned(),
    };
    let answers = Sheet::of(model).asks().map(|item| (item.id, yes.clone())).collect();
    Checksheet { site, model, edition: CheckEdition::Heasnet2007, answers }
}
