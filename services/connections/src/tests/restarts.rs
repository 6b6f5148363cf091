//! A start of the center signs nobody out, forgets no question and no bar, and judges again what it finds (N3, N8, X4).

use audit::CloseCause;
use authority::{CaKind, RevocationReason};
use model::ConnectionState;
use sqlx::{Connection, Executor};
use wire::link::FirstPacketVerdict;
use wire::session::{CutCall, ServiceState};

use super::rules::{clinic, hospital, service};
use super::world::{World, doctor_asks};
use crate::{
    SignIn, approvals, approve, cut, open, open_in_session, refuse_approval, services_of, session_at,
    session_of_browser, sign_in, sign_out, status,
};

const EXAM_1: &str = "clinic/exam-1";

async fn again(world: &mut World) {
    world.restart().await;
    world.honest_gates();
    world.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_with_their_lines_bars_and_browsers_outlive_a_start_n3() {
    let mut world = World::new().await;
    world.honest_gates();
    let at: model::HostRef = EXAM_1.parse().unwrap();
    let confirmed = model::SignIn { at: at.clone() }.signed_bytes();
    let shown = world.shown(&world.doctor, &at, &confirmed);
    let asked = SignIn { at: at.clone(), shown, browser: Some([7; 32]) };
    let view = sign_in(&world.center, asked).await.unwrap();
    let line = open_in_session(&world.center, view.session, service("records")).await.unwrap().connection.grant;
    again(&mut world).await;
    assert_eq!(session_at(&world.center, &at).await.as_ref(), Some(&view));
    assert_eq!(session_of_browser(&world.center, &at, &[7; 32]).await.unwrap(), view);
    assert!(session_of_browser(&world.center, &at, &[8; 32]).await.is_none(), "a guessed cookie");
    assert!(session_of_browser(&world.center, &"clinic/exam-2".parse().unwrap(), &[7; 32]).await.is_none());
    // The line still belongs to it, and the card still answers for it.
    cut(&world.center, "uid 0".into(), CutCall::Line(line)).await.unwrap();
    again(&mut world).await;
    let shown = services_of(&world.center, view.session).await.unwrap();
    let records = shown.services.iter().find(|s| s.service == service("records")).unwrap();
    assert_eq!(records.reasons[0].code, "D076", "the bar stands");
    assert_eq!(world.first_packet(EXAM_1, "10.2.10.10", 443).await, FirstPacketVerdict::Refused);
    // Who signs in again is barred from nothing; a later session never has an earlier number.
    let next = world.sign_in(&world.doctor, EXAM_1).await.unwrap();
    assert!(next.session > view.session);
    assert!(session_of_browser(&world.center, &at, &[7; 32]).await.is_none(), "the browser's session was replaced");
    open_in_session(&world.center, next.session, service("records")).await.unwrap();
    again(&mut world).await;
    sign_out(&world.center, next.session).await.unwrap();
    world.settle(|c| c.is_empty()).await;
    again(&mut world).await;
    assert!(session_at(&world.center, &at).await.is_none(), "who signed out stays out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_goes_on_in_the_session_that_took_it_over() {
    let mut world = World::new().await;
    world.honest_gates();
    let first = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    let line = open_in_session(&world.center, first, service("records")).await.unwrap().connection.grant;
    let second = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    again(&mut world).await;
    assert_eq!(status(&world.center).await.connections[0].grant, line);
    sign_out(&world.center, second).await.unwrap();
    world.settle(|c| c.is_empty()).await;
    assert_eq!(world.causes(line).await, [CloseCause::SignedOut]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_revoked_after_a_start_ends_its_line_with_its_cause() {
    enum Revoked {
        Card,
        Device,
        Signer,
    }
    for (what, in_session, cause) in [
        (Revoked::Card, true, CloseCause::CardRevoked),
        (Revoked::Card, false, CloseCause::CardRevoked),
        (Revoked::Device, true, CloseCause::DeviceRevoked),
        (Revoked::Device, false, CloseCause::DeviceRevoked),
        (Revoked::Signer, true, CloseCause::AgreementEnded),
    ] {
        let mut world = World::new().await;
        world.honest_gates();
        let grant = if in_session {
            let session = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
            open_in_session(&world.center, session, service("records")).await.unwrap().connection.grant
        } else {
            open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant
        };
        again(&mut world).await;
        world.settle(|c| c.len() == 1 && c[0].state == ConnectionState::Open).await;
        let (certificate, list) = match what {
            Revoked::Card => (world.doctor.clone(), CaKind::HpkiAuthentication),
            Revoked::Device => (world.devices[&EXAM_1.parse().unwrap()].clone(), CaKind::Device),
            Revoked::Signer => (world.signers[0].clone(), CaKind::Institution),
        };
        world.authority.revoke_issued(&certificate, RevocationReason::KeyCompromise).unwrap();
        world.publish(list, 3600);
        crate::reexamine(&world.center).await;
        world.settle(|c| c.is_empty()).await;
        assert_eq!(world.causes(grant).await, [cause], "in a session: {in_session}");
        let signed_in = session_at(&world.center, &EXAM_1.parse().unwrap()).await.is_some();
        assert_eq!(signed_in, matches!(what, Revoked::Signer));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_stays_asked_and_what_was_given_is_judged_again_n8() {
    let mut world = World::new().await;
    world.honest_gates();
    world.apply(&clinic(), &hospital("approval = { roles = [\"Pharmacist\"], wait_minutes = 5 }", "")).await;
    let pharmacist = world.authority.issue_pharmacist("SUZUKI TARO").unwrap();
    let doctor = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    let desk = world.sign_in(&pharmacist, "hospital/ward-1").await.unwrap().session;
    let code = |refused: crate::Refused| refused.reasons[0].code.clone();
    assert_eq!(code(open_in_session(&world.center, doctor, service("records")).await.unwrap_err()), "D073");
    again(&mut world).await;
    let view = services_of(&world.center, doctor).await.unwrap();
    let records = view.services.iter().find(|s| s.service == service("records")).unwrap();
    assert_eq!(records.state, ServiceState::WaitingApproval);
    let waiting = approvals(&world.center, desk).await.unwrap().approvals;
    assert_eq!((waiting.len(), waiting[0].person.as_str()), (1, "SATO HANAKO"));
    refuse_approval(&world.center, desk, waiting[0].approval).await.unwrap();
    again(&mut world).await;
    assert_eq!(code(open_in_session(&world.center, doctor, service("records")).await.unwrap_err()), "D074");

    // Given while who asked had signed out: nothing opened, and it waits to be used.
    world.clock.set(world.center.now().plus_ms(6 * 60_000));
    crate::expire_due(&world.center).await;
    assert_eq!(code(open_in_session(&world.center, doctor, service("records")).await.unwrap_err()), "D073");
    sign_out(&world.center, doctor).await.unwrap();
    let asked = approvals(&world.center, desk).await.unwrap().approvals[0].approval;
    approve(&world.center, desk, asked).await.unwrap();
    again(&mut world).await;
    let doctor = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    let line = open_in_session(&world.center, doctor, service("records")).await.unwrap().connection.grant;
    // Used up, also over a start.
    crate::close_in_session(&world.center, doctor, line).await.unwrap();
    again(&mut world).await;
    assert_eq!(code(open_in_session(&world.center, doctor, service("records")).await.unwrap_err()), "D073");

    // An approver whose card is revoked while the center is down has agreed to nothing.
    sign_out(&world.center, doctor).await.unwrap();
    let asked = approvals(&world.center, desk).await.unwrap().approvals[0].approval;
    approve(&world.center, desk, asked).await.unwrap();
    world.authority.revoke_issued(&pharmacist, RevocationReason::KeyCompromise).unwrap();
    world.publish(CaKind::HpkiAuthentication, 3600);
    again(&mut world).await;
    let doctor = world.sign_in(&world.doctor, EXAM_1).await.unwrap().session;
    assert_eq!(code(open_in_session(&world.center, doctor, service("records")).await.unwrap_err()), "D073");
}

/// An earlier version took any segment for a first packet and proved it by rules that asked for no more. What it kept
/// must neither be believed nor keep the center from starting, and open lines stay open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_earlier_version_kept_is_planned_anew_and_ends_no_line_x4() {
    let mut world = World::new().await;
    world.honest_gates();
    let line = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
    let before = world.center.registry().load().await.unwrap().sites;
    let mut raw = sqlx::AnyConnection::connect(&world.registry_url()).await.unwrap();
    let older = |what: &str| format!("replace({what}, '\"beginning\":\"syn\"', '\"beginning\":null')");
    for (table, column) in [("site_delta", "delta"), ("site_snapshot", "state")] {
        let statement = format!("UPDATE {table} SET {column} = {}", older(column));
        raw.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    }
    let kept = world.center.registry().load().await.unwrap().sites;
    let touched: Vec<_> = before.keys().filter(|id| kept[*id] != before[*id]).cloned().collect();
    assert!(touched.iter().any(|id| id.as_str() == "clinic"));
    assert!(verify::Verifier::from_states(kept).is_err(), "this version asks for more");

    again(&mut world).await;
    world.settle(|c| c.len() == 1 && c[0].state == ConnectionState::Open).await;
    assert_eq!(status(&world.center).await.connections[0].grant, line);
    let after = world.center.registry().load().await.unwrap().sites;
    for (id, state) in &before {
        let mut now = after[id].clone();
        assert_eq!(now.generation > state.generation, touched.contains(id), "who is changed is told, {id}");
        now.generation = state.generation;
        assert_eq!(&now, state, "{id}");
    }
    assert_eq!(world.recorded("A106").await, 1);
    // It is mended, so the next start finds nothing to mend; and the way goes on from there.
    again(&mut world).await;
    assert_eq!(world.recorded("A106").await, 1);
    crate::close(&world.center, line, crate::Closer::Operator("test".into())).await.unwrap();
    world.settle(|c| c.is_empty()).await;
    assert!(crate::log_verdict(&world.center).await.unwrap().holds);
}

/// Documents and grants that follow into something unsound are no way out: nothing starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_planned_soundly_does_not_start_x1() {
    let mut world = World::new().await;
    world.honest_gates();
    open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap();
    let mut raw = sqlx::AnyConnection::connect(&world.registry_url()).await.unwrap();
    // Another hand lets the grant serve a port that its service does not have, wherever the grant stands.
    for (table, column) in [("site_delta", "delta"), ("site_snapshot", "state"), ("connection", "permitted")] {
        let statement = format!("UPDATE {table} SET {column} = replace({column}, '\"ports\":[443]', '\"ports\":[0]')");
        raw.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    }
    assert!(world.try_restart().await.unwrap_err().refutation.is_some());
}
