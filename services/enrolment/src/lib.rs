//! Fetching a certificate (R10, G1): the key is made here, in a file or on a token, and stays; the question goes to the
//! center over EST (RFC 7030, RFC 8951), bound to its TLS session.
//!
//! The server is known by a CA in a file, or, the very first time, by the digest of its key that came with the code.
//! Asking again with the same key after a lost answer gives the same certificate. This crate must not know what the
//! certificate is for, nor where its files lie: that is `cli` and `gate`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod client;
mod server_trust;
mod token;

pub use client::{Client, Fetched, request};
pub use keys::{Key, keep, pem};
pub use server_trust::ServerTrust;
pub use token::{Misread, OneTimeToken};

use keys::KeyFault;
use std::path::PathBuf;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The address is none.
    #[error("`{0}` is no address; https://host:port is meant")]
    Address(String),
    /// Nobody answers, or somebody who is not the center.
    #[error("{address} is out of reach: {why}")]
    Unreachable {
        /// Who was asked.
        address: String,
        /// What happened.
        why: String,
    },
    /// The center says no, in the language that was asked for.
    #[error("refused ({}): {said}", code.as_deref().unwrap_or("-"))]
    Refused {
        /// Stable code of the reason.
        code: Option<String>,
        /// Reason and mend, a line each.
        said: String,
    },
    /// An answer that is none.
    #[error("{address} answers something else than a certificate: {why}")]
    Nonsense {
        /// Who was asked.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// The token.
    #[error(transparent)]
    Card(#[from] card::CardError),
    /// The key.
    #[error(transparent)]
    Key(KeyFault),
    /// A file of this machine.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl From<KeyFault> for Failure {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::File { path, why } => Self::File { path, why },
            KeyFault::Element(error) => Self::Card(error),
            other => Self::Key(other),
        }
    }
}
