//! A change of the store as a list of steps on files. After any of them the machine may die: the store is then as it was
//! before the change, until the register is renamed, and as it is after it from then on.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::Refused;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Writes a file and waits until the disk has it.
    Write {
        /// Which.
        path: PathBuf,
        /// What.
        octets: Vec<u8>,
    },
    /// Gives a file its name, in place of one that has it.
    Rename {
        /// From here.
        from: PathBuf,
        /// To here.
        to: PathBuf,
    },
    /// Waits until the disk has the names in a folder.
    Sync {
        /// Which.
        folder: PathBuf,
    },
    /// Takes a file away that nothing names any more.
    Remove {
        /// Which.
        path: PathBuf,
    },
}

impl Step {
    /// Does it.
    ///
    /// # Errors
    /// [`Refused::File`] if the disk is full, read-only or broken.
    pub fn run(&self) -> Result<(), Refused> {
        match self {
            Self::Write { path, octets } => {
                let write = || {
                    // What is left of a change that was cut off.
                    let _ = fs::remove_file(path);
                    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(path)?;
                    file.write_all(octets)?;
                    file.sync_all()
                };
                write().map_err(Refused::file(path))
            }
            Self::Rename { from, to } => fs::rename(from, to).map_err(Refused::file(to)),
            Self::Sync { folder } => File::open(folder).and_then(|f| f.sync_all()).map_err(Refused::file(folder)),
            Self::Remove { path } => match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Refused::file(path)(error)),
                _ => Ok(()),
            },
        }
    }
}
