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
use texts::Words;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The address is none.
    #[error("{}", self.words())]
    Address(String),
    /// Nobody answers, or somebody who is not the center.
    #[error("{}", self.words())]
    Unreachable {
        /// Who was asked.
        address: String,
        /// What the system or TLS says.
        why: String,
    },
    /// Nothing came back in time.
    #[error("{}", self.words())]
    Silent {
        /// Who was asked.
        address: String,
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
    #[error("{}", self.words())]
    Nonsense {
        /// Who was asked.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// The token.
    #[error("{}", self.words())]
    Card(#[from] card::CardError),
    /// The key.
    #[error(transparent)]
    Key(KeyFault),
    /// A file of this machine.
    #[error(transparent)]
    File(#[from] files::Fault),
}

texts::faults! {
    /// What goes wrong between a machine and the center it asks; its own files, keys and elements have words of their own.
    pub enum Exchange in "exchange" {
        /// No address.
        Address = "address" { found: String }
        /// Nobody there, or somebody else.
        Unreachable = "unreachable" { address: String, said: String }
        /// No answer.
        Silent = "silent" { address: String }
        /// The center's own words.
        Refused = "refused" { code: String, what: String, mend: String }
        /// Not what was asked for.
        Nonsense = "nonsense" { address: String, said: String }
    }
}

impl Failure {
    /// The words of it, for whoever keeps this machine.
    pub fn words(&self) -> Words {
        match self {
            Self::Address(found) => Exchange::Address { found: found.clone() }.words(),
            Self::Unreachable { address, why } => {
                Exchange::Unreachable { address: address.clone(), said: why.clone() }.words()
            }
            Self::Silent { address } => Exchange::Silent { address: address.clone() }.words(),
            // The center has worded it in the language that was asked for: reason, then mend.
            Self::Refused { code, said } => {
                let (what, mend) = said.split_once('\n').unwrap_or((said.as_str(), ""));
                let (what, mend) = (what.to_owned(), mend.to_owned());
                Exchange::Refused { code: code.clone().unwrap_or_default(), what, mend }.words()
            }
            Self::Nonsense { address, why } => {
                Exchange::Nonsense { address: address.clone(), said: why.clone() }.words()
            }
            Self::Card(error) => keys::words_of_element(error),
            Self::Key(fault) => fault.words(),
            Self::File(fault) => fault.words().clone(),
        }
    }
}

impl From<KeyFault> for Failure {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::File(fault) => Self::File(fault),
            KeyFault::Element(error) => Self::Card(error),
            other => Self::Key(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_text_and_mend_in_both_languages_x5() {
        assert_eq!(texts::lacking(Exchange::ALL, &[]), [""; 0]);
    }
}
