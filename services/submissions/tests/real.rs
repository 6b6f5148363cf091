//! Report files over a real HTTP line, a real registry and a real clamd with a database of its own (R12).
#![allow(clippy::unwrap_used)]

#[path = "real/client.rs"]
mod client;
#[path = "real/cuts.rs"]
mod cuts;
#[path = "real/disk.rs"]
mod disk;
#[path = "real/killed.rs"]
mod killed;
#[path = "real/protocol.rs"]
mod protocol;
#[path = "real/scans.rs"]
mod scans;
#[path = "real/world.rs"]
mod world;
