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
    /// Rules of each site and table, the first that fits being the one that counts.
    tables: Rc<BTreeMap<SiteId, [Vec<FlowRule>; 5]>>,
    /// Conntrack of the switch and of the gateway, per site.
    tracked: BTreeMap<SiteId, BTreeSet<Flow>>,
    passed: BTreeMap<SiteId, BTreeSet<Flow>>,
    pub events: Vec<Event>,
}

impl Net {
    pub fn new(states: States) -> Self {
        let tables = states.iter().map(|(id, state)| {
            let of = |table: Table| {
                let mut rules: Vec<FlowRule> = state.rules.iter().filter(|r| r.table == table).cloned().collect();
                // Stable: among equals the first stays first.
                rules.sort_by_key(|r| std::cmp::Reverse(r.priority));
                rules
            };
            (id.clone(), Table::ALL.map(of))
        });
        Self {
            tables: Rc::new(tables.collect()),
            states: Rc::new(states),
            tracked: BTreeMap::new(),
            passed: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// Puts a packet into a switch port and follows it to all its ends.
    pub fn send(&mut self, site: &SiteId, entry: PortNo, packet: Pkt) {
        let uplink = self.states[site].facts.site.gateway.uplink.port;
        for (exit, packet) in self.switch(site, entry, &packet) {
            self.events.push(Event::Out { site: site.clone(), entry, exit, packet: packet.clone() });
            // Only what is addressed to the gateway's MAC is taken up by it.
            if exit == uplink && packet.eth_dst == self.states[site].facts.site.gateway.mac {
                self.gateway(site, FilterSide::Lan, packet);
            }
        }
    }

    fn gateway(&mut self, site: &SiteId, from: FilterSide, packet: Pkt) {
        let states = Rc::clone(&self.states);
        let facts = &states[site].facts;
        if facts.site.segments.values().any(|s| s.gateway_address() == packet.dst) {
            return;
        }
        let to = if facts.site.host_at(packet.dst).is_some() { FilterSide::Lan } else { FilterSide::Tunnel };
        let passed = self.passed.entry(site.clone()).or_default();
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
        if !states[site].filters.iter().any(accepts) {
            return;
        }
        passed.insert(packet.flow());
        if (from, to) == (FilterSide::Tunnel, FilterSide::Tunnel) {
            self.events.push(Event::Relayed { site: site.clone(), packet: packet.clone() });
        }
        match to {
            FilterSide::Lan => {
                let uplink = facts.site.gateway.uplink.port;
                let eth_src = facts.site.gateway.mac;
                self.send(site, uplink, Pkt { eth_src, eth_dst: Mac([0xff; 6]), ..packet });
            }
            FilterSide::Tunnel => self.tunnel(site, packet),
        }
    }

    fn tunnel(&mut self, site: &SiteId, packet: Pkt) {
        let fits = |s: &Selector, address: IpAddr, port: u16| {
            s.address == address
                && Some(s.protocol) == packet.protocol
                && (s.ports.is_empty() || s.ports.contains(&port))
        };
        let takes = |t: &Tunnel| fits(&t.local, packet.src, packet.sport) && fits(&t.remote, packet.dst, packet.dport);
        let Some(out) = self.states[site].tunnels.iter().find(|t| takes(t)).cloned() else { return };
        let Some(there) = self.states.get(&out.peer) else { return };
        // IKE agrees on what both ends want: without the other end there is no SA.
        let mirrored = there.tunnels.iter().any(|t| {
            t.grant == out.grant
                && &t.peer == site
                && fits(&t.local, packet.dst, packet.dport)
                && fits(&t.remote, packet.src, packet.sport)
                && t.initiator != out.initiator
        });
        if mirrored {
            self.events.push(Event::Crossed { from: site.clone(), to: out.peer.clone(), packet: packet.clone() });
            self.gateway(&out.peer, FilterSide::Tunnel, packet);
        }
    }

    fn switch(&mut self, site: &SiteId, entry: PortNo, packet: &Pkt) -> Vec<(PortNo, Pkt)> {
        let tables = Rc::clone(&self.tables);
        let rules = &tables[site];
        let (mut table, mut tag, mut ct, mut packet) = (Table::Admission, None, 0u8, packet.clone());
        let mut out = Vec::new();
        for _ in 0..16 {
            let of_table = &rules[usize::from(table.number())];
            let Some(rule) = of_table.iter().find(|r| fits(&r.matches, entry, tag, ct, &packet)) else { break };
            let mut next = None;
            for action in &rule.actions {
                match action {
                    Action::SetTag(t) => tag = Some(*t),
                    Action::SetEthSrc(mac) => packet.eth_src = *mac,
                    Action::SetEthDst(mac) => packet.eth_dst = *mac,
                    Action::Track { next: to, .. } => {
                        let known = self.tracked.entry(site.clone()).or_default();
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
                        let known = self.tracked.entry(site.clone()).or_default();
                        if ct & CtMatch::EST == 0 {
                            known.insert(packet.flow());
                        }
                    }
                    // A switch never sends a packet back where it came from unless told IN_PORT.
                    Action::Output(port) if *port != entry => out.push((*port, packet.clone())),
                    Action::Output(_) | Action::ArpReply { .. } => {}
                    Action::ToGate => {
                        let site = site.clone();
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

fn fits(m: &FlowMatch, entry: PortNo, tag: Option<Tag>, ct: u8, p: &Pkt) -> bool {
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
    if m.ip_src.is_some_and(|x| !x.contains(&p.src)) || m.ip_dst.is_some_and(|x| !x.contains(&p.dst)) {
        return false;
    }
    let port =
        |want: Option<PortMatch>, have: u16| want.is_none_or(|w| p.protocol.is_some() && have & w.mask == w.value);
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
        match event {
            Event::Out { site, entry, exit, packet } => self.out(&net.states[site], *entry, *exit, packet),
            Event::ToGate { site, entry, .. } => {
                net.states[site].facts.site.hosts.values().any(|h| h.terminal && h.port.port == *entry)
            }
            Event::Crossed { from, to, packet } => net.states[from].grants.values().any(|g| {
                let ends = [&g.origin.site, &g.destination.site];
                ends.contains(&from) && ends.contains(&to) && self.by(g, packet)
            }),
            Event::Relayed { site, packet } => {
                let facts = &net.states[site].facts;
                let entity = |a| facts.peer_at(a).map(|(_, p)| &p.institution);
                entity(packet.src) == Some(&facts.site.institution)
                    && entity(packet.dst) == Some(&facts.site.institution)
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

    fn out(&self, state: &SiteState, entry: PortNo, exit: PortNo, p: &Pkt) -> bool {
        let site = &state.facts.site;
        let uplink = site.gateway.uplink.port;
        // Nobody speaks as another, nothing is delivered to another, nothing goes from tunnel to tunnel.
        let to_gateway_in_house = exit == uplink && site.host_at(p.dst).is_some();
        if entry == exit || !behind(site, entry, p.src) || !(behind(site, exit, p.dst) || to_gateway_in_house) {
            return false;
        }
        self.permitted(state, entry, p) && (entry == uplink || exit == uplink || self.in_house(state, p))
    }

    /// A packet is put into a port: if its sender is behind it and may, that begins a connection, delivered or not.
    pub fn sent(&mut self, state: &SiteState, entry: PortNo, p: &Pkt) {
        if behind(&state.facts.site, entry, p.src)
            && self.permitted(state, entry, p)
            && !self.begun.contains(&p.reverse())
        {
            self.begun.insert(p.flow());
        }
    }

    fn permitted(&self, state: &SiteState, entry: PortNo, p: &Pkt) -> bool {
        let site = &state.facts.site;
        let gate = site.hosts.values().filter(|h| h.terminal).any(|h| {
            let gateway = site.segment_of(h).unwrap().gateway_address();
            self.joins(h.address, gateway, Protocol::Tcp, &GATE_SERVICE_PORTS, p)
        });
        let in_house = entry != site.gateway.uplink.port && self.in_house(state, p);
        gate || in_house || state.grants.values().any(|g| self.by(g, p))
    }

    fn in_house(&self, state: &SiteState, p: &Pkt) -> bool {
        let site = &state.facts.site;
        let address = |id| site.hosts[id].address;
        site.in_house.iter().any(|r| self.joins(address(&r.from), address(&r.to), r.protocol, &r.ports, p))
    }
}

/// Is the address at home behind this port?
fn behind(site: &Site, port: PortNo, address: IpAddr) -> bool {
    let host = site.host_at(address);
    if port == site.gateway.uplink.port { host.is_none() } else { host.is_some_and(|h| h.port.port == port) }
}
