//! What a whole network does to concrete packets: prioritised multi-table matching, connection tracking, filters and
//! tunnels, one packet at a time. Written from the OpenFlow specification, sharing nothing with the verifier.

use model::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use super::build::States;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pkt {
    pub eth_src: Mac,
    pub eth_dst: Mac,
    pub src: IpAddr,
    pub dst: IpAddr,
    /// Nothing is another protocol than TCP and UDP.
    pub protocol: Option<Protocol>,
    pub sport: u16,
    pub dport: u16,
    /// A SYN, ICMP, or neither.
    pub beginning: Option<Beginning>,
}

/// As a packet of a protocol is when it begins something; what is neither TCP nor UDP is ICMP here.
pub fn beginning(protocol: Option<Protocol>) -> Option<Beginning> {
    match protocol {
        Some(Protocol::Tcp) => Some(Beginning::Syn),
        Some(Protocol::Udp) => None,
        None => Some(Beginning::Icmp),
    }
}

pub type Flow = (IpAddr, IpAddr, Option<Protocol>, u16, u16);

impl Pkt {
    pub fn flow(&self) -> Flow {
        (self.src, self.dst, self.protocol, self.sport, self.dport)
    }
    pub fn reverse(&self) -> Flow {
        (self.dst, self.src, self.protocol, self.dport, self.sport)
    }
}

/// Something that came out somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Left a switch at a port, having entered at another.
    Out { site: SiteId, entry: PortNo, exit: PortNo, packet: Pkt },
    /// Was shown to the gate.
    ToGate { site: SiteId, entry: PortNo, packet: Pkt },
    /// Crossed a tunnel.
    Crossed { from: SiteId, to: SiteId, packet: Pkt },
    /// Went from tunnel to tunnel through a gateway.
    Relayed { site: SiteId, packet: Pkt },
}

pub struct Net {
    pub states: Rc<States>,
    /// In the order of their names.
    sites: Rc<Vec<Place>>,
    /// Conntrack of the switch and of the gateway, per site.
    tracked: Vec<BTreeSet<Flow>>,
    passed: Vec<BTreeSet<Flow>>,
    pub events: Vec<Event>,
}

/// What is asked of a site with every packet, at hand.
struct Place {
    id: SiteId,
    uplink: PortNo,
    mac: Mac,
    institution: InstitutionId,
    gateways: Vec<IpAddr>,
    hosts: Vec<(IpAddr, PortNo)>,
    /// Ports of terminals; and each terminal's address with that of the gateway it asks.
    terminals: Vec<PortNo>,
    gate: Vec<(IpAddr, IpAddr)>,
    in_house: Vec<(IpAddr, IpAddr, InHouseRule)>,
    filters: Vec<Filter>,
    tunnels: Vec<Tunnel>,
    /// Rules of each table that may fit what enters at a port, the first that fits being the one that counts.
    tables: BTreeMap<PortNo, [Vec<Rule>; Table::ALL.len()]>,
    /// The same for every port not named.
    elsewhere: [Vec<Rule>; Table::ALL.len()],
}

/// A rule, and its prefixes as values and masks.
#[derive(Clone)]
struct Rule {
    rule: Rc<FlowRule>,
    src: Option<Prefix>,
    dst: Option<Prefix>,
}

#[derive(Clone, Copy)]
struct Prefix {
    v6: bool,
    value: u128,
    mask: u128,
}

impl Prefix {
    fn new(net: ipnet::IpNet) -> Self {
        let width = if net.addr().is_ipv4() { 32 } else { 128 };
        let mask = match width - u32::from(net.prefix_len()) {
            128 => 0,
            open => (u128::MAX >> (128 - width)) & (u128::MAX << open),
        };
        Self { v6: width == 128, value: bits(net.addr()) & mask, mask }
    }

    fn has(&self, address: IpAddr) -> bool {
        self.v6 == address.is_ipv6() && bits(address) & self.mask == self.value
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(a) => u128::from(a.to_bits()),
        IpAddr::V6(a) => a.to_bits(),
    }
}

