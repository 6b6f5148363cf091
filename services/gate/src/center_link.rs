//! The link to the center: dialled by the gate, TLS 1.3 with both certificates, orders verified twice (X1).

use hyper_util::rt::TokioIo;
use model::GrantId;
use rustls_pki_types::ServerName;
use site::{CloseCause, Event, Report};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use wire::link as pb;
use wire::link::gate_message::Message as Say;

use crate::config;
use crate::evidence::Evidence;
use crate::hub::{Hub, now};
use crate::lease::{ASK, LeaseKeeper};
use crate::namespaces;
use crate::orders::Orders;
use crate::trust::Trust;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);

/// What the link needs to know.
pub struct CenterLink {
    /// Where the center is and what it is called.
    pub center: config::Center,
    /// This gate's site.
    pub site: model::SiteId,
    /// Which of the site's two gates this is; none if it has one.
    pub gate: Option<String>,
    /// What a machine is told that begins at a takeover.
    pub machine: site::SiteConfig,
    /// The namespace to dial from.
    pub black: Option<PathBuf>,
    /// Folder of what must outlive the process.
    pub data: PathBuf,
    /// Certificates.
    pub trust: Trust,
    /// Judges orders.
    pub orders: Orders,
    /// A planned end: the election that is given back, and who waits until the center has heard of it.
    pub release: Receiver<(u64, oneshot::Sender<()>)>,
}

