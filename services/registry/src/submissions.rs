//! Submissions of report files (届出ファイルの提出) as rows: how far each is, and its receipt (R12).
//!
//! The bytes are not here: they lie in the spool of `submissions`, under the same number.

use model::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};
use std::fmt;
use std::str::FromStr;

use crate::database::Database;
use crate::{Registry, RegistryError};

pub(crate) const TABLES: &str = "
CREATE TABLE submission (
    id TEXT PRIMARY KEY,
    institution TEXT NOT NULL,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    once TEXT NOT NULL,
    length BIGINT NOT NULL,
    announced TEXT,
    state TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    received_at BIGINT,
    ended_at BIGINT,
    digest TEXT,
    receipt TEXT,
    signature TEXT,
    why TEXT,
    same_as TEXT,
    UNIQUE (institution, once)
);
CREATE INDEX submission_by_state ON submission (state, begun_at, id);
CREATE INDEX submission_by_institution ON submission (institution, begun_at, id);
CREATE UNIQUE INDEX submission_accepted_once ON submission (institution, name, digest) WHERE state = 'accepted';
";

/// Where a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubmissionState {
    /// Bytes are missing.
    Receiving,
    /// Every byte is there; not scanned yet.
    Received,
    /// Clean, and a receipt was signed.
    Accepted,
    /// Not accepted; the reason is noted.
    Refused,
    /// Taken back by its submitter.
    Withdrawn,
    /// Not complete in time.
    Expired,
    /// The same institution's same file was accepted before.
    Repeated,
}

impl SubmissionState {
    /// All, in the order of a life.
    pub const ALL: [Self; 7] = [
        Self::Receiving,
        Self::Received,
        Self::Accepted,
        Self::Refused,
        Self::Withdrawn,
        Self::Expired,
        Self::Repeated,
    ];

    /// As stored and as the API says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Received => "received",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Repeated => "repeated",
        }
    }

    /// The states a submission may come from; none if it begins so.
    fn before(self) -> &'static [Self] {
        match self {
            Self::Receiving => &[],
            Self::Received | Self::Expired => &[Self::Receiving],
            Self::Accepted | Self::Refused | Self::Repeated => &[Self::Received],
            Self::Withdrawn => &[Self::Receiving, Self::Received],
        }
    }
}

impl fmt::Display for SubmissionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SubmissionState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a state of a submission"))
    }
}

/// What a submitter announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubmission {
    /// 32 hexadecimal digits, random.
    pub id: String,
    /// Institution it belongs to.
    pub institution: String,
    /// Account that sends it.
    pub account: String,
    /// Name of the file as its submitter calls it.
    pub name: String,
    /// Its media type as the submitter says it.
    pub media_type: String,
    /// Key of the submitter's own: the same key of the same institution never begins a second submission.
    pub once: String,
    /// Bytes.
    pub length: u64,
    /// SHA-256 announced, 64 hexadecimal digits.
    pub announced: Option<String>,
    /// When it is given up if it is not complete.
    pub expires_at: Timestamp,
}

/// A submission as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// What was announced.
    pub new: NewSubmission,
    /// Where it stands.
    pub state: SubmissionState,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When its last byte had arrived.
    pub received_at: Option<Timestamp>,
    /// When it was accepted, refused, withdrawn, or given up.
    pub ended_at: Option<Timestamp>,
    /// SHA-256 of what arrived, 64 hexadecimal digits.
    pub digest: Option<String>,
    /// The receipt's bytes.
    pub receipt: Option<String>,
    /// Signature over them, DER in hexadecimal digits.
    pub signature: Option<String>,
    /// Reasons of a refusal, JSON.
    pub why: Option<String>,
    /// The submission it repeats.
    pub same_as: Option<String>,
}

