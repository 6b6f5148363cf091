//! Use cases over a real registry (SQLite), real certificates, and gates in memory.

mod inquiry;
mod questions;
mod responders;
mod restarts;
mod rules;
mod sessions;
pub(crate) mod world;

use audit::{CloseCause, Event};
use authority::{CaKind, RevocationReason};
use model::{ConnectionState, GrantId, SiteId};
use wire::api::AlarmKind;
use wire::link::{Fault, FaultPlace, ForeignChange, ForeignRule, Gone, Observed, gate_message::Message};

use crate::{
    Closer, ToGate, close, countersign, explain, gate_report, log_verdict, open, plan_only, status, three_points,
};
use world::{HOSPITAL, World, doctor_asks};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doctor_opens_and_closes_and_three_points_agree_g13() {
    let world = World::new().await;
    world.honest_gates();
    let opened = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap();
    assert_eq!(opened.connection.state, ConnectionState::Open);
    assert_eq!(opened.connection.address.to_string(), "10.2.10.10");
    let grant = opened.connection.grant;
    assert_eq!(status(&world.center).await.connections.len(), 1);

    let again = open(&world.center, doctor_asks(&world, [2; 32])).await.unwrap_err();
    assert_eq!(again.reasons[0].code, "D070");

    let closed = close(&world.center, grant, Closer::Terminal("clinic/exam-1".parse().unwrap())).await.unwrap();
    assert_eq!(closed.connection.state, ConnectionState::Closed);
    assert_eq!(closed.counters.len(), 2);
    assert!(status(&world.center).await.connections.is_empty());
    let texts = texts::Texts::new(texts::Lang::En);
    let points = three_points(&world.center, grant, &texts).await.unwrap();
    assert!(points.agree, "{points:?}");
    assert!(log_verdict(&world.center).await.unwrap().holds);
    // What is left is what was there before, and both gates were told so.
    let loaded = world.center.registry().load().await.unwrap();
    assert!(loaded.live.is_empty());
    let kept: Vec<_> = loaded.live.values().map(|c| c.grant.clone()).collect();
    for (site, reference) in plan::from_scratch(&loaded.network, &kept).unwrap() {
        let mut state = loaded.sites[&site].clone();
        state.generation = reference.generation;
        assert_eq!(state, reference);
    }
}

