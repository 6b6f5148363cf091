//! The same network with IPv6 addresses: what was 10.a.b.c is fd00::a:b:c, what was 192.0.2.n is 2001:db8::n.

use ipnet::{IpNet, Ipv6Net};
use model::*;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use super::build::States;

/// Rules that speak of ARP are left out: IPv6 has none. See [`with_neighbours`].
pub fn without_arp(states: &mut States) {
    for state in states.values_mut() {
        state.rules.retain(|r| r.matches.eth_type != Some(EtherType::Arp));
    }
}

/// What IPv6 has instead of ARP: every host and every gateway may ask for its neighbours, and is answered.
pub fn with_neighbours(states: &mut States) {
    for state in states.values_mut() {
        let site = &state.facts.site;
        let mut rules = Vec::new();
        let mut put = |table, priority, matches: FlowMatch, actions| {
            let matches = FlowMatch { eth_type: Some(EtherType::Neighbour), ..matches };
            let (switch, owner) = (site.switch.id.clone(), CookieOwner::Standing);
            rules.push(FlowRule { switch, table, priority, matches, owner, actions });
        };
        let uplink = site.gateway.uplink.port;
        let gateways = site.segments.values().map(|s| (uplink, site.gateway.mac, s.gateway_address(), Tag::Uplink));
        let zone = |h: &Host| Tag::Zone(site.zone_of(h).unwrap());
        let hosts = site.hosts.values().map(|h| (h.port.port, h.mac, h.address, zone(h)));
        for (port, mac, address, tag) in gateways.chain(hosts) {
            for source in [IpNet::from(address), "fe80::/10".parse().unwrap()] {
                let asks = FlowMatch {
                    in_port: Some(port),
                    eth_src: Some(mac),
                    arp_sha: Some(mac),
                    ip_src: Some(source),
                    ..FlowMatch::default()
                };
                put(Table::Admission, 210, asks, vec![Action::SetTag(tag), Action::Goto(Table::Neighbours)]);
            }
            let IpAddr::V6(ip) = address else { panic!("{address} is not IPv6") };
            let asked = FlowMatch { ip_dst: Some(address.into()), ..FlowMatch::default() };
            let router = tag == Tag::Uplink;
            put(Table::Neighbours, 200, asked, vec![Action::NeighbourReply { ip, mac, router }]);
        }
        state.rules.extend(rules);
    }
}

/// Everything translated, rule by rule.
pub fn in_ipv6(states: &States) -> States {
    let mut out = States::new();
    for (id, state) in states {
        let mut new = SiteState::empty(facts(&state.facts));
        new.generation = state.generation;
        new.grants = state.grants.iter().map(|(id, g)| (*id, grant(g))).collect();
        new.rules = state.rules.iter().map(rule).collect();
        new.tunnels = state.tunnels.iter().map(tunnel).collect();
        new.filters = state.filters.iter().map(filter).collect();
        out.insert(id.clone(), new);
    }
    out
}

fn address(a: IpAddr) -> IpAddr {
    let IpAddr::V4(a) = a else { return a };
    let [first, b, c, d] = a.octets().map(u16::from);
    let word = |n: u16| 0x1000 + n;
    IpAddr::V6(match first {
        10 => Ipv6Addr::new(0xfd00, 0, 0, 0, word(b), word(c), 0, d),
        _ => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, first, b, c, d),
    })
}

fn net(n: IpNet) -> IpNet {
    let IpNet::V4(v4) = n else { return n };
    let IpAddr::V6(base) = address(n.addr()) else { return n };
    // The last number has 32 bits to itself, the two before it 16 each.
    let bits = match v4.prefix_len() {
        32 => 128,
        25..32 => 96 + v4.prefix_len() - 24 + 24,
        24 => 96,
        17..24 => 80 + (v4.prefix_len() - 16) + 8,
        16 => 80,
        9..16 => 64 + (v4.prefix_len() - 8) + 8,
        8 => 16,
        len => len,
    };
    IpNet::V6(Ipv6Net::new(base, bits).unwrap())
}

fn rule(r: &FlowRule) -> FlowRule {
    let mut r = r.clone();
    r.matches.ip_src = r.matches.ip_src.map(net);
    r.matches.ip_dst = r.matches.ip_dst.map(net);
    if r.matches.eth_type == Some(EtherType::Ipv4) {
        r.matches.eth_type = Some(EtherType::Ipv6);
    }
    r
}

fn selector(s: &Selector) -> Selector {
    Selector { address: address(s.address), ..s.clone() }
}

fn tunnel(t: &Tunnel) -> Tunnel {
    Tunnel { local: selector(&t.local), remote: selector(&t.remote), ..t.clone() }
}

fn filter(f: &Filter) -> Filter {
    Filter { source: address(f.source), destination: address(f.destination), ..f.clone() }
}

fn grant(g: &Grant) -> Grant {
    let end = |e: &Endpoint| Endpoint { address: address(e.address), ..e.clone() };
    Grant { origin: end(&g.origin), destination: end(&g.destination), ..g.clone() }
}

fn facts(f: &SiteFacts) -> SiteFacts {
    let mut f = f.clone();
    for line in &mut f.site.lines {
        line.address = address(line.address);
    }
    for segment in f.site.segments.values_mut() {
        segment.gateway = Some(address(segment.gateway_address()));
        segment.prefix = net(segment.prefix);
    }
    for host in f.site.hosts.values_mut() {
        host.address = address(host.address);
    }
    for peer in f.peers.values_mut() {
        let peer = Arc::make_mut(peer);
        peer.address = address(peer.address);
        peer.prefixes = peer.prefixes.iter().copied().map(net).collect();
    }
    f
}
