//! A permit against a second, naive opinion, in scenes drawn at random.

#![allow(clippy::unwrap_used)]

mod world;

use decision::{Confirmed, GateStatus, Outcome, Rival};
use model::{AllowRule, Approval, Booking, DailyWindow, GrantId, ProxyKind, Side, Timestamp, Zone};
use proptest::prelude::*;
use world::{NOW, OFFICE, Scene, agreement};

const HOUR_MS: i64 = 3_600_000;

/// How the one agreement of a scene stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paper {
    Good,
    Absent,
    NotYet,
    Over,
    OneSided(Side),
    Changed,
    SignedByAnother,
    SignerRevoked,
    ForAnotherService,
}

/// A scene as numbers.
#[derive(Debug, Clone)]
struct Draw {
    role: &'static str,
    admitted: Vec<&'static str>,
    rules: Vec<(Vec<&'static str>, Vec<&'static str>, bool)>,
    paper: Paper,
    origin_zone: Zone,
    origin_proxy: bool,
    destination_zone: Zone,
    origin_gate: GateStatus,
    destination_gate: GateStatus,
    window: Option<(u16, u16)>,
    terminal: bool,
    right_device: bool,
    right_card: bool,
    already_open: bool,
    lease_ms: i64,
    conditions: Conditions,
}

/// What the service asks besides.
#[derive(Debug, Clone)]
struct Conditions {
    devices: Vec<&'static str>,
    kind: Option<&'static str>,
    zones: Vec<Zone>,
    booked: Option<(i64, i64)>,
    /// In one group with the line open at the other terminal: this one exclusive, that one exclusive.
    group: Option<(bool, bool)>,
    /// Needed, and whether somebody agreed.
    approval: Option<bool>,
    /// In a session that ends then.
    session: Option<i64>,
    /// Own checksheet passes, the peer's does.
    sheets: [bool; 2],
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let kinds = || proptest::sample::select(vec!["claims", "eligibility"]);
    (
        prop_oneof![3 => Just(vec![]), 2 => proptest::collection::vec(kinds(), 1..3)],
        proptest::option::of(kinds()),
        prop_oneof![3 => Just(vec![]), 2 => Just(vec![Zone::Secure]), 1 => Just(vec![Zone::HighSecure, Zone::Dmz])],
        proptest::option::weighted(0.3, (-5i64..3, 1i64..HOUR_MS)),
        proptest::option::weighted(0.4, proptest::bool::ANY.prop_flat_map(|a| (Just(a), proptest::bool::ANY))),
        proptest::option::weighted(0.3, proptest::bool::weighted(0.7)),
        proptest::option::weighted(0.5, -1i64..HOUR_MS),
        [mostly(true), mostly(true)],
    )
        .prop_map(|(devices, kind, zones, booked, group, approval, session, sheets)| Conditions {
            devices,
            kind,
            zones,
            booked,
            group,
            approval,
            session,
            sheets,
        })
}

fn roles() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["Medical Doctor", "Pharmacist", "Wizard"], 0..=3)
}

/// Mostly right, so that many draws are permitted.
fn mostly(right: bool) -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.9).prop_map(move |usual| if usual { right } else { !right })
}

fn gate() -> impl Strategy<Value = GateStatus> {
    prop_oneof![
        8 => Just(GateStatus::Connected),
        1 => Just(GateStatus::Disconnected),
        1 => Just(GateStatus::CertificateRevoked)
    ]
}

