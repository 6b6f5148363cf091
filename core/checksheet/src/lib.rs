//! The three checksheets (チェックシート, G11; guideline section 6.1) as data, and whether a site passes its own (G12).
//!
//! An item is answered by the machine, from the site's documents and from what the product proves of every change; or by
//! a person, recorded with who, when and what it rests on; or it asks about the other side (1-1-1 to 1-1-3). Nothing is
//! answered by default: what is missing fails.
//!
//! **No circle.** The sheet of A asks whether the sheet of B is met (1-1-x), and that of B asks the same of A. So a sheet
//! *passes* when every item but 1-1-x is met, and 1-1-x is judged for each peer when a path to it is asked for: by
//! whether the peer's sheet passes. Both directions together are what `core/decision` asks before any path between two
//! legal entities.
//!
//! Pure, and it knows the nouns only: no texts (keys of them), no decision, no storage.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod examine;
mod probe;
mod sheet;
mod sheets;
mod verdict;

pub use examine::{Basis, Examined, Finding, Standing, examine};
pub use probe::{Absence, Evidence, Probe};
pub use sheet::{Group, Item, Judged, Sheet, peer_item};
pub use verdict::{Verdict, judge, judge_answers};
