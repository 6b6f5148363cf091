//! The switch's channel: TLS with certificates on both sides, the datapath id bound to the switch's certificate (N1).

use openflow::{
    BundleOutcome, BundleTransaction, Channel, ChannelConfig, ChannelEvent, FlowMonitorRequest, FlowStatsRequest,
    FlowUpdate, Group, Message, MultipartReply, MultipartReplyBody, MultipartRequest, MultipartRequestBody,
    PortStatusReason, Reassembly,
};
use site::{Event, Outbox, Output};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_rustls::TlsAcceptor;

use crate::hub::{Hub, Role, now};
use crate::trust::Trust;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// More entries than this and the switch is not ours.
const MOST_ENTRIES: usize = 1_000_000;
const PORT_DOWN: u32 = 1;
/// The one flow monitor of a connection.
const MONITOR: u32 = 1;
/// OFPM_ALL.
const EVERY_METER: u32 = 0xffff_ffff;

/// Why a session with a switch ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The stream broke.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The protocol broke.
    #[error("{0}")]
    Channel(String),
    /// The switch is not the one its certificate names.
    #[error(
        "the switch says datapath {said:016x}, its certificate says {certified:016x}; issue a certificate for the right switch"
    )]
    WrongDatapath {
        /// In FEATURES_REPLY.
        said: u64,
        /// In the certificate, or the site's document.
        certified: u64,
    },
    /// Not a switch of this site.
    #[error("{0}")]
    WrongSwitch(String),
}

/// Accepts switches for ever. A newer session replaces an older one.
pub async fn serve(listener: TcpListener, trust: Trust, site: String, hub: Arc<Hub>) {
    // Sessions end with this task.
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a switch; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let (trust, hub, site) = (trust.clone(), Arc::clone(&hub), site.clone());
        sessions.spawn(async move {
            if let Err(error) = secured(stream, &trust, &site, &hub).await {
                tracing::warn!(%error, "the switch's session ended");
            }
        });
    }
}

async fn secured(stream: tokio::net::TcpStream, trust: &Trust, site: &str, hub: &Hub) -> Result<(), SessionError> {
    stream.set_nodelay(true)?;
    let config = trust.openflow_server().map_err(|e| SessionError::WrongSwitch(e.to_string()))?;
    let accept = TlsAcceptor::from(Arc::new(config)).accept(stream);
    let tls = tokio::time::timeout(HANDSHAKE, accept).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let chain = tls.get_ref().1.peer_certificates().unwrap_or_default();
    let switch = trust.switch(chain, now().unix_seconds()).map_err(SessionError::WrongSwitch)?;
    if switch.site() != site {
        return Err(SessionError::WrongSwitch(format!("this switch belongs to site {}", switch.site())));
    }
    session(tls, Some(switch.dpid()), hub).await
}

/// One OpenFlow connection from hello to its end, over any stream. `certified` is the datapath id the peer's
/// certificate names; without one (tests, benchmarks on loopback) any is believed.
///
/// # Errors
/// [`SessionError`] says why it ended; it always ends with one.
pub async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    certified: Option<u64>,
    hub: &Hub,
) -> Result<(), SessionError> {
    let started = Instant::now();
    let clock = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut talk = Talk::new(Channel::new(ChannelConfig::default(), clock()));
    let mut registered: Option<(u64, UnboundedReceiver<Output>)> = None;
    let mut role = hub.role();
    let mut buffer = vec![0u8; 256 * 1024];
    let result = loop {
        let bytes = talk.take_bytes();
        if !bytes.is_empty()
            && let Err(error) = stream.write_all(&bytes).await
        {
            break Err(error.into());
        }
        talk.reuse(bytes);
        if let Err(error) = stream.flush().await {
            break Err(error.into());
        }
        let wait = talk
            .channel
            .next_deadline()
            .map_or(Duration::from_secs(5), |at| Duration::from_millis(at.saturating_sub(clock())));
        let order = async {
            match &mut registered {
                Some((_, orders)) => orders.recv().await,
                None => std::future::pending().await,
            }
        };
        let events = tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(0) => break Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(count) => talk.channel.handle(buffer.get(..count).unwrap_or_default(), clock()),
                Err(error) => break Err(error.into()),
            },
            order = order => match order {
                Some(order) => {
                    // What the other end waits for was handed out before: whoever sends it has its turn first.
                    if matches!(order, Output::Bundle { .. }) {
                        tokio::task::yield_now().await;
                    }
                    if let Err(error) = talk.carry_out(order, hub) {
                        break Err(error);
                    }
                    continue;
                }
                None => break Err(SessionError::Channel("a newer session of the switch took over".into())),
            },
            changed = role.changed(), if talk.up => match changed {
                Ok(()) => {
                    let now = *role.borrow_and_update();
                    if let Err(error) = talk.take_role(now) {
                        break Err(error);
                    }
                    continue;
                }
                Err(_) => break Err(SessionError::Channel("the gate ends".into())),
            },
            () = tokio::time::sleep(wait) => talk.channel.handle_timeout(clock()),
        };
        match talk.take(events, certified, hub, &mut registered) {
            Ok(()) => {}
            Err(error) => break Err(error),
        }
    };
    if let Some((number, _)) = registered
        && hub.switch_session_over(number)
    {
        hub.feed(Event::SwitchDown);
    }
    result
}

