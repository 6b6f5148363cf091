//! Random faults in a state.

use model::*;
use proptest::prelude::*;
use proptest::sample::Index;

use super::build::*;

/// One change to one rule, tunnel, filter or grant somewhere.
#[derive(Debug, Clone)]
pub struct Mutation {
    pub site: Index,
    pub what: u8,
    pub item: Index,
    pub how: u8,
    pub value: Index,
    pub keep: bool,
}

pub fn mutation() -> impl Strategy<Value = Mutation> {
    (any::<Index>(), 0u8..10, any::<Index>(), 0u8..16, any::<Index>(), any::<bool>())
        .prop_map(|(site, what, item, how, value, keep)| Mutation { site, what, item, how, value, keep })
}

pub fn mutate(states: &mut States, m: &Mutation) {
    mutate_among(states, m, |_| true);
}

/// The same, of a rule only if it is wanted; of any, if none of that site is.
pub fn mutate_among(states: &mut States, m: &Mutation, wanted: impl Fn(&FlowRule) -> bool) {
    let ids: Vec<SiteId> = states.keys().cloned().collect();
    let state = states.get_mut(m.site.get(&ids)).unwrap();
    match m.what {
        0 if !state.tunnels.is_empty() => {
            let mut tunnel = m.item.get(&state.tunnels.iter().cloned().collect::<Vec<_>>()).clone();
            if !m.keep {
                state.tunnels.remove(&tunnel);
            }
            match m.how % 6 {
                0 => tunnel.initiator = !tunnel.initiator,
                1 => tunnel.remote.ports.push(22),
                2 => tunnel.remote.ports.clear(),
                3 => tunnel.local.address = "10.1.20.13".parse().unwrap(),
                4 => tunnel.peer = m.value.get(&ids).clone(),
                _ => return,
            }
            state.tunnels.insert(tunnel);
        }
        1 if !state.filters.is_empty() => {
            let mut filter = m.item.get(&state.filters.iter().cloned().collect::<Vec<_>>()).clone();
            if !m.keep {
                state.filters.remove(&filter);
            }
            match m.how % 7 {
                0 => filter.ports.push(22),
                1 => std::mem::swap(&mut filter.from, &mut filter.to),
                2 => std::mem::swap(&mut filter.source, &mut filter.destination),
                3 => filter.direction = FlowDirection::Origin,
                4 => filter.from = filter.to,
                5 => filter.owner = CookieOwner::Transit(0),
                _ => return,
            }
            state.filters.insert(filter);
        }
        2 if !state.grants.is_empty() => {
            let id = *m.item.get(&state.grants.keys().copied().collect::<Vec<_>>());
            match m.how % 3 {
                0 => {
                    state.grants.remove(&id);
                }
                1 => state.grants.get_mut(&id).unwrap().ports.push(9443),
                _ => state.grants.get_mut(&id).unwrap().protocol = Protocol::Udp,
            }
        }
        _ => {
            let rules: Vec<FlowRule> = state.rules.iter().cloned().collect();
            let some: Vec<&FlowRule> = rules.iter().filter(|r| wanted(r)).collect();
            let mut rule = if some.is_empty() { m.item.get(&rules).clone() } else { (*m.item.get(&some)).clone() };
            if !m.keep {
                state.rules.remove(&rule);
            }
            let donor = m.value.get(&rules);
            match m.how {
                0 => rule.priority = donor.priority,
                1 => rule.matches.in_port = donor.matches.in_port,
                2 => rule.matches.in_port = None,
                3 => rule.matches.tag = donor.matches.tag,
                4 => rule.matches.ct = donor.matches.ct,
                5 => rule.matches.ip_src = donor.matches.ip_src,
                6 => rule.matches.ip_dst = donor.matches.ip_dst,
                7 => rule.matches.ip_dst = rule.matches.ip_dst.and_then(|n| ipnet::IpNet::new(n.addr(), 24).ok()),
                8 => rule.matches.tp_dst = rule.matches.tp_dst.map(|p| PortMatch { value: p.value & !1, mask: !1 }),
                9 => rule.matches.tp_src = None,
                10 => (rule.matches.eth_src, rule.matches.protocol) = (None, donor.matches.protocol),
                11 => rule.actions = donor.actions.clone(),
                12 => rule.owner = donor.owner,
                13 => rule.table = donor.table,
                14 => rule.matches = donor.matches.clone(),
                15 => rule.matches.beginning = donor.matches.beginning,
                _ => return,
            }
            state.rules.insert(rule);
        }
    }
}
