//! Child processes: run to the end, or keep one that dies with its handle.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::LabError;

/// How long a tool of the lab (not of the product) may take on a loaded machine.
const TOOL: Duration = Duration::from_secs(30);

/// A command that ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Exit status; `None` if it was killed because time was up.
    pub status: Option<ExitStatus>,
    /// Standard output, lossy UTF-8.
    pub stdout: String,
    /// Standard error, lossy UTF-8.
    pub stderr: String,
}

impl Finished {
    /// Whether it ended by itself with code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// A running process; dropping it kills it.
#[derive(Debug)]
pub struct Proc {
    child: Child,
    log: PathBuf,
}

impl Proc {
    pub(crate) fn start(mut command: Command, log: PathBuf) -> Result<Self, LabError> {
        let child = command.spawn().map_err(LabError::io(show(&command)))?;
        Ok(Self { child, log })
    }

    /// Process id as seen inside the lab.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Last lines of its log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let all: Vec<_> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill9(&mut self) {
        // Fails only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal, if it still runs.
    pub fn signal(&mut self, signal: Signal) {
        if let (true, Some(pid)) = (self.is_running(), Pid::from_raw(self.child.id() as i32)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Stops it where it is (SIGSTOP): alive, holding all its connections, doing nothing.
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Ends it as systemd ends one whose watchdog ran out: SIGABRT, and SIGCONT so that one that stands still hears it.
    pub fn abort(&mut self) {
        self.signal(Signal::ABORT);
        self.signal(Signal::CONT);
    }

    /// Sends SIGTERM, waits, and kills what does not end in time.
    pub fn stop(&mut self, timeout: Duration) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        let status = self.wait(timeout);
        self.kill9();
        status
    }

    /// Waits for its end; `None` when time is up.
    pub fn wait(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let mut status = None;
        until(timeout, || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        status
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// Polls until `done` or the end of time; says which.
pub(crate) fn until(timeout: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + timeout;
    let mut pause = Duration::from_micros(500);
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Runs a tool that must succeed; gives its standard output.
pub(crate) fn run(command: &mut Command) -> Result<String, LabError> {
    let finished = output(command, TOOL)?;
    expect_success(&show(command), finished)
}

/// Feeds lines to `ip -batch -` or to another tool that reads a script from standard input.
pub(crate) fn batch(tool: &str, lines: &[String]) -> Result<(), LabError> {
    let mut command = Command::new(tool);
    match tool {
        "ip" => command.args(["-batch", "-"]),
        _ => command.args(["-f", "-"]),
    };
    let script = lines.join("\n") + "\n";
    let finished = with_input(&mut command, script.as_bytes(), TOOL)?;
    expect_success(&format!("{tool}: {}", lines.join("; ")), finished).map(drop)
}

/// Runs a command to its end, or kills it when time is up.
pub(crate) fn output(command: &mut Command, timeout: Duration) -> Result<Finished, LabError> {
    with_input(command, b"", timeout)
}

fn with_input(command: &mut Command, input: &[u8], timeout: Duration) -> Result<Finished, LabError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(LabError::io(show(command)))?;
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // A grandchild may hold the pipes open after the child's death, so the readers are not joined but asked.
    let (send_out, out) = std::sync::mpsc::channel();
    let (send_err, err) = std::sync::mpsc::channel();
    std::thread::spawn(move || send_out.send(read_all(stdout)));
    std::thread::spawn(move || send_err.send(read_all(stderr)));
    if let Some(stdin) = &mut stdin {
        // A command that does not read its input answers by its status.
        let _ = stdin.write_all(input);
    }
    drop(stdin);
    let mut proc = Proc { child, log: PathBuf::new() };
    let status = proc.wait(timeout);
    proc.kill9();
    let patience = Duration::from_secs(1);
    Ok(Finished {
        status,
        stdout: out.recv_timeout(patience).unwrap_or_default(),
        stderr: err.recv_timeout(patience).unwrap_or_default(),
    })
}

fn read_all(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn expect_success(command: &str, finished: Finished) -> Result<String, LabError> {
    if finished.success() {
        return Ok(finished.stdout);
    }
    let timeout = if finished.status.is_none() { "no answer in time; " } else { "" };
    let stderr = format!("{timeout}{}{}", finished.stderr.trim(), finished.stdout.trim());
    Err(LabError::Command { command: command.into(), stderr })
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
