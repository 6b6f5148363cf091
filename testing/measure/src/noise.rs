//! How much else the machine did meanwhile; without it no number here can be read.

use std::fs;
use std::time::Instant;

/// The machine's state at the begin of a bench.
#[derive(Debug)]
pub struct Noise {
    load: String,
    busy: Option<Busy>,
    begin: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Busy {
    used: u64,
    all: u64,
}

impl Noise {
    /// Looks at the machine now.
    pub fn begin() -> Self {
        Self { load: load(), busy: Busy::now(), begin: Instant::now() }
    }

    /// One line: cores, load average at both ends, and how busy all cores were in between.
    pub fn end(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let busy = match (self.busy, Busy::now()) {
            (Some(then), Some(now)) if now.all > then.all => {
                format!(
                    ", cores {:.0} % busy (the bench included)",
                    100.0 * (now.used - then.used) as f64 / (now.all - then.all) as f64
                )
            }
            _ => String::new(),
        };
        format!(
            "{cores} cores; load average {} at begin, {} at end; {:.0} s{busy}",
            self.load,
            load(),
            self.begin.elapsed().as_secs_f64()
        )
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

impl Busy {
    /// proc(5), `/proc/stat`: user nice system idle iowait irq softirq steal …
    fn now() -> Option<Self> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let fields: Vec<u64> = text.lines().next()?.split_whitespace().skip(1).take(8).flat_map(str::parse).collect();
        let all = fields.iter().sum();
        let idle = fields.get(3)? + fields.get(4)?;
        Some(Self { used: all - idle, all })
    }
}
