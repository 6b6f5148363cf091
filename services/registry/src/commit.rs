//! One transaction: proofs become rows, events become entries.

use audit::{Entry, Head};
use model::GrantId;
use sqlx::{Any, Row, Transaction};

use crate::change::{Commit, Committed};
use crate::database::{Database, Kind, Writer};
use crate::joining::Step;
use crate::steps::{move_head, one_by_one, steps, together};
use crate::{Registry, RegistryError};

impl Registry {
    /// Commits everything of a change or nothing.
    ///
    /// A caller that goes away does not stop a commit under way.
    ///
    /// # Errors
    /// [`RegistryError`]. Nothing was changed, except that after `OutcomeUnknown` it may have been.
    pub async fn commit(&self, change: Commit) -> Result<Committed, RegistryError> {
        if let Some(fault) = change.fault() {
            return Err(RegistryError::Inconsistent(fault));
        }
        let registry = self.clone();
        tokio::spawn(async move { registry.commit_now(change).await })
            .await
            .unwrap_or_else(|e| Err(RegistryError::Inconsistent(format!("the commit ended early: {e}"))))
    }

    async fn commit_now(&self, change: Commit) -> Result<Committed, RegistryError> {
        let mut writer = self.database.writer().await?;
        let known = self.database.known_head().take();
        let committed = attempt(&self.database, &mut writer, &change, known).await;
        match &committed {
            Ok(committed) => {
                *self.database.known_head() = Some(committed.head);
                drop(writer);
                if change.joining.iter().any(Step::touches_an_account) {
                    self.accounts.send_modify(|times| *times = times.wrapping_add(1));
                }
                self.grown(change.deltas.iter().map(|d| (&d.site, d.text.len() as u64)));
            }
            Err(error) if is_logical(error) => {}
            Err(_) => writer.discard(),
        }
        committed
    }
}

async fn attempt(
    database: &Database,
    writer: &mut Writer<'_>,
    change: &Commit,
    known: Option<Head>,
) -> Result<Committed, RegistryError> {
    // A person waits for every trip to the database and back. Nearly always nobody else was there since the last commit
    // and everything goes as it should: then SQLite gets all of it at once. If anything did not, it is undone and done
    // again step by step, which says what it was.
    if database.kind == Kind::Sqlite
        && change.joining.is_empty()
        && change.issuing.is_empty()
        && change.kept.is_empty()
        && change.followed.is_empty()
        && change.submissions.is_empty()
        && let Some(from) = known
    {
        let next = chained(from, change);
        let steps = steps(change, &from, &next)?;
        let mut tx = writer.begin().await?;
        if together(database, &mut tx, &steps).await? {
            tx.commit().await.map_err(|e| unknown(database.error(e)))?;
            return Ok(next);
        }
        tx.rollback().await.map_err(|e| database.error(e))?;
    }
    let known = known.filter(|_| database.kind == Kind::Postgres);
    let mut tx = writer.begin().await?;
    match write(database, &mut tx, change, known).await {
        Ok(committed) => {
            tx.commit().await.map_err(|e| unknown(database.error(e)))?;
            Ok(committed)
        }
        Err(error) => {
            // A full database rolls back by itself and then finds nothing to roll back; what it said first counts.
            match tx.rollback().await {
                Err(failed) if is_logical(&error) => Err(database.error(failed)),
                _ => Err(error),
            }
        }
    }
}

/// A refusal by our own rules leaves the connection to the database as good as it was.
fn is_logical(error: &RegistryError) -> bool {
    matches!(
        error,
        RegistryError::Conflict { .. }
            | RegistryError::WrongState { .. }
            | RegistryError::Inconsistent(_)
            | RegistryError::Stale { .. }
            | RegistryError::Taken { .. }
            | RegistryError::Submission { .. }
    )
}

/// When the server is lost during COMMIT nobody knows; every other refusal is a refusal.
fn unknown(error: RegistryError) -> RegistryError {
    match error {
        RegistryError::Unreachable { name, why } => RegistryError::OutcomeUnknown { name, why },
        other => other,
    }
}

/// Step by step.
async fn write(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    change: &Commit,
    known: Option<Head>,
) -> Result<Committed, RegistryError> {
    let committed = go_on(database, tx, change, known).await?;
    crate::kept::write(database, tx, change).await?;
    crate::joining::apply(database, tx, &change.joining, change.at).await?;
    for step in &change.issuing {
        crate::issuing::write(database, tx, step, change.at.0).await?;
    }
    for step in &change.submissions {
        crate::submissions::go_on(database, tx, step, change.at.0).await?;
    }
    Ok(committed)
}

async fn go_on(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    change: &Commit,
    known: Option<Head>,
) -> Result<Committed, RegistryError> {
    if let Some(from) = known {
        let next = chained(from, change);
        let steps = steps(change, &from, &next)?;
        if move_head(database, tx, &steps).await? {
            one_by_one(database, tx, steps.get(1..).unwrap_or_default()).await?;
            return Ok(next);
        }
        // Another replica was faster; nothing was written yet.
    }
    let from = lock_head(database, tx).await?;
    let next = chained(from, change);
    one_by_one(database, tx, &steps(change, &from, &next)?).await?;
    Ok(next)
}

fn chained(mut head: Head, change: &Commit) -> Committed {
    let mut entries: Vec<Entry> = Vec::with_capacity(change.events.len());
    for event in &change.events {
        let entry = head.append(change.at, event.clone());
        head = entry.head();
        entries.push(entry);
    }
    Committed { entries, head }
}

async fn lock_head(database: &Database, tx: &mut Transaction<'_, Any>) -> Result<Head, RegistryError> {
    let rows = sqlx::query("UPDATE audit_head SET seq = seq WHERE id = 1 RETURNING seq, hash")
        .fetch_all(&mut **tx)
        .await
        .map_err(|e| database.error(e))?;
    let row = rows.first().ok_or_else(|| database.corrupt("the end of the audit log is not noted"))?;
    head_of(database, row)
}

pub(crate) fn head_of(database: &Database, row: &sqlx::any::AnyRow) -> Result<Head, RegistryError> {
    let seq: i64 = row.try_get(0).map_err(|e| database.error(e))?;
    let hash: String = row.try_get(1).map_err(|e| database.error(e))?;
    Ok(Head {
        seq: u64::try_from(seq).map_err(|e| database.corrupt(e))?,
        hash: hash.parse().map_err(|e| database.corrupt(e))?,
    })
}

pub(crate) fn grant_number(grant: GrantId) -> Result<i64, RegistryError> {
    i64::try_from(grant.0).map_err(|_| RegistryError::Inconsistent(format!("grant number {grant}")))
}

pub(crate) fn sequence(seq: u64) -> Result<i64, RegistryError> {
    i64::try_from(seq).map_err(|_| RegistryError::Inconsistent(format!("entry number {seq}")))
}
