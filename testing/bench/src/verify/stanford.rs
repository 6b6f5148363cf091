//! The published updates of the Stanford backbone through the generic model of `spaces`: the classes and loops that
//! others found must come out, and each update is timed.
//!
//! The data is not ours and is not in the repository: the environment names the folder that holds `stanford/` and
//! `stanford-noacl/` in the form of XJTU-NetVerify/apkeep.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use spaces::{Atoms, Fabric, Field, Hop, Layout, Node, Pattern, Port, Rule, Set, Space};

use crate::{BenchError, Peer, Row, Summary};

/// Names the folder of the data.
pub const VARIABLE: &str = "SEKISHO_STANFORD";

/// The folder of the data, if the environment names one that exists.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from).filter(|p| p.is_dir())
}

/// `stanford-update` (7,680 updates without access lists) and `stanford-acl-update` (9,052 with): microseconds an
/// update, loops looked for in each. The mean stands in rows of its own, beside that of APKeep as published for this
/// machine class; the peer is not run here.
///
/// # Errors
/// [`BenchError`] if the data cannot be read, or if other classes or loops come out than are known.
pub fn stanford(data: &Path, progress: &dyn Fn(&str)) -> Result<Vec<Row>, BenchError> {
    let mut rows = Vec::new();
    let sets = [("stanford-noacl", "stanford-update", 494, 52.0), ("stanford", "stanford-acl-update", 515, 62.0)];
    for (name, metric, classes, published) in sets {
        progress(&format!("{metric}: updates of {name}"));
        // The first time round warms up caches; the second is measured.
        let mut outcome = run(&data.join(name))?;
        outcome.times = run(&data.join(name))?.times;
        if (outcome.classes, outcome.loops) != (classes, 20) {
            return Err(BenchError::Network(format!(
                "{name}: {} classes and {} loops; {classes} and 20 are known",
                outcome.classes, outcome.loops
            )));
        }
        let mean = outcome.times.iter().sum::<f64>() / outcome.times.len() as f64;
        let n = outcome.times.len();
        if let Some(ours) = Summary::of_times(outcome.times) {
            rows.push(Row::new(metric, "us", ours, None));
        }
        let one = |median| Summary { median, p99: median, n };
        let peer = Peer { name: "APKeep, published figures".to_owned(), summary: one(published) };
        rows.push(Row::new(format!("{metric}-mean"), "us", one(mean), Some(peer)));
    }
    Ok(rows)
}

/// What came out of one data set.
#[derive(Debug)]
pub struct Outcome {
    /// Equivalence classes after all inserts.
    pub classes: usize,
    /// Different cycles found after some update.
    pub loops: usize,
    /// Classes after everything was removed again.
    pub left: usize,
    /// Microseconds of each update.
    pub times: Vec<f64>,
}

/// Runs one data set.
///
/// # Errors
/// [`BenchError`] naming the file or line that cannot be read.
pub fn run(data: &Path) -> Result<Outcome, BenchError> {
    let read = |name: &str| {
        let path = data.join(name);
        fs::read_to_string(&path).map_err(|e| BenchError::Network(format!("{}: {e}", path.display())))
    };
    let (topology, vlans, updates) = (read("topo.txt")?, read("vlan.txt")?, read("updates")?);
    let lines: Vec<Vec<&str>> = updates.lines().map(|l| l.split_whitespace().collect()).collect();
    let mut backbone = Backbone::new(&topology, &vlans, &lines)?;
    let (mut loops, mut classes, mut times) = (BTreeSet::new(), None, Vec::with_capacity(lines.len()));
    for words in &lines {
        if words[0] == "-" && classes.is_none() {
            classes = Some(backbone.classes());
        }
        let begin = Instant::now();
        let found = backbone.update(words)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        loops.extend(found);
    }
    Ok(Outcome {
        classes: classes.unwrap_or_else(|| backbone.classes()),
        loops: loops.len(),
        left: backbone.classes(),
        times,
    })
}

/// Numbers for names, port 0 being where an element sends what no rule matches.
#[derive(Default)]
struct Names {
    elements: BTreeMap<String, usize>,
    ports: BTreeMap<(usize, String), Port>,
    next: BTreeMap<usize, Port>,
}

