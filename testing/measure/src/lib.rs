//! The shape of every measured result, and how busy the machine was meanwhile. Knows nothing of what is measured.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod noise;
mod row;

pub use noise::Noise;
pub use row::{Peer, Row, Summary, table};
