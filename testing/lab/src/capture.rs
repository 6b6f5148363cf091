//! The capture point: every frame of the Internet segment, in a pcap file and in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use ipnet::IpNet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, Socket, Type};

use crate::LabError;
use crate::netns::Netns;
use crate::packet::Captured;
use crate::process::{self, until};

/// Bytes kept of a frame: all headers that occur here.
const SNAPLEN: usize = 192;
/// Frames kept in memory.
const RING: usize = 400_000;
/// Size at which the pcap file stops growing.
const FILE_LIMIT: u64 = 512 << 20;
/// A frame that crosses the bridge is seen at its entry and at each exit: copies are looked for among so many frames …
const RECENT: usize = 64;
/// … and no further back; nothing in the lab repeats a frame byte for byte so soon (least TCP timeout: 200 ms).
const COPY: Duration = Duration::from_millis(50);

/// A moment in the capture; the default is its start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// The capture on the Internet segment. Two witnesses: a packet socket, which tells what was seen but may lose frames
/// under load, and a counter in the kernel, which loses none but only counts clear packets of private prefixes.
#[derive(Debug)]
pub struct Capture {
    shared: Arc<Shared>,
    netns: Netns,
    file: PathBuf,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    ring: Mutex<VecDeque<Captured>>,
    /// Times that the reader found the socket empty.
    drained: AtomicU64,
    stop: AtomicBool,
}

impl Capture {
    pub(crate) fn start(netns: &Netns, file: PathBuf) -> Result<Self, LabError> {
        const ETH_P_ALL: u16 = 0x0003;
        // Not bound to an interface: it sees all of the namespace.
        let socket = netns.within(|| {
            let protocol = Protocol::from(i32::from(ETH_P_ALL.to_be()));
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
            // The limit of the machine (net.core.rmem_max) may cut this down.
            socket.set_recv_buffer_size(16 << 20)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        })?;
        let socket = socket.map_err(LabError::io("packet socket"))?;
        let pcap = Pcap::create(&file).map_err(LabError::io(file.display().to_string()))?;
        let shared = Arc::new(Shared::default());
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || read_frames(&socket, pcap, &shared)
        });
        Ok(Self { shared, netns: netns.clone(), file, thread: Some(thread) })
    }

    /// The pcap file (Ethernet, cut at 192 bytes a frame); written out by [`Self::mark`] and at the end.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The moment now: frames sent before this call are before it.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.settle();
        Mark(self.ring().back().map_or(0, |last| last.number + 1))
    }

    /// All frames since a mark, those in flight at this call included.
    ///
    /// Each frame that the bridge forwards is given once. Fails if the memory no longer reaches back to the mark.
    pub fn packets_since(&self, mark: Mark) -> Result<Vec<Captured>, LabError> {
        if self.shared.stop.load(Ordering::Acquire) {
            return Err(LabError::Protocol("capture: it was stopped".into()));
        }
        self.settle();
        let ring = self.ring();
        match ring.front() {
            Some(first) if first.number > mark.0 => {
                Err(LabError::Protocol(format!("capture: frames {} to {} are forgotten", mark.0, first.number)))
            }
            _ => Ok(ring.iter().filter(|frame| frame.number >= mark.0).cloned().collect()),
        }
    }

    /// Frames since a mark that show an address of these prefixes outside ESP.
    pub fn clear_since(&self, mark: Mark, prefixes: &[IpNet]) -> Result<Vec<Captured>, LabError> {
        let mut frames = self.packets_since(mark)?;
        frames.retain(|frame| frame.is_clear(prefixes));
        Ok(frames)
    }

    /// Ends the packet socket for good, for benchmarks: copying every frame costs time. The kernel's counter stays.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
    }

    /// The kernel's count, since the lab came up, of clear packets from or to any site's prefix. Misses none.
    pub fn clear_counted(&self) -> Result<u64, LabError> {
        let text = self
            .netns
            .within(|| process::run(Command::new("nft").args(["list", "counter", "bridge", "lab", "clear"])))??;
        let mut words = text.split_whitespace().skip_while(|word| *word != "packets").skip(1);
        let count = words.next().and_then(|word| word.parse().ok());
        count.ok_or_else(|| LabError::Protocol(format!("nft counter reads `{text}`")))
    }

    /// Waits until the reader has found its socket empty twice, i.e. has read all that was sent before.
    fn settle(&self) {
        let target = self.shared.drained.load(Ordering::Acquire) + 2;
        until(Duration::from_secs(5), || {
            self.shared.drained.load(Ordering::Acquire) >= target || self.shared.stop.load(Ordering::Acquire)
        });
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<Captured>> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_frames(socket: &Socket, mut pcap: Pcap, shared: &Shared) {
    let wait = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
    let state = RandomState::new();
    let mut recent: VecDeque<(u64, Instant)> = VecDeque::with_capacity(RECENT);
    let mut number = 0;
    let mut buffer = [0; SNAPLEN];
    while !shared.stop.load(Ordering::Acquire) {
        match (&mut &*socket).read(&mut buffer) {
            Ok(size) => {
                let frame = &buffer[..size];
                let (hash, now) = (state.hash_one(frame), Instant::now());
                let is_copy = |(seen, when): &(u64, Instant)| *seen == hash && now - *when < COPY;
                if recent.iter().any(is_copy) {
                    continue;
                }
                if recent.len() == RECENT {
                    recent.pop_front();
                }
                recent.push_back((hash, now));
                let at = SystemTime::now();
                pcap.write(at, frame);
                let mut ring = shared.ring.lock().unwrap_or_else(PoisonError::into_inner);
                if ring.len() == RING {
                    ring.pop_front();
                }
                ring.push_back(Captured::read(number, at, frame));
                number += 1;
            }
            Err(_) => {
                pcap.flush();
                shared.drained.fetch_add(1, Ordering::AcqRel);
                let mut ready = [PollFd::new(socket, PollFlags::IN)];
                let _ = poll(&mut ready, Some(&wait));
            }
        }
    }
    pcap.flush();
}

/// A pcap file of the classic format, little endian, microseconds.
struct Pcap {
    file: BufWriter<File>,
    written: u64,
}

impl Pcap {
    fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        let snaplen = (SNAPLEN as u32).to_le_bytes();
        file.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        file.write_all(&snaplen)?;
        file.write_all(&1u32.to_le_bytes())?;
        Ok(Self { file, written: 0 })
    }

    /// A full disk ends the file, not the test: the memory still has the frames.
    fn write(&mut self, at: SystemTime, frame: &[u8]) {
        if self.written > FILE_LIMIT {
            return;
        }
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut bytes = Vec::with_capacity(16 + frame.len());
        for word in [since.as_secs() as u32, since.subsec_micros(), frame.len() as u32, frame.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
        if self.file.write_all(&bytes).is_err() {
            self.written = FILE_LIMIT;
        }
        self.written += bytes.len() as u64;
    }

    fn flush(&mut self) {
        let _ = self.file.flush();
    }
}
