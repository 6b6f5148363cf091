//! Open a connection. Read [`the_way`] first: it is the whole story, a line a step.

use audit::{CloseCause, Digest, Event, Person};
use decision::{Confirmed, Consultation, Denial, GateStatus, Permit, PersonSummary, Question, Rival, decide};
use model::{ConnectionRequest, ConnectionState, GrantId, Network, PlanCause, SessionId, SignIn, SiteId, Timestamp};
use pki::{PresentPerson, Refusal, VerifiedDevice, verify_gate};
use registry::{Commit, Shelf};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use verify::{Proof, VerifiedPlan};
use wire::api::ConnectionView;

use crate::approvals::{Standing, ask_approval};
use crate::center::State;
use crate::close::{failed, site_generations, take_back};
use crate::kept::KeptProofs;
use crate::live::{Live, Progress, Proofs, already_open};
use crate::presence::{Shown, read_person, who};
use crate::responders::trust_for;
use crate::{Center, Refused, Trouble, Trust, reasons};

/// What a terminal asks, with both proofs.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the person asks for.
    pub request: ConnectionRequest,
    /// The proofs: given for this request, or, in a session, for signing in at its terminal.
    pub shown: Shown,
    /// The session it is asked in; nothing if the card confirmed the request itself.
    pub session: Option<SessionId>,
}

impl Asked {
    /// What the card's answer must have been given for.
    fn confirmed_bytes(&self) -> Vec<u8> {
        match self.session {
            None => self.request.signed_bytes(),
            Some(_) => SignIn { at: self.request.from.clone() }.signed_bytes(),
        }
    }
}

/// It is open.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Who.
    pub person: PersonSummary,
    /// Agreement and whitelist rule it stands on.
    pub allow: decision::AllowRef,
    /// The agreement.
    pub agreement: model::AgreementId,
    /// What was proved.
    pub proof: Proof,
    /// How long the proof took.
    pub proof_took: Duration,
    /// What is open.
    pub connection: ConnectionView,
    /// From the call to the last gate's confirmation.
    pub took: Duration,
}

/// Opens a connection, or says why not. A refusal is recorded with all its reasons.
///
/// # Errors
/// [`Refused`].
pub async fn open(center: &Center, asked: Asked) -> Result<Opened, Refused> {
    let center = center.clone();
    Center::whole(async move {
        match the_way(&center, &asked).await {
            Err(refused) if refused.entry.is_none() => {
                ask_approval(&center, &asked, &refused).await;
                Err(recorded(&center, &asked, refused).await)
            }
            other => other,
        }
    })
    .await
}

/// The way of a connection.
pub(crate) async fn the_way(center: &Center, asked: &Asked) -> Result<Opened, Refused> {
    let (began, now) = (Instant::now(), center.now());
    let trust = trust_for(center, asked, now).await;

    // The terminal and the person, proved at this moment (N2, G1).
    let device = asked.shown.device(&trust, now)?;
    let person = asked.shown.person(&asked.confirmed_bytes(), &trust, now)?;

    // May this person, on this device, reach this service now? Decided without holding anybody up.
    let seat = take_seat(center, asked, &person, &trust, now).await?;
    let permit = permitted(asked, &seat, &device, &person, &trust, now);
    let permit = leave_on_error(center, &seat, permit).await?;

    // Plan, proof and transaction, in one hold of the lock; memory follows the registry.
    let mut state = center.state().await;
    state.asking.remove(&seat.line);
    let permit = still_permitted(&state, permit, asked, &seat, &device, &person, &trust, now)?;
    make_way(center, &mut state, &permit).await?;
    let proof = proved(center, &state, planned(&state, &permit)?).await;
    let (plan, proof_took) = proof.map_err(|r| r.in_scene(&state.network, Some(permit.grant().clone())))?;
    let events = story(&permit, &plan, &person, &device);
    let commit = Commit::at(now).plan(&plan).connection(&permit, &who(&person), fingerprint(&device)).events(events);
    let commit = kept(&state, commit, asked, &person);
    let admit = |state: &mut State| admitted(state, &permit, &plan, &person, asked);

    // Both gates get their signed slice; then only what they observe counts.
    let progress = center.commit_and_order(&mut state, commit, &plan, admit).await?;
    drop(state);
    center.leases().notify_one();
    observed(center, permit.grant().id, progress).await?;

    let connection = ConnectionView { state: ConnectionState::Open, ..view(&permit) };
    Ok(Opened {
        person: permit.person().clone(),
        allow: permit.allow().clone(),
        agreement: permit.agreement().clone(),
        proof: plan.proof(),
        proof_took,
        connection,
        took: began.elapsed(),
    })
}

