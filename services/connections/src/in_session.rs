//! What a signed-in person does with services: sees them, opens and closes them (N3).

use decision::{Cause, HypotheticalQuestion, Outcome, explain};
use model::Timestamp;
use model::{
    ConnectionRequest, ConnectionState, GrantId, HostRef, LocalizedName, Network, Service, ServiceId, SessionId,
};
use std::sync::Arc;
use texts::Reason;
use wire::api::ConnectionView;
use wire::session::{ServiceState, ServiceView, ServicesView};

use crate::approvals::Standing;
use crate::center::State;
use crate::close::{Closed, Closer, close};
use crate::live::{Live, services_for};
use crate::open::{Opened, gates_of, open, rivals};
use crate::session::{found, session_of};
use crate::{Center, Refused, Trust};

/// Opens a service in a session. Person, card and terminal are judged anew.
///
/// # Errors
/// [`Refused`], recorded with all its reasons; the provider is asked if nothing lacks but its approval.
pub async fn open_in_session(center: &Center, session: SessionId, service: ServiceId) -> Result<Opened, Refused> {
    let asked = found(&*center.state().await, session)?.asks(&service);
    open(center, asked).await
}

/// Closes a line of the session's terminal.
///
/// # Errors
/// [`Refused`] if there is no such session, or no such line at its terminal.
pub async fn close_in_session(center: &Center, session: SessionId, grant: GrantId) -> Result<Closed, Refused> {
    let at = found(&*center.state().await, session)?.at.clone();
    close(center, grant, Closer::Terminal(at)).await
}

/// The services of the person in a session, with how each stands or why it would be refused.
///
/// # Errors
/// [`Refused`] if there is no such session.
pub async fn services_of(center: &Center, session: SessionId) -> Result<ServicesView, Refused> {
    let at = found(&*center.state().await, session)?.at.clone();
    Ok(services_at(center, &at).await)
}

/// The same for whoever is signed in at a terminal; without a session, what is open there.
pub async fn services_at(center: &Center, at: &HostRef) -> ServicesView {
    let (now, trust) = (center.now(), center.trust());
    let (network, session, seen, recent) = {
        let state = center.state().await;
        let session = session_of(&state, at);
        let of_session = session.map(|s| (s.person.role.clone(), s.who.certificate.0));
        let seen: Vec<Seen> = services_for(&state.network, at)
            .into_iter()
            .map(|service| Seen::now(&state, at, service, of_session.as_ref(), now))
            .collect();
        let view = session.map(crate::session::Session::view);
        (Arc::clone(&state.network), view.zip(of_session), seen, state.packets.recent(at))
    };
    let role = session.as_ref().map(|(_, (role, _))| role.as_str());
    // Signatures of agreements are checked here, so the lock is not held.
    let services = seen.into_iter().filter_map(|s| s.view(&network, &trust, role, now)).collect();
    ServicesView { now, session: session.map(|(view, _)| view), services, recent }
}

/// What is looked at under the lock.
struct Seen {
    request: ConnectionRequest,
    line: Option<ConnectionView>,
    gates: decision::Gates,
    rivals: Vec<decision::Rival>,
    answer: decision::Answer,
    approval_until: Option<Timestamp>,
    cut: bool,
}

impl Seen {
    fn now(
        state: &State,
        at: &HostRef,
        service: ServiceId,
        session: Option<&(String, [u8; 32])>,
        now: Timestamp,
    ) -> Self {
        let request = ConnectionRequest { from: at.clone(), service };
        let line =
            state.live.values().filter(|l| l.grant.service == request.service && l.grant.origin.host_ref() == *at);
        // A line that is being closed is no longer what a person has, if there is another.
        let line = line.max_by_key(|l| (l.state != ConnectionState::Closing, l.grant.id)).map(Live::view);
        let groups = state.network.services.get(&request.service).and_then(Service::group).is_some();
        let card = session.map(|(_, card)| card);
        let answer = match card.map(|card| state.approvals.standing(&request, card, now)) {
            Some(Standing::Given(_)) => decision::Answer::Given,
            Some(Standing::Refused) => decision::Answer::Refused,
            Some(Standing::Open) | None => decision::Answer::Open,
        };
        Self {
            gates: gates_of(state, &request),
            rivals: if groups { rivals(state, &at.site, GrantId(u64::MAX)) } else { Vec::new() },
            approval_until: card.and_then(|card| state.approvals.waits_until(&request, card, now)),
            cut: session_of(state, at).is_some_and(|s| s.cut.contains(&request.service)),
            line,
            answer,
            request,
        }
    }

    fn view(self, network: &Network, trust: &Trust, role: Option<&str>, now: Timestamp) -> Option<ServiceView> {
        let service = network.services.get(&self.request.service)?;
        let provider = network.institutions.get(&service.id.institution).map(|i| i.name.clone());
        let of_id = || LocalizedName { ja: service.id.institution.to_string(), en: service.id.institution.to_string() };
        let reasons = match (&self.line, role) {
            (Some(line), _) if line.state != ConnectionState::Closing => Vec::new(),
            (_, None) => Vec::new(),
            (_, Some(role)) => self.reasons(network, trust, role, now),
        };
        let state = match (&self.line, self.approval_until) {
            (Some(line), _) if line.state == ConnectionState::Opening => ServiceState::Opening,
            (Some(line), _) if line.state == ConnectionState::Open => ServiceState::Open,
            (Some(_), _) => ServiceState::Closing,
            (None, Some(_)) if reasons.is_empty() => ServiceState::WaitingApproval,
            (None, _) if reasons.is_empty() => ServiceState::Closed,
            (None, _) => ServiceState::Refused,
        };
        let ends = self.line.as_ref().filter(|_| state == ServiceState::Open).map(|l| l.lease_until);
        Some(ServiceView {
            service: service.id.clone(),
            name: service.name.clone(),
            provider: provider.unwrap_or_else(of_id),
            kind: service.kind,
            state,
            warn: ends.is_some_and(|until| until.plus_ms(-service.warn_ms) <= now),
            needs_approval: service.approval.is_some(),
            approval_until: self.approval_until,
            connection: self.line,
            reasons,
        })
    }

    /// Why it would be refused now; that the provider was not asked yet is no reason not to ask.
    fn reasons(&self, network: &Network, trust: &Trust, role: &str, now: Timestamp) -> Vec<Reason> {
        let steps = explain(&HypotheticalQuestion {
            request: &self.request,
            role,
            network,
            trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
            gates: self.gates,
            already_open: None,
            rivals: &self.rivals,
            answer: self.answer,
            now,
        });
        let failed = steps.into_iter().filter_map(|step| match step.outcome {
            Outcome::Failed(reasons) => Some(reasons),
            Outcome::Passed(_) | Outcome::NotReached | Outcome::AtSignIn => None,
        });
        let mut reasons: Vec<Reason> = failed.flatten().filter(|r| r.code != Cause::ApprovalNeeded.code()).collect();
        if self.cut {
            reasons.push(decision::cut_reason(&self.request, network));
        }
        reasons
    }
}
