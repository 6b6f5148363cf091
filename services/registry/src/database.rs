//! Connections to the database: one that writes, a few that read.

use audit::Head;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Row, Transaction};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Mutex as StdMutex;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

use crate::owner::Owner;
use crate::{Durability, RegistryError, Settings, schema};

const READERS: u32 = 4;

/// Which database, in what its statements differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) settings: Settings,
    /// A power loss came between the last run and this one, and the last commits may be missing.
    pub(crate) tail_at_risk: bool,
    options: AnyConnectOptions,
    // Writes take turns: SQLite has one writer anyway, and a hash chain has one end. Emptied when the connection may
    // not be trusted any more.
    writer: Mutex<Option<AnyConnection>>,
    readers: AnyPool,
    owner: StdMutex<Option<Owner>>,
    /// Where the chain ended after the last commit of this process. Another replica may have gone on since: the next
    /// commit finds out by itself.
    head: StdMutex<Option<Head>>,
}

impl Database {
    pub(crate) async fn open(settings: Settings) -> Result<Self, RegistryError> {
        sqlx::any::install_default_drivers();
        let Address { kind, name, file, url } = address(&settings.url)?;
        // Before the database is touched: even opening it may roll another center's log forward.
        let owner = file.as_deref().map(Owner::take).transpose()?;
        let options = AnyConnectOptions::from_str(&url)
            .map_err(|e| RegistryError::BadUrl { url: name.clone(), why: e.to_string() })?
            // Identities are in the statements' values; what happens is in the audit log.
            .disable_statement_logging();
        let setup = reader_setup(kind, &settings);
        let readers = AnyPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |connection, _| {
                let setup = setup.clone();
                Box::pin(async move { run(connection, &setup).await })
            })
            .connect_lazy_with(options.clone());
        let mut database = Self {
            name,
            kind,
            settings,
            tail_at_risk: false,
            options,
            writer: Mutex::new(None),
            readers,
            owner: StdMutex::new(owner),
            head: StdMutex::default(),
        };
        database.prepare().await?;
        Ok(database)
    }

    async fn prepare(&mut self) -> Result<(), RegistryError> {
        let mut writer = self.writer().await?;
        let mut tx = writer.begin().await?;
        if self.kind == Kind::Postgres {
            // Two replicas may start at once; the number is arbitrary but ours.
            sqlx::raw_sql("SELECT pg_advisory_xact_lock(5990150741)")
                .execute(&mut *tx)
                .await
                .map_err(|e| self.error(e))?;
        }
        if let Some(found) = schema::migrate(&mut tx).await.map_err(|e| self.error(e))? {
            return Err(RegistryError::Newer { name: self.name.clone(), found, known: schema::VERSION });
        }
        tx.commit().await.map_err(|e| self.error(e))?;
        let tail_at_risk =
            self.kind == Kind::Sqlite && self.begin_run(writer.get()?).await.map_err(|e| self.error(e))?;
        drop(writer);
        self.tail_at_risk = tail_at_risk;
        Ok(())
    }

    /// Notes this run; true if the last one ended with the machine and not with the process.
    async fn begin_run(&self, writer: &mut AnyConnection) -> Result<bool, sqlx::Error> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let last = sqlx::query("SELECT boot, clean FROM run WHERE id = 1").fetch_optional(&mut *writer).await?;
        let lost = match last {
            Some(row) => row.try_get::<i64, _>(1)? == 0 && row.try_get::<String, _>(0)? != boot.trim(),
            None => false,
        };
        self.durably(writer, true).await?;
        sqlx::query(
            "INSERT INTO run (id, boot, clean) VALUES (1, $1, 0) ON CONFLICT (id) DO UPDATE SET boot = $1, clean = 0",
        )
        .bind(boot.trim().to_owned())
        .execute(&mut *writer)
        .await?;
        self.durably(writer, false).await?;
        Ok(lost && self.settings.durability == Durability::Process)
    }

    /// Makes the commits between `true` and `false` wait for the disk, whatever the settings say.
    pub(crate) async fn durably(&self, writer: &mut AnyConnection, on: bool) -> Result<(), sqlx::Error> {
        if self.kind == Kind::Sqlite && self.settings.durability == Durability::Process {
            let statement = if on { "PRAGMA synchronous=FULL" } else { "PRAGMA synchronous=NORMAL" };
            sqlx::raw_sql(statement).execute(writer).await?;
        }
        Ok(())
    }

    pub(crate) async fn close(&self) -> Result<(), RegistryError> {
        let mut writer = self.writer.lock().await;
        self.readers.close().await;
        let mut ended = Ok(());
        if let Some(mut connection) = writer.take() {
            if self.kind == Kind::Sqlite {
                ended = self.end_run(&mut connection).await.map_err(|e| self.error(e));
            }
            ended = ended.and(connection.close().await.map_err(|e| self.error(e)));
        }
        if let Ok(mut owner) = self.owner.lock() {
            owner.take();
        }
        ended
    }

    async fn end_run(&self, writer: &mut AnyConnection) -> Result<(), sqlx::Error> {
        self.durably(writer, true).await?;
        sqlx::query("UPDATE run SET clean = 1 WHERE id = 1").execute(&mut *writer).await?;
        Ok(())
    }

    /// The writing connection, made anew if the last one broke.
    pub(crate) async fn writer(&self) -> Result<Writer<'_>, RegistryError> {
        let mut guard = self.writer.lock().await;
        if guard.is_none() {
            if self.readers.is_closed() {
                return Err(RegistryError::Unreachable { name: self.name.clone(), why: "it was closed".into() });
            }
            let mut connection = self.options.connect().await.map_err(|e| self.error(e))?;
            run(&mut connection, &writer_setup(self.kind, &self.settings)).await.map_err(|e| self.error(e))?;
            *guard = Some(connection);
        }
        Ok(Writer { database: self, guard })
    }

    pub(crate) fn known_head(&self) -> std::sync::MutexGuard<'_, Option<Head>> {
        self.head.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// A transaction that sees one state throughout.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Any>, RegistryError> {
        let begin = match self.kind {
            Kind::Sqlite => "BEGIN",
            Kind::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.readers.begin_with(begin).await.map_err(|e| self.error(e))
    }

    /// Moves what the write-ahead log holds into the file, beside the writer and without stopping it.
    pub(crate) async fn checkpoint(&self) -> Result<(), RegistryError> {
        if self.kind == Kind::Sqlite {
            let mut connection = self.options.connect().await.map_err(|e| self.error(e))?;
            let done = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut connection).await;
            let closed = connection.close().await;
            done.map_err(|e| self.error(e))?;
            closed.map_err(|e| self.error(e))?;
        }
        Ok(())
    }

    pub(crate) fn error(&self, error: sqlx::Error) -> RegistryError {
        RegistryError::from_sqlx(&self.name, error)
    }

    pub(crate) fn corrupt(&self, what: impl ToString) -> RegistryError {
        RegistryError::Corrupt { name: self.name.clone(), what: what.to_string() }
    }
}

