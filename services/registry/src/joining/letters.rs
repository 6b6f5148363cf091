//! The outbox: letters written in the same transaction as what they tell of, and sent later.

use ::joining::{Letter, LetterKind};
use audit::Event;
use model::Timestamp;
use sqlx::{Any, Row, Transaction};

use crate::database::Database;
use crate::{Commit, Registry, RegistryError};

/// For so long a letter handed out is nobody else's, milliseconds: time enough to send it, and after a crash it comes
/// again.
const LEASE_MS: i64 = 60_000;

/// A letter that is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueLetter {
    /// The letter.
    pub letter: Letter,
    /// How often it was tried before.
    pub tried: u32,
}

/// What is known of a letter, for the operator: everything but what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentLetter {
    /// Left part of its Message-ID.
    pub id: String,
    /// Which letter.
    pub kind: LetterKind,
    /// To whom.
    pub to: String,
    /// When it was written.
    pub at: Timestamp,
    /// What became of it.
    pub state: LetterState,
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterState {
    /// It waits.
    Waiting {
        /// How often it was tried.
        tried: u32,
        /// When it is tried next.
        again_at: Timestamp,
        /// What the mail server said last.
        why: Option<String>,
    },
    /// A mail server took it.
    Sent {
        /// When.
        at: Timestamp,
    },
}

/// The letters that wait, together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLetters {
    /// How many.
    pub count: u64,
    /// When the oldest of them was written.
    pub since: Timestamp,
    /// What the mail server, or the way to it, said last about one of them; none if none failed yet.
    pub why: Option<String>,
}

impl Registry {
    /// Letters to be sent at an instant, longest waiting first; each is the caller's for a minute, and comes again
    /// after that unless [`Registry::letter_sent`] or [`Registry::letter_failed`] is told.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn letters_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueLetter>, RegistryError> {
        let database = &self.database;
        let mut writer = database.writer().await?;
        let mut tx = writer.begin().await?;
        let rows = sqlx::query(
            "UPDATE join_letter SET again_at = $2, tried = tried + 1
             WHERE id IN (SELECT id FROM join_letter WHERE sent_at IS NULL AND again_at <= $1
                          ORDER BY again_at, id LIMIT $3)
               AND again_at <= $1
             RETURNING document, tried, at, id",
        )
        .bind(now.0)
        .bind(now.plus_ms(LEASE_MS).0)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(|e| database.error(e))?;
        tx.commit().await.map_err(|e| database.error(e))?;
        drop(writer);
        let mut due = Vec::with_capacity(rows.len());
        for row in &rows {
            let document: String = row.try_get(0).map_err(|e| database.error(e))?;
            let tried: i64 = row.try_get(1).map_err(|e| database.error(e))?;
            let id: String = row.try_get(3).map_err(|e| database.error(e))?;
            let letter = read(database, &id, document)?;
            due.push(DueLetter { letter, tried: u32::try_from(tried - 1).unwrap_or(u32::MAX) });
        }
        due.sort_by(|a, b| (a.letter.at, &a.letter.id).cmp(&(b.letter.at, &b.letter.id)));
        Ok(due)
    }

    /// A mail server took the letter: it is never sent again, and its one-time URL is wiped. Telling it twice is
    /// refused as `Stale` and changes nothing.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn letter_sent(&self, letter: &Letter, at: Timestamp) -> Result<(), RegistryError> {
        let event = Event::LetterSent { letter: letter.id.clone(), kind: letter.kind.as_str().to_owned() };
        self.commit(Commit::at(at).letter_sent(&letter.id).event(event)).await.map(|_| ())
    }

    /// It did not work; to be tried again at an instant.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn letter_failed(&self, id: &str, again_at: Timestamp, why: &str) -> Result<(), RegistryError> {
        let mut writer = self.database.writer().await?;
        let mut tx = writer.begin().await?;
        sqlx::query("UPDATE join_letter SET again_at = $2, why = $3 WHERE id = $1 AND sent_at IS NULL")
            .bind(id)
            .bind(again_at.0)
            .bind(why)
            .execute(&mut *tx)
            .await
            .map_err(|e| self.database.error(e))?;
        tx.commit().await.map_err(|e| self.database.error(e))
    }

    /// How many letters were written to an address since an instant, for limits; the address as
    /// [`::joining::MailAddress::key`] gives it.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn letters_to(&self, address: &str, kind: LetterKind, since: Timestamp) -> Result<u64, RegistryError> {
        let row = sqlx::query("SELECT COUNT(*) FROM join_letter WHERE address = $1 AND kind = $2 AND at >= $3")
            .bind(address)
            .bind(kind.as_str())
            .bind(since.0)
            .fetch_one(self.database.readers())
            .await
            .map_err(|e| self.database.error(e))?;
        let count: i64 = row.try_get(0).map_err(|e| self.database.error(e))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Do letters wait, since when, and why?
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn letters_waiting(&self) -> Result<Option<WaitingLetters>, RegistryError> {
        let failed = |e| self.database.error(e);
        let row = sqlx::query("SELECT COUNT(*), MIN(at) FROM join_letter WHERE sent_at IS NULL")
            .fetch_one(self.database.readers())
            .await
            .map_err(failed)?;
        let count: i64 = row.try_get(0).map_err(failed)?;
        let Some(since) = row.try_get::<Option<i64>, _>(1).map_err(failed)? else { return Ok(None) };
        // What is tried latest was tried last, but for letters refused for good.
        let row = sqlx::query(
            "SELECT why FROM join_letter WHERE sent_at IS NULL AND why IS NOT NULL ORDER BY again_at DESC, id LIMIT 1",
        )
        .fetch_optional(self.database.readers())
        .await
        .map_err(failed)?;
        let why = row.map(|row| row.try_get(0)).transpose().map_err(failed)?;
        Ok(Some(WaitingLetters { count: u64::try_from(count).unwrap_or(0), since: Timestamp(since), why }))
    }

    /// The last letters, newest first, without what they say.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn letters_last(&self, limit: u32) -> Result<Vec<SentLetter>, RegistryError> {
        let database = &self.database;
        let rows = sqlx::query(
            "SELECT document, tried, again_at, sent_at, why, id FROM join_letter ORDER BY at DESC, id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(database.readers())
        .await
        .map_err(|e| database.error(e))?;
        let mut last = Vec::with_capacity(rows.len());
        for row in &rows {
            let document: String = row.try_get(0).map_err(|e| database.error(e))?;
            let id: String = row.try_get(5).map_err(|e| database.error(e))?;
            let letter = read(database, &id, document)?;
            let sent: Option<i64> = row.try_get(3).map_err(|e| database.error(e))?;
            let state = match sent {
                Some(at) => LetterState::Sent { at: Timestamp(at) },
                None => LetterState::Waiting {
                    tried: u32::try_from(row.try_get::<i64, _>(1).map_err(|e| database.error(e))?).unwrap_or(0),
                    again_at: Timestamp(row.try_get(2).map_err(|e| database.error(e))?),
                    why: row.try_get(4).map_err(|e| database.error(e))?,
                },
            };
            last.push(SentLetter { id: letter.id, kind: letter.kind, to: letter.to.to_string(), at: letter.at, state });
        }
        Ok(last)
    }
}

