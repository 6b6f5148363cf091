//! A site's switch: Open vSwitch with a database and a daemon of its own, userspace datapath.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use crate::LabError;
use crate::netns::Netns;
use crate::process::{self, Proc, until};
use crate::scenario::SiteSpec;

const START: Duration = Duration::from_secs(20);

/// Key and certificates with which the switch speaks TLS to its controller.
///
/// Open vSwitch reads files and checks the authority only, not the name (OVS 3.1).
#[derive(Debug, Clone)]
pub struct SwitchTls {
    /// The switch's private key, PEM.
    pub key: PathBuf,
    /// The switch's certificate, PEM.
    pub cert: PathBuf,
    /// Authority of the controller's certificate, PEM.
    pub ca: PathBuf,
}

/// Open vSwitch of one site: bridge `br0`, `fail_mode=secure`, OpenFlow 1.3 only, controller out of band.
#[derive(Debug)]
pub struct Switch {
    netns: Netns,
    run: PathBuf,
    datapath_id: u64,
    database: Mutex<Option<Proc>>,
    daemon: Mutex<Option<Proc>>,
}

impl Switch {
    /// Starts both daemons and makes the bridge with its pinned port numbers. The interfaces exist already.
    pub(crate) fn start(netns: Netns, run: PathBuf, site: &SiteSpec) -> Result<Self, LabError> {
        std::fs::create_dir_all(&run).map_err(LabError::io(run.display().to_string()))?;
        let switch =
            Self { netns, run, datapath_id: site.datapath_id, database: Mutex::new(None), daemon: Mutex::new(None) };
        let db = switch.run.join("conf.db");
        let mut create = switch.tool("ovsdb-tool");
        create.arg("create").arg(&db).arg("/usr/share/openvswitch/vswitch.ovsschema");
        process::run(&mut create)?;
        let mut server = switch.tool("ovsdb-server");
        server
            .arg(&db)
            .arg(format!("--remote=p{}", switch.database_socket()))
            .arg("--private-key=db:Open_vSwitch,SSL,private_key")
            .arg("--certificate=db:Open_vSwitch,SSL,certificate")
            .arg(format!("--unixctl={}", switch.run.join("db.ctl").display()))
            .args(["-vconsole:warn", "-vsyslog:off", "-vfile:off"]);
        let server = switch.netns.spawn(server)?;
        switch.await_socket(&switch.run.join("db.sock"), &server)?;
        *lock(&switch.database) = Some(server);
        process::run(
            switch.tool("ovs-vsctl").arg(format!("--db={}", switch.database_socket())).args(["--no-wait", "init"]),
        )?;
        switch.start_daemon()?;
        switch.make_bridge(site)?;
        Ok(switch)
    }

    /// The namespace it runs in.
    #[must_use]
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// OpenFlow datapath id.
    #[must_use]
    pub fn datapath_id(&self) -> u64 {
        self.datapath_id
    }

    /// Target of `ovs-ofctl`: a Unix socket, reachable from every namespace of the lab.
    #[must_use]
    pub fn openflow_socket(&self) -> PathBuf {
        self.run.join("br0.mgmt")
    }

    /// Points the switch at its controller, e.g. `ssl:169.254.77.1:6653` or `tcp:…` (no TLS) with `tls` `None`.
    pub fn set_controller(&self, target: &str, tls: Option<&SwitchTls>) -> Result<(), LabError> {
        let mut arguments = Vec::new();
        if let Some(tls) = tls {
            arguments.push("set-ssl".to_owned());
            arguments.extend([&tls.key, &tls.cert, &tls.ca].map(|path| path.display().to_string()));
            arguments.push("--".into());
        }
        arguments.extend(["set-controller", "br0", target, "--", "set", "controller", "br0"].map(str::to_owned));
        // In-band control would add hidden flows that let controller traffic through the bridge.
        arguments
            .extend(["connection-mode=out-of-band", "inactivity_probe=5000", "max_backoff=1000"].map(str::to_owned));
        self.vsctl(&arguments).map(drop)
    }

    /// Lets the switch have several controllers at once; their roles say which of them may write.
    pub fn set_controllers(&self, targets: &[&str]) -> Result<(), LabError> {
        let mut arguments = vec!["--".to_owned()];
        for (n, target) in targets.iter().enumerate() {
            arguments.extend([format!("--id=@c{n}"), "create".into(), "controller".into()]);
            arguments.push(format!("target=\"{target}\""));
            arguments.extend(
                ["connection_mode=out-of-band", "inactivity_probe=5000", "max_backoff=1000", "--"].map(str::to_owned),
            );
        }
        let ids: Vec<String> = (0..targets.len()).map(|n| format!("@c{n}")).collect();
        arguments.extend(["set".into(), "bridge".into(), "br0".into(), format!("controller={}", ids.join(","))]);
        self.vsctl(&arguments).map(drop)
    }

    /// Takes the controller away.
    ///
    /// Open vSwitch flushes the flows when it comes to have its first controller, and when it loses its last one *by
    /// configuration*; a controller that is merely dead leaves them.
    pub fn clear_controller(&self) -> Result<(), LabError> {
        self.vsctl(&["del-controller".to_owned(), "br0".into()]).map(drop)
    }

