//! A gateway's IKE daemon: strongSwan in black, its tunnel device in red.
//!
//! kernel-libipsec creates the tunnel device `ipsec0` where charon runs. The lab moves it to red and leaves a *decoy*
//! of the same name in black that carries the protected hosts' addresses: the plugin installs a route for each policy
//! and wants a local address inside the local selector. A restart destroys the device, so all of it is done again.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use ipnet::IpNet;

use crate::LabError;
use crate::element::SecureElement;
use crate::netns::Netns;
use crate::process::{self, Proc, until};

const START: Duration = Duration::from_secs(20);

/// strongSwan of one gateway, spoken to through VICI.
#[derive(Debug)]
pub struct Charon {
    black: Netns,
    red: Netns,
    run: PathBuf,
    decoys: Vec<IpAddr>,
    remote: Vec<IpNet>,
    daemon: Mutex<Option<Proc>>,
    /// What it needs in its environment.
    environment: Mutex<Vec<(String, String)>>,
}

/// One CHILD_SA as `swanctl --list-sas` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildSa {
    /// Name of the IKE connection.
    pub ike: String,
    /// Name of the child.
    pub child: String,
    /// `INSTALLED`, `REKEYED` …
    pub state: String,
    /// Local selectors, e.g. `10.1.20.11/32[tcp]`.
    pub local: String,
    /// Remote selectors, e.g. `10.2.10.10/32[tcp/https]`.
    pub remote: String,
}

impl Charon {
    /// Starts charon. `decoys` are the protected hosts here, `remote` the prefixes behind the other gateways.
    pub(crate) fn new(
        black: Netns,
        red: Netns,
        run: PathBuf,
        decoys: Vec<IpAddr>,
        remote: Vec<IpNet>,
    ) -> Result<Self, LabError> {
        std::fs::create_dir_all(&run).map_err(LabError::io(run.display().to_string()))?;
        let charon = Self { black, red, run, decoys, remote, daemon: Mutex::new(None), environment: Mutex::default() };
        let conf = charon.conf();
        std::fs::write(&conf, charon.settings()).map_err(LabError::io(conf.display().to_string()))?;
        charon.start()?;
        Ok(charon)
    }

    /// Its VICI socket; a Unix socket, reachable from every namespace of the lab.
    #[must_use]
    pub fn vici_socket(&self) -> PathBuf {
        self.run.join("charon.vici")
    }

    /// Starts the daemon and rebuilds device, decoy and routes. Nothing to do if it runs.
    pub fn start(&self) -> Result<(), LabError> {
        let mut slot = lock(&self.daemon);
        if slot.as_mut().is_some_and(Proc::is_running) {
            return Ok(());
        }
        *slot = None;
        // With the decoy still there charon would name its device ipsec1.
        self.remove_device(&self.black)?;
        let _ = std::fs::remove_file(self.vici_socket());
        let mut command = Command::new("/usr/sbin/charon-systemd");
        command.env("STRONGSWAN_CONF", self.conf()).envs(lock(&self.environment).iter().cloned());
        let mut daemon = self.black.spawn(command)?;
        let socket = self.vici_socket();
        let mut up = false;
        until(START, || {
            up = std::os::unix::net::UnixStream::connect(&socket).is_ok();
            up || !daemon.is_running()
        });
        if !up {
            let hint = format!("; charon's log ends: {}", daemon.log_tail(5));
            return Err(LabError::Timeout { what: socket.display().to_string(), seconds: START.as_secs(), hint });
        }
        self.move_device()?;
        *slot = Some(daemon);
        Ok(())
    }

    /// Stops the daemon in order (SIGTERM: it tells its peers) and waits for its end.
    pub fn stop(&self) {
        if let Some(mut daemon) = lock(&self.daemon).take() {
            daemon.stop(Duration::from_secs(10));
        }
    }

    /// `kill -9`: the tunnel device and with it red's routes vanish at once.
    pub fn kill9(&self) {
        if let Some(mut daemon) = lock(&self.daemon).take() {
            daemon.kill9();
        }
    }

    /// Stops (in order) and starts again.
    pub fn restart(&self) -> Result<(), LabError> {
        self.stop();
        self.start()
    }

    /// Restarts it so that it can sign with keys in a secure element.
    pub fn with_element(&self, element: &SecureElement) -> Result<(), LabError> {
        *lock(&self.environment) = element.environment().to_vec();
        let module = format!("pkcs11 {{ modules {{ element {{ path = {} }} }} }}", element.charon_module().display());
        // Whoever is asked first for a key on a token must be who knows tokens.
        let settings = self.settings().replacen(" pem ", " pkcs11 pem ", 1);
        let settings = settings.replacen("    plugins {\n", &format!("    plugins {{\n        {module}\n"), 1);
        let conf = self.conf();
        std::fs::write(&conf, settings).map_err(LabError::io(conf.display().to_string()))?;
        self.restart()
    }

    /// Whether the daemon runs.
    pub fn is_running(&self) -> bool {
        lock(&self.daemon).as_mut().is_some_and(Proc::is_running)
    }

    /// Process id, if it runs.
    pub fn id(&self) -> Option<u32> {
        lock(&self.daemon).as_ref().map(Proc::id)
    }

    /// Last lines of charon's log.
    pub fn log_tail(&self, lines: usize) -> String {
        lock(&self.daemon).as_ref().map(|daemon| daemon.log_tail(lines)).unwrap_or_default()
    }

    /// The CHILD_SAs that charon itself reports.
    pub fn list_sas(&self) -> Result<Vec<ChildSa>, LabError> {
        Ok(parse_sas(&self.swanctl(&["--list-sas"])?))
    }

