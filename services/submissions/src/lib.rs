//! Submission of report files (届出ファイルの提出): resumable upload, scan, signed receipt (R12).
//!
//! A file arrives by the tus protocol 1.0.0 ([`Submissions::router`]) or from a page's form ([`Submissions::take`]),
//! is kept in a spool folder while its row in the registry says how far it is, is scanned by clamd, and is accepted with
//! a receipt that anybody can check with openssl ([`receipt`]).
//!
//! What holds, whenever the process dies and wherever a line is cut:
//!
//! - The length of the file in the spool is the offset. A byte that was answered for was synced to the disk before; a
//!   byte that arrived without an answer may be kept too, and the next `HEAD` says so.
//! - A part with a checksum counts as a whole or not at all: until it is verified, a mark beside the file says where
//!   the verified bytes end, and whoever opens the file cuts it back to there.
//! - A file is accepted only after clamd, having just proved that it finds what it must find, called exactly the hashed
//!   bytes clean. While clamd is away or says anything else, the file stays: kept, not accepted, scanned later.
//! - The row decides; folders follow it. Steps of a row happen once, in one transaction with their audit entry.
//! - A key of the submitter's own begins one submission however often it is sent, and the same file of the same
//!   institution under the same name is accepted once.
//!
//! It must not know who may submit: its caller names the [`Submitter`]. It must not know pages.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod append;
mod begin;
mod clamd;
mod http;
mod metadata;
mod oversee;
mod page_form;
pub mod receipt;
mod refused;
mod slots;
mod spool;
mod view;
mod worker;

use model::Timestamp;
use registry::{Registry, Submission, SubmissionState};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

pub use begin::Announced;
pub use clamd::Clamd;
pub use oversee::Overseen;
pub use receipt::{BadKey, KeyFile, Receipt, ReceiptSigner};
pub use refused::Refused;
pub use view::SubmissionView;
pub use worker::Round;

/// Who submits, as the caller has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitter {
    /// The institution; it owns what is submitted, and all its submitters see it.
    pub institution: String,
    /// The account; it alone goes on with what it began.
    pub account: String,
}

/// How the room behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the files; only the center may read it. Replicas of a center share it.
    pub spool: PathBuf,
    /// The scanner. Its `StreamMaxLength`, `MaxFileSize` and `MaxScanSize` must be `max_bytes` or more, and
    /// `AlertExceedsMax` on: clamd calls clean what it did not look at.
    pub clamd: Clamd,
    /// Name of the center, for receipts.
    pub center: String,
    /// Largest file, bytes.
    pub max_bytes: u64,
    /// Bytes the disk keeps free.
    pub reserve_bytes: u64,
    /// Uploads an institution may have begun and not finished.
    pub max_unfinished: u64,
    /// How long an unfinished upload is kept, milliseconds.
    pub keep_unfinished_ms: i64,
    /// How long a line may be silent in the middle of a part.
    pub idle: Duration,
    /// How long clamd may take for an answer.
    pub scan: Duration,
}

impl Settings {
    /// Defaults: files up to 64 MiB, 1 GiB kept free, 16 unfinished uploads, kept for a week.
    pub fn new(spool: PathBuf, clamd: Clamd, center: &str) -> Self {
        Self {
            spool,
            clamd,
            center: center.to_owned(),
            max_bytes: 64 << 20,
            reserve_bytes: 1 << 30,
            max_unfinished: 16,
            keep_unfinished_ms: 7 * 24 * 3_600_000,
            idle: Duration::from_secs(60),
            scan: Duration::from_secs(300),
        }
    }
}

/// The present instant.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The room. Clones share it.
#[derive(Clone)]
pub struct Submissions {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    settings: Settings,
    spool: spool::Spool,
    slots: slots::Slots,
    signer: Arc<dyn ReceiptSigner>,
    clock: Clock,
    /// Something is waiting for its scan.
    arrived: Notify,
}

impl Submissions {
    /// Opens; makes the folders if they are not there.
    ///
    /// # Errors
    /// The spool cannot be used.
    pub fn open(
        registry: Registry,
        settings: Settings,
        signer: Arc<dyn ReceiptSigner>,
        clock: Clock,
    ) -> io::Result<Self> {
        let spool = spool::Spool::open(&settings.spool)?;
        let inner =
            Inner { registry, settings, spool, slots: slots::Slots::default(), signer, clock, arrived: Notify::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Largest file taken, bytes.
    pub fn max_bytes(&self) -> u64 {
        self.inner.settings.max_bytes
    }

    /// A key for a form: whatever is sent with it begins one submission, however often it is sent.
    pub fn fresh_key(&self) -> String {
        begin::new_id().unwrap_or_default()
    }

    /// The receipt of an accepted submission.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::NoReceipt`], [`Refused::Records`].
    pub async fn receipt(&self, who: &Submitter, id: &str) -> Result<Receipt, Refused> {
        let mut row = self.row(who, id).await?;
        if let Some(first) = row.same_as.take() {
            row = self.row(who, &first).await?;
        }
        let (Some(text), Some(signature)) = (row.receipt, row.signature.and_then(|s| hex::decode(s).ok())) else {
            return Err(Refused::NoReceipt { state: row.state });
        };
        Ok(Receipt { text, signature, certificate: self.inner.signer.certificate() })
    }

    /// Takes a submission back before it is accepted. Its bytes are deleted.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn withdraw(&self, who: &Submitter, id: &str) -> Result<(), Refused> {
        let row = self.own(who, id).await?;
        match row.state {
            SubmissionState::Receiving | SubmissionState::Received => {}
            SubmissionState::Accepted => return Err(Refused::AcceptedStays),
            over => return Err(Refused::Over { state: over }),
        }
        // An upload under way ends first.
        let _turn = self.inner.slots.turn(id).await.ok_or(Refused::Busy)?;
        self.step(
            registry::SubmissionStep::Withdraw { id: id.to_owned() },
            audit::Event::SubmissionEnded { submission: id.to_owned(), how: "withdrawn".into(), same_as: None },
        )
        .await?;
        self.inner.spool.remove(id).await;
        Ok(())
    }

    /// Where the bytes of an accepted submission lie; `None` if there is none or it is not accepted.
    ///
    /// # Errors
    /// [`Refused::Records`].
    pub async fn accepted_file(&self, id: &str) -> Result<Option<PathBuf>, Refused> {
        let row = self.inner.registry.submission(id).await?;
        if row.is_none_or(|r| r.state != SubmissionState::Accepted) {
            return Ok(None);
        }
        Ok(self.inner.spool.place_of(id))
    }

    fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// A submission of the submitter's institution. One of another institution is not told from one that is not there.
    async fn row(&self, who: &Submitter, id: &str) -> Result<Submission, Refused> {
        if !spool::is_id(id) {
            return Err(Refused::NotFound);
        }
        let row = self.inner.registry.submission(id).await?;
        row.filter(|r| r.new.institution == who.institution).ok_or(Refused::NotFound)
    }

    /// One that this very account began.
    async fn own(&self, who: &Submitter, id: &str) -> Result<Submission, Refused> {
        let row = self.row(who, id).await?;
        if row.new.account == who.account { Ok(row) } else { Err(Refused::OfAnother) }
    }

    async fn step(&self, step: registry::SubmissionStep, event: audit::Event) -> Result<(), Refused> {
        let commit = registry::Commit::at(self.now()).submission(step).event(event);
        self.inner.registry.commit(commit).await?;
        Ok(())
    }
}
