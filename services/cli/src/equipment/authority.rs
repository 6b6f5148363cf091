//! The registration authority (登録認定機関): a folder on a machine without a network.
//!
//! `authority.pem`, `authority.key.pem` (unless the key is on a token), `authority.crl`, `issued/<serial>.pem`, and
//! `revoked.json`, from which the next list is made.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use equipment::Name;
use files::Defect;
use issuance::{Authority, EndEntity, KeyPurpose, RevocationList, Revoked, Subject, sealed};
use keys::{Key, keep, pem};
use model::Timestamp;
use pki::{Certificate, CertificationRequest, OFFLINE_MAX_CRL_AGE, PublicKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use texts::Texts;

use super::key::KeyAt;
use super::{file, misread, pem_or_der, read, written};
use crate::failure::{Failure, Unfit};
use crate::render::Shown;

const DAY: i64 = 86_400;
const YEARS: i64 = 20;
/// Clocks differ: what is issued now counts since a little before.
const BEFORE: i64 = 300;

/// Make an authority.
#[derive(Debug, Args)]
pub struct Make {
    /// Its folder, on a machine without a network. 認定機関のフォルダ
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// Its name in certificates. 名称
    #[arg(long)]
    name: String,
    /// Its key; in the folder if no place is named.
    #[command(flatten)]
    key: KeyAt,
}

/// Ask for a certificate.
#[derive(Debug, Args)]
pub struct Ask {
    /// Who asks. 申請者の ID
    id: Name,
    /// The key; made if there is none.
    #[command(flatten)]
    key: KeyAt,
    /// The request to write. 申請書のファイル
    #[arg(long, short = 'o', value_name = "FILE")]
    out: PathBuf,
}

/// Who is certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// A maker of equipment. 機器製造者
    Maker,
    /// A supplier of secure elements. セキュアメモリ供給者
    ElementSupplier,
    /// A secure element, provisionally; the id is its serial number. 素子（仮証明書）
    Element,
    /// A registration centre. 機器登録管理センター
    RegistrationCentre,
    /// A VPN operator. VPN 事業者
    VpnOperator,
}

impl What {
    fn uri(self, id: &Name) -> String {
        let word = match self {
            Self::Maker => "maker",
            Self::ElementSupplier => "element-supplier",
            Self::Element => "element",
            Self::RegistrationCentre => "registration-centre",
            Self::VpnOperator => "vpn-operator",
        };
        format!("urn:sekisho:{word}:{id}")
    }

    /// An element shows its certificate in TLS; the others sign.
    fn purposes(self) -> &'static [KeyPurpose] {
        match self {
            Self::Element => &[KeyPurpose::ClientAuth],
            Self::Maker | Self::ElementSupplier | Self::RegistrationCentre | Self::VpnOperator => &[],
        }
    }
}

/// Certify somebody.
#[derive(Debug, Args)]
pub struct Certify {
    /// What they are. 種別
    what: What,
    /// Their id; an element's serial number. ID
    id: Name,
    /// The authority's folder. 認定機関のフォルダ
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// Their request (PKCS#10); its names are not believed. 申請書
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// Name of the organization in the certificate. 組織名
    #[arg(long, default_value = "")]
    organization: String,
    /// How many days it counts. 有効日数
    #[arg(long, default_value_t = 3 * 365)]
    days: u32,
    /// Where the revocation list is fetched, if anywhere. 失効リストの URL
    #[arg(long, value_name = "URL")]
    crl_url: Option<String>,
    /// The authority's key; in the folder if no place is named.
    #[command(flatten)]
    key: KeyAt,
    /// The certificate to write. 証明書のファイル
    #[arg(long, short = 'o', value_name = "FILE")]
    out: PathBuf,
}

