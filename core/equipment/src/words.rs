//! Words that may stand in a signed statement: each on one line, so that no two statements share their bytes.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a text cannot stand in a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}: {rule}")]
pub struct NotAWord {
    /// What was expected.
    pub kind: &'static str,
    /// What was found, cut.
    pub text: String,
    /// What is allowed.
    pub rule: &'static str,
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = NotAWord;
            fn from_str(text: &str) -> Result<Self, NotAWord> {
                let fits: fn(&str) -> bool = $fits;
                if fits(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NotAWord { kind: $kind, text: text.chars().take(80).collect(), rule: $rule })
                }
            }
        }
        impl TryFrom<String> for $name {
            type Error = NotAWord;
            fn try_from(text: String) -> Result<Self, NotAWord> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(word: $name) -> String {
                word.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

word!(
    /// An id of a maker, a centre, an application, the number of a permit, the serial number of an element: 1 to 63 of
    /// `a-z A-Z 0-9 . _ -`, as identities in certificates have it.
    Name,
    "name",
    "use 1 to 63 of a-z, A-Z, 0-9, `.`, `_` and `-`",
    |text| (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || [b'.', b'_', b'-'].contains(&b))
);
word!(
    /// What people call a thing: a model, the serial number on its plate, a version. 1 to 80 characters on one line.
    Label,
    "label",
    "use 1 to 80 characters on one line, without blanks at the ends",
    |text| (1..=80).contains(&text.chars().count()) && text.trim() == text && !text.chars().any(unprintable)
);
word!(
    /// A day, `2026-11-22`.
    Day,
    "day",
    "write year-month-day, as 2026-11-22",
    is_day
);

/// Control characters and those that break or turn a line (Unicode line and paragraph separators, directions).
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(n, b)| if n == 4 || n == 7 { *b == b'-' } else { b.is_ascii_digit() });
    // RFC 3339 knows which days there are.
    shape && format!("{text}T00:00:00Z").parse::<model::Timestamp>().is_ok()
}

impl Day {
    /// When the day begins (UTC).
    pub fn begins(&self) -> model::Timestamp {
        format!("{}T00:00:00Z", self.0).parse().unwrap_or(model::Timestamp(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_keep_to_one_line() {
        assert!("ge-01.a_B".parse::<Name>().is_ok());
        assert!("関所 GE-01 型".parse::<Label>().is_ok());
        for wrong in ["", " a", "a\n", "a\nb=c", "\u{2028}", "a\u{202e}b", &"あ".repeat(81)] {
            assert!(wrong.parse::<Label>().is_err(), "{wrong:?}");
        }
        for wrong in ["", "a b", "a=b", "あ", &"a".repeat(64)] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_days_that_exist_are_days() {
        assert_eq!("2028-02-29".parse::<Day>().unwrap().begins().to_string(), "2028-02-29T00:00:00Z");
        for wrong in
            ["2027-02-29", "2026-11-31", "2026-1-01", "26-11-22", "2026-11-22T", "2026/11/22", "２０２６-11-22"]
        {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_word_holds_a_line_end_and_no_text_panics(text in "\\PC{0,90}|[\\x00-\\x7f]{0,20}") {
            if let Ok(label) = text.parse::<Label>() {
                prop_assert!(!label.as_str().contains(['\n', '\r']));
            }
            if let Ok(name) = text.parse::<Name>() {
                prop_assert!(!name.as_str().contains(['\n', '=']));
            }
            let _ = text.parse::<Day>();
        }
    }
}
