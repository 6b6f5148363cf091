//! Running an application: its octets are verified in memory that nobody can change, and run from there.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use equipment::{Action, Name, Package, verify_permit};
use model::Timestamp;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::{Device, Refused, Store};

/// An application that may run now: the very octets that were verified.
#[derive(Debug)]
pub struct Checked {
    name: Name,
    memory: File,
}

impl Store {
    /// Verifies the permit and the package of an application again. A permit that has ended, or whose issuer was revoked,
    /// permits nothing any more.
    ///
    /// # Errors
    /// [`Refused`] with every reason.
    pub fn check(&self, name: &Name, device: &Device, now: Timestamp) -> Result<Checked, Refused> {
        let installed = self.get(name)?;
        let verified = verify_permit(&installed.permit, &device.id, &device.anchors, &device.lists, now)?;
        let path = self.package(installed.package());
        let mut octets = Vec::new();
        // One octet more than permitted shows that there are too many; more need not be read.
        let most = installed.package().length.saturating_add(1);
        let read = File::open(&path).and_then(|file| file.take(most).read_to_end(&mut octets));
        match read {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Refused::Changed(name.to_string()));
            }
            other => other.map_err(Refused::file(&path))?,
        };
        let found = Package::of(&octets);
        if found != *installed.package() {
            return Err(Refused::Changed(name.to_string()));
        }
        verified.covers(Action::Install, name, &found)?;
        let memory = in_memory(name, &octets).map_err(Refused::file(&path))?;
        Ok(Checked { name: name.clone(), memory })
    }
}

fn in_memory(name: &Name, octets: &[u8]) -> std::io::Result<File> {
    // Not closed on exec: a script's interpreter opens it once more.
    let mut memory = File::from(memfd_create(name.as_str(), MemfdFlags::ALLOW_SEALING)?);
    memory.write_all(octets)?;
    fcntl_add_seals(&memory, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(memory)
}

impl Checked {
    /// Becomes the application. Returns only if that does not work.
    pub fn exec(&self, arguments: &[OsString]) -> Refused {
        let path = format!("/proc/self/fd/{}", self.memory.as_raw_fd());
        let error = Command::new(&path).arg0(self.name.as_str()).args(arguments).exec();
        Refused::file(path)(error)
    }
}
