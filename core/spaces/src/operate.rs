//! Set operations on edges.

use crate::arena::{ALL, Arena, Edge, LONGEST, NONE};

/// An edge of which the first `skip` bits of the run are already decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    pub edge: Edge,
    pub skip: u16,
}

impl View {
    pub fn of(edge: Edge) -> Self {
        Self { edge, skip: 0 }
    }
    fn is(self, terminal: Edge) -> bool {
        self.edge == terminal
    }
    fn not(self) -> Self {
        Self { edge: self.edge ^ 1, skip: self.skip }
    }
}

/// What a view looks like from a bit on.
#[derive(Clone, Copy)]
enum Shape {
    /// Does not depend on the bits before this one.
    Free(u16),
    /// This many literal bits, first on top; anything else is outside (or inside, if complemented).
    Run(u16, u128),
    /// Decides this bit.
    Branch,
}

/// Results of the operation under way, by its operands.
#[derive(Clone)]
pub(crate) struct Memo {
    slots: Vec<Slot>,
    epoch: u32,
    used: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    key: (u32, u32, u32),
    epoch: u32,
    result: u32,
}

const SMALL: usize = 1 << 10;
const LARGE: usize = 1 << 22;

impl Memo {
    pub fn new() -> Self {
        Self { slots: vec![Slot { key: (0, 0, 0), epoch: 0, result: 0 }; SMALL], epoch: 0, used: 0 }
    }

    /// Forgets everything: node numbers may mean other nodes from here on.
    pub fn begin(&mut self) {
        self.used = 0;
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.slots.fill(Slot { key: (0, 0, 0), epoch: 0, result: 0 });
            self.epoch = 1;
        }
    }

    fn slot(&self, key: (u32, u32, u32)) -> usize {
        let mix = (u64::from(key.0) << 32 | u64::from(key.1)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ u64::from(key.2).wrapping_mul(0xd1b5_4a32_d192_ed03);
        (mix >> 29) as usize & (self.slots.len() - 1)
    }

    fn get(&self, key: (u32, u32, u32)) -> Option<u32> {
        let slot = &self.slots[self.slot(key)];
        (slot.epoch == self.epoch && slot.key == key).then_some(slot.result)
    }

    fn put(&mut self, key: (u32, u32, u32), result: u32) {
        self.used += 1;
        if self.used > self.slots.len() && self.slots.len() < LARGE {
            // A wide operation: room for its results, once.
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![Slot { key: (0, 0, 0), epoch: 0, result: 0 }; old.len() * 8];
            for slot in old.into_iter().filter(|s| s.epoch == self.epoch) {
                let at = self.slot(slot.key);
                self.slots[at] = slot;
            }
        }
        let at = self.slot(key);
        self.slots[at] = Slot { key, epoch: self.epoch, result };
    }

    pub fn bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }
}

/// The bit a view decides next, from the top; past the end for terminals.
#[inline]
fn top(arena: &Arena, v: View) -> u16 {
    arena.node(v.edge).start.saturating_add(v.skip)
}

#[inline]
fn shape(arena: &Arena, v: View, at: u16) -> Shape {
    let node = arena.node(v.edge);
    let top = node.start.saturating_add(v.skip);
    if top > at {
        Shape::Free(top)
    } else if v.skip < u16::from(node.len) {
        Shape::Run(u16::from(node.len) - v.skip, node.run() << v.skip)
    } else {
        Shape::Branch
    }
}

/// The view behind `bits` literal bits of a run, all matching.
#[inline]
fn after(arena: &Arena, v: View, bits: u16) -> View {
    let node = arena.node(v.edge);
    let skip = v.skip + bits;
    if skip == u16::from(node.len) && !node.branches() {
        View::of(node.lo ^ (v.edge & 1))
    } else {
        View { edge: v.edge, skip }
    }
}

/// Both sides of a view at bit `at`.
#[inline]
fn sides(arena: &Arena, v: View, at: u16) -> (View, View) {
    match shape(arena, v, at) {
        Shape::Free(_) => (v, v),
        Shape::Branch => {
            let node = arena.node(v.edge);
            let flip = v.edge & 1;
            (View::of(node.lo ^ flip), View::of(node.hi ^ flip))
        }
        Shape::Run(_, run) => {
            let (rest, outside) = (after(arena, v, 1), View::of(v.edge & 1));
            if run >> 127 == 0 { (rest, outside) } else { (outside, rest) }
        }
    }
}