/// Write a list.
#[derive(Debug, Args)]
pub struct List {
    /// The authority's folder. 認定機関のフォルダ
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// Serial number of a certificate to revoke. 失効させる証明書のシリアル番号
    #[arg(long, value_name = "SERIAL", requires = "reason")]
    revoke: Option<String>,
    /// keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn. 理由
    #[arg(long, requires = "revoke")]
    reason: Option<String>,
    /// How many days the list counts; who verifies accepts none older than 92. 有効日数
    #[arg(long, default_value_t = 92)]
    days: u32,
    /// The authority's key; in the folder if no place is named.
    #[command(flatten)]
    key: KeyAt,
}

/// What is kept of revocations.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    number: u64,
    revoked: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    serial: String,
    at: Timestamp,
    reason: u8,
}

pub fn make(make: &Make, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let path = make.dir.join("authority.pem");
    if path.exists() {
        return Err(file(&path, Unfit::AuthorityThere {}));
    }
    fs::create_dir_all(&make.dir).map_err(|e| file(&make.dir, Defect::io(&e)))?;
    let key = make.key.open(Some(make.dir.join("authority.key.pem")), texts)?;
    let serial = serial()?;
    let name =
        Subject { organization: make.name.clone(), common_name: format!("{} Registration Authority", make.name) };
    let (begin, spki) = (now.unix_seconds(), key.spki());
    let validity = (begin - BEFORE, begin + YEARS * 365 * DAY);
    let to_be_signed = Authority { serial: &serial, name: &name, validity, spki: &spki }.to_be_signed();
    let der = sealed(&to_be_signed, &key.sign(&to_be_signed)?);
    // The list first: without it nothing that the authority certifies is believed.
    let certificate = Certificate::parse(&der).map_err(|e| misread(&path, e))?;
    write_list(&make.dir, &certificate, &key, Kept::default(), OFFLINE_MAX_CRL_AGE, now)?;
    keep(&path, &pem("CERTIFICATE", &der), 0o644)?;
    Ok(written(&certificate.subject().to_string(), &path, None, texts))
}

pub fn ask(ask: &Ask, texts: &Texts) -> Result<Shown, Failure> {
    let key = ask.key.open(None, texts)?;
    let request = enrolment::request(&key, ask.id.as_str(), None)?;
    keep(&ask.out, &pem("CERTIFICATE REQUEST", &request), 0o644)?;
    Ok(written(ask.id.as_str(), &ask.out, None, texts))
}

pub fn certify(certify: &Certify, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let request = pem_or_der(&certify.request, "CERTIFICATE REQUEST")?;
    let request = CertificationRequest::verified(&request).map_err(|e| misread(&certify.request, e))?;
    if !matches!(request.public_key(), PublicKey::EcP256(_)) {
        return Err(file(&certify.request, Unfit::KeyKind { found: request.public_key().to_string() }));
    }
    let (certificate, key) = open(&certify.dir, &certify.key, texts)?;
    let (serial, begin) = (serial()?, now.unix_seconds());
    let subject = Subject { organization: certify.organization.clone(), common_name: certify.id.as_str().to_owned() };
    let uri = certify.what.uri(&certify.id);
    let to_be_signed = EndEntity {
        serial: &serial,
        issuer: certificate.subject().der(),
        issuer_key: certificate.subject_key_id(),
        subject: &subject,
        validity: (begin - BEFORE, (begin + i64::from(certify.days) * DAY).min(certificate.not_after())),
        spki: request.spki_der(),
        uris: std::slice::from_ref(&uri),
        dns_names: &[],
        purposes: certify.what.purposes(),
        crl_uri: certify.crl_url.as_deref(),
    }
    .to_be_signed();
    let text = pem("CERTIFICATE", &sealed(&to_be_signed, &key.sign(&to_be_signed)?));
    let serial = hex(&serial);
    keep(&certify.dir.join("issued").join(format!("{serial}.pem")), &text, 0o644)?;
    keep(&certify.out, &text, 0o644)?;
    Ok(written(&uri, &certify.out, Some(&serial), texts))
}

