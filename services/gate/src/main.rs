//! `sekisho-gate`: reads its configuration and runs until SIGTERM or SIGINT.

mod application_command;

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
        /// Make the key in a secure element, which it never leaves, instead of in a file: its PKCS#11 module (for a TPM 2.0
        /// libtpm2_pkcs11.so), the label of the token, a file with its PIN, and the key's label if it is not `gate`.
        #[arg(long, value_name = "module=FILE,token=LABEL,pin-file=FILE[,key=LABEL]")]
        element: Option<gate::Element>,
        /// With a token for a device's own certificate (機器証明書): the element's provisional certificate, whose key is in the
        /// element by the label `provisional`.
        #[arg(long, value_name = "FILE", requires = "element")]
        provisional: Option<PathBuf>,
        /// Likewise: the registration authority's certificate, which permits of applications are verified by.
        #[arg(long, value_name = "FILE")]
        registration_ca: Option<PathBuf>,
        /// How the machine is laid out.
        #[command(flatten)]
        machine: Machine,
    },
    /// Applications of this device: taken, deleted and run only by permits of the registration centre.
    Application(application_command::Application),
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
            element: None,
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
    let done = match command {
        Command::Application(application) => return application_command::run(application, &texts),
        Command::Enroll { token, element, provisional, registration_ca, machine } => {
            let layout = gate::Layout { element: element.clone(), ..machine.into() };
            let token = if token == "-" { std::io::read_to_string(std::io::stdin())? } else { token.clone() };
            if gate::is_for_equipment(&token) {
                let (provisional, registration_ca) = (provisional.clone(), registration_ca.clone());
                let provenance = gate::Provenance { provisional, registration_ca };
                let registered = runtime.block_on(gate::register(&token, &layout, &provenance, lang.as_str()))?;
                told(&texts, &registered.device.uri(), registered.not_after);
                println!("{}  {}", texts.say("enrol-label-file", &[]), registered.certificate.display());
                return Ok(ExitCode::SUCCESS);
            }
            runtime.block_on(gate::enroll(&token, &layout, now, lang.as_str()))?
        }
        Command::Refresh { site, machine } => {
            runtime.block_on(gate::refresh(site, &machine.into(), now, lang.as_str()))?
        }
    };
    told(&texts, &format!("urn:sekisho:gate:{}", done.site), done.not_after);
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

fn told(texts: &texts::Texts, identity: &str, not_after: i64) {
    let until = model::Timestamp::from_unix_seconds(not_after);
    let certificate = texts.say("enrol-certificate", &[("identity", identity.into()), ("until", until.into())]);
    println!("{}  {certificate}", texts.say("enrol-label-certificate", &[]));
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
    let runtime = match &config.certificates.element {
        None => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        // While an element signs for one connection, the others go on.
        Some(_) => tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?,
    };
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
