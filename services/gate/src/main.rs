//! `sekisho-gate`: reads its configuration and runs until SIGTERM or SIGINT.

mod application_command;

use clap::Parser;
use gate::{StartError, TrustError};
use model::Section;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use texts::{Arg, Lang, Texts, Words};
use tokio::signal::unix::{SignalKind, signal};

/// The gate of one site: switch, tunnels and filter under the center's signed orders. 拠点のゲート
#[derive(Parser)]
#[command(name = "sekisho-gate", version)]
struct Arguments {
    /// Configuration file. 設定ファイル
    #[arg(long, default_value = "/etc/sekisho/gate.toml", env = "SEKISHO_GATE_CONFIG")]
    config: PathBuf,
    /// Check the configuration and its certificates, then exit. 設定と証明書を確かめて終了
    #[arg(long)]
    check: bool,
    /// Read the switch over its OpenFlow management socket (e.g. /run/openvswitch/br0.mgmt), prove what it really holds
    /// against the state kept on disk, and exit: 0 if it is exactly that and proved, 1 if not, 2 without a verdict.
    /// スイッチの実際の内容を、保存した状態と証明に照らして確かめて終了
    #[arg(long, value_name = "SOCKET")]
    audit: Option<PathBuf>,
    /// Language of what is told; the environment's otherwise. 表示言語
    #[arg(long, value_name = "ja|en", global = true)]
    lang: Option<Lang>,
    /// Something else than running. 起動以外の操作
    #[command(subcommand)]
    command: Option<Command>,
}

/// What a gate does besides running.
#[derive(clap::Subcommand)]
enum Command {
    /// Become a gate: make the key, fetch certificate and papers with a one-time token, write the configuration.
    /// 一度だけ使えるトークンで、証明書と書類を取得して設定を書く
    Enroll {
        /// The token, `sekisho-once-…`; `-` reads it from standard input. トークン。- なら標準入力から読む
        #[arg(long)]
        token: String,
        /// Make the key in a secure element, which it never leaves, instead of in a file: its PKCS#11 module (for a TPM 2.0
        /// libtpm2_pkcs11.so), the label of the token, a file with its PIN, and the key's label if it is not `gate`.
        /// 鍵をセキュアエレメントの中に作る
        #[arg(long, value_name = "module=FILE,token=LABEL,pin-file=FILE[,key=LABEL]")]
        element: Option<gate::Element>,
        /// With a token for a device's own certificate (機器証明書): the element's provisional certificate, whose key is in the
        /// element by the label `provisional`. 機器の登録のときだけ：仮の機器証明書
        #[arg(long, value_name = "FILE", requires = "element")]
        provisional: Option<PathBuf>,
        /// Likewise: the registration authority's certificate, which permits of applications are verified by.
        /// 機器の登録のときだけ：登録局の証明書
        #[arg(long, value_name = "FILE")]
        registration_ca: Option<PathBuf>,
        /// How the machine is laid out. 機器の構成
        #[command(flatten)]
        machine: Machine,
    },
    /// Applications of this device: taken, deleted and run only by permits of the registration centre.
    /// この機器のアプリケーション：許可証による搭載・削除・実行
    Application(application_command::Application),
    /// Fetch revocation lists and papers again, and a new certificate in time. To be run every few hours.
    /// 失効リストと書類の再取得、証明書の更新。数時間ごとに実行する
    Refresh {
        /// The site. 拠点
        #[arg(long)]
        site: model::SiteId,
        /// How the machine is laid out. 機器の構成
        #[command(flatten)]
        machine: Machine,
    },
}

/// How the machine is laid out.
#[derive(clap::Args)]
struct Machine {
    /// Folder for gate-<site>.toml, and the papers in gate-<site> beside it. 設定と書類のフォルダ
    #[arg(long, default_value = "/etc/sekisho")]
    into: PathBuf,
    /// Folder for the gate's state; /var/lib/sekisho-gate-<site> if absent. 状態を保存するフォルダ
    #[arg(long)]
    data: Option<PathBuf>,
    /// The red network namespace; /run/netns/sk-<site>-red if absent. LAN 側のネットワーク名前空間
    #[arg(long)]
    red: Option<PathBuf>,
    /// Where the switch dials in, in red. スイッチが接続してくるアドレス
    #[arg(long, default_value = "169.254.77.1:6653")]
    openflow: std::net::SocketAddr,
    /// strongSwan's VICI socket; /run/sekisho-charon-<site>/charon.vici if absent. strongSwan の制御ソケット
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

/// What ends the process, as the person who started it reads it.
#[derive(Debug)]
struct Failed {
    words: Words,
    side: (Section, &'static str),
}

/// All of it is this machine's but what comes from the center and from authorities.
const HERE: (Section, &str) = (Section::InHouseLan, "startup-side-gate");

impl From<StartError> for Failed {
    fn from(error: StartError) -> Self {
        let side = match &error {
            StartError::Trust(TrustError::NotAGate { .. }) => (Section::Operator, "startup-side-authority"),
            _ => HERE,
        };
        Self { words: error.words(), side }
    }
}
impl From<files::Fault> for Failed {
    fn from(fault: files::Fault) -> Self {
        Self { words: fault.into(), side: HERE }
    }
}
impl From<gate::AuditError> for Failed {
    fn from(error: gate::AuditError) -> Self {
        Self { words: error.words(), side: HERE }
    }
}
impl From<gate::EnrollError> for Failed {
    fn from(error: gate::EnrollError) -> Self {
        Self { words: error.words(), side: error.side() }
    }
}
impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self { words: gate::Fault::System { said: error.to_string() }.words(), side: HERE }
    }
}

