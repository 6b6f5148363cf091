//! The applications on a device (AP, G1 rows 9 and 12): taken, deleted and run only as permits of a registration centre
//! say, whose certificate the registration authority signed.
//!
//! A permit names one package by its octets, a device, a time, and has a number that this device takes once. What is
//! installed and which numbers were used stand in one file that is replaced as a whole, so that a power cut leaves either
//! none of a change or all of it. This crate decides nothing about permits, `equipment` does; it must not know what an
//! application does, nor how a device got its id.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod refused;
mod register;
mod run;
mod step;
mod store;

pub use refused::Refused;
pub use register::Installed;
pub use run::Checked;
pub use step::Step;
pub use store::{Change, Store};

use equipment::DeviceId;
use pki::{AnchorSet, CrlStore};

/// Who this device is, and whom it believes.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The registration authority's certificate.
    pub anchors: AnchorSet,
    /// Its revocation lists.
    pub lists: CrlStore,
}
