//! Whatever the order of messages and whoever restarts: in the end what stands is what is wanted, and nothing more.
#![allow(clippy::unwrap_used)]

use model::{
    CookieOwner, Endpoint, Grant, GrantId, Network, Plan, Protocol, SiteId, SiteState, Timestamp, parse_document,
};
use proptest::prelude::*;
use simnet::{LINKS, Link, World};
use site::{Event, IkePolicy, RedInterfaces, Report, SiteConfig};
use std::collections::{BTreeMap, BTreeSet};

const START: Timestamp = Timestamp(1_800_000_000_000);

#[derive(Debug, Clone)]
enum Step {
    Open {
        number: u64,
        pair: usize,
        announced: bool,
    },
    /// The center says that a line is coming, and then its registry does not take it.
    Announce {
        number: u64,
        pair: usize,
    },
    Close {
        number: u64,
    },
    Go {
        number: u64,
    },
    Again {
        number: u64,
    },
    Deliver {
        site: usize,
        link: usize,
        times: u8,
    },
    Pass {
        ms: i64,
    },
    RestartSwitch(usize),
    ReconnectSwitch(usize),
    RestartCharon(usize),
    RestartGate(usize),
    Intrude(usize),
    Steal(usize, usize),
    Wipe(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..12, 0usize..3, any::<bool>())
            .prop_map(|(number, pair, announced)| Step::Open { number, pair, announced }),
        1 => (100u64..112, 0usize..3).prop_map(|(number, pair)| Step::Announce { number, pair }),
        3 => (1u64..12).prop_map(|number| Step::Close { number }),
        2 => (1u64..12).prop_map(|number| Step::Go { number }),
        1 => (1u64..12).prop_map(|number| Step::Again { number }),
        20 => (0usize..3, 0usize..7, 1u8..6).prop_map(|(site, link, times)| Step::Deliver { site, link, times }),
        4 => (1i64..2_000).prop_map(|ms| Step::Pass { ms }),
        1 => (0usize..3).prop_map(Step::RestartSwitch),
        1 => (0usize..3).prop_map(Step::ReconnectSwitch),
        1 => (0usize..3).prop_map(Step::RestartCharon),
        1 => (0usize..3).prop_map(Step::RestartGate),
        1 => (0usize..3).prop_map(Step::Intrude),
        1 => (0usize..3, any::<usize>()).prop_map(|(s, n)| Step::Steal(s, n)),
        1 => (0usize..3).prop_map(Step::Wipe),
    ]
}

struct Story {
    network: Network,
    world: World,
    states: BTreeMap<SiteId, SiteState>,
    open: BTreeMap<u64, Grant>,
    used: BTreeSet<u64>,
    ended: BTreeMap<u64, [SiteId; 2]>,
    forgetful: BTreeSet<SiteId>,
}

fn config() -> SiteConfig {
    SiteConfig {
        red: RedInterfaces { lan: "lan0".into(), tunnel: "ipsec0".into() },
        ike: IkePolicy {
            ike_proposals: vec!["aes256gcm16-prfsha384-ecp256".into()],
            esp_proposals: vec!["aes256gcm16-ecp256".into()],
            ike_rekey_seconds: 28800,
            child_rekey_seconds: 3600,
            child_rekey_packets: 1 << 32,
            replay_window: 128,
            dpd_seconds: 30,
            revocation: "strict".into(),
        },
        audit_ms: 5_000,
        ike_linger_ms: 0,
        first_packets_per_second: 1000,
    }
}

impl Story {
    fn new() -> Self {
        Self::of(&config())
    }

    fn of(config: &SiteConfig) -> Self {
        let documents: Vec<_> = [
            ("clinic", include_str!("../../../core/model/tests/documents/clinic.toml")),
            ("hospital", include_str!("../../../core/model/tests/documents/hospital.toml")),
            ("provider", include_str!("../../../core/model/tests/documents/provider.toml")),
        ]
        .iter()
        .map(|(name, text)| parse_document(name, text).unwrap())
        .collect();
        let network = Network::default().with(&documents).unwrap();
        let mut states = BTreeMap::new();
        for (id, delta) in plan::apply(&network, &[], &BTreeMap::new()).unwrap().sites {
            let mut state = SiteState::empty(delta.facts.clone().unwrap());
            state.advance(&delta).unwrap();
            states.insert(id, state);
        }
        let proved = states.iter().map(|(id, s)| (id.clone(), verify::check_state(s.clone()).unwrap())).collect();
        let world = World::new(proved, config, START);
        Self {
            network,
            world,
            states,
            open: BTreeMap::new(),
            used: BTreeSet::new(),
            ended: BTreeMap::new(),
            forgetful: BTreeSet::new(),
        }
    }

