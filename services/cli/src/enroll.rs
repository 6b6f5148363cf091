//! A certificate for this machine: the key is made here and stays here (R10).

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use enrolment::{Client, Fetched, Key, OneTimeToken, ServerTrust, keep};
use files::Fault;
use serde::Serialize;
use texts::{Arg, Texts};

use crate::config::Card;
use crate::failure::{Failure, Unfit};
use crate::pin;
use crate::render::Shown;

/// Label of the key on a token, and the stem of the files.
const NAME: &str = "sekisho-service";
/// A one-time token has a few hundred characters.
const LONGEST_CODE: u64 = 4096;

/// What to do with cards and certificates.
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Fetch a service certificate with an issuing code; the key is made here. サービス利用証明書の取得
    Enroll(Enroll),
    /// Fetch a new certificate with the present one, while it still counts. サービス利用証明書の更新
    Renew(Renew),
    /// Confirm with the card what a page of the portal waits for: the code on the page says what. カードによる確認
    Confirm(crate::confirm::Confirm),
}

/// Where a certificate and its key go.
#[derive(Debug, Args)]
pub struct Place {
    /// Folder for key and certificate. 鍵と証明書を置くフォルダ
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub into: PathBuf,
    /// Make the key on the PKCS#11 token with this label instead of a file. 鍵を作るトークンのラベル
    #[arg(long, value_name = "LABEL")]
    pub token: Option<String>,
    /// Read the token's PIN from this descriptor instead of asking. PIN を読む記述子の番号
    #[arg(long, value_name = "N")]
    pub pin_fd: Option<u32>,
}

/// Fetch a certificate.
#[derive(Debug, Args)]
pub struct Enroll {
    /// Where certificates are fetched, `https://host:port`; a one-time token says it itself. 発行窓口
    #[arg(long, value_name = "ADDRESS")]
    pub server: Option<String>,
    /// User ID; a one-time token says it itself. ユーザ ID
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// PEM file of the CA that the server is known by. センターの認証局証明書
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Read the issuing code or the one-time token from this descriptor instead of asking. 発行コードを読む記述子の番号
    #[arg(long, value_name = "N")]
    pub code_fd: Option<u32>,
    /// Where it goes.
    #[command(flatten)]
    pub place: Place,
}

/// Renew a certificate.
#[derive(Debug, Args)]
pub struct Renew {
    /// Where certificates are fetched, `https://host:port`. 発行窓口
    #[arg(long, value_name = "ADDRESS")]
    pub server: String,
    /// PEM file of the CA that the server is known by. センターの認証局証明書
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// Where it lies.
    #[command(flatten)]
    pub place: Place,
}

#[derive(Serialize)]
struct Report {
    identity: String,
    serial: String,
    not_after: String,
    certificate: PathBuf,
    key: Option<PathBuf>,
}

/// Runs one of them. `reader` is needed for a token only.
pub async fn run(command: &CardCommand, reader: Option<&Card>, texts: &Texts) -> Result<Shown, Failure> {
    match command {
        CardCommand::Enroll(enroll) => first(enroll, reader, texts).await,
        CardCommand::Renew(renew) => again(renew, reader, texts).await,
        CardCommand::Confirm(confirm) => crate::confirm::run(confirm, reader, texts).await,
    }
}

async fn first(enroll: &Enroll, reader: Option<&Card>, texts: &Texts) -> Result<Shown, Failure> {
    let typed = pin::secret(enroll.code_fd, &texts.say("enrol-code-prompt", &[]), LONGEST_CODE)?;
    let (url, trust, label, name, code) = match OneTimeToken::read(&typed) {
        Ok(token) => {
            let trust = ServerTrust::Key(token.server_key);
            (token.url, trust, token.label, token.name, token.code)
        }
        Err(_) => {
            let missing = |what: &str| Failure::Misread(format!("--{what}"));
            let url = enroll.server.clone().ok_or_else(|| missing("server"))?;
            let name = enroll.user.clone().ok_or_else(|| missing("user"))?;
            let ca = enroll.ca.clone().ok_or_else(|| missing("ca"))?;
            (url, ServerTrust::File(ca), "service".to_owned(), name, typed)
        }
    };
    let key = key(&enroll.place, reader, texts)?;
    let mut client = Client::reach(&url, &trust, None, texts.lang().as_str()).await?;
    let fetched = client.enroll(&label, &name, &code, &key).await?;
    put(&enroll.place, &key, &fetched, texts)
}