fn leading(len: u16) -> u128 {
    if len == 0 { 0 } else { u128::MAX << (128 - u32::from(len)) }
}

/// The run `run` of `len` bits from `start`, then `child` (owned; taken over). Owned by the caller.
pub(crate) fn make_run(arena: &mut Arena, start: u16, len: u16, run: u128, child: Edge) -> Edge {
    if len == 0 || child == NONE {
        return child;
    }
    let run = run & leading(len);
    let end = start + len;
    if child > ALL {
        let node = *arena.node(child);
        let plain_len = u16::from(node.len);
        let join = if node.start != end {
            None
        } else if child & 1 == 0 {
            Some((plain_len, node.run(), node.lo, node.hi))
        } else if plain_len == 0 {
            // A complemented branch: behind a run its edges may carry the complement.
            Some((0, 0, node.lo ^ 1, node.hi ^ 1))
        } else if plain_len == 1 && node.lo == ALL && node.hi == ALL {
            // The other name of "bit = 0 → all".
            Some((1, 0, ALL, ALL))
        } else {
            None
        };
        if let Some((below, low, lo, hi)) = join {
            let take = len.min(LONGEST - below);
            if take > 0 {
                let joined = (run << (len - take)) | low.checked_shr(u32::from(take)).unwrap_or(0);
                arena.keep(lo);
                if hi != lo {
                    arena.keep(hi);
                }
                let node = arena.intern(end - take, take + below, joined, lo, hi);
                arena.release(child);
                return make_run(arena, start, len - take, run & leading(len - take), node);
            }
        }
    }
    if len == 1 && child == ALL && run == 0 {
        return arena.intern(start, 1, 1 << 127, ALL, ALL) ^ 1;
    }
    arena.intern(start, len, run, child, child)
}

/// Bit `at`: `lo` if 0, `hi` if 1 (owned; taken over). Owned by the caller.
pub(crate) fn make_branch(arena: &mut Arena, at: u16, lo: Edge, hi: Edge) -> Edge {
    const ONE: u128 = 1 << 127;
    if lo == hi {
        arena.release(hi);
        lo
    } else if lo == NONE {
        make_run(arena, at, 1, ONE, hi)
    } else if hi == NONE {
        make_run(arena, at, 1, 0, lo)
    } else if lo == ALL {
        make_run(arena, at, 1, ONE, hi ^ 1) ^ 1
    } else if hi == ALL {
        make_run(arena, at, 1, 0, lo ^ 1) ^ 1
    } else {
        arena.intern(at, 0, 0, lo & !1, hi ^ (lo & 1)) ^ (lo & 1)
    }
}

/// The view as an edge of its own, owned by the caller.
pub(crate) fn settle(arena: &mut Arena, v: View) -> Edge {
    if v.skip == 0 {
        arena.keep(v.edge);
        return v.edge;
    }
    let node = *arena.node(v.edge);
    let left = u16::from(node.len) - v.skip;
    arena.keep(node.lo);
    let rest = if node.branches() {
        arena.keep(node.hi);
        make_branch(arena, node.end(), node.lo, node.hi)
    } else {
        node.lo
    };
    let run = node.run().checked_shl(u32::from(v.skip)).unwrap_or(0);
    make_run(arena, node.start + v.skip, left, run, rest) ^ (v.edge & 1)
}

/// What [`meet`] says instead of an edge if the result is its first operand: nothing is built, nothing looked up.
const FIRST: u32 = u32::MAX;
/// The same of the second.
const SECOND: u32 = u32::MAX - 1;

/// What is in both. Owned by the caller.
pub(crate) fn and(arena: &mut Arena, memo: &mut Memo, a: View, b: View) -> Edge {
    let met = meet(arena, memo, a, b);
    resolve(arena, met, a, b)
}

fn resolve(arena: &mut Arena, met: u32, a: View, b: View) -> Edge {
    match met {
        FIRST => settle(arena, a),
        SECOND => settle(arena, b),
        edge => edge,
    }
}

