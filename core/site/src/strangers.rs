//! Rules on the switch that no plan put there: who is known to have come, and what is told of each, in bounded number.

use model::Timestamp;
use openflow::{ChangedFlow, FlowEvent, FlowStats, Role};
use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::conversion::{RuleBody, RuleKey};
use crate::event::{ForeignChange, ForeignRule, Outbox, Place, Report};

/// Reports a second, and how many may come at once: a flood is mended all the same, but told in numbers.
const REPORTS_PER_SECOND: i64 = 10;
const REPORT_BURST: i64 = 50;

/// What a foreign hand did to one entry.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub change: ForeignChange,
    /// The entry it concerns, as people write it.
    pub rule: String,
    pub cookie: u64,
    /// When it was done, as far as it is known.
    pub since: Timestamp,
}

#[derive(Debug)]
struct Stranger {
    act: Act,
    seen_at: Timestamp,
    told: bool,
}

/// Foreign changes that are seen and not yet mended.
#[derive(Debug)]
pub(crate) struct Strangers {
    open: BTreeMap<RuleKey, Stranger>,
    budget: Budget,
}

impl Strangers {
    pub(crate) fn new() -> Self {
        Self { open: BTreeMap::new(), budget: Budget::new(REPORTS_PER_SECOND, REPORT_BURST) }
    }

    /// Is what stands at this key somebody else's doing?
    pub(crate) fn knows(&self, key: &RuleKey) -> bool {
        self.open.contains_key(key)
    }

    /// Entries touched and not yet mended.
    pub(crate) fn keys(&self) -> Vec<RuleKey> {
        self.open.keys().cloned().collect()
    }

    /// The alarm, at sight. What came first at a key is told once it is mended.
    pub(crate) fn see(&mut self, key: &RuleKey, act: Act, now: Timestamp, out: &mut Outbox) {
        if self.open.contains_key(key) {
            return;
        }
        let told = self.budget.spend(now);
        if told {
            let what = format!("{}: {}", act.change.word(), act.rule);
            out.report(Report::Foreign { place: Place::Switch, what });
        }
        self.open.insert(key.clone(), Stranger { act, seen_at: now, told });
    }

    /// What stands at this key is what is wanted again; the evidence.
    pub(crate) fn mended(&mut self, key: &RuleKey, now: Timestamp, out: &mut Outbox) {
        let Some(Stranger { act, seen_at, told }) = self.open.remove(key) else { return };
        if !told {
            return;
        }
        out.report(Report::ForeignRule(Box::new(ForeignRule {
            change: act.change,
            table: key.table,
            priority: key.priority,
            cookie: act.cookie,
            matching: key.matching.to_string(),
            rule: act.rule,
            since: act.since,
            seen_at,
            mended_at: now,
            suppressed: self.budget.take_suppressed(),
        })));
    }

    /// The switch is gone: what stood there is read again when it comes back.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
    }
}

/// What the monitor told.
pub(crate) fn told(change: &ChangedFlow, now: Timestamp) -> Act {
    let change_kind = match change.event {
        FlowEvent::Added => ForeignChange::Added,
        FlowEvent::Modified => ForeignChange::Modified,
        FlowEvent::Deleted => ForeignChange::Deleted,
    };
    Act { change: change_kind, rule: change.to_string(), cookie: change.cookie, since: now }
}

/// What a reading found that was not there before.
pub(crate) fn found(entry: &FlowStats, before: Option<&RuleBody>, now: Timestamp) -> Act {
    match before {
        Some(_) => Act { change: ForeignChange::Modified, rule: entry.to_string(), cookie: entry.cookie, since: now },
        None => {
            let age = i64::from(entry.duration_s) * 1000 + i64::from(entry.duration_ns / 1_000_000);
            let since = Timestamp(now.0.saturating_sub(age));
            Act { change: ForeignChange::Added, rule: entry.to_string(), cookie: entry.cookie, since }
        }
    }
}

/// What a reading missed that nobody of us took away.
pub(crate) fn missed(key: &RuleKey, body: &RuleBody, now: Timestamp) -> Act {
    let add = crate::conversion::to_add(key, body);
    Act { change: ForeignChange::Deleted, rule: add.to_string(), cookie: body.cookie, since: now }
}

/// Another controller took the word.
pub(crate) fn usurper(role: Role, generation: u64) -> Report {
    let what = format!("another controller became master at election {generation}; this one is {role:?} now");
    Report::Foreign { place: Place::Switch, what }
}
