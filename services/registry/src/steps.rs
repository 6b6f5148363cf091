//! The statements of a commit, each with what it must find: all at once where the database takes that, or one by one.

use audit::Head;
use model::{ConnectionState, Generation, GrantId};
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, Row, Transaction};
use std::fmt::Write as _;

use crate::RegistryError;
use crate::change::{Commit, Committed, ConnectionRow, DeltaRow, Move};
use crate::commit::{grant_number, sequence};
use crate::database::Database;
use crate::kept::session_number;

/// Rows in one statement: few enough shapes to stay prepared, far from any database's bound on values.
const AT_ONCE: usize = 8;

/// One statement. Its places of values are written `?`.
pub(crate) struct Step<'a> {
    sql: String,
    values: Vec<Value<'a>>,
    /// How many rows it changes; fewer, and something else stands there than the commit goes on from.
    rows: u64,
    about: About<'a>,
}

#[derive(Clone)]
enum Value<'a> {
    Text(&'a str),
    Owned(String),
    Number(i64),
    MaybeText(Option<&'a str>),
    MaybeNumber(Option<i64>),
}

/// Whom to blame.
enum About<'a> {
    Head,
    Site(&'a DeltaRow),
    Connection(GrantId),
    Renewed(GrantId),
    Moved(&'a Move),
    /// Nothing else could stand there.
    Rows,
}

/// Everything of a change, the end of the log first: there replicas take turns and can never wait for each other in a
/// circle.
pub(crate) fn steps<'a>(change: &'a Commit, from: &Head, next: &Committed) -> Result<Vec<Step<'a>>, RegistryError> {
    let mut steps = vec![Step {
        sql: "UPDATE audit_head SET seq = ?, hash = ? WHERE id = 1 AND seq = ? AND hash = ?".to_owned(),
        values: vec![
            Value::Number(sequence(next.head.seq)?),
            Value::Owned(next.head.hash.to_string()),
            Value::Number(sequence(from.seq)?),
            Value::Owned(from.hash.to_string()),
        ],
        rows: 1,
        about: About::Head,
    }];
    if let Some(document) = &change.network {
        steps.push(Step {
            sql: "INSERT INTO network (id, at, document) VALUES (1, ?, ?)
                  ON CONFLICT (id) DO UPDATE SET at = excluded.at, document = excluded.document"
                .to_owned(),
            values: vec![Value::Number(change.at.0), Value::Text(document)],
            rows: 1,
            about: About::Rows,
        });
    }
    for delta in &change.deltas {
        steps.push(advance(delta)?);
    }
    for some in change.deltas.chunks(AT_ONCE) {
        let mut values = Vec::new();
        for delta in some {
            let generation = Value::Number(generation_number(delta.generation)?);
            values.extend([Value::Text(delta.site.as_str()), generation, Value::Text(&delta.text)]);
        }
        steps.push(rows("INSERT INTO site_delta (site, generation, delta) VALUES", some.len(), values));
    }
    if let Some(row) = &change.connection {
        steps.push(connection(row, change.at.0)?);
    }
    for (grant, permitted) in &change.renewed {
        steps.push(Step {
            sql: "UPDATE connection SET permitted = ? WHERE grant_id = ? AND state IN ('opening', 'open')".to_owned(),
            values: vec![Value::Text(permitted), Value::Number(grant_number(*grant)?)],
            rows: 1,
            about: About::Renewed(*grant),
        });
    }
    for step in &change.moves {
        steps.push(go_on(step, change.at.0)?);
    }
    for some in next.entries.chunks(AT_ONCE) {
        let mut values = Vec::new();
        for entry in some {
            values.extend([
                Value::Number(sequence(entry.seq)?),
                Value::Number(entry.at.0),
                Value::Owned(entry.event.code().to_string()),
                Value::MaybeNumber(entry.grant().map(grant_number).transpose()?),
                Value::Owned(entry.body()),
                Value::Owned(entry.prev.to_string()),
                Value::Owned(entry.hash.to_string()),
            ]);
        }
        let insert = "INSERT INTO audit (seq, at, code, grant_id, body, prev, hash) VALUES";
        steps.push(rows(insert, some.len(), values));
    }
    Ok(steps)
}

