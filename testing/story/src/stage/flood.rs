//! A flood of first packets at one port while another terminal opens a line (N1).

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{Stage, StageError};
use crate::people::Person;

/// What a terminal that floods sends a second.
pub const FLOOD_PER_SECOND: u32 = 10_000;
const WAIT: Duration = Duration::from_secs(60);

/// What a flood did to another terminal and to the gate.
#[derive(Debug, Clone, Copy)]
pub struct Flooded {
    /// An opening before, the command's own time included.
    pub calm: Duration,
    /// An opening meanwhile.
    pub stormy: Duration,
    /// First packets sent until that line was open.
    pub sent: u32,
    /// What the gate's resident memory grew by, KiB.
    pub grown: u64,
}

impl Stage {
    /// Lets `clinic/exam-2` flood its port while `clinic/exam-1` opens its line and uses it.
    pub fn flood_open(&self) -> Result<Flooded, StageError> {
        self.open_and_close()?;
        let calm = self.open_and_close()?;
        let (over, sent) = (AtomicBool::new(false), AtomicU32::new(0));
        let netns = self.lab.netns("sk-clinic-exam-2")?;
        let before = self.gate_memory("clinic")?;
        let outcome = std::thread::scope(|scope| {
            let flood = scope.spawn(|| netns.within(|| pour(&over, &sent)));
            let begun = Instant::now();
            while sent.load(Ordering::Relaxed) < 2 * FLOOD_PER_SECOND && begun.elapsed() < WAIT {
                std::thread::sleep(Duration::from_millis(20));
            }
            let stormy = self.open_and_close();
            over.store(true, Ordering::Relaxed);
            // A thread that could not enter has sent nothing, which is what is looked at.
            let _ = flood.join();
            stormy
        });
        let grown = self.gate_memory("clinic")?.saturating_sub(before);
        Ok(Flooded { calm, stormy: outcome?, sent: sent.load(Ordering::Relaxed), grown })
    }

    fn open_and_close(&self) -> Result<Duration, StageError> {
        let opened = self.open("clinic/exam-1", Person::Doctor, "keyaki/records")?;
        if opened.code != 0 {
            return Err(StageError::Product(opened.seen()));
        }
        let carried = self.record_server().get(self.lab.netns("sk-clinic-exam-1")?, "/", WAIT)?;
        if carried.is_empty() {
            return Err(StageError::Product("the line carries nothing".into()));
        }
        let closed = self.close("clinic/exam-1", "keyaki/records")?;
        if closed.code == 0 { Ok(opened.took) } else { Err(StageError::Product(closed.seen())) }
    }

    /// Resident memory of a site's gate, KiB.
    pub fn gate_memory(&self, site: &str) -> Result<u64, StageError> {
        let no = |what: String| StageError::Product(format!("the gate of {site}: {what}"));
        let pid = self.gates.get(site).map(lab::Proc::id).ok_or_else(|| no("not running".into()))?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|error| no(error.to_string()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        kib.ok_or_else(|| no("no VmRSS".into()))
    }
}

/// Datagrams to ever other places, from one terminal.
fn pour(over: &AtomicBool, sent: &AtomicU32) {
    let Ok(socket) = UdpSocket::bind("0.0.0.0:0") else { return };
    let begun = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let due = (begun.elapsed().as_secs_f64() * f64::from(FLOOD_PER_SECOND)) as u32;
        for n in sent.load(Ordering::Relaxed)..due {
            let nobody = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 128, 0, 0)) + n % 0x7f_ffff);
            // A full queue drops, as a network does.
            let _ = socket.send_to(b"first", (nobody, 443));
        }
        sent.store(due, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
}
