//! Certificates and the whole network, as operators handle them at the centre (R10, G1, N10).

use std::path::PathBuf;

use clap::{Args, Subcommand};
use texts::{Arg, Texts};
use wire::enrolment::{CertificateList, CertificateView, OfferCall, OfferReport, RevokeCall};

use crate::failure::Failure;
use crate::operator::Operator;
use crate::render::Shown;

/// Certificates that this centre issues.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Let somebody fetch a certificate once; shows the code and the token, never again. 発行コードの作成
    Offer(OfferArguments),
    /// What was issued to somebody. 発行済みの証明書
    List {
        /// Who, e.g. `gate:clinic`, `device:clinic/exam-1`, `user:12345678`. 対象
        identity: String,
    },
    /// End a certificate before its time. 証明書の失効
    Revoke {
        /// Kind: service, gate, device, switch, institution or equipment. 種類
        kind: String,
        /// Serial number, as `list` shows it. シリアル番号
        serial: String,
        /// keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn. 理由
        #[arg(long)]
        reason: String,
    },
}

/// What is offered.
#[derive(Debug, Args)]
pub struct OfferArguments {
    /// Who may fetch it, e.g. `gate:clinic`, `device:clinic/exam-1`, `user:12345678`. 対象
    pub identity: String,
    /// Name of the institution in the certificate. 機関名
    #[arg(long)]
    pub organization: String,
    /// A DNS name in it; a gate gets that of its document. DNS 名
    #[arg(long = "dns", value_name = "NAME")]
    pub dns_names: Vec<String>,
    /// How many hours the code is good. 有効時間
    #[arg(long, default_value_t = 24)]
    pub hours: u32,
}

/// Runs one of them.
pub async fn run(command: &CertificateCommand, operator: &mut Operator, texts: &Texts) -> Result<Shown, Failure> {
    match command {
        CertificateCommand::Offer(offer) => {
            let call = OfferCall {
                identity: urn(&offer.identity),
                organization: offer.organization.clone(),
                dns_names: offer.dns_names.clone(),
                hours: offer.hours,
            };
            let report: OfferReport = operator.json().post("/v1/certificates/offer", &call).await?;
            Ok(offered(&report, texts))
        }
        CertificateCommand::List { identity } => {
            let path = format!("/v1/certificates?identity={}", urn(identity).replace('/', "%2F"));
            let list: CertificateList = operator.json().get(&path).await?;
            let lines: Vec<(String, String)> =
                list.certificates.iter().map(|view| (view.serial.clone(), line(view, texts))).collect();
            Ok(Shown::lines(&list, &lines))
        }
        CertificateCommand::Revoke { kind, serial, reason } => {
            let call = RevokeCall { kind: kind.clone(), serial: serial.clone(), reason: reason.clone() };
            let view: CertificateView = operator.json().post("/v1/certificates/revoke", &call).await?;
            Ok(Shown::lines(&view, &[(view.serial.clone(), line(&view, texts))]))
        }
    }
}

/// Writes everything that is applied to a file, or shows it.
pub async fn export(operator: &mut Operator, file: Option<&PathBuf>) -> Result<Shown, Failure> {
    let network: serde_json::Value = operator.json().get("/v1/export").await?;
    let text = serde_json::to_string_pretty(&network).unwrap_or_default() + "\n";
    let Some(path) = file else { return Ok(Shown::plain(&network, text)) };
    enrolment::keep(path, &text, 0o600)?;
    Ok(Shown::plain(&serde_json::json!({ "file": path }), format!("{}\n", path.display())))
}

fn urn(identity: &str) -> String {
    if identity.starts_with("urn:") { identity.to_owned() } else { format!("urn:sekisho:{identity}") }
}

fn offered(report: &OfferReport, texts: &Texts) -> Shown {
    let until = texts.say("enrol-until", &[("until", report.until.into())]);
    let lines = [
        (texts.say("enrol-label-for", &[]), report.identity.clone()),
        (texts.say("enrol-label-code", &[]), report.code.clone()),
        (texts.say("enrol-label-token", &[]), report.token.clone()),
        (texts.say("enrol-label-until", &[]), until),
        (texts.say("enrol-label-next", &[]), texts.say("enrol-offered-next", &[])),
    ];
    Shown::lines(report, &lines)
}

fn line(view: &CertificateView, texts: &Texts) -> String {
    let args: Vec<(&str, Arg)> = vec![("identity", view.identity.as_str().into()), ("until", view.not_after.into())];
    match view.revoked_at {
        Some(at) => texts.say("enrol-revoked", &[("identity", view.identity.as_str().into()), ("at", at.into())]),
        None => texts.say("enrol-certificate", &args),
    }
}
