//! One packet, five rules, a site: what every lemma about paths speaks of.

use model::{Table, Tag};

use crate::facts::{Gateway, Site, is_zone};
use crate::passage::Passage;
use crate::rules;
use crate::symbol::{Grant, Host, Kind, Packet, Rule, Wish};
use crate::term::{Term, all, any};
use crate::walk::{Parties, Walk, is_protocol};

pub struct World {
    pub packet: Packet,
    pub rules: [Rule; 5],
    pub passage: Passage,
    pub walk: Walk,
    pub parties: Parties,
    /// Who is registered where admission's rule looks, and the gateway's address it may name.
    pub admitted: Host,
    admitted_gateway: Gateway,
    /// Who stands at the connections rule's port, or at the address it answers to.
    standing: [Host; 2],
    told: Host,
    told_gateway: Gateway,
    /// Who stands at the packet's own port of entry, and where it leaves.
    pub entry: Host,
    pub exit: Host,
    /// Whose the packet's two addresses are.
    pub source: Host,
    pub destination: Host,
    pub destination_gateway: Gateway,
}

impl World {
    pub fn new(name: &str, site: &mut Site, grant: &Grant, wish: &Wish) -> Self {
        let n = |part: &str| format!("{name}{part}");
        let packet = Packet::new(&n("packet"));
        let rules = [0, 1, 2, 3, 4].map(|t| Rule::new(&n(&format!("rule{t}"))));
        let passage = Passage::new(&packet, &rules);
        // Of the region at a table no more is known than that it holds the packet (P01, P02).
        let walk = Walk::along(&n("walk"), passage.took.clone());
        let ends = |t: usize| [walk.after[t].ip_src.at.clone(), walk.after[t].ip_dst.at.clone()];
        let mut hosts_at = |what: &str, t: usize| {
            let [s, d] = ends(t);
            [
                site.at_address(&n(&format!("{what}.source")), &s),
                site.at_address(&n(&format!("{what}.destination")), &d),
            ]
        };
        let (at_commit, at_exit) = (hosts_at("at_commit", 2), hosts_at("at_exit", 4));
        let parties = Parties {
            grant: grant.clone(),
            wish: wish.clone(),
            at_commit,
            at_exit,
            receiver: site.at_port(&n("receiver"), &rules[4].port),
            shown: site.at_port(&n("shown"), &walk.after[2].in_port.value),
        };
        let m = &rules[0].m;
        let v4 = |v: Term| move |a: &crate::symbol::Address| !&a.v6 & rules::wide(&v, &a.value);
        let (spa, told) = (v4(m.arp_spa.value.clone()), v4(rules[4].arp_ip.clone()));
        let c = &rules[2].m;
        Self {
            admitted: site.at_port(&n("admitted"), &m.in_port.value),
            admitted_gateway: site.gateway(&n("admitted.gateway"), spa),
            standing: [site.at_port(&n("standing"), &c.in_port.value), site.at_address(&n("answered"), &c.ip_dst.at)],
            told: site.look_up(&n("told"), |h| told(&h.address)),
            told_gateway: site.gateway(&n("told.gateway"), &told),
            entry: site.at_port(&n("entry"), &packet.in_port),
            exit: site.at_port(&n("exit"), &passage.exit),
            source: site.at_address(&n("from"), &packet.source),
            destination: site.at_address(&n("to"), &packet.destination),
            destination_gateway: site.gateway(&n("to.gateway"), |a| a.is(&packet.destination)),
            packet,
            passage,
            walk,
            parties,
            rules,
        }
    }

    fn each(&self, what: impl Fn(&Rule, Table) -> Term) -> Term {
        all(self.rules.iter().zip(Table::ALL).map(|(r, t)| what(r, t)))
    }

