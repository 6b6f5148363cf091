//! The one place where events meet the machine: every link feeds it, and what it wants done goes to the links' queues.

use model::Timestamp;
use site::{Event, Outbox, Output, Report, SiteConfig, SiteMachine};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Duration, sleep};

/// Where each kind of output goes.
struct Queues {
    switch: Mutex<(u64, Option<UnboundedSender<Output>>)>,
    ike: UnboundedSender<Output>,
    filter: UnboundedSender<Output>,
    store: watch::Sender<Option<Arc<model::SiteState>>>,
    reports: UnboundedSender<Report>,
}

/// What the links read.
pub struct Receivers {
    /// For strongSwan.
    pub ike: UnboundedReceiver<Output>,
    /// For nftables.
    pub filter: UnboundedReceiver<Output>,
    /// For the disk; only the newest counts.
    pub store: watch::Receiver<Option<Arc<model::SiteState>>>,
    /// For the center.
    pub reports: UnboundedReceiver<Report>,
}

/// What this gate is to its site (N6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The site's only gate.
    Alone,
    /// The other gate is active, elected in this election; this one keeps the state and touches nothing.
    Waiting(u64),
    /// Active since this election.
    Active(u64),
    /// The other gate took over: nothing is written any more, and the process ends.
    Lost,
}

/// The machine, shared. Locks are held for microseconds and never across an await.
pub struct Hub {
    machine: Mutex<(SiteMachine, Timestamp)>,
    queues: Queues,
    deadline: watch::Sender<Option<Timestamp>>,
    role: watch::Sender<Role>,
}

impl Hub {
    /// A hub around the machine of a site's only gate.
    pub fn new(machine: SiteMachine) -> (Arc<Self>, Receivers) {
        Self::with_role(machine, Role::Alone)
    }

    /// A hub around a machine.
    pub fn with_role(machine: SiteMachine, role: Role) -> (Arc<Self>, Receivers) {
        let (ike, ike_rx) = unbounded_channel();
        let (filter, filter_rx) = unbounded_channel();
        let (store, store_rx) = watch::channel(None);
        let (reports, reports_rx) = unbounded_channel();
        let queues = Queues { switch: Mutex::new((0, None)), ike, filter, store, reports };
        let hub = Arc::new(Self {
            machine: Mutex::new((machine, Timestamp(0))),
            queues,
            deadline: watch::channel(None).0,
            role: watch::channel(role).0,
        });
        (hub, Receivers { ike: ike_rx, filter: filter_rx, store: store_rx, reports: reports_rx })
    }

    /// Feeds one event and hands out what follows. Returns bytes for the switch, if the event was a first packet.
    pub fn feed(&self, event: Event) -> Vec<u8> {
        let mut out = Outbox::default();
        self.feed_into([event], &mut out);
        out.to_switch
    }

    /// Feeds many; the bytes for the switch gather in `out`, which the caller uses again.
    pub fn feed_into(&self, events: impl IntoIterator<Item = Event>, out: &mut Outbox) {
        let mut slot = lock(&self.machine);
        // The wall clock may be set back; the machine's may not.
        slot.1 = slot.1.max(now());
        let at = slot.1;
        // Read under the lock: after a takeover nothing is handed out that was thought of before.
        let writes = matches!(*self.role.borrow(), Role::Alone | Role::Active(_));
        for event in events {
            if writes || is_of_the_state(&event) {
                slot.0.handle_into(event, at, out);
            }
        }
        if !writes {
            slot.0.keep_silent();
            out.to_switch.clear();
            out.outputs.retain(|output| {
                matches!(
                    output,
                    Output::Persist(_) | Output::Report(Report::OutOfStep { .. } | Report::NotPersisted { .. })
                )
            });
        }
        let next = slot.0.next_deadline().filter(|_| writes);
        // Handed out under the lock, so that no link sees two outputs in another order than they were made.
        for output in out.outputs.drain(..) {
            self.hand_out(output);
        }
        drop(slot);
        self.deadline.send_if_modified(|held| {
            let changed = *held != next;
            *held = next;
            changed
        });
    }

    /// What this gate is to its site, now and whenever it changes.
    pub fn role(&self) -> watch::Receiver<Role> {
        self.role.subscribe()
    }

