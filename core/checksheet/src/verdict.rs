//! Does a site pass its sheet?

use model::{CheckItem, CheckSay, Checksheet, Network, Site, SiteId, SiteModel};

use crate::probe::{Outcome, Probe};
use crate::sheet::{Item, Judged, Sheet};

/// What a sheet comes to, 1-1-x aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every item that applies is met.
    Passes,
    /// The site, or its sheet, is not there.
    Missing,
    /// What was answered is the sheet of another model.
    OtherModel(SiteModel),
    /// These are not met, in the order of the sheet.
    Lacks(Vec<CheckItem>),
}

impl Verdict {
    /// Does it pass?
    pub fn passes(&self) -> bool {
        *self == Self::Passes
    }
}

/// Judges the sheet of a site. Cheap enough to be asked at every opening: one walk over the items, and over rules only
/// where an item is about them.
pub fn judge(network: &Network, site: &SiteId) -> Verdict {
    match (network.sites.get(site), network.checksheets.get(site)) {
        (Some(site), Some(answers)) => judge_answers(network, site, answers),
        _ => Verdict::Missing,
    }
}

/// What the sheet of a site would come to with these answers.
pub fn judge_answers(network: &Network, site: &Site, answers: &Checksheet) -> Verdict {
    if answers.model != site.model {
        return Verdict::OtherModel(answers.model);
    }
    let sheet = Sheet::of(site.model);
    let shared = shares_a_line(network, site);
    let unmet =
        |item: &&'static Item| !matches!(state(item, shared, network, site, Some(answers)), State::Met | State::Aside);
    let mut lacks: Vec<CheckItem> = sheet.items().filter(unmet).map(|item| item.id).collect();
    lacks.extend(not_asked(sheet, answers));
    if lacks.is_empty() {
        return Verdict::Passes;
    }
    lacks.sort();
    Verdict::Lacks(lacks)
}

/// How an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is met, or does not apply.
    Met,
    /// It is not.
    Unmet,
    /// Nobody answered it.
    Open,
    /// It is passed over: the sheet leads on to a later group, or it is judged per peer.
    Aside,
}

pub(crate) fn shares_a_line(network: &Network, site: &Site) -> bool {
    Probe::SharedLine.outcome(network, site) == Outcome::Holds
}

pub(crate) fn state(item: &Item, shared: bool, network: &Network, site: &Site, answers: Option<&Checksheet>) -> State {
    match item.judged {
        Judged::Peer(_) => State::Aside,
        Judged::Machine(_) if skipped(item, shared, site.model) => State::Aside,
        Judged::Machine(probe) => match probe.outcome(network, site) {
            Outcome::Holds | Outcome::Absent | Outcome::No => State::Met,
            Outcome::Breaks => State::Unmet,
        },
        Judged::Person { unless, waivable } => {
            let absent = || unless.is_some_and(|absence| absence.is_so(network, site));
            // The answer first: it is at hand, what is absent must be looked for.
            match answers.and_then(|sheet| sheet.answers.get(&item.id)).map(|answer| answer.answer) {
                Some(CheckSay::Yes) => State::Met,
                // What applies to everybody is not met by saying that it does not.
                Some(CheckSay::DoesNotApply) if waivable || absent() => State::Met,
                Some(CheckSay::No | CheckSay::DoesNotApply) => State::Unmet,
                None if absent() => State::Met,
                None => State::Open,
            }
        }
    }
}

/// "No" at 2-1-1 leads on to 2-3; the sheet of providers has no such question.
pub(crate) fn skipped(item: &Item, shared: bool, model: SiteModel) -> bool {
    !shared && model != SiteModel::ServiceProvider && (item.id.chapter, item.id.group) == (2, 2)
}

/// Answers to what no person is asked: a slip of the pen must not look like an answer.
pub(crate) fn not_asked(sheet: &Sheet, answers: &Checksheet) -> Vec<CheckItem> {
    let asked = |id: &CheckItem| sheet.item(*id).is_some_and(|item| matches!(item.judged, Judged::Person { .. }));
    let stray = |id: &&CheckItem| !asked(id);
    answers.answers.keys().filter(stray).copied().collect()
}
