//! The trust chain of equipment from the command line, offline (G1): the registration authority, its certificates and
//! lists, makers' statements, permits, and the verification of any of them. What is written can be read by a person and
//! checked with openssl.

mod authority;
mod key;
mod statements;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use equipment::{DeviceId, ElementKind, Label, Name};
use files::{Defect, Wanted};
use model::Timestamp;
use serde::Serialize;
use texts::{Texts, Words};

use crate::failure::{Failure, Unfit};
use crate::render::Shown;
use key::KeyAt;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum EquipmentCommand {
    /// Make a registration authority: key, certificate and a first revocation list. 登録認定機関の開設
    Authority(authority::Make),
    /// Ask for a certificate: writes a PKCS#10 request. 証明書の申請書の作成
    Request(authority::Ask),
    /// Certify a maker, a supplier of elements, an element, a registration centre or a VPN operator. 認定（証明書の発行）
    Certify(authority::Certify),
    /// Write a new revocation list, with a certificate more on it if one is named. 失効リストの発行
    List(authority::List),
    /// Sign what a maker says of a device it built. 製造者署名付き機器情報の作成
    Describe(Describe),
    /// Sign a permit to install or delete an application. AP 搭載許可証・削除許可証の作成
    Permit(PermitArguments),
    /// Sign which authority issues a VPN operator's gate certificates. VPN 事業者による認証局の明示
    Endorse(Endorse),
    /// Verify a statement, a permit, a report or a certificate, with every reason why not. 検証
    Verify(verify::Verify),
}

/// Describe a device.
#[derive(Debug, Args)]
pub struct Describe {
    /// The maker's id, as in its certificate. 製造者
    #[arg(long)]
    maker: Name,
    /// Model. 型式
    #[arg(long)]
    model: Label,
    /// Serial number on the plate. 製造番号
    #[arg(long)]
    serial: Label,
    /// Day of making, `2026-11-22`. 製造日
    #[arg(long, value_name = "DAY")]
    made: equipment::Day,
    /// What the secure element is: pkcs11 or tpm2. 素子の種類
    #[arg(long, value_name = "KIND", value_parser = element_kind)]
    element_kind: ElementKind,
    /// The element's provisional certificate (PEM): serial number and key are taken from it. 素子の仮証明書
    #[arg(long, value_name = "FILE", conflicts_with_all = ["element_serial", "element_public_key"])]
    element: Option<PathBuf>,
    /// Serial number of an element without a certificate. 素子の番号
    #[arg(long, value_name = "NUMBER", requires = "element_public_key")]
    element_serial: Option<Name>,
    /// Public key (PEM) of an element without a certificate. 素子の公開鍵
    #[arg(long, value_name = "FILE", requires = "element_serial")]
    element_public_key: Option<PathBuf>,
    /// Who signs.
    #[command(flatten)]
    signer: SignerAt,
    /// The file to write. 出力ファイル
    #[arg(long, short = 'o', value_name = "FILE")]
    out: PathBuf,
}

/// Permit something.
#[derive(Debug, Args)]
pub struct PermitArguments {
    /// install or delete. 搭載または削除
    #[arg(value_parser = action)]
    action: equipment::Action,
    /// The package: a permit is for these octets only. パッケージ
    package: PathBuf,
    /// Number of the permit; a device takes each once. 許可証の番号
    #[arg(long)]
    number: Name,
    /// Name of the application. アプリケーション
    #[arg(long)]
    application: Name,
    /// Its version. 版
    #[arg(long = "app-version", value_name = "VERSION")]
    version: Label,
    /// The device; any if absent. 機器 ID
    #[arg(long)]
    device: Option<DeviceId>,
    /// From when, `2026-11-22T09:00:00+09:00`; now if absent. 開始
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Until when. 期限
    #[arg(long, value_name = "TIME")]
    until: Timestamp,
    /// The registration centre's id, as in its certificate. 機器登録管理センター
    #[arg(long)]
    issuer: Name,
    /// Who signs.
    #[command(flatten)]
    signer: SignerAt,
    /// The file to write. 出力ファイル
    #[arg(long, short = 'o', value_name = "FILE")]
    out: PathBuf,
}

