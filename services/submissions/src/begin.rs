//! A submission begins.

use audit::Event;
use registry::{NewSubmission, RegistryError, Submission, SubmissionStep};
use ring::rand::{SecureRandom, SystemRandom};

use crate::{Refused, Submissions, Submitter, metadata};

/// What a submitter announces, read from headers or a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// Bytes.
    pub length: u64,
    /// Name of the file.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Key of the submitter's own, so that a repeated request begins nothing new.
    pub once: Option<String>,
    /// SHA-256 of the whole, hexadecimal digits.
    pub sha256: Option<String>,
}

/// What became of an announcement.
pub(crate) enum Admitted {
    New(NewSubmission),
    /// The key began this one before.
    Known(Box<Submission>),
}

impl Submissions {
    /// Begins a submission, or finds the one that this key began.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn begin(&self, who: &Submitter, announced: Announced) -> Result<Submission, Refused> {
        let new = match self.admit(who, announced).await? {
            Admitted::Known(row) => return Ok(*row),
            Admitted::New(new) => new,
        };
        let free = self.inner.spool.free().map_err(|e| Refused::of_disk(&e, 0))?;
        if free.saturating_sub(self.inner.settings.reserve_bytes) < new.length {
            return Err(Refused::NoRoom { have: 0 });
        }
        // First the file, then the row: a row without a file would be a promise not kept, a file without a row is
        // swept away.
        self.inner.spool.create(&new.id).await.map_err(|e| Refused::of_disk(&e, 0))?;
        self.record(new, false).await
    }

    /// May this be submitted? Gives it its number.
    pub(crate) async fn admit(&self, who: &Submitter, announced: Announced) -> Result<Admitted, Refused> {
        let settings = &self.inner.settings;
        let id = new_id()?;
        let new = NewSubmission {
            institution: who.institution.clone(),
            account: who.account.clone(),
            name: metadata::file_name(&announced.name)?,
            media_type: metadata::media_type(&announced.media_type),
            once: announced.once.as_deref().map_or_else(|| Ok(id.clone()), metadata::once)?,
            length: announced.length,
            announced: announced.sha256.as_deref().map(metadata::sha256).transpose()?,
            expires_at: self.now().plus_ms(settings.keep_unfinished_ms),
            id,
        };
        if new.length == 0 {
            return Err(Refused::Empty);
        }
        if new.length > settings.max_bytes {
            return Err(Refused::TooLong { limit: settings.max_bytes });
        }
        if let Some(row) = self.known(&new).await? {
            return Ok(Admitted::Known(Box::new(row)));
        }
        if self.inner.registry.unfinished_submissions(&who.institution).await? >= settings.max_unfinished {
            return Err(Refused::TooMany { limit: settings.max_unfinished });
        }
        Ok(Admitted::New(new))
    }

    /// Its row, and if every byte is there that too, in one transaction.
    pub(crate) async fn record(&self, new: NewSubmission, complete: bool) -> Result<Submission, Refused> {
        let begun = Event::SubmissionBegun {
            submission: new.id.clone(),
            institution: new.institution.clone(),
            account: new.account.clone(),
            length: new.length,
        };
        let mut commit = registry::Commit::at(self.now()).submission(SubmissionStep::Begin(new.clone())).event(begun);
        if complete {
            commit = commit
                .submission(SubmissionStep::Receive { id: new.id.clone() })
                .event(Event::SubmissionReceived { submission: new.id.clone() });
        }
        match self.inner.registry.commit(commit).await {
            Ok(_) => self.inner.registry.submission(&new.id).await?.ok_or(Refused::NotFound),
            // The same key from two lines at once: one of them began it.
            Err(RegistryError::Submission { .. }) => {
                self.inner.spool.remove(&new.id).await;
                self.known(&new).await?.ok_or(Refused::Busy)
            }
            // The row may be there: the file stays for it.
            Err(error @ RegistryError::OutcomeUnknown { .. }) => Err(error.into()),
            Err(error) => {
                self.inner.spool.remove(&new.id).await;
                Err(error.into())
            }
        }
    }

    async fn known(&self, new: &NewSubmission) -> Result<Option<Submission>, Refused> {
        let Some(row) = self.inner.registry.submission_of_key(&new.institution, &new.once).await? else {
            return Ok(None);
        };
        let same = row.new.account == new.account
            && row.new.name == new.name
            && row.new.length == new.length
            && row.new.announced == new.announced;
        if same { Ok(Some(row)) } else { Err(Refused::KeyReused) }
    }
}

/// 128 random bits: a number that cannot be guessed.
pub(crate) fn new_id() -> Result<String, Refused> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Refused::Disk("no random numbers".into()))?;
    Ok(hex::encode(bytes))
}
