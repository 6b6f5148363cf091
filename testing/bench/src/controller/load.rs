//! The load: one thread a switch, a TLS connection, so many first packets in flight.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use openflow::{Decoder, Hello, Message, PacketInReason, encode};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use super::packets::{self, Sent};
use super::switch::Switch;
use crate::BenchError;

const CONNECT: Duration = Duration::from_secs(20);
/// Without load, how often a switch looks what it shall do; under load, when a packet counts as lost.
const IDLE: Duration = Duration::from_millis(2);
const LOST: Duration = Duration::from_millis(1000);
/// How long a switch waits for the token before it looks what else there is.
const TURN: Duration = Duration::from_millis(100);

/// How a controller says that a packet-in is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// A gate: the grant's flow-mods and the packet-out, or the temporary drop.
    Gate,
    /// A learning controller: one exact flow-mod (its packet-out follows).
    Learning,
}

impl Answers {
    fn reason(self) -> PacketInReason {
        match self {
            Self::Gate => PacketInReason::Action,
            Self::Learning => PacketInReason::NoMatch,
        }
    }
}

/// Where and how one switch connects.
pub(super) struct Target {
    pub number: u8,
    pub datapath: u64,
    pub address: SocketAddr,
    pub name: String,
    pub tls: Arc<ClientConfig>,
    pub answers: Answers,
    /// Whence the token comes and where it goes.
    pub turn: (Receiver<Token>, Sender<Token>),
}

/// Who holds it may send one packet-in, if all switches of a side take turns.
pub(super) struct Token;

/// Counts of one switch, read while it runs.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Packet-ins wanted in flight; 0 is silence.
    pub in_flight: AtomicUsize,
    /// One packet-in, whenever the token comes; then the token goes to the next switch.
    pub in_turn: AtomicBool,
    pub answered: AtomicU64,
    pub lost: AtomicU64,
    pub flow_mods: AtomicU64,
    pub packet_outs: AtomicU64,
    pub owned: AtomicUsize,
    pub known: AtomicBool,
    stop: AtomicBool,
    times: Mutex<Vec<f64>>,
    failure: Mutex<Option<String>>,
}

/// A connected switch; dropping it ends the connection.
pub(super) struct Load {
    pub counts: Arc<Counts>,
    pub suite: String,
    thread: Option<JoinHandle<()>>,
}

