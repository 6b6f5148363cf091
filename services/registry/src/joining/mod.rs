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

/// A table of one kind of thing that is kept, with its indexes. Steps of `schema` are never changed, and so neither is this.
macro_rules! kept_table {
    ($name:literal) => {
        concat!(
            "CREATE TABLE ",
            $name,
            " (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX ",
            $name,
            "_by_state ON ",
            $name,
            " (state, at, id);
CREATE INDEX ",
            $name,
            "_by_owner ON ",
            $name,
            " (owner, at, id);
CREATE UNIQUE INDEX ",
            $name,
            "_by_name ON ",
            $name,
            " (name);
CREATE INDEX ",
            $name,
            "_by_time ON ",
            $name,
            " (at, id);
"
        )
    };
}

/// Tables of sites, agreements and tokens as institutions register them (G12); a step of `schema`.
pub(crate) const REGISTRATION: &str = concat!(
    "\n",
    kept_table!("join_member"),
    kept_table!("join_site"),
    kept_table!("join_proposal"),
    kept_table!("join_token")
);

/// Table of devices (G1); a step of `schema`.
pub(crate) const EQUIPMENT: &str = concat!("\n", kept_table!("equipment"));
