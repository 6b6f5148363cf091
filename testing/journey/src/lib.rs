//! Somebody who knows nothing joins the network: every page in a real browser, the product's own binaries.
//!
//! Nothing is opened for it: even the picture's letters it gets as a person would who cannot see, by listening. Letters
//! come by mail, to a mail server of its own; what is inside is reached by a real strongSwan client.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod client;
mod configuration;
mod ear;
mod house;
mod partner;
mod person;
mod walk;

pub use client::Client;
pub use ear::hear;
pub use house::House;
pub use person::{Person, Pictures};
pub use walk::walk;
