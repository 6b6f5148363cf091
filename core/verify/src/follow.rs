//! One first packet, followed by priorities as a switch would, up to where nothing takes it on: what to show of a way
//! that ends early. It judges nothing.

use model::{Beginning, CtMatch, EtherType, FilterSide, HostRef, Mac, Protocol, SiteId, SiteState};
use std::collections::BTreeMap;

use crate::judge::{Around, Scope};
use crate::premises::Premises;
use crate::{Hop, Packet, trace};

/// The first packet a host would send to begin a connection with another, and how far it gets. Nothing if one of the
/// two is unknown, or they speak different versions of IP.
pub fn follow(
    states: &BTreeMap<SiteId, SiteState>,
    (from, to): (&HostRef, &HostRef),
    protocol: Protocol,
    port: u16,
) -> Option<(Packet, Vec<Hop>)> {
    let state = states.get(&from.site)?;
    let site = &state.facts.site;
    let source = site.hosts.get(&from.host)?;
    let target = states.get(&to.site)?.facts.site.hosts.get(&to.host)?;
    if source.address.is_ipv4() != target.address.is_ipv4() {
        return None;
    }
    // A host sends to its neighbour straight and to everybody else through the gateway.
    let neighbour: Option<Mac> = (from.site == to.site && source.segment == target.segment).then_some(target.mac);
    let packet = Packet {
        in_port: source.port.port,
        eth_src: source.mac,
        eth_dst: neighbour.unwrap_or(site.gateway.mac),
        eth_type: if source.address.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 },
        ip_src: Some(source.address),
        ip_dst: Some(target.address),
        protocol: Some(protocol),
        tp_src: Some(EPHEMERAL),
        tp_dst: Some(port),
        ct_state: CtMatch::BEGINS.value,
        beginning: Beginning::of(protocol),
        arp: None,
    };
    let scope = Scope { state, around: Some(Around { first: states, then: None }), facts: false };
    let premises = Premises::new(&scope);
    let mut path = vec![Hop::Host { site: from.site.clone(), host: from.host.clone() }];
    path.extend(trace::through_switch(&from.site, state, &packet));
    if matches!(path.last(), Some(Hop::Leaves { port, .. }) if *port == premises.uplink()) {
        path.push(trace::gateway_hop(state, FilterSide::Lan, FilterSide::Tunnel, &packet));
        if !matches!(path.last(), Some(Hop::Stopped { .. })) {
            path.extend(trace::to_far(&premises, &packet));
        }
    }
    Some((packet, path))
}

/// What the tables of one site do to one packet, by priorities: the rules that take it, and where it leaves.
pub fn at_switch(state: &SiteState, packet: &Packet) -> Vec<Hop> {
    trace::through_switch(&state.facts.site.id, state, packet)
}

/// First of the dynamic ports (RFC 6335 §6).
pub(crate) const EPHEMERAL: u16 = 49152;
