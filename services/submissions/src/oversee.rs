//! What an operator sees of everybody's submissions: that there is one, how it stands, its receipt; never its bytes (R12).

use audit::Event;
use axum::response::Response;
use registry::{Commit, SubmissionsOverseen};

use crate::{Refused, SubmissionView, Submissions, Submitter};

/// A submission and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overseen {
    /// Number of the institution.
    pub institution: String,
    /// The submission.
    pub view: SubmissionView,
}

impl Submissions {
    /// Submissions of every institution, newest first.
    ///
    /// # Errors
    /// [`Refused::Records`].
    pub async fn overseen(&self, query: &SubmissionsOverseen) -> Result<Vec<Overseen>, Refused> {
        let rows = self.inner.registry.submissions_overseen(query).await?;
        let overseen =
            |row: registry::Submission| Overseen { institution: row.new.institution.clone(), view: self.seen(row) };
        Ok(rows.into_iter().map(overseen).collect())
    }

    /// A part of a receipt, as [`Submissions::receipt_file`] gives it to its institution. That an operator fetched it is on
    /// record before it is given.
    ///
    /// # Errors
    /// As [`Submissions::receipt_file`].
    pub async fn receipt_overseen(&self, operator: &str, id: &str, part: &str) -> Result<Response, Refused> {
        let row = self.inner.registry.submission(id).await?.ok_or(Refused::NotFound)?;
        let whose = Submitter { institution: row.new.institution, account: row.new.account };
        let answer = self.receipt_file(&whose, id, part).await?;
        let event =
            Event::ReceiptOverseen { submission: id.to_owned(), operator: operator.to_owned(), part: part.to_owned() };
        self.inner.registry.commit(Commit::at((self.inner.clock)()).event(event)).await?;
        Ok(answer)
    }
}
