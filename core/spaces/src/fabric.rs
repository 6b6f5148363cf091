//! Where packets go from port to port: forwarding loops.

use std::collections::{BTreeMap, BTreeSet};

use crate::atoms::{Atom, Atoms, Element, Members, Port};
use crate::space::Space;

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// An element that forwards, entered at one of its ports.
    Forwarder(Element),
    /// A place where an element of the filters stands: what goes to its port `pass` goes on.
    Filter {
        /// The list that is applied here.
        element: Element,
        /// Which of its places.
        place: u16,
        /// The port of what may pass.
        pass: Port,
    },
}

/// A port of a node that packets leave by.
pub type Hop = (Node, Port);

/// Links and groups of ports. Forwarders and filters have atoms of their own: their rules speak of different fields, and
/// the product of both would only be large.
#[derive(Debug, Default, Clone)]
pub struct Fabric {
    links: BTreeMap<Hop, Vec<Hop>>,
    groups: BTreeMap<(Element, Port), Vec<Port>>,
}

impl Fabric {
    /// A directed link.
    pub fn link(&mut self, from: Hop, to: Hop) {
        let ends = self.links.entry(from).or_default();
        if !ends.contains(&to) {
            ends.push(to);
        }
    }

    /// A port that stands for several others, such as a VLAN.
    pub fn group(&mut self, element: Element, port: Port, members: Vec<Port>) {
        self.groups.insert((element, port), members);
    }

    /// The cycles that packets of these atoms can now run in, beginning at `from`; each once, however many packets.
    pub fn loops(
        &self,
        space: &mut Space,
        (forwarding, filters): (&Atoms, &Atoms),
        from: Element,
        moved: &BTreeSet<Atom>,
    ) -> BTreeSet<Vec<Hop>> {
        let mut walk = Walk { fabric: self, space, forwarding, filters, found: BTreeSet::new(), path: Vec::new() };
        for atom in moved {
            walk.leave(from, None, *atom, None);
        }
        walk.found
    }
}

struct Walk<'a> {
    fabric: &'a Fabric,
    space: &'a mut Space,
    forwarding: &'a Atoms,
    filters: &'a Atoms,
    found: BTreeSet<Vec<Hop>>,
    path: Vec<Hop>,
}

impl Walk<'_> {
    /// Out of every port that the forwarder sends the atom to, but not back where it came from.
    fn leave(&mut self, element: Element, entered: Option<Port>, atom: Atom, passed: Option<&Members>) {
        let port = self.forwarding.port(element, atom);
        let fabric = self.fabric;
        let single = [port];
        let ports = fabric.groups.get(&(element, port)).map_or(&single[..], Vec::as_slice);
        for port in ports.iter().filter(|p| Some(**p) != entered) {
            self.hop((Node::Forwarder(element), *port), atom, passed);
        }
    }

    fn hop(&mut self, hop: Hop, atom: Atom, passed: Option<&Members>) {
        if let Some(begin) = self.path.iter().position(|h| *h == hop) {
            if self.is_real(atom, passed) {
                // One name for a cycle, wherever it was entered.
                let mut cycle = self.path[begin..].to_vec();
                let least = (0..cycle.len()).min_by_key(|n| cycle[*n]).unwrap_or(0);
                cycle.rotate_left(least);
                self.found.insert(cycle);
            }
            return;
        }
        let fabric = self.fabric;
        let Some(ends) = fabric.links.get(&hop) else { return };
        self.path.push(hop);
        for (node, entered) in ends {
            match node {
                Node::Forwarder(element) => self.leave(*element, Some(*entered), atom, passed),
                Node::Filter { element, pass, .. } => {
                    let here = self.filters.at(*element, *pass);
                    let left = passed.map_or_else(|| here.clone(), |p| p.both(&here));
                    if !left.is_empty() {
                        self.hop((*node, *pass), atom, Some(&left));
                    }
                }
            }
        }
        self.path.pop();
    }

    /// Does some packet of the atom pass the filters on the way?
    fn is_real(&mut self, atom: Atom, passed: Option<&Members>) -> bool {
        let Some(passed) = passed else { return true };
        passed.iter().any(|f| !self.space.disjoint(self.forwarding.set(atom), self.filters.set(f)))
    }
}
