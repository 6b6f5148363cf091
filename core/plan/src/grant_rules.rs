//! What one grant needs at one of its two sites: three flow rules a port, one tunnel, two filters.

use ipnet::IpNet;
use model::{
    Action, CONNTRACK_ZONE, CookieOwner, CtMatch, Endpoint, EtherType, Filter, FilterSide, FlowDirection, FlowMatch,
    FlowRule, Grant, Host, PortMatch, Selector, Site, SiteFacts, Table, Tag, Tunnel,
};
use std::net::IpAddr;

use crate::{GrantParts, PlanError};

/// Priority of rules that serve a grant or an in-house rule; above every standing rule of their tables.
pub(crate) const CONNECTION_PRIORITY: u16 = 1000;

pub(crate) fn parts(grant: &Grant, facts: &SiteFacts) -> Result<GrantParts, PlanError> {
    let site = &facts.site;
    let not_an_end = || PlanError::NotAnEnd { grant: grant.id, site: site.id.clone() };
    let (here, is_origin) = grant.end_at(&site.id).ok_or_else(not_an_end)?;
    let there = if is_origin { &grant.destination } else { &grant.origin };
    let host = registered(here, site).ok_or_else(|| PlanError::UnknownHost {
        grant: grant.id,
        site: site.id.clone(),
        host: here.host.clone(),
    })?;
    let owner = CookieOwner::Grant(grant.id);
    let inside = Side { port: host.port.port, tag: Tag::Zone(here.zone), address: here.address };
    let outside = Side { port: site.gateway.uplink.port, tag: Tag::Uplink, address: there.address };
    let (from, to) = if is_origin { (inside, outside) } else { (outside, inside) };
    let rules = grant
        .ports
        .iter()
        .flat_map(|port| connection_rules(site, Table::Connections, owner, grant.protocol, *port, from, to))
        .collect();
    Ok(GrantParts { rules, tunnel: tunnel(grant, here, there, is_origin), filters: filters(grant, is_origin) })
}

fn registered<'a>(end: &Endpoint, site: &'a Site) -> Option<&'a Host> {
    site.hosts.get(&end.host).filter(|h| h.address == end.address && site.zone_of(h) == Some(end.zone))
}

/// One side of a connection as the switch sees it.
#[derive(Clone, Copy)]
pub(crate) struct Side {
    pub(crate) port: model::PortNo,
    pub(crate) tag: Tag,
    pub(crate) address: IpAddr,
}

/// Begin, go on, answer: stateful, and only `from` may begin. Each connection has its own `established` rules, so that
/// deleting them ends it; a shared one would keep it alive.
pub(crate) fn connection_rules(
    site: &Site,
    table: Table,
    owner: CookieOwner,
    protocol: model::Protocol,
    port: u16,
    from: Side,
    to: Side,
) -> [FlowRule; 3] {
    let rule = |side: Side, source: IpAddr, destination: IpAddr, ct: CtMatch, actions: Vec<Action>| FlowRule {
        switch: site.switch.id.clone(),
        table,
        priority: CONNECTION_PRIORITY,
        matches: FlowMatch {
            in_port: Some(side.port),
            tag: Some(side.tag),
            eth_type: Some(ether_type(source)),
            ip_src: Some(IpNet::from(source)),
            ip_dst: Some(IpNet::from(destination)),
            protocol: Some(protocol),
            ct: Some(ct),
            ..FlowMatch::default()
        },
        owner,
        actions,
    };
    let go = Action::Goto(Table::Forwarding);
    let mut begins = rule(
        from,
        from.address,
        to.address,
        CtMatch::BEGINS,
        vec![Action::Commit { zone: CONNTRACK_ZONE }, go.clone()],
    );
    let mut goes_on = rule(from, from.address, to.address, CtMatch::GOES_ON, vec![go.clone()]);
    let mut answers = rule(to, to.address, from.address, CtMatch::ANSWERS, vec![go]);
    begins.matches.tp_dst = Some(PortMatch::exact(port));
    goes_on.matches.tp_dst = Some(PortMatch::exact(port));
    answers.matches.tp_src = Some(PortMatch::exact(port));
    [begins, goes_on, answers]
}

pub(crate) fn ether_type(address: IpAddr) -> EtherType {
    if address.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 }
}

fn tunnel(grant: &Grant, here: &Endpoint, there: &Endpoint, is_origin: bool) -> Tunnel {
    let select = |end: &Endpoint, serves: bool| Selector {
        address: end.address,
        protocol: grant.protocol,
        ports: if serves { grant.ports.clone() } else { Vec::new() },
    };
    Tunnel {
        grant: grant.id,
        peer: there.site.clone(),
        local: select(here, !is_origin),
        remote: select(there, is_origin),
        // Both ends order their ids alike, so exactly one of them initiates, whoever asked.
        initiator: here.site < there.site,
    }
}

fn filters(grant: &Grant, is_origin: bool) -> Vec<Filter> {
    let filter = |from, to, source, destination, direction| Filter {
        owner: CookieOwner::Grant(grant.id),
        from,
        to,
        source,
        destination,
        protocol: grant.protocol,
        ports: grant.ports.clone(),
        direction,
    };
    let (origin, destination) = (grant.origin.address, grant.destination.address);
    let (out, back) =
        if is_origin { (FilterSide::Lan, FilterSide::Tunnel) } else { (FilterSide::Tunnel, FilterSide::Lan) };
    vec![
        filter(out, back, origin, destination, FlowDirection::Origin),
        filter(back, out, destination, origin, FlowDirection::Reply),
    ]
}
