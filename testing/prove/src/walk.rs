//! The judge's walk along one path (`verify`'s `walk` and `region`), restated on terms: five rules, one a table, give a
//! region of packets, and the verdict is what the judge says of that region. A test holds it to the code.

use model::{Beginning, CtMatch, EtherType, Protocol, Tag};

use crate::facts::Site;
use crate::passage::Now;
use crate::rules::gate_service;
use crate::symbol::{
    ADDRESS, Address, BEGINNING, CT, Contract, Cube, DROP, Grant, Host, Kind, MAC, Match, Maybe, Net, OUTPUT, PORT,
    Packet, Rule, TAG, TO_GATE, TRACK, Wish, beginning,
};
use crate::term::{Term, all, any, bits, flag, no, ones, word, yes};

/// A set of packets on their way.
#[derive(Debug, Clone)]
pub struct Region {
    pub in_port: Maybe,
    pub eth_src: Maybe,
    pub eth_dst: Maybe,
    pub eth_type: Maybe,
    pub ip_src: Net,
    pub ip_dst: Net,
    pub protocol: Maybe,
    pub tp_src: Cube,
    pub tp_dst: Cube,
    pub ct: Cube,
    pub arp_op: Maybe,
    pub arp_spa: Maybe,
    pub arp_tpa: Maybe,
    pub arp_sha: Maybe,
    pub beginning: Maybe,
    /// 0 is none.
    pub tag: Term,
    pub new_src: Maybe,
    pub new_dst: Maybe,
}

impl Region {
    /// Any set of packets whatever.
    pub fn any(name: &str) -> Self {
        let f = |field: &str| format!("{name}.{field}");
        let maybe = |field: &str, width| Maybe::new(&f(field), width);
        let cube = |field: &str, width| Cube { has: yes(), ..Cube::new(&f(field), width) };
        Self {
            in_port: maybe("in_port", 32),
            eth_src: maybe("eth_src", MAC),
            eth_dst: maybe("eth_dst", MAC),
            eth_type: maybe("eth_type", 16),
            ip_src: Net::new(&f("ip_src")),
            ip_dst: Net::new(&f("ip_dst")),
            protocol: maybe("protocol", 8),
            tp_src: cube("tp_src", PORT),
            tp_dst: cube("tp_dst", PORT),
            ct: cube("ct", CT),
            arp_op: maybe("arp_op", 16),
            arp_spa: maybe("arp_spa", 32),
            arp_tpa: maybe("arp_tpa", 32),
            arp_sha: maybe("arp_sha", MAC),
            beginning: maybe("beginning", BEGINNING),
            tag: word(f("tag"), TAG),
            new_src: maybe("new_src", MAC),
            new_dst: maybe("new_dst", MAC),
        }
    }

    /// Masks of prefixes are prefixes, values have no stray bits, and what begins something is of a kind.
    pub fn well_formed(&self) -> Term {
        let clean = |c: &Cube| (&c.value & !&c.mask).is_value(0u8);
        self.ip_src.well_formed()
            & self.ip_dst.well_formed()
            & clean(&self.tp_src)
            & clean(&self.tp_dst)
            & clean(&self.ct)
            & is_beginning(&self.beginning)
    }

    /// Everything a wire can bring.
    pub fn wire() -> Self {
        let maybe = |width| Maybe { has: no(), value: bits(width, 0u8) };
        let net = || Net { has: no(), at: Address { v6: no(), value: bits(ADDRESS, 0u8) }, mask: bits(ADDRESS, 0u8) };
        let ports = || Cube { has: yes(), value: bits(PORT, 0u8), mask: bits(PORT, 0u8) };
        Self {
            in_port: maybe(32),
            eth_src: maybe(MAC),
            eth_dst: maybe(MAC),
            eth_type: maybe(16),
            ip_src: net(),
            ip_dst: net(),
            protocol: maybe(8),
            tp_src: ports(),
            tp_dst: ports(),
            ct: Cube { has: yes(), value: bits(CT, 0u8), mask: bits(CT, 0xffu8) },
            arp_op: maybe(16),
            arp_spa: maybe(32),
            arp_tpa: maybe(32),
            arp_sha: maybe(MAC),
            beginning: maybe(BEGINNING),
            tag: bits(TAG, 0u8),
            new_src: maybe(MAC),
            new_dst: maybe(MAC),
        }
    }