fn draw() -> impl Strategy<Value = Draw> {
    let paper = prop_oneof![
        10 => Just(Paper::Good),
        1 => Just(Paper::Absent),
        1 => Just(Paper::NotYet),
        1 => Just(Paper::Over),
        1 => Just(Paper::OneSided(Side::Consumer)),
        1 => Just(Paper::OneSided(Side::Provider)),
        1 => Just(Paper::Changed),
        1 => Just(Paper::SignedByAnother),
        1 => Just(Paper::SignerRevoked),
        1 => Just(Paper::ForAnotherService),
    ];
    let hosts = || proptest::sample::subsequence(vec!["exam-1", "exam-2"], 0..=2);
    let rules = proptest::collection::vec((roles(), hosts(), mostly(true)), 0..4);
    let origin_zone = prop_oneof![3 => Just(Zone::Secure), 1 => Just(Zone::HighSecure), 1 => Just(Zone::Dmz)];
    let destination_zone = prop_oneof![8 => Just(Zone::Dmz), 1 => Just(Zone::Secure), 1 => Just(Zone::HighSecure)];
    let minutes = (0u16..1440, 0u16..1440).prop_filter("an empty window is not sayable", |(a, b)| a != b);
    let role = prop_oneof![4 => Just("Medical Doctor"), 1 => Just("Pharmacist"), 1 => Just("Wizard")];
    (
        (role, roles(), rules, paper, origin_zone, proptest::bool::ANY, destination_zone),
        (gate(), gate(), proptest::option::of(minutes), mostly(true), mostly(true), mostly(true), mostly(false)),
        -1i64..3 * HOUR_MS,
        conditions(),
    )
        .prop_map(|(a, b, lease_ms, conditions)| Draw {
            conditions,
            role: a.0,
            admitted: a.1,
            rules: a.2,
            paper: a.3,
            origin_zone: a.4,
            origin_proxy: a.5,
            destination_zone: a.6,
            origin_gate: b.0,
            destination_gate: b.1,
            window: b.2,
            terminal: b.3,
            right_device: b.4,
            right_card: b.5,
            already_open: b.6,
            lease_ms,
        })
}

fn scene_of(draw: &Draw) -> Scene {
    let mut scene = Scene::permitted();
    scene.zone("clinic", draw.origin_zone);
    scene.zone("hospital", draw.destination_zone);
    let site = scene.site("clinic").unwrap();
    let terminal = site.hosts.get_mut(&"exam-1".parse().unwrap()).unwrap();
    terminal.terminal = draw.terminal;
    terminal.proxy = draw.origin_proxy.then_some(ProxyKind::Internal);
    site.allow = draw
        .rules
        .iter()
        .map(|(roles, from, this_service)| AllowRule {
            roles: roles.iter().map(|r| (*r).to_owned()).collect(),
            from: from.iter().map(|h| h.parse().unwrap()).collect(),
            service: if *this_service { "keyaki/records" } else { "keyaki/portal" }.parse().unwrap(),
        })
        .collect();
    let service = scene.service().unwrap();
    service.roles = draw.admitted.iter().map(|r| (*r).to_owned()).collect();
    service.window = draw.window.map(|(from, to)| DailyWindow { from, to });
    service.lease_ms = draw.lease_ms;
    set(&mut scene, &draw.conditions);
    match draw.paper {
        Paper::Good => {}
        Paper::Absent => scene.network.agreements.clear(),
        Paper::NotYet => scene.put_agreement(agreement(NOW.plus_ms(1), NOW.plus_ms(9))),
        Paper::Over => scene.put_agreement(agreement(NOW.plus_ms(-9), NOW)),
        Paper::OneSided(missing) => drop(scene.agreement().unwrap().signatures.remove(&missing)),
        Paper::Changed => scene.agreement().unwrap().valid_until = Timestamp(i64::MAX),
        Paper::SignedByAnother => scene.sign_by(Side::Provider, &OFFICE.midori),
        Paper::SignerRevoked => scene.crls = OFFICE.crls_after_revocation.clone(),
        Paper::ForAnotherService => scene.agreement().unwrap().service = "keyaki/portal".parse().unwrap(),
    }
    scene.gates.origin = draw.origin_gate;
    scene.gates.destination = draw.destination_gate;
    scene.already_open = draw.already_open.then_some(GrantId(7));
    if draw.right_card {
        scene.person_with(draw.role);
    } else {
        let mut other = scene.request.clone();
        other.from = "clinic/exam-2".parse().unwrap();
        scene.person = OFFICE.confirm(draw.role, &other);
    }
    if let Some(until) = draw.conditions.session {
        let at = if draw.right_card { "clinic/exam-1" } else { "clinic/exam-2" };
        scene.person = OFFICE.sign_in(draw.role, &at.parse().unwrap());
        scene.confirmed = Confirmed::SignIn { until: NOW.plus_ms(until), cut: false };
    }
    if draw.conditions.approval == Some(true) {
        let roles = scene.service().unwrap().approval.clone().unwrap();
        scene.service().unwrap().approval.as_mut().unwrap().roles = vec!["Medical Doctor".into(), "Pharmacist".into()];
        let other = if draw.role == "Pharmacist" { "Medical Doctor" } else { "Pharmacist" };
        scene.approved = Some(scene.approved_by(other, "hospital/desk", &OFFICE.desk).unwrap().into());
        scene.service().unwrap().approval = Some(roles);
    }
    if !draw.right_device {
        scene.device = OFFICE.exam_2.clone();
    }
    scene
}

