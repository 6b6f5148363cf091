//! When packets passed, as far as it can be known (G13).

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A moment that lies between two others, both included. No switch tells when a packet passed; it tells how many had at
/// the moment it was asked, so a moment is known by what was seen before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// Not before.
    pub from: Timestamp,
    /// Not after.
    pub to: Timestamp,
}

/// First and last packet of a line, whichever way it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// The first.
    pub first: Within,
    /// The last.
    pub last: Within,
}
