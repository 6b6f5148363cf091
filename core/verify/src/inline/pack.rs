//! What stands because of one grant, packed into one piece of memory: a tenth of what the nouns take, and one place to
//! look at when the grant ends.

use ipnet::IpNet;
use model::{
    Action, ArpOp, Beginning, CookieOwner, CtMatch, Endpoint, EtherType, Filter, FilterSide, FlowDirection, FlowMatch,
    FlowRule, Grant, GrantId, Mac, PortMatch, PortNo, Protocol, Selector, Table, Tag, Timestamp, Tunnel, Zone,
};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stands because of one grant at one site: unpacked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The grant itself; nothing if only remains of it stand.
    pub grant: Option<Grant>,
    pub rules: Vec<FlowRule>,
    pub tunnels: Vec<Tunnel>,
    pub filters: Vec<Filter>,
}

/// The same, packed. The first byte says whether all of it keeps the strict contract of its grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Grant,
    Rule,
    Tunnel,
    Filter,
}

/// Packs piece by piece; every piece is its length, its kind and its bytes.
pub(crate) struct Packer {
    out: Vec<u8>,
    scratch: Vec<u8>,
}

impl Packer {
    pub fn new(strict: bool) -> Self {
        let mut out = Vec::with_capacity(512);
        out.push(u8::from(strict));
        Self { out, scratch: Vec::with_capacity(128) }
    }
    pub fn grant(&mut self, grant: &Grant) {
        self.piece(Kind::Grant, |out| put_grant(out, grant));
    }
    pub fn rule(&mut self, rule: &FlowRule) {
        self.piece(Kind::Rule, |out| put_rule(out, rule));
    }
    pub fn tunnel(&mut self, tunnel: &Tunnel) {
        self.piece(Kind::Tunnel, |out| put_tunnel(out, tunnel));
    }
    pub fn filter(&mut self, filter: &Filter) {
        self.piece(Kind::Filter, |out| put_filter(out, filter));
    }
    pub fn finish(self) -> Packed {
        Packed(self.out.into_boxed_slice())
    }

    fn piece(&mut self, kind: Kind, put: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        put(&mut self.scratch);
        put_len(&mut self.out, self.scratch.len());
        self.out.push(kind as u8);
        self.out.extend_from_slice(&self.scratch);
    }
}

impl Parts {
    pub fn pack(&self, strict: bool) -> Packed {
        let mut packer = Packer::new(strict);
        if let Some(grant) = &self.grant {
            packer.grant(grant);
        }
        self.rules.iter().for_each(|r| packer.rule(r));
        self.tunnels.iter().for_each(|t| packer.tunnel(t));
        self.filters.iter().for_each(|f| packer.filter(f));
        packer.finish()
    }
}

const WHOLE: &str = "packed here, unpacked here";

