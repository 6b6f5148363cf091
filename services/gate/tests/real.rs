//! Gates on real switches, real strongSwan and real packets: the lab without a center; orders come from plan and proof.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/traced.rs"]
mod traced;

use authority::{Authority, CaKind, Issued, RevocationReason};
use gate::{Config, Gate, now};
use lab::{Answer, Lab, LabError, Probe, Scenario, SwitchTls, Trial};
use model::{Endpoint, Grant, GrantId, Network, Plan, Protocol, SiteId, SiteState, parse_document};
use site::{Event, Report};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;

type Outcome = Result<(), LabError>;

fn main() {
    lab::enter();
    lab::trials(vec![
        Trial::new("a line opens, carries its service only, survives every restart, and closes without a trace", line),
        Trial::new("a peer that is revoked is refused by strongSwan as soon as the list says so", revoked_peer),
        Trial::new("wrong configurations are refused with their mend", configurations),
    ]);
}

/// One gate under test.
struct Running {
    gate: Gate,
    reports: UnboundedReceiver<Report>,
}

struct World {
    lab: Lab,
    runtime: Runtime,
    network: Network,
    states: BTreeMap<SiteId, SiteState>,
    gates: BTreeMap<SiteId, Running>,
    folder: PathBuf,
    ca: Authority,
    /// Certificates of the gates.
    issued: BTreeMap<&'static str, Issued>,
}

fn id(text: &str) -> SiteId {
    text.parse().unwrap()
}

fn documents(scenario: &Scenario) -> Network {
    let texts = [
        ("clinic", include_str!("../../../core/model/tests/documents/clinic.toml")),
        ("hospital", include_str!("../../../core/model/tests/documents/hospital.toml")),
        ("provider", include_str!("../../../core/model/tests/documents/provider.toml")),
    ];
    let parsed: Vec<_> = texts.iter().map(|(name, text)| (*name, parse_document(name, text).unwrap())).collect();
    let mut documents = Vec::new();
    for (name, _) in &parsed {
        let spec = scenario.site(name).unwrap();
        let network = Network::default().with(&parsed.iter().map(|(_, d)| d.clone()).collect::<Vec<_>>()).unwrap();
        let site = network.facts(&id(name)).unwrap().site;
        let mut text = texts.iter().find(|(n, _)| n == name).unwrap().1.to_owned();
        let mut replace = |old: String, new: String| text = text.replace(&old, &new);
        replace(site.switch.dpid.to_string(), format!("{:016x}", spec.datapath_id));
        replace(site.gateway.mac.to_string(), spec.gateway_mac.to_string());
        for host in site.hosts.values() {
            if let Some(real) = spec.host(host.id.as_str()) {
                replace(host.mac.to_string(), real.mac.to_string());
            }
        }
        documents.push(parse_document(name, &text).unwrap());
    }
    Network::default().with(&documents).unwrap()
}

fn gate_toml(folder: &Path, lab: &Lab, site: &str, ca: &Authority, gate: &authority::Issued) -> PathBuf {
    let crls: Vec<_> = [CaKind::Gate, CaKind::Switch, CaKind::Center].map(|k| ca.crl_path(k)).to_vec();
    let text = format!(
        "site = \"{site}\"\ndata = \"{data}\"\n\n[namespaces]\nred = \"{red}\"\n\n[openflow]\nlisten = \"169.254.77.1:6653\"\n\n\
         [terminals]\nlisten = []\n\n[center]\naddress = \"192.0.2.2:7443\"\nname = \"center\"\norder-key = \"order.pem\"\n\n\
         [certificates]\nchain = \"{chain}\"\nkey = \"{key}\"\ncenter-ca = \"{center}\"\nswitch-ca = \"{switch}\"\ngate-ca = \"{gates}\"\ncrls = {crls:?}\n\n\
         [ike]\nvici = \"{vici}\"\n",
        data = folder.join(format!("data-{site}")).display(),
        red = lab.ns_path(lab.site(site).unwrap().red.name()).unwrap().display(),
        chain = gate.folder.join("chain.pem").display(),
        key = gate.folder.join("key.pem").display(),
        center = ca.ca_pem_path(CaKind::Center).display(),
        switch = ca.ca_pem_path(CaKind::Switch).display(),
        gates = ca.ca_pem_path(CaKind::Gate).display(),
        vici = lab.site(site).unwrap().charon.vici_socket().display(),
    );
    let path = folder.join(format!("{site}.toml"));
    std::fs::write(&path, text).unwrap();
    path
}

