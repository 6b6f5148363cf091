//! Conditions of services through the use cases: approval, exclusivity (N8), and that no mixture of them opens what
//! would be refused.

use audit::{ApprovalAnswer, CloseCause, Event};
use authority::Issued;
use model::{ConnectionState, ServiceId, SessionId};
use std::collections::BTreeMap;
use wire::link::FirstPacketVerdict;
use wire::session::ServiceState;

use super::world::{CLINIC_DOCUMENT, HOSPITAL_DOCUMENT, World};
use crate::{approvals, approve, cut, open_in_session, refuse_approval, services_at, session_at, sign_out, status};

const ALLOW_BOOKINGS: &str = "\n[[allow]]\nwho = { roles = [\"Medical Doctor\", \"Pharmacist\"] }\n\
                              from = [\"exam-1\", \"exam-2\"]\nservice = \"keyaki/bookings\"\n";

pub(super) fn service(name: &str) -> ServiceId {
    format!("keyaki/{name}").parse().unwrap()
}

pub(super) fn clinic() -> String {
    CLINIC_DOCUMENT.replace("from = [\"exam-1\"]", "from = [\"exam-1\", \"exam-2\"]") + ALLOW_BOOKINGS
}

pub(super) fn hospital(records: &str, bookings: &str) -> String {
    HOSPITAL_DOCUMENT.replace("lease_minutes = 30", &format!("lease_minutes = 30\n{records}")) + bookings
}

