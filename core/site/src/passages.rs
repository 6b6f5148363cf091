//! When the first and the last packet of each grant passed (G13), from what switch and tunnel daemon really tell.
//!
//! - A reading of the switch tells how many packets had passed: what it shows more than the one before passed between
//!   the two. So moments are as exact as readings are frequent ([`SiteConfig::audit_ms`](crate::SiteConfig)), plus what
//!   a switch counts late.
//! - A first packet that waited here and was let go passed at that moment, and nothing can have passed before the rules
//!   were ordered: between the two lie milliseconds.
//! - strongSwan tells by the second when a CHILD_SA was used last, in every list and once more when it is about to end.
//! - What an entry counted in all comes when it goes. If that is what the last reading showed, nothing passed since.

use model::{GrantId, Passage, Timestamp, Within};
use std::collections::{BTreeMap, BTreeSet};

use crate::event::Traffic;

/// strongSwan may have looked so long before its answer is here.
const ANSWER_MS: i64 = 1_000;
/// A switch that forwards by cached verdicts counts late (Open vSwitch: 500 ms at the most).
pub(crate) const LATE_MS: i64 = 700;

#[derive(Debug)]
struct Watched {
    /// Nothing had passed yet.
    nothing_until: Timestamp,
    /// Something had.
    something_by: Option<Timestamp>,
    /// Packets the last reading showed, and when it was the first to show so many.
    packets: u64,
    grew_by: Timestamp,
    /// Everything that passed before is in the last reading.
    complete_until: Timestamp,
    /// A packet passed then or later.
    last_from: Option<Timestamp>,
    /// What strongSwan said of the last packet, and when that was heard.
    used: Option<(Within, Timestamp)>,
    said: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Passages {
    watched: BTreeMap<GrantId, Watched>,
    news: BTreeSet<GrantId>,
}

impl Passages {
    /// Watches a grant under which nothing can have passed before `since`; one that is watched already goes on.
    pub(crate) fn watch(&mut self, grant: GrantId, since: Timestamp) {
        self.watched.entry(grant).or_insert(Watched {
            nothing_until: since,
            something_by: None,
            packets: 0,
            grew_by: since,
            complete_until: since,
            last_from: None,
            used: None,
            said: false,
        });
    }

    pub(crate) fn forget(&mut self, grant: GrantId) {
        self.watched.remove(&grant);
        self.news.remove(&grant);
    }

    /// A reading that was asked for at `asked` came.
    pub(crate) fn read(&mut self, packets: impl Fn(GrantId) -> u64, asked: Timestamp, now: Timestamp) {
        for (id, watched) in &mut self.watched {
            let counted = packets(*id);
            if counted > watched.packets {
                watched.packets = counted;
                watched.grew_by = now;
                watched.passed(watched.complete_until, now, *id, &mut self.news);
            }
            watched.complete_until = watched.complete_until.max(asked.plus_ms(-LATE_MS));
            if counted == 0 {
                watched.nothing_until = watched.nothing_until.max(watched.complete_until);
            }
        }
    }

    /// A packet went on its way now.
    pub(crate) fn passed(&mut self, grant: GrantId, now: Timestamp) {
        if let Some(watched) = self.watched.get_mut(&grant) {
            watched.passed(now, now, grant, &mut self.news);
        }
    }

    /// strongSwan says when a packet of the grant went through its CHILD_SA last.
    pub(crate) fn used(&mut self, grant: GrantId, used: Within, now: Timestamp) {
        if let Some(watched) = self.watched.get_mut(&grant) {
            watched.used = watched.used.filter(|(before, _)| before.from > used.from).or(Some((used, now)));
            watched.passed(used.from, used.to, grant, &mut self.news);
        }
    }

    /// Grants whose first packet has passed and that were not said yet.
    pub(crate) fn news(&mut self) -> impl Iterator<Item = (GrantId, Within)> {
        let news = std::mem::take(&mut self.news);
        news.into_iter().filter_map(|id| Some((id, self.watched.get(&id)?.first()?)))
    }

    /// The center did not hear what was said, or lost it.
    pub(crate) fn say_again(&mut self) {
        self.news = self.watched.iter().filter(|(_, w)| w.said).map(|(id, _)| *id).collect();
    }

    /// Nothing of the grant is left, and this is what its entries counted in all. None if nothing passed.
    pub(crate) fn end(&mut self, grant: GrantId, traffic: &Traffic, now: Timestamp) -> Option<Passage> {
        self.news.remove(&grant);
        let mut watched = self.watched.remove(&grant)?;
        // What the entries counted in all is the word that counts.
        if traffic.packets() == 0 && !(traffic.lost && watched.something_by.is_some()) {
            return None;
        }
        let nothing_since = traffic.packets() == watched.packets && !traffic.lost;
        if !nothing_since {
            watched.passed(watched.complete_until, now, grant, &mut BTreeSet::new());
        }
        let first = watched.first().unwrap_or(Within { from: watched.nothing_until, to: now });
        let from = watched.last_from.unwrap_or(first.from);
        let by_count = if nothing_since { watched.grew_by } else { now };
        // Nothing passed after the reading, so the last packet strongSwan had seen by then was the last.
        let after_the_reading = |heard: Timestamp| nothing_since && heard >= watched.grew_by.plus_ms(ANSWER_MS);
        let by_use = watched.used.filter(|(_, heard)| after_the_reading(*heard)).map(|(used, _)| used.to);
        let to = by_use.map_or(by_count, |used| used.min(by_count));
        Some(Passage { first, last: Within { from, to: to.max(from) } })
    }
}

impl Watched {
    /// A packet passed between the two.
    fn passed(&mut self, from: Timestamp, to: Timestamp, grant: GrantId, news: &mut BTreeSet<GrantId>) {
        let to = to.max(self.nothing_until);
        self.something_by = Some(self.something_by.map_or(to, |before| before.min(to)));
        self.last_from = self.last_from.max(Some(from.max(self.nothing_until)));
        if !std::mem::replace(&mut self.said, true) {
            news.insert(grant);
        }
    }

