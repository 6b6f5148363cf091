//! The chapters of the story. Each takes the stage as the one before left it.

mod before;
mod closing;
mod crashes;
mod opening;
mod record;
mod refusals;
mod separation;

use crate::account::Account;
use crate::stage::{Stage, StageError};

/// The whole story in order.
pub fn tell(stage: &mut Stage, account: &mut Account) -> Result<(), StageError> {
    before::tell(stage, account)?;
    let first = opening::tell(stage, account)?;
    separation::tell(stage, account)?;
    refusals::tell(stage, account)?;
    closing::tell(stage, account, &first)?;
    crashes::tell(stage, account)?;
    record::tell(stage, account, &first)
}

/// What stood before the first line, and which line was the first.
pub struct FirstLine {
    /// What stood before it.
    pub before: crate::Snapshot,
    /// Its grant.
    pub grant: u64,
}

/// `Ok` if `holds`, else what was seen.
pub(crate) fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(seen()) }
}