fn set(scene: &mut Scene, c: &Conditions) {
    scene.site("clinic").unwrap().hosts.get_mut(&"exam-1".parse().unwrap()).unwrap().kind =
        c.kind.map(|k| k.parse().unwrap());
    for (site, passes) in ["clinic", "hospital"].into_iter().zip(c.sheets) {
        if !passes {
            scene.sheet(site).answers.pop_last();
        }
    }
    let service = scene.service().unwrap();
    service.devices = c.devices.iter().map(|d| d.parse().unwrap()).collect();
    service.zones = c.zones.clone();
    service.booked = c.booked.map(|(from, until)| vec![Booking { from: NOW.plus_ms(from), until: NOW.plus_ms(until) }]);
    service.approval = c.approval.map(|_| Approval { wait_ms: 1000, roles: vec!["Dentist".into()] });
    let Some((exclusive, rival)) = c.group else { return };
    let group = || Some("circuit".parse().unwrap());
    (service.exclusive, service.shares) = if exclusive { (group(), None) } else { (None, group()) };
    let mut other = service.clone();
    other.id = "keyaki/portal".parse().unwrap();
    (other.exclusive, other.shares) = if rival { (group(), None) } else { (None, group()) };
    let from = "clinic/exam-2".parse().unwrap();
    scene.rivals.push(Rival { grant: GrantId(9), service: other.id.clone(), from });
    scene.network.services.insert(other.id.clone(), other);
}

/// 09:00 in Japan, in minutes.
const NINE: u16 = 540;

