//! The provider agrees, or not, before a line opens (N8): asked, listed, answered, expired.

use audit::{ApprovalAnswer, Event, Person};
use decision::{ApprovalQuestion, Approved, Cause, approve as decide_approval};
use model::{ApprovalId, ConnectionRequest, Network, SessionId, Timestamp};
use registry::{Commit, Shelf};
use std::collections::BTreeMap;
use std::sync::Arc;
use texts::Arg;
use wire::session::{ApprovalView, ApprovalsView};

use crate::center::State;
use crate::in_session::open_in_session;
use crate::kept::{KeptAnswer, KeptApproval, KeptShown};
use crate::session::{found, trust_about};
use crate::{Asked, Center, Refused, Trouble, Trust, reasons};

/// Questions to providers. The registry keeps them over a start of the center.
#[derive(Default)]
pub(crate) struct Approvals {
    asked: BTreeMap<ApprovalId, Waiting>,
}

struct Waiting {
    request: ConnectionRequest,
    person: Person,
    /// `<issuer CN>/<serialNumber>`.
    identity: String,
    session: Option<SessionId>,
    asked_at: Timestamp,
    until: Timestamp,
    answer: Standing,
}

impl Waiting {
    fn kept(&self, answer: KeptAnswer, until: Timestamp) -> KeptApproval {
        KeptApproval {
            request: self.request.clone(),
            person: self.person.clone(),
            identity: self.identity.clone(),
            session: self.session,
            asked_at: self.asked_at,
            until,
            answer,
        }
    }

    /// An approval that was given is decided once more, by the documents and lists of this moment; if it would not be
    /// given now, it is void and the person asks again.
    fn restored(kept: KeptApproval, network: &Network, trust: &Trust, now: Timestamp) -> Option<Self> {
        // That nobody answered in time is still to be recorded; an answer nobody used in time says nothing any more.
        if kept.until <= now && !matches!(kept.answer, KeptAnswer::Open) {
            return None;
        }
        let answer = match &kept.answer {
            KeptAnswer::Open => Standing::Open,
            KeptAnswer::Refused => Standing::Refused,
            KeptAnswer::Given { at, shown } => {
                let shown = shown.restored()?;
                let confirmed = model::SignIn { at: at.clone() }.signed_bytes();
                let (device, person) = (shown.device(trust, now).ok()?, shown.person(&confirmed, trust, now).ok()?);
                let approved = decide_approval(&ApprovalQuestion {
                    request: &kept.request,
                    asker: kept.person.certificate.0,
                    asker_identity: &kept.identity,
                    at,
                    person: &person,
                    device: &device,
                    network,
                    trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
                    now,
                });
                Standing::Given(Arc::new(approved.ok()?))
            }
        };
        let KeptApproval { request, person, identity, session, asked_at, until, .. } = kept;
        Some(Self { request, person, identity, session, asked_at, until, answer })
    }
}

/// What a provider says to a request.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// Nothing, yet or at all.
    Open,
    Refused,
    Given(Arc<Approved>),
}

impl Standing {
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Open, Self::Open) | (Self::Refused, Self::Refused) => true,
            (Self::Given(a), Self::Given(b)) => Arc::ptr_eq(a, b),
            (Self::Open | Self::Refused | Self::Given(_), _) => false,
        }
    }
}

impl Approvals {
    fn of<'a>(&'a self, request: &ConnectionRequest, card: &[u8; 32]) -> Option<(&'a ApprovalId, &'a Waiting)> {
        self.asked.iter().find(|(_, w)| w.request == *request && w.person.certificate.0 == *card)
    }

    /// What was said to this request of the holder of this card.
    pub fn standing(&self, request: &ConnectionRequest, card: &[u8; 32], now: Timestamp) -> Standing {
        let found = self.of(request, card).filter(|(_, w)| now < w.until);
        found.map_or(Standing::Open, |(_, w)| w.answer.clone())
    }

    /// Until when an answer to it is waited for.
    pub fn waits_until(&self, request: &ConnectionRequest, card: &[u8; 32], now: Timestamp) -> Option<Timestamp> {
        let waiting = |w: &&Waiting| now < w.until && matches!(w.answer, Standing::Open);
        self.of(request, card).map(|(_, w)| w).filter(waiting).map(|w| w.until)
    }

    /// The number of what was asked for this request of the holder of this card.
    pub fn number_of(&self, request: &ConnectionRequest, card: &[u8; 32]) -> Option<ApprovalId> {
        self.of(request, card).map(|(id, _)| *id)
    }

    /// What was kept, judged again. Returns the numbers of what counts no more.
    pub fn restored(
        kept: impl IntoIterator<Item = (ApprovalId, KeptApproval)>,
        network: &Network,
        trust: &Trust,
        now: Timestamp,
    ) -> (Self, Vec<ApprovalId>) {
        let (mut asked, mut void) = (BTreeMap::new(), Vec::new());
        for (id, kept) in kept {
            match Waiting::restored(kept, network, trust, now) {
                Some(waiting) => drop(asked.insert(id, waiting)),
                None => void.push(id),
            }
        }
        (Self { asked }, void)
    }

    /// An approval is good for one opening.
    pub fn use_up(&mut self, request: &ConnectionRequest, card: &[u8; 32]) {
        if let Some(id) = self.of(request, card).map(|(id, _)| *id) {
            self.asked.remove(&id);
        }
    }

    /// Of everything that was asked.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.asked.keys().map(|id| id.0)
    }

    /// When the next one is over.
    pub fn next(&self) -> Option<Timestamp> {
        self.asked.values().map(|w| w.until).min()
    }
}

