//! What can go wrong while a lab is raised or used.

use std::io;

/// Failure of a lab operation. Unless the text says otherwise the machine is at fault, not the scenario.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The program was not started through [`crate::enter`].
    #[error("not inside a lab: call `lab::enter()` first in `main`")]
    NotInside,
    /// One process can hold one lab at a time, since namespace names are fixed.
    #[error("another lab is up in this process: drop it first")]
    AlreadyUp,
    /// Neither root nor unprivileged user namespaces are at hand.
    #[error(
        "cannot isolate the lab: {0}; run as root, or allow unprivileged user namespaces (user.max_user_namespaces, AppArmor)"
    )]
    NoIsolation(String),
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// The object that was touched.
        what: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A command answered with failure.
    #[error("`{command}` failed: {stderr}")]
    Command {
        /// The command line.
        command: String,
        /// What it wrote to standard error (and output, if that is all it wrote).
        stderr: String,
    },
    /// Something did not come about in time.
    #[error("waited {seconds} s for {what}{hint}")]
    Timeout {
        /// What was awaited.
        what: String,
        /// For how long.
        seconds: u64,
        /// Last lines of the log that may tell why; empty if there is none.
        hint: String,
    },
    /// The caller named something that the scenario does not have.
    #[error("no {kind} `{name}` in this lab")]
    Unknown {
        /// Kind of the thing.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// TLS, HTTP or key material was not as expected.
    #[error("{0}")]
    Protocol(String),
}

impl LabError {
    /// Wraps a system error with the object it touched; made for `map_err`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> LabError {
        let what = what.into();
        move |source| LabError::Io { what, source }
    }
}
