//! The first packet of a signed-in person's terminal opens the line of the service it goes to (N1).

use audit::Event;
use model::{ConnectionState, HostRef, Network, Protocol, ServiceId, SiteId};
use registry::Commit;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use texts::{Arg, Reason};
use wire::link::{FirstPacket, FirstPacketAnswer, FirstPacketVerdict};
use wire::session::RefusedPacket;

use crate::approvals::ask_approval;
use crate::center::State;
use crate::open::the_way;
use crate::session::session_of;
use crate::{Asked, Center, Refused, ToGate, Trouble, reasons};

/// How long a gate refuses the same without asking again.
const REFUSED_SECONDS: u32 = 10;
/// The same while nobody is signed in: whoever signs in now must not be made to wait.
const NOBODY_SECONDS: u32 = 2;
/// Refused packets kept for a terminal's person to see.
const RECENT: usize = 20;

/// Refused packets by terminal, newest last. Bounded: terminals are those of the documents.
#[derive(Default)]
pub(crate) struct Packets {
    recent: BTreeMap<HostRef, VecDeque<RefusedPacket>>,
}

impl Packets {
    pub fn recent(&self, at: &HostRef) -> Vec<RefusedPacket> {
        self.recent.get(at).into_iter().flatten().cloned().collect()
    }

    fn note(&mut self, at: &HostRef, packet: RefusedPacket) {
        let kept = self.recent.entry(at.clone()).or_default();
        if kept.len() == RECENT {
            kept.pop_front();
        }
        kept.push_back(packet);
    }
}

/// Packets of a terminal that were refused lately, newest last.
pub async fn recent(center: &Center, terminal: &HostRef) -> Vec<RefusedPacket> {
    center.state().await.packets.recent(terminal)
}

/// What a first packet is about.
#[derive(Clone)]
struct Wish {
    from: HostRef,
    destination: IpAddr,
    protocol: Option<Protocol>,
    port: Option<u16>,
    service: Option<ServiceId>,
}

/// Under the lock: takes in what a gate reports. Opening goes on by itself; a refusal is answered at once.
pub(crate) async fn first_packet(center: &Center, state: &mut State, site: &SiteId, m: FirstPacket) {
    let Some(wish) = read(&state.network, site, &m) else {
        tracing::warn!(%site, "a first packet that cannot be read, or of no host of the site");
        return;
    };
    let asked = wish.service.as_ref().and_then(|service| Some(session_of(state, &wish.from)?.asks(service)));
    match asked {
        // A packet that was dropped while the link was down opens nothing any more: it is evidence alone.
        Some(asked) if m.held => {
            let (center, site) = (center.clone(), site.clone());
            tokio::spawn(async move { opens(&center, &site, wish, asked, m).await });
        }
        // The packet itself proves nobody: somebody signs in first, or opens the service with a card.
        Some(_) | None => {
            let args = [("terminal", Arg::text(&wish.from)), ("destination", Arg::text(wish.destination))];
            let refused = Refused::because(vec![Trouble::NotOpened.reason(args)]);
            turn_away(center, state, site, wish, &refused, &m).await;
        }
    }
}

fn read(network: &Network, site: &SiteId, m: &FirstPacket) -> Option<Wish> {
    let host = network.sites.get(site)?.hosts.get(&m.host.parse().ok()?)?;
    let destination: IpAddr = m.destination.parse().ok()?;
    let protocol = match m.protocol {
        6 => Some(Protocol::Tcp),
        17 => Some(Protocol::Udp),
        _ => None,
    };
    let port = u16::try_from(m.port).ok().filter(|p| *p != 0);
    // Said by the switch, which lets nobody send in another's name; a gate that says otherwise is not believed.
    let own = m.source.parse().ok() == Some(host.address);
    let at = |s: &&model::Service| {
        own && Some(s.protocol) == protocol
            && port.is_some_and(|p| s.ports.contains(&p))
            && network.host(&s.host).is_some_and(|(_, h)| h.address == destination)
    };
    let from = HostRef { site: site.clone(), host: host.id.clone() };
    // Two services at one port: the one the site's policy names for this terminal.
    let named = |s: &&model::Service| {
        let allow = &network.sites[site].allow;
        allow.iter().any(|r| r.service == s.id && r.from.contains(&from.host))
    };
    let mut there = network.services.values().filter(at);
    let service = network.services.values().filter(at).find(named).or_else(|| there.next()).map(|s| s.id.clone());
    Some(Wish { from, destination, protocol, port, service })
}

