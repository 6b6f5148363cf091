//! The `sekisho` command, run where a person would run it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::stage::{Stage, StageError};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a command answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Exit code; 255 if it was killed because time was up.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took, process start included.
    pub took: Duration,
}

impl Answered {
    /// Its JSON, `null` if it gave none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_default()
    }

    /// Codes of all reasons of a refusal.
    pub fn codes(&self) -> Vec<String> {
        let json = self.json();
        let reasons = json["reasons"].as_array().cloned().unwrap_or_default();
        reasons.iter().filter_map(|r| r["code"].as_str().map(str::to_owned)).collect()
    }

    /// Number of the grant it is about.
    pub fn grant(&self) -> Option<u64> {
        self.json()["connection"]["grant"].as_u64()
    }

    /// Both outputs in one line, for a failed check.
    pub fn seen(&self) -> String {
        format!("exit {}: {} {}", self.code, self.stdout.trim(), self.stderr.trim())
    }
}

pub(crate) fn run(
    stage: &Stage,
    netns: &str,
    config: &Path,
    environment: &[(&str, &Path)],
    arguments: &[&str],
) -> Result<Answered, StageError> {
    let mut command = typed(stage, config, arguments);
    for (name, value) in environment {
        command.env(name, value);
    }
    let begun = Instant::now();
    let finished = stage.lab().run_in(netns, command, PATIENCE)?;
    Ok(Answered {
        code: finished.status.and_then(|s| s.code()).unwrap_or(255),
        stdout: finished.stdout,
        stderr: finished.stderr,
        took: begun.elapsed(),
    })
}

/// The command as it is typed.
pub(crate) fn typed(stage: &Stage, config: &Path, arguments: &[&str]) -> Command {
    // The PIN comes in on descriptor 9, as from a PIN pad; it is on no command line.
    let mut command = Command::new("sh");
    command.args(["-c", "exec 9<\"$0\"; exec \"$@\""]);
    command.arg(stage.pin_file()).arg(stage.binary("sekisho"));
    command.arg("--config").arg(config);
    if !arguments.contains(&"--lang") {
        command.args(["--lang", stage.lang()]);
    }
    command.args(arguments);
    command.env_remove("LC_ALL");
    command
}
