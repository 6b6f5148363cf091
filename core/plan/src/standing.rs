//! What stands as long as a site's document says so: admission, posture, first packets, in-house rules, forwarding.

use ipnet::{IpNet, Ipv6Net};
use model::{
    Action, ArpOp, Beginning, CONNTRACK_ZONE, CookieOwner, CtMatch, EtherType, Filter, FilterSide, FlowDirection,
    FlowMatch, FlowRule, GATE_SERVICE_PORTS, Host, Network, Protocol, Site, SiteFacts, Table, Tag, Zone,
};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::grant_rules::{Side, connection_rules, ether_type};

const ADMISSION: u16 = 200;
/// Above admission: a solicitation is IPv6 as well.
const SOLICITATION: u16 = 210;
/// RFC 4291 §2.5.6.
const LINK_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10);
const POSTURE: u16 = 100;
const GATE_SERVICE: u16 = 600;
const IN_HOUSE: u16 = 500;
const FIRST_PACKET: u16 = 100;
const TO_HOST: u16 = 200;
const TO_UPLINK: u16 = 100;

/// Every standing rule of a site's switch.
pub(crate) fn rules(facts: &SiteFacts) -> BTreeSet<FlowRule> {
    let site = &facts.site;
    let mut rules = BTreeSet::new();
    for host in site.hosts.values() {
        let Some(zone) = site.zone_of(host) else { continue };
        rules.extend(admit_host(site, host, zone));
        rules.insert(track(site, host.port.port, host.address));
        rules.extend(deliver(site, host.address, host.mac, Some(host)));
        if host.terminal {
            rules.extend(gate_service(site, host, zone));
            rules.extend(first_packets(site, host, zone));
        }
    }
    for segment in site.segments.values() {
        let gateway = segment.gateway_address();
        rules.extend(admit_uplink(site, gateway));
        rules.insert(track(site, site.gateway.uplink.port, gateway));
        rules.extend(deliver(site, gateway, site.gateway.mac, None));
    }
    for zone in zones(site) {
        for segment in site.segments.values() {
            rules.insert(to_in_house(site, zone, segment.prefix));
        }
        for eth_type in families(site) {
            rules.insert(to_uplink(site, zone, eth_type));
        }
    }
    for (n, rule) in site.in_house.iter().enumerate() {
        rules.extend(in_house(site, n, rule));
    }
    rules
}

/// Filters that stand without a grant: only transit wishes, which the proof judges (G7).
pub(crate) fn filters(facts: &SiteFacts, network: &Network) -> Vec<Filter> {
    let mut filters = Vec::new();
    for (n, wish) in facts.site.transit.iter().enumerate() {
        let (Some((_, from)), Some((_, to))) = (network.host(&wish.from), network.host(&wish.to)) else { continue };
        for (source, destination, direction) in
            [(from.address, to.address, FlowDirection::Origin), (to.address, from.address, FlowDirection::Reply)]
        {
            filters.push(Filter {
                owner: CookieOwner::Transit(n as u32),
                from: FilterSide::Tunnel,
                to: FilterSide::Tunnel,
                source,
                destination,
                protocol: wish.protocol,
                ports: wish.ports.clone(),
                direction,
            });
        }
    }
    filters
}

fn standing(site: &Site, table: Table, priority: u16, matches: FlowMatch, actions: Vec<Action>) -> FlowRule {
    FlowRule { switch: site.switch.id.clone(), table, priority, matches, owner: CookieOwner::Standing, actions }
}

/// G16: this MAC and this address, on this port.
fn admit_host(site: &Site, host: &Host, zone: Zone) -> Vec<FlowRule> {
    let tag = Action::SetTag(Tag::Zone(zone));
    let from = FlowMatch { in_port: Some(host.port.port), eth_src: Some(host.mac), ..FlowMatch::default() };
    let mut rules = vec![standing(
        site,
        Table::Admission,
        ADMISSION,
        FlowMatch { eth_type: Some(ether_type(host.address)), ip_src: Some(IpNet::from(host.address)), ..from.clone() },
        vec![tag.clone(), Action::Goto(Table::Posture)],
    )];
    match host.address {
        IpAddr::V4(address) => rules.push(standing(
            site,
            Table::Admission,
            ADMISSION,
            FlowMatch { eth_type: Some(EtherType::Arp), arp_sha: Some(host.mac), arp_spa: Some(address), ..from },
            vec![tag, Action::Goto(Table::Forwarding)],
        )),
        IpAddr::V6(address) => rules.extend(hear_solicitation(site, &from, address, &tag)),
    }
    rules
}

