//! Open a connection. Read [`the_way`] first: it is the whole story, a line a step.

use audit::{CloseCause, Digest, Event, Person};
use decision::{Denial, GateStatus, Permit, PersonSummary, Question, decide};
use model::{ConnectionRequest, ConnectionState, GrantId, Network, PlanCause, SiteId, Timestamp};
use pki::{
    Challenge, PresentPerson, Refusal, VerifiedDevice, verify_challenge, verify_device, verify_gate, verify_person,
};
use registry::Commit;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use verify::{Proof, VerifiedPlan};
use wire::api::ConnectionView;

use crate::center::State;
use crate::close::{failed, site_generations};
use crate::live::{Live, Progress, Proofs, already_open};
use crate::responders::trust_for;
use crate::{Center, Refused, Trouble, Trust, reasons};

/// What a terminal asks, with both proofs: its device certificate and the card's answer, bound to its TLS session.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the person asks for.
    pub request: ConnectionRequest,
    /// Chain of the device certificate of the TLS session, end entity first, DER.
    pub device: Vec<Vec<u8>>,
    /// The nonce the center gave out and has now used up; none if there was no such challenge.
    pub nonce: Option<[u8; 32]>,
    /// Exporter of the TLS session.
    pub exporter: [u8; 32],
    /// The card's chain, end entity first, DER.
    pub card: Vec<Vec<u8>>,
    /// The card's signature over the challenge.
    pub signature: Vec<u8>,
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
            Err(refused) if refused.entry.is_none() => Err(recorded(&center, &asked, refused).await),
            other => other,
        }
    })
    .await
}

/// The way of a connection.
async fn the_way(center: &Center, asked: &Asked) -> Result<Opened, Refused> {
    let (began, now) = (Instant::now(), center.now());
    let trust = trust_for(center, asked, now).await;

    // The terminal and the person, proved at this moment (N2, G1).
    let device = verified_device(asked, &trust, now)?;
    let person = present_person(asked, &trust, now)?;

    // May this person, on this device, reach this service now? Decided without holding anybody up.
    let seat = take_seat(center, &asked.request, &trust, now).await?;
    let permit = permitted(asked, &seat, &device, &person, &trust, now);
    let permit = leave_on_error(center, &seat, permit).await?;

    // Plan, proof and transaction, in one hold of the lock; memory follows the registry.
    let mut state = center.state().await;
    state.asking.remove(&seat.line);
    let permit = still_permitted(&state, permit, asked, &seat, &device, &person, &trust, now)?;
    let proof = proved(center, &state, planned(&state, &permit)?).await;
    let (plan, proof_took) = proof.map_err(|r| r.in_scene(&state.network, Some(permit.grant().clone())))?;
    let events = story(&permit, &plan, &person, &device);
    let commit = Commit::at(now).plan(&plan).connection(&permit, &who(&person), fingerprint(&device)).events(events);
    center.commit(&mut state, commit, Some(&plan)).await?;
    let progress = admitted(&mut state, &permit, &plan, &person, asked);

    // Both gates get their signed slice; then only what they observe counts.
    center.order(&plan);
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

fn verified_device(asked: &Asked, trust: &Trust, now: Timestamp) -> Result<VerifiedDevice, Denial> {
    let chain: Vec<&[u8]> = asked.device.iter().map(Vec::as_slice).collect();
    verify_device(&chain, &trust.anchors, trust.revocation(), now.unix_seconds()).map_err(|r| Denial::from_device(&r))
}

fn present_person(asked: &Asked, trust: &Trust, now: Timestamp) -> Result<PresentPerson, Refused> {
    let chain: Vec<&[u8]> = asked.card.iter().map(Vec::as_slice).collect();
    let person = verify_person(&chain, &trust.anchors, trust.revocation(), now.unix_seconds())
        .map_err(|refusals| Denial::from_person(&refusals))?;
    let nonce = asked.nonce.ok_or_else(|| Refused::trouble(Trouble::ChallengeUnknown, []))?;
    let request_digest = Sha256::digest(asked.request.signed_bytes()).into();
    let challenge = Challenge { nonce, tls_exporter: asked.exporter, request_digest };
    Ok(verify_challenge(person, &challenge, &asked.signature).map_err(|refusal| Denial::from_person(&[refusal]))?)
}

/// What a decision looks at, from one moment; nobody else asks for the same line until it is given back.
struct Seat {
    line: (model::HostRef, model::ServiceId),
    grant: GrantId,
    network: Arc<Network>,
    gates: decision::Gates,
    already_open: Option<GrantId>,
}

async fn take_seat(
    center: &Center,
    request: &ConnectionRequest,
    trust: &Trust,
    now: Timestamp,
) -> Result<Seat, Refused> {
    let grant = center.registry().next_grant_id().await?;
    let mut state = center.state().await;
    let line = (request.from.clone(), request.service.clone());
    let mut seat = Seat {
        gates: gates_now(&state, request, trust, now)?,
        already_open: already_open(&state.live, &request.from, &request.service),
        network: Arc::clone(&state.network),
        line: line.clone(),
        grant,
    };
    match state.asking.get(&line) {
        Some(other) => seat.already_open = Some(*other),
        None => {
            state.asking.insert(line, grant);
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

fn permitted(
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
        network: &seat.network,
        trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
        gates: seat.gates,
        already_open: seat.already_open,
        grant: seat.grant,
        now,
    })
}

/// Documents or gates may have changed since the seat was taken; then the question is asked once more.
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
    let gates = gates_now(state, &asked.request, trust, now)?;
    if Arc::ptr_eq(&state.network, &seat.network) && gates == seat.gates {
        return Ok(permit);
    }
    let seat = Seat { network: Arc::clone(&state.network), gates, line: seat.line.clone(), ..*seat };
    permitted(asked, &seat, device, person, trust, now)
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
    center.second().of_opening(plan.plan()).await?;
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

fn admitted(
    state: &mut State,
    permit: &Permit,
    plan: &VerifiedPlan,
    person: &PresentPerson,
    asked: &Asked,
) -> watch::Receiver<Progress> {
    let mut live = Live::new(permit.grant().clone(), ConnectionState::Opening, who(person));
    live.proofs = Some(Proofs { card: asked.card.clone(), device: asked.device.clone() });
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
    let device = asked.device.first().map(|der| Digest::of(der));
    let (person, request) = (read_person(&asked.card), &asked.request);
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

fn who(person: &PresentPerson) -> Person {
    let person = person.person();
    Person {
        name: person.name().to_owned(),
        role: Some(person.role().text().to_owned()),
        certificate: Digest(*person.fingerprint()),
    }
}

/// What a card says of itself, believed by nobody: so that a refusal names whose card it was.
fn read_person(card: &[Vec<u8>]) -> Option<Person> {
    let certificate = pki::Certificate::parse(card.first()?).ok()?;
    Some(Person {
        name: certificate.subject().common_name().unwrap_or_default().to_owned(),
        role: certificate.hc_roles().ok().and_then(|roles| roles.into_iter().next()),
        certificate: Digest(certificate.fingerprint()),
    })
}

fn fingerprint(device: &VerifiedDevice) -> Digest {
    Digest(*device.certificate().fingerprint())
}

fn view(permit: &Permit) -> ConnectionView {
    let nobody = Person { name: String::new(), role: None, certificate: Digest::ZERO };
    Live::new(permit.grant().clone(), ConnectionState::Opening, nobody).view()
}
