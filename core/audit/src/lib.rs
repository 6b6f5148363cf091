//! What is worth remembering, and how nobody can forget it unseen (G13, G15, N12, X4).
//!
//! Three things: the [catalogue](CATALOGUE) of audit events with stable codes, the hash chain that makes an altered,
//! removed, reordered or cut-off entry visible, and the matching of what source, access point and destination recorded
//! of one connection. This crate knows no database, no clock and no language: `registry` stores the entries, the caller
//! says what time it is, `texts` turns keys into sentences.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod canonical;
mod chain;
mod digest;
mod event;
mod passing;
mod points;
mod reconcile;
mod record;

pub use canonical::{CanonicalError, canonical};
pub use chain::{ChainError, ChainFault, ChainVerifier, Entry, Head, verify_chain};
pub use digest::{Digest, DigestError};
pub use event::{CATALOGUE, Event, Field, Kind};
pub use points::{Contradiction, Gap, Seen, ThreePoints, Tolerance, match_three_points};
pub use reconcile::{Finding, Line, concerns_a_line, reconcile};
pub use record::{
    ApprovalAnswer, CloseCause, Count, CustodyAction, ForeignChange, Observation, Person, Phase, Point, ReasonRecord,
    SiteGeneration, Traffic,
};
