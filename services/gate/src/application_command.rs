//! `sekisho-gate application …`: what a person types, and what they are told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use applications::{Refused, Store};
use equipment::{Name, SignedPermit};
use gate::Config;
use texts::{Arg, Texts};

/// Applications of this device.
#[derive(clap::Args)]
pub struct Application {
    /// Configuration file. 設定ファイル
    #[arg(long, default_value = "/etc/sekisho/gate.toml", env = "SEKISHO_GATE_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Take an application, by a permit of the registration centre. AP 搭載許可証による搭載
    Install {
        /// The application: one file that can be run. アプリケーション（実行できる一つのファイル）
        package: PathBuf,
        /// The permit. 許可証
        #[arg(long)]
        permit: PathBuf,
    },
    /// Delete an application, by a permit of the registration centre. AP 削除許可証による削除
    Delete {
        /// Its name. 名前
        name: Name,
        /// The permit. 許可証
        #[arg(long)]
        permit: PathBuf,
    },
    /// Tell what is installed. 搭載しているものの一覧
    List,
    /// Verify an application and its permit again, and become it. 許可証を確かめて実行
    Run {
        /// Its name. 名前
        name: Name,
        /// What it is told. アプリケーションに渡す引数
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Runs one of them; 1 if it is refused, with every reason on standard error.
pub fn run(application: &Application, texts: &Texts) -> Result<ExitCode, files::Fault> {
    let config = Config::load(&application.config)?;
    match done(&config, &application.what, texts) {
        Ok(told) => {
            told.iter().for_each(|line| println!("{line}"));
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => {
            for reason in refused.reasons() {
                let lines = reason.lines(texts);
                eprintln!("{}  {}", texts.say("cli-label-refused", &[]), lines.refused);
                eprintln!("{}  {}", texts.say("cli-label-section", &[]), lines.section);
                eprintln!("{}  {}", texts.say("cli-label-remedy", &[]), lines.remedy);
            }
            Ok(ExitCode::from(1))
        }
    }
}

fn done(config: &Config, what: &What, texts: &Texts) -> Result<Vec<String>, Refused> {
    let (now, folder) = (gate::now(), gate::applications::folder(config));
    let device = || gate::applications::device(config);
    match what {
        What::Install { package, permit } => {
            let (permit, device) = (read_permit(permit)?, device()?);
            let octets = files::read(package).map_err(Refused::File)?;
            let mut store = Store::open(&folder)?;
            store.tidy()?;
            store.install(octets, &permit, &device, now)?.carry_out()?;
            Ok(vec![texts.say("application-installed", &facts(&permit))])
        }
        What::Delete { name, permit } => {
            let (permit, device) = (read_permit(permit)?, device()?);
            let mut store = Store::open(&folder)?;
            store.tidy()?;
            store.delete(name, &permit, &device, now)?.carry_out()?;
            Ok(vec![texts.say("application-deleted", &facts(&permit))])
        }
        What::List => {
            let store = Store::open(&folder)?;
            let rows = store.installed().map(|(_, one)| texts.say("application-row", &facts(&one.permit)));
            let rows: Vec<String> = rows.collect();
            Ok(if rows.is_empty() { vec![texts.say("application-none", &[])] } else { rows })
        }
        What::Run { name, arguments } => {
            let device = device()?;
            let store = Store::open(&folder)?;
            let checked = store.check(name, &device, now)?;
            // The lock is not for as long as the application runs.
            drop(store);
            Err(checked.exec(arguments))
        }
    }
}

fn read_permit(path: &Path) -> Result<SignedPermit, Refused> {
    let text = files::text(path).map_err(Refused::File)?;
    SignedPermit::from_toml(&text).map_err(|refusal| Refused::Permit(vec![refusal]))
}

fn facts(permit: &SignedPermit) -> [(&'static str, Arg); 6] {
    let permit = &permit.permit;
    [
        ("name", Arg::text(&permit.application)),
        ("version", Arg::text(&permit.version)),
        ("length", Arg::text(permit.package.length)),
        ("number", Arg::text(&permit.number)),
        ("issuer", Arg::text(&permit.issuer)),
        ("until", Arg::Time(permit.valid_until)),
    ]
}
