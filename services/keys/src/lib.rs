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

use card::CardError;
use texts::{Arg, Words};

/// Why a key cannot be used. It lies with the machine that holds it: its files, its element.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// A file cannot be read or written, or is not what it should be.
    #[error(transparent)]
    File(#[from] ::files::Fault),
    /// The secure element cannot be reached or refuses.
    #[error("{}", in_element(.0))]
    Element(#[from] CardError),
    /// The element has no key by this label.
    #[error("{}", self.words())]
    NoSuchKey(String),
    /// The element refused the PIN while this process ran; it is not asked again.
    #[error("{}", self.words())]
    PinRefused,
    /// The machine gives no random numbers.
    #[error("{}", self.words())]
    NoRandomness,
}

texts::faults! {
    /// What is wrong with a key or its secure element; all but the file.
    pub enum Unusable in "key" {
        /// The PKCS#11 module.
        NoModule = "no-module" { module: String, said: String }
        /// No token at all.
        NoToken = "no-token" {}
        /// None by this label.
        OtherToken = "other-token" { wanted: String, found: Arg }
        /// More than one, and none named.
        SeveralTokens = "several-tokens" { found: Arg }
        /// The PIN.
        WrongPin = "wrong-pin" {}
        /// The PIN, and the next wrong one locks.
        LastTry = "last-try" {}
        /// Too many wrong PINs.
        Locked = "locked" {}
        /// No certificate with a key.
        Empty = "empty" {}
        /// Anything else the module says.
        Module = "module" { said: String }
        /// None by this label.
        NoSuchKey = "no-such-key" { label: String }
        /// The PIN, while the program runs.
        PinRefused = "pin-refused" {}
        /// No random numbers.
        NoRandomness = "no-randomness" {}
    }
}

fn in_element(error: &CardError) -> Unusable {
    let list = |labels: &[String]| Arg::List(labels.iter().map(Arg::text).collect());
    match error {
        CardError::NoDriver { path, why } => {
            Unusable::NoModule { module: path.display().to_string(), said: why.clone() }
        }
        CardError::NoCard => Unusable::NoToken {},
        CardError::NoSuchCard { wanted, found } => Unusable::OtherToken { wanted: wanted.clone(), found: list(found) },
        CardError::SeveralCards(found) => Unusable::SeveralTokens { found: list(found) },
        CardError::WrongPin { last_try: false } => Unusable::WrongPin {},
        CardError::WrongPin { last_try: true } => Unusable::LastTry {},
        CardError::Locked => Unusable::Locked {},
        CardError::NoIdentity => Unusable::Empty {},
        CardError::Driver(said) => Unusable::Module { said: said.clone() },
    }
}

/// The words for what a machine's secure element says; a person's card has its own.
pub fn words_of_element(error: &CardError) -> Words {
    in_element(error).words()
}

impl KeyFault {
    /// The words of it.
    pub fn words(&self) -> Words {
        match self {
            Self::File(fault) => fault.words().clone(),
            Self::Element(error) => words_of_element(error),
            Self::NoSuchKey(label) => Unusable::NoSuchKey { label: label.clone() }.words(),
            Self::PinRefused => Unusable::PinRefused {}.words(),
            Self::NoRandomness => Unusable::NoRandomness {}.words(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_key_has_text_and_mend_in_both_languages_x5() {
        assert_eq!(texts::lacking(Unusable::ALL, &[]), [""; 0]);
    }
}
