//! The lab checked against itself: it isolates, it tells the truth about packets, it leaves nothing behind.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use lab::byhand::{self, Line, SelfSigned};
use lab::softhsm::Token;
use lab::{Answer, Download, HttpsTarget, Lab, LabError, PacketClass, Probe, Scenario, SwitchTls, Trial};

type Outcome = Result<(), LabError>;

fn main() {
    lab::enter();
    lab::trials(vec![
        Trial::new("up and down leaves nothing, twice", up_and_down),
        Trial::new("a second lab in one process is refused", one_at_a_time),
        Trial::new("a panic leaves nothing", panic_leaves_nothing),
        Trial::new("kill -9 of the program leaves nothing", kill_program),
        Trial::new("kill -9 of the owner leaves scratch only, which gc removes", kill_owner),
        Trial::new("SIGTERM of the owner leaves nothing", terminate_owner),
        Trial::new("two labs at the same time do not collide", two_labs),
        Trial::new("a set variable does not fake isolation", no_fake_isolation),
        Trial::new("the capture sees a known clear packet, once", capture_sees),
        Trial::new("fail_mode secure: hosts reach nothing", default_drop),
        Trial::new("probes tell answered, refused and silent apart", probes_tell),
        Trial::new("a line by hand passes its service only", by_hand),
        Trial::new("the switch speaks TLS to a controller in red", controller),
        Trial::new("charon dead: no clear packet, and it comes back", charon_dead),
        Trial::new("the switch forgets its flows when killed", switch_killed),
        Trial::new("a process in a namespace dies with its handle", proc_dies),
        Trial::new("a token holds key and certificate", token),
    ]);
}

fn raise() -> Result<Lab, LabError> {
    Lab::up(&Scenario::three_sites(), &|_| {})
}

fn up_and_down() -> Outcome {
    for _ in 0..2 {
        let before = processes();
        let lab = raise()?;
        let scratch = lab.scratch().to_owned();
        assert_eq!(names(), lab.namespaces().len());
        assert_eq!(lab.namespaces().len(), 2 + 3 * 3 + 6);
        assert!(processes().len() >= before.len() + 9, "three daemons a site");
        drop(lab);
        assert_eq!(processes(), before);
        assert_eq!(names(), 0);
        assert!(!scratch.exists());
        assert_eq!(interfaces(), ["lo"]);
    }
    Ok(())
}

fn one_at_a_time() -> Outcome {
    let _lab = raise()?;
    assert!(matches!(raise(), Err(LabError::AlreadyUp)));
    Ok(())
}

/// How long what must come may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const ON_PURPOSE: &str = "on purpose";

fn panic_leaves_nothing() -> Outcome {
    let before = processes();
    let outcome: std::thread::Result<()> = std::panic::catch_unwind(|| {
        let lab = raise();
        assert!(lab.is_ok());
        // As a panic does, but without the hook's words: whoever finds those in a log has found a real failure.
        std::panic::resume_unwind(Box::new(ON_PURPOSE));
    });
    let said = outcome.unwrap_err();
    assert_eq!(said.downcast_ref::<&str>(), Some(&ON_PURPOSE));
    assert_eq!(processes(), before);
    assert_eq!(names(), 0);
    Ok(())
}

fn kill_program() -> Outcome {
    let mut other = Other::up();
    let (program, scratch) = (other.program(), other.scratch.clone());
    assert!(users_of(&scratch).len() > 9);
    kill("-KILL", program);
    assert!(!other.child.wait().unwrap().success());
    eventually("its processes end", || users_of(&scratch).is_empty());
    assert!(!scratch.exists(), "the owner removes the directory");
    Ok(())
}

fn kill_owner() -> Outcome {
    let mut other = Other::up();
    let scratch = other.scratch.clone();
    assert!(!lab::gc()?.scratch.contains(&scratch), "a live lab is not garbage");
    kill("-KILL", other.child.id());
    other.child.wait().unwrap();
    eventually("its processes end", || users_of(&scratch).is_empty());
    assert!(scratch.exists(), "nobody was left to remove it");
    assert!(lab::gc()?.scratch.contains(&scratch));
    assert!(!scratch.exists());
    Ok(())
}

