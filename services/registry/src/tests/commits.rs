//! All or nothing.

use audit::{Event, Head, verify_chain};
use model::{ConnectionState, Generation, GrantId, Network, SessionId, Timestamp};
use sqlx::Executor;
use std::collections::BTreeSet;

use super::world::{World, goes, grant, site};
use super::{Place, both};
use crate::{Commit, Loaded, RegistryError, Shelf};

both! {
    what_was_committed_is_loaded
    a_plan_from_an_old_generation_conflicts_and_changes_nothing
    a_fault_in_the_middle_leaves_nothing
    a_refusal_is_an_entry_and_no_event_is_no_commit
    states_follow_their_order_and_a_repeated_step_is_refused
    deltas_fold_into_the_same_state
    a_thousand_mixed_commits_at_once_make_one_chain
    numbers_of_grants_are_never_given_twice
    what_is_kept_outlives_a_restart_with_its_entry_or_not_at_all
}

async fn what_was_committed_is_loaded(place: Place) {
    let registry = place.open().await;
    let empty = registry.load().await.unwrap();
    let nothing = Loaded {
        network: Network::default(),
        sites: [].into(),
        live: [].into(),
        kept: [].into(),
        head: Head::EMPTY,
        tail_at_risk: false,
    };
    assert_eq!(empty, nothing);
    let mut world = World::default();
    world.apply(&registry).await;
    let done = world.open(&registry, 7).await.unwrap();
    goes(&registry, 7, ConnectionState::Open).await.unwrap();
    let before = registry.load().await.unwrap();
    registry.close().await.unwrap();

    let after = place.open().await.load().await.unwrap();
    assert_eq!(before, after);
    assert_eq!(after.sites[&site("clinic")].generation, Generation(2));
    assert_eq!(after.sites[&site("hospital")].grants[&GrantId(7)], grant(7));
    let line = &after.live[&GrantId(7)];
    assert_eq!((line.state, line.opened_at), (ConnectionState::Open, Some(Timestamp(150))));
    assert_eq!(line.person, super::world::person());
    assert_eq!((done.head.seq, after.head.seq), (3, 4));
}

async fn a_plan_from_an_old_generation_conflicts_and_changes_nothing(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    let (_, late) = world.opening(8);
    world.open(&registry, 7).await.unwrap();
    let before = registry.load().await.unwrap();
    match registry.commit(late).await {
        Err(RegistryError::Conflict { site: at, expected, found }) => {
            assert_eq!((at, expected, found), (site("clinic"), Generation(1), Generation(2)));
        }
        other => panic!("{other:?}"),
    }
    let mut stranger = World::default();
    stranger.at.insert(site("clinic"), 5);
    let (_, unknown) = stranger.opening(9);
    assert!(matches!(registry.commit(unknown).await, Err(RegistryError::Conflict { .. })));
    assert_eq!(registry.load().await.unwrap(), before);
}

async fn a_fault_in_the_middle_leaves_nothing(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    let before = registry.load().await.unwrap();
    // Our own refusal, after the rows of the plan and the connection were written.
    let (_, commit) = world.opening(7);
    let wrong = commit.moves(GrantId(99), ConnectionState::Open);
    assert!(matches!(registry.commit(wrong).await, Err(RegistryError::WrongState { found: None, .. })));
    assert_eq!(registry.load().await.unwrap(), before);
    // The database's refusal, between two audit entries: the second one's place is taken.
    let mut raw = place.raw().await;
    raw.execute(
        "INSERT INTO audit (seq, at, code, grant_id, body, prev, hash) SELECT seq + 2, 0, 'x', NULL, 'x', 'x', 'x' FROM audit_head",
    )
    .await
    .unwrap();
    let (_, commit) = world.opening(7);
    assert!(matches!(registry.commit(commit).await, Err(RegistryError::Database { .. })));
    raw.execute("DELETE FROM audit WHERE code = 'x'").await.unwrap();
    assert_eq!(registry.load().await.unwrap(), before);
    assert_eq!(registry.verify_log(None).await.unwrap(), before.head);
    world.open(&registry, 7).await.unwrap();
}