    /// This gate was elected: a machine of its own begins from the state it kept, judged once more.
    ///
    /// # Errors
    /// The counter-example, if that state is not sound; the gate goes on waiting.
    pub fn take_over(&self, election: u64, config: &SiteConfig) -> Result<(), Box<verify::Refutation>> {
        let mut slot = lock(&self.machine);
        let kept = match slot.0.state() {
            Some(state) => Some(verify::check_state((**state).clone())?),
            None => None,
        };
        slot.1 = slot.1.max(now());
        slot.0 = SiteMachine::new(kept, config.clone(), slot.1);
        self.role.send_replace(Role::Active(election));
        drop(slot);
        self.feed(Event::Tick);
        Ok(())
    }

    /// The other gate is the active one.
    pub fn wait_beside(&self, election: u64) {
        let _held = lock(&self.machine);
        self.role.send_if_modified(|role| {
            let next = match *role {
                Role::Waiting(_) => Role::Waiting(election),
                Role::Alone => Role::Alone,
                Role::Active(_) | Role::Lost => Role::Lost,
            };
            std::mem::replace(role, next) != next
        });
    }

    /// A planned end: whatever this gate was, it writes nothing more. The election it gives back, if it was the active one.
    pub fn step_down(&self) -> Option<u64> {
        let _held = lock(&self.machine);
        let before = self.role.send_replace(Role::Lost);
        match before {
            Role::Active(election) => Some(election),
            Role::Alone | Role::Waiting(_) | Role::Lost => None,
        }
    }

    /// The state wanted now.
    pub fn state(&self) -> Option<Arc<model::SiteState>> {
        lock(&self.machine).0.state().cloned()
    }

    /// A new session of the switch; its number, and what it shall do.
    pub fn switch_session(&self) -> (u64, UnboundedReceiver<Output>) {
        let (sender, receiver) = unbounded_channel();
        let mut slot = lock(&self.queues.switch);
        slot.0 += 1;
        slot.1 = Some(sender);
        (slot.0, receiver)
    }

    /// The session ended. True if it was the current one; an older one's end is no news.
    pub fn switch_session_over(&self, number: u64) -> bool {
        let mut slot = lock(&self.queues.switch);
        let current = slot.0 == number;
        if current {
            slot.1 = None;
        }
        current
    }

    /// Ticks the machine when it asked for it. Never returns.
    pub async fn keep_time(&self) {
        let mut deadline = self.deadline.subscribe();
        self.feed(Event::Tick);
        loop {
            let wait = deadline
                .borrow_and_update()
                .map(|at| Duration::from_millis(u64::try_from(at.0 - now().0).unwrap_or(0)));
            tokio::select! {
                () = sleep(wait.unwrap_or(Duration::from_secs(3600))) => { self.feed(Event::Tick); }
                changed = deadline.changed() => if changed.is_err() { return },
            }
        }
    }

    fn hand_out(&self, output: Output) {
        // A link that is gone at shutdown drops its queue; nobody is left to care.
        match output {
            Output::Meter(_)
            | Output::Refurnish(_)
            | Output::Send(_)
            | Output::ReadFlows { .. }
            | Output::Bundle { .. }
            | Output::FlushConntrack { .. } => {
                if let Some(sender) = &lock(&self.queues.switch).1 {
                    let _ = sender.send(output);
                }
            }
            Output::LoadConnection { .. }
            | Output::UnloadConnection(_)
            | Output::Initiate { .. }
            | Output::ReadChild { .. }
            | Output::TerminateChild { .. }
            | Output::TerminateSa(_)
            | Output::TerminateIke(_)
            | Output::ListSas => drop(self.queues.ike.send(output)),
            Output::ReadFilters | Output::ApplyFilters { .. } => drop(self.queues.filter.send(output)),
            Output::Persist(state) => drop(self.queues.store.send_replace(Some(state))),
            Output::Report(report) => {
                log(&report);
                let _ = self.queues.reports.send(report);
            }
        }
    }
}

/// What a gate in waiting takes in: the state wanted, and that it is on disk.
fn is_of_the_state(event: &Event) -> bool {
    matches!(event, Event::Order(_) | Event::Snapshot(_) | Event::Persisted(_) | Event::PersistFailed(..))
}

