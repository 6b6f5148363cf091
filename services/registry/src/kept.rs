//! What outlives the center besides lines: who is signed in, what providers are asked (N3, N8).
//!
//! Bodies are JSON that whoever keeps them understands; like everything read back they are believed by nobody before
//! they are judged again.

use model::SessionId;
use sqlx::{Any, Row, Transaction};
use std::collections::BTreeMap;

use crate::RegistryError;
use crate::change::Commit;
use crate::database::Database;

/// Its step of the schema.
pub(crate) const TABLES: &str = "
CREATE TABLE kept (
    shelf TEXT NOT NULL,
    id BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (shelf, id)
);
ALTER TABLE connection ADD COLUMN session BIGINT;
ALTER TABLE connection ADD COLUMN proofs TEXT;
";

/// Where something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shelf {
    /// Sign-ins, with what was shown and what they are barred from.
    Session,
    /// Questions to providers, and their answers.
    Approval,
}

impl Shelf {
    const ALL: [Self; 2] = [Self::Session, Self::Approval];
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Approval => "approval",
        }
    }
}

/// A line of what is kept: put there anew, or taken away.
#[derive(Debug, Clone)]
pub(crate) struct KeptRow {
    pub(crate) shelf: Shelf,
    pub(crate) id: u64,
    pub(crate) body: Option<String>,
}

/// What a change keeps, keeps no longer, and hands on from one session to another.
pub(crate) async fn write(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    change: &Commit,
) -> Result<(), RegistryError> {
    for (from, to) in &change.followed {
        sqlx::query(
            "UPDATE connection SET session = $2 WHERE session = $1 AND state IN ('opening', 'open', 'closing')",
        )
        .bind(session_number(*from)?)
        .bind(session_number(*to)?)
        .execute(&mut **tx)
        .await
        .map_err(|e| database.error(e))?;
    }
    for row in &change.kept {
        keep(database, tx, row).await?;
    }
    Ok(())
}

pub(crate) fn session_number(session: SessionId) -> Result<i64, RegistryError> {
    i64::try_from(session.0).map_err(|_| RegistryError::Inconsistent(format!("session number {session}")))
}

async fn keep(database: &Database, tx: &mut Transaction<'_, Any>, row: &KeptRow) -> Result<(), RegistryError> {
    let id = i64::try_from(row.id).map_err(|_| RegistryError::Inconsistent(format!("number {}", row.id)))?;
    let statement = match &row.body {
        Some(body) => sqlx::query(
            "INSERT INTO kept (shelf, id, body) VALUES ($1, $2, $3) ON CONFLICT (shelf, id) DO UPDATE SET body = $3",
        )
        .bind(row.shelf.as_str())
        .bind(id)
        .bind(body.as_str()),
        None => sqlx::query("DELETE FROM kept WHERE shelf = $1 AND id = $2").bind(row.shelf.as_str()).bind(id),
    };
    statement.execute(&mut **tx).await.map_err(|e| database.error(e))?;
    Ok(())
}

pub(crate) async fn kept(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
) -> Result<BTreeMap<(Shelf, u64), String>, RegistryError> {
    let rows = sqlx::query("SELECT shelf, id, body FROM kept ORDER BY shelf, id")
        .fetch_all(&mut **tx)
        .await
        .map_err(|e| database.error(e))?;
    let mut found = BTreeMap::new();
    for row in &rows {
        let shelf: String = row.try_get(0).map_err(|e| database.error(e))?;
        let id: i64 = row.try_get(1).map_err(|e| database.error(e))?;
        let body: String = row.try_get(2).map_err(|e| database.error(e))?;
        let shelf = Shelf::ALL.into_iter().find(|s| s.as_str() == shelf);
        let shelf = shelf.ok_or_else(|| database.corrupt("something is kept on a shelf that is not ours"))?;
        found.insert((shelf, u64::try_from(id).map_err(|e| database.corrupt(e))?), body);
    }
    Ok(found)
}
