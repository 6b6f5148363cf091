//! The sockets of a round: made in the hosts' namespaces, all watched by one thread.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use super::segment::{Found, Round};
use super::{Cell, Knock, Place, Seen};
use crate::netns::unspecified;
use crate::{Answer, LabError};

/// Below the ports that stacks choose by themselves, so that no connection of the host's own is in the way.
const FIRST_SOURCE: u16 = 20_000;
const SOURCES: u16 = 12_000;
/// Knocks go out in small heaps, since a switch in userspace looks at each of them.
const HEAP: usize = 48;
const PAUSE: Duration = Duration::from_millis(4);
const TIMES: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(120);
/// A raw socket gets a copy of everything.
const BUFFER: usize = 4 << 20;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Knocks at the cells; what came of each, in their order.
pub(super) fn knock(hosts: &[Place], cells: &[Cell], patience: Duration) -> Result<Vec<Seen>, LabError> {
    let own = FIRST_SOURCE..FIRST_SOURCE + SOURCES;
    if let Some(cell) = cells.iter().find(|c| matches!(c.knock, Knock::Tcp(p) | Knock::Udp(p) if own.contains(&p))) {
        let last = own.end - 1;
        return Err(LabError::Protocol(format!(
            "{}: knocks come from {FIRST_SOURCE} to {last}; ask other ports",
            cell.knock
        )));
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let round = Round { source_port: FIRST_SOURCE + (number % u32::from(SOURCES)) as u16, number };
    let seen = Arc::new(Mutex::new(vec![Seen::NOTHING; cells.len()]));
    let targets = targets(hosts, cells)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LabError::io("event loop"))?;
    runtime.block_on(async {
        let mut senders = Vec::new();
        for (at, host) in hosts.iter().enumerate() {
            let ports: BTreeSet<Knock> = cells.iter().filter(|c| c.to == host.name).map(|c| c.knock).collect();
            let doors = host.netns.within(|| Doors::open(&ports, round, host.address))?;
            senders.push(
                doors
                    .map_err(LabError::io(format!("sockets in {}", host.netns.name())))?
                    .watch(round, at, &targets, &seen)?,
            );
        }
        for _ in 0..TIMES {
            for heap in targets.chunks(HEAP) {
                for target in heap {
                    let answered = lock(&seen)[target.cell as usize].passes();
                    if !answered {
                        senders[target.from].send(round, target, hosts)?;
                    }
                }
                sleep(PAUSE).await;
            }
            sleep(BETWEEN).await;
        }
        sleep(patience).await;
        connect(hosts, &targets, &seen, patience.max(Duration::from_millis(500))).await
    })?;
    let seen = lock(&seen).clone();
    Ok(seen)
}

/// A cell by numbers.
#[derive(Debug, Clone, Copy)]
struct Target {
    cell: u32,
    from: usize,
    to: usize,
    knock: Knock,
}

fn targets(hosts: &[Place], cells: &[Cell]) -> Result<Vec<Target>, LabError> {
    let by_name: BTreeMap<&str, usize> = hosts.iter().enumerate().map(|(n, host)| (host.name.as_str(), n)).collect();
    let find = |name: &str| {
        by_name.get(name).copied().ok_or_else(|| LabError::Unknown { kind: "host", name: name.to_owned() })
    };
    let target = |(n, cell): (usize, &Cell)| {
        Ok(Target { cell: n as u32, from: find(&cell.from)?, to: find(&cell.to)?, knock: cell.knock })
    };
    cells.iter().enumerate().map(target).collect()
}

/// One host's sockets.
struct Doors {
    v6: bool,
    raw: Vec<(u8, Socket)>,
    knocker: UdpSocket,
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
}