/// A request that lacks nothing but the provider's approval asks for it, once.
pub(crate) async fn ask_approval(center: &Center, asked: &Asked, refused: &Refused) {
    let only = |r: &texts::Reason| r.code == Cause::ApprovalNeeded.code();
    if refused.reasons.is_empty() || !refused.reasons.iter().all(only) {
        return;
    }
    let now = center.now();
    let trust = center.trust();
    // Everything but the approval was in order a moment ago, so this is a person.
    let confirmed = match asked.session {
        None => asked.request.signed_bytes(),
        Some(_) => model::SignIn { at: asked.request.from.clone() }.signed_bytes(),
    };
    let Ok(present) = asked.shown.person(&confirmed, &trust, now) else { return };
    let mut state = center.state().await;
    let card = present.person().fingerprint();
    if state.approvals.of(&asked.request, card).is_some_and(|(_, w)| now < w.until) {
        return;
    }
    let service = state.network.services.get(&asked.request.service);
    let Some(wait_ms) = service.and_then(|s| s.approval.as_ref()).map(|a| a.wait_ms) else { return };
    let id = ApprovalId(center.next_session().0);
    let waiting = Waiting {
        request: asked.request.clone(),
        person: crate::presence::who(&present),
        identity: present.person().identity(),
        session: asked.session,
        asked_at: now,
        until: now.plus_ms(wait_ms),
        answer: Standing::Open,
    };
    let event = Event::ApprovalAsked {
        approval: id.0,
        from: waiting.request.from.clone(),
        service: waiting.request.service.clone(),
        person: waiting.person.clone(),
        until: waiting.until,
    };
    let kept = waiting.kept(KeptAnswer::Open, waiting.until);
    let commit = Commit::at(now).event(event).keep(Shelf::Approval, id.0, &kept);
    match center.commit(&mut state, commit, None).await {
        Ok(_) => drop(state.approvals.asked.insert(id, waiting)),
        Err(error) => tracing::error!(%error, "a question to a provider could not be recorded; it was not asked"),
    }
    drop(state);
    center.changed();
    center.leases().notify_one();
}

/// What the person in a session may answer, oldest first.
///
/// # Errors
/// [`Refused`] if there is no such session.
pub async fn approvals(center: &Center, session: SessionId) -> Result<ApprovalsView, Refused> {
    let (state, now) = (center.state().await, center.now());
    let who = found(&state, session)?;
    let waiting = state.approvals.asked.iter().filter(|(_, w)| now < w.until && matches!(w.answer, Standing::Open));
    let approvals = waiting.filter_map(|(id, w)| {
        let service = state.network.services.get(&w.request.service)?;
        let may = service.approval.as_ref()?.roles.contains(&who.person.role)
            && service.id.institution == who.institution
            && w.person.certificate != who.who.certificate
            && w.identity != who.person.identity;
        may.then(|| view(&state, *id, w, service))
    });
    Ok(ApprovalsView { now, approvals: approvals.collect() })
}

fn view(state: &State, id: ApprovalId, waiting: &Waiting, service: &model::Service) -> ApprovalView {
    let from = &waiting.request.from;
    let institution = state.network.sites.get(&from.site).map(|s| &s.institution);
    let name = institution.and_then(|i| state.network.institutions.get(i)).map(|i| i.name.clone());
    let of_id = || model::LocalizedName { ja: from.site.to_string(), en: from.site.to_string() };
    ApprovalView {
        approval: id,
        service: service.id.clone(),
        name: service.name.clone(),
        from: from.clone(),
        institution: name.unwrap_or_else(of_id),
        person: waiting.person.name.clone(),
        role: waiting.person.role.clone(),
        asked_at: waiting.asked_at,
        until: waiting.until,
    }
}

