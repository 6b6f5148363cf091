//! Times as certificates write them (RFC 5280 §4.1.2.5).

use crate::der::element;

const FIRST_OF_2050: i64 = 2_524_608_000;

/// UTCTime through 2049, GeneralizedTime from 2050; seconds since 1970.
pub(crate) fn time(seconds: i64) -> Vec<u8> {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let rest = format!("{month:02}{day:02}{:02}{:02}{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60);
    if seconds < FIRST_OF_2050 {
        element(0x17, &[format!("{:02}{rest}", year.rem_euclid(100)).as_bytes()])
    } else {
        element(0x18, &[format!("{year:04}{rest}").as_bytes()])
    }
}

/// Days since 1970 to the date of the proleptic Gregorian calendar: eras of 400 years begin on 1 March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_changes_with_the_year_2050() {
        let text = |seconds| String::from_utf8(time(seconds)[2..].to_vec()).unwrap();
        assert_eq!(text(0), "700101000000Z");
        assert_eq!(text(1_795_219_200), "261121000000Z");
        assert_eq!(text(1_709_164_800 + 86_399), "240229235959Z");
        assert_eq!(text(FIRST_OF_2050 - 1), "491231235959Z");
        assert_eq!(text(FIRST_OF_2050), "20500101000000Z");
    }
}
