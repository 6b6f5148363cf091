//! What can begin with what, put together for people: ports as ranges, and what differs between two networks.

use model::{CookieOwner, HostRef, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::exact::{Exact, Reach};

/// One host can begin connections with another, by one protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Possible {
    /// Where they originate.
    pub from: HostRef,
    /// Where they end.
    pub to: HostRef,
    /// Transport protocol; nothing is what is neither TCP nor UDP.
    pub protocol: Option<Protocol>,
    /// Destination ports.
    pub ports: Ports,
    /// Whose rules let them begin, at the origin's site.
    pub because: BTreeSet<CookieOwner>,
}

/// Everything these hosts can begin, each pair and protocol once for each owner that lets it.
pub fn possible(exact: &mut Exact, from: &[HostRef]) -> Vec<Possible> {
    let mut found: BTreeMap<(HostRef, HostRef, Option<Protocol>, CookieOwner), Ports> = BTreeMap::new();
    for reach in from.iter().flat_map(|host| exact.reach(host)) {
        let Reach { from, to, protocol, ports, because } = reach;
        found.entry((from, to, protocol, because)).or_default().add_masked(ports);
    }
    let one = |((from, to, protocol, because), mut ports): (_, Ports)| {
        ports.settle();
        Possible { from, to, protocol, ports, because: BTreeSet::from([because]) }
    };
    found.into_iter().map(one).collect()
}

/// What came and what went from one network to another: who can reach whom, whatever rule lets them. A connection that
/// was closed and opened again is no difference.
pub fn compare(before: &[Possible], after: &[Possible]) -> (Vec<Possible>, Vec<Possible>) {
    let (before, after) = (pairs(before), pairs(after));
    (beyond(&after, &before), beyond(&before, &after))
}

type Pairs<'a> = BTreeMap<(&'a HostRef, &'a HostRef, Option<Protocol>), (Ports, BTreeSet<CookieOwner>)>;

fn pairs(all: &[Possible]) -> Pairs<'_> {
    let mut found: Pairs<'_> = BTreeMap::new();
    for one in all {
        let (ports, owners) = found.entry((&one.from, &one.to, one.protocol)).or_default();
        ports.0.extend(&one.ports.0);
        ports.settle();
        owners.extend(&one.because);
    }
    found
}

fn beyond(these: &Pairs<'_>, those: &Pairs<'_>) -> Vec<Possible> {
    let mut found = Vec::new();
    for ((from, to, protocol), (ports, because)) in these {
        let known = those.get(&(*from, *to, *protocol));
        let ports = known.map_or_else(|| ports.clone(), |(known, _)| ports.less(known));
        if !ports.0.is_empty() {
            let (from, to) = ((*from).clone(), (*to).clone());
            found.push(Possible { from, to, protocol: *protocol, ports, because: because.clone() });
        }
    }
    found
}

/// Ports as ranges, both ends included; sorted, apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports(pub Vec<(u16, u16)>);

impl Ports {
    /// Every port?
    pub fn is_all(&self) -> bool {
        self.0 == [(0, u16::MAX)]
    }

    /// The lowest.
    pub fn first(&self) -> Option<u16> {
        self.0.first().map(|(low, _)| *low)
    }

    /// Adds all ports that agree with the value where the mask has ones; [`Ports::settle`] comes after.
    fn add_masked(&mut self, (value, mask): (u16, u16)) {
        let low_free = if mask == 0 { u16::MAX } else { (1 << mask.trailing_zeros()) - 1 };
        let high_free = !mask & !low_free;
        let mut bits = 0u16;
        loop {
            let low = value & mask | bits;
            self.0.push((low, low | low_free));
            if bits == high_free {
                return;
            }
            bits = bits.wrapping_sub(high_free) & high_free;
        }
    }

    /// Sorts and joins what touches.
    fn settle(&mut self) {
        self.0.sort_unstable();
        let mut joined: Vec<(u16, u16)> = Vec::with_capacity(self.0.len());
        for (low, high) in self.0.drain(..) {
            match joined.last_mut() {
                Some((_, end)) if u32::from(low) <= u32::from(*end) + 1 => *end = (*end).max(high),
                _ => joined.push((low, high)),
            }
        }
        self.0 = joined;
    }

