//! Real rules, hosts and grants as values of the terms that restate what is said of them.

use ipnet::IpNet;
use model::{
    Action, ArpOp, Cookie, EtherType, FlowRule, Grant, Host, InHouseRule, Mac, PortMatch, Site, SiteFacts, Tag,
};
use std::net::IpAddr;

use crate::symbol::{ARP_REPLY, GOTO, OUTPUT, TO_GATE, TRACK, beginning};
use crate::term::Values;

pub fn mac(m: Mac) -> u128 {
    m.0.iter().fold(0, |n, b| n << 8 | u128::from(*b))
}

pub fn address(a: IpAddr) -> (u128, u128) {
    match a {
        IpAddr::V4(a) => (0, u128::from(u32::from(a))),
        IpAddr::V6(a) => (1, u128::from(a)),
    }
}

impl Values {
    pub fn put(&mut self, name: &str, value: impl Into<u128>) {
        self.words.insert(name.to_owned(), value.into());
    }
    fn maybe(&mut self, name: &str, value: Option<u128>) {
        self.put(&format!("{name}.has"), u8::from(value.is_some()));
        self.put(name, value.unwrap_or(0));
    }
    pub fn address(&mut self, name: &str, a: IpAddr) {
        let (v6, value) = address(a);
        self.put(&format!("{name}.v6"), v6);
        self.put(name, value);
    }
    fn net(&mut self, name: &str, net: Option<IpNet>) {
        self.put(&format!("{name}.has"), u8::from(net.is_some()));
        let Some(net) = net else { return };
        self.address(name, net.addr());
        let free = u32::from(net.max_prefix_len() - net.prefix_len());
        self.put(&format!("{name}.mask"), if free >= 128 { 0 } else { u128::MAX << free });
    }
    fn cube(&mut self, name: &str, cube: Option<(u128, u128)>) {
        self.maybe(name, cube.map(|(value, _)| value));
        self.put(&format!("{name}.mask"), cube.map_or(0, |(_, mask)| mask));
    }

    pub fn rule(&mut self, name: &str, rule: &FlowRule) {
        let f = |field: &str| format!("{name}.{field}");
        let m = &rule.matches;
        let port = |p: Option<PortMatch>| p.map(|p| (u128::from(p.value), u128::from(p.mask)));
        self.maybe(&f("in_port"), m.in_port.map(|p| p.0.into()));
        self.maybe(&f("tag"), m.tag.map(|t| t.value().into()));
        self.maybe(&f("eth_src"), m.eth_src.map(mac));
        self.maybe(&f("eth_dst"), m.eth_dst.map(mac));
        self.maybe(&f("eth_type"), m.eth_type.map(|e| e.number().into()));
        self.net(&f("ip_src"), m.ip_src);
        self.net(&f("ip_dst"), m.ip_dst);
        self.maybe(&f("protocol"), m.protocol.map(|p| p.number().into()));
        self.cube(&f("tp_src"), port(m.tp_src));
        self.cube(&f("tp_dst"), port(m.tp_dst));
        self.cube(&f("ct"), m.ct.map(|c| (c.value.into(), c.mask.into())));
        self.maybe(&f("arp_op"), m.arp_op.map(|op| if op == ArpOp::Request { 1 } else { 2 }));
        self.maybe(&f("arp_spa"), m.arp_spa.map(|a| u32::from(a).into()));
        self.maybe(&f("arp_tpa"), m.arp_tpa.map(|a| u32::from(a).into()));
        self.maybe(&f("arp_sha"), m.arp_sha.map(mac));
        self.maybe(&f("beginning"), m.beginning.map(|b| beginning(b).into()));
        let cookie = Cookie::from(rule.owner).0;
        self.put(&f("kind"), cookie >> 48);
        self.put(&f("number"), cookie & !Cookie::KIND_MASK);
        self.actions(name, &rule.actions);
    }

    /// A rule that hears solicitations.
    pub fn hears(&mut self, rule: &FlowRule) {
        let m = &rule.matches;
        self.maybe("hears.in_port", m.in_port.map(|p| p.0.into()));
        self.maybe("hears.eth_src", m.eth_src.map(mac));
        self.maybe("hears.arp_sha", m.arp_sha.map(mac));
        self.net("hears.ip_src", m.ip_src);
        self.net("hears.ip_dst", m.ip_dst);
        if let Some(Action::SetTag(tag)) = rule.actions.first() {
            self.put("hears.tag", tag.value());
        }
    }

    /// A rule that answers them.
    pub fn answers(&mut self, rule: &FlowRule) {
        self.maybe("answers.in_port", rule.matches.in_port.map(|p| p.0.into()));
        self.net("answers.ip_dst", rule.matches.ip_dst);
        if let Some(Action::NeighbourReply { ip, mac: m, router }) = rule.actions.first() {
            self.put("answers.ip", u128::from(*ip));
            self.put("answers.mac", mac(*m));
            self.put("answers.router", u8::from(*router));
        }
    }

