//! What is kept of joining (R2–R6, R8, R9, R11): applications, accounts, letters, links, sessions, the directory.
//!
//! A noun is a row: its number, its version, the few columns it is found by, and itself as JSON. Whoever changes one
//! says which version was read; a change of anything else in between is refused as [`crate::RegistryError::Stale`], so
//! two people who decide at the same moment can never both have decided. A change, its audit entry and the letters that
//! tell of it are one [`crate::Commit`].

mod directory;
mod kept;
mod letters;
mod links;
mod sessions;
mod write;

pub use kept::{Kept, Page, Record, Table};
pub use letters::{DueLetter, LetterState, SentLetter, WaitingLetters};
pub use links::Link;
pub use sessions::{Session, SessionStage};

pub(crate) use write::{Step, apply};
