//! What goes wrong outside, and what people do to the file.

use audit::ChainFault;
use model::{GrantId, Timestamp};
use sqlx::Executor;

use super::world::World;
use super::{Place, both};
use crate::{Commit, Registry, RegistryError, Settings};

both! {
    tampering_shows_at_the_entry
    a_lock_held_by_another_is_said_and_passes
    a_log_that_ends_elsewhere_than_remembered_is_gone_on_from_its_end
}

fn event(id: u64) -> audit::Event {
    audit::Event::ConnectionOpen { grant: GrantId(id) }
}

async fn tampering_shows_at_the_entry(place: Place) {
    let registry = place.open().await;
    for id in 1..=9 {
        registry.commit(Commit::at(Timestamp(id as i64)).event(event(id))).await.unwrap();
    }
    let sound = registry.verify_log(None).await.unwrap();
    let mut raw = place.raw().await;
    let tries = [
        // One byte of the text; one of a hash; one of the index beside the text.
        ("UPDATE audit SET body = REPLACE(body, '\"grant\":5', '\"grant\":4') WHERE seq = 5", 5),
        ("UPDATE audit SET prev = '0' || SUBSTR(prev, 2, 62) || 'g' WHERE seq = 5", 5),
        ("UPDATE audit SET hash = REPLACE(REPLACE(hash, 'a', 'b'), '1', '2') WHERE seq = 5", 5),
        ("UPDATE audit SET grant_id = 4 WHERE seq = 5", 5),
        ("UPDATE audit SET code = 'A207' WHERE seq = 5", 5),
        ("UPDATE audit SET at = 1 WHERE seq = 5", 5),
        // Removed in the middle; cut off at the end; two exchanged; one put in before the first.
        ("DELETE FROM audit WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq = 9", 9),
        ("UPDATE audit SET seq = 20 WHERE seq = 5", 5),
        ("INSERT INTO audit SELECT 0, at, code, grant_id, body, prev, hash FROM audit WHERE seq = 1", 0),
    ];
    raw.execute("CREATE TABLE kept_aside AS SELECT * FROM audit").await.unwrap();
    for (statement, seq) in tries {
        assert_eq!(raw.execute(statement).await.unwrap().rows_affected(), 1, "{statement}");
        match registry.verify_log(Some(sound)).await {
            Err(RegistryError::Chain(error)) => assert_eq!(error.seq, seq, "{statement}: {error}"),
            other => panic!("{statement}: {other:?}"),
        }
        raw.execute("DELETE FROM audit").await.unwrap();
        raw.execute("INSERT INTO audit SELECT * FROM kept_aside").await.unwrap();
        assert_eq!(registry.verify_log(Some(sound)).await.unwrap(), sound);
    }
    // The end and its note cut off together: only a head kept elsewhere knows.
    raw.execute("DELETE FROM audit WHERE seq > 7").await.unwrap();
    raw.execute("UPDATE audit_head SET seq = 7, hash = (SELECT hash FROM audit WHERE seq = 7)").await.unwrap();
    assert!(registry.verify_log(None).await.is_ok());
    match registry.verify_log(Some(sound)).await {
        Err(RegistryError::Chain(error)) => assert_eq!(error.what, ChainFault::Truncated { known: 9 }),
        other => panic!("{other:?}"),
    }
}

async fn a_log_that_ends_elsewhere_than_remembered_is_gone_on_from_its_end(place: Place) {
    let registry = place.open().await;
    for id in 1..=3 {
        registry.commit(Commit::at(Timestamp(1)).event(event(id))).await.unwrap();
    }
    let mut raw = place.raw().await;
    raw.execute("DELETE FROM audit WHERE seq = 3").await.unwrap();
    raw.execute("UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)").await.unwrap();
    for seq in [3, 4] {
        let committed = registry.commit(Commit::at(Timestamp(1)).event(event(9))).await.unwrap();
        assert_eq!((committed.head.seq, committed.entries.len()), (seq, 1));
    }
    assert_eq!(registry.verify_log(None).await.unwrap().seq, 4);
}

