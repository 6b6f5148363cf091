//! What a commit changes of joining.

use ::joining::{Institution, Letter, LinkHash, Purpose, UserId};
use model::Timestamp;
use sqlx::{Any, Transaction};

use super::kept::{Kept, Record, Table};
use super::sessions::Session;
use crate::database::Database;
use crate::{Commit, RegistryError};

/// One change, ready to be written.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Insert(Row),
    Update { row: Row, from: i64 },
    Delete { table: &'static str, id: i64, from: i64 },
    Letter(Box<Letter>),
    Link { hash: LinkHash, purpose: Purpose, about: i64, until: Timestamp },
    EndLinks { purpose: Purpose, about: i64 },
    UseLink { hash: LinkHash, purpose: Purpose },
    Session(Box<Session>),
    EndSession(LinkHash),
    EndSessions(UserId),
    Institutions(Vec<Institution>),
    LetterSent(String),
}

impl Step {
    /// Does it change an account?
    pub(crate) fn touches_an_account(&self) -> bool {
        let table = match self {
            Self::Insert(row) | Self::Update { row, .. } => row.table,
            Self::Delete { table, .. } => table,
            _ => return false,
        };
        table == Table::Account.as_str()
    }
}

/// Columns of a noun.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    table: &'static str,
    id: i64,
    state: String,
    owner: Option<i64>,
    name: Option<String>,
    at: i64,
    document: String,
}

impl Commit {
    /// A new noun under a number of its own. Refused as `Taken` if the number, or a name that must be its own, is
    /// somebody's already.
    pub fn insert<T: Kept>(mut self, id: i64, value: &T) -> Self {
        self.joining.push(Step::Insert(row(id, value)));
        self
    }

    /// A noun as it is now, changed from the version that was read. Refused as `Stale` if it was changed meanwhile.
    pub fn update<T: Kept>(mut self, record: &Record<T>) -> Self {
        self.joining.push(Step::Update { row: row(record.id, &record.value), from: record.version });
        self
    }

    /// A noun goes. Refused as `Stale` if it was changed meanwhile.
    pub fn delete<T: Kept>(mut self, record: &Record<T>) -> Self {
        self.joining.push(Step::Delete { table: T::TABLE.as_str(), id: record.id, from: record.version });
        self
    }

    /// A letter to be sent.
    pub fn letter(mut self, letter: Letter) -> Self {
        self.joining.push(Step::Letter(Box::new(letter)));
        self
    }

    /// A one-time value about a number; only its hash is stored.
    pub fn link(mut self, hash: LinkHash, purpose: Purpose, about: i64, until: Timestamp) -> Self {
        self.joining.push(Step::Link { hash, purpose, about, until });
        self
    }

    /// Unused one-time values about a number end: a newer one replaces them.
    pub fn end_links(mut self, purpose: Purpose, about: i64) -> Self {
        self.joining.push(Step::EndLinks { purpose, about });
        self
    }

    /// A one-time value is used. Refused as `Stale` if it was used already, has ended, or is none.
    pub fn use_link(mut self, hash: LinkHash, purpose: Purpose) -> Self {
        self.joining.push(Step::UseLink { hash, purpose });
        self
    }

    /// A web session begins.
    pub fn session(mut self, session: Session) -> Self {
        self.joining.push(Step::Session(Box::new(session)));
        self
    }

    /// A web session ends. Refused as `Stale` if it is over: a step that needs it must not be made twice.
    pub fn end_session(mut self, hash: LinkHash) -> Self {
        self.joining.push(Step::EndSession(hash));
        self
    }

    /// All web sessions of an account end.
    pub fn end_sessions(mut self, user: UserId) -> Self {
        self.joining.push(Step::EndSessions(user));
        self
    }

    /// Institutions are put into the directory, or changed by their number.
    pub fn institutions(mut self, institutions: Vec<Institution>) -> Self {
        self.joining.push(Step::Institutions(institutions));
        self
    }

    pub(super) fn letter_sent(mut self, id: &str) -> Self {
        self.joining.push(Step::LetterSent(id.to_owned()));
        self
    }
}

fn row<T: Kept>(id: i64, value: &T) -> Row {
    Row {
        table: T::TABLE.as_str(),
        id,
        state: value.state(),
        owner: value.owner(),
        name: value.name(),
        at: value.at().0,
        document: serde_json::to_string(value).expect("nouns have text keys and no other way to fail"),
    }
}

