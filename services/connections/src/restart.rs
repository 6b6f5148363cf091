//! The center begins and ends. What it finds in the registry is proved again before anybody believes it (X1, X4).

use audit::{CloseCause, Event};
use model::{ApprovalId, ConnectionState, Grant, GrantId, Network, SessionId, SiteDelta};
use registry::{Commit, Loaded, Shelf};
use std::collections::BTreeMap;
use std::sync::Arc;
use verify::{VerifiedPlan, Verifier};

use crate::approvals::Approvals;
use crate::center::State;
use crate::close::{failed, site_generations};
use crate::kept::{KeptApproval, KeptProofs, KeptSession};
use crate::live::{Live, Proofs};
use crate::second_opinion::SecondOpinion;
use crate::session::Session;
use crate::{Center, Parts, Refused};

/// Loads, proves, records the start, and goes on: open connections stay; those that were opening get a while to be
/// observed by their gates; those that were closing go on closing. Who is signed in stays so, and what was asked stays
/// asked, as far as it would still be given. What an earlier version planned otherwise is planned anew: an upgrade ends
/// no line.
///
/// # Errors
/// [`Refused`] if the registry cannot be read, or if what follows from its documents and live grants is not sound. Then
/// nothing is started; gates keep what they have until its leases end.
pub async fn begin(parts: Parts) -> Result<Center, Refused> {
    let mut loaded = parts.registry.load().await?;
    let (verifier, anew) = proved(&mut loaded)?;
    let kept = Kept::read(loaded.kept, &loaded.network, &parts);
    let mut live = BTreeMap::new();
    for (id, connection) in loaded.live {
        let mut one = Live::new(connection.grant, connection.state, connection.person);
        one.session = connection.session;
        let session = connection.session.and_then(|id| kept.sessions.get(&id));
        one.proofs = match session {
            Some(s) => Some(Proofs { card: s.shown.card.clone(), device: s.shown.device.clone() }),
            None => connection.proofs.as_deref().and_then(KeptProofs::read),
        };
        for site in [one.grant.origin.site.clone(), one.grant.destination.site.clone()] {
            if let (Some(state), Some(end)) = (verifier.site(&site), one.end(&site)) {
                end.generation = state.generation();
            }
        }
        live.insert(id, one);
    }
    let opening: Vec<GrantId> =
        live.values().filter(|l| l.state == ConnectionState::Opening).map(|l| l.grant.id).collect();
    let unclean = loaded.tail_at_risk || !live.is_empty();
    let version = parts.settings.software.clone();
    let state = State {
        network: Arc::new(loaded.network),
        verifier,
        live,
        asking: BTreeMap::new(),
        gates: BTreeMap::new(),
        sessions: kept.sessions,
        approvals: kept.approvals,
        packets: crate::first_packet::Packets::default(),
        moves: 0,
    };
    let second = SecondOpinion::begin(&state.verifier.states())?;
    let center = Center::new(parts, state, second);
    let started = Commit::at(center.now()).event(Event::CenterStarted { version, unclean });
    let started = match &anew {
        Some(plan) => started.plan(plan).event(planned_anew(plan)),
        None => started,
    };
    let started = kept.void.into_iter().fold(started, |commit, (shelf, id)| commit.forget(shelf, id));
    center.registry().commit(started).await?;
    for grant in opening {
        let center = center.clone();
        tokio::spawn(async move {
            let within = center.settings().return_within;
            tokio::time::sleep(within).await;
            failed(&center, grant, CloseCause::NotOpened, within).await;
        });
    }
    Ok(center)
}

/// The states that follow from documents and live grants, proved, and the plan that leads to them from what is held, if
/// that is something else. What is held is believed in nothing but these two.
fn proved(loaded: &mut Loaded) -> Result<(Verifier, Option<VerifiedPlan>), Refused> {
    let held = std::mem::take(&mut loaded.sites);
    let stays = loaded.live.values().filter(|live| live.state != ConnectionState::Closing);
    let grants: Vec<Grant> = stays.map(|live| live.grant.clone()).collect();
    let plan = plan::apply(&loaded.network, &grants, &held)?;
    if plan.sites.is_empty() {
        return Ok((Verifier::from_states(held)?, None));
    }
    let (verifier, plan) = Verifier::leading_from(held, plan)?;
    Ok((verifier, Some(plan)))
}

fn planned_anew(plan: &VerifiedPlan) -> Event {
    let sum = |of: fn(&SiteDelta) -> usize| plan.plan().sites.values().map(of).sum::<usize>() as u64;
    let (removed, added) = (sum(|delta| delta.rules_removed.len()), sum(|delta| delta.rules_added.len()));
    tracing::warn!(removed, added, "what was held is not what this version makes of it; planned anew");
    Event::StatesPlannedAnew { sites: site_generations(plan), removed, added }
}

/// What was kept besides lines.
struct Kept {
    sessions: BTreeMap<SessionId, Session>,
    approvals: Approvals,
    /// What counts no more.
    void: Vec<(Shelf, u64)>,
}

impl Kept {
    fn read(rows: BTreeMap<(Shelf, u64), String>, network: &Network, parts: &Parts) -> Self {
        let (now, trust) = (parts.clock.now(), parts.trust.now());
        let (mut sessions, mut asked, mut void) = (BTreeMap::new(), Vec::new(), Vec::new());
        for ((shelf, id), body) in rows {
            let read = match shelf {
                Shelf::Session => {
                    let kept = serde_json::from_str::<KeptSession>(&body).ok();
                    let session = kept.and_then(|kept| kept.restored(SessionId(id)));
                    session.map(|session| drop(sessions.insert(SessionId(id), session)))
                }
                Shelf::Approval => {
                    let kept = serde_json::from_str::<KeptApproval>(&body).ok();
                    kept.map(|kept| asked.push((ApprovalId(id), kept)))
                }
            };
            if read.is_none() {
                tracing::error!(?shelf, id, "what was kept cannot be read; it counts no more");
                void.push((shelf, id));
            }
        }
        let (approvals, not_given) = Approvals::restored(asked, network, &trust, now);
        void.extend(not_given.into_iter().map(|id| (Shelf::Approval, id.0)));
        Self { sessions, approvals, void }
    }
}

/// Records an orderly end and closes the registry.
pub async fn end(center: &Center, why: &str) {
    let stopped = Commit::at(center.now()).event(Event::CenterStopped { why: why.to_owned() });
    if let Err(error) = center.registry().commit(stopped).await {
        tracing::error!(%error, "the end could not be recorded");
    }
    if let Err(error) = center.registry().close().await {
        tracing::error!(%error, "the registry was not closed in order");
    }
}