impl Packed {
    pub fn strict(&self) -> bool {
        self.0.first() == Some(&1)
    }
    /// Is it all about a live grant?
    pub fn has_grant(&self) -> bool {
        self.pieces().any(|(kind, _)| kind == Kind::Grant)
    }
    /// The bytes of the grant: equal at both ends if and only if the grants are.
    pub fn grant_bytes(&self) -> Option<&[u8]> {
        self.pieces().find(|(kind, _)| *kind == Kind::Grant).map(|(_, bytes)| bytes)
    }
    pub fn grant(&self) -> Option<Grant> {
        self.grant_bytes().map(|bytes| Reader(bytes).grant().expect(WHOLE))
    }
    /// Site and host of its two ends, origin first.
    pub fn ends(&self) -> Option<[(&str, &str); 2]> {
        let mut reader = Reader(self.grant_bytes()?);
        Some(reader.ends().expect(WHOLE))
    }
    pub fn parts(&self, id: GrantId) -> Parts {
        let mut parts = Parts::default();
        for (kind, bytes) in self.pieces() {
            let mut reader = Reader(bytes);
            match kind {
                Kind::Grant => parts.grant = Some(reader.grant().expect(WHOLE)),
                Kind::Rule => parts.rules.push(reader.rule(CookieOwner::Grant(id)).expect(WHOLE)),
                Kind::Tunnel => parts.tunnels.push(reader.tunnel(id).expect(WHOLE)),
                Kind::Filter => parts.filters.push(reader.filter(id).expect(WHOLE)),
            }
        }
        parts
    }
    /// The exact empty check: do these, and the grant itself, make up all of it, nothing missing and nothing left?
    pub fn is_made_of(&self, rules: &[FlowRule], tunnels: &[Tunnel], filters: &[Filter]) -> bool {
        let pieces: Vec<_> = self.pieces().filter(|(kind, _)| *kind != Kind::Grant).collect();
        if pieces.len() != rules.len() + tunnels.len() + filters.len() {
            return false;
        }
        let mut found = vec![false; pieces.len()];
        let mut scratch = Vec::with_capacity(128);
        // As many as there are, each found at a place of its own: then none is left.
        let mut take = |kind: Kind, put: &dyn Fn(&mut Vec<u8>)| {
            scratch.clear();
            put(&mut scratch);
            let at = (0..pieces.len()).find(|n| !found[*n] && pieces[*n] == (kind, scratch.as_slice()));
            at.map(|n| found[n] = true).is_some()
        };
        rules.iter().all(|r| take(Kind::Rule, &|out| put_rule(out, r)))
            && tunnels.iter().all(|t| take(Kind::Tunnel, &|out| put_tunnel(out, t)))
            && filters.iter().all(|f| take(Kind::Filter, &|out| put_filter(out, f)))
    }

    fn pieces(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        let mut rest = Reader(self.0.get(1..).unwrap_or_default());
        std::iter::from_fn(move || {
            if rest.0.is_empty() {
                return None;
            }
            let len = rest.len().expect(WHOLE);
            let kind = match rest.u8().expect(WHOLE) {
                0 => Kind::Grant,
                1 => Kind::Rule,
                2 => Kind::Tunnel,
                _ => Kind::Filter,
            };
            Some((kind, rest.take(len).expect(WHOLE)))
        })
    }
}

/// Lowest bits of a fingerprint in which rules for the same two addresses and port differ, forth and back.
pub(crate) const FINE: u32 = 24;

/// A number for what makes two rules one to OpenFlow: switch, table, priority and match. Equal rules have equal numbers;
/// the rules of a grant for one port have numbers equal but for the [`FINE`] lowest bits.
pub(crate) fn fingerprint(rule: &FlowRule, scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    put_rule_key(scratch, rule);
    // SipHash with fixed keys: the same in every run.
    let mut whole = DefaultHasher::new();
    whole.write(scratch);
    let m = &rule.matches;
    let mut coarse = DefaultHasher::new();
    (m.ip_src.min(m.ip_dst), m.ip_src.max(m.ip_dst)).hash(&mut coarse);
    (m.tp_src.min(m.tp_dst), m.tp_src.max(m.tp_dst)).hash(&mut coarse);
    coarse.finish() << FINE | whole.finish() & ((1 << FINE) - 1)
}

pub(super) fn put_len(out: &mut Vec<u8>, mut len: usize) {
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(a) => {
            out.push(4);
            out.extend_from_slice(&a.octets());
        }
        IpAddr::V6(a) => {
            out.push(6);
            out.extend_from_slice(&a.octets());
        }
    }
}

fn put_ports(out: &mut Vec<u8>, ports: &[u16]) {
    put_len(out, ports.len());
    ports.iter().for_each(|p| out.extend_from_slice(&p.to_le_bytes()));
}

fn put_end(out: &mut Vec<u8>, end: &Endpoint) {
    put_text(out, end.site.as_str());
    put_text(out, end.institution.as_str());
    put_text(out, end.host.as_str());
    put_address(out, end.address);
    out.push(end.zone as u8);
}

fn put_grant(out: &mut Vec<u8>, g: &Grant) {
    out.extend_from_slice(&g.id.0.to_le_bytes());
    put_text(out, g.agreement.as_str());
    put_text(out, g.service.institution.as_str());
    put_text(out, g.service.name.as_str());
    put_end(out, &g.origin);
    put_end(out, &g.destination);
    out.push(g.protocol as u8);
    put_ports(out, &g.ports);
    out.extend_from_slice(&g.granted_at.0.to_le_bytes());
    out.extend_from_slice(&g.lease_until.0.to_le_bytes());
    // Never idle is no time at all: one byte, then eight if there is one.
    out.push(u8::from(g.idle_ms.is_some()));
    g.idle_ms.iter().for_each(|ms| out.extend_from_slice(&ms.to_le_bytes()));
}

