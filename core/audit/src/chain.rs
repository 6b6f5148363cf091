//! The hash chain: each entry's hash covers the entry and the hash before it.
//!
//! What it shows: an entry altered, removed, inserted or moved breaks the chain at that place; entries cut off at the
//! end are missed against a [`Head`] kept elsewhere. What it cannot show: somebody who rewrites every entry from some
//! place to the end and also every copy of the head. So heads are handed out (`log verify` prints one) and kept apart.

use model::{GrantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::{Digest, Event, canonical};

/// Separates these hashes from every other use of SHA-256, and this format from a later one.
const DOMAIN: &[u8] = b"sekisho audit entry 1\n";

/// Where a chain ends: number and hash of its last entry. `0` with the zero digest before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Number of the last entry.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

impl Head {
    /// Before the first entry.
    pub const EMPTY: Self = Self { seq: 0, hash: Digest::ZERO };

    /// The entry that follows: `hash = SHA-256(domain || previous hash || canonical text of {at, event, seq})`.
    pub fn append(self, at: Timestamp, event: Event) -> Entry {
        let seq = self.seq + 1;
        let hash = seal(self.hash, &body(seq, at, &event));
        Entry { seq, at, event, prev: self.hash, hash }
    }
}

impl fmt::Display for Head {
    /// `<number>:<hash>`, as an operator notes it down.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}
impl FromStr for Head {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once(':')
            .and_then(|(seq, hash)| Some(Self { seq: seq.parse().ok()?, hash: hash.parse().ok()? }))
            .ok_or_else(|| format!("`{text}` is not the head of a log like 12:<64 hexadecimal digits>"))
    }
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When the center recorded it.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// Hash of the entry before.
    pub prev: Digest,
    /// Its hash.
    pub hash: Digest,
}

impl Entry {
    /// The bytes the hash covers: canonical JSON of `at`, `event` and `seq`.
    pub fn body(&self) -> String {
        body(self.seq, self.at, &self.event)
    }

    /// The head if this is the last entry.
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }

    /// The grant it is about.
    pub fn grant(&self) -> Option<GrantId> {
        self.event.grant()
    }

    /// An entry as it was stored. Proves that the stored text is the one canonical text of what it says, so that
    /// nothing can hide in another spelling; the chain is proved by [`ChainVerifier`].
    ///
    /// # Errors
    /// [`ChainFault::Unreadable`] at `seq`.
    pub fn from_stored(seq: u64, stored: &str, prev: &str, hash: &str) -> Result<Self, ChainError> {
        let unreadable = |why: String| ChainError { seq, what: ChainFault::Unreadable(why) };
        let Body { at, event, seq: inner } = serde_json::from_str(stored).map_err(|e| unreadable(e.to_string()))?;
        let entry = Self {
            seq: inner,
            at,
            event,
            prev: prev.parse().map_err(|e| unreadable(format!("hash before: {e}")))?,
            hash: hash.parse().map_err(|e| unreadable(format!("hash: {e}")))?,
        };
        if entry.body() != stored {
            return Err(unreadable("not the canonical text of what it says".into()));
        }
        if inner != seq {
            return Err(unreadable(format!("filed as {seq}, says it is {inner}")));
        }
        Ok(entry)
    }
}

/// What is wrong with a chain, and where it shows first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("audit log broken at entry {seq}: {what}")]
pub struct ChainError {
    /// The entry.
    pub seq: u64,
    /// What is wrong.
    pub what: ChainFault,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// The entry does not have the hash it should have.
    #[error("the entry was altered: its hash should be {expected}")]
    Altered {
        /// Hash of what is there now.
        expected: Digest,
    },
    /// The entry does not follow the one before.
    #[error("the entry does not follow the one before: that one's hash is {expected}")]
    Unlinked {
        /// Hash of the entry before.
        expected: Digest,
    },
    /// Entries are missing before this one.
    #[error("entries {from} to {to} are missing")]
    Missing {
        /// First missing.
        from: u64,
        /// Last missing.
        to: u64,
    },
    /// An entry out of order, or twice.
    #[error("entry {found} stands here")]
    Reordered {
        /// The entry found.
        found: u64,
    },
    /// The log ends before the known head.
    #[error("the log was cut off: it is known to reach entry {known}")]
    Truncated {
        /// Last entry known.
        known: u64,
    },
    /// The log has another entry at the place of the known head.
    #[error("this is not the entry once noted down with hash {known}: the log was rewritten")]
    Rewritten {
        /// Hash once noted.
        known: Digest,
    },
    /// The stored text is no entry.
    #[error("the entry cannot be read: {0}")]
    Unreadable(String),
}

