//! What is in a set.

use std::collections::BTreeMap;

use crate::arena::{ALL, Edge, NONE};
use crate::layout::{Field, Packet};
use crate::space::{Set, Space};

/// For each field the bits wanted (first) where the mask (second) has ones: a part of a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(pub Vec<(u128, u128)>);

impl Pattern {
    /// Value and mask of a field; free for a field the layout does not have.
    pub fn get(&self, field: Field) -> (u128, u128) {
        self.0.get(usize::from(field.0)).copied().unwrap_or((0, 0))
    }

    /// Its packet with zeros wherever a bit is free.
    pub fn packet(&self) -> Packet {
        Packet(self.0.iter().map(|(value, _)| *value).collect())
    }
}

impl Space {
    /// Is this packet in the set? Costs no more than the bits of a packet.
    pub fn contains(&self, set: &Set, packet: &Packet) -> bool {
        let bits = Bits::of(self, packet);
        let mut edge = set.0;
        while edge > ALL {
            let node = self.arena.node(edge);
            let flip = edge & 1;
            if bits.window(node.start, u16::from(node.len)) != node.run() {
                return flip == 1;
            }
            edge = flip ^ if node.branches() && bits.bit(node.end()) { node.hi } else { node.lo };
        }
        edge == ALL
    }

    /// A packet of the set, or nothing if it is empty. Free bits are zero.
    pub fn witness(&self, set: &Set) -> Option<Packet> {
        self.boxes(set).next().map(|pattern| pattern.packet())
    }

    /// The set as disjoint patterns, in order of their bits. There may be very many: take what is needed.
    pub fn boxes<'a>(&'a self, set: &Set) -> Boxes<'a> {
        Boxes { space: self, stack: vec![(set.0, 0, Vec::new())] }
    }

    /// How many packets are in it. Exact up to 2^53; above that, rounded.
    pub fn count(&self, set: &Set) -> f64 {
        let mut known = BTreeMap::new();
        self.density(set.0, &mut known) * f64::from(self.layout.bits()).exp2()
    }

    /// The share of all packets that is in an edge.
    fn density(&self, edge: Edge, known: &mut BTreeMap<Edge, f64>) -> f64 {
        if edge <= ALL {
            return f64::from(edge);
        }
        let plain = match known.get(&(edge & !1)) {
            Some(found) => *found,
            None => {
                let node = *self.arena.node(edge);
                let below = if node.branches() {
                    (self.density(node.lo, known) + self.density(node.hi, known)) / 2.0
                } else {
                    self.density(node.lo, known)
                };
                let share = below * (-f64::from(node.len)).exp2();
                known.insert(edge & !1, share);
                share
            }
        };
        if edge & 1 == 1 { 1.0 - plain } else { plain }
    }

    /// The values a field takes in the set as disjoint (value, mask) pairs, in order.
    pub fn values(&mut self, set: &Set, field: Field) -> Vec<(u128, u128)> {
        let others: Vec<Field> = self.layout.fields().map(|(f, ..)| f).filter(|f| *f != field).collect();
        let left = self.forget_all(set, &others);
        let values = self.boxes(&left).map(|p| p.get(field)).collect();
        self.release(left);
        values
    }
}

/// Bits of one packet as the diagram numbers them.
struct Bits(Vec<u64>);

impl Bits {
    fn of(space: &Space, packet: &Packet) -> Self {
        // One word more, so that a window never ends outside.
        let mut words = vec![0u64; usize::from(space.layout.bits()) / 64 + 4];
        for (field, place) in space.layout.fields.iter().enumerate() {
            let value = packet.get(Field(field as u16)) << (128 - place.width);
            let (word, shift) = (usize::from(place.start) / 64, u32::from(place.start) % 64);
            let (high, low) = (value >> shift, if shift == 0 { 0 } else { value << (128 - shift) });
            words[word] |= (high >> 64) as u64;
            words[word + 1] |= high as u64;
            words[word + 2] |= (low >> 64) as u64;
        }
        Self(words)
    }

    fn bit(&self, at: u16) -> bool {
        self.0[usize::from(at) / 64] >> (63 - at % 64) & 1 == 1
    }

    /// `len` bits from `start`, the first on top.
    fn window(&self, start: u16, len: u16) -> u128 {
        if len == 0 {
            return 0;
        }
        let (word, shift) = (usize::from(start) / 64, u32::from(start) % 64);
        let wide = u128::from(self.0[word]) << 64 | u128::from(self.0[word + 1]);
        let wide = if shift == 0 { wide } else { wide << shift | u128::from(self.0[word + 2] >> (64 - shift)) };
        wide & (u128::MAX << (128 - u32::from(len)))
    }
}

/// Disjoint patterns of a set; see [`Space::boxes`].
pub struct Boxes<'a> {
    space: &'a Space,
    /// What is still to be walked, and the literal stretches on the way there.
    stack: Vec<(Edge, u16, Vec<Literal>)>,
}

/// From a bit on, so many bits, the first on top.
type Literal = (u16, u16, u128);

impl Iterator for Boxes<'_> {
    type Item = Pattern;

    fn next(&mut self) -> Option<Pattern> {
        const ONE: u128 = 1 << 127;
        while let Some((edge, skip, path)) = self.stack.pop() {
            if edge == NONE {
                continue;
            }
            if edge == ALL {
                return Some(self.pattern(&path));
            }
            let node = *self.space.arena.node(edge);
            let flip = edge & 1;
            let (at, left) = (node.start + skip, u16::from(node.len) - skip);
            let with = |literal| path.iter().copied().chain([literal]).collect::<Vec<_>>();
            if left > 0 && flip == 1 {
                // A complement: whatever leaves the run at its first bit is in; the rest is decided further down.
                let run = node.run() << skip;
                let first = run & ONE;
                self.push_behind(edge, skip + 1, with((at, 1, first)));
                self.stack.push((ALL, 0, with((at, 1, first ^ ONE))));
            } else if left > 0 {
                self.push_behind(edge, u16::from(node.len), with((at, left, node.run() << skip)));
            } else {
                self.stack.push((node.hi ^ flip, 0, with((at, 1, ONE))));
                self.stack.push((node.lo ^ flip, 0, with((at, 1, 0))));
            }
        }
        None
    }
}

impl Boxes<'_> {
    fn push_behind(&mut self, edge: Edge, skip: u16, path: Vec<Literal>) {
        let node = self.space.arena.node(edge);
        if skip == u16::from(node.len) && !node.branches() {
            self.stack.push((node.lo ^ (edge & 1), 0, path));
        } else {
            self.stack.push((edge, skip, path));
        }
    }

    fn pattern(&self, path: &[Literal]) -> Pattern {
        let places = self.space.layout.fields.iter();
        let cut = |start: u16, width: u16, mask: bool| {
            let mut out = 0u128;
            for (at, len, run) in path {
                let bits = if mask { u128::MAX << (128 - u32::from(*len)) } else { *run };
                // Move the stretch to where the field begins; what sticks out falls off.
                let moved = if *at >= start {
                    bits.checked_shr(u32::from(at - start)).unwrap_or(0)
                } else {
                    bits.checked_shl(u32::from(start - at)).unwrap_or(0)
                };
                out |= moved;
            }
            out >> (128 - width)
        };
        Pattern(places.map(|p| (cut(p.start, p.width, false), cut(p.start, p.width, true))).collect())
    }
}
