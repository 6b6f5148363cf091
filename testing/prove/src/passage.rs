//! What a packet does in the pipeline, by OpenFlow's meaning of matches and actions alone.
//!
//! A packet takes one rule a table, so five rules that stand for any rules are all it can meet. Which rule of a table
//! wins is left open: any that matches may, so nothing here rests on priorities or on what else is installed.

use model::{CtMatch, Table};

use crate::symbol::{Address, CT, GOTO, MAC, Match, OUTPUT, Packet, Rule, TAG, TO_GATE, TRACK};
use crate::term::{Term, any, bits, no, yes};

/// What a packet became on its way.
#[derive(Debug, Clone)]
pub struct Now {
    pub tag: Term,
    pub ct: Term,
    pub eth_src: Term,
    pub eth_dst: Term,
}

impl Now {
    /// As it comes from the wire: no tag, not tracked.
    pub fn entered(packet: &Packet) -> Self {
        Self {
            tag: bits(TAG, 0u8),
            ct: bits(CT, 0u8),
            eth_src: packet.eth_src.clone(),
            eth_dst: packet.eth_dst.clone(),
        }
    }

    /// After a rule, if the packet takes it.
    pub fn after(&self, rule: &Rule, takes: &Term, packet: &Packet) -> Self {
        let write = |to: &crate::symbol::Maybe, now: &Term| (takes & &to.has).choose(&to.value, now);
        Self {
            tag: write(&rule.set_tag, &self.tag),
            ct: (takes & rule.ends(TRACK)).choose(&packet.seen, &self.ct),
            eth_src: write(&rule.set_src, &self.eth_src),
            eth_dst: write(&rule.set_dst, &self.eth_dst),
        }
    }
}

/// A packet among five rules, one a table.
#[derive(Debug, Clone)]
pub struct Passage {
    /// Did the packet take the rule of this table?
    pub took: [Term; 5],
    /// What it is after this table's rule, if it was taken.
    pub now: [Now; 5],
    /// Did it leave through a port, by the rule of some table, and which port?
    pub leaves: Term,
    pub exit: Term,
    /// Its destination MAC as it leaves.
    pub eth_dst: Term,
    /// Was it shown to the gate?
    pub shown: Term,
    /// Was its connection remembered?
    pub remembered: Term,
}

impl Passage {
    pub fn new(packet: &Packet, rules: &[Rule; 5]) -> Self {
        let mut now = Now::entered(packet);
        let mut visits = [yes(), no(), no(), no(), no()];
        let mut nows = Vec::with_capacity(rules.len());
        let mut took = [(); 5].map(|()| no());
        let (mut leaves, mut exit, mut at_exit) = (no(), bits(32, 0u8), bits(MAC, 0u8));
        for (t, rule) in rules.iter().enumerate() {
            let takes = &visits[t] & matches(&rule.m, packet, &now);
            now = now.after(rule, &takes, packet);
            for (later, visit) in visits.iter_mut().enumerate().skip(t + 1) {
                let goes = (rule.ends(GOTO) | rule.ends(TRACK)) & rule.next.is_value(later as u8);
                *visit = &*visit | (&takes & goes);
            }
            // Never out of the port it came from (OpenFlow 1.3.5 §7.2.5).
            let out = &takes & rule.ends(OUTPUT) & rule.port.is_not(&packet.in_port);
            leaves = leaves | &out;
            exit = out.choose(&rule.port, &exit);
            at_exit = out.choose(&now.eth_dst, &at_exit);
            nows.push(now.clone());
            took[t] = takes;
        }
        let by = |what: fn(&Rule) -> Term| any(rules.iter().zip(&took).map(|(r, took)| took & what(r)));
        Self {
            shown: by(|r| r.ends(TO_GATE)),
            remembered: by(|r| r.commit.has.clone()),
            leaves,
            exit,
            eth_dst: at_exit,
            now: nows.try_into().expect("five tables"),
            took,
        }
    }

    pub fn took(&self, table: Table) -> &Term {
        &self.took[usize::from(table.number())]
    }
}

/// Does a match take a packet, as it is by now? Fields of ARP and of transport exist only in such packets.
pub fn matches(m: &Match, p: &Packet, now: &Now) -> Term {
    let ip = |net: &crate::symbol::Net, a: &Address| net.has.implies(&(p.is_ip() & net.contains(a)));
    let arp = |f: &crate::symbol::Maybe, v: &Term| {
        f.has.implies(&(p.eth_type.is_value(model::EtherType::Arp.number()) & f.value.is(v)))
    };
    let transport =
        p.is_ip() & p.protocol.is_one_of([model::Protocol::Tcp, model::Protocol::Udp].map(|x| x.number().into()));
    m.in_port.takes(&p.in_port)
        & m.tag.takes(&now.tag)
        & m.eth_src.takes(&now.eth_src)
        & m.eth_dst.takes(&now.eth_dst)
        & m.eth_type.takes(&p.eth_type)
        & ip(&m.ip_src, &p.source)
        & ip(&m.ip_dst, &p.destination)
        & m.protocol.has.implies(&(p.is_ip() & m.protocol.value.is(&p.protocol)))
        & m.tp_src.has.implies(&transport)
        & m.tp_src.takes(&p.tp_src)
        & m.tp_dst.has.implies(&transport)
        & m.tp_dst.takes(&p.tp_dst)
        & m.ct.has.implies(&p.is_ip())
        & m.ct.takes(&now.ct)
        & arp(&m.arp_op, &p.arp_op)
        & arp(&m.arp_spa, &p.arp_spa)
        & arp(&m.arp_tpa, &p.arp_tpa)
        & arp(&m.arp_sha, &p.arp_sha)
        & m.beginning.has.implies(&p.is_ip())
        & m.beginning.takes(&p.beginning)
}

/// Is the packet an answer within a connection that was remembered, by its state?
pub fn is_answer(packet: &Packet) -> Term {
    packet.seen.has_bits(CtMatch::EST | CtMatch::RPL)
}
