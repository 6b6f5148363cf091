//! The trust chain of a device (G1): who vouches for what, from the secure element to the open line.
//!
//! The registration authority (登録認定機関) certifies suppliers of secure elements, makers, registration centres and VPN
//! operators. A maker signs what it built ([`DeviceInformation`]); a registration centre gives the device an id
//! ([`DeviceId`]) and a first-tier certificate, and signs [`Permit`]s to install or delete an application; a VPN operator
//! stands for the authority of its gate certificates ([`OperatorStatement`]); the device
//! itself says what it holds ([`DeviceReport`]). The twelve rows of the equipment-security table ([`ROWS`]) are answered
//! from what was verified, and by people where only people can know ([`answers`]).
//!
//! Everything that is signed is a text that a person can read and `openssl dgst -verify` can check: a TOML file with the
//! statement, the signer's certificates and the signature. Pure: bytes and `now` in, proofs or *all* reasons out. It must
//! not know where files lie, who holds a key, or how a certificate is asked for.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod device;
mod device_id;
mod information;
mod operator;
mod permit;
mod refusal;
mod report;
mod rows;
mod signature;
mod words;

pub use device::{Device, DeviceStand};
pub use device_id::{DeviceId, NotADeviceId};
pub use information::{
    DeviceInformation, ElementKind, ElementStatement, SignedInformation, VerifiedInformation, verify_element_of,
    verify_information,
};
pub use operator::{OperatorStatement, SignedOperator, VerifiedOperator, verify_operator};
pub use permit::{Action, Package, Permit, SignedPermit, VerifiedPermit, verify_permit};
pub use refusal::Refusal;
pub use report::{DeviceFact, DeviceReport, SignedReport, VerifiedReport, verify_report};
pub use rows::{Class, EquipmentRecord, Evidence, HumanAnswer, PersonMay, ROWS, Row, RowAnswer, answers};
pub use signature::{Signature, read_pem_chain};
pub use words::{Day, Label, Name, NotAWord};