/// Verifies entry by entry, so that a log of any length needs no memory.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    head: Head,
    known: Vec<Head>,
}

impl ChainVerifier {
    /// From the beginning.
    pub fn new() -> Self {
        Self::after(Head::EMPTY)
    }

    /// From the entry after a head that is believed.
    pub fn after(head: Head) -> Self {
        Self { head, known: Vec::new() }
    }

    /// Also holds the log to a head noted down earlier: that entry must be there, unchanged.
    pub fn known(mut self, head: Head) -> Self {
        self.known.push(head);
        self
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`ChainError`] if it is not exactly the entry that can follow.
    pub fn push(&mut self, entry: &Entry) -> Result<(), ChainError> {
        let next = self.head.seq + 1;
        let fault = |seq, what| Err(ChainError { seq, what });
        if entry.seq > next {
            return fault(next, ChainFault::Missing { from: next, to: entry.seq - 1 });
        }
        if entry.seq < next {
            return fault(next, ChainFault::Reordered { found: entry.seq });
        }
        if entry.prev != self.head.hash {
            return fault(next, ChainFault::Unlinked { expected: self.head.hash });
        }
        let expected = seal(entry.prev, &entry.body());
        if entry.hash != expected {
            return fault(next, ChainFault::Altered { expected });
        }
        if let Some(known) = self.known.iter().find(|k| k.seq == next && k.hash != entry.hash) {
            return fault(next, ChainFault::Rewritten { known: known.hash });
        }
        self.head = entry.head();
        Ok(())
    }

    /// Where the chain ends.
    ///
    /// # Errors
    /// [`ChainFault::Truncated`] if it ends before a known head.
    pub fn finish(self) -> Result<Head, ChainError> {
        match self.known.iter().map(|k| k.seq).max() {
            Some(known) if known > self.head.seq => {
                Err(ChainError { seq: self.head.seq + 1, what: ChainFault::Truncated { known } })
            }
            _ => Ok(self.head),
        }
    }
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self::new()
    }
}

/// Verifies a whole chain from its first entry; `known` is a head noted down earlier, if there is one.
///
/// # Errors
/// [`ChainError`]: the first place that is wrong.
pub fn verify_chain<'a>(entries: impl IntoIterator<Item = &'a Entry>, known: Option<Head>) -> Result<Head, ChainError> {
    let mut verifier = ChainVerifier::new();
    verifier.known.extend(known);
    for entry in entries {
        verifier.push(entry)?;
    }
    verifier.finish()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    at: Timestamp,
    event: Event,
    seq: u64,
}

fn body(seq: u64, at: Timestamp, event: &Event) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        at: Timestamp,
        event: &'a Event,
        seq: u64,
    }
    canonical(&Body { at, event, seq }).expect("events hold texts, integers, lists and objects with text keys only")
}

