//! Places for sessions: so many in all, and of them so many for one address, so that one who holds places before saying
//! who they are leaves some for others.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One address gets at most this part of all places. A hospital's people come from one address.
const SHARE: usize = 4;
/// But so many at least.
const LEAST: usize = 8;

#[derive(Clone)]
pub(crate) struct Places {
    all: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by: BTreeMap<IpAddr, usize>,
}

/// A place; free again when dropped.
pub(crate) struct Place {
    taken: Arc<Mutex<Taken>>,
    whose: IpAddr,
}

impl Places {
    pub(crate) fn new(all: usize) -> Self {
        Self { all, taken: Arc::default() }
    }

    /// A place for an address, if there is one.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let whose = whose(address);
        let mut taken = lock(&self.taken);
        let theirs = taken.by.get(&whose).copied().unwrap_or(0);
        if taken.all >= self.all || theirs >= (self.all / SHARE).max(LEAST) {
            return None;
        }
        taken.all += 1;
        taken.by.insert(whose, theirs + 1);
        drop(taken);
        Some(Place { taken: Arc::clone(&self.taken), whose })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all -= 1;
        let left = taken.by.get(&self.whose).map_or(0, |n| n - 1);
        if left == 0 {
            taken.by.remove(&self.whose);
        } else {
            taken.by.insert(self.whose, left);
        }
    }
}

/// A household has a /64 of IPv6.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from(u128::from(six) & (u128::MAX << 64)).into(),
        four => four,
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_never_has_all_places_and_what_is_given_back_is_free() {
        let places = Places::new(16);
        let of = |text: &str| places.take(text.parse().unwrap());
        let mut held: Vec<_> = (0..20).map(|_| of("192.0.2.1")).collect();
        let taken = |held: &[Option<Place>]| held.iter().filter(|p| p.is_some()).count();
        assert_eq!(taken(&held), LEAST);
        assert!(of("::ffff:192.0.2.1").is_none(), "the same address in another writing");
        held.extend((0..20).map(|n| of(&format!("2001:db8::{n}"))));
        assert_eq!(taken(&held), 16, "a household is one, and all are taken");
        assert!(of("192.0.2.2").is_none());
        drop(held);
        assert!(of("192.0.2.4").is_some());
        assert!(lock(&places.taken).by.is_empty() && lock(&places.taken).all == 0);
    }
}
