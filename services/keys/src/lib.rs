//! A private key in a file or in a secure element (G1), one way for all: gates, authorities and people who fetch a
//! certificate open it here, sign with it and show it in TLS.
//!
//! A secure element is reached through PKCS#11: an HSM, a smart card, SoftHSM, or a TPM 2.0 through the module
//! tpm2-pkcs11. The key is made in there and never comes out. This crate must not know what is signed, nor judge a
//! certificate.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod element;
mod files;
mod key;

pub use element::{driver, read_pin};
pub use files::{create, keep, pem};
pub use key::{Key, KeyPlace};

use std::path::PathBuf;

/// Why a key cannot be used. It lies with the machine that holds it: its files, its element.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// A file: the key itself, or one that holds a PIN.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong, and the mend.
        why: String,
    },
    /// The element or its module.
    #[error(transparent)]
    Element(#[from] card::CardError),
    /// There is no such key in the element.
    #[error(
        "the secure element holds no key labelled `{0}`; look with `pkcs11-tool --list-objects`, or make one with `sekisho-gate enroll --element`"
    )]
    NoSuchKey(String),
    /// The element gave a wrong PIN back once; another try could lock it.
    #[error(
        "the secure element refused this PIN; it is not tried again, because that could lock the element: put the right PIN into its file and start again"
    )]
    PinRefused,
    /// The machine gives no random numbers.
    #[error("the machine gives no random numbers")]
    NoRandomness,
}
