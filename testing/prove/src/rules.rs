//! Local conditions: what each rule is by itself, whatever else is installed. Restates `verify`'s pipeline, strict
//! contract and promises of the structure; a test holds the restatement to the code.

use model::{Beginning, CONNTRACK_ZONE, CtMatch, EtherType, Protocol, Table, Tag};

use crate::facts::{Gateway, Site, is_zone, may};
use crate::symbol::{ARP_REPLY, Address, Grant, Host, Kind, Maybe, OUTPUT, Rule, TO_GATE, TRACK, Wish, beginning};
use crate::term::{Term, all, bits, no};
use crate::walk::is_beginning;

fn eth(e: EtherType) -> u16 {
    e.number()
}

/// Values of a rule's fields are those its type can hold. Rules of solicitations ([`EtherType::Neighbour`]) are left out:
/// they only lead from admission to a table of answers, beside the five that lemmas speak of.
pub fn typed(r: &Rule) -> Term {
    let m = &r.m;
    let tags = || Tag::ALL.map(|t| u128::from(t.value()));
    all([
        m.tag.has.implies(&m.tag.value.is_one_of(tags())),
        r.set_tag.has.implies(&r.set_tag.value.is_one_of(tags())),
        m.eth_type.has.implies(
            &m.eth_type.value.is_one_of([EtherType::Ipv4, EtherType::Ipv6, EtherType::Arp].map(|e| eth(e).into())),
        ),
        m.protocol.has.implies(&m.protocol.value.is_one_of([Protocol::Tcp, Protocol::Udp].map(|p| p.number().into()))),
        is_beginning(&m.beginning),
        m.ip_src.well_formed(),
        m.ip_dst.well_formed(),
        r.kind.is_one_of(Kind::ALL.map(|k| k.bits().into())),
    ])
}

/// I03: no stray bits, and what a field needs is matched too (OpenFlow 1.3.5 §7.2.3.6).
pub fn sane_match(r: &Rule) -> Term {
    let m = &r.m;
    let is = |e: EtherType| m.eth_type.is(&bits(16, eth(e)));
    let is_ip = is(EtherType::Ipv4) | is(EtherType::Ipv6);
    let clean = |c: &crate::symbol::Cube| c.has.implies(&(&c.value & !&c.mask).is_value(0u8));
    let family = |n: &crate::symbol::Net| n.has.implies(&m.eth_type.is(&n.at.eth_type()));
    let arp = &m.arp_op.has | &m.arp_spa.has | &m.arp_tpa.has | &m.arp_sha.has;
    all([
        clean(&m.tp_src),
        clean(&m.tp_dst),
        clean(&m.ct),
        family(&m.ip_src),
        family(&m.ip_dst),
        m.protocol.has.implies(&is_ip),
        (&m.tp_src.has | &m.tp_dst.has).implies(&m.protocol.has),
        m.ct.has.implies(&is_ip),
        arp.implies(&is(EtherType::Arp)),
        begins(m, Beginning::Syn).implies(&m.protocol.is(&bits(8, Protocol::Tcp.number()))),
        begins(m, Beginning::Icmp).implies(&(&is_ip & !&m.protocol.has)),
    ])
}

fn begins(m: &crate::symbol::Match, how: Beginning) -> Term {
    m.beginning.is(&bits(8, beginning(how)))
}

/// I03: which actions, in which order, lead where.
pub fn grammar(r: &Rule, table: Table) -> Term {
    let is_arp = r.m.eth_type.is(&bits(16, eth(EtherType::Arp)));
    let none = |fields: &[&Maybe]| !fields.iter().fold(no(), |a, f| a | &f.has);
    let quiet = none(&[&r.set_tag, &r.set_src, &r.set_dst, &r.commit]);
    let lawful = match table {
        Table::Admission => {
            let next = is_arp.choose(&bits(8, Table::Forwarding.number()), &bits(8, Table::Posture.number()));
            &r.set_tag.has & none(&[&r.set_src, &r.set_dst, &r.commit]) & r.ends(crate::symbol::GOTO) & r.next.is(&next)
        }
        Table::Posture => {
            quiet & r.ends(TRACK) & r.zone.is_value(CONNTRACK_ZONE) & r.next.is_value(Table::Connections.number())
        }
        Table::Connections | Table::Zones => {
            let commits = none(&[&r.set_tag, &r.set_src, &r.set_dst]) & r.commit.is(&bits(16, CONNTRACK_ZONE));
            let on = r.goes_to(Table::Forwarding);
            let other = match table {
                Table::Connections => {
                    (&quiet & r.goes_to(Table::Zones))
                        | (&quiet & r.ends(TO_GATE) & r.owned_by(Kind::Standing) & &r.m.in_port.has)
                }
                _ => no(),
            };
            (&on & (commits | &quiet)) | other
        }
        // Out of it goes nothing but answers to solicitations, which are none of the five rules.
        Table::Neighbours => no(),
        Table::Forwarding => {
            let rewrites = none(&[&r.set_tag, &r.commit]);
            (quiet & r.ends(ARP_REPLY)) | (rewrites & r.ends(OUTPUT))
        }
    };
    r.drops() | (!&r.odd & lawful)
}