fn terminate_owner() -> Outcome {
    let mut other = Other::up();
    let scratch = other.scratch.clone();
    kill("-TERM", other.child.id());
    assert!(!other.child.wait().unwrap().success());
    eventually("its processes end", || users_of(&scratch).is_empty());
    assert!(!scratch.exists());
    Ok(())
}

fn two_labs() -> Outcome {
    let lab = raise()?;
    let status =
        outside(Command::new(env!("CARGO_BIN_EXE_sekisho-lab")).arg("selftest")).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "a whole selftest beside this lab");
    assert_eq!(names(), lab.namespaces().len());
    assert_eq!(lab.capture().packets_since(Default::default())?.len(), 0, "its packets stay its own");
    Ok(())
}

fn no_fake_isolation() -> Outcome {
    // Outside any lab's mounts the variable alone must not let the program mount or wire anything.
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", "umount -l /run; exec \"$0\" selftest", env!("CARGO_BIN_EXE_sekisho-lab")]);
    for stage in ["run:/tmp/x", "init:/tmp/x", "1"] {
        let output = command.env("SEKISHO_LAB_INSIDE", stage).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{stage}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("not inside a lab"));
    }
    Ok(())
}

fn capture_sees() -> Outcome {
    let lab = raise()?;
    let private = lab.private_prefixes();
    let black = &lab.site("clinic")?.black;
    assert_eq!(lab.capture().clear_counted()?, 0);
    // A leak on purpose: black sends to a hospital address over the WAN.
    let run = |line: &str| {
        let mut ip = Command::new("ip");
        ip.args(line.split(' '));
        black.run(ip, PATIENCE).map(|done| assert!(done.success(), "{line}: {}", done.stderr))
    };
    run("route add 10.2.0.0/16 via 192.0.2.12")?;
    run("neigh replace 192.0.2.12 dev wan0 lladdr 02:00:00:00:00:99")?;
    let before = lab.capture().mark();
    let record = lab.address("hospital", "record-server")?;
    assert_eq!(black.probe_udp(record, 4000, Duration::from_millis(50))?, Answer::Silent);
    let clear = lab.capture().clear_since(before, &private)?;
    assert!(!clear.is_empty());
    assert!(clear.iter().all(|packet| packet.class == PacketClass::Udp && packet.ports.1 == 4000));
    assert!(clear.iter().all(|packet| packet.destination == record));
    assert_eq!(lab.capture().clear_counted()?, clear.len() as u64, "both witnesses agree");
    let after = lab.capture().mark();
    assert!(after > before);
    assert!(lab.capture().clear_since(after, &private)?.is_empty());
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(lab.capture().file()).args(["-Y", "udp.dstport == 4000"]);
    let read = lab.run_in("sk-internet", tshark, Duration::from_secs(60))?;
    assert_eq!(read.stdout.lines().count(), clear.len(), "{}", read.stderr);
    Ok(())
}

fn default_drop() -> Outcome {
    let lab = raise()?;
    let before = lab.capture().mark();
    let servers = [
        lab.serve_echo("clinic-exam-2", &lab::Echo { name: "exam-2".into(), tcp: vec![80], udp: vec![4000] })?,
        lab.serve("hospital", "record-server", None)?.remove(0),
    ];
    let neighbour = lab.address("clinic", "exam-2")?;
    let record = lab.address("hospital", "record-server")?;
    let gateway = lab.site("clinic")?.spec.segments[0].gateway;
    let from = "clinic-exam-1";
    let probes = [
        Probe::tcp(from, neighbour, 80),
        Probe::udp(from, neighbour, 4000),
        Probe::icmp(from, neighbour),
        Probe::icmp(from, gateway),
        Probe::tcp(from, record, 8080),
        Probe::icmp(from, record),
        Probe::icmp(from, lab.scenario().internet.center),
        Probe::icmp(from, lab.site("hospital")?.spec.wan),
    ];
    assert_eq!(lab.probe_all(&probes)?, [Answer::Silent; 8]);
    assert!(servers.iter().all(|server| server.served() == 0));
    assert_eq!(lab.capture().packets_since(before)?.len(), 0);
    assert_eq!(lab.site("clinic")?.switch.dump_flows()?, Vec::<String>::new());
    Ok(())
}

