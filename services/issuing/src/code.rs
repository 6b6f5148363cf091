//! Codes that are good once: typed by hand or pasted, never guessed.

use audit::Digest;

use crate::Refused;

/// Crockford's 32 characters: none that is taken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 125 bits: nobody guesses that, so nobody has to be locked out for guessing.
const LENGTH: usize = 25;
/// 100 bits, as the portal's codes have.
const SHORTEST: usize = 20;
const GROUP: usize = 5;

/// A code: shown once, kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// A fresh one.
    ///
    /// # Errors
    /// [`Refused::Authority`] if the machine gives no random numbers.
    pub(crate) fn fresh() -> Result<Self, Refused> {
        let characters = random::<LENGTH>()?.map(|octet| ALPHABET[usize::from(octet & 31)]);
        let groups: Vec<&str> = characters.chunks(GROUP).filter_map(|group| std::str::from_utf8(group).ok()).collect();
        Ok(Self(groups.join("-")))
    }

    /// Five groups of five characters, for the person's eyes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

/// A typed code as it is compared: capitals, no hyphens or spaces, O as 0, I and L as 1, full-width characters as their
/// narrow ones. None if it cannot be a code.
pub fn normalized(typed: &str) -> Option<String> {
    let mut out = String::with_capacity(LENGTH);
    for c in typed.chars() {
        let narrow = match u32::from(c) {
            wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
            0x3000 => ' ',
            _ => c,
        };
        match narrow.to_ascii_uppercase() {
            '-' | ' ' | 'ー' | '‐' | '−' => {}
            'O' => out.push('0'),
            'I' | 'L' => out.push('1'),
            c if u8::try_from(c).is_ok_and(|octet| ALPHABET.contains(&octet)) => out.push(c),
            _ => return None,
        }
        if out.len() > LENGTH {
            return None;
        }
    }
    [SHORTEST, LENGTH].contains(&out.len()).then_some(out)
}

/// What the registry keeps of a code. It has 100 random bits or more, so a plain digest cannot be turned back.
pub(crate) fn digest(typed: &str) -> Option<Digest> {
    Some(Digest::of(format!("sekisho enrolment code\n{}", normalized(typed)?).as_bytes()))
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Refused> {
    use ring::rand::SecureRandom;
    let mut out = [0; N];
    let filled = ring::rand::SystemRandom::new().fill(&mut out);
    filled.map_err(|_| Refused::no_randomness())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_recognised_as_people_type_it() {
        let code = Code::fresh().unwrap();
        let bare = code.expose().replace('-', "");
        assert_eq!(bare.len(), LENGTH);
        assert_eq!(normalized(code.expose()).as_deref(), Some(bare.as_str()));
        assert_eq!(normalized(&bare.to_lowercase()), Some(bare.clone()));
        let wide: String = bare.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
        assert_eq!(normalized(&format!(" {wide}　")), Some(bare.clone()));
        assert_eq!(normalized(&"oil0Z".repeat(5)), Some("0110Z".repeat(5)));
        assert_eq!(normalized(&bare[5..]).as_deref(), Some(&bare[5..]), "the portal's have four groups");
        assert_eq!(normalized(&bare[1..]), None);
        assert_eq!(normalized(&format!("{bare}A")), None);
        assert_eq!(normalized(&"U".repeat(25)), None);
        assert_ne!(digest(code.expose()), digest(Code::fresh().unwrap().expose()));
        assert_eq!(format!("{code:?}"), "Code(…)");
    }

    proptest! {
        #[test]
        fn any_text_is_a_code_or_not_and_never_a_panic(text in "\\PC{0,60}") {
            if let Some(code) = normalized(&text) {
                prop_assert_eq!(normalized(&code), Some(code));
            }
        }
    }
}
