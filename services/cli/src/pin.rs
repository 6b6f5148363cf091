//! The PIN: asked for without echo, or read from a descriptor; never an argument, which every process could read.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::failure::Failure;

/// Longest PIN of an HPKI card is 16 characters; a line longer than this is not one.
const LONGEST_LINE: u64 = 64;

/// Reads the PIN from descriptor `fd`, or asks at the terminal.
pub fn read(fd: Option<u32>, prompt: &str) -> Result<String, Failure> {
    secret(fd, prompt, LONGEST_LINE)
}

/// The same for a secret of up to so many characters.
pub fn secret(fd: Option<u32>, prompt: &str, longest: u64) -> Result<String, Failure> {
    match fd {
        Some(fd) => from_file(Path::new(&format!("/proc/self/fd/{fd}")), longest),
        None => ask(prompt, longest),
    }
}

fn from_file(path: &Path, longest: u64) -> Result<String, Failure> {
    let failed = |e: std::io::Error| Failure::File(files::Fault::io(path, &e));
    line(File::open(path).map_err(failed)?, longest).map_err(failed)
}

fn ask(prompt: &str, longest: u64) -> Result<String, Failure> {
    let path = Path::new("/dev/tty");
    let failed = |e: std::io::Error| Failure::File(files::Fault::io(path, &e));
    let mut tty = File::options().read(true).write(true).open(path).map_err(failed)?;
    tty.write_all(prompt.as_bytes()).map_err(failed)?;
    let before = tcgetattr(&tty).map_err(|e| failed(e.into()))?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&tty, OptionalActions::Flush, &silent).map_err(|e| failed(e.into()))?;
    let pin = tty.try_clone().and_then(|tty| line(tty, longest));
    let restored = tcsetattr(&tty, OptionalActions::Flush, &before);
    tty.write_all(b"\n").map_err(failed)?;
    restored.map_err(|e| failed(e.into()))?;
    pin.map_err(failed)
}

fn line(source: impl Read, longest: u64) -> std::io::Result<String> {
    let mut text = String::new();
    BufReader::new(source.take(longest)).read_line(&mut text)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
