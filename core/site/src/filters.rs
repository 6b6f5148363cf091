//! The red namespace's filter: elements wanted, elements observed, and the difference as one transaction.

use model::{CookieOwner, Filter, GrantId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Outbox, Output, Place, Report};
use crate::nftables::{self, FilterElement, ObservedFilters, RedInterfaces};

const RETRY_MS: i64 = 1_000;
const ANSWER_MS: i64 = 15_000;

#[derive(Debug)]
enum Phase {
    Unread,
    Reading { until: Timestamp },
    Ready,
    Changing { change: u64, outcome: Outcome, until: Timestamp },
    Failed { retry_at: Timestamp },
}

/// What will stand if nft takes the script.
#[derive(Debug)]
enum Outcome {
    Whole(BTreeSet<FilterElement>),
    Difference { added: Vec<FilterElement>, removed: Vec<FilterElement> },
}

pub(crate) struct Filters {
    red: RedInterfaces,
    /// Each element with everyone who wants it.
    wanted: BTreeMap<FilterElement, BTreeSet<CookieOwner>>,
    observed: BTreeSet<FilterElement>,
    guard: bool,
    phase: Phase,
    suspects: BTreeSet<FilterElement>,
    elements_of: BTreeMap<GrantId, BTreeSet<FilterElement>>,
    /// What ended grants wanted, until it is seen to be gone.
    leaving: BTreeMap<GrantId, BTreeSet<FilterElement>>,
    audit_at: Timestamp,
    audit_ms: i64,
    number: u64,
    /// False until a state is known: a gate that forgot everything takes nothing away (X4).
    authoritative: bool,
}

impl Filters {
    pub(crate) fn new(red: RedInterfaces, audit_ms: i64) -> Self {
        Self {
            red,
            wanted: BTreeMap::new(),
            observed: BTreeSet::new(),
            guard: false,
            phase: Phase::Unread,
            suspects: BTreeSet::new(),
            elements_of: BTreeMap::new(),
            leaving: BTreeMap::new(),
            audit_at: Timestamp(i64::MAX),
            audit_ms,
            number: 0,
            authoritative: false,
        }
    }

    pub(crate) fn rule(&mut self) {
        self.authoritative = true;
        self.suspects.extend(self.observed.iter().cloned());
    }

    pub(crate) fn want(&mut self, filter: &Filter) {
        for element in nftables::elements(filter) {
            if let CookieOwner::Grant(id) = filter.owner {
                self.elements_of.entry(id).or_default().insert(element.clone());
            }
            self.suspects.insert(element.clone());
            self.wanted.entry(element).or_default().insert(filter.owner);
        }
    }

    pub(crate) fn unwant(&mut self, filter: &Filter) {
        for element in nftables::elements(filter) {
            if let Some(owners) = self.wanted.get_mut(&element) {
                owners.remove(&filter.owner);
                if owners.is_empty() {
                    self.wanted.remove(&element);
                }
            }
            if let CookieOwner::Grant(id) = filter.owner {
                if let Some(set) = self.elements_of.get_mut(&id) {
                    set.remove(&element);
                    if set.is_empty() {
                        self.elements_of.remove(&id);
                    }
                }
                self.leaving.entry(id).or_default().insert(element.clone());
            }
            self.suspects.insert(element);
        }
    }

    pub(crate) fn on_state(&mut self, state: Option<ObservedFilters>, now: Timestamp, out: &mut Outbox) {
        if !matches!(self.phase, Phase::Reading { .. }) {
            return;
        }
        let state = state.unwrap_or_default();
        for what in &state.foreign {
            out.report(Report::Foreign { place: Place::Filters, what: what.clone() });
        }
        self.guard = state.guard;
        self.observed = state.elements;
        self.suspects.extend(self.wanted.keys().cloned());
        self.suspects.extend(self.observed.iter().cloned());
        self.audit_at = now.plus_ms(self.audit_ms);
        self.phase = Phase::Ready;
    }

    pub(crate) fn on_applied(&mut self, change: u64) -> bool {
        if !matches!(self.phase, Phase::Changing { change: number, .. } if number == change) {
            return false;
        }
        if let Phase::Changing { outcome, .. } = std::mem::replace(&mut self.phase, Phase::Ready) {
            match outcome {
                Outcome::Whole(elements) => self.observed = elements,
                Outcome::Difference { added, removed } => {
                    for element in &removed {
                        self.observed.remove(element);
                    }
                    self.observed.extend(added);
                }
            }
            self.guard = true;
        }
        true
    }

