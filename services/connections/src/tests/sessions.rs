//! Sign in once, then just work: first packets, leases, cuts (N1, N3, G14).

use audit::{CloseCause, Event};
use authority::{CaKind, RevocationReason};
use model::{ConnectionState, GrantId};
use wire::link::{EndCause, Ended, FirstPacketVerdict, gate_message::Message};
use wire::session::{CutCall, ServiceState};

use super::world::{self, CLINIC_DOCUMENT, HOSPITAL_DOCUMENT, World, doctor_asks};
use crate::{
    Closer, SignIn, close_in_session, cut, extend, gate_report, open, open_in_session, recent, services_at,
    services_of, session_at, sign_in, sign_out, status, three_points,
};

const EXAM_1: &str = "clinic/exam-1";
const RECORDS: &str = "10.2.10.10";
const PORTAL: &str = "10.2.10.20";

fn records() -> model::ServiceId {
    "keyaki/records".parse().unwrap()
}

async fn only_line(world: &World) -> wire::api::ConnectionView {
    world.settle(|c| c.len() == 1 && c[0].state == ConnectionState::Open).await;
    status(&world.center).await.connections[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_signing_in_the_first_packet_opens_its_line_and_signing_out_closes_it_n1_n3() {
    let world = World::new().await;
    world.honest_gates();
    let at = EXAM_1.parse().unwrap();
    assert_eq!(world.first_packet(EXAM_1, RECORDS, 443).await, FirstPacketVerdict::Refused);
    assert_eq!(recent(&world.center, &at).await[0].reasons[0].code, "O013");

    let session = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    let mut changes = world.center.changes();
    assert_eq!(world.first_packet(EXAM_1, RECORDS, 443).await, FirstPacketVerdict::Opening);
    let line = only_line(&world).await;
    assert!(changes.has_changed().unwrap() && changes.changed().await.is_ok());
    assert_eq!((line.service, line.from.to_string()), (records(), EXAM_1.to_owned()));
    // A second connection of the same rides on the line.
    assert_eq!(world.first_packet(EXAM_1, RECORDS, 443).await, FirstPacketVerdict::Opening);
    assert_eq!(status(&world.center).await.connections.len(), 1);
    let view = services_of(&world.center, session).await.unwrap();
    assert_eq!((view.services[0].state, view.services[0].warn), (ServiceState::Open, false));

    // Another port of the same host is no service.
    assert_eq!(world.first_packet(EXAM_1, RECORDS, 22).await, FirstPacketVerdict::Refused);
    let packets = recent(&world.center, &at).await;
    assert_eq!((packets.len(), packets[1].port), (2, Some(22)));
    assert!(matches!(
        world.center.registry().audit_from(packets[1].entry.unwrap(), 1).await.unwrap()[0].event,
        Event::PacketRefused { .. }
    ));

    sign_out(&world.center, session).await.unwrap();
    world.settle(|c| c.is_empty()).await;
    assert_eq!(world.causes(line.grant).await, [CloseCause::SignedOut]);
    assert_eq!(world.first_packet(EXAM_1, RECORDS, 443).await, FirstPacketVerdict::Refused);
    assert!(services_of(&world.center, session).await.is_err());
    assert!(session_at(&world.center, &at).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_packet_is_judged_like_any_request_and_its_reasons_reach_the_person() {
    let world = World::new().await;
    world.honest_gates();
    let session = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    assert_eq!(world.first_packet(EXAM_1, PORTAL, 443).await, FirstPacketVerdict::Refused);
    let view = services_of(&world.center, session).await.unwrap();
    assert_eq!((view.recent.len(), view.recent[0].reasons[0].code.as_str()), (1, "D020"));
    // A gate that speaks for somebody else is not believed, and one that speaks of nobody not heard.
    let packet = |host: &str, source: &str| wire::link::FirstPacket {
        host: host.into(),
        source: source.into(),
        destination: RECORDS.into(),
        protocol: 6,
        port: 443,
        at: 0,
        held: true,
    };
    let clinic = "clinic".parse().unwrap();
    let head = world.center.registry().head().await.unwrap();
    for (host, source) in [("nobody", "10.1.20.11"), ("Exam 1", ""), ("", "")] {
        gate_report(&world.center, &clinic, Message::FirstPacket(packet(host, source))).await;
    }
    assert_eq!(world.center.registry().head().await.unwrap(), head);
    gate_report(&world.center, &clinic, Message::FirstPacket(packet("exam-1", "10.1.20.99"))).await;
    // One that was dropped while the link was down is evidence, no wish.
    let late = wire::link::FirstPacket { held: false, ..packet("exam-1", "10.1.20.11") };
    gate_report(&world.center, &clinic, Message::FirstPacket(late)).await;
    assert!(status(&world.center).await.connections.is_empty());
    // What the documents no longer allow does not open, though the person is signed in.
    world.apply(CLINIC_DOCUMENT.split("[[allow]]").next().unwrap(), HOSPITAL_DOCUMENT).await;
    assert_eq!(world.first_packet(EXAM_1, RECORDS, 443).await, FirstPacketVerdict::Refused);
    assert!(open_in_session(&world.center, session, records()).await.is_err());
    assert!(status(&world.center).await.connections.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_card_that_answered_for_signing_in_here_signs_in() {
    let mut world = World::new().await;
    let at: model::HostRef = EXAM_1.parse().unwrap();
    let other: model::HostRef = "clinic/exam-2".parse().unwrap();
    let try_in =
        async |shown| sign_in(&world.center, SignIn { at: at.clone(), shown, browser: None }).await.unwrap_err();
    let codes = |r: &crate::Refused| r.reasons.iter().map(|r| r.code.clone()).collect::<Vec<_>>();
    let request = model::ConnectionRequest { from: at.clone(), service: records() }.signed_bytes();
    assert_eq!(codes(&try_in(world.shown(&world.doctor, &at, &request)).await), ["P028"]);
    let elsewhere = model::SignIn { at: other.clone() }.signed_bytes();
    assert_eq!(codes(&try_in(world.shown(&world.doctor, &at, &elsewhere)).await), ["P028"]);
    let here = model::SignIn { at: at.clone() }.signed_bytes();
    let refused = try_in(world.shown(&world.doctor, &other, &here)).await;
    assert_eq!(codes(&refused), ["D005"]);
    let entry = &world.center.registry().audit_from(refused.entry.unwrap(), 1).await.unwrap()[0];
    assert!(matches!(&entry.event, Event::SignInRefused { reasons, .. } if reasons[0].code == "D005"));
    let mut stale = world.shown(&world.doctor, &at, &here);
    stale.nonce = None;
    assert_eq!(codes(&try_in(stale).await), ["O005"]);
    let revoked = world.authority.issue_doctor("TANAKA JIRO").unwrap();
    world.authority.revoke_issued(&revoked, RevocationReason::KeyCompromise).unwrap();
    world.publish(CaKind::HpkiAuthentication, 0);
    assert_eq!(codes(&world.sign_in(&revoked, EXAM_1).await.unwrap_err()), ["P008"]);
    assert!(session_at(&world.center, &at).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_person_takes_the_terminal_over_and_the_same_goes_on() {
    let mut world = World::new().await;
    world.honest_gates();
    let first = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    let grant = open_in_session(&world.center, first, records()).await.unwrap().connection.grant;
    let again = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    assert_ne!(first, again);
    assert_eq!(only_line(&world).await.grant, grant);
    let colleague = world.authority.issue_doctor("SUZUKI TARO").unwrap();
    world.sign_in(&colleague, EXAM_1).await.unwrap();
    world.settle(|c| c.is_empty()).await;
    assert_eq!(world.causes(grant).await, [CloseCause::Replaced]);
    assert!(extend(&world.center, again, grant).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_extension_is_decided_again_and_the_record_stays_whole_g13() {
    let mut world = World::new().await;
    world.honest_gates();
    let session = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    let line = open_in_session(&world.center, session, records()).await.unwrap().connection;
    let later = line.lease_until.plus_ms(-60_000);
    world.clock.set(later);
    let view = services_of(&world.center, session).await.unwrap();
    assert!(view.services[0].warn, "one minute is left of thirty");
    let longer = extend(&world.center, session, line.grant).await.unwrap();
    assert_eq!(longer.lease_until, later.plus_ms(30 * 60_000));
    crate::expire_due(&world.center).await;
    world.clock.set(line.lease_until);
    crate::expire_due(&world.center).await;
    assert_eq!(only_line(&world).await.grant, line.grant, "it outlives its first lease");
    // Somebody at another terminal extends nothing here.
    let colleague = world.authority.issue_doctor("SUZUKI TARO").unwrap();
    let elsewhere = world.sign_in(&colleague, "clinic/exam-2").await.unwrap().session;
    assert_eq!(extend(&world.center, elsewhere, line.grant).await.unwrap_err().reasons[0].code, "O007");

    world.restart().await;
    assert_eq!(status(&world.center).await.connections[0].lease_until, longer.lease_until);
    world.honest_gates();
    world.join_all().await;
    let session = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    close_in_session(&world.center, session, line.grant).await.unwrap();
    let points = three_points(&world.center, line.grant, &texts::Texts::new(texts::Lang::En)).await.unwrap();
    assert!(points.agree, "{points:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_end_by_idleness_and_with_their_session() {
    let mut world = World::new().await;
    world.honest_gates();
    world.apply(CLINIC_DOCUMENT, &HOSPITAL_DOCUMENT.replace("lease_minutes = 30", "idle_minutes = 2")).await;
    let view = world.sign_in(&world.doctor, EXAM_1).await.unwrap();
    let line = open_in_session(&world.center, view.session, records()).await.unwrap().connection.grant;
    let wanted = world.center.state().await.live[&line].grant.idle_ms;
    assert_eq!(wanted, Some(120_000));
    let idle = Ended { grant: line.0, cause: EndCause::Idle.into(), detail: String::new(), at: world.now * 1000 };
    gate_report(&world.center, &"clinic".parse().unwrap(), Message::Ended(idle)).await;
    world.settle(|c| c.is_empty()).await;
    assert_eq!(world.causes(line).await, [CloseCause::Idle]);
    // It opens again with the next packet.
    assert_eq!(world.first_packet(EXAM_1, RECORDS, 443).await, FirstPacketVerdict::Opening);
    let line = only_line(&world).await;
    assert!(line.lease_until <= view.until, "no lease outlasts the session");
    let doctor = world.doctor.clone();
    world.authority.revoke_issued(&doctor, RevocationReason::KeyCompromise).unwrap();
    world.publish(CaKind::HpkiAuthentication, 3600);
    crate::reexamine(&world.center).await;
    world.settle(|c| c.is_empty()).await;
    assert_eq!(world.causes(line.grant).await, [CloseCause::CardRevoked]);
    assert!(session_at(&world.center, &EXAM_1.parse().unwrap()).await.is_none());
    assert_eq!(world.first_packet(EXAM_1, RECORDS, 443).await, FirstPacketVerdict::Refused);

    let colleague = world.authority.issue_doctor("SUZUKI TARO").unwrap();
    let view = world.sign_in(&colleague, EXAM_1).await.unwrap();
    world.clock.set(view.until);
    crate::expire_due(&world.center).await;
    assert!(session_at(&world.center, &EXAM_1.parse().unwrap()).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_cuts_ends_and_does_not_come_back_by_itself_g14() {
    let mut world = World::new().await;
    world.honest_gates();
    let name = "SATO HANAKO";
    let hash = audit::Digest::of(&world.doctor.chain_der[0]).to_string();
    let cuts = |grant: GrantId| {
        [
            (CutCall::Line(grant), true),
            (CutCall::Person(name.into()), false),
            (CutCall::Person(hash[..8].to_uppercase()), false),
            (CutCall::Device(EXAM_1.parse().unwrap()), false),
            (CutCall::Device("hospital/record-server".parse().unwrap()), true),
            (CutCall::Site("clinic".parse().unwrap()), false),
            (CutCall::Site("hospital".parse().unwrap()), true),
            (CutCall::Agreement("A-0012".parse().unwrap()), true),
        ]
    };
    for n in 0..cuts(GrantId(0)).len() {
        let session = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
        let grant = open_in_session(&world.center, session, records()).await.unwrap().connection.grant;
        let (what, stays) = cuts(grant)[n].clone();
        let falls = crate::falls(&world.center, &what).await;
        assert_eq!(falls.lines.iter().map(|l| l.grant()).collect::<Vec<_>>(), [grant], "{what}");
        assert_eq!(falls.sessions.is_empty(), stays, "{what}");
        let named = crate::cuts_of(&world.center, grant).await;
        assert!(named.contains(&what) || matches!(what, CutCall::Person(_)), "{what}: {named:?}");
        assert!(named.contains(&CutCall::Person(hash.clone())));
        let report = cut(&world.center, "uid 0".into(), what.clone()).await.unwrap();
        assert!(crate::cuts_of(&world.center, grant).await.is_empty());
        assert_eq!((report.grants.as_slice(), report.confirmed), (&[grant][..], true), "{what}");
        assert_eq!(report.sessions.is_empty(), stays, "{what}");
        assert_eq!(world.causes(grant).await, [CloseCause::Operator]);
        let code = if stays { "D076" } else { "O013" };
        assert_eq!(world.first_packet(EXAM_1, RECORDS, 443).await, FirstPacketVerdict::Refused, "{what}");
        assert_eq!(
            recent(&world.center, &EXAM_1.parse().unwrap()).await.last().unwrap().reasons[0].code,
            code,
            "{what}"
        );
        if stays {
            let view = services_at(&world.center, &EXAM_1.parse().unwrap()).await;
            assert_eq!(view.services[0].reasons[0].code, "D076");
        }
    }
    let entries = world.center.registry().audit_last(1000).await.unwrap();
    assert_eq!(entries.iter().filter(|e| matches!(e.event, Event::CutOrdered { .. })).count(), 8);
    for nothing in [CutCall::Line(GrantId(999)), CutCall::Person("NOBODY".into()), CutCall::Person(String::new())] {
        assert_eq!(cut(&world.center, "uid 0".into(), nothing).await.unwrap_err().reasons[0].code, "O021");
    }
    // A card shown for the request itself is somebody who asks anew.
    let grant = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
    crate::close(&world.center, grant, Closer::Operator("uid 0".into())).await.unwrap();
    let other = world.authority.issue_doctor("SUZUKI TARO").unwrap();
    let session = world.sign_in(&other, EXAM_1).await.unwrap().session;
    open_in_session(&world.center, session, records()).await.unwrap();
    assert_eq!(world::HOSPITAL, "hospital");
}
