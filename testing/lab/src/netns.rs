//! One named network namespace: run a closure, a command or a daemon in it.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::LabError;
use crate::process::{self, Finished, Proc};

/// A network namespace `/run/netns/<name>` of this lab.
#[derive(Debug, Clone)]
pub struct Netns {
    name: String,
    logs: PathBuf,
}

impl Netns {
    /// Makes the namespace with loopback up and without IPv6, whose housekeeping would fill captures.
    pub fn add(name: &str, logs: &Path) -> Result<Self, LabError> {
        process::run(Command::new("ip").args(["netns", "add", name]))?;
        let netns = Self { name: name.into(), logs: logs.into() };
        netns.within(|| {
            for scope in ["all", "default"] {
                // Absent where the kernel has no IPv6.
                let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1");
            }
            process::run(Command::new("ip").args(["link", "set", "lo", "up"]))
        })??;
        Ok(netns)
    }

    /// Turns IPv6 on for the interfaces that are there and for those to come, with nothing on its own account but
    /// link-local addresses, which neighbours are asked from: no router is looked for and no address made up, and one
    /// that is given is used at once.
    pub(crate) fn enable_ipv6(&self, but: &[&str]) -> Result<(), LabError> {
        let set = |interface: &str, name: &str, value: &str| {
            let path = format!("/proc/sys/net/ipv6/conf/{interface}/{name}");
            fs::write(&path, value).map_err(LabError::io(path))
        };
        self.within(|| {
            let there = fs::read_dir("/proc/sys/net/ipv6/conf").map_err(LabError::io("net.ipv6"))?;
            let mut interfaces: Vec<String> =
                there.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
            // What is set for all is set for each: so it goes first.
            interfaces.sort_by_key(|name| name != "all");
            for interface in &interfaces {
                for (name, value) in [("autoconf", "0"), ("accept_ra", "0"), ("router_solicitations", "0")] {
                    set(interface, name, value)?;
                }
                for name in ["accept_dad", "dad_transmits"] {
                    set(interface, name, "0")?;
                }
                if !but.contains(&interface.as_str()) {
                    set(interface, "disable_ipv6", "0")?;
                }
            }
            but.iter().try_for_each(|interface| set(interface, "disable_ipv6", "1"))
        })?
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its path, for `setns` by another program.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// Runs a closure on a thread inside the namespace; sockets and children made there stay in it.
    ///
    /// # Panics
    /// Passes on a panic of the closure.
    pub fn within<T: Send>(&self, body: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        let door = File::open(self.path()).map_err(LabError::io(self.path().display().to_string()))?;
        let name = &self.name;
        let joined = std::thread::scope(|scope| {
            let inside = move || {
                move_into_link_name_space(door.as_fd(), Some(LinkNameSpaceType::Network))
                    .map_err(|error| LabError::io(format!("setns {name}"))(error.into()))?;
                Ok(body())
            };
            scope.spawn(inside).join()
        });
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Starts a command in the namespace; it is killed when the [`Proc`] is dropped, its output goes to a log file.
    pub fn spawn(&self, mut command: Command) -> Result<Proc, LabError> {
        let program = Path::new(command.get_program()).file_name().unwrap_or_default();
        let log = self.logs.join(format!("{}.{}.log", self.name, program.to_string_lossy()));
        let open = || File::options().create(true).append(true).open(&log);
        let out = open().map_err(LabError::io(log.display().to_string()))?;
        let err = out.try_clone().map_err(LabError::io(log.display().to_string()))?;
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        self.within(move || Proc::start(command, log))?
    }

    /// Runs a command in the namespace to its end, or kills it after `timeout`.
    pub fn run(&self, mut command: Command, timeout: Duration) -> Result<Finished, LabError> {
        self.within(move || process::output(&mut command, timeout))?
    }

    /// A counter of its TCP (RFC 4022), by its name in `/proc/net/snmp`: `RetransSegs`, `OutRsts`.
    pub fn tcp_counter(&self, name: &str) -> Result<u64, LabError> {
        let file = "/proc/thread-self/net/snmp";
        let text = self.within(|| fs::read_to_string(file))?.map_err(LabError::io(file))?;
        let mut rows = text.lines().filter(|line| line.starts_with("Tcp:"));
        let (names, values) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
        let found = names.split(' ').zip(values.split(' ')).find(|(n, _)| *n == name);
        found
            .and_then(|(_, value)| value.parse().ok())
            .ok_or_else(|| LabError::Protocol(format!("{file} has no {name} of TCP")))
    }

    /// Runs lines of `ip` in one go, each without the word `ip`.
    pub fn ip(&self, lines: &[String]) -> Result<(), LabError> {
        self.within(|| process::batch("ip", lines))?
    }
}

/// Of the family of an address: any.
pub(crate) fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Where a server listens in the calling thread's namespace: `::`, which takes IPv4 as well (Linux, ipv6(7)
/// `IPV6_V6ONLY`), where an interface has an IPv6 address to be reached at, else `0.0.0.0`.
pub(crate) fn any() -> IpAddr {
    // Without IPv6 the file is there and empty. Loopback's does not count: it comes and goes with the sysctl.
    let addresses = fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap_or_default();
    match addresses.lines().any(|line| !line.ends_with(" lo")) {
        true => Ipv6Addr::UNSPECIFIED.into(),
        false => Ipv4Addr::UNSPECIFIED.into(),
    }
}
