//! Coverage-guided fuzzing of the parsers: by hand, never in CI, for it needs a nightly compiler and knows no end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::target_dir;

const USAGE: &str = "cargo xtask fuzz [--seconds N] [TARGET…]";
const ROOM: &str = "testing/fuzz";

/// Runs each target for a while, with what earlier runs found worth keeping; stops at the first finding.
pub fn run(args: &[String]) -> Result<(), String> {
    let targets = targets()?;
    let (mut seconds, mut chosen) = (60u32, Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                let value = args.next().ok_or(USAGE)?;
                seconds = value.parse().map_err(|_| format!("`{value}` is no number; {USAGE}"))?;
            }
            name if targets.iter().any(|t| t == name) => chosen.push(name.to_owned()),
            other => return Err(format!("there is no target `{other}`: {}; {USAGE}", targets.join(", "))),
        }
    }
    needs()?;
    let chosen = if chosen.is_empty() { targets } else { chosen };
    for target in chosen {
        one(&target, seconds)?;
    }
    Ok(())
}

/// What is missing, and what brings it.
fn needs() -> Result<(), String> {
    let missing = [
        (["+nightly", "--version"], "a nightly compiler: `rustup toolchain install nightly`"),
        (["fuzz", "--version"], "cargo-fuzz: `cargo install cargo-fuzz`"),
    ];
    let missing: Vec<&str> = missing.into_iter().filter(|(args, _)| !answers(args)).map(|(_, what)| what).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("fuzzing needs {}", missing.join(", and "))) }
}

fn answers(args: &[&str]) -> bool {
    // Not `$CARGO`: that is one toolchain's, and only rustup's own understands `+nightly`.
    let status = Command::new("cargo").args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|s| s.success())
}

fn targets() -> Result<Vec<String>, String> {
    let dir = Path::new(ROOM).join("fuzz_targets");
    let told = |e| format!("{}: {e}; run this from the root of the repository", dir.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&dir).map_err(told)? {
        let path = entry.map_err(told)?.path();
        names.extend(path.file_stem().and_then(|n| n.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn one(target: &str, seconds: u32) -> Result<(), String> {
    let home = target_dir().join("fuzz");
    let make = |name: &str| -> Result<PathBuf, String> {
        let dir = home.join(name).join(target);
        std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        Ok(dir)
    };
    let (corpus, findings) = (make("corpus")?, make("findings")?);
    let cases = Path::new(ROOM).join("cases").join(target);
    println!("{target}: {seconds} s, beginning from {} and {}", corpus.display(), cases.display());
    let status = Command::new("cargo")
        .args(["+nightly", "fuzz", "run", "--fuzz-dir", ROOM, "--target-dir"])
        .arg(&home)
        .arg(target)
        .arg(&corpus)
        .arg(&cases)
        .args(["--", &format!("-max_total_time={seconds}")])
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .status()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "{target}: what breaks it is in {}; mend it, and keep the file in {}, where the tests try it again",
        findings.display(),
        cases.display()
    ))
}
