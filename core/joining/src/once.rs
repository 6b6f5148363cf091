//! Things that work once: links in letters, codes for tools, and the tokens of web sessions. Only hashes are stored.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

use crate::Randomness;

/// A one-time value as its owner has it. It shows itself only through [`OneTime::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct OneTime(String);

/// SHA-256 of a one-time value, hexadecimal. The values have 100 bits and more of randomness, so that no salt and no
/// slow hash is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkHash(String);

/// Without letters that look like digits (Crockford's base 32).
const READABLE: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 43 characters of base 64 for a URL or a cookie: 256 bits.
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl OneTime {
    /// For a URL or a cookie: 43 characters, 258 bits.
    pub fn for_url(random: &dyn Randomness) -> Self {
        Self((0..43).map(|_| char::from(URL_SAFE[random.below(64) as usize])).collect())
    }

    /// For a person to type: four groups of five, 100 bits.
    pub fn for_typing(random: &dyn Randomness) -> Self {
        let group = || (0..5).map(|_| char::from(READABLE[random.below(32) as usize])).collect::<String>();
        Self([group(), group(), group(), group()].join("-"))
    }

    /// From what came back: in a URL or cookie as it is, typed with or without hyphens, in small letters too. `None`
    /// if it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() == 43 && text.bytes().all(|b| URL_SAFE.contains(&b)) {
            return Some(Self(text.to_owned()));
        }
        let mut typed = String::new();
        for c in text.chars().take(64) {
            match c.to_ascii_uppercase() {
                '-' | ' ' => {}
                'O' => typed.push('0'),
                'I' | 'L' => typed.push('1'),
                c if c.is_ascii() && READABLE.contains(&(c as u8)) => typed.push(c),
                _ => return None,
            }
        }
        if typed.len() != 20 {
            return None;
        }
        Some(Self([&typed[..5], &typed[5..10], &typed[10..15], &typed[15..]].join("-")))
    }

    /// The value itself: for the letter, the page or the cookie, and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a security key is asked to sign where this is the token of a session: bound to it, and told by it alone.
    pub fn challenge(&self) -> [u8; 32] {
        digest_of(b"sekisho second factor", self.0.as_bytes())
    }

    /// What is stored of it.
    pub fn hash(&self) -> LinkHash {
        LinkHash(digest(&SHA256, self.0.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect())
    }
}

/// What a person types where the card is, `K7QM-2XRD`: it follows from the token of what waits for the card. Forty bits are
/// enough, because a code is good for minutes, only from the address that was shown it, and worth nothing without a card.
#[derive(Clone, PartialEq, Eq)]
pub struct CardCode(String);

impl CardCode {
    /// Of what waits.
    pub fn of(token: &OneTime) -> Self {
        let bits = digest_of(b"sekisho card code", token.0.as_bytes());
        let letters = bits[..8].iter().map(|byte| char::from(READABLE[usize::from(byte & 31)]));
        Self(letters.collect())
    }

    /// From what was typed, with or without the hyphen, in small letters too.
    pub fn read(text: &str) -> Option<Self> {
        let mut typed = String::new();
        for c in text.trim().chars().take(32) {
            match c.to_ascii_uppercase() {
                '-' | ' ' => {}
                'O' => typed.push('0'),
                'I' | 'L' => typed.push('1'),
                c if c.is_ascii() && READABLE.contains(&(c as u8)) => typed.push(c),
                _ => return None,
            }
        }
        (typed.len() == 8).then_some(Self(typed))
    }

    /// As it is shown.
    pub fn reveal(&self) -> String {
        format!("{}-{}", &self.0[..4], &self.0[4..])
    }

    /// What is stored of it: another one at every address, so that a code that was lured out of somebody is no code where
    /// they are.
    pub fn hash(&self, from: IpAddr) -> LinkHash {
        let at = format!("{}@{}", self.0, from.to_canonical());
        LinkHash(digest_of(b"sekisho card", at.as_bytes()).iter().map(|b| format!("{b:02x}")).collect())
    }
}

impl fmt::Debug for CardCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardCode(hidden)")
    }
}

/// SHA-256 of a value for one purpose, so that what serves one is none for another.
pub(crate) fn digest_of(purpose: &[u8], value: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, &[purpose, &[0], value].concat()).as_ref());
    out
}

impl LinkHash {
    /// Hexadecimal.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTime(hidden)")
    }
}

crate::field::names! {
    /// What a one-time value is for; one for another purpose does not count.
    Purpose {
        /// The full application (利用申請 URL).
        Application = "application",
        /// A service certificate (R10); `about` is the account.
        Certificate = "certificate",
        /// A new security key (R5): what it is asked to sign; `about` is the account.
        SecurityKey = "security-key",
        /// A log-in waits for the card (R5); `about` is the account.
        CardSignIn = "card-sign-in",
        /// A card is to be added to an account (R5); `about` is the account.
        CardAdd = "card-add",
        /// A gate's certificate (`sekisho-gate enroll`); `about` is the number of the site's registration.
        Gate = "gate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::Dice;

    #[test]
    fn a_typed_code_is_read_however_it_is_typed() {
        let code = OneTime::for_typing(&Dice::new(7));
        let plain = code.reveal().replace('-', "").to_lowercase();
        assert_eq!(OneTime::read(&plain), Some(code.clone()));
        assert_eq!(
            OneTime::read(&format!(" {} ", code.reveal().replace('0', "o").replace('1', "l"))),
            Some(code.clone())
        );
        assert_eq!(OneTime::read(&plain[1..]), None);
        assert!(!format!("{code:?}").contains(code.reveal()));
    }

    #[test]
    fn a_cards_code_is_short_follows_from_what_waits_and_is_good_at_one_address() {
        let dice = Dice::new(9);
        let (a, b) = (OneTime::for_url(&dice), OneTime::for_url(&dice));
        let code = CardCode::of(&a);
        assert_eq!(code, CardCode::of(&a));
        assert_ne!(code, CardCode::of(&b));
        let shown = code.reveal();
        assert_eq!((shown.len(), shown.find('-')), (9, Some(4)));
        assert_eq!(CardCode::read(&format!(" {} ", shown.to_lowercase().replace('-', " "))), Some(code.clone()));
        for wrong in ["", "ABCD", "ABCD-EFGHJ", "ABCD-EFG!", "ＡＢＣＤ-EFGH"] {
            assert_eq!(CardCode::read(wrong), None, "{wrong}");
        }
        let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        assert_eq!(code.hash(here), code.hash("::ffff:192.0.2.1".parse().unwrap()));
        assert_ne!(code.hash(here), code.hash(there));
        assert!(!format!("{code:?}").contains(&shown[..4]));
    }

    #[test]
    fn no_two_are_alike_and_only_the_hash_tells() {
        let dice = Dice::new(1);
        let (a, b) = (OneTime::for_url(&dice), OneTime::for_url(&dice));
        assert_ne!(a.hash(), b.hash());
        assert_eq!(a.reveal().len(), 43);
        assert_eq!(OneTime::read(a.reveal()).unwrap().hash(), a.hash());
        assert_eq!(a.hash().as_str().len(), 64);
        assert_eq!(OneTime::read("../../etc/passwd"), None);
        assert_ne!(a.challenge(), b.challenge());
        let hash: String = a.challenge().iter().map(|b| format!("{b:02x}")).collect();
        assert_ne!(hash, a.hash().as_str(), "what is stored does not tell what is asked");
    }
}
