//! How often: token buckets, one for every thing counted and everyone it is counted for (ASVS 2.2.1, 11.1.4).
//!
//! Counted per source of a connection — an IPv4 address, or the /64 of an IPv6 one, since a household has all of it — and
//! per mail address, calls of the API per token besides. A bucket that is full again is forgotten; when there are too many all newcomers share one.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// Pages looked at.
    Page,
    /// Forms sent, per source.
    Form,
    /// Pictures drawn and voices spoken, per source.
    Challenge,
    /// Letters, per mail address.
    Letter,
    /// Calls of the API, per token; per source they count as pages and forms.
    Call,
    /// Passwords tried, per source; an account has its own lock besides.
    Password,
}

impl Counted {
    /// So many at once, and one more after so many milliseconds. A hospital's people come from one address.
    const fn rate(self) -> (u32, i64) {
        match self {
            Self::Page => (600, 20),
            Self::Form => (120, 500),
            Self::Challenge => (60, 2_000),
            Self::Call => (120, 250),
            Self::Letter => (3, 600_000),
            Self::Password => (40, 3_000),
        }
    }
}

/// For whom it is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    /// A connection's other end.
    Source(IpAddr),
    /// A mail address, as the use cases compare them.
    Mail(String),
    /// A token of the API, by its number.
    Token(i64),
    /// Everybody who came when there was no room left.
    Rest,
}

impl Whose {
    /// Of an address.
    pub fn source(address: IpAddr) -> Self {
        Self::Source(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(six) => match six.to_ipv4_mapped() {
                Some(four) => four.into(),
                None => Ipv6Addr::from(u128::from(six) & (u128::MAX << 64)).into(),
            },
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Thousandths of a token, so that slow rates lose nothing.
    level: i64,
    at: i64,
}

/// All buckets.
pub(crate) struct Limits {
    buckets: Mutex<BTreeMap<(Counted, Whose), Bucket>>,
    at_most: usize,
    /// Everything is allowed so many times as often.
    generous: u32,
}

impl Limits {
    /// Full buckets. `generous` 1 is what is written above.
    pub fn new(at_most: usize, generous: u32) -> Self {
        Self { buckets: Mutex::default(), at_most, generous: generous.max(1) }
    }

    /// Takes one. `Err` with the seconds to wait if there is none.
    pub fn take(&self, counted: Counted, whose: Whose, now: i64) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut key = (counted, whose);
        if !buckets.contains_key(&key) && buckets.len() >= self.at_most {
            buckets.retain(|(counted, _), bucket| self.level(*counted, *bucket, now) < self.full(*counted));
            if buckets.len() >= self.at_most {
                key.1 = Whose::Rest;
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { level: self.full(counted), at: now });
        let level = self.level(counted, *bucket, now);
        if level >= 1000 {
            *bucket = Bucket { level: level - 1000, at: now.max(bucket.at) };
            return Ok(());
        }
        // Untouched: counting the time up in small pieces would lose what is rounded off each.
        let wait = (1000 - level).saturating_mul(counted.rate().1) / 1000 / i64::from(self.generous);
        Err(u64::try_from(wait / 1000 + 1).unwrap_or(1))
    }

    fn full(&self, counted: Counted) -> i64 {
        i64::from(counted.rate().0) * i64::from(self.generous) * 1000
    }

    fn level(&self, counted: Counted, bucket: Bucket, now: i64) -> i64 {
        let gone = now.saturating_sub(bucket.at).max(0);
        let come = gone.saturating_mul(1000 * i64::from(self.generous)) / counted.rate().1;
        bucket.level.saturating_add(come).min(self.full(counted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(n: usize) -> Whose {
        Whose::Mail(format!("{n}@clinic.example"))
    }

    #[test]
    fn three_letters_and_then_one_every_ten_minutes_r2() {
        let limits = Limits::new(10, 1);
        for _ in 0..3 {
            assert_eq!(limits.take(Counted::Letter, mail(1), 0), Ok(()));
        }
        assert_eq!(limits.take(Counted::Letter, mail(1), 0), Err(601));
        assert_eq!(limits.take(Counted::Letter, mail(2), 0), Ok(()), "another address");
        assert_eq!(limits.take(Counted::Letter, mail(1), 599_999), Err(1));
        assert_eq!(limits.take(Counted::Letter, mail(1), 600_000), Ok(()));
        assert!(limits.take(Counted::Letter, mail(1), 600_000).is_err());
        assert!(limits.take(Counted::Letter, mail(1), i64::MIN).is_err(), "a clock that goes back gives nothing");
    }

    #[test]
    fn a_household_has_one_bucket() {
        let of = |text: &str| Whose::source(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }

    #[test]
    fn a_flood_of_sources_does_not_fill_the_memory_and_is_limited_as_one() {
        let limits = Limits::new(10, 1);
        let taken = (0..1000).filter(|n| limits.take(Counted::Letter, mail(*n), 0).is_ok()).count();
        assert_eq!(taken, 10 + 3);
        assert!(limits.buckets.lock().unwrap().len() <= 11);
        assert_eq!(limits.take(Counted::Letter, mail(5000), 10_000_000), Ok(()), "later there is room again");
    }

    #[test]
    fn generous_is_so_many_times_as_often() {
        let limits = Limits::new(10, 4);
        assert_eq!((0..100).filter(|_| limits.take(Counted::Letter, mail(1), 0).is_ok()).count(), 12);
    }
}
