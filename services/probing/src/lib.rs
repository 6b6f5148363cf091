//! The world's half of `preflight` (R1): [`collect`] reads what this Linux machine is and has, [`ask`] sends to find out
//! what passes between it and the center, and [`Responder`] answers there. It judges nothing.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod ask;
mod collect;
mod raw;
mod responder;

pub use ask::{PATIENCE, ask};
pub use collect::{collect, today};
pub use responder::{Responder, ResponderError};

/// Random bytes.
pub(crate) fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; N];
    let filled = ring::rand::SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
    Ok(bytes)
}