    /// Every field holds what its type lets it hold.
    pub fn typed(&self) -> Term {
        let (g, w) = (&self.parties.grant, &self.parties.wish);
        let contract = |c: &crate::symbol::Contract| {
            c.origin.well_formed() & c.destination.well_formed() & is_protocol(&c.protocol)
        };
        self.each(|r, _| rules::typed(r))
            & self.packet.well_formed()
            & contract(&g.contract)
            & contract(&w.contract)
            & g.peer.well_formed()
            & is_zone(&g.near_zone)
    }
    /// I03: matches and actions.
    pub fn grammar(&self) -> Term {
        self.each(|r, t| rules::sane_match(r) & rules::grammar(r, t))
    }
    /// I03, I17.
    pub fn owners(&self) -> Term {
        self.each(|r, t| rules::owner(r, t, &self.parties.grant, &self.parties.wish))
    }
    /// I20.
    pub fn refusals(&self) -> Term {
        self.each(|r, _| rules::refusal(r))
    }
    /// I06.
    pub fn binding(&self, site: &Site) -> Term {
        rules::source_binding(&self.rules[0], site, &self.admitted, &self.admitted_gateway)
    }
    /// I21.
    pub fn arp(&self, site: &Site) -> Term {
        rules::arp_answer(&self.rules[4], site, &self.told, &self.told_gateway)
    }
    /// What the judge says of the path, whose regions hold the packet.
    pub fn judged(&self, site: &Site) -> Term {
        let holds = |t: usize| {
            let region = &self.walk.after[t];
            // That a region knows its port of entry is admission's doing (I06), and no step loses it (P01).
            let bound = &region.in_port.has;
            self.passage.took[t]
                .implies(&(bound & region.well_formed() & region.holds(&self.packet, &self.passage.now[t])))
        };
        let regions = all([2, 3, 4].map(holds));
        regions & self.walk.accepts(&self.rules, site, &self.parties, &[&self.packet])
    }
    /// The strict contracts of rules that serve something.
    pub fn contracts(&self, site: &Site) -> Term {
        rules::strict_grant(&self.rules[2], site, &self.parties.grant)
            & rules::strict_wish(&self.rules[3], &self.parties.wish)
    }
    /// Standing rules of the connections table.
    pub fn standing(&self, site: &Site) -> Term {
        any(self.standing.iter().map(|h| rules::standing_connection(&self.rules[2], site, h)))
    }
    /// What forwarding promises.
    pub fn forwarding(&self, site: &Site) -> Term {
        rules::forwarding(&self.rules[4], site, &self.parties.receiver)
    }
    /// What the judge makes of forwarding rules by following ARP to them; tier 1 does not ask it.
    pub fn forwards_ip(&self) -> Term {
        rules::forwards_ip(&self.rules[4])
    }
    /// I07, I09, I12 of the grant; I07 of the wish.
    pub fn permissions(&self, site: &Site) -> Term {
        rules::grant(&self.parties.grant, site) & rules::wish(&self.parties.wish)
    }
    /// I16, as far as paths need it: a live grant has its tunnel.
    pub fn tunnels(&self) -> Term {
        self.parties.grant.contract.exists.implies(&self.parties.grant.tunnel)
    }

    /// Is the packet one that some contract lets begin or go on, put in at the originator's side?
    pub fn begun_rightly(&self, site: &Site) -> Term {
        let (g, w) = (&self.parties.grant, &self.parties.wish);
        let entry = g.originates.choose(&g.near.port, &site.uplink);
        let p = &self.packet;
        let of_service = [&self.source].map(|h| rules::gate_service(h).forth(p) & p.in_port.is(&h.port));
        (g.contract.forth(p) & p.in_port.is(&entry))
            | (w.contract.forth(p) & p.in_port.is(&w.from.port))
            | any(of_service)
    }
    /// Is it an answer of one, by its state?
    pub fn answers(&self) -> Term {
        let (g, w) = (&self.parties.grant, &self.parties.wish);
        let p = &self.packet;
        let back =
            g.contract.back(p) | w.contract.back(p) | any([&self.destination].map(|h| rules::gate_service(h).back(p)));
        crate::passage::is_answer(p) & back
    }
    /// Side of a port: the uplink's tag stands for the tunnels.
    pub fn side(&self, port: &Term, site: &Site, host: &Host) -> Term {
        port.is(&site.uplink).choose(&crate::term::bits(32, Tag::Uplink.value()), &host.zone)
    }
    /// Is its destination a host's or the gateway's own?
    pub fn stays(&self) -> Term {
        &self.destination.exists | &self.destination_gateway.exists
    }
    /// Did it take a rule of this kind?
    pub fn took(&self, kind: Kind) -> Term {
        any(self.rules.iter().zip(&self.passage.took).map(|(r, took)| took & r.owned_by(kind)))
    }
}