impl Counts {
    /// Microseconds from packet-in to answer since the last call, of rounds with one in flight.
    pub(super) fn take_times(&self) -> Vec<f64> {
        std::mem::take(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Load {
    /// Connects, sends HELLO at once, and stays until dropped. Call it on a thread that is in the controller's
    /// network namespace: the socket is made here.
    pub(super) fn connect(target: Target) -> Result<Self, BenchError> {
        let mut line = Line::connect(&target)?;
        let suite = line.suite();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let thread = std::thread::spawn(move || {
            if let Err(error) = line.run(&target, &shared) {
                *shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        Ok(Self { counts, suite, thread: Some(thread) })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.counts.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It says what went wrong in its counts.
            let _ = thread.join();
        }
    }
}

struct Line {
    tls: StreamOwned<ClientConnection, TcpStream>,
    decoder: Decoder,
    out: Vec<u8>,
}

impl Line {
    fn connect(target: &Target) -> Result<Self, BenchError> {
        let refused =
            |error: std::io::Error| BenchError::Subject(format!("{} at {}: {error}", target.name, target.address));
        let name = ServerName::try_from(target.name.clone())
            .map_err(|e| BenchError::Subject(format!("{}: {e}", target.name)))?;
        let end = Instant::now() + CONNECT;
        let stream = loop {
            match TcpStream::connect(target.address) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() >= end => return Err(refused(error)),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        stream.set_nodelay(true).map_err(refused)?;
        stream.set_read_timeout(Some(CONNECT)).map_err(refused)?;
        let connection = ClientConnection::new(Arc::clone(&target.tls), name)?;
        let mut tls = StreamOwned::new(connection, stream);
        let hello = encode(&Message::Hello(Hello::ours()), 1).map_err(|e| BenchError::Subject(e.to_string()))?;
        tls.write_all(&hello).and_then(|()| tls.flush()).map_err(refused)?;
        Ok(Self { tls, decoder: Decoder::new(), out: Vec::new() })
    }

    fn suite(&self) -> String {
        let version = self.tls.conn.protocol_version().map_or("TLS".to_owned(), |v| format!("{v:?}"));
        let suite = self.tls.conn.negotiated_cipher_suite().map_or(String::new(), |s| format!("{:?}", s.suite()));
        format!("{version} {suite}")
    }

    fn run(&mut self, target: &Target, counts: &Counts) -> Result<(), String> {
        let mut switch = Switch::new(target.datapath);
        let mut pending = Pending::new(target.answers);
        let mut sequence = 0u64;
        let mut buffer = vec![0u8; 64 * 1024];
        let mut timeout = Duration::ZERO;
        let mut heard = Instant::now();
        let mut token = None;
        let mut taught = target.answers == Answers::Gate;
        while !counts.stop.load(Ordering::Relaxed) {
            let wanted = counts.in_flight.load(Ordering::Relaxed);
            let in_turn = counts.in_turn.load(Ordering::Relaxed);
            let single = wanted == 1 || in_turn;
            // Earlier than the features reply, a controller would not learn from it.
            if switch.known && !taught {
                taught = true;
                self.out.extend(packets::from_gateway(target.number));
            }
            if pending.sent.is_empty() {
                if in_turn && let Some(held) = token.take() {
                    // Nobody hears it when the bench ends.
                    let _ = target.turn.1.send(held);
                }
                // A token left over from earlier turns must not become a second one in later turns.
                token = if in_turn {
                    target.turn.0.recv_timeout(TURN).ok()
                } else {
                    target.turn.0.try_iter().find(|_| false)
                };
            }
            let wanted = if token.is_some() { 1 } else { wanted };
            while switch.known && pending.sent.len() < wanted {
                let (sent, bytes) = packets::first_packet(target.number, sequence, target.answers.reason());
                sequence += 1;
                self.out.extend(bytes);
                pending.sent.push_back((sent, Instant::now()));
            }
            if !self.out.is_empty() {
                self.tls.write_all(&self.out).and_then(|()| self.tls.flush()).map_err(|e| format!("sending: {e}"))?;
                self.out.clear();
            }
            let patience = if pending.sent.is_empty() { IDLE } else { LOST };
            if patience != timeout {
                timeout = patience;
                self.tls.sock.set_read_timeout(Some(timeout)).map_err(|e| e.to_string())?;
            }
            match self.tls.read(&mut buffer) {
                Ok(0) => return Err("the controller closed the connection".to_owned()),
                Ok(count) => self.decoder.push(&buffer[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if !pending.sent.is_empty() && heard.elapsed() >= LOST {
                        counts.lost.fetch_add(pending.sent.len() as u64, Ordering::Relaxed);
                        pending.sent.clear();
                    }
                    continue;
                }
                Err(error) => return Err(format!("receiving: {error}")),
            }
            heard = Instant::now();
            while let Some(frame) = self.decoder.next().map_err(|e| e.to_string())? {
                match &frame.message {
                    Message::FlowMod(_) => counts.flow_mods.fetch_add(1, Ordering::Relaxed),
                    Message::PacketOut(_) => counts.packet_outs.fetch_add(1, Ordering::Relaxed),
                    _ => 0,
                };
                if let Some(answer) = pending.take(&frame.message)? {
                    counts.answered.fetch_add(1, Ordering::Relaxed);
                    counts.lost.fetch_add(answer.skipped, Ordering::Relaxed);
                    if single {
                        let time = answer.sent.elapsed().as_secs_f64() * 1e6;
                        counts.times.lock().unwrap_or_else(PoisonError::into_inner).push(time);
                    }
                }
                switch.take(frame, &mut self.out);
                counts.known.store(switch.known, Ordering::Relaxed);
            }
            if wanted == 0 {
                counts.owned.store(switch.owned(), Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// Packet-ins in flight, oldest first. Controllers answer in order: an answer to a later one says that those before it
/// are lost.
struct Pending {
    answers: Answers,
    sent: VecDeque<(Sent, Instant)>,
    /// Flow-mods of a live grant since the last packet-out.
    repaired: u32,
}

struct Answer {
    sent: Instant,
    skipped: u64,
}

impl Pending {
    fn new(answers: Answers) -> Self {
        Self { answers, sent: VecDeque::new(), repaired: 0 }
    }

    /// # Errors
    /// If the answer is not the one that the policy demands.
    fn take(&mut self, message: &Message) -> Result<Option<Answer>, String> {
        let (key, granted) = match (self.answers, message) {
            (Answers::Learning, Message::FlowMod(flow)) => match packets::exact_answer(flow) {
                Some(key) => (key, None),
                None => return Ok(None),
            },
            (Answers::Gate, Message::FlowMod(flow)) => {
                if packets::is_grant(flow) {
                    self.repaired += 1;
                    return Ok(None);
                }
                match packets::refusal_answer(flow) {
                    Some(key) => (key, Some(false)),
                    None => return Err(format!("not an answer to any packet-in: {}", packets::tell(flow))),
                }
            }
            (Answers::Gate, Message::PacketOut(packet)) => {
                // Released without a flow-mod is no answer that is counted.
                if std::mem::take(&mut self.repaired) == 0 {
                    return Err("a packet was released without its flow-mods".to_owned());
                }
                match packets::released(packet) {
                    Some(key) => (key, Some(true)),
                    None => return Err("a packet-out of something never sent".to_owned()),
                }
            }
            _ => return Ok(None),
        };
        let Some(at) = self.sent.iter().position(|(sent, _)| sent.key == key) else { return Ok(None) };
        let skipped = at as u64;
        let (sent, time) = self.sent.drain(..=at).next_back().expect("`at` is a position in it");
        if granted.is_some_and(|granted| granted != sent.granted) {
            return Err(format!("packet {} was answered as if granted were {}", sent.key, !sent.granted));
        }
        Ok(Some(Answer { sent: time, skipped }))
    }
}
