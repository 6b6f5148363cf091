//! `sekisho-gate`: reads its configuration and runs until SIGTERM or SIGINT.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// The gate of one site: switch, tunnels and filter under the center's signed orders.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Configuration file.
    #[arg(long, default_value = "/etc/sekisho/gate.toml", env = "SEKISHO_GATE_CONFIG")]
    config: PathBuf,
    /// Check the configuration and its certificates, then exit.
    #[arg(long)]
    check: bool,
    /// Read the switch over its OpenFlow management socket (e.g. /run/openvswitch/br0.mgmt), prove what it really holds
    /// against the state kept on disk, and exit: 0 if it is exactly that and proved, 1 if not, 2 without a verdict.
    #[arg(long, value_name = "SOCKET")]
    audit: Option<PathBuf>,
    /// Language of what the audit tells; the environment's otherwise.
    #[arg(long, value_name = "ja|en")]
    lang: Option<texts::Lang>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEKISHO_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match start(&arguments) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(%error, "the gate cannot start");
            ExitCode::from(2)
        }
    }
}

fn start(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = gate::Config::load(&arguments.config)?;
    if arguments.check {
        gate::Trust::new(&config, gate::now().unix_seconds())?;
        gate::order_key(&config.center.order_key)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(socket) = &arguments.audit {
        let audit = runtime.block_on(gate::audit(&config, socket))?;
        let from_environment = || texts::Lang::from_environment(|name| std::env::var(name).ok());
        let texts = texts::Texts::new(arguments.lang.unwrap_or_else(from_environment));
        print!("{}", gate::told(&audit, &texts));
        return Ok(if audit.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) });
    }
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        gate::run(config, stop).await?;
        Ok(ExitCode::SUCCESS)
    })
}
