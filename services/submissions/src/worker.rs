//! What happens to files that have arrived, and the sweeping.

use audit::{Digest, Event};
use model::Timestamp;
use registry::{Registry, RegistryError, Submission, SubmissionQuery, SubmissionState, SubmissionStep};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crate::clamd::{Fault, Scanned, Verdict};
use crate::{Refused, Submissions, receipt};

/// What one round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// Numbers accepted.
    pub accepted: Vec<String>,
    /// Numbers refused.
    pub refused: Vec<String>,
    /// Numbers that repeat an accepted one.
    pub repeated: Vec<String>,
    /// Numbers given up.
    pub expired: Vec<String>,
    /// Kept, not accepted yet.
    pub waiting: u64,
    /// Why they wait, for the operator.
    pub fault: Option<String>,
}

/// Between rounds when nothing arrives.
const QUIET: Duration = Duration::from_secs(30);
/// After a round in which the scanner or the registry failed.
const AGAIN: Duration = Duration::from_secs(2);

impl Submissions {
    /// Works until dropped: settles what a crash left, scans what arrives, gives up what is too old.
    pub async fn work(&self) {
        let mut told = None;
        loop {
            let round = self.round().await;
            if round.fault != told {
                match &round.fault {
                    Some(fault) => tracing::warn!(%fault, waiting = round.waiting, "submissions wait"),
                    None => tracing::info!("submissions no longer wait"),
                }
                told.clone_from(&round.fault);
            }
            let pause = if round.fault.is_some() { AGAIN } else { QUIET };
            let _ = tokio::time::timeout(pause, self.inner.arrived.notified()).await;
        }
    }

    /// One round. Rounds of several replicas may run at once.
    pub async fn round(&self) -> Round {
        let mut round = Round::default();
        if let Err(refused) = self.try_round(&mut round).await {
            round.fault = Some(format!("{refused:?}"));
        }
        round
    }

    async fn try_round(&self, round: &mut Round) -> Result<(), Refused> {
        for row in all(&self.inner.registry, SubmissionState::Receiving).await? {
            self.settle(&row, round).await?;
        }
        let mut scanner: Option<Result<String, Fault>> = None;
        for row in all(&self.inner.registry, SubmissionState::Received).await? {
            if scanner.is_none() {
                scanner = Some(self.inner.settings.clamd.version(self.inner.settings.scan).await);
            }
            let done = match &scanner {
                Some(Ok(version)) => self.judge(&row, version, round).await,
                Some(Err(fault)) => Err(Obstacle::Scanner(fault.clone())),
                None => Ok(()),
            };
            match done {
                Ok(()) => {}
                Err(Obstacle::Elsewhere) => {}
                Err(Obstacle::Scanner(fault)) => {
                    round.waiting += 1;
                    round.fault = Some(format!("{fault:?}"));
                    // Its fault is not this file's: no need to ask again for the others.
                    if matches!(fault, Fault::Away(_) | Fault::Blind) {
                        scanner = Some(Err(fault));
                    }
                }
                Err(Obstacle::Refused(refused)) => {
                    round.waiting += 1;
                    round.fault = Some(format!("{refused:?}"));
                }
            }
        }
        self.sweep().await
    }

    /// An upload that is complete and nobody said so, or too old.
    async fn settle(&self, row: &Submission, round: &mut Round) -> Result<(), Refused> {
        let id = &row.new.id;
        let too_old = row.new.expires_at <= self.now();
        let complete = match self.inner.spool.have(id) {
            Ok(have) => have == row.new.length,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(Refused::of_disk(&error, 0)),
        };
        if !complete && !too_old {
            return Ok(());
        }
        let Some(_turn) = self.inner.slots.turn(id).await else { return Ok(()) };
        let upload = match self.inner.spool.open_upload(id).await {
            Ok(upload) => Some(upload),
            // Written to by another replica: not ours to settle.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Refused::of_disk(&error, 0)),
        };
        let done = match upload {
            Some(upload) if upload.have == row.new.length => self.receive(row, upload).await,
            _ if too_old => {
                let event = Event::SubmissionEnded { submission: id.clone(), how: "expired".into(), same_as: None };
                let done = self.step(SubmissionStep::Expire { id: id.clone() }, event).await;
                if done.is_ok() {
                    round.expired.push(id.clone());
                }
                done
            }
            _ => Ok(()),
        };
        match done {
            // Somebody else was first.
            Err(Refused::Over { .. } | Refused::AcceptedStays) => Ok(()),
            other => other,
        }
    }