    pub(crate) fn on_failed(&mut self, change: u64, error: &str, now: Timestamp, out: &mut Outbox) {
        let ours = match self.phase {
            Phase::Changing { change: number, .. } => number == change,
            // A failed read has no number of its own.
            Phase::Reading { .. } => change == 0,
            Phase::Unread | Phase::Ready | Phase::Failed { .. } => false,
        };
        if ours {
            out.report(Report::Refused { place: Place::Filters, error: error.to_owned() });
            self.phase = Phase::Failed { retry_at: now.plus_ms(RETRY_MS) };
        }
    }

    pub(crate) fn drive(&mut self, now: Timestamp, out: &mut Outbox) {
        match self.phase {
            Phase::Unread => self.read(now, out),
            Phase::Failed { retry_at } if now >= retry_at => self.read(now, out),
            Phase::Reading { until } | Phase::Changing { until, .. } if now >= until => self.read(now, out),
            Phase::Ready => self.change(now, out),
            Phase::Failed { .. } | Phase::Reading { .. } | Phase::Changing { .. } => {}
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Unread => None,
            Phase::Reading { until } | Phase::Changing { until, .. } => Some(until),
            Phase::Ready => Some(self.audit_at),
            Phase::Failed { retry_at } => Some(retry_at),
        }
    }

    /// Nothing is left to send or to hear.
    pub(crate) fn settled(&self) -> bool {
        matches!(self.phase, Phase::Ready) && self.guard && self.suspects.is_empty()
    }

    /// Every element a grant wants is seen.
    pub(crate) fn standing(&self, grant: GrantId) -> bool {
        self.known() && self.elements_of.get(&grant).is_none_or(|set| set.is_subset(&self.observed))
    }

    /// Nothing of a grant is seen, but what another grant still wants.
    pub(crate) fn clear_of(&mut self, grant: GrantId) -> bool {
        if !self.known() || self.elements_of.contains_key(&grant) {
            return false;
        }
        let clear = self
            .leaving
            .get(&grant)
            .is_none_or(|set| set.iter().all(|e| self.wanted.contains_key(e) || !self.observed.contains(e)));
        if clear {
            self.leaving.remove(&grant);
        }
        clear
    }

    fn known(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Changing { .. })
    }

    fn read(&mut self, now: Timestamp, out: &mut Outbox) {
        self.phase = Phase::Reading { until: now.plus_ms(ANSWER_MS) };
        out.push(Output::ReadFilters);
    }

    fn change(&mut self, now: Timestamp, out: &mut Outbox) {
        let (script, outcome) = if self.guard {
            if !self.authoritative {
                return self.audit(now, out);
            }
            let suspects = std::mem::take(&mut self.suspects);
            let added: Vec<_> = suspects
                .iter()
                .filter(|e| !self.observed.contains(*e))
                .filter_map(|e| Some((e, self.wanted.get(e)?.first()?)))
                .collect();
            let removed: Vec<_> =
                suspects.iter().filter(|e| self.observed.contains(*e) && !self.wanted.contains_key(*e)).collect();
            if added.is_empty() && removed.is_empty() {
                return self.audit(now, out);
            }
            let outcome = Outcome::Difference {
                added: added.iter().map(|(e, _)| (*e).clone()).collect(),
                removed: removed.iter().map(|e| (*e).clone()).collect(),
            };
            (nftables::change_script(added, removed), outcome)
        } else {
            // No guard, or a strange one: the whole table anew. What was accepted without our rules was not ours.
            self.suspects.clear();
            let wanted: BTreeMap<FilterElement, CookieOwner> =
                self.wanted.iter().filter_map(|(e, o)| Some((e.clone(), *o.first()?))).collect();
            (nftables::full_script(&self.red, &wanted), Outcome::Whole(wanted.into_keys().collect()))
        };
        self.number += 1;
        self.phase = Phase::Changing { change: self.number, outcome, until: now.plus_ms(ANSWER_MS) };
        out.push(Output::ApplyFilters { change: self.number, script });
    }

    fn audit(&mut self, now: Timestamp, out: &mut Outbox) {
        if now >= self.audit_at {
            self.read(now, out);
        }
    }
}
