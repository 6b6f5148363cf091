//! Tables, by numbered steps; the same text for both databases.

use sqlx::{Any, Row, Transaction};

/// Steps in order; step `n` leads to version `n + 1`. A step that was released is never changed.
const STEPS: &[&str] = &[
    "
CREATE TABLE network (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('grant', 1);
CREATE TABLE run (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL,
    clean BIGINT NOT NULL
);
CREATE TABLE site (
    site TEXT PRIMARY KEY,
    generation BIGINT NOT NULL
);
CREATE TABLE site_snapshot (
    site TEXT PRIMARY KEY,
    generation BIGINT NOT NULL,
    state TEXT NOT NULL
);
CREATE TABLE site_delta (
    site TEXT NOT NULL,
    generation BIGINT NOT NULL,
    delta TEXT NOT NULL,
    PRIMARY KEY (site, generation)
);
CREATE TABLE connection (
    grant_id BIGINT PRIMARY KEY,
    state TEXT NOT NULL,
    origin_site TEXT NOT NULL,
    destination_site TEXT NOT NULL,
    permitted TEXT NOT NULL,
    person TEXT NOT NULL,
    device TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    opened_at BIGINT,
    closed_at BIGINT,
    cause TEXT
);
CREATE INDEX connection_by_state ON connection (state, grant_id);
CREATE INDEX connection_by_origin ON connection (origin_site, state, grant_id);
CREATE INDEX connection_by_destination ON connection (destination_site, state, grant_id);
CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    code TEXT NOT NULL,
    grant_id BIGINT,
    body TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_by_grant ON audit (grant_id, seq) WHERE grant_id IS NOT NULL;
CREATE INDEX audit_by_time ON audit (at, seq);
CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, hash)
    VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
",
    "
CREATE TABLE institution (
    id BIGINT PRIMARY KEY,
    code TEXT NOT NULL,
    prefecture BIGINT NOT NULL,
    name TEXT NOT NULL,
    kana TEXT NOT NULL,
    address TEXT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('directory', 0);
CREATE TABLE join_application (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_application_by_state ON join_application (state, at, id);
CREATE INDEX join_application_by_owner ON join_application (owner, at, id);
CREATE INDEX join_application_by_name ON join_application (name);
CREATE INDEX join_application_by_time ON join_application (at, id);
CREATE TABLE join_account (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_account_by_state ON join_account (state, at, id);
CREATE INDEX join_account_by_owner ON join_account (owner, at, id);
CREATE UNIQUE INDEX join_account_by_name ON join_account (name);
CREATE INDEX join_account_by_time ON join_account (at, id);
CREATE TABLE join_service (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_service_by_state ON join_service (state, at, id);
CREATE INDEX join_service_by_owner ON join_service (owner, at, id);
CREATE UNIQUE INDEX join_service_by_name ON join_service (name);
CREATE INDEX join_service_by_time ON join_service (at, id);
CREATE TABLE join_notice (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_notice_by_state ON join_notice (state, at, id);
CREATE INDEX join_notice_by_owner ON join_notice (owner, at, id);
CREATE INDEX join_notice_by_name ON join_notice (name);
CREATE INDEX join_notice_by_time ON join_notice (at, id);
CREATE TABLE join_submission (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner BIGINT,
    name TEXT,
    at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX join_submission_by_state ON join_submission (state, at, id);
CREATE INDEX join_submission_by_owner ON join_submission (owner, at, id);
CREATE INDEX join_submission_by_name ON join_submission (name);
CREATE INDEX join_submission_by_time ON join_submission (at, id);
CREATE TABLE join_letter (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    at BIGINT NOT NULL,
    again_at BIGINT NOT NULL,
    tried BIGINT NOT NULL,
    sent_at BIGINT,
    why TEXT,
    document TEXT NOT NULL
);
CREATE INDEX join_letter_waiting ON join_letter (again_at, id) WHERE sent_at IS NULL;
CREATE INDEX join_letter_by_address ON join_letter (address, kind, at);
CREATE INDEX join_letter_by_time ON join_letter (at);
CREATE TABLE join_link (
    hash TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    about BIGINT NOT NULL,
    until BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX join_link_by_about ON join_link (purpose, about);
CREATE TABLE join_session (
    hash TEXT PRIMARY KEY,
    account BIGINT NOT NULL,
    stage TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    wrong BIGINT NOT NULL
);
CREATE INDEX join_session_by_account ON join_session (account);
",
    crate::issuing::TABLES,
    crate::kept::TABLES,
    crate::submissions::TABLES,
    crate::joining::REGISTRATION,
    crate::joining::EQUIPMENT,
];

/// The version this program knows.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// Brings the tables up to date inside a transaction that nobody else can be in at the same time. Returns the version
/// found if it is later than [`VERSION`].
pub(crate) async fn migrate(tx: &mut Transaction<'_, Any>) -> Result<Option<i64>, sqlx::Error> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS schema_version (id BIGINT PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL)",
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query("INSERT INTO schema_version (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING")
        .execute(&mut **tx)
        .await?;
    let found: i64 =
        sqlx::query("SELECT version FROM schema_version WHERE id = 1").fetch_one(&mut **tx).await?.try_get(0)?;
    if found > VERSION {
        return Ok(Some(found));
    }
    for step in &STEPS[usize::try_from(found).unwrap_or(0)..] {
        sqlx::raw_sql(*step).execute(&mut **tx).await?;
    }
    sqlx::query("UPDATE schema_version SET version = $1 WHERE id = 1").bind(VERSION).execute(&mut **tx).await?;
    Ok(None)
}
