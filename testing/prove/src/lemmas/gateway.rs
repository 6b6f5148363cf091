//! Whatever filters and tunnels stand, if each keeps its local condition: the second lock holds alone (I08, I15), and
//! with the switch (I18, I19).

use crate::facts::Site;
use crate::gateway::{Filter, Tunnel, either};
use crate::lemmas::invariants::{FACTS, sliced};
use crate::lemmas::{Lemma, World};
use crate::symbol::{CT, Grant, Wish};
use crate::term::{Term, flag, no, word, yes};

type Given = Vec<(&'static str, Term)>;

/// A packet as it stands before the forward chain.
struct Scene {
    site: Site,
    w: World,
    filter: Filter,
    /// The grant the filter serves, and the one the tunnel serves; they may be others than the switch's.
    of_filter: Grant,
    tunnel: Tunnel,
    of_tunnel: Grant,
    from_tunnel: Term,
    state: Term,
    entities: [Term; 3],
}

fn scene() -> Scene {
    let (grant, wish) = (Grant::new("grant"), Wish::new("wish"));
    let (of_filter, of_tunnel) = (Grant::new("filter.grant"), Grant::new("tunnel.grant"));
    let mut site = Site::new(&[&grant, &of_filter, &of_tunnel], &[&wish]);
    let w = World::new("", &mut site, &grant, &wish);
    Scene {
        site,
        w,
        filter: Filter::new("filter"),
        of_filter,
        tunnel: Tunnel::new("tunnel"),
        of_tunnel,
        from_tunnel: flag("gateway.from_tunnel"),
        state: word("gateway.ct", CT),
        entities: ["source", "destination", "here"].map(|e| word(format!("entity.{e}"), 64)),
    }
}

const SHOWS: &[&str] = &["packet", "filter", "tunnel", "filter.grant", "tunnel.grant", "gateway", "entity"];

impl Scene {
    /// Red routes to the LAN what is for an address of the house, all else to the tunnel device: it has no other way.
    fn to_tunnel(&self) -> Term {
        !&self.w.destination.exists
    }
    fn accepted(&self) -> Term {
        self.filter.accepts(&self.w.packet, &self.from_tunnel, &self.to_tunnel(), &self.state)
    }
    fn filters(&self) -> Given {
        let [source, destination, here] = &self.entities;
        let p = &self.w.packet;
        let grants =
            crate::rules::grant(&self.of_filter, &self.site) & crate::rules::grant(&self.of_tunnel, &self.site);
        vec![
            ("typed", self.w.typed() & self.ends_typed()),
            (FACTS, yes()),
            ("permissions", grants),
            ("filters serve their grants", self.filter.serves(&self.of_filter, p)),
            ("other filters serve wishes", self.filter.transit(source, destination, here)),
        ]
    }
    fn ends_typed(&self) -> Term {
        let one = |g: &Grant| {
            g.contract.origin.well_formed()
                & g.contract.destination.well_formed()
                & g.peer.well_formed()
                & crate::walk::is_protocol(&g.contract.protocol)
        };
        one(&self.of_filter) & one(&self.of_tunnel)
    }
}

pub fn lemmas() -> Vec<Lemma> {
    let s = &scene();
    let p = &s.w.packet;
    let [source, destination, here] = &s.entities;
    let lemma = |id, says, serves, given, then, needs| {
        sliced(&s.site, Lemma { id, says, serves, given, then, needs, shows: SHOWS })
    };
    let relays = s.accepted() & &s.from_tunnel & s.to_tunnel();
    let answer = s.state.has_bits(model::CtMatch::EST | model::CtMatch::RPL);
    let g = &s.of_filter.contract;
    let wish = &s.from_tunnel & s.to_tunnel();
    let covered = g.forth(p) | (g.back(p) & answer) | wish;
    // The switch and the gateway one after the other.
    let left = &s.w.passage.leaves & s.w.passage.exit.is(&s.site.uplink);
    let chain = |from_tunnel: Term| &s.accepted() & s.from_tunnel.is(&from_tunnel);
    let on_switch = |given: &mut Given| {
        given[2].1 = &given[2].1 & s.w.permissions(&s.site);
        given.extend([
            ("grammar", s.w.grammar()),
            ("owners", s.w.owners()),
            ("refusals drop", s.w.refusals()),
            ("source binding", s.w.binding(&s.site)),
            ("the judge accepts", s.w.judged(&s.site)),
        ]);
    };
    let mut both = s.filters();
    on_switch(&mut both);
    let mut with_tunnel = both.clone();
    with_tunnel.push(("selectors", s.tunnel.narrow(&s.of_tunnel, p)));
    vec![
        lemma(
            "G05",
            "the gateway forwards only what a live grant covers, answers only in reply, or what a transit wish covers",
            &["I05", "I15", "G6"],
            s.filters(),
            s.accepted().implies(&covered),
            &["filters serve their grants", "other filters serve wishes"],
        ),
        lemma(
            "G08",
            "the gateway forwards from tunnel to tunnel only among sites of its own legal entity",
            &["I08", "G7"],
            s.filters(),
            relays.implies(&(source.is(here) & destination.is(here))),
            &["filters serve their grants", "other filters serve wishes"],
        ),
        lemma(
            "G18",
            "the gateway forwards nothing from the LAN back to the LAN",
            &["I18", "G5"],
            s.filters(),
            !(chain(no()) & !s.to_tunnel()),
            &["filters serve their grants", "other filters serve wishes"],
        ),
        lemma(
            "G13",
            "what a tunnel takes is its own live grant's",
            &["I13", "G6", "N6"],
            vec![("typed", s.w.typed() & s.ends_typed()), ("selectors", s.tunnel.narrow(&s.of_tunnel, p))],
            s.tunnel.takes(p).implies(&either(&s.of_tunnel.contract, p)),
            &["selectors"],
        ),
        lemma(
            "G19",
            "what leaves the switch for the gateway, is forwarded and taken by a tunnel is covered by grants at all three, and none of it is of the house",
            &["I18", "I19", "G5", "N5"],
            with_tunnel,
            (left & chain(no()) & s.tunnel.takes(p)).implies(
                &(either(&s.of_filter.contract, p)
                    & either(&s.of_tunnel.contract, p)
                    & either(&s.w.parties.grant.contract, p)),
            ),
            &["the judge accepts", "filters serve their grants", "selectors"],
        ),
        lemma(
            "G20",
            "what the gateway hands to the LAN came through a tunnel and is for a host of the house",
            &["I18", "G5"],
            s.filters(),
            (s.accepted() & !s.to_tunnel()).implies(&(&s.from_tunnel & &s.w.destination.exists)),
            &["filters serve their grants", "other filters serve wishes"],
        ),
    ]
}
