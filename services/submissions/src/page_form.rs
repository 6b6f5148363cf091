//! A file from a page's form: one request, no resuming, for browsers without scripts.

use axum::body::Bytes;
use std::io;
use tokio::io::AsyncWriteExt;
use tokio_stream::{Stream, StreamExt};

use crate::begin::Admitted;
use crate::spool::Upload;
use crate::{Announced, Refused, SubmissionView, Submissions, Submitter};

impl Submissions {
    /// Takes a whole file whose length is not known before; `announced.length` is not looked at. Call it in a task of
    /// its own where a request may be dropped: nothing is lost then either, but the file is swept away later only.
    ///
    /// # Errors
    /// [`Refused`]; if the line is cut nothing of the file remains.
    pub async fn take<E>(
        &self,
        who: &Submitter,
        announced: Announced,
        bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<SubmissionView, Refused> {
        let limit = self.inner.settings.max_bytes;
        // With the longest length first: a name or key that cannot be is refused before a byte is read.
        let new = match self.admit(who, Announced { length: limit, ..announced.clone() }).await {
            Ok(Admitted::New(new)) => new,
            Ok(Admitted::Known(row)) => return Ok(self.seen(*row)),
            // The key is known: whether for the same file shows when its length does.
            Err(Refused::KeyReused) => return self.again(who, announced, bytes).await,
            Err(refused) => return Err(refused),
        };
        let spool = &self.inner.spool;
        spool.create(&new.id).await.map_err(|e| disk(&e))?;
        let mut upload = spool.open_upload(&new.id).await.map_err(|e| disk(&e))?;
        let written = self.write_all(bytes, Some(&mut upload)).await;
        let done = match written {
            Ok(0) => Err(Refused::Empty),
            Ok(length) => match upload.file.sync_all().await {
                Ok(()) => self.record(registry::NewSubmission { length, ..new.clone() }, true).await,
                Err(error) => Err(disk(&error)),
            },
            Err(refused) => Err(refused),
        };
        drop(upload);
        match done {
            Ok(row) => {
                self.inner.arrived.notify_one();
                Ok(self.seen(row))
            }
            Err(refused) => {
                // A row whose commit nobody knows about may be there: the next round looks.
                if !matches!(refused, Refused::Records(_)) {
                    spool.remove(&new.id).await;
                }
                Err(refused)
            }
        }
    }

    async fn again<E>(
        &self,
        who: &Submitter,
        announced: Announced,
        bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<SubmissionView, Refused> {
        let length = self.write_all(bytes, None).await?;
        match self.admit(who, Announced { length, ..announced }).await? {
            Admitted::Known(row) => Ok(self.seen(*row)),
            Admitted::New(_) => Err(Refused::Busy),
        }
    }

    async fn write_all<E>(
        &self,
        mut bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
        mut to: Option<&mut Upload>,
    ) -> Result<u64, Refused> {
        let settings = &self.inner.settings;
        let mut length = 0u64;
        loop {
            let next = match tokio::time::timeout(settings.idle, bytes.next()).await {
                Ok(None) => return Ok(length),
                Ok(Some(Ok(next))) => next,
                Ok(Some(Err(_))) | Err(_) => return Err(Refused::Interrupted { have: 0 }),
            };
            length += next.len() as u64;
            if length > settings.max_bytes {
                return Err(Refused::TooLong { limit: settings.max_bytes });
            }
            let Some(upload) = &mut to else { continue };
            let free = self.inner.spool.free().map_err(|e| disk(&e))?;
            if free.saturating_sub(settings.reserve_bytes) < next.len() as u64 {
                return Err(Refused::NoRoom { have: 0 });
            }
            upload.file.write_all(&next).await.map_err(|e| disk(&e))?;
            upload.file.flush().await.map_err(|e| disk(&e))?;
        }
    }
}

fn disk(error: &io::Error) -> Refused {
    Refused::of_disk(error, 0)
}
