//! One-time values, by their hash.

use ::joining::{LinkHash, Purpose};
use model::Timestamp;
use sqlx::Row;

use crate::{Registry, RegistryError};

/// A one-time value that was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The number it is about.
    pub about: i64,
    /// It ends then.
    pub until: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
}

impl Registry {
    /// Looks a one-time value up, without using it.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn link(&self, hash: &LinkHash, purpose: Purpose) -> Result<Option<Link>, RegistryError> {
        let row = sqlx::query("SELECT about, until, used_at FROM join_link WHERE hash = $1 AND purpose = $2")
            .bind(hash.as_str())
            .bind(purpose.as_str())
            .fetch_optional(self.database.readers())
            .await
            .map_err(|e| self.database.error(e))?;
        let Some(row) = row else { return Ok(None) };
        let read = || {
            Ok(Link {
                about: row.try_get(0)?,
                until: Timestamp(row.try_get(1)?),
                used_at: row.try_get::<Option<i64>, _>(2)?.map(Timestamp),
            })
        };
        read().map(Some).map_err(|e| self.database.error(e))
    }
}