/// What a decision looks at, from one moment; nobody else asks for the same line until it is given back.
#[derive(Clone)]
pub(crate) struct Seat {
    pub line: (model::HostRef, model::ServiceId),
    pub grant: GrantId,
    pub network: Arc<Network>,
    pub gates: decision::Gates,
    pub already_open: Option<GrantId>,
    pub confirmed: Confirmed,
    pub rivals: Vec<Rival>,
    pub approval: Standing,
}

impl Seat {
    /// Everything a decision about this request looks at now.
    pub fn now(
        state: &State,
        asked: &Asked,
        person: &PresentPerson,
        trust: &Trust,
        now: Timestamp,
        grant: GrantId,
    ) -> Result<Self, Denial> {
        let request = &asked.request;
        let groups = state.network.services.get(&request.service).and_then(|s| s.group()).is_some();
        Ok(Self {
            line: (request.from.clone(), request.service.clone()),
            grant,
            network: Arc::clone(&state.network),
            gates: gates_now(state, request, trust, now)?,
            already_open: already_open(&state.live, &request.from, &request.service),
            confirmed: confirmed(state, asked, now),
            rivals: if groups { rivals(state, &request.from.site, grant) } else { Vec::new() },
            approval: state.approvals.standing(request, person.person().fingerprint(), now),
        })
    }

    fn sees_the_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.network, &other.network)
            && self.gates == other.gates
            && self.already_open == other.already_open
            && self.confirmed == other.confirmed
            && self.rivals == other.rivals
            && self.approval.is_same(&other.approval)
    }
}

/// A session may have ended, or be cut off from this service, since the request was made in it.
fn confirmed(state: &State, asked: &Asked, now: Timestamp) -> Confirmed {
    let Some(id) = asked.session else { return Confirmed::Request };
    match state.sessions.get(&id) {
        Some(session) => Confirmed::SignIn { until: session.until, cut: session.cut.contains(&asked.request.service) },
        None => Confirmed::SignIn { until: now, cut: false },
    }
}

/// Other live lines that begin at a site.
pub(crate) fn rivals(state: &State, site: &SiteId, except: GrantId) -> Vec<Rival> {
    let begins = |l: &&Live| l.grant.origin.site == *site && l.grant.id != except;
    let standing = state.live.values().filter(|l| l.state != ConnectionState::Closing).filter(begins);
    standing
        .map(|l| Rival { grant: l.grant.id, service: l.grant.service.clone(), from: l.grant.origin.host_ref() })
        .collect()
}

async fn take_seat(
    center: &Center,
    asked: &Asked,
    person: &PresentPerson,
    trust: &Trust,
    now: Timestamp,
) -> Result<Seat, Refused> {
    let grant = center.registry().next_grant_id().await?;
    let mut state = center.state().await;
    let mut seat = Seat::now(&state, asked, person, trust, now, grant)?;
    match state.asking.get(&seat.line) {
        Some(other) => seat.already_open = Some(*other),
        None => {
            state.asking.insert(seat.line.clone(), grant);
        }
    }
    Ok(seat)
}

async fn leave_on_error<T, E>(center: &Center, seat: &Seat, result: Result<T, E>) -> Result<T, E> {
    if result.is_err() {
        let mut state = center.state().await;
        if state.asking.get(&seat.line) == Some(&seat.grant) {
            state.asking.remove(&seat.line);
        }
    }
    result
}

