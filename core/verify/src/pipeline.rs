//! The shape of single rules: what every later argument about paths stands on (I03, I04, I06, I17, I20, I21).

use ipnet::{IpNet, Ipv6Net};
use model::{
    Action, ArpOp, Beginning, CONNTRACK_ZONE, CookieOwner, EtherType, FlowMatch, FlowRule, InHouseRule, PortMatch,
    Protocol, Table, Tag, ZoneSide,
};
use std::net::{IpAddr, Ipv6Addr};

use crate::ends::zone_breach;
use crate::premises::Premises;
use crate::region::{Region, is_host};
use crate::{Fault, Invariant, Refutation};

type Verdict = Result<(), Box<Refutation>>;

/// Judges each rule by itself.
pub(crate) fn judge(p: &Premises<'_>) -> Verdict {
    let mut before: Option<&FlowRule> = None;
    for rule in &p.state.rules {
        // The set is ordered by switch, table, priority, match: equals stand side by side.
        let equal = |b: &&FlowRule| {
            b.switch == rule.switch && b.table == rule.table && b.priority == rule.priority && b.matches == rule.matches
        };
        if before.as_ref().is_some_and(equal) {
            return Err(p.refute_rule(Invariant::OneRule, Fault::EqualMatch, rule));
        }
        before = Some(rule);
        let shape = |fault: Option<Fault>| match fault {
            Some(fault) => Err(p.refute_rule(Invariant::Pipeline, fault, rule)),
            None => Ok(()),
        };
        shape((rule.switch != p.site.switch.id).then_some(Fault::UnknownSwitch))?;
        shape(match_fault(&rule.matches))?;
        // To the switch a solicitation is IPv6 too: it is told apart where it enters and where it is answered, only.
        let elsewhere = !matches!(rule.table, Table::Admission | Table::Neighbours);
        let solicits = rule.matches.eth_type == Some(EtherType::Neighbour);
        shape((solicits && elsewhere).then_some(Fault::ActionNotHere))?;
        owner(p, rule)?;
        if rule.actions.is_empty() {
            continue;
        }
        shape(actions_fault(rule))?;
        match rule.table {
            Table::Admission => source_binding(p, rule)?,
            Table::Forwarding | Table::Neighbours => answer(p, rule)?,
            Table::Posture | Table::Connections | Table::Zones => {}
        }
    }
    Ok(())
}

fn match_fault(m: &FlowMatch) -> Option<Fault> {
    let hidden = |p: Option<PortMatch>| p.is_some_and(|p| p.value & !p.mask != 0);
    if hidden(m.tp_src) || hidden(m.tp_dst) || m.ct.is_some_and(|c| c.value & !c.mask != 0) {
        return Some(Fault::StrayBits);
    }
    let nets = [m.ip_src, m.ip_dst];
    let is_ip = matches!(m.eth_type, Some(EtherType::Ipv4 | EtherType::Ipv6));
    let of_family = nets.iter().flatten().all(|n| match n {
        IpNet::V4(_) => m.eth_type == Some(EtherType::Ipv4),
        IpNet::V6(_) => matches!(m.eth_type, Some(EtherType::Ipv6 | EtherType::Neighbour)),
    });
    let has_arp = m.arp_op.is_some() || m.arp_spa.is_some() || m.arp_tpa.is_some();
    let tells_mac = matches!(m.eth_type, Some(EtherType::Arp | EtherType::Neighbour));
    let met = of_family
        && (m.protocol.is_none() || is_ip)
        && ((m.tp_src.is_none() && m.tp_dst.is_none()) || m.protocol.is_some())
        && (m.ct.is_none() || is_ip)
        && (!has_arp || m.eth_type == Some(EtherType::Arp))
        && match m.beginning {
            None => true,
            Some(Beginning::Syn) => m.protocol == Some(Protocol::Tcp),
            Some(Beginning::Icmp) => is_ip && m.protocol.is_none(),
        }
        && (m.arp_sha.is_none() || tells_mac);
    (!met).then_some(Fault::Prerequisite)
}

