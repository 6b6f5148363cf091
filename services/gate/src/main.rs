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
    /// Language of what is told; the environment's otherwise.
    #[arg(long, value_name = "ja|en", global = true)]
    lang: Option<texts::Lang>,
    /// Something else than running.
    #[command(subcommand)]
    command: Option<Command>,
}

/// What a gate does besides running.
#[derive(clap::Subcommand)]
enum Command {
    /// Become a gate: make the key, fetch certificate and papers with a one-time token, write the configuration.
    Enroll {
        /// The token, `sekisho-once-…`; `-` reads it from standard input.
        #[arg(long)]
        token: String,
        /// How the machine is laid out.
        #[command(flatten)]
        machine: Machine,
    },
    /// Fetch revocation lists and papers again, and a new certificate in time. To be run every few hours.
    Refresh {
        /// The site.
        #[arg(long)]
        site: model::SiteId,
        /// How the machine is laid out.
        #[command(flatten)]
        machine: Machine,
    },
}

/// How the machine is laid out.
#[derive(clap::Args)]
struct Machine {
    /// Folder for gate-<site>.toml, and the papers in gate-<site> beside it.
    #[arg(long, default_value = "/etc/sekisho")]
    into: PathBuf,
    /// Folder for the gate's state; /var/lib/sekisho-gate-<site> if absent.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The red network namespace; /run/netns/sk-<site>-red if absent.
    #[arg(long)]
    red: Option<PathBuf>,
    /// Where the switch dials in, in red.
    #[arg(long, default_value = "169.254.77.1:6653")]
    openflow: std::net::SocketAddr,
    /// strongSwan's VICI socket; /run/sekisho-charon-<site>/charon.vici if absent.
    #[arg(long)]
    vici: Option<PathBuf>,
}

impl From<&Machine> for gate::Layout {
    fn from(machine: &Machine) -> Self {
        Self {
            folder: machine.into.clone(),
            data: machine.data.clone(),
            red: machine.red.clone(),
            openflow: machine.openflow,
            vici: machine.vici.clone(),
        }
    }
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

fn enrolled(command: &Command, lang: Option<texts::Lang>) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let lang = lang.unwrap_or_else(|| texts::Lang::from_environment(|name| std::env::var(name).ok()));
    let texts = texts::Texts::new(lang);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let now = gate::now().unix_seconds();
    let done = runtime.block_on(async {
        match command {
            Command::Enroll { token, machine } => {
                let token = if token == "-" { std::io::read_to_string(std::io::stdin())? } else { token.clone() };
                gate::enroll(&token, &machine.into(), now, lang.as_str())
                    .await
                    .map_err(Box::<dyn std::error::Error>::from)
            }
            Command::Refresh { site, machine } => Ok(gate::refresh(site, &machine.into(), now, lang.as_str()).await?),
        }
    })?;
    let until = model::Timestamp::from_unix_seconds(done.not_after);
    let identity = format!("urn:sekisho:gate:{}", done.site);
    let certificate = texts.say("enrol-certificate", &[("identity", identity.into()), ("until", until.into())]);
    println!("{}  {certificate}", texts.say("enrol-label-certificate", &[]));
    println!("{}  {}", texts.say("enrol-gate-ready", &[]), done.config.display());
    if matches!(command, Command::Enroll { .. }) {
        println!(
            "{}  {}",
            texts.say("enrol-label-next", &[]),
            texts.say("enrol-gate-next", &[("site", done.site.to_string().into())])
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn start(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    if let Some(command) = &arguments.command {
        return enrolled(command, arguments.lang);
    }
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
