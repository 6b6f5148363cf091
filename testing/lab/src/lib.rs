//! Namespaces, Open vSwitch, strongSwan, SoftHSM: the network on one machine.
//!
//! A program that wants a lab calls [`enter`] first in `main`: the program then runs again inside new network,
//! mount and process namespaces, and whatever ends it — success, panic, `kill -9` — ends every process, interface
//! and mount of the lab with it. [`Lab::up`] raises a [`Scenario`]; probes and servers speak real packets in it.
//!
//! The lab knows wires, addresses, switches and daemons. It must not know the product: no grant, no policy, no plan.
//! Nothing is installed in a switch and no tunnel is configured here, except by [`byhand`], which exists to check the
//! lab itself and as the bare peer in benchmarks.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod byhand;
mod capture;
mod charon;
mod client;
mod dial;
mod element;
mod enter;
mod error;
mod netns;
mod packet;
mod probe;
mod process;
mod raise;
pub mod reach;
mod scenario;
mod scratch;
mod server;
pub mod softhsm;
mod strongswan;
mod switch;
mod trials;
mod wiring;

pub use capture::{Capture, Mark};
pub use charon::{Charon, ChildSa};
pub use client::{Download, HttpsTarget};
pub use dial::dial;
pub use element::{SecureElement, TPM_MODULE};
pub use enter::{enter, is_inside, owner};
pub use error::LabError;
pub use netns::Netns;
pub use packet::{Captured, PacketClass};
pub use probe::{Answer, Probe};
pub use process::{Finished, Proc};
pub use raise::{Lab, Site};
pub use scenario::{Host, Internet, Protocol, Scenario, ScenarioError, Segment, Served, SiteModel, SiteSpec, Zone};
pub use scratch::{GcReport, gc};
pub use server::{Echo, HttpsIdentity, Server};
pub use strongswan::StrongSwan;
pub use switch::{Switch, SwitchTls};
pub use trials::{Trial, trials};

/// The three-site scenario that the demo and most tests use.
pub const THREE_SITES: &str = include_str!("../scenarios/three-sites.toml");