/// The gates of both ends, their certificates judged again by the lists of this moment (G2). A revoked one is a reason
/// among others; one that cannot be judged, say because a list is late, ends the request here.
fn gates_now(
    state: &State,
    request: &ConnectionRequest,
    trust: &Trust,
    now: Timestamp,
) -> Result<decision::Gates, Denial> {
    let doubts = RefCell::new(Vec::new());
    let gates = decision::Gates::of(&state.network, request, |site| {
        let Some(gate) = state.gates.get(site).filter(|gate| gate.link.is_some() && !gate.revoked) else {
            return status_of(state, site);
        };
        let chain: Vec<&[u8]> = gate.certificate.iter().map(Vec::as_slice).collect();
        match verify_gate(&chain, &trust.anchors, trust.revocation(), now.unix_seconds()) {
            Ok(_) => GateStatus::Connected,
            Err(refusals) if refusals.iter().any(|r| matches!(r, Refusal::Revoked { .. })) => {
                GateStatus::CertificateRevoked
            }
            Err(refusals) => {
                doubts.borrow_mut().extend(refusals);
                GateStatus::Disconnected
            }
        }
    });
    let doubts = doubts.into_inner();
    if doubts.is_empty() { Ok(gates) } else { Err(Denial::from_gate(&doubts)) }
}

pub(crate) fn gates_of(state: &State, request: &ConnectionRequest) -> decision::Gates {
    decision::Gates::of(&state.network, request, |site| status_of(state, site))
}

pub(crate) fn status_of(state: &State, site: &SiteId) -> GateStatus {
    match state.gates.get(site) {
        Some(gate) if gate.revoked => GateStatus::CertificateRevoked,
        Some(gate) if gate.link.is_some() => GateStatus::Connected,
        _ => GateStatus::Disconnected,
    }
}

pub(crate) fn permitted(
    asked: &Asked,
    seat: &Seat,
    device: &VerifiedDevice,
    person: &PresentPerson,
    trust: &Trust,
    now: Timestamp,
) -> Result<Permit, Denial> {
    decide(&Question {
        request: &asked.request,
        person,
        device,
        confirmed: seat.confirmed,
        network: &seat.network,
        trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
        gates: seat.gates,
        already_open: seat.already_open,
        rivals: &seat.rivals,
        approval: match &seat.approval {
            Standing::Open => Consultation::Open,
            Standing::Refused => Consultation::Refused,
            Standing::Given(approved) => Consultation::Given(approved),
        },
        grant: seat.grant,
        now,
    })
}

/// Documents, gates, sessions or other lines may have changed since the seat was taken; then the question is asked once
/// more.
#[allow(clippy::too_many_arguments)]
fn still_permitted(
    state: &State,
    permit: Permit,
    asked: &Asked,
    seat: &Seat,
    device: &VerifiedDevice,
    person: &PresentPerson,
    trust: &Trust,
    now: Timestamp,
) -> Result<Permit, Denial> {
    let present = Seat::now(state, asked, person, trust, now, seat.grant)?;
    if present.sees_the_same(seat) { Ok(permit) } else { permitted(asked, &present, device, person, trust, now) }
}

/// An exclusive line opens only after those of its group were closed (N8): a gate carries orders out one by one.
async fn make_way(center: &Center, state: &mut State, permit: &Permit) -> Result<(), Refused> {
    for grant in permit.gives_way() {
        take_back(center, state, *grant, CloseCause::Exclusive, None, Vec::new()).await?;
    }
    Ok(())
}

fn planned(state: &State, permit: &Permit) -> Result<model::Plan, Refused> {
    let grant = permit.grant();
    let at = |site| {
        let state = state.verifier.site(site);
        state.ok_or(plan::PlanError::NotAnEnd { grant: grant.id, site: Clone::clone(site) })
    };
    Ok(plan::open(grant, at(&grant.origin.site)?, at(&grant.destination.site)?)?)
}

/// Both proofs: the inline one, and the exact one if it is not busy.
async fn proved(center: &Center, state: &State, plan: model::Plan) -> Result<(VerifiedPlan, Duration), Refused> {
    let began = Instant::now();
    let plan = state.verifier.check(plan)?;
    center.second().of_opening(plan.plan()).await.inspect_err(|veto| {
        center.second().mend(veto, || state.verifier.states());
    })?;
    Ok((plan, began.elapsed()))
}

fn story(permit: &Permit, plan: &VerifiedPlan, person: &PresentPerson, device: &VerifiedDevice) -> [Event; 3] {
    let grant = permit.grant();
    [
        Event::ConnectionRequested {
            from: grant.origin.host_ref(),
            service: grant.service.clone(),
            person: Some(who(person)),
            device: Some(fingerprint(device)),
        },
        Event::ConnectionPermitted {
            grant: grant.id,
            from: grant.origin.host_ref(),
            service: grant.service.clone(),
            agreement: grant.agreement.clone(),
            rule: permit.allow().to_string(),
            person: who(person),
            device: fingerprint(device),
            lease_until: grant.lease_until,
        },
        Event::ConnectionOpening { grant: grant.id, sites: site_generations(plan) },
    ]
}