/// What is under way on one connection.
struct Talk {
    channel: Channel,
    bundle: Option<(u64, BundleTransaction)>,
    bundle_id: u32,
    reads: BTreeMap<u32, u64>,
    /// Requests for groups and meters under way, and the groups that came already.
    furniture: BTreeMap<u32, Vec<Group>>,
    monitor: Monitor,
    parts: Reassembly,
    flush: Option<Flush>,
    /// The handshake is done.
    up: bool,
    /// The election asked of the switch, under this transaction.
    election: Option<u32>,
    out: Outbox,
    spare: Vec<u8>,
}

/// How far the subscription to foreign changes has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Monitor {
    /// Asked; if the barrier sent after it is answered first, it was refused. (Open vSwitch gives the refusal a
    /// transaction id of its own.)
    Asked {
        barrier: u32,
    },
    On,
    /// The switch does not keep up: what it tells now may be ours.
    Paused,
    Off,
}

struct Flush {
    number: u64,
    xids: Vec<u32>,
    barrier: u32,
    error: Option<String>,
}

impl Talk {
    fn new(channel: Channel) -> Self {
        Self {
            channel,
            bundle: None,
            bundle_id: 0,
            reads: BTreeMap::new(),
            furniture: BTreeMap::new(),
            monitor: Monitor::Off,
            parts: Reassembly::new(MOST_ENTRIES),
            flush: None,
            up: false,
            election: None,
            out: Outbox::default(),
            spare: Vec::new(),
        }
    }

    fn take_bytes(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.clear();
        if self.channel.has_output() {
            bytes.append(&mut self.channel.take_output());
        }
        bytes.append(&mut self.out.to_switch);
        bytes
    }

    fn reuse(&mut self, bytes: Vec<u8>) {
        self.spare = bytes;
    }

    fn carry_out(&mut self, order: Output, hub: &Hub) -> Result<(), SessionError> {
        let bad = |e: openflow::EncodeError| SessionError::Channel(e.to_string());
        match order {
            Output::Meter(meter) => drop(self.channel.send(&Message::MeterMod(meter)).map_err(bad)?),
            Output::Refurnish(messages) | Output::Send(messages) => {
                for message in messages {
                    self.channel.send(&message).map_err(bad)?;
                }
            }
            Output::ReadFlows { read } => {
                let groups = MultipartRequest::new(MultipartRequestBody::GroupDesc);
                let groups = self.channel.send(&Message::MultipartRequest(groups)).map_err(bad)?;
                self.furniture.insert(groups, Vec::new());
                let meters = MultipartRequest::new(MultipartRequestBody::MeterConfig(EVERY_METER));
                let meters = self.channel.send(&Message::MultipartRequest(meters)).map_err(bad)?;
                self.furniture.insert(meters, Vec::new());
                let body = MultipartRequestBody::Flow(FlowStatsRequest::all());
                let xid = self.channel.send(&Message::MultipartRequest(MultipartRequest::new(body))).map_err(bad)?;
                self.reads.insert(xid, read);
            }
            Output::Bundle { bundle, changes } => {
                self.bundle_id = self.bundle_id.wrapping_add(1);
                let messages: Vec<Message> = changes.into_iter().map(Message::FlowMod).collect();
                match BundleTransaction::start(&mut self.channel, self.bundle_id, &messages) {
                    Ok(transaction) => self.bundle = Some((bundle, transaction)),
                    Err(error) => drop(hub.feed(Event::BundleRejected(bundle, error.to_string()))),
                }
            }
            Output::FlushConntrack { flush, flushes } => {
                let mut xids = Vec::new();
                for one in flushes {
                    xids.push(self.channel.send(&Message::CtFlush(one)).map_err(bad)?);
                }
                let barrier = self.channel.send(&Message::BarrierRequest).map_err(bad)?;
                self.flush = Some(Flush { number: flush, xids, barrier, error: None });
            }
            other => tracing::error!(?other, "not for the switch"),
        }
        Ok(())
    }

