//! A raised lab: its sites, namespaces and capture point. Dropping it takes everything down.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use ipnet::IpNet;

use crate::netns::Netns;
use crate::process::{self, Finished, Proc};
use crate::scenario::{Host, Protocol, Scenario, SiteSpec};
use crate::server::{Echo, HttpsIdentity, Server};
use crate::strongswan::StrongSwan;
use crate::wiring::{self, CENTER, INTERNET, part_of};
use crate::{Answer, Capture, Charon, LabError, Probe, Switch, enter};

static UP: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running lab. Namespaces: `sk-internet`, `sk-center`, and `sk-<site>-{sw,red,black,<host>}` for each site.
#[derive(Debug)]
pub struct Lab {
    scenario: Scenario,
    sites: BTreeMap<String, Site>,
    capture: Option<Capture>,
    netns: BTreeMap<String, Netns>,
    scratch: PathBuf,
    _only: Only,
}

/// A raised site.
#[derive(Debug)]
pub struct Site {
    /// What the scenario says of it.
    pub spec: SiteSpec,
    /// Its switch.
    pub switch: Switch,
    /// Its IKE daemon.
    pub charon: Charon,
    /// The inner half of the gateway: `lan0` (segments' gateway addresses), `ipsec0`, `mgmt0` (169.254.77.1).
    pub red: Netns,
    /// The outer half: `wan0` and charon. It has no way to the LAN.
    pub black: Netns,
}

impl Lab {
    /// Raises a scenario. Needs [`crate::enter`] first. `progress` gets a line per step.
    pub fn up(scenario: &Scenario, progress: &(dyn Fn(&str) + Sync)) -> Result<Self, LabError> {
        let root = enter::scratch_root().ok_or(LabError::NotInside)?;
        let only = Only::take()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut lab = Self {
            scenario: scenario.clone(),
            sites: BTreeMap::new(),
            capture: None,
            netns: BTreeMap::new(),
            scratch: root.join(format!("{}-{number}", scenario.name)),
            _only: only,
        };
        let logs = lab.scratch.join("log");
        fs::create_dir_all(&logs).map_err(LabError::io(logs.display().to_string()))?;
        fs::write(root.join("hosts"), hosts(scenario)).map_err(LabError::io("hosts"))?;
        progress("wiring namespaces");
        // From here on an error drops `lab`, which takes down what is up already.
        lab.netns = wiring::wire(scenario, &logs)?;
        lab.capture = Some(Capture::start(&lab.netns[INTERNET], lab.scratch.join("internet.pcap"))?);
        let netns = &lab.netns;
        let scratch = &lab.scratch;
        let raise = |site: &SiteSpec| {
            progress(&format!("{}: switch and IKE daemon", site.id));
            Site::raise(scenario, site, netns, scratch)
        };
        let raised: Result<Vec<Site>, LabError> = std::thread::scope(|scope| {
            let raise = &raise;
            let threads: Vec<_> = scenario.sites.iter().map(|site| scope.spawn(move || raise(site))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            // Join all before the first error counts, so that no site is left half raised.
            threads.into_iter().map(join).collect::<Vec<_>>().into_iter().collect()
        });
        lab.sites = raised?.into_iter().map(|site| (site.spec.id.clone(), site)).collect();
        progress("up");
        Ok(lab)
    }

    /// What it was raised from.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Directory for files of this lab; removed with it.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// A site by id.
    pub fn site(&self, id: &str) -> Result<&Site, LabError> {
        self.sites.get(id).ok_or_else(|| LabError::Unknown { kind: "site", name: id.into() })
    }

    /// All sites.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.sites.values()
    }

    /// A namespace by name (`sk-clinic-exam-1`, or `clinic-exam-1` for short).
    pub fn netns(&self, name: &str) -> Result<&Netns, LabError> {
        let found = self.netns.get(name).or_else(|| self.netns.get(&format!("sk-{name}")));
        found.ok_or_else(|| LabError::Unknown { kind: "namespace", name: name.into() })
    }

    /// All namespaces by name.
    #[must_use]
    pub fn namespaces(&self) -> &BTreeMap<String, Netns> {
        &self.netns
    }

    /// Path of a namespace, for `setns` by another program.
    pub fn ns_path(&self, name: &str) -> Result<PathBuf, LabError> {
        self.netns(name).map(Netns::path)
    }

    /// The center's namespace (`wan0` with the center's address).
    #[must_use]
    pub fn center(&self) -> &Netns {
        &self.netns[CENTER]
    }

    /// The Internet segment's namespace.
    #[must_use]
    pub fn internet(&self) -> &Netns {
        &self.netns[INTERNET]
    }

    /// The capture point on the Internet segment.
    ///
    /// # Panics
    /// Never: a lab that is handed out has one.
    #[must_use]
    pub fn capture(&self) -> &Capture {
        self.capture.as_ref().expect("started in `up`, taken only in `drop`")
    }

    /// The prefixes of all sites: what must never be seen in clear on the Internet segment.
    #[must_use]
    pub fn private_prefixes(&self) -> Vec<IpNet> {
        self.scenario.remote_prefixes("")
    }

    /// Address of a host.
    pub fn address(&self, site: &str, host: &str) -> Result<IpAddr, LabError> {
        self.host(site, host).map(|host| host.address)
    }

    /// Starts a command in a namespace; killed when the [`Proc`] is dropped.
    pub fn spawn_in(&self, netns: &str, command: Command) -> Result<Proc, LabError> {
        self.netns(netns)?.spawn(command)
    }

