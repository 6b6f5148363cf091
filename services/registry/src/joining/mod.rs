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

/// Tables of sites, agreements and tokens as institutions register them (G12); a step of `schema`.
pub(crate) const REGISTRATION: &str = "
CREATE TABLE join_member (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_member_by_state ON join_member (state, at, id);
CREATE INDEX join_member_by_owner ON join_member (owner, at, id);
CREATE UNIQUE INDEX join_member_by_name ON join_member (name);
CREATE INDEX join_member_by_time ON join_member (at, id);
CREATE TABLE join_site (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_site_by_state ON join_site (state, at, id);
CREATE INDEX join_site_by_owner ON join_site (owner, at, id);
CREATE UNIQUE INDEX join_site_by_name ON join_site (name);
CREATE INDEX join_site_by_time ON join_site (at, id);
CREATE TABLE join_proposal (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_proposal_by_state ON join_proposal (state, at, id);
CREATE INDEX join_proposal_by_owner ON join_proposal (owner, at, id);
CREATE UNIQUE INDEX join_proposal_by_name ON join_proposal (name);
CREATE INDEX join_proposal_by_time ON join_proposal (at, id);
CREATE TABLE join_token (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_token_by_state ON join_token (state, at, id);
CREATE INDEX join_token_by_owner ON join_token (owner, at, id);
CREATE UNIQUE INDEX join_token_by_name ON join_token (name);
CREATE INDEX join_token_by_time ON join_token (at, id);
";
