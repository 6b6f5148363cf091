//! Valid states, rule by rule.

use model::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

pub type States = BTreeMap<SiteId, SiteState>;

pub fn sid(id: &str) -> SiteId {
    id.parse().unwrap()
}

/// (id, segment, last two octets as c.d, port, terminal, proxy)
type HostRow = (&'static str, &'static str, &'static str, u32, bool, bool);

fn site(
    n: u8,
    id: &str,
    institution: &str,
    model: SiteModel,
    segments: &[(&str, Zone, u8)],
    hosts: &[HostRow],
) -> Site {
    let switch: SwitchId = "sw1".parse().unwrap();
    let port = |port| SwitchPort { switch: switch.clone(), port: PortNo(port) };
    Site {
        id: sid(id),
        name: None,
        institution: institution.parse().unwrap(),
        model,
        lines: vec![Line {
            id: "main".parse().unwrap(),
            kind: LineKind::Internet,
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10 + n)),
        }],
        switch: Switch { id: switch.clone(), dpid: Dpid(u64::from(n)) },
        gateway: Gateway { uplink: port(1), mac: Mac([2, 0, 0, n, 0, 1]), ike_identity: format!("{id}.example") },
        segments: segments
            .iter()
            .map(|(name, zone, c)| {
                let id: SegmentId = name.parse().unwrap();
                let prefix = format!("10.{n}.{c}.0/24").parse().unwrap();
                (id.clone(), Segment { id, zone: *zone, vlan: u16::from(*c), prefix, gateway: None })
            })
            .collect(),
        hosts: hosts
            .iter()
            .map(|(name, segment, cd, p, terminal, proxy)| {
                let id: HostId = name.parse().unwrap();
                let host = Host {
                    id: id.clone(),
                    segment: segment.parse().unwrap(),
                    address: format!("10.{n}.{cd}").parse().unwrap(),
                    mac: Mac([2, 0, 0, n, 1, u8::try_from(*p).unwrap()]),
                    port: port(*p),
                    terminal: *terminal,
                    proxy: proxy.then_some(ProxyKind::Internal),
                    kind: None,
                };
                (id, host)
            })
            .collect(),
        allow: Vec::new(),
        in_house: Vec::new(),
        transit: Vec::new(),
        never: Vec::new(),
    }
}

pub fn in_house(from: &str, to: &str, port: u16) -> InHouseRule {
    InHouseRule { from: from.parse().unwrap(), to: to.parse().unwrap(), protocol: Protocol::Tcp, ports: vec![port] }
}

/// clinic (aoba), hospital (keyaki), provider (midori), and two more of keyaki: annex and branch.
pub fn sites() -> Vec<Site> {
    use SiteModel::*;
    use Zone::*;
    let clinic = site(
        1,
        "clinic",
        "aoba",
        Small,
        &[("exam", Secure, 20)],
        &[
            ("exam-1", "exam", "20.11", 3, true, false),
            ("exam-2", "exam", "20.12", 4, true, false),
            ("printer", "exam", "20.13", 5, false, false),
        ],
    );
    let mut clinic = clinic;
    clinic.in_house = vec![in_house("exam-1", "printer", 631)];
    let mut hospital = site(
        2,
        "hospital",
        "keyaki",
        Large,
        &[("dmz", Dmz, 10), ("ward", Secure, 20), ("vault", HighSecure, 30)],
        &[
            ("record-server", "dmz", "10.10", 3, false, false),
            ("portal", "dmz", "10.20", 4, false, true),
            ("ward-1", "ward", "20.11", 5, true, false),
            ("archive", "vault", "30.10", 6, false, false),
        ],
    );
    hospital.in_house = vec![in_house("ward-1", "portal", 8080)];
    hospital.transit = vec![
        TransitRule {
            from: "annex/desk".parse().unwrap(),
            to: "branch/files".parse().unwrap(),
            protocol: Protocol::Tcp,
            ports: vec![445],
        },
        TransitRule {
            from: "clinic/exam-1".parse().unwrap(),
            to: "provider/ops-1".parse().unwrap(),
            protocol: Protocol::Tcp,
            ports: vec![445],
        },
    ];
    let provider = site(
        3,
        "provider",
        "midori",
        ServiceProvider,
        &[("service", Dmz, 10)],
        &[("ops-1", "service", "10.10", 3, true, true), ("lookup", "service", "10.11", 4, false, false)],
    );
    let annex =
        site(4, "annex", "keyaki", Small, &[("desks", Secure, 20)], &[("desk", "desks", "20.11", 3, true, false)]);
    let branch = site(5, "branch", "keyaki", Large, &[("dmz", Dmz, 10)], &[("files", "dmz", "10.10", 3, false, false)]);
    vec![clinic, hospital, provider, annex, branch]
}

