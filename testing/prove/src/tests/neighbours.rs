//! What lemmas say of rules for solicitations, held to the code: on states of IPv6 sites, as planned and with one rule changed.

use ipnet::IpNet;
use model::*;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use super::agree::{DOCUMENTS, code_accepts};
use crate::facts::Site as Facts;
use crate::lemmas::neighbours::Asked;
use crate::term::Values;

/// The sites of the other tests, every segment by IPv6.
fn states() -> BTreeMap<SiteId, SiteState> {
    let segments = [(1, 20), (2, 10), (2, 20), (2, 30), (3, 10)];
    let in_ipv6 = |text: &str| {
        segments.iter().fold(text.to_owned(), |text, (site, segment)| {
            let (four, six) = (format!("10.{site}.{segment}."), format!("fd00:0:{site}:{segment}::"));
            text.replace(&format!("{four}0/24"), &format!("{six}/64")).replace(&four, &six)
        })
    };
    let documents: Vec<_> = DOCUMENTS.iter().map(|(n, t)| parse_document(n, &in_ipv6(t)).unwrap()).collect();
    let network = Network::default().with(&documents).unwrap();
    assert!(network.sites.values().flat_map(|s| s.hosts.values()).all(|h| h.address.is_ipv6()));
    plan::from_scratch(&network, &[]).unwrap()
}

fn is_of_neighbours(rule: &FlowRule) -> bool {
    rule.matches.eth_type == Some(EtherType::Neighbour)
}

/// What the terms say of one rule.
fn accepts(asked: &Asked, facts: &Facts, site: &Site, rule: &FlowRule) -> bool {
    let mut values = Values::default();
    values.site(site);
    let gateways = || site.segments.values().map(Segment::gateway_address);
    let said = if rule.table == Table::Admission {
        values.hears(rule);
        let source = rule.matches.ip_src;
        let on_link = |n: IpNet| "fe80::/10".parse::<IpNet>().unwrap().contains(&n);
        let as_whom = gateways().find(|g| source.is_some_and(|n| on_link(n) || n == IpNet::from(*g)));
        values.host("admitted", site, site.hosts.values().find(|h| Some(h.port.port) == rule.matches.in_port));
        values.gateway("admitted.gateway", site, as_whom);
        asked.binding(facts)
    } else {
        values.answers(rule);
        let Some(Action::NeighbourReply { ip, .. }) = rule.actions.first() else { panic!("{rule:?}") };
        values.host("told", site, site.host_at(IpAddr::V6(*ip)));
        values.gateway("told.gateway", site, Some(IpAddr::V6(*ip)));
        asked.truth(facts)
    };
    (asked.typed() & asked.sane_match() & said).holds(&values)
}

fn mutate(rule: &mut FlowRule, donor: &FlowRule, how: u8, bits: u8) {
    let m = &mut rule.matches;
    let wider = |n: Option<IpNet>| n.and_then(|n| IpNet::new(n.addr(), n.prefix_len().saturating_sub(bits % 128)).ok());
    match how {
        0 => m.in_port = donor.matches.in_port,
        1 => m.in_port = None,
        2 => m.eth_src = donor.matches.eth_src,
        3 => m.arp_sha = donor.matches.arp_sha,
        4 => m.ip_src = donor.matches.ip_src,
        5 => m.ip_src = wider(m.ip_src),
        6 => m.ip_src = Some("fe80:0:0:7::/64".parse().unwrap()),
        7 => m.ip_src = Some("10.1.20.11/32".parse().unwrap()),
        8 => m.ip_src = None,
        9 => m.ip_dst = donor.matches.ip_dst,
        10 => m.ip_dst = wider(m.ip_dst),
        11 => m.ip_dst = None,
        12 => m.in_port = Some(PortNo(77)),
        _ => match (rule.actions.first_mut(), donor.actions.first()) {
            (Some(Action::SetTag(tag)), Some(Action::SetTag(other))) => *tag = *other,
            (Some(Action::NeighbourReply { ip, mac, router }), Some(Action::NeighbourReply { ip: i, mac: m, .. })) => {
                match bits % 4 {
                    0 => *ip = *i,
                    1 => *mac = *m,
                    2 => *router = !*router,
                    _ => *ip = Ipv6Addr::from(u128::from(*ip) ^ 1 << (bits / 4)),
                }
            }
            _ => {}
        },
    }
}

#[test]
fn what_the_planner_makes_of_neighbours_meets_every_condition() {
    let mut facts = Facts::new(&[], &[]);
    let asked = Asked::new(&mut facts);
    let mut seen = [0, 0];
    for state in states().values() {
        for rule in state.rules.iter().filter(|r| is_of_neighbours(r)) {
            assert!(accepts(&asked, &facts, &state.facts.site, rule), "{rule:?}");
            seen[usize::from(rule.table == Table::Admission)] += 1;
        }
    }
    assert!(seen.iter().all(|n| *n > 5), "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Same verdict, both ways.
    #[test]
    fn the_code_says_of_neighbours_what_the_lemmas_are_given(
        site in any::<Index>(), item in any::<Index>(), donor in any::<Index>(), how in 0u8..20, bits: u8,
    ) {
        let mut facts = Facts::new(&[], &[]);
        let asked = Asked::new(&mut facts);
        let states = states();
        let mut state = site.get(&states.values().collect::<Vec<_>>()).to_owned().clone();
        let rules: Vec<FlowRule> = state.rules.iter().filter(|r| is_of_neighbours(r)).cloned().collect();
        let mut rule = item.get(&rules).clone();
        let others: Vec<FlowRule> = rules.iter().filter(|r| r.table == rule.table).cloned().collect();
        state.rules.remove(&rule);
        mutate(&mut rule, donor.get(&others), how, bits);
        if rule.table == Table::Neighbours && rule.matches.ip_src.is_some() {
            // Who asked is looked at where the question comes in.
            return Ok(());
        }
        let said = accepts(&asked, &facts, &state.facts.site, &rule);
        state.rules.insert(rule.clone());
        if let Some(code) = code_accepts(&state) {
            prop_assert_eq!(code, said, "{:?}", rule);
        }
    }
}