fn seal(prev: Digest, body: &str) -> Digest {
    let mut bytes = Vec::with_capacity(DOMAIN.len() + prev.0.len() + body.len());
    bytes.extend_from_slice(DOMAIN);
    bytes.extend_from_slice(&prev.0);
    bytes.extend_from_slice(body.as_bytes());
    Digest::of(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn log(n: u64) -> Vec<Entry> {
        let mut head = Head::EMPTY;
        (0..n)
            .map(|i| {
                let entry =
                    head.append(Timestamp(1_700_000_000_000 + i as i64), Event::ConnectionOpen { grant: GrantId(i) });
                head = entry.head();
                entry
            })
            .collect()
    }

    #[test]
    fn golden_first_entry() {
        let entry = Head::EMPTY.append(Timestamp(0), Event::LogStarted { version: "1".into() });
        assert_eq!(entry.body(), r#"{"at":"1970-01-01T00:00:00Z","event":{"code":"A001","version":"1"},"seq":1}"#);
        // printf 'sekisho audit entry 1\n' + 32 zero bytes + the body above, through sha256sum(1).
        assert_eq!(entry.hash.to_string(), GOLDEN);
    }
    const GOLDEN: &str = "7cb22052e02622e02ab326e427058c15d4ef7c4caef1f42f219e44a117aad72d";

    #[test]
    fn a_sound_log_verifies_to_its_head_and_a_cut_one_is_missed() {
        let log = log(5);
        let head = log[4].head();
        assert_eq!(verify_chain(&log, Some(head)), Ok(head));
        assert_eq!(verify_chain(&[], None), Ok(Head::EMPTY));
        assert_eq!(verify_chain(&log, Some(log[2].head())), Ok(head));
        let cut = verify_chain(&log[..4], Some(head)).unwrap_err();
        assert_eq!(cut, ChainError { seq: 5, what: ChainFault::Truncated { known: 5 } });
        assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    }

    #[test]
    fn a_log_rewritten_to_its_end_is_caught_by_a_head_kept_elsewhere() {
        let known = log(5)[3].head();
        let mut head = Head::EMPTY;
        let forged: Vec<_> = (0..5)
            .map(|i| {
                let e = head.append(Timestamp(i), Event::ConnectionOpen { grant: GrantId(9) });
                head = e.head();
                e
            })
            .collect();
        assert!(verify_chain(&forged, None).is_ok());
        assert_eq!(verify_chain(&forged, Some(known)).unwrap_err().what, ChainFault::Rewritten { known: known.hash });
    }

    #[test]
    fn stored_text_has_one_spelling() {
        let e = &log(1)[0];
        let (prev, hash) = (e.prev.to_string(), e.hash.to_string());
        assert_eq!(&Entry::from_stored(1, &e.body(), &prev, &hash).unwrap(), e);
        for wrong in [e.body().replace(":", ": "), e.body().replace("Z", "+00:00"), String::new(), "{}".into()] {
            assert!(Entry::from_stored(1, &wrong, &prev, &hash).is_err(), "{wrong}");
        }
        assert!(Entry::from_stored(2, &e.body(), &prev, &hash).is_err());
    }

    proptest! {
        #[test]
        fn removing_swapping_or_altering_any_entry_shows(n in 3u64..12, at in 0usize..64, other in 0usize..64, bit in 0usize..256) {
            let whole = log(n);
            let head = whole[n as usize - 1].head();
            let (at, other) = (at % whole.len(), other % whole.len());

            let mut removed = whole.clone();
            removed.remove(at);
            prop_assert!(verify_chain(&removed, Some(head)).is_err());

            let mut swapped = whole.clone();
            swapped.swap(at, other);
            prop_assert_eq!(verify_chain(&swapped, Some(head)).is_ok(), at == other);

            let mut altered = whole.clone();
            altered[at].event = Event::ConnectionClosed { grant: GrantId(at as u64) };
            prop_assert_eq!(verify_chain(&altered, None).unwrap_err().seq, at as u64 + 1);

            let mut flipped = whole.clone();
            flipped[at].hash.0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(verify_chain(&flipped, None).is_err());

            let mut dated = whole;
            dated[at].at = Timestamp(dated[at].at.0 + 1);
            prop_assert!(verify_chain(&dated, None).is_err());
        }

        #[test]
        fn bytes_from_anywhere_never_panic(text in ".*") {
            let _ = Entry::from_stored(1, &text, &text, &text);
            let _ = text.parse::<Head>();
        }
    }
}
