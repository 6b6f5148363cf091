//! Use cases of the center, one file each. Start with [`open`]: it is the way of a connection.
//!
//! Every use case goes the same way: proofs in, plan, proof, one transaction of state and audit, then orders; memory
//! follows the registry, never leads it. This crate knows no socket, no HTTP and no RPC: gates are reached through
//! [`Gates`], time comes from [`Clock`]. It holds no rule of its own: who may is `decision`, what is safe is `verify`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alarms;
mod apply;
mod approvals;
mod can;
mod center;
mod clock;
mod close;
mod countersign;
mod cut;
mod diff;
mod documents;
mod expire;
mod explain;
mod extend;
mod first_packet;
mod gate_joined;
mod gate_report;
mod gates;
mod in_session;
mod kept;
mod live;
mod live_view;
mod log;
mod matched;
mod open;
mod order_key;
mod presence;
mod prospects;
mod proved;
mod reach;
mod reasons;
mod refused;
mod responders;
mod restart;
mod scene;
mod second_opinion;
mod session;
mod status;
mod supposed;
#[cfg(test)]
mod tests;
mod trust;
mod vetoed;
mod why;

pub use apply::{Applied, CLASH, SITES, Tried, apply, apply_from, plan_only, tried};
pub use approvals::{approvals, approve, refuse_approval};
pub use can::can;
pub use center::{Center, Parts, Settings};
pub use clock::{Clock, SystemClock};
pub use close::{Closed, Closer, close};
pub use countersign::{Signed, countersign, countersign_for};
pub use cut::{Falls, cut, cuts_of, falls};
pub use diff::diff;
pub use documents::applied_network;
pub use expire::{expire_due, keep_leases};
pub use explain::{Explained, Told, explain};
pub use extend::extend;
pub use first_packet::recent;
pub use gate_joined::{Joined, gate_joined, gate_left, gate_refused, reexamine, standby_needs};
pub use gate_report::gate_report;
pub use gates::{Gates, LinkNumber, ToGate};
pub use in_session::{close_in_session, open_in_session, services_at, services_of};
pub use live_view::live;
pub use log::{log_page, log_verdict, three_points};
pub use matched::{line_match, log_match};
pub use open::{Asked, Opened, open};
pub use order_key::OrderKey;
pub use presence::{CardAnswer, Shown};
pub use prospects::{Prospect, prospects};
pub use proved::{invariants, prove};
pub use reach::reach;
pub use reasons::Trouble;
pub use refused::Refused;
pub use responders::{Answering, Responders, RevocationSettings, keep_answers, renew_answers};
pub use restart::{begin, end};
pub use scene::{Scene, recalled};
pub use session::{SignIn, session, session_at, session_of_browser, sign_in, sign_out};
pub use status::{status, terminal_status};
pub use trust::{Trust, TrustSettings, TrustStore};
pub use why::why;
