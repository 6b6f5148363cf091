//! Take documents in, or show what they would change (N10, X1).

use audit::{CloseCause, Digest, Event, SiteGeneration};
use decision::{Check, HypotheticalQuestion, Outcome, explain};
use model::{
    ConnectionRequest, ConnectionState, GrantId, Network, NetworkError, PlanCause, SiteDelta, SiteId, Timestamp,
    parse_documents,
};
use registry::Commit;
use std::sync::Arc;
use std::time::{Duration, Instant};
use texts::Arg;
use tokio::sync::MutexGuard;
use verify::{Proof, Refutation, VerifiedPlan};

use crate::center::State;
use crate::close::{closing, site_generations};
use crate::live::Live;
use crate::open::gates_of;
use crate::scene::staged;
use crate::{Center, Refused, Trouble, Trust};

/// What documents change.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Per site, only sites that change.
    pub sites: Vec<SiteDelta>,
    /// Grants that end by it.
    pub grants_ended: Vec<GrantId>,
    /// What was proved.
    pub proof: Proof,
    /// How long the proof took.
    pub proof_took: Duration,
}

/// What documents would make of what is applied.
#[derive(Debug, Clone)]
pub struct Tried {
    /// What is applied, as [`apply_from`] takes it.
    pub before: Arc<Network>,
    /// What would be.
    pub after: Network,
    /// What it changes, proved.
    pub applied: Applied,
}

/// Shows what documents would change, with its proof, and changes nothing.
///
/// # Errors
/// [`Refused`] with every fault of the documents, or the counter-example.
pub async fn plan_only(center: &Center, documents: &[(String, String)]) -> Result<Applied, Refused> {
    Ok(tried(center, documents).await?.applied)
}

/// The same, with both networks.
///
/// # Errors
/// As [`plan_only`].
pub async fn tried(center: &Center, documents: &[(String, String)]) -> Result<Tried, Refused> {
    let (change, before, after) = {
        let state = center.state().await;
        let network = network_with(&state.network, documents)?;
        (change(&state, &network, &center.trust(), center.now()), Arc::clone(&state.network), network)
    };
    let proved = match change {
        Ok(change) => match center.second().of_change(change.plan.plan()).await {
            Ok(()) => Ok(change),
            Err(veto) => {
                let state = center.state().await;
                center.second().mend(&veto, || state.verifier.states());
                Err(Refused::from(veto))
            }
        },
        Err(refused) => Err(refused),
    };
    match proved {
        Ok(change) => Ok(Tried { before, after, applied: change.applied() }),
        Err(refused) => Err(staged(center, &after, refused).await),
    }
}

/// Takes documents in, all or nothing. Live connections they no longer carry end with them.
///
/// # Errors
/// As [`plan_only`]; also if the registry cannot record it. Refusals are recorded.
pub async fn apply(center: &Center, documents: Vec<(String, String)>, operator: String) -> Result<Applied, Refused> {
    apply_with(center, documents, operator, Commit::at(center.now()), None).await
}

/// The same for documents that were made from what is applied: taken in only if that is still so, with rows and events
/// beside them in the same transaction.
///
/// # Errors
/// As [`apply`]; `AppliedMeanwhile` if something else was applied since: look again and make them anew.
pub async fn apply_from(
    center: &Center,
    from: &Arc<Network>,
    documents: Vec<(String, String)>,
    operator: String,
    beside: Commit,
) -> Result<Applied, Refused> {
    apply_with(center, documents, operator, beside, Some(Arc::clone(from))).await
}

pub(crate) async fn apply_with(
    center: &Center,
    documents: Vec<(String, String)>,
    operator: String,
    beside: Commit,
    from: Option<Arc<Network>>,
) -> Result<Applied, Refused> {
    let center = center.clone();
    Center::whole(async move { apply_whole(&center, &documents, operator, beside, from).await }).await
}

