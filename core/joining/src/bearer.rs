//! Tokens for programs, as they travel: `Authorization: Bearer sekisho_…` (RFC 6750 §2.1).

use std::fmt;

use crate::{LinkHash, OneTime, Randomness};

/// What every token begins with, so that one that was left in a script or a log is found by who looks for such things.
const PREFIX: &str = "sekisho_";

/// A token as its owner has it: the prefix and 43 characters, 258 bits. It shows itself only through
/// [`BearerToken::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(OneTime);

impl BearerToken {
    /// A new one.
    pub fn new(random: &dyn Randomness) -> Self {
        Self(OneTime::for_url(random))
    }

    /// From its text, exactly as it was shown. `None` if it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let secret = text.strip_prefix(PREFIX)?;
        OneTime::read(secret).filter(|read| read.reveal() == secret && secret.len() == 43).map(Self)
    }

    /// From the value of `Authorization`: the scheme in any case (RFC 9110 §11.1), one or more spaces, the token.
    pub fn from_authorization(value: &str) -> Option<Self> {
        Self::read(bearer(value)?)
    }

    /// The token itself: for the page that shows it once, and nowhere else.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", self.0.reveal())
    }

    /// What is stored of it.
    pub fn hash(&self) -> LinkHash {
        self.0.hash()
    }
}

/// What stands behind the scheme `Bearer`, whatever it is for.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim_start_matches(' ')).filter(|token| !token.is_empty())
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::Dice;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_read_as_it_was_shown_and_in_no_other_way() {
        let token = BearerToken::new(&Dice::new(5));
        let text = token.reveal();
        assert_eq!(BearerToken::read(&text), Some(token.clone()));
        for value in ["Bearer ", "bearer ", "BEARER   "] {
            assert_eq!(BearerToken::from_authorization(&format!("{value}{text}")), Some(token.clone()), "{value}");
        }
        let code = OneTime::for_typing(&Dice::new(7)).reveal().to_owned();
        let bad = [
            text[1..].to_owned(),
            text[..50].to_owned(),
            format!("{text}A"),
            format!("{text} "),
            format!(" {text}"),
            text.to_uppercase(),
            text["sekisho_".len()..].to_owned(),
            format!("sekisho_{code}"),
            String::new(),
        ];
        for bad in &bad {
            assert_eq!(BearerToken::read(bad), None, "{bad}");
        }
        for value in [format!("Basic {text}"), format!("Bearer{text}"), format!("Bearer\t{text}"), text.clone()] {
            assert_eq!(BearerToken::from_authorization(&value), None, "{value}");
        }
        assert!(!format!("{token:?}").contains(&text[8..]));
    }

    proptest! {
        /// Whatever comes, it is no token or it is exactly the text of one; and one letter changed is another token.
        #[test]
        fn what_is_read_is_what_was_written(text in "(sekisho_)?[A-Za-z0-9_ -]{0,60}", seed in any::<u64>(), at in 0usize..43, to in 0u8..64) {
            if let Some(token) = BearerToken::read(&text) {
                prop_assert_eq!(token.reveal(), text);
            }
            let token = BearerToken::new(&Dice::new(seed));
            let shown = token.reveal();
            prop_assert_eq!(BearerToken::read(&shown), Some(token.clone()));
            let mut other = shown.clone().into_bytes();
            other[PREFIX.len() + at] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[usize::from(to)];
            let other = String::from_utf8(other).unwrap();
            let read = BearerToken::read(&other).unwrap();
            prop_assert_eq!(read.hash() == token.hash(), other == shown);
        }

        #[test]
        fn no_header_breaks_the_reader(value in any::<String>()) {
            let _ = BearerToken::from_authorization(&value);
        }
    }
}