pub fn list(list: &List, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let (certificate, key) = open(&list.dir, &list.key, texts)?;
    let path = list.dir.join("revoked.json");
    let mut kept: Kept = serde_json::from_slice(&read(&path)?).map_err(|e| misread(&path, e))?;
    if let (Some(serial), Some(reason)) = (&list.revoke, &list.reason) {
        if !list.dir.join("issued").join(format!("{serial}.pem")).exists() {
            return Err(file(&list.dir, Unfit::NoSuchSerial { serial: serial.clone() }));
        }
        let reason = reason_number(reason).ok_or_else(|| Failure::Misread(format!("--reason {reason}")))?;
        if !kept.revoked.iter().any(|entry| entry.serial == *serial) {
            kept.revoked.push(Entry { serial: serial.clone(), at: now, reason });
        }
    }
    let count = kept.revoked.len();
    write_list(&list.dir, &certificate, &key, kept, i64::from(list.days) * DAY, now)?;
    let what = texts.say("equipment-list-written", &[("count", texts::Arg::Number(count as i64))]);
    Ok(written(&what, &list.dir.join("authority.crl"), None, texts))
}

/// RFC 5280 §5.3.1, as far as a person has to choose.
fn reason_number(name: &str) -> Option<u8> {
    match name {
        "keyCompromise" => Some(1),
        "affiliationChanged" => Some(3),
        "superseded" => Some(4),
        "cessationOfOperation" => Some(5),
        "privilegeWithdrawn" => Some(9),
        _ => None,
    }
}

fn open(dir: &Path, at: &KeyAt, texts: &Texts) -> Result<(Certificate, Key), Failure> {
    let path = dir.join("authority.pem");
    let der = pem_or_der(&path, "CERTIFICATE")?;
    let certificate = Certificate::parse(&der).map_err(|e| misread(&path, e))?;
    let place = dir.join("authority.key.pem");
    if at.key.is_none() && at.module.is_none() && !place.exists() {
        // Never a fresh one: it would not be the authority's.
        return Err(file(&place, Unfit::NoSuchKey {}));
    }
    let key = at.open(Some(place), texts)?;
    if key.spki() != certificate.spki_der() {
        return Err(file(&path, Unfit::OtherKey {}));
    }
    Ok((certificate, key))
}

/// The number goes up before the list is signed, so that no two lists have the same.
fn write_list(
    dir: &Path,
    certificate: &Certificate,
    key: &Key,
    mut kept: Kept,
    counts: i64,
    now: Timestamp,
) -> Result<(), Failure> {
    kept.number += 1;
    let path = dir.join("revoked.json");
    keep(&path, &serde_json::to_string_pretty(&kept).map_err(|e| misread(&path, e))?, 0o644)?;
    let mut revoked = Vec::new();
    for entry in &kept.revoked {
        let serial = unhex(&entry.serial).ok_or_else(|| misread(&path, &entry.serial))?;
        revoked.push(Revoked { serial, at: entry.at.unix_seconds(), reason: entry.reason });
    }
    revoked.sort_by(|a, b| a.serial.cmp(&b.serial));
    let begin = now.unix_seconds();
    let to_be_signed = RevocationList {
        issuer: certificate.subject().der(),
        issuer_key: certificate.subject_key_id(),
        this_update: begin,
        next_update: begin + counts,
        number: kept.number,
        revoked: &revoked,
    }
    .to_be_signed();
    let der = sealed(&to_be_signed, &key.sign(&to_be_signed)?);
    Ok(keep(&dir.join("authority.crl"), &pem("X509 CRL", &der), 0o644)?)
}

fn serial() -> Result<[u8; 20], Failure> {
    let mut serial = [0; 20];
    let filled = SystemRandom::new().fill(&mut serial);
    filled.map_err(|_| keys::KeyFault::NoRandomness)?;
    // RFC 5280 §4.1.2.2: positive and at most 20 octets; the second bit keeps it at 20 always.
    serial[0] = (serial[0] & 0x7f) | 0x40;
    Ok(serial)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let octets = text.as_bytes().chunks(2).map(|two| {
        let digits = std::str::from_utf8(two).ok().filter(|digits| digits.len() == 2)?;
        u8::from_str_radix(digits, 16).ok()
    });
    octets.collect()
}
