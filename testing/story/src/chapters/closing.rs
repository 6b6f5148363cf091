//! 5. Closing cuts what is running and leaves nothing behind.

use lab::Download;
use std::time::{Duration, Instant};

use super::{FirstLine, that};
use crate::account::Account;
use crate::people::Person;
use crate::snapshot::Snapshot;
use crate::stage::{Stage, StageError, until};

const WAIT: Duration = Duration::from_secs(30);

pub(super) fn tell(stage: &mut Stage, account: &mut Account, first: &FirstLine) -> Result<(), StageError> {
    account.chapter("demo-chapter-closing");
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let download = Download::start(doctor, stage.record_server(), WAIT)?;
    account.check(
        "demo-download-runs",
        &[],
        that(download.flows(1 << 20, WAIT), || format!("{} bytes", download.bytes())),
    );
    let asked = Instant::now();
    let closed = stage.at_terminal("clinic/exam-1", Person::Doctor, &["close", "keyaki/records"])?;
    account.quote(&closed.stdout);
    account.check("demo-closed", &[], that(closed.code == 0, || closed.seen()));
    let stalled = download.stalled(Duration::from_millis(500), WAIT);
    account.check(
        "demo-download-cut",
        &[],
        that(stalled.is_some(), || format!("{} bytes and going on", download.bytes())),
    );
    if let Some(last) = stalled {
        account.time("demo-time-close", last.saturating_duration_since(asked));
    }
    let page = stage.record_server().get(doctor, "/", Duration::from_secs(2));
    account.check("demo-shut-again", &[], that(page.is_err(), || "it still answers".to_owned()));
    let mut differs = None;
    until(WAIT, || {
        differs = Snapshot::take(stage.lab()).map_or_else(|e| Some(e.to_string()), |now| first.before.differs(&now));
        differs.is_none()
    });
    account.check("demo-as-before", &[], that(differs.is_none(), || differs.unwrap_or_default()));
    Ok(())
}
