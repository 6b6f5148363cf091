//! Switches, strongSwan, nftables and a clock in memory, driving many sites' machines without a network.
//!
//! The fakes are simple on purpose: they are the reference. What the machine sends to a switch is encoded to bytes and
//! decoded again, what it asks of nftables is read as the script it is. Links keep their order; everything else is up
//! to the schedule the test draws.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod charon;
mod nft;
mod switch;
mod world;

pub use charon::Charon;
pub use nft::Nft;
pub use switch::Switch;
pub use world::{LINKS, Link, World};
