//! What a secure element needs beside its label: its module, loaded once, and its PIN from a file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use card::Driver;
use files::{Defect, Fault};

use crate::KeyFault;

/// PKCS#11 allows a module one initialisation a process, so all share what was loaded; it stays until the process ends.
static LOADED: Mutex<BTreeMap<PathBuf, Arc<Driver>>> = Mutex::new(BTreeMap::new());

/// A PKCS#11 module, loaded now or before.
///
/// # Errors
/// [`KeyFault::Element`] if it is missing or is no PKCS#11 library.
pub fn driver(module: &Path) -> Result<Arc<Driver>, KeyFault> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    // Two names of one library are one library.
    let path = fs::canonicalize(module).unwrap_or_else(|_| module.to_owned());
    if let Some(driver) = loaded.get(&path) {
        return Ok(Arc::clone(driver));
    }
    let driver = Arc::new(Driver::load(&path)?);
    loaded.insert(path, Arc::clone(&driver));
    Ok(driver)
}

/// The PIN in a file that only its owner may read: its first line.
///
/// # Errors
/// [`KeyFault::File`] if it cannot be read, is empty, or others may read it.
pub fn read_pin(path: &Path) -> Result<String, KeyFault> {
    owners_only(path)?;
    let text = files::text(path)?;
    match text.lines().next().map(str::trim_end) {
        Some(pin) if !pin.is_empty() => Ok(pin.to_owned()),
        _ => Err(Fault::of(path, Defect::NoPin {}).into()),
    }
}

/// A secret that others may read is none.
pub(crate) fn owners_only(path: &Path) -> Result<(), KeyFault> {
    let mode = fs::metadata(path).map_err(|e| Fault::io(path, &e))?.mode();
    if mode & 0o077 != 0 {
        return Err(Fault::of(path, Defect::OpenToOthers { mode: format!("{:o}", mode & 0o777) }).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_pin_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pin");
        fs::write(&path, "4321 \nand a remark\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = read_pin(&path).unwrap_err().to_string();
        assert!(refused.contains("mode 640") && refused.contains("chmod 600"), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(read_pin(&path).unwrap(), "4321");
        fs::remove_file(&path).unwrap();
        crate::keep(&path, "\n4321\n", 0o600).unwrap();
        assert!(read_pin(&path).unwrap_err().to_string().contains("no PIN"));
        assert!(matches!(
            driver(&dir.path().join("none.so")),
            Err(KeyFault::Element(card::CardError::NoDriver { .. }))
        ));
    }
}