/// All of it in one trip. False if something was not as it should be; then everything is to be undone.
pub(crate) async fn together(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    steps: &[Step<'_>],
) -> Result<bool, RegistryError> {
    let (mut text, mut places) = (String::new(), 0);
    for step in steps {
        numbered(&mut text, &step.sql, &mut places);
        text.push_str(";\n");
    }
    // Only places of values are put into the text.
    let mut all = sqlx::query(sqlx::AssertSqlSafe(text));
    for value in steps.iter().flat_map(|step| &step.values) {
        all = bound(all, value);
    }
    match all.execute(&mut **tx).await {
        // No statement can change more rows than it should, so the sum tells.
        Ok(done) => Ok(done.rows_affected() == steps.iter().map(|step| step.rows).sum::<u64>()),
        Err(sqlx::Error::Database(e)) if e.is_unique_violation() || e.is_check_violation() => Ok(false),
        Err(error) => Err(database.error(error)),
    }
}

/// Step by step, up to the first that does not find what it should.
pub(crate) async fn one_by_one(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    steps: &[Step<'_>],
) -> Result<(), RegistryError> {
    for step in steps {
        if run(database, tx, step).await? != step.rows {
            return Err(blamed(database, tx, step).await);
        }
    }
    Ok(())
}

/// The first step alone. False if the log ends elsewhere.
pub(crate) async fn move_head(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    steps: &[Step<'_>],
) -> Result<bool, RegistryError> {
    match steps.first() {
        Some(step) => Ok(run(database, tx, step).await? == step.rows),
        None => Ok(false),
    }
}

async fn run(database: &Database, tx: &mut Transaction<'_, Any>, step: &Step<'_>) -> Result<u64, RegistryError> {
    let mut text = String::new();
    numbered(&mut text, &step.sql, &mut 0);
    // Only places of values are put into the text.
    let query = step.values.iter().fold(sqlx::query(sqlx::AssertSqlSafe(text)), bound);
    let done = query.execute(&mut **tx).await.map_err(|e| database.error(e))?;
    Ok(done.rows_affected())
}

/// Places get their numbers, `$1` and on.
fn numbered(out: &mut String, sql: &str, places: &mut usize) {
    for (n, part) in sql.split('?').enumerate() {
        if n > 0 {
            *places += 1;
            let _ = write!(out, "${places}");
        }
        out.push_str(part);
    }
}

fn bound<'q>(query: Query<'q, Any, AnyArguments>, value: &Value<'_>) -> Query<'q, Any, AnyArguments> {
    match value {
        Value::Text(text) => query.bind((*text).to_owned()),
        Value::Owned(text) => query.bind(text.clone()),
        Value::Number(number) => query.bind(*number),
        Value::MaybeText(text) => query.bind(text.map(str::to_owned)),
        Value::MaybeNumber(number) => query.bind(*number),
    }
}

fn rows<'a>(insert: &str, count: usize, values: Vec<Value<'a>>) -> Step<'a> {
    let row = format!("({})", vec!["?"; values.len() / count.max(1)].join(", "));
    let sql = format!("{insert} {}", vec![row; count].join(", "));
    Step { sql, values, rows: count as u64, about: About::Rows }
}

fn advance(delta: &DeltaRow) -> Result<Step<'_>, RegistryError> {
    let (parent, generation) = (generation_number(delta.parent)?, generation_number(delta.generation)?);
    if delta.generation != delta.parent.next() {
        return Err(RegistryError::Inconsistent(format!("a plan from generation {parent} to {generation}")));
    }
    let site = Value::Text(delta.site.as_str());
    let (sql, values) = if delta.parent == Generation(0) {
        let insert = "INSERT INTO site (site, generation) VALUES (?, ?) ON CONFLICT DO NOTHING";
        (insert, vec![site, Value::Number(generation)])
    } else {
        let update = "UPDATE site SET generation = ? WHERE site = ? AND generation = ?";
        (update, vec![Value::Number(generation), site, Value::Number(parent)])
    };
    Ok(Step { sql: sql.to_owned(), values, rows: 1, about: About::Site(delta) })
}

