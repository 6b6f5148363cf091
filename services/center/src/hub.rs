//! The links that stand, by site.

use connections::{Gates, LinkNumber, ToGate};
use model::SiteId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Sender, error::TrySendError};
use tonic::Status;
use wire::link::{CenterMessage, Go, Opened, Prepare, center_message::Message};

use crate::lease::Leases;

/// Messages that may wait for a gate; one that takes them more slowly is cut and gets a snapshot when it comes back.
pub(crate) const IN_FLIGHT: usize = 1024;

/// What goes out on a link.
pub(crate) type Outgoing = Sender<Result<CenterMessage, Status>>;

/// One queue a site.
#[derive(Default)]
pub(crate) struct Hub {
    links: Mutex<BTreeMap<SiteId, LinkOut>>,
    /// Gates in waiting: they hear the same orders, to keep the same state.
    waiting: Mutex<BTreeMap<SiteId, Vec<(LinkNumber, Outgoing)>>>,
    leases: Mutex<Option<Leases>>,
}

struct LinkOut {
    number: LinkNumber,
    queue: Outgoing,
    cut: Arc<Notify>,
}

impl Hub {
    /// A newer link replaces the older one. What is returned is notified when this one is cut.
    pub fn enter(&self, site: &SiteId, number: LinkNumber, queue: Outgoing) -> Arc<Notify> {
        let cut = Arc::new(Notify::new());
        let link = LinkOut { number, queue, cut: Arc::clone(&cut) };
        if let Some(older) = self.links().insert(site.clone(), link) {
            older.cut.notify_one();
        }
        cut
    }

    /// A gate waits beside the active one.
    pub fn stand_by(&self, site: &SiteId, number: LinkNumber, queue: Outgoing) {
        lock(&self.waiting).entry(site.clone()).or_default().push((number, queue));
    }

    /// It waits no more.
    pub fn stand_down(&self, site: &SiteId, number: LinkNumber) {
        if let Some(waiting) = lock(&self.waiting).get_mut(site) {
            waiting.retain(|(link, _)| *link != number);
        }
    }

    /// Which gate of a site is the active one.
    pub fn lease<T>(&self, ask: impl FnOnce(&mut Leases) -> T) -> T {
        ask(lock(&self.leases).get_or_insert_with(|| Leases::new(Instant::now())))
    }

    /// A link ended by itself.
    pub fn leave(&self, site: &SiteId, number: LinkNumber) {
        let mut links = self.links();
        if links.get(site).is_some_and(|l| l.number == number) {
            links.remove(site);
        }
    }

    /// At the end of the center.
    pub fn cut_all(&self) {
        for (_, link) in std::mem::take(&mut *self.links()) {
            link.cut.notify_one();
        }
    }

    fn links(&self) -> MutexGuard<'_, BTreeMap<SiteId, LinkOut>> {
        lock(&self.links)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Gates for Hub {
    fn send(&self, site: &SiteId, message: ToGate) {
        let message = match message {
            ToGate::Prepare(order) => Message::Prepare(Prepare { order: Some(order) }),
            ToGate::Order(order) => Message::Order(order),
            ToGate::Go(grant) => Message::Go(Go { grant: grant.0 }),
            ToGate::Opened(grant) => Message::Opened(Opened { grant: grant.0 }),
            ToGate::FirstPacketAnswer(answer) => Message::FirstPacketAnswer(answer),
        };
        if let Message::Order(order) = &message
            && let Some(waiting) = lock(&self.waiting).get(site)
        {
            for (_, queue) in waiting {
                // One that does not keep up says so, and gets a snapshot.
                let order = CenterMessage { message: Some(Message::Order(order.clone())) };
                let _ = queue.try_send(Ok(order));
            }
        }
        let mut links = self.links();
        let Some(link) = links.get(site) else { return };
        match link.queue.try_send(Ok(CenterMessage { message: Some(message) })) {
            Ok(()) => {}
            Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => {
                tracing::error!(%site, "the gate takes orders too slowly; its link is cut");
                if let Some(link) = links.remove(site) {
                    link.cut.notify_one();
                }
            }
        }
    }

    fn cut(&self, site: &SiteId) {
        if let Some(link) = self.links().remove(site) {
            link.cut.notify_one();
        }
    }
}
