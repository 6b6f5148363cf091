//! A part arrives.

use audit::Event;
use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use registry::{Submission, SubmissionState, SubmissionStep};
use std::io;
use tokio::io::AsyncWriteExt;

use crate::metadata::Checksum;
use crate::slots::Turn;
use crate::spool::Upload;
use crate::{Refused, Submissions, Submitter};

/// A part as its headers describe it.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) offset: u64,
    /// `Content-Length`, if there is one.
    pub(crate) length: Option<u64>,
    pub(crate) checksum: Option<Checksum>,
}

impl Submissions {
    /// Appends a part; returns the bytes now kept. When they are all there the submission is received.
    pub(crate) async fn append(&self, who: &Submitter, id: &str, part: Part, body: Body) -> Result<u64, Refused> {
        let (room, who, id) = (self.clone(), who.clone(), id.to_owned());
        // The server drops a request whose line is cut, in the middle of anything; this work has to come to its end.
        let work = tokio::spawn(async move { room.append_to_the_end(&who, &id, part, body).await });
        work.await.unwrap_or_else(|e| Err(Refused::Disk(e.to_string())))
    }

    /// Bytes kept of an upload. Stops a part that is still on its way: who asks has lost that line.
    pub(crate) async fn offset(&self, who: &Submitter, id: &str) -> Result<(Submission, u64), Refused> {
        let mut row = self.own(who, id).await?;
        if row.state == SubmissionState::Receiving {
            let _turn = self.inner.slots.turn(id).await.ok_or(Refused::Busy)?;
            // The turn may have been waited for, and the last byte may have come.
            row = self.own(who, id).await?;
            if row.state == SubmissionState::Receiving {
                let upload = self.upload_of(&row).await?;
                let have = upload.have;
                if have == row.new.length {
                    self.receive(&row, upload).await?;
                }
                return Ok((row, have));
            }
        }
        match row.state {
            SubmissionState::Withdrawn | SubmissionState::Expired => Err(Refused::Over { state: row.state }),
            _ => {
                let length = row.new.length;
                Ok((row, length))
            }
        }
    }

    async fn append_to_the_end(&self, who: &Submitter, id: &str, part: Part, body: Body) -> Result<u64, Refused> {
        let row = self.own(who, id).await?;
        if row.state != SubmissionState::Receiving {
            return nothing_more(&row, &part);
        }
        let mut turn = self.inner.slots.turn(id).await.ok_or(Refused::Busy)?;
        // The turn may have been waited for, and much may have happened.
        let row = self.own(who, id).await?;
        if row.state != SubmissionState::Receiving {
            return nothing_more(&row, &part);
        }
        let mut upload = self.upload_of(&row).await?;
        let have = upload.have;
        if part.offset != have {
            return Err(Refused::WrongOffset { have });
        }
        let length = row.new.length;
        if part.length.is_some_and(|n| n > length - have) {
            return Err(Refused::OverLength { length, have });
        }
        let kept = self.write(&mut upload, &mut turn, length, &part, body).await?;
        if kept == length {
            upload.have = kept;
            self.receive(&row, upload).await?;
        }
        Ok(kept)
    }

    async fn upload_of(&self, row: &Submission) -> Result<Upload, Refused> {
        if row.new.expires_at <= self.now() {
            return Err(Refused::Over { state: SubmissionState::Expired });
        }
        self.inner.spool.open_upload(&row.new.id).await.map_err(|e| Refused::of_disk(&e, 0))
    }

    /// Writes what comes, and says how much of it is on the disk.
    async fn write(
        &self,
        upload: &mut Upload,
        turn: &mut Turn,
        length: u64,
        part: &Part,
        body: Body,
    ) -> Result<u64, Refused> {
        let have = upload.have;
        if part.checksum.is_some() {
            upload.set_floor().await.map_err(|e| Refused::of_disk(&e, have))?;
        }
        let mut sum = part.checksum.as_ref().map(|c| c.algorithm.begin());
        let mut arriving = Arriving { body, idle: self.inner.settings.idle };
        let mut at = have;
        // The bytes that complete the file wait here until nothing comes after them: a file that is complete and yet too
        // long would otherwise be taken for good after a crash.
        let mut last: Option<Bytes> = None;
        let ended = loop {
            let bytes = match arriving.next(turn).await {
                Next::Bytes(bytes) => bytes,
                Next::End => break Ok(()),
                Next::Cut => break Err(Refused::Interrupted { have: at }),
                Next::Superseded => break Err(Refused::Busy),
            };
            let come = bytes.len() as u64;
            if last.is_some() || come > length - at {
                break Err(Refused::OverLength { length, have });
            }
            if let Some(sum) = &mut sum {
                sum.update(&bytes);
            }
            if come == length - at {
                last = Some(bytes);
                continue;
            }
            if let Err(error) = put(upload, &bytes).await {
                break Err(Refused::of_disk(&error, at));
            }
            at += come;
        };
        let ended = match (ended, last) {
            // A line cut after the last byte took nothing away.
            (Ok(()) | Err(Refused::Interrupted { .. } | Refused::Busy), Some(bytes)) if part.checksum.is_none() => {
                put(upload, &bytes).await.map_err(|e| Refused::of_disk(&e, at))
            }
            (Ok(()), Some(bytes)) => put(upload, &bytes).await.map_err(|e| Refused::of_disk(&e, at)),
            (ended, _) => ended,
        };
        self.conclude(upload, part, sum, ended).await
    }