/// What is in both: an edge owned by the caller, or which of the two it is.
fn meet(arena: &mut Arena, memo: &mut Memo, a: View, b: View) -> u32 {
    if a.is(NONE) || b.is(NONE) || a == b.not() {
        return NONE;
    }
    if b.is(ALL) || a == b {
        return FIRST;
    }
    if a.is(ALL) {
        return SECOND;
    }
    let swapped = (a.edge, a.skip) > (b.edge, b.skip);
    let (a, b) = if swapped { (b, a) } else { (a, b) };
    let key = (a.edge, b.edge, u32::from(a.skip) << 16 | u32::from(b.skip));
    let met = match memo.get(key) {
        Some(found) => {
            if found < SECOND {
                arena.keep(found);
            }
            found
        }
        None => {
            let fresh = meet_fresh(arena, memo, a, b);
            memo.put(key, fresh);
            fresh
        }
    };
    match met {
        FIRST if swapped => SECOND,
        SECOND if swapped => FIRST,
        met => met,
    }
}

fn meet_fresh(arena: &mut Arena, memo: &mut Memo, a: View, b: View) -> u32 {
    let at = top(arena, a).min(top(arena, b));
    match (shape(arena, a, at), shape(arena, b, at)) {
        (Shape::Run(..), _) if a.edge & 1 == 0 => along(arena, memo, a, b, at),
        (_, Shape::Run(..)) if b.edge & 1 == 0 => match along(arena, memo, b, a, at) {
            FIRST => SECOND,
            SECOND => FIRST,
            edge => edge,
        },
        // Two complements of runs: everything but both.
        (Shape::Run(la, ra), Shape::Run(lb, rb)) => {
            let bits = la.min(lb);
            let same = ((ra ^ rb).leading_zeros() as u16).min(bits);
            if same < bits {
                let (x, y) = (after(arena, a, same + 1).not(), after(arena, b, same + 1).not());
                let (x, y) = (settle(arena, x), settle(arena, y));
                let one_is_high = (ra << same) >> 127 == 1;
                let (lo, hi) = if one_is_high { (y, x) } else { (x, y) };
                let both = make_branch(arena, at + same, lo, hi);
                return make_run(arena, at, same, ra, both) ^ 1;
            }
            let (x, y) = (after(arena, a, bits), after(arena, b, bits));
            match meet(arena, memo, x, y) {
                same @ (FIRST | SECOND) => same,
                child => make_run(arena, at, bits, ra, child ^ 1) ^ 1,
            }
        }
        _ => {
            let (a0, a1) = sides(arena, a, at);
            let (b0, b1) = sides(arena, b, at);
            let lo = meet(arena, memo, a0, b0);
            let hi = meet(arena, memo, a1, b1);
            let is = |met: u32, name: u32, it: View, other: View| {
                met == name || met >= SECOND && it == other || it.skip == 0 && met == it.edge
            };
            let same = if is(lo, FIRST, a0, b0) && is(hi, FIRST, a1, b1) {
                FIRST
            } else if is(lo, SECOND, b0, a0) && is(hi, SECOND, b1, a1) {
                SECOND
            } else {
                let lo = resolve(arena, lo, a0, b0);
                let hi = resolve(arena, hi, a1, b1);
                return make_branch(arena, at, lo, hi);
            };
            for edge in [lo, hi].into_iter().filter(|e| *e < SECOND) {
                arena.release(edge);
            }
            same
        }
    }
}

/// What is in both, of which the first begins with a run: the other is followed along it, and nothing is built on the way.
fn along(arena: &mut Arena, memo: &mut Memo, a: View, mut b: View, at: u16) -> u32 {
    let node = arena.node(a.edge);
    let (len, run) = (u16::from(node.len) - a.skip, node.run() << a.skip);
    let (mut bits, mut runs_alike) = (0, true);
    while bits < len {
        if b.is(NONE) {
            return NONE;
        }
        match shape(arena, b, at + bits) {
            // Also where the other is everything from here on.
            Shape::Free(to) => {
                bits = (to - at).min(len);
                runs_alike = false;
            }
            Shape::Branch => {
                let (lo, hi) = sides(arena, b, at + bits);
                b = if (run << bits) >> 127 == 1 { hi } else { lo };
                bits += 1;
                runs_alike = false;
            }
            Shape::Run(its, other) => {
                let left = its.min(len - bits);
                if (((run << bits) ^ other).leading_zeros() as u16) < left {
                    return if b.edge & 1 == 0 { NONE } else { FIRST };
                }
                runs_alike &= b.edge & 1 == 0;
                b = after(arena, b, left);
                bits += left;
            }
        }
    }
    let behind = after(arena, a, len);
    match meet(arena, memo, behind, b) {
        FIRST => FIRST,
        SECOND if runs_alike => SECOND,
        met => {
            let child = resolve(arena, met, behind, b);
            make_run(arena, at, len, run, child)
        }
    }
}

