//! Benches against a peer in the same run: every number stands beside what the trade already has.
//!
//! A bench speaks to the product from outside: it is a switch to a gate, a terminal to the center. It must not know how
//! the product does its work; only the rows that measure planning and proving call the pure rooms themselves.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod connect;
pub mod controller;
mod cpu;
mod failure;
mod network;
mod plan_open;
pub mod scenarios;
pub mod verify;

pub use failure::BenchError;
pub use measure::{Noise, Peer, Row, Summary, table};
pub use plan_open::plan_open;
