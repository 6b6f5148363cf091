//! Queries find what they should, and by an index.

use audit::Event;
use model::{ConnectionState, GrantId, Timestamp};
use sqlx::{AssertSqlSafe, Executor, Row};

use super::world::{World, goes, site};
use super::{Place, both};
use crate::{ConnectionQuery, connections, log, site_states};

both! {
    connections_by_state_site_and_page
    entries_by_number_time_and_grant
    hot_queries_use_an_index
}

async fn connections_by_state_site_and_page(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    for id in 1..=9 {
        world.open(&registry, id).await.unwrap();
        if id % 3 == 0 {
            goes(&registry, id, ConnectionState::Open).await.unwrap();
        }
    }
    let ids = async |query: ConnectionQuery| -> Vec<u64> {
        registry.connections(&query).await.unwrap().iter().map(|c| c.grant.id.0).collect()
    };
    let open = ConnectionQuery { states: vec![ConnectionState::Open], ..Default::default() };
    assert_eq!(ids(open.clone()).await, [3, 6, 9]);
    assert_eq!(ids(ConnectionQuery { site: Some(site("hospital")), ..open.clone() }).await, [3, 6, 9]);
    assert!(ids(ConnectionQuery { site: Some(site("provider")), ..open.clone() }).await.is_empty());
    assert_eq!(ids(ConnectionQuery { after: Some(GrantId(3)), limit: 1, ..open }).await, [6]);
    assert_eq!(ids(ConnectionQuery::live()).await.len(), 9);
    assert_eq!(ids(ConnectionQuery { limit: 2, ..Default::default() }).await, [1, 2]);
    assert!(registry.connection(GrantId(77)).await.unwrap().is_none());
}

async fn entries_by_number_time_and_grant(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    for id in 1..=5 {
        world.open(&registry, id).await.unwrap();
    }
    let seqs = |entries: Vec<audit::Entry>| entries.iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(seqs(registry.audit_from(3, 2).await.unwrap()), [3, 4]);
    assert_eq!(seqs(registry.audit_last(2).await.unwrap()), [10, 11]);
    assert_eq!(seqs(registry.audit_between(Timestamp(102), Timestamp(104), 0, 10).await.unwrap()), [4, 5, 6, 7]);
    let of = registry.audit_of(GrantId(4)).await.unwrap();
    assert_eq!(seqs(of.clone()), [8, 9]);
    assert!(matches!(of[0].event, Event::ConnectionPermitted { .. }));
}

async fn hot_queries_use_an_index(place: Place) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    world.open(&registry, 1).await.unwrap();
    let sqlite = place.settings.url.starts_with("sqlite");
    let mut raw = place.raw().await;
    if !sqlite {
        // On a table of one page PostgreSQL would rightly read the page.
        raw.execute("SET enable_seqscan = off").await.unwrap();
    }
    for (query, index) in [
        (connections::BY_GRANT, "connection"),
        (connections::BY_STATE, "connection"),
        (connections::BY_SITE, "connection_by_"),
        (log::FROM, "audit"),
        (log::OF_GRANT, "audit_by_grant"),
        (log::BETWEEN, "audit_by_time"),
        (log::LAST, "audit"),
        (site_states::DELTAS, "site_delta"),
    ] {
        let plan = explain(&mut raw, query, sqlite).await;
        let scans = if sqlite {
            plan.contains("SCAN connection") || plan.contains("SCAN site_delta")
        } else {
            plan.contains("Seq Scan")
        };
        let indexed = plan.contains("INDEX") || plan.contains("Index") || plan.contains("PRIMARY KEY");
        assert!(!scans && indexed && plan.contains(index), "{query}\n{plan}");
    }
}

async fn explain(raw: &mut sqlx::AnyConnection, query: &str, sqlite: bool) -> String {
    let mut text = query.to_owned();
    // Values in place of parameters, longest first; site and state are text, the rest numbers.
    let values: &[&str] = if query == connections::BY_STATE || query == connections::BY_SITE {
        &["'open'", "''", "''", "''", "''", "''", "0", "10", "'clinic'"]
    } else if query == site_states::DELTAS {
        &["'clinic'", "0"]
    } else {
        &["1", "2", "0", "10"]
    };
    for (i, value) in values.iter().enumerate().rev() {
        text = text.replace(&format!("${}", i + 1), value);
    }
    let (explain, column) = if sqlite { ("EXPLAIN QUERY PLAN", 3) } else { ("EXPLAIN", 0) };
    let rows = raw.fetch_all(sqlx::raw_sql(AssertSqlSafe(format!("{explain} {text}")))).await.unwrap();
    rows.iter().map(|r| r.get::<String, _>(column)).collect::<Vec<_>>().join("\n")
}