    fn first(&self) -> Option<Within> {
        self.something_by.map(|to| Within { from: self.nothing_until.min(to), to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Count;
    use proptest::prelude::*;

    const G: GrantId = GrantId(7);

    fn counted(packets: u64) -> Traffic {
        Traffic { forth: Count { packets, bytes: packets * 100 }, ..Traffic::default() }
    }

    fn within(from: i64, to: i64) -> Within {
        Within { from: Timestamp(from), to: Timestamp(to) }
    }

    #[test]
    fn readings_enclose_first_and_last_packet() {
        let mut passages = Passages::default();
        passages.watch(G, Timestamp(1_000));
        passages.read(|_| 0, Timestamp(5_000), Timestamp(5_002));
        assert_eq!(passages.news().count(), 0);
        passages.read(|_| 3, Timestamp(10_000), Timestamp(10_002));
        assert_eq!(passages.news().collect::<Vec<_>>(), [(G, within(4_300, 10_002))]);
        assert_eq!(passages.news().count(), 0, "said once");
        passages.read(|_| 9, Timestamp(15_000), Timestamp(15_002));
        passages.read(|_| 9, Timestamp(20_000), Timestamp(20_002));
        let passage = passages.end(G, &counted(9), Timestamp(21_000)).unwrap();
        assert_eq!(passage, Passage { first: within(4_300, 10_002), last: within(9_300, 15_002) });
    }

    #[test]
    fn what_no_reading_showed_passed_after_the_last_one() {
        let mut passages = Passages::default();
        passages.watch(G, Timestamp(1_000));
        passages.read(|_| 4, Timestamp(10_000), Timestamp(10_002));
        let passage = passages.end(G, &counted(5), Timestamp(12_000)).unwrap();
        assert_eq!(passage.last, within(9_300, 12_000));
        passages.watch(G, Timestamp(1_000));
        assert_eq!(passages.end(G, &counted(2), Timestamp(3_000)).unwrap().first, within(1_000, 3_000));
        passages.watch(G, Timestamp(1_000));
        assert_eq!(passages.end(G, &counted(0), Timestamp(3_000)), None, "nothing passed");
    }

    #[test]
    fn a_packet_that_waited_and_the_tunnels_own_clock_make_it_exact() {
        let mut passages = Passages::default();
        passages.watch(G, Timestamp(1_000));
        passages.passed(G, Timestamp(1_012));
        passages.read(|_| 4, Timestamp(10_000), Timestamp(10_002));
        passages.used(G, within(6_000, 8_000), Timestamp(15_000));
        passages.used(G, within(3_000, 5_000), Timestamp(16_000));
        let passage = passages.end(G, &counted(4), Timestamp(20_000)).unwrap();
        assert_eq!(passage, Passage { first: within(1_000, 1_012), last: within(6_000, 8_000) });
    }

    #[test]
    fn a_center_that_comes_back_is_told_again() {
        let mut passages = Passages::default();
        passages.watch(G, Timestamp(0));
        passages.say_again();
        assert_eq!(passages.news().count(), 0);
        passages.passed(G, Timestamp(5));
        assert_eq!(passages.news().count(), 1);
        passages.say_again();
        assert_eq!(passages.news().count(), 1);
        passages.forget(G);
        passages.say_again();
        assert_eq!(passages.news().count(), 0);
    }

    proptest! {
        /// Whatever passes when, and however late it is counted: the moments told enclose the moments that were.
        #[test]
        fn told_moments_enclose_the_real_ones(
            gaps in proptest::collection::vec(1i64..4_000, 0..40),
            lates in proptest::collection::vec(0i64..500, 40),
            every in 100i64..6_000,
            uses in any::<bool>(),
        ) {
            let start = 10_000;
            let mut at = start;
            let packets: Vec<i64> = gaps.iter().map(|gap| { at += gap; at }).collect();
            let end = at + 1_500;
            let mut passages = Passages::default();
            passages.watch(G, Timestamp(start));
            let mut time = start + every;
            while time < end - 1_000 {
                let shown = packets.iter().zip(&lates).filter(|(p, late)| **p + **late <= time).count();
                passages.read(|_| shown as u64, Timestamp(time), Timestamp(time + 3));
                let looked = time + every / 3;
                if uses && let Some(last) = packets.iter().rfind(|p| **p <= looked) {
                    passages.used(G, within(last - 1_000, last + 1_000), Timestamp(looked + 20));
                }
                time += every;
            }
            let told = passages.end(G, &counted(packets.len() as u64), Timestamp(end));
            match (packets.first(), packets.last(), told) {
                (Some(first), Some(last), Some(told)) => {
                    let holds = |w: Within, at: i64| w.from.0 <= at && at <= w.to.0;
                    prop_assert!(holds(told.first, *first), "{first} {told:?}");
                    prop_assert!(holds(told.last, *last), "{last} {told:?}");
                }
                (None, None, told) => prop_assert_eq!(told, None),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