/// Before its order a gate hears what is coming, the end that answers first; an order goes out only after the registry
/// has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_announced_while_it_is_written_down_and_ordered_only_then_x4() {
    let world = World::new().await;
    world.honest_gates();
    let orders = |sent: &[(SiteId, ToGate)], announced: bool| -> Vec<_> {
        let order = |(site, message): &(SiteId, ToGate)| match (message, announced) {
            (ToGate::Order(order), false) | (ToGate::Prepare(order), true) => Some((site.clone(), order.clone())),
            _ => None,
        };
        sent.iter().filter_map(order).collect()
    };
    world.sent();
    let opened = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap();
    let sent = world.sent();
    let first: Vec<_> = sent.iter().take(4).cloned().collect();
    let sites: Vec<_> = orders(&first, true).iter().map(|(site, _)| site.to_string()).collect();
    assert_eq!(sites, [HOSPITAL, "clinic"], "{sent:?}");
    assert_eq!(orders(&sent, true), orders(&sent, false), "the very orders");

    close(&world.center, opened.connection.grant, Closer::Terminal("clinic/exam-1".parse().unwrap())).await.unwrap();
    assert_eq!(orders(&world.sent(), true), [], "what ends waits for nothing");

    world.center.registry().close().await.unwrap();
    open(&world.center, doctor_asks(&world, [2; 32])).await.unwrap_err();
    let sent = world.sent();
    assert_eq!(orders(&sent, true).len(), 2, "{sent:?}");
    assert_eq!(orders(&sent, false), [], "nothing is ordered that is not written down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_has_its_reason_and_is_recorded_n2() {
    let mut world = World::new().await;
    world.honest_gates();
    let pharmacist = world.authority.issue_pharmacist("SUZUKI TARO").unwrap();
    let revoked = world.authority.issue_doctor("TANAKA JIRO").unwrap();
    world.authority.revoke_issued(&revoked, RevocationReason::KeyCompromise).unwrap();
    world.publish(CaKind::HpkiAuthentication, 0);
    let signature =
        world.authority.issue_card(&authority::CardSpec::signature("SATO HANAKO", "Medical Doctor")).unwrap();
    world.trust_also(CaKind::HpkiSignature);
    let elsewhere = tempfile::tempdir().unwrap();
    let mut forger = authority::Authority::new(elsewhere.path(), world.now).unwrap();
    let forged = forger.issue_doctor("SATO HANAKO").unwrap();

    for (card, code) in [(&pharmacist, "D017"), (&revoked, "P008"), (&signature, "P014"), (&forged, "P004")] {
        let refused = open(&world.center, world.ask(card, [3; 32], [9; 32])).await.unwrap_err();
        let codes: Vec<_> = refused.reasons.iter().map(|r| r.code.as_str()).collect();
        assert!(codes.contains(&code), "{code} is not among {codes:?}");
        let told = explain(&world.center, refused.entry.unwrap()).await.unwrap();
        assert_eq!(told.reasons, refused.reasons);
        assert!(told.request.is_some());
    }
    // A signature made for another TLS session is worth nothing here.
    let mut relayed = doctor_asks(&world, [4; 32]);
    relayed.shown.exporter = [8; 32];
    assert_eq!(open(&world.center, relayed).await.unwrap_err().reasons[0].code, "P028");
    let mut twice = doctor_asks(&world, [4; 32]);
    twice.shown.nonce = None;
    assert_eq!(open(&world.center, twice).await.unwrap_err().reasons[0].code, "O005");
    // Hard fail after nextUpdate.
    world.publish(CaKind::HpkiAuthentication, -3600);
    let stale = open(&world.center, doctor_asks(&world, [5; 32])).await.unwrap_err();
    assert_eq!(stale.reasons[0].code, "P010");
    assert!(status(&world.center).await.connections.is_empty());
}

/// Every fault at once, each as a value; the log tells them again in the language of who reads it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_documents_are_told_and_told_again_in_both_languages_x5() {
    let world = World::new().await;
    let clinic = include_str!("../../../core/model/tests/documents/clinic.toml");
    let wrong = [
        ("spelling.toml", clinic.replacen("vlan = 20", "vlan = 20\ncolour = \"red\"", 1)),
        ("type.toml", clinic.replacen("vlan = 20", "vlan = \"twenty\"", 1)),
    ];
    let unfit = [("clinic.toml", clinic.replacen("segment = \"exam-rooms\"", "segment = \"attic\"", 1))];
    let (ja, en) = (texts::Texts::new(texts::Lang::Ja), texts::Texts::new(texts::Lang::En));
    for (documents, told) in [
        (
            &wrong[..],
            &[
                (
                    "O009 spelling.toml:27：項目 colour は、ここには書けません",
                    "O009 spelling.toml:27: there is no field colour here",
                ),
                (
                    "O009 type.toml:26：vlan には、引用符のない 0～65535 の整数を書きます（今は、引用符で囲んだ文字列です）",
                    "O009 type.toml:26: vlan is a text in quotation marks; here belongs a whole number from 0 to 65535 \
                     without quotation marks",
                ),
            ][..],
        ),
        (
            &unfit[..],
            &[(
                "O009 clinic/exam-1：セグメント attic の定義がありません",
                "O009 clinic/exam-1: segment attic is unknown",
            )],
        ),
    ] {
        let documents = documents.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
        let refused = crate::apply(&world.center, documents, "root".into()).await.unwrap_err();
        let again = explain(&world.center, refused.entry.unwrap()).await.unwrap().reasons;
        assert_eq!(again, refused.reasons);
        let lines = |texts| again.iter().map(|reason| reason.lines(texts).refused).collect::<Vec<_>>();
        assert_eq!(lines(&ja), told.iter().map(|(ja, _)| *ja).collect::<Vec<_>>());
        assert_eq!(lines(&en), told.iter().map(|(_, en)| *en).collect::<Vec<_>>());
    }
}