async fn apply_whole(
    center: &Center,
    documents: &[(String, String)],
    operator: String,
    beside: Commit,
    from: Option<Arc<Network>>,
) -> Result<Applied, Refused> {
    let now = center.now();
    let state = center.state().await;
    if from.is_some_and(|from| !Arc::ptr_eq(&from, &state.network)) {
        return Err(Refused::trouble(Trouble::AppliedMeanwhile, []));
    }
    let network = match network_with(&state.network, documents) {
        Ok(network) => network,
        Err(refused) => {
            return Err(recorded(center, network_refused(operator, &refused), refused).await);
        }
    };
    let (mut state, change) = match proved_twice(center, state, &network, now).await {
        Ok(proved) => proved,
        Err(refused) => {
            let refused = staged(center, &network, refused).await;
            let event = match &refused.refutation {
                Some(refutation) => blaming(plan_refused(PlanCause::Apply, None, refutation), &refused),
                None => network_refused(operator, &refused),
            };
            return Err(recorded(center, event, refused).await);
        }
    };
    let canonical = audit::canonical(&network).map_err(Refused::unwritable)?;
    let mut commit = Commit::at(now).network(&network).plan(&change.plan).event(Event::NetworkApplied {
        operator,
        digest: Digest::of(canonical.as_bytes()),
        sites: site_generations(&change.plan),
        grants_ended: change.ended.iter().map(|(id, _)| *id).collect(),
    });
    commit = commit.and(beside);
    for (grant, cause) in &change.ended {
        let sites = site_generations(&change.plan).into_iter().filter(|s| has_end(&state, *grant, s)).collect();
        commit = commit.closing(*grant, *cause).event(Event::ConnectionClosing {
            grant: *grant,
            cause: *cause,
            operator: None,
            sites,
        });
    }
    center.commit(&mut state, commit, Some(&change.plan)).await?;
    state.network = Arc::new(network);
    for (grant, cause) in &change.ended {
        closing(&mut state, *grant, *cause, Some(&change.plan));
    }
    center.order(&change.plan);
    Ok(change.applied())
}

/// The change, with both proofs. Lines are opened while the exact one works; if that moved what the change starts from,
/// it is made anew.
async fn proved_twice<'c>(
    center: &'c Center,
    mut state: MutexGuard<'c, State>,
    network: &Network,
    now: Timestamp,
) -> Result<(MutexGuard<'c, State>, Change), Refused> {
    let started_from = Arc::clone(&state.network);
    for _ in 0..TRIES {
        let (change, moves) = (change(&state, network, &center.trust(), now)?, state.moves);
        drop(state);
        let verdict = center.second().of_change(change.plan.plan()).await;
        state = center.state().await;
        if let Err(veto) = &verdict {
            center.second().mend(veto, || state.verifier.states());
        }
        if state.moves == moves {
            verdict?;
            return Ok((state, change));
        }
        if !Arc::ptr_eq(&started_from, &state.network) {
            return Err(Refused::trouble(Trouble::AppliedMeanwhile, []));
        }
    }
    // So much is going on that nobody may move until this is done.
    let change = change(&state, network, &center.trust(), now)?;
    center.second().of_change(change.plan.plan()).await?;
    Ok((state, change))
}

/// How often a change of documents gives way to openings.
const TRIES: usize = 3;

fn has_end(state: &State, grant: GrantId, at: &SiteGeneration) -> bool {
    state.live.get(&grant).is_some_and(|l| l.sites().contains(&&at.site))
}

struct Change {
    plan: VerifiedPlan,
    ended: Vec<(GrantId, CloseCause)>,
    proof_took: Duration,
}

impl Change {
    fn applied(&self) -> Applied {
        Applied {
            sites: self.plan.plan().sites.values().cloned().collect(),
            grants_ended: self.ended.iter().map(|(id, _)| *id).collect(),
            proof: self.plan.proof(),
            proof_took: self.proof_took,
        }
    }
}

