//! Files that are there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::KeyFault;

/// Writes a file with these permissions, in place of one that is there.
///
/// # Errors
/// [`KeyFault::File`].
pub fn keep(path: &Path, contents: &str, mode: u32) -> Result<(), KeyFault> {
    write(path, contents, mode, |unfinished| fs::rename(unfinished, path))
}

/// Writes a file that only its owner may read, unless there is one by this name.
///
/// # Errors
/// [`KeyFault::File`].
pub fn create(path: &Path, contents: &str) -> Result<(), KeyFault> {
    write(path, contents, 0o600, |unfinished| {
        // A hard link fails if the name is taken: two that start at once make one file.
        let linked = fs::hard_link(unfinished, path);
        fs::remove_file(unfinished)?;
        match linked {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
            _ => Ok(()),
        }
    })
}

fn write(
    path: &Path,
    contents: &str,
    mode: u32,
    put: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<(), KeyFault> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unfinished = path.with_extension("unfinished");
    let write = || {
        fs::create_dir_all(folder)?;
        let _ = fs::remove_file(&unfinished);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
        file.write_all(contents.as_bytes())?;
        file.sync_all()?;
        put(&unfinished)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e: std::io::Error| files::Fault::io(path, &e).into())
}

/// RFC 7468.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
