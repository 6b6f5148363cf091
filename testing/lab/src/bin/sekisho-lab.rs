//! `sekisho-lab`: raises a scenario by hand, checks the lab itself, clears what a kill left.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use lab::byhand::{self, Line, SelfSigned};
use lab::{Answer, Download, HttpsTarget, Lab, LabError, PacketClass, Probe, Scenario};

#[derive(Parser)]
#[command(name = "sekisho-lab", version, about = "Sites, switches, gateways and an Internet segment on one machine")]
struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Raise a scenario and keep it until Ctrl-C
    Up {
        /// Scenario file (default: the three sites)
        #[arg(long)]
        scenario: Option<PathBuf>,
    },
    /// Remove scratch directories and namespaces of labs that were killed
    Gc,
    /// Raise sites with gates, send real packets between all hosts, compare with the proof
    #[command(disable_help_flag = true)]
    Reach {
        /// `sekisho-lab reach --help` shows them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Raise the three sites, open one line by hand, check what passes and what does not
    Selftest,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Verb::Gc => collect(),
        Verb::Reach { arguments } => Err(reach(&arguments)),
        Verb::Up { scenario } => {
            // Read before the namespaces: a mistake in the file is told at once.
            let read = scenario.map_or_else(|| Ok(Scenario::three_sites()), |path| Scenario::load(&path));
            read.map_err(|error| error.to_string()).and_then(|scenario| {
                lab::enter();
                up(&scenario).map_err(|error| error.to_string())
            })
        }
        Verb::Selftest => {
            lab::enter();
            selftest().map_err(|error| error.to_string())
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sekisho-lab: {error}");
            ExitCode::from(2)
        }
    }
}

/// Becomes the program beside this one: the lab itself knows nothing of proofs. Returns only why it cannot.
fn reach(arguments: &[OsString]) -> String {
    let beside = std::env::current_exe().map(|me| me.with_file_name("sekisho-lab-reach"));
    match beside {
        Ok(program) => {
            let error = Command::new(&program).args(arguments).exec();
            format!("{}: {error}; build it with `cargo build -p reality`", program.display())
        }
        Err(error) => format!("this program: {error}"),
    }
}

fn collect() -> Result<bool, String> {
    let report = lab::gc().map_err(|error| error.to_string())?;
    for path in &report.scratch {
        println!("removed {}", path.display());
    }
    for name in &report.namespaces {
        println!("removed namespace {name}");
    }
    println!("gc: {} directories, {} namespaces", report.scratch.len(), report.namespaces.len());
    Ok(true)
}

fn up(scenario: &Scenario) -> Result<bool, LabError> {
    let start = Instant::now();
    let lab = Lab::up(scenario, &|step| println!("{step}"))?;
    for name in lab.namespaces().keys() {
        println!("namespace {name}");
    }
    println!("scratch {}", lab.scratch().display());
    println!("capture {}", lab.capture().file().display());
    if let Some(owner) = lab::owner() {
        println!("enter   nsenter -t $(pgrep -P $(pgrep -P {owner})) -m -n -p ip netns exec NAMESPACE COMMAND");
    }
    println!("ready after {} ms; Ctrl-C ends it", start.elapsed().as_millis());
    loop {
        std::thread::park();
    }
}

