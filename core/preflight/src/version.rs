//! Versions as makers write them: numbers between dots, the rest of no account.

use std::cmp::Ordering;

/// The numbers of a version, up to the first part that is none: `2.6.3-1+deb12u3` is 2, 6, 3.
fn numbers(version: &str) -> Vec<u64> {
    // Epochs of packages come before a colon.
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let mut out = Vec::new();
    for part in version.trim().split('.') {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        let Ok(number) = digits.parse() else { break };
        out.push(number);
        if digits.len() < part.len() {
            break;
        }
    }
    out
}

/// Compares number by number; a missing one is 0.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (numbers(a), numbers(b));
    let long = a.len().max(b.len());
    a.resize(long, 0);
    b.resize(long, 0);
    a.cmp(&b)
}

/// Is it one of these: `6.2` exactly, `6.*` anything of 6, several by `|`?
pub fn is_one_of(version: &str, wanted: &str) -> bool {
    let have = numbers(version);
    wanted.split('|').any(|one| match one.trim().strip_suffix(".*") {
        Some(stem) => {
            let stem = numbers(stem);
            !stem.is_empty() && have.starts_with(&stem)
        }
        None => !have.is_empty() && have == numbers(one),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_and_suffixes_do_not() {
        assert_eq!(compare("10.0.19045", "10.0.22000"), Ordering::Less);
        assert_eq!(compare("22.04", "22.4"), Ordering::Equal);
        assert_eq!(compare("12", "12.0"), Ordering::Equal);
        assert_eq!(compare("1:9.2p1", "9.3"), Ordering::Less);
        assert_eq!(compare("", "0"), Ordering::Equal);
        assert!(is_one_of("6.2.1", "6.2|6.*"));
        assert!(is_one_of("2.6.3-1+deb12u3", "2.6.3"));
        assert!(!is_one_of("6.2.1", "6.2|6.7"));
        assert!(!is_one_of("16", "6|6.*"));
        assert!(!is_one_of("", "6.*") && !is_one_of("unknown", ".*") && !is_one_of("x", "y"));
        assert!(!is_one_of("99999999999999999999.1", "9"));
    }
}
