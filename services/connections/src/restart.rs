//! The center begins and ends. What it finds in the registry is proved again before anybody believes it (X1, X4).

use audit::{CloseCause, Event};
use model::{ConnectionState, GrantId};
use registry::Commit;
use std::collections::BTreeMap;
use std::sync::Arc;
use verify::Verifier;

use crate::center::State;
use crate::close::failed;
use crate::live::Live;
use crate::second_opinion::SecondOpinion;
use crate::{Center, Parts, Refused};

/// Loads, proves, records the start, and goes on: open connections stay; those that were opening get a while to be
/// observed by their gates; those that were closing go on closing.
///
/// # Errors
/// [`Refused`] if the registry cannot be read or what it holds is not sound. Then nothing is started; gates keep what
/// they have until its leases end.
pub async fn begin(parts: Parts) -> Result<Center, Refused> {
    let loaded = parts.registry.load().await?;
    let verifier = Verifier::from_states(loaded.sites)?;
    let mut live = BTreeMap::new();
    for (id, connection) in loaded.live {
        let mut one = Live::new(connection.grant, connection.state, connection.person);
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
        sessions: BTreeMap::new(),
        approvals: crate::approvals::Approvals::default(),
        packets: crate::first_packet::Packets::default(),
        moves: 0,
    };
    let second = SecondOpinion::begin(&state.verifier.states())?;
    let center = Center::new(parts, state, second);
    let started = Commit::at(center.now()).event(Event::CenterStarted { version, unclean });
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