/// Owners have their tables; what they serve must be there.
fn owner(p: &Premises<'_>, rule: &FlowRule) -> Verdict {
    let refuse = |invariant, fault| Err(p.refute_rule(invariant, fault, rule));
    match rule.owner {
        CookieOwner::Standing => {
            if rule.table == Table::Zones && !rule.actions.is_empty() {
                return refuse(Invariant::Pipeline, Fault::ForeignOwner);
            }
        }
        CookieOwner::Grant(id) => {
            if rule.table != Table::Connections {
                return refuse(Invariant::Pipeline, Fault::ForeignOwner);
            }
            if !p.state.grants.contains_key(&id) {
                return refuse(Invariant::LiveOwner, Fault::GrantNotLive);
            }
        }
        CookieOwner::InHouse(n) => {
            if rule.table != Table::Zones {
                return refuse(Invariant::Pipeline, Fault::ForeignOwner);
            }
            let Some(wish) = p.site.in_house.get(n as usize) else {
                return refuse(Invariant::LiveOwner, Fault::WishNotThere);
            };
            if let Some((invariant, fault)) = zone_breach_of_wish(p, wish) {
                return refuse(invariant, fault);
            }
        }
        CookieOwner::Transit(_) => return refuse(Invariant::Pipeline, Fault::ForeignOwner),
        CookieOwner::Refusal => {
            if !rule.actions.is_empty() {
                return refuse(Invariant::Refusals, Fault::RefusalAllows);
            }
        }
    }
    Ok(())
}

fn zone_breach_of_wish(p: &Premises<'_>, wish: &InHouseRule) -> Option<(Invariant, Fault)> {
    let end = |id| p.site.hosts.get(id).and_then(|h| Some((h, p.site.zone_of(h)?)));
    let (Some((from, from_zone)), Some((to, to_zone))) = (end(&wish.from), end(&wish.to)) else {
        return Some((Invariant::LiveOwner, Fault::WishNotThere));
    };
    let proxy = from.proxy.is_some() || to.proxy.is_some();
    zone_breach(ZoneSide::Zone(from_zone), ZoneSide::Zone(to_zone), proxy)
}

/// The whole grammar of the pipeline: which actions, in which order, lead where.
fn actions_fault(rule: &FlowRule) -> Option<Fault> {
    let is_solicitation = rule.matches.eth_type == Some(EtherType::Neighbour);
    let (last, first) = rule.actions.split_last()?;
    if first.iter().any(|a| matches!(a, Action::Goto(_) | Action::Track { .. })) {
        return Some(Fault::AfterLeaving);
    }
    let only = |good: bool, fault: Fault| (!good).then_some(fault);
    match (rule.table, first, last) {
        (Table::Admission, [Action::SetTag(_)], Action::Goto(next)) => {
            // IP goes through posture, ARP has nothing to track, and solicitations go where nothing else goes.
            let wanted = match rule.matches.eth_type {
                Some(EtherType::Arp) => Table::Forwarding,
                Some(EtherType::Neighbour) => Table::Neighbours,
                Some(EtherType::Ipv4 | EtherType::Ipv6) | None => Table::Posture,
            };
            only(*next == wanted, Fault::StepBack)
        }
        (Table::Posture, [], Action::Track { zone, next }) => only(*zone == CONNTRACK_ZONE, Fault::ForeignZone)
            .or_else(|| only(*next == Table::Connections, Fault::StepBack)),
        (Table::Connections, [], Action::ToGate) => only(rule.owner == CookieOwner::Standing, Fault::ForeignOwner)
            .or_else(|| only(rule.matches.in_port.is_some(), Fault::ToGateShared)),
        (Table::Connections, [], Action::Goto(next)) => {
            only(matches!(next, Table::Zones | Table::Forwarding), Fault::StepBack)
        }
        (Table::Zones, [], Action::Goto(next)) => only(*next == Table::Forwarding, Fault::StepBack),
        (Table::Connections | Table::Zones, [Action::Commit { zone }], Action::Goto(next)) => {
            only(*zone == CONNTRACK_ZONE, Fault::ForeignZone)
                .or_else(|| only(*next == Table::Forwarding, Fault::StepBack))
        }
        (Table::Forwarding, [], Action::ArpReply { .. }) => None,
        (Table::Neighbours, [], Action::NeighbourReply { .. }) => only(is_solicitation, Fault::ActionNotHere),
        (Table::Forwarding, rewrites, Action::Output(_)) => {
            let rewrite = |a: &Action| matches!(a, Action::SetEthSrc(_) | Action::SetEthDst(_));
            only(rewrites.iter().all(rewrite), Fault::ActionNotHere)
        }
        _ => Some(Fault::ActionNotHere),
    }
}

