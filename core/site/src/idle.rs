//! Lines nobody uses (アイドル): judged by the counters that every reading of the switch brings, never by a poll a grant.

use model::{Grant, GrantId, Timestamp};
use std::collections::BTreeMap;

use crate::event::earlier;
use crate::passages::LATE_MS;

/// At the least so long lie between two readings that this asks for, however many lines fall idle.
const BETWEEN_MS: i64 = 1_000;

#[derive(Debug)]
struct Watched {
    idle_ms: i64,
    packets: u64,
    active_at: Timestamp,
    said: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Idle {
    watched: BTreeMap<GrantId, Watched>,
    /// When the switch must be read, if it is not read before.
    next: Option<Timestamp>,
}

impl Idle {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Watches a grant if it has an idle time; its clock begins now.
    pub(crate) fn watch(&mut self, grant: &Grant, now: Timestamp) {
        let Some(idle_ms) = grant.idle_ms else { return };
        let watched = Watched { idle_ms, packets: 0, active_at: now, said: false };
        self.next = earlier(self.next, Some(watched.due()));
        self.watched.insert(grant.id, watched);
    }

    pub(crate) fn forget(&mut self, grant: GrantId) {
        self.watched.remove(&grant);
    }

    /// A reading came. Returns the grants that fell idle; each is said once.
    pub(crate) fn read(&mut self, packets: impl Fn(GrantId) -> u64, now: Timestamp) -> Vec<GrantId> {
        let mut fallen = Vec::new();
        for (id, watched) in &mut self.watched {
            let counted = packets(*id);
            if counted != watched.packets {
                watched.packets = counted;
                watched.active_at = now;
                watched.said = false;
            } else if !watched.said && watched.due() <= now {
                watched.said = true;
                fallen.push(*id);
            }
        }
        let due = self.watched.values().filter(|w| !w.said).map(Watched::due).min();
        self.next = due.map(|at| at.max(now.plus_ms(BETWEEN_MS)));
        fallen
    }

    /// True if the switch must be read now.
    pub(crate) fn must_read(&mut self, now: Timestamp) -> bool {
        let must = self.next.is_some_and(|at| at <= now);
        if must {
            self.next = Some(now.plus_ms(BETWEEN_MS));
        }
        must
    }

    /// The center did not hear what was said, or lost it.
    pub(crate) fn say_again(&mut self, now: Timestamp) {
        for watched in self.watched.values_mut().filter(|w| w.said) {
            watched.said = false;
            self.next = Some(now);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.next
    }
}

impl Watched {
    fn due(&self) -> Timestamp {
        self.active_at.plus_ms(self.idle_ms.saturating_add(LATE_MS))
    }
}