    /// Is something of it left under a match, and what?
    pub fn meet(&self, m: &Match) -> (Term, Self) {
        let (a, in_port) = one(&self.in_port, &m.in_port);
        let (b, eth_src) = mac(&self.eth_src, &self.new_src, &m.eth_src);
        let (c, eth_dst) = mac(&self.eth_dst, &self.new_dst, &m.eth_dst);
        let (d, eth_type) = one(&self.eth_type, &m.eth_type);
        let (e, ip_src) = net(&self.ip_src, &m.ip_src);
        let (f, ip_dst) = net(&self.ip_dst, &m.ip_dst);
        let (g, protocol) = one(&self.protocol, &m.protocol);
        let (h, tp_src) = cube(&self.tp_src, &m.tp_src);
        let (i, tp_dst) = cube(&self.tp_dst, &m.tp_dst);
        let (j, ct) = cube(&self.ct, &m.ct);
        let (k, arp_op) = one(&self.arp_op, &m.arp_op);
        let (l, arp_spa) = one(&self.arp_spa, &m.arp_spa);
        let (n, arp_tpa) = one(&self.arp_tpa, &m.arp_tpa);
        let (o, arp_sha) = one(&self.arp_sha, &m.arp_sha);
        let (q, beginning) = one(&self.beginning, &m.beginning);
        let tag = m.tag.takes(&self.tag);
        let met = all([a, b, c, d, e, f, g, h, i, j, k, l, n, o, q, tag]);
        let (new_src, new_dst, tag) = (self.new_src.clone(), self.new_dst.clone(), self.tag.clone());
        let out = Self {
            in_port,
            eth_src,
            eth_dst,
            eth_type,
            ip_src,
            ip_dst,
            protocol,
            tp_src,
            tp_dst,
            ct,
            arp_op,
            arp_spa,
            arp_tpa,
            arp_sha,
            beginning,
            tag,
            new_src,
            new_dst,
        };
        (met, out)
    }

    /// What a rule's actions make of it, if it is on the path.
    pub fn act(mut self, r: &Rule) -> Self {
        let over = |now: &Maybe, then: &Maybe| Maybe {
            has: &now.has | &then.has,
            value: then.has.choose(&then.value, &now.value),
        };
        self.tag = r.set_tag.has.choose(&r.set_tag.value, &self.tag);
        self.new_src = over(&self.new_src, &r.set_src);
        self.new_dst = over(&self.new_dst, &r.set_dst);
        let (track, trk) = (r.ends(TRACK), bits(CT, CtMatch::TRK));
        self.ct =
            Cube { has: yes(), value: track.choose(&trk, &self.ct.value), mask: track.choose(&trk, &self.ct.mask) };
        self
    }

    /// Is a packet in it, as it is by now?
    pub fn holds(&self, p: &Packet, now: &Now) -> Term {
        let mac = |new: &Maybe, entered: &Term, now: &Term| now.is(&new.has.choose(&new.value, entered));
        all([
            self.tag.is(&now.tag),
            mac(&self.new_src, &p.eth_src, &now.eth_src),
            mac(&self.new_dst, &p.eth_dst, &now.eth_dst),
            self.in_port.takes(&p.in_port),
            self.eth_src.takes(&p.eth_src),
            self.eth_dst.takes(&p.eth_dst),
            self.eth_type.takes(&p.eth_type),
            self.ip_src.takes(&p.source),
            self.ip_dst.takes(&p.destination),
            self.protocol.takes(&p.protocol),
            self.tp_src.takes(&p.tp_src),
            self.tp_dst.takes(&p.tp_dst),
            self.ct.takes(&now.ct),
            self.arp_op.takes(&p.arp_op),
            self.arp_spa.takes(&p.arp_spa),
            self.arp_tpa.takes(&p.arp_tpa),
            self.arp_sha.takes(&p.arp_sha),
            self.beginning.takes(&p.beginning),
        ])
    }

    fn ct_is(&self, set: u8, clear: u8) -> Term {
        self.ct.mask.has_bits(set | clear) & self.ct.value.has_bits(set) & self.ct.value.lacks_bits(clear)
    }

