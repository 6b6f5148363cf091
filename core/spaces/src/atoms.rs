//! Equivalence classes of packets under a network's rules, kept while rules come and go.
//!
//! Each element (a switch, an access list) is a list of prioritised rules, each sending what it hits to one port. An
//! atom is a set of packets that every element treats alike; atoms are disjoint, fill the space, and are as few as can
//! be: two atoms that go to the same port everywhere are merged (APKeep, NSDI 2020). Cost of a change: the rules that
//! overlap it, and the atoms at the ports it takes packets from.

use std::collections::{BTreeMap, BTreeSet};

use crate::query::Pattern;
use crate::space::{Set, Space};

/// Number of an element.
pub type Element = usize;
/// Number of an element's port.
pub type Port = u16;
/// Number of an atom; free again once it is merged away.
pub type Atom = usize;

/// A rule of an element.
#[derive(Debug)]
pub struct Rule {
    /// Higher wins; among equals the one installed first.
    pub priority: i64,
    /// Where the packets it hits go.
    pub port: Port,
    /// Packets outside of this are not matched: keeps rules apart quickly.
    pub hull: Pattern,
    /// What it matches.
    pub matches: Set,
}

/// The atoms of a group of elements. The sets belong to the space that every call is given: always the same one.
pub struct Atoms {
    elements: Vec<State>,
    atoms: Vec<Option<Class>>,
    free: Vec<Atom>,
    /// Atoms by what the whole network does with them.
    by_fate: BTreeMap<u64, Atom>,
}

struct State {
    /// Highest priority first; the last one matches everything and sends it to port 0.
    rules: Vec<Installed>,
    ports: Vec<Members>,
}

struct Installed {
    rule: Rule,
    /// What no rule above takes.
    hits: Set,
}

struct Class {
    set: Set,
    ports: Vec<Port>,
    fate: u64,
}

/// Atoms as bits.
#[derive(Debug, Default, Clone)]
pub struct Members(Vec<u64>);

impl Members {
    /// Is it one of them?
    pub fn has(&self, atom: Atom) -> bool {
        self.0.get(atom / 64).is_some_and(|word| word >> (atom % 64) & 1 == 1)
    }
    fn put(&mut self, atom: Atom) {
        if self.0.len() <= atom / 64 {
            self.0.resize(atom / 64 + 1, 0);
        }
        self.0[atom / 64] |= 1 << (atom % 64);
    }
    fn take(&mut self, atom: Atom) {
        if let Some(word) = self.0.get_mut(atom / 64) {
            *word &= !(1 << (atom % 64));
        }
    }
    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Atom> + '_ {
        self.0.iter().enumerate().flat_map(|(n, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                (left != 0).then(|| {
                    left &= left - 1;
                    n * 64 + bit
                })
            })
        })
    }
    /// Those in both.
    pub fn both(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }
    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

/// The rule is not installed at that element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such rule at element {0}")]
pub struct NoSuchRule(pub Element);

struct Change {
    set: Set,
    from: Port,
    to: Port,
}

impl Atoms {
    /// For so many elements, each sending everything to its port 0.
    pub fn new(space: &Space, elements: usize) -> Self {
        let layout = space.layout();
        let anything = Pattern(layout.fields().map(|_| (0, 0)).collect());
        let mut members = Members::default();
        members.put(0);
        let state = || State {
            rules: vec![Installed {
                rule: Rule { priority: i64::MIN, port: 0, hull: anything.clone(), matches: space.all() },
                hits: space.all(),
            }],
            ports: vec![members.clone()],
        };
        let ports = vec![0; elements];
        let fate = fate(&ports);
        Self {
            elements: (0..elements).map(|_| state()).collect(),
            atoms: vec![Some(Class { set: space.all(), ports, fate })],
            free: Vec::new(),
            by_fate: BTreeMap::from([(fate, 0)]),
        }
    }

    /// How many atoms there are.
    pub fn len(&self) -> usize {
        self.atoms.len() - self.free.len()
    }

    /// There is always one.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Where an element sends an atom.
    pub fn port(&self, element: Element, atom: Atom) -> Port {
        self.class(atom).ports[element]
    }

