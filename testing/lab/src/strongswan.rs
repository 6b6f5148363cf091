//! A plain strongSwan in one namespace: a client of a VPN, or the server clients connect to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::LabError;
use crate::charon::settings;
use crate::netns::Netns;
use crate::process::{self, Proc, until};

const START: Duration = Duration::from_secs(30);

/// A strongSwan with EAP-MSCHAPv2. Its tunnel device `ipsec0` is where it was started. Dropping it kills it.
#[derive(Debug)]
pub struct StrongSwan {
    netns: Netns,
    run: PathBuf,
    daemon: Option<Proc>,
}

impl StrongSwan {
    pub(crate) fn start(netns: &Netns, run: PathBuf, install_virtual_ip: bool) -> Result<Self, LabError> {
        std::fs::create_dir_all(&run).map_err(LabError::io(run.display().to_string()))?;
        let mut started = Self { netns: netns.clone(), run, daemon: None };
        let conf = settings(&started.vici_socket(), "eap-identity eap-mschapv2", install_virtual_ip);
        std::fs::write(started.conf(), conf).map_err(LabError::io(started.conf().display().to_string()))?;
        started.again()?;
        Ok(started)
    }

    /// Its VICI socket.
    #[must_use]
    pub fn vici_socket(&self) -> PathBuf {
        self.run.join("charon.vici")
    }

    /// `SWANCTL_DIR`: its `swanctl.conf`, `x509/`, `x509ca/`, `private/` …
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.run
    }

    /// Starts it, if it does not run.
    pub fn again(&mut self) -> Result<(), LabError> {
        if self.daemon.as_mut().is_some_and(Proc::is_running) {
            return Ok(());
        }
        let socket = self.vici_socket();
        let _ = std::fs::remove_file(&socket);
        let mut command = Command::new("/usr/sbin/charon-systemd");
        command.env("STRONGSWAN_CONF", self.conf());
        let mut daemon = self.netns.spawn(command)?;
        let mut up = false;
        until(START, || {
            up = std::os::unix::net::UnixStream::connect(&socket).is_ok();
            up || !daemon.is_running()
        });
        if !up {
            let hint = format!("; charon's log ends: {}", daemon.log_tail(5));
            return Err(LabError::Timeout { what: socket.display().to_string(), seconds: START.as_secs(), hint });
        }
        self.daemon = Some(daemon);
        Ok(())
    }

    /// `kill -9`: its tunnel device vanishes, its peers are told nothing.
    pub fn kill9(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill9();
        }
    }

    /// `swanctl` against it. Fails when `swanctl` does.
    pub fn swanctl(&self, arguments: &[&str]) -> Result<String, LabError> {
        let mut command = Command::new("swanctl");
        command.args(arguments).arg("--uri").arg(format!("unix://{}", self.vici_socket().display()));
        command.env("STRONGSWAN_CONF", self.conf()).env("SWANCTL_DIR", &self.run);
        process::run(&mut command)
    }

    /// Last lines of its log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        self.daemon.as_ref().map(|daemon| daemon.log_tail(lines)).unwrap_or_default()
    }

    fn conf(&self) -> PathBuf {
        self.run.join("strongswan.conf")
    }
}
