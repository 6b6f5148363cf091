//! The restatement held to the code, without a solver: on real states and on mutated ones, rule by rule and path by path,
//! it says what `verify` says.

use model::*;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, HashMap};
use verify::{Invariant, SliceVerifier, check_state};

use super::encode::{compatible, read_address, v4};
use crate::facts::Site as Facts;
use crate::lemmas::World;
use crate::rules;
use crate::symbol::{Grant as SymGrant, Wish};
use crate::term::{Term, Values};
use crate::walk::{Region, Walk};

pub const DOCUMENTS: [(&str, &str); 3] = [
    ("clinic", include_str!("../../../../core/model/tests/documents/clinic.toml")),
    ("hospital", include_str!("../../../../core/model/tests/documents/hospital.toml")),
    ("provider", include_str!("../../../../core/model/tests/documents/provider.toml")),
];

fn network() -> Network {
    let documents: Vec<_> = DOCUMENTS.iter().map(|(n, t)| parse_document(n, t).unwrap()).collect();
    Network::default().with(&documents).unwrap()
}

fn end(network: &Network, at: &str) -> Endpoint {
    network.endpoint(&at.parse().unwrap()).unwrap()
}

fn grant(network: &Network, id: u64, from: &str, to: &str, ports: &[u16]) -> Grant {
    Grant {
        id: GrantId(id),
        agreement: "A-0012".parse().unwrap(),
        service: "keyaki/records".parse().unwrap(),
        origin: end(network, from),
        destination: end(network, to),
        protocol: Protocol::Tcp,
        ports: ports.to_vec(),
        granted_at: Timestamp(0),
        lease_until: Timestamp(1_800_000),
        idle_ms: None,
    }
}

/// Two neighbouring ports and two that are not, so that a wider mask is sometimes still inside.
pub fn states() -> BTreeMap<SiteId, SiteState> {
    let network = network();
    let grants = [
        grant(&network, 7, "clinic/exam-1", "hospital/record-server", &[442, 443]),
        grant(&network, 8, "clinic/exam-2", "hospital/record-server", &[22, 8443]),
    ];
    plan::from_scratch(&network, &grants).unwrap()
}

/// The terms, built once.
struct Restated {
    w: World,
    site: Facts,
    walk: Walk,
    judged: Term,
    /// Per table: sane match, grammar, owner, refusal.
    local: [Vec<Term>; 5],
    binding: Term,
    arp: Term,
}

impl Restated {
    fn new() -> Self {
        let (grant, wish) = (SymGrant::new("grant"), Wish::new("wish"));
        let mut site = Facts::new(&[&grant], &[&wish]);
        let w = World::new("", &mut site, &grant, &wish);
        let walk = Walk::new("walk", &w.rules);
        let judged = walk.accepts(&w.rules, &site, &w.parties, &[]);
        let five = [Table::Admission, Table::Posture, Table::Connections, Table::Zones, Table::Forwarding];
        let local = five.map(|t| {
            let r = &w.rules[usize::from(t.number())];
            vec![
                rules::typed(r),
                rules::sane_match(r),
                rules::grammar(r, t),
                rules::owner(r, t, &grant, &wish),
                rules::refusal(r),
                rules::wish(&wish),
            ]
        });
        let (binding, arp) = (w.binding(&site), w.arp(&site));
        Self { w, site, walk, judged, local, binding, arp }
    }

    /// What the restatement says of a whole state's rules.
    fn accepts(&self, state: &SiteState) -> Result<(), String> {
        for rule in &state.rules {
            self.alone(state, rule)?;
        }
        let mut path = Vec::new();
        self.follow(state, Table::Admission, &mut path)
    }

    fn alone(&self, state: &SiteState, rule: &FlowRule) -> Result<(), String> {
        let t = usize::from(rule.table.number());
        let values = values(state, &[rule]);
        let mut terms: Vec<&Term> = self.local[t].iter().collect();
        match rule.table {
            Table::Admission => terms.push(&self.binding),
            Table::Forwarding => terms.push(&self.arp),
            _ => {}
        }
        match terms.iter().position(|term| !term.holds(&values)) {
            Some(n) => Err(format!("condition {n} of {rule:?}")),
            None => Ok(()),
        }
    }