/// Stand for an authority.
#[derive(Debug, Args)]
pub struct Endorse {
    /// The VPN operator's id, as in its certificate. VPN 事業者
    #[arg(long)]
    operator: Name,
    /// Certificate of the authority that issues its gate certificates (a center's `gate-ca.pem`). ゲートの認証局の証明書
    #[arg(long, value_name = "FILE")]
    authority: PathBuf,
    /// Who signs.
    #[command(flatten)]
    signer: SignerAt,
    /// The file to write. 出力ファイル
    #[arg(long, short = 'o', value_name = "FILE")]
    out: PathBuf,
}

/// A signer: certificate and key.
#[derive(Debug, Args)]
pub struct SignerAt {
    /// The signer's certificate (PEM, with what is between it and the authority). 署名者の証明書
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its key.
    #[command(flatten)]
    key: KeyAt,
}

/// Runs one of them.
pub fn run(command: &EquipmentCommand, texts: &Texts) -> Result<Shown, Failure> {
    let now = now();
    match command {
        EquipmentCommand::Authority(make) => authority::make(make, now, texts),
        EquipmentCommand::Request(ask) => authority::ask(ask, texts),
        EquipmentCommand::Certify(certify) => authority::certify(certify, now, texts),
        EquipmentCommand::List(list) => authority::list(list, now, texts),
        EquipmentCommand::Describe(describe) => statements::describe(describe, texts),
        EquipmentCommand::Permit(permit) => statements::permit(permit, now, texts),
        EquipmentCommand::Endorse(endorse) => statements::endorse(endorse, texts),
        EquipmentCommand::Verify(verify) => verify::verify(verify, now, texts),
    }
}

fn element_kind(text: &str) -> Result<ElementKind, String> {
    let found = ElementKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| "pkcs11, tpm2".to_owned())
}

fn action(text: &str) -> Result<equipment::Action, String> {
    match text {
        "install" => Ok(equipment::Action::Install),
        "delete" => Ok(equipment::Action::Delete),
        _ => Err("install, delete".to_owned()),
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(files::read(path)?)
}

fn file(path: &Path, what: impl Into<Words>) -> Failure {
    files::Fault::of(path, what).into()
}

/// A certificate, a request or a list that is none.
fn misread(path: &Path, said: impl std::fmt::Display) -> Failure {
    file(path, Unfit::Misread { said: said.to_string() })
}

/// Certificates of a file, in PEM or one in DER.
fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let octets = read(path)?;
    match std::str::from_utf8(&octets).ok().and_then(equipment::read_pem_chain) {
        Some(chain) => Ok(chain),
        None if pki::Certificate::parse(&octets).is_ok() => Ok(vec![octets]),
        None => Err(file(path, Defect::NoPem { wanted: Wanted::Certificate.into() })),
    }
}

/// What stands between these PEM lines, decoded; or DER as it is.
fn pem_or_der(path: &Path, label: &str) -> Result<Vec<u8>, Failure> {
    use base64::Engine;
    let octets = read(path)?;
    let Ok(text) = std::str::from_utf8(&octets) else { return Ok(octets) };
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let body = text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).map(|(body, _)| body);
    let bare: String = body.unwrap_or_default().split_ascii_whitespace().collect();
    let decoded = base64::engine::general_purpose::STANDARD.decode(bare).ok().filter(|der| !der.is_empty());
    let wanted = match label {
        "CERTIFICATE" => Wanted::Certificate,
        "PUBLIC KEY" => Wanted::PublicKey,
        "X509 CRL" => Wanted::List,
        _ => Wanted::Request,
    };
    decoded.ok_or_else(|| file(path, Defect::NoPem { wanted: wanted.into() }))
}

/// What was written, as lines and as data.
#[derive(Serialize)]
struct Written {
    what: String,
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
}

fn written(what: &str, path: &Path, serial: Option<&str>, texts: &Texts) -> Shown {
    let mut lines = vec![
        (texts.say("equipment-label-what", &[]), what.to_owned()),
        (texts.say("enrol-label-file", &[]), path.display().to_string()),
    ];
    if let Some(serial) = serial {
        lines.push((texts.say("equipment-label-serial", &[]), serial.to_owned()));
    }
    let data = Written { what: what.to_owned(), file: path.to_owned(), serial: serial.map(str::to_owned) };
    Shown::lines(&data, &lines)
}
