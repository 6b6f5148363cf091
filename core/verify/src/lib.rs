//! The invariants, proved on tables (X1).
//!
//! A change is judged by what the tables, tunnels and filters it produces would do to packets: every path through the
//! switch is followed symbolically, and each packet that could leave must be covered by a live grant, an in-house rule
//! the zone matrix permits, or the gate's own service. What does not hold is answered by a counter-example.
//!
//! This crate must not know how tables are made: it depends on `model` alone, never on `plan` or `decision`, and it
//! believes nothing but the tables themselves, the facts they are judged against and the grants listed as live.
//!
//! Why a verdict stays true while a change is half installed: an allowed path is judged as if no other rule stood in
//! its way, so no safety rests on a higher-priority drop or on the order of installation.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod contract;
mod ends;
pub mod exact;
mod facts;
mod fault;
mod follow;
mod gateway;
mod inline;
mod invariant;
mod judge;
mod never;
mod packet;
mod picture;
mod pipeline;
mod possible;
mod premises;
mod proof;
mod recall;
mod refutation;
mod region;
mod slices;
mod trace;
mod verifier;
mod walk;

pub use fault::Fault;
pub use follow::{at_switch, follow};
pub use inline::Book;
pub use invariant::Invariant;
pub use packet::{ArpPacket, Packet};
pub use picture::{Ending, Picture};
pub use possible::{Ports, Possible, compare, possible};
pub use proof::{Proof, VerifiedPlan, VerifiedSlice, VerifiedState};
pub use refutation::{Because, Hop, Refutation};
pub use slices::{SliceVerifier, check_network, check_slice, check_state};
pub use verifier::{Stale, Verifier};
