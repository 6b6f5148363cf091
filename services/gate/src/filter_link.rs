//! nftables in the red namespace: a thread that lives there and speaks to `nft`, one transaction at a time.
//!
//! Changes go to an `nft -i` that stays: to start the program takes ten times as long as the change itself, and its CPU
//! time is taken from whoever negotiates the tunnel at that moment. Whole tables and reading go to an `nft` of their own.

use site::{Event, Output, RedInterfaces};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::hub::Hub;
use crate::namespaces;

/// Starts the thread. It ends when the gate does.
///
/// # Errors
/// If the thread cannot start; a namespace or `nft` that is missing is reported as every later failure is.
pub fn start(
    red: PathBuf,
    interfaces: RedInterfaces,
    hub: Arc<Hub>,
    mut orders: UnboundedReceiver<Output>,
) -> io::Result<()> {
    std::thread::Builder::new().name("filter".into()).spawn(move || {
        let entered = namespaces::enter(&red);
        let mut shell = None;
        while let Some(order) = orders.blocking_recv() {
            let entered = entered.as_ref().map(drop).map_err(ToString::to_string);
            let event = match order {
                Output::ReadFilters => match entered.and_then(|()| read(&interfaces)) {
                    Ok(state) => Event::FilterState(state),
                    Err(error) => Event::FilterFailed(0, error),
                },
                Output::ApplyFilters { change, script } => match entered.and_then(|()| apply(&mut shell, &script)) {
                    Ok(()) => Event::FilterApplied(change),
                    Err(error) => Event::FilterFailed(change, error),
                },
                other => {
                    tracing::error!(?other, "not for the filter");
                    continue;
                }
            };
            hub.feed(event);
        }
    })?;
    Ok(())
}

/// One transaction. A shell that breaks is not trusted with a second one, nor is it known what it did with the first:
/// the change is reported as failed, and the machine reads what stands.
fn apply(shell: &mut Option<Shell>, script: &str) -> Result<(), String> {
    let Some(line) = Shell::line(script) else { return nft(&["-f", "-"], script).map(drop) };
    let mut running = match shell.take() {
        Some(running) => running,
        None => Shell::start().map_err(|e| format!("nft -i: {e}; install nftables"))?,
    };
    let said = running.run(&line).map_err(|e| format!("nft -i: {e}"))?;
    *shell = Some(running);
    if said.is_empty() { Ok(()) } else { Err(said) }
}

/// An `nft -i` that stays. What it says goes to standard error, and a change that succeeds says nothing; so each is
/// followed by a question after a table that cannot exist, and what comes before the answer is what the change said.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStderr>,
    asked: u64,
}

impl Shell {
    /// Longer lines are not what interactive use is made for.
    const LONGEST: usize = 4096;

    fn start() -> io::Result<Self> {
        let mut child = Command::new(program())
            .arg("-i")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env("LC_ALL", "C")
            // It would keep a history of every line in the home folder, and search it at each.
            .env("HOME", "/nonexistent")
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stderr.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("no pipes"))?;
        Ok(Self { child, input, output: BufReader::new(output), asked: 0 })
    }

    /// A script of elements as one line, which nft takes as one transaction; nothing else is for this shell.
    fn line(script: &str) -> Option<String> {
        let elements = |line: &str| line.starts_with("add element ") || line.starts_with("delete element ");
        let fits = script.len() <= Self::LONGEST && !script.is_empty() && script.lines().all(elements);
        fits.then(|| script.lines().collect::<Vec<_>>().join("; "))
    }

    fn run(&mut self, line: &str) -> io::Result<String> {
        self.asked += 1;
        let end = format!("sekisho-end-{}", self.asked);
        // `list` names the table in its error: the line after the error shows the command.
        writeln!(self.input, "{line}\nlist table inet {end}")?;
        self.input.flush()?;
        let mut said: Vec<String> = Vec::new();
        loop {
            let mut heard = String::new();
            if self.output.read_line(&mut heard)? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, said.join("; ")));
            }
            let heard = heard.trim_end().to_owned();
            if heard.ends_with(&end) {
                // The line before is the error of the question itself.
                said.pop();
                // The marks below the place of an error are of no use in a log.
                said.retain(|line| !line.trim_matches([' ', '^', '~']).is_empty());
                return Ok(said.join("; "));
            }
            said.push(heard);
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(interfaces: &RedInterfaces) -> Result<Option<site::ObservedFilters>, String> {
    match nft(&["-j", "list", "table", "inet", "sekisho"], "") {
        Ok(json) => site::parse_state(interfaces, &json).map(Some).map_err(|e| e.to_string()),
        Err(error) if error.contains("No such file or directory") && !error.contains("nft:") => Ok(None),
        Err(error) => Err(error),
    }
}

fn nft(arguments: &[&str], script: &str) -> Result<String, String> {
    let say = |e: io::Error| format!("nft: {e}; install nftables");
    let mut child = Command::new(program())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(say)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(script.as_bytes()).map_err(say)?;
    }
    let out = child.wait_with_output().map_err(say)?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&out.stderr).trim().to_owned())
}

/// A service's PATH often lacks sbin.
fn program() -> &'static Path {
    let usual = Path::new("/usr/sbin/nft");
    if usual.exists() { usual } else { Path::new("nft") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scripts_of_elements_become_a_line() {
        let two = "delete element inet sekisho a { 1 }\nadd element inet sekisho b { 2 comment \"g-1\" }\n";
        let line = Shell::line(two).unwrap();
        assert_eq!(line, "delete element inet sekisho a { 1 }; add element inet sekisho b { 2 comment \"g-1\" }");
        for other in ["", "add table inet sekisho\n", "add element inet sekisho a { 1 }\nflush ruleset\n"] {
            assert_eq!(Shell::line(other), None, "{other}");
        }
        assert_eq!(Shell::line(&two.repeat(100)), None);
    }

    #[test]
    fn a_refused_change_says_why_and_the_next_answer_is_its_own() {
        let mut shell = Shell::start().unwrap();
        for table in ["sekisho_nowhere", "sekisho_elsewhere"] {
            // There is no such table on any machine, so nothing is changed here, with or without the right to.
            let said = shell.run(&format!("add element inet {table} a {{ 1 }}; delete element inet {table} a {{ 2 }}"));
            let said = said.unwrap();
            assert!(said.starts_with("Error: ") && !said.contains("sekisho-end"), "{said}");
            assert!(!said.contains("list table"), "{said}");
        }
    }
}
