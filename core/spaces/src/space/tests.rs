use super::*;
use crate::Field;
use proptest::prelude::*;

/// Small fields in which every packet can be tried: 3 + 2 + 3 + 2 bits.
const FIELDS: [(&str, u16); 4] = [("a", 3), ("b", 2), ("c", 3), ("d", 2)];
const PACKETS: u32 = 1 << 10;

fn fields() -> [Field; 4] {
    [0, 1, 2, 3].map(Field)
}

fn packet(number: u32) -> Packet {
    Packet(vec![
        u128::from(number >> 7),
        u128::from(number >> 5 & 3),
        u128::from(number >> 2 & 7),
        u128::from(number & 3),
    ])
}

/// The set as the naive interpreter holds it: a flag for each packet.
type Flags = Vec<bool>;

fn flags(keep: impl Fn(&Packet) -> bool) -> Flags {
    (0..PACKETS).map(|n| keep(&packet(n))).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Exact(usize, u128),
    Prefix(usize, u128, u16),
    Masked(usize, u128, u128),
    Many([(u128, u128); 4]),
    Range(usize, u128, u128),
    And(usize, usize),
    Or(usize, usize),
    Diff(usize, usize),
    Not(usize),
    Forget(usize, usize),
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let field = 0usize..4;
    let bits = 0u128..8;
    let pick = any::<prop::sample::Index>().prop_map(|i| i.index(64));
    prop_oneof![
        (field.clone(), bits.clone()).prop_map(|(f, v)| Step::Exact(f, v)),
        (field.clone(), bits.clone(), 0u16..4).prop_map(|(f, v, l)| Step::Prefix(f, v, l)),
        (field.clone(), bits.clone(), bits.clone()).prop_map(|(f, v, m)| Step::Masked(f, v, m)),
        prop::array::uniform4((bits.clone(), bits.clone())).prop_map(Step::Many),
        prop::array::uniform4(bits.clone()).prop_map(|v| Step::Many(v.map(|v| (v, 7)))),
        (field.clone(), bits.clone(), bits).prop_map(|(f, a, b)| Step::Range(f, a, b)),
        (pick.clone(), pick.clone()).prop_map(|(a, b)| Step::And(a, b)),
        (pick.clone(), pick.clone()).prop_map(|(a, b)| Step::Or(a, b)),
        (pick.clone(), pick.clone()).prop_map(|(a, b)| Step::Or(a, b)),
        (pick.clone(), pick.clone()).prop_map(|(a, b)| Step::Diff(a, b)),
        pick.clone().prop_map(Step::Not),
        (pick.clone(), field).prop_map(|(a, f)| Step::Forget(a, f)),
        pick.prop_map(Step::Drop),
    ]
}

