//! The second opinion: the exact proof of the whole network, on a thread of its own (X1).
//!
//! It shares neither code nor data with the first, and either can say no. An opening waits for it, but not long: while
//! it is busy with a wide change, the first proof alone decides, and a later no ends the line again. A change of
//! documents waits as long as it takes. If it cannot follow what was committed, or fails, nothing new is opened until it
//! has begun again.

use model::{Plan, SiteDelta, SiteId, SiteState};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;
use tokio::sync::oneshot;
use verify::Refutation;
use verify::exact::Exact;

/// How long an opening waits. Judging one takes microseconds; whoever takes longer is busy.
const PATIENCE: Duration = Duration::from_millis(50);

type Verdict = Result<(), Veto>;

/// A no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Veto {
    /// This would go wrong.
    Breach(Box<Refutation>),
    /// It failed and knows nothing it could judge from; whoever asks again after it has begun again is answered.
    Silent,
}

impl From<Box<Refutation>> for Veto {
    fn from(breach: Box<Refutation>) -> Self {
        Self::Breach(breach)
    }
}

enum Ask {
    /// Would it hold?
    Check(Vec<SiteDelta>, oneshot::Sender<Verdict>),
    /// It was committed.
    Follow(Vec<SiteDelta>, oneshot::Sender<Verdict>),
    /// Begin again from these.
    Again(BTreeMap<SiteId, SiteState>),
}

/// What it judges by. Without the sets of what stands, every answer is the no that took them.
enum Engine {
    Follows(Box<Exact>),
    Lost(Veto),
}

impl Engine {
    fn of(states: &BTreeMap<SiteId, SiteState>) -> Self {
        let exact = catch_unwind(AssertUnwindSafe(|| Exact::new(states)));
        match exact {
            Ok(Ok(exact)) => Self::Follows(Box::new(exact)),
            Ok(Err(breach)) => Self::Lost(Veto::Breach(breach)),
            Err(_) => Self::failed(),
        }
    }

    /// A proof that panicked half-way is not one to go on from.
    fn failed() -> Self {
        tracing::error!("the exact proof failed; nothing is opened until it has begun again; report this");
        Self::Lost(Veto::Silent)
    }

    fn judge(&mut self, by: impl FnOnce(&mut Exact) -> Result<(), Box<Refutation>>) -> Verdict {
        let exact = match self {
            Self::Follows(exact) => exact,
            Self::Lost(veto) => return Err(veto.clone()),
        };
        // What is left of the sets after a panic is thrown away here.
        let Ok(verdict) = catch_unwind(AssertUnwindSafe(|| by(exact))) else {
            *self = Self::failed();
            return Err(Veto::Silent);
        };
        Ok(verdict?)
    }

    fn has_failed(&self) -> bool {
        matches!(self, Self::Lost(Veto::Silent))
    }

    fn check(&mut self, deltas: &[&SiteDelta]) -> Verdict {
        self.judge(|exact| exact.check(deltas))
    }
}

/// The way to the thread, and to its engine while it rests. The thread ends when this is dropped.
pub(crate) struct SecondOpinion {
    asks: Sender<Ask>,
    engine: Arc<Mutex<Engine>>,
    /// How much was asked that the thread has not done.
    behind: Arc<AtomicUsize>,
    /// It failed and has not begun again yet: its silence is no consent.
    failed: Arc<AtomicBool>,
}

impl SecondOpinion {
    /// Judges what stands and begins to listen.
    ///
    /// # Errors
    /// The breach found in what stands.
    pub fn begin(states: &BTreeMap<SiteId, SiteState>) -> Result<Self, Box<Refutation>> {
        let (asks, heard) = channel();
        let engine = Arc::new(Mutex::new(Engine::Follows(Box::new(Exact::new(states)?))));
        let behind = Arc::new(AtomicUsize::new(0));
        let failed = Arc::new(AtomicBool::new(false));
        let (theirs, left, fails) = (Arc::clone(&engine), Arc::clone(&behind), Arc::clone(&failed));
        std::thread::Builder::new()
            .name("second-opinion".into())
            .spawn(move || {
                while let Ok(ask) = heard.recv() {
                    let mut engine = lock(&theirs);
                    carry_out(&mut engine, ask);
                    fails.store(engine.has_failed(), Ordering::Release);
                    drop(engine);
                    left.fetch_sub(1, Ordering::Release);
                }
            })
            .expect("a thread can be started when the center starts");
        Ok(Self { asks, engine, behind, failed })
    }

