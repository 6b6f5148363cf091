//! A small universe, all of it: what a packet does by our terms is what an interpreter of prioritised tables, written
//! from the OpenFlow specification and sharing nothing, sees it do.

use model::*;
use std::net::IpAddr;

use super::agree::states;
use super::encode::mac;
use crate::passage::{Now, Passage, matches};
use crate::symbol::{Packet, Rule, beginning};
use crate::term::{Term, Values, word};

#[derive(Debug, Clone, Copy)]
struct Pkt {
    in_port: PortNo,
    eth_src: Mac,
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    tp_src: u16,
    tp_dst: u16,
    ct: u8,
    beginning: Option<Beginning>,
}

const GATEWAY_TO: Mac = Mac([2, 0, 0, 0, 0, 9]);

/// Every port, sender, address, protocol, pair of ports and state there is in it.
fn packets(site: &Site) -> Vec<Pkt> {
    let mut bound: Vec<(PortNo, Mac)> = site.hosts.values().map(|h| (h.port.port, h.mac)).collect();
    bound.push((site.gateway.uplink.port, site.gateway.mac));
    let mut addresses: Vec<IpAddr> = site.hosts.values().map(|h| h.address).collect();
    addresses.extend(site.segments.values().map(Segment::gateway_address));
    addresses.extend(["10.1.20.11", "10.2.10.10", "10.77.0.1"].map(|a| a.parse::<IpAddr>().unwrap()));
    addresses.sort();
    addresses.dedup();
    let mut out = Vec::new();
    for (in_port, eth_src) in bound {
        for (src, dst) in addresses.iter().flat_map(|s| addresses.iter().map(move |d| (*s, *d))) {
            for (tp_src, tp_dst) in [(49152, 443), (443, 49152), (49152, 7444), (49152, 80)] {
                for state in [CtMatch::NEW, CtMatch::EST, CtMatch::EST | CtMatch::RPL, CtMatch::INV] {
                    let ct = CtMatch::TRK | state;
                    // What no rule tells apart by more than that is looked at once: where something begins.
                    let kinds: &[(u8, Option<Beginning>)] = match (tp_dst, state) {
                        (80, CtMatch::NEW) => &[(17, None), (1, Some(Beginning::Icmp)), (47, None)],
                        (80, _) => &[(17, None)],
                        (_, CtMatch::NEW) => &[(6, Some(Beginning::Syn)), (6, None)],
                        _ => &[(6, None)],
                    };
                    for &(protocol, beginning) in kinds {
                        out.push(Pkt { in_port, eth_src, src, dst, protocol, tp_src, tp_dst, ct, beginning });
                    }
                }
            }
        }
    }
    out
}

fn naive(m: &FlowMatch, p: &Pkt, tag: Option<Tag>, ct: u8) -> bool {
    let family = if p.src.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 };
    let port = |want: Option<PortMatch>, have: u16| want.is_none_or(|w| have & w.mask == w.value);
    m.in_port.is_none_or(|x| x == p.in_port)
        && m.tag.is_none_or(|x| Some(x) == tag)
        && m.eth_src.is_none_or(|x| x == p.eth_src)
        && m.eth_dst.is_none_or(|x| x == GATEWAY_TO)
        && m.eth_type.is_none_or(|x| x == family)
        && m.ip_src.is_none_or(|n| n.contains(&p.src))
        && m.ip_dst.is_none_or(|n| n.contains(&p.dst))
        && m.protocol.is_none_or(|x| x.number() == p.protocol)
        && port(m.tp_src, p.tp_src)
        && port(m.tp_dst, p.tp_dst)
        && m.ct.is_none_or(|c| c.matches(ct))
        && m.arp_op.is_none()
        && m.arp_spa.is_none()
        && m.arp_tpa.is_none()
        && m.arp_sha.is_none()
        && (m.beginning.is_none() || m.beginning == p.beginning)
}

