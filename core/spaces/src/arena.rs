//! Nodes, hash-consed and counted.
//!
//! A node says: the bits from `start` on are `run`, then the diagram branches (or goes on, `lo == hi`); anything else is
//! outside. Its form is unique for its function, so a set is its edge:
//!
//! * an edge is a node's number times two, plus one if the set is the complement of the node's; 0 is nothing, 1 is all;
//! * a branch of which one side is empty, or full, is a run or the complement of one, never a branch;
//! * runs are as long as they can be; where 128 bits are not enough, the last node of a chain is the full one;
//! * a branch without run has a plain low edge; `bit = 0 → all` is the complement of `bit = 1 → all`.
//!
//! The table of nodes grows bucket by bucket (linear hashing, Litwin 1980) and the nodes themselves live in slabs, so
//! growing never copies them all. A node whose count falls to nothing stays findable until [`Arena::reclaim`] passes it.
//!
//! Most nodes are steps of one operation and die at once. So a new node is young: it stands in a table that fits a cache,
//! and moves to the large one only when it has outlived many others. Nodes move in the order in which they were made,
//! children first: no old node has a young child, and a node with a young child need not be looked for among the old.

use std::collections::VecDeque;

/// Number of a node times two, plus one for the complement.
pub(crate) type Edge = u32;

pub(crate) const NONE: Edge = 0;
pub(crate) const ALL: Edge = 1;

const SLAB_BITS: u32 = 14;
const SLAB: usize = 1 << SLAB_BITS;
const NIL: u32 = u32::MAX;
/// Young nodes, and heads of their chains. Few in tests, so that nodes grow old there.
const YOUNG: usize = if cfg!(test) { 1 << 5 } else { 1 << 12 };
/// Age of a node that is young no more.
const OLD: u32 = 0;
/// Longest run of a node.
pub(crate) const LONGEST: u16 = 128;

#[derive(Clone, Copy)]
pub(crate) struct Node {
    run_high: u64,
    run_low: u64,
    pub lo: Edge,
    pub hi: Edge,
    next: u32,
    count: u32,
    /// Number of its birth while it is young, else [`OLD`].
    born: u32,
    pub start: u16,
    pub len: u8,
    queued: bool,
}

impl Node {
    /// The literal bits, the first one on top, zeros below the last.
    #[inline]
    pub fn run(&self) -> u128 {
        u128::from(self.run_high) << 64 | u128::from(self.run_low)
    }

    /// First bit below the run.
    #[inline]
    pub fn end(&self) -> u16 {
        self.start + u16::from(self.len)
    }

    #[inline]
    pub fn branches(&self) -> bool {
        self.lo != self.hi
    }
}

/// A chain of nodes, and a bit for each that it may hold: most nodes looked for are new, and nothing far away in memory
/// need be read to find that they are not there.
#[derive(Clone, Copy)]
struct Head {
    first: u32,
    marks: u32,
}

const EMPTY: Head = Head { first: NIL, marks: 0 };

/// The bit of a node in its chain's head, of bits that choose neither bucket nor slot.
#[inline]
fn mark(hash: u64) -> u32 {
    1 << (hash >> 57 & 31)
}

#[derive(Clone)]
pub(crate) struct Arena {
    slabs: Vec<Vec<Node>>,
    /// Heads of chains, in slabs as well.
    buckets: Vec<Vec<Head>>,
    bucket_count: usize,
    /// Nodes in chains of `buckets`.
    old: usize,
    /// Heads of chains of young nodes.
    nursery: Vec<Head>,
    /// Young nodes as they were born, and some that are gone: then the birth is another's.
    births: VecDeque<(u32, u32)>,
    born: u32,
    /// Reclaimed nodes, linked by `next`.
    free: u32,
    free_count: usize,
    /// Nodes that may have no owner any more.
    queue: Vec<u32>,
    allocated: usize,
    made: usize,
}

impl Arena {
    pub fn new() -> Self {
        let mut arena = Self {
            slabs: Vec::new(),
            buckets: Vec::new(),
            bucket_count: 0,
            old: 0,
            nursery: vec![EMPTY; YOUNG],
            births: VecDeque::with_capacity(YOUNG + 1),
            born: OLD,
            free: NIL,
            free_count: 0,
            queue: Vec::new(),
            allocated: 0,
            made: 0,
        };
        // Number 0 is the terminal; it is never looked up, counted or reclaimed.
        arena.push(Node {
            run_high: 0,
            run_low: 0,
            lo: NONE,
            hi: NONE,
            next: NIL,
            count: 1,
            born: OLD,
            start: u16::MAX,
            len: 0,
            queued: true,
        });
        for _ in 0..1024 {
            arena.add_bucket();
        }
        arena
    }

    #[inline]
    pub fn node(&self, edge: Edge) -> &Node {
        let id = (edge >> 1) as usize;
        &self.slabs[id >> SLAB_BITS][id & (SLAB - 1)]
    }

    #[inline]
    fn at(&mut self, id: u32) -> &mut Node {
        &mut self.slabs[id as usize >> SLAB_BITS][id as usize & (SLAB - 1)]
    }

