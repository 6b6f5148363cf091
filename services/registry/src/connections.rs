//! Connections as rows.

use audit::{Digest, Person};
use model::{ConnectionState, Grant, GrantId, SessionId, SiteId, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use crate::commit::grant_number;
use crate::database::Database;
use crate::{Registry, RegistryError};

/// A connection (接続): what was permitted, to whom, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// What was permitted.
    pub grant: Grant,
    /// Where it stands.
    pub state: ConnectionState,
    /// To whom.
    pub person: Person,
    /// SHA-256 of the terminal's device certificate.
    pub device: Digest,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When both gates had observed it open.
    pub opened_at: Option<Timestamp>,
    /// When both gates had observed that nothing of it is left.
    pub closed_at: Option<Timestamp>,
    /// The session it was opened in.
    pub session: Option<SessionId>,
    /// Proofs shown for it alone, as they were kept; none in a session, and none once it is closed.
    pub proofs: Option<String>,
    /// Why it closes or closed, an [`audit::CloseCause`] by name.
    pub cause: Option<String>,
}

/// Which connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionQuery {
    /// In one of these states; in any if empty.
    pub states: Vec<ConnectionState>,
    /// With an end at this site.
    pub site: Option<SiteId>,
    /// Only grants after this one (for the next page).
    pub after: Option<GrantId>,
    /// At most so many; 1000 if zero.
    pub limit: u32,
}

impl ConnectionQuery {
    /// Everything that is not over.
    pub fn live() -> Self {
        Self { states: LIVE.to_vec(), ..Self::default() }
    }
}

const LIVE: [ConnectionState; 4] =
    [ConnectionState::Requested, ConnectionState::Opening, ConnectionState::Open, ConnectionState::Closing];
const ALL: [ConnectionState; 6] = [
    ConnectionState::Requested,
    ConnectionState::Opening,
    ConnectionState::Open,
    ConnectionState::Closing,
    ConnectionState::Closed,
    ConnectionState::Refused,
];

macro_rules! columns {
    () => {
        "SELECT grant_id, state, permitted, person, device, requested_at, opened_at, closed_at, cause, session, proofs FROM connection "
    };
}
pub(crate) const BY_GRANT: &str = concat!(columns!(), "WHERE grant_id = $1");
pub(crate) const BY_STATE: &str =
    concat!(columns!(), "WHERE state IN ($1, $2, $3, $4, $5, $6) AND grant_id > $7 ORDER BY grant_id LIMIT $8");
pub(crate) const BY_SITE: &str = concat!(
    "SELECT * FROM (",
    columns!(),
    "WHERE origin_site = $9 AND state IN ($1, $2, $3, $4, $5, $6) AND grant_id > $7 UNION ",
    columns!(),
    "WHERE destination_site = $9 AND state IN ($1, $2, $3, $4, $5, $6) AND grant_id > $7) AS ends ",
    "ORDER BY grant_id LIMIT $8"
);

impl Registry {
    /// Connections, by number of their grant.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn connections(&self, query: &ConnectionQuery) -> Result<Vec<Connection>, RegistryError> {
        select(&self.database, self.database.readers(), query).await
    }

    /// One connection.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn connection(&self, grant: GrantId) -> Result<Option<Connection>, RegistryError> {
        let row = sqlx::query(BY_GRANT)
            .bind(grant_number(grant)?)
            .fetch_optional(self.database.readers())
            .await
            .map_err(|e| self.database.error(e))?;
        row.map(|row| read(&self.database, &row)).transpose()
    }
}

pub(crate) async fn select<'c>(
    database: &Database,
    from: impl Executor<'c, Database = Any>,
    wanted: &ConnectionQuery,
) -> Result<Vec<Connection>, RegistryError> {
    let states = if wanted.states.is_empty() { &ALL[..] } else { &wanted.states[..] };
    let mut query = sqlx::query(if wanted.site.is_some() { BY_SITE } else { BY_STATE });
    for i in 0..ALL.len() {
        query = query.bind(states.get(i).map_or("", |s| s.as_str()));
    }
    query = query.bind(wanted.after.map(grant_number).transpose()?.unwrap_or(-1)).bind(if wanted.limit == 0 {
        1000
    } else {
        i64::from(wanted.limit)
    });
    if let Some(site) = &wanted.site {
        query = query.bind(site.as_str());
    }
    let rows = query.fetch_all(from).await.map_err(|e| database.error(e))?;
    rows.iter().map(|row| read(database, row)).collect()
}

fn read(database: &Database, row: &AnyRow) -> Result<Connection, RegistryError> {
    let text = |i: usize| row.try_get::<String, _>(i).map_err(|e| database.error(e));
    let time = |i: usize| row.try_get::<Option<i64>, _>(i).map(|t| t.map(Timestamp)).map_err(|e| database.error(e));
    let session: Option<i64> = row.try_get(9).map_err(|e| database.error(e))?;
    let connection = Connection {
        grant: serde_json::from_str(&text(2)?).map_err(|e| database.corrupt(format!("a grant: {e}")))?,
        state: text(1)?.parse().map_err(|e: String| database.corrupt(e))?,
        person: serde_json::from_str(&text(3)?).map_err(|e| database.corrupt(format!("a person: {e}")))?,
        device: text(4)?.parse().map_err(|e| database.corrupt(e))?,
        requested_at: time(5)?.ok_or_else(|| database.corrupt("a connection without a time"))?,
        opened_at: time(6)?,
        closed_at: time(7)?,
        cause: row.try_get(8).map_err(|e| database.error(e))?,
        session: session.map(|n| u64::try_from(n).map(SessionId)).transpose().map_err(|e| database.corrupt(e))?,
        proofs: row.try_get(10).map_err(|e| database.error(e))?,
    };
    let number: i64 = row.try_get(0).map_err(|e| database.error(e))?;
    if grant_number(connection.grant.id)? != number {
        return Err(database.corrupt(format!("connection {number} holds grant {}", connection.grant.id)));
    }
    Ok(connection)
}