/// Runs a step on both; `None` if it only drops.
fn run(space: &mut Space, sets: &mut Vec<(Set, Flags)>, step: &Step) -> Option<(Set, Flags)> {
    let width = |f: usize| FIELDS[f].1;
    let cut = |f: usize, v: u128| v & ((1 << width(f)) - 1);
    let at = |n: usize| n % sets.len();
    Some(match *step {
        Step::Exact(f, v) => (space.exact(Field(f as u16), v), flags(|p| p.0[f] == cut(f, v))),
        Step::Prefix(f, v, len) => {
            let free = width(f).saturating_sub(len);
            (space.prefix(Field(f as u16), v, len), flags(|p| p.0[f] >> free == cut(f, v) >> free))
        }
        Step::Masked(f, v, m) => (space.masked(Field(f as u16), v, m), flags(|p| (p.0[f] ^ cut(f, v)) & m == 0)),
        Step::Many(of) => {
            let conjuncts: Vec<_> = of.iter().enumerate().map(|(f, (v, m))| (Field(f as u16), *v, *m)).collect();
            let inside = |p: &Packet| of.iter().enumerate().all(|(f, (v, m))| (p.0[f] ^ cut(f, *v)) & m == 0);
            (space.conjunction(&conjuncts), flags(inside))
        }
        Step::Range(f, a, b) => (space.range(Field(f as u16), a, b), flags(|p| (a..=b).contains(&p.0[f]))),
        Step::And(a, b) => {
            let ((a, x), (b, y)) = (&sets[at(a)], &sets[at(b)]);
            (space.and(a, b), x.iter().zip(y).map(|(x, y)| *x && *y).collect())
        }
        Step::Or(a, b) => {
            let ((a, x), (b, y)) = (&sets[at(a)], &sets[at(b)]);
            (space.or(a, b), x.iter().zip(y).map(|(x, y)| *x || *y).collect())
        }
        Step::Diff(a, b) => {
            let ((a, x), (b, y)) = (&sets[at(a)], &sets[at(b)]);
            (space.diff(a, b), x.iter().zip(y).map(|(x, y)| *x && !*y).collect())
        }
        Step::Not(a) => {
            let (a, x) = &sets[at(a)];
            (space.not(a), x.iter().map(|x| !x).collect())
        }
        Step::Forget(a, f) => {
            let (a, x) = &sets[at(a)];
            let same = |p: &Packet, q: &Packet| (0..4).all(|g| g == f || p.0[g] == q.0[g]);
            let some = |p: &Packet| (0..PACKETS).any(|n| x[n as usize] && same(p, &packet(n)));
            let several = space.forget_all(a, &[Field(3), Field(f as u16), Field(0)]);
            let mut one = space.share(a);
            for g in [0, f as u16, 3] {
                let next = space.forget(&one, Field(g));
                space.release(std::mem::replace(&mut one, next));
            }
            assert_eq!(several, one);
            space.release(several);
            space.release(one);
            (space.forget(a, Field(f as u16)), flags(some))
        }
        Step::Drop(n) => {
            if sets.len() > 2 {
                let n = at(n);
                let (set, _) = sets.swap_remove(n);
                space.release(set);
            }
            return None;
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every packet of the small universe, every set, every step; equal sets have equal handles; nothing leaks.
    #[test]
    fn sets_are_what_a_naive_interpreter_says(steps in prop::collection::vec(step(), 1..40)) {
        let mut space = Space::new(Layout::new(&FIELDS).unwrap());
        let mut sets = vec![(space.none(), flags(|_| false)), (space.all(), flags(|_| true))];
        for step in &steps {
            if let Some((set, wanted)) = run(&mut space, &mut sets, step) {
                for n in 0..PACKETS {
                    prop_assert_eq!(space.contains(&set, &packet(n)), wanted[n as usize], "{:?} {:?}", step, packet(n));
                }
                let count = wanted.iter().filter(|x| **x).count();
                prop_assert_eq!(space.count(&set), count as f64);
                let witness = space.witness(&set);
                prop_assert_eq!(witness.is_some(), count > 0);
                prop_assert!(witness.is_none_or(|p| space.contains(&set, &p)));
                boxes_are_a_partition(&space, &set, &wanted)?;
                sets.push((set, wanted));
            }
            let (set, wanted) = sets.last().unwrap();
            for (other, flags) in &sets {
                prop_assert_eq!(set == other, wanted == flags, "canonical");
                let apart = wanted.iter().zip(flags).all(|(x, y)| !(*x && *y));
                prop_assert_eq!(space.disjoint(set, other), apart);
                let inside = wanted.iter().zip(flags).all(|(x, y)| !*x || *y);
                prop_assert_eq!(space.is_subset(set, other), inside);
            }
        }
        for (set, _) in sets.drain(..) {
            space.release(set);
        }
        space.reclaim_all();
        prop_assert_eq!(space.nodes(), 0, "every node is given back");
    }
}

fn boxes_are_a_partition(space: &Space, set: &Set, wanted: &Flags) -> Result<(), TestCaseError> {
    let mut met = vec![0u8; PACKETS as usize];
    for pattern in space.boxes(set) {
        for n in 0..PACKETS {
            let p = packet(n);
            if fields().iter().all(|f| (p.get(*f) ^ pattern.get(*f).0) & pattern.get(*f).1 == 0) {
                met[n as usize] += 1;
            }
        }
    }
    prop_assert!(met.iter().zip(wanted).all(|(n, inside)| *n == u8::from(*inside)), "{met:?}");
    Ok(())
}

/// Wider than a run can be: three nodes a packet, in whatever order it is built.
#[test]
fn long_runs_have_one_form() {
    let mut space = Space::new(Layout::new(&[("p", 8), ("s", 128), ("d", 128), ("x", 16), ("y", 16)]).unwrap());
    let p = Packet(vec![6, 0xfd00 << 112 | 1, 0xfd00 << 112 | 2, 49152, 443]);
    let whole = space.packet(&p);
    let f: Vec<Field> = space.layout().fields().map(|(f, ..)| f).collect();
    for order in [[0usize, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        let mut set = space.all();
        for n in order {
            let part = space.exact(f[n], p.0[n]);
            let next = space.and(&set, &part);
            space.release(part);
            space.release(std::mem::replace(&mut set, next));
        }
        assert_eq!(set, whole);
        space.release(set);
    }
    space.reclaim_all();
    assert_eq!(space.nodes(), 3);
    assert_eq!(space.witness(&whole), Some(p));
    space.release(whole);
}

fn wide() -> Space {
    Space::new(
        Layout::new(&[("src", 32), ("dst", 32), ("proto", 8), ("dport", 16), ("sport", 16), ("d6", 128)]).unwrap(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// At full width: the corners of each range, and one beyond them.
    #[test]
    fn corners_of_boxes_at_full_width_are_decided_exactly(
        ranges in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u16>(), any::<u16>(), any::<u128>(), any::<u128>()), 1..6)
    ) {
        let mut space = wide();
        let [src, dport, d6] = [0, 3, 5].map(Field);
        let mut union = space.none();
        let mut parts = Vec::new();
        for &(a, b, c, d, e, f) in &ranges {
            let (a, b, c, d, e, f) = (a.min(b), a.max(b), c.min(d), c.max(d), e.min(f), e.max(f));
            let s = [
                space.range(src, a.into(), b.into()), space.range(dport, c.into(), d.into()), space.range(d6, e, f)
            ];
            let x = space.and(&s[0], &s[1]);
            let part = space.and(&x, &s[2]);
            space.add(&mut union, &part);
            for s in s.into_iter().chain([x, part]) { space.release(s) }
            parts.push((u128::from(a), u128::from(b), u128::from(c), u128::from(d), e, f));
        }
        let corners = |low: u128, high: u128, top: u128|
            [Some(low), Some(high), low.checked_sub(1), high.checked_add(1)].into_iter().flatten().filter(move |v| *v <= top).collect::<Vec<_>>();
        for &(a, b, c, d, e, f) in &parts {
            for x in corners(a, b, u32::MAX.into()) {
                for y in corners(c, d, u16::MAX.into()) {
                    for z in corners(e, f, u128::MAX) {
                        let inside = parts.iter().any(|p| (p.0..=p.1).contains(&x) && (p.2..=p.3).contains(&y) && (p.4..=p.5).contains(&z));
                        prop_assert_eq!(space.contains(&union, &Packet(vec![x, 0, 0, y, 0, z])), inside);
                    }
                }
            }
        }
        space.release(union);
        space.reclaim_all();
        prop_assert_eq!(space.nodes(), 0);
    }
}

/// Many adds and takes later a set is what it was, and holds no more nodes than one that was never changed.
#[test]
fn a_churned_set_does_not_grow() {
    let mut space = wide();
    let mut seed = 1u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 16
    };
    let mut tuple = |space: &mut Space| {
        let (a, b) = (random(), random());
        let (src, dst) = (a as u32 & 0xfff, b as u32 & 0xffff);
        space.conjunction(&[
            (Field(0), src.into(), u128::MAX),
            (Field(1), dst.into(), u128::MAX),
            (Field(3), u128::from(a >> 32 & 0xff), u128::MAX),
        ])
    };
    let mut live: Vec<Set> = (0..2000).map(|_| tuple(&mut space)).collect();
    let mut union = space.none();
    for set in &live {
        space.add(&mut union, set);
    }
    let before = space.share(&union);
    space.reclaim_all();
    let nodes = space.nodes();
    let mut most = 0;
    for n in 0..20_000 {
        let set = tuple(&mut space);
        let known = space.is_subset(&set, &union);
        space.add(&mut union, &set);
        most = most.max(space.nodes());
        if !known {
            space.take(&mut union, &set);
        }
        space.release(set);
        if n % 100 == 0 {
            assert_eq!(union, before);
        }
    }
    assert!(most < nodes + 1000, "{most} nodes at most, {nodes} before");
    for set in live.drain(..).chain([union, before]) {
        space.release(set);
    }
    space.reclaim_all();
    assert_eq!(space.nodes(), 0);
}
