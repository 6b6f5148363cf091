//! Exact sets of packets, and networks of prioritised rules over them.
//!
//! A [`Space`] holds sets over a [`Layout`] of header fields as one shared, canonical decision diagram: equal sets have
//! equal handles. Its nodes carry whole runs of literal bits (chain reduction, Bryant 2018, "Chain reduction for binary
//! and zero-suppressed decision diagrams"), so that one exact 5-tuple is one node and a set of N of them about 2 N,
//! and edges may be complemented, so that "everything but" costs nothing. [`Atoms`] keeps a network's equivalence
//! classes of packets under updates (APKeep, NSDI 2020).
//!
//! This crate knows no OpenFlow, no address family and no policy: fields are names with a width.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arena;
mod atoms;
mod fabric;
mod layout;
mod operate;
mod query;
mod space;

pub use atoms::{Atom, Atoms, Element, Members, NoSuchRule, Port, Rule};
pub use fabric::{Fabric, Hop, Node};
pub use layout::{Field, Layout, LayoutError, Packet};
pub use query::{Boxes, Pattern};
pub use space::{Set, Space};
