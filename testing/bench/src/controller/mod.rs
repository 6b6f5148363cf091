//! First packets answered, by gates and by `ovs-testcontroller`, both over TLS and OpenFlow 1.3.
//!
//! The switches are ours: a load generator that speaks the switch side. One answer is one packet-in whose flow-mods came
//! back; flow-mods and packet-outs are counted apart. Half of the packets lead where a live grant leads, half are refused;
//! a learning controller answers both halves alike, for it has no policy.

mod gates;
mod load;
mod namespace;
mod packets;
mod peer;
mod switch;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use authority::{Authority, CaKind};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{BenchError, cpu, network};
use crate::{Peer, Row, Summary};
use gates::{Gate, Papers};
use load::{Answers, Load, Target, Token};

const PEER: &str = "ovs-testcontroller";
const ADDRESS: &str = "127.0.0.1:6653";
/// In flight per switch when throughput counts.
const BURST: usize = 64;
/// Ours and the peer take turns so often, so that other work on the machine strikes both.
const TURNS: usize = 10;
/// Rounds a turn; all turns together give 250 rounds.
const ROUNDS: usize = 25;
const ROUND: Duration = Duration::from_millis(60);
const LATENCY_TURN: Duration = Duration::from_millis(800);
const SETTLE: Duration = Duration::from_secs(60);

/// The rows for 1 and 16 switches, and how they came about.
pub fn measure(progress: &dyn Fn(&str)) -> Result<(Vec<Row>, String), BenchError> {
    let dir = std::env::temp_dir().join(format!("sekisho-bench-{}-{}", std::process::id(), seconds()));
    std::fs::create_dir_all(&dir).map_err(BenchError::file(&dir))?;
    let result = measure_in(&dir, progress);
    // What cannot be removed is only a folder of test certificates.
    let _ = std::fs::remove_dir_all(&dir);
    result
}

fn measure_in(dir: &Path, progress: &dyn Fn(&str)) -> Result<(Vec<Row>, String), BenchError> {
    let mut authority = Authority::new(&dir.join("authority"), seconds() - 3600)?;
    let now = seconds();
    authority.write_crls(now - 1800, now + 86_400)?;
    let mut rates = Vec::new();
    let mut times = Vec::new();
    let mut notes = String::from(
        "one answer = one packet-in whose flow-mods came back; half of the packet-ins hit a live grant (3 flow-mods and a \
         packet-out), half are refused (a temporary drop); the peer has no policy and answers each with 1 flow-mod and a \
         packet-out\nboth over TLS with certificates on both sides; 16 switches are 16 gates, CPU is their sum\n",
    );
    for switches in [1, 16] {
        progress(&format!("raising {switches} gate(s) and {PEER}"));
        let rig = Rig::raise(&mut authority, dir, switches)?;
        notes += &format!("{switches:>2} switch(es): ours {}, peer {}\n", rig.ours.suite(), rig.peer.suite());
        progress(&format!("{switches} switch(es), {BURST} in flight"));
        let rate = rig.rates()?;
        notes += &format!("{switches:>2} switch(es), {BURST} in flight: {}\n", rate.note);
        rates.push(rate.row(&format!("flow-setup-per-cpu-second-{switches}"), "answers/CPU-s", Summary::of_rates)?);
        progress(&format!("{switches} switch(es), 1 in flight"));
        let time = rig.times(Timing::InTurn)?;
        notes += &format!("{switches:>2} switch(es) in turn, 1 in flight: {}\n", time.note);
        times.push(time.row(&format!("flow-setup-latency-{switches}"), "us", Summary::of_times)?);
        if switches > 1 {
            progress(&format!("{switches} switches, 1 in flight per switch"));
            let time = rig.times(Timing::Each)?;
            notes += &format!("{switches:>2} switches, 1 in flight per switch: {}\n", time.note);
            times.push(time.row(&format!("flow-setup-latency-{switches}-at-once"), "us", Summary::of_times)?);
        }
    }
    rates.append(&mut times);
    Ok((rates, notes))
}

/// What both sides did in all rounds.
struct Rounds {
    ours: Vec<f64>,
    peer: Vec<f64>,
    note: String,
}