/// The right to write, until dropped.
pub(crate) struct Writer<'a> {
    database: &'a Database,
    guard: MutexGuard<'a, Option<AnyConnection>>,
}

impl Writer<'_> {
    pub(crate) fn get(&mut self) -> Result<&mut AnyConnection, RegistryError> {
        self.guard.as_mut().ok_or_else(|| RegistryError::Unreachable {
            name: self.database.name.clone(),
            why: "the connection broke".into(),
        })
    }

    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_, Any>, RegistryError> {
        // A SQLite transaction that begins as a reader can fail to become a writer half-way.
        let begin = match self.database.kind {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        };
        let database = self.database;
        self.get()?.begin_with(begin).await.map_err(|e| database.error(e))
    }

    /// Gives the connection up; whatever it had open is rolled back, and the next writer gets a new one.
    pub(crate) fn discard(mut self) {
        self.guard.take();
    }
}

struct Address {
    kind: Kind,
    /// For messages: no password.
    name: String,
    file: Option<PathBuf>,
    url: String,
}

fn address(url: &str) -> Result<Address, RegistryError> {
    let bad = |why: &str| RegistryError::BadUrl { url: without_password(url), why: why.to_owned() };
    if let Some(rest) = url.strip_prefix("sqlite://") {
        let path = rest.split('?').next().unwrap_or_default();
        if !path.starts_with('/') {
            return Err(bad("the path of a SQLite registry is absolute"));
        }
        if rest.contains(['?', '%', '#']) {
            return Err(bad("the path holds one of ? % #"));
        }
        return Ok(Address {
            kind: Kind::Sqlite,
            name: path.to_owned(),
            file: Some(PathBuf::from(path)),
            url: format!("sqlite://{path}?mode=rwc"),
        });
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Address { kind: Kind::Postgres, name: without_password(url), file: None, url: url.to_owned() });
    }
    Err(bad("neither sqlite:// nor postgres://"))
}

fn without_password(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}

async fn run(connection: &mut AnyConnection, statements: &[String]) -> Result<(), sqlx::Error> {
    for statement in statements {
        // Only numbers from the settings are ever put into these texts.
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut *connection).await?;
    }
    Ok(())
}

fn writer_setup(kind: Kind, settings: &Settings) -> Vec<String> {
    match kind {
        Kind::Sqlite => {
            let mut setup = vec![
                format!("PRAGMA busy_timeout={}", settings.busy_ms),
                "PRAGMA journal_mode=WAL".to_owned(),
                "PRAGMA foreign_keys=ON".to_owned(),
                // Checkpoints run beside the writer; this bound is for when they do not keep up.
                "PRAGMA wal_autocheckpoint=16384".to_owned(),
                match settings.durability {
                    Durability::Process => "PRAGMA synchronous=NORMAL".to_owned(),
                    Durability::Power => "PRAGMA synchronous=FULL".to_owned(),
                },
            ];
            if let Some(bytes) = settings.max_bytes {
                setup.push(format!("PRAGMA max_page_count={}", (bytes / 4096).max(1)));
            }
            setup
        }
        Kind::Postgres => vec![format!("SET lock_timeout = {}", settings.busy_ms)],
    }
}

fn reader_setup(kind: Kind, settings: &Settings) -> Vec<String> {
    match kind {
        Kind::Sqlite => vec![format!("PRAGMA busy_timeout={}", settings.busy_ms), "PRAGMA query_only=ON".to_owned()],
        Kind::Postgres => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_or_refused_and_never_show_a_password() {
        let a = address("sqlite:///var/lib/x.db").unwrap();
        assert_eq!((a.kind, a.name.as_str()), (Kind::Sqlite, "/var/lib/x.db"));
        let a = address("postgres://me:secret@db.example/sekisho?password=secret").unwrap();
        assert_eq!((a.kind, a.name.as_str()), (Kind::Postgres, "postgres://db.example/sekisho"));
        for wrong in [
            "",
            "registry.db",
            "sqlite://registry.db",
            "sqlite::memory:",
            "sqlite:///a?mode=ro",
            "mysql://x:secret@y/z",
        ] {
            let error = address(wrong).err().unwrap();
            assert!(matches!(error, RegistryError::BadUrl { .. }) && !error.to_string().contains("secret"), "{error}");
        }
    }
}