    #[cfg(test)]
    fn if_on(&self, on: &Term, otherwise: &Self) -> Self {
        let maybe =
            |a: &Maybe, b: &Maybe| Maybe { has: on.choose(&a.has, &b.has), value: on.choose(&a.value, &b.value) };
        let cube = |a: &Cube, b: &Cube| Cube {
            has: on.choose(&a.has, &b.has),
            value: on.choose(&a.value, &b.value),
            mask: on.choose(&a.mask, &b.mask),
        };
        let net = |a: &Net, b: &Net| Net {
            has: on.choose(&a.has, &b.has),
            at: Address { v6: on.choose(&a.at.v6, &b.at.v6), value: on.choose(&a.at.value, &b.at.value) },
            mask: on.choose(&a.mask, &b.mask),
        };
        let o = otherwise;
        Self {
            in_port: maybe(&self.in_port, &o.in_port),
            eth_src: maybe(&self.eth_src, &o.eth_src),
            eth_dst: maybe(&self.eth_dst, &o.eth_dst),
            eth_type: maybe(&self.eth_type, &o.eth_type),
            ip_src: net(&self.ip_src, &o.ip_src),
            ip_dst: net(&self.ip_dst, &o.ip_dst),
            protocol: maybe(&self.protocol, &o.protocol),
            tp_src: cube(&self.tp_src, &o.tp_src),
            tp_dst: cube(&self.tp_dst, &o.tp_dst),
            ct: cube(&self.ct, &o.ct),
            arp_op: maybe(&self.arp_op, &o.arp_op),
            arp_spa: maybe(&self.arp_spa, &o.arp_spa),
            arp_tpa: maybe(&self.arp_tpa, &o.arp_tpa),
            arp_sha: maybe(&self.arp_sha, &o.arp_sha),
            beginning: maybe(&self.beginning, &o.beginning),
            tag: on.choose(&self.tag, &o.tag),
            new_src: maybe(&self.new_src, &o.new_src),
            new_dst: maybe(&self.new_dst, &o.new_dst),
        }
    }
}

fn one(have: &Maybe, want: &Maybe) -> (Term, Maybe) {
    let met = (&have.has & &want.has).implies(&have.value.is(&want.value));
    (met, Maybe { has: &have.has | &want.has, value: have.has.choose(&have.value, &want.value) })
}

fn mac(entered: &Maybe, rewritten: &Maybe, want: &Maybe) -> (Term, Maybe) {
    let (met, out) = one(entered, want);
    let now = want.has.implies(&rewritten.value.is(&want.value));
    let kept = Maybe {
        has: rewritten.has.choose(&entered.has, &out.has),
        value: rewritten.has.choose(&entered.value, &out.value),
    };
    (rewritten.has.choose(&now, &met), kept)
}

fn net(have: &Net, want: &Net) -> (Term, Net) {
    let (first, second) = (holds(have, want), holds(want, have));
    let both = &have.has & &want.has;
    // The narrower of the two; where both are as wide, what is wanted.
    let take = &want.has & (!&have.has | &first);
    let out = Net {
        has: &have.has | &want.has,
        at: Address { v6: take.choose(&want.at.v6, &have.at.v6), value: take.choose(&want.at.value, &have.at.value) },
        mask: take.choose(&want.mask, &have.mask),
    };
    (both.implies(&(first | second)), out)
}

/// If it is said how a packet begins something: by one of the ways there are.
pub fn is_beginning(how: &Maybe) -> Term {
    how.has.implies(&how.value.is_one_of([Beginning::Syn, Beginning::Icmp].map(|b| beginning(b).into())))
}

/// Does one prefix hold another?
pub fn holds(wide: &Net, narrow: &Net) -> Term {
    wide.contains(&narrow.at) & (&wide.mask & &narrow.mask).is(&wide.mask)
}

/// Masked values of ports and of states: `have` always has a mask, if only 0.
pub fn cube(have: &Cube, want: &Cube) -> (Term, Cube) {
    let differ = (&have.value ^ &want.value) & &have.mask & &want.mask;
    let value = (&have.value & &have.mask) | (&want.value & &want.mask);
    let out = Cube {
        has: yes(),
        value: want.has.choose(&value, &have.value),
        mask: want.has.choose(&(&have.mask | &want.mask), &have.mask),
    };
    (want.has.implies(&differ.is_value(0u8)), out)
}

/// Whom a path may serve, and who stands where it begins and ends.
#[derive(Debug, Clone)]
pub struct Parties {
    pub grant: Grant,
    pub wish: Wish,
    /// Hosts at the addresses of the region, source and destination, where it is remembered and where it leaves.
    pub at_commit: [Host; 2],
    pub at_exit: [Host; 2],
    /// The host at the port it leaves through, and at the one it is shown to the gate from.
    pub receiver: Host,
    pub shown: Host,
}

/// The walk along a path.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Is this table on the path, and is something of the region left after its match?
    pub on: [Term; 5],
    /// The region after this table's rule.
    pub after: [Region; 5],
    name: String,
}