impl Rounds {
    fn row(self, metric: &str, unit: &str, sum: fn(Vec<f64>) -> Option<Summary>) -> Result<Row, BenchError> {
        let nothing = |who: &str| BenchError::Subject(format!("{metric}: {who} answered nothing: {}", self.note));
        let ours = sum(self.ours).ok_or_else(|| nothing("ours"))?;
        let peer = sum(self.peer).ok_or_else(|| nothing(PEER))?;
        Ok(Row::new(metric, unit, ours, Some(Peer { name: PEER.to_owned(), summary: peer })))
    }
}

/// Both sides, up and settled.
struct Rig {
    ours: Side,
    peer: Side,
}

/// Connected switches and the processes behind them.
struct Side {
    // Dropped in this order: the switches first.
    loads: Vec<Load>,
    gates: Vec<Gate>,
    peer: Option<peer::Controller>,
    ring: Ring,
}

/// Each switch hands the token to the next.
struct Ring {
    senders: Vec<Sender<Token>>,
    receivers: VecDeque<Receiver<Token>>,
}

impl Ring {
    fn new(switches: u8) -> Self {
        let (senders, receivers) = (0..switches).map(|_| channel()).unzip();
        Self { senders, receivers }
    }
}

/// How packets are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timing {
    /// One in flight, the switches in turn.
    InTurn,
    /// One in flight per switch: as many as there are switches, whatever the machine can bear.
    Each,
}

impl Rig {
    fn raise(authority: &mut Authority, dir: &Path, switches: u8) -> Result<Self, BenchError> {
        let dir = dir.join(format!("{switches}"));
        std::fs::create_dir_all(&dir).map_err(BenchError::file(&dir))?;
        let network = network::network(switches)?;
        let mut all = Vec::new();
        for n in 0..switches {
            all.extend(network::grants(&network, n, 1)?);
        }
        let states = network::states(&network, &all)?;
        let center = authority.issue_center("center", &["center.sekisho.test"], &[])?;
        let mut papers = Papers { authority, center, dir: dir.clone(), binary: beside_this("sekisho-gate")? };
        let mut gates = Vec::new();
        for (n, site) in (0..switches).map(|n| (n, network::site_id(n))) {
            let state = states.iter().find(|(id, _)| id.as_str() == site).map(|(_, state)| state);
            let state = state.ok_or_else(|| BenchError::Network(format!("no state of {site}")))?;
            gates.push(Gate::start(&mut papers, state, n)?);
        }
        let controller = peer::Controller::start(papers.authority, &dir)?;
        let mut ours = Side { loads: Vec::new(), gates, peer: None, ring: Ring::new(switches) };
        let mut peer = Side { loads: Vec::new(), gates: Vec::new(), peer: Some(controller), ring: Ring::new(switches) };
        for n in 0..switches {
            let tls = tls(papers.authority, n)?;
            let name = |site: &str| format!("{site}.gate.sekisho.test");
            ours.plug(n, name(&network::site_id(n)), &tls, Answers::Gate)?;
            peer.plug(n, name(peer::SITE), &tls, Answers::Learning)?;
        }
        ours.settle()?;
        peer.settle()?;
        Ok(Self { ours, peer })
    }

    /// Answers per CPU-second; a round is a stretch of wall time.
    fn rates(&self) -> Result<Rounds, BenchError> {
        let mut rounds = [Vec::new(), Vec::new()];
        let mut notes = [Told::default(), Told::default()];
        for turn in 0..=TURNS {
            for (side, (rates, told)) in self.sides().into_iter().zip(rounds.iter_mut().zip(&mut notes)) {
                let pids = side.pids();
                side.load(BURST);
                std::thread::sleep(ROUND);
                let first = side.look(&pids);
                let mut last = first;
                for _ in 0..ROUNDS {
                    std::thread::sleep(ROUND);
                    let now = side.look(&pids);
                    // The first turn warms both sides up. A round in which the machine let the controller not run at
                    // all says nothing about it.
                    if turn > 0 && now.cpu > last.cpu {
                        rates.push((now.answered - last.answered) as f64 * 1e9 / (now.cpu - last.cpu) as f64);
                    }
                    last = now;
                }
                if turn > 0 {
                    told.add(&first, &last);
                }
                side.quiet()?;
            }
        }
        let [ours, peer] = rounds;
        let note = format!("ours {}; peer {}", notes[0], notes[1]);
        Ok(Rounds { ours, peer, note })
    }