/// Milliseconds since the epoch.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log(report: &Report) {
    match report {
        Report::Foreign { place, what } => tracing::warn!(?place, what, "something no plan put there; removing it"),
        Report::ForeignRule(rule) => {
            let stood_ms = rule.mended_at.0.saturating_sub(rule.since.0);
            tracing::warn!(change = rule.change.word(), rule = rule.rule, stood_ms, "a foreign change is undone");
        }
        Report::Refused { place, error } => tracing::warn!(?place, error, "a change was refused; trying again"),
        Report::NotPersisted { generation, error } => {
            tracing::error!(%generation, error, "the state is not on disk; it is enforced from memory");
        }
        Report::TunnelFailing { grant, attempts, error } => {
            tracing::warn!(%grant, attempts, error, "a tunnel does not come up; trying again");
        }
        Report::Inexpressible(what) => tracing::error!(what, "a rule cannot be written as an OpenFlow entry"),
        Report::Link { place, up } => tracing::info!(?place, up, "part of the data plane"),
        Report::OutOfStep { at, offered } => tracing::warn!(?at, ?offered, "an order leads from another state"),
        Report::FirstPacket { in_port, held, suppressed, .. } => {
            tracing::info!(%in_port, held, suppressed, "a first packet no grant covers");
        }
        Report::Idle(grant) => tracing::info!(%grant, "idle"),
        Report::Accepted(generation) => tracing::info!(%generation, "in force"),
        Report::Lapsed(grant) => tracing::info!(%grant, "lease ended"),
        Report::Prepared(grant) => tracing::info!(%grant, "prepared"),
        Report::Observed { grant, flows, wanted, complete, sa } => {
            tracing::info!(%grant, flows, wanted, complete, sa, "observed");
        }
        Report::Carried { grant, .. } => tracing::info!(%grant, "its first packet has passed"),
        Report::Closed { grant, traffic, .. } => tracing::info!(%grant, ?traffic, "nothing of it is left"),
        Report::Converged { generation, added, removed } => {
            tracing::info!(%generation, added, removed, "what stood differed from what is wanted; mended");
        }
        Report::Port { port, up } => tracing::info!(%port, up, "switch port"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn config() -> SiteConfig {
        SiteConfig {
            red: site::RedInterfaces { lan: "lan0".into(), tunnel: "ipsec0".into() },
            ike: site::IkePolicy {
                ike_proposals: Vec::new(),
                esp_proposals: Vec::new(),
                ike_rekey_seconds: 1,
                child_rekey_seconds: 1,
                child_rekey_packets: 1,
                replay_window: 1,
                dpd_seconds: 1,
                revocation: String::new(),
            },
            audit_ms: 5_000,
            ike_linger_ms: 0,
            first_packets_per_second: 200,
        }
    }

    fn hub(role: Role) -> (Arc<Hub>, Receivers) {
        Hub::with_role(SiteMachine::new(None, config(), Timestamp(0)), role)
    }

    /// Everything that was handed out.
    fn heard(receivers: &mut Receivers) -> usize {
        let ike = std::iter::from_fn(|| receivers.ike.try_recv().ok()).count();
        let filter = std::iter::from_fn(|| receivers.filter.try_recv().ok()).count();
        ike + filter + std::iter::from_fn(|| receivers.reports.try_recv().ok()).count()
    }

    #[test]
    fn a_gate_in_waiting_and_one_that_was_replaced_write_and_say_nothing_n6() {
        let (hub, mut receivers) = hub(Role::Waiting(0));
        for event in [Event::Tick, Event::CharonUp, Event::SwitchUp] {
            hub.feed(event);
        }
        assert_eq!(heard(&mut receivers), 0);
        hub.wait_beside(7);
        assert_eq!(*hub.role().borrow(), Role::Waiting(7));
        hub.take_over(8, &config()).unwrap();
        hub.feed(Event::CharonUp);
        assert!(heard(&mut receivers) > 0, "the active one does");
        hub.wait_beside(9);
        assert_eq!(*hub.role().borrow(), Role::Lost, "it does not come back in this life");
        for event in [Event::Tick, Event::CharonDown, Event::CharonUp, Event::SwitchUp] {
            hub.feed(event);
        }
        assert_eq!(heard(&mut receivers), 0);
    }

    #[test]
    fn a_gate_that_steps_down_writes_nothing_more_and_says_which_election_it_gives_back_n6() {
        let (hub, mut receivers) = hub(Role::Waiting(7));
        assert_eq!(hub.step_down(), None, "it held nothing");
        let (active, mut of_active) = self::hub(Role::Waiting(7));
        active.take_over(8, &config()).unwrap();
        heard(&mut of_active);
        assert_eq!(active.step_down(), Some(8));
        assert_eq!(active.step_down(), None, "once");
        for one in [&hub, &active] {
            for event in [Event::Tick, Event::CharonUp, Event::SwitchUp] {
                one.feed(event);
            }
        }
        assert_eq!(heard(&mut receivers) + heard(&mut of_active), 0);
    }

    #[test]
    fn a_sites_only_gate_waits_beside_nobody() {
        let (hub, _receivers) = hub(Role::Alone);
        hub.wait_beside(7);
        assert_eq!(*hub.role().borrow(), Role::Alone);
    }
}
