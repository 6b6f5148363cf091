//! What a site's coherent facts say (I02), of as many hosts as a lemma names.

use model::{Tag, Zone, ZoneSide, ZoneVerdict, may_originate};

use crate::symbol::{Address, Grant, Host, MAC, Net, PORT_NO, Wish};
use crate::term::{Op, Term, all, any, flag, no, word};
use std::collections::BTreeSet;

/// A site: its gateway, and every host that some part of a lemma speaks of.
#[derive(Debug, Clone)]
pub struct Site {
    pub uplink: Term,
    pub mac: Term,
    hosts: Vec<Host>,
    gateways: Vec<Gateway>,
    /// What each look-up means.
    found: Vec<Found>,
}

/// What a look-up means, as far as it concerns these two.
#[derive(Debug, Clone)]
struct Found {
    of: [Term; 2],
    means: Term,
}

/// The gateway's address in some segment, perhaps one without hosts.
#[derive(Debug, Clone)]
pub struct Gateway {
    pub exists: Term,
    pub address: Address,
}

impl Site {
    pub fn new(grants: &[&Grant], wishes: &[&Wish]) -> Self {
        let hosts = grants.iter().map(|g| g.near.clone());
        let hosts = hosts.chain(wishes.iter().flat_map(|w| [w.from.clone(), w.to.clone()])).collect();
        Self {
            uplink: word("site.uplink", PORT_NO),
            mac: word("site.mac", MAC),
            hosts,
            gateways: Vec::new(),
            found: Vec::new(),
        }
    }

    /// The host registered at a port, if there is one.
    pub fn at_port(&mut self, name: &str, port: &Term) -> Host {
        self.look_up(name, |h| h.port.is(port))
    }

    /// The host with an address, if there is one.
    pub fn at_address(&mut self, name: &str, address: &Address) -> Host {
        self.look_up(name, |h| h.address.is(address))
    }

    /// The gateway's address in some segment, if this is one.
    pub fn gateway(&mut self, name: &str, fits: impl Fn(&Address) -> Term) -> Gateway {
        let found =
            Gateway { exists: flag(format!("{name}.exists")), address: Address::new(&format!("{name}.address")) };
        self.means(&found.exists, &found.exists, found.exists.implies(&fits(&found.address)));
        for host in self.hosts.clone() {
            self.means(&found.exists, &host.exists, (&host.exists & fits(&host.gateway)).implies(&found.exists));
        }
        self.gateways.push(found.clone());
        found
    }

    pub fn look_up(&mut self, name: &str, fits: impl Fn(&Host) -> Term) -> Host {
        let found = Host::new(name);
        self.means(&found.exists, &found.exists, found.exists.implies(&fits(&found)));
        // Nothing is found only if none fits.
        for other in self.hosts.clone() {
            self.means(&found.exists, &other.exists, (&other.exists & fits(&other)).implies(&found.exists));
        }
        self.hosts.push(found.clone());
        found
    }

    fn means(&mut self, a: &Term, b: &Term, means: Term) {
        self.found.push(Found { of: [a.clone(), b.clone()], means });
    }

    /// The same site, where only hosts and addresses are kept that these terms speak of: fewer facts, so what follows
    /// from them follows from all.
    pub fn spoken_of<'t>(&self, terms: impl IntoIterator<Item = &'t Term>) -> Self {
        let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
        terms.into_iter().for_each(|t| t.names(&mut names, &mut seen));
        let spoken = |exists: &Term| match &exists.node().op {
            Op::Var(name) => {
                let of = name.trim_end_matches("exists");
                names.range(of.to_owned()..).next().is_some_and(|n| n.starts_with(of))
            }
            _ => true,
        };
        Self {
            hosts: self.hosts.iter().filter(|h| spoken(&h.exists)).cloned().collect(),
            gateways: self.gateways.iter().filter(|g| spoken(&g.exists)).cloned().collect(),
            found: self.found.iter().filter(|f| f.of.iter().all(&spoken)).cloned().collect(),
            ..self.clone()
        }
    }

    /// Values of hosts are what the type lets them be.
    pub fn typed(&self) -> Term {
        let hosts = self
            .hosts
            .iter()
            .map(|h| is_zone(&h.zone) & h.address.well_formed() & h.gateway.well_formed() & h.segment.well_formed());
        all(hosts.chain(self.gateways.iter().map(|g| g.address.well_formed())))
    }

    /// I02: a port, a MAC and an address belong to one host, none to the gateway; every host is in its segment.
    pub fn coherent(&self) -> Term {
        let mut out: Vec<Term> = self.found.iter().map(|f| f.means.clone()).collect();
        for (i, a) in self.hosts.iter().enumerate() {
            let apart = a.port.is_not(&self.uplink) & a.mac.is_not(&self.mac);
            let inside = &a.segment.has & a.segment.contains(&a.address) & a.segment.contains(&a.gateway);
            out.push(a.exists.implies(&(apart & inside & !a.address.is(&a.gateway))));
            out.extend(self.gateways.iter().map(|g| (&a.exists & &g.exists).implies(&!a.address.is(&g.address))));
            for b in &self.hosts[..i] {
                let both = &a.exists & &b.exists;
                let meet = any([a.port.is(&b.port), a.mac.is(&b.mac), a.address.is(&b.address)]);
                out.push(both.implies(&(meet.implies(&same_host(a, b)))));
                out.push(both.implies(&!(a.address.is(&b.gateway) | b.address.is(&a.gateway))));
            }
        }
        all(out)
    }

    /// I02: a peer's prefix has nothing in common with a segment of ours.
    pub fn apart(&self, peer: &Net) -> Term {
        all(self.hosts.iter().map(|h| h.exists.implies(&disjoint(&h.segment, peer))))
    }
}

fn same_segment(a: &Host, b: &Host) -> Term {
    a.segment.at.is(&b.segment.at) & a.segment.mask.is(&b.segment.mask) & a.gateway.is(&b.gateway) & a.zone.is(&b.zone)
}

fn same_host(a: &Host, b: &Host) -> Term {
    all([
        a.port.is(&b.port),
        a.mac.is(&b.mac),
        a.address.is(&b.address),
        a.terminal.is(&b.terminal),
        a.proxy.is(&b.proxy),
        same_segment(a, b),
    ])
}

pub fn disjoint(a: &Net, b: &Net) -> Term {
    a.at.v6.is_not(&b.at.v6) | !((&a.at.value ^ &b.at.value) & &a.mask & &b.mask).is_value(0u8)
}

pub fn is_zone(tag: &Term) -> Term {
    tag.is_one_of(Zone::ALL.map(|z| Tag::Zone(z).value().into()))
}

/// May a connection originate from one side at another? Sides are tags; the uplink's stands for a tunnel. The matrix is
/// the code's ([`model::may_originate`]).
pub fn may(from: &Term, to: &Term, proxy: &Term) -> Term {
    let side = |tag: Tag| match tag {
        Tag::Uplink => ZoneSide::Tunnel,
        Tag::Zone(zone) => ZoneSide::Zone(zone),
    };
    let mut out = no();
    for a in Tag::ALL {
        for b in Tag::ALL {
            let here = from.is_value(a.value()) & to.is_value(b.value());
            out = out
                | match may_originate(side(a), side(b)) {
                    ZoneVerdict::Allowed => here,
                    ZoneVerdict::ViaProxy => here & proxy,
                    ZoneVerdict::Denied => no(),
                };
        }
    }
    out
}