pub fn facts() -> BTreeMap<SiteId, SiteFacts> {
    let sites = sites();
    sites
        .iter()
        .map(|site| {
            let peers =
                sites.iter().filter(|s| s.id != site.id).map(|s| (s.id.clone(), Arc::new(s.as_peer().unwrap())));
            (site.id.clone(), SiteFacts { site: site.clone(), peers: peers.collect() })
        })
        .collect()
}

pub fn grant(id: u64, from: &str, to: &str, ports: &[u16]) -> Grant {
    let facts = facts();
    let end = |text: &str| {
        let at: HostRef = text.parse().unwrap();
        let site = &facts[&at.site].site;
        let host = &site.hosts[&at.host];
        Endpoint {
            institution: site.institution.clone(),
            address: host.address,
            zone: site.zone_of(host).unwrap(),
            site: at.site,
            host: at.host,
        }
    };
    let destination = end(to);
    Grant {
        id: GrantId(id),
        agreement: "A-0012".parse().unwrap(),
        service: format!("{}/service", destination.institution).parse().unwrap(),
        origin: end(from),
        destination,
        protocol: Protocol::Tcp,
        ports: ports.to_vec(),
        granted_at: Timestamp(1_000),
        lease_until: Timestamp(2_000),
        idle_ms: None,
    }
}

/// Clinic reads records; the provider's proxy maintains nothing but is asked by the ward; the ward asks the lookup.
pub fn grants() -> Vec<Grant> {
    vec![
        grant(7, "clinic/exam-1", "hospital/record-server", &[443]),
        grant(8, "clinic/exam-2", "hospital/record-server", &[443, 8443]),
        grant(9, "hospital/ward-1", "provider/lookup", &[443]),
        grant(10, "provider/ops-1", "hospital/portal", &[22]),
    ]
}

pub fn world() -> States {
    let grants = grants();
    facts().into_iter().map(|(id, facts)| (id, state(facts, &grants))).collect()
}

/// A whole valid state.
pub fn state(facts: SiteFacts, grants: &[Grant]) -> SiteState {
    let mut state = SiteState::empty(facts.clone());
    state.generation = Generation(1);
    standing(&facts.site, &mut state.rules);
    for grant in grants.iter().filter(|g| g.end_at(&facts.site.id).is_some()) {
        add(&mut state, grant);
    }
    state
}

pub fn ip_match() -> FlowMatch {
    FlowMatch { eth_type: Some(EtherType::Ipv4), ..FlowMatch::default() }
}

fn arp_match() -> FlowMatch {
    FlowMatch { eth_type: Some(EtherType::Arp), ..FlowMatch::default() }
}

pub fn host_net(address: IpAddr) -> Option<ipnet::IpNet> {
    Some(ipnet::IpNet::from(address))
}

fn v4(address: IpAddr) -> Ipv4Addr {
    match address {
        IpAddr::V4(a) => a,
        IpAddr::V6(_) => panic!("the test network is IPv4"),
    }
}

pub fn rule(site: &Site, owner: CookieOwner, table: Table, priority: u16, m: FlowMatch, a: Vec<Action>) -> FlowRule {
    FlowRule { switch: site.switch.id.clone(), table, priority, matches: m, owner, actions: a }
}

pub fn forward() -> Vec<Action> {
    vec![Action::Goto(Table::Forwarding)]
}

pub fn commit() -> Vec<Action> {
    vec![Action::Commit { zone: CONNTRACK_ZONE }, Action::Goto(Table::Forwarding)]
}

