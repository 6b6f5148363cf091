//! The reference pages of the handbook, written from the tables the product itself runs on.
//!
//! A page is text made from constants, texts and examples: the same code gives the same bytes, so that what is checked
//! in can be compared. This crate must hold no statement about the product that the product does not make itself.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod commands;
mod crypto;
mod events;
mod invariants;
mod page;
mod pipeline;
mod protocol;
mod refusals;
mod threats;
mod zones;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Name of the page that needs the product's binaries.
pub const COMMANDS: &str = "cli.md";

/// Why pages cannot be written or are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum HandbookError {
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The example documents no longer make a network: a fault of the sources, not of who runs this.
    #[error("the example network cannot be planned: {0}")]
    Example(String),
    /// A binary did not print its help.
    #[error("{program} --help: {why}; build the workspace first")]
    Help {
        /// The binary.
        program: PathBuf,
        /// What happened.
        why: String,
    },
    /// What is checked in differs.
    #[error("{} page(s) differ from the code; run `cargo xtask gen` and commit the result\n{}", .0.len(), .0.join("\n"))]
    Stale(Vec<String>),
}

impl HandbookError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }
}

/// Pages by file name. With the folder of the built binaries the command reference is among them.
///
/// # Errors
/// [`HandbookError`].
pub fn pages(binaries: Option<&Path>) -> Result<BTreeMap<&'static str, String>, HandbookError> {
    let mut pages = BTreeMap::from([
        ("audit-events.md", events::page()),
        ("crypto-profile.md", crypto::page()),
        ("invariants.md", invariants::page()),
        ("pipeline.md", pipeline::page()?),
        ("protocol.md", protocol::page()),
        ("qualifications.md", refusals::qualifications()),
        ("refusals.md", refusals::page()),
        ("threats.md", threats::page()?),
        ("zones.md", zones::page()),
    ]);
    for (name, document) in portal::joining::documents() {
        pages.insert(name, format!("{document:#}\n"));
    }
    if let Some(folder) = binaries {
        pages.insert(COMMANDS, commands::page(folder)?);
    }
    Ok(pages)
}

/// Writes the pages.
///
/// # Errors
/// [`HandbookError::File`].
pub fn write(dir: &Path, pages: &BTreeMap<&'static str, String>) -> Result<(), HandbookError> {
    fs::create_dir_all(dir).map_err(HandbookError::file(dir))?;
    for (name, text) in pages {
        let path = dir.join(name);
        fs::write(&path, text).map_err(HandbookError::file(&path))?;
    }
    Ok(())
}

/// Compares the pages with what is checked in; a page too many counts as well, except the command reference where it
/// could not be made.
///
/// # Errors
/// [`HandbookError::Stale`] with the first line that differs of every page.
pub fn check(dir: &Path, pages: &BTreeMap<&'static str, String>) -> Result<(), HandbookError> {
    let mut stale = Vec::new();
    for (name, wanted) in pages {
        match fs::read_to_string(dir.join(name)) {
            Ok(found) if found == *wanted => {}
            Ok(found) => stale.push(format!("{name}{}", first_difference(&found, wanted))),
            Err(error) => stale.push(format!("{name}: {error}")),
        }
    }
    for entry in fs::read_dir(dir).map_err(HandbookError::file(dir))? {
        let name = entry.map_err(HandbookError::file(dir))?.file_name();
        let name = name.to_string_lossy();
        if name != COMMANDS && !pages.contains_key(name.as_ref()) {
            stale.push(format!("{name}: no code writes this page any more; remove it"));
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(HandbookError::Stale(stale)) }
}

fn first_difference(found: &str, wanted: &str) -> String {
    let (mut old, mut new) = (found.lines(), wanted.lines());
    for number in 1.. {
        let (was, is) = (old.next(), new.next());
        if was != is {
            let show = |line: Option<&str>| line.unwrap_or("(end)").to_owned();
            return format!(":{number}\n  - {}\n  + {}", show(was), show(is));
        }
        if was.is_none() {
            break;
        }
    }
    ": line ends differ".to_owned()
}

/// The folder beside this program, or one above it if this is a test, that holds the product's binaries.
pub fn binaries() -> Option<PathBuf> {
    let me = std::env::current_exe().ok()?;
    let all = |dir: &Path| commands::PROGRAMS.iter().all(|(name, _)| dir.join(name).exists());
    me.ancestors().skip(1).take(2).find(|dir| all(dir)).map(Path::to_path_buf)
}
