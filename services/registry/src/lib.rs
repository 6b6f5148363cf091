//! State and audit in one transaction, on SQLite or PostgreSQL (G13, G15, X4).
//!
//! The registry (台帳) keeps what was applied, the wanted state of every site as snapshots and deltas, the connections,
//! and the hash-chained audit log. A change enters only as a [`Commit`]: proofs in, rows and audit entries out, all of
//! it or nothing. It decides nothing and plans nothing, and it does not believe itself: what [`Registry::load`] returns
//! are plain values that `verify` must prove again.
//!
//! One statement text serves both databases: columns are BIGINT and TEXT, values are JSON or hexadecimal.
//!
//! Durability on SQLite: the write-ahead log with `synchronous=NORMAL` by default ([`Durability::Process`]): what was
//! committed survives `kill -9` of the center, because it is in the kernel's hands. Only a power loss may cut the last
//! commits off, never tear one; [`Loaded::tail_at_risk`] then says so. [`Durability::Power`] waits for the disk at
//! every commit, milliseconds each. Numbers of grants are reserved with a wait for the disk in either case, so none is
//! ever given twice. PostgreSQL always waits.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod change;
mod commit;
mod connections;
mod database;
mod failure;
mod grant_ids;
mod issuing;
mod joining;
mod kept;
mod load;
mod log;
mod owner;
mod past;
mod schema;
mod seal;
mod site_states;
mod steps;
mod submissions;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use tokio::sync::watch;

pub use change::{Commit, Committed};
pub use connections::{Connection, ConnectionQuery};
pub use failure::RegistryError;
pub use issuing::{CertificateRow, Enrolment, IssuingChange, ListRow};
pub use joining::{
    DueLetter, Kept, LetterState, Link, Page, Record, SentLetter, Session, SessionStage, Table, WaitingLetters,
};
pub use kept::Shelf;
pub use load::Loaded;
pub use past::Past;
pub use seal::Seals;
pub use submissions::{
    NewSubmission, Submission, SubmissionQuery, SubmissionState, SubmissionStep, SubmissionsOverseen,
};

use database::Database;
use grant_ids::GrantIds;
use site_states::Growth;

/// How much a commit waits for on SQLite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// A commit survives the death of the process; a power loss may cut off the last ones.
    #[default]
    Process,
    /// A commit survives a power loss.
    Power,
}

/// Where the registry is and how it behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `sqlite:///var/lib/sekisho/registry.db` or `postgres://user@host/database`.
    pub url: String,
    /// SQLite only.
    pub durability: Durability,
    /// How long to wait for a lock of the database, milliseconds.
    pub busy_ms: u32,
    /// Largest size of a SQLite file, bytes; the database then is full before the disk is.
    pub max_bytes: Option<u64>,
    /// A site's deltas are folded into a snapshot when they are larger than this and than twice the snapshot, bytes.
    pub compact_bytes: u64,
    /// What seals accounts and letters; they lie open if absent.
    pub seals: Option<Arc<Seals>>,
}

impl Settings {
    /// Defaults for a database.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            durability: Durability::default(),
            busy_ms: 2_000,
            max_bytes: None,
            compact_bytes: 1 << 20,
            seals: None,
        }
    }
}

/// The registry. Clones share it.
#[derive(Debug, Clone)]
pub struct Registry {
    database: Arc<Database>,
    grant_ids: Arc<GrantIds>,
    growth: Arc<Growth>,
    accounts: Arc<watch::Sender<u64>>,
}

impl Registry {
    /// Opens with default [`Settings`]; creates the SQLite file and the tables if they are not there.
    ///
    /// # Errors
    /// [`RegistryError`]; `Owned` if another center has this SQLite file.
    pub async fn open(url: &str) -> Result<Self, RegistryError> {
        Self::open_with(Settings::new(url)).await
    }

    /// Opens.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub async fn open_with(settings: Settings) -> Result<Self, RegistryError> {
        let growth = Arc::new(Growth::new(settings.compact_bytes));
        let database = Arc::new(Database::open(settings).await?);
        let sealed = database.seal_anew().await?;
        if sealed > 0 {
            tracing::info!(rows = sealed, "sealed with the present key");
        }
        let accounts = Arc::new(watch::channel(0).0);
        Ok(Self { database, grant_ids: Arc::new(GrantIds::default()), growth, accounts })
    }

    /// Changes with every commit of this process that touched an account. What another replica did is not heard here:
    /// who must know looks again from time to time.
    pub fn accounts_changed(&self) -> watch::Receiver<u64> {
        self.accounts.subscribe()
    }

    /// Ends in order: waits for a commit under way, notes that nothing is missing, and gives the file free.
    ///
    /// # Errors
    /// [`RegistryError`]; the registry is closed all the same.
    pub async fn close(&self) -> Result<(), RegistryError> {
        self.database.close().await
    }
}