/// Who asks for a neighbour: with its registered address, or a link-local one (a probe of a neighbour that is known
/// already, RFC 4861 §7.3.3), which need not be registered because nothing but the answer comes of it. Whoever asks
/// from `::` whether an address is free (RFC 4862 §5.4) gets no answer: its own would look taken, and another's is of
/// no use to it, as it is admitted with its own only.
fn hear_solicitation(site: &Site, from: &FlowMatch, address: Ipv6Addr, tag: &Action) -> [FlowRule; 2] {
    [IpNet::from(IpAddr::V6(address)), IpNet::V6(LINK_LOCAL)].map(|source| {
        standing(
            site,
            Table::Admission,
            SOLICITATION,
            FlowMatch {
                eth_type: Some(EtherType::Neighbour),
                ip_src: Some(source),
                arp_sha: from.eth_src,
                ..from.clone()
            },
            vec![tag.clone(), Action::Goto(Table::Neighbours)],
        )
    })
}

fn admit_uplink(site: &Site, gateway: IpAddr) -> Vec<FlowRule> {
    let tag = Action::SetTag(Tag::Uplink);
    let from =
        FlowMatch { in_port: Some(site.gateway.uplink.port), eth_src: Some(site.gateway.mac), ..FlowMatch::default() };
    let mut rules = vec![standing(
        site,
        Table::Admission,
        ADMISSION,
        FlowMatch { eth_type: Some(ether_type(gateway)), ..from.clone() },
        vec![tag.clone(), Action::Goto(Table::Posture)],
    )];
    match gateway {
        IpAddr::V4(address) => rules.push(standing(
            site,
            Table::Admission,
            ADMISSION,
            FlowMatch {
                eth_type: Some(EtherType::Arp),
                arp_sha: Some(site.gateway.mac),
                arp_spa: Some(address),
                ..from
            },
            vec![tag, Action::Goto(Table::Forwarding)],
        )),
        IpAddr::V6(address) => rules.extend(hear_solicitation(site, &from, address, &tag)),
    }
    rules
}

fn track(site: &Site, port: model::PortNo, family: IpAddr) -> FlowRule {
    standing(
        site,
        Table::Posture,
        POSTURE,
        FlowMatch { in_port: Some(port), eth_type: Some(ether_type(family)), ..FlowMatch::default() },
        vec![Action::Track { zone: CONNTRACK_ZONE, next: Table::Connections }],
    )
}

/// A terminal reaches its gate, to ask for connections; nothing else of the gate.
fn gate_service(site: &Site, host: &Host, zone: Zone) -> Vec<FlowRule> {
    let Some(segment) = site.segment_of(host) else { return Vec::new() };
    let from = Side { port: host.port.port, tag: Tag::Zone(zone), address: host.address };
    let to = Side { port: site.gateway.uplink.port, tag: Tag::Uplink, address: segment.gateway_address() };
    GATE_SERVICE_PORTS
        .into_iter()
        .flat_map(|port| {
            connection_rules(site, Table::Connections, CookieOwner::Standing, Protocol::Tcp, port, from, to)
        })
        .map(|rule| FlowRule { priority: GATE_SERVICE, ..rule })
        .collect()
}