    fn site(&self, n: usize) -> SiteId {
        self.world.sites()[n].clone()
    }

    fn end(&self, at: &str) -> Endpoint {
        self.network.endpoint(&at.parse().unwrap()).unwrap()
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Open { number, pair, announced } => {
                if let Some((grant, plan)) = self.planned(number, pair) {
                    if announced {
                        self.announce(&plan);
                    }
                    self.order(&plan);
                    self.used.insert(number);
                    self.open.insert(number, grant);
                }
            }
            Step::Announce { number, pair } => {
                if let Some((_, plan)) = self.planned(number, pair) {
                    self.announce(&plan);
                }
            }
            Step::Close { number } => {
                if let Some(grant) = self.open.remove(&number) {
                    let ends = [&self.states[&grant.origin.site], &self.states[&grant.destination.site]];
                    let plan = plan::close(&grant, &ends).unwrap();
                    self.order(&plan);
                    self.ended.insert(number, [grant.origin.site, grant.destination.site]);
                }
            }
            Step::Go { number } => {
                for id in self.world.sites() {
                    self.world.feed(&id, Event::Go(GrantId(number)));
                }
            }
            Step::Again { number } => {
                for id in self.world.sites() {
                    self.world.feed(&id, Event::Repeated { grants: [GrantId(number)].into() });
                }
            }
            Step::Deliver { site, link, times } => {
                let id = self.site(site);
                for _ in 0..times {
                    self.world.deliver(&id, LINKS[link]);
                }
            }
            Step::Pass { ms } => self.world.pass(ms),
            Step::RestartSwitch(n) => self.world.restart_switch(&self.site(n)),
            Step::ReconnectSwitch(n) => self.world.reconnect_switch(&self.site(n)),
            Step::RestartCharon(n) => self.world.restart_charon(&self.site(n)),
            Step::RestartGate(n) => {
                let id = self.site(n);
                self.world.restart_gate(&id).unwrap();
                self.forgetful.insert(id.clone());
                // The center sees an older generation in the gate's hello and sends a snapshot.
                let state = verify::check_state(self.states[&id].clone()).unwrap();
                self.world.feed(&id, Event::Snapshot(Box::new(state)));
                self.world.feed(&id, Event::CenterUp);
            }
            Step::Intrude(n) => {
                let normal =
                    vec![openflow::Instruction::ApplyActions(vec![openflow::Action::output(openflow::PortNo::NORMAL)])];
                let id = self.site(n);
                self.world.switch(&id).intrude(openflow::FlowMod::add(0, 1, 0x1234, openflow::Match::any(), normal));
            }
            Step::Steal(n, which) => {
                let id = self.site(n);
                self.world.switch(&id).steal(which);
            }
            Step::Wipe(n) => {
                let id = self.site(n);
                self.world.nft(&id).wipe();
            }
        }
    }

    fn open(&mut self, number: u64, pair: usize) {
        self.take(Step::Open { number, pair, announced: false });
    }

    /// Nothing if the line is open already, or the number was used.
    fn planned(&self, number: u64, pair: usize) -> Option<(Grant, Plan)> {
        let (from, to, ports) = [
            ("clinic/exam-1", "hospital/record-server", vec![443]),
            ("clinic/exam-2", "provider/ops-1", vec![443, 8443]),
            ("clinic/exam-2", "hospital/portal", vec![443]),
        ][pair]
            .clone();
        let (origin, destination) = (self.end(from), self.end(to));
        let same = |g: &Grant| g.origin == origin && g.destination == destination;
        if self.open.values().any(same) || self.used.contains(&number) {
            return None;
        }
        let grant = Grant {
            id: GrantId(number),
            agreement: "A-0012".parse().unwrap(),
            service: format!("{}/service", destination.institution).parse().unwrap(),
            origin,
            destination,
            protocol: Protocol::Tcp,
            ports,
            granted_at: self.world.now(),
            lease_until: START.plus_ms(86_400_000),
            idle_ms: None,
        };
        let plan = plan::open(&grant, &self.states[&grant.origin.site], &self.states[&grant.destination.site]).unwrap();
        Some((grant, plan))
    }

    fn announce(&mut self, plan: &Plan) {
        for (id, delta) in &plan.sites {
            let slice = verify::check_slice(&self.states[id], delta).unwrap();
            self.world.feed(id, Event::Prepare(Box::new(slice)));
        }
    }

    fn renew(&mut self, number: u64, until: Timestamp) {
        let states: Vec<&SiteState> = self.states.values().collect();
        let plan = plan::renew(GrantId(number), until, &states).unwrap();
        self.order(&plan);
    }

    fn order(&mut self, plan: &model::Plan) {
        for (id, delta) in &plan.sites {
            let state = self.states.get_mut(id).unwrap();
            let slice = verify::check_slice(state, delta).unwrap();
            state.advance(slice.delta()).unwrap();
            self.world.feed(id, Event::Order(Box::new(slice)));
        }
    }

    fn settle(&mut self) {
        for _ in 0..60 {
            self.deliver_all_but(&[]);
            self.world.pass(1_000);
        }
    }

    fn deliver_all_but(&mut self, held: &[(&str, Link)]) {
        for _ in 0..200 {
            let mut moved = false;
            for id in self.world.sites() {
                for link in LINKS.into_iter().filter(|link| !held.contains(&(id.as_str(), *link))) {
                    moved |= self.world.deliver(&id, link);
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// Observed equals wanted, and nothing more.
    fn check(&mut self, expected: &BTreeMap<SiteId, SiteState>) {
        for (id, state) in expected {
            let wanted: BTreeMap<_, _> = state.rules.iter().map(|r| site::to_entry(r).unwrap()).collect();
            let stands: BTreeMap<_, _> = self.world.switch(id).stats().iter().map(site::observed_entry).collect();
            assert_eq!(stands, wanted, "rules of {id}");
            let tunnels: Vec<_> =
                state.tunnels.iter().map(|t| (site::connection_name(id, &t.peer), site::child_name(t.grant))).collect();
            let installed = &self.world.charon(id).children;
            let mut children: Vec<_> = installed.iter().map(|c| (c.connection.clone(), c.child.clone())).collect();
            children.sort();
            let mut tunnels = tunnels;
            tunnels.sort();
            assert_eq!(children, tunnels, "children of {id}");
            let told: BTreeSet<_> = self.world.charon(id).loaded.values().flatten().cloned().collect();
            let named: BTreeSet<_> = tunnels.iter().map(|(_, child)| child.clone()).collect();
            assert_eq!(told, named, "configured at {id}");
            let ike: BTreeSet<_> = children.iter().map(|(c, _)| c.clone()).collect();
            assert_eq!(self.world.charon(id).ike, ike, "IKE SAs of {id}");
            let accepted: usize = state.filters.iter().map(|f| f.ports.len()).sum();
            assert_eq!(self.world.nft(id).elements().len(), accepted, "filter of {id}");
            assert_eq!(self.world.kept(id).unwrap().generation, state.generation);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 300 },
        ..ProptestConfig::default()
    })]
    #[test]
    fn what_stands_becomes_what_is_wanted(steps in proptest::collection::vec(step(), 1..120)) {
        let mut story = Story::new();
        for step in steps {
            story.take(step);
        }
        story.settle();
        let expected = story.states.clone();
        story.check(&expected);
        for (number, ends) in &story.ended {
            let id = GrantId(*number);
            // A gate that was killed may know nothing of the grant any more: then its acceptance of the state without it
            // says the same.
            for site in ends.iter().filter(|s| !story.forgetful.contains(*s)) {
                let said = story.world.reports(site).iter().any(|r| matches!(r, Report::Closed { grant, .. } if *grant == id));
                prop_assert!(said, "{id} closed at {site}");
            }
        }
        for (site, state) in &expected {
            let last = story.world.reports(site).iter().rev().find_map(|r| match r {
                Report::Accepted(generation) => Some(*generation),
                _ => None,
            });
            let orders = state.generation > model::Generation(1) || story.forgetful.contains(site);
            prop_assert!(!orders || last == Some(state.generation), "{site} accepted {last:?} of {}", state.generation);
        }
        for (number, grant) in &story.open {
            for site in [&grant.origin.site, &grant.destination.site] {
                let last = story.world.reports(site).iter().rev().find_map(|r| match r {
                    Report::Observed { grant, complete, sa, .. } if grant.0 == *number => Some(*complete && *sa),
                    _ => None,
                });
                prop_assert_eq!(last, Some(true), "g-{} at {}", number, site);
            }
        }
    }
}

/// strongSwan answers a list while the event of a tunnel that the list shows is still unread: it is one tunnel.
#[test]
fn a_tunnel_that_list_and_event_tell_of_ends_with_its_one_delete() {
    // An IKE SA that went with its last tunnel would say so.
    let mut story = Story::of(&SiteConfig { ike_linger_ms: 60_000, ..config() });
    story.deliver_all_but(&[]);
    story.world.pass(4_000);
    story.open(1, 0);
    let unread = [("clinic", Link::FromCharon)];
    story.deliver_all_but(&unread);
    story.take(Step::Go { number: 1 });
    story.deliver_all_but(&unread);
    let clinic: SiteId = "clinic".parse().unwrap();
    assert_eq!(story.world.charon(&clinic).children.len(), 1, "it is up, and its gate has not heard so");
    let its = story.world.charon(&clinic).children.clone();
    // The audit is due.
    story.world.pass(1_000);
    story.deliver_all_but(&unread);
    story.deliver_all_but(&[]);
    assert_eq!(story.world.charon(&clinic).children, its);
    story.take(Step::Close { number: 1 });
    story.deliver_all_but(&[]);
    story.world.pass(900);
    story.deliver_all_but(&[]);
    let closed = |r: &Report| matches!(r, Report::Closed { grant: GrantId(1), .. });
    assert!(story.world.reports(&clinic).iter().any(closed), "without waiting for the next audit");
}

#[test]
fn a_lease_ends_without_the_center_x4() {
    let mut story = Story::new();
    story.open(1, 0);
    story.open(2, 1);
    story.settle();
    let before = story.states.clone();
    story.check(&before);
    story.world.pass(86_400_000);
    story.settle();
    let empty = Story::new().states;
    for (id, state) in &empty {
        let wanted: BTreeMap<_, _> = state.rules.iter().map(|r| site::to_entry(r).unwrap()).collect();
        let stands: BTreeMap<_, _> = story.world.switch(id).stats().iter().map(site::observed_entry).collect();
        assert_eq!(stands, wanted);
        assert!(story.world.charon(id).children.is_empty() && story.world.nft(id).elements().is_empty());
        assert!(!story.states[id].rules.iter().any(|r| r.owner == CookieOwner::Refusal));
    }
    let clinic: SiteId = "clinic".parse().unwrap();
    let reports = story.world.reports(&clinic);
    for number in [1, 2] {
        let lapsed = Report::Lapsed(GrantId(number));
        assert!(reports.contains(&lapsed));
        assert!(
            reports.iter().any(
                |r| matches!(r, Report::Closed { grant, cause: site::CloseCause::Lease, .. } if grant.0 == number)
            )
        );
    }
}

#[test]
fn an_extended_lease_touches_nothing_that_stands_and_outlives_its_first_end() {
    let mut story = Story::new();
    story.open(1, 0);
    story.settle();
    let before = story.states.clone();
    story.check(&before);
    let clinic: SiteId = "clinic".parse().unwrap();
    let reports = story.world.reports(&clinic).len();
    let longer = START.plus_ms(2 * 86_400_000);
    story.renew(1, longer);
    story.settle();
    let told = &story.world.reports(&clinic)[reports..];
    assert!(!told.iter().any(|r| matches!(r, Report::Closed { .. } | Report::Lapsed(_))), "{told:?}");
    story.world.pass(86_400_000);
    story.settle();
    let expected = story.states.clone();
    story.check(&expected);
    // Extended only after its end: what it had is wanted again.
    story.world.pass(86_400_000);
    story.settle();
    assert!(story.world.reports(&clinic).contains(&Report::Lapsed(GrantId(1))));
    story.renew(1, START.plus_ms(4 * 86_400_000));
    story.settle();
    let expected = story.states.clone();
    story.check(&expected);
}

/// A line between clinic and hospital stands, so their IKE SA does too; a second is planned.
fn beside_an_open_line() -> (Story, Grant, Plan) {
    let mut story = Story::of(&SiteConfig { ike_linger_ms: 60_000, ..config() });
    story.deliver_all_but(&[]);
    story.open(1, 0);
    story.take(Step::Go { number: 1 });
    story.deliver_all_but(&[]);
    assert_eq!(story.tunnels(), [1, 1]);
    let (grant, plan) = story.planned(2, 2).unwrap();
    (story, grant, plan)
}

impl Story {
    /// How many stand at clinic and hospital.
    fn tunnels(&mut self) -> [usize; 2] {
        ["clinic", "hospital"].map(|site| self.world.charon(&site.parse().unwrap()).children.len())
    }

    fn said(&self, site: &str, which: impl Fn(&Report) -> bool) -> bool {
        self.world.reports(&site.parse().unwrap()).iter().any(which)
    }
}

fn whole(number: u64) -> impl Fn(&Report) -> bool {
    move |report| matches!(report, Report::Observed { grant: GrantId(n), complete: true, sa: true, .. } if *n == number)
}

#[test]
fn an_announced_line_is_configured_before_its_order_and_not_anew_with_it() {
    let (mut story, _, plan) = beside_an_open_line();
    story.announce(&plan);
    story.deliver_all_but(&[]);
    assert_eq!(story.tunnels(), [1, 1], "nobody asked for it");
    let hospital: SiteId = "hospital".parse().unwrap();
    assert!(story.world.charon(&hospital).accepts("clinic--hospital", "g-2"));
    let (rules, loads) = (story.world.switch(&hospital).stats().len(), story.world.charon(&hospital).loads);
    story.order(&plan);
    let ready = |r: &Report| *r == Report::Prepared(GrantId(2));
    assert!(story.said("hospital", ready), "at once: nothing is left to be configured");
    story.take(Step::Go { number: 2 });
    story.deliver_all_but(&[]);
    assert_eq!(story.tunnels(), [2, 2]);
    assert!(story.said("clinic", whole(2)) && story.said("hospital", whole(2)));
    assert!(story.world.switch(&hospital).stats().len() > rules, "rules came with the order");
    assert_eq!(story.world.charon(&hospital).loads, loads, "nobody waits for the same configuration twice");
}

#[test]
fn what_is_announced_and_never_ordered_is_forgotten() {
    let (mut story, _, plan) = beside_an_open_line();
    let before = story.states.clone();
    story.announce(&plan);
    story.deliver_all_but(&[]);
    story.world.pass(5_000);
    story.settle();
    story.check(&before);
    // Another order shows it too.
    let (_, plan) = story.planned(3, 2).unwrap();
    story.announce(&plan);
    story.take(Step::Close { number: 1 });
    story.deliver_all_but(&[]);
    let clinic: SiteId = "clinic".parse().unwrap();
    assert_eq!(story.world.charon(&clinic).loaded["clinic--hospital"], BTreeSet::new());
}

#[test]
fn a_tunnel_that_is_up_before_its_order_waits_for_it_without_rules() {
    let (mut story, _, plan) = beside_an_open_line();
    let (clinic, hospital): (SiteId, SiteId) = ("clinic".parse().unwrap(), "hospital".parse().unwrap());
    story.announce(&plan);
    story.deliver_all_but(&[]);
    let rules = story.world.switch(&hospital).stats();
    let delta = |id: &SiteId| plan.sites[id].clone();
    let ordered = |story: &mut Story, id: &SiteId| {
        let slice = verify::check_slice(&story.states[id], &delta(id)).unwrap();
        story.world.feed(id, Event::Order(Box::new(slice)));
        story.take(Step::Go { number: 2 });
        story.deliver_all_but(&[]);
    };
    ordered(&mut story, &clinic);
    assert_eq!(story.tunnels(), [2, 2]);
    assert_eq!(story.world.switch(&hospital).stats().len(), rules.len(), "it carries nothing");
    let its = story.world.charon(&hospital).children.clone();
    ordered(&mut story, &hospital);
    assert_eq!(story.world.charon(&hospital).children, its, "the same one");
    assert!(story.said("hospital", whole(2)));
}

#[test]
fn a_tunnel_that_is_up_and_gets_no_order_is_ended() {
    let (mut story, _, plan) = beside_an_open_line();
    let clinic: SiteId = "clinic".parse().unwrap();
    story.announce(&plan);
    let slice = verify::check_slice(&story.states[&clinic], &plan.sites[&clinic]).unwrap();
    story.deliver_all_but(&[]);
    story.world.feed(&clinic, Event::Order(Box::new(slice)));
    story.take(Step::Go { number: 2 });
    story.deliver_all_but(&[]);
    assert_eq!(story.tunnels(), [2, 2]);
    // The next order of the other end is one without it.
    let hospital: SiteId = "hospital".parse().unwrap();
    let grant = story.open[&1].clone();
    let ends = [&story.states[&grant.origin.site], &story.states[&grant.destination.site]];
    let close = plan::close(&grant, &ends).unwrap();
    let slice = verify::check_slice(&story.states[&hospital], &close.sites[&hospital]).unwrap();
    story.world.feed(&hospital, Event::Order(Box::new(slice)));
    story.deliver_all_but(&[]);
    assert!(story.world.charon(&hospital).children.iter().all(|sa| sa.child == "g-1"), "without waiting for the audit");
}
