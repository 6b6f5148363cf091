//! What ends by itself: leases, sessions, questions to providers. Gates enforce leases too, without the center (X4).

use audit::CloseCause;
use model::{ConnectionState, GrantId, SessionId, Timestamp};
use std::time::Duration;

use crate::Center;
use crate::approvals;
use crate::center::State;
use crate::close::{Closer, begin};
use crate::session::end_session;

/// Ends everything whose time has come; returns when the next thing ends or is warned of.
pub async fn expire_due(center: &Center) -> Option<Timestamp> {
    let now = center.now();
    let (due, over, mut next) = {
        let mut state = center.state().await;
        approvals::expire(center, &mut state).await;
        let open = state.live.values().filter(|l| l.state != ConnectionState::Closing);
        let due: Vec<GrantId> = open.filter(|l| l.grant.lease_until <= now).map(|l| l.grant.id).collect();
        let over: Vec<SessionId> = state.sessions.values().filter(|s| s.until <= now).map(|s| s.id).collect();
        (due, over, next(&state, now))
    };
    for grant in due {
        if let Err(refused) = begin(center, grant, &Closer::Center(CloseCause::Lease)).await {
            tracing::error!(%grant, %refused, "a lease that ended could not be closed; trying again");
            next = Some(now.plus_ms(5_000));
        }
    }
    for session in over {
        let mut state = center.state().await;
        if let Err(refused) = end_session(center, &mut state, session, CloseCause::SessionOver, None).await {
            tracing::error!(%session, %refused, "a session that is over could not be ended; trying again");
            next = Some(now.plus_ms(5_000));
        }
    }
    // Somebody may have to be warned now.
    center.changed();
    next
}

fn next(state: &State, now: Timestamp) -> Option<Timestamp> {
    let open = state.live.values().filter(|l| l.state != ConnectionState::Closing);
    let leases = open.flat_map(|l| {
        let warn_ms = state.network.services.get(&l.grant.service).map_or(0, |s| s.warn_ms);
        [l.grant.lease_until.plus_ms(-warn_ms), l.grant.lease_until]
    });
    let sessions = state.sessions.values().map(|s| s.until);
    leases.chain(sessions).chain(state.approvals.next()).filter(|at| *at > now).min()
}

/// Runs [`expire_due`] whenever something ends, for ever.
pub async fn keep_leases(center: Center) {
    loop {
        let next = expire_due(&center).await;
        let wait = next.map(|at| Duration::from_millis(at.0.saturating_sub(center.now().0).max(0) as u64));
        let woken = center.leases().notified();
        match wait {
            Some(wait) => {
                let _ = tokio::time::timeout(wait, woken).await;
            }
            None => woken.await,
        }
    }
}