    async fn conclude(
        &self,
        upload: &Upload,
        part: &Part,
        sum: Option<ring::digest::Context>,
        ended: Result<(), Refused>,
    ) -> Result<u64, Refused> {
        let have = upload.have;
        let disk = |e: io::Error| Refused::of_disk(&e, have);
        let whole = match (&part.checksum, sum, &ended) {
            (None, _, Err(Refused::OverLength { .. })) => Err(ended.clone().err()),
            (None, ..) => Ok(()),
            (Some(_), _, Err(error)) => Err(Some(error.clone())),
            (Some(wanted), sum, Ok(())) => {
                let good = sum.is_some_and(|s| s.finish().as_ref() == wanted.value.as_slice());
                if good { Ok(()) } else { Err(Some(Refused::WrongChecksum { have })) }
            }
        };
        if let Err(error) = whole {
            upload.give_up().await.map_err(disk)?;
            return Err(match error.unwrap_or(Refused::Busy) {
                Refused::Interrupted { .. } => Refused::Interrupted { have },
                Refused::NoRoom { .. } => Refused::NoRoom { have },
                other => other,
            });
        }
        upload.file.sync_data().await.map_err(disk)?;
        if part.checksum.is_some() {
            upload.verified().await.map_err(disk)?;
        }
        let kept = upload.length().await.map_err(disk)?;
        match ended {
            Ok(()) => Ok(kept),
            Err(Refused::Interrupted { .. }) => Err(Refused::Interrupted { have: kept }),
            Err(Refused::NoRoom { .. }) => Err(Refused::NoRoom { have: kept }),
            Err(other) => Err(other),
        }
    }

    /// Every byte is on the disk: says so in the registry. Again and again until it is said.
    pub(crate) async fn receive(&self, row: &Submission, upload: Upload) -> Result<(), Refused> {
        upload.file.sync_all().await.map_err(|e| Refused::of_disk(&e, upload.have))?;
        let id = row.new.id.clone();
        let event = Event::SubmissionReceived { submission: id.clone() };
        match self.step(SubmissionStep::Receive { id }, event).await {
            // Said already, by another replica's round.
            Ok(()) | Err(Refused::Over { state: SubmissionState::Received } | Refused::AcceptedStays) => {}
            Err(refused) => return Err(refused),
        }
        self.inner.arrived.notify_one();
        Ok(())
    }
}

/// The answer to a part of what is complete or over.
fn nothing_more(row: &Submission, part: &Part) -> Result<u64, Refused> {
    let length = row.new.length;
    match row.state {
        SubmissionState::Withdrawn | SubmissionState::Expired => Err(Refused::Over { state: row.state }),
        _ if part.offset != length => Err(Refused::WrongOffset { have: length }),
        _ if part.length == Some(0) => Ok(length),
        _ => Err(Refused::OverLength { length, have: length }),
    }
}

async fn put(upload: &mut Upload, bytes: &Bytes) -> io::Result<()> {
    upload.file.write_all(bytes).await?;
    // Waits for the write itself, so that its failure is seen here.
    upload.file.flush().await
}

struct Arriving {
    body: Body,
    idle: std::time::Duration,
}

enum Next {
    Bytes(Bytes),
    End,
    Cut,
    Superseded,
}

impl Arriving {
    async fn next(&mut self, turn: &mut Turn) -> Next {
        loop {
            let frame = tokio::select! {
                frame = tokio::time::timeout(self.idle, self.body.frame()) => frame,
                () = turn.superseded() => return Next::Superseded,
            };
            match frame {
                Ok(None) => return Next::End,
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Next::Bytes(bytes),
                    // Trailers, or nothing.
                    _ => {}
                },
                Ok(Some(Err(_))) | Err(_) => return Next::Cut,
            }
        }
    }
}
