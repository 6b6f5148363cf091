//! What a clinic waits for, and what stops at once: lines cut by an operator, by a revocation list, and opened while
//! somebody floods the switch with first packets.

mod flood;
mod operator;

use std::time::{Duration, Instant};

use lab::{Download, Netns};
use story::{CardOrder, Look, Set, Stage};
use texts::Lang;

use crate::connect::terminal::Terminal;
use crate::connect::{SOFTHSM, first_byte};
use crate::{BenchError, Peer, Row, Summary};

const ROUNDS: usize = 30;
/// Services on the console that is timed.
const SERVICES: usize = 100;
const PAGES: usize = 20;
/// Each needs a network of its own.
const FAILOVERS: usize = 3;
/// Each needs a card of its own.
const REVOCATIONS: usize = 12;
const WAIT: Duration = Duration::from_secs(20);
/// What is silent for so long is cut: an operator was answered when it was.
const SHORT: Duration = Duration::from_millis(200);
/// Longer than the center takes to see a new list: what stops for a moment is not cut.
const LONG: Duration = Duration::from_millis(1500);
const LINGER_MS: u32 = 600_000;
const AT: &str = "clinic/exam-1";
const SERVICE: &str = "keyaki/records";

/// Everything from one run.
pub fn measure(progress: &(dyn Fn(&str) + Sync)) -> Result<(Vec<Row>, String), BenchError> {
    progress("raising three sites");
    let mut set = story::with_services(SERVICES);
    set.cards.extend((0..REVOCATIONS).map(|n| CardOrder::new(&spare(n), &format!("TANAKA {n}"), "Medical Doctor")));
    let mut stage = Stage::raise_set(Lang::En, LINGER_MS, set, &|_| {})?;
    stage.lab().capture().stop();
    let netns = stage.lab().netns("sk-clinic-exam-1")?.clone();
    let token = stage.cards().token(story::Person::Doctor);
    std::fs::copy(token.conf(), SOFTHSM).map_err(BenchError::file(SOFTHSM))?;
    let card = card::Driver::load(token.module())?.open(None, story::PIN)?;
    let mut terminal = Terminal::sign_on(&stage, &netns, card)?;

    progress("an operator cuts a running line");
    let mut cuts = Vec::new();
    for _ in 0..ROUNDS {
        let signed = terminal.sign()?;
        let grant = terminal.open(&signed)?;
        let socket = stage.dir().join("center").join("center.sock");
        cuts.push(until_silent(&stage, &netns, SHORT, &mut || operator::cut(&socket, grant))?);
    }
    progress("opening beside a flood of first packets, and without");
    let (mut calm, mut flooded, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    let before = memory(&stage);
    for _ in 0..ROUNDS / 10 {
        calm.extend(opens(&mut terminal, &netns, &stage)?);
        let flood = flood::Flood::start(stage.lab().netns("sk-clinic-exam-2")?, stage.record_server().address)?;
        std::thread::sleep(Duration::from_millis(500));
        flooded.extend(opens(&mut terminal, &netns, &stage)?);
        sent.push(flood.stop());
    }
    let after = memory(&stage);
    let asked_for = Peer { name: "the same line asked for".into(), summary: summary("first-packet", calm.clone())? };
    progress("a first packet opens its line");
    let first = first_packets(&stage, &netns)?;
    progress("a console with a hundred services in a browser");
    let pages = console(&stage)?;
    progress("a revocation list cuts a running line");
    let mut lists = Vec::new();
    for n in 0..REVOCATIONS {
        let opened = stage.open_as(AT, &spare(n), SERVICE)?;
        if opened.code != 0 {
            return Err(BenchError::Subject(opened.seen()));
        }
        stage.revoke_card(&spare(n))?;
        lists.push(until_silent(&stage, &netns, LONG, &mut || Ok(stage.publish_lists()?))?);
        gone(&stage)?;
    }
    drop((terminal, stage));
    progress("the active one of two gates dies");
    let (mut failover, mut silence) = (Vec::new(), Vec::new());
    for _ in 0..FAILOVERS {
        let mut set = Set::story();
        // A second service for the same terminal: what is opened after the takeover.
        set.accords.push(story::Accord {
            id: "A-0015".into(),
            consumer: "aoba".into(),
            provider: "midori".into(),
            service: "midori/drug-information".into(),
            both_sign: true,
        });
        let mut stage = Stage::raise_set(Lang::En, LINGER_MS, set, &|_| {})?;
        stage.pair_gates("clinic")?;
        let took = stage.fail_over()?;
        failover.push(took.opens_again.as_secs_f64() * 1e3);
        silence.push(took.silence.as_secs_f64() * 1e3);
    }
    let silence = summary("gate-failover", silence)?.median;
    let calm = Peer { name: "the same without the flood".into(), summary: summary("flood-open", calm)? };
    let rows = vec![
        row("first-packet", first, Some(asked_for))?,
        row("operator-cut", cuts, None)?,
        row("crl-cut", lists, None)?,
        row("gate-failover", failover, None)?,
        row("flood-open", flooded, Some(calm))?,
        row("console-interactive", pages, None)?,
    ];
    let rate = sent.iter().sum::<f64>() / sent.len().max(1) as f64;
    let notes = format!(
        "first-packet: from a program's connect to the first byte, somebody being signed in; its peer is the same line asked for\n\
         in the terminal's session. operator-cut: from the operator's request to the last byte of a running download. crl-cut: from the moment the new\n\
         list stands where the center reads lists to the last byte; the center looks once a second.\n\
         flood-open: request to first byte at one terminal while another sends {rate:.0} first packets a second.\n\
         gate-failover: from the death of the active gate until a new line was open; the line that was open was silent for\n\
         {silence:.0} ms (median).\n\
         console-interactive: from asking for the console of a signed-in person with {SERVICES} services to a page whose scripts\n\
         have run, in Chromium.\n\
         memory of the clinic's gate: {before} KiB before the floods, {after} KiB after.\n"
    );
    Ok((rows, notes))
}

fn spare(n: usize) -> String {
    format!("spare-{n}")
}

/// Milliseconds from a program's connect to the first byte, the line opening in between.
fn first_packets(stage: &Stage, netns: &Netns) -> Result<Vec<f64>, BenchError> {
    let signed_in = stage.at_terminal(AT, story::Person::Doctor, &["--json", "login", "--pin-fd", "9"])?;
    if signed_in.code != 0 {
        return Err(BenchError::Subject(signed_in.seen()));
    }
    let socket = stage.dir().join("center").join("center.sock");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        first_byte(netns, stage.record_server().address)?;
        rounds.push(begin.elapsed().as_secs_f64() * 1e3);
        let status = stage.operator(&["--json", "status"])?.json();
        let grant = status["connections"][0]["grant"].as_u64();
        let grant = grant.ok_or_else(|| BenchError::Subject(format!("nothing is open: {status}")))?;
        operator::close(&socket, grant)?;
        gone(stage)?;
    }
    stage.at_terminal(AT, story::Person::Doctor, &["--json", "logout"])?;
    Ok(rounds)
}