    /// These without those; both settled.
    fn less(&self, those: &Self) -> Self {
        let mut left = Vec::new();
        for (low, high) in &self.0 {
            // Wider than a port, so that the end after 65535 exists.
            let (mut at, end) = (u32::from(*low), u32::from(*high) + 1);
            for (cut, to) in those.0.iter().map(|(a, b)| (u32::from(*a), u32::from(*b) + 1)) {
                if at < cut.min(end) {
                    left.push((at, cut.min(end)));
                }
                at = at.max(to);
            }
            if at < end {
                left.push((at, end));
            }
        }
        let port = |n: u32| u16::try_from(n).expect("cut out of ranges of ports");
        Self(left.into_iter().map(|(low, end)| (port(low), port(end - 1))).collect())
    }
}

impl fmt::Display for Ports {
    /// `443`, `80,443`, `8000-8099`; `*` for all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("*");
        }
        for (n, (low, high)) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            match low == high {
                true => write!(f, "{comma}{low}")?,
                false => write!(f, "{comma}{low}-{high}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(masks: &[(u16, u16)]) -> Ports {
        let mut ports = Ports::default();
        masks.iter().for_each(|m| ports.add_masked(*m));
        ports.settle();
        ports
    }

    fn holds(ports: &Ports, port: u16) -> bool {
        ports.0.iter().any(|(low, high)| (*low..=*high).contains(&port))
    }

    #[test]
    fn ports_are_told_shortly() {
        assert_eq!(of(&[(443, 0xffff), (80, 0xffff), (444, 0xffff)]).to_string(), "80,443-444");
        assert_eq!(of(&[(0, 0)]).to_string(), "*");
        assert_eq!(of(&[(8000, 0xffe0)]).to_string(), "8000-8031");
        assert_eq!(of(&[(1, 1)]).0.len(), 32768);
    }

    proptest! {
        #[test]
        fn ranges_are_the_masks_they_came_from(
            a in prop::collection::vec((any::<u16>(), any::<u16>()), 0..4),
            b in prop::collection::vec((any::<u16>(), any::<u16>()), 0..4),
            probes in prop::collection::vec(any::<u16>(), 64),
        ) {
            let (pa, pb) = (of(&a), of(&b));
            let left = pa.less(&pb);
            let by = |masks: &[(u16, u16)], p: u16| masks.iter().any(|(v, m)| p & m == v & m);
            let corners = a.iter().chain(&b).flat_map(|(v, m)| [v & m, v | !m, (v & m).wrapping_sub(1), (v | !m).wrapping_add(1)]);
            for p in probes.iter().copied().chain(corners).chain([0, u16::MAX]) {
                prop_assert_eq!(holds(&pa, p), by(&a, p));
                prop_assert_eq!(holds(&left, p), by(&a, p) && !by(&b, p));
            }
            prop_assert!(left.0.windows(2).all(|w| w[0].1 < w[1].0));
        }
    }

    #[test]
    fn only_who_reaches_whom_is_a_difference() {
        let one = |from: &str, ports: &[(u16, u16)], owner| Possible {
            from: from.parse().unwrap(),
            to: "hospital/portal".parse().unwrap(),
            protocol: Some(Protocol::Tcp),
            ports: Ports(ports.to_vec()),
            because: BTreeSet::from([CookieOwner::Grant(model::GrantId(owner))]),
        };
        let before = [one("clinic/a", &[(443, 443)], 1), one("clinic/b", &[(80, 90)], 2)];
        let after = [one("clinic/a", &[(443, 443)], 9), one("clinic/b", &[(85, 95)], 2)];
        let (came, went) = compare(&before, &after);
        assert_eq!(came.iter().map(|p| p.ports.to_string()).collect::<Vec<_>>(), ["91-95"]);
        assert_eq!(went.iter().map(|p| p.ports.to_string()).collect::<Vec<_>>(), ["80-84"]);
        assert!(compare(&before, &before).0.is_empty());
    }
}
