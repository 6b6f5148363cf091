//! Every text a person meets, in Japanese and English (X5).
//!
//! Texts live in `locales/{ja,en}/*.ftl` (Fluent), one file a room, built into the binary. Values arrive typed as
//! [`Arg`], so that a role, a time or a name is worded in the reader's language. This crate decides nothing and knows
//! no rule; a [`Reason`] is what rooms hand over when they refuse, and travels between processes as data, so that the
//! one who reads it chooses the language.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arg;
mod catalogue;
mod check;
mod lang;
mod reason;
mod words;

pub use arg::Arg;
pub use catalogue::Texts;
pub use check::{english_in, is_japanese, lacking};
pub use lang::Lang;
pub use reason::{Reason, ReasonLines};
pub use words::{Words, last_words};