pub(super) fn put_rule(out: &mut Vec<u8>, rule: &FlowRule) {
    put_rule_key(out, rule);
    put_len(out, rule.actions.len());
    for action in &rule.actions {
        match action {
            Action::SetTag(tag) => out.extend_from_slice(&[0, tag.value() as u8]),
            Action::SetEthSrc(mac) => {
                out.push(1);
                out.extend_from_slice(&mac.0);
            }
            Action::SetEthDst(mac) => {
                out.push(2);
                out.extend_from_slice(&mac.0);
            }
            Action::Track { zone, next } => {
                out.push(3);
                out.extend_from_slice(&zone.to_le_bytes());
                out.push(next.number());
            }
            Action::Commit { zone } => {
                out.push(4);
                out.extend_from_slice(&zone.to_le_bytes());
            }
            Action::Output(port) => {
                out.push(5);
                out.extend_from_slice(&port.0.to_le_bytes());
            }
            Action::ArpReply { ip, mac } => {
                out.push(6);
                out.extend_from_slice(&ip.octets());
                out.extend_from_slice(&mac.0);
            }
            Action::ToGate => out.push(7),
            Action::Goto(next) => out.extend_from_slice(&[8, next.number()]),
            Action::NeighbourReply { ip, mac, router } => {
                out.push(9);
                out.extend_from_slice(&ip.octets());
                out.extend_from_slice(&mac.0);
                out.push(u8::from(*router));
            }
        }
    }
}

fn put_rule_key(out: &mut Vec<u8>, rule: &FlowRule) {
    put_text(out, rule.switch.as_str());
    out.push(rule.table.number());
    out.extend_from_slice(&rule.priority.to_le_bytes());
    let m = &rule.matches;
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    let mut present = 0u16;
    let mut field = |out: &mut Vec<u8>, bit: u32, bytes: Option<&[u8]>| {
        if let Some(bytes) = bytes {
            present |= 1 << bit;
            out.extend_from_slice(bytes);
        }
    };
    let masked = |p: Option<PortMatch>| {
        p.map(|p| {
            let (value, mask) = (p.value.to_le_bytes(), p.mask.to_le_bytes());
            [value[0], value[1], mask[0], mask[1]]
        })
    };
    field(out, 0, m.in_port.map(|p| p.0.to_le_bytes()).as_ref().map(|b| b.as_slice()));
    field(out, 1, m.tag.map(|t| [t.value() as u8]).as_ref().map(|b| b.as_slice()));
    field(out, 2, m.eth_src.as_ref().map(|a| a.0.as_slice()));
    field(out, 3, m.eth_dst.as_ref().map(|a| a.0.as_slice()));
    field(out, 4, m.eth_type.map(|e| [e as u8]).as_ref().map(|b| b.as_slice()));
    for (bit, net) in [(5, m.ip_src), (6, m.ip_dst)] {
        if let Some(net) = net {
            field(out, bit, Some(&[net.prefix_len()]));
            put_address(out, net.addr());
        }
    }
    field(out, 7, m.protocol.map(|p| [p as u8]).as_ref().map(|b| b.as_slice()));
    field(out, 8, masked(m.tp_src).as_ref().map(|b| b.as_slice()));
    field(out, 9, masked(m.tp_dst).as_ref().map(|b| b.as_slice()));
    field(out, 10, m.ct.map(|c| [c.value, c.mask]).as_ref().map(|b| b.as_slice()));
    field(out, 11, m.arp_op.map(|o| [o as u8]).as_ref().map(|b| b.as_slice()));
    field(out, 12, m.arp_spa.map(|a| a.octets()).as_ref().map(|b| b.as_slice()));
    field(out, 13, m.arp_tpa.map(|a| a.octets()).as_ref().map(|b| b.as_slice()));
    field(out, 14, m.arp_sha.as_ref().map(|a| a.0.as_slice()));
    field(out, 15, m.beginning.map(|b| [b as u8]).as_ref().map(|b| b.as_slice()));
    out[at..at + 2].copy_from_slice(&present.to_le_bytes());
}

