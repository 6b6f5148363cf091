//! Network namespaces of the bench: `sk-bench-*`, inside the lab's own mount and process namespaces.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::BenchError;

/// A namespace with nothing but loopback.
#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
}

impl Namespace {
    pub(super) fn add(name: &str) -> Result<Self, BenchError> {
        let added = Self { name: name.to_owned() };
        ip(&["netns", "add", name])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        Ok(added)
    }

    pub(super) fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// A command that will run in it; its process id is the program's own, since `ip netns exec` becomes the program.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs a closure on a thread in the namespace; sockets made there stay in it.
    pub(super) fn within<T: Send>(&self, body: impl FnOnce() -> T + Send) -> Result<T, BenchError> {
        let door = std::fs::File::open(self.path()).map_err(BenchError::file(self.path()))?;
        let path = self.path();
        let inside = move || {
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&door), Some(LinkNameSpaceType::Network))
                .map_err(|e| BenchError::File { path, source: e.into() })?;
            Ok(body())
        };
        let joined = std::thread::scope(|scope| scope.spawn(inside).join());
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // What fails here ends with the process namespace.
        let _ = ip(&["netns", "del", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), BenchError> {
    let output = Command::new("ip").args(arguments).output().map_err(BenchError::file("ip (iproute2)"))?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(BenchError::Subject(format!("ip {}: {why}", arguments.join(" "))))
}
