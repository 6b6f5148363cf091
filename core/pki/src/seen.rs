//! Signatures found good before.

use crate::SignatureRefused;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Forgotten all at once when so many are held: 32 octets each, and what is still in use comes back at once.
const REMEMBERED: usize = 65_536;

/// What was found to be signed once is signed for ever: same key, same bytes, same signature. So certificates that show
/// up in every request are not calculated anew each time. It saves time and never changes a verdict: validity and
/// revocation are judged anew, and what is not here is calculated. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct SeenSignatures {
    good: Arc<Mutex<BTreeSet<[u8; 32]>>>,
}

impl SeenSignatures {
    /// `calculate`, unless these very parts were found good before. The parts are told apart by their lengths.
    pub fn or(
        &self,
        parts: [&[u8]; 4],
        calculate: impl FnOnce() -> Result<(), SignatureRefused>,
    ) -> Result<(), SignatureRefused> {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in parts {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut name = [0u8; 32];
        name.copy_from_slice(digest.finish().as_ref());
        if self.lock().contains(&name) {
            return Ok(());
        }
        calculate()?;
        let mut good = self.lock();
        if good.len() >= REMEMBERED {
            good.clear();
        }
        good.insert(name);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<[u8; 32]>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SeenSignatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SeenSignatures({})", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_found_good_is_remembered_and_only_to_the_octet() {
        let seen = SeenSignatures::default();
        let parts: [&[u8]; 4] = [b"algorithm", b"key", b"message", b"signature"];
        let bad = || Err(SignatureRefused);
        assert_eq!(seen.or(parts, bad), Err(SignatureRefused));
        assert_eq!(seen.or(parts, bad), Err(SignatureRefused), "a refusal is not remembered as anything");
        assert_eq!(seen.or(parts, || Ok(())), Ok(()));
        assert_eq!(seen.or(parts, bad), Ok(()));
        // Octets that move from one part to the next, and each part changed.
        let others: [[&[u8]; 4]; 5] = [
            [b"algorithmk", b"ey", b"message", b"signature"],
            [b"Algorithm", b"key", b"message", b"signature"],
            [b"algorithm", b"kez", b"message", b"signature"],
            [b"algorithm", b"key", b"messages", b"ignature"],
            [b"algorithm", b"key", b"message", b"signaturf"],
        ];
        for other in others {
            assert_eq!(seen.or(other, bad), Err(SignatureRefused), "{other:?}");
        }
    }
}