fn put_selector(out: &mut Vec<u8>, selector: &Selector) {
    put_address(out, selector.address);
    out.push(selector.protocol as u8);
    put_ports(out, &selector.ports);
}

fn put_tunnel(out: &mut Vec<u8>, tunnel: &Tunnel) {
    put_text(out, tunnel.peer.as_str());
    put_selector(out, &tunnel.local);
    put_selector(out, &tunnel.remote);
    out.push(u8::from(tunnel.initiator));
}

fn put_filter(out: &mut Vec<u8>, filter: &Filter) {
    out.extend_from_slice(&[filter.from as u8, filter.to as u8, filter.direction as u8, filter.protocol as u8]);
    put_address(out, filter.source);
    put_address(out, filter.destination);
    put_ports(out, &filter.ports);
}

pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[b]| b)
    }
    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    pub fn len(&mut self) -> Option<usize> {
        let (mut len, mut shift) = (0, 0);
        loop {
            let byte = self.u8()?;
            len |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(len);
            }
        }
    }
    fn text(&mut self) -> Option<&'a str> {
        let len = self.len()?;
        std::str::from_utf8(self.take(len)?).ok()
    }
    fn id<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }
    fn address(&mut self) -> Option<IpAddr> {
        Some(match self.u8()? {
            4 => Ipv4Addr::from(self.array::<4>()?).into(),
            _ => Ipv6Addr::from(self.array::<16>()?).into(),
        })
    }
    fn net(&mut self) -> Option<IpNet> {
        let bits = self.u8()?;
        IpNet::new(self.address()?, bits).ok()
    }
    fn ports(&mut self) -> Option<Vec<u16>> {
        let len = self.len()?;
        (0..len).map(|_| self.u16()).collect()
    }
    fn mac(&mut self) -> Option<Mac> {
        self.array().map(Mac)
    }
    fn protocol(&mut self) -> Option<Protocol> {
        one_of(&[Protocol::Tcp, Protocol::Udp], self.u8()?)
    }
    fn table(&mut self) -> Option<Table> {
        Table::from_number(self.u8()?)
    }
    fn tag(&mut self) -> Option<Tag> {
        let value = u32::from(self.u8()?);
        Tag::ALL.into_iter().find(|t| t.value() == value)
    }
    fn port_match(&mut self) -> Option<PortMatch> {
        Some(PortMatch { value: self.u16()?, mask: self.u16()? })
    }

    fn end(&mut self) -> Option<Endpoint> {
        Some(Endpoint {
            site: self.id()?,
            institution: self.id()?,
            host: self.id()?,
            address: self.address()?,
            zone: one_of(&Zone::ALL, self.u8()?)?,
        })
    }

    /// Of a grant, skipping the rest.
    fn ends(&mut self) -> Option<[(&'a str, &'a str); 2]> {
        // Its number; agreement and service.
        self.take(8)?;
        for _ in 0..3 {
            self.text()?;
        }
        let mut end = || {
            let (site, _institution, host) = (self.text()?, self.text()?, self.text()?);
            self.address()?;
            self.u8()?;
            Some((site, host))
        };
        Some([end()?, end()?])
    }

    fn grant(&mut self) -> Option<Grant> {
        Some(Grant {
            id: GrantId(u64::from_le_bytes(self.array()?)),
            agreement: self.id()?,
            service: model::ServiceId { institution: self.id()?, name: self.id()? },
            origin: self.end()?,
            destination: self.end()?,
            protocol: self.protocol()?,
            ports: self.ports()?,
            granted_at: Timestamp(i64::from_le_bytes(self.array()?)),
            lease_until: Timestamp(i64::from_le_bytes(self.array()?)),
            idle_ms: match self.u8()? {
                0 => None,
                _ => Some(i64::from_le_bytes(self.array()?)),
            },
        })
    }

    pub fn rule(&mut self, owner: CookieOwner) -> Option<FlowRule> {
        let (switch, table, priority, matches) = (self.id()?, self.table()?, self.u16()?, self.flow_match()?);
        let count = self.len()?;
        let actions = (0..count).map(|_| self.action()).collect::<Option<_>>()?;
        Some(FlowRule { switch, table, priority, matches, owner, actions })
    }

    fn flow_match(&mut self) -> Option<FlowMatch> {
        let present = self.u16()?;
        let has = |bit: u32| present & (1 << bit) != 0;
        let mut m = FlowMatch::default();
        macro_rules! field {
            ($bit:literal, $name:ident, $read:expr) => {
                if has($bit) {
                    m.$name = Some($read);
                }
            };
        }
        field!(0, in_port, PortNo(self.u32()?));
        field!(1, tag, self.tag()?);
        field!(2, eth_src, self.mac()?);
        field!(3, eth_dst, self.mac()?);
        field!(4, eth_type, one_of(&ETHER_TYPES, self.u8()?)?);
        field!(5, ip_src, self.net()?);
        field!(6, ip_dst, self.net()?);
        field!(7, protocol, self.protocol()?);
        field!(8, tp_src, self.port_match()?);
        field!(9, tp_dst, self.port_match()?);
        field!(10, ct, CtMatch { value: self.u8()?, mask: self.u8()? });
        field!(11, arp_op, one_of(&[ArpOp::Request, ArpOp::Reply], self.u8()?)?);
        field!(12, arp_spa, Ipv4Addr::from(self.array::<4>()?));
        field!(13, arp_tpa, Ipv4Addr::from(self.array::<4>()?));
        field!(14, arp_sha, self.mac()?);
        field!(15, beginning, one_of(&[Beginning::Syn, Beginning::Icmp], self.u8()?)?);
        Some(m)
    }

    fn action(&mut self) -> Option<Action> {
        Some(match self.u8()? {
            0 => Action::SetTag(self.tag()?),
            1 => Action::SetEthSrc(self.mac()?),
            2 => Action::SetEthDst(self.mac()?),
            3 => Action::Track { zone: self.u16()?, next: self.table()? },
            4 => Action::Commit { zone: self.u16()? },
            5 => Action::Output(PortNo(self.u32()?)),
            6 => Action::ArpReply { ip: Ipv4Addr::from(self.array::<4>()?), mac: self.mac()? },
            7 => Action::ToGate,
            8 => Action::Goto(self.table()?),
            _ => Action::NeighbourReply {
                ip: Ipv6Addr::from(self.array::<16>()?),
                mac: self.mac()?,
                router: self.u8()? == 1,
            },
        })
    }

    fn selector(&mut self) -> Option<Selector> {
        Some(Selector { address: self.address()?, protocol: self.protocol()?, ports: self.ports()? })
    }

    fn tunnel(&mut self, grant: GrantId) -> Option<Tunnel> {
        Some(Tunnel {
            grant,
            peer: self.id()?,
            local: self.selector()?,
            remote: self.selector()?,
            initiator: self.u8()? == 1,
        })
    }

    fn filter(&mut self, id: GrantId) -> Option<Filter> {
        const SIDES: [FilterSide; 2] = [FilterSide::Lan, FilterSide::Tunnel];
        let (from, to) = (one_of(&SIDES, self.u8()?)?, one_of(&SIDES, self.u8()?)?);
        let direction = one_of(&[FlowDirection::Origin, FlowDirection::Reply], self.u8()?)?;
        let protocol = self.protocol()?;
        let (source, destination, ports) = (self.address()?, self.address()?, self.ports()?);
        Some(Filter { owner: CookieOwner::Grant(id), from, to, source, destination, protocol, ports, direction })
    }
}

/// In order of declaration.
const ETHER_TYPES: [EtherType; 4] = [EtherType::Ipv4, EtherType::Ipv6, EtherType::Arp, EtherType::Neighbour];

/// The n-th of the variants of an enum, in order of declaration.
fn one_of<T: Copy>(all: &[T], n: u8) -> Option<T> {
    all.get(usize::from(n)).copied()
}

#[cfg(test)]
mod tests;