pub(super) async fn insert(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    letter: &Letter,
) -> Result<(), RegistryError> {
    sqlx::query(
        "INSERT INTO join_letter (id, kind, address, at, again_at, tried, document) VALUES ($1, $2, $3, $4, $4, 0, $5)",
    )
    .bind(letter.id.as_str())
    .bind(letter.kind.as_str())
    .bind(letter.to.key())
    .bind(letter.at.0)
    .bind(written(database, letter))
    .execute(&mut **tx)
    .await
    .map_err(|e| database.error(e))?;
    Ok(())
}

pub(super) async fn sent(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    id: &str,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let failed = |e| database.error(e);
    let row = sqlx::query("SELECT document FROM join_letter WHERE id = $1 AND sent_at IS NULL")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Err(RegistryError::Stale { what: format!("letter {id}") }) };
    let document: String = row.try_get(0).map_err(failed)?;
    let mut letter = read(database, id, document)?;
    letter.secret = None;
    sqlx::query("UPDATE join_letter SET sent_at = $2, document = $3, why = NULL WHERE id = $1")
        .bind(id)
        .bind(now.0)
        .bind(written(database, &letter))
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
    Ok(())
}

fn read(database: &Database, id: &str, document: String) -> Result<Letter, RegistryError> {
    let document = database.opened("join_letter", &id, document)?;
    serde_json::from_str(&document).map_err(|e| database.corrupt(format!("a letter: {e}")))
}

fn written(database: &Database, letter: &Letter) -> String {
    let text = serde_json::to_string(letter).expect("letters have text keys and no other way to fail");
    database.sealed("join_letter", &letter.id, &text)
}