/// Milliseconds from asking for the console to a page that can be used.
fn console(stage: &Stage) -> Result<Vec<f64>, BenchError> {
    let mut browser = stage.browser(AT, Some("doctor"), Look::of("ja"))?;
    story::sign_in(stage, &mut browser)?;
    let timings = story::console_timings(stage, &mut browser, PAGES)?;
    stage.at_terminal(AT, story::Person::Doctor, &["--json", "logout"])?;
    Ok(timings.iter().map(|t| t.interactive).collect())
}

fn opens(terminal: &mut Terminal, netns: &Netns, stage: &Stage) -> Result<Vec<f64>, BenchError> {
    let mut rounds = Vec::new();
    for _ in 0..10 {
        let signed = terminal.sign()?;
        let begin = Instant::now();
        let grant = terminal.open(&signed)?;
        first_byte(netns, stage.record_server().address)?;
        rounds.push(begin.elapsed().as_secs_f64() * 1e3);
        terminal.close(grant)?;
    }
    Ok(rounds)
}

/// Milliseconds from the beginning of `end` to the last byte of a running download.
fn until_silent(
    stage: &Stage,
    netns: &Netns,
    quiet: Duration,
    end: &mut dyn FnMut() -> Result<(), BenchError>,
) -> Result<f64, BenchError> {
    let download = Download::start(netns, stage.record_server(), WAIT)?;
    if !download.flows(1 << 18, WAIT) {
        return Err(BenchError::Subject("the download does not run".into()));
    }
    let asked = Instant::now();
    end()?;
    let last = download.stalled(quiet, WAIT);
    let last = last.ok_or_else(|| BenchError::Subject("the download goes on after its end".into()))?;
    Ok(last.saturating_duration_since(asked).as_secs_f64() * 1e3)
}

/// Waits until no line is left.
fn gone(stage: &Stage) -> Result<(), BenchError> {
    let none = || {
        let status = stage.operator(&["--json", "status"]).map(|a| a.json()).unwrap_or_default();
        status["connections"].as_array().is_some_and(Vec::is_empty)
    };
    if story::until(WAIT, none) { Ok(()) } else { Err(BenchError::Subject("a cut line is not closed".into())) }
}

/// Resident memory of the clinic's gate, KiB.
fn memory(stage: &Stage) -> u64 {
    stage.gate_memory("clinic").unwrap_or_default()
}

fn summary(metric: &str, rounds: Vec<f64>) -> Result<Summary, BenchError> {
    Summary::of_times(rounds).ok_or_else(|| BenchError::Subject(format!("{metric}: no round")))
}

fn row(metric: &str, rounds: Vec<f64>, peer: Option<Peer>) -> Result<Row, BenchError> {
    Ok(Row::new(metric, "ms", summary(metric, rounds)?, peer))
}
