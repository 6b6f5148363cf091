//! What gates observed. Only this makes a connection open or closed; a report that comes late or twice changes nothing.

use audit::{CloseCause, Count, Event, Observation, Phase, Point, Traffic};
use model::{ConnectionState, Generation, GrantId, Passage, Section, SiteId, Timestamp, Within};
use registry::Commit;
use texts::Arg;
use wire::link::{self, EndCause, RefusalCode, gate_message::Message};

use crate::alarms::foreign_rule;
use crate::center::State;
use crate::close::{fail, take_back};
use crate::first_packet::first_packet;
use crate::live::{Gone, Live, Progress, initiator};
use crate::{Center, ToGate, Trouble};

/// Takes in a report of the gate at `site`. Whatever it says about another site's business is ignored.
pub async fn gate_report(center: &Center, site: &SiteId, message: Message) {
    let mut state = center.state().await;
    match message {
        // The first message of a link; told to `gate_joined`.
        Message::Hello(_) => {}
        // Told to whoever keeps the links.
        Message::LeaseRequest(_) | Message::LeaseRelease(_) => {}
        Message::Accepted(m) => accepted(center, &mut state, site, Generation(m.generation)).await,
        Message::Refused(m) => refused(center, &mut state, site, m).await,
        Message::Prepared(m) => prepared(center, &mut state, site, GrantId(m.grant)),
        Message::Observed(m) => observed(center, &mut state, site, m).await,
        Message::Carried(m) => carried(center, &mut state, site, GrantId(m.grant)),
        Message::Gone(m) => gone(center, &mut state, site, m).await,
        Message::Ended(m) => ended(center, &mut state, site, m).await,
        Message::FirstPacket(m) => first_packet(center, &mut state, site, m).await,
        Message::Converged(m) => converged(center, &mut state, site, m).await,
        Message::Fault(m) => fault(center, &mut state, site, &m),
        Message::ForeignRule(m) => foreign_rule(center, &mut state, site, m).await,
    }
}

/// The generation is in force: of grants it does not hold nothing is left, whether or not that was said.
async fn accepted(center: &Center, state: &mut State, site: &SiteId, generation: Generation) {
    if let Some(gate) = state.gates.get_mut(site) {
        gate.in_force = gate.in_force.max(Some(generation));
    }
    let now = center.now();
    let mut finished = Vec::new();
    for live in state.live.values_mut().filter(|l| l.state == ConnectionState::Closing) {
        let grant = live.grant.clone();
        if let Some(end) = live.end(site).filter(|e| e.generation <= generation && e.gone.is_none()) {
            let seen = Observation { site: Some(site.clone()), ..Observation::of(&grant, Phase::Closed, now) };
            end.gone = Some(Gone { seen });
            finished.push(grant.id);
        }
    }
    for grant in finished {
        finish(center, state, grant).await;
    }
}

async fn refused(center: &Center, state: &mut State, site: &SiteId, m: link::OrderRefused) {
    let code = RefusalCode::try_from(m.code).unwrap_or_default();
    tracing::warn!(%site, ?code, generation = m.generation, at = m.at, "order refused");
    if code == RefusalCode::OutOfStep {
        let wanted = state.verifier.site(site);
        if let Some(wanted) = wanted.filter(|w| w.generation().0 > m.at) {
            center.order_snapshot(wanted.state());
        }
        return;
    }
    let section = match code {
        RefusalCode::NotInstalled => Section::InHouseLan,
        _ => Section::Operator,
    };
    let why = format!("{code:?}: {}", m.detail);
    let generation = Generation(m.generation);
    let event = Event::OrderRefused { site: site.clone(), generation, section, why: why.clone() };
    if let Err(error) = center.commit(state, Commit::at(center.now()).event(event), None).await {
        tracing::error!(%site, %error, "a refused order could not be recorded");
    }
    let opening: Vec<GrantId> = state
        .live
        .values_mut()
        .filter(|l| l.state == ConnectionState::Opening)
        .filter_map(|l| {
            let id = l.grant.id;
            l.end(site).filter(|e| e.generation == generation).map(|_| id)
        })
        .collect();
    for grant in opening {
        let reason =
            Trouble::GateRefusedOrder.reason_in(section, [("site", Arg::text(site)), ("why", Arg::text(&why))]);
        fail(center, state, grant, CloseCause::NotOpened, Some(site.clone()), reason).await;
    }
}

