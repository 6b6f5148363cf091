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
        return Ok(tell(&runtime.block_on(gate::audit(&config, socket))?));
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

/// One line a finding, English as every log of the gate.
fn tell(audit: &site::Audit) -> ExitCode {
    for strange in &audit.strange {
        println!("strange: {strange}");
    }
    for (word, rules) in [("missing", &audit.missing), ("surplus", &audit.surplus)] {
        for rule in rules {
            match site::to_entry(rule) {
                Ok((key, body)) => println!("{word}: {}", site::to_add(&key, &body)),
                Err(error) => println!("{word}: {rule:?} ({error})"),
            }
        }
    }
    match &audit.verdict {
        Ok(state) => println!("proved: {} entries, {}", audit.entries, state.state().generation),
        Err(refutation) => println!("refuted: {refutation}"),
    }
    if audit.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
