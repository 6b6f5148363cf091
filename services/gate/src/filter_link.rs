//! nftables in the red namespace: a thread that lives there, one transaction at a time.
//!
//! Changes of elements go straight to the kernel: a program that parses them and asks for what it has first takes its
//! CPU time from whoever negotiates the tunnel at that moment. Whole tables and reading go to `nft`.

use site::{Event, Output, RedInterfaces};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::hub::Hub;
use crate::namespaces;
use crate::nfnetlink::{Elements, Kernel};

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
        let mut kernel = None;
        while let Some(order) = orders.blocking_recv() {
            let entered = entered.as_ref().map(drop).map_err(ToString::to_string);
            let event = match order {
                Output::ReadFilters => match entered.and_then(|()| read(&interfaces)) {
                    Ok(state) => Event::FilterState(state),
                    Err(error) => Event::FilterFailed(0, error),
                },
                Output::ApplyFilters { change, script } => match entered.and_then(|()| apply(&mut kernel, &script)) {
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

/// One transaction. A connection that failed is not used again, and what the kernel did is not known: the change is
/// reported as failed, and the machine reads what stands.
fn apply(kernel: &mut Option<Kernel>, script: &str) -> Result<(), String> {
    let Some(elements) = Elements::of(script) else { return nft(&["-f", "-"], script).map(drop) };
    let say = |e: io::Error| format!("nftables: {e}");
    let mut open = match kernel.take() {
        Some(open) => open,
        None => Kernel::open().map_err(say)?,
    };
    open.change(&elements).map_err(say)?;
    *kernel = Some(open);
    Ok(())
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
    fn a_refused_change_says_why_and_the_next_answer_is_its_own() {
        let mut kernel = None;
        for set in ["nowhere", "elsewhere"] {
            // The namespace the tests run in has no such table, or they may not change it: nothing is changed here.
            let said =
                apply(&mut kernel, &format!("add element inet sekisho {set} {{ 10.0.0.1 . 10.0.0.2 . tcp . 1 }}\n"));
            assert!(said.is_err_and(|why| why.starts_with("nftables: ")));
            assert!(kernel.is_none(), "it is opened anew");
        }
    }
}
