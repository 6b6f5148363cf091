//! Lemmas of masks and prefixes at full width: what every region, every index and every overlap check stands on.

use crate::lemmas::Lemma;
use crate::symbol::{ADDRESS, CT, Cube, MAC, Net, PORT};
use crate::term::{Term, all, bits, word, yes};
use crate::walk;

pub fn lemmas() -> Vec<Lemma> {
    let mut out = Vec::new();
    for (id, inside, beyond, width) in
        [("M01", "M02", "M03", PORT), ("M04", "M05", "M06", CT), ("M07", "M08", "M09", ADDRESS)]
    {
        out.push(intersection(id, width));
        out.push(subset(inside, width));
        out.push(not_subset(beyond, width));
    }
    out.extend([nested(), net_intersection(), overlap_side_by_side(), interval("M13", ADDRESS), interval("M14", PORT)]);
    out.extend([same_interval(), exact_is_one(), tracked_states_part(), mac_rewritten()]);
    out
}

fn cubes(width: u32) -> (Cube, Cube, Term) {
    let cube = |name: &str| Cube { has: yes(), ..Cube::new(name, width) };
    (cube("a"), cube("b"), word("x", width))
}

fn clean(c: &Cube) -> Term {
    (&c.value & !&c.mask).is_value(0u8)
}

const MASKS: &[&str] = &["a", "b", "c", "x"];

fn intersection(id: &'static str, width: u32) -> Lemma {
    let (a, b, x) = cubes(width);
    let (met, both) = walk::cube(&a, &b);
    Lemma {
        id,
        says: "the meet of two masked values holds exactly what both hold, and nothing if they differ where both look",
        serves: &["I05", "X1"],
        given: vec![("no stray bits", clean(&a) & clean(&b))],
        then: (a.takes(&x) & b.takes(&x)).is(&(met & both.takes(&x))),
        needs: &["no stray bits"],
        shows: MASKS,
    }
}

/// Is `a` inside `b`, by looking at masks alone?
fn inside(a: &Cube, b: &Cube) -> Term {
    (&b.mask & !&a.mask).is_value(0u8) & ((&a.value ^ &b.value) & &b.mask).is_value(0u8)
}

fn subset(id: &'static str, width: u32) -> Lemma {
    let (a, b, x) = cubes(width);
    Lemma {
        id,
        says: "a masked value whose mask looks at more, and equals the other where that looks, lies inside it",
        serves: &["I05", "X1"],
        given: vec![("the masks say inside", inside(&a, &b)), ("x is in the first", a.takes(&x))],
        then: clean(&b).implies(&b.takes(&x)),
        needs: &["the masks say inside", "x is in the first"],
        shows: MASKS,
    }
}

fn not_subset(id: &'static str, width: u32) -> Lemma {
    let (a, b, _) = cubes(width);
    // One witness for each of the two ways not to be inside: a value of `a`, or that with the bits only `b` looks at
    // turned round.
    let turned = &a.value ^ (&b.mask & !&a.mask);
    let outside = |x: &Term| a.takes(x) & !b.takes(x);
    Lemma {
        id,
        says: "where the masks do not say inside, one of two named values is in the first and not in the other",
        serves: &["I05", "X1"],
        given: vec![("no stray bits", clean(&a) & clean(&b)), ("the masks do not say inside", !inside(&a, &b))],
        then: outside(&a.value) | outside(&turned),
        needs: &["no stray bits", "the masks do not say inside"],
        shows: MASKS,
    }
}

fn nets() -> (Net, Net, Net) {
    let net = |name: &str| Net { has: yes(), ..Net::new(name) };
    (net("a"), net("b"), net("c"))
}

fn address() -> crate::symbol::Address {
    crate::symbol::Address::new("x")
}

fn nested() -> Lemma {
    let (a, b, _) = nets();
    let x = address();
    Lemma {
        id: "M10",
        says: "two prefixes with an address in common: one holds the other",
        serves: &["I02", "I05"],
        given: vec![
            ("masks are prefixes", a.well_formed() & b.well_formed()),
            ("x is in both", a.contains(&x) & b.contains(&x)),
        ],
        then: walk::holds(&a, &b) | walk::holds(&b, &a),
        needs: &["masks are prefixes", "x is in both"],
        shows: MASKS,
    }
}

fn net_intersection() -> Lemma {
    let (a, b, _) = nets();
    let x = address();
    let narrow = |n: &Net, other: &Net| walk::holds(other, n) & n.contains(&x);
    Lemma {
        id: "M11",
        says: "the narrower of two prefixes, if one holds the other, holds exactly what both hold; else they share nothing",
        serves: &["I05", "X1"],
        given: vec![("masks are prefixes", a.well_formed() & b.well_formed())],
        then: (a.contains(&x) & b.contains(&x)).is(&(narrow(&a, &b) | narrow(&b, &a))),
        needs: &["masks are prefixes"],
        shows: MASKS,
    }
}