impl Place {
    fn new(state: &SiteState) -> Self {
        let site = &state.facts.site;
        let mut rules: Vec<Rule> = state
            .rules
            .iter()
            .map(|r| Rule {
                rule: Rc::new(r.clone()),
                src: r.matches.ip_src.map(Prefix::new),
                dst: r.matches.ip_dst.map(Prefix::new),
            })
            .collect();
        // Stable: among equals the first stays first.
        rules.sort_by_key(|r| std::cmp::Reverse(r.rule.priority));
        let of = |entry: Option<PortNo>| {
            let may = |r: &&Rule| r.rule.matches.in_port.is_none_or(|p| Some(p) == entry);
            Table::ALL.map(|t| rules.iter().filter(|r| r.rule.table == t).filter(may).cloned().collect())
        };
        let terminals = || site.hosts.values().filter(|h| h.terminal);
        let address = |id: &HostId| site.hosts[id].address;
        let named: BTreeSet<PortNo> = rules.iter().filter_map(|r| r.rule.matches.in_port).collect();
        Self {
            id: site.id.clone(),
            uplink: site.gateway.uplink.port,
            mac: site.gateway.mac,
            institution: site.institution.clone(),
            gateways: site.segments.values().map(Segment::gateway_address).collect(),
            hosts: site.hosts.values().map(|h| (h.address, h.port.port)).collect(),
            terminals: terminals().map(|h| h.port.port).collect(),
            gate: terminals().map(|h| (h.address, site.segment_of(h).unwrap().gateway_address())).collect(),
            in_house: site.in_house.iter().map(|r| (address(&r.from), address(&r.to), r.clone())).collect(),
            filters: state.filters.iter().cloned().collect(),
            tunnels: state.tunnels.iter().cloned().collect(),
            tables: named.into_iter().map(|p| (p, of(Some(p)))).collect(),
            elsewhere: of(None),
        }
    }

    fn has(&self, address: IpAddr) -> bool {
        self.hosts.iter().any(|(a, _)| *a == address)
    }

    /// Is the address at home behind this port?
    fn behind(&self, port: PortNo, address: IpAddr) -> bool {
        let host = self.hosts.iter().find(|(a, _)| *a == address);
        if port == self.uplink { host.is_none() } else { host.is_some_and(|(_, p)| *p == port) }
    }
}

impl Net {
    pub fn new(states: States) -> Self {
        let sites: Vec<Place> = states.values().map(Place::new).collect();
        Self {
            tracked: vec![BTreeSet::new(); sites.len()],
            passed: vec![BTreeSet::new(); sites.len()],
            sites: Rc::new(sites),
            states: Rc::new(states),
            events: Vec::new(),
        }
    }

    fn place(&self, site: &SiteId) -> Option<usize> {
        self.sites.iter().position(|p| p.id == *site)
    }

    /// Puts a packet into a switch port and follows it to all its ends.
    pub fn send(&mut self, site: &SiteId, entry: PortNo, packet: Pkt) {
        let place = self.place(site).expect("a site of this network");
        self.enter(place, entry, packet);
    }

    fn enter(&mut self, at: usize, entry: PortNo, packet: Pkt) {
        let sites = Rc::clone(&self.sites);
        let place = &sites[at];
        for (exit, packet) in self.switch(at, entry, &packet) {
            self.events.push(Event::Out { site: place.id.clone(), entry, exit, packet: packet.clone() });
            // Only what is addressed to the gateway's MAC is taken up by it.
            if exit == place.uplink && packet.eth_dst == place.mac {
                self.gateway(at, FilterSide::Lan, packet);
            }
        }
    }

    fn gateway(&mut self, at: usize, from: FilterSide, packet: Pkt) {
        let sites = Rc::clone(&self.sites);
        let place = &sites[at];
        if place.gateways.contains(&packet.dst) {
            return;
        }
        let to = if place.has(packet.dst) { FilterSide::Lan } else { FilterSide::Tunnel };
        let passed = &mut self.passed[at];
        let established = passed.contains(&packet.flow()) || passed.contains(&packet.reverse());
        let accepts = |f: &Filter| {
            let ports = match f.direction {
                FlowDirection::Origin => f.ports.contains(&packet.dport),
                FlowDirection::Reply => f.ports.contains(&packet.sport) && established,
            };
            f.from == from
                && f.to == to
                && f.source == packet.src
                && f.destination == packet.dst
                && Some(f.protocol) == packet.protocol
                && ports
        };
        if !place.filters.iter().any(accepts) {
            return;
        }
        passed.insert(packet.flow());
        if (from, to) == (FilterSide::Tunnel, FilterSide::Tunnel) {
            self.events.push(Event::Relayed { site: place.id.clone(), packet: packet.clone() });
        }
        match to {
            FilterSide::Lan => {
                self.enter(at, place.uplink, Pkt { eth_src: place.mac, eth_dst: Mac([0xff; 6]), ..packet });
            }
            FilterSide::Tunnel => self.tunnel(at, packet),
        }
    }

