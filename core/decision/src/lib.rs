//! May this person, on this device, reach this service now?
//!
//! [`decide`] answers with a [`Permit`] or with a [`Denial`] that holds *every* reason, each with its section of
//! responsibility (N12) and a remedy; [`explain`] runs the same checks for an operator who holds no card. The catalogue
//! of reasons is [`Cause`].
//!
//! Pure: the network, the proofs of `pki`, what the caller knows of the two gates, and `now` come in as values. This
//! crate must not know how a permit is carried out: no flow rules, tunnels, messages or storage.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agreement;
mod approval;
mod case;
mod cause;
mod checks;
mod checksheets;
mod conditions;
mod denial;
mod explain;
mod permit;
mod question;
mod sign_in;

pub use approval::{ApprovalQuestion, Approved, approve};
pub use case::Answer;
pub use cause::Cause;
pub use denial::Denial;
pub use explain::{Check, HypotheticalQuestion, Outcome, Step, explain};
pub use permit::{AllowRef, Permit, PersonSummary, decide};
pub use question::{Confirmed, Consultation, GateStatus, Gates, Question, Rival, Trust};
pub use sign_in::{Admission, SignInQuestion, admit, cut_reason};
pub use texts::{Arg, Reason, ReasonLines};
