//! Scratch directories: one for each lab, locked by its owner while it lives.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::LabError;

const PREFIX: &str = "sekisho-lab-";
const LOCK: &str = "owner.lock";

/// What [`gc`] removed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct GcReport {
    /// Scratch directories whose owner is gone.
    pub scratch: Vec<PathBuf>,
    /// Named namespaces `sk-*` of this machine that belong to no running lab.
    pub namespaces: Vec<String>,
}

/// Removes what killed labs left: scratch directories nobody holds, and stray namespaces `sk-*`.
///
/// A running lab keeps its directory locked, so it is never touched, whatever its process id looks like from here.
/// Namespaces are only stray when they are visible here, since a lab's own names live in its private `/run`.
pub fn gc() -> Result<GcReport, LabError> {
    let mut report = GcReport::default();
    let base = base();
    let entries = fs::read_dir(&base).map_err(LabError::io(base.display().to_string()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && path.is_dir() && is_stale(&path) {
            remove(&path).map_err(LabError::io(path.display().to_string()))?;
            report.scratch.push(path);
        }
    }
    // Inside a lab the visible `sk-*` are that lab's own.
    if !crate::is_inside() {
        for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // One that still has processes is in somebody's use.
            let ip = |verb| crate::process::run(Command::new("ip").args(["netns", verb, &name]));
            if name.starts_with("sk-") && ip("pids")?.trim().is_empty() {
                ip("del")?;
                report.namespaces.push(name);
            }
        }
    }
    Ok(report)
}

/// A scratch directory, held by a lock that the kernel drops with the owning process.
pub(crate) struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    pub(crate) fn create() -> Result<Self, LabError> {
        let base = base();
        let noise = RandomState::new().hash_one(std::time::SystemTime::now()) as u32;
        let name = format!("{PREFIX}{}-{noise:08x}", std::process::id());
        let (path, hidden) = (base.join(&name), base.join(format!(".{name}")));
        let wrap = || LabError::io(path.display().to_string());
        fs::create_dir_all(&base).map_err(wrap())?;
        fs::create_dir(&hidden).map_err(wrap())?;
        let lock = File::create(hidden.join(LOCK)).map_err(wrap())?;
        lock.lock().map_err(wrap())?;
        // Under its own name it is locked from the first moment, so `gc` never sees it as stale.
        fs::rename(&hidden, &path).map_err(wrap())?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Failure leaves a stale directory, which `sekisho-lab gc` finds.
        let _ = remove(&self.path);
    }
}

/// The process id that [`Scratch::create`] wrote into the name.
pub(crate) fn owner_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    name.split('-').next()?.parse().ok()
}

fn base() -> PathBuf {
    std::env::temp_dir()
}

fn is_stale(path: &Path) -> bool {
    match File::open(path.join(LOCK)) {
        Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        // Somebody else's, or one whose removal was cut short: no lock, no owner.
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// A daemon that is just being killed may still write a log line, so removal is tried a few times.
fn remove(path: &Path) -> io::Result<()> {
    for _ in 0..20 {
        match fs::remove_dir_all(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
    fs::remove_dir_all(path)
}
