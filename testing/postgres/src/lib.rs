//! A PostgreSQL server of the tests' own: a directory, a Unix socket, no network. Stops and clears away with whoever
//! started it. A fixture that cannot be set up panics with what is missing.
#![allow(clippy::unwrap_used)]

use sqlx::{Connection, Executor};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

const BIN: &str = "/usr/lib/postgresql/15/bin";

/// Runs until the last test that uses it lets go.
#[derive(Debug)]
pub struct Server {
    supervisor: Child,
    directory: PathBuf,
    databases: AtomicU32,
}

/// Stops and clears away when its standard input ends, so also when the tests are killed.
const SUPERVISOR: &str = r#"
set -e
d=$(mktemp -d /tmp/sk-registry-pg.XXXXXX)
trap 'rm -rf "$d"' EXIT
"$1/initdb" -D "$d/data" -U center -A trust -E UTF8 --no-sync >"$d/initdb.log" 2>&1 || { cat "$d/initdb.log" >&2; exit 1; }
"$1/postgres" -D "$d/data" -k "$d" -c listen_addresses= -c fsync=off -c max_connections=200 >"$d/log" 2>&1 </dev/null &
pid=$!
until "$1/pg_isready" -q -h "$d"; do kill -0 $pid || { cat "$d/log" >&2; exit 1; }; sleep 0.05; done
echo "$d"
cat >/dev/null
kill -QUIT $pid
wait $pid || true
"#;

impl Server {
    /// The server of this process, started if nobody uses it yet.
    pub fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(|e| e.into_inner());
        running.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *running = Arc::downgrade(&server);
            server
        })
    }

    fn start() -> Self {
        assert!(
            std::path::Path::new(BIN).join("initdb").exists(),
            "{BIN}/initdb is missing: install the Debian package postgresql-15"
        );
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISOR, "sh", BIN]).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        // PostgreSQL refuses to run as root.
        if let Some((uid, gid)) = postgres_account() {
            command.uid(uid).gid(gid);
        }
        let mut supervisor = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "PostgreSQL did not start");
        Self { supervisor, directory: line.trim().into(), databases: AtomicU32::new(0) }
    }

    /// An empty database; its address.
    pub async fn new_database(&self) -> String {
        sqlx::any::install_default_drivers();
        let name = format!("registry_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut admin = sqlx::AnyConnection::connect(&self.url("postgres")).await.unwrap();
        admin.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))).await.unwrap();
        admin.close().await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let directory = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://center@{directory}/{database}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// The account the Debian package makes, if we are root.
fn postgres_account() -> Option<(u32, u32)> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    if !status.lines().any(|l| l.starts_with("Uid:") && l.split_whitespace().nth(2) == Some("0")) {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|l| l.starts_with("postgres:")).expect("install the Debian package postgresql-15");
    let fields: Vec<_> = line.split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}
