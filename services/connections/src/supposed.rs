//! The network there is, or one that is supposed: documents applied, lines open. Nothing is changed by it.

use decision::{Check, GateStatus, Gates, HypotheticalQuestion, Outcome, explain};
use model::{
    ConnectionRequest, Endpoint, Grant, GrantId, HostRef, Network, Plan, Service, SiteId, SiteState, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use texts::{Arg, Reason, Words};
use verify::exact::Exact;
use wire::questions::Supposed;

use crate::apply::supposed_change;
use crate::open::status_of;
use crate::{Center, Refused, Scene, Trouble, Trust};

/// What a question is asked of.
pub(crate) struct Stage {
    pub network: Arc<Network>,
    pub states: BTreeMap<SiteId, SiteState>,
    /// Not the network there is.
    pub supposed: bool,
    /// Grants that the documents would end.
    pub ended: Vec<GrantId>,
    /// Why a line that is supposed to be open would not be opened, apart from the card.
    pub denied: Vec<Reason>,
    trust: Arc<Trust>,
    gates: BTreeMap<SiteId, GateStatus>,
    now: Timestamp,
}

/// Sets the stage.
///
/// # Errors
/// [`Refused`] if the documents would be, or if what is supposed to be open does not exist.
pub(crate) async fn stage(
    center: &Center,
    documents: &[(String, String)],
    open: &[Supposed],
) -> Result<Stage, Refused> {
    let (trust, now) = (center.trust(), center.now());
    let mut stage = {
        let state = center.state().await;
        let mut states = state.verifier.states();
        let (mut network, mut ended) = (Arc::clone(&state.network), Vec::new());
        if !documents.is_empty() {
            let (after, plan, ends) = supposed_change(&state, documents, &trust, now)?;
            carry_out(&mut states, &plan)?;
            (network, ended) = (Arc::new(after), ends);
        }
        let gates = network.sites.keys().map(|site| (site.clone(), status_of(&state, site))).collect();
        let supposed = !documents.is_empty() || !open.is_empty();
        Stage { network, states, supposed, ended, denied: Vec::new(), trust, gates, now }
    };
    for (n, line) in (0..).zip(open) {
        stage.suppose_open(line, GrantId(GrantId::MAX - n))?;
    }
    Ok(stage)
}

impl Stage {
    /// Every host there is.
    pub fn hosts(&self) -> Vec<HostRef> {
        hosts(&self.states)
    }

    /// Is there such a host?
    ///
    /// # Errors
    /// [`Trouble::NoSuchHost`].
    pub fn known(&self, host: &HostRef) -> Result<(), Refused> {
        let there = self.states.get(&host.site).is_some_and(|s| s.facts.site.hosts.contains_key(&host.host));
        there.then_some(()).ok_or_else(|| Refused::trouble(Trouble::NoSuchHost, [("host", Arg::text(host))]))
    }

    /// What stands against opening a service from a terminal, the card and an open line aside.
    pub fn lacks(&self, request: &ConnectionRequest) -> Vec<Reason> {
        let role = self.network.services.get(&request.service).map(|s| self.role(request, s)).unwrap_or_default();
        let steps = explain(&HypotheticalQuestion {
            request,
            role: &role,
            network: &self.network,
            trust: decision::Trust { anchors: &self.trust.anchors, revocation: self.trust.revocation() },
            gates: Gates::of(&self.network, request, |site| self.gates.get(site).copied().unwrap_or_default()),
            already_open: None,
            rivals: &[],
            answer: decision::Answer::Open,
            now: self.now,
        });
        let failed = steps.into_iter().filter(|s| s.check != Check::Line).filter_map(|s| match s.outcome {
            Outcome::Failed(reasons) => Some(reasons),
            Outcome::Passed(_) | Outcome::NotReached | Outcome::AtSignIn => None,
        });
        failed.flatten().collect()
    }

    /// A qualification the service admits, if possible one the terminal's site allows as well.
    fn role(&self, request: &ConnectionRequest, service: &Service) -> String {
        let allow = self.network.sites.get(&request.from.site).into_iter().flat_map(|s| &s.allow);
        let fitting = allow.filter(|r| r.service == service.id && r.from.contains(&request.from.host));
        let allowed: Vec<&String> = fitting.flat_map(|r| &r.roles).collect();
        let role = service.roles.iter().find(|role| allowed.contains(role)).or(service.roles.first());
        role.cloned().unwrap_or_default()
    }

    fn suppose_open(&mut self, line: &Supposed, id: GrantId) -> Result<(), Refused> {
        let request = ConnectionRequest { from: line.from.clone(), service: line.service.clone() };
        let lacks = self.lacks(&request);
        let Some(service) = self.network.services.get(&line.service) else { return Err(Refused::because(lacks)) };
        self.known(&line.from)?;
        self.known(&service.host)?;
        let (Some(origin), Some(destination)) = (self.end(&line.from), self.end(&service.host)) else {
            return Err(Refused::because(lacks));
        };
        if origin.site == destination.site || origin.institution == destination.institution {
            return Err(Refused::because(lacks));
        }
        let stands = |a: &&model::Agreement| a.service == service.id && a.consumer == origin.institution;
        let agreement = self.network.agreements.values().find(stands).map(|a| a.id.clone());
        let grant = Grant {
            id,
            agreement: agreement.unwrap_or_else(|| "supposed".parse().expect("letters make an agreement's id")),
            service: service.id.clone(),
            protocol: service.protocol,
            ports: service.ports.clone(),
            granted_at: self.now,
            lease_until: self.now.plus_ms(service.lease_ms),
            idle_ms: None,
            origin,
            destination,
        };
        let plan = plan::open(&grant, &self.states[&grant.origin.site], &self.states[&grant.destination.site])?;
        carry_out(&mut self.states, &plan)?;
        self.denied.extend(lacks);
        Ok(())
    }

    fn end(&self, at: &HostRef) -> Option<Endpoint> {
        self.network.endpoint(at)
    }
}

/// Every host of these states.
pub(crate) fn hosts(states: &BTreeMap<SiteId, SiteState>) -> Vec<HostRef> {
    let of = |(id, state): (&SiteId, &SiteState)| {
        let refs = state.facts.site.hosts.keys().map(|host| HostRef { site: id.clone(), host: host.clone() });
        refs.collect::<Vec<_>>()
    };
    states.iter().flat_map(of).collect()
}

/// Asks the exact engine on a thread that may take its time.
///
/// # Errors
/// [`Refused`] with the breach if these states do not hold.
pub(crate) async fn asked<T: Send + 'static>(
    states: Arc<BTreeMap<SiteId, SiteState>>,
    question: impl FnOnce(&mut Exact) -> T + Send + 'static,
) -> Result<T, Refused> {
    let scene = Arc::clone(&states);
    let answer = tokio::task::spawn_blocking(move || Exact::new(&states).map(|mut exact| question(&mut exact)));
    match answer.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(refutation)) => {
            let mut refused = Refused::from(refutation);
            refused.scene = Some(Arc::new(Scene::of_states(&scene)));
            Err(refused)
        }
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn carry_out(states: &mut BTreeMap<SiteId, SiteState>, plan: &Plan) -> Result<(), Refused> {
    let misfit = |site: &SiteId, said: String| {
        let args = [("site", Arg::text(site)), ("said", Arg::Text(said))];
        Refused::not_plannable(Words::new("plan-misfit", args).what_arg())
    };
    for (id, delta) in &plan.sites {
        if let (false, Some(facts)) = (states.contains_key(id), &delta.facts) {
            states.insert(id.clone(), SiteState::empty(facts.clone()));
        }
        let state = states.get_mut(id).ok_or_else(|| misfit(id, "-".into()))?;
        state.advance(delta).map_err(|e| misfit(id, e.to_string()))?;
    }
    Ok(())
}