    /// What it says of opening a line, if it says so in time.
    pub async fn of_opening(&self, plan: &Plan) -> Verdict {
        // Two threads that wake each other take longer than the proof: while the other rests, it is made here.
        if self.behind.load(Ordering::Acquire) == 0 {
            match self.engine.try_lock() {
                Ok(mut engine) => {
                    let verdict = engine.check(&plan.sites.values().collect::<Vec<_>>());
                    self.failed.store(engine.has_failed(), Ordering::Release);
                    return verdict;
                }
                Err(TryLockError::Poisoned(_)) => return Err(Veto::Silent),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let said = self.ask(plan, Ask::Check);
        match tokio::time::timeout(PATIENCE, said).await {
            Ok(said) => said.unwrap_or(Err(Veto::Silent)),
            Err(_) if self.failed.load(Ordering::Acquire) => Err(Veto::Silent),
            // Busy: the first proof stands, and what is committed will be judged.
            Err(_) => Ok(()),
        }
    }

    /// What it says of a change of documents, however long it takes.
    pub async fn of_change(&self, plan: &Plan) -> Verdict {
        self.ask(plan, Ask::Check).await.unwrap_or(Err(Veto::Silent))
    }

    /// Tells it what was committed, in the order of commits; what it says comes later.
    pub fn follow(&self, plan: &Plan) -> oneshot::Receiver<Verdict> {
        self.ask(plan, Ask::Follow)
    }

    /// If it was silent because it failed, it shall begin again from what stands.
    pub fn mend(&self, veto: &Veto, states: impl FnOnce() -> BTreeMap<SiteId, SiteState>) {
        if *veto == Veto::Silent {
            self.again(states());
        }
    }

    /// It shall believe nothing of before.
    pub fn again(&self, states: BTreeMap<SiteId, SiteState>) {
        self.tell(Ask::Again(states));
    }

    fn ask(&self, plan: &Plan, ask: fn(Vec<SiteDelta>, oneshot::Sender<Verdict>) -> Ask) -> oneshot::Receiver<Verdict> {
        let (answer, said) = oneshot::channel();
        self.tell(ask(plan.sites.values().cloned().collect(), answer));
        said
    }

    fn tell(&self, ask: Ask) {
        // Before it is sent, so that nobody finds the thread at rest who should not.
        self.behind.fetch_add(1, Ordering::AcqRel);
        // If nobody is there to hear it, nobody answers: that is a no.
        let _ = self.asks.send(ask);
    }
}

fn carry_out(engine: &mut Engine, ask: Ask) {
    match ask {
        Ask::Check(deltas, answer) => {
            // Whoever asked may have lost patience.
            let _ = answer.send(engine.check(&deltas.iter().collect::<Vec<_>>()));
        }
        Ask::Follow(deltas, answer) => {
            // One breach is told once; until it begins again there is nothing to follow.
            if matches!(engine, Engine::Lost(Veto::Breach(_))) {
                return;
            }
            let verdict = engine.judge(|exact| exact.advance(&deltas.iter().collect::<Vec<_>>()));
            if let Err(veto) = &verdict {
                *engine = Engine::Lost(veto.clone());
            }
            let _ = answer.send(verdict);
        }
        Ask::Again(states) => *engine = Engine::of(&states),
    }
}

/// Proofs do not panic out of here; whatever else held it and did has left something not to go on from.
fn lock(engine: &Mutex<Engine>) -> MutexGuard<'_, Engine> {
    engine.lock().unwrap_or_else(|poisoned| {
        let mut guard = poisoned.into_inner();
        *guard = Engine::failed();
        engine.clear_poison();
        guard
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open;
    use crate::tests::world::{World, doctor_asks};
    use model::PlanCause;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_says_no_by_itself_and_follows_again_from_what_stands_x1() {
        let world = World::new().await;
        world.honest_gates();
        let grant = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
        let states = world.center.state().await.verifier.states();
        let second = SecondOpinion::begin(&states).unwrap();
        // The grant ends at one end, and its rules stay.
        let (site, state) = states.iter().find(|(_, s)| s.grants.contains_key(&grant)).unwrap();
        let delta = SiteDelta {
            site: site.clone(),
            parent: state.generation,
            generation: state.generation.next(),
            facts: None,
            grants_added: Vec::new(),
            grants_removed: vec![grant],
            grants_renewed: Vec::new(),
            rules_added: Vec::new(),
            rules_removed: Vec::new(),
            tunnels_added: Vec::new(),
            tunnels_removed: Vec::new(),
            filters_added: Vec::new(),
            filters_removed: Vec::new(),
        };
        let plan = Plan { cause: PlanCause::Close(grant), sites: BTreeMap::from([(site.clone(), delta)]) };
        second.of_opening(&plan).await.unwrap_err();
        second.follow(&plan).await.unwrap().unwrap_err();
        let nothing = Plan { cause: PlanCause::Apply, sites: BTreeMap::new() };
        second.of_change(&nothing).await.expect_err("it knows nothing it could follow from");
        assert!(second.follow(&nothing).await.is_err(), "one breach is told once");
        second.again(states);
        second.of_change(&nothing).await.unwrap();
    }

    fn nothing() -> Plan {
        Plan { cause: PlanCause::Apply, sites: BTreeMap::new() }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn without_its_thread_every_answer_is_no_x1() {
        let states = World::new().await.center.state().await.verifier.states();
        let (asks, heard) = channel();
        drop(heard);
        let engine = Arc::new(Mutex::new(Engine::of(&states)));
        // The thread died at work: it will never have caught up.
        let (behind, failed) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicBool::new(false)));
        let second = SecondOpinion { asks, engine, behind, failed };
        assert_eq!(second.of_opening(&nothing()).await, Err(Veto::Silent));
        assert_eq!(second.of_change(&nothing()).await, Err(Veto::Silent));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_poisoned_engine_says_no_until_it_begins_again_x1() {
        let states = World::new().await.center.state().await.verifier.states();
        let second = SecondOpinion::begin(&states).unwrap();
        let theirs = Arc::clone(&second.engine);
        let died = std::thread::spawn(move || {
            let _held = theirs.lock().unwrap();
            std::panic::resume_unwind(Box::new("with the engine in hand"));
        });
        assert!(died.join().is_err());
        assert_eq!(second.of_opening(&nothing()).await, Err(Veto::Silent));
        assert_eq!(second.of_change(&nothing()).await, Err(Veto::Silent));
        assert_eq!(second.follow(&nothing()).await.unwrap(), Err(Veto::Silent), "told, so that it begins again");
        second.again(states);
        second.of_change(&nothing()).await.unwrap();
        second.of_opening(&nothing()).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_proof_that_panics_is_a_no_and_the_thread_lives_x1() {
        let world = World::new().await;
        let states = world.center.state().await.verifier.states();
        let second = SecondOpinion::begin(&states).unwrap();
        let judged = second.engine.lock().unwrap().judge(|_| std::panic::resume_unwind(Box::new("half-way")));
        assert_eq!(judged, Err(Veto::Silent));
        assert_eq!(second.of_opening(&nothing()).await, Err(Veto::Silent));
        assert_eq!(second.of_change(&nothing()).await, Err(Veto::Silent));
        second.again(states);
        second.of_change(&nothing()).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[expect(clippy::await_holding_lock, reason = "the test is who keeps it busy")]
    async fn what_is_slow_because_it_failed_does_not_consent_x1() {
        let states = World::new().await.center.state().await.verifier.states();
        let second = SecondOpinion::begin(&states).unwrap();
        let held = Arc::clone(&second.engine);
        let held = held.lock().unwrap();
        second.of_opening(&nothing()).await.expect("only busy: the first proof stands");
        second.failed.store(true, Ordering::Release);
        assert_eq!(second.of_opening(&nothing()).await, Err(Veto::Silent));
        drop(held);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_opens_without_it_and_who_is_refused_makes_it_begin_again_x1() {
        let world = World::new().await;
        world.honest_gates();
        let second = world.center.second();
        *second.engine.lock().unwrap() = Engine::failed();
        let refused = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap_err();
        assert_eq!(refused.reasons[0].code, "O024");
        second.of_change(&nothing()).await.expect("it was told to begin again before this was asked");
        open(&world.center, doctor_asks(&world, [2; 32])).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_late_no_ends_the_line_and_is_recorded_x1() {
        let world = World::new().await;
        world.honest_gates();
        let grant = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
        let refutation = Refutation {
            invariant: verify::Invariant::DefaultDeny,
            fault: verify::Fault::GrantNotLive,
            site: "clinic".parse().unwrap(),
            packet: None,
            path: Vec::new(),
            because: verify::Because::Grant(grant),
        };
        let (answer, said) = oneshot::channel();
        answer.send(Err(Veto::Breach(Box::new(refutation)))).unwrap();
        crate::vetoed::heard(world.center.clone(), PlanCause::Open(grant), said).await;
        world.settle(|connections| connections.is_empty()).await;
        assert_eq!(world.causes(grant).await, [audit::CloseCause::Vetoed]);
        let entries = world.center.registry().audit_of(grant).await.unwrap();
        assert!(
            entries
                .iter()
                .any(|e| matches!(&e.event, audit::Event::PlanRefused { invariant, .. } if invariant == "I05"))
        );
    }
}