    fn tunnel(&mut self, at: usize, packet: Pkt) {
        let sites = Rc::clone(&self.sites);
        let site = &sites[at].id;
        let fits = |s: &Selector, address: IpAddr, port: u16| {
            s.address == address
                && Some(s.protocol) == packet.protocol
                && (s.ports.is_empty() || s.ports.contains(&port))
        };
        let takes = |t: &Tunnel| fits(&t.local, packet.src, packet.sport) && fits(&t.remote, packet.dst, packet.dport);
        let Some(out) = sites[at].tunnels.iter().find(|t| takes(t)) else { return };
        let Some(there) = self.place(&out.peer) else { return };
        // IKE agrees on what both ends want: without the other end there is no SA.
        let mirrored = sites[there].tunnels.iter().any(|t| {
            t.grant == out.grant
                && &t.peer == site
                && fits(&t.local, packet.dst, packet.dport)
                && fits(&t.remote, packet.src, packet.sport)
                && t.initiator != out.initiator
        });
        if mirrored {
            self.events.push(Event::Crossed { from: site.clone(), to: out.peer.clone(), packet: packet.clone() });
            self.gateway(there, FilterSide::Tunnel, packet);
        }
    }

    fn switch(&mut self, at: usize, entry: PortNo, packet: &Pkt) -> Vec<(PortNo, Pkt)> {
        let sites = Rc::clone(&self.sites);
        let rules = sites[at].tables.get(&entry).unwrap_or(&sites[at].elsewhere);
        let (mut table, mut tag, mut ct, mut packet) = (Table::Admission, None, 0u8, packet.clone());
        let mut out = Vec::new();
        for _ in 0..16 {
            let of_table = &rules[usize::from(table.number())];
            let Some(found) = of_table.iter().find(|r| fits(r, entry, tag, ct, &packet)) else { break };
            let mut next = None;
            for action in &found.rule.actions {
                match action {
                    Action::SetTag(t) => tag = Some(*t),
                    Action::SetEthSrc(mac) => packet.eth_src = *mac,
                    Action::SetEthDst(mac) => packet.eth_dst = *mac,
                    Action::Track { next: to, .. } => {
                        let known = &mut self.tracked[at];
                        let state = if known.contains(&packet.flow()) {
                            CtMatch::EST
                        } else if known.contains(&packet.reverse()) {
                            CtMatch::EST | CtMatch::RPL
                        } else {
                            CtMatch::NEW
                        };
                        ct = CtMatch::TRK | state;
                        next = Some(*to);
                    }
                    Action::Commit { .. } => {
                        let known = &mut self.tracked[at];
                        if ct & CtMatch::EST == 0 {
                            known.insert(packet.flow());
                        }
                    }
                    // A switch never sends a packet back where it came from unless told IN_PORT.
                    Action::Output(port) if *port != entry => out.push((*port, packet.clone())),
                    Action::Output(_) | Action::ArpReply { .. } | Action::NeighbourReply { .. } => {}
                    Action::ToGate => {
                        let site = sites[at].id.clone();
                        self.events.push(Event::ToGate { site, entry, packet: packet.clone() });
                    }
                    Action::Goto(to) => next = Some(*to),
                }
            }
            match next {
                Some(to) => table = to,
                None => break,
            }
        }
        out
    }
}

fn fits(r: &Rule, entry: PortNo, tag: Option<Tag>, ct: u8, p: &Pkt) -> bool {
    let m = &r.rule.matches;
    let family = if p.src.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 };
    if m.arp_op.is_some() || m.arp_spa.is_some() || m.arp_tpa.is_some() || m.arp_sha.is_some() {
        return false;
    }
    if m.in_port.is_some_and(|x| x != entry) || m.tag.is_some_and(|x| Some(x) != tag) {
        return false;
    }
    if m.eth_src.is_some_and(|x| x != p.eth_src) || m.eth_dst.is_some_and(|x| x != p.eth_dst) {
        return false;
    }
    if m.eth_type.is_some_and(|x| x != family) || m.protocol.is_some_and(|x| Some(x) != p.protocol) {
        return false;
    }
    if r.src.is_some_and(|x| !x.has(p.src)) || r.dst.is_some_and(|x| !x.has(p.dst)) {
        return false;
    }
    let port =
        |want: Option<PortMatch>, have: u16| want.is_none_or(|w| p.protocol.is_some() && have & w.mask == w.value);
    if m.beginning.is_some_and(|x| Some(x) != p.beginning) {
        return false;
    }
    port(m.tp_src, p.sport) && port(m.tp_dst, p.dport) && m.ct.is_none_or(|c| ct & c.mask == c.value)
}

