//! What a submitter sees of a submission.

use audit::ReasonRecord;
use model::Timestamp;
use registry::{Submission, SubmissionQuery, SubmissionState};
use serde::Serialize;
use texts::{Arg, Reason, Texts};

use crate::{Refused, Submissions, Submitter};

/// A submission as pages and the API show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubmissionView {
    /// Number.
    pub id: String,
    /// Name of the file.
    pub name: String,
    /// Account that began it.
    pub account: String,
    /// Bytes announced.
    pub length: u64,
    /// Bytes kept.
    pub offset: u64,
    /// `receiving`, `received`, `accepted`, `refused`, `withdrawn`, `expired` or `repeated`.
    pub state: &'static str,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it is given up if it is not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When its last byte had arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// When it was accepted, refused, withdrawn or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// SHA-256 of what arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Is there a receipt?
    pub receipt: bool,
    /// The accepted submission it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl SubmissionView {
    /// Its state in the reader's language.
    pub fn state_text(&self, texts: &Texts) -> String {
        texts.say(&format!("submission-state-{}", self.state), &[])
    }
}

impl Submissions {
    /// One submission of the institution. Disturbs no upload.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Records`].
    pub async fn view(&self, who: &Submitter, id: &str) -> Result<SubmissionView, Refused> {
        Ok(self.seen(self.row(who, id).await?))
    }

    /// The institution's submissions, oldest first, at most `limit` (1000 if zero), after another one.
    ///
    /// # Errors
    /// [`Refused::Records`]; [`Refused::NotFound`] if `after` is not one of the institution's.
    pub async fn list(&self, who: &Submitter, after: Option<&str>, limit: u32) -> Result<Vec<SubmissionView>, Refused> {
        let after = match after {
            Some(id) => self.row(who, id).await.map(|row| Some((row.begun_at, row.new.id)))?,
            None => None,
        };
        let query = SubmissionQuery { institution: Some(who.institution.clone()), state: None, after, limit };
        let rows = self.inner.registry.submissions(&query).await?;
        Ok(rows.into_iter().map(|row| self.seen(row)).collect())
    }

    pub(crate) fn seen(&self, row: Submission) -> SubmissionView {
        let receiving = row.state == SubmissionState::Receiving;
        let offset = match row.state {
            SubmissionState::Receiving => self.inner.spool.have(&row.new.id).unwrap_or(0),
            SubmissionState::Withdrawn | SubmissionState::Expired => 0,
            _ => row.new.length,
        };
        SubmissionView {
            offset,
            state: row.state.as_str(),
            begun_at: row.begun_at,
            expires_at: receiving.then_some(row.new.expires_at),
            received_at: row.received_at,
            ended_at: row.ended_at,
            sha256: row.digest,
            receipt: row.receipt.is_some() || row.same_as.is_some(),
            same_as: row.same_as,
            reason: row.why.as_deref().and_then(first_reason),
            id: row.new.id,
            name: row.new.name,
            account: row.new.account,
            length: row.new.length,
        }
    }
}

fn first_reason(why: &str) -> Option<Reason> {
    let records: Vec<ReasonRecord> = serde_json::from_str(why).ok()?;
    let record = records.into_iter().next()?;
    let args = record.args.into_iter().map(|(name, value)| (name, Arg::Text(value))).collect();
    Some(Reason { code: record.code, section: record.section, key: record.key, note: None, args })
}
