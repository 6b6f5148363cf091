//! The strict contract of a grant: what a plan must look like to be admitted without following a single path.

use model::{
    Action, CONNTRACK_ZONE, CookieOwner, CtMatch, Filter, FlowDirection, FlowMatch, FlowRule, Grant, PortMatch,
    SiteFacts, Table, Tag, Tunnel,
};
use std::net::IpAddr;

use super::fit::{Fit, family};
use crate::region::is_host;
use crate::{ends, gateway};

/// Rules are compared in pairs; whatever has more ports is judged path by path.
const MOST_PORTS: usize = 64;

/// Is this all of a grant at one site, and nothing that is not of it?
///
/// True only if, on a structure that is [`Fit::sound`], the full judge would accept the grant with these parts, as far
/// as one site can say; see [`crate::inline`] for why. False means no more than "look closer".
pub(crate) fn keeps_contract(
    facts: &SiteFacts,
    fit: &Fit,
    grant: &Grant,
    rules: &[FlowRule],
    tunnels: &[Tunnel],
    filters: &[Filter],
) -> bool {
    let [tunnel] = tunnels else { return false };
    fit.sound
        && grant.ports.len() <= MOST_PORTS
        && ends::contract_breach(facts, grant.id, grant).is_none()
        && mirrors_itself(facts, grant, tunnel)
        && all_rules(facts, fit, grant, rules)
        && all_filters(facts, grant, filters)
}

/// The one tunnel that follows from the grant: so the two ends' tunnels mirror each other if their grants are equal.
fn mirrors_itself(facts: &SiteFacts, grant: &Grant, tunnel: &Tunnel) -> bool {
    let originates = grant.origin.site == facts.site.id;
    let serving = if originates { &tunnel.remote } else { &tunnel.local };
    tunnel.grant == grant.id
        && serving.ports == grant.ports
        && gateway::tunnel_breach(facts, Some(grant), tunnel).is_none()
}

fn all_filters(facts: &SiteFacts, grant: &Grant, filters: &[Filter]) -> bool {
    let [one, other] = filters else { return false };
    let whole = |f: &Filter| {
        f.owner == CookieOwner::Grant(grant.id)
            && f.ports == grant.ports
            && gateway::grant_filter(&facts.site, f, grant).is_none()
    };
    whole(one)
        && whole(other)
        && matches!(
            (one.direction, other.direction),
            (FlowDirection::Origin, FlowDirection::Reply) | (FlowDirection::Reply, FlowDirection::Origin)
        )
}

/// One side of the switch as the grant sees it.
#[derive(Clone, Copy)]
struct Side {
    port: model::PortNo,
    tag: Tag,
    address: IpAddr,
}

/// First packets, later packets and answers of every port, once each; every rule is one of these.
fn all_rules(facts: &SiteFacts, fit: &Fit, grant: &Grant, rules: &[FlowRule]) -> bool {
    let Some((near, originates)) = grant.end_at(&facts.site.id) else { return false };
    let Some(seat) = fit.seats.get(&near.host) else { return false };
    let far = if originates { &grant.destination } else { &grant.origin };
    let inside = Side { port: seat.port, tag: seat.tag, address: seat.address };
    let outside = Side { port: facts.site.gateway.uplink.port, tag: Tag::Uplink, address: far.address };
    if seat.address != near.address || rules.len() != 3 * grant.ports.len() {
        return false;
    }
    let (from, to) = if originates { (inside, outside) } else { (outside, inside) };
    // As many as wanted and no two alike: then none is missing.
    let mut seen = Vec::with_capacity(rules.len());
    rules.iter().all(|rule| {
        let Some(one) = kind_of(facts, grant, rule, from, to) else { return false };
        let new = !seen.contains(&one);
        seen.push(one);
        new
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    First,
    Later,
    Answer,
}

fn kind_of(facts: &SiteFacts, grant: &Grant, rule: &FlowRule, from: Side, to: Side) -> Option<(Kind, u16)> {
    let m = &rule.matches;
    let serves = rule.owner == CookieOwner::Grant(grant.id)
        && rule.switch == facts.site.switch.id
        && rule.table == Table::Connections;
    let kind = match (m.ct?, rule.actions.as_slice()) {
        (CtMatch::BEGINS, [Action::Commit { zone: CONNTRACK_ZONE }, Action::Goto(Table::Forwarding)]) => Kind::First,
        (CtMatch::GOES_ON, [Action::Goto(Table::Forwarding)]) => Kind::Later,
        (CtMatch::ANSWERS, [Action::Goto(Table::Forwarding)]) => Kind::Answer,
        _ => return None,
    };
    let (entry, exit, serving, other) = match kind {
        Kind::First | Kind::Later => (from, to, m.tp_dst?, m.tp_src),
        Kind::Answer => (to, from, m.tp_src?, m.tp_dst),
    };
    let bound = serves
        && m.in_port == Some(entry.port)
        && m.tag == Some(entry.tag)
        && m.eth_type == Some(family(entry.address))
        && is_host(m.ip_src, entry.address)
        && is_host(m.ip_dst, exit.address)
        && m.protocol == Some(grant.protocol)
        && other.is_none()
        && serving == PortMatch::exact(serving.value)
        && grant.ports.binary_search(&serving.value).is_ok();
    // Nothing else narrows it, or packets of the grant would be lost.
    let free = FlowMatch {
        in_port: m.in_port,
        tag: m.tag,
        eth_type: m.eth_type,
        ip_src: m.ip_src,
        ip_dst: m.ip_dst,
        protocol: m.protocol,
        tp_src: m.tp_src,
        tp_dst: m.tp_dst,
        ct: m.ct,
        ..FlowMatch::default()
    };
    (bound && *m == free).then_some((kind, serving.value))
}