/// A step of a submission's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmissionStep {
    /// It begins; refused if its key is taken.
    Begin(NewSubmission),
    /// Every byte has arrived.
    Receive {
        /// Number.
        id: String,
    },
    /// Scanned and clean.
    Accept {
        /// Number.
        id: String,
        /// SHA-256, hexadecimal digits.
        digest: String,
        /// The receipt's bytes.
        receipt: String,
        /// Signature over them, DER in hexadecimal digits.
        signature: String,
    },
    /// Not accepted.
    Refuse {
        /// Number.
        id: String,
        /// SHA-256, hexadecimal digits.
        digest: String,
        /// Reasons, JSON.
        why: String,
    },
    /// The same file was accepted before.
    Repeat {
        /// Number.
        id: String,
        /// SHA-256, hexadecimal digits.
        digest: String,
        /// The accepted one.
        same_as: String,
    },
    /// Taken back.
    Withdraw {
        /// Number.
        id: String,
    },
    /// Given up.
    Expire {
        /// Number.
        id: String,
    },
}

/// Which submissions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubmissionQuery {
    /// Of this institution; of all if absent.
    pub institution: Option<String>,
    /// In this state; in any if absent.
    pub state: Option<SubmissionState>,
    /// Only those after this one, by (time of begin, number).
    pub after: Option<(Timestamp, String)>,
    /// At most so many; 1000 if zero.
    pub limit: u32,
}

const COLUMNS: &str = "id, institution, account, name, media_type, once, length, announced, state, begun_at, expires_at, \
    received_at, ended_at, digest, receipt, signature, why, same_as";

/// Which submissions of every institution an operator wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubmissionsOverseen {
    /// In this state; in any if absent.
    pub state: Option<SubmissionState>,
    /// Of these institutions; of any if absent.
    pub institutions: Option<Vec<String>>,
    /// Begun at this instant or later.
    pub from: Option<Timestamp>,
    /// Begun before this instant.
    pub until: Option<Timestamp>,
    /// After this one in their order: when it was begun, and its id.
    pub after: Option<(Timestamp, String)>,
    /// At most so many.
    pub limit: u32,
}