/// What the line is judged by later is kept with it, and the provider's approval is used up with it.
fn kept(state: &State, commit: Commit, asked: &Asked, person: &PresentPerson) -> Commit {
    let commit = match asked.session {
        Some(session) => commit.in_session(session),
        None => commit.proofs(&KeptProofs::of(&asked.shown)),
    };
    match state.approvals.number_of(&asked.request, person.person().fingerprint()) {
        Some(approval) => commit.forget(Shelf::Approval, approval.0),
        None => commit,
    }
}

fn admitted(
    state: &mut State,
    permit: &Permit,
    plan: &VerifiedPlan,
    person: &PresentPerson,
    asked: &Asked,
) -> watch::Receiver<Progress> {
    let mut live = Live::new(permit.grant().clone(), ConnectionState::Opening, who(person));
    live.proofs = Some(Proofs { card: asked.shown.card.clone(), device: asked.shown.device.clone() });
    live.session = asked.session;
    state.approvals.use_up(&asked.request, person.person().fingerprint());
    for (site, delta) in &plan.plan().sites {
        if let Some(end) = live.end(site) {
            end.generation = delta.generation;
        }
    }
    let progress = live.progress.subscribe();
    state.live.insert(permit.grant().id, live);
    progress
}

/// Waits until both gates observed it, or takes back what half of them did (N5).
async fn observed(center: &Center, grant: GrantId, mut progress: watch::Receiver<Progress>) -> Result<(), Refused> {
    let within = center.settings().confirm_within;
    let settled = progress.wait_for(|p| !matches!(p, Progress::Underway));
    let settled = match tokio::time::timeout(within, settled).await {
        Ok(settled) => settled.map(|p| p.clone()).unwrap_or(Progress::Closed),
        Err(_) => Progress::Underway,
    };
    match settled {
        Progress::Open => Ok(()),
        Progress::Underway => match failed(center, grant, CloseCause::NotOpened, within).await {
            Some(refused) => Err(refused),
            // It opened, or somebody closed it, while the clock ran out.
            None if matches!(&*progress.borrow(), Progress::Open) => Ok(()),
            None => Err(closed_meanwhile(grant)),
        },
        Progress::Failed(reasons) => Err(Refused::because(reasons).recorded(0)),
        Progress::Closing | Progress::Closed => Err(closed_meanwhile(grant)),
    }
}

fn closed_meanwhile(grant: GrantId) -> Refused {
    Refused::trouble(Trouble::ClosedMeanwhile, [("grant", texts::Arg::text(grant))]).recorded(0)
}

/// Records a refusal. If even that fails the answer is still no.
async fn recorded(center: &Center, asked: &Asked, refused: Refused) -> Refused {
    let device = asked.shown.device.first().map(|der| Digest::of(der));
    let (person, request) = (read_person(&asked.shown.card), &asked.request);
    let refusal = match &refused.refutation {
        None => Event::ConnectionDenied {
            from: Some(request.from.clone()),
            service: Some(request.service.clone()),
            person: person.clone(),
            device,
            reasons: refused.reasons.iter().map(reasons::record).collect(),
        },
        Some(refutation) => {
            crate::apply::blaming(crate::apply::plan_refused(PlanCause::Open(GrantId(0)), None, refutation), &refused)
        }
    };
    let requested =
        Event::ConnectionRequested { from: request.from.clone(), service: request.service.clone(), person, device };
    tracing::info!(%refused, "connection refused");
    match center.registry().commit(Commit::at(center.now()).event(requested).event(refusal)).await {
        Ok(committed) => match committed.entries.last() {
            Some(entry) => refused.recorded(entry.seq),
            None => refused,
        },
        Err(error) => {
            tracing::error!(%error, %refused, "a refusal could not be recorded");
            refused
        }
    }
}

fn fingerprint(device: &VerifiedDevice) -> Digest {
    Digest(*device.certificate().fingerprint())
}

fn view(permit: &Permit) -> ConnectionView {
    let nobody = Person { name: String::new(), role: None, certificate: Digest::ZERO };
    Live::new(permit.grant().clone(), ConnectionState::Opening, nobody).view()
}
