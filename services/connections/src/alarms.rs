//! What a gate complains of, for people: bounded, in memory. What must be proved later stands in the log.

use audit::{Event, ForeignChange};
use model::{SiteId, Timestamp};
use registry::Commit;
use std::collections::VecDeque;
use wire::api::{Alarm, AlarmKind};
use wire::link;

use crate::Center;
use crate::center::State;

/// Alarms kept per gate, the newest.
const KEPT: usize = 32;
/// How long they are shown.
const SHOWN_MS: i64 = 24 * 3600 * 1000;

/// The alarms of a gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alarms {
    all: VecDeque<(i32, Alarm)>,
    /// Evidence taken in lately: a gate says it again after a reconnect.
    taken: VecDeque<(i64, String)>,
}

impl Alarms {
    /// A fault, its end, or the sight of a foreign hand.
    pub fn heard(&mut self, m: &link::Fault, now: Timestamp) {
        if m.over {
            let faults = self.all.iter_mut().filter(|(place, a)| *place == m.place && a.kind == AlarmKind::Fault);
            faults.for_each(|(_, alarm)| alarm.over = alarm.over.or(Some(now)));
            return;
        }
        let kind = if m.foreign { AlarmKind::Foreign } else { AlarmKind::Fault };
        let same = |(place, alarm): &&mut (i32, Alarm)| {
            *place == m.place
                && alarm.kind == kind
                && alarm.over.is_none()
                && (kind == AlarmKind::Fault || alarm.detail == m.detail)
        };
        match self.all.iter_mut().find(same) {
            // A part that goes on failing is one alarm, in its last words.
            Some((_, alarm)) => alarm.detail.clone_from(&m.detail),
            None => self.push(m.place, Alarm { kind, since: now, over: None, detail: m.detail.clone() }),
        }
    }

    /// A foreign rule was undone. False if that was taken in before.
    fn undone(&mut self, m: &link::ForeignRule, change: ForeignChange) -> bool {
        let said = (m.mended_at, m.rule.clone());
        if self.taken.contains(&said) {
            return false;
        }
        if self.taken.len() == KEPT {
            self.taken.pop_front();
        }
        self.taken.push_back(said);
        let detail = format!("{}: {}", word(change), m.rule);
        let (since, over) = (Timestamp(m.since), Some(Timestamp(m.mended_at)));
        match self.all.iter_mut().find(|(_, a)| a.detail == detail && a.over.is_none()) {
            Some((_, alarm)) => (alarm.since, alarm.over) = (since, over),
            None => {
                let place = link::FaultPlace::Switch.into();
                self.push(place, Alarm { kind: AlarmKind::Foreign, since, over, detail });
            }
        }
        true
    }

    /// Those worth a look now, oldest first.
    pub fn lately(&self, now: Timestamp) -> Vec<Alarm> {
        let recent = |alarm: &&Alarm| alarm.over.unwrap_or(alarm.since).plus_ms(SHOWN_MS) > now;
        self.all.iter().map(|(_, alarm)| alarm).filter(recent).cloned().collect()
    }

    fn push(&mut self, place: i32, alarm: Alarm) {
        if self.all.len() == KEPT {
            self.all.pop_front();
        }
        self.all.push_back((place, alarm));
    }
}

/// Somebody wrote to a site's switch and the gate undid it: evidence (X1, G13).
pub(crate) async fn foreign_rule(center: &Center, state: &mut State, site: &SiteId, m: link::ForeignRule) {
    let change = match link::ForeignChange::try_from(m.change).unwrap_or_default() {
        link::ForeignChange::Added => ForeignChange::Added,
        link::ForeignChange::Modified => ForeignChange::Modified,
        link::ForeignChange::Deleted => ForeignChange::Deleted,
        link::ForeignChange::Unspecified => {
            tracing::warn!(%site, "a foreign change of no kind");
            return;
        }
    };
    let (Ok(table), Ok(priority)) = (u8::try_from(m.table), u16::try_from(m.priority)) else {
        tracing::warn!(%site, "a foreign rule outside every table");
        return;
    };
    let Some(gate) = state.gates.get_mut(site) else { return };
    if !gate.alarms.undone(&m, change) {
        return;
    }
    tracing::warn!(%site, change = word(change), rule = m.rule, "a foreign rule was undone");
    let event = Event::ForeignRule {
        site: site.clone(),
        change,
        table,
        priority,
        cookie: format!("{:#018x}", m.cookie),
        matching: m.r#match,
        rule: m.rule,
        since: Timestamp(m.since),
        seen_at: Timestamp(m.seen_at),
        removed_at: Timestamp(m.mended_at),
        stood_ms: u64::try_from(m.mended_at.saturating_sub(m.since)).unwrap_or(0),
        suppressed: m.suppressed,
    };
    if let Err(error) = center.commit(state, Commit::at(center.now()).event(event), None).await {
        tracing::error!(%site, %error, "a foreign rule could not be recorded");
    }
}

fn word(change: ForeignChange) -> &'static str {
    match change {
        ForeignChange::Added => "added",
        ForeignChange::Modified => "modified",
        ForeignChange::Deleted => "deleted",
    }
}