/// N1: the first packet of a terminal toward the outside is judged by the gate. Of TCP that is a SYN: to connection
/// tracking a stray segment of a connection whose line was cut is new as well.
fn first_packets(site: &Site, host: &Host, zone: Zone) -> [FlowRule; 3] {
    [
        (Some(Protocol::Tcp), Some(Beginning::Syn)),
        (Some(Protocol::Udp), None),
        // Never granted, but asked for and refused like anything else.
        (None, Some(Beginning::Icmp)),
    ]
    .map(|(protocol, beginning)| {
        standing(
            site,
            Table::Connections,
            FIRST_PACKET,
            FlowMatch {
                in_port: Some(host.port.port),
                tag: Some(Tag::Zone(zone)),
                eth_type: Some(ether_type(host.address)),
                protocol,
                ct: Some(CtMatch::BEGINS),
                beginning,
                ..FlowMatch::default()
            },
            vec![Action::ToGate],
        )
    })
}

fn to_in_house(site: &Site, zone: Zone, prefix: IpNet) -> FlowRule {
    standing(
        site,
        Table::Connections,
        IN_HOUSE,
        FlowMatch {
            tag: Some(Tag::Zone(zone)),
            eth_type: Some(ether_type(prefix.addr())),
            ip_dst: Some(prefix.trunc()),
            ..FlowMatch::default()
        },
        vec![Action::Goto(Table::Zones)],
    )
}

fn in_house(site: &Site, n: usize, rule: &model::InHouseRule) -> Vec<FlowRule> {
    let side = |id| {
        let host = site.hosts.get(id)?;
        Some(Side { port: host.port.port, tag: Tag::Zone(site.zone_of(host)?), address: host.address })
    };
    let (Some(from), Some(to)) = (side(&rule.from), side(&rule.to)) else { return Vec::new() };
    let owner = CookieOwner::InHouse(n as u32);
    rule.ports
        .iter()
        .flat_map(|port| connection_rules(site, Table::Zones, owner, rule.protocol, *port, from, to))
        .collect()
}

fn deliver(site: &Site, address: IpAddr, mac: model::Mac, host: Option<&Host>) -> Vec<FlowRule> {
    let mut rules = Vec::new();
    if let Some(host) = host {
        rules.push(standing(
            site,
            Table::Forwarding,
            TO_HOST,
            FlowMatch {
                eth_type: Some(ether_type(address)),
                ip_dst: Some(IpNet::from(address)),
                ..FlowMatch::default()
            },
            vec![Action::SetEthSrc(site.gateway.mac), Action::SetEthDst(mac), Action::Output(host.port.port)],
        ));
    }
    rules.push(match address {
        IpAddr::V4(ip) => arp_reply(site, ip, mac),
        IpAddr::V6(ip) => neighbour_reply(site, ip, mac, host.is_none()),
    });
    rules
}

fn arp_reply(site: &Site, ip: Ipv4Addr, mac: model::Mac) -> FlowRule {
    standing(
        site,
        Table::Forwarding,
        TO_HOST,
        FlowMatch {
            eth_type: Some(EtherType::Arp),
            arp_op: Some(ArpOp::Request),
            arp_tpa: Some(ip),
            ..FlowMatch::default()
        },
        vec![Action::ArpReply { ip, mac }],
    )
}

fn neighbour_reply(site: &Site, ip: Ipv6Addr, mac: model::Mac, router: bool) -> FlowRule {
    standing(
        site,
        Table::Neighbours,
        TO_HOST,
        FlowMatch {
            eth_type: Some(EtherType::Neighbour),
            ip_dst: Some(IpNet::from(IpAddr::V6(ip))),
            ..FlowMatch::default()
        },
        vec![Action::NeighbourReply { ip, mac, router }],
    )
}

fn to_uplink(site: &Site, zone: Zone, eth_type: EtherType) -> FlowRule {
    standing(
        site,
        Table::Forwarding,
        TO_UPLINK,
        FlowMatch { tag: Some(Tag::Zone(zone)), eth_type: Some(eth_type), ..FlowMatch::default() },
        vec![Action::SetEthDst(site.gateway.mac), Action::Output(site.gateway.uplink.port)],
    )
}

fn zones(site: &Site) -> BTreeSet<Zone> {
    site.segments.values().map(|s| s.zone).collect()
}

fn families(site: &Site) -> BTreeSet<EtherType> {
    site.segments.values().map(|s| ether_type(s.prefix.addr())).collect()
}