    fn follow<'a>(&self, state: &'a SiteState, table: Table, path: &mut Vec<&'a FlowRule>) -> Result<(), String> {
        for rule in state.rules.iter().filter(|r| r.table == table) {
            if !path.iter().all(|before| compatible(before, rule)) {
                continue;
            }
            path.push(rule);
            match rule.actions.last() {
                Some(Action::Goto(next) | Action::Track { next, .. }) => {
                    // A commit is judged where it stands, whatever comes after.
                    if rule.actions.iter().any(|a| matches!(a, Action::Commit { .. })) {
                        self.along(state, path)?;
                    }
                    self.follow(state, *next, path)?;
                }
                Some(Action::Output(_) | Action::ToGate) => self.along(state, path)?,
                _ => {}
            }
            path.pop();
        }
        Ok(())
    }

    fn along(&self, state: &SiteState, path: &[&FlowRule]) -> Result<(), String> {
        let mut values = values(state, path);
        let site = &state.facts.site;
        let mut known = HashMap::new();
        // What is known is known by address: each term is kept, so that no other takes its place.
        let mut kept = Vec::new();
        let mut told = |term: &Term, values: &Values| {
            kept.push(term.clone());
            term.value_with(values, &mut known)
        };
        // Who is at the addresses of the regions, and whether all ports of a wide match are a contract's.
        let mut later: Vec<(String, Option<std::net::IpAddr>)> = Vec::new();
        let mut ports: Vec<(usize, [PortMatch; 2])> = Vec::new();
        for t in [2, 3, 4] {
            let region: &Region = &self.walk.after[t];
            let mut cube = |c: &crate::symbol::Cube| PortMatch {
                value: u16::try_from(told(&c.value, &values)).unwrap(),
                mask: u16::try_from(told(&c.mask, &values)).unwrap(),
            };
            ports.push((t, [cube(&region.tp_dst), cube(&region.tp_src)]));
            if t == 3 {
                continue;
            }
            let what = if t == 2 { "at_commit" } else { "at_exit" };
            for (end, net) in [("source", &region.ip_src), ("destination", &region.ip_dst)] {
                let single = told(&net.is_single(), &values) == 1;
                let at = single.then(|| read_address(told(&net.at.v6, &values), told(&net.at.value, &values)));
                later.push((format!("{what}.{end}"), at));
            }
        }
        let shown = told(&self.walk.after[2].in_port.value, &values);
        for (name, at) in later {
            values.host(&name, site, at.and_then(|a| site.host_at(a)));
        }
        values.host("shown", site, site.hosts.values().find(|h| u128::from(h.port.port.0) == shown));
        let sets: BTreeMap<&str, Vec<u16>> = [("grant", "grant.ports"), ("wish", "wish.ports")]
            .map(|(who, set)| {
                (who, values.sets.get(set).into_iter().flatten().map(|p| u16::try_from(*p).unwrap()).collect())
            })
            .into_iter()
            .chain([("service", GATE_SERVICE_PORTS.to_vec())])
            .collect();
        for (t, [dst, src]) in ports {
            let place = if t == 4 { "exit".to_owned() } else { format!("commit{t}") };
            for (who, list) in &sets {
                values.put(&format!("walk.{place}.{who}.forth"), u8::from(all_in(dst, list)));
                values.put(&format!("walk.{place}.{who}.back"), u8::from(all_in(src, list)));
            }
        }
        match self.judged.holds(&values) {
            true => Ok(()),
            false => Err(format!("the path {path:?}")),
        }
    }
}

/// By counting them one by one.
fn all_in(cube: PortMatch, list: &[u16]) -> bool {
    (0..=u16::MAX).filter(|p| p & cube.mask == cube.value & cube.mask).all(|p| list.contains(&p))
}