impl Doors {
    fn open(knocks: &BTreeSet<Knock>, round: Round, address: IpAddr) -> io::Result<Self> {
        let (any, v6) = (unspecified(address), address.is_ipv6());
        let mut raw = Vec::new();
        for protocol in [Protocol::TCP, Protocol::UDP, if v6 { Protocol::ICMPV6 } else { Protocol::ICMPV4 }] {
            let socket = Socket::new(family(address), Type::RAW, Some(protocol))?;
            socket.set_recv_buffer_size(BUFFER)?;
            socket.set_nonblocking(true)?;
            raw.push((i32::from(protocol) as u8, socket));
        }
        let knocker = UdpSocket::bind((any, round.source_port))?;
        knocker.set_nonblocking(true)?;
        let mut doors = Self { v6, raw, knocker, tcp: Vec::new(), udp: Vec::new() };
        for knock in knocks {
            // A server of the caller's may stand there already; it answers as well.
            let taken = |error: &io::Error| error.kind() == ErrorKind::AddrInUse;
            match knock {
                Knock::Tcp(port) => match TcpListener::bind((any, *port)) {
                    Ok(listener) => {
                        listener.set_nonblocking(true)?;
                        doors.tcp.push(listener);
                    }
                    Err(error) if taken(&error) => {}
                    Err(error) => return Err(error),
                },
                Knock::Udp(port) => match UdpSocket::bind((any, *port)) {
                    Ok(socket) => {
                        socket.set_nonblocking(true)?;
                        doors.udp.push(socket);
                    }
                    Err(error) if taken(&error) => {}
                    Err(error) => return Err(error),
                },
                Knock::Icmp => {}
            }
        }
        Ok(doors)
    }

    /// Lets everything that comes in be noted; gives what is needed to send.
    fn watch(
        self,
        round: Round,
        at: usize,
        targets: &[Target],
        seen: &Arc<Mutex<Vec<Seen>>>,
    ) -> Result<Sender, LabError> {
        let io = |error| LabError::io("sockets of a round")(error);
        let (knocked, knocking): (BTreeSet<u32>, BTreeSet<u32>) = (
            targets.iter().filter(|t| t.to == at).map(|t| t.cell).collect(),
            targets.iter().filter(|t| t.from == at).map(|t| t.cell).collect(),
        );
        let notes = Notes { round, knocked, knocking, seen: Arc::clone(seen) };
        let mut sender = Sender { raw: BTreeMap::new(), knocker: self.knocker };
        for (protocol, socket) in self.raw {
            sender.raw.insert(protocol, socket.try_clone().map_err(io)?);
            // To the event loop a raw socket is one more that receives datagrams.
            let socket = tokio::net::UdpSocket::from_std(socket.into()).map_err(io)?;
            tokio::spawn(note(socket, self.v6.then_some(protocol), notes.clone()));
        }
        for listener in self.tcp {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(io)?;
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let _ = stream.write_all(GREETING).await;
                }
            });
        }
        for socket in self.udp {
            let socket = tokio::net::UdpSocket::from_std(socket).map_err(io)?;
            tokio::spawn(async move {
                let mut buffer = [0; 256];
                loop {
                    if let Ok((size, peer)) = socket.recv_from(&mut buffer).await {
                        let _ = socket.send_to(&buffer[..size], peer).await;
                    }
                }
            });
        }
        Ok(sender)
    }
}

const GREETING: &[u8] = b"sekisho-lab\n";

