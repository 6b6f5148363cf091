//! Security keys (WebAuthn) as a second factor: what a browser and an authenticator say, and whether it holds (R5).
//!
//! The two ceremonies of W3C Web Authentication, each step named where it is taken: [`register`] (§7.1) and
//! [`authenticate`] (§7.2). Numbers of clauses are those of Level 2; rules that Level 3 adds are marked. Attestation is
//! asked for as `none`: which make a key is of, nobody here wants to know. ES256, EdDSA and RS256, by the crypto that is
//! there already. Pure: challenges come in and are somebody else's to draw, keep and use up. It must not know accounts,
//! pages or the registry.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod authenticator_data;
mod cbor;
mod ceremony;
mod client_data;
mod cose;
mod fault;
mod party;

pub use ceremony::{Assertion, Ceremony, Credential, authenticate, register};
pub use cose::ALGORITHMS;
pub use fault::Fault;
pub use party::RelyingParty;
