//! The id a registration centre gives a device (機器 ID), with a check digit for people who type it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// 31 characters, none that is taken for another: no 0, I, L, O, U. 31 is a prime, so the weighted sum below sees every
/// single wrong character and every swap of two.
const ALPHABET: &[u8; 31] = b"123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// A device id: three groups of four characters, the last one a check digit, e.g. `7F3K-9M2P-4QXT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId([u8; LENGTH]);

/// Why a text is no device id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotADeviceId {
    /// Another shape.
    #[error("a device id has three groups of four characters out of 1-9 and A-Z without I, L, O, U")]
    Shape,
    /// A character is mistyped, or two are swapped.
    #[error("the check digit does not fit: a character is mistyped or two are swapped")]
    CheckDigit,
}

impl DeviceId {
    /// From random octets: about 54 bits of them. Whether the id is taken, the registry knows.
    pub fn from_random(octets: [u8; LENGTH - 1]) -> Self {
        let mut values = [0; LENGTH];
        for (value, octet) in values.iter_mut().zip(octets) {
            *value = octet % 31;
        }
        values[LENGTH - 1] = (31 - weighted(&values) % 31) as u8 % 31;
        // The weight of the last place is 1, so this makes the sum 0.
        Self(values.map(|value| ALPHABET[usize::from(value)]))
    }

    /// A number of its own, positive: how a registry keeps it.
    pub fn number(&self) -> i64 {
        let value = |octet: &u8| ALPHABET.iter().position(|known| known == octet).unwrap_or_default();
        // 31^12 is less than 2^60.
        self.0.iter().fold(0, |number, octet| number * 31 + value(octet) as i64)
    }

    /// The identity in its first-tier certificate.
    pub fn uri(&self) -> String {
        format!("urn:sekisho:equipment:{self}")
    }
}

/// Weights 12 down to 1, all different and none 0 modulo 31.
fn weighted(values: &[u8; LENGTH]) -> usize {
    values.iter().enumerate().map(|(n, value)| (LENGTH - n) * usize::from(*value)).sum()
}

impl FromStr for DeviceId {
    type Err = NotADeviceId;

    /// Small letters, blanks and missing hyphens are forgiven: people type it from a plate.
    fn from_str(text: &str) -> Result<Self, NotADeviceId> {
        let mut values = [0; LENGTH];
        let mut found = 0;
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ' | '　' | '‐' | '−' | 'ー')) {
            let narrow = match u32::from(c) {
                wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
                _ => c,
            };
            let upper = u8::try_from(narrow.to_ascii_uppercase()).map_err(|_| NotADeviceId::Shape)?;
            let value = ALPHABET.iter().position(|known| *known == upper).ok_or(NotADeviceId::Shape)?;
            *values.get_mut(found).ok_or(NotADeviceId::Shape)? = value as u8;
            found += 1;
        }
        if found != LENGTH {
            return Err(NotADeviceId::Shape);
        }
        if !weighted(&values).is_multiple_of(31) {
            return Err(NotADeviceId::CheckDigit);
        }
        Ok(Self(values.map(|value| ALPHABET[usize::from(value)])))
    }
}

impl TryFrom<String> for DeviceId {
    type Error = NotADeviceId;
    fn try_from(text: String) -> Result<Self, NotADeviceId> {
        text.parse()
    }
}
impl From<DeviceId> for String {
    fn from(id: DeviceId) -> String {
        id.to_string()
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, octet) in self.0.iter().enumerate() {
            if n > 0 && n % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*octet))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_is_typed(octets: [u8; 11]) {
            let id = DeviceId::from_random(octets);
            let text = id.to_string();
            prop_assert_eq!(text.len(), 14);
            prop_assert_eq!(text.parse::<DeviceId>(), Ok(id));
            prop_assert_eq!(text.to_lowercase().replace('-', " ").parse::<DeviceId>(), Ok(id));
        }

        #[test]
        fn one_wrong_character_is_seen(octets: [u8; 11], at in 0usize..12, other in 0usize..31) {
            let id = DeviceId::from_random(octets);
            let mut typed = id.0;
            prop_assume!(typed[at] != ALPHABET[other]);
            typed[at] = ALPHABET[other];
            prop_assert_eq!(DeviceId(typed).to_string().parse::<DeviceId>(), Err(NotADeviceId::CheckDigit));
        }

        #[test]
        fn two_swapped_characters_are_seen(octets: [u8; 11], a in 0usize..12, b in 0usize..12) {
            let id = DeviceId::from_random(octets);
            let mut typed = id.0;
            typed.swap(a, b);
            prop_assume!(typed != id.0);
            prop_assert_eq!(DeviceId(typed).to_string().parse::<DeviceId>(), Err(NotADeviceId::CheckDigit));
        }

        #[test]
        fn any_text_is_an_id_or_not_and_never_a_panic(text in "\\PC{0,30}") {
            if let Ok(id) = text.parse::<DeviceId>() {
                prop_assert_eq!(id.to_string().parse::<DeviceId>(), Ok(id));
            }
        }
    }
}
