//! Isolation by construction: the lab's process lives in namespaces that end with it.
//!
//! Three processes, each the same program: the *owner* (holds the scratch directory and waits), the *init* of the new
//! process namespace (mounts, reaps), and the program proper. `unshare --kill-child` and a parent-death signal tie
//! them, so the end of any one of them, by whatever cause, ends all below it; the kernel then kills every process of
//! the process namespace and frees the network namespaces with their interfaces.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use rustix::mount::{MountFlags, mount, mount_bind};
use rustix::process::{WaitOptions, wait};

use crate::LabError;
use crate::scratch::Scratch;

const STAGE: &str = "SEKISHO_LAB_INSIDE";
/// Lies in the lab's private `/run`: proves that the environment variable was not merely set by hand.
const MARKER: &str = "/run/sekisho-lab";

/// Returns only inside the lab's namespaces; outside, runs the program again in there and exits with its result.
///
/// Call it first in `main`. Arguments, environment, standard streams and exit code pass through.
/// As root it makes network, mount and process namespaces; otherwise a user namespace too (rootless).
pub fn enter() {
    let outcome = match std::env::var(STAGE) {
        Ok(stage) if stage.starts_with("init:") => init(Path::new(&stage["init:".len()..])),
        Ok(_) if is_inside() => return,
        Ok(_) => Err(LabError::NotInside),
        Err(_) => own(),
    };
    match outcome {
        Ok(status) => std::process::exit(exit_code(status)),
        Err(error) => {
            eprintln!("lab: {error}");
            std::process::exit(125);
        }
    }
}

/// Whether this process runs inside a lab made by [`enter`].
#[must_use]
pub fn is_inside() -> bool {
    scratch_root().is_some()
}

/// Process id, outside, of the owner of the lab this process is in; from it a person finds the way in.
#[must_use]
pub fn owner() -> Option<u32> {
    crate::scratch::owner_of(&scratch_root()?)
}

/// The scratch directory of the lab this process is in.
pub(crate) fn scratch_root() -> Option<PathBuf> {
    let marker = fs::read_to_string(MARKER).ok()?;
    let stage = std::env::var(STAGE).ok()?;
    (stage.strip_prefix("run:")? == marker).then(|| PathBuf::from(marker))
}

fn own() -> Result<ExitStatus, LabError> {
    let rootless = !rustix::process::geteuid().is_root();
    let mut probe = Command::new("unshare");
    probe.args(["-n", "-m", "-p", "-f"]).args(rootless.then_some("-Ur")).arg("true");
    let probe = probe.output().map_err(LabError::io("unshare (util-linux)"))?;
    if !probe.status.success() {
        return Err(LabError::NoIsolation(String::from_utf8_lossy(&probe.stderr).trim().into()));
    }
    let scratch = Scratch::create()?;
    let program = std::env::current_exe().map_err(LabError::io("/proc/self/exe"))?;
    let mut command = tokio::process::Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc"])
        .args(["--propagation", "private"])
        .args(rootless.then_some("-Ur"))
        .arg("--")
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(STAGE, format!("init:{}", scratch.path().display()));
    // One thread only: the parent-death signal fires at the end of the *thread* that forked.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LabError::io("event loop"))?;
    let status = runtime.block_on(wait_or_signal(command));
    drop(scratch);
    status
}

/// `unshare` blocks SIGINT and SIGTERM while it waits, so the owner has to pass the end on.
async fn wait_or_signal(mut command: tokio::process::Command) -> Result<ExitStatus, LabError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(LabError::io("signal handler"));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut child = command.spawn().map_err(LabError::io("setpriv (util-linux)"))?;
    let end = tokio::select! {
        status = child.wait() => return status.map_err(LabError::io("lab process")),
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hangup.recv() => SignalKind::hangup(),
    };
    // A terminal sends SIGINT to the program proper as well: let it finish by itself for a moment.
    let grace = std::time::Duration::from_secs(if end == SignalKind::interrupt() { 3 } else { 0 });
    if tokio::time::timeout(grace, child.wait()).await.is_err() {
        child.kill().await.map_err(LabError::io("lab process"))?;
    }
    Ok(ExitStatus::from_raw(end.as_raw_value()))
}

fn init(scratch: &Path) -> Result<ExitStatus, LabError> {
    if std::process::id() != 1 {
        return Err(LabError::NotInside);
    }
    prepare(scratch)?;
    let program = std::env::current_exe().map_err(LabError::io("/proc/self/exe"))?;
    let child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(STAGE, format!("run:{}", scratch.display()))
        .spawn()
        .map_err(LabError::io("lab process"))?;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() as u32 == child.id() => {
                return Ok(ExitStatus::from_raw(status.as_raw()));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(LabError::io("wait")(error.into())),
        }
    }
}

fn prepare(scratch: &Path) -> Result<(), LabError> {
    mount("tmpfs", "/run", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, None)
        .map_err(|error| LabError::io("tmpfs on /run")(error.into()))?;
    fs::create_dir("/run/netns").map_err(LabError::io("/run/netns"))?;
    fs::write(MARKER, scratch.as_os_str().as_encoded_bytes()).map_err(LabError::io(MARKER))?;
    // No name server in the lab: with an empty file the resolver asks 127.0.0.1, which refuses at once.
    for name in ["resolv.conf", "hosts"] {
        let ours = scratch.join(name);
        fs::write(&ours, "127.0.0.1 localhost\n".repeat(usize::from(name == "hosts")))
            .map_err(LabError::io(ours.display().to_string()))?;
        let target = Path::new("/etc").join(name);
        if target.exists() {
            mount_bind(&ours, &target).map_err(|error| LabError::io(target.display().to_string())(error.into()))?;
        }
    }
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).stdin(Stdio::null()).status();
    match up {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(LabError::io("ip link set lo up")(io::Error::other(status.to_string()))),
        Err(error) => Err(LabError::io("ip (iproute2)")(error)),
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