    /// Microseconds from packet-in to answer; a round is one packet.
    fn times(&self, timing: Timing) -> Result<Rounds, BenchError> {
        let mut rounds = [Vec::new(), Vec::new()];
        let mut notes = [Told::default(), Told::default()];
        for turn in 0..=TURNS {
            for (side, (times, told)) in self.sides().into_iter().zip(rounds.iter_mut().zip(&mut notes)) {
                let pids = side.pids();
                let first = side.look(&pids);
                match timing {
                    Timing::InTurn => side.take_turns(),
                    Timing::Each => side.load(1),
                }
                std::thread::sleep(LATENCY_TURN);
                side.quiet()?;
                let taken: Vec<f64> = side.loads.iter().flat_map(|load| load.counts.take_times()).collect();
                if turn > 0 {
                    times.extend(taken);
                    told.add(&first, &side.look(&pids));
                }
            }
        }
        let [ours, peer] = rounds;
        let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len().max(1) as f64;
        let note =
            format!("ours mean {:.1} us, {}; peer mean {:.1} us, {}", mean(&ours), notes[0], mean(&peer), notes[1]);
        Ok(Rounds { ours, peer, note })
    }

    fn sides(&self) -> [&Side; 2] {
        [&self.ours, &self.peer]
    }
}

/// Counts of a whole side at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    cpu: u64,
    answered: u64,
    lost: u64,
    flow_mods: u64,
    packet_outs: u64,
}

/// The same, summed over turns, to be told.
#[derive(Debug, Default)]
struct Told {
    seconds: f64,
    cpu: u64,
    answered: u64,
    lost: u64,
    flow_mods: u64,
    packet_outs: u64,
}

impl Told {
    fn add(&mut self, from: &Look, to: &Look) {
        self.seconds += (to.at - from.at).as_secs_f64();
        self.cpu += to.cpu - from.cpu;
        self.answered += to.answered - from.answered;
        self.lost += to.lost - from.lost;
        self.flow_mods += to.flow_mods - from.flow_mods;
        self.packet_outs += to.packet_outs - from.packet_outs;
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let each = |count: u64| count as f64 / self.answered.max(1) as f64;
        write!(
            f,
            "{} answers, {:.0}/s wall, {:.2} us CPU each, {:.2} flow-mods and {:.2} packet-outs each, {} lost",
            self.answered,
            self.answered as f64 / self.seconds,
            self.cpu as f64 / 1e3 / self.answered.max(1) as f64,
            each(self.flow_mods),
            each(self.packet_outs),
            self.lost
        )
    }
}

impl Side {
    fn plug(&mut self, n: u8, name: String, tls: &Arc<ClientConfig>, answers: Answers) -> Result<(), BenchError> {
        let address = ADDRESS.parse().expect("a literal address");
        let receiver = self.ring.receivers.pop_front();
        let next = self.ring.senders.get((usize::from(n) + 1) % self.ring.senders.len()).cloned();
        let turn = receiver.zip(next).ok_or_else(|| BenchError::Subject(format!("no place for switch {n}")))?;
        let target =
            Target { number: n, datapath: network::datapath(n), address, name, tls: Arc::clone(tls), answers, turn };
        let namespace = match (&self.peer, self.gates.get(usize::from(n))) {
            (Some(peer), _) => &peer.namespace,
            (None, Some(gate)) => &gate.namespace,
            (None, None) => return Err(BenchError::Subject(format!("no gate {n}"))),
        };
        let load = namespace.within(|| Load::connect(target))?.map_err(|error| self.failed(&error.to_string()))?;
        self.loads.push(load);
        Ok(())
    }