fn standing(site: &Site, rules: &mut BTreeSet<FlowRule>) {
    let mut put = |owner, table, priority, m, a| {
        rules.insert(rule(site, owner, table, priority, m, a));
    };
    let st = CookieOwner::Standing;
    let (uplink, gw) = (Some(site.gateway.uplink.port), site.gateway.mac);
    let track = || vec![Action::Track { zone: CONNTRACK_ZONE, next: Table::Connections }];
    let tagged = |tag, next| vec![Action::SetTag(tag), Action::Goto(next)];
    let mut zones = BTreeSet::new();
    for host in site.hosts.values() {
        let port = Some(host.port.port);
        let zone = site.zone_of(host).unwrap();
        let tag = Tag::Zone(zone);
        zones.insert(zone);
        let from = FlowMatch { in_port: port, eth_src: Some(host.mac), ip_src: host_net(host.address), ..ip_match() };
        put(st, Table::Admission, 200, from, tagged(tag, Table::Posture));
        let arp = FlowMatch {
            in_port: port,
            eth_src: Some(host.mac),
            arp_sha: Some(host.mac),
            arp_spa: Some(v4(host.address)),
            ..arp_match()
        };
        put(st, Table::Admission, 200, arp, tagged(tag, Table::Forwarding));
        put(st, Table::Posture, 100, FlowMatch { in_port: port, ..ip_match() }, track());
        if host.terminal {
            let gateway = site.segment_of(host).unwrap().gateway_address();
            let first = FlowMatch { in_port: port, tag: Some(tag), ct: Some(CtMatch::BEGINS), ..ip_match() };
            let syn = FlowMatch { protocol: Some(Protocol::Tcp), beginning: Some(Beginning::Syn), ..first.clone() };
            let udp = FlowMatch { protocol: Some(Protocol::Udp), ..first.clone() };
            let icmp = FlowMatch { beginning: Some(Beginning::Icmp), ..first };
            for first in [syn, udp, icmp] {
                put(st, Table::Connections, 100, first, vec![Action::ToGate]);
            }
            for service in GATE_SERVICE_PORTS {
                let (forth, back) = ends(host, gateway, Protocol::Tcp, service);
                let forth = FlowMatch { in_port: port, tag: Some(tag), ..forth };
                put(st, Table::Connections, 600, begins(&forth), commit());
                put(st, Table::Connections, 600, goes_on(&forth), forward());
                let back = FlowMatch { in_port: uplink, tag: Some(Tag::Uplink), ..back };
                put(st, Table::Connections, 600, answers(&back), forward());
            }
        }
        let to = FlowMatch { ip_dst: host_net(host.address), ..ip_match() };
        let deliver = vec![Action::SetEthSrc(gw), Action::SetEthDst(host.mac), Action::Output(host.port.port)];
        put(st, Table::Forwarding, 200, to, deliver);
        put(st, Table::Forwarding, 200, asks(v4(host.address)), says(v4(host.address), host.mac));
    }
    let from = FlowMatch { in_port: uplink, eth_src: Some(gw), ..ip_match() };
    put(st, Table::Admission, 200, from, tagged(Tag::Uplink, Table::Posture));
    put(st, Table::Posture, 100, FlowMatch { in_port: uplink, ..ip_match() }, track());
    for segment in site.segments.values() {
        let address = v4(segment.gateway_address());
        let arp =
            FlowMatch { in_port: uplink, eth_src: Some(gw), arp_sha: Some(gw), arp_spa: Some(address), ..arp_match() };
        put(st, Table::Admission, 200, arp, tagged(Tag::Uplink, Table::Forwarding));
        put(st, Table::Forwarding, 200, asks(address), says(address, gw));
        for zone in &zones {
            let m = FlowMatch { tag: Some(Tag::Zone(*zone)), ip_dst: Some(segment.prefix), ..ip_match() };
            put(st, Table::Connections, 500, m, vec![Action::Goto(Table::Zones)]);
        }
    }
    for zone in &zones {
        let m = FlowMatch { tag: Some(Tag::Zone(*zone)), ..ip_match() };
        let out = vec![Action::SetEthDst(gw), Action::Output(site.gateway.uplink.port)];
        put(st, Table::Forwarding, 100, m, out);
    }
    for (n, wish) in site.in_house.iter().enumerate() {
        let owner = CookieOwner::InHouse(u32::try_from(n).unwrap());
        let (from, to) = (&site.hosts[&wish.from], &site.hosts[&wish.to]);
        for port in &wish.ports {
            let (forth, back) = ends(from, to.address, wish.protocol, *port);
            let tag = |h| Some(Tag::Zone(site.zone_of(h).unwrap()));
            let forth = FlowMatch { in_port: Some(from.port.port), tag: tag(from), ..forth };
            let back = FlowMatch { in_port: Some(to.port.port), tag: tag(to), ..back };
            put(owner, Table::Zones, 1000, begins(&forth), commit());
            put(owner, Table::Zones, 1000, goes_on(&forth), forward());
            put(owner, Table::Zones, 1000, answers(&back), forward());
        }
    }
}

fn asks(address: Ipv4Addr) -> FlowMatch {
    FlowMatch { arp_op: Some(ArpOp::Request), arp_tpa: Some(address), ..arp_match() }
}

fn says(ip: Ipv4Addr, mac: Mac) -> Vec<Action> {
    vec![Action::ArpReply { ip, mac }]
}

fn begins(m: &FlowMatch) -> FlowMatch {
    FlowMatch { ct: Some(CtMatch::BEGINS), ..m.clone() }
}

fn goes_on(m: &FlowMatch) -> FlowMatch {
    FlowMatch { ct: Some(CtMatch::GOES_ON), ..m.clone() }
}

fn answers(m: &FlowMatch) -> FlowMatch {
    FlowMatch { ct: Some(CtMatch::ANSWERS), ..m.clone() }
}

