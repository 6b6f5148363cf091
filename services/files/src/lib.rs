//! Files and addresses that programs are given: configurations in TOML, certificates and keys in PEM. Whatever is wrong
//! with one is told in the reader's language, with its place and the mend (X5); the words of the system or of a library
//! come behind ours, as they are. This crate must not know what a file is for.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod defect;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use serde::de::DeserializeOwned;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use texts::{Arg, Words};

pub use defect::{Defect, Wanted};

/// What is wrong, and where: a file, a folder, an address, or a table of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(Words);

impl Fault {
    /// At a place.
    pub fn at(place: impl fmt::Display, defect: impl Into<Words>) -> Self {
        Self(defect.into().with("place", Arg::text(place)))
    }

    /// In a file or folder.
    pub fn of(path: &Path, defect: impl Into<Words>) -> Self {
        Self::at(path.display(), defect)
    }

    /// What the system says of a file or folder.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        Self::of(path, Defect::io(error))
    }

    /// The words of it.
    pub fn words(&self) -> &Words {
        &self.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl std::error::Error for Fault {}

impl From<Fault> for Words {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

/// The bytes of a file.
///
/// # Errors
/// [`Fault`].
pub fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    fs::read(path).map_err(|e| Fault::io(path, &e))
}

/// The text of a file, UTF-8.
///
/// # Errors
/// [`Fault`].
pub fn text(path: &Path) -> Result<String, Fault> {
    String::from_utf8(read(path)?).map_err(|_| Fault::of(path, Defect::NotText {}))
}

/// A configuration in TOML.
///
/// # Errors
/// [`Fault`] with line and field.
pub fn configuration<T: DeserializeOwned>(path: &Path) -> Result<T, Fault> {
    let bytes = fs::read(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Fault::of(path, Defect::NoConfiguration { said: e.to_string() }),
        _ => Fault::io(path, &e),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Fault::of(path, Defect::NotText {}))?;
    model::read_table(&path.display().to_string(), &text).map_err(|e| Fault((&e).into()))
}

/// The certificates of a PEM file; at least one.
///
/// # Errors
/// [`Fault`].
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found = CertificateDer::pem_slice_iter(&read(path)?).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|e| Fault::of(path, Defect::pem(Wanted::Certificate, e)))?;
    if found.is_empty() {
        return Err(Fault::of(path, Defect::NoPem { wanted: Wanted::Certificate.into() }));
    }
    Ok(found)
}

/// The private key of a PEM file.
///
/// # Errors
/// [`Fault`].
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    let found = PrivateKeyDer::from_pem_slice(&read(path)?);
    found.map_err(|e| Fault::of(path, Defect::pem(Wanted::PrivateKey, e)))
}

/// A revocation list, PEM or DER.
///
/// # Errors
/// [`Fault`].
pub fn list(path: &Path) -> Result<CertificateRevocationListDer<'static>, Fault> {
    let bytes = read(path)?;
    if bytes.starts_with(b"-----") {
        let list = CertificateRevocationListDer::from_pem_slice(&bytes);
        return list.map_err(|e| Fault::of(path, Defect::pem(Wanted::List, e)));
    }
    Ok(CertificateRevocationListDer::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::{Lang, Texts};

    #[test]
    fn every_defect_has_text_and_mend_in_both_languages_x5() {
        assert_eq!(texts::lacking(Defect::ALL, &["place"]), [""; 0]);
        for texts in Lang::ALL.map(Texts::new) {
            for wanted in Wanted::ALL {
                assert!(texts.has(&wanted.key()), "{}: {}", texts.lang(), wanted.key());
            }
        }
    }

    #[test]
    fn what_the_system_says_stands_behind_our_words() {
        let dir = tempfile::tempdir().unwrap();
        let said = |path: &Path| read(path).unwrap_err().words().what(&Texts::new(Lang::Ja));
        let missing = said(&dir.path().join("none.pem"));
        assert!(missing.contains("none.pem：ファイル") && missing.contains("「No such file"), "{missing}");
        assert!(said(dir.path()).contains("フォルダ"), "{}", said(dir.path()));
        let plain = dir.path().join("plain");
        fs::write(&plain, [0xff, 0xfe]).unwrap();
        assert!(text(&plain).unwrap_err().to_string().contains("UTF-8"));
        assert!(certificates(&plain).unwrap_err().to_string().contains("no certificate"));
        fs::write(&plain, "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
        assert!(certificates(&plain).unwrap_err().to_string().contains("damaged"));
    }
}
