//! `sekisho-gen [--check] [--dir DIR]`: writes `docs/generated`, or only compares.

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: sekisho-gen [--check] [--dir DIR]   (DIR: docs/generated, from the workspace's root)";

fn main() -> ExitCode {
    let mut check = false;
    let mut dir = PathBuf::from("docs/generated");
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.len()) {
            ("--check", _) => check = true,
            ("--dir", 1..) => dir = arguments.next().unwrap_or_default().into(),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let binaries = handbook::binaries();
    if binaries.is_none() {
        eprintln!("sekisho-gen: {} is left as it is: the product's binaries are not built", handbook::COMMANDS);
    }
    let done = handbook::pages(binaries.as_deref())
        .and_then(|pages| if check { handbook::check(&dir, &pages) } else { handbook::write(&dir, &pages) });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sekisho-gen: {error}");
            ExitCode::FAILURE
        }
    }
}
