//! Sets of packets over one layout.

use crate::arena::{ALL, Arena, Edge, NONE};
use crate::layout::{Field, Layout, Packet};
use crate::operate::{Memo, View, and, disjoint, forget, make_branch, make_run};

/// A set of packets of one [`Space`]. Canonical: two sets of a space are equal exactly if their handles are.
///
/// Owned: give it back with [`Space::release`], or its nodes stay. [`Space::share`] makes a second owner. A handle means
/// nothing in another space.
#[must_use = "a set that is not released keeps its nodes"]
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set(pub(crate) Edge);

impl Set {
    /// The set's number: equal sets of a space have equal numbers as long as somebody owns them.
    pub fn number(&self) -> u32 {
        self.0
    }
}

/// Sets of packets over one layout, sharing what they have in common.
///
/// No operation changes a set. The cost of an operation is that of the parts in which its operands differ from nothing
/// and all: adding or taking away one exact packet is a path.
#[derive(Clone)]
pub struct Space {
    pub(crate) layout: Layout,
    pub(crate) arena: Arena,
    memo: Memo,
    ors: Memo,
}

/// Nodes given back after each operation, besides two for each it made: a large set that was let go is cleared in passing
/// and no operation waits for it, and what waits stays bounded.
const RECLAIM: usize = 64;

impl Space {
    /// An empty space.
    pub fn new(layout: Layout) -> Self {
        Self { layout, arena: Arena::new(), memo: Memo::new(), ors: Memo::new() }
    }

    /// Its layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// No packet.
    pub fn none(&self) -> Set {
        Set(NONE)
    }

    /// Every packet.
    pub fn all(&self) -> Set {
        Set(ALL)
    }

    /// Packets with exactly this value in a field; bits above its width are ignored.
    pub fn exact(&mut self, field: Field, value: u128) -> Set {
        let width = self.layout.place(field).width;
        self.prefix(field, value, width)
    }

    /// Packets whose field begins with the first `len` bits of `value` (all if `len` is 0).
    pub fn prefix(&mut self, field: Field, value: u128, len: u16) -> Set {
        let place = self.layout.place(field);
        Set(make_run(&mut self.arena, place.start, len.min(place.width), value << (128 - place.width), ALL))
    }

    /// Packets whose field has the bits of `value` wherever `mask` has ones.
    pub fn masked(&mut self, field: Field, value: u128, mask: u128) -> Set {
        self.conjunction(&[(field, value, mask)])
    }

    /// Packets that have, in each of these fields, the bits of value (second) wherever mask (third) has ones. Cheaper
    /// than meeting the fields' sets one by one. A field named twice must satisfy both.
    pub fn conjunction(&mut self, fields: &[(Field, u128, u128)]) -> Set {
        let sorted = fields.windows(2).all(|w| w[0].0 < w[1].0);
        if !sorted {
            return self.unsorted(fields);
        }
        let mut edge = ALL;
        for &(field, value, mask) in fields.iter().rev() {
            let place = self.layout.place(field);
            let (value, mut mask) = (value << (128 - place.width), mask << (128 - place.width));
            // Stretches of ones in the mask, last first.
            let mut runs = [(0u16, 0u16); 65];
            let mut n = 0;
            let mut at = 0;
            while mask != 0 {
                let gap = mask.leading_zeros();
                at += gap as u16;
                mask <<= gap;
                let len = mask.leading_ones();
                runs[n] = (at, len as u16);
                n += 1;
                at += len as u16;
                mask = mask.checked_shl(len).unwrap_or(0);
            }
            for &(at, len) in runs[..n].iter().rev() {
                edge = make_run(&mut self.arena, place.start + at, len, value << at, edge);
            }
        }
        self.settle();
        Set(edge)
    }

    fn unsorted(&mut self, fields: &[(Field, u128, u128)]) -> Set {
        let mut set = self.all();
        for one in fields {
            let part = self.conjunction(std::slice::from_ref(one));
            let next = self.and(&set, &part);
            self.release(part);
            self.release(std::mem::replace(&mut set, next));
        }
        set
    }

    /// Packets whose field is from `low` to `high`, both included.
    pub fn range(&mut self, field: Field, low: u128, high: u128) -> Set {
        let place = self.layout.place(field);
        let top = if place.width == 128 { u128::MAX } else { (1 << place.width) - 1 };
        let high = high.min(top);
        if low > high {
            return self.none();
        }
        // At least low: from the last bit up, a 1 in `low` asks for a 1, a 0 lets a 1 go free. The same for `high`.
        let (mut least, mut most) = (ALL, ALL);
        for bit in (0..place.width).rev() {
            let at = place.start + bit;
            let shift = u32::from(place.width - 1 - bit);
            least = match low >> shift & 1 {
                1 => make_branch(&mut self.arena, at, NONE, least),
                _ => make_branch(&mut self.arena, at, least, ALL),
            };
            most = match high >> shift & 1 {
                1 => make_branch(&mut self.arena, at, ALL, most),
                _ => make_branch(&mut self.arena, at, most, NONE),
            };
        }
        let (least, most) = (Set(least), Set(most));
        let both = self.and(&least, &most);
        self.release(least);
        self.release(most);
        both
    }

