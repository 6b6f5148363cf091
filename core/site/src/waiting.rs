//! First packets that wait at the gate: bounded in number, size and time, each port on its own account.

use model::Timestamp;
use openflow::PacketIn;
use std::collections::{BTreeMap, BTreeSet};

use crate::first_packet::Wish;
use crate::packet::FiveTuple;

/// Wishes of one port that may wait at once, and packets. A browser opens six connections at a time.
const WISHES: usize = 8;
const PACKETS: usize = 16;
/// Longer than any first packet on Ethernet without jumbo frames.
const LONGEST: usize = 2_048;
/// All ports together. Beyond it a port has room for one.
const ALL: usize = 4_096;

#[derive(Debug)]
struct Queue {
    packets: Vec<(FiveTuple, PacketIn)>,
    until: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    ports: BTreeMap<u32, BTreeMap<Wish, Queue>>,
    due: BTreeSet<(Timestamp, u32, Wish)>,
    packets: usize,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A packet of this wish waits already.
    pub(crate) fn has(&self, port: u32, wish: &Wish) -> bool {
        self.ports.get(&port).is_some_and(|wishes| wishes.contains_key(wish))
    }

    /// One more wish of this port may wait.
    pub(crate) fn has_room(&self, port: u32) -> bool {
        let Some(wishes) = self.ports.get(&port) else { return true };
        wishes.len() < WISHES && count(wishes) < PACKETS && self.packets < ALL
    }

    /// Keeps a packet; a repeated one is kept once. False if there is no room for it.
    pub(crate) fn hold(&mut self, port: u32, wish: Wish, tuple: FiveTuple, packet: PacketIn, until: Timestamp) -> bool {
        if packet.data.len() > LONGEST {
            return false;
        }
        if !self.has(port, &wish) {
            if !self.has_room(port) {
                return false;
            }
            self.due.insert((until, port, wish));
        }
        let wishes = self.ports.entry(port).or_default();
        let full = count(wishes) >= PACKETS || (self.packets >= ALL && !wishes.is_empty());
        let queue = wishes.entry(wish).or_insert_with(|| Queue { packets: Vec::new(), until });
        if queue.packets.iter().any(|(held, _)| *held == tuple) {
            return true;
        }
        if full {
            return false;
        }
        queue.packets.push((tuple, packet));
        self.packets += 1;
        true
    }

    /// What waits for this wish waits until then.
    pub(crate) fn expect(&mut self, port: u32, wish: &Wish, until: Timestamp) {
        let Some(queue) = self.ports.get_mut(&port).and_then(|wishes| wishes.get_mut(wish)) else { return };
        self.due.remove(&(queue.until, port, *wish));
        queue.until = until;
        self.due.insert((until, port, *wish));
    }

    /// Takes out what waits for this wish, in the order it came.
    pub(crate) fn take(&mut self, port: u32, wish: &Wish) -> Vec<PacketIn> {
        let Some(wishes) = self.ports.get_mut(&port) else { return Vec::new() };
        let Some(queue) = wishes.remove(wish) else { return Vec::new() };
        if wishes.is_empty() {
            self.ports.remove(&port);
        }
        self.due.remove(&(queue.until, port, *wish));
        self.packets -= queue.packets.len();
        queue.packets.into_iter().map(|(_, packet)| packet).collect()
    }

    /// Lets go what waited long enough; its sender tries again.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while let Some((until, port, wish)) = self.due.first().copied()
            && until <= now
        {
            self.due.pop_first();
            drop(self.take(port, &wish));
        }
    }

    /// Packets that wait.
    pub(crate) fn count(&self) -> usize {
        self.packets
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.due.first().map(|(until, _, _)| *until)
    }
}

fn count(wishes: &BTreeMap<Wish, Queue>) -> usize {
    wishes.values().map(|queue| queue.packets.len()).sum()
}