async fn a_refusal_is_an_entry_and_no_event_is_no_commit(place: Place) {
    let registry = place.open().await;
    let refused = Event::ConnectionDenied { from: None, service: None, person: None, device: None, reasons: vec![] };
    let done = registry.commit(Commit::at(Timestamp(5)).event(refused.clone())).await.unwrap();
    assert_eq!(registry.audit_from(1, 10).await.unwrap(), done.entries);
    assert_eq!(done.entries[0].event, refused);
    let silent = Commit::at(Timestamp(5)).network(&Network::default());
    assert!(matches!(registry.commit(silent).await, Err(RegistryError::Inconsistent(_))));
    let unplanned =
        Commit::at(Timestamp(5)).connection_of(&grant(3), &super::world::person(), audit::Digest::ZERO).event(refused);
    assert!(matches!(registry.commit(unplanned).await, Err(RegistryError::Inconsistent(_))));
    assert_eq!(registry.head().await.unwrap(), done.head);
}

async fn states_follow_their_order_and_a_repeated_step_is_refused(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    world.open(&registry, 7).await.unwrap();
    assert!(goes(&registry, 7, ConnectionState::Closed).await.is_err());
    goes(&registry, 7, ConnectionState::Open).await.unwrap();
    let again = goes(&registry, 7, ConnectionState::Open).await;
    assert!(matches!(again, Err(RegistryError::WrongState { found: Some(ConnectionState::Open), .. })));
    world.close(&registry, 7).await.unwrap();
    goes(&registry, 7, ConnectionState::Closed).await.unwrap();
    let line = registry.connection(GrantId(7)).await.unwrap().unwrap();
    assert_eq!((line.state, line.cause.as_deref()), (ConnectionState::Closed, Some("person")));
    assert!(registry.load().await.unwrap().live.is_empty());
    let (_, reused) = world.opening(7);
    assert!(matches!(registry.commit(reused).await, Err(RegistryError::Inconsistent(_))));
}

async fn deltas_fold_into_the_same_state(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    for id in 1..40 {
        world.open(&registry, id).await.unwrap();
        if id % 3 == 0 {
            world.close(&registry, id).await.unwrap();
        }
        if id % 10 == 0 {
            let before = registry.load().await.unwrap();
            registry.compact(&site("clinic")).await.unwrap();
            registry.compact(&site("clinic")).await.unwrap();
            assert_eq!(registry.load().await.unwrap(), before);
        }
    }
    let mut raw = place.raw().await;
    let left: i64 =
        sqlx::Row::get(&raw.fetch_one("SELECT COUNT(*) FROM site_delta WHERE site = 'clinic'").await.unwrap(), 0);
    assert!(left < 20, "{left} deltas left");
    assert_eq!(registry.site_state(&site("clinic")).await.unwrap().unwrap().grants.len(), 26);
    assert!(registry.site_state(&site("nowhere")).await.unwrap().is_none());
}