    /// The packets of an atom.
    pub fn set(&self, atom: Atom) -> &Set {
        &self.class(atom).set
    }

    /// The atoms an element sends to a port.
    pub fn at(&self, element: Element, port: Port) -> Members {
        self.elements[element].ports.get(usize::from(port)).cloned().unwrap_or_default()
    }

    /// Ports of an element that were ever used.
    pub fn ports(&self, element: Element) -> Port {
        self.elements[element].ports.len() as Port
    }

    /// Installs a rule. Returns the atoms that go elsewhere now.
    pub fn insert(&mut self, space: &mut Space, element: Element, rule: Rule) -> BTreeSet<Atom> {
        let state = &mut self.elements[element];
        while state.ports.len() <= usize::from(rule.port) {
            state.ports.push(Members::default());
        }
        let place = state.rules.partition_point(|r| r.rule.priority >= rule.priority);
        let mut hits = space.share(&rule.matches);
        for above in state.rules[..place].iter().filter(|r| overlap(&r.rule.hull, &rule.hull)) {
            space.take(&mut hits, &above.rule.matches);
        }
        let mut changes = Vec::new();
        let mut rest = space.share(&hits);
        for below in &mut state.rules[place..] {
            if space.is_empty(&rest) {
                break;
            }
            if !overlap(&below.rule.hull, &rule.hull) {
                continue;
            }
            let set = space.and(&below.hits, &rest);
            if space.is_empty(&set) {
                continue;
            }
            space.take(&mut below.hits, &set);
            space.take(&mut rest, &set);
            collect(space, &mut changes, Change { set, from: below.rule.port, to: rule.port });
        }
        space.release(rest);
        state.rules.insert(place, Installed { rule, hits });
        self.apply(space, element, changes)
    }

    /// Removes the rule of this priority, port and match. Returns the atoms that go elsewhere now.
    ///
    /// # Errors
    /// [`NoSuchRule`] if there is none; nothing changes then.
    pub fn remove(
        &mut self,
        space: &mut Space,
        element: Element,
        (priority, port, matches): (i64, Port, &Set),
    ) -> Result<BTreeSet<Atom>, NoSuchRule> {
        let state = &mut self.elements[element];
        let first = state.rules.partition_point(|r| r.rule.priority > priority);
        let is_it = |r: &Installed| r.rule.port == port && &r.rule.matches == matches;
        let mut equals = state.rules[first..].iter().take_while(|r| r.rule.priority == priority);
        let place = first + equals.position(is_it).ok_or(NoSuchRule(element))?;
        if place + 1 == state.rules.len() {
            return Err(NoSuchRule(element));
        }
        let Installed { rule, hits: mut rest } = state.rules.remove(place);
        let mut changes = Vec::new();
        for below in &mut state.rules[place..] {
            if space.is_empty(&rest) {
                break;
            }
            if !overlap(&below.rule.hull, &rule.hull) {
                continue;
            }
            let set = space.and(&below.rule.matches, &rest);
            if space.is_empty(&set) {
                continue;
            }
            space.add(&mut below.hits, &set);
            space.take(&mut rest, &set);
            collect(space, &mut changes, Change { set, from: rule.port, to: below.rule.port });
        }
        space.release(rest);
        space.release(rule.matches);
        Ok(self.apply(space, element, changes))
    }

    fn class(&self, atom: Atom) -> &Class {
        self.atoms[atom].as_ref().expect("a number of a living atom")
    }

    fn class_mut(&mut self, atom: Atom) -> &mut Class {
        self.atoms[atom].as_mut().expect("a number of a living atom")
    }

    fn apply(&mut self, space: &mut Space, element: Element, changes: Vec<Change>) -> BTreeSet<Atom> {
        let mut moved = BTreeSet::new();
        let mut touched = BTreeSet::new();
        for Change { mut set, from, to } in changes {
            let there = self.at(element, from);
            for atom in there.iter() {
                if space.disjoint(&self.class(atom).set, &set) {
                    continue;
                }
                let inside = space.and(&self.class(atom).set, &set);
                space.take(&mut set, &inside);
                self.unsettle(atom);
                touched.insert(atom);
                let whole = inside == self.class(atom).set;
                let mover = if whole {
                    space.release(inside);
                    atom
                } else {
                    let class = self.class_mut(atom);
                    space.take(&mut class.set, &inside);
                    self.split(atom, inside)
                };
                self.send(mover, element, to);
                touched.insert(mover);
                moved.insert(mover);
                if space.is_empty(&set) {
                    break;
                }
            }
            space.release(set);
        }
        for atom in touched {
            self.merge(space, atom, &mut moved);
        }
        moved
    }