    /// Exactly this packet.
    pub fn packet(&mut self, packet: &Packet) -> Set {
        let fields: Vec<_> = self.layout.fields().map(|(f, ..)| (f, packet.get(f), u128::MAX)).collect();
        self.conjunction(&fields)
    }

    /// What is in both.
    pub fn and(&mut self, a: &Set, b: &Set) -> Set {
        self.memo.begin();
        let edge = and(&mut self.arena, &mut self.memo, View::of(a.0), View::of(b.0));
        self.settle();
        Set(edge)
    }

    /// What is in one of them, or both.
    pub fn or(&mut self, a: &Set, b: &Set) -> Set {
        self.memo.begin();
        let edge = and(&mut self.arena, &mut self.memo, View::of(a.0 ^ 1), View::of(b.0 ^ 1)) ^ 1;
        self.settle();
        Set(edge)
    }

    /// What is in `a` and not in `b`.
    pub fn diff(&mut self, a: &Set, b: &Set) -> Set {
        self.memo.begin();
        let edge = and(&mut self.arena, &mut self.memo, View::of(a.0), View::of(b.0 ^ 1));
        self.settle();
        Set(edge)
    }

    /// What is not in it.
    pub fn not(&mut self, a: &Set) -> Set {
        self.arena.keep(a.0);
        Set(a.0 ^ 1)
    }

    /// The packets that are in the set for some value of the field: the field made free.
    pub fn forget(&mut self, a: &Set, field: Field) -> Set {
        self.forget_all(a, &[field])
    }

    /// The same for several fields at once, in any order.
    pub fn forget_all(&mut self, a: &Set, fields: &[Field]) -> Set {
        let mut free: Vec<(u16, u16)> = fields
            .iter()
            .map(|f| self.layout.place(*f))
            .map(|place| (place.start, place.start + place.width))
            .collect();
        free.sort_unstable();
        free.dedup();
        self.memo.begin();
        self.ors.begin();
        let edge = forget(&mut self.arena, &mut self.memo, &mut self.ors, View::of(a.0), &free);
        self.settle();
        Set(edge)
    }

    /// Is no packet in it?
    pub fn is_empty(&self, a: &Set) -> bool {
        a.0 == NONE
    }

    /// Is every packet in it?
    pub fn is_all(&self, a: &Set) -> bool {
        a.0 == ALL
    }

    /// Is no packet in both? Makes no node.
    pub fn disjoint(&mut self, a: &Set, b: &Set) -> bool {
        self.memo.begin();
        disjoint(&self.arena, &mut self.memo, View::of(a.0), View::of(b.0))
    }

    /// Is every packet of `a` in `b`? Makes no node.
    pub fn is_subset(&mut self, a: &Set, b: &Set) -> bool {
        self.memo.begin();
        disjoint(&self.arena, &mut self.memo, View::of(a.0), View::of(b.0 ^ 1))
    }

    /// A second owner of the same set.
    pub fn share(&mut self, a: &Set) -> Set {
        self.arena.keep(a.0);
        Set(a.0)
    }

    /// Gives a set back.
    pub fn release(&mut self, a: Set) {
        self.arena.release(a.0);
    }

    /// Adds `b` to `a`, which becomes the union.
    pub fn add(&mut self, a: &mut Set, b: &Set) {
        let next = self.or(a, b);
        self.release(std::mem::replace(a, next));
    }

    /// Takes `b` away from `a`.
    pub fn take(&mut self, a: &mut Set, b: &Set) {
        let next = self.diff(a, b);
        self.release(std::mem::replace(a, next));
    }

    /// Nodes in use.
    pub fn nodes(&self) -> usize {
        self.arena.live()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.arena.bytes() + self.memo.bytes() + self.ors.bytes()
    }

    /// Gives back every node that no set needs. Never needed for correctness or bounds: operations do it in passing.
    pub fn reclaim_all(&mut self) {
        while self.arena.waiting() > 0 {
            self.arena.reclaim(usize::MAX);
        }
    }

    /// No operation is under way any more: what it left behind may go.
    fn settle(&mut self) {
        let made = self.arena.made();
        self.arena.reclaim(RECLAIM + 2 * made);
    }
}

#[cfg(test)]
mod tests;