    /// Runs a command in a namespace to its end, or kills it after `timeout`.
    pub fn run_in(&self, netns: &str, command: Command, timeout: Duration) -> Result<Finished, LabError> {
        self.netns(netns)?.run(command, timeout)
    }

    /// Plugs a host of a site into the Internet segment by a line of its own, `wan0`, beside whatever it has: a proxy in
    /// a DMZ. Its other routes stay.
    pub fn plug_into_internet(&self, netns: &str, address: Ipv4Addr) -> Result<(), LabError> {
        wiring::second_line(self.netns(netns)?, self.internet(), address, self.scenario.internet.prefix)
    }

    /// A host on the Internet that belongs to no site, in a namespace `sk-<name>`.
    pub fn add_internet_host(&mut self, name: &str, address: Ipv4Addr) -> Result<(), LabError> {
        let full = format!("sk-{name}");
        let netns = Netns::add(&full, &self.scratch.join("log"))?;
        self.netns.insert(full, netns.clone());
        wiring::second_line(&netns, self.internet(), address, self.scenario.internet.prefix)
    }

    /// A namespace with nothing but loopback, `sk-<name>`.
    pub fn add_namespace(&mut self, name: &str) -> Result<(), LabError> {
        let full = format!("sk-{name}");
        let netns = Netns::add(&full, &self.scratch.join("log"))?;
        self.netns.insert(full, netns);
        Ok(())
    }

    /// Starts strongSwan in a namespace, as a client or as a server that clients connect to.
    pub fn strongswan(&self, netns: &str, install_virtual_ip: bool) -> Result<StrongSwan, LabError> {
        let run = self.scratch.join(format!("strongswan-{netns}"));
        StrongSwan::start(self.netns(netns)?, run, install_virtual_ip)
    }

    /// Sends probes all at once and gives their answers in the same order.
    pub fn probe_all(&self, probes: &[Probe]) -> Result<Vec<Answer>, LabError> {
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                probes.iter().map(|probe| scope.spawn(|| probe.send(self.netns(&probe.from)?))).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.map(|answer| answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }

    /// Starts echo servers in a namespace.
    pub fn serve_echo(&self, netns: &str, echo: &Echo) -> Result<Server, LabError> {
        Server::echo(self.netns(netns)?, echo)
    }

    /// Starts an HTTPS server in a namespace; without an identity it speaks plain HTTP.
    pub fn serve_https(&self, netns: &str, port: u16, identity: Option<&HttpsIdentity>) -> Result<Server, LabError> {
        Server::http(self.netns(netns)?, port, identity)
    }

    /// Starts whatever the scenario says a host serves. `identity` is wanted if that includes HTTPS.
    pub fn serve(&self, site: &str, host: &str, identity: Option<&HttpsIdentity>) -> Result<Vec<Server>, LabError> {
        let spec = self.host(site, host)?;
        let netns = self.netns(&format!("sk-{site}-{host}"))?;
        let ports = |wanted| {
            let of = spec.serves.iter().filter(move |served| served.protocol == wanted);
            of.map(|served| served.port).collect::<Vec<_>>()
        };
        let echo = Echo { name: host.into(), tcp: ports(Protocol::Tcp), udp: ports(Protocol::Udp) };
        let mut servers = vec![Server::echo(netns, &echo)?];
        for port in ports(Protocol::Https) {
            servers.push(Server::http(netns, port, identity)?);
        }
        Ok(servers)
    }

    fn host(&self, site: &str, host: &str) -> Result<&Host, LabError> {
        let found = self.site(site)?.spec.host(host);
        found.ok_or_else(|| LabError::Unknown { kind: "host", name: format!("{site}/{host}") })
    }
}

impl Site {
    fn raise(
        scenario: &Scenario,
        site: &SiteSpec,
        netns: &BTreeMap<String, Netns>,
        scratch: &Path,
    ) -> Result<Self, LabError> {
        let part = |part| netns[&part_of(site, part)].clone();
        let directory = scratch.join(&site.id);
        let decoys = site.hosts.iter().map(|host| host.address).collect();
        // Where nobody has IPv6, nobody reaches it.
        let ours = |prefix: &IpNet| prefix.addr().is_ipv4() || site.has_ipv6();
        let remote = scenario.remote_prefixes(&site.id).into_iter().filter(ours).collect();
        let charon = Charon::new(part("black"), part("red"), directory.join("charon"), decoys, remote)?;
        let switch = Switch::start(part("sw"), directory.join("ovs"), site)?;
        Ok(Self { spec: site.clone(), switch, charon, red: part("red"), black: part("black") })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.sites.clear();
        self.capture = None;
        for name in self.netns.keys() {
            // What fails here ends with the process namespace.
            let _ = process::run(Command::new("ip").args(["netns", "del", name]));
        }
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// Held while a lab is up in this process.
#[derive(Debug)]
struct Only;

impl Only {
    fn take() -> Result<Self, LabError> {
        if UP.swap(true, Ordering::AcqRel) { Err(LabError::AlreadyUp) } else { Ok(Self) }
    }
}

impl Drop for Only {
    fn drop(&mut self) {
        UP.store(false, Ordering::Release);
    }
}

/// `/etc/hosts` of the lab: every host as `<host>.<site>`, gateways as `<site>`.
fn hosts(scenario: &Scenario) -> String {
    let mut text = format!("127.0.0.1 localhost\n{} center\n", scenario.internet.center);
    for site in &scenario.sites {
        text += &format!("{} {}\n", site.wan, site.id);
        for host in &site.hosts {
            text += &format!("{} {}.{}\n", host.address, host.id, site.id);
        }
    }
    text
}