/// Rules in their tables, and whom they speak of.
fn values(state: &SiteState, rules: &[&FlowRule]) -> Values {
    let facts = &state.facts;
    let site = &facts.site;
    let mut out = Values::default();
    out.site(site);
    for name in ["grant.near", "wish.from", "wish.to", "told", "receiver", "admitted", "standing", "answered"] {
        out.host(name, site, None);
    }
    let (mut grant, mut wish) = (None, None);
    for rule in rules {
        out.rule(&format!("rule{}", rule.table.number()), rule);
        match rule.owner {
            CookieOwner::Grant(id) => grant = state.grants.get(&id),
            CookieOwner::InHouse(n) => wish = site.in_house.get(n as usize).map(|w| (n as usize, w)),
            _ => {}
        }
        let at_port = |port: Option<PortNo>| port.and_then(|p| site.hosts.values().find(|h| h.port.port == p));
        match (rule.table, rule.actions.last()) {
            (Table::Admission, _) => {
                out.host("admitted", site, at_port(rule.matches.in_port));
                out.gateway("admitted.gateway", site, rule.matches.arp_spa.map(v4));
            }
            (Table::Connections, _) => {
                out.host("standing", site, at_port(rule.matches.in_port));
                out.host("answered", site, rule.matches.ip_dst.and_then(|n| site.host_at(n.addr())));
            }
            (Table::Forwarding, Some(Action::ArpReply { ip, .. })) => {
                out.host("told", site, site.host_at(v4(*ip)));
                out.gateway("told.gateway", site, Some(v4(*ip)));
            }
            (Table::Forwarding, Some(Action::Output(port))) => out.host("receiver", site, at_port(Some(*port))),
            _ => {}
        }
    }
    out.grant(facts, grant, grant.is_some_and(|g| state.tunnels.iter().any(|t| t.grant == g.id)));
    out.wish(site, wish);
    out
}

/// What the code says of rules: what it says of other things comes later, or was not changed.
pub fn code_accepts(state: &SiteState) -> Option<bool> {
    match check_state(state.clone()) {
        Ok(_) => Some(true),
        Err(refutation) => match refutation.invariant {
            Invariant::Together => Some(true),
            // Of whole sets of rules; not restated.
            Invariant::OneRule => None,
            _ => Some(false),
        },
    }
}

fn mutate(rule: &mut FlowRule, donor: &FlowRule, how: u8, bit: u8) {
    let m = &mut rule.matches;
    match how {
        0 => m.in_port = donor.matches.in_port,
        1 => m.in_port = None,
        2 => m.tag = donor.matches.tag,
        3 => m.ct = donor.matches.ct,
        4 => m.ip_src = donor.matches.ip_src,
        5 => m.ip_dst = donor.matches.ip_dst,
        6 => m.ip_dst = m.ip_dst.and_then(|n| ipnet::IpNet::new(n.addr(), 24 + bit % 9).ok()),
        7 => m.tp_dst = m.tp_dst.map(|p| PortMatch { value: p.value & !1, mask: !1 }),
        8 => m.tp_src = m.tp_src.map(|p| PortMatch { value: p.value & !(1 << (bit % 16)), mask: !(1 << (bit % 16)) }),
        9 => (m.tp_src, m.tp_dst) = (donor.matches.tp_src, donor.matches.tp_dst),
        10 => (m.eth_src, m.protocol) = (None, donor.matches.protocol),
        11 => rule.actions.clone_from(&donor.actions),
        12 => rule.owner = donor.owner,
        13 => rule.table = donor.table,
        14 => m.clone_from(&donor.matches),
        15 => m.eth_src = donor.matches.eth_src,
        16 => m.eth_dst = donor.matches.eth_src,
        17 => m.eth_type = donor.matches.eth_type,
        18 => drop(rule.actions.pop()),
        19 => rule.actions.reverse(),
        20 => rule.actions.insert(0, donor.actions.first().cloned().unwrap_or(Action::ToGate)),
        21 => drop((!rule.actions.is_empty()).then(|| rule.actions.remove(0))),
        22 => m.ct = m.ct.map(|c| CtMatch { value: c.value & !(1 << (bit % 8)), mask: c.mask & !(1 << (bit % 8)) }),
        23 => m.ct = m.ct.map(|c| CtMatch { value: c.value ^ (1 << (bit % 8)), mask: c.mask }),
        24 => rule.owner = CookieOwner::Refusal,
        25 => rule.owner = CookieOwner::Grant(GrantId(7)),
        26 => rule.actions = vec![Action::Goto(Table::Zones)],
        27 => rule.actions = vec![Action::Goto(Table::Forwarding)],
        28 => m.beginning = donor.matches.beginning,
        _ => (m.arp_spa, m.arp_sha, m.arp_tpa) = (donor.matches.arp_spa, donor.matches.arp_sha, donor.matches.arp_tpa),
    }
}