    /// Nodes in use, those waiting for [`Arena::reclaim`] included.
    pub fn live(&self) -> usize {
        self.allocated - self.free_count - 1
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.slabs.len() * SLAB * size_of::<Node>()
            + self.buckets.len() * SLAB * size_of::<Head>()
            + self.queue.capacity() * size_of::<u32>()
            + self.nursery.len() * size_of::<Head>()
            + self.births.capacity() * size_of::<(u32, u32)>()
    }

    #[inline]
    pub fn keep(&mut self, edge: Edge) {
        if edge > ALL {
            self.at(edge >> 1).count += 1;
        }
    }

    #[inline]
    pub fn release(&mut self, edge: Edge) {
        if edge > ALL {
            let id = edge >> 1;
            let node = self.at(id);
            node.count -= 1;
            if node.count == 0 && !node.queued {
                node.queued = true;
                self.queue.push(id);
            }
        }
    }

    /// Gives back up to `budget` nodes that nobody owns. Numbers of reclaimed nodes are used again.
    pub fn reclaim(&mut self, budget: usize) {
        for _ in 0..budget {
            let Some(id) = self.queue.pop() else { return };
            let node = self.at(id);
            node.queued = false;
            if node.count > 0 {
                continue;
            }
            let (lo, hi) = (node.lo, node.hi);
            self.unlink(id);
            self.release(lo);
            if hi != lo {
                self.release(hi);
            }
            let free = self.free;
            self.at(id).next = free;
            self.free = id;
            self.free_count += 1;
        }
    }

    /// Nodes made since it was last asked.
    pub fn made(&mut self) -> usize {
        std::mem::take(&mut self.made)
    }

    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The node of this content, owned by the caller. Takes over the caller's ownership of `lo` and, if it is another
    /// edge, of `hi`.
    pub fn intern(&mut self, start: u16, len: u16, run: u128, lo: Edge, hi: Edge) -> Edge {
        let hash = hash(start, len, run, lo, hi);
        let slot = young_slot(hash);
        let young = self.nursery[slot];
        let same = |node: &Node| {
            node.lo == lo && node.hi == hi && node.start == start && u16::from(node.len) == len && node.run() == run
        };
        let mut found = if young.marks & mark(hash) != 0 { self.find(young.first, same) } else { None };
        if found.is_none() && !self.is_young(hi) && !self.is_young(lo) {
            let bucket = self.bucket(hash);
            let head = self.buckets[bucket >> SLAB_BITS][bucket & (SLAB - 1)];
            if head.marks & mark(hash) != 0 {
                found = self.find(head.first, same);
            }
        }
        if let Some(id) = found {
            self.at(id).count += 1;
            self.release(lo);
            if hi != lo {
                self.release(hi);
            }
            return id << 1;
        }
        self.born = self.born.checked_add(1).unwrap_or(OLD + 1);
        let node = Node {
            run_high: (run >> 64) as u64,
            run_low: run as u64,
            lo,
            hi,
            next: young.first,
            count: 1,
            born: self.born,
            start,
            len: len as u8,
            queued: false,
        };
        self.made += 1;
        let id = if self.free == NIL {
            self.push(node)
        } else {
            let id = self.free;
            self.free = self.at(id).next;
            self.free_count -= 1;
            *self.at(id) = node;
            id
        };
        self.nursery[slot] = Head { first: id, marks: young.marks | mark(hash) };
        self.births.push_back((id, self.born));
        while self.births.len() > YOUNG {
            self.grow_old();
        }
        id << 1
    }

    fn find(&self, mut id: u32, same: impl Fn(&Node) -> bool) -> Option<u32> {
        while id != NIL {
            let node = self.node(id << 1);
            if same(node) {
                return Some(id);
            }
            id = node.next;
        }
        None
    }

    #[inline]
    fn is_young(&self, edge: Edge) -> bool {
        edge > ALL && self.node(edge).born != OLD
    }

    /// The first of the births: among the old from here on, if it is still there.
    fn grow_old(&mut self) {
        let Some((id, born)) = self.births.pop_front() else { return };
        if self.at(id).born != born {
            return;
        }
        self.unlink(id);
        let node = *self.at(id);
        let hash = hash(node.start, u16::from(node.len), node.run(), node.lo, node.hi);
        let next = self.link(hash, id);
        let node = self.at(id);
        (node.next, node.born) = (next, OLD);
        self.old += 1;
        if self.old > self.bucket_count {
            // Two at a time, so that a table that fell behind catches up.
            self.add_bucket();
            self.add_bucket();
        }
    }

    fn push(&mut self, node: Node) -> u32 {
        if self.allocated >> SLAB_BITS == self.slabs.len() {
            self.slabs.push(Vec::with_capacity(SLAB));
        }
        let id = self.allocated as u32;
        assert!(id < (NIL >> 1) - 1, "a diagram holds less than 2^31 nodes");
        self.slabs[self.allocated >> SLAB_BITS].push(node);
        self.allocated += 1;
        id
    }

