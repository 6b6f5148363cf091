//! What an operator sees of everybody's submissions: that there is one, how it stands, its receipt; never its bytes (R12).

use audit::Event;
use axum::response::Response;
use registry::{Commit, SubmissionsOverseen};

use crate::{Receipt, Refused, SubmissionView, Submissions, Submitter};

/// A submission and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overseen {
    /// Number of the institution.
    pub institution: String,
    /// The submission.
    pub view: SubmissionView,
}

impl Submissions {
    /// Submissions of every institution, newest first; those after one of them, if it is named.
    ///
    /// # Errors
    /// [`Refused::NotFound`] if that one is none, [`Refused::Records`].
    pub async fn overseen(
        &self,
        mut query: SubmissionsOverseen,
        after: Option<&str>,
    ) -> Result<Vec<Overseen>, Refused> {
        if let Some(id) = after {
            let row = self.inner.registry.submission(id).await?.ok_or(Refused::NotFound)?;
            query.after = Some((row.begun_at, row.new.id));
        }
        let rows = self.inner.registry.submissions_overseen(&query).await?;
        Ok(rows.into_iter().map(|row| self.of_somebody(row)).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Records`].
    pub async fn one_overseen(&self, id: &str) -> Result<Overseen, Refused> {
        let row = self.inner.registry.submission(id).await?.ok_or(Refused::NotFound)?;
        Ok(self.of_somebody(row))
    }

    fn of_somebody(&self, row: registry::Submission) -> Overseen {
        Overseen { institution: row.new.institution.clone(), view: self.seen(row) }
    }

    /// A part of a receipt, as [`Submissions::receipt_file`] gives it to its institution. That an operator fetched it is on
    /// record before it is given.
    ///
    /// # Errors
    /// As [`Submissions::receipt_file`].
    pub async fn receipt_overseen(&self, operator: &str, id: &str, part: &str) -> Result<Response, Refused> {
        let answer = self.receipt_file(&self.whose(id).await?, id, part).await?;
        self.record_receipt(operator, id, part).await?;
        Ok(answer)
    }

    /// A receipt whole, on record in the same way.
    ///
    /// # Errors
    /// As [`Submissions::receipt`].
    pub async fn whole_receipt_overseen(&self, operator: &str, id: &str) -> Result<Receipt, Refused> {
        let receipt = self.receipt(&self.whose(id).await?, id).await?;
        self.record_receipt(operator, id, "receipt").await?;
        Ok(receipt)
    }

    async fn whose(&self, id: &str) -> Result<Submitter, Refused> {
        let row = self.inner.registry.submission(id).await?.ok_or(Refused::NotFound)?;
        Ok(Submitter { institution: row.new.institution, account: row.new.account })
    }

    async fn record_receipt(&self, operator: &str, id: &str, part: &str) -> Result<(), Refused> {
        let event =
            Event::ReceiptOverseen { submission: id.to_owned(), operator: operator.to_owned(), part: part.to_owned() };
        self.inner.registry.commit(Commit::at((self.inner.clock)()).event(event)).await?;
        Ok(())
    }
}