#[test]
fn what_the_planner_makes_meets_every_condition() {
    let restated = Restated::new();
    for state in states().values() {
        assert_eq!(code_accepts(state), Some(true));
        assert_eq!(restated.accepts(state), Ok(()));
        let (w, site) = (&restated.w, &restated.site);
        let conditions =
            [w.contracts(site), w.standing(site), w.forwarding(site) & w.forwards_ip(), w.permissions(site)];
        for rule in &state.rules {
            let values = values(state, &[rule]);
            for (n, condition) in conditions.iter().enumerate() {
                // Conditions of other tables are about rules that are not there.
                let here = match rule.table {
                    Table::Connections => n != 2,
                    Table::Zones => n == 0 || n == 3,
                    Table::Forwarding => n == 2,
                    _ => continue,
                };
                assert!(!here || condition.holds(&values), "condition {n} of {rule:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Same verdict, both ways: the restatement is neither laxer than the code nor stricter.
    #[test]
    fn the_restated_judge_is_the_judge(
        site in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), any::<Index>(), 0u8..30, any::<u8>(), any::<bool>()), 1..3),
    ) {
        let restated = Restated::new();
        let states = states();
        let mut state = site.get(&states.values().collect::<Vec<_>>()).to_owned().clone();
        for (item, donor, how, bit, keep) in changes {
            let rules: Vec<FlowRule> = state.rules.iter().cloned().collect();
            let mut rule = item.get(&rules).clone();
            if !keep {
                state.rules.remove(&rule);
            }
            mutate(&mut rule, donor.get(&rules), how, bit);
            state.rules.insert(rule);
        }
        if let Some(code) = code_accepts(&state) {
            let said = restated.accepts(&state);
            prop_assert_eq!(code, said.is_ok(), "code: {:?}, restated: {:?}", check_state(state).err(), said);
        }
    }

    /// Whatever tier 1 takes by contract alone keeps the contract as restated.
    #[test]
    fn what_tier_1_takes_keeps_the_restated_contract(
        at_hospital: bool, item in any::<Index>(), donor in any::<Index>(), how in 0u8..31, bit: u8,
    ) {
        let restated = Restated::new();
        let network = network();
        let opened = grant(&network, 7, "clinic/exam-1", "hospital/record-server", &[442, 443]);
        let before = plan::from_scratch(&network, &[]).unwrap();
        let ids: [SiteId; 2] = ["clinic", "hospital"].map(|id| id.parse().unwrap());
        let plan = plan::open(&opened, &before[&ids[0]], &before[&ids[1]]).unwrap();
        let id = &ids[usize::from(at_hospital)];
        let mut delta = plan.sites[id].clone();
        let rules: Vec<FlowRule> = before[id].rules.iter().chain(&delta.rules_added).cloned().collect();
        if how < 30 {
            let n = item.index(delta.rules_added.len());
            mutate(&mut delta.rules_added[n], donor.get(&rules), how, bit);
        }
        let verified = check_state(before[id].clone()).unwrap();
        let Ok(slice) = SliceVerifier::new(&verified).check(&delta) else { return Ok(()) };
        // By contract only the rules of the change are looked at; by the judge, all paths of the structure.
        let by_contract = slice.proof().paths() == delta.rules_added.len();
        prop_assert!(by_contract || how < 30, "the planner's own opening is judged by contract");
        let after = before[id].after(&delta).unwrap();
        let contract = restated.w.contracts(&restated.site);
        if by_contract {
            for rule in &delta.rules_added {
                prop_assert!(contract.holds(&values(&after, &[rule])), "{:?}", rule);
            }
        }
    }
}