impl Walk {
    /// All of it, from the wire on.
    #[cfg(test)]
    pub fn new(name: &str, rules: &[Rule; 5]) -> Self {
        let mut at = Region::wire();
        let mut reached = [yes(), no(), no(), no(), no()];
        let (mut on, mut after) = (Vec::new(), Vec::new());
        for (t, rule) in rules.iter().enumerate() {
            let (met, narrowed) = at.meet(&rule.m);
            let here = &reached[t] & met;
            let next = narrowed.act(rule);
            for (later, reach) in reached.iter_mut().enumerate().skip(t + 1) {
                let goes = (rule.ends(crate::symbol::GOTO) | rule.ends(TRACK)) & rule.next.is_value(later as u8);
                *reach = &*reach | (&here & goes);
            }
            at = next.if_on(&here, &at);
            after.push(at.clone());
            on.push(here);
        }
        let five = "five tables";
        Self { on: on.try_into().expect(five), after: after.try_into().expect(five), name: name.to_owned() }
    }

    /// A walk of which only this is known: the tables on it, and a region after each, as if by any rules before.
    pub fn along(name: &str, on: [Term; 5]) -> Self {
        let after = [0, 1, 2, 3, 4].map(|t| Region::any(&format!("{name}.region{t}")));
        Self { on, after, name: name.to_owned() }
    }

    /// What the judge says, for any packet set. `probes` are the packets on whose ports a condition on all ports of a
    /// set is wanted.
    pub fn accepts(&self, rules: &[Rule; 5], site: &Site, with: &Parties, probes: &[&Packet]) -> Term {
        let mut out = Vec::new();
        for (t, rule) in rules.iter().enumerate() {
            // Dropping rules open no path; ARP answers are judged by themselves.
            let on = &self.on[t] & !rule.ends(DROP);
            let region = &self.after[t];
            if t == 2 || t == 3 {
                let kept = self.remembered(rules, t, site, with, probes);
                out.push((&on & &rule.commit.has).implies(&kept));
            }
            if t == 2 {
                let first = region.ct_is(CtMatch::TRK | CtMatch::NEW, CtMatch::INV);
                let terminal = &region.in_port.has & &with.shown.exists & &with.shown.terminal;
                let kind = region.protocol.is(&bits(8, Protocol::Udp.number())) | &region.beginning.has;
                out.push((&on & rule.ends(TO_GATE)).implies(&(first & terminal & kind)));
            }
            if t == 4 {
                out.push((&on & rule.ends(OUTPUT)).implies(&self.leaves(rules, site, with, probes)));
            }
        }
        all(out)
    }

    /// The one owner on the path that is not standing: is it of this kind?
    pub fn serves(&self, rules: &[Rule; 5], upto: usize, kind: Kind) -> Term {
        let mut before = yes();
        let mut out = no();
        for (t, rule) in rules.iter().enumerate().take(upto + 1) {
            let standing = rule.owned_by(Kind::Standing);
            out = out | (&before & &self.on[t] & rule.owned_by(kind) & !&standing);
            before = before & (!&self.on[t] | standing);
        }
        out
    }

    fn remembered(&self, rules: &[Rule; 5], t: usize, site: &Site, with: &Parties, probes: &[&Packet]) -> Term {
        let region = &self.after[t];
        let forth = |c: &Contract, entry: &Term, who: &str| {
            let (forth, _) = self.way(region, c, &format!("commit{t}.{who}"), probes);
            forth & region.in_port.is(entry)
        };
        let (local, uplink) = (&with.grant.near.port, &site.uplink);
        let entry = with.grant.originates.choose(local, uplink);
        let by_grant = &with.grant.near.exists & forth(&with.grant.contract, &entry, "grant");
        let by_wish = forth(&with.wish.contract, &with.wish.from.port, "wish");
        let any_service =
            self.service(region, &with.at_commit, |host| forth(&gate_service(host), &host.port, "service"));
        let serves = |kind| self.serves(rules, t, kind);
        // A standing rule of the zones table does nothing (I03).
        let by_service = if t == 2 { any_service } else { no() };
        let nobody = !(serves(Kind::Grant) | serves(Kind::InHouse) | serves(Kind::Transit) | serves(Kind::Refusal));
        (serves(Kind::Grant) & by_grant) | (serves(Kind::InHouse) & by_wish) | (nobody & by_service)
    }

