//! The second opinion: the exact proof of the whole network, on a thread of its own (X1).
//!
//! It shares neither code nor data with the first, and either can say no. An opening waits for it, but not long: while
//! it is busy with a wide change, the first proof alone decides, and a later no ends the line again. A change of
//! documents waits as long as it takes. If it cannot follow what was committed, nothing new is opened.

use model::{Plan, SiteDelta, SiteId, SiteState};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::oneshot;
use verify::Refutation;
use verify::exact::Exact;

/// How long an opening waits. Judging one takes microseconds; whoever takes longer is busy.
const PATIENCE: Duration = Duration::from_millis(50);

type Verdict = Result<(), Box<Refutation>>;

enum Ask {
    /// Would it hold?
    Check(Vec<SiteDelta>, oneshot::Sender<Verdict>),
    /// It was committed.
    Follow(Vec<SiteDelta>, oneshot::Sender<Verdict>),
    /// Begin again from these.
    Again(BTreeMap<SiteId, SiteState>),
}

/// Without an engine, because what stands could not be followed, every answer is the breach that was found.
type Engine = Result<Exact, Box<Refutation>>;

/// The way to the thread, and to its engine while it rests. The thread ends when this is dropped.
pub(crate) struct SecondOpinion {
    asks: Sender<Ask>,
    engine: Arc<Mutex<Engine>>,
    /// How much was asked that the thread has not done.
    behind: Arc<AtomicUsize>,
}

impl SecondOpinion {
    /// Judges what stands and begins to listen.
    ///
    /// # Errors
    /// The breach found in what stands.
    pub fn begin(states: &BTreeMap<SiteId, SiteState>) -> Result<Self, Box<Refutation>> {
        let (asks, heard) = channel();
        let engine: Arc<Mutex<Engine>> = Arc::new(Mutex::new(Ok(Exact::new(states)?)));
        let behind = Arc::new(AtomicUsize::new(0));
        let (theirs, left) = (Arc::clone(&engine), Arc::clone(&behind));
        std::thread::Builder::new()
            .name("second-opinion".into())
            .spawn(move || {
                while let Ok(ask) = heard.recv() {
                    carry_out(&mut lock(&theirs), ask);
                    left.fetch_sub(1, Ordering::Release);
                }
            })
            .expect("a thread can be started when the center starts");
        Ok(Self { asks, engine, behind })
    }

    /// What it says of opening a line, if it says so in time.
    pub async fn of_opening(&self, plan: &Plan) -> Verdict {
        // Two threads that wake each other take longer than the proof: while the other rests, it is made here.
        if self.behind.load(Ordering::Acquire) == 0
            && let Ok(mut engine) = self.engine.try_lock()
        {
            return verdict(&mut engine, &plan.sites.values().collect::<Vec<_>>());
        }
        let said = self.ask(plan, Ask::Check);
        match tokio::time::timeout(PATIENCE, said).await {
            Ok(Ok(verdict)) => verdict,
            // Busy, or at the end of the process: the first proof stands, and what is committed will be judged.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// What it says of a change of documents, however long it takes.
    pub async fn of_change(&self, plan: &Plan) -> Verdict {
        self.ask(plan, Ask::Check).await.unwrap_or(Ok(()))
    }

    /// Tells it what was committed, in the order of commits; what it says comes later.
    pub fn follow(&self, plan: &Plan) -> oneshot::Receiver<Verdict> {
        self.ask(plan, Ask::Follow)
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
        // Only at the end of the process is nobody there to hear it.
        let _ = self.asks.send(ask);
    }
}

fn carry_out(engine: &mut Engine, ask: Ask) {
    match ask {
        Ask::Check(deltas, answer) => {
            // Whoever asked may have lost patience.
            let _ = answer.send(verdict(engine, &deltas.iter().collect::<Vec<_>>()));
        }
        Ask::Follow(deltas, answer) => {
            // One breach is told once; until it begins again there is nothing to follow.
            let Ok(exact) = engine else { return };
            let verdict = exact.advance(&deltas.iter().collect::<Vec<_>>());
            if let Err(breach) = &verdict {
                *engine = Err(breach.clone());
            }
            let _ = answer.send(verdict);
        }
        Ask::Again(states) => *engine = Exact::new(&states),
    }
}

fn verdict(engine: &mut Engine, deltas: &[&SiteDelta]) -> Verdict {
    match engine {
        Ok(exact) => exact.check(deltas),
        Err(breach) => Err(breach.clone()),
    }
}

/// A proof that panicked half-way is not one to go on from; the next one from a poisoned engine panics too, and says so.
fn lock(engine: &Mutex<Engine>) -> MutexGuard<'_, Engine> {
    engine.lock().expect("no proof panics")
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
        answer.send(Err(Box::new(refutation))).unwrap();
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
