//! A terminal that sends first packets as fast as the source of the threat tables fears: every one to another port.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lab::Netns;

use crate::BenchError;

/// Packets a second that are aimed at.
const RATE: u64 = 10_000;

/// A running flood.
pub(super) struct Flood {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<f64>,
}

impl Flood {
    /// From a namespace toward an address that nobody opened.
    pub(super) fn start(from: &Netns, to: IpAddr) -> Result<Self, BenchError> {
        let socket = from.within(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
        let socket = socket.map_err(BenchError::file("the flood's socket"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (begin, mut sent) = (Instant::now(), 0u64);
            while !stopped.load(Ordering::Acquire) {
                // Due by now; a machine that is late catches up.
                let due = (begin.elapsed().as_secs_f64() * RATE as f64) as u64;
                while sent < due {
                    let port = 1024 + (sent % 60_000) as u16;
                    let _ = socket.send_to(b"flood", (to, port));
                    sent += 1;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            sent as f64 / begin.elapsed().as_secs_f64()
        });
        Ok(Self { stop, thread })
    }

    /// Ends it and says how many packets a second were sent.
    pub(super) fn stop(self) -> f64 {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap_or_default()
    }
}
