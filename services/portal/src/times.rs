//! Instants as people at a desk read them: Japan time, to the minute.

use model::Timestamp;
use texts::{Arg, Texts};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// `14:32` if it is less than half a day away, else with its date.
pub(crate) fn clock(at: Timestamp, now: Timestamp, texts: &Texts) -> String {
    if at.0.abs_diff(now.0) < (DAY_MS / 2).unsigned_abs() {
        let minutes = (at.unix_seconds().div_euclid(60) + 9 * 60).rem_euclid(24 * 60);
        return format!("{}:{:02}", minutes / 60, minutes % 60);
    }
    Arg::Time(at).worded(texts)
}

/// Whole minutes that are left, rounded up; none if it is over.
pub(crate) fn minutes_left(until: Timestamp, now: Timestamp) -> i64 {
    let left = until.0.saturating_sub(now.0);
    if left <= 0 { 0 } else { left.saturating_add(59_999) / 60_000 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::Lang;

    #[test]
    fn near_is_a_clock_and_far_has_its_date() {
        let texts = Texts::new(Lang::En);
        let now: Timestamp = "2026-11-21T05:00:00Z".parse().unwrap();
        assert_eq!(clock(now.plus_ms(32 * 60_000), now, &texts), "14:32");
        assert_eq!(clock(now.plus_ms(DAY_MS), now, &texts), "2026-11-22 14:00 JST");
        assert_eq!(clock(Timestamp(i64::MAX), Timestamp(i64::MIN), &texts), format!("{}ms", i64::MAX));
    }

    #[test]
    fn a_begun_minute_is_still_left() {
        let now = Timestamp(0);
        assert_eq!(minutes_left(Timestamp(1), now), 1);
        assert_eq!(minutes_left(Timestamp(60_000), now), 1);
        assert_eq!(minutes_left(Timestamp(60_001), now), 2);
        assert_eq!(minutes_left(Timestamp(0), now), 0);
        assert_eq!(minutes_left(Timestamp(i64::MAX), Timestamp(i64::MIN)), i64::MAX / 60_000);
    }
}
