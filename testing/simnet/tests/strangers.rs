//! What a gate does where its switch tells it less, or obeys it no more: without a flow monitor foreign rules are found by
//! the audit; while another controller is master nothing is claimed that does not stand, and all of it comes once it is
//! gone (X1, X4).
#![allow(clippy::unwrap_used)]

use model::{Network, SiteId, SiteState, Timestamp, parse_document};
use simnet::{LINKS, World};
use site::{Event, ForeignChange, IkePolicy, RedInterfaces, Report, SiteConfig};
use std::collections::BTreeMap;

const START: Timestamp = Timestamp(1_800_000_000_000);
const AUDIT_MS: i64 = 5_000;

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
        audit_ms: AUDIT_MS,
        ike_linger_ms: 0,
        first_packets_per_second: 1000,
    }
}

fn network(in_house: bool) -> Network {
    let clinic = include_str!("../../../core/model/tests/documents/clinic.toml");
    let more = "\n[[inhouse]]\nfrom = \"exam-2\"\nto = \"exam-1\"\nprotocol = \"tcp\"\nports = [5432]\n";
    let clinic = if in_house { format!("{clinic}{more}") } else { clinic.to_owned() };
    let documents = [
        ("clinic", clinic.as_str()),
        ("hospital", include_str!("../../../core/model/tests/documents/hospital.toml")),
        ("provider", include_str!("../../../core/model/tests/documents/provider.toml")),
    ];
    let documents: Vec<_> = documents.iter().map(|(name, text)| parse_document(name, text).unwrap()).collect();
    Network::default().with(&documents).unwrap()
}

fn states() -> BTreeMap<SiteId, SiteState> {
    let planned = plan::apply(&network(false), &[], &BTreeMap::new()).unwrap().sites;
    let grown = |(id, delta): (SiteId, model::SiteDelta)| {
        let mut state = SiteState::empty(delta.facts.clone().unwrap());
        state.advance(&delta).unwrap();
        (id, state)
    };
    planned.into_iter().map(grown).collect()
}

fn begin() -> (World, SiteId) {
    let proved = states().into_iter().map(|(id, s)| (id, verify::check_state(s).unwrap())).collect();
    let mut world = World::new(proved, &config(), START);
    settle(&mut world);
    (world, "clinic".parse().unwrap())
}

/// Everything that is under way arrives; no time passes.
fn settle(world: &mut World) {
    loop {
        let mut moved = false;
        for id in world.sites() {
            for link in LINKS {
                moved |= world.deliver(&id, link);
            }
        }
        if !moved {
            return;
        }
    }
}

fn pass(world: &mut World, ms: i64) {
    for _ in 0..ms / 100 {
        world.pass(100);
        settle(world);
    }
}

fn foreign_rule() -> openflow::FlowMod {
    let normal = vec![openflow::Instruction::ApplyActions(vec![openflow::Action::output(openflow::PortNo::NORMAL)])];
    openflow::FlowMod::add(0, 1, 0x1234, openflow::Match::any(), normal)
}

fn stands(world: &mut World, id: &SiteId) -> bool {
    world.switch(id).stats().iter().any(|entry| entry.cookie == 0x1234)
}

#[test]
fn without_a_flow_monitor_the_audit_finds_and_undoes_a_foreign_rule() {
    let (mut world, id) = begin();
    for _ in 0..2 {
        world.feed(&id, Event::Unmonitored("the switch refused it".into()));
    }
    let said = |world: &World| {
        let refused = |r: &&Report| matches!(r, Report::Refused { error, .. } if error.contains("no flow monitor"));
        world.reports(&id).iter().filter(refused).count()
    };
    assert_eq!(said(&world), 1, "said once, not with every reconnect");
    let told = |world: &World| {
        let ours = |r: &&Report| matches!(r, Report::ForeignRule(f) if f.change == ForeignChange::Added);
        world.reports(&id).iter().filter(ours).count()
    };
    world.switch(&id).slip_in(foreign_rule());
    settle(&mut world);
    assert!(stands(&mut world, &id) && told(&world) == 0, "nobody told the gate yet");
    pass(&mut world, 2 * AUDIT_MS);
    assert!(!stands(&mut world, &id), "the audit undid it");
    assert_eq!(told(&world), 1);
    // And a rule of ours that is taken away is found and put back.
    let before = world.switch(&id).stats().len();
    world.switch(&id).steal(3);
    pass(&mut world, 2 * AUDIT_MS);
    assert_eq!(world.switch(&id).stats().len(), before);
    assert!(
        world.reports(&id).iter().any(|r| matches!(r, Report::ForeignRule(f) if f.change == ForeignChange::Deleted))
    );
}

/// A gap in what the monitor told is closed by a reading at once, not at the next audit.
#[test]
fn a_gap_in_the_news_is_closed_at_once() {
    let (mut world, id) = begin();
    pass(&mut world, 200);
    world.switch(&id).slip_in(foreign_rule());
    world.feed(&id, Event::FlowsUnclear);
    pass(&mut world, 300);
    assert!(!stands(&mut world, &id));
}

#[test]
fn while_another_controller_is_master_nothing_is_claimed_and_afterwards_all_of_it_stands() {
    let (mut world, id) = begin();
    let before = world.switch(&id).stats().len();
    world.switch(&id).usurped(true);
    world.feed(&id, Event::RoleChanged(openflow::Role::Slave, 7));
    let usurped =
        |r: &Report| matches!(r, Report::Foreign { what, .. } if what.contains("became master at election 7"));
    assert!(world.reports(&id).iter().any(usurped), "{:?}", world.reports(&id));
    // An order comes meanwhile: it is accepted, and the switch refuses it.
    let clinic = &states()[&id];
    let wanted = &plan::apply(&network(true), &[], &states()).unwrap().sites[&id];
    let slice = verify::check_slice(clinic, wanted).unwrap();
    world.feed(&id, Event::Order(Box::new(slice)));
    pass(&mut world, 3_000);
    assert_eq!(world.switch(&id).stats().len(), before, "a slave's changes are not carried out");
    let refused = |r: &&Report| matches!(r, Report::Refused { error, .. } if error.contains("IS_SLAVE"));
    let times = world.reports(&id).iter().filter(refused).count();
    assert!((1..=30).contains(&times), "told, and tried again with patience: {times} times");
    // What a stranger writes as master is seen all the same, and stands only as long as he is master.
    world.switch(&id).intrude(foreign_rule());
    pass(&mut world, AUDIT_MS);
    assert!(stands(&mut world, &id));
    world.switch(&id).usurped(false);
    pass(&mut world, 2 * AUDIT_MS);
    assert!(!stands(&mut world, &id), "undone once the gate may write again");
    assert_eq!(world.switch(&id).stats().len(), before + wanted.rules_added.len() - wanted.rules_removed.len());
}
