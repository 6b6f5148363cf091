//! Web sessions, by the hash of their token.

use ::joining::{LinkHash, UserId};
use model::Timestamp;
use sqlx::{Any, Row, Transaction};

use crate::database::Database;
use crate::{Registry, RegistryError};

/// How far somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStage {
    /// The password was right; the second factor is waited for.
    SecondFactor,
    /// The initial password was right; a password of one's own is waited for.
    MustChange,
    /// The initial password was changed: the page that shows the VPN password once, and the downloads.
    Settling,
    /// Signed in.
    In,
}

impl SessionStage {
    /// All.
    pub const ALL: [Self; 4] = [Self::SecondFactor, Self::MustChange, Self::Settling, Self::In];

    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecondFactor => "second-factor",
            Self::MustChange => "must-change",
            Self::Settling => "settling",
            Self::In => "in",
        }
    }
}

/// A web session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Hash of its token.
    pub hash: LinkHash,
    /// Whose.
    pub user: UserId,
    /// How far its owner is.
    pub stage: SessionStage,
    /// When it began.
    pub made_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
    /// It ends then at the latest.
    pub until: Timestamp,
    /// Wrong second factors so far.
    pub wrong: u32,
}

impl Registry {
    /// A web session by the hash of its token; whether it is over is for the caller to say.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn session(&self, hash: &LinkHash) -> Result<Option<Session>, RegistryError> {
        let database = &self.database;
        let row =
            sqlx::query("SELECT account, stage, made_at, seen_at, until, wrong FROM join_session WHERE hash = $1")
                .bind(hash.as_str())
                .fetch_optional(database.readers())
                .await
                .map_err(|e| database.error(e))?;
        let Some(row) = row else { return Ok(None) };
        let number = |i: usize| row.try_get::<i64, _>(i).map_err(|e| database.error(e));
        let stage: String = row.try_get(1).map_err(|e| database.error(e))?;
        let user = u32::try_from(number(0)?).ok().and_then(UserId::new);
        let stage = SessionStage::ALL.into_iter().find(|s| s.as_str() == stage);
        let (Some(user), Some(stage)) = (user, stage) else { return Err(database.corrupt("a web session")) };
        Ok(Some(Session {
            hash: hash.clone(),
            user,
            stage,
            made_at: Timestamp(number(2)?),
            seen_at: Timestamp(number(3)?),
            until: Timestamp(number(4)?),
            wrong: u32::try_from(number(5)?).unwrap_or(u32::MAX),
        }))
    }

    /// A web session was used. Not worth an audit entry.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn session_seen(&self, hash: &LinkHash, at: Timestamp) -> Result<(), RegistryError> {
        self.on_session("UPDATE join_session SET seen_at = $2 WHERE hash = $1", hash, at).await
    }

    /// A wrong second factor came.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn session_wrong(&self, hash: &LinkHash, at: Timestamp) -> Result<(), RegistryError> {
        self.on_session("UPDATE join_session SET wrong = wrong + 1, seen_at = $2 WHERE hash = $1", hash, at).await
    }

    /// Forgets web sessions and one-time values that ended before an instant.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn sweep(&self, before: Timestamp) -> Result<(), RegistryError> {
        let mut writer = self.database.writer().await?;
        let mut tx = writer.begin().await?;
        for statement in ["DELETE FROM join_session WHERE until < $1", "DELETE FROM join_link WHERE until < $1"] {
            sqlx::query(statement).bind(before.0).execute(&mut *tx).await.map_err(|e| self.database.error(e))?;
        }
        tx.commit().await.map_err(|e| self.database.error(e))
    }

    async fn on_session(&self, statement: &'static str, hash: &LinkHash, at: Timestamp) -> Result<(), RegistryError> {
        let mut writer = self.database.writer().await?;
        let mut tx = writer.begin().await?;
        sqlx::query(statement)
            .bind(hash.as_str())
            .bind(at.0)
            .execute(&mut *tx)
            .await
            .map_err(|e| self.database.error(e))?;
        tx.commit().await.map_err(|e| self.database.error(e))
    }
}

pub(super) async fn insert(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    session: &Session,
) -> Result<(), RegistryError> {
    sqlx::query(
        "INSERT INTO join_session (hash, account, stage, made_at, seen_at, until, wrong)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(session.hash.as_str())
    .bind(i64::from(session.user.number()))
    .bind(session.stage.as_str())
    .bind(session.made_at.0)
    .bind(session.seen_at.0)
    .bind(session.until.0)
    .bind(i64::from(session.wrong))
    .execute(&mut **tx)
    .await
    .map_err(|e| database.error(e))?;
    Ok(())
}
