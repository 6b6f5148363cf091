//! Time and random bytes.

use joining::Randomness;
use model::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where time and random bytes come from.
pub trait World: Randomness + fmt::Debug + Send + Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;
}

/// The machine's clock and random bytes.
#[derive(Debug, Default)]
pub struct RealWorld;

impl Randomness for RealWorld {
    fn fill(&self, bytes: &mut [u8]) {
        // getrandom(2) after boot cannot fail; a password made of anything else must never leave here.
        SystemRandom::new().fill(bytes).expect("the kernel gives random bytes");
    }
}

impl World for RealWorld {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