    fn take(
        &mut self,
        events: Vec<ChannelEvent>,
        certified: Option<u64>,
        hub: &Hub,
        registered: &mut Option<(u64, UnboundedReceiver<Output>)>,
    ) -> Result<(), SessionError> {
        let mut batch = Vec::new();
        for event in events {
            match event {
                ChannelEvent::Up { features, .. } => {
                    let wanted = hub.state().map(|s| s.facts.site.switch.dpid.0);
                    for expected in [certified, wanted.filter(|_| certified.is_some())].into_iter().flatten() {
                        if features.datapath_id != expected {
                            return Err(SessionError::WrongDatapath {
                                said: features.datapath_id,
                                certified: expected,
                            });
                        }
                    }
                    self.up = true;
                    let role = *hub.role().borrow();
                    match role {
                        Role::Alone => batch.push(self.begin(hub, registered)?),
                        Role::Waiting(_) | Role::Active(_) | Role::Lost => self.take_role(role)?,
                    }
                }
                ChannelEvent::Message { message: Message::RoleReply(reply), .. } => {
                    self.election = None;
                    if reply.role == openflow::Role::Master && registered.is_none() {
                        batch.push(self.begin(hub, registered)?);
                    }
                }
                ChannelEvent::Message { xid, message: Message::Error(error) } if self.election == Some(xid) => {
                    return Err(SessionError::Channel(format!("another gate has the switch: {}", error.error)));
                }
                ChannelEvent::Message { message: Message::RoleStatus(status), .. }
                    if status.role == openflow::Role::Slave && *hub.role().borrow() != Role::Alone =>
                {
                    // The switch is the judge: whoever it no longer calls master writes nothing.
                    hub.wait_beside(status.generation_id);
                }
                ChannelEvent::Message { xid: _, message: Message::MultipartReply(reply) } if is_news(&reply) => {
                    batch.extend(self.news(reply));
                }
                ChannelEvent::Message { xid, message } => batch.extend(self.message(xid, message)?),
                ChannelEvent::Undecodable(error) => {
                    tracing::warn!(%error, "the switch sent nonsense");
                    // It may have been news of a change.
                    batch.push(Event::FlowsUnclear);
                }
                ChannelEvent::Failed(error) => return Err(SessionError::Channel(error.to_string())),
            }
        }
        if !batch.is_empty() {
            hub.feed_into(batch, &mut self.out);
        }
        Ok(())
    }

    /// The switch is this gate's to read and write.
    fn begin(
        &mut self,
        hub: &Hub,
        registered: &mut Option<(u64, UnboundedReceiver<Output>)>,
    ) -> Result<Event, SessionError> {
        // Before anything is read, so that no change slips in between.
        self.subscribe()?;
        *registered = Some(hub.switch_session());
        Ok(Event::SwitchUp)
    }

    /// Tells the switch what this gate is (OpenFlow 1.3.5 §6.3.6): of two gates one may write.
    fn take_role(&mut self, role: Role) -> Result<(), SessionError> {
        let (role, generation_id) = match role {
            Role::Alone => return Ok(()),
            Role::Waiting(0) => (openflow::Role::Equal, 0),
            Role::Waiting(election) => (openflow::Role::Slave, election),
            Role::Active(election) => (openflow::Role::Master, election),
            Role::Lost => return Err(SessionError::Channel("the other gate took over".into())),
        };
        let request = Message::RoleRequest(openflow::RoleRequest { role, generation_id });
        let xid = self.channel.send(&request).map_err(|e| SessionError::Channel(e.to_string()))?;
        self.election = (role == openflow::Role::Master).then_some(xid);
        Ok(())
    }

    fn subscribe(&mut self) -> Result<(), SessionError> {
        let bad = |e: openflow::EncodeError| SessionError::Channel(e.to_string());
        let body = MultipartRequestBody::FlowMonitor(FlowMonitorRequest::others(MONITOR));
        self.channel.send(&Message::MultipartRequest(MultipartRequest::new(body))).map_err(bad)?;
        let barrier = self.channel.send(&Message::BarrierRequest).map_err(bad)?;
        self.monitor = Monitor::Asked { barrier };
        Ok(())
    }