    /// Scans a file and decides.
    async fn judge(&self, row: &Submission, scanner: &str, round: &mut Round) -> Result<(), Obstacle> {
        let id = row.new.id.clone();
        let mut file = self.inner.spool.read(&id).await.map_err(|e| Refused::of_disk(&e, 0))?;
        let patience = self.inner.settings.scan;
        let scanned = self.inner.settings.clamd.scan(&mut file, patience).await.map_err(Obstacle::Scanner)?;
        if scanned.length != row.new.length {
            // What was answered for is not on the disk: never accept, never throw away, call the operator.
            return Err(Refused::Disk(format!("{} of {} bytes", scanned.length, row.new.length)).into());
        }
        let Scanned { verdict, sha256, .. } = scanned;
        let refused = match verdict {
            Verdict::Found(found) => Some(Refused::Infected { found }),
            Verdict::Clean if row.new.announced.as_ref().is_some_and(|a| *a != sha256) => Some(Refused::OtherContent),
            Verdict::Clean => None,
        };
        if let Some(refused) = refused {
            let reasons = vec![refused.record()];
            let why = serde_json::to_string(&reasons).unwrap_or_default();
            let event = Event::SubmissionRefused { submission: id.clone(), digest: digest_of(&sha256)?, reasons };
            self.decide(SubmissionStep::Refuse { id: id.clone(), digest: sha256, why }, event).await?;
            self.inner.spool.quarantine(&id).await;
            round.refused.push(id);
            return Ok(());
        }
        let new = &row.new;
        let first = self.inner.registry.accepted_submission(&new.institution, &new.name, &sha256).await;
        if let Some(first) = first.map_err(Refused::from)? {
            let same_as = first.new.id;
            let event = Event::SubmissionEnded {
                submission: id.clone(),
                how: "repeated".into(),
                same_as: Some(same_as.clone()),
            };
            self.decide(SubmissionStep::Repeat { id: id.clone(), digest: sha256, same_as }, event).await?;
            self.inner.spool.remove(&id).await;
            round.repeated.push(id);
            return Ok(());
        }
        let (text, signature) = self.signed(row, &sha256, scanner).await?;
        let event = Event::SubmissionAccepted {
            submission: id.clone(),
            digest: digest_of(&sha256)?,
            receipt: Digest::of(text.as_bytes()),
        };
        let step = SubmissionStep::Accept { id: id.clone(), digest: sha256, receipt: text, signature };
        self.decide(step, event).await?;
        self.inner.spool.accept(&id).await;
        round.accepted.push(id);
        Ok(())
    }

    async fn signed(&self, row: &Submission, sha256: &str, scanner: &str) -> Result<(String, String), Refused> {
        let signer = Arc::clone(&self.inner.signer);
        let now: Timestamp = self.now();
        let text = receipt::text(&self.inner.settings.center, row, sha256, scanner, now, &signer.certificate());
        let message = text.clone();
        let signed = tokio::task::spawn_blocking(move || signer.sign(message.as_bytes())).await;
        let signature = signed.unwrap_or_else(|e| Err(e.to_string())).map_err(Refused::Disk)?;
        Ok((text, hex::encode(signature)))
    }

    async fn decide(&self, step: SubmissionStep, event: Event) -> Result<(), Obstacle> {
        let commit = registry::Commit::at(self.now()).submission(step).event(event);
        match self.inner.registry.commit(commit).await {
            Ok(_) => Ok(()),
            // Withdrawn meanwhile, or decided by another replica.
            Err(RegistryError::Submission { .. }) => Err(Obstacle::Elsewhere),
            Err(error) => Err(Refused::from(error).into()),
        }
    }

    /// Folders follow rows: what a crash left between the two is moved or deleted here.
    async fn sweep(&self) -> Result<(), Refused> {
        let spool = &self.inner.spool;
        for id in spool.incoming().await.map_err(|e| Refused::of_disk(&e, 0))? {
            match self.inner.registry.submission(&id).await?.map(|row| row.state) {
                Some(SubmissionState::Receiving | SubmissionState::Received) => {}
                Some(SubmissionState::Accepted) => spool.accept(&id).await,
                Some(SubmissionState::Refused) => spool.quarantine(&id).await,
                Some(SubmissionState::Withdrawn | SubmissionState::Expired | SubmissionState::Repeated) => {
                    spool.remove(&id).await;
                }
                // Its row may be on its way.
                None if spool.is_old(&id) => spool.remove(&id).await,
                None => {}
            }
        }
        Ok(())
    }
}

enum Obstacle {
    Scanner(Fault),
    Refused(Refused),
    /// Somebody else decided.
    Elsewhere,
}

impl From<Refused> for Obstacle {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

fn digest_of(sha256: &str) -> Result<Digest, Refused> {
    sha256.parse().map_err(|_| Refused::Disk("a digest that is none".into()))
}

async fn all(registry: &Registry, state: SubmissionState) -> Result<Vec<Submission>, RegistryError> {
    let mut query = SubmissionQuery { state: Some(state), ..SubmissionQuery::default() };
    let mut found = Vec::new();
    loop {
        let page = registry.submissions(&query).await?;
        let Some(last) = page.last() else { return Ok(found) };
        query.after = Some((last.begun_at, last.new.id.clone()));
        found.extend(page);
    }
}
