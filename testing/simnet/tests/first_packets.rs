//! First packets (N1) and lines nobody uses: who is asked, what waits, what goes, and how much of it at the most.
#![allow(clippy::unwrap_used)]

use model::{Grant, GrantId, Network, Protocol, SiteId, SiteState, Timestamp, parse_document};
use openflow::{Action, Masked, Match, OxmField, PacketIn, PacketInReason, PortNo};
use simnet::{LINKS, World};
use site::{Event, FirstPacketAnswer, IkePolicy, RedInterfaces, Report, SiteConfig};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const START: Timestamp = Timestamp(1_800_000_000_000);
/// clinic/exam-1 and clinic/exam-2.
const EXAM_1: (u32, Ipv4Addr) = (3, Ipv4Addr::new(10, 1, 20, 11));
const EXAM_2: (u32, Ipv4Addr) = (4, Ipv4Addr::new(10, 1, 20, 12));
/// hospital/record-server.
const RECORDS: Ipv4Addr = Ipv4Addr::new(10, 2, 10, 10);

struct Scene {
    network: Network,
    world: World,
    states: BTreeMap<SiteId, SiteState>,
    clinic: SiteId,
}

impl Scene {
    fn new() -> Self {
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
        let config = SiteConfig {
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
            first_packets_per_second: 200,
        };
        let world = World::new(proved, &config, START);
        let mut scene = Self { network, world, states, clinic: "clinic".parse().unwrap() };
        scene.settle();
        for id in scene.world.sites() {
            scene.world.feed(&id, Event::CenterUp);
        }
        scene.settle();
        scene
    }