fn network_with(network: &Network, documents: &[(String, String)]) -> Result<Network, Refused> {
    let mut parsed = Vec::new();
    let mut reasons = Vec::new();
    for (name, text) in documents {
        match parse_documents(name, text) {
            Ok(documents) => parsed.extend(documents),
            Err(e) => reasons.push(Trouble::fault(e.place(), &e.fault)),
        }
    }
    if !reasons.is_empty() {
        return Err(Refused::because(reasons));
    }
    network.with(&parsed).map_err(|faults| {
        let reason = |fault: NetworkError| {
            let mut reason = Trouble::fault(fault.place, &fault.fault);
            let sites: Vec<&str> = fault.sites.iter().map(SiteId::as_str).collect();
            reason.args.insert(SITES.into(), Arg::Text(sites.join(" ")));
            if let Some(clash) = fault.fault.clash() {
                reason.args.insert(CLASH.into(), Arg::from(clash.as_str()));
            }
            reason
        };
        Refused::because(faults.into_iter().map(reason).collect())
    })
}

/// Argument of a reason: sites of which it tells something, a space between them. Whoever shows it to one institution
/// leaves out what is another's.
pub const SITES: &str = "sites";
/// Argument of a reason: [`model::Clash`], by name.
pub const CLASH: &str = "clash";

fn change(state: &State, network: &Network, trust: &Trust, now: Timestamp) -> Result<Change, Refused> {
    let open = state.live.values().filter(|l| l.state != ConnectionState::Closing);
    let mut kept = Vec::new();
    let mut ended = Vec::new();
    for live in open {
        match end_cause(state, live, network, trust, now) {
            Some(cause) => ended.push((live.grant.id, cause)),
            None => kept.push(live.grant.clone()),
        }
    }
    let plan = plan::apply(network, &kept, &state.verifier.states())?;
    // Hosts that moved or changed their address take their grants with them.
    let gone: std::collections::BTreeSet<GrantId> =
        plan.sites.values().flat_map(|d| d.grants_removed.iter().copied()).collect();
    for grant in kept.iter().filter(|g| gone.contains(&g.id)) {
        ended.push((grant.id, CloseCause::NetworkChanged));
    }
    let began = Instant::now();
    let plan = state.verifier.check(plan)?;
    Ok(Change { plan, ended, proof_took: began.elapsed() })
}

/// Would this connection still be permitted under another network? Judged like a request, without the card: its owner
/// proved who they are when it was opened.
fn end_cause(state: &State, live: &Live, network: &Network, trust: &Trust, now: Timestamp) -> Option<CloseCause> {
    let request = ConnectionRequest { from: live.grant.origin.host_ref(), service: live.grant.service.clone() };
    let steps = explain(&HypotheticalQuestion {
        request: &request,
        role: live.person.role.as_deref().unwrap_or_default(),
        network,
        trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
        gates: gates_of(state, &request),
        already_open: None,
        rivals: &[],
        answer: decision::Answer::Open,
        now,
    });
    // A gate that is away, the hour, or a revocation list that is late must not drop what a patient may depend on (X4).
    let failed = |check: Check| steps.iter().any(|s| s.check == check && matches!(s.outcome, Outcome::Failed(_)));
    let agreement_gone = match network.agreements.get(&live.grant.agreement) {
        None => true,
        Some(agreement) => {
            state.network.agreements.get(&live.grant.agreement) != Some(agreement) && failed(Check::Agreement)
        }
    };
    if agreement_gone {
        return Some(CloseCause::AgreementEnded);
    }
    // What a sheet comes to depends on documents alone, so it fails by these documents and by no hour or absence.
    if failed(Check::Checksheets) {
        return Some(CloseCause::ChecksheetEnded);
    }
    let service_changed = network.services.get(&live.grant.service).is_none_or(|s| {
        s.protocol != live.grant.protocol || s.ports != live.grant.ports || s.host != live.grant.destination.host_ref()
    });
    let ends = [&live.grant.origin.site, &live.grant.destination.site];
    let forbidden = ends.iter().any(|s| network.sites.get(*s).is_some_and(|s| s.forbids_grant(&live.grant).is_some()));
    let rules = [Check::Terminal, Check::Route, Check::Zones, Check::Conditions];
    if service_changed || failed(Check::Service) {
        Some(CloseCause::ServiceChanged)
    } else if failed(Check::Qualification) {
        Some(CloseCause::RoleRemoved)
    } else if failed(Check::Whitelist) {
        Some(CloseCause::RuleRemoved)
    } else {
        (forbidden || rules.into_iter().any(failed)).then_some(CloseCause::NetworkChanged)
    }
}