/// The rules a packet takes, and the port it leaves at.
fn run<'a>(state: &'a SiteState, p: &Pkt) -> (Vec<&'a FlowRule>, Option<PortNo>, bool) {
    let (mut table, mut tag, mut ct) = (Table::Admission, None, 0);
    let (mut taken, mut out, mut shown) = (Vec::new(), None, false);
    loop {
        let fits = state.rules.iter().filter(|r| r.table == table && naive(&r.matches, p, tag, ct));
        let Some(rule) = fits.max_by_key(|r| r.priority) else { return (taken, out, shown) };
        taken.push(rule);
        let mut next = None;
        for action in &rule.actions {
            match action {
                Action::SetTag(t) => tag = Some(*t),
                Action::Track { next: to, .. } => (ct, next) = (p.ct, Some(*to)),
                Action::Goto(to) => next = Some(*to),
                Action::Output(port) if *port != p.in_port => out = Some(*port),
                Action::ToGate => shown = true,
                _ => {}
            }
        }
        match next {
            Some(to) => table = to,
            None => return (taken, out, shown),
        }
    }
}

fn put(values: &mut Values, p: &Pkt) {
    values.put("packet.in_port", p.in_port.0);
    values.put("packet.eth_src", mac(p.eth_src));
    values.put("packet.eth_dst", mac(GATEWAY_TO));
    let family = if p.src.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 };
    values.put("packet.eth_type", family.number());
    values.put("packet.ip_src", super::encode::address(p.src).1);
    values.put("packet.ip_dst", super::encode::address(p.dst).1);
    values.put("packet.protocol", p.protocol);
    values.put("packet.tp_src", p.tp_src);
    values.put("packet.tp_dst", p.tp_dst);
    values.put("packet.ct", p.ct);
    values.put("packet.beginning", p.beginning.map_or(0, beginning));
}

#[test]
fn a_packet_does_by_our_terms_what_it_does_in_the_tables() {
    let packet = Packet::new("packet");
    let rules = [0, 1, 2, 3, 4].map(|t| Rule::new(&format!("rule{t}")));
    let passage = Passage::new(&packet, &rules);
    let (mut left, mut shown_once) = (0, false);
    for state in states().values() {
        for p in packets(&state.facts.site) {
            let (taken, exit, shown) = run(state, &p);
            let mut values = Values::default();
            put(&mut values, &p);
            taken.iter().for_each(|r| values.rule(&format!("rule{}", r.table.number()), r));
            // Solicitations, and so the table of their answers, are no part of this universe.
            for table in Table::ALL.into_iter().filter(|table| *table != Table::Neighbours) {
                // A table that was not visited holds the empty rule here, which would match, so only visits tell.
                let took = passage.took(table).holds(&values);
                let missed = taken.last().is_some_and(|r| matches!(r.actions.last(), Some(Action::Goto(t) | Action::Track { next: t, .. }) if *t == table))
                    || taken.is_empty() && table == Table::Admission;
                assert!(missed || took == taken.iter().any(|r| r.table == table), "{p:?} {table:?} {taken:?}");
            }
            assert_eq!(passage.leaves.holds(&values), exit.is_some(), "{p:?} {taken:?}");
            assert_eq!(passage.shown.holds(&values), shown, "{p:?} {taken:?}");
            if let Some(exit) = exit {
                assert_eq!(passage.exit.value(&values), u128::from(exit.0));
                left += 1;
            }
            shown_once |= shown;
        }
    }
    assert!(left > 10 && shown_once, "the universe holds packets that leave ({left}) and that are shown");
}

#[test]
fn every_match_takes_what_openflow_says() {
    let (packet, rule) = (Packet::new("packet"), Rule::new("rule"));
    let now = Now {
        tag: word("tag", 32),
        ct: word("ct", 8),
        eth_src: packet.eth_src.clone(),
        eth_dst: packet.eth_dst.clone(),
    };
    let term: Term = matches(&rule.m, &packet, &now);
    let mut taken = 0;
    for state in states().values() {
        let packets = packets(&state.facts.site);
        for r in &state.rules {
            let mut values = Values::default();
            values.rule("rule", r);
            // Every seventh: with any number of ports and addresses that meets every combination over the rules.
            for (n, p) in packets.iter().enumerate().filter(|(n, _)| n % 7 == usize::from(r.priority) % 7) {
                let tag = Tag::ALL.get(n / 7 % 5).copied();
                put(&mut values, p);
                values.put("tag", tag.map_or(0, Tag::value));
                values.put("ct", p.ct);
                let naive = naive(&r.matches, p, tag, p.ct);
                assert_eq!(term.holds(&values), naive, "{p:?} {r:?}");
                taken += usize::from(naive);
            }
        }
    }
    assert!(taken > 100, "{taken} matches");
}
