//! One writer per submission; the newest wins.
//!
//! A client whose line was cut comes back before the center has noticed: whoever asks last is right, and the older
//! upload stops at its next byte (the tus FAQ leaves this to the server).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};

#[derive(Default)]
pub(crate) struct Slots(Arc<Mutex<BTreeMap<String, Arc<Slot>>>>);

struct Slot {
    newest: watch::Sender<u64>,
    writing: Arc<AsyncMutex<()>>,
}

/// The right to write to a submission.
pub(crate) struct Turn {
    slots: Arc<Mutex<BTreeMap<String, Arc<Slot>>>>,
    id: String,
    mine: u64,
    newest: watch::Receiver<u64>,
    _writing: OwnedMutexGuard<()>,
}

impl Slots {
    /// Asks the present writer to stop and takes its place; `None` if a newer one came meanwhile.
    pub(crate) async fn turn(&self, id: &str) -> Option<Turn> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Slot { newest: watch::Sender::new(0), writing: Arc::default() });
            Arc::clone(slots.entry(id.to_owned()).or_insert_with(new))
        };
        let mut mine = 0;
        slot.newest.send_modify(|n| {
            *n += 1;
            mine = *n;
        });
        let writing = Arc::clone(&slot.writing).lock_owned().await;
        let newest = slot.newest.subscribe();
        if *newest.borrow() != mine {
            return None;
        }
        Some(Turn { slots: Arc::clone(&self.0), id: id.to_owned(), mine, newest, _writing: writing })
    }
}

impl Turn {
    /// Ends when a newer one wants to write.
    pub(crate) async fn superseded(&mut self) {
        let mine = self.mine;
        // The sender lives in the map as long as this turn does.
        let _ = self.newest.wait_for(|newest| *newest != mine).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else waits for it: the map's reference is the only one left.
        if slots.get(&self.id).is_some_and(|slot| Arc::strong_count(slot) == 1) {
            slots.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_wins_and_nothing_is_left_behind() {
        let slots = Arc::new(Slots::default());
        let mut first = slots.turn("a").await.unwrap();
        let other = slots.turn("b").await.unwrap();
        let (again, theirs) = (Arc::clone(&slots), Arc::clone(&slots));
        let second = tokio::spawn(async move { again.turn("a").await.is_some() });
        first.superseded().await;
        let third = tokio::spawn(async move { theirs.turn("a").await.is_some() });
        while *first.newest.borrow() < 3 {
            tokio::task::yield_now().await;
        }
        drop(first);
        assert!(!second.await.unwrap(), "it was overtaken while it waited");
        assert!(third.await.unwrap());
        drop(other);
        assert!(slots.0.lock().unwrap().is_empty());
    }
}
