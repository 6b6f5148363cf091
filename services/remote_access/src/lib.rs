//! The client VPN (R7): who may come in with which machine, who is in, and the profiles their machines are set up by (R6).
//!
//! strongSwan does IKEv2 (RFC 7296); this room tells it over VICI which accounts and machine certificates there are,
//! reads back who is connected, and ends what may not go on. Two authentications stand in one another's way on purpose
//! (RFC 4739): the machine proves its certificate before the person's VPN-ID and password (EAP-MSCHAPv2) are asked for.
//!
//! It must not know how accounts come about, what a page looks like, or where events are kept: accounts come in by a
//! watched value, events go out by a channel.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod account;
mod attempts;
mod config;
mod connection;
mod event;
mod link;
mod material;
pub mod profiles;
mod roster;
mod session;

pub use account::{Account, AccountSource, Accounts, Machines, NtHash, Standing, VpnId, VpnIdRefused, follow};
pub use attempts::{Attempts, Refusal};
pub use config::Config;
pub use connection::{CHECKED, UNCHECKED, connections};
pub use event::{Cause, Ending, Event};
pub use link::{CutError, RemoteAccess, serve};
pub use material::Material;
pub use session::{Machine, Session};
