//! Reading the audit log.

use audit::{ChainError, ChainFault, ChainVerifier, Entry, Head};
use model::{GrantId, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::commit::{grant_number, head_of, sequence};
use crate::{Registry, RegistryError};

/// Entries read at once while verifying.
const PAGE: i64 = 1000;

macro_rules! columns {
    () => {
        "SELECT seq, at, code, grant_id, body, prev, hash FROM audit "
    };
}
pub(crate) const FROM: &str = concat!(columns!(), "WHERE seq >= $1 ORDER BY seq LIMIT $2");
pub(crate) const OF_GRANT: &str = concat!(columns!(), "WHERE grant_id = $1 ORDER BY seq");
pub(crate) const LAST: &str = concat!(columns!(), "ORDER BY seq DESC LIMIT $1");
pub(crate) const BETWEEN: &str =
    concat!(columns!(), "WHERE at >= $1 AND at < $2 AND seq >= $3 ORDER BY at, seq LIMIT $4");

impl Registry {
    /// End of the audit log.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn head(&self) -> Result<Head, RegistryError> {
        let row = sqlx::query("SELECT seq, hash FROM audit_head WHERE id = 1")
            .fetch_one(self.database.readers())
            .await
            .map_err(|e| self.database.error(e))?;
        head_of(&self.database, &row)
    }

    /// Entries from a number on, at most `limit`.
    ///
    /// # Errors
    /// [`RegistryError`]; `Chain` if an entry is no entry.
    pub async fn audit_from(&self, seq: u64, limit: u32) -> Result<Vec<Entry>, RegistryError> {
        let query = sqlx::query(FROM).bind(sequence(seq)?).bind(i64::from(limit));
        entries(query.fetch_all(self.database.readers()).await.map_err(|e| self.database.error(e))?)
    }

    /// The last entries, oldest first.
    ///
    /// # Errors
    /// As [`Registry::audit_from`].
    pub async fn audit_last(&self, limit: u32) -> Result<Vec<Entry>, RegistryError> {
        let query = sqlx::query(LAST).bind(i64::from(limit));
        let mut rows = query.fetch_all(self.database.readers()).await.map_err(|e| self.database.error(e))?;
        rows.reverse();
        entries(rows)
    }

    /// Entries recorded from an instant until before another, by time, at most `limit`; `seq` is the first number
    /// wanted (0 for all).
    ///
    /// # Errors
    /// As [`Registry::audit_from`].
    pub async fn audit_between(
        &self,
        from: Timestamp,
        until: Timestamp,
        seq: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, RegistryError> {
        let query = sqlx::query(BETWEEN).bind(from.0).bind(until.0).bind(sequence(seq)?).bind(i64::from(limit));
        entries(query.fetch_all(self.database.readers()).await.map_err(|e| self.database.error(e))?)
    }

    /// All entries of a grant, for [`audit::match_three_points`].
    ///
    /// # Errors
    /// As [`Registry::audit_from`].
    pub async fn audit_of(&self, grant: GrantId) -> Result<Vec<Entry>, RegistryError> {
        let query = sqlx::query(OF_GRANT).bind(grant_number(grant)?);
        entries(query.fetch_all(self.database.readers()).await.map_err(|e| self.database.error(e))?)
    }

    /// Verifies the whole log, page by page, and that it reaches the noted end; `known` is a head kept elsewhere.
    /// Entries committed meanwhile are not waited for.
    ///
    /// # Errors
    /// [`RegistryError::Chain`]: the first place that is wrong.
    pub async fn verify_log(&self, known: Option<Head>) -> Result<Head, RegistryError> {
        let noted = self.head().await?;
        let mut verifier = ChainVerifier::new().known(noted);
        if let Some(known) = known {
            verifier = verifier.known(known);
        }
        let mut next = i64::MIN;
        loop {
            let query = sqlx::query(FROM).bind(next).bind(PAGE);
            let rows = query.fetch_all(self.database.readers()).await.map_err(|e| self.database.error(e))?;
            let Some(last) = rows.last() else { break };
            next = last.try_get::<i64, _>(0).map_err(|e| self.database.error(e))?.saturating_add(1);
            for row in &rows {
                verifier.push(&entry(row)?)?;
            }
        }
        Ok(verifier.finish()?)
    }
}

fn entries(rows: Vec<AnyRow>) -> Result<Vec<Entry>, RegistryError> {
    rows.iter().map(|row| entry(row).map_err(RegistryError::Chain)).collect()
}

/// The columns beside the text are an index of it; they must say the same.
fn entry(row: &AnyRow) -> Result<Entry, ChainError> {
    let seq = row.try_get::<i64, _>(0).ok().and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let unreadable = |why: String| ChainError { seq, what: ChainFault::Unreadable(why) };
    let text = |i: usize| row.try_get::<String, _>(i).map_err(|e| unreadable(e.to_string()));
    let entry = Entry::from_stored(seq, &text(4)?, &text(5)?, &text(6)?)?;
    let at: i64 = row.try_get(1).map_err(|e| unreadable(e.to_string()))?;
    let grant: Option<i64> = row.try_get(3).map_err(|e| unreadable(e.to_string()))?;
    let same = at == entry.at.0
        && text(2)? == entry.event.code()
        && grant.map(u64::try_from) == entry.grant().map(|g| Ok(g.0));
    if same { Ok(entry) } else { Err(unreadable("its index does not say what it says".into())) }
}