impl CenterLink {
    /// Keeps the link for ever. `live` shows the channel while it stands, for the terminals' relay.
    pub async fn serve(
        mut self,
        hub: Arc<Hub>,
        mut reports: UnboundedReceiver<Report>,
        live: watch::Sender<Option<Channel>>,
    ) {
        let mut wait = FIRST_WAIT;
        let mut waiting = Evidence::open(&self.data);
        let mut said = String::new();
        loop {
            let outcome = self.once(&hub, &mut reports, &mut waiting, &live).await;
            live.send_replace(None);
            hub.feed(Event::CenterDown);
            let (was_up, why) = match outcome {
                Ok(why) => (true, why),
                Err(why) => (false, why),
            };
            if was_up {
                wait = FIRST_WAIT;
            }
            if why != said {
                tracing::warn!(why, "no link to the center; what is open stays open until its lease ends");
                said = why;
            }
            let pause = tokio::time::sleep(wait);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    Some(report) = reports.recv() => waiting.keep(&report, self.say(&hub, &report)),
                }
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// `Ok` if the link was up and ended, `Err` if it never was.
    async fn once(
        &mut self,
        hub: &Hub,
        reports: &mut UnboundedReceiver<Report>,
        waiting: &mut Evidence,
        live: &watch::Sender<Option<Channel>>,
    ) -> Result<String, String> {
        let channel = self.dial().await?;
        let (outgoing, stream): (Sender<pb::GateMessage>, Receiver<_>) = channel_of_messages();
        let hello = Say::Hello(pb::Hello {
            version: wire::LINK_VERSION,
            site: self.site.to_string(),
            software: concat!("sekisho-gate ", env!("CARGO_PKG_VERSION")).into(),
            generation: hub.state().map(|s| s.generation.0),
            gate: self.gate.clone().unwrap_or_default(),
        });
        send(&outgoing, hello).await?;
        let mut client = link::LinkClient::new(channel.clone()).max_decoding_message_size(64 << 20);
        let answer = client
            .control(ReceiverStream::new(stream))
            .await
            .map_err(|s| format!("the center refuses the link: {s}"))?;
        let mut incoming = answer.into_inner();
        match incoming.next().await {
            Some(Ok(pb::CenterMessage { message: Some(pb::center_message::Message::Welcome(welcome)) })) => {
                if (welcome.now - now().0).abs() > 60_000 {
                    tracing::warn!("the clocks of gate and center differ by more than a minute");
                }
            }
            Some(Err(status)) => return Err(format!("the center refuses the link: {status}")),
            other => return Err(format!("the center did not say welcome but {other:?}")),
        }
        tracing::info!("linked to the center");
        let mut lease = LeaseKeeper::default();
        let mut ask = tokio::time::interval(ASK);
        let mut speaks = self.gate.is_none();
        let mut released: Option<oneshot::Sender<()>> = None;
        let mut ends = false;
        loop {
            if std::mem::take(&mut speaks) {
                live.send_replace(Some(channel.clone()));
                hub.feed(Event::CenterUp);
                for message in waiting.again() {
                    send(&outgoing, message).await?;
                }
            }
            tokio::select! {
                _ = ask.tick(), if self.gate.is_some() && !ends => {
                    send(&outgoing, Say::LeaseRequest(lease.ask(hub))).await?;
                }
                message = incoming.next() => match message {
                    Some(Ok(pb::CenterMessage { message: Some(pb::center_message::Message::Lease(word)) }))
                        if released.is_some() && !word.active =>
                    {
                        let _ = released.take().map(|heard| heard.send(()));
                    }
                    Some(Ok(pb::CenterMessage { message: Some(pb::center_message::Message::Lease(word)) })) => {
                        speaks = lease.take(hub, &word, &self.machine);
                    }
                    Some(Ok(message)) => if let Some(answer) = self.take(hub, message) {
                        send(&outgoing, answer).await?;
                    },
                    Some(Err(status)) => return Ok(format!("the link broke: {status}")),
                    None => return Ok("the center ended the link".into()),
                },
                Some((election, heard)) = self.release.recv() => {
                    (released, ends) = (Some(heard), true);
                    send(&outgoing, Say::LeaseRelease(pb::LeaseRelease { election })).await?;
                },
                report = reports.recv() => match report {
                    Some(report) => {
                        let Some(message) = self.say(hub, &report) else { continue };
                        // In the file first: what is handed to a link that breaks may not have left this machine.
                        let held = waiting.said(&report, &message);
                        if send(&outgoing, message.clone()).await.is_err() {
                            if !held {
                                waiting.keep(&report, Some(message));
                            }
                            return Ok("the link broke".into());
                        }
                    }
                    None => return Ok("the gate ends".into()),
                },
            }
        }
    }

    async fn dial(&self) -> Result<Channel, String> {
        let (address, black) = (self.center.address, self.black.clone());
        let tls = self.trust.center_client(&self.center.name).map_err(|e| e.to_string())?;
        let tls = TlsConnector::from(Arc::new(tls));
        let name = ServerName::IpAddress(address.ip().into());
        let connector = tower::service_fn(move |_| {
            let (tls, name, black) = (tls.clone(), name.clone(), black.clone());
            async move {
                let dialled = tokio::task::spawn_blocking(move || {
                    namespaces::inside(black.as_deref(), move || {
                        let stream = std::net::TcpStream::connect_timeout(&address, CONNECT)?;
                        stream.set_nonblocking(true)?;
                        stream.set_nodelay(true)?;
                        Ok(stream)
                    })
                });
                let stream = TcpStream::from_std(dialled.await.map_err(std::io::Error::other)??)?;
                Ok::<_, std::io::Error>(TokioIo::new(tls.connect(name, stream).await?))
            }
        });
        Endpoint::from_static("http://center")
            .http2_keep_alive_interval(Duration::from_secs(5))
            .keep_alive_timeout(Duration::from_secs(10))
            .keep_alive_while_idle(true)
            .connect_with_connector(connector)
            .await
            .map_err(|e| format!("cannot reach the center at {address}: {}", chain(&e)))
    }

    /// Carries a message of the center to the machine; some are answered at once.
    fn take(&self, hub: &Hub, message: pb::CenterMessage) -> Option<Say> {
        match message.message? {
            pb::center_message::Message::Welcome(_) | pb::center_message::Message::Lease(_) => None,
            pb::center_message::Message::Go(go) => {
                hub.feed(Event::Go(GrantId(go.grant)));
                None
            }
            pb::center_message::Message::Opened(opened) => {
                hub.feed(Event::Opened(GrantId(opened.grant)));
                None
            }
            pb::center_message::Message::FirstPacketAnswer(answer) => {
                if let Some(answer) = read_answer(&answer) {
                    hub.feed(Event::FirstPacketAnswered(answer));
                }
                None
            }
            pb::center_message::Message::Prepare(next) => {
                if let Some(order) = next.order {
                    self.orders.prepare(hub, order);
                }
                None
            }
            pb::center_message::Message::Order(order) => match self.orders.take(hub, &order) {
                Ok(()) => None,
                Err(refusal) => {
                    tracing::warn!(detail = refusal.detail, "an order is refused");
                    Some(Say::Refused(refusal))
                }
            },
        }
    }

    /// What a report is on the link; some are for the log alone.
    fn say(&self, hub: &Hub, report: &Report) -> Option<Say> {
        let at = now().0;
        Some(match report {
            Report::Accepted(generation) => Say::Accepted(pb::OrderAccepted { generation: generation.0 }),
            Report::OutOfStep { at, offered } => Say::Refused(pb::OrderRefused {
                generation: offered.0,
                at: at.map_or(0, |g| g.0),
                code: pb::RefusalCode::OutOfStep.into(),
                detail: String::new(),
            }),
            Report::Prepared(grant) => Say::Prepared(pb::Prepared { grant: grant.0 }),
            Report::Observed { grant, flows, wanted, complete, sa } => Say::Observed(pb::Observed {
                grant: grant.0,
                // A missing filter is a missing rule to whoever counts them.
                flows: if *complete { *flows } else { (*flows).min(wanted.saturating_sub(1)) },
                flows_wanted: *wanted,
                sa: *sa,
                at,
            }),
            Report::Carried { grant, first } => {
                Say::Carried(pb::Carried { grant: grant.0, first: Some(within(*first)), at })
            }
            Report::Closed { grant, traffic, passage, cause: CloseCause::Order | CloseCause::Lease } => {
                let count = |c: site::Count| Some(pb::Count { packets: c.packets, bytes: c.bytes });
                Say::Gone(pb::Gone {
                    grant: grant.0,
                    forth: count(traffic.forth),
                    back: count(traffic.back),
                    complete: !traffic.lost,
                    at,
                    first: passage.map(|p| within(p.first)),
                    last: passage.map(|p| within(p.last)),
                })
            }
            Report::Converged { generation, added, removed } => {
                Say::Converged(pb::Converged { generation: generation.0, added: *added, removed: *removed })
            }
            Report::Link { place, up } => fault(fault_place(*place), *up, None, "the link to it"),
            Report::Refused { place, error } => fault(fault_place(*place), false, None, error),
            Report::Foreign { place, what } => foreign(fault_place(*place), what),
            Report::ForeignRule(rule) => Say::ForeignRule(pb::ForeignRule {
                change: match rule.change {
                    site::ForeignChange::Added => pb::ForeignChange::Added,
                    site::ForeignChange::Modified => pb::ForeignChange::Modified,
                    site::ForeignChange::Deleted => pb::ForeignChange::Deleted,
                }
                .into(),
                table: rule.table.into(),
                priority: rule.priority.into(),
                cookie: rule.cookie,
                r#match: rule.matching.clone(),
                rule: rule.rule.clone(),
                since: rule.since.0,
                seen_at: rule.seen_at.0,
                mended_at: rule.mended_at.0,
                suppressed: rule.suppressed,
            }),
            Report::TunnelFailing { grant, error, .. } => fault(pb::FaultPlace::Tunnels, false, Some(*grant), error),
            Report::NotPersisted { error, .. } => fault(pb::FaultPlace::Disk, false, None, error),
            Report::Inexpressible(what) => fault(pb::FaultPlace::Switch, false, None, what),
            Report::Lapsed(grant) => Say::Ended(pb::Ended {
                grant: grant.0,
                cause: pb::EndCause::Lease.into(),
                detail: "the lease ended".into(),
                at,
            }),
            Report::Idle(grant) => Say::Ended(pb::Ended {
                grant: grant.0,
                cause: pb::EndCause::Idle.into(),
                detail: "no packet passed for the idle time".into(),
                at,
            }),
            Report::FirstPacket { in_port, source, destination, protocol, port, held, .. } => {
                let state = hub.state()?;
                let host = state.facts.site.hosts.values().find(|h| h.port.port == *in_port)?;
                Say::FirstPacket(pb::FirstPacket {
                    host: host.id.to_string(),
                    source: source.to_string(),
                    destination: destination.to_string(),
                    protocol: u32::from(*protocol),
                    port: u32::from(*port),
                    at,
                    held: *held,
                })
            }
            Report::Port { .. } => return None,
        })
    }
}

fn within(moment: model::Within) -> pb::Within {
    pb::Within { from: moment.from.0, to: moment.to.0 }
}

/// What no first packet of ours asked for is nothing.
fn read_answer(answer: &pb::FirstPacketAnswer) -> Option<site::FirstPacketAnswer> {
    let opens = match pb::FirstPacketVerdict::try_from(answer.verdict).ok()? {
        pb::FirstPacketVerdict::Opening => true,
        pb::FirstPacketVerdict::Refused => false,
        pb::FirstPacketVerdict::Unspecified => return None,
    };
    Some(site::FirstPacketAnswer {
        source: answer.source.parse().ok()?,
        destination: answer.destination.parse().ok()?,
        protocol: u8::try_from(answer.protocol).ok()?,
        port: u16::try_from(answer.port).ok()?,
        opens,
        wait_ms: i64::from(answer.seconds) * 1000,
    })
}

fn fault(place: pb::FaultPlace, over: bool, grant: Option<GrantId>, detail: &str) -> Say {
    let (grant, detail) = (grant.map(|g| g.0), detail.to_owned());
    Say::Fault(pb::Fault { place: place.into(), over, grant, detail, foreign: false })
}

fn foreign(place: pb::FaultPlace, what: &str) -> Say {
    Say::Fault(pb::Fault { place: place.into(), over: false, grant: None, detail: what.to_owned(), foreign: true })
}

fn fault_place(place: site::Place) -> pb::FaultPlace {
    match place {
        site::Place::Switch => pb::FaultPlace::Switch,
        site::Place::Tunnels => pb::FaultPlace::Tunnels,
        site::Place::Filters => pb::FaultPlace::Filters,
    }
}

fn channel_of_messages() -> (Sender<pb::GateMessage>, Receiver<pb::GateMessage>) {
    channel(256)
}

async fn send(outgoing: &Sender<pb::GateMessage>, message: Say) -> Result<(), String> {
    outgoing.send(pb::GateMessage { message: Some(message) }).await.map_err(|_| "the link broke".to_owned())
}

/// An error with everything behind it: tonic's own says only "transport error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        text += &format!(": {inner}");
        next = inner.source();
    }
    text
}
