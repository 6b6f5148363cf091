//! The six scenarios of a hospital's day (N7), each a folder of TOML documents and a play with real packets.
//!
//! [`Scene`] is a scenario as it lies in `scenarios/`: the documents of its sites, agreements, cards, threats. A play
//! raises it with the real product ([`story::Stage`]), lets people do their work against far ends ([`farend`]), tries
//! the threats, and compares who reaches whom with what the proof says. What is tried has a key; the threat tables name
//! these keys, and a test refuses a name that nothing tries.
//!
//! This crate must not know how the product decides or proves: it types what a person types, and looks at packets.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod farend;
mod page;
mod play;
mod plays;
mod proved;
mod scene;
mod threats;

pub use page::page;
pub use plays::{Letter, play};
pub use scene::{Scene, SceneError};
pub use threats::{Threat, Tried, common, trying};
