//! Every test, and at the end what failed: whoever reads a long log should not have to search it.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _};

use crate::run;

/// Lines of a failed program that are shown again.
const SHOWN: usize = 40;
/// So many failed programs get a second run: more than that is no matter of chance.
const SECOND_RUNS: usize = 3;

/// Builds everything, so that tests find the binaries they start, and runs every test, also after one has failed.
///
/// A program that failed runs once more, alone: tests with real switches, tunnels and browsers share two cores, and
/// whoever reads the answer must know whether a change is broken or a test is unsteady. The second is no failure of the
/// run, but it is said at its end with what the first run showed, because it is a fault to be mended too.
pub fn run(args: &[String]) -> Result<(), String> {
    run::build(false)?;
    let backtrace = args.iter().any(|arg| arg == "--backtrace");
    let rest: Vec<String> = args.iter().filter(|arg| *arg != "--backtrace").cloned().collect();
    let all = ["test", "--workspace", "--no-fail-fast"].map(str::to_owned);
    let log = tests(&[&all[..], &rest].concat(), backtrace)?;
    if log.green {
        return Ok(());
    }
    if log.failed.is_empty() || log.failed.len() > SECOND_RUNS {
        return Err(log.summary());
    }
    let mut still = Log::default();
    let mut unsteady = Log::default();
    for (program, last) in log.failed {
        println!("\nonce more, alone: cargo test {program}");
        let again: Vec<String> = ["test".to_owned()].into_iter().chain(words(&program)).collect();
        let second = tests(&[&again[..], &rest].concat(), backtrace)?;
        if second.green { &mut unsteady } else { &mut still }.failed.push((program, last));
    }
    if !unsteady.failed.is_empty() {
        println!("\nunsteady, passed only in the second run: a fault to be mended\n{}", unsteady.summary());
    }
    if still.failed.is_empty() { Ok(()) } else { Err(still.summary()) }
}

fn words(program: &str) -> impl Iterator<Item = String> {
    program.split_whitespace().map(str::to_owned)
}

/// One `cargo` with tests, shown as it comes.
fn tests(args: &[String], backtrace: bool) -> Result<Log, String> {
    let mut args = args.to_vec();
    if io::stderr().is_terminal() {
        // Before what is meant for the tests themselves.
        args.insert(1, "--color=always".to_owned());
    }
    let say = |e: io::Error| format!("cargo test: {e}");
    let (reader, writer) = io::pipe().map_err(say)?;
    let mut command = run::command(&args);
    // One pipe, so that what both say stays in order.
    command.stdout(writer.try_clone().map_err(say)?).stderr(writer);
    command.env("RUST_BACKTRACE", if backtrace { "1" } else { "0" });
    let mut child = command.spawn().map_err(|e| format!("cargo does not start: {e}"))?;
    // It holds the pipe's other end.
    drop(command);
    let mut log = Log::default();
    let mut lines = BufReader::new(reader);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(say)? > 0 {
        // Who no longer listens does not stop the tests.
        let _ = io::stdout().lock().write_all(&line);
        log.take(&String::from_utf8_lossy(&line));
        line.clear();
    }
    log.green = child.wait().map_err(say)?.success();
    Ok(log)
}

/// What `cargo test --no-fail-fast` says: one program of tests after another, and after each that failed how to run it
/// again.
#[derive(Default)]
struct Log {
    /// The last lines of the program that is running.
    last: VecDeque<String>,
    /// All went well.
    green: bool,
    failed: Vec<(String, Vec<String>)>,
}

impl Log {
    fn take(&mut self, line: &str) {
        let line = line.trim_end();
        let plain = without_colours(line);
        if let Some((_, again)) = plain.split_once("failed, to rerun pass `").filter(|_| plain.starts_with("error: ")) {
            self.failed.push((again.trim_end_matches('`').to_owned(), self.last.drain(..).collect()));
            return;
        }
        let begins = plain.trim_start();
        if begins.starts_with("Running ") || begins.starts_with("Doc-tests ") {
            self.last.clear();
        }
        if self.last.len() == SHOWN {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
    }

    fn summary(&self) -> String {
        if self.failed.is_empty() {
            return "cargo test failed before a test did; the reason is above".to_owned();
        }
        let mut text = format!("failed: {} of the programs of tests\n", self.failed.len());
        for (again, last) in &self.failed {
            text += &format!("\n── cargo test {again}\n");
            for line in last {
                text += &format!("   {line}\n");
            }
        }
        text += "\nonce more, the names alone:\n";
        for (again, _) in &self.failed {
            text += &format!("  cargo test {again}\n");
        }
        text
    }
}

/// Without escape sequences that colour (ECMA-48 §8.3.117).
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, behind)| behind);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Log {
        let mut log = Log::default();
        text.lines().for_each(|line| log.take(line));
        log
    }

    #[test]
    fn a_failed_program_is_named_with_its_own_last_lines() {
        let log = log("     Running unittests src/lib.rs (deps/audit-1)
test a ... ok
test result: ok. 1 passed; 0 failed
\u{1b}[1m\u{1b}[92m     Running\u{1b}[0m tests/lab.rs (deps/lab-2)
a panic leaves nothing: assertion failed
\u{1b}[1m\u{1b}[91merror\u{1b}[0m: test failed, to rerun pass `-p lab --test lab`
   Doc-tests verify
test b ... FAILED
error: doctest failed, to rerun pass `-p verify --doc`
     Running unittests src/lib.rs (deps/wire-3)
test result: ok. 1 passed; 0 failed
error: 2 targets failed:
    `-p lab --test lab`
    `-p verify --doc`
");
        assert_eq!(log.failed.len(), 2);
        assert_eq!(log.failed[0].0, "-p lab --test lab");
        assert_eq!(log.failed[0].1.len(), 2);
        assert_eq!(log.failed[1].1, ["   Doc-tests verify", "test b ... FAILED"]);
        let summary = log.summary();
        assert!(summary.contains("a panic leaves nothing") && !summary.contains("audit-1"), "{summary}");
    }

    #[test]
    fn a_long_programs_end_is_shown_and_what_fails_before_any_test_is_said() {
        let lines: String = (0..500).map(|n| format!("line {n}\n")).collect();
        let long = log(&(lines + "error: test failed, to rerun pass `-p x --lib`\n"));
        assert_eq!(long.failed[0].1.len(), SHOWN);
        assert_eq!(long.failed[0].1.last().map(String::as_str), Some("line 499"));
        assert!(log("error: could not compile `x`\n").summary().contains("above"));
    }
}
