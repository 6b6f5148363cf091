//! May this terminal join (R1)? Facts go in, verdicts come out, each with its mend. What is wanted is data: two files
//! under `rules/`, after the source's requirements for terminals, that an operator may replace.
//!
//! [`ike`] and [`esp`] are the bytes that are sent to find out what passes; [`nat`] tells from the answers who
//! translates addresses. Nothing here asks a machine or sends anything, and it must not know who does.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod esp;
mod facts;
mod families;
pub mod ike;
mod judge;
pub mod nat;
mod rules;
mod sign;
pub mod tcp;
mod verdict;
mod version;

pub use facts::{Facts, Item, Line, LineKind, Medium, NotTried, Os, Passing, Platform, Probes, Seen};
pub use families::{Families, Family};
pub use judge::judge;
pub use rules::{Ports, Rules, RulesError};
pub use sign::{ItemKind, Sign};
pub use verdict::{Group, Outcome, Report, Verdict};