fn probes_tell() -> Outcome {
    let lab = raise()?;
    let _echo = lab.serve_echo("sk-center", &lab::Echo { name: "center".into(), tcp: vec![80], udp: vec![80] })?;
    let center = lab.scenario().internet.center;
    let from = "clinic-black";
    let probes = [
        Probe::tcp(from, center, 80),
        Probe::udp(from, center, 80),
        Probe::icmp(from, center),
        Probe::tcp(from, center, 81),
        Probe::udp(from, center, 81),
        Probe::icmp(from, "192.0.2.99".parse::<IpAddr>().unwrap()),
        Probe::tcp(from, "198.51.100.1".parse::<IpAddr>().unwrap(), 80),
    ];
    use Answer::{Answered, Refused, Silent};
    assert_eq!(lab.probe_all(&probes)?, [Answered, Answered, Answered, Refused, Refused, Silent, Silent]);
    assert!(matches!(lab.probe_all(&[Probe::icmp("nowhere", center)]), Err(LabError::Unknown { .. })));
    Ok(())
}

fn line() -> Line {
    Line {
        name: "line".into(),
        origin: ("clinic".into(), "exam-1".into()),
        provider: ("hospital".into(), "record-server".into()),
        port: 443,
    }
}

/// A lab with one line open and its server.
fn opened() -> Result<(Lab, Vec<lab::Server>, HttpsTarget), LabError> {
    let lab = raise()?;
    let identity = SelfSigned::create(&lab, "record-server")?.https()?;
    let servers = lab.serve("hospital", "record-server", Some(&identity))?;
    for site in ["clinic", "hospital"] {
        byhand::base_flows(lab.site(site)?)?;
    }
    byhand::open_flows(&lab, &line(), 7)?;
    byhand::load(&lab, "clinic", "hospital", &[line()])?;
    byhand::initiate(&lab, &line())?;
    let address = lab.address("hospital", "record-server")?;
    let target = HttpsTarget { address, port: 443, tls: Some(("record-server".into(), identity.cert_pem)) };
    Ok((lab, servers, target))
}

fn by_hand() -> Outcome {
    let (lab, _servers, target) = opened()?;
    let exam = lab.netns("clinic-exam-1")?;
    assert!(target.get(exam, "/", PATIENCE)?.contains("record"));
    let sas = lab.site("clinic")?.charon.list_sas()?;
    assert_eq!(sas.len(), 1);
    assert_eq!((sas[0].child.as_str(), sas[0].state.as_str()), ("line", "INSTALLED"));
    assert_eq!((sas[0].local.as_str(), sas[0].remote.as_str()), ("10.1.20.11/32[tcp]", "10.2.10.10/32[tcp/https]"));
    assert!(!lab.site("hospital")?.switch.dump_conntrack()?.is_empty());
    let from = "clinic-exam-1";
    let refused = [
        Probe::tcp(from, target.address, 8080),
        Probe::udp(from, target.address, 4000),
        Probe::icmp(from, target.address),
        Probe::tcp("clinic-exam-2", target.address, 443),
        Probe::tcp("hospital-record-server", lab.address("clinic", "exam-1")?, 443),
    ];
    assert_eq!(lab.probe_all(&refused)?, [Answer::Silent; 5]);
    let download = Download::start(exam, &target, PATIENCE)?;
    assert!(download.flows(4 << 20, PATIENCE));
    byhand::close_flows(&lab, &line(), 7)?;
    assert!(download.stalled(Duration::from_millis(500), PATIENCE).is_some());
    assert!(!download.ended(), "cut means silence, not an end");
    assert!(lab.site("hospital")?.switch.dump_conntrack()?.is_empty());
    assert_eq!(lab.capture().clear_counted()?, 0);
    Ok(())
}

