//! Sets of one piece of work, all given back at its end.

use spaces::{Packet, Set, Space};

use super::header::{At, Cube, field};

/// A set of the work, by number.
pub(super) type Have = usize;

pub(super) struct Work<'a> {
    pub space: &'a mut Space,
    held: Vec<Set>,
}

impl<'a> Work<'a> {
    pub fn new(space: &'a mut Space) -> Self {
        Self { space, held: Vec::with_capacity(24) }
    }

    fn hold(&mut self, set: Set) -> Have {
        self.held.push(set);
        self.held.len() - 1
    }

    pub fn have(&mut self, set: &Set) -> Have {
        let set = self.space.share(set);
        self.hold(set)
    }

    pub fn cube(&mut self, cube: &Cube) -> Have {
        let set = cube.set(self.space);
        self.hold(set)
    }

    pub fn is(&mut self, at: At, value: u128) -> Have {
        let field = field(self.space, at);
        let set = self.space.exact(field, value);
        self.hold(set)
    }

    pub fn and(&mut self, a: Have, b: Have) -> Have {
        let set = self.space.and(&self.held[a], &self.held[b]);
        self.hold(set)
    }

    pub fn or(&mut self, a: Have, b: Have) -> Have {
        let set = self.space.or(&self.held[a], &self.held[b]);
        self.hold(set)
    }

    pub fn less(&mut self, a: Have, b: Have) -> Have {
        let set = self.space.diff(&self.held[a], &self.held[b]);
        self.hold(set)
    }

    pub fn and_set(&mut self, a: Have, b: &Set) -> Have {
        let set = self.space.and(&self.held[a], b);
        self.hold(set)
    }

    pub fn less_set(&mut self, a: Have, b: &Set) -> Have {
        if self.is_empty(a) {
            return a;
        }
        let set = self.space.diff(&self.held[a], b);
        self.hold(set)
    }

    pub fn forget(&mut self, a: Have, fields: &[At]) -> Have {
        if self.is_empty(a) {
            return a;
        }
        let fields: Vec<_> = fields.iter().map(|at| field(self.space, *at)).collect();
        let set = self.space.forget_all(&self.held[a], &fields);
        self.hold(set)
    }

    pub fn is_empty(&self, a: Have) -> bool {
        self.space.is_empty(&self.held[a])
    }

    pub fn witness(&self, a: Have) -> Option<Packet> {
        self.space.witness(&self.held[a])
    }

    /// The set, owned by the caller.
    pub fn keep(&mut self, a: Have) -> Set {
        self.space.share(&self.held[a])
    }

    pub fn set(&self, a: Have) -> &Set {
        &self.held[a]
    }

    pub fn done(self) {
        for set in self.held {
            self.space.release(set);
        }
    }
}