    /// The flow table without counters and ages, one rule a line, in the switch's order.
    pub fn dump_flows(&self) -> Result<Vec<String>, LabError> {
        let text = self.ofctl(&["--no-stats", "dump-flows", "br0"])?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("OFPST_FLOW"));
        Ok(lines.map(str::to_owned).collect())
    }

    /// Connection-tracking entries of the userspace datapath, one a line.
    pub fn dump_conntrack(&self) -> Result<Vec<String>, LabError> {
        let text = self.appctl(&["dpctl/dump-conntrack"])?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Forgets all tracked connections.
    pub fn flush_conntrack(&self) -> Result<(), LabError> {
        self.appctl(&["dpctl/flush-conntrack"]).map(drop)
    }

    /// What the installed tables would do with a packet (`ofproto/trace`), e.g. `in_port=11,ip,…`.
    pub fn trace(&self, flow: &str) -> Result<String, LabError> {
        self.appctl(&["ofproto/trace", "br0", flow])
    }

    /// `ovs-ofctl` with OpenFlow 1.3; the word `br0` stands for this switch's socket.
    pub fn ofctl(&self, arguments: &[&str]) -> Result<String, LabError> {
        let socket = format!("unix:{}", self.openflow_socket().display());
        let mut command = self.tool("ovs-ofctl");
        command.args(["-O", "OpenFlow13"]);
        command.args(arguments.iter().map(|word| if *word == "br0" { &socket } else { *word }));
        process::run(&mut command)
    }

    /// `ovs-vsctl` against this switch's database; waits until the daemon has done it.
    pub fn vsctl(&self, arguments: &[String]) -> Result<String, LabError> {
        let mut command = self.tool("ovs-vsctl");
        command.arg(format!("--db={}", self.database_socket())).arg("--timeout=20").args(arguments);
        process::run(&mut command)
    }

    /// `ovs-appctl` to this switch's daemon.
    pub fn appctl(&self, arguments: &[&str]) -> Result<String, LabError> {
        let mut command = self.tool("ovs-appctl");
        command.arg("-t").arg(self.run.join("vswitchd.ctl")).args(arguments);
        process::run(&mut command)
    }

    /// `kill -9` of ovs-vswitchd: flows and conntrack are gone with it.
    pub fn kill9(&self) {
        if let Some(mut daemon) = lock(&self.daemon).take() {
            daemon.kill9();
        }
    }

    /// Starts ovs-vswitchd again; bridge and controller come back from the database, flows do not.
    pub fn restart(&self) -> Result<(), LabError> {
        self.kill9();
        // The socket's file outlives the daemon, and the bridge comes after the control socket.
        let _ = std::fs::remove_file(self.openflow_socket());
        self.start_daemon()?;
        match &mut *lock(&self.daemon) {
            Some(daemon) => self.await_socket(&self.openflow_socket(), daemon),
            None => Ok(()),
        }
    }

    fn start_daemon(&self) -> Result<(), LabError> {
        let control = self.run.join("vswitchd.ctl");
        let _ = std::fs::remove_file(&control);
        let mut command = self.tool("ovs-vswitchd");
        command.arg(self.database_socket()).arg(format!("--unixctl={}", control.display())).args([
            "-vconsole:warn",
            "-vsyslog:off",
            "-vfile:off",
        ]);
        let daemon = self.netns.spawn(command)?;
        self.await_socket(&control, &daemon)?;
        *lock(&self.daemon) = Some(daemon);
        Ok(())
    }

    fn make_bridge(&self, site: &SiteSpec) -> Result<(), LabError> {
        let datapath_id = format!("other-config:datapath-id={:016x}", self.datapath_id);
        let mut words: Vec<String> = [
            "add-br",
            "br0",
            "--",
            "set",
            "bridge",
            "br0",
            "datapath_type=netdev",
            "fail_mode=secure",
            "protocols=OpenFlow13",
            &datapath_id,
        ]
        .map(str::to_owned)
        .into();
        let uplink = ("uplink", site.uplink_port);
        let ports = site.hosts.iter().map(|host| (host.id.as_str(), host.port));
        for (name, number) in std::iter::once(uplink).chain(ports) {
            let request = format!("ofport_request={number}");
            words.extend(["--", "add-port", "br0", name, "--", "set", "interface", name, &request].map(str::to_owned));
        }
        self.vsctl(&words)?;
        // A number that is not free would be replaced silently.
        for (name, number) in std::iter::once(uplink).chain(site.hosts.iter().map(|host| (host.id.as_str(), host.port)))
        {
            let got = self.vsctl(&["get".to_owned(), "interface".into(), name.into(), "ofport".into()])?;
            if got.trim() != number.to_string() {
                return Err(LabError::Protocol(format!(
                    "switch {}: port {name} is {} instead of {number}",
                    site.id,
                    got.trim()
                )));
            }
        }
        Ok(())
    }

    fn await_socket(&self, path: &Path, daemon: &Proc) -> Result<(), LabError> {
        if until(START, || std::os::unix::net::UnixStream::connect(path).is_ok()) {
            return Ok(());
        }
        let hint = format!("; its log ends: {}", daemon.log_tail(5));
        Err(LabError::Timeout { what: path.display().to_string(), seconds: START.as_secs(), hint })
    }

    fn database_socket(&self) -> String {
        format!("unix:{}", self.run.join("db.sock").display())
    }

    fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, &self.run);
        }
        command
    }
}

fn lock(slot: &Mutex<Option<Proc>>) -> std::sync::MutexGuard<'_, Option<Proc>> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
