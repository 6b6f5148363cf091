//! One transaction: proofs become rows, events become entries.

use audit::{Entry, Head};
use model::{ConnectionState, Generation, GrantId};
use sqlx::{Any, Row, Transaction};

use crate::change::{Commit, Committed, ConnectionRow, DeltaRow, Move};
use crate::database::{Database, Writer};
use crate::{Registry, RegistryError};

/// Rows in one statement: few enough shapes to stay prepared, far from any database's bound on values.
const AT_ONCE: usize = 8;
const ENTRY_COLUMNS: usize = 7;
const DELTA_COLUMNS: usize = 3;

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
        let committed = attempt(&self.database, &mut writer, &change).await;
        match &committed {
            Ok(_) => {
                drop(writer);
                self.grown(change.deltas.iter().map(|d| (&d.site, d.text.len() as u64)));
            }
            Err(error) if is_logical(error) => {}
            Err(_) => writer.discard(),
        }
        committed
    }
}

async fn attempt(database: &Database, writer: &mut Writer<'_>, change: &Commit) -> Result<Committed, RegistryError> {
    let mut tx = writer.begin().await?;
    match write(database, &mut tx, change).await {
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
    )
}

/// When the server is lost during COMMIT nobody knows; every other refusal is a refusal.
fn unknown(error: RegistryError) -> RegistryError {
    match error {
        RegistryError::Unreachable { name, why } => RegistryError::OutcomeUnknown { name, why },
        other => other,
    }
}

