//! Packets that a change could matter to: corner points of what it touches, whatever port they enter at.

use model::*;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::build::*;
use super::naive::{Event, Net, Oracle, Pkt, beginning};

/// What of a flow a part of a state speaks of. In- and out-ports, MACs, tags and tracking are left out: packets of a flow
/// it speaks of are tried at every port, as everybody, before and after it began.
struct Flows {
    ends: [Option<ipnet::IpNet>; 2],
    protocol: Option<Protocol>,
    ports: [Vec<PortMatch>; 2],
}

impl Flows {
    /// A rule for a host's port sees what that host sends, as long as nobody else is admitted there.
    fn of_rule(m: &FlowMatch, site: &Site, bound: bool) -> Self {
        let sender = site.hosts.values().find(|h| bound && Some(h.port.port) == m.in_port);
        let source = m.ip_src.or_else(|| sender.and_then(|h| host_net(h.address)));
        Self {
            ends: [source, m.ip_dst],
            protocol: m.protocol,
            ports: [m.tp_src.into_iter().collect(), m.tp_dst.into_iter().collect()],
        }
    }

    fn of_ends(source: IpAddr, destination: IpAddr, protocol: Protocol) -> Self {
        Self {
            ends: [host_net(source), host_net(destination)],
            protocol: Some(protocol),
            ports: [Vec::new(), Vec::new()],
        }
    }

    fn has(&self, end: usize, address: IpAddr) -> bool {
        self.ends[end].is_none_or(|n| n.contains(&address))
    }
}

fn minus<'a, T: Ord>(a: &'a BTreeSet<T>, b: &'a BTreeSet<T>) -> impl Iterator<Item = &'a T> {
    a.symmetric_difference(b)
}

/// What a change speaks of.
#[derive(Default)]
struct Spoken {
    flows: Vec<Flows>,
    ports: BTreeSet<u16>,
    /// Sites whose rules change.
    sites: BTreeSet<SiteId>,
    /// Only rules change: what comes of it is seen where they stand.
    rules_only: bool,
    /// Who is admitted as whom changes.
    admission: bool,
}

fn flows(before: &States, after: &States) -> Spoken {
    let mut spoken = Spoken { rules_only: true, ..Spoken::default() };
    spoken.admission = after
        .iter()
        .filter(|(id, new)| before[*id] != **new)
        .any(|(id, new)| minus(&before[id].rules, &new.rules).any(|rule| rule.table == Table::Admission));
    let mut flows = Vec::new();
    let mut ports: BTreeSet<u16> = BTreeSet::from([443, 22, GATE_SERVICE_PORT]);
    for (id, new) in after {
        let old = &before[id];
        if old == new {
            continue;
        }
        spoken.sites.insert(id.clone());
        spoken.rules_only &= old.filters == new.filters && old.tunnels == new.tunnels && old.grants == new.grants;
        for rule in minus(&old.rules, &new.rules) {
            flows.push(Flows::of_rule(&rule.matches, &new.facts.site, !spoken.admission));
        }
        for f in minus(&old.filters, &new.filters) {
            flows.push(Flows::of_ends(f.source, f.destination, f.protocol));
            ports.extend(&f.ports);
        }
        for t in minus(&old.tunnels, &new.tunnels) {
            flows.push(Flows::of_ends(t.local.address, t.remote.address, t.local.protocol));
            ports.extend(t.local.ports.iter().chain(&t.remote.ports));
        }
        for (g, other) in [(&old.grants, &new.grants), (&new.grants, &old.grants)] {
            for grant in g.values().filter(|g| other.get(&g.id) != Some(*g)) {
                flows.push(Flows::of_ends(grant.origin.address, grant.destination.address, grant.protocol));
                ports.extend(&grant.ports);
            }
        }
    }
    for port in flows.iter().flat_map(|f| f.ports.iter().flatten()) {
        // On it, beside it, and at both ends of what the mask leaves open.
        let last = port.value | !port.mask;
        ports.extend([port.value, last, port.value.wrapping_sub(1), last.wrapping_add(1)]);
    }
    Spoken { flows, ports, ..spoken }
}

/// The first packet that, after a change of a state in which nothing gets through uncovered, does.
pub fn first_uncovered_by(before: &States, after: &States) -> Option<Event> {
    let Spoken { flows, ports: services, sites, rules_only, admission } = flows(before, after);
    let mut addresses: BTreeSet<IpAddr> = BTreeSet::from(["10.1.20.200", "10.77.0.1"].map(|a| a.parse().unwrap()));
    for state in after.values() {
        addresses.extend(state.facts.site.hosts.values().map(|h| h.address));
        addresses.extend(state.facts.site.segments.values().map(Segment::gateway_address));
    }
    // Which addresses each flow has at its ends, asked once.
    let addresses: Vec<IpAddr> = addresses.into_iter().collect();
    let at = |end: usize| -> Vec<Vec<bool>> {
        addresses.iter().map(|a| flows.iter().map(|f| f.has(end, *a)).collect()).collect()
    };
    let (sources, destinations) = (at(0), at(1));
    let spoken_of = |src: usize, dst: usize| sources[src].iter().zip(&destinations[dst]).any(|(from, to)| *from && *to);
    let mut pairs: Vec<(IpAddr, IpAddr)> = Vec::new();
    for src in 0..addresses.len() {
        for dst in (0..addresses.len()).filter(|dst| *dst != src) {
            if spoken_of(src, dst) || spoken_of(dst, src) {
                pairs.push((addresses[src], addresses[dst]));
            }
        }
    }
    let udp = flows.iter().any(|f| f.protocol == Some(Protocol::Udp));
    let mut packets = Vec::new();
    for (id, state) in after.iter().filter(|(id, _)| !rules_only || sites.contains(*id)) {
        let site = &state.facts.site;
        let uplink = site.gateway.uplink.port;
        let here: BTreeSet<&IpAddr> =
            addresses.iter().filter(|a| site.segments.values().any(|g| g.prefix.contains(*a))).collect();
        let mut entries: Vec<(PortNo, Mac)> = site.hosts.values().map(|h| (h.port.port, h.mac)).collect();
        entries.push((uplink, site.gateway.mac));
        for (entry, eth_src) in entries {
            let sender = site.hosts.values().find(|h| h.port.port == entry).map(|h| h.address);
            let behind = |a: &IpAddr| if entry == uplink { !here.contains(a) } else { sender == Some(*a) };
            // As those who are behind the port; and, if it may make a difference, as others.
            for (src, dst) in pairs.iter().filter(|(src, _)| behind(src) || admission) {
                let eth_dst = site.gateway.mac;
                let mut packet = |protocol, sport, dport| {
                    let beginning = beginning(protocol);
                    let packet = Pkt { eth_src, eth_dst, src: *src, dst: *dst, protocol, sport, dport, beginning };
                    packets.push((id.clone(), entry, packet));
                };
                for service in &services {
                    packet(Some(Protocol::Tcp), 49152, *service);
                    packet(Some(Protocol::Tcp), *service, 49152);
                    if udp || *service == 443 {
                        packet(Some(Protocol::Udp), 49152, *service);
                        packet(Some(Protocol::Udp), *service, 49152);
                    }
                }
                packet(None, 0, 0);
            }
        }
    }
    let mut net = Net::new(after.clone());
    let mut oracle = Oracle::default();
    for (site, entry, packet) in packets.iter().rev().chain(&packets) {
        net.events.clear();
        oracle.sent(&net, site, *entry, packet);
        net.send(site, *entry, packet.clone());
        if let Some(event) = oracle.uncovered(&net) {
            return Some(event);
        }
    }
    None
}