async fn again(renew: &Renew, reader: Option<&Card>, texts: &Texts) -> Result<Shown, Failure> {
    let key = key(&renew.place, reader, texts)?;
    let path = certificate_file(&renew.place);
    let present = certificates(&path)?;
    let leaf = present.first().and_then(|der| pki::Certificate::parse(der).ok());
    let name = leaf.and_then(|leaf| leaf.subject().common_name().map(str::to_owned));
    let name = name.ok_or_else(|| Fault::of(&path, Unfit::NotOurs {}))?;
    let label = leaf_label(&present);
    let trust = ServerTrust::File(renew.ca.clone());
    let shown = Some((present, key.clone()));
    let mut client = Client::reach(&renew.server, &trust, shown, texts.lang().as_str()).await?;
    let fetched = client.renew(&label, &name, &key).await?;
    put(&renew.place, &key, &fetched, texts)
}

/// What the center calls the kind of a certificate.
fn leaf_label(present: &[Vec<u8>]) -> String {
    let leaf = present.first().and_then(|der| pki::Certificate::parse(der).ok());
    let uris = leaf.map(|leaf| leaf.uris().to_vec()).unwrap_or_default();
    let kind = uris.iter().find_map(|uri| uri.strip_prefix("urn:sekisho:")?.split(':').next());
    kind.filter(|kind| *kind != "user").unwrap_or("service").to_owned()
}

fn key(place: &Place, reader: Option<&Card>, texts: &Texts) -> Result<Key, Failure> {
    let Some(label) = &place.token else { return Ok(Key::in_file(&key_file(place))?) };
    let reader = reader.ok_or_else(|| Failure::Misread("[card]".to_owned()))?;
    let driver = card::Driver::load(&reader.driver)?;
    let pin = pin::read(place.pin_fd, &texts.say("cli-pin-prompt", &[]))?;
    let found = driver.key(Some(label), &pin, NAME)?;
    let key = match found {
        Some(key) => key,
        None => driver.new_key(Some(label), &pin, NAME, NAME.as_bytes())?,
    };
    Ok(Key::on_token(key))
}

fn put(place: &Place, key: &Key, fetched: &Fetched, texts: &Texts) -> Result<Shown, Failure> {
    let path = certificate_file(place);
    let leaf = fetched.chain.first().map(|der| pki::Certificate::parse(der));
    let leaf = match leaf {
        Some(Ok(leaf)) => leaf,
        Some(Err(e)) => return Err(Fault::of(&path, Unfit::Misread { said: e.to_string() }).into()),
        None => return Err(Fault::of(&path, Unfit::NotOurs {}).into()),
    };
    if let Some(token) = key.token() {
        token.put_certificate(leaf.der(), leaf.subject().der())?;
    }
    keep(&path, &fetched.pem(), 0o644)?;
    let report = Report {
        identity: leaf.uris().first().cloned().unwrap_or_default(),
        serial: leaf.serial_hex(),
        not_after: pki::format_utc(leaf.not_after()),
        certificate: path,
        key: key.token().is_none().then(|| key_file(place)),
    };
    let until = model::Timestamp::from_unix_seconds(leaf.not_after());
    let say = |name: &str, args: &[(&str, Arg)]| texts.say(name, args);
    let where_key = match (&report.key, &place.token) {
        (Some(path), _) => path.display().to_string(),
        (None, label) => say("enrol-on-token", &[("label", label.clone().unwrap_or_default().into())]),
    };
    let lines = [
        (
            say("enrol-label-certificate", &[]),
            say("enrol-certificate", &[("identity", report.identity.as_str().into()), ("until", until.into())]),
        ),
        (say("enrol-label-file", &[]), report.certificate.display().to_string()),
        (say("enrol-label-key", &[]), where_key),
        (say("enrol-label-next", &[]), say("enrol-next", &[])),
    ];
    Ok(Shown::lines(&report, &lines))
}

fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    Ok(files::certificates(path)?.iter().map(|der| der.to_vec()).collect())
}

fn certificate_file(place: &Place) -> PathBuf {
    place.into.join(format!("{NAME}.pem"))
}

fn key_file(place: &Place) -> PathBuf {
    place.into.join(format!("{NAME}.key.pem"))
}
