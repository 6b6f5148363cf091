//! Telephone numbers of an institution (施設代表電話番号) and extensions (内線番号).

use crate::search::half_width;

/// A number in Japan, in the groups it was typed in, `012-123-1234`: a leading zero and nine or ten digits in all, eleven
/// for 050, 070, 080 and 090 (電気通信番号規則). Full-width digits, blanks, hyphens of every kind and brackets are
/// forgiven, and become one hyphen. Where an area code ends cannot be told from the digits, so digits typed in one go are
/// put into groups only where every number of their kind is written so. `None` if it is no such number.
pub fn phone(text: &str) -> Option<String> {
    let mut groups = vec![String::new()];
    for c in half_width(text.trim()).chars() {
        match c {
            '0'..='9' => groups.last_mut()?.push(c),
            '-' | ' ' | '(' | ')' | '‐' | '‑' | '–' | '—' | '―' | '−' | 'ー' => groups.push(String::new()),
            _ => return None,
        }
    }
    groups.retain(|group| !group.is_empty());
    let digits = groups.concat();
    let rest = digits.strip_prefix('0')?;
    let mobile = ["50", "70", "80", "90", "20", "60"].iter().any(|p| rest.starts_with(p));
    let length = if mobile { digits.len() == 11 } else { digits.len() == 10 };
    if !length || rest.starts_with('0') {
        return None;
    }
    let [whole] = groups.as_slice() else { return Some(groups.join("-")) };
    let (first, second) = match () {
        () if mobile => (3, 4),
        // Tokyo and Osaka.
        () if rest.starts_with(['3', '6']) => (2, 4),
        // Free of charge.
        () if rest.starts_with("120") => (4, 3),
        () => return Some(digits),
    };
    Some([&whole[..first], &whole[first..first + second], &whole[first + second..]].join("-"))
}

/// An extension: one to eight digits, as half-width digits. `None` if it is none.
pub(crate) fn extension(text: &str) -> Option<String> {
    let digits = half_width(text.trim());
    ((1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them_r3() {
        for text in ["012-123-1234", "０１２−１２３−１２３４", "012ー123ー1234", "(012)123 1234", " 012--123 - 1234"]
        {
            assert_eq!(phone(text).as_deref(), Some("012-123-1234"), "{text}");
        }
        for (text, shown) in [
            ("0121231234", "0121231234"),
            ("03-1234-5678", "03-1234-5678"),
            ("0312345678", "03-1234-5678"),
            ("０６１２３４５６７８", "06-1234-5678"),
            ("09012345678", "090-1234-5678"),
            ("050-1234-5678", "050-1234-5678"),
            ("0120123456", "0120-123-456"),
            ("0120-12-3456", "0120-12-3456"),
            ("0467-12-3456", "0467-12-3456"),
        ] {
            assert_eq!(phone(text).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn what_nobody_can_call_is_refused_r3() {
        for text in [
            "",
            "-",
            "12-3456-7890",
            "012-123-123",
            "012-123-12345",
            "00-1234-5678",
            "03-1234-567a",
            "+81-3-1234-5678",
            "110",
        ] {
            assert_eq!(phone(text), None, "{text}");
        }
        assert_eq!(extension("１２３４").as_deref(), Some("1234"));
        assert_eq!(extension(""), None);
        assert_eq!(extension("12a"), None);
        assert_eq!(extension("123456789"), None);
    }
}
