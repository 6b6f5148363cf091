//! The gate's own key (G1): in a PEM file, or in a secure element that it never leaves.
//!
//! An element is reached through PKCS#11; a TPM 2.0 is one through the module tpm2-pkcs11. strongSwan is told where the
//! key lies and signs by itself; TLS signs here, and a TPM takes 50 to 300 ms for it: other tasks go on meanwhile.

use keys::{Key, KeyFault, KeyPlace};
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Where in a secure element the gate's key lies, and how to get in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Element {
    /// Its PKCS#11 module, e.g. `/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so`.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// Label of the key on it.
    pub key: String,
    /// File with the token's PIN; only its owner may read it.
    pub pin: PathBuf,
}

impl Element {
    /// Paths that do not begin with `/` count from here.
    pub(crate) fn below(&mut self, folder: &Path) {
        for path in [&mut self.module, &mut self.pin] {
            *path = folder.join(&*path);
        }
    }

    /// The key as it must be named to be opened or made.
    ///
    /// # Errors
    /// [`KeyFault`] if the module or the file with the PIN is not as it should be.
    pub(crate) fn place(&self) -> Result<KeyPlace, KeyFault> {
        Ok(KeyPlace::Token {
            driver: keys::driver(&self.module)?,
            token: Some(self.token.clone()),
            pin: keys::read_pin(&self.pin)?,
            label: self.key.clone(),
        })
    }

    /// Opens the key.
    ///
    /// # Errors
    /// [`KeyFault`] names the mend.
    pub(crate) fn open(&self) -> Result<Key, KeyFault> {
        Ok(Key::open(&self.place()?)?.alone())
    }
}

/// What is typed for an element: `module=FILE,token=LABEL,pin-file=FILE`, and `key=LABEL` if it is not `gate`.
impl FromStr for Element {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let mut told = BTreeMap::new();
        for part in typed.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("`{part}`: name=value is meant"))?;
            if !["module", "token", "pin-file", "key"].contains(&name) {
                return Err(format!("`{name}` is not one of module, token, pin-file, key"));
            }
            if told.insert(name, value).is_some() {
                return Err(format!("`{name}` is there twice"));
            }
        }
        let take = |name: &str| told.get(name).map(|value| (*value).to_owned()).filter(|value| !value.is_empty());
        let need = |name: &str| take(name).ok_or_else(|| format!("`{name}=` is missing"));
        // Whoever reads the configuration stands elsewhere than whoever types this.
        let file = |name: &str| std::path::absolute(need(name)?).map_err(|e| e.to_string());
        Ok(Self {
            module: file("module")?,
            token: need("token")?,
            key: take("key").unwrap_or_else(|| "gate".to_owned()),
            pin: file("pin-file")?,
        })
    }
}

/// A key that lets the runtime go on while it signs.
#[derive(Debug)]
pub(crate) struct Patient(pub(crate) Key);

impl SigningKey for Patient {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        SigningKey::choose_scheme(&self.0, offered).map(|_| Box::new(Self(self.0.clone())) as Box<dyn Signer>)
    }
    fn algorithm(&self) -> SignatureAlgorithm {
        SigningKey::algorithm(&self.0)
    }
}

impl Signer for Patient {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let sign = || self.0.sign(message).map_err(|e| Error::General(e.to_string()));
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(sign),
            _ => sign(),
        }
    }
    fn scheme(&self) -> SignatureScheme {
        Signer::scheme(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_typed_in_words() {
        let read = |typed: &str| typed.parse::<Element>();
        let element = read("module=/m.so,token=clinic,pin-file=/etc/pin").unwrap();
        assert_eq!((element.key.as_str(), element.pin.as_path()), ("gate", Path::new("/etc/pin")));
        assert_eq!(read("pin-file=p,key=other,token=a b,module=m.so").unwrap().key, "other");
        assert!(read("pin-file=p,token=a,module=m.so").unwrap().module.is_absolute());
        for (wrong, told) in [
            ("", "name=value"),
            ("token=clinic,pin-file=p", "`module=` is missing"),
            ("module=m,token=,pin-file=p", "`token=` is missing"),
            ("module=m,token=a,token=b,pin-file=p", "twice"),
            ("module=m,token=a,pin=1234", "`pin` is not one of"),
        ] {
            assert!(read(wrong).unwrap_err().contains(told), "{wrong}");
        }
    }
}