    fn settle(&mut self) {
        loop {
            let mut moved = false;
            for id in self.world.sites() {
                for link in LINKS {
                    moved |= self.world.deliver(&id, link);
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn pass(&mut self, ms: i64) {
        self.world.pass(ms);
        self.settle();
    }

    fn packet(&mut self, (port, source): (u32, Ipv4Addr), destination: Ipv4Addr, ports: (u16, u16)) {
        let clinic = self.clinic.clone();
        self.world.feed(&clinic, Event::PacketIn(Box::new(syn(port, source, destination, ports))));
        self.settle();
    }

    fn answer(&mut self, source: Ipv4Addr, destination: Ipv4Addr, opens: bool) {
        let answer = FirstPacketAnswer {
            source: source.into(),
            destination: destination.into(),
            protocol: 6,
            port: 443,
            opens,
            wait_ms: 10_000,
        };
        let clinic = self.clinic.clone();
        self.world.feed(&clinic, Event::FirstPacketAnswered(answer));
        self.settle();
    }

    fn asked(&self) -> Vec<(u32, bool)> {
        let asked = |r: &Report| match r {
            Report::FirstPacket { in_port, held, .. } => Some((in_port.0, *held)),
            _ => None,
        };
        self.world.reports(&self.clinic).iter().filter_map(asked).collect()
    }

    fn released(&mut self) -> Vec<(u32, Vec<Action>)> {
        let clinic = self.clinic.clone();
        self.world.switch(&clinic).released().into_iter().map(|p| (p.in_port.0, p.actions)).collect()
    }

    /// Entries that drop refused first packets.
    fn refusals(&mut self) -> usize {
        let clinic = self.clinic.clone();
        self.world.switch(&clinic).stats().iter().filter(|e| e.hard_timeout != 0 && e.instructions.is_empty()).count()
    }

    fn order(&mut self, plan: &model::Plan) {
        for (id, delta) in &plan.sites {
            let state = self.states.get_mut(id).unwrap();
            let slice = verify::check_slice(state, delta).unwrap();
            state.advance(slice.delta()).unwrap();
            self.world.feed(id, Event::Order(Box::new(slice)));
        }
    }

    fn grant(&self, number: u64, idle_ms: Option<i64>) -> Grant {
        let end = |at: &str| self.network.endpoint(&at.parse().unwrap()).unwrap();
        Grant {
            id: GrantId(number),
            agreement: "A-0012".parse().unwrap(),
            service: "keyaki/records".parse().unwrap(),
            origin: end("clinic/exam-1"),
            destination: end("hospital/record-server"),
            protocol: Protocol::Tcp,
            ports: vec![443],
            granted_at: self.world.now(),
            lease_until: START.plus_ms(86_400_000),
            idle_ms,
        }
    }

    /// Ordered at both ends, and both ends told to begin.
    fn open(&mut self, grant: &Grant) {
        let plan = plan::open(grant, &self.states[&grant.origin.site], &self.states[&grant.destination.site]).unwrap();
        self.order(&plan);
        for id in self.world.sites() {
            self.world.feed(&id, Event::Go(grant.id));
        }
    }

    fn idle(&self) -> usize {
        self.world.reports(&self.clinic).iter().filter(|r| matches!(r, Report::Idle(_))).count()
    }
}

fn syn(port: u32, source: Ipv4Addr, destination: Ipv4Addr, (from, to): (u16, u16)) -> PacketIn {
    let mut data = vec![0u8; 60];
    data[12] = 8;
    data[14] = 0x45;
    data[23] = 6;
    data[26..30].copy_from_slice(&source.octets());
    data[30..34].copy_from_slice(&destination.octets());
    data[34..36].copy_from_slice(&from.to_be_bytes());
    data[36..38].copy_from_slice(&to.to_be_bytes());
    PacketIn {
        buffer_id: None,
        total_len: 60,
        reason: PacketInReason::Action,
        table: 2,
        cookie: 0x5e01 << 48,
        matching: Match::any().with(OxmField::InPort(PortNo(port))).with(OxmField::Reg(0, Masked::exact(17))),
        data,
    }
}

#[test]
fn a_flood_at_one_port_neither_grows_nor_takes_anothers_share() {
    let mut scene = Scene::new();
    let clinic = scene.clinic.clone();
    let (mut most, mut sequence) = (0, 0u32);
    for ms in 0..10_000 {
        // Ten thousand a second, all different, as if there were no meter.
        for _ in 0..10 {
            let nobody = Ipv4Addr::from(0x0a80_0000 + sequence);
            let flood = syn(EXAM_1.0, EXAM_1.1, nobody, (40_000, 443));
            scene.world.feed(&clinic, Event::PacketIn(Box::new(flood)));
            sequence += 1;
        }
        if ms == 5_000 {
            scene.packet(EXAM_2, RECORDS, (50_000, 443));
            assert_eq!(scene.asked().last(), Some(&(EXAM_2.0, true)), "asked at once, in the middle of it");
        }
        most = most.max(scene.world.held(&clinic));
        scene.pass(1);
    }
    let of_flood = scene.asked().iter().filter(|(port, _)| *port == EXAM_1.0).count();
    assert!(most <= 9, "held {most}: eight wishes of one port and one of the other");
    assert!((8..=150).contains(&of_flood), "{of_flood} reports in ten seconds");
    assert_eq!(scene.refusals(), 0, "what was not asked may be allowed: no entry drops it");
    scene.pass(5_000);
    assert_eq!(scene.world.held(&clinic), 0, "nothing waits for ever");
}

#[test]
fn a_packet_waits_until_both_ends_hold_its_grant_and_then_goes_through_the_pipeline() {
    let mut scene = Scene::new();
    let clinic = scene.clinic.clone();
    scene.packet(EXAM_1, RECORDS, (40_000, 443));
    scene.packet(EXAM_1, RECORDS, (40_000, 443));
    scene.packet(EXAM_1, RECORDS, (40_001, 443));
    assert_eq!(scene.asked(), [(3, true)], "one question a wish");
    assert_eq!(scene.world.held(&clinic), 2, "a repeated packet is kept once");
    scene.answer(EXAM_1.1, RECORDS, true);
    let grant = scene.grant(1, None);
    scene.open(&grant);
    assert_eq!(scene.released(), [], "not before anything is in force");
    scene.settle();
    assert_eq!(scene.released(), [], "not before the other end is known to be");
    scene.world.feed(&clinic, Event::Opened(grant.id));
    scene.settle();
    let to_table = vec![Action::output(PortNo::TABLE)];
    assert_eq!(scene.released(), [(3, to_table.clone()), (3, to_table.clone())]);
    assert_eq!(scene.world.held(&clinic), 0);
    // Whatever a cached verdict still sends is let go at once.
    scene.packet(EXAM_1, RECORDS, (40_002, 443));
    assert_eq!(scene.released(), [(3, to_table)]);
    assert_eq!(scene.asked().len(), 1);
}

#[test]
fn a_lost_word_about_the_other_end_costs_a_moment_not_the_packet() {
    let mut scene = Scene::new();
    scene.packet(EXAM_1, RECORDS, (40_000, 443));
    let grant = scene.grant(1, None);
    scene.open(&grant);
    scene.settle();
    assert_eq!(scene.released().len(), 0);
    scene.pass(199);
    assert_eq!(scene.released().len(), 0);
    scene.pass(1);
    assert_eq!(scene.released().len(), 1);
}

#[test]
fn what_is_refused_is_dropped_for_a_while_and_no_longer_once_it_is_granted() {
    let mut scene = Scene::new();
    let clinic = scene.clinic.clone();
    scene.packet(EXAM_1, RECORDS, (40_000, 443));
    scene.answer(EXAM_1.1, RECORDS, false);
    // A few more are dropped here: a verdict that drops would outlast the refusal in a switch's cache.
    for more in 1..16 {
        scene.packet(EXAM_1, RECORDS, (40_000 + more, 443));
    }
    assert_eq!((scene.asked().len(), scene.world.held(&clinic), scene.refusals()), (1, 0, 0));
    scene.packet(EXAM_1, RECORDS, (40_100, 443));
    assert_eq!((scene.asked().len(), scene.refusals()), (1, 1), "a flood gets an entry");
    // An answer to nothing, or a second one, drops nobody else's packets.
    scene.answer(EXAM_2.1, RECORDS, false);
    assert_eq!(scene.refusals(), 1);
    let grant = scene.grant(1, None);
    scene.open(&grant);
    scene.settle();
    assert_eq!(scene.refusals(), 0, "the entry goes when a grant comes");
    assert_eq!(scene.released().len(), 0);
}

#[test]
fn without_an_answer_a_packet_is_dropped_and_asked_about_again() {
    let mut scene = Scene::new();
    let clinic = scene.clinic.clone();
    scene.packet(EXAM_1, RECORDS, (40_000, 443));
    scene.pass(4_999);
    assert_eq!(scene.world.held(&clinic), 1);
    scene.pass(1);
    assert_eq!((scene.world.held(&clinic), scene.refusals()), (0, 0));
    scene.packet(EXAM_1, RECORDS, (40_000, 443));
    assert_eq!(scene.asked().len(), 2);
    // A line that was promised and never came.
    scene.answer(EXAM_1.1, RECORDS, true);
    scene.pass(5_001);
    assert_eq!(scene.world.held(&clinic), 1);
    scene.pass(5_000);
    assert_eq!(scene.world.held(&clinic), 0);
    assert_eq!(scene.released().len(), 0, "a held packet never passes without its grant");
}

#[test]
fn without_a_link_there_is_nobody_to_ask() {
    let mut scene = Scene::new();
    let clinic = scene.clinic.clone();
    scene.world.feed(&clinic, Event::CenterDown);
    scene.packet(EXAM_1, RECORDS, (40_000, 443));
    scene.packet(EXAM_1, RECORDS, (40_001, 443));
    assert_eq!(scene.asked(), [(3, false)]);
    assert_eq!((scene.refusals(), scene.world.held(&clinic)), (1, 0));
}

#[test]
fn a_line_nobody_uses_is_said_once_and_one_that_is_used_is_not() {
    let mut scene = Scene::new();
    let grant = scene.grant(7, Some(60_000));
    let clinic = scene.clinic.clone();
    scene.open(&grant);
    for _ in 0..120 {
        scene.pass(1_000);
        let cookie = model::Cookie::from(model::CookieOwner::Grant(grant.id)).0;
        scene.world.switch(&clinic).pass(cookie, 1);
    }
    assert_eq!(scene.idle(), 0, "every second a packet");
    for _ in 0..55 {
        scene.pass(1_000);
    }
    assert_eq!(scene.idle(), 0, "not yet");
    for _ in 0..60 {
        scene.pass(1_000);
    }
    assert_eq!(scene.idle(), 1, "once");
    scene.world.feed(&clinic, Event::CenterDown);
    scene.world.feed(&clinic, Event::CenterUp);
    for _ in 0..10 {
        scene.pass(1_000);
    }
    assert_eq!(scene.idle(), 2, "again to a center that may not have heard");
    // The other end sees the same packets; one voice is enough.
    let hospital: SiteId = "hospital".parse().unwrap();
    assert!(!scene.world.reports(&hospital).iter().any(|r| matches!(r, Report::Idle(_))));
}
