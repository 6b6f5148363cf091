//! Whatever rules stand, if each keeps its local conditions, every packet keeps the invariants.
//!
//! Each invariant is shown twice: from what the judge says of one path by itself (`J…`), and from the contract of each
//! rule by itself, without the judge (`C…`), which is tier 1's way.

use model::{Beginning, CtMatch, EtherType, Protocol, Table};

use crate::facts::{Site, may};
use crate::lemmas::{Lemma, World};
use crate::passage::Now;
use crate::symbol::{Grant, Kind, OUTPUT, Packet, Rule, Wish};
use crate::term::{Term, all, no, word, yes};
use crate::walk::{Region, Walk};

struct Scene {
    site: Site,
    w: World,
}

fn scene() -> Scene {
    let (grant, wish) = (Grant::new("grant"), Wish::new("wish"));
    let mut site = Site::new(&[&grant], &[&wish]);
    let w = World::new("", &mut site, &grant, &wish);
    Scene { site, w }
}

pub const FACTS: &str = "facts";

type Given = Vec<(&'static str, Term)>;

const SHOWS: &[&str] = &["packet", "site", "rule0", "rule1", "rule2", "rule3", "rule4", "grant", "wish"];

impl Scene {
    /// What both ways assume: types, coherent facts, grammar, owners, source binding, what grants and wishes say.
    fn ground(&self) -> Given {
        let (w, site) = (&self.w, &self.site);
        vec![
            ("typed", w.typed()),
            // Filled in where it is known which facts a lemma speaks of.
            (FACTS, yes()),
            ("grammar", w.grammar()),
            ("owners", w.owners()),
            ("refusals drop", w.refusals()),
            ("source binding", w.binding(site)),
            ("permissions", w.permissions(site)),
        ]
    }
    fn by_judge(&self) -> Given {
        let mut given = self.ground();
        given.push(("the judge accepts", self.w.judged(&self.site)));
        given
    }
    fn by_contract(&self) -> Given {
        let (w, site) = (&self.w, &self.site);
        let mut given = self.ground();
        given.extend([
            ("strict contracts", w.contracts(site)),
            ("standing rules", w.standing(site)),
            ("forwarding", w.forwarding(site)),
            ("forwards IP only", w.forwards_ip()),
            ("tunnels", w.tunnels()),
        ]);
        given
    }

    fn default_deny(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        let p = &w.packet;
        let covered = w.begun_rightly(s) | w.answers();
        // With an address of the house it comes to nothing there (G18), whatever its MAC.
        let to_gateway = w.passage.exit.is(&s.uplink) & (w.passage.eth_dst.is(&s.mac) | w.stays());
        let to_host = &w.exit.exists & w.exit.address.is(&p.destination) & w.passage.eth_dst.is(&w.exit.mac);
        w.passage.leaves.implies(&(covered & (to_gateway | to_host)))
    }
    fn zones(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        let proxy = (&w.entry.exists & &w.entry.proxy) | (&w.exit.exists & &w.exit.proxy);
        let sides = may(&w.side(&w.packet.in_port, s, &w.entry), &w.side(&w.passage.exit, s, &w.exit), &proxy);
        // What leaves for the gateway with an address of ours goes no further: the gate's service, or dropped (G18).
        let crosses = !(w.passage.exit.is(&s.uplink) & w.stays());
        (&w.passage.leaves & !crate::passage::is_answer(&w.packet) & crosses).implies(&sides)
    }
    fn no_relay(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        // Asked of the rule, not of the switch: OpenFlow would not send it back where it came from anyway.
        let sends = w.passage.took(Table::Forwarding) & w.rules[4].ends(OUTPUT) & w.rules[4].port.is(&s.uplink);
        sends.implies(&w.packet.in_port.is_not(&s.uplink))
    }
    fn direction(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        let begins = !crate::passage::is_answer(&w.packet);
        let at_exit = (&w.passage.leaves & begins).implies(&w.begun_rightly(s));
        let at_commit = w.passage.remembered.implies(&w.begun_rightly(s));
        at_exit & at_commit
    }
    fn separate(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        let p = &w.packet;
        let (entered, left) = (p.in_port.is(&s.uplink), w.passage.exit.is(&s.uplink));
        let wish = &w.parties.wish.contract;
        let in_house = (!&entered & !&left).implies(&((wish.forth(p) | wish.back(p)) & !w.took(Kind::Grant)));
        let vpn = w.took(Kind::Grant).implies(&(&entered ^ &left));
        // Who came in by a tunnel is let on by no wish alone.
        let apart = (entered & w.took(Kind::InHouse)).implies(&w.took(Kind::Grant));
        w.passage.leaves.implies(&(in_house & vpn & apart))
    }
    fn no_clear_text(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        let p = &w.packet;
        let g = &w.parties.grant;
        let by_tunnel = &g.tunnel & (g.contract.forth(p) | (g.contract.back(p) & crate::passage::is_answer(p)));
        let out = &w.passage.leaves & w.passage.exit.is(&s.uplink) & !w.stays();
        out.implies(&by_tunnel)
    }
    fn refusals(&self) -> Term {
        let w = &self.w;
        w.took(Kind::Refusal).implies(&!(&w.passage.leaves | &w.passage.shown))
    }
    fn source(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        let p = &w.packet;
        let some = &w.passage.leaves | &w.passage.shown | &w.passage.remembered;
        let gateway = p.in_port.is(&s.uplink) & p.eth_src.is(&s.mac);
        let host = &w.entry.exists & p.eth_src.is(&w.entry.mac) & p.source.is(&w.entry.address);
        (some & p.is_ip()).implies(&(gateway | host))
    }
    fn tags(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        let true_tag = |t: usize| crate::walk::tag_is_true(&w.passage.now[t].tag, &w.packet.in_port, s, &w.entry);
        all((0..5)
            .map(|t| w.passage.took[t].implies(&(w.passage.took[0].clone() & (w.rules[0].drops() | true_tag(t))))))
    }
    fn first_packets(&self) -> Term {
        let w = &self.w;
        let first = w.packet.seen.has_bits(CtMatch::NEW) & w.packet.seen.lacks_bits(CtMatch::INV);
        let is_tcp = w.packet.protocol.is_value(Protocol::Tcp.number());
        let syn = is_tcp.implies(&w.packet.begins(Beginning::Syn));
        w.passage.shown.implies(&(&w.entry.exists & &w.entry.terminal & first & syn))
    }
    fn arp(&self) -> Term {
        let w = &self.w;
        let is_arp = w.packet.eth_type.is_value(EtherType::Arp.number());
        is_arp.implies(&!(&w.passage.leaves | &w.passage.shown | &w.passage.remembered))
    }
    fn arp_truth(&self) -> Term {
        let (w, s) = (&self.w, &self.site);
        let r = &w.rules[4];
        let v4 = |a: &crate::symbol::Address| !&a.v6 & crate::rules::wide(&r.arp_ip, &a.value);
        let said = w.passage.took(Table::Forwarding) & r.ends(crate::symbol::ARP_REPLY);
        let hosts =
            [&w.entry, &w.exit, &w.destination, &w.parties.grant.near, &w.parties.wish.from, &w.parties.wish.to];
        // Of every host there is a name for, and they stand for any: its MAC is told for its address, or nothing.
        let of_hosts = all(hosts.map(|h| (&h.exists & v4(&h.address)).implies(&r.arp_mac.is(&h.mac))));
        let asked = w.packet.arp_tpa.is(&r.arp_ip);
        let of_gateways =
            (&w.destination_gateway.exists & v4(&w.destination_gateway.address)).implies(&r.arp_mac.is(&s.mac));
        said.implies(&(of_hosts & of_gateways & asked))
    }
}

/// The lemma with only those facts that its other terms speak of.
pub fn sliced(site: &Site, mut lemma: Lemma) -> Lemma {
    let others = lemma.given.iter().filter(|(name, _)| *name != FACTS).map(|(_, t)| t);
    let site = site.spoken_of(others.chain([&lemma.then]));
    for (_, term) in lemma.given.iter_mut().filter(|(name, _)| *name == FACTS) {
        *term = site.typed() & site.coherent();
    }
    lemma
}

macro_rules! lemma {
    ($site:expr, $id:literal, $says:literal, $serves:expr, $given:expr, $then:expr, needs $needs:expr) => {
        sliced(
            &$site,
            Lemma { id: $id, says: $says, serves: &$serves, given: $given, then: $then, needs: &$needs, shows: SHOWS },
        )
    };
}

pub fn lemmas() -> Vec<Lemma> {
    let s = &scene();
    let mut out = paths(s);
    out.extend(by_judge(s));
    out.extend(by_contract(s));
    out.push(tier_1_is_the_judge());
    out.push(begun());
    out
}

fn paths(s: &Scene) -> Vec<Lemma> {
    let ground = |names: &[&str]| s.ground().into_iter().filter(|(n, _)| names.contains(n)).collect::<Given>();
    vec![
        region_step(),
        region_start(),
        lemma!(
            s.site, "P03",
            "a packet carries the tag of where it entered, in every table after admission",
            ["I03", "I06", "X1"], ground(&["typed", "facts", "grammar", "source binding"]), s.tags(),
            needs ["grammar", "source binding"]
        ),
        lemma!(
            s.site,
            "P04",
            "whoever's IP packet leaves, is shown or is remembered has the port, MAC and address it is registered with",
            ["I06", "G16"],
            ground(&["typed", "facts", "grammar", "source binding"]),
            s.source(),
            needs["source binding"]
        ),
        lemma!(
            s.site, "P05",
            "ARP never leaves, is shown to nobody and is never tracked",
            ["I21", "G16"],
            {
                let mut given = ground(&["typed", "facts", "grammar", "source binding"]);
                given.push(("the judge accepts", s.w.judged(&s.site)));
                given
            },
            s.arp(),
            needs ["source binding", "the judge accepts"]
        ),
        lemma!(
            s.site, "P06",
            "an ARP answer tells the registered MAC, to who asked for that address",
            ["I21", "G16"],
            {
                let mut given = ground(&["typed", "facts", "grammar"]);
                given.push(("true answers", s.w.arp(&s.site)));
                given
            },
            s.arp_truth(),
            needs ["facts", "true answers"]
        ),
        lemma!(
            s.site,
            "P07",
            "a packet that takes a refusal's rule goes nowhere",
            ["I20", "N1"],
            ground(&["typed", "grammar", "refusals drop"]),
            s.refusals(),
            needs["refusals drop"]
        ),
    ]
}

fn by_judge(s: &Scene) -> Vec<Lemma> {
    let given = || s.by_judge();
    vec![
        lemma!(
            s.site,
            "J05",
            "a packet leaves a port only if a live grant, an in-house wish or the gate's service covers it, and to whom it is addressed",
            ["I05", "N1", "N6"],
            given(),
            s.default_deny(),
            needs["the judge accepts"]
        ),
        lemma!(
            s.site, "J07",
            "what begins goes only where the zone matrix lets it begin",
            ["I07", "G8"], given(), s.zones(), needs ["permissions", "the judge accepts"]
        ),
        lemma!(
            s.site,
            "J08",
            "what came from a tunnel never leaves for a tunnel",
            ["I08", "G7"],
            given(),
            s.no_relay(),
            needs["the judge accepts"]
        ),
        lemma!(
            s.site,
            "J10",
            "what is not an answer comes from the originator, at the originator's port; only such is remembered",
            ["I10", "G6", "N6"],
            given(),
            s.direction(),
            needs["the judge accepts"]
        ),
        lemma!(
            s.site,
            "J11",
            "only first packets of terminals are shown to the gate, of TCP only a SYN",
            ["I11", "N1", "G19"],
            given(),
            s.first_packets(),
            needs["the judge accepts"]
        ),
        lemma!(
            s.site,
            "J18",
            "what goes from host to host takes no rule of a grant; what takes one has exactly one end at the gateway",
            ["I18", "G5"],
            given(),
            s.separate(),
            needs["the judge accepts"]
        ),
        lemma!(
            s.site,
            "J19",
            "what leaves for the gateway and is not for an address of the house is covered by a grant with a tunnel",
            ["I19", "G5", "N5"],
            given(),
            s.no_clear_text(),
            needs["the judge accepts"]
        ),
    ]
}

fn by_contract(s: &Scene) -> Vec<Lemma> {
    let given = || s.by_contract();
    vec![
        lemma!(
            s.site, "C05",
            "by contracts alone: a packet leaves only if a grant, a wish or the gate's service covers it, and to whom it is addressed",
            ["I05", "N1", "N6"], given(), s.default_deny(),
            needs ["strict contracts", "standing rules", "forwarding", "owners"]
        ),
        lemma!(
            s.site, "C07",
            "by contracts alone: what begins goes only where the zone matrix lets it begin",
            ["I07", "G8"], given(), s.zones(), needs ["permissions", "strict contracts", "forwards IP only"]
        ),
        lemma!(
            s.site,
            "C08",
            "by contracts alone: what came from a tunnel never leaves for a tunnel, because its tag is no zone's",
            ["I08", "G7"],
            given(),
            s.no_relay(),
            needs["forwarding"]
        ),
        lemma!(
            s.site,
            "C10",
            "by contracts alone: what is not an answer comes from the originator's port; only such is remembered",
            ["I10", "G6", "N6"],
            given(),
            s.direction(),
            needs["strict contracts"]
        ),
        lemma!(
            s.site,
            "C11",
            "by contracts alone: only first packets of terminals are shown to the gate, of TCP only a SYN",
            ["I11", "N1", "G19"],
            given(),
            s.first_packets(),
            needs["standing rules"]
        ),
        lemma!(
            s.site,
            "C18",
            "by contracts alone: what goes from host to host takes no rule of a grant, what takes one has one end at the gateway",
            ["I18", "G5"],
            given(),
            s.separate(),
            needs["strict contracts"]
        ),
        lemma!(
            s.site, "C19",
            "by contracts alone: what leaves for the gateway and not for the house is covered by a grant with a tunnel",
            ["I19", "G5", "N5"], given(), s.no_clear_text(), needs ["tunnels", "strict contracts"]
        ),
    ]
}

/// The judge follows regions, not packets: one step of it loses none.
fn region_step() -> Lemma {
    let (packet, rule, region) = (Packet::new("packet"), Rule::new("rule"), Region::any("region"));
    let now = Now {
        tag: word("now.tag", 32),
        ct: word("now.ct", 8),
        eth_src: word("now.src", 48),
        eth_dst: word("now.dst", 48),
    };
    let (met, narrowed) = region.meet(&rule.m);
    let after = narrowed.act(&rule);
    let then = now.after(&rule, &yes(), &packet);
    let port = (&region.in_port.has | &rule.m.in_port.has).implies(&after.in_port.has);
    Lemma {
        id: "P01",
        says: "if a region holds a packet, and a rule takes it, the region after the rule holds it too",
        serves: &["X1"],
        given: vec![
            ("typed", crate::rules::typed(&rule) & packet.well_formed()),
            ("sane match", crate::rules::sane_match(&rule)),
            ("the region is one", region.well_formed()),
            ("it holds the packet", region.holds(&packet, &now)),
            ("the rule takes it", crate::passage::matches(&rule.m, &packet, &now)),
        ],
        then: met & after.well_formed() & after.holds(&packet, &then) & port,
        needs: &["the region is one", "it holds the packet", "the rule takes it"],
        shows: &["packet", "region", "rule", "now"],
    }
}

fn region_start() -> Lemma {
    let (packet, wire) = (Packet::new("packet"), Region::wire());
    let now = Now {
        tag: word("now.tag", 32),
        ct: word("now.ct", 8),
        eth_src: word("now.src", 48),
        eth_dst: word("now.dst", 48),
    };
    let entered = Now::entered(&packet);
    let as_entered = all([
        now.tag.is(&entered.tag),
        now.ct.is(&entered.ct),
        now.eth_src.is(&entered.eth_src),
        now.eth_dst.is(&entered.eth_dst),
    ]);
    Lemma {
        id: "P02",
        says: "the region the judge begins with holds every packet as it enters",
        serves: &["X1"],
        given: vec![("as it enters", as_entered)],
        then: wire.well_formed() & wire.holds(&packet, &now),
        needs: &["as it enters"],
        shows: &["packet", "now"],
    }
}

/// Tier 1 says yes only where the judge would, for every path through a rule of a grant: from any region whatever before
/// the connections table, and straight from there to forwarding.
fn tier_1_is_the_judge() -> Lemma {
    let mut s = scene();
    let mut given = s.by_contract();
    // Tier 1 asks neither of them; the judge asked them of the structure.
    given.retain(|(name, _)| !["standing rules", "forwards IP only"].contains(name));
    let rules = &s.w.rules;
    let before = Region::any("before");
    let (met, narrowed) = before.meet(&rules[2].m);
    let after = narrowed.act(&rules[2]);
    let (last, delivered) = after.meet(&rules[4].m);
    let delivered = delivered.act(&rules[4]);
    let on = [yes(), yes(), met.clone(), no(), &met & last & rules[2].goes_to(Table::Forwarding)];
    let admitted = rules[0].owned_by(Kind::Standing) & rules[1].owned_by(Kind::Standing);
    let through = admitted & rules[2].owned_by(Kind::Grant) & rules[4].owned_by(Kind::Standing) & before.well_formed();
    // Only forwarding rewrites (I03).
    let through = through & !(&before.new_src.has | &before.new_dst.has);
    let mut walk = Walk::along("walk", on);
    (walk.after[2], walk.after[4]) = (after, delivered);
    s.w.walk = walk;
    let accepts = s.w.walk.accepts(&s.w.rules, &s.site, &s.w.parties, &[]);
    lemma!(
        s.site, "T01",
        "where a grant's rules keep the strict contract and forwarding is as promised, the judge accepts every path through them",
        ["X1"], given, through.implies(&accepts),
        needs ["strict contracts", "forwarding", "tunnels", "permissions"]
    )
}

/// Two packets: an answer, and the one because of which its state says so. Stands on J10, which is C10's sentence too.
fn begun() -> Lemma {
    let (grant, wish) = (Grant::new("grant"), Wish::new("wish"));
    let (earlier_grant, earlier_wish) = (Grant::new("earlier.grant"), Wish::new("earlier.wish"));
    let mut site = Site::new(&[&grant, &earlier_grant], &[&wish, &earlier_wish]);
    let w = World::new("", &mut site, &grant, &wish);
    let then = World::new("earlier.", &mut site, &earlier_grant, &earlier_wish);
    let [now, then] = [w, then].map(|w| Scene { site: site.clone(), w });
    let (p, q) = (&now.w.packet, &then.w.packet);
    let reverse = all([
        p.eth_type.is(&q.eth_type),
        p.source.is(&q.destination),
        p.destination.is(&q.source),
        p.protocol.is(&q.protocol),
        p.tp_src.is(&q.tp_dst),
        p.tp_dst.is(&q.tp_src),
    ]);
    // Conntrack reports the reply direction of what was committed, of nothing else (ovs-fields(7)); one zone for all.
    let tracking = crate::passage::is_answer(p).implies(&(&then.w.passage.remembered & &reverse));
    let began = now.w.begun_rightly(&site) | (reverse & then.w.begun_rightly(&site));
    Lemma {
        id: "J14",
        says: "what leaves was begun by the originator: it is the originator's own, or answers a packet that was",
        serves: &["I10", "G6", "N6"],
        given: vec![("J10", now.direction() & then.direction()), ("connection tracking", tracking)],
        then: now.w.passage.leaves.implies(&began),
        needs: &["J10", "connection tracking"],
        shows: &["packet", "earlier.packet", "rule2", "earlier.rule2", "grant", "earlier.grant"],
    }
}