/// I03, I17, I20: owners have their tables, what they serve is live, and a refusal only drops.
pub fn owner(r: &Rule, table: Table, grant: &Grant, wish: &Wish) -> Term {
    let in_table = |t: Table| if t == table { crate::term::yes() } else { no() };
    let live = &grant.contract.exists & grant.number.is(&r.number);
    let there = &wish.contract.exists & wish.number.is(&r.number);
    all([
        r.owned_by(Kind::Standing).implies(&(!in_table(Table::Zones) | r.drops())),
        r.owned_by(Kind::Grant).implies(&(in_table(Table::Connections) & live)),
        r.owned_by(Kind::InHouse).implies(&(in_table(Table::Zones) & there)),
        !r.owned_by(Kind::Transit),
    ])
}

/// I20 alone.
pub fn refusal(r: &Rule) -> Term {
    r.owned_by(Kind::Refusal).implies(&r.drops())
}

/// I06: who enters is who is registered there; the tag says where. `host` is who is registered at the rule's port.
pub fn source_binding(r: &Rule, site: &Site, host: &Host, gateway: &Gateway) -> Term {
    let m = &r.m;
    let is_arp = m.eth_type.is(&bits(16, eth(EtherType::Arp)));
    let is_ip = m.eth_type.is(&bits(16, eth(EtherType::Ipv4))) | m.eth_type.is(&bits(16, eth(EtherType::Ipv6)));
    let bound =
        |mac: &Term, ip: Term, arp: Term| m.eth_src.is(mac) & ((&is_ip & ip) | (&is_arp & m.arp_sha.is(mac) & arp));
    let v4 = |a: &Address| !&a.v6 & (&m.arp_spa.has & wide(&m.arp_spa.value, &a.value));
    let uplink = m.in_port.value.is(&site.uplink);
    let from_gateway = r.set_tag.is(&bits(32, Tag::Uplink.value()))
        & bound(&site.mac, crate::term::yes(), &gateway.exists & v4(&gateway.address));
    let from_host =
        &host.exists & r.set_tag.is(&host.zone) & bound(&host.mac, m.ip_src.is_host(&host.address), v4(&host.address));
    r.drops() | (&m.in_port.has & uplink.choose(&from_gateway, &from_host))
}

/// An ARP address is an IPv4 address.
pub fn wide(v4: &Term, address: &Term) -> Term {
    v4.widen(address.width()).is(address)
}

/// I21: an answer tells a registered binding. `host` and `gateway` are who has the address.
pub fn arp_answer(r: &Rule, site: &Site, host: &Host, gateway: &Gateway) -> Term {
    let m = &r.m;
    let asked = m.arp_op.is(&bits(16, 1u8)) & m.arp_tpa.is(&r.arp_ip);
    let is_at = |a: &Address| !&a.v6 & wide(&r.arp_ip, &a.value);
    let of_host = &host.exists & is_at(&host.address) & r.arp_mac.is(&host.mac);
    let of_gateway = !&host.exists & &gateway.exists & is_at(&gateway.address) & r.arp_mac.is(&site.mac);
    (r.ends(ARP_REPLY) & !&r.odd).implies(&(asked & (of_host | of_gateway)))
}

/// One side of the switch as a contract sees it.
pub struct Side<'a> {
    pub port: &'a Term,
    pub tag: Term,
    pub address: &'a Address,
}

/// The strict contract (`verify::inline`): one of three shapes, each bound to in-port, tag, family, both hosts,
/// protocol and one exact port, straight to forwarding; only the origin's first packet is remembered.
pub fn strict(r: &Rule, from: &Side<'_>, to: &Side<'_>, contract: &crate::symbol::Contract) -> Term {
    let m = &r.m;
    let ct = |c: CtMatch| m.ct.is(c.value, c.mask);
    let commits = r.commit.is(&bits(16, CONNTRACK_ZONE));
    let silent = !&r.commit.has;
    let way = |entry: &Side<'_>, exit: &Side<'_>, serving: &crate::symbol::Cube, other: &crate::symbol::Cube| {
        all([
            m.in_port.is(entry.port),
            m.tag.is(&entry.tag),
            m.eth_type.is(&entry.address.eth_type()),
            m.ip_src.is_host(entry.address),
            m.ip_dst.is_host(exit.address),
            m.protocol.is(&contract.protocol),
            !&other.has,
            serving.is_exact(),
            contract.has_port(&serving.value),
        ])
    };
    let forth =
        way(from, to, &m.tp_dst, &m.tp_src) & ((ct(CtMatch::BEGINS) & commits) | (ct(CtMatch::GOES_ON) & &silent));
    let back = way(to, from, &m.tp_src, &m.tp_dst) & ct(CtMatch::ANSWERS) & silent;
    let free = !(&m.beginning.has
        | &m.eth_src.has
        | &m.eth_dst.has
        | &m.arp_op.has
        | &m.arp_spa.has
        | &m.arp_tpa.has
        | &m.arp_sha.has);
    let quiet = !(&r.odd | &r.set_tag.has | &r.set_src.has | &r.set_dst.has);
    &contract.exists & quiet & r.goes_to(Table::Forwarding) & free & (forth | back)
}

