//! What every use case works with.

use model::{GrantId, HostRef, Network, ServiceId, SessionId, SiteDelta, SiteId, SiteState, Timestamp};
use registry::{Commit, Committed, Registry, RegistryError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard, Notify, watch};
use verify::{VerifiedPlan, Verifier};
use wire::link::SignedOrder;
use wire::{Order, OrderBody};

use crate::approvals::Approvals;
use crate::first_packet::Packets;
use crate::live::{GateView, Live};
use crate::second_opinion::SecondOpinion;
use crate::session::Session;
use crate::vetoed;
use crate::{Clock, Gates, OrderKey, ToGate, Trust, TrustStore};

/// How the center behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long both gates have to confirm; then the connection is closed again (half failure, N5).
    pub confirm_within: Duration,
    /// How long gates have to come back after a start of the center, for connections that were opening.
    pub return_within: Duration,
    /// How long a person stays signed in at the longest, whatever card and terminal allow (N3).
    pub session_within: Duration,
    /// Name and version, for people and for the log.
    pub software: String,
}

impl Settings {
    /// Five seconds to confirm, thirty to come back, twelve hours signed in.
    pub fn new(software: &str) -> Self {
        Self {
            confirm_within: Duration::from_secs(5),
            return_within: Duration::from_secs(30),
            session_within: Duration::from_secs(12 * 3600),
            software: software.to_owned(),
        }
    }
}

/// What a center is made of.
pub struct Parts {
    /// State and audit.
    pub registry: Registry,
    /// Links to gates.
    pub gates: Arc<dyn Gates>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whom to believe.
    pub trust: Arc<TrustStore>,
    /// Signs orders.
    pub key: OrderKey,
    /// Behaviour.
    pub settings: Settings,
}

/// The center. Clones share it.
#[derive(Clone)]
pub struct Center {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    state: Mutex<State>,
    second: SecondOpinion,
    leases: Notify,
    changes: watch::Sender<u64>,
    last_session: AtomicU64,
}

/// What is true now, in memory; always what the registry holds. Locked for plan, proof and commit, never while a gate
/// is waited for: two opens at different sites wait for each other only for that long.
pub(crate) struct State {
    pub network: Arc<Network>,
    pub verifier: Verifier,
    /// Connections that are not closed.
    pub live: BTreeMap<GrantId, Live>,
    /// Requests between their first check and their commit.
    pub asking: BTreeMap<(HostRef, ServiceId), GrantId>,
    pub gates: BTreeMap<SiteId, GateView>,
    /// Who is signed in, one person a terminal.
    pub sessions: BTreeMap<SessionId, Session>,
    /// What providers are asked.
    pub approvals: Approvals,
    /// First packets that were refused lately.
    pub packets: Packets,
    /// How many plans were committed: who left the lock sees whether anything moved.
    pub moves: u64,
}

