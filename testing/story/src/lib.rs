//! The product raised in the lab, and the story that the demo tells and the tests check.
//!
//! [`Stage`] is a whole small network: three sites of the lab, a center, a gate a site, cards and certificates. It
//! drives the product only through what a person has: its binaries, their configuration files, their output. The
//! chapters of the story are checks with real packets; the demo prints them, the tests demand that all hold.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod account;
mod browsers;
pub mod chapters;
mod command;
mod configuration;
mod documents;
mod people;
mod set;
mod snapshot;
mod stage;

pub use account::Account;
pub use browsers::{Look, console_timings, curl, keep, pictures, sign_in, with_services};
pub use command::Answered;
pub use people::{Cards, PIN, Person};
pub use set::{Accord, CardOrder, Flaw, Set};
pub use snapshot::Snapshot;
pub use stage::{FLOOD_PER_SECOND, Failover, Flooded, Stage, StageError, Watched, seconds, until};