/// Late revocation lists are the operator's to renew, not the fault of who signed, nor of the other side (G12, N12).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_under_late_lists_is_not_taken_and_the_operator_is_told_d037() {
    let mut world = World::new().await;
    let text = world.agreement("A-0077", "keyaki/bookings");
    world.publish(CaKind::Institution, -1);
    let late = countersign(&world.center, "a.toml", &text).await.unwrap_err();
    assert_eq!((late.reasons[0].code.as_str(), late.reasons[0].section), ("D037", model::Section::Operator));
    let known = crate::applied_network(&world.center).await;
    assert!(!known.agreements.contains_key(&"A-0077".parse().unwrap()), "nothing of it is taken");
    world.publish(CaKind::Institution, 0);
    countersign(&world.center, "a.toml", &text).await.unwrap();
    assert!(crate::applied_network(&world.center).await.agreements.contains_key(&"A-0077".parse().unwrap()));
}

/// Why a signature is not good is told in the reader's language (G12, X5).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_signature_is_not_good_is_told_in_japanese_x5() {
    let mut world = World::new().await;
    let text = world.agreement("A-0077", "keyaki/bookings");
    let values: Vec<&str> = text.lines().filter(|line| line.starts_with("value = ")).collect();
    let begins = "-----BEGIN CERTIFICATE-----\n";
    let other_terms = text.replacen("keyaki/bookings", "keyaki/records", 1);
    let ja = texts::Texts::new(texts::Lang::Ja);
    for (wrong, codes, why) in [
        (other_terms, &["O023"][..], "別の内容への署名"),
        (text.replacen(values[0], "value = \"%\"", 1), &["O023"], "Base64 ではありません"),
        (text.replacen(begins, &format!("{begins}AAAA\n"), 1), &["O023", "P001"], "証明書が認められません"),
        (
            text.replacen("[agreement.signature.consumer]", "[agreement.signature.swap]", 1)
                .replacen("[agreement.signature.provider]", "[agreement.signature.consumer]", 1)
                .replacen("[agreement.signature.swap]", "[agreement.signature.provider]", 1),
            &["O023"],
            "別の機関",
        ),
    ] {
        let refused = countersign(&world.center, "a.toml", &wrong).await.unwrap_err();
        let told: Vec<&str> = refused.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(told, codes, "{refused}");
        let says = refused.reasons[0].lines(&ja).refused;
        assert!(says.contains(why), "{says}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_does_not_confirm_takes_both_halves_back_n5() {
    let world = World::new().await;
    world.honest_gates_but(HOSPITAL);
    let refused = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap_err();
    assert_eq!((refused.reasons[0].code.as_str(), refused.reasons[0].section), ("O001", model::Section::Peer));
    let live = status(&world.center).await.connections;
    // The silent gate has not confirmed that nothing is left: closing, not closed.
    assert_eq!(live[0].state, ConnectionState::Closing);
    let grant = live[0].grant;
    let gone =
        Gone { grant: grant.0, forth: None, back: None, complete: true, at: world.now * 1000, ..Gone::default() };
    gate_report(&world.center, &HOSPITAL.parse().unwrap(), Message::Gone(gone)).await;
    world.settle(|connections| connections.is_empty()).await;
    assert_eq!(world.causes(grant).await, [CloseCause::NotOpened]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_repeated_and_foreign_reports_change_nothing() {
    let world = World::new().await;
    world.honest_gates();
    let grant = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
    let before = world.center.registry().head().await.unwrap();
    let observed = |grant: GrantId| Observed { grant: grant.0, flows: 3, flows_wanted: 3, sa: true, at: 1 };
    for site in ["clinic", "hospital", "provider"] {
        gate_report(&world.center, &site.parse().unwrap(), Message::Observed(observed(grant))).await;
        gate_report(&world.center, &site.parse().unwrap(), Message::Observed(observed(GrantId(999)))).await;
    }
    let gone = Gone { grant: grant.0, forth: None, back: None, complete: true, at: 1, ..Gone::default() };
    gate_report(&world.center, &"provider".parse().unwrap(), Message::Gone(gone)).await;
    assert_eq!(world.center.registry().head().await.unwrap(), before);
    assert_eq!(status(&world.center).await.connections[0].state, ConnectionState::Open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_rule_is_an_alarm_and_stands_once_in_the_log_x1() {
    let world = World::new().await;
    world.honest_gates();
    let clinic = "clinic".parse().unwrap();
    let alarms = || async {
        let sites = status(&world.center).await.sites;
        sites.into_iter().find(|s| s.site == clinic).unwrap().alarms
    };
    let rule = "table=0,cookie=0x1234,priority=1 actions=NORMAL";
    let sight = Fault {
        place: FaultPlace::Switch.into(),
        over: false,
        grant: None,
        detail: format!("added: {rule}"),
        foreign: true,
    };
    gate_report(&world.center, &clinic, Message::Fault(sight)).await;
    let seen = alarms().await;
    assert_eq!((seen.len(), seen[0].kind, seen[0].over), (1, AlarmKind::Foreign, None));
    let now = seen[0].since.0;
    let evidence = ForeignRule {
        change: ForeignChange::Added.into(),
        table: 0,
        priority: 1,
        cookie: 0x1234,
        r#match: String::new(),
        rule: rule.into(),
        since: now - 7,
        seen_at: now - 5,
        mended_at: now,
        suppressed: 0,
    };
    // A gate says evidence again after a reconnect.
    for _ in 0..2 {
        gate_report(&world.center, &clinic, Message::ForeignRule(evidence.clone())).await;
    }
    let over = alarms().await;
    assert_eq!((over.len(), over[0].over.map(|t| t.0)), (1, Some(now)));
    let entries = world.center.registry().audit_last(1000).await.unwrap();
    let recorded: Vec<_> =
        entries.into_iter().map(|e| e.event).filter(|e| matches!(e, Event::ForeignRule { .. })).collect();
    let [Event::ForeignRule { stood_ms: 7, cookie, rule: kept, .. }] = recorded.as_slice() else {
        panic!("{recorded:?}")
    };
    assert_eq!((cookie.as_str(), kept.as_str()), ("0x0000000000001234", rule));
    // What no gate can mean changes nothing.
    let head = world.center.registry().head().await.unwrap();
    for odd in [ForeignRule { table: 300, ..evidence.clone() }, ForeignRule { change: 9, ..evidence }] {
        gate_report(&world.center, &clinic, Message::ForeignRule(odd)).await;
    }
    assert_eq!(world.center.registry().head().await.unwrap(), head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_open_stays_and_what_was_opening_or_closing_is_finished_x4() {
    let mut world = World::new().await;
    world.honest_gates();
    let open_one = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
    world.restart().await;
    let live = status(&world.center).await.connections;
    assert_eq!((live.len(), live[0].state), (1, ConnectionState::Open));
    world.deaf_gates();
    world.join_all().await;
    // Closing begins, the gates never hear of it, the center dies.
    crate::close::begin(&world.center, open_one, &Closer::Operator("test".into())).await.unwrap();
    world.restart().await;
    assert_eq!(status(&world.center).await.connections[0].state, ConnectionState::Closing);
    world.honest_gates();
    world.join_all().await;
    world.settle(|connections| connections.is_empty()).await;
    assert_eq!(world.causes(open_one).await, [CloseCause::Operator]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_ends_by_itself_and_a_revoked_card_at_once() {
    let mut world = World::new().await;
    world.honest_gates();
    let first = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection;
    world.clock.set(first.lease_until);
    crate::expire_due(&world.center).await;
    world.settle(|connections| connections.is_empty()).await;
    assert_eq!(world.causes(first.grant).await, [CloseCause::Lease]);

    let second = open(&world.center, doctor_asks(&world, [2; 32])).await.unwrap().connection;
    let doctor = world.doctor.clone();
    world.authority.revoke_issued(&doctor, RevocationReason::KeyCompromise).unwrap();
    world.publish(CaKind::HpkiAuthentication, 3600);
    crate::reexamine(&world.center).await;
    world.settle(|connections| connections.is_empty()).await;
    assert_eq!(world.causes(second.grant).await, [CloseCause::CardRevoked]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_relays_is_refused_with_the_packet_g7() {
    let world = World::new().await;
    let relay = format!(
        "{}\n[[transit]]\nfrom = \"provider/ops-1\"\nto = \"clinic/exam-1\"\nprotocol = \"tcp\"\nports = [22]\n",
        world::HOSPITAL_DOCUMENT
    );
    let documents = vec![("hospital.toml".to_owned(), relay)];
    let refused = plan_only(&world.center, &documents).await.unwrap_err();
    assert_eq!(refused.reasons[0].code, "I08");
    let refused = crate::apply(&world.center, documents, "test".into()).await.unwrap_err();
    assert!(refused.refutation.is_some());
    let told = explain(&world.center, refused.entry.unwrap()).await.unwrap();
    assert_eq!(told.told.unwrap().invariant, "I08");
    world.honest_gates();
    let opened = open(&world.center, doctor_asks(&world, [1; 32])).await;
    assert!(opened.is_ok(), "the network is as before: {:?}", opened.err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_documents_are_refused_with_every_place_and_change_nothing() {
    let world = World::new().await;
    let documents = vec![("a.toml".into(), "[site\n".into()), ("b.toml".into(), "unknown = 1\n".into())];
    let refused = crate::apply(&world.center, documents, "test".into()).await.unwrap_err();
    assert_eq!(refused.reasons.len(), 2);
    let told = explain(&world.center, refused.entry.unwrap()).await.unwrap();
    assert_eq!(told.reasons.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_no_longer_allow_it_end_the_connection() {
    let mut world = World::new().await;
    world.honest_gates();
    let rule = world::CLINIC_DOCUMENT.split("[[allow]]").next().unwrap().to_owned();
    let role = world::HOSPITAL_DOCUMENT.replace("\"Medical Doctor\"", "\"Pharmacist\"");
    let signed = world.agreement("A-0012", "keyaki/records");
    // The provider takes its signature back.
    let agreement = signed.split("[agreement.signature.provider]").next().unwrap().to_owned();
    // Somebody at either end finds that there is no antivirus after all (G12).
    let own_sheet = world::CLINIC_DOCUMENT.replace("3-4-2 = { answer = \"yes\"", "3-4-2 = { answer = \"no\"");
    let peer_sheet = world::HOSPITAL_DOCUMENT.replace("3-4-3 = { answer = \"yes\"", "3-4-3 = { answer = \"no\"");
    for (nonce, document, before, cause, code) in [
        (1, rule, world::CLINIC_DOCUMENT.to_owned(), CloseCause::RuleRemoved, "D020"),
        (3, role, world::HOSPITAL_DOCUMENT.to_owned(), CloseCause::RoleRemoved, "D017"),
        (5, agreement, signed, CloseCause::AgreementEnded, "D031"),
        (7, own_sheet, world::CLINIC_DOCUMENT.to_owned(), CloseCause::ChecksheetEnded, "D045"),
        (9, peer_sheet, world::HOSPITAL_DOCUMENT.to_owned(), CloseCause::ChecksheetEnded, "D045"),
    ] {
        let grant = open(&world.center, doctor_asks(&world, [nonce; 32])).await.unwrap().connection.grant;
        let changed = vec![("changed.toml".to_owned(), document)];
        let applied = crate::apply(&world.center, changed, "test".into()).await.unwrap();
        assert_eq!(applied.grants_ended, [grant], "{cause}");
        world.settle(|connections| connections.is_empty()).await;
        assert_eq!(world.causes(grant).await, [cause]);
        let refused = open(&world.center, doctor_asks(&world, [nonce + 1; 32])).await.unwrap_err();
        assert!(refused.reasons.iter().any(|r| r.code == code), "{cause}: {refused}");
        let entry = &world.center.registry().audit_from(refused.entry.unwrap(), 1).await.unwrap()[0];
        assert!(matches!(entry.event, Event::ConnectionDenied { .. }));
        crate::apply(&world.center, vec![("before.toml".to_owned(), before)], "test".into()).await.unwrap();
    }
}
