//! Sockets and programs in another network namespace, from a thread that goes there and never comes back.

use files::Fault;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use crate::fault;

/// The namespace cannot be entered; what the `io::Error` of this module carries then.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotEntered(pub Fault);

/// Runs `work` on a thread of its own inside the namespace; what it opens stays there. Blocking: short work only.
///
/// # Errors
/// If the namespace cannot be entered (it names it), or what `work` says.
pub fn inside<T: Send + 'static>(
    namespace: Option<&Path>,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let Some(path) = namespace.map(Path::to_owned) else { return work() };
    let thread = std::thread::Builder::new().name("netns".into()).spawn(move || {
        enter(&path)?;
        work()
    })?;
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the namespace thread panicked")))
}

/// Moves this thread into the namespace.
///
/// # Errors
/// Names the namespace and the mend.
pub fn enter(path: &Path) -> io::Result<()> {
    let say = |e: io::Error| {
        let said = fault::Fault::Namespace { said: e.to_string() };
        io::Error::new(e.kind(), NotEntered(Fault::of(path, said)))
    };
    let file = File::open(path).map_err(say)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).map_err(|e| say(e.into()))
}