    /// `swanctl` against this daemon.
    pub fn swanctl(&self, arguments: &[&str]) -> Result<String, LabError> {
        let mut command = Command::new("swanctl");
        command.args(arguments).arg("--uri").arg(format!("unix://{}", self.vici_socket().display()));
        command.env("STRONGSWAN_CONF", self.conf()).env("SWANCTL_DIR", &self.run);
        process::run(&mut command)
    }

    /// Directory of this daemon; [`crate::byhand`] puts `swanctl.conf` and keys here.
    pub(crate) fn directory(&self) -> &Path {
        &self.run
    }

    fn move_device(&self) -> Result<(), LabError> {
        let mut lines = vec![format!("link set ipsec0 netns {}", self.red.name())];
        lines.push("tuntap add dev ipsec0 mode tun".into());
        lines.push("link set ipsec0 up".into());
        lines.extend(self.decoys.iter().map(|address| format!("addr add {} dev ipsec0", IpNet::from(*address))));
        self.black.ip(&lines)?;
        let mut lines = vec!["link set ipsec0 mtu 1400 up".to_owned()];
        lines.extend(self.remote.iter().map(|prefix| format!("route replace {prefix} dev ipsec0")));
        self.red.ip(&lines)
    }

    fn remove_device(&self, netns: &Netns) -> Result<(), LabError> {
        netns.within(|| {
            let exists = || device_exists("ipsec0");
            if exists() {
                process::run(Command::new("ip").args(["link", "del", "ipsec0"]))?;
            }
            Ok(())
        })?
    }

    fn conf(&self) -> PathBuf {
        self.run.join("strongswan.conf")
    }

    fn settings(&self) -> String {
        settings(&self.vici_socket(), "", false)
    }
}

/// strongswan.conf. openssl carries the ciphers; loading aes, sha2 or gcm beside it would make ESP 15 times slower.
pub(crate) fn settings(vici: &Path, plugins: &str, install_virtual_ip: bool) -> String {
    format!(
        r#"charon {{
    load = random nonce kdf openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey kernel-libipsec kernel-netlink socket-default vici updown {plugins}
    threads = 64
    # The peers are known gateways; cookies would stall bursts of one peer (RFC 7296 §2.6).
    dos_protection = no
    fragment_size = 1280
    # A lost packet of IKE is asked for again after 0.4 s, not 4 s; given up after 28 s.
    retransmit_timeout = 0.4
    retransmit_base = 1.6
    retransmit_tries = 7
    install_virtual_ip = {virtual_ip}
    start-scripts {{
    }}
    stop-scripts {{
    }}
    plugins {{
        vici {{
            socket = unix://{socket}
        }}
    }}
    filelog {{
        stderr {{
            default = 1
            time_format = %T
            flush_line = yes
        }}
    }}
}}
charon-systemd {{
    journal {{
        default = -1
    }}
}}
swanctl {{
    load = random nonce openssl pem pkcs1 pkcs8 x509 pubkey
}}
"#,
        socket = vici.display(),
        virtual_ip = if install_virtual_ip { "yes" } else { "no" },
    )
}

impl Drop for Charon {
    fn drop(&mut self) {
        // No farewell to peers: the lab goes as a whole.
        self.kill9();
    }
}

/// `/proc/thread-self/net/dev` lists the devices of the calling thread's namespace.
fn device_exists(name: &str) -> bool {
    let devices = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    devices.lines().any(|line| line.trim_start().starts_with(&format!("{name}:")))
}

fn lock<T>(slot: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Reads `swanctl --list-sas`: IKE_SAs at column 0, children at column 2, their selectors at column 4.
fn parse_sas(text: &str) -> Vec<ChildSa> {
    let mut ike = String::new();
    let mut sas: Vec<ChildSa> = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<_> = line.split_whitespace().collect();
        match (indent, words.as_slice()) {
            (0, [name, ..]) => ike = name.trim_end_matches(':').into(),
            (2, [name, id, "reqid", _, state, ..]) if id.starts_with('#') => sas.push(ChildSa {
                ike: ike.clone(),
                child: name.trim_end_matches(':').into(),
                state: state.trim_end_matches(',').into(),
                local: String::new(),
                remote: String::new(),
            }),
            (4, ["local", selectors @ ..]) => {
                if let Some(sa) = sas.last_mut() {
                    sa.local = selectors.join(" ");
                }
            }
            (4, ["remote", selectors @ ..]) => {
                if let Some(sa) = sas.last_mut() {
                    sa.remote = selectors.join(" ");
                }
            }
            _ => {}
        }
    }
    sas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sas_are_read_from_swanctl() {
        let text = "gw: #1, ESTABLISHED, IKEv2, 0a_i* 0b_r\n  local  'CN=clinic' @ 192.0.2.11[4500]\n  remote 'CN=hospital' @ 192.0.2.12[4500]\n  AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384\n  established 0s ago\n  g1: #1, reqid 1, INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-256\n    installed 0s ago, rekeying in 3387s\n    in  c4, 0 bytes, 0 packets\n    local  10.1.20.11/32[tcp]\n    remote 10.2.10.10/32[tcp/https]\n";
        let expected = ChildSa {
            ike: "gw".into(),
            child: "g1".into(),
            state: "INSTALLED".into(),
            local: "10.1.20.11/32[tcp]".into(),
            remote: "10.2.10.10/32[tcp/https]".into(),
        };
        assert_eq!(parse_sas(text), [expected]);
        assert_eq!(parse_sas(""), []);
    }
}