impl Names {
    fn element(&mut self, name: &str) -> usize {
        let new = self.elements.len();
        *self.elements.entry(name.to_owned()).or_insert(new)
    }
    fn port(&mut self, element: usize, name: &str) -> Port {
        *self.ports.entry((element, name.to_owned())).or_insert_with(|| {
            let next = self.next.entry(element).or_insert(0);
            *next += 1;
            *next
        })
    }
}

const PERMIT: Port = 1;

struct Backbone {
    space: Space,
    fields: [Field; 5],
    forwarders: Names,
    filters: Names,
    forwarding: Atoms,
    filtering: Atoms,
    /// The device an access list belongs to.
    device_of: BTreeMap<usize, usize>,
    fabric: Fabric,
}

fn wrong(what: &str, words: &[&str]) -> BenchError {
    BenchError::Network(format!("{what}: `{}`", words.join(" ")))
}

impl Backbone {
    fn new(topology: &str, vlans: &str, updates: &[Vec<&str>]) -> Result<Self, BenchError> {
        let (mut forwarders, mut filters) = (Names::default(), Names::default());
        let (mut fabric, mut device_of) = (Fabric::default(), BTreeMap::new());
        let mut places = BTreeMap::new();
        // `coza_rtr_inACL_te2/1_in` is the list `coza_rtr_inACL` at one of its places.
        let list_of = |name: &str| name.splitn(4, '_').take(3).collect::<Vec<_>>().join("_");
        let device = |name: &str| name.splitn(3, '_').take(2).collect::<Vec<_>>().join("_");
        for line in topology.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [from, from_port, to, to_port] = words[..] else { return Err(wrong("no link", &words)) };
            let mut hop = |name: &str, port: &str| {
                if name.ends_with("_in") || name.ends_with("_out") {
                    let element = filters.element(&list_of(name));
                    let new = places.len() as u16;
                    let place = *places.entry(name.to_owned()).or_insert(new);
                    (Node::Filter { element, place, pass: PERMIT }, PERMIT)
                } else {
                    let element = forwarders.element(name);
                    (Node::Forwarder(element), forwarders.port(element, port))
                }
            };
            let (from, to) = (hop(from, from_port), hop(to, to_port));
            fabric.link(from, to);
        }
        for line in vlans.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, vlan, members @ ..] = &words[..] else { continue };
            let element = forwarders.element(name);
            let members: BTreeSet<Port> = members.iter().map(|m| forwarders.port(element, m)).collect();
            fabric.group(element, forwarders.port(element, vlan), members.into_iter().collect());
        }
        for words in updates {
            match words[..] {
                [_, "fwd", name, _, _, port, _] => {
                    let element = forwarders.element(name);
                    forwarders.port(element, port);
                }
                [_, "acl", name, ..] => {
                    let of = forwarders.element(&device(name));
                    device_of.insert(filters.element(name), of);
                }
                _ => return Err(wrong("no update", words)),
            }
        }
        let layout = [("dst", 32), ("src", 32), ("proto", 8), ("dport", 16), ("sport", 16)];
        let space = Space::new(Layout::new(&layout).map_err(|e| BenchError::Network(e.to_string()))?);
        let field = |name: &str| space.layout().field(name).expect("a field of the layout above");
        let fields = ["dst", "src", "proto", "dport", "sport"].map(field);
        let forwarding = Atoms::new(&space, forwarders.elements.len());
        let filtering = Atoms::new(&space, filters.elements.len());
        Ok(Self { space, fields, forwarders, filters, forwarding, filtering, device_of, fabric })
    }

    fn classes(&self) -> usize {
        // Without access lists there is nothing to class by them.
        self.forwarding.len() + if self.device_of.is_empty() { 0 } else { self.filtering.len() }
    }

    /// One update; the cycles that what it moved now runs in.
    fn update(&mut self, words: &[&str]) -> Result<BTreeSet<Vec<Hop>>, BenchError> {
        let insert = words[0] == "+";
        if words[1] == "fwd" {
            let number = |n: usize| words[n].parse::<i64>().map_err(|_| wrong("no number", words));
            let element = self.forwarders.element(words[2]);
            let port = self.forwarders.port(element, words[5]);
            let (address, len) = (number(3)? as u128, number(4)? as u16);
            let matches = self.space.prefix(self.fields[0], address, len);
            let mask = if len == 0 { 0 } else { u128::from(u32::MAX << (32 - len)) };
            let hull = Pattern(vec![(address & mask, mask)]);
            let rule = Rule { priority: number(6)?, port, hull, matches };
            let moved = change(&mut self.space, &mut self.forwarding, element, rule, insert, words)?;
            Ok(self.loops(element, &moved))
        } else {
            let element = self.filters.element(words[2]);
            let rule = self.filter(words)?;
            let moved = change(&mut self.space, &mut self.filtering, element, rule, insert, words)?;
            if moved.is_empty() {
                return Ok(BTreeSet::new());
            }
            let device = self.device_of[&element];
            let nowhere = self.forwarding.at(device, 0);
            let all: BTreeSet<usize> = (1..self.forwarding.ports(device))
                .flat_map(|p| self.forwarding.at(device, p).iter().collect::<Vec<_>>())
                .filter(|a| !nowhere.has(*a))
                .collect();
            Ok(self.loops(device, &all))
        }
    }

    fn loops(&mut self, element: usize, moved: &BTreeSet<usize>) -> BTreeSet<Vec<Hop>> {
        self.fabric.loops(&mut self.space, (&self.forwarding, &self.filtering), element, moved)
    }

    fn filter(&mut self, words: &[&str]) -> Result<Rule, BenchError> {
        let [_, _, _, _, _, verdict, pf, pt, src, src_wild, sf, st, dst, dst_wild, df, dt, priority] = words[..] else {
            return Err(wrong("no access list line", words));
        };
        let number = |text: &str| text.parse::<u128>().map_err(|_| wrong("no number", words));
        let address = |text: &str| {
            text.parse::<std::net::Ipv4Addr>().map(|a| u128::from(u32::from(a))).map_err(|_| wrong("no address", words))
        };
        let masked = |value: &str, wild: &str| -> Result<(u128, u128), BenchError> {
            if value == "any" {
                return Ok((0, 0));
            }
            let free = if wild == "null" { 0 } else { address(wild)? };
            let mask = u128::from(u32::MAX) & !free;
            Ok((address(value)? & mask, mask))
        };
        let [d, s, proto, dport, sport] = self.fields;
        let (dst, src) = (masked(dst, dst_wild)?, masked(src, src_wild)?);
        let hull = Pattern(vec![dst, src]);
        let mut matches = self.space.conjunction(&[(d, dst.0, dst.1), (s, src.0, src.1)]);
        for (field, low, high) in [(proto, pf, pt), (dport, df, dt), (sport, sf, st)] {
            if low != "null" {
                let (low, high) = (number(low)?, if high == "null" { number(low)? } else { number(high)? });
                let range = self.space.range(field, low, high);
                let next = self.space.and(&matches, &range);
                self.space.release(range);
                self.space.release(std::mem::replace(&mut matches, next));
            }
        }
        let priority = priority.parse().map_err(|_| wrong("no number", words))?;
        Ok(Rule { priority, port: if verdict == "permit" { PERMIT } else { 0 }, hull, matches })
    }
}

fn change(
    space: &mut Space,
    atoms: &mut Atoms,
    element: usize,
    rule: Rule,
    insert: bool,
    words: &[&str],
) -> Result<BTreeSet<usize>, BenchError> {
    if insert {
        return Ok(atoms.insert(space, element, rule));
    }
    let matches: Set = rule.matches;
    let moved = atoms.remove(space, element, (rule.priority, rule.port, &matches));
    space.release(matches);
    moved.map_err(|_| wrong("no such rule", words))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 494 classes without access lists, 515 with, 20 loops: what APKeep and Flash find in the same data.
    #[test]
    fn the_published_classes_and_loops_come_out() {
        let Some(data) = folder() else {
            eprintln!("SKIPPED: {VARIABLE} does not name the folder of the Stanford backbone data");
            return;
        };
        for (name, classes) in [("stanford-noacl", 494), ("stanford", 515)] {
            let outcome = run(&data.join(name)).unwrap();
            let lists = usize::from(name == "stanford");
            let found = (outcome.classes, outcome.loops, outcome.left);
            assert_eq!(found, (classes, 20, 1 + lists), "{name}");
        }
    }
}