fn selftest() -> Result<bool, LabError> {
    let mut checks = Checks::default();
    let start = Instant::now();
    let lab = Lab::up(&Scenario::three_sites(), &|step| println!("      {step}"))?;
    println!("      up after {} ms", start.elapsed().as_millis());
    let identity = SelfSigned::create(&lab, "record-server")?;
    let servers =
        [lab.serve("hospital", "record-server", Some(&identity.https()?))?, lab.serve("hospital", "portal", None)?];
    let record = lab.address("hospital", "record-server")?;
    let terminal = lab.address("clinic", "exam-1")?;
    let others = [
        Probe::tcp("clinic-exam-1", record, 8080),
        Probe::udp("clinic-exam-1", record, 4000),
        Probe::icmp("clinic-exam-1", record),
        Probe::tcp("clinic-exam-1", lab.address("hospital", "portal")?, 443),
        Probe::tcp("clinic-exam-2", record, 443),
        Probe::tcp("provider-ops-1", terminal, 443),
        Probe::icmp("hospital-record-server", terminal),
    ];
    let service = Probe::tcp("clinic-exam-1", record, 443);
    let prefixes = lab.private_prefixes();
    let begin = lab.capture().mark();

    let answers = lab.probe_all(&[&others[..], std::slice::from_ref(&service)].concat())?;
    checks.hold("before anything: nothing is reachable", answers.iter().all(|answer| *answer == Answer::Silent));

    let line = Line {
        name: "selftest".into(),
        origin: ("clinic".into(), "exam-1".into()),
        provider: ("hospital".into(), "record-server".into()),
        port: 443,
    };
    for site in ["clinic", "hospital"] {
        byhand::base_flows(lab.site(site)?)?;
    }
    byhand::open_flows(&lab, &line, 0x51)?;
    checks.hold(
        "rules without a tunnel: nothing passes",
        lab.probe_all(std::slice::from_ref(&service))? == [Answer::Silent],
    );
    byhand::load(&lab, "clinic", "hospital", std::slice::from_ref(&line))?;
    let took = byhand::initiate(&lab, &line)?;
    println!("      IKE and child up after {} ms", took.as_millis());

    let target =
        HttpsTarget { address: record, port: 443, tls: Some(("record-server".into(), identity.https()?.cert_pem)) };
    let exam = lab.netns("clinic-exam-1")?;
    let record_text = target.get(exam, "/", Duration::from_secs(5))?;
    checks.hold("HTTPS passes", record_text.contains("\"record\""));
    let answers = lab.probe_all(&others)?;
    checks.hold("nothing else does", answers.iter().all(|answer| *answer == Answer::Silent));

    let download = Download::start(exam, &target, Duration::from_secs(5))?;
    checks.hold("a download runs", download.flows(1 << 20, Duration::from_secs(10)));
    byhand::close_flows(&lab, &line, 0x51)?;
    let quiet = Duration::from_millis(500);
    checks.hold("it stalls when the rules go", download.stalled(quiet, Duration::from_secs(5)).is_some());
    drop(download);
    byhand::terminate(&lab, &line)?;
    let sas = lab.site("clinic")?.charon.list_sas()?;
    checks.hold("no child is left", sas.is_empty());

    let seen = lab.capture().packets_since(begin)?;
    let esp = seen.iter().filter(|packet| packet.class == PacketClass::EspInUdp).count();
    let ike = seen.iter().filter(|packet| packet.class == PacketClass::Ike).count();
    println!("      on the Internet segment: {ike} IKE, {esp} ESP in UDP");
    checks.hold("IKE and ESP were seen", ike >= 4 && esp > 100);
    let clear = lab.capture().clear_since(begin, &prefixes)?;
    checks.hold("no clear text was seen", clear.is_empty() && lab.capture().clear_counted()? == 0);

    drop(servers);
    let scratch = lab.scratch().to_owned();
    drop(lab);
    let names = std::fs::read_dir("/run/netns").map_or(0, Iterator::count);
    checks.hold("nothing is left of the lab", names == 0 && !scratch.exists());
    println!("selftest: {} checks held, {} failed", checks.held, checks.failed);
    Ok(checks.failed == 0)
}

#[derive(Default)]
struct Checks {
    held: u32,
    failed: u32,
}

impl Checks {
    fn hold(&mut self, what: &str, holds: bool) {
        println!("{}  {what}", if holds { "ok  " } else { "FAIL" });
        *(if holds { &mut self.held } else { &mut self.failed }) += 1;
    }
}