/// Agrees. If who asked is still signed in, their line is opened now.
///
/// # Errors
/// [`Refused`] if there is nothing to answer or this person may not; that is recorded.
pub async fn approve(center: &Center, session: SessionId, approval: ApprovalId) -> Result<(), Refused> {
    answered(center, session, approval, true).await
}

/// Refuses; while the question would have been waited for, asking again gets the same answer.
///
/// # Errors
/// As [`approve`].
pub async fn refuse_approval(center: &Center, session: SessionId, approval: ApprovalId) -> Result<(), Refused> {
    answered(center, session, approval, false).await
}

async fn answered(center: &Center, session: SessionId, approval: ApprovalId, agrees: bool) -> Result<(), Refused> {
    let center = center.clone();
    Center::whole(async move { answer(&center, session, approval, agrees).await }).await
}

async fn answer(center: &Center, session: SessionId, approval: ApprovalId, agrees: bool) -> Result<(), Refused> {
    let (now, shown, confirmed) = {
        let state = center.state().await;
        let who = found(&state, session)?;
        (center.now(), who.shown.clone(), who.confirmed_bytes())
    };
    let trust = trust_about(center, &shown).await;
    let device = shown.device(&trust, now)?;
    let person = shown.person(&confirmed, &trust, now)?;

    let mut state = center.state().await;
    let at = found(&state, session)?.at.clone();
    let unknown = || Refused::trouble(Trouble::NoSuchApproval, [("approval", Arg::text(approval))]);
    let waiting = state.approvals.asked.get(&approval);
    let waiting = waiting.filter(|w| now < w.until && matches!(w.answer, Standing::Open)).ok_or_else(unknown)?;
    let (request, asker) = (waiting.request.clone(), waiting.session);
    let judged = decide_approval(&ApprovalQuestion {
        request: &waiting.request,
        asker: waiting.person.certificate.0,
        asker_identity: &waiting.identity,
        at: &at,
        person: &person,
        device: &device,
        network: &state.network,
        trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
        now,
    });
    let (who, approver_at) = (crate::presence::who(&person), at.clone());
    let approved = match judged {
        Ok(approved) => approved,
        Err(denial) => {
            let refused = Refused::from(denial);
            let reasons = refused.reasons.iter().map(reasons::record).collect();
            drop(state);
            let event = Event::ApprovalDenied { approval: approval.0, at, person: who, reasons };
            return Err(crate::apply::recorded(center, event, refused).await);
        }
    };
    let event = Event::ApprovalAnswered {
        approval: approval.0,
        from: request.from.clone(),
        service: request.service.clone(),
        answer: if agrees { ApprovalAnswer::Given } else { ApprovalAnswer::Refused },
        person: Some(who),
        at: Some(at),
    };
    let said = match agrees {
        true => KeptAnswer::Given { at: approver_at, shown: Box::new(KeptShown::of(&shown)) },
        false => KeptAnswer::Refused,
    };
    let mut commit = Commit::at(now).event(event);
    if let Some(waiting) = state.approvals.asked.get(&approval) {
        commit = commit.keep(Shelf::Approval, approval.0, &waiting.kept(said, approved.until()));
    }
    center.commit(&mut state, commit, None).await?;
    if let Some(waiting) = state.approvals.asked.get_mut(&approval) {
        waiting.until = approved.until();
        waiting.answer = if agrees { Standing::Given(Arc::new(approved)) } else { Standing::Refused };
    }
    drop(state);
    center.changed();
    center.leases().notify_one();
    if let Some(asker) = asker.filter(|_| agrees) {
        let center = center.clone();
        tokio::spawn(async move {
            if let Err(refused) = open_in_session(&center, asker, request.service).await {
                tracing::info!(%refused, "what was agreed to did not open");
            }
        });
    }
    Ok(())
}

/// Under the lock: questions nobody answered in time, and answers nobody used.
pub(crate) async fn expire(center: &Center, state: &mut State) {
    let now = center.now();
    let over: Vec<ApprovalId> =
        state.approvals.asked.iter().filter(|(_, w)| w.until <= now).map(|(id, _)| *id).collect();
    for id in over {
        let Some(waiting) = state.approvals.asked.remove(&id) else { continue };
        if !matches!(waiting.answer, Standing::Open) {
            // That it was answered is recorded already; what is left in the registry is void, and cleared at a start.
            continue;
        }
        let event = Event::ApprovalAnswered {
            approval: id.0,
            from: waiting.request.from,
            service: waiting.request.service,
            answer: ApprovalAnswer::Expired,
            person: None,
            at: None,
        };
        let commit = Commit::at(now).event(event).forget(Shelf::Approval, id.0);
        if let Err(error) = center.commit(state, commit, None).await {
            tracing::error!(%error, "that nobody answered could not be recorded");
        }
    }
}