/// The same way as if the person had asked, card and terminal judged anew. The gate learns that a line is on its way
/// as soon as it is committed, long before it is open.
async fn opens(center: &Center, site: &SiteId, wish: Wish, asked: Asked, m: FirstPacket) {
    let mut changes = center.changes();
    let (theirs, request) = (center.clone(), asked.clone());
    let mut way = tokio::spawn(async move { the_way(&theirs, &request).await });
    let mut told = false;
    let result = loop {
        tokio::select! {
            result = &mut way => match result {
                Ok(result) => break result,
                // Only at the end of the process, or if it panicked, which was said.
                Err(_) => return,
            },
            Ok(()) = changes.changed(), if !told => {
                if is_opening(&*center.state().await, &asked) {
                    opening(center, site, &m);
                    told = true;
                }
            }
        }
    };
    match result {
        Ok(_) if told => {}
        Ok(_) => opening(center, site, &m),
        // Another packet of the same was faster; or the line is being closed, and the next try finds it gone.
        Err(refused) if refused.reasons.iter().all(|r| r.code == decision::Cause::AlreadyOpen.code()) => {
            if is_opening(&*center.state().await, &asked) {
                opening(center, site, &m);
            } else {
                answer(center, site, &m, FirstPacketVerdict::Refused, 1);
            }
        }
        Err(refused) => {
            ask_approval(center, &asked, &refused).await;
            let mut state = center.state().await;
            turn_away(center, &mut state, site, wish, &refused, &m).await;
        }
    }
}

fn is_opening(state: &State, asked: &Asked) -> bool {
    crate::live::already_open(&state.live, &asked.request.from, &asked.request.service)
        .and_then(|grant| state.live.get(&grant))
        .is_some_and(|l| matches!(l.state, ConnectionState::Opening | ConnectionState::Open))
}

/// Refused: recorded with its reasons, shown to the person, told to the gate.
async fn turn_away(center: &Center, state: &mut State, site: &SiteId, wish: Wish, refused: &Refused, m: &FirstPacket) {
    let nobody = refused.reasons.iter().any(|r| r.code == Trouble::NotOpened.code());
    let seconds = if nobody { NOBODY_SECONDS } else { REFUSED_SECONDS };
    answer(center, site, m, FirstPacketVerdict::Refused, seconds);
    let now = center.now();
    let event = Event::PacketRefused {
        site: site.clone(),
        from: wish.from.clone(),
        destination: wish.destination,
        protocol: wish.protocol,
        port: wish.port,
        reasons: refused.reasons.iter().map(reasons::record).collect(),
    };
    let entry = match center.commit(state, Commit::at(now).event(event), None).await {
        Ok(committed) => committed.entries.last().map(|e| e.seq),
        Err(error) => {
            tracing::error!(%site, %error, "a refused packet could not be recorded");
            None
        }
    };
    let reasons: Vec<Reason> = refused.reasons.clone();
    let Wish { from, destination, protocol, port, service } = wish;
    state.packets.note(&from, RefusedPacket { at: now, destination, protocol, port, service, reasons, entry });
    center.changed();
}

fn opening(center: &Center, site: &SiteId, m: &FirstPacket) {
    let seconds = center.settings().confirm_within.as_secs().max(1) as u32;
    answer(center, site, m, FirstPacketVerdict::Opening, seconds);
}

fn answer(center: &Center, site: &SiteId, m: &FirstPacket, verdict: FirstPacketVerdict, seconds: u32) {
    if !m.held {
        return;
    }
    let answer = FirstPacketAnswer {
        host: m.host.clone(),
        source: m.source.clone(),
        destination: m.destination.clone(),
        protocol: m.protocol,
        port: m.port,
        verdict: verdict.into(),
        seconds,
    };
    center.gates().send(site, ToGate::FirstPacketAnswer(answer));
}