impl World {
    fn raise() -> Result<Self, LabError> {
        let lab = Lab::up(&Scenario::three_sites(), &|_| {})?;
        let folder = lab.scratch().join("gates");
        std::fs::create_dir_all(&folder).unwrap();
        let ca = Authority::new(&folder.join("ca"), now().unix_seconds()).unwrap();
        let network = documents(lab.scenario());
        let runtime = Runtime::new().unwrap();
        let (states, gates, issued) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut world = Self { lab, runtime, network, states, gates, folder, ca, issued };
        let plan = plan::apply(&world.network, &[], &BTreeMap::new()).unwrap();
        for (site, delta) in &plan.sites {
            let mut state = SiteState::empty(delta.facts.clone().unwrap());
            state.advance(delta).unwrap();
            world.states.insert(site.clone(), state);
        }
        for site in ["clinic", "hospital"] {
            let gate = world.ca.issue_gate(site).unwrap();
            let dpid = world.lab.site(site)?.switch.datapath_id();
            let switch = world.ca.issue_switch(site, dpid).unwrap();
            gate_toml(&world.folder, &world.lab, site, &world.ca, &gate);
            world.issued.insert(site, gate);
            world.start(site);
            let tls = SwitchTls {
                key: switch.folder.join("key.pem"),
                cert: switch.folder.join("cert.pem"),
                ca: world.ca.ca_pem_path(CaKind::Gate),
            };
            world.lab.site(site)?.switch.set_controller("ssl:169.254.77.1:6653", Some(&tls))?;
            let state = verify::check_state(world.states[&id(site)].clone()).unwrap();
            world.feed(site, Event::Snapshot(Box::new(state)));
        }
        for site in ["clinic", "hospital"] {
            world.until(site, "in force", |r| matches!(r, Report::Accepted(_)));
        }
        Ok(world)
    }

    fn start(&mut self, site: &str) {
        let config = Config::load(&self.folder.join(format!("{site}.toml"))).unwrap();
        let _inside = self.runtime.enter();
        // A listener closed a moment ago may hold the address for a blink.
        let (gate, reports) = (0..50)
            .find_map(|_| {
                Gate::start(&config).map_err(|e| eprintln!("{e}")).ok().or_else(|| {
                    std::thread::sleep(Duration::from_millis(50));
                    None
                })
            })
            .unwrap();
        self.gates.insert(id(site), Running { gate, reports });
    }

    fn stop(&mut self, site: &str) {
        let running = self.gates.remove(&id(site)).unwrap();
        self.runtime.block_on(running.gate.stop());
    }

    fn feed(&self, site: &str, event: Event) {
        let _inside = self.runtime.enter();
        self.gates[&id(site)].gate.hub().feed(event);
    }

    fn order(&mut self, plan: &Plan) {
        for (site, delta) in &plan.sites {
            let state = self.states.get_mut(site).unwrap();
            let slice = verify::check_slice(state, delta).unwrap();
            state.advance(slice.delta()).unwrap();
            self.feed(site.as_str(), Event::Order(Box::new(slice)));
        }
    }

    /// Waits for a report; fails after 20 s with everything that came instead.
    fn until(&mut self, site: &str, what: &str, wanted: impl Fn(&Report) -> bool) -> Report {
        let running = self.gates.get_mut(&id(site)).unwrap();
        let mut seen = Vec::new();
        self.runtime.block_on(async {
            let end = tokio::time::Instant::now() + Duration::from_secs(20);
            loop {
                match tokio::time::timeout_at(end, running.reports.recv()).await {
                    Ok(Some(report)) if wanted(&report) => return report,
                    Ok(Some(report)) => seen.push(report),
                    _ => panic!("{site}: no \"{what}\" in 20 s, but {seen:#?}"),
                }
            }
        })
    }