/// What the rules say, written down a second time and as plainly as possible. `NOW` is 09:00 in Japan.
fn may(d: &Draw) -> bool {
    let known = d.role != "Wizard";
    let admitted = d.admitted.contains(&d.role);
    let whitelisted =
        d.rules.iter().any(|(roles, hosts, this)| *this && roles.contains(&d.role) && hosts.contains(&"exam-1"));
    let zones = (d.origin_zone != Zone::Dmz || d.origin_proxy) && d.destination_zone == Zone::Dmz;
    let gates = d.origin_gate == GateStatus::Connected && d.destination_gate == GateStatus::Connected;
    let hours = match d.window {
        None => true,
        Some((from, to)) if from < to => from <= NINE && NINE < to,
        Some((from, to)) => from <= NINE || NINE < to,
    };
    let here = d.terminal && d.right_device && d.right_card && !d.already_open;
    let c = &d.conditions;
    let kind = c.devices.is_empty() || c.kind.is_some_and(|k| c.devices.contains(&k));
    let zone = c.zones.is_empty() || c.zones.contains(&d.origin_zone);
    let booked = c.booked.is_none_or(|(from, until)| from <= 0 && 0 < until);
    let alone = c.group.is_none_or(|(_, rival)| !rival);
    let agreed = c.approval != Some(false);
    let here = here && c.session.is_none_or(|until| until > 0);
    let more = kind && zone && booked && alone && agreed && c.sheets == [true, true];
    more && known
        && admitted
        && whitelisted
        && d.paper == Paper::Good
        && zones
        && gates
        && hours
        && here
        && d.lease_ms > 0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn permitted_exactly_when_every_condition_holds(draw in draw()) {
        let scene = scene_of(&draw);
        let verdict = scene.decide();
        prop_assert_eq!(verdict.is_ok(), may(&draw), "{:?}", verdict.err().map(|d| d.to_string()));
        match scene.decide() {
            Err(denial) => prop_assert!(!denial.reasons().is_empty()),
            Ok(permit) => {
                let grant = permit.grant();
                let rule = &scene.network.sites[&grant.origin.site].allow[permit.allow().index];
                prop_assert_eq!(&rule.service, &scene.request.service);
                prop_assert!(rule.from.contains(&grant.origin.host));
                prop_assert!(rule.roles.contains(&permit.person().role));
                let minutes_left = draw.window.map(|(_, to)| (i64::from(to) - i64::from(NINE)).rem_euclid(1440));
                let end = minutes_left.map_or(draw.lease_ms, |left| draw.lease_ms.min(left * 60_000));
                let end = draw.conditions.booked.map_or(end, |(_, until)| end.min(until));
                let end = draw.conditions.session.map_or(end, |until| end.min(until));
                prop_assert_eq!(grant.lease_until, NOW.plus_ms(end));
                let exclusive = draw.conditions.group.is_some_and(|(exclusive, _)| exclusive);
                prop_assert_eq!(permit.gives_way(), if exclusive { &[GrantId(9)][..] } else { &[] });
            }
        }
    }

    #[test]
    fn whatever_is_permitted_is_denied_once_any_one_condition_falls(mut draw in draw(), fall in 0usize..19) {
        draw = Draw {
            role: "Medical Doctor", paper: Paper::Good, origin_zone: Zone::Secure, destination_zone: Zone::Dmz,
            origin_gate: GateStatus::Connected, destination_gate: GateStatus::Connected, window: None, terminal: true,
            right_device: true, right_card: true, already_open: false, conditions: Conditions {
                devices: vec![], zones: vec![], booked: None, group: None, approval: None, session: None,
                sheets: [true, true],
                ..draw.conditions
            }, lease_ms: draw.lease_ms.max(1), ..draw
        };
        draw.admitted.push("Medical Doctor");
        draw.rules.push((vec!["Medical Doctor"], vec!["exam-1"], true));
        prop_assert!(scene_of(&draw).decide().is_ok());
        match fall {
            0 => draw.role = "Wizard",
            1 => draw.admitted.retain(|role| *role != "Medical Doctor"),
            2 => draw.rules.retain(|(roles, hosts, _)| !roles.contains(&"Medical Doctor") || !hosts.contains(&"exam-1")),
            3 => draw.paper = Paper::OneSided(Side::Provider),
            4 => draw.paper = Paper::Changed,
            5 => draw.destination_zone = Zone::HighSecure,
            6 => draw.origin_gate = GateStatus::CertificateRevoked,
            7 => draw.destination_gate = GateStatus::Disconnected,
            8 => draw.window = Some((NINE + 1, NINE)),
            9 => draw.terminal = false,
            10 => draw.right_device = false,
            11 => (draw.conditions.devices, draw.conditions.kind) = (vec!["claims"], Some("eligibility")),
            12 => draw.conditions.booked = Some((1, 9)),
            13 => draw.conditions.group = Some((false, true)),
            14 => draw.conditions.approval = Some(false),
            15 => draw.conditions.session = Some(0),
            16 => draw.conditions.sheets[0] = false,
            17 => draw.conditions.sheets[1] = false,
            _ => draw.right_card = false,
        }
        prop_assert!(scene_of(&draw).decide().is_err());
    }

    #[test]
    fn explain_agrees_with_decide_on_everything_but_presence(mut draw in draw()) {
        (draw.right_card, draw.right_device, draw.lease_ms) = (true, true, draw.lease_ms.max(1));
        draw.conditions.session = draw.conditions.session.map(|until| until.max(1));
        let scene = scene_of(&draw);
        let all_pass = scene.explain().iter().all(|s| matches!(s.outcome, Outcome::Passed(_) | Outcome::AtSignIn));
        prop_assert_eq!(all_pass, scene.decide().is_ok());
    }
}