async fn a_thousand_mixed_commits_at_once_make_one_chain(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    let tasks: Vec<_> = (0..20u64)
        .map(|task| {
            let registry = registry.clone();
            tokio::spawn(async move {
                for i in 0..50u64 {
                    let event = Event::ConnectionOpen { grant: GrantId(task * 100 + i) };
                    let commit = Commit::at(Timestamp(i as i64)).event(event);
                    if (task + i) % 5 == 0 {
                        let wrong = commit.moves(GrantId(1 << 40), ConnectionState::Open);
                        assert!(registry.commit(wrong).await.is_err());
                    } else {
                        registry.commit(commit).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for id in 1..30 {
        world.open(&registry, id).await.unwrap();
    }
    for task in tasks {
        task.await.unwrap();
    }
    let entries = registry.audit_from(1, 5000).await.unwrap();
    assert_eq!(entries.len(), 1 + 800 + 2 * 29);
    let head = registry.head().await.unwrap();
    assert_eq!(verify_chain(&entries, Some(head)).unwrap(), head);
    assert_eq!(registry.verify_log(Some(entries[100].head())).await.unwrap(), head);
}

async fn numbers_of_grants_are_never_given_twice(place: Place) {
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        // Dropped without `close`, as after a crash.
        let registry = place.open().await;
        for _ in 0..1500 {
            assert!(seen.insert(registry.next_grant_id().await.unwrap()));
        }
        drop(registry);
        // The file's lock is given free when the last task of the dropped registry is gone.
        while matches!(place.try_open().await, Err(RegistryError::Owned { .. })) {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(seen.first(), Some(&GrantId(1)));
}

/// What SQLite itself says of the writing connection: 1 is NORMAL, 2 is FULL.
#[tokio::test(flavor = "multi_thread")]
async fn commits_wait_for_the_disk_as_the_setting_says() {
    for (durability, said) in [(crate::Durability::Process, 1), (crate::Durability::Power, 2)] {
        let mut place = Place::sqlite();
        place.settings.durability = durability;
        let registry = place.open().await;
        // Reserving numbers switches to FULL and must switch back.
        registry.next_grant_id().await.unwrap();
        let mut writer = registry.database.writer().await.unwrap();
        let row = writer.get().unwrap().fetch_one("PRAGMA synchronous").await.unwrap();
        assert_eq!(sqlx::Row::get::<i64, _>(&row, 0), said);
        let row = writer.get().unwrap().fetch_one("PRAGMA journal_mode").await.unwrap();
        assert_eq!(sqlx::Row::get::<String, _>(&row, 0), "wal");
    }
}

async fn what_is_kept_outlives_a_restart_with_its_entry_or_not_at_all(place: Place) {
    let registry = place.open().await;
    let event = || Event::OperatorAction { operator: "root".into(), action: "sign-in".into(), target: None };
    let mut world = World::default();
    world.apply(&registry).await;
    let (plan, commit) = world.opening(7);
    registry.commit(commit.in_session(SessionId(41))).await.unwrap();
    world.moved(&plan);
    let (plan, commit) = world.opening(8);
    registry.commit(commit.proofs(&"shown")).await.unwrap();
    world.moved(&plan);
    let commit = Commit::at(Timestamp(5)).event(event());
    let commit = commit.keep(Shelf::Session, 41, &"first").keep(Shelf::Approval, 41, &"asked");
    registry.commit(commit.keep(Shelf::Session, 41, &"second").keep(Shelf::Session, 43, &"gone")).await.unwrap();
    // Half of it is none of it.
    let wrong = Commit::at(Timestamp(6)).event(event()).keep(Shelf::Session, 44, &"never");
    assert!(registry.commit(wrong.moves(GrantId(99), ConnectionState::Open)).await.is_err());
    let follow = Commit::at(Timestamp(7)).event(event()).lines_follow(SessionId(41), SessionId(42));
    registry.commit(follow.forget(Shelf::Session, 43).forget(Shelf::Session, 99)).await.unwrap();
    registry.close().await.unwrap();

    let registry = place.open().await;
    let loaded = registry.load().await.unwrap();
    let kept = [((Shelf::Session, 41), "\"second\""), ((Shelf::Approval, 41), "\"asked\"")];
    assert_eq!(loaded.kept, kept.map(|(key, body)| (key, body.to_owned())).into());
    let [first, second] = [7, 8].map(|n| loaded.live[&GrantId(n)].clone());
    assert_eq!((first.session, first.proofs), (Some(SessionId(42)), None));
    assert_eq!((second.session, second.proofs.as_deref()), (None, Some("\"shown\"")));
    // What was shown is not kept longer than the line it was shown for.
    let closing = Commit::at(Timestamp(8)).closing(GrantId(8), audit::CloseCause::Operator).event(event());
    registry.commit(closing).await.unwrap();
    goes(&registry, 8, ConnectionState::Closed).await.unwrap();
    assert_eq!(registry.connection(GrantId(8)).await.unwrap().unwrap().proofs, None);
}