    fn whole(&mut self, site: &str) {
        self.until(site, "whole", |r| matches!(r, Report::Observed { complete: true, sa: true, .. }));
    }

    fn end(&self, site: &str, host: &str) -> Endpoint {
        self.network.endpoint(&format!("{site}/{host}").parse().unwrap()).unwrap()
    }

    fn grant(&self, number: u64) -> Grant {
        Grant {
            id: GrantId(number),
            agreement: "A-0012".parse().unwrap(),
            service: "keyaki/records".parse().unwrap(),
            origin: self.end("clinic", "exam-1"),
            destination: self.end("hospital", "record-server"),
            protocol: Protocol::Tcp,
            ports: vec![8080],
            granted_at: now(),
            lease_until: now().plus_ms(600_000),
            idle_ms: None,
        }
    }

    fn ask_to_open(&mut self, number: u64) {
        let grant = self.grant(number);
        let plan = plan::open(&grant, &self.states[&id("clinic")], &self.states[&id("hospital")]).unwrap();
        self.order(&plan);
        self.until("hospital", "prepared", |r| matches!(r, Report::Prepared(_)));
        self.feed("clinic", Event::Go(grant.id));
    }

    fn open(&mut self, number: u64) -> Duration {
        let begin = Instant::now();
        self.ask_to_open(number);
        self.whole("clinic");
        self.whole("hospital");
        begin.elapsed()
    }

    fn close(&mut self, number: u64) -> Duration {
        let grant = self.grant(number);
        let plan = plan::close(&grant, &[&self.states[&id("clinic")], &self.states[&id("hospital")]]).unwrap();
        let begin = Instant::now();
        self.order(&plan);
        for site in ["clinic", "hospital"] {
            let report = self.until(site, "closed", |r| matches!(r, Report::Closed { .. }));
            eprintln!("    {site}: {report:?}");
        }
        begin.elapsed()
    }

    fn flows(&self, site: &str) -> Vec<String> {
        let mut flows = self.lab.site(site).unwrap().switch.dump_flows().unwrap();
        flows.retain(|f| !f.contains("0x5e05000000000000"));
        flows.sort();
        flows
    }

    fn nft(&self, site: &str) -> String {
        let mut command = std::process::Command::new("nft");
        command.args(["list", "table", "inet", "sekisho"]);
        let red = self.lab.site(site).unwrap().red.name().to_owned();
        format!("{:?}", self.lab.run_in(&red, command, Duration::from_secs(5)).unwrap())
    }

    fn probe(&self, from: &str, to: &str, port: u16) -> Answer {
        let (site, host) = to.split_once('/').unwrap();
        let probe = Probe::tcp(&format!("sk-{}", from.replace('/', "-")), self.lab.address(site, host).unwrap(), port);
        self.lab.probe_all(&[probe.within(Duration::from_secs(2))]).unwrap()[0]
    }

    fn passes(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.probe("clinic/exam-1", "hospital/record-server", 8080) != Answer::Answered {
            assert!(Instant::now() < until, "the open line does not pass");
        }
        for (from, to, port) in [
            ("clinic/exam-2", "hospital/record-server", 8080),
            ("clinic/exam-1", "hospital/portal", 443),
            ("hospital/record-server", "clinic/exam-1", 8080),
        ] {
            assert_eq!(self.probe(from, to, port), Answer::Silent, "{from} to {to}:{port}");
        }
    }
}