async fn write(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    change: &Commit,
) -> Result<Committed, RegistryError> {
    // First, so that replicas take turns here and can never wait for each other in a circle.
    let head = lock_head(database, tx).await?;
    if let Some(document) = &change.network {
        sqlx::query(
            "INSERT INTO network (id, at, document) VALUES (1, $1, $2)
             ON CONFLICT (id) DO UPDATE SET at = $1, document = $2",
        )
        .bind(change.at.0)
        .bind(document.as_str())
        .execute(&mut **tx)
        .await
        .map_err(|e| database.error(e))?;
    }
    for delta in &change.deltas {
        advance(database, tx, delta).await?;
    }
    for some in change.deltas.chunks(AT_ONCE) {
        let insert =
            format!("INSERT INTO site_delta (site, generation, delta) VALUES {}", places(some.len(), DELTA_COLUMNS));
        // Only places of values are put into the text.
        let mut insert = sqlx::query(sqlx::AssertSqlSafe(insert));
        for delta in some {
            insert =
                insert.bind(delta.site.as_str()).bind(generation_number(delta.generation)?).bind(delta.text.as_str());
        }
        insert.execute(&mut **tx).await.map_err(|e| database.error(e))?;
    }
    if let Some(row) = &change.connection {
        insert_connection(database, tx, row, change.at.0).await?;
    }
    for (grant, permitted) in &change.renewed {
        renew(database, tx, *grant, permitted).await?;
    }
    for step in &change.moves {
        go_on(database, tx, step, change.at.0).await?;
    }
    crate::joining::apply(database, tx, &change.joining, change.at).await?;
    for step in &change.issuing {
        crate::issuing::write(database, tx, step, change.at.0).await?;
    }
    append(database, tx, head, change).await
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

async fn advance(database: &Database, tx: &mut Transaction<'_, Any>, delta: &DeltaRow) -> Result<(), RegistryError> {
    let (parent, generation) = (generation_number(delta.parent)?, generation_number(delta.generation)?);
    if delta.generation != delta.parent.next() {
        return Err(RegistryError::Inconsistent(format!("a plan from generation {parent} to {generation}")));
    }
    let statement = if delta.parent == Generation(0) {
        sqlx::query("INSERT INTO site (site, generation) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(delta.site.as_str())
            .bind(generation)
    } else {
        sqlx::query("UPDATE site SET generation = $2 WHERE site = $1 AND generation = $3")
            .bind(delta.site.as_str())
            .bind(generation)
            .bind(parent)
    };
    let done = statement.execute(&mut **tx).await.map_err(|e| database.error(e))?;
    if done.rows_affected() != 1 {
        let row = sqlx::query("SELECT generation FROM site WHERE site = $1")
            .bind(delta.site.as_str())
            .fetch_optional(&mut **tx)
            .await
            .map_err(|e| database.error(e))?;
        let found = match row {
            Some(row) => row.try_get::<i64, _>(0).map_err(|e| database.error(e))?,
            None => 0,
        };
        return Err(RegistryError::Conflict {
            site: delta.site.clone(),
            expected: delta.parent,
            found: Generation(u64::try_from(found).map_err(|e| database.corrupt(e))?),
        });
    }
    Ok(())
}

fn generation_number(generation: Generation) -> Result<i64, RegistryError> {
    i64::try_from(generation.0).map_err(|_| RegistryError::Inconsistent(format!("generation {generation}")))
}

async fn insert_connection(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    row: &ConnectionRow,
    at: i64,
) -> Result<(), RegistryError> {
    let done = sqlx::query(
        "INSERT INTO connection
             (grant_id, state, origin_site, destination_site, permitted, person, device, requested_at)
         VALUES ($1, 'opening', $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(grant_number(row.id)?)
    .bind(row.origin.as_str())
    .bind(row.destination.as_str())
    .bind(row.permitted.as_str())
    .bind(row.person.as_str())
    .bind(row.device.to_string())
    .bind(at)
    .execute(&mut **tx)
    .await
    .map_err(|e| database.error(e))?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(RegistryError::Inconsistent(format!("connection {} exists already", row.id)))
    }
}

async fn renew(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    grant: GrantId,
    permitted: &str,
) -> Result<(), RegistryError> {
    let done = sqlx::query("UPDATE connection SET permitted = $2 WHERE grant_id = $1 AND state IN ('opening', 'open')")
        .bind(grant_number(grant)?)
        .bind(permitted)
        .execute(&mut **tx)
        .await
        .map_err(|e| database.error(e))?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(RegistryError::WrongState { grant, found: None, wanted: ConnectionState::Open })
    }
}

/// The states from which a connection may go on to another; a repeated step is refused, so its caller learns that
/// somebody else made it.
fn before(to: ConnectionState) -> [Option<ConnectionState>; 2] {
    match to {
        ConnectionState::Requested | ConnectionState::Refused | ConnectionState::Opening => [None, None],
        ConnectionState::Open => [Some(ConnectionState::Opening), None],
        ConnectionState::Closing => [Some(ConnectionState::Opening), Some(ConnectionState::Open)],
        ConnectionState::Closed => [Some(ConnectionState::Closing), None],
    }
}

async fn go_on(database: &Database, tx: &mut Transaction<'_, Any>, step: &Move, at: i64) -> Result<(), RegistryError> {
    let [first, second] = before(step.to).map(|s| s.map_or("", ConnectionState::as_str));
    let opened = (step.to == ConnectionState::Open).then_some(at);
    let closed = (step.to == ConnectionState::Closed).then_some(at);
    let done = sqlx::query(
        "UPDATE connection SET state = $2, opened_at = COALESCE(opened_at, $3), closed_at = COALESCE(closed_at, $4),
             cause = COALESCE(cause, $5)
         WHERE grant_id = $1 AND state IN ($6, $7)",
    )
    .bind(grant_number(step.grant)?)
    .bind(step.to.as_str())
    .bind(opened)
    .bind(closed)
    .bind(step.cause.map(|c| c.as_str()))
    .bind(first)
    .bind(second)
    .execute(&mut **tx)
    .await
    .map_err(|e| database.error(e))?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let row = sqlx::query("SELECT state FROM connection WHERE grant_id = $1")
        .bind(grant_number(step.grant)?)
        .fetch_optional(&mut **tx)
        .await
        .map_err(|e| database.error(e))?;
    let found = match row {
        Some(row) => {
            let state: String = row.try_get(0).map_err(|e| database.error(e))?;
            Some(state.parse().map_err(|e: String| database.corrupt(e))?)
        }
        None => None,
    };
    Err(RegistryError::WrongState { grant: step.grant, found, wanted: step.to })
}

async fn append(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    mut head: Head,
    change: &Commit,
) -> Result<Committed, RegistryError> {
    let mut entries: Vec<Entry> = Vec::with_capacity(change.events.len());
    for event in &change.events {
        let entry = head.append(change.at, event.clone());
        head = entry.head();
        entries.push(entry);
    }
    for some in entries.chunks(AT_ONCE) {
        let insert = format!(
            "INSERT INTO audit (seq, at, code, grant_id, body, prev, hash) VALUES {}",
            places(some.len(), ENTRY_COLUMNS)
        );
        // Only places of values are put into the text.
        let mut insert = sqlx::query(sqlx::AssertSqlSafe(insert));
        for entry in some {
            insert = insert
                .bind(sequence(entry.seq)?)
                .bind(entry.at.0)
                .bind(entry.event.code())
                .bind(entry.grant().map(grant_number).transpose()?)
                .bind(entry.body())
                .bind(entry.prev.to_string())
                .bind(entry.hash.to_string());
        }
        insert.execute(&mut **tx).await.map_err(|e| database.error(e))?;
    }
    sqlx::query("UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1")
        .bind(sequence(head.seq)?)
        .bind(head.hash.to_string())
        .execute(&mut **tx)
        .await
        .map_err(|e| database.error(e))?;
    Ok(Committed { entries, head })
}

/// `($1, $2), ($3, $4)`: rows of values for one statement. Each statement is a trip to the database and back, and a
/// person waits for the sum of them.
fn places(rows: usize, columns: usize) -> String {
    let row = |r: usize| {
        let values: Vec<String> = (1..=columns).map(|c| format!("${}", r * columns + c)).collect();
        format!("({})", values.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

pub(crate) fn grant_number(grant: GrantId) -> Result<i64, RegistryError> {
    i64::try_from(grant.0).map_err(|_| RegistryError::Inconsistent(format!("grant number {grant}")))
}

pub(crate) fn sequence(seq: u64) -> Result<i64, RegistryError> {
    i64::try_from(seq).map_err(|_| RegistryError::Inconsistent(format!("entry number {seq}")))
}