fn charon_dead() -> Outcome {
    let (lab, _servers, target) = opened()?;
    let exam = lab.netns("clinic-exam-1")?;
    let site = lab.site("clinic")?;
    let before = lab.capture().mark();
    site.charon.kill9();
    assert!(!site.charon.is_running());
    assert!(target.get(exam, "/", Duration::from_secs(1)).is_err());
    let refused = [Probe::tcp("clinic-exam-1", target.address, 443), Probe::icmp("clinic-exam-1", target.address)];
    assert_eq!(lab.probe_all(&refused)?, [Answer::Silent; 2]);
    assert!(lab.capture().clear_since(before, &lab.private_prefixes())?.is_empty());
    assert_eq!(lab.capture().clear_counted()?, 0);
    // The device must come back under its own name, with decoy and routes, whichever way it went.
    for way in ["kill", "stop"] {
        if way == "stop" {
            site.charon.restart()?;
        } else {
            site.charon.start()?;
        }
        byhand::load(&lab, "clinic", "hospital", &[line()])?;
        byhand::initiate(&lab, &line())?;
        assert!(target.get(exam, "/", PATIENCE)?.contains("record"), "{way}");
    }
    assert_eq!(lab.capture().clear_counted()?, 0);
    Ok(())
}

fn switch_killed() -> Outcome {
    let (lab, _servers, target) = opened()?;
    let exam = lab.netns("clinic-exam-1")?;
    let switch = &lab.site("clinic")?.switch;
    let flows = switch.dump_flows()?;
    assert_eq!(flows.len(), 6, "{flows:?}");
    assert!(switch.trace("in_port=4,tcp,nw_src=10.1.20.12,nw_dst=10.2.10.10,tp_dst=443")?.contains("drop"));
    switch.kill9();
    assert!(target.get(exam, "/", Duration::from_millis(500)).is_err());
    switch.restart()?;
    assert_eq!(switch.dump_flows()?, Vec::<String>::new());
    assert!(target.get(exam, "/", Duration::from_millis(500)).is_err());
    byhand::base_flows(lab.site("clinic")?)?;
    byhand::open_flows(&lab, &line(), 7)?;
    assert!(target.get(exam, "/", PATIENCE)?.contains("record"), "ports kept their numbers");
    assert_eq!(switch.datapath_id(), 0x11);
    assert!(switch.ofctl(&["show", "br0"])?.contains("dpid:0000000000000011"));
    Ok(())
}

fn controller() -> Outcome {
    let lab = raise()?;
    let site = lab.site("clinic")?;
    let (own, peer) = (SelfSigned::create(&lab, "switch")?, SelfSigned::create(&lab, "controller")?);
    let start = |cert: &SelfSigned| {
        let mut command = Command::new("ovs-testcontroller");
        command.arg("pssl:6653:169.254.77.1").arg("-p").arg(&cert.key).arg("-c").arg(&cert.cert);
        site.red.spawn({
            command.arg("-C").arg(&own.cert).arg("--unixctl=none");
            command
        })
    };
    let tls = |ca: &SelfSigned| SwitchTls { key: own.key.clone(), cert: own.cert.clone(), ca: ca.cert.clone() };
    let _testcontroller = start(&peer)?;
    site.switch.set_controller("ssl:169.254.77.1:6653", Some(&tls(&own)))?;
    std::thread::sleep(Duration::from_secs(2));
    assert!(site.switch.dump_flows()?.is_empty(), "a controller of another authority is refused");
    site.switch.set_controller("ssl:169.254.77.1:6653", Some(&tls(&peer)))?;
    // The sample controller installs its table-miss rule as soon as it is connected.
    eventually("it programs the switch", || !site.switch.dump_flows().unwrap().is_empty());
    site.switch.clear_controller()?;
    assert!(site.switch.dump_flows()?.is_empty(), "without any controller the switch flushes");
    Ok(())
}