fn line() -> Outcome {
    let mut world = World::raise()?;
    let _servers = world.lab.serve("hospital", "portal", None)?;
    let _echo = world.lab.serve_echo(
        "sk-hospital-record-server",
        &lab::Echo { name: "record-server".into(), tcp: vec![8080], udp: vec![] },
    )?;
    let before: Vec<_> = ["clinic", "hospital"].map(|s| (world.flows(s), world.nft(s))).to_vec();
    assert!(!before[0].0.is_empty());
    assert_eq!(world.probe("clinic/exam-1", "hospital/record-server", 8080), Answer::Silent);
    let refused = world.until("clinic", "refusal", |r| matches!(r, Report::FirstPacket { .. }));
    eprintln!("    {refused:?}");

    eprintln!("    open cold: {:?}", world.open(1));
    world.passes();
    for site in ["clinic", "hospital"] {
        assert_eq!(world.flows(site).iter().filter(|f| f.contains("0x5e02000000000001")).count(), 3);
        assert_eq!(world.lab.site(site)?.charon.list_sas()?.len(), 1);
        // Written without `nft`, read by it.
        let filter = world.nft(site);
        assert!(filter.contains("10.1.20.11 . 10.2.10.10 . tcp . 8080 comment \\\"g-1\\\""), "{filter}");
        assert!(filter.contains("10.2.10.10 . 10.1.20.11 . tcp . 8080 comment \\\"g-1\\\""), "{filter}");
    }

    eprintln!("    the gate restarts: nothing is touched");
    let flows = world.flows("clinic");
    world.stop("clinic");
    world.passes();
    eprintln!("    while it is away somebody opens everything in its name: the audit from outside refutes the tables");
    let switch = &world.lab.site("clinic")?.switch;
    switch.ofctl(&["add-flow", "br0", "table=2,priority=2000,cookie=0x5e01000000000000,ip,actions=goto_table:4"])?;
    switch.ofctl(&["add-flow", "br0", "table=0,priority=1,cookie=0x1234,actions=NORMAL"])?;
    switch.ofctl(&["--strict", "del-flows", "br0", "table=1,priority=100,ip,in_port=3"])?;
    let config = Config::load(&world.folder.join("clinic.toml")).unwrap();
    let audit = world.runtime.block_on(gate::audit(&config, &switch.openflow_socket())).unwrap();
    assert_eq!((audit.surplus.len(), audit.strange.len(), audit.missing.len()), (1, 1, 1), "{audit:?}");
    eprintln!("    {}", audit.verdict.unwrap_err());
    world.start("clinic");
    world.whole("clinic");
    eventually("the flows are what they were", || world.flows("clinic") == flows);
    world.passes();

    eprintln!("    a strange hand: its rule goes, a missing one comes back");
    foreign_hands(&mut world, &flows)?;

    eprintln!("    what stands is audited, proved and traced");
    audited(&world)?;

    eprintln!("    charon is killed and comes back");
    world.lab.site("clinic")?.charon.kill9();
    world.until("clinic", "loss", |r| matches!(r, Report::Observed { sa: false, .. }));
    world.lab.site("clinic")?.charon.start()?;
    world.whole("clinic");
    world.passes();

    eprintln!("    the switch is killed and comes back");
    world.lab.site("hospital")?.switch.restart()?;
    world.until("hospital", "link", |r| matches!(r, Report::Link { up: true, place: site::Place::Switch }));
    world.whole("hospital");
    world.passes();

    eprintln!("    close: {:?}", world.close(1));
    assert_eq!(world.probe("clinic/exam-1", "hospital/record-server", 8080), Answer::Silent);
    for (i, site) in ["clinic", "hospital"].into_iter().enumerate() {
        assert_eq!(world.flows(site), before[i].0);
        assert_eq!(world.nft(site), before[i].1);
        let tracked = world.lab.site(site)?.switch.dump_conntrack()?;
        assert!(!tracked.iter().any(|t| t.contains("8080")), "{tracked:?}");
        eventually("no child", || world.lab.site(site).unwrap().charon.list_sas().unwrap().is_empty());
    }
    for number in 2..8 {
        let opened = world.open(number);
        eprintln!("    open {opened:?}, close {:?}", world.close(number));
    }
    assert!(world.lab.capture().clear_counted()? == 0, "a clear packet on the Internet segment");
    Ok(())
}