/// BCP 38 at the port: who enters is who is registered there (G16).
fn source_binding(p: &Premises<'_>, rule: &FlowRule) -> Verdict {
    let m = &rule.matches;
    let refuse = |fault| {
        let packet = Region::wire().meet(m).and_then(|r| r.corners(&[]).first().cloned());
        Err(p.refute_path((Invariant::SourceBinding, fault), packet, &[rule], None))
    };
    let Some(port) = m.in_port else { return refuse(Fault::UnboundPort) };
    let Some(Action::SetTag(tag)) = rule.actions.first() else { return refuse(Fault::WrongTag) };
    if port == p.uplink() {
        if *tag != Tag::Uplink {
            return refuse(Fault::WrongTag);
        }
        let mac = Some(p.site.gateway.mac);
        if m.eth_src != mac {
            return refuse(Fault::UnboundMac);
        }
        return match m.eth_type {
            // Remote addresses are bound by the tunnel's selectors and by each grant's rules.
            Some(EtherType::Ipv4 | EtherType::Ipv6) => Ok(()),
            Some(EtherType::Arp) if m.arp_sha != mac => refuse(Fault::UnboundMac),
            Some(EtherType::Arp) if m.arp_spa.is_some_and(|a| p.gateways.contains_key(&IpAddr::V4(a))) => Ok(()),
            Some(EtherType::Neighbour) if m.arp_sha != mac => refuse(Fault::UnboundMac),
            Some(EtherType::Neighbour) if p.gateways.keys().any(|g| asks_as(m.ip_src, *g)) => Ok(()),
            Some(EtherType::Arp | EtherType::Neighbour) | None => refuse(Fault::UnboundAddress),
        };
    }
    let Some(host) = p.by_port.get(&port) else { return refuse(Fault::UnboundPort) };
    if p.site.zone_of(host).map(Tag::Zone) != Some(*tag) {
        return refuse(Fault::WrongTag);
    }
    if m.eth_src != Some(host.mac) {
        return refuse(Fault::UnboundMac);
    }
    match m.eth_type {
        Some(EtherType::Ipv4 | EtherType::Ipv6) if is_host(m.ip_src, host.address) => Ok(()),
        Some(EtherType::Arp | EtherType::Neighbour) if m.arp_sha != Some(host.mac) => refuse(Fault::UnboundMac),
        Some(EtherType::Neighbour) if asks_as(m.ip_src, host.address) => Ok(()),
        Some(EtherType::Arp) if m.arp_spa.map(IpAddr::V4) == Some(host.address) => Ok(()),
        _ => refuse(Fault::UnboundAddress),
    }
}

/// Link-local addresses (RFC 4291 §2.5.6) are nobody's to register; what asks from one gets an answer and nothing else.
const LINK_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10);

/// May who has this address ask for neighbours from there?
fn asks_as(source: Option<IpNet>, address: IpAddr) -> bool {
    let link_local = matches!(source, Some(IpNet::V6(net)) if LINK_LOCAL.contains(&net));
    address.is_ipv6() && (link_local || is_host(source, address))
}

/// An answer tells a registered binding to who asked for it, whoever that is: so it need not be followed per asker.
fn answer(p: &Premises<'_>, rule: &FlowRule) -> Verdict {
    let m = &rule.matches;
    let (asked, address, mac, as_router) = match rule.actions.as_slice() {
        [Action::ArpReply { ip, mac }] => {
            (m.arp_op == Some(ArpOp::Request) && m.arp_tpa == Some(*ip), IpAddr::V4(*ip), mac, None)
        }
        [Action::NeighbourReply { ip, mac, router }] => {
            (is_host(m.ip_dst, IpAddr::V6(*ip)), IpAddr::V6(*ip), mac, Some(*router))
        }
        _ => return Ok(()),
    };
    let host = p.by_address.get(&address).map(|h| h.mac);
    let is_gateway = host.is_none() && p.gateways.contains_key(&address);
    let true_mac = host.or_else(|| is_gateway.then_some(p.site.gateway.mac));
    if asked && true_mac == Some(*mac) && as_router.is_none_or(|router| router == is_gateway) {
        return Ok(());
    }
    let packet = Region::wire().meet(m).and_then(|r| r.corners(&[]).first().cloned());
    Err(p.refute_path((Invariant::ArpAnswers, Fault::ArpLie), packet, &[rule], None))
}