    /// Waits until every gate's rules stand, or until the peer knows every switch.
    fn settle(&self) -> Result<(), BenchError> {
        let end = Instant::now() + SETTLE;
        loop {
            let settled = self.loads.iter().enumerate().all(|(n, load)| {
                let wanted = self.gates.get(n).map_or(0, |gate| gate.rules);
                load.counts.known.load(Ordering::Relaxed) && load.counts.owned.load(Ordering::Relaxed) >= wanted
            });
            self.sound()?;
            if settled {
                return Ok(());
            }
            if Instant::now() >= end {
                let have: Vec<usize> = self.loads.iter().map(|l| l.counts.owned.load(Ordering::Relaxed)).collect();
                return Err(self.failed(&format!("the switches do not get their rules; they hold {have:?}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn pids(&self) -> Vec<u32> {
        match &self.peer {
            Some(peer) => vec![peer.pid()],
            None => self.gates.iter().map(Gate::pid).collect(),
        }
    }

    fn suite(&self) -> &str {
        self.loads.first().map_or("", |load| &load.suite)
    }

    fn load(&self, in_flight: usize) {
        for load in &self.loads {
            load.counts.in_flight.store(in_flight, Ordering::Relaxed);
        }
    }

    fn take_turns(&self) {
        for load in &self.loads {
            load.counts.in_turn.store(true, Ordering::Relaxed);
        }
        // Every switch must have seen that before the token comes, or the token would be thrown away.
        std::thread::sleep(Duration::from_millis(50));
        if let Some(first) = self.ring.senders.first() {
            // A switch that failed is found by `sound`.
            let _ = first.send(Token);
        }
    }

    /// Ends the load and lets what is in flight come home.
    fn quiet(&self) -> Result<(), BenchError> {
        self.load(0);
        for load in &self.loads {
            load.counts.in_turn.store(false, Ordering::Relaxed);
        }
        let pids = self.pids();
        let mut last = self.look(&pids).answered;
        loop {
            std::thread::sleep(Duration::from_millis(30));
            let now = self.look(&pids).answered;
            if now == last {
                return self.sound();
            }
            last = now;
        }
    }

    fn look(&self, pids: &[u32]) -> Look {
        let sum = |of: fn(&load::Counts) -> u64| self.loads.iter().map(|load| of(&load.counts)).sum();
        Look {
            at: Instant::now(),
            cpu: cpu::nanoseconds(pids),
            answered: sum(|c| c.answered.load(Ordering::Relaxed)),
            lost: sum(|c| c.lost.load(Ordering::Relaxed)),
            flow_mods: sum(|c| c.flow_mods.load(Ordering::Relaxed)),
            packet_outs: sum(|c| c.packet_outs.load(Ordering::Relaxed)),
        }
    }

    /// Every switch still talks to its controller, and was never answered against the policy.
    fn sound(&self) -> Result<(), BenchError> {
        let failure = self.loads.iter().enumerate().find_map(|(n, load)| Some((n, load.counts.failure()?)));
        failure.map_or(Ok(()), |(n, failure)| Err(self.failed(&format!("switch {n}: {failure}"))))
    }

    fn failed(&self, what: &str) -> BenchError {
        let log = match (&self.peer, self.gates.first()) {
            (Some(peer), _) => peer.log_tail(),
            (None, Some(gate)) => gate.log_tail(),
            (None, None) => String::new(),
        };
        let who = if self.peer.is_some() { PEER } else { "sekisho-gate" };
        BenchError::Subject(format!("{who}: {what}\n{log}"))
    }
}

/// The switch's own certificate, the CA of gates, and one suite, so that both sides encrypt alike.
fn tls(authority: &mut Authority, n: u8) -> Result<Arc<ClientConfig>, BenchError> {
    let issued = authority.issue_switch(&network::site_id(n), network::datapath(n))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.ca_der(CaKind::Gate)?))?;
    let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes())
        .map_err(|e| BenchError::Subject(format!("key of switch {n}: {e}")))?;
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites = vec![rustls::crypto::ring::cipher_suite::TLS13_AES_256_GCM_SHA384];
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![CertificateDer::from(issued.cert_der)], key)?;
    Ok(Arc::new(config))
}

fn beside_this(program: &str) -> Result<PathBuf, BenchError> {
    let me = std::env::current_exe().map_err(BenchError::file("this program"))?;
    let path = me.with_file_name(program);
    if path.exists() {
        Ok(path)
    } else {
        Err(BenchError::Subject(format!("{} is not built; run this through `cargo xtask bench`", path.display())))
    }
}

fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}