/// The overlap check of a site's prefixes sorts them and looks at neighbours only.
fn overlap_side_by_side() -> Lemma {
    let (a, b, c) = nets();
    let x = address();
    let first = |n: &Net| &n.at.value & &n.mask;
    let before = |p: &Net, q: &Net| {
        let (v4, v6) = (!&p.at.v6, &q.at.v6);
        let less = first(p).at_most(&first(q)) & first(p).is_not(&first(q));
        // Among equals the wider first: its mask, as a number, is less.
        let level = first(p).is(&first(q)) & p.mask.at_most(&q.mask);
        (v4 & v6) | (p.at.v6.is(&q.at.v6) & (less | level))
    };
    Lemma {
        id: "M12",
        says: "of prefixes in order of first address, wider first, one that overlaps a later one holds the one beside it",
        serves: &["I02"],
        given: vec![
            ("masks are prefixes", a.well_formed() & b.well_formed() & c.well_formed()),
            ("in order", before(&a, &b) & before(&b, &c)),
            ("the outer two overlap", a.contains(&x) & c.contains(&x)),
        ],
        then: walk::holds(&a, &b),
        needs: &["masks are prefixes", "in order", "the outer two overlap"],
        shows: MASKS,
    }
}

/// Ranges are compiled to prefixes block by block; this is the step.
fn interval(id: &'static str, width: u32) -> Lemma {
    let (low, last, x) = (word("a", width), word("b", width), word("x", width));
    let one = bits(width, 1u8);
    let free = last.minus(&low);
    let block = (&free & free.plus(&one)).is_value(0u8);
    let aligned = (&low & &free).is_value(0u8);
    Lemma {
        id,
        says: "a range whose length is a power of two and whose first value is a multiple of it is one masked value",
        serves: &["I05", "X1"],
        given: vec![("a power of two", block), ("aligned", aligned)],
        then: (low.at_most(&x) & x.at_most(&last)).is(&x.fits(&low, &!&free)),
        needs: &["a power of two", "aligned"],
        shows: MASKS,
    }
}

/// Two blocks side by side cover a range, and no more: by it a list of blocks that follow each other is the range.
fn same_interval() -> Lemma {
    let (low, middle, last, x) = (word("a", PORT), word("b", PORT), word("c", PORT), word("x", PORT));
    let after = middle.plus(&bits(PORT, 1u8));
    let within = |a: &Term, b: &Term| a.at_most(&x) & x.at_most(b);
    Lemma {
        id: "M15",
        says: "a range cut in two, the second beginning right after the end of the first, is the two together",
        serves: &["I05", "X1"],
        given: vec![
            ("in order", low.at_most(&middle) & middle.at_most(&last)),
            ("something is left for the second", middle.is_not(&last)),
        ],
        then: within(&low, &last).is(&(within(&low, &middle) | within(&after, &last))),
        needs: &["in order", "something is left for the second"],
        shows: MASKS,
    }
}

fn exact_is_one() -> Lemma {
    let net = Net { has: yes(), ..Net::new("a") };
    let (x, y) = (address(), crate::symbol::Address::new("b"));
    Lemma {
        id: "M16",
        says: "a prefix of full length holds its one address and no other, of either family",
        serves: &["I05", "I06"],
        given: vec![("full length", net.is_host(&x)), ("it holds another", net.contains(&y))],
        then: x.is(&y),
        needs: &["full length", "it holds another"],
        shows: MASKS,
    }
}

/// The three states a grant's rules match.
fn tracked_states_part() -> Lemma {
    use model::CtMatch;
    let x = word("x", CT);
    let states = [CtMatch::BEGINS, CtMatch::GOES_ON, CtMatch::ANSWERS];
    let takes = |c: CtMatch| x.fits(&bits(CT, c.value), &bits(CT, c.mask));
    let [begins, goes_on, answers] = states.map(takes);
    // Open vSwitch never reports a packet as new and established at once (ovs-fields(7)).
    let legal = !(x.has_bits(CtMatch::NEW) & x.has_bits(CtMatch::EST));
    Lemma {
        id: "M17",
        says: "the states of first packets, later packets and answers have nothing in common, and an answer is never new",
        serves: &["I10"],
        given: vec![("new and established exclude each other", legal)],
        then: all([
            !(&begins & &goes_on),
            !(&begins & &answers),
            !(&goes_on & &answers),
            (goes_on | answers).implies(&x.lacks_bits(CtMatch::NEW)),
        ]),
        needs: &["new and established exclude each other"],
        shows: MASKS,
    }
}

fn mac_rewritten() -> Lemma {
    let (a, b) = (word("a", MAC), word("b", MAC));
    let net = Cube { has: yes(), value: a.clone(), mask: word("c", MAC) };
    Lemma {
        id: "M18",
        says: "of a MAC under a full mask nothing else is taken",
        serves: &["I06"],
        given: vec![("full mask", net.is_exact()), ("taken", net.takes(&b))],
        then: a.is(&b),
        needs: &["full mask", "taken"],
        shows: MASKS,
    }
}