impl Center {
    pub(crate) fn new(parts: Parts, state: State, second: SecondOpinion) -> Self {
        let (changes, _) = watch::channel(0);
        // Sessions of an earlier start of this center have earlier numbers.
        let kept = state.sessions.keys().map(|s| s.0).chain(state.approvals.numbers()).max().unwrap_or_default();
        let last_session = AtomicU64::new(u64::try_from(parts.clock.now().0).unwrap_or_default().max(kept));
        let (state, leases) = (Mutex::new(state), Notify::new());
        Self { inner: Arc::new(Inner { parts, state, second, leases, changes, last_session }) }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.inner.parts.clock.now()
    }
    /// State and audit.
    pub fn registry(&self) -> &Registry {
        &self.inner.parts.registry
    }
    /// Behaviour.
    pub fn settings(&self) -> &Settings {
        &self.inner.parts.settings
    }
    /// Whom to believe now.
    pub fn trust(&self) -> Arc<Trust> {
        self.inner.parts.trust.now()
    }
    pub(crate) fn trust_store(&self) -> &TrustStore {
        &self.inner.parts.trust
    }
    pub(crate) fn gates(&self) -> &dyn Gates {
        self.inner.parts.gates.as_ref()
    }
    /// The exact proof, beside the verifier in the state.
    pub(crate) fn second(&self) -> &SecondOpinion {
        &self.inner.second
    }
    pub(crate) async fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().await
    }
    /// Wakes whoever waits for the next end of a lease.
    pub(crate) fn leases(&self) -> &Notify {
        &self.inner.leases
    }

    /// Ticks at every change of what is live, signed in or asked (G14).
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }
    /// Something changed that no commit says.
    pub(crate) fn changed(&self) {
        self.inner.changes.send_modify(|tick| *tick += 1);
    }
    /// A number never used before, for a session or a question to a provider.
    pub(crate) fn next_session(&self) -> SessionId {
        SessionId(self.inner.last_session.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Commits and makes memory follow. A use case that is given up meanwhile (its caller is gone) must not stop
    /// between the two, so use cases that commit run as tasks of their own: [`Center::whole`].
    pub(crate) async fn commit(
        &self,
        state: &mut State,
        change: Commit,
        plan: Option<&VerifiedPlan>,
    ) -> Result<Committed, RegistryError> {
        let committed = match self.registry().commit(change).await {
            Ok(committed) => committed,
            Err(error @ (RegistryError::OutcomeUnknown { .. } | RegistryError::Conflict { .. })) => {
                tracing::error!(%error, "memory and registry may differ; reading the registry again");
                self.read_again(state).await;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        if let Some(plan) = plan {
            state.moves += 1;
            if let Err(stale) = state.verifier.advance(plan) {
                tracing::error!(%stale, "a plan was committed that memory does not lead to; reading the registry again");
                self.read_again(state).await;
            } else {
                let said = self.second().follow(plan.plan());
                tokio::spawn(vetoed::heard(self.clone(), plan.plan().cause, said));
            }
        }
        self.changed();
        Ok(committed)
    }

    async fn read_again(&self, state: &mut State) {
        match self.registry().load().await {
            Ok(loaded) => match Verifier::from_states(loaded.sites) {
                Ok(verifier) => {
                    self.second().again(verifier.states());
                    state.verifier = verifier;
                    state.network = Arc::new(loaded.network);
                }
                Err(refutation) => tracing::error!(%refutation, "the registry holds a state that is not sound"),
            },
            Err(error) => tracing::error!(%error, "the registry cannot be read"),
        }
    }

    /// Sends each site of a committed plan its delta. Called under the lock, so a gate gets generations in order.
    pub(crate) fn order(&self, plan: &VerifiedPlan) {
        self.order_as_signed(self.signed(plan));
    }

    /// Commits, lets memory follow, then orders. While the database writes, gates hear what is coming and configure its
    /// tunnels; an order that counts is not sent before it has.
    pub(crate) async fn commit_and_order<T>(
        &self,
        state: &mut State,
        change: Commit,
        plan: &VerifiedPlan,
        admit: impl FnOnce(&mut State) -> T,
    ) -> Result<T, RegistryError> {
        let orders = self.signed(plan);
        for (site, order) in &orders {
            order.iter().for_each(|order| self.gates().send(site, ToGate::Prepare(order.clone())));
        }
        self.commit(state, change, Some(plan)).await?;
        let admitted = admit(state);
        self.order_as_signed(orders);
        Ok(admitted)
    }

    fn signed(&self, plan: &VerifiedPlan) -> Vec<(SiteId, Option<SignedOrder>)> {
        // The ends that answer first: the one that begins waits for them.
        let begins = |delta: &SiteDelta| delta.tunnels_added.iter().any(|tunnel| tunnel.initiator);
        let mut sites: Vec<_> = plan.plan().sites.iter().collect();
        sites.sort_by_key(|(_, delta)| begins(delta));
        let sign = |(site, delta): (&SiteId, &SiteDelta)| {
            (site.clone(), self.sign(site, OrderBody::Delta(Box::new(delta.clone()))))
        };
        sites.into_iter().map(sign).collect()
    }

    fn order_as_signed(&self, orders: Vec<(SiteId, Option<SignedOrder>)>) {
        for (site, signed) in orders {
            self.send(&site, signed);
        }
    }

    /// Sends a site its whole state.
    pub(crate) fn order_snapshot(&self, state: SiteState) {
        let site = state.facts.site.id.clone();
        self.send(&site, self.sign(&site, OrderBody::Snapshot(Box::new(state))));
    }

    fn sign(&self, site: &SiteId, body: OrderBody) -> Option<SignedOrder> {
        self.inner.parts.key.sign(&Order { site: site.clone(), issued_at: self.now(), body })
    }

    fn send(&self, site: &SiteId, signed: Option<SignedOrder>) {
        match signed {
            Some(signed) => self.gates().send(site, ToGate::Order(signed)),
            None => tracing::error!(%site, "no randomness to sign with; the gate gets a snapshot when it asks"),
        }
    }

    /// Runs a use case to its end even if whoever asked for it goes away.
    pub(crate) async fn whole<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
        match tokio::spawn(work).await {
            Ok(value) => value,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only at shutdown: the runtime is going down and nobody reads the answer.
                Err(_) => std::future::pending().await,
            },
        }
    }
}