/// strongSwan goes on believing a list that it has verified as long as that one has not expired; so whoever was believed
/// once must be refused by the next list, in good time before the old one ends (G1, G2).
fn revoked_peer() -> Outcome {
    let mut world = World::raise()?;
    let mut number = 0;
    // Opens cold, so that strongSwan judges the peer. It is to be refused for ever, or let in, from some moment on.
    let mut opens = |world: &mut World| {
        number += 1;
        world.ask_to_open(number);
        let said = world.until("clinic", "up or failing", |r| {
            matches!(r, Report::TunnelFailing { .. } | Report::Observed { complete: true, sa: true, .. })
        });
        let open = matches!(said, Report::Observed { .. });
        if open {
            world.whole("hospital");
        }
        world.close(number);
        eventually("no IKE SA", || {
            let ended = |site| world.lab.site(site).unwrap().charon.swanctl(&["--list-sas"]).unwrap().trim().is_empty();
            ended("clinic") && ended("hospital")
        });
        open
    };
    assert!(opens(&mut world), "as long as nobody is revoked");
    let begin = now().unix_seconds();
    world.ca.write_crl(CaKind::Gate, begin, begin + 86_400).unwrap();
    assert!(opens(&mut world), "a list that revokes nobody");

    let hospital = world.issued["hospital"].clone();
    world.ca.revoke_issued(&hospital, RevocationReason::KeyCompromise).unwrap();
    world.ca.write_crl(CaKind::Gate, begin, begin + 86_400).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while opens(&mut world) {
        assert!(Instant::now() < until, "the revoked peer is let in for ever");
    }
    assert!(!opens(&mut world), "nor is it let in by the next attempt");
    let said = world.lab.site("clinic")?.charon.log_tail(400);
    assert!(said.contains("certificate was revoked"), "{said}");
    Ok(())
}

/// Whoever writes to the switch beside the gate is seen by the switch's own flow monitor, undone and told, within a second
/// (X1): not by the audit, which comes every ten.
fn foreign_hands(world: &mut World, flows: &[String]) -> Outcome {
    let ours = |world: &World| world.flows("clinic") == flows;
    let admission = flows.iter().find(|f| f.contains("priority=200,ip,in_port") && !f.contains("table=")).unwrap();
    let own = admission.split(" actions").next().unwrap().split_once("priority").unwrap().1;
    let hands: [(&str, &[&str], usize); 6] = [
        ("a rule of nobody", &["add-flow", "br0", "table=0,priority=1,cookie=0x1234,actions=NORMAL"], 1),
        (
            "a rule that claims to be ours",
            &["add-flow", "br0", "table=2,priority=2000,cookie=0x5e02000000000001,ip,actions=goto_table:4"],
            1,
        ),
        ("a rule in a table of nobody", &["add-flow", "br0", "table=9,cookie=0x5e01000000000000,actions=drop"], 1),
        (
            "our rule, changed",
            &["--strict", "mod-flows", "br0", &format!("table=0,priority{own},actions=goto_table:4")],
            1,
        ),
        ("our grant's rules, deleted", &["del-flows", "br0", "cookie=0x5e02000000000001/-1"], 3),
        ("the meter and what names it", &["del-meters", "br0"], 1),
    ];
    for (what, words, least) in hands {
        let (begin, at) = (Instant::now(), now());
        world.lab.site("clinic")?.switch.ofctl(words)?;
        let done = begin.elapsed();
        let mut told = Vec::new();
        while told.len() < least {
            told.push(world.until("clinic", what, |r| matches!(r, Report::ForeignRule(f) if f.since >= at)));
        }
        let Some(Report::ForeignRule(last)) = told.last() else { unreachable!() };
        let (stood, in_all) = (last.mended_at.0 - last.since.0, begin.elapsed());
        eprintln!("    {what}: undone after {stood} ms, {in_all:?} from the command's start, which took {done:?}");
        eventually("the flows are what they were", || ours(world));
    }
    world.lab.site("clinic")?.switch.ofctl(&["add-group", "br0", "group_id=7,type=all,bucket=output:3"])?;
    eprintln!("    a group: found by the audit");
    world.until("clinic", "group", |r| matches!(r, Report::Foreign { what, .. } if what.starts_with("group 7")));
    let switch = &world.lab.site("clinic")?.switch;
    eventually("no group", || !switch.ofctl(&["dump-groups", "br0"]).unwrap().contains("group_id"));
    assert!(switch.ofctl(&["dump-meters", "br0"])?.contains("meter="));
    eventually("the flows are what they were", || ours(world));
    Ok(())
}