/// Is what came out covered by what is live? Keeps its own memory of who began what, where it was covered.
#[derive(Default)]
pub struct Oracle {
    begun: BTreeSet<Flow>,
}

impl Oracle {
    /// The first event that nothing covers.
    pub fn uncovered(&self, net: &Net) -> Option<Event> {
        net.events.iter().find(|event| !self.covered(net, event)).cloned()
    }

    fn covered(&self, net: &Net, event: &Event) -> bool {
        let place = |site| &net.sites[net.place(site).expect("a site of this network")];
        match event {
            Event::Out { site, entry, exit, packet } => self.out(net, place(site), *entry, *exit, packet),
            // Of TCP nothing but a SYN.
            Event::ToGate { site, entry, packet } => {
                place(site).terminals.contains(entry)
                    && (packet.protocol == Some(Protocol::Udp) || packet.beginning.is_some())
            }
            Event::Crossed { from, to, packet } => net.states[from].grants.values().any(|g| {
                let ends = [&g.origin.site, &g.destination.site];
                ends.contains(&from) && ends.contains(&to) && self.by(g, packet)
            }),
            Event::Relayed { site, packet } => {
                let facts = &net.states[site].facts;
                let entity = |a| facts.peer_at(a).map(|(_, p)| &p.institution);
                let own = Some(&place(site).institution);
                entity(packet.src) == own && entity(packet.dst) == own
            }
        }
    }

    fn by(&self, grant: &Grant, p: &Pkt) -> bool {
        self.joins(grant.origin.address, grant.destination.address, grant.protocol, &grant.ports, p)
    }

    /// From origin to destination, or back if it began.
    fn joins(&self, origin: IpAddr, destination: IpAddr, protocol: Protocol, ports: &[u16], p: &Pkt) -> bool {
        p.protocol == Some(protocol)
            && ((p.src == origin && p.dst == destination && ports.contains(&p.dport))
                || (p.src == destination
                    && p.dst == origin
                    && ports.contains(&p.sport)
                    && self.begun.contains(&p.reverse())))
    }

    fn out(&self, net: &Net, place: &Place, entry: PortNo, exit: PortNo, p: &Pkt) -> bool {
        // Nobody speaks as another, nothing is delivered to another, nothing goes from tunnel to tunnel.
        let to_gateway_in_house = exit == place.uplink && place.has(p.dst);
        if entry == exit || !place.behind(entry, p.src) || !(place.behind(exit, p.dst) || to_gateway_in_house) {
            return false;
        }
        self.permitted(net, place, entry, p)
            && (entry == place.uplink || exit == place.uplink || self.in_house(place, p))
    }

    /// A packet is put into a port: if its sender is behind it and may, that begins a connection, delivered or not.
    pub fn sent(&mut self, net: &Net, site: &SiteId, entry: PortNo, p: &Pkt) {
        let place = &net.sites[net.place(site).expect("a site of this network")];
        if place.behind(entry, p.src) && self.permitted(net, place, entry, p) && !self.begun.contains(&p.reverse()) {
            self.begun.insert(p.flow());
        }
    }

    fn permitted(&self, net: &Net, place: &Place, entry: PortNo, p: &Pkt) -> bool {
        let gate =
            place.gate.iter().any(|(host, gateway)| self.joins(*host, *gateway, Protocol::Tcp, &GATE_SERVICE_PORTS, p));
        let in_house = entry != place.uplink && self.in_house(place, p);
        gate || in_house || net.states[&place.id].grants.values().any(|g| self.by(g, p))
    }

    fn in_house(&self, place: &Place, p: &Pkt) -> bool {
        place.in_house.iter().any(|(from, to, rule)| self.joins(*from, *to, rule.protocol, &rule.ports, p))
    }
}
