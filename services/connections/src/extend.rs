//! A lease is extended: decided again like an opening, proved, committed; no rule is touched and no packet lost.

use audit::Event;
use model::{ConnectionState, GrantId, SessionId};
use registry::Commit;
use texts::Arg;
use wire::api::ConnectionView;

use crate::close::{no_such, site_generations};
use crate::open::{Seat, permitted};
use crate::responders::trust_for;
use crate::session::found;
use crate::{Center, Refused};

/// Lets a line of the session's person last as long as if it were opened now.
///
/// # Errors
/// [`Refused`] if it is not theirs or not open, or would not be permitted now. The line stays as it was.
pub async fn extend(center: &Center, session: SessionId, grant: GrantId) -> Result<ConnectionView, Refused> {
    let center = center.clone();
    Center::whole(async move { extended(&center, session, grant).await }).await
}

async fn extended(center: &Center, session: SessionId, grant: GrantId) -> Result<ConnectionView, Refused> {
    let now = center.now();
    let asked = {
        let state = center.state().await;
        let who = found(&state, session)?;
        let live = state.live.get(&grant).ok_or_else(|| no_such(grant))?;
        let theirs = live.grant.origin.host_ref() == who.at && live.person.certificate == who.who.certificate;
        if !theirs || live.state != ConnectionState::Open {
            return Err(no_such(grant));
        }
        who.asks(&live.grant.service)
    };
    let trust = trust_for(center, &asked, now).await;
    let device = asked.shown.device(&trust, now)?;
    let person = asked.shown.person(&found(&*center.state().await, session)?.confirmed_bytes(), &trust, now)?;

    let mut state = center.state().await;
    let mut seat = Seat::now(&state, &asked, &person, &trust, now, grant)?;
    seat.already_open = None;
    let permit = permitted(&asked, &seat, &device, &person, &trust, now)?;
    let live = state.live.get(&grant).filter(|l| l.state == ConnectionState::Open).ok_or_else(|| no_such(grant))?;
    let mut longer = live.grant.clone();
    longer.lease_until = permit.grant().lease_until;
    let as_it_was = model::Grant { granted_at: longer.granted_at, ..permit.grant().clone() };
    if as_it_was != longer {
        // Hosts, ports or agreement are others now: that is another line.
        return Err(Refused::not_plannable(Arg::Key("plan-service-changed".into())));
    }
    if longer.lease_until <= live.grant.lease_until {
        return Ok(live.view());
    }
    let states: Vec<_> = live.sites().into_iter().filter_map(|s| state.verifier.site(s)).collect();
    let plan = state.verifier.check(plan::renew(grant, longer.lease_until, &states)?)?;
    let sites = site_generations(&plan);
    let event = Event::ConnectionRenewed { grant, lease_until: longer.lease_until, sites };
    let commit = Commit::at(now).plan(&plan).renewed(&longer).event(event);
    center.commit(&mut state, commit, Some(&plan)).await?;
    state.approvals.use_up(&asked.request, person.person().fingerprint());
    let view = state.live.get_mut(&grant).map(|live| {
        live.grant = longer;
        live.view()
    });
    center.order(&plan);
    drop(state);
    center.leases().notify_one();
    view.ok_or_else(|| no_such(grant))
}