/// The tables as dumped, decoded, proved; and Open vSwitch's own word on every packet beside a boundary of them.
fn audited(world: &World) -> Outcome {
    let mut dumped = BTreeMap::new();
    for site in ["clinic", "hospital"] {
        let socket = world.lab.site(site)?.switch.openflow_socket();
        let config = Config::load(&world.folder.join(format!("{site}.toml"))).unwrap();
        // Refusals of first packets end by themselves, and must not do so between two traces.
        let flows = || world.lab.site(site).unwrap().switch.dump_flows().unwrap();
        eventually("no refusal is left", || !flows().iter().any(|f| f.contains("0x5e05000000000000")));
        let audit = world.runtime.block_on(gate::audit(&config, &socket)).unwrap();
        assert!(audit.is_clean(), "{site}: {audit:?}");
        let state = audit.verdict.unwrap().into_state();
        assert!(state.rules == world.states[&id(site)].rules, "{site}: the dump is not what was planned");
        dumped.insert(id(site), state);
    }
    let mut exact = verify::exact::Exact::new(&dumped).unwrap();
    for (site, state) in &dumped {
        let mut tracer = traced::Tracer::beside(&world.lab.site(site.as_str())?.switch.openflow_socket());
        let packets = traced::corners(state);
        let (mut out, mut by_grant) = (0, 0);
        for packet in &packets {
            let said = tracer.ask(packet);
            let meant = traced::expected(&verify::at_switch(state, packet), site, packet.in_port);
            assert_eq!(said, meant, "{site}: {packet}");
            out += usize::from(!said.out.is_empty());
            by_grant += usize::from(said.rules.iter().any(|(_, _, cookie)| cookie >> 48 == 0x5e02));
        }
        assert!(out > 0 && by_grant > 0);
        let asked = traced::questions(&dumped, site);
        let mut yes = 0;
        for (from, to, port) in &asked {
            let (verify::exact::Answer::Yes { path, .. } | verify::exact::Answer::No { path }) =
                exact.can(from, to, Protocol::Tcp, *port)
            else {
                panic!("{from} {to}")
            };
            let (packet, _) = verify::follow(&dumped, (from, to), Protocol::Tcp, *port).unwrap();
            let (said, meant) = (tracer.ask(&packet), traced::expected(&path, site, packet.in_port));
            assert_eq!(said.out, meant.out, "{from} {to} {port}: {path:?}");
            if !said.out.is_empty() {
                assert_eq!(said, meant, "{from} {to} {port}");
                yes += 1;
            }
        }
        assert!(yes > 0 || site.as_str() != "clinic");
        eprintln!(
            "    {site}: {} rules; {} packets traced, {out} left, {by_grant} by a grant's rule; {} questions to the exact \
             proof, {yes} yes; no difference",
            state.rules.len(),
            packets.len(),
            asked.len()
        );
    }
    Ok(())
}

fn configurations() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Config::load(&path).unwrap_err().to_string()
    };
    assert!(load("site = \"clinic\"\nsiet = 1\n").contains("siet"));
    assert!(load("site = ").contains("gate.toml"));
    assert!(Config::load(Path::new("/nonexistent.toml")).unwrap_err().to_string().contains("--config"));
    Ok(())
}

fn eventually(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