/// The responder is ready: the initiator may start at once.
fn prepared(center: &Center, state: &mut State, site: &SiteId, grant: GrantId) {
    let Some(live) = state.live.get_mut(&grant) else { return };
    let first = initiator(&live.grant).clone();
    let opening = live.state == ConnectionState::Opening;
    let Some(end) = live.end(site) else { return };
    end.prepared = true;
    if opening && *site != first {
        center.gates().send(&first, ToGate::Go(grant));
    }
}

async fn observed(center: &Center, state: &mut State, site: &SiteId, m: link::Observed) {
    let grant = GrantId(m.grant);
    let Some(live) = state.live.get_mut(&grant) else { return };
    let of = live.grant.clone();
    let opening = live.state == ConnectionState::Opening;
    let Some(end) = live.end(site) else { return };
    let whole = m.sa && m.flows_wanted > 0 && m.flows >= m.flows_wanted;
    if !whole || end.observed.is_some() {
        return;
    }
    end.observed = Some(Observation {
        site: Some(site.clone()),
        flows: Some(m.flows),
        sa: Some(m.sa),
        ..Observation::of(&of, Phase::Opened, Timestamp(m.at))
    });
    let (Some(source), Some(destination)) = (live.origin.observed.clone(), live.destination.observed.clone()) else {
        return;
    };
    if !opening {
        return;
    }
    let now = center.now();
    let commit = Commit::at(now).moves(grant, ConnectionState::Open).events([
        Event::evidence(Point::Source, source),
        Event::evidence(Point::Destination, destination),
        Event::evidence(Point::AccessPoint, Observation::of(&of, Phase::Opened, now)),
        Event::ConnectionOpen { grant },
    ]);
    match center.commit(state, commit, None).await {
        Ok(_) => {
            if let Some(live) = state.live.get_mut(&grant) {
                live.state = ConnectionState::Open;
                live.progress.send_replace(Progress::Open);
            }
            center.gates().send(&of.origin.site, ToGate::Opened(grant));
            tracing::info!(%grant, "open");
        }
        Err(error) => {
            // Not recorded is not open: the next report tries again, or the deadline closes it.
            if let Some(end) = state.live.get_mut(&grant).and_then(|l| l.end(site)) {
                end.observed = None;
            }
            tracing::error!(%grant, %error, "an open connection could not be recorded");
        }
    }
}

/// Its first packet has passed at that end.
fn carried(center: &Center, state: &mut State, site: &SiteId, grant: GrantId) {
    if let Some(end) = state.live.get_mut(&grant).and_then(|live| live.end(site)) {
        end.carried.get_or_insert(center.now());
    }
}

/// A span that ends before it begins is no evidence of anything.
fn passage(m: &link::Gone) -> Option<Passage> {
    let within = |w: Option<link::Within>| {
        w.map(|w| Within { from: Timestamp(w.from), to: Timestamp(w.to) }).filter(|w| w.from <= w.to)
    };
    Some(Passage { first: within(m.first)?, last: within(m.last)? })
}

async fn gone(center: &Center, state: &mut State, site: &SiteId, m: link::Gone) {
    let grant = GrantId(m.grant);
    let Some(live) = state.live.get_mut(&grant) else { return };
    let of = live.grant.clone();
    let count =
        |c: Option<link::Count>| c.map_or_else(Count::default, |c| Count { packets: c.packets, bytes: c.bytes });
    let traffic = Traffic { forth: count(m.forth), back: count(m.back), complete: m.complete };
    let Some(end) = live.end(site).filter(|e| e.gone.is_none()) else { return };
    let seen = Observation {
        site: Some(site.clone()),
        flows: Some(0),
        sa: Some(false),
        traffic: Some(traffic),
        passage: passage(&m),
        ..Observation::of(&of, Phase::Closed, Timestamp(m.at))
    };
    end.gone = Some(Gone { seen });
    if live.state == ConnectionState::Closing {
        finish(center, state, grant).await;
        return;
    }
    // The gate closed by itself: only the end of the lease lets it. The other end follows through the usual way.
    let cause = if of.lease_until.0 <= center.now().0.saturating_add(CLOCKS_MS) {
        CloseCause::Lease
    } else {
        CloseCause::PeerDead
    };
    if let Err(error) = take_back(center, state, grant, cause, None, Vec::new()).await {
        tracing::error!(%grant, %error, "a connection that a gate closed could not be closed");
    }
}