async fn open_lines(world: &World) -> Vec<(ServiceId, String)> {
    let connections = status(&world.center).await.connections;
    let open = connections.into_iter().filter(|c| c.state != ConnectionState::Closing);
    open.map(|c| (c.service, c.from.to_string())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_person_at_the_provider_agrees_before_the_line_opens_n8() {
    let mut world = World::new().await;
    world.honest_gates();
    world.apply(&clinic(), &hospital("approval = { roles = [\"Pharmacist\"], wait_minutes = 5 }", "")).await;
    let pharmacist = world.authority.issue_pharmacist("SUZUKI TARO").unwrap();
    let doctor = world.sign_in(&world.doctor, "clinic/exam-1").await.unwrap().session;
    let desk = world.sign_in(&pharmacist, "hospital/ward-1").await.unwrap().session;
    // Who may not agree sees nothing to agree to.
    let at_home = world.sign_in(&pharmacist, "clinic/exam-2").await.unwrap().session;

    assert_eq!(world.first_packet("clinic/exam-1", "10.2.10.10", 443).await, FirstPacketVerdict::Refused);
    let view = services_at(&world.center, &"clinic/exam-1".parse().unwrap()).await;
    let records = view.services.iter().find(|s| s.service == service("records")).unwrap();
    assert_eq!(records.state, ServiceState::WaitingApproval);
    // Asking again asks nobody again.
    assert_eq!(open_in_session(&world.center, doctor, service("records")).await.unwrap_err().reasons[0].code, "D073");
    let waiting = approvals(&world.center, desk).await.unwrap().approvals;
    assert_eq!((waiting.len(), waiting[0].person.as_str()), (1, "SATO HANAKO"));
    assert!(approvals(&world.center, at_home).await.unwrap().approvals.is_empty());
    assert!(approvals(&world.center, doctor).await.unwrap().approvals.is_empty());
    let asked = waiting[0].approval;
    let refused = approve(&world.center, at_home, asked).await.unwrap_err();
    assert_eq!(refused.reasons[0].code, "D080");
    assert!(approve(&world.center, doctor, asked).await.is_err());
    assert!(open_lines(&world).await.is_empty());

    approve(&world.center, desk, asked).await.unwrap();
    world.settle(|c| c.len() == 1 && c[0].state == ConnectionState::Open).await;
    assert_eq!(approve(&world.center, desk, asked).await.unwrap_err().reasons[0].code, "O020", "used up");
    let grant = status(&world.center).await.connections[0].grant;
    crate::close_in_session(&world.center, doctor, grant).await.unwrap();
    // One agreement, one line.
    assert_eq!(open_in_session(&world.center, doctor, service("records")).await.unwrap_err().reasons[0].code, "D073");
    let asked = approvals(&world.center, desk).await.unwrap().approvals[0].approval;
    refuse_approval(&world.center, desk, asked).await.unwrap();
    assert_eq!(open_in_session(&world.center, doctor, service("records")).await.unwrap_err().reasons[0].code, "D074");
    let later = world.center.now().plus_ms(5 * 60_000);
    world.clock.set(later);
    assert_eq!(open_in_session(&world.center, doctor, service("records")).await.unwrap_err().reasons[0].code, "D073");
    world.clock.set(later.plus_ms(5 * 60_000));
    crate::expire_due(&world.center).await;
    assert!(approvals(&world.center, desk).await.unwrap().approvals.is_empty());
    let entries = world.center.registry().audit_last(1000).await.unwrap();
    let answers: Vec<_> = entries
        .iter()
        .filter_map(|e| match &e.event {
            Event::ApprovalAnswered { answer, .. } => Some(*answer),
            _ => None,
        })
        .collect();
    assert_eq!(answers, [ApprovalAnswer::Given, ApprovalAnswer::Refused, ApprovalAnswer::Expired]);
    assert_eq!(entries.iter().filter(|e| matches!(e.event, Event::ApprovalDenied { .. })).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_an_exclusive_line_is_open_no_other_of_its_circuit_is_n8() {
    let mut world = World::new().await;
    world.honest_gates();
    world.apply(&clinic(), &hospital("exclusive = \"circuit\"", "shares = \"circuit\"\n")).await;
    let colleague = world.authority.issue_doctor("SUZUKI TARO").unwrap();
    let first = world.sign_in(&world.doctor, "clinic/exam-1").await.unwrap().session;
    let second = world.sign_in(&colleague, "clinic/exam-2").await.unwrap().session;
    let claims = open_in_session(&world.center, second, service("bookings")).await.unwrap().connection.grant;
    let alone = open_in_session(&world.center, first, service("records")).await.unwrap().connection.grant;
    assert_eq!(world.causes(claims).await, [CloseCause::Exclusive]);
    assert_eq!(open_lines(&world).await, [(service("records"), "clinic/exam-1".to_owned())]);
    // Nothing of the circuit opens beside it, from nowhere in the house.
    assert_eq!(world.first_packet("clinic/exam-2", "10.2.10.20", 443).await, FirstPacketVerdict::Refused);
    for (session, name) in [(second, "bookings"), (first, "bookings"), (second, "records")] {
        let refused = open_in_session(&world.center, session, service(name)).await.unwrap_err();
        assert_eq!(refused.reasons[0].code, "D072", "{name}");
    }
    crate::close_in_session(&world.center, first, alone).await.unwrap();
    assert_eq!(world.first_packet("clinic/exam-2", "10.2.10.20", 443).await, FirstPacketVerdict::Opening);
    world.settle(|c| c.iter().filter(|c| c.state == ConnectionState::Open).count() == 1).await;
}

/// Steps drawn by a seed; after each, whatever stands is held against the rules written down a second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mixture_of_sessions_approvals_and_exclusivity_opens_what_is_refused() {
    let mut world = World::new().await;
    world.honest_gates();
    world
        .apply(
            &clinic(),
            &hospital(
                "exclusive = \"circuit\"\napproval = { roles = [\"Pharmacist\"], wait_minutes = 60 }",
                "shares = \"circuit\"\n",
            ),
        )
        .await;
    let cards: Vec<Issued> = vec![
        world.doctor.clone(),
        world.authority.issue_doctor("SUZUKI TARO").unwrap(),
        world.authority.issue_pharmacist("TANAKA JIRO").unwrap(),
    ];
    let role: BTreeMap<String, &str> = [("SATO HANAKO", "d"), ("SUZUKI TARO", "d"), ("TANAKA JIRO", "p")]
        .into_iter()
        .map(|(name, role)| (name.to_owned(), role))
        .collect();
    let terminals = ["clinic/exam-1", "clinic/exam-2", "hospital/ward-1"];
    let mut draw = Draw(0x5e01);
    let mut sessions: Vec<SessionId> = Vec::new();
    for step in 0..500 {
        // Answers, leases and sessions end now and then.
        world.clock.set(world.center.now().plus_ms(30_000));
        crate::expire_due(&world.center).await;
        match draw.below(10) {
            0 | 1 => {
                // Often where they belong, so that something comes of it.
                let card = draw.below(3);
                let at = if draw.below(4) > 0 { card } else { draw.below(3) };
                let view = world.sign_in(&cards[card], terminals[at]).await.unwrap();
                sessions.push(view.session);
            }
            2 if !sessions.is_empty() => drop(sign_out(&world.center, sessions[draw.late(sessions.len())]).await),
            3 | 4 if !sessions.is_empty() => {
                let name = ["records", "bookings"][draw.below(2)];
                let there = session_at(&world.center, &terminals[draw.below(2)].parse().unwrap()).await;
                let session = there.map_or(sessions[draw.late(sessions.len())], |s| s.session);
                drop(open_in_session(&world.center, session, service(name)).await);
            }
            5 => {
                let to = ["10.2.10.10", "10.2.10.20"][draw.below(2)];
                world.first_packet(terminals[draw.below(2)], to, 443).await;
            }
            6 | 8 | 9 if !sessions.is_empty() => {
                if draw.below(2) == 0 {
                    sessions.push(world.sign_in(&cards[2], terminals[2]).await.unwrap().session);
                }
                let desk = session_at(&world.center, &terminals[2].parse().unwrap()).await;
                let session = desk.map_or(sessions[draw.late(sessions.len())], |s| s.session);
                for waiting in approvals(&world.center, session).await.map(|v| v.approvals).unwrap_or_default() {
                    let _ = match draw.below(3) {
                        0 => refuse_approval(&world.center, session, waiting.approval).await,
                        _ => approve(&world.center, session, waiting.approval).await,
                    };
                }
            }
            7 if draw.below(3) == 0 => {
                let name = ["SATO HANAKO", "SUZUKI TARO"][draw.below(2)];
                let what = wire::session::CutCall::Person(name.into());
                drop(cut(&world.center, "uid 0".into(), what).await);
            }
            _ => {}
        }
        world.settle(|c| c.iter().all(|c| c.state == ConnectionState::Open)).await;
        let state = world.center.state().await;
        let mut of_circuit: Vec<&str> = Vec::new();
        // An answer may let a line open after all had settled; what gives way to it is ending then.
        for live in state.live.values().filter(|live| live.state != ConnectionState::Closing) {
            let session = live.session.and_then(|s| state.sessions.get(&s));
            let session = session.unwrap_or_else(|| panic!("step {step}: a line without its session"));
            assert_eq!(session.at, live.grant.origin.host_ref(), "step {step}");
            assert_eq!(session.who.name, live.person.name, "step {step}");
            let name = live.grant.service.name.as_str();
            let may = name == "bookings" || role[&live.person.name] == "d";
            assert!(may && live.grant.origin.site.as_str() == "clinic", "step {step}");
            assert!(live.grant.lease_until <= session.until, "step {step}");
            of_circuit.push(name);
        }
        let alone = !of_circuit.contains(&"records") || of_circuit.len() == 1;
        assert!(alone, "step {step}: {of_circuit:?}");
        drop(state);
    }
    let entries = world.center.registry().audit_last(5000).await.unwrap();
    let permitted = entries.iter().filter(
        |e| matches!(&e.event, Event::ConnectionPermitted { service, .. } if service.name.as_str() == "records"),
    );
    let (permitted, agreed) = (permitted.count(), agreed(&world).await);
    assert!(permitted <= agreed, "more lines than answers");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    entries.iter().for_each(|e| *seen.entry(e.event.code()).or_default() += 1);
    assert!(permitted > 3, "opened {permitted}, agreed {agreed}: the draw shows too little: {seen:?}");
}

/// How often somebody agreed.
async fn agreed(world: &World) -> usize {
    let entries = world.center.registry().audit_last(5000).await.unwrap();
    let given = |e: &&audit::Entry| matches!(&e.event, Event::ApprovalAnswered { answer: ApprovalAnswer::Given, .. });
    entries.iter().filter(given).count()
}

/// A draw that is the same in every run (Knuth's MMIX constants).
struct Draw(u64);
impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
    /// One of the last few, now and then one that is long over.
    fn late(&mut self, n: usize) -> usize {
        n - 1 - self.below(n.min(4))
    }
}