    fn bucket(&self, hash: u64) -> usize {
        let round = self.bucket_count.next_power_of_two();
        let slot = hash as usize & (round - 1);
        if slot < self.bucket_count { slot } else { slot & (round / 2 - 1) }
    }

    /// One bucket more; the one it splits off from is dealt out again.
    fn add_bucket(&mut self) {
        let new = self.bucket_count;
        if new >> SLAB_BITS == self.buckets.len() {
            self.buckets.push(Vec::with_capacity(SLAB));
        }
        self.buckets[new >> SLAB_BITS].push(EMPTY);
        self.bucket_count += 1;
        if new == 0 {
            return;
        }
        let old = new & !(1 << new.ilog2());
        let slot = &mut self.buckets[old >> SLAB_BITS][old & (SLAB - 1)];
        let mut id = std::mem::replace(slot, EMPTY).first;
        while id != NIL {
            let node = *self.at(id);
            let hash = hash(node.start, u16::from(node.len), node.run(), node.lo, node.hi);
            let next = self.link(hash, id);
            self.at(id).next = next;
            id = node.next;
        }
    }

    /// Puts an old node at the head of its chain; gives what stood there.
    fn link(&mut self, hash: u64, id: u32) -> u32 {
        let bucket = self.bucket(hash);
        let head = &mut self.buckets[bucket >> SLAB_BITS][bucket & (SLAB - 1)];
        head.marks |= mark(hash);
        std::mem::replace(&mut head.first, id)
    }

    /// Takes a node out of its chain. It is no longer young, nor old.
    fn unlink(&mut self, id: u32) {
        let node = *self.at(id);
        let hash = hash(node.start, u16::from(node.len), node.run(), node.lo, node.hi);
        let head = if node.born == OLD {
            self.old -= 1;
            let bucket = self.bucket(hash);
            &mut self.buckets[bucket >> SLAB_BITS][bucket & (SLAB - 1)]
        } else {
            &mut self.nursery[young_slot(hash)]
        };
        if head.first == id {
            // Marks of those that went stay until the chain is empty: they only cost a look.
            *head = if node.next == NIL { EMPTY } else { Head { first: node.next, marks: head.marks } };
        } else {
            let mut before = head.first;
            loop {
                let next = self.at(before).next;
                if next == id {
                    self.at(before).next = node.next;
                    break;
                }
                before = next;
            }
        }
        self.at(id).born = OLD;
    }
}

#[inline]
fn young_slot(hash: u64) -> usize {
    (hash >> 32) as usize & (YOUNG - 1)
}

#[inline]
fn hash(start: u16, len: u16, run: u128, lo: Edge, hi: Edge) -> u64 {
    // Multiply and fold: each round spreads 64 bits over 128 and folds them back.
    let fold = |a: u64, b: u64| {
        let wide = u128::from(a) * u128::from(b);
        (wide >> 64) as u64 ^ wide as u64
    };
    let edges = u64::from(lo) << 32 | u64::from(hi);
    let place = u64::from(start) << 8 | u64::from(len);
    let a = fold(edges ^ 0x9e37_79b9_7f4a_7c15, (run >> 64) as u64 ^ 0xd1b5_4a32_d192_ed03);
    fold(a ^ run as u64 ^ 0x2545_f491_4f6c_dd1d, place ^ 0xa076_1d64_78bd_642f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_found_young_old_and_let_go_and_after_that_it_is_made_anew() {
        let mut arena = Arena::new();
        let below = arena.intern(90, 1, 1 << 127, ALL, ALL);
        arena.keep(below);
        let first = arena.intern(0, 8, 7 << 120, below, below);
        let crowd = |arena: &mut Arena, from: u16| -> Vec<Edge> {
            (0..4 * YOUNG as u16).map(|n| arena.intern(from + n, 1, 1 << 127, ALL, ALL)).collect()
        };
        let others = crowd(&mut arena, 100);
        assert!(!arena.is_young(first) && !arena.is_young(below) && arena.is_young(others[4 * YOUNG - 1]));
        // Old, found; dropped and not yet reclaimed, found.
        arena.keep(below);
        assert_eq!(arena.intern(0, 8, 7 << 120, below, below), first);
        arena.release(first);
        arena.release(first);
        arena.keep(below);
        assert_eq!(arena.intern(0, 8, 7 << 120, below, below), first);
        arena.release(first);
        others.into_iter().for_each(|edge| arena.release(edge));
        arena.reclaim(usize::MAX);
        assert_eq!((arena.live(), arena.old), (1, 1), "only `below` is left, and old");
        // Numbers are used again; births of those that are gone are nobody's.
        arena.keep(below);
        let again = arena.intern(0, 8, 7 << 120, below, below);
        assert!(arena.is_young(again));
        let others = crowd(&mut arena, 5000);
        assert!(!arena.is_young(again));
        for edge in others.into_iter().chain([again, below]) {
            arena.release(edge);
        }
        arena.reclaim(usize::MAX);
        assert_eq!((arena.live(), arena.old), (0, 0));
    }
}
