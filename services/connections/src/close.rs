//! Close a connection: the same way back. Everything that ends one comes through here.

use audit::{CloseCause, Event, SiteGeneration};
use model::{ConnectionState, GrantId, HostRef, SiteId};
use registry::Commit;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use texts::Arg;
use tokio::sync::watch;
use verify::VerifiedPlan;
use wire::api::{ConnectionView, Counters};

use crate::center::State;
use crate::live::Progress;
use crate::{Center, Refused, Trouble};

/// Who closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closer {
    /// The terminal that opened it.
    Terminal(HostRef),
    /// An operator, by account.
    Operator(String),
    /// The center, for a cause.
    Center(CloseCause),
}

/// It is closed, or closing if a gate has not confirmed yet.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The connection.
    pub connection: ConnectionView,
    /// What was counted, by site.
    pub counters: BTreeMap<SiteId, Counters>,
    /// From the call to the last confirmation.
    pub took: Duration,
}

/// Closes a connection and waits until both gates observed that nothing of it is left, or as long as they have.
/// Closing one that is closing waits for the same.
///
/// # Errors
/// [`Refused`] if it is not there (or not the terminal's), or the registry cannot record it.
pub async fn close(center: &Center, grant: GrantId, closer: Closer) -> Result<Closed, Refused> {
    let center = center.clone();
    Center::whole(async move {
        let began = Instant::now();
        let mut progress = begin(&center, grant, &closer).await?;
        let settled = progress.wait_for(|p| matches!(p, Progress::Closed));
        let _ = tokio::time::timeout(center.settings().confirm_within, settled).await;
        closed(&center, grant, began.elapsed()).await
    })
    .await
}

/// Plan, proof, transaction, orders. Returns what tells how far it is.
pub(crate) async fn begin(
    center: &Center,
    grant: GrantId,
    closer: &Closer,
) -> Result<watch::Receiver<Progress>, Refused> {
    let mut state = center.state().await;
    let Some(live) = state.live.get(&grant) else { return Err(no_such(grant)) };
    if let Closer::Terminal(from) = closer
        && live.grant.origin.host_ref() != *from
    {
        return Err(no_such(grant));
    }
    let progress = live.progress.subscribe();
    if live.state == ConnectionState::Closing {
        return Ok(progress);
    }
    let (cause, operator) = match closer {
        Closer::Terminal(_) => (CloseCause::Person, None),
        Closer::Operator(account) => (CloseCause::Operator, Some(account.clone())),
        Closer::Center(cause) => (*cause, None),
    };
    take_back(center, &mut state, grant, cause, operator, Vec::new()).await?;
    Ok(progress)
}

/// Under the lock: removes what the grant has anywhere and orders it so. `first` are events that explain why.
pub(crate) async fn take_back(
    center: &Center,
    state: &mut State,
    grant: GrantId,
    cause: CloseCause,
    operator: Option<String>,
    first: Vec<Event>,
) -> Result<(), Refused> {
    let Some(live) = state.live.get(&grant) else { return Err(no_such(grant)) };
    let states: Vec<_> = live.sites().into_iter().filter_map(|s| state.verifier.site(s)).collect();
    let plan = match plan::close(&live.grant, &states) {
        Ok(plan) => Some(state.verifier.check(plan)?),
        // Documents took it away already; only the gates' confirmation is open.
        Err(plan::PlanError::NotOpen(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let sites = plan.as_ref().map(site_generations).unwrap_or_default();
    let mut commit = Commit::at(center.now()).closing(grant, cause).events(first);
    commit = commit.event(Event::ConnectionClosing { grant, cause, operator, sites });
    if let Some(plan) = &plan {
        commit = commit.plan(plan);
    }
    center.commit(state, commit, plan.as_ref()).await?;
    closing(state, grant, cause, plan.as_ref());
    if let Some(plan) = &plan {
        center.order(plan);
    }
    Ok(())
}

/// Memory follows: the connection is closing.
pub(crate) fn closing(state: &mut State, grant: GrantId, cause: CloseCause, plan: Option<&VerifiedPlan>) {
    let Some(live) = state.live.get_mut(&grant) else { return };
    live.state = ConnectionState::Closing;
    live.cause = Some(cause);
    for (site, delta) in plan.iter().flat_map(|p| &p.plan().sites) {
        if let Some(end) = live.end(site) {
            end.generation = delta.generation;
        }
    }
    live.progress.send_replace(Progress::Closing);
}

/// A connection that did not open: says what was missing and closes it, in one transaction. Nothing if it is no longer
/// opening.
pub(crate) async fn failed(center: &Center, grant: GrantId, cause: CloseCause, after: Duration) -> Option<Refused> {
    let mut state = center.state().await;
    let live = state.live.get(&grant).filter(|l| l.state == ConnectionState::Opening)?;
    let (site, reason) = live.what_is_missing(after.as_secs());
    Some(fail(center, &mut state, grant, cause, site, reason).await)
}

/// As [`failed`], for a reason that is known.
pub(crate) async fn fail(
    center: &Center,
    state: &mut State,
    grant: GrantId,
    cause: CloseCause,
    site: Option<SiteId>,
    reason: texts::Reason,
) -> Refused {
    let why = serde_json::to_string(&crate::reasons::record(&reason)).unwrap_or_default();
    let event = Event::ConnectionFailed { grant, site, section: reason.section, why };
    let progress = state.live.get(&grant).map(|l| l.progress.clone());
    if let Err(error) = take_back(center, state, grant, cause, None, vec![event]).await {
        tracing::error!(%grant, %error, "a connection that failed could not be closed; its lease will end it");
    }
    if let Some(progress) = progress {
        progress.send_replace(Progress::Failed(vec![reason.clone()]));
    }
    Refused::because(vec![reason]).recorded(0)
}

pub(crate) fn site_generations(plan: &VerifiedPlan) -> Vec<SiteGeneration> {
    let sites = plan.plan().sites.iter();
    sites.map(|(site, delta)| SiteGeneration { site: site.clone(), generation: delta.generation }).collect()
}

async fn closed(center: &Center, grant: GrantId, took: Duration) -> Result<Closed, Refused> {
    if let Some(live) = center.state().await.live.get(&grant) {
        return Ok(Closed { connection: live.view(), counters: live.counters(), took });
    }
    let connection = center.registry().connection(grant).await?.ok_or_else(|| no_such(grant))?;
    let nobody = connection.person;
    let view = crate::live::Live::new(connection.grant.clone(), connection.state, nobody).view();
    let counters = center.registry().audit_of(grant).await?.iter().filter_map(counted).collect();
    Ok(Closed { connection: view, counters, took })
}

fn counted(entry: &audit::Entry) -> Option<(SiteId, Counters)> {
    let (_, seen) = entry.event.observation()?;
    let (site, traffic) = (seen.site.clone()?, seen.traffic?);
    let packets = traffic.forth.packets.saturating_add(traffic.back.packets);
    let bytes = traffic.forth.bytes.saturating_add(traffic.back.bytes);
    Some((site, Counters { packets, bytes }))
}

pub(crate) fn no_such(grant: GrantId) -> Refused {
    Refused::trouble(Trouble::NoSuchConnection, [("grant", Arg::text(grant))])
}