#[derive(Clone)]
struct Notes {
    round: Round,
    /// Cells that end at this host.
    knocked: BTreeSet<u32>,
    /// Cells that begin here.
    knocking: BTreeSet<u32>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Notes {
    /// A knock counts where it was to arrive and an answer where it was to come back, nowhere else.
    /// Of IPv6 there is no header, so the socket's protocol is told beside.
    fn take(&self, six: Option<u8>, packet: &[u8]) {
        let found = six.map_or_else(|| self.round.read(packet), |protocol| self.round.read6(protocol, packet));
        let Some(found) = found else { return };
        let mut seen = lock(&self.seen);
        match found {
            Found::Knock(cell) if self.knocked.contains(&cell) => seen[cell as usize].arrived = true,
            Found::Answer(cell) if self.knocking.contains(&cell) => seen[cell as usize].answer = Answer::Answered,
            Found::Refusal(cell) if self.knocking.contains(&cell) => {
                let slot = &mut seen[cell as usize];
                if slot.answer == Answer::Silent {
                    slot.answer = Answer::Refused;
                }
            }
            Found::Knock(_) | Found::Answer(_) | Found::Refusal(_) => {}
        }
    }
}

async fn note(socket: tokio::net::UdpSocket, six: Option<u8>, notes: Notes) {
    let mut buffer = [0; 512];
    loop {
        // An error is a message about an earlier knock, which comes as a packet too.
        if let Ok(size) = socket.recv(&mut buffer).await {
            notes.take(six, &buffer[..size]);
        }
    }
}

struct Sender {
    raw: BTreeMap<u8, Socket>,
    knocker: UdpSocket,
}

impl Sender {
    fn send(&self, round: Round, target: &Target, hosts: &[Place]) -> Result<(), LabError> {
        let (from, to) = (hosts[target.from].address, hosts[target.to].address);
        if from.is_ipv4() != to.is_ipv4() {
            // No stack can say it.
            return Ok(());
        }
        let raw = |bytes: &[u8]| {
            let socket = &self.raw[&target.knock.protocol(from)];
            socket.send_to(bytes, &SocketAddr::new(to, 0).into())
        };
        let sent = match target.knock {
            Knock::Tcp(port) => raw(&round.syn(from, to, port, target.cell)),
            Knock::Udp(port) => self.knocker.send_to(&round.mark(target.cell), (to, port)),
            Knock::Icmp => raw(&round.echo(target.cell, from.is_ipv6())),
        };
        match sent.map_err(|error| (error.kind(), error)) {
            Ok(_) => Ok(()),
            // The stack's own word for silence, or for an earlier refusal; a full queue is as good as a lost packet.
            Err((
                ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::ConnectionRefused
                | ErrorKind::WouldBlock,
                _,
            )) => Ok(()),
            Err((_, error)) => Err(LabError::io(format!("a knock from {}", hosts[target.from].name))(error)),
        }
    }
}

/// Where a SYN was answered a whole connection must come about: its later packets take other rules than its first.
async fn connect(
    hosts: &[Place],
    targets: &[Target],
    seen: &Arc<Mutex<Vec<Seen>>>,
    patience: Duration,
) -> Result<(), LabError> {
    let mut tries = Vec::new();
    for (at, host) in hosts.iter().enumerate() {
        let answered = |t: &&Target| {
            t.from == at && matches!(t.knock, Knock::Tcp(_)) && lock(seen)[t.cell as usize].answer == Answer::Answered
        };
        let mine: Vec<Target> = targets.iter().filter(answered).copied().collect();
        let sockets = host.netns.within(|| {
            let socket = |_: &Target| {
                let socket = Socket::new(family(host.address), Type::STREAM, Some(Protocol::TCP))?;
                socket.set_nonblocking(true)?;
                Ok(tokio::net::TcpSocket::from_std_stream(socket.into()))
            };
            mine.iter().map(socket).collect::<io::Result<Vec<_>>>()
        })?;
        let sockets = sockets.map_err(LabError::io(format!("sockets in {}", host.netns.name())))?;
        for (target, socket) in mine.into_iter().zip(sockets) {
            let Knock::Tcp(port) = target.knock else { continue };
            let address = SocketAddr::new(hosts[target.to].address, port);
            tries.push((target, tokio::spawn(timeout(patience, socket.connect(address)))));
        }
    }
    for (target, attempt) in tries {
        let whole = matches!(attempt.await, Ok(Ok(Ok(_))));
        if !whole {
            lock(seen)[target.cell as usize].answer = Answer::Silent;
        }
    }
    Ok(())
}

fn family(address: IpAddr) -> Domain {
    if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 }
}

fn lock<T>(slot: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