/// The rule of a grant against its grant.
pub fn strict_grant(r: &Rule, site: &Site, grant: &Grant) -> Term {
    let (near, far) = grant.ends();
    let inside = Side { port: &grant.near.port, tag: grant.near_zone.clone(), address: &near };
    let outside = Side { port: &site.uplink, tag: bits(32, Tag::Uplink.value()), address: &far };
    let (out, into) = (strict(r, &inside, &outside, &grant.contract), strict(r, &outside, &inside, &grant.contract));
    r.owned_by(Kind::Grant).implies(&(r.drops() | grant.originates.choose(&out, &into)))
}

/// The rule of an in-house wish against its wish.
pub fn strict_wish(r: &Rule, wish: &Wish) -> Term {
    let side = |h: &'_ Host| h.zone.clone();
    let from = Side { port: &wish.from.port, tag: side(&wish.from), address: &wish.from.address };
    let to = Side { port: &wish.to.port, tag: side(&wish.to), address: &wish.to.address };
    r.owned_by(Kind::InHouse).implies(&(r.drops() | strict(r, &from, &to, &wish.contract)))
}

/// A standing rule of the connections table: on to in-house rules, a terminal's first packet to the gate, or the gate's
/// own service. `host` is who stands at its port (its own, or that of the address it answers to).
pub fn standing_connection(r: &Rule, site: &Site, host: &Host) -> Term {
    let m = &r.m;
    let first = r.ends(TO_GATE)
        & &host.exists
        & &host.terminal
        & m.in_port.is(&host.port)
        & m.ct.is(CtMatch::BEGINS.value, CtMatch::BEGINS.mask)
        & (m.protocol.is(&bits(8, Protocol::Udp.number())) | begins(m, Beginning::Syn) | begins(m, Beginning::Icmp));
    let inside = Side { port: &host.port, tag: host.zone.clone(), address: &host.address };
    let outside = Side { port: &site.uplink, tag: bits(32, Tag::Uplink.value()), address: &host.gateway };
    let service = strict(r, &inside, &outside, &gate_service(host));
    // Only what comes from a zone may go on to in-house rules.
    let on = r.goes_to(Table::Zones) & &m.tag.has & is_zone(&m.tag.value);
    r.owned_by(Kind::Standing).implies(&(r.drops() | on | first | service))
}

/// A terminal and the gateway's address in its own segment.
pub fn gate_service(host: &Host) -> crate::symbol::Contract {
    crate::symbol::Contract {
        exists: &host.exists & &host.terminal,
        origin: host.address.clone(),
        destination: host.gateway.clone(),
        protocol: bits(8, Protocol::Tcp.number()),
        ports: None,
    }
}

/// Forwarding sends a packet only to the host it is addressed to, or from a zone to the gateway. `host` is who stands at
/// the rule's exit.
pub fn forwarding(r: &Rule, site: &Site, host: &Host) -> Term {
    let m = &r.m;
    let out = r.ends(OUTPUT) & !&r.odd;
    let receiver = |mac: &Term| r.set_dst.has.choose(&r.set_dst.value.is(mac), &m.eth_dst.is(mac));
    let to_gateway = receiver(&site.mac) & &m.tag.has & is_zone(&m.tag.value);
    let to_host = &host.exists & m.ip_dst.is_host(&host.address) & receiver(&host.mac);
    let source = r.set_src.takes(&site.mac);
    out.implies(&(source & r.port.is(&site.uplink).choose(&to_gateway, &to_host)))
}

/// Only IP is forwarded: the judge follows ARP too, and lets none out.
pub fn forwards_ip(r: &Rule) -> Term {
    let is = |e: EtherType| r.m.eth_type.is(&bits(16, eth(e)));
    r.ends(OUTPUT).implies(&(is(EtherType::Ipv4) | is(EtherType::Ipv6)))
}

/// I07, I09, I12: what one end says of a grant.
pub fn grant(g: &Grant, site: &Site) -> Term {
    let (near, far) = g.ends();
    let tunnel = bits(32, Tag::Uplink.value());
    let zones =
        g.originates.choose(&may(&g.near_zone, &tunnel, &g.near.proxy), &may(&tunnel, &g.near_zone, &g.near.proxy));
    let known = &g.peer.has & g.peer.contains(&far) & site.apart(&g.peer);
    g.contract.exists.implies(&all([
        g.near.exists.clone(),
        g.near.address.is(&near),
        g.near.zone.is(&g.near_zone),
        g.contract.origin.v6.is(&g.contract.destination.v6),
        known,
        zones,
    ]))
}

/// I07: what the matrix says of an in-house wish.
pub fn wish(w: &Wish) -> Term {
    let proxy = &w.from.proxy | &w.to.proxy;
    w.contract.exists.implies(&(&w.from.exists & &w.to.exists & may(&w.from.zone, &w.to.zone, &proxy)))
}
