//! `sekisho-center`: reads its configuration and runs until SIGTERM or SIGINT.

use center::RunError;
use clap::Parser;
use model::Section;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use texts::{Arg, Lang, Texts};
use tokio::signal::unix::{SignalKind, signal};

/// The center: judges requests, proves plans, orders gates, keeps the record. センター：判定・証明・指示・記録
#[derive(Parser)]
#[command(name = "sekisho-center", version)]
struct Arguments {
    /// Configuration file. 設定ファイル
    #[arg(long, default_value = "/etc/sekisho/center.toml", env = "SEKISHO_CENTER_CONFIG")]
    config: PathBuf,
    /// Check the configuration and every file it names, then exit. 設定とファイルを確かめて終了
    #[arg(long)]
    check: bool,
    /// Language of what is told; the environment's otherwise. 表示言語
    #[arg(long, value_name = "ja|en")]
    lang: Option<Lang>,
}

fn main() -> ExitCode {
    let arguments: Arguments = usage::read();
    let texts = Texts::new(Lang::chosen(arguments.lang, |name| std::env::var(name).ok()));
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEKISHO_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = if arguments.check { checked(&arguments.config, &texts) } else { start(&arguments.config) };
    let Err(faults) = done else { return ExitCode::SUCCESS };
    if !arguments.check {
        faults.iter().for_each(|error| tracing::error!(%error, "the center cannot start or go on"));
    }
    eprint!("{}", last_words(&texts, arguments.check, &faults));
    ExitCode::from(2)
}

/// For the person who started it, in their language.
fn last_words(texts: &Texts, checking: bool, faults: &[RunError]) -> String {
    let headline = match (checking, faults.iter().any(RunError::is_late)) {
        (true, _) => "startup-check-fails",
        (false, true) => "startup-stops",
        (false, false) => "startup-fails",
    };
    let count = Arg::Number(i64::try_from(faults.len()).unwrap_or(i64::MAX));
    let headline = texts.say(headline, &[("program", "sekisho-center".into()), ("count", count)]);
    let of = |error: &RunError| (error.words(), Section::Operator, "startup-side-center");
    texts::last_words(texts, &headline, &faults.iter().map(of).collect::<Vec<_>>())
}

/// Every file of the configuration is looked at, and nothing started.
fn checked(path: &Path, texts: &Texts) -> Result<(), Vec<RunError>> {
    let config = center::Config::load(path).map_err(|fault| vec![fault.into()])?;
    center::check(&config)?;
    println!("{}", texts.say("startup-center-checked", &[("path", Arg::text(path.display()))]));
    Ok(())
}

fn start(path: &Path) -> Result<(), Vec<RunError>> {
    run(path).map_err(|error| vec![error])
}

fn run(path: &Path) -> Result<(), RunError> {
    let config = center::Config::load(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        center::run(config, stop).await
    })
}
