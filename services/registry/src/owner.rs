//! One center owns a SQLite registry.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::RegistryError;

/// An exclusive lock on `<file>.lock`. The kernel gives it free when the process ends, however it ends; the lock file
/// itself stays, since deleting it would let two processes lock two files of the same name.
#[derive(Debug)]
pub(crate) struct Owner {
    locked: File,
}

impl Owner {
    /// Takes the lock without waiting.
    pub(crate) fn take(file: &Path) -> Result<Self, RegistryError> {
        let mut path = file.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let cannot = |e: std::io::Error| RegistryError::CannotOpen {
            name: file.display().to_string(),
            why: format!("{}: {e}", path.display()),
        };
        let mut lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Only words for the message; the lock says who may go on.
                let _ = lock.take(64).read_to_string(&mut owner);
                return Err(RegistryError::Owned { file: file.display().to_string(), owner: owner.trim().to_owned() });
            }
            Err(TryLockError::Error(e)) => return Err(cannot(e)),
        }
        // Best effort for the same reason: on a full disk the center must still start.
        let _ =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "pid {}", std::process::id()));
        Ok(Self { locked: lock })
    }
}

impl Drop for Owner {
    /// Unlocks in so many words: a child process that is between its fork and its exec holds the same open file, and
    /// would keep the lock of a file that is merely closed. Nothing can be done about a failure, and closing follows.
    fn drop(&mut self) {
        let _ = self.locked.unlock();
    }
}
