//! What is held under an id that cannot be guessed, for a time, and at most so many.

use ring::rand::{SecureRandom, SystemRandom};
use std::collections::{BTreeMap, VecDeque};

use crate::Limits;

pub(crate) struct Held<T> {
    by_id: BTreeMap<String, (T, i64)>,
    /// In the order they came; an id that was taken stays until it is its turn.
    order: VecDeque<String>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { by_id: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Held<T> {
    /// Keeps it; the oldest goes if there are too many.
    pub fn put(&mut self, what: T, now: i64, limits: Limits) -> String {
        while let Some(first) = self.order.front() {
            let over = self.by_id.get(first).is_none_or(|(_, until)| *until <= now);
            if !over && self.by_id.len() < limits.at_most {
                break;
            }
            if let Some(first) = self.order.pop_front() {
                self.by_id.remove(&first);
            }
        }
        if self.order.len() > limits.at_most.saturating_mul(2) {
            self.order.retain(|id| self.by_id.contains_key(id));
        }
        let id = id();
        self.by_id.insert(id.clone(), (what, now.saturating_add(limits.life_ms)));
        self.order.push_back(id.clone());
        id
    }

    /// To look at.
    pub fn get(&mut self, id: &str, now: i64) -> Option<&mut T> {
        self.by_id.get_mut(id).filter(|(_, until)| *until > now).map(|(what, _)| what)
    }

    /// Out, whatever is done with it.
    pub fn take(&mut self, id: &str, now: i64) -> Option<T> {
        self.by_id.remove(id).filter(|(_, until)| *until > now).map(|(what, _)| what)
    }
}

fn id() -> String {
    let mut random = [0u8; 16];
    SystemRandom::new().fill(&mut random).expect("the operating system gives randomness");
    hex::encode(random)
}
