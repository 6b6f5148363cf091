//! `sekisho-crowd [--json FILE] [--people N] [--seconds N]`: two hundred people who join at once, on SQLite and on
//! PostgreSQL, and searches in a directory of 240,000 institutions.
//!
//! People who join call the use cases as the pages do, with the real cost of password hashes, a mail room that empties
//! the outbox, and operators who approve. Pages that people read are asked over HTTP; TLS is not in these numbers.

mod pages;
mod people;
mod search;

use clap::Parser;
use measure::{Noise, Row};
use reception::{Joining, Operator, RealWorld, Refused, Settings};
use registry::{Registry, RegistryError};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Sessions and links that the readers of pages share.
const READERS: usize = 20;

/// Measures joining; exit 0 means measured, not fast.
#[derive(Parser)]
#[command(name = "sekisho-crowd")]
struct Arguments {
    /// Write the rows here as a JSON array.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// So many people at once.
    #[arg(long, value_name = "N", default_value_t = 200)]
    people: usize,
    /// For so many seconds, on each database and for each part.
    #[arg(long, value_name = "N", default_value_t = 15)]
    seconds: u64,
    /// So many institutions.
    #[arg(long, value_name = "N", default_value_t = directory::ALL_OF_JAPAN)]
    institutions: usize,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
enum CrowdError {
    #[error("{} {:?}", .0.code(), .0)]
    Refused(Refused),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    #[error("{0}")]
    Subject(String),
}

impl From<Refused> for CrowdError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    match runtime.block_on(run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("sekisho-crowd: {why}");
    ExitCode::FAILURE
}

async fn run(arguments: &Arguments) -> Result<(), CrowdError> {
    let noise = Noise::begin();
    let folder = tempfile::tempdir().map_err(|e| CrowdError::File("a temporary directory".into(), e))?;
    let server = postgres::Server::shared();
    let places = [
        ("SQLite", format!("sqlite://{}/registry.db", folder.path().display())),
        ("PostgreSQL", server.new_database().await),
    ];
    let mut rows = Vec::new();
    for (name, url) in &places {
        eprintln!("… {name}: {} institutions", arguments.institutions);
        let registry = Registry::open(url).await?;
        let settings = Settings::new("https://join.example", "https://inside.example", "desk@center.example");
        let joining = Joining::new(registry, settings, Arc::new(RealWorld));
        let begin = Instant::now();
        let all = directory::institutions(arguments.institutions, 1);
        joining.put_institutions(&Operator::new("bench"), all).await?;
        rows.push(once(format!("{name}: put {} institutions in", arguments.institutions), "s", begin));
        let begin = Instant::now();
        joining.search_institutions(None, "青葉", 20).await?;
        rows.push(once(format!("{name}: first search, which reads them all"), "s", begin));
        rows.extend(search::measure(name, url, &joining).await?);
        eprintln!("… {name}: one person, the whole path");
        rows.push(people::alone(name, &joining).await?);
        eprintln!("… {name}: {} people at once", arguments.people);
        rows.extend(people::together(name, &joining, arguments.people, arguments.seconds).await?);
        eprintln!("… {name}: {} people who read pages", arguments.people);
        let readers = people::readers(&joining, READERS).await?;
        rows.extend(pages::measure(name, &joining, &readers, arguments.people, arguments.seconds).await?);
        joining.registry().close().await?;
    }
    print!("{}", measure::table(&rows));
    println!("without TLS; Argon2id as in production; {}", noise.end());
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&rows).map_err(|e| CrowdError::Subject(e.to_string()))?;
        std::fs::write(path, text + "\n").map_err(|e| CrowdError::File(path.clone(), e))?;
    }
    Ok(())
}

fn once(metric: String, unit: &str, begin: Instant) -> Row {
    let took = begin.elapsed().as_secs_f64();
    Row::new(metric, unit, measure::Summary { median: took, p99: took, n: 1 }, None)
}
