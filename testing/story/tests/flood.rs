//! A flood of first packets at one port (N1): another terminal's line opens all the same, and the gate does not grow.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lab::Trial;
use story::{Person, Stage, StageError};
use texts::Lang;

const PER_SECOND: u32 = 10_000;
const WAIT: Duration = Duration::from_secs(20);

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("a flood at one port takes nothing of another's share", flood)]);
}

fn flood() -> Result<(), StageError> {
    let stage = Stage::raise(Lang::En, &|_| {})?;
    let open = || -> Result<Duration, StageError> {
        let opened = stage.open("clinic/exam-1", Person::Doctor, "keyaki/records")?;
        that(opened.code == 0, || opened.seen())?;
        Ok(opened.took)
    };
    let close = || -> Result<(), StageError> {
        let closed = stage.close("clinic/exam-1", "keyaki/records")?;
        that(closed.code == 0, || closed.seen())
    };
    open()?;
    close()?;
    let calm = open()?;
    close()?;
    let (over, sent) = (AtomicBool::new(false), AtomicU32::new(0));
    let netns = stage.lab().netns("sk-clinic-exam-2")?;
    let before = memory(&stage)?;
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| netns.within(|| pour(&over, &sent)));
        let outcome = (|| {
            let begun = Instant::now();
            while sent.load(Ordering::Relaxed) < 2 * PER_SECOND && begun.elapsed() < WAIT {
                std::thread::sleep(Duration::from_millis(20));
            }
            let stormy = open()?;
            let carried = stage.record_server().get(stage.lab().netns("sk-clinic-exam-1")?, "/", WAIT)?;
            that(!carried.is_empty(), || "nothing was carried".into())?;
            Ok::<_, StageError>((stormy, sent.load(Ordering::Relaxed), begun.elapsed()))
        })();
        over.store(true, Ordering::Relaxed);
        outcome
    });
    let (stormy, sent, took) = outcome?;
    let grown = memory(&stage)?.saturating_sub(before);
    eprintln!(
        "    {sent} first packets in {took:?}; open {calm:?} before, {stormy:?} meanwhile; the gate grew {grown} KiB"
    );
    that(sent >= PER_SECOND, || format!("only {sent} packets went out"))?;
    that(grown < 16 * 1024, || format!("the gate grew by {grown} KiB"))?;
    // The port of the flood has its own meter, and it is that one which dropped.
    let meters = stage.lab().site("clinic")?.switch.ofctl(&["meter-stats", "br0"])?;
    that(meters.matches("meter:").count() == 2, || meters.clone())
}

/// Datagrams to ever other places, from one terminal.
fn pour(over: &AtomicBool, sent: &AtomicU32) {
    let Ok(socket) = UdpSocket::bind("0.0.0.0:0") else { return };
    let begun = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let due = (begun.elapsed().as_secs_f64() * f64::from(PER_SECOND)) as u32;
        for n in sent.load(Ordering::Relaxed)..due {
            let nobody = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 128, 0, 0)) + n % 0x7f_ffff);
            let _ = socket.send_to(b"first", (nobody, 443));
        }
        sent.store(due, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Resident memory of the clinic's gate, KiB.
fn memory(stage: &Stage) -> Result<u64, StageError> {
    let pid = stage.gate_pid("clinic").ok_or_else(|| StageError::Product("no gate".into()))?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|error| StageError::Product(format!("the gate is gone: {error}")))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
    kib.ok_or_else(|| StageError::Product("no VmRSS".into()))
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