fn generation_number(generation: Generation) -> Result<i64, RegistryError> {
    i64::try_from(generation.0).map_err(|_| RegistryError::Inconsistent(format!("generation {generation}")))
}

fn connection(row: &ConnectionRow, at: i64) -> Result<Step<'_>, RegistryError> {
    Ok(Step {
        sql: "INSERT INTO connection
                  (grant_id, state, origin_site, destination_site, permitted, person, device, requested_at, session,
                   proofs)
              VALUES (?, 'opening', ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
            .to_owned(),
        values: vec![
            Value::Number(grant_number(row.id)?),
            Value::Text(row.origin.as_str()),
            Value::Text(row.destination.as_str()),
            Value::Text(&row.permitted),
            Value::Text(&row.person),
            Value::Owned(row.device.to_string()),
            Value::Number(at),
            Value::MaybeNumber(row.session.map(session_number).transpose()?),
            Value::MaybeText(row.proofs.as_deref()),
        ],
        rows: 1,
        about: About::Connection(row.id),
    })
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

fn go_on(step: &Move, at: i64) -> Result<Step<'_>, RegistryError> {
    let [first, second] = before(step.to).map(|s| s.map_or("", ConnectionState::as_str));
    // What was shown for a line is not kept longer than the line.
    let proofs = if step.to == ConnectionState::Closed { ", proofs = NULL" } else { "" };
    Ok(Step {
        sql: format!(
            "UPDATE connection SET state = ?, opened_at = COALESCE(opened_at, ?), closed_at = COALESCE(closed_at, ?),
                 cause = COALESCE(cause, ?){proofs}
             WHERE grant_id = ? AND state IN (?, ?)"
        ),
        values: vec![
            Value::Text(step.to.as_str()),
            Value::MaybeNumber((step.to == ConnectionState::Open).then_some(at)),
            Value::MaybeNumber((step.to == ConnectionState::Closed).then_some(at)),
            Value::MaybeText(step.cause.map(|c| c.as_str())),
            Value::Number(grant_number(step.grant)?),
            Value::Text(first),
            Value::Text(second),
        ],
        rows: 1,
        about: About::Moved(step),
    })
}

/// What stands there instead.
async fn blamed(database: &Database, tx: &mut Transaction<'_, Any>, step: &Step<'_>) -> RegistryError {
    let blame = async {
        Ok(match step.about {
            About::Head => database.corrupt("the end of the audit log moved under its lock"),
            About::Rows => database.corrupt("rows were written that are not there"),
            About::Connection(id) => RegistryError::Inconsistent(format!("connection {id} exists already")),
            About::Renewed(grant) => RegistryError::WrongState { grant, found: None, wanted: ConnectionState::Open },
            About::Site(delta) => {
                let row = sqlx::query("SELECT generation FROM site WHERE site = $1")
                    .bind(delta.site.as_str())
                    .fetch_optional(&mut **tx)
                    .await
                    .map_err(|e| database.error(e))?;
                let found = match row {
                    Some(row) => row.try_get::<i64, _>(0).map_err(|e| database.error(e))?,
                    None => 0,
                };
                let found = Generation(u64::try_from(found).map_err(|e| database.corrupt(e))?);
                RegistryError::Conflict { site: delta.site.clone(), expected: delta.parent, found }
            }
            About::Moved(step) => {
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
                RegistryError::WrongState { grant: step.grant, found, wanted: step.to }
            }
        })
    };
    blame.await.unwrap_or_else(|error: RegistryError| error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_through() {
        let (mut out, mut places) = (String::new(), 0);
        for sql in ["a = ? AND b IN (?, ?)", "c = ?", "d"] {
            numbered(&mut out, sql, &mut places);
            out.push(';');
        }
        assert_eq!(out, "a = $1 AND b IN ($2, $3);c = $4;d;");
        let step = rows("INSERT INTO t VALUES", 2, vec![Value::Number(1); 6]);
        assert_eq!((step.sql.as_str(), step.rows), ("INSERT INTO t VALUES (?, ?, ?), (?, ?, ?)", 2));
    }
}
