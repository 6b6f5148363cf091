//! Leases end by themselves. Gates enforce them too, without the center (X4).

use audit::CloseCause;
use model::{ConnectionState, GrantId, Timestamp};
use std::time::Duration;

use crate::Center;
use crate::close::{Closer, begin};

/// Closes every connection whose lease has ended; returns when the next one ends.
pub async fn expire_due(center: &Center) -> Option<Timestamp> {
    let now = center.now();
    let (due, next) = {
        let state = center.state().await;
        let open = state.live.values().filter(|l| l.state != ConnectionState::Closing);
        let (due, later): (Vec<_>, Vec<_>) =
            open.map(|l| (l.grant.lease_until, l.grant.id)).partition(|(until, _)| *until <= now);
        (due.into_iter().map(|(_, id)| id).collect::<Vec<GrantId>>(), later.into_iter().map(|(u, _)| u).min())
    };
    let mut next = next;
    for grant in due {
        if let Err(refused) = begin(center, grant, &Closer::Center(CloseCause::Lease)).await {
            tracing::error!(%grant, %refused, "a lease that ended could not be closed; trying again");
            next = Some(now.plus_ms(5_000));
        }
    }
    next
}

/// Runs [`expire_due`] whenever a lease ends, for ever.
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