impl Registry {
    /// Submissions of every institution, newest first. Each statement goes along an index: one for every state or every
    /// institution that is asked for.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn submissions_overseen(&self, query: &SubmissionsOverseen) -> Result<Vec<Submission>, RegistryError> {
        let states: Vec<SubmissionState> = query.state.map_or(SubmissionState::ALL.to_vec(), |state| vec![state]);
        let along: Vec<(Option<&String>, &[SubmissionState])> = match &query.institutions {
            Some(all) => all.iter().map(|one| (Some(one), states.as_slice())).collect(),
            None => states.chunks(1).map(|state| (None, state)).collect(),
        };
        let until = query.until.map_or(i64::MAX, |at| at.0);
        // Whatever was begun in the same instant goes by its id.
        let (since, id) = match &query.after {
            Some((at, id)) => (at.0, id.as_str()),
            None => (i64::MAX, ""),
        };
        let mut found = Vec::new();
        for (institution, states) in along {
            let (column, value) = match institution {
                Some(one) => ("institution", one.as_str()),
                None => ("state", states.first().map_or("", |state| state.as_str())),
            };
            // Only the fixed texts above and the states' own names are put together.
            let names: Vec<String> = states.iter().map(|state| format!("'{state}'")).collect();
            let statement = format!(
                "SELECT {COLUMNS} FROM submission WHERE {column} = $1 AND state IN ({}) AND begun_at >= $2 AND begun_at < $3
                 AND (begun_at < $5 OR id < $6) ORDER BY begun_at DESC, id DESC LIMIT $4",
                names.join(", ")
            );
            let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(value.to_owned())
                .bind(query.from.map_or(i64::MIN, |at| at.0))
                .bind(until.min(since.saturating_add(1)))
                .bind(i64::from(query.limit))
                .bind(since)
                .bind(id.to_owned())
                .fetch_all(self.database.readers())
                .await
                .map_err(|e| self.database.error(e))?;
            for row in &rows {
                found.push(read(&self.database, row)?);
            }
        }
        found.sort_by(|a: &Submission, b| (b.begun_at, &b.new.id).cmp(&(a.begun_at, &a.new.id)));
        found.truncate(query.limit as usize);
        Ok(found)
    }

    /// One submission.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn submission(&self, id: &str) -> Result<Option<Submission>, RegistryError> {
        self.one_submission(&format!("SELECT {COLUMNS} FROM submission WHERE id = $1"), &[id]).await
    }

    /// The submission an institution began with a key.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn submission_of_key(&self, institution: &str, once: &str) -> Result<Option<Submission>, RegistryError> {
        let statement = format!("SELECT {COLUMNS} FROM submission WHERE institution = $1 AND once = $2");
        self.one_submission(&statement, &[institution, once]).await
    }

    /// The accepted submission of a file, by its name and SHA-256.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn accepted_submission(
        &self,
        institution: &str,
        name: &str,
        digest: &str,
    ) -> Result<Option<Submission>, RegistryError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM submission
             WHERE institution = $1 AND name = $2 AND digest = $3 AND state = 'accepted'"
        );
        self.one_submission(&statement, &[institution, name, digest]).await
    }

    /// How many uploads an institution has begun and not finished.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn unfinished_submissions(&self, institution: &str) -> Result<u64, RegistryError> {
        let row = sqlx::query("SELECT COUNT(*) FROM submission WHERE institution = $1 AND state = 'receiving'")
            .bind(institution.to_owned())
            .fetch_one(self.database.readers())
            .await
            .map_err(|e| self.database.error(e))?;
        let count: i64 = row.try_get(0).map_err(|e| self.database.error(e))?;
        u64::try_from(count).map_err(|e| self.database.corrupt(e))
    }

    /// How many submissions wait for their scan, and since when the first of them; none if none does.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn submissions_waiting(&self) -> Result<Option<(u64, Timestamp)>, RegistryError> {
        let failed = |e| self.database.error(e);
        let row = sqlx::query("SELECT COUNT(*), MIN(received_at) FROM submission WHERE state = 'received'")
            .fetch_one(self.database.readers())
            .await
            .map_err(failed)?;
        let count: i64 = row.try_get(0).map_err(failed)?;
        let since: Option<i64> = row.try_get(1).map_err(failed)?;
        Ok(since.map(|since| (u64::try_from(count).unwrap_or(0), Timestamp(since))))
    }

    /// Submissions, oldest first.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn submissions(&self, query: &SubmissionQuery) -> Result<Vec<Submission>, RegistryError> {
        let by = match (&query.institution, query.state) {
            (Some(_), Some(_)) => "institution = $1 AND state = $2",
            (Some(_), None) => "institution = $1 AND $2 = ''",
            (None, Some(_)) => "$1 = '' AND state = $2",
            (None, None) => "$1 = '' AND $2 = ''",
        };
        let statement = format!(
            "SELECT {COLUMNS} FROM submission WHERE {by} AND (begun_at > $3 OR (begun_at = $3 AND id > $4))
             ORDER BY begun_at, id LIMIT $5"
        );
        let (after, id) = query.after.clone().unwrap_or((Timestamp(i64::MIN), String::new()));
        // Only the fixed texts above are put together.
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(query.institution.clone().unwrap_or_default())
            .bind(query.state.map_or("", SubmissionState::as_str))
            .bind(after.0)
            .bind(id)
            .bind(i64::from(if query.limit == 0 { 1000 } else { query.limit }))
            .fetch_all(self.database.readers())
            .await
            .map_err(|e| self.database.error(e))?;
        rows.iter().map(|row| read(&self.database, row)).collect()
    }

    async fn one_submission(&self, statement: &str, values: &[&str]) -> Result<Option<Submission>, RegistryError> {
        // Only the column list is put into the text.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()));
        for value in values {
            query = query.bind((*value).to_owned());
        }
        let row = query.fetch_optional(self.database.readers()).await.map_err(|e| self.database.error(e))?;
        row.map(|row| read(&self.database, &row)).transpose()
    }
}