/// Writes the steps in order.
pub(crate) async fn apply(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    steps: &[Step],
    now: Timestamp,
) -> Result<(), RegistryError> {
    for step in steps {
        one(database, tx, step, now).await?;
    }
    Ok(())
}

async fn one(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    step: &Step,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let failed = |e| database.error(e);
    let stale = |what: &str, id: &dyn std::fmt::Display| Err(RegistryError::Stale { what: format!("{what} {id}") });
    match step {
        Step::Insert(row) => {
            let statement = format!(
                "INSERT INTO {} (id, version, state, owner, name, at, document) VALUES ($1, 1, $2, $3, $4, $5, $6)
                 ON CONFLICT DO NOTHING",
                row.table
            );
            let done = bind(database, sqlx::query(sqlx::AssertSqlSafe(statement)), row)
                .execute(&mut **tx)
                .await
                .map_err(failed)?;
            if done.rows_affected() != 1 {
                return Err(RegistryError::Taken { what: format!("{} {}", row.table, row.id) });
            }
        }
        Step::Update { row, from } => {
            let statement = format!(
                "UPDATE {} SET version = version + 1, state = $2, owner = $3, name = $4, at = $5, document = $6
                 WHERE id = $1 AND version = $7",
                row.table
            );
            let query = bind(database, sqlx::query(sqlx::AssertSqlSafe(statement)), row).bind(*from);
            if query.execute(&mut **tx).await.map_err(failed)?.rows_affected() != 1 {
                return stale(row.table, &row.id);
            }
        }
        Step::Delete { table, id, from } => {
            let statement = format!("DELETE FROM {table} WHERE id = $1 AND version = $2");
            let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(*id).bind(*from);
            if query.execute(&mut **tx).await.map_err(failed)?.rows_affected() != 1 {
                return stale(table, id);
            }
        }
        Step::Letter(letter) => super::letters::insert(database, tx, letter).await?,
        Step::LetterSent(id) => super::letters::sent(database, tx, id, now).await?,
        Step::Link { hash, purpose, about, until } => {
            sqlx::query("INSERT INTO join_link (hash, purpose, about, until) VALUES ($1, $2, $3, $4)")
                .bind(hash.as_str())
                .bind(purpose.as_str())
                .bind(*about)
                .bind(until.0)
                .execute(&mut **tx)
                .await
                .map_err(failed)?;
        }
        Step::EndLinks { purpose, about } => {
            sqlx::query("DELETE FROM join_link WHERE purpose = $1 AND about = $2 AND used_at IS NULL")
                .bind(purpose.as_str())
                .bind(*about)
                .execute(&mut **tx)
                .await
                .map_err(failed)?;
        }
        Step::UseLink { hash, purpose } => {
            let done = sqlx::query(
                "UPDATE join_link SET used_at = $3 WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND until > $3",
            )
            .bind(hash.as_str())
            .bind(purpose.as_str())
            .bind(now.0)
            .execute(&mut **tx)
            .await
            .map_err(failed)?;
            if done.rows_affected() != 1 {
                return stale("one-time value", &purpose.as_str());
            }
        }
        Step::Session(session) => super::sessions::insert(database, tx, session).await?,
        Step::EndSession(hash) => {
            let query = sqlx::query("DELETE FROM join_session WHERE hash = $1").bind(hash.as_str());
            if query.execute(&mut **tx).await.map_err(failed)?.rows_affected() != 1 {
                return stale("session", &"");
            }
        }
        Step::EndSessions(user) => {
            sqlx::query("DELETE FROM join_session WHERE account = $1")
                .bind(i64::from(user.number()))
                .execute(&mut **tx)
                .await
                .map_err(failed)?;
        }
        Step::Institutions(all) => super::directory::put(database, tx, all).await?,
    }
    Ok(())
}

type Query<'q> = sqlx::query::Query<'q, Any, sqlx::any::AnyArguments>;

fn bind<'q>(database: &Database, query: Query<'q>, row: &'q Row) -> Query<'q> {
    query
        .bind(row.id)
        .bind(row.state.as_str())
        .bind(row.owner)
        .bind(row.name.as_deref())
        .bind(row.at)
        .bind(database.sealed(row.table, &row.id, &row.document))
}