/// The certificate of somebody who signed the agreement was revoked, and no other agreement carries the line.
pub(crate) fn agreement_revoked(state: &State, live: &Live, trust: &Trust, now: Timestamp) -> Option<CloseCause> {
    let request = ConnectionRequest { from: live.grant.origin.host_ref(), service: live.grant.service.clone() };
    let steps = explain(&HypotheticalQuestion {
        request: &request,
        role: live.person.role.as_deref().unwrap_or_default(),
        network: &state.network,
        trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
        gates: gates_of(state, &request),
        already_open: None,
        rivals: &[],
        answer: decision::Answer::Open,
        now,
    });
    // A list that is merely late must not drop what a patient may depend on (X4).
    let revoked = |r: &texts::Reason| r.code == decision::Cause::SignerRevoked.code();
    let agreement = steps.into_iter().find(|s| s.check == Check::Agreement)?;
    match agreement.outcome {
        Outcome::Failed(reasons) if reasons.iter().any(revoked) => Some(CloseCause::AgreementEnded),
        _ => None,
    }
}

/// What documents would lead to: the network, the plan (proved), and the grants that would end.
pub(crate) fn supposed_change(
    state: &State,
    documents: &[(String, String)],
    trust: &Trust,
    now: Timestamp,
) -> Result<(Network, model::Plan, Vec<GrantId>), Refused> {
    let network = network_with(&state.network, documents)?;
    let change = change(state, &network, trust, now).map_err(|refused| {
        let grant = refused.refutation.as_ref().and_then(|r| match r.because.owner() {
            Some(model::CookieOwner::Grant(id)) => state.live.get(&id).map(|l| l.grant.clone()),
            _ => None,
        });
        refused.in_scene(&network, grant)
    })?;
    Ok((network, change.plan.plan().clone(), change.ended.into_iter().map(|(id, _)| id).collect()))
}

/// The record names the line of policy as well, so that it can be told again.
pub(crate) fn blaming(mut event: Event, refused: &Refused) -> Event {
    if let (Event::PlanRefused { because, .. }, Some(line)) = (&mut event, refused.policy()) {
        because.push_str(BLAMED);
        because.push_str(&line);
    }
    event
}

/// What stands between the two in the record.
pub(crate) const BLAMED: &str = "; policy ";

/// The audit event of documents that are refused without a packet to show for it.
fn network_refused(operator: String, refused: &Refused) -> Event {
    let fault = |reason: &texts::Reason| match reason.args.get("place") {
        Some(Arg::Text(place)) => format!("{place} {}", reason.key),
        _ => format!("{} {}", reason.code, reason.key),
    };
    Event::NetworkRefused {
        operator,
        faults: refused.reasons.iter().map(fault).collect(),
        reasons: refused.reasons.iter().map(crate::reasons::record).collect(),
    }
}

/// The audit event of a refutation.
pub(crate) fn plan_refused(cause: PlanCause, grant: Option<GrantId>, refutation: &Refutation) -> Event {
    Event::PlanRefused {
        cause,
        grant,
        invariant: refutation.invariant.id().to_owned(),
        site: Some(refutation.site.clone()),
        packet: refutation.packet.as_ref().map(ToString::to_string),
        path: refutation.path.iter().map(ToString::to_string).collect(),
        because: refutation.because.to_string(),
        section: crate::refused::section_of(refutation),
    }
}

pub(crate) async fn recorded(center: &Center, event: Event, refused: Refused) -> Refused {
    match center.registry().commit(Commit::at(center.now()).event(event)).await {
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
