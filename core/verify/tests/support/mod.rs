//! A small network of valid states, written straight from the table of rules in the architecture, not by the planner;
//! and a naive interpreter of what its tables do to concrete packets.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "a tally reads the file it adds to")]

pub mod build;
pub mod changed;
pub mod corner;
pub mod mutate;
pub mod naive;
pub mod tally;
pub mod v6;
