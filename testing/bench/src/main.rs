//! `sekisho-bench controller|connect|scenarios|verify [--json FILE] [--plot FILE]`: measures against a peer in the same
//! run.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use bench::{BenchError, Noise, Row};
use clap::{Parser, ValueEnum};

/// Measures against a peer in the same run; exit 0 means measured, not fast.
#[derive(Parser)]
#[command(name = "sekisho-bench")]
struct Arguments {
    /// What to measure.
    what: What,
    /// Write the rows here as a JSON array.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write how cost grows here as a picture (SVG); `verify` only.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// So many rounds of each; `connect` only. Fewer are for a quick look.
    #[arg(long, value_name = "N", default_value_t = bench::connect::ROUNDS)]
    rounds: usize,
    /// Measure only this; `verify` only.
    #[arg(long, value_name = "PART")]
    only: Option<bench::verify::Part>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// First packets answered: gates against ovs-testcontroller.
    Controller,
    /// From a request to the first byte, from a close to the last packet.
    Connect,
    /// Lines cut, revoked, opened beside a flood.
    Scenarios,
    /// What proving every change costs, and how it grows.
    Verify,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.what, What::Connect | What::Scenarios)
        && let Err(error) = bench::connect::with_card_reader()
    {
        eprintln!("sekisho-bench: {error}");
        return ExitCode::FAILURE;
    }
    if matches!(arguments.what, What::Verify) {
        as_the_center_is_started();
    } else {
        lab::enter();
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sekisho-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The proof is measured with the large pages that the center's unit file asks for: glibc reads its tunables when a
/// program starts, so this one starts again. Who sets them otherwise measures that.
fn as_the_center_is_started() {
    const TUNABLES: &str = "GLIBC_TUNABLES";
    if std::env::var_os(TUNABLES).is_none() {
        let arguments = std::env::args_os().skip(1);
        let again = Command::new("/proc/self/exe").args(arguments).env(TUNABLES, "glibc.malloc.hugetlb=1").exec();
        eprintln!("sekisho-bench: measuring with small pages: {again}");
    }
}

fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let progress = |what: &str| eprintln!("… {what}");
    let noise = Noise::begin();
    let (rows, notes): (Vec<Row>, String) = match arguments.what {
        What::Controller => bench::controller::measure(&progress)?,
        What::Connect => {
            let (mut rows, notes) = bench::connect::measure(arguments.rounds, &progress)?;
            rows.extend(bench::plan_open(&progress)?);
            (rows, notes)
        }
        What::Scenarios => bench::scenarios::measure(&progress)?,
        What::Verify => {
            let measured = bench::verify::measure(arguments.only, &progress)?;
            if let Some(path) = &arguments.plot {
                write(path, &measured.picture)?;
            }
            (measured.rows, measured.notes)
        }
    };
    print!("{}", bench::table(&rows));
    println!("{notes}{}", noise.end());
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&rows).map_err(|e| BenchError::Subject(e.to_string()))?;
        write(path, &(text + "\n"))?;
    }
    Ok(())
}

fn write(path: &std::path::Path, text: &str) -> Result<(), BenchError> {
    std::fs::write(path, text).map_err(|source| BenchError::File { path: path.to_owned(), source })
}