async fn a_lock_held_by_another_is_said_and_passes(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    let before = registry.load().await.unwrap();
    let mut other = place.raw().await;
    let begin = if place.settings.url.starts_with("sqlite") { "BEGIN IMMEDIATE" } else { "BEGIN" };
    other.execute(begin).await.unwrap();
    other.execute("UPDATE audit_head SET seq = seq").await.unwrap();
    let error = world.open(&registry, 7).await.unwrap_err();
    assert!(matches!(error, RegistryError::Locked { .. }) && error.is_transient(), "{error:?}");
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(registry.load().await.unwrap(), before);
    world.open(&registry, 7).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_center_owns_a_file() {
    let place = Place::sqlite();
    let first = place.open().await;
    let error = place.try_open().await.unwrap_err();
    assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
    assert!(matches!(error, RegistryError::Owned { .. }));
    first.close().await.unwrap();
    place.open().await;
    assert!(matches!(
        first.commit(Commit::at(Timestamp(1)).event(event(1))).await,
        Err(RegistryError::Unreachable { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_replicas_share_a_server_and_one_chain() {
    let place = Place::postgres().await;
    let (a, b) = (place.open().await, place.open().await);
    let work = |registry: Registry| {
        tokio::spawn(async move {
            let mut ids = Vec::new();
            for i in 0..100 {
                // Turns at the head may take longer than the tests' short patience.
                while registry.commit(Commit::at(Timestamp(i)).event(event(1))).await.is_err() {}
                ids.push(registry.next_grant_id().await.unwrap());
            }
            ids
        })
    };
    let (left, right) = (work(a.clone()), work(b.clone()));
    let (left, right) = (left.await.unwrap(), right.await.unwrap());
    assert!(left.iter().all(|id| !right.contains(id)));
    assert_eq!(a.verify_log(None).await.unwrap().seq, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_refuses_changes_nothing_and_recovers() {
    let mut place = Place::sqlite();
    place.settings.max_bytes = Some(1 << 20);
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    let mut id = 1;
    let error = loop {
        match world.open(&registry, id).await {
            Ok(_) => id += 1,
            Err(error) => break error,
        }
        assert!(id < 10_000, "never full");
    };
    assert!(matches!(error, RegistryError::Full { .. }), "{error:?}");
    assert!(matches!(world.open(&registry, id).await, Err(RegistryError::Full { .. })));
    let before = registry.load().await.unwrap();
    assert_eq!(before.live.len() as u64, id - 1);
    assert_eq!(registry.verify_log(None).await.unwrap(), before.head);
    registry.close().await.unwrap();
    place.settings.max_bytes = None;
    let registry = place.open().await;
    assert_eq!(registry.load().await.unwrap(), before);
    world.open(&registry, id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_registry_is_refused() {
    let place = Place::sqlite();
    std::fs::write(place.file(), vec![b'x'; 8192]).unwrap();
    assert!(matches!(place.try_open().await, Err(RegistryError::Corrupt { .. })));
    let missing = Registry::open("sqlite:///nonexistent/registry.db").await.unwrap_err();
    assert!(matches!(missing, RegistryError::CannotOpen { .. }), "{missing:?}");
    let nobody = Registry::open_with(Settings::new("postgres://center@%2Fnonexistent/registry")).await.unwrap_err();
    assert!(matches!(nobody, RegistryError::Unreachable { .. }), "{nobody:?}");

    let later = Place::sqlite();
    later.open().await.close().await.unwrap();
    later.raw().await.execute("UPDATE schema_version SET version = 99").await.unwrap();
    assert!(matches!(later.try_open().await, Err(RegistryError::Newer { found: 99, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_delta_is_found_when_loaded() {
    let place = Place::sqlite();
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    world.open(&registry, 7).await.unwrap();
    for statement in [
        "UPDATE site SET generation = 9 WHERE site = 'clinic'",
        "DELETE FROM site_delta WHERE generation = 1",
        "UPDATE site_delta SET delta = '{}'",
    ] {
        place.raw().await.execute(statement).await.unwrap();
        assert!(matches!(registry.load().await, Err(RegistryError::Corrupt { .. })), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_went_down_is_noticed() {
    let place = Place::sqlite();
    drop(place.open().await.close().await);
    let registry = place.open().await;
    assert!(!registry.load().await.unwrap().tail_at_risk);
    place.raw().await.execute("UPDATE run SET boot = 'another boot'").await.unwrap();
    registry.database.readers().close().await;
    drop(registry);
    let again = loop {
        match place.try_open().await {
            Err(RegistryError::Owned { .. }) => tokio::task::yield_now().await,
            other => break other.unwrap(),
        }
    };
    assert!(again.load().await.unwrap().tail_at_risk);
}