fn proc_dies() -> Outcome {
    let lab = raise()?;
    let mut sleep = Command::new("sleep");
    sleep.arg("4242");
    let proc = lab.spawn_in("clinic-black", sleep)?;
    let path = PathBuf::from(format!("/proc/{}/ns/net", proc.id()));
    let inside = std::fs::read_link(&path).unwrap();
    assert_ne!(inside, std::fs::read_link("/proc/self/ns/net").unwrap());
    drop(proc);
    assert!(!path.exists());
    let mut slow = Command::new("sleep");
    slow.arg("4242");
    let done = lab.run_in("clinic-black", slow, Duration::from_millis(50))?;
    assert!(done.status.is_none() && !done.success());
    Ok(())
}

fn token() -> Outcome {
    let lab = raise()?;
    let signed = SelfSigned::create(&lab, "sato-hanako")?.https()?;
    let dir = lab.scratch().join("card");
    let token = Token::create(&dir, "sato", "1234", &signed.key_pem, &signed.cert_pem)?;
    let other = Token::create(&dir, "suzuki", "9999", &signed.key_pem, &signed.cert_pem)?;
    assert_eq!(token.conf(), other.conf());
    let list = |label: &str, pin: &str| {
        let mut tool = Command::new("pkcs11-tool");
        tool.env("SOFTHSM2_CONF", token.conf()).arg("--module").arg(token.module());
        tool.args(["--token-label", label, "--login", "--pin", pin, "--list-objects"]);
        lab.run_in("clinic-exam-1", tool, Duration::from_secs(10))
    };
    for (label, pin) in [("sato", "1234"), ("suzuki", "9999")] {
        let objects = list(label, pin)?.stdout;
        assert!(objects.contains("Private Key Object") && objects.contains("Certificate Object"), "{objects}");
    }
    assert!(!list("sato", "9999")?.success(), "the wrong PIN");
    let leftovers = std::fs::read_dir(&dir).unwrap().count();
    assert_eq!(leftovers, 2, "configuration and tokens only: no key file stays");
    Ok(())
}

/// `sekisho-lab up` as a lab of its own, nested in this one's namespaces.
struct Other {
    child: Child,
    scratch: PathBuf,
    out: BufReader<ChildStdout>,
}

impl Other {
    fn up() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho-lab"));
        let mut child = outside(command.arg("up")).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut other = Self { child, scratch: PathBuf::new(), out };
        loop {
            let mut line = String::new();
            assert!(other.out.read_line(&mut line).unwrap() > 0, "it ended before it was up");
            if let Some(path) = line.trim().strip_prefix("scratch ") {
                other.scratch = Path::new(path).parent().unwrap().to_owned();
            }
            if line.starts_with("ready") {
                return other;
            }
        }
    }

    /// The innermost of the three processes: the one whose children are the daemons.
    fn program(&self) -> u32 {
        let daemon = users_of(&self.scratch).into_iter().find(|id| command_line(*id).contains("ovsdb-server")).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{daemon}/status")).unwrap();
        status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn outside(command: &mut Command) -> &mut Command {
    command.env_remove("SEKISHO_LAB_INSIDE")
}

fn kill(signal: &str, id: u32) {
    assert!(Command::new("kill").arg(signal).arg(id.to_string()).status().unwrap().success());
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// All processes of this process namespace.
fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut ids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok()).collect();
    ids.sort_unstable();
    ids
}

/// Processes that have a lab's scratch directory in their environment or command line.
fn users_of(scratch: &Path) -> Vec<u32> {
    let needle = scratch.display().to_string();
    let uses = |id: &u32| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&needle) || command_line(*id).contains(&needle)
    };
    processes().into_iter().filter(uses).collect()
}

fn command_line(id: u32) -> String {
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default()).into_owned()
}

fn names() -> usize {
    std::fs::read_dir("/run/netns").unwrap().count()
}

fn interfaces() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    text.lines().skip(2).filter_map(|line| line.split(':').next()).map(|name| name.trim().to_owned()).collect()
}