/// Have both nothing in common? Makes no node.
pub(crate) fn disjoint(arena: &Arena, memo: &mut Memo, a: View, b: View) -> bool {
    if a.is(NONE) || b.is(NONE) || a == b.not() {
        return true;
    }
    if a.is(ALL) || b.is(ALL) || a == b {
        return false;
    }
    let (a, b) = if (a.edge, a.skip) <= (b.edge, b.skip) { (a, b) } else { (b, a) };
    let at = top(arena, a).min(top(arena, b));
    match (shape(arena, a, at), shape(arena, b, at)) {
        (Shape::Run(len, _), Shape::Free(to)) if a.edge & 1 == 0 => {
            let behind = after(arena, a, len.min(to - at));
            disjoint(arena, memo, behind, b)
        }
        (Shape::Free(to), Shape::Run(len, _)) if b.edge & 1 == 0 => {
            let behind = after(arena, b, len.min(to - at));
            disjoint(arena, memo, a, behind)
        }
        (Shape::Run(la, ra), Shape::Run(lb, rb)) => {
            let bits = la.min(lb);
            let same = ((ra ^ rb).leading_zeros() as u16) >= bits;
            match (a.edge & 1 == 0, b.edge & 1 == 0, same) {
                (true, true, false) => true,
                // Two runs that fill both halves leave nothing outside them.
                (false, false, false) => {
                    (ra ^ rb) >> 127 == 1 && after(arena, a, 1).is(NONE) && after(arena, b, 1).is(NONE)
                }
                // Outside a run its complement is everything, and no view is empty.
                (_, _, false) | (false, false, true) => false,
                (_, _, true) => {
                    let (x, y) = (after(arena, a, bits), after(arena, b, bits));
                    disjoint(arena, memo, x, y)
                }
            }
        }
        // A run leads one way only: nothing to remember.
        (Shape::Branch, Shape::Run(..)) if b.edge & 1 == 0 => one_way(arena, memo, a, b, at),
        (Shape::Run(..), Shape::Branch) if a.edge & 1 == 0 => one_way(arena, memo, b, a, at),
        _ => {
            let key = (a.edge, b.edge, u32::from(a.skip) << 16 | u32::from(b.skip));
            if let Some(found) = memo.get(key) {
                return found == 1;
            }
            let (a0, a1) = sides(arena, a, at);
            let (b0, b1) = sides(arena, b, at);
            let apart = disjoint(arena, memo, a0, b0) && disjoint(arena, memo, a1, b1);
            memo.put(key, u32::from(apart));
            apart
        }
    }
}

fn one_way(arena: &Arena, memo: &mut Memo, branch: View, run: View, at: u16) -> bool {
    let (lo, hi) = sides(arena, branch, at);
    let node = arena.node(run.edge);
    let high = (node.run() << run.skip) >> 127 == 1;
    let rest = after(arena, run, 1);
    disjoint(arena, memo, if high { hi } else { lo }, rest)
}

/// The set with these stretches of bits (from, to; in order, apart) made free: which packets are in it for some value of
/// those bits. Owned by the caller.
pub(crate) fn forget(arena: &mut Arena, memo: &mut Memo, ors: &mut Memo, v: View, free: &[(u16, u16)]) -> Edge {
    let at = top(arena, v);
    let next = free.iter().find(|(_, to)| at < *to);
    let Some(&(from, to)) = next.filter(|_| v.edge > ALL) else {
        return settle(arena, v);
    };
    let key = (v.edge, u32::from(v.skip), 0);
    if let Some(found) = memo.get(key) {
        arena.keep(found);
        return found;
    }
    let result = match shape(arena, v, at) {
        Shape::Run(len, run) if v.edge & 1 == 0 => {
            // A whole stretch on one side of the border at once.
            let bits = if at < from { len.min(from - at) } else { len.min(to - at) };
            let behind = after(arena, v, bits);
            let child = forget(arena, memo, ors, behind, free);
            if at < from { make_run(arena, at, bits, run, child) } else { child }
        }
        _ => {
            let (lo, hi) = sides(arena, v, at);
            let lo = forget(arena, memo, ors, lo, free);
            let hi = forget(arena, memo, ors, hi, free);
            if at < from {
                make_branch(arena, at, lo, hi)
            } else {
                let neither = and(arena, ors, View::of(lo ^ 1), View::of(hi ^ 1));
                arena.release(lo);
                arena.release(hi);
                neither ^ 1
            }
        }
    };
    memo.put(key, result);
    result
}