/// Applies a step inside the transaction of its audit entries.
pub(crate) async fn go_on(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    step: &SubmissionStep,
    at: i64,
) -> Result<(), RegistryError> {
    use SubmissionState::{Accepted, Expired, Received, Refused, Repeated, Withdrawn};
    let (id, to, digest, receipt, signature, why, same_as) = match step {
        SubmissionStep::Begin(new) => return begin(database, tx, new, at).await,
        SubmissionStep::Receive { id } => (id, Received, None, None, None, None, None),
        SubmissionStep::Accept { id, digest, receipt, signature } => {
            (id, Accepted, Some(digest), Some(receipt), Some(signature), None, None)
        }
        SubmissionStep::Refuse { id, digest, why } => (id, Refused, Some(digest), None, None, Some(why), None),
        SubmissionStep::Repeat { id, digest, same_as } => (id, Repeated, Some(digest), None, None, None, Some(same_as)),
        SubmissionStep::Withdraw { id } => (id, Withdrawn, None, None, None, None, None),
        SubmissionStep::Expire { id } => (id, Expired, None, None, None, None, None),
    };
    let before = to.before();
    let from = |n: usize| before.get(n).map_or("", |s| s.as_str());
    let done = sqlx::query(
        "UPDATE submission SET state = $2, received_at = COALESCE($3, received_at), ended_at = COALESCE($4, ended_at),
             digest = COALESCE($5, digest), receipt = $6, signature = $7, why = $8, same_as = $9
         WHERE id = $1 AND state IN ($10, $11)",
    )
    .bind(id.as_str())
    .bind(to.as_str())
    .bind((to == Received).then_some(at))
    .bind((to != Received).then_some(at))
    .bind(digest.map(String::as_str))
    .bind(receipt.map(String::as_str))
    .bind(signature.map(String::as_str))
    .bind(why.map(String::as_str))
    .bind(same_as.map(String::as_str))
    .bind(from(0))
    .bind(from(1))
    .execute(&mut **tx)
    .await
    .map_err(|e| database.error(e))?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(elsewhere(database, tx, id, to).await?) }
}

async fn begin(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    new: &NewSubmission,
    at: i64,
) -> Result<(), RegistryError> {
    let length = i64::try_from(new.length)
        .map_err(|_| RegistryError::Inconsistent(format!("a submission of {} bytes", new.length)))?;
    let done = sqlx::query(
        "INSERT INTO submission
             (id, institution, account, name, media_type, once, length, announced, state, begun_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'receiving', $9, $10) ON CONFLICT DO NOTHING",
    )
    .bind(new.id.as_str())
    .bind(new.institution.as_str())
    .bind(new.account.as_str())
    .bind(new.name.as_str())
    .bind(new.media_type.as_str())
    .bind(new.once.as_str())
    .bind(length)
    .bind(new.announced.as_deref())
    .bind(at)
    .bind(new.expires_at.0)
    .execute(&mut **tx)
    .await
    .map_err(|e| database.error(e))?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let id = new.id.clone();
    Err(RegistryError::Submission { id, found: Some(SubmissionState::Receiving), wanted: SubmissionState::Receiving })
}

async fn elsewhere(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    id: &str,
    wanted: SubmissionState,
) -> Result<RegistryError, RegistryError> {
    let row = sqlx::query("SELECT state FROM submission WHERE id = $1")
        .bind(id.to_owned())
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
    Ok(RegistryError::Submission { id: id.to_owned(), found, wanted })
}

fn read(database: &Database, row: &AnyRow) -> Result<Submission, RegistryError> {
    let text = |i: usize| row.try_get::<String, _>(i).map_err(|e| database.error(e));
    let perhaps = |i: usize| row.try_get::<Option<String>, _>(i).map_err(|e| database.error(e));
    let number = |i: usize| row.try_get::<i64, _>(i).map_err(|e| database.error(e));
    let when = |i: usize| row.try_get::<Option<i64>, _>(i).map(|n| n.map(Timestamp)).map_err(|e| database.error(e));
    Ok(Submission {
        new: NewSubmission {
            id: text(0)?,
            institution: text(1)?,
            account: text(2)?,
            name: text(3)?,
            media_type: text(4)?,
            once: text(5)?,
            length: u64::try_from(number(6)?).map_err(|e| database.corrupt(e))?,
            announced: perhaps(7)?,
            expires_at: Timestamp(number(10)?),
        },
        state: text(8)?.parse().map_err(|e: String| database.corrupt(e))?,
        begun_at: Timestamp(number(9)?),
        received_at: when(11)?,
        ended_at: when(12)?,
        digest: perhaps(13)?,
        receipt: perhaps(14)?,
        signature: perhaps(15)?,
        why: perhaps(16)?,
        same_as: perhaps(17)?,
    })
}
