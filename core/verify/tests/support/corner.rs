//! Corner packets of a network, and the first of them that gets through uncovered.

use model::*;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::build::*;
use super::naive::{Event, Net, Oracle, Pkt, beginning};

/// The first corner packet that gets somewhere where nothing covers it.
pub fn first_uncovered(states: &States) -> Option<Event> {
    first_uncovered_of(states, &corner_packets(states))
}

/// Every packet worth trying: from each port, as oneself and as others, to every address, at ports on and beside
/// those granted. Twice, and in both orders, so that answers are tried before and after something began.
pub fn corner_packets(states: &States) -> Vec<(SiteId, PortNo, Pkt)> {
    let mut addresses: BTreeSet<IpAddr> = BTreeSet::from(["10.1.20.200", "10.77.0.1"].map(|a| a.parse().unwrap()));
    for state in states.values() {
        addresses.extend(state.facts.site.hosts.values().map(|h| h.address));
        addresses.extend(state.facts.site.segments.values().map(Segment::gateway_address));
    }
    let stranger: IpAddr = "10.77.0.1".parse().unwrap();
    let services = [22, 443, 442, 445, 631, GATE_SERVICE_PORT, 8443];
    let mut out = Vec::new();
    for (id, state) in states {
        let site = &state.facts.site;
        let uplink = site.gateway.uplink.port;
        let mut entries: Vec<(PortNo, Mac, Vec<IpAddr>)> = site
            .hosts
            .values()
            .map(|h| {
                (h.port.port, h.mac, vec![h.address, "10.1.20.12".parse().unwrap(), "10.2.10.10".parse().unwrap()])
            })
            .collect();
        entries.push((uplink, site.gateway.mac, addresses.iter().copied().collect()));
        for (entry, eth_src, sources) in entries {
            for src in sources {
                // From outside only what is inside matters, and two strangers; relays start at a host.
                let near = |d: &IpAddr| site.segments.values().any(|g| g.prefix.contains(d)) || *d == stranger;
                for dst in addresses.iter().copied().filter(|d| *d != src && (entry != uplink || near(d))) {
                    let packet = |protocol, sport, dport| {
                        let eth_dst = site.gateway.mac;
                        let beginning = beginning(protocol);
                        (id.clone(), entry, Pkt { eth_src, eth_dst, src, dst, protocol, sport, dport, beginning })
                    };
                    for service in services {
                        out.push(packet(Some(Protocol::Tcp), 49152, service));
                        out.push(packet(Some(Protocol::Tcp), service, 49152));
                    }
                    out.push(packet(Some(Protocol::Udp), 49152, 443));
                    out.push(packet(None, 0, 0));
                    // What is left of a connection that was cut.
                    let (site, port, mut stray) = packet(Some(Protocol::Tcp), 49152, 443);
                    stray.beginning = None;
                    out.push((site, port, stray));
                }
            }
        }
    }
    out
}

fn first_uncovered_of(states: &States, packets: &[(SiteId, PortNo, Pkt)]) -> Option<Event> {
    let mut net = Net::new(states.clone());
    let mut oracle = Oracle::default();
    for (site, entry, packet) in packets.iter().rev().chain(packets) {
        net.events.clear();
        oracle.sent(&net, site, *entry, packet);
        net.send(site, *entry, packet.clone());
        if let Some(event) = oracle.uncovered(&net) {
            return Some(event);
        }
    }
    None
}
