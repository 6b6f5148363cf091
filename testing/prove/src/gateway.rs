//! The gateway's second lock (I08, I09, I13, I15) on terms, and what a packet does there.

use crate::symbol::{Address, CT, Contract, Grant, Kind, NUMBER, PROTOCOL, Packet};
use crate::term::{Term, all, flag, word};
use model::CtMatch;

/// A filter of the forward chain; everything else it drops. Its sides are the LAN and the tunnel device; there is no
/// third ([`model::FilterSide`]).
#[derive(Debug, Clone)]
pub struct Filter {
    pub kind: Term,
    pub number: Term,
    pub from_tunnel: Term,
    pub to_tunnel: Term,
    pub reply: Term,
    pub source: Address,
    pub destination: Address,
    pub protocol: Term,
    pub ports: String,
}

impl Filter {
    pub fn new(name: &str) -> Self {
        let f = |field: &str| format!("{name}.{field}");
        Self {
            kind: word(f("kind"), 16),
            number: word(f("number"), NUMBER),
            from_tunnel: flag(f("from_tunnel")),
            to_tunnel: flag(f("to_tunnel")),
            reply: flag(f("reply")),
            source: Address::new(&f("source")),
            destination: Address::new(&f("destination")),
            protocol: word(f("protocol"), PROTOCOL),
            ports: f("ports"),
        }
    }

    /// Does the forward chain accept a packet by it, in the state its own connection tracking reports?
    pub fn accepts(&self, p: &Packet, from_tunnel: &Term, to_tunnel: &Term, state: &Term) -> Term {
        assert_eq!(state.width(), CT);
        let back = state.has_bits(CtMatch::EST | CtMatch::RPL);
        let ports = self.reply.choose(&(back & p.tp_src.is_in(&self.ports)), &p.tp_dst.is_in(&self.ports));
        all([
            self.from_tunnel.is(from_tunnel),
            self.to_tunnel.is(to_tunnel),
            p.is_ip(),
            p.source.is(&self.source),
            p.destination.is(&self.destination),
            p.protocol.is(&self.protocol),
            ports,
        ])
    }

    /// I15: no wider than the grant it serves. Of "all its ports are the grant's" only what the packet's two ports ask
    /// is used, which is less than the code asks.
    pub fn serves(&self, g: &Grant, p: &Packet) -> Term {
        let c = &g.contract;
        let within = all([&p.tp_src, &p.tp_dst].map(|port| port.is_in(&self.ports).implies(&c.has_port(port))));
        let outward = g.originates.is(&!&self.reply);
        let ends = |s: &Address, d: &Address| self.source.is(s) & self.destination.is(d);
        let hosts = self.reply.choose(&ends(&c.destination, &c.origin), &ends(&c.origin, &c.destination));
        let live = &c.exists & g.number.is(&self.number);
        let sides = (!&self.from_tunnel).is(&outward) & self.to_tunnel.is(&outward);
        let of_grant = all([live, hosts, self.protocol.is(&c.protocol), within, sides]);
        self.kind.is_value(Kind::Grant.bits()).implies(&of_grant)
    }

    /// I08, I15: a filter from tunnel to tunnel serves a wish of one legal entity among itself; nobody else but grants
    /// has filters. The entities are those of the peers at its two addresses.
    pub fn transit(&self, source_entity: &Term, destination_entity: &Term, here: &Term) -> Term {
        let of_wish = &self.from_tunnel & &self.to_tunnel & source_entity.is(here) & destination_entity.is(here);
        self.kind.is_value(Kind::Transit.bits()).choose(&of_wish, &self.kind.is_value(Kind::Grant.bits()))
    }
}

/// A tunnel of this site.
#[derive(Debug, Clone)]
pub struct Tunnel {
    pub number: Term,
    pub local: Address,
    pub remote: Address,
    pub local_protocol: Term,
    pub remote_protocol: Term,
    /// Ports of the two selectors; `any` says the selector names none, which means all.
    pub local_ports: (Term, String),
    pub remote_ports: (Term, String),
}

impl Tunnel {
    pub fn new(name: &str) -> Self {
        let f = |field: &str| format!("{name}.{field}");
        Self {
            number: word(f("number"), NUMBER),
            local: Address::new(&f("local")),
            remote: Address::new(&f("remote")),
            local_protocol: word(f("local_protocol"), PROTOCOL),
            remote_protocol: word(f("remote_protocol"), PROTOCOL),
            local_ports: (flag(f("local_any")), f("local_ports")),
            remote_ports: (flag(f("remote_any")), f("remote_ports")),
        }
    }

    /// Do its selectors take a packet outward (RFC 4301 §4.4.1)?
    pub fn takes(&self, p: &Packet) -> Term {
        let ports = |(any, set): &(Term, String), port: &Term| any | port.is_in(set);
        all([
            p.is_ip(),
            p.source.is(&self.local),
            p.destination.is(&self.remote),
            p.protocol.is(&self.local_protocol),
            p.protocol.is(&self.remote_protocol),
            ports(&self.local_ports, &p.tp_src),
            ports(&self.remote_ports, &p.tp_dst),
        ])
    }

    /// I13: selectors no wider than the grant.
    pub fn narrow(&self, g: &Grant, p: &Packet) -> Term {
        let (near, far) = g.ends();
        let serving =
            |(any, set): &(Term, String), port: &Term| !any & port.is_in(set).implies(&g.contract.has_port(port));
        let server =
            g.originates.choose(&serving(&self.remote_ports, &p.tp_dst), &serving(&self.local_ports, &p.tp_src));
        let client = g.originates.choose(&self.local_ports.0, &self.remote_ports.0);
        all([
            g.contract.exists.clone(),
            g.number.is(&self.number),
            self.local.is(&near),
            self.remote.is(&far),
            self.local_protocol.is(&g.contract.protocol),
            self.remote_protocol.is(&g.contract.protocol),
            server,
            client,
        ])
    }
}

/// Either way of a contract.
pub fn either(c: &Contract, p: &Packet) -> Term {
    c.forth(p) | c.back(p)
}
