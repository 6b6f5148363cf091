//! One-time passwords by the clock (RFC 6238 with SHA-1, 30 seconds, six digits: what every authenticator app can do).

use model::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::Randomness;

const STEP_S: i64 = 30;

/// The secret an authenticator app shares, 160 bits (RFC 4226 §4 R6).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TotpSecret(Vec<u8>);

impl TotpSecret {
    /// A new one.
    pub fn new(random: &dyn Randomness) -> Self {
        let mut bytes = vec![0; 20];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Base 32 (RFC 4648 §6) without padding: what a person types into the app.
    pub fn base32(&self) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut out = String::new();
        for five in self.0.chunks(5) {
            let mut bits = 0u64;
            for i in 0..5 {
                bits = bits << 8 | u64::from(five.get(i).copied().unwrap_or(0));
            }
            let letters = (five.len() * 8).div_ceil(5);
            out.extend((0..letters).map(|i| char::from(LETTERS[(bits >> (35 - 5 * i) & 31) as usize])));
        }
        out
    }

    /// `otpauth://totp/…`, what the QR code on the page holds.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let escape = |text: &str| -> String {
            text.bytes()
                .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
                .collect()
        };
        let (issuer, account) = (escape(issuer), escape(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.base32())
    }

    /// The step of the clock a code belongs to, if it is right now, a step early or a step late (RFC 6238 §5.2), and
    /// later than `last`: a code that was used is worth nothing.
    pub fn check(&self, code: &str, now: Timestamp, last: i64) -> Option<i64> {
        let code = crate::search::half_width(code).replace(' ', "");
        if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let step = now.unix_seconds().div_euclid(STEP_S);
        // All three are computed whatever matches, and digits compared as numbers: nothing to time.
        let given: u32 = code.parse().ok()?;
        (step - 1..=step + 1).filter(|s| self.code(*s) == given).filter(|s| *s > last).max()
    }

    /// RFC 4226 §5.3 at a step.
    fn code(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[19] & 15);
        let word = tag[offset..offset + 4].iter().fold(0u32, |word, b| word << 8 | u32::from(*b));
        (word & 0x7fff_ffff) % 1_000_000
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> TotpSecret {
        TotpSecret(b"12345678901234567890".to_vec())
    }

    #[test]
    fn vectors_of_rfc_6238_appendix_b() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_unix_seconds(seconds);
            assert_eq!(rfc().check(code, now, 0), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_once_and_for_a_step_around() {
        let at = |s: i64| Timestamp::from_unix_seconds(1_111_111_109 + s);
        let step = rfc().check("081804", at(0), 0).unwrap();
        assert_eq!(rfc().check("081804", at(0), step), None, "used");
        assert_eq!(rfc().check("０８１ ８０４", at(20), 0), Some(step));
        assert_eq!(rfc().check("081804", at(-35), 0), Some(step));
        assert_eq!(rfc().check("081804", at(90), 0), None);
        for wrong in ["", "08180", "0818044", "08180a", "081805"] {
            assert_eq!(rfc().check(wrong, at(0), 0), None);
        }
    }

    #[test]
    fn the_secret_as_apps_read_it() {
        assert_eq!(rfc().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            rfc().uri("Sekisho 網", "12345678"),
            "otpauth://totp/Sekisho%20%E7%B6%B2:12345678?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Sekisho%20%E7%B6%B2"
        );
        assert!(!format!("{:?}", rfc()).contains('1'));
    }
}