    fn unsettle(&mut self, atom: Atom) {
        let fate = self.class(atom).fate;
        if self.by_fate.get(&fate) == Some(&atom) {
            self.by_fate.remove(&fate);
        }
    }

    fn split(&mut self, atom: Atom, set: Set) -> Atom {
        let (ports, fate) = (self.class(atom).ports.clone(), self.class(atom).fate);
        let new = self.free.pop().unwrap_or_else(|| {
            self.atoms.push(None);
            self.atoms.len() - 1
        });
        for (state, port) in self.elements.iter_mut().zip(&ports) {
            state.ports[usize::from(*port)].put(new);
        }
        self.atoms[new] = Some(Class { set, ports, fate });
        new
    }

    fn send(&mut self, atom: Atom, element: Element, to: Port) {
        let class = self.class_mut(atom);
        let from = std::mem::replace(&mut class.ports[element], to);
        class.fate = class.fate.wrapping_sub(mix(element, from)).wrapping_add(mix(element, to));
        let ports = &mut self.elements[element].ports;
        ports[usize::from(from)].take(atom);
        ports[usize::from(to)].put(atom);
    }

    /// Into the atom of the same fate, if there is one.
    fn merge(&mut self, space: &mut Space, atom: Atom, moved: &mut BTreeSet<Atom>) {
        let fate = self.class(atom).fate;
        let Some(&twin) = self.by_fate.get(&fate) else {
            self.by_fate.insert(fate, atom);
            return;
        };
        // Two fates of one number: the two stay apart, which is sound and costs one atom.
        if self.class(twin).ports != self.class(atom).ports {
            return;
        }
        let gone = self.atoms[atom].take().expect("a number of a living atom");
        for (state, port) in self.elements.iter_mut().zip(&gone.ports) {
            state.ports[usize::from(*port)].take(atom);
        }
        self.free.push(atom);
        space.add(&mut self.class_mut(twin).set, &gone.set);
        space.release(gone.set);
        if moved.remove(&atom) {
            moved.insert(twin);
        }
    }
}

/// Adds to the change of the same ports, if there is one.
fn collect(space: &mut Space, changes: &mut Vec<Change>, change: Change) {
    if change.from == change.to {
        space.release(change.set);
    } else if let Some(same) = changes.iter_mut().find(|c| (c.from, c.to) == (change.from, change.to)) {
        space.add(&mut same.set, &change.set);
        space.release(change.set);
    } else {
        changes.push(change);
    }
}

/// May two patterns have a packet in common?
fn overlap(a: &Pattern, b: &Pattern) -> bool {
    a.0.iter().zip(&b.0).all(|((v, m), (w, n))| (v ^ w) & m & n == 0)
}

fn fate(ports: &[Port]) -> u64 {
    ports.iter().enumerate().fold(0, |sum: u64, (element, port)| sum.wrapping_add(mix(element, *port)))
}