/// Matches forth and back, without entry.
fn ends(origin: &Host, destination: IpAddr, protocol: Protocol, port: u16) -> (FlowMatch, FlowMatch) {
    pair(origin.address, destination, protocol, port)
}

fn pair(origin: IpAddr, destination: IpAddr, protocol: Protocol, port: u16) -> (FlowMatch, FlowMatch) {
    let base = FlowMatch { protocol: Some(protocol), ..ip_match() };
    let (o, d) = (host_net(origin), host_net(destination));
    let exact = Some(PortMatch::exact(port));
    (
        FlowMatch { ip_src: o, ip_dst: d, tp_dst: exact, ..base.clone() },
        FlowMatch { ip_src: d, ip_dst: o, tp_src: exact, ..base },
    )
}

/// Everything one grant needs at one of its sites.
pub fn add(state: &mut SiteState, grant: &Grant) {
    let site = state.facts.site.clone();
    let (near, originates) = grant.end_at(&site.id).unwrap();
    let far = if originates { &grant.destination } else { &grant.origin };
    let host = &site.hosts[&near.host];
    let owner = CookieOwner::Grant(grant.id);
    let inside = (Some(host.port.port), Some(Tag::Zone(near.zone)));
    let outside = (Some(site.gateway.uplink.port), Some(Tag::Uplink));
    let (enters, answers_at) = if originates { (inside, outside) } else { (outside, inside) };
    for port in &grant.ports {
        let (forth, back) = pair(grant.origin.address, grant.destination.address, grant.protocol, *port);
        let forth = FlowMatch { in_port: enters.0, tag: enters.1, ..forth };
        let back = FlowMatch { in_port: answers_at.0, tag: answers_at.1, ..back };
        state.rules.insert(rule(&site, owner, Table::Connections, 1000, begins(&forth), commit()));
        state.rules.insert(rule(&site, owner, Table::Connections, 1000, goes_on(&forth), forward()));
        state.rules.insert(rule(&site, owner, Table::Connections, 1000, answers(&back), forward()));
    }
    let selector = |address, ports: &[u16]| Selector { address, protocol: grant.protocol, ports: ports.to_vec() };
    let (local_ports, remote_ports): (&[u16], &[u16]) =
        if originates { (&[], &grant.ports) } else { (&grant.ports, &[]) };
    state.tunnels.insert(Tunnel {
        grant: grant.id,
        peer: far.site.clone(),
        local: selector(near.address, local_ports),
        remote: selector(far.address, remote_ports),
        initiator: site.id < far.site,
    });
    let (lan, tunnel) = (FilterSide::Lan, FilterSide::Tunnel);
    for direction in [FlowDirection::Origin, FlowDirection::Reply] {
        let outward = originates == (direction == FlowDirection::Origin);
        let (from, to) = if outward { (lan, tunnel) } else { (tunnel, lan) };
        let (source, destination) = if outward { (near.address, far.address) } else { (far.address, near.address) };
        state.filters.insert(Filter {
            owner,
            from,
            to,
            source,
            destination,
            protocol: grant.protocol,
            ports: grant.ports.clone(),
            direction,
        });
    }
    state.grants.insert(grant.id, grant.clone());
}

/// The change that leads from one state to another.
pub fn delta(before: &SiteState, after: &SiteState) -> SiteDelta {
    fn minus<T: Ord + Clone>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> Vec<T> {
        a.difference(b).cloned().collect()
    }
    let changed = |g: &&Grant| before.grants.get(&g.id) != Some(*g);
    SiteDelta {
        site: before.facts.site.id.clone(),
        parent: before.generation,
        generation: before.generation.next(),
        facts: (before.facts != after.facts).then(|| after.facts.clone()),
        grants_added: after.grants.values().filter(changed).cloned().collect(),
        grants_removed: before
            .grants
            .iter()
            .filter(|(id, g)| after.grants.get(id) != Some(*g))
            .map(|(id, _)| *id)
            .collect(),
        grants_renewed: Vec::new(),
        rules_added: minus(&after.rules, &before.rules),
        rules_removed: minus(&before.rules, &after.rules),
        tunnels_added: minus(&after.tunnels, &before.tunnels),
        tunnels_removed: minus(&before.tunnels, &after.tunnels),
        filters_added: minus(&after.filters, &before.filters),
        filters_removed: minus(&before.filters, &after.filters),
    }
}

pub fn plan(before: &States, after: &States) -> Plan {
    let sites = after
        .iter()
        .filter(|(id, s)| before.get(*id) != Some(*s))
        .map(|(id, s)| (id.clone(), delta(&before[id], s)))
        .collect();
    Plan { cause: PlanCause::Apply, sites }
}
