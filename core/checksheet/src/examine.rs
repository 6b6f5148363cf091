//! A site's sheet, item by item, with what each answer rests on: for pages, programs and paper.

use model::{CheckAnswer, CheckItem, Network, Site, SiteId};

use crate::probe::{Evidence, Outcome};
use crate::sheet::{Group, Item, Judged, Sheet};
use crate::verdict::{State, Verdict, judge, not_asked, shares_a_line, skipped, state};

/// A site's sheet as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The sheet of the site's model.
    pub sheet: &'static Sheet,
    /// Every group with its items.
    pub groups: Vec<(&'static Group, Vec<Finding>)>,
    /// Answers to what the sheet asks nobody.
    pub not_asked: Vec<CheckItem>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// An item as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The item.
    pub item: &'static Item,
    /// How it stands.
    pub standing: Standing,
    /// Who says so.
    pub basis: Basis,
}

/// How an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is met.
    Met,
    /// It is not met.
    Unmet,
    /// Nobody answered it yet.
    Open,
    /// There is nothing that it asks about.
    NotApplicable,
    /// An earlier answer leads past it (2-1-1).
    Skipped,
    /// It is judged for each peer.
    PerPeer,
}

impl Standing {
    /// Stable name, also of its text `checksheet-standing-…`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unmet => "unmet",
            Self::Open => "open",
            Self::NotApplicable => "not-applicable",
            Self::Skipped => "skipped",
            Self::PerPeer => "per-peer",
        }
    }
}

/// What a standing rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// On what the machine found.
    Machine(Evidence),
    /// On what somebody answered.
    Person(CheckAnswer),
    /// On nothing: nobody answered, or nobody is asked here.
    Nothing,
}

/// A site's sheet, whole; nothing if there is no such site.
pub fn examine(network: &Network, site: &SiteId) -> Option<Examined> {
    let site = network.sites.get(site)?;
    let sheet = Sheet::of(site.model);
    // Answers of another sheet are answers to other questions.
    let answers = network.checksheets.get(&site.id).filter(|answers| answers.model == site.model);
    let shared = shares_a_line(network, site);
    let finding = |item: &'static Item| {
        let state = state(item, shared, network, site, answers);
        let answer = answers.and_then(|sheet| sheet.answers.get(&item.id));
        let (standing, basis) = told(item, state, answer, shared, network, site);
        Finding { item, standing, basis }
    };
    let groups = sheet.groups.iter().map(|group| (group, group.items.iter().map(finding).collect())).collect();
    let not_asked = answers.map(|answers| not_asked(sheet, answers)).unwrap_or_default();
    Some(Examined { sheet, groups, not_asked, verdict: judge(network, &site.id) })
}

fn told(
    item: &Item,
    state: State,
    answer: Option<&CheckAnswer>,
    shared: bool,
    network: &Network,
    site: &Site,
) -> (Standing, Basis) {
    let standing = match state {
        State::Met => Standing::Met,
        State::Unmet => Standing::Unmet,
        State::Open => Standing::Open,
        State::Aside => Standing::Skipped,
    };
    match item.judged {
        Judged::Peer(_) => (Standing::PerPeer, Basis::Nothing),
        Judged::Machine(_) if skipped(item, shared, site.model) => (Standing::Skipped, Basis::Nothing),
        Judged::Machine(probe) => {
            let absent = probe.outcome(network, site) == Outcome::Absent;
            (if absent { Standing::NotApplicable } else { standing }, Basis::Machine(probe.evidence(network, site)))
        }
        Judged::Person { unless, .. } => match (answer, unless) {
            (Some(answer), _) => {
                let waived = state == State::Met && answer.answer == model::CheckSay::DoesNotApply;
                (if waived { Standing::NotApplicable } else { standing }, Basis::Person(answer.clone()))
            }
            (None, Some(absence)) if state == State::Met => {
                (Standing::NotApplicable, Basis::Machine(Evidence { key: absence.key(), what: Vec::new() }))
            }
            (None, _) => (standing, Basis::Nothing),
        },
    }
}

#[cfg(test)]
mod tests;