    /// In the one order the grammar knows, or odd.
    fn actions(&mut self, name: &str, actions: &[Action]) {
        let f = |field: &str| format!("{name}.{field}");
        let (mut set_tag, mut set_src, mut set_dst, mut commit) = (None, None, None, None);
        let mut stage = 0;
        let mut odd = false;
        for action in actions {
            let at = match action {
                Action::SetTag(tag) => {
                    odd |= set_tag.replace(u128::from(tag.value())).is_some();
                    1
                }
                Action::SetEthSrc(m) => {
                    set_src = Some(mac(*m));
                    2
                }
                Action::SetEthDst(m) => {
                    set_dst = Some(mac(*m));
                    2
                }
                Action::Commit { zone } => {
                    odd |= commit.replace(u128::from(*zone)).is_some();
                    3
                }
                _ => 4,
            };
            odd |= at < stage || stage == 4;
            stage = at;
        }
        let mut leave = |end: u8, next: u8, zone: u16, port: u32| {
            self.put(&f("end"), end);
            self.put(&f("next"), next);
            self.put(&f("zone"), zone);
            self.put(&f("port"), port);
        };
        match actions.last() {
            Some(Action::Goto(t)) => leave(GOTO, t.number(), 0, 0),
            Some(Action::Track { zone, next }) => leave(TRACK, next.number(), *zone, 0),
            Some(Action::Output(port)) => leave(OUTPUT, 0, 0, port.0),
            Some(Action::ToGate) => leave(TO_GATE, 0, 0, 0),
            Some(Action::ArpReply { ip, mac: m }) => {
                leave(ARP_REPLY, 0, 0, 0);
                self.put(&f("arp_ip"), u32::from(*ip));
                self.put(&f("arp_mac"), mac(*m));
            }
            Some(_) => odd = true,
            None => {}
        }
        self.put(&f("odd"), u8::from(odd));
        self.maybe(&f("set_tag"), set_tag);
        self.maybe(&f("set_src"), set_src);
        self.maybe(&f("set_dst"), set_dst);
        self.maybe(&f("commit"), commit);
    }

    pub fn site(&mut self, site: &Site) {
        self.put("site.uplink", site.gateway.uplink.port.0);
        self.put("site.mac", mac(site.gateway.mac));
    }

    pub fn host(&mut self, name: &str, site: &Site, host: Option<&Host>) {
        let f = |field: &str| format!("{name}.{field}");
        self.put(&f("exists"), u8::from(host.is_some()));
        let Some(host) = host else { return };
        let segment = site.segment_of(host).unwrap();
        self.put(&f("port"), host.port.port.0);
        self.put(&f("mac"), mac(host.mac));
        self.address(&f("address"), host.address);
        self.put(&f("zone"), Tag::Zone(segment.zone).value());
        self.put(&f("terminal"), u8::from(host.terminal));
        self.put(&f("proxy"), u8::from(host.proxy.is_some()));
        self.net(&f("segment"), Some(segment.prefix));
        self.address(&f("gateway"), segment.gateway_address());
    }

    pub fn gateway(&mut self, name: &str, site: &Site, at: Option<IpAddr>) {
        let found = at.filter(|a| site.segments.values().any(|s| s.gateway_address() == *a));
        self.put(&format!("{name}.exists"), u8::from(found.is_some()));
        if let Some(found) = found {
            self.address(&format!("{name}.address"), found);
        }
    }

    pub fn grant(&mut self, facts: &SiteFacts, grant: Option<&Grant>, tunnel: bool) {
        self.put("grant.exists", u8::from(grant.is_some()));
        let Some(g) = grant else { return };
        let (near, originates) = g.end_at(&facts.site.id).unwrap();
        let far = if originates { &g.destination } else { &g.origin };
        self.address("grant.origin", g.origin.address);
        self.address("grant.destination", g.destination.address);
        self.put("grant.protocol", g.protocol.number());
        self.sets.insert("grant.ports".to_owned(), g.ports.iter().map(|p| u128::from(*p)).collect());
        self.put("grant.number", g.id.0);
        self.put("grant.originates", u8::from(originates));
        self.put("grant.near_zone", Tag::Zone(near.zone).value());
        self.put("grant.tunnel", u8::from(tunnel));
        self.host("grant.near", &facts.site, facts.site.hosts.get(&near.host));
        let peer = facts.peers.get(&far.site).and_then(|p| p.prefixes.iter().find(|n| n.contains(&far.address)));
        self.net("grant.peer", peer.copied());
    }

    pub fn wish(&mut self, site: &Site, wish: Option<(usize, &InHouseRule)>) {
        self.put("wish.exists", u8::from(wish.is_some()));
        let Some((n, w)) = wish else { return };
        self.put("wish.number", u64::try_from(n).unwrap());
        self.put("wish.protocol", w.protocol.number());
        self.sets.insert("wish.ports".to_owned(), w.ports.iter().map(|p| u128::from(*p)).collect());
        self.host("wish.from", site, site.hosts.get(&w.from));
        self.host("wish.to", site, site.hosts.get(&w.to));
    }
}

/// An address a term came to, if the family is one.
pub fn read_address(v6: u128, value: u128) -> IpAddr {
    match v6 {
        0 => IpAddr::V4(std::net::Ipv4Addr::from(u32::try_from(value).unwrap())),
        _ => IpAddr::V6(std::net::Ipv6Addr::from(value)),
    }
}

/// An ARP address.
pub fn v4(a: std::net::Ipv4Addr) -> IpAddr {
    IpAddr::V4(a)
}

/// Could both be on one path, as far as a glance at port and type of packet tells?
pub fn compatible(a: &FlowRule, b: &FlowRule) -> bool {
    let (a, b) = (&a.matches, &b.matches);
    let port = a.in_port.zip(b.in_port).is_none_or(|(x, y)| x == y);
    let kind = a.eth_type.zip(b.eth_type).is_none_or(|(x, y): (EtherType, EtherType)| x == y);
    port && kind
}