/// How far a gate's clock may be ahead of ours.
const CLOCKS_MS: i64 = 2_000;

/// Both ends are gone: closed, with evidence from all three points (G13).
async fn finish(center: &Center, state: &mut State, grant: GrantId) {
    let Some(live) = state.live.get(&grant) else { return };
    let (Some(source), Some(destination)) = (&live.origin.gone, &live.destination.gone) else { return };
    let now = center.now();
    // Evidence of an end is due only for a connection that was open at some time.
    let was_open = live.origin.observed.is_some() && live.destination.observed.is_some() || counted(live);
    let mut commit = Commit::at(now).moves(grant, ConnectionState::Closed);
    if was_open {
        commit = commit.events([
            Event::evidence(Point::Source, source.seen.clone()),
            Event::evidence(Point::Destination, destination.seen.clone()),
            Event::evidence(
                Point::AccessPoint,
                Observation { passage: live.heard_of_packets(now), ..Observation::of(&live.grant, Phase::Closed, now) },
            ),
        ]);
    }
    match center.commit(state, commit.event(Event::ConnectionClosed { grant }), None).await {
        Ok(_) => {
            if let Some(live) = state.live.remove(&grant) {
                // Whoever waits to learn why it failed keeps that; `closed` looks at the registry.
                live.progress.send_if_modified(|p| {
                    let failed = matches!(p, Progress::Failed(_));
                    if !failed {
                        *p = Progress::Closed;
                    }
                    !failed
                });
            }
            tracing::info!(%grant, "closed");
        }
        Err(error) => {
            tracing::error!(%grant, %error, "a closed connection could not be recorded; trying again with the next report")
        }
    }
}

/// After a restart of the center what was observed at the opening is in the log, no longer in memory.
fn counted(live: &Live) -> bool {
    [&live.origin, &live.destination]
        .iter()
        .any(|e| e.gone.as_ref().and_then(|g| g.seen.traffic).is_some_and(|t| t.forth.packets + t.back.packets > 0))
}

async fn ended(center: &Center, state: &mut State, site: &SiteId, m: link::Ended) {
    let grant = GrantId(m.grant);
    let Some(live) = state.live.get_mut(&grant) else { return };
    if live.state == ConnectionState::Closing || live.end(site).is_none() {
        return;
    }
    let cause = match EndCause::try_from(m.cause).unwrap_or_default() {
        EndCause::Lease => CloseCause::Lease,
        EndCause::Idle => CloseCause::Idle,
        EndCause::Peer | EndCause::LocalFault | EndCause::Unspecified => CloseCause::PeerDead,
    };
    tracing::info!(%site, %grant, %cause, "a gate ends a connection");
    let done = if live.state == ConnectionState::Opening {
        let reason = Trouble::GateRefusedOrder
            .reason_in(Section::AccessLine, [("site", Arg::text(site)), ("why", Arg::text(&m.detail))]);
        fail(center, state, grant, CloseCause::NotOpened, Some(site.clone()), reason).await;
        Ok(())
    } else {
        take_back(center, state, grant, cause, None, Vec::new()).await
    };
    if let Err(error) = done {
        tracing::error!(%grant, %error, "a connection could not be closed");
    }
}

async fn converged(center: &Center, state: &mut State, site: &SiteId, m: link::Converged) {
    if m.added == 0 && m.removed == 0 {
        return;
    }
    let generation = Generation(m.generation);
    let event = Event::GateConverged { site: site.clone(), generation, added: m.added, removed: m.removed };
    if let Err(error) = center.commit(state, Commit::at(center.now()).event(event), None).await {
        tracing::error!(%site, %error, "a convergence could not be recorded");
    }
}

fn fault(center: &Center, state: &mut State, site: &SiteId, m: &link::Fault) {
    center.changed();
    if let Some(gate) = state.gates.get_mut(site) {
        gate.alarms.heard(m, center.now());
    }
    if m.foreign {
        tracing::warn!(%site, place = m.place, detail = m.detail, "a foreign hand; the gate undoes it");
        return;
    }
    if m.over {
        tracing::info!(%site, place = m.place, "works again");
    } else {
        tracing::warn!(%site, place = m.place, detail = m.detail, "fault");
    }
    for live in state.live.values_mut() {
        if m.grant.is_some_and(|g| g != live.grant.id.0) {
            continue;
        }
        if let Some(end) = live.end(site) {
            end.fault = (!m.over).then(|| m.detail.clone());
        }
    }
}