    fn leaves(&self, rules: &[Rule; 5], site: &Site, with: &Parties, probes: &[&Packet]) -> Term {
        let (region, exit) = (&self.after[4], &rules[4].port);
        let (entered, left) = (region.in_port.is(&site.uplink), exit.is(&site.uplink));
        let receiver = left.choose(&site.mac, &with.receiver.mac);
        let known = &left | &with.receiver.exists;
        let now = region.new_dst.has.choose(&region.new_dst.value, &region.eth_dst.value);
        let has = &region.new_dst.has | &region.eth_dst.has;
        let macs = (known.implies(&(&has & now.is(&receiver)))) & (&known | !&has) & region.new_src.takes(&site.mac);
        let goes = |c: &Contract, from: &Term, to: &Term, who: &str| {
            let (forth, back) = self.way(region, c, &format!("exit.{who}"), probes);
            let ends = |entry: &Term, wanted: &Term| region.in_port.is(entry) & exit.is(wanted);
            let answers = region.ct_is(CtMatch::TRK | CtMatch::EST | CtMatch::RPL, CtMatch::INV);
            // The way first, where it enters and leaves after: the judge tells them apart, so must we.
            let forward = &forth & ends(from, to);
            let backward = !&forth & &back & &answers & ends(to, from);
            let any_way = &forth | (!&forth & back & answers);
            (any_way, (forward | backward) & &macs)
        };
        let (local, uplink) = (&with.grant.near.port, &site.uplink);
        let (from, to) = (with.grant.originates.choose(local, uplink), with.grant.originates.choose(uplink, local));
        let (_, ends) = goes(&with.grant.contract, &from, &to, "grant");
        let by_grant = &with.grant.near.exists & ends & (&entered | &left) & left.implies(&with.grant.tunnel);
        let (any_way, ends) = goes(&with.wish.contract, &with.wish.from.port, &with.wish.to.port, "wish");
        // Toward the gateway with an in-house destination nothing comes of it: it has no filter for that.
        let by_wish = any_way & !&entered & (&left | ends);
        let by_service =
            self.service(region, &with.at_exit, |host| goes(&gate_service(host), &host.port, uplink, "service").1);
        let serves = |kind| self.serves(rules, 4, kind);
        let nobody = !(serves(Kind::Grant) | serves(Kind::InHouse) | serves(Kind::Transit) | serves(Kind::Refusal));
        let covered = (serves(Kind::Grant) & by_grant) | (serves(Kind::InHouse) & by_wish) | (nobody & by_service);
        let is_arp = region.eth_type.is(&bits(16, EtherType::Arp.number()));
        !is_arp & !(entered & left) & covered
    }

    /// The gate's service is asked of the host at the source, or else of the one at the destination.
    fn service(&self, region: &Region, hosts: &[Host; 2], ask: impl Fn(&Host) -> Term) -> Term {
        let [source, destination] = hosts;
        let at = |net: &Net, host: &Host| net.is_single() & &host.exists;
        at(&region.ip_src, source).choose(&ask(source), &(at(&region.ip_dst, destination) & ask(destination)))
    }

    /// Forth and back of a contract, for a whole region.
    fn way(&self, region: &Region, c: &Contract, name: &str, probes: &[&Packet]) -> (Term, Term) {
        let kind = &c.exists & region.eth_type.is(&c.origin.eth_type()) & region.protocol.is(&c.protocol);
        let (o, d) = (&c.origin, &c.destination);
        let name = |way| format!("{}.{name}.{way}", self.name);
        let probe = |pick: fn(&Packet) -> &Term| probes.iter().map(|p| pick(p)).collect::<Vec<_>>();
        let forth = region.ip_src.is_host(o) & region.ip_dst.is_host(d);
        let back = region.ip_src.is_host(d) & region.ip_dst.is_host(o);
        (
            &kind & forth & all_in(&region.tp_dst, c, &name("forth"), &probe(|p| &p.tp_dst)),
            &kind & back & all_in(&region.tp_src, c, &name("back"), &probe(|p| &p.tp_src)),
        )
    }
}

/// Are all ports of a masked value in a contract's set? For an exact one that is said outright. For a wider one it is a
/// truth of which only this is used: then each probe that the mask lets through is in the set. That is less than the
/// code asks, so what follows from it follows from the code's answer.
fn all_in(ports: &Cube, c: &Contract, name: &str, probes: &[&Term]) -> Term {
    let exact = ports.mask.is_value(ones(PORT));
    let wide = flag(name)
        & all(probes.iter().map(|p| p.fits(&(&ports.value & &ports.mask), &ports.mask).implies(&c.has_port(p))));
    exact.choose(&c.has_port(&ports.value), &wide)
}

/// Is a tag one that admission writes for a packet of a port?
pub fn tag_is_true(tag: &Term, in_port: &Term, site: &Site, host: &Host) -> Term {
    let uplink = in_port.is(&site.uplink);
    uplink.choose(&tag.is_value(Tag::Uplink.value()), &(&host.exists & tag.is(&host.zone)))
}

/// Every protocol a contract can have.
pub fn is_protocol(term: &Term) -> Term {
    any([Protocol::Tcp, Protocol::Udp].map(|p| term.is_value(p.number())))
}