fn mix(element: Element, port: Port) -> u64 {
    let mut x = (element as u64) << 16 | u64::from(port);
    // splitmix64's finaliser.
    x = (x.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Layout, Packet};
    use proptest::prelude::*;

    const ELEMENTS: usize = 3;

    #[derive(Debug, Clone)]
    struct Wish {
        element: usize,
        priority: i64,
        port: Port,
        masks: [(u128, u128); 2],
    }

    fn wish() -> impl Strategy<Value = (bool, prop::sample::Index, Wish)> {
        let mask = (0u128..8, prop_oneof![Just(7u128), Just(6), Just(4), Just(0), Just(3)]);
        let wish = (0..ELEMENTS, 0i64..4, 1u16..4, prop::array::uniform2(mask))
            .prop_map(|(element, priority, port, masks)| Wish { element, priority, port, masks });
        (prop::bool::weighted(0.6), any::<prop::sample::Index>(), wish)
    }

    /// The port a naive reading of the rules sends a packet to.
    fn naive(rules: &[Wish], element: usize, packet: [u128; 2]) -> Port {
        let fits = |w: &&Wish| w.element == element && w.masks.iter().zip(packet).all(|((v, m), p)| (v ^ p) & m == 0);
        let hit =
            rules.iter().filter(fits).max_by(|a, b| a.priority.cmp(&b.priority).then(std::cmp::Ordering::Greater));
        hit.map_or(0, |w| w.port)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Every packet, every element, every step; as few atoms as there are different fates; moved atoms are told.
        #[test]
        fn atoms_are_the_fates_of_packets(steps in prop::collection::vec(wish(), 1..30)) {
            let mut space = Space::new(Layout::new(&[("x", 3), ("y", 3)]).unwrap());
            let mut atoms = Atoms::new(&space, ELEMENTS);
            let mut live: Vec<Wish> = Vec::new();
            let packets: Vec<[u128; 2]> = (0..8).flat_map(|x| (0..8).map(move |y| [x, y])).collect();
            for (insert, pick, wish) in steps {
                let before: Vec<Port> = packets.iter().map(|p| naive(&live, wish.element, *p)).collect();
                let conjuncts = |w: &Wish| [0, 1].map(|n| (Field(n as u16), w.masks[n].0, w.masks[n].1));
                let (moved, at) = if insert || live.is_empty() {
                    let matches = space.conjunction(&conjuncts(&wish));
                    let hull = Pattern(wish.masks.to_vec());
                    live.push(wish.clone());
                    let rule = Rule { priority: wish.priority, port: wish.port, hull, matches };
                    (atoms.insert(&mut space, wish.element, rule), wish.element)
                } else {
                    // Of equals the first goes.
                    let gone = live[pick.index(live.len())].clone();
                    let same = |w: &Wish| {
                        (w.element, w.priority, w.port) == (gone.element, gone.priority, gone.port)
                            && w.masks.iter().zip(&gone.masks).all(|((v, m), (u, n))| m == n && (v ^ u) & m == 0)
                    };
                    let first = live.iter().position(same).unwrap();
                    live.remove(first);
                    let matches = space.conjunction(&conjuncts(&gone));
                    let moved = atoms.remove(&mut space, gone.element, (gone.priority, gone.port, &matches)).unwrap();
                    space.release(matches);
                    (moved, gone.element)
                };
                let mut fates = BTreeSet::new();
                for (n, packet) in packets.iter().enumerate() {
                    let p = Packet(packet.to_vec());
                    let ids: Vec<Atom> = (0..atoms.atoms.len())
                        .filter(|a| atoms.atoms[*a].as_ref().is_some_and(|c| space.contains(&c.set, &p)))
                        .collect();
                    prop_assert_eq!(ids.len(), 1, "atoms are a partition");
                    let fate: Vec<Port> = (0..ELEMENTS).map(|e| naive(&live, e, *packet)).collect();
                    for (e, port) in fate.iter().enumerate() {
                        prop_assert_eq!(atoms.port(e, ids[0]), *port, "{:?} at {}", packet, e);
                        prop_assert!(atoms.at(e, *port).has(ids[0]));
                    }
                    if at == wish.element && before[n] != fate[at] {
                        prop_assert!(moved.contains(&ids[0]));
                    }
                    fates.insert(fate);
                }
                prop_assert_eq!(atoms.len(), fates.len(), "as few as can be");
            }
        }
    }

    #[test]
    fn a_rule_that_is_not_there_cannot_be_removed() {
        let mut space = Space::new(Layout::new(&[("x", 3)]).unwrap());
        let mut atoms = Atoms::new(&space, 1);
        let all = space.all();
        assert_eq!(atoms.remove(&mut space, 0, (i64::MIN, 0, &all)), Err(NoSuchRule(0)), "nor the last one");
        let some = space.exact(Field(0), 1);
        assert_eq!(atoms.remove(&mut space, 0, (1, 1, &some)), Err(NoSuchRule(0)));
    }
}
