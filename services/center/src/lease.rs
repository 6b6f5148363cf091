//! Which of a site's two gates is the active one (N6): a lease, held by one at a time, with an election number that the
//! switch believes too (OpenFlow 1.3.5 §6.3.6).

use model::SiteId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a gate is the active one after it asked. It asks four times in this time.
pub(crate) const LEASE: Duration = Duration::from_millis(2_000);

/// What a gate that asks is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    /// It is the active one, until [`LEASE`] after it asked.
    pub active: bool,
    /// Number of the election that made the active one what it is; 0 if there was none.
    pub election: u64,
}

#[derive(Debug)]
struct Held {
    gate: String,
    election: u64,
    until: Instant,
}

/// Every site's lease.
#[derive(Debug)]
pub(crate) struct Leases {
    sites: BTreeMap<SiteId, Held>,
    began: Instant,
}

impl Leases {
    pub fn new(now: Instant) -> Self {
        Self { sites: BTreeMap::new(), began: now }
    }

    /// A gate asks, and says in which election it won the lease it believes to hold. `clock_ms` is the wall clock: it
    /// makes election numbers grow over restarts of the center.
    pub fn ask(&mut self, site: &SiteId, gate: &str, holds: Option<u64>, now: Instant, clock_ms: i64) -> Word {
        let until = now + LEASE;
        match self.sites.get_mut(site) {
            // Also one that was late: nobody else was elected meanwhile.
            Some(held) if held.gate == gate => {
                held.until = until;
                return Word { active: true, election: held.election };
            }
            Some(held) if now < held.until => return Word { active: false, election: held.election },
            Some(_) => {}
            None => match holds {
                // Elected by this center before it restarted.
                Some(election) => {
                    self.sites.insert(site.clone(), Held { gate: gate.to_owned(), election, until });
                    return Word { active: true, election };
                }
                // The other gate may hold a lease that an earlier run of this center gave it.
                None if now < self.began + LEASE => return Word { active: false, election: 0 },
                None => {}
            },
        }
        let last = self.sites.get(site).map_or(0, |held| held.election);
        let election = u64::try_from(clock_ms).unwrap_or(0).max(last + 1).max(holds.unwrap_or(0) + 1);
        self.sites.insert(site.clone(), Held { gate: gate.to_owned(), election, until });
        Word { active: true, election }
    }
}

impl Leases {
    /// A gate gives back what it won in this election: the next that asks is elected at once. What another gate holds
    /// meanwhile stays; an election number is never used twice.
    pub fn release(&mut self, site: &SiteId, gate: &str, election: u64, now: Instant) -> Word {
        if let Some(held) = self.sites.get_mut(site)
            && held.gate == gate
            && held.election == election
        {
            held.until = now;
            // Asking again wins nothing by having held it.
            held.gate.clear();
        }
        Word { active: false, election: self.sites.get(site).map_or(0, |held| held.election) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> SiteId {
        "clinic".parse().unwrap()
    }

    #[test]
    fn one_gate_at_a_time_and_every_election_has_a_higher_number() {
        let began = Instant::now();
        let mut leases = Leases::new(began);
        let at = |ms: u64| began + Duration::from_millis(ms);
        assert_eq!(leases.ask(&site(), "a", None, at(0), 50), Word { active: false, election: 0 }, "a former run's");
        let first = leases.ask(&site(), "a", None, at(2_000), 50);
        assert!(first.active);
        assert_eq!(leases.ask(&site(), "b", None, at(2_100), 50), Word { active: false, election: first.election });
        assert_eq!(leases.ask(&site(), "a", Some(first.election), at(3_900), 50), first, "renewed");
        assert!(!leases.ask(&site(), "b", None, at(5_899), 50).active, "not before it ended");
        // The clock was set back; elections are not.
        let second = leases.ask(&site(), "b", None, at(5_900), 10);
        assert!(second.active && second.election > first.election);
        assert!(!leases.ask(&site(), "a", Some(first.election), at(5_901), 60).active, "it was late");
        assert!(leases.ask(&site(), "a", None, at(7_900), 60).election > second.election);
    }

    #[test]
    fn a_lease_given_back_is_free_at_once_and_only_its_holder_gives_it_back_n6() {
        let began = Instant::now();
        let mut leases = Leases::new(began);
        let at = |ms: u64| began + Duration::from_millis(ms);
        let first = leases.ask(&site(), "a", None, at(2_000), 50);
        assert!(!leases.release(&site(), "b", first.election, at(2_001)).active);
        assert!(!leases.release(&site(), "a", first.election - 1, at(2_001)).active);
        assert!(!leases.release(&"nowhere".parse().unwrap(), "a", 1, at(2_001)).active);
        assert!(!leases.ask(&site(), "b", None, at(2_002), 50).active, "it is held still");
        assert_eq!(leases.release(&site(), "a", first.election, at(2_010)), Word { active: false, ..first });
        let second = leases.ask(&site(), "b", None, at(2_011), 50);
        assert!(second.active && second.election > first.election);
        // Said late or twice it takes nothing from the other.
        leases.release(&site(), "a", first.election, at(2_012));
        assert!(!leases.ask(&site(), "a", Some(first.election), at(2_013), 50).active);
        assert_eq!(leases.ask(&site(), "b", Some(second.election), at(2_014), 50), second);
    }

    #[test]
    fn a_restarted_center_believes_the_gate_that_holds_the_lease() {
        let began = Instant::now();
        let mut leases = Leases::new(began);
        assert!(!leases.ask(&site(), "b", None, began, 100).active);
        assert_eq!(leases.ask(&site(), "a", Some(77), began, 100), Word { active: true, election: 77 });
        assert!(!leases.ask(&site(), "b", None, began + LEASE - Duration::from_millis(1), 100).active);
        // Late, but nobody else was elected: it goes on, and the switch need not hear of it.
        assert_eq!(leases.ask(&site(), "a", Some(77), began + 3 * LEASE, 100).election, 77);
    }
}
