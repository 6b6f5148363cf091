//! Time as certificates write it and as the rest of the house passes it: seconds since 1970, UTC.

use crate::der::tag;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
pub type UnixSeconds = i64;

/// `2028-03-31T14:59:59Z`.
pub fn format_utc(at: UnixSeconds) -> String {
    let (days, seconds) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// UTCTime or GeneralizedTime in the one form RFC 5280 §4.1.2.5 allows: seconds present, `Z`.
pub(crate) fn parse_time(tag: u8, text: &[u8]) -> Option<UnixSeconds> {
    let (digits, z) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if z != b"Z" || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number =
        |from: usize, to: usize| digits.get(from..to).map(|d| d.iter().fold(0i64, |n, c| n * 10 + i64::from(c - b'0')));
    let (year, rest) = match (tag, digits.len()) {
        // RFC 5280 §4.1.2.5.1: two-digit years are 1950 to 2049.
        (tag::UTC_TIME, 12) => (number(0, 2).map(|y| if y >= 50 { 1900 + y } else { 2000 + y })?, 2),
        (tag::GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let part = |n: usize| number(rest + 2 * n, rest + 2 * n + 2);
    let (month, day, hour, minute, second) = (part(0)?, part(1)?, part(2)?, part(3)?, part(4)?);
    let valid = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    valid.then(|| days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date; years begin in March so that the leap
/// day is the last of the year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_are_read_and_the_rest_is_refused() {
        assert_eq!(parse_time(tag::UTC_TIME, b"220206150000Z"), Some(1_644_159_600));
        assert_eq!(
            parse_time(tag::GENERALIZED_TIME, b"20440116145959Z").map(format_utc).as_deref(),
            Some("2044-01-16T14:59:59Z")
        );
        assert_eq!(
            parse_time(tag::UTC_TIME, b"500101000000Z").map(format_utc).as_deref(),
            Some("1950-01-01T00:00:00Z")
        );
        for wrong in [&b"2202061500Z"[..], b"220206150000+0900", b"220230150000Z", b"22020615000xZ", b"", b"Z"] {
            assert_eq!(parse_time(tag::UTC_TIME, wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn dates_survive_a_round_trip(days in -100_000i64..2_000_000) {
            let (y, m, d) = civil_from_days(days);
            prop_assert_eq!(days_from_civil(y, m, d), days);
            prop_assert!((1..=days_in_month(y, m)).contains(&d));
        }
    }
}