    /// What the monitor tells. Own changes are known; while it is paused they cannot be told apart, and a read follows.
    fn news(&mut self, reply: MultipartReply) -> Vec<Event> {
        let MultipartReplyBody::FlowMonitor(updates) = reply.body else { return Vec::new() };
        match self.monitor {
            Monitor::Paused => return Vec::new(),
            Monitor::On => {}
            Monitor::Asked { .. } | Monitor::Off => self.monitor = Monitor::On,
        }
        let foreign = updates.into_iter().filter_map(|update| match update {
            FlowUpdate::Changed(flow) => Some(Event::FlowChanged(flow)),
            FlowUpdate::Own { .. } => None,
        });
        foreign.collect()
    }

    fn message(&mut self, xid: u32, message: Message) -> Result<Option<Event>, SessionError> {
        if let Message::PacketIn(packet) = message {
            return Ok(Some(Event::PacketIn(Box::new(packet))));
        }
        if let (Monitor::Asked { barrier }, Message::BarrierReply) = (self.monitor, &message)
            && barrier == xid
        {
            self.monitor = Monitor::Off;
            return Ok(Some(Event::Unmonitored("the switch refused it".into())));
        }
        if let Some((number, mut transaction)) = self.bundle.take() {
            match transaction.handle(&mut self.channel, xid, &message) {
                Some(BundleOutcome::Committed) => return Ok(Some(Event::BundleCommitted(number))),
                Some(BundleOutcome::Rejected { error, message }) => {
                    let at = message.map_or(String::new(), |i| format!(" (change {i})"));
                    return Ok(Some(Event::BundleRejected(number, format!("{}{at}", error.error))));
                }
                None => {
                    let answered = transaction.concerns(xid);
                    self.bundle = Some((number, transaction));
                    if answered {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(match message {
            Message::MultipartReply(reply) => {
                let whole = self.parts.push(xid, reply).map_err(|e| SessionError::Channel(e.to_string()))?;
                match (whole, self.reads.get(&xid).copied()) {
                    (Some(MultipartReplyBody::Flow(entries)), Some(read)) => {
                        self.reads.remove(&xid);
                        Some(Event::FlowStats { read, entries })
                    }
                    (Some(MultipartReplyBody::GroupDesc(groups)), _) if self.furniture.remove(&xid).is_some() => {
                        // The meters were asked for next.
                        if let Some((_, held)) = self.furniture.range_mut(xid..).next() {
                            *held = groups;
                        }
                        None
                    }
                    (Some(MultipartReplyBody::MeterConfig(meters)), _) => {
                        self.furniture.remove(&xid).map(|groups| Event::Furniture { groups, meters })
                    }
                    _ => None,
                }
            }
            Message::BarrierReply => match self.flush.take() {
                Some(flush) if flush.barrier == xid => {
                    Some(Event::ConntrackFlushed(flush.number, flush.error.map_or(Ok(()), Err)))
                }
                other => {
                    self.flush = other;
                    None
                }
            },
            Message::Error(error) => {
                match &mut self.flush {
                    Some(flush) if flush.xids.contains(&xid) => flush.error = Some(error.error.to_string()),
                    // "The meter exists" after a reconnect is as good as success.
                    _ => tracing::debug!(error = %error.error, "the switch refused a message"),
                }
                None
            }
            Message::FlowMonitorPaused => {
                self.monitor = Monitor::Paused;
                None
            }
            Message::FlowMonitorResumed => {
                self.monitor = Monitor::On;
                Some(Event::FlowsUnclear)
            }
            Message::RoleStatus(status) => Some(Event::RoleChanged(status.role, status.generation_id)),
            Message::FlowRemoved(removed) => Some(Event::FlowRemoved(Box::new(removed))),
            Message::PortStatus(status) => Some(Event::PortStatus {
                port: model::PortNo(status.port.port.0),
                up: status.reason != PortStatusReason::Delete && status.port.state & PORT_DOWN == 0,
            }),
            _ => None,
        })
    }
}

/// A reply of the flow monitor: to the request, or unasked, under xid 0.
fn is_news(reply: &MultipartReply) -> bool {
    matches!(reply.body, MultipartReplyBody::FlowMonitor(_))
}

#[cfg(test)]
mod tests;