fn main() -> ExitCode {
    let arguments: Arguments = usage::read();
    let texts = Texts::new(Lang::chosen(arguments.lang, |name| std::env::var(name).ok()));
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEKISHO_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let (done, headline) = match &arguments.command {
        Some(command) => (enrolled(command, &texts).map_err(|failed| vec![failed]), "startup-command-fails"),
        None if arguments.check => (checked(&arguments.config, &texts), "startup-check-fails"),
        None if arguments.audit.is_some() => (start(&arguments, &texts).map_err(|f| vec![f]), "startup-command-fails"),
        None => (start(&arguments, &texts).map_err(|failed| vec![failed]), "startup-fails"),
    };
    let faults = match done {
        Ok(code) => return code,
        Err(faults) => faults,
    };
    let stops = faults.iter().any(|failed| failed.words == gate::Fault::TakenOver {}.words());
    if headline == "startup-fails" {
        faults.iter().for_each(|failed| tracing::error!(error = %failed.words, "the gate cannot start or go on"));
    }
    let count = Arg::Number(i64::try_from(faults.len()).unwrap_or(i64::MAX));
    let headline = if stops { "startup-stops" } else { headline };
    let headline = texts.say(headline, &[("program", "sekisho-gate".into()), ("count", count)]);
    let faults: Vec<_> = faults.into_iter().map(|f| (f.words, f.side.0, f.side.1)).collect();
    eprint!("{}", texts::last_words(&texts, &headline, &faults));
    ExitCode::from(2)
}

/// Every file of the configuration is looked at, and nothing started.
fn checked(path: &Path, texts: &Texts) -> Result<ExitCode, Vec<Failed>> {
    let config = gate::Config::load(path).map_err(|fault| vec![fault.into()])?;
    let found = gate::check(&config).map_err(|faults| faults.into_iter().map(Failed::from).collect::<Vec<_>>())?;
    let until = model::Timestamp::from_unix_seconds(found.not_after);
    let args = [("path", Arg::text(path.display())), ("site", Arg::text(&config.site)), ("until", until.into())];
    println!("{}", texts.say("startup-gate-checked", &args));
    Ok(ExitCode::SUCCESS)
}

fn enrolled(command: &Command, texts: &Texts) -> Result<ExitCode, Failed> {
    let lang = texts.lang();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let now = gate::now().unix_seconds();
    let done = match command {
        Command::Application(application) => return Ok(application_command::run(application, texts)?),
        Command::Enroll { token, element, provisional, registration_ca, machine } => {
            let layout = gate::Layout { element: element.clone(), ..machine.into() };
            let token = if token == "-" { typed()? } else { token.clone() };
            if gate::is_for_equipment(&token) {
                let (provisional, registration_ca) = (provisional.clone(), registration_ca.clone());
                let provenance = gate::Provenance { provisional, registration_ca };
                let registered = runtime.block_on(gate::register(&token, &layout, &provenance, lang.as_str()))?;
                told(texts, &registered.device.uri(), registered.not_after);
                println!("{}  {}", texts.say("enrol-label-file", &[]), registered.certificate.display());
                return Ok(ExitCode::SUCCESS);
            }
            runtime.block_on(gate::enroll(&token, &layout, now, lang.as_str()))?
        }
        Command::Refresh { site, machine } => {
            runtime.block_on(gate::refresh(site, &machine.into(), now, lang.as_str()))?
        }
    };
    told(texts, &format!("urn:sekisho:gate:{}", done.site), done.not_after);
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

/// A token on standard input.
fn typed() -> Result<String, Failed> {
    std::io::read_to_string(std::io::stdin()).map_err(|error| files::Fault::io("/dev/stdin".as_ref(), &error).into())
}

fn told(texts: &Texts, identity: &str, not_after: i64) {
    let until = model::Timestamp::from_unix_seconds(not_after);
    let certificate = texts.say("enrol-certificate", &[("identity", identity.into()), ("until", until.into())]);
    println!("{}  {certificate}", texts.say("enrol-label-certificate", &[]));
}

fn start(arguments: &Arguments, texts: &Texts) -> Result<ExitCode, Failed> {
    let config = gate::Config::load(&arguments.config)?;
    let runtime = match &config.certificates.element {
        None => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        // While an element signs for one connection, the others go on.
        Some(_) => tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?,
    };
    if let Some(socket) = &arguments.audit {
        let audit = runtime.block_on(gate::audit(&config, socket))?;
        print!("{}", gate::told(&audit, texts));
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
