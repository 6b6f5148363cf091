//! Any file of the trust chain, verified with every reason why not.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use equipment::{
    DeviceId, Package, Refusal, Signature, SignedInformation, SignedOperator, SignedPermit, SignedReport,
    verify_information, verify_operator, verify_permit, verify_report,
};
use files::Defect;
use model::Timestamp;
use pki::{AnchorSet, CrlStore, Purpose, TrustAnchor};
use serde_json::json;
use texts::{Arg, Texts};

use super::{certificates, file, misread, pem_or_der, read};
use crate::failure::Failure;
use crate::render::Shown;

/// Verify a file.
#[derive(Debug, Args)]
pub struct Verify {
    /// Device information, permit, report, a VPN operator's statement (TOML) or certificate (PEM). 検証するファイル
    file: PathBuf,
    /// Certificate of the registration authority; for a report or a first-tier certificate, of the registration centre's
    /// authority. 登録認定機関の証明書
    #[arg(long, value_name = "FILE")]
    authority: PathBuf,
    /// Its revocation list. 失効リスト
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    /// The device a permit is used on. 機器 ID
    #[arg(long)]
    device: Option<DeviceId>,
    /// The package a permit is used for. パッケージ
    #[arg(long, value_name = "FILE")]
    package: Option<PathBuf>,
    /// Certificate of the authority that a VPN operator stands for. ゲートの認証局の証明書
    #[arg(long, value_name = "FILE")]
    second_tier: Option<PathBuf>,
    /// Verify as of this moment; now if absent. 検証する時点
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Write what is signed, the signature and the signer's certificate into this folder, for openssl. openssl 用の出力先
    #[arg(long, value_name = "FOLDER")]
    bytes: Option<PathBuf>,
}

pub fn verify(arguments: &Verify, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let now = arguments.at.unwrap_or(now);
    let octets = read(&arguments.file)?;
    let text = String::from_utf8_lossy(&octets);
    if text.contains("[permit]") {
        return permit(arguments, &text, now, texts);
    }
    if text.contains("[provider]") {
        return provider(arguments, &text, now, texts);
    }
    if text.contains("[report]") {
        return report(arguments, &text, now, texts);
    }
    if text.contains("[device]") {
        return information(arguments, &text, now, texts);
    }
    certificate(arguments, now, texts)
}

fn information(arguments: &Verify, text: &str, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let signed = SignedInformation::from_toml(text).map_err(refused)?;
    arguments.write(&signed.device.signed_bytes(), &signed.signature)?;
    let (anchors, crls) = arguments.trust(Purpose::Registration)?;
    let verified = verify_information(&signed, &anchors, &crls, now).map_err(all_refused)?;
    let device = verified.device();
    let lines = [
        ("equipment-label-maker", device.maker.to_string()),
        ("equipment-label-model", format!("{} {}", device.model, device.serial)),
        ("equipment-label-made", device.made.to_string()),
        ("equipment-label-element", format!("{} ({})", device.element.serial, device.element.kind)),
        ("equipment-label-signed", verified.maker().certificate().subject().to_owned()),
    ];
    Ok(good(&lines, &json!({ "verified": device }), texts))
}

fn permit(arguments: &Verify, text: &str, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let signed = SignedPermit::from_toml(text).map_err(refused)?;
    arguments.write(&signed.permit.signed_bytes(), &signed.signature)?;
    let (anchors, crls) = arguments.trust(Purpose::Registration)?;
    // Without a device it is verified as the device it names would.
    let device = arguments.device.or(signed.permit.device).unwrap_or_else(|| DeviceId::from_random([0; 11]));
    let verified = verify_permit(&signed, &device, &anchors, &crls, now).map_err(all_refused)?;
    let permit = verified.permit();
    if let Some(path) = &arguments.package {
        let package = Package::of(&read(path)?);
        verified.covers(permit.action, &permit.application, &package).map_err(all_refused)?;
    }
    let any = || texts.say("equipment-any-device", &[]);
    let lines = [
        ("equipment-label-permit", texts.say(&format!("equipment-action-{}", permit.action), &[])),
        ("equipment-label-application", format!("{} {}", permit.application, permit.version)),
        ("equipment-label-device", permit.device.map_or_else(any, |device| device.to_string())),
        ("equipment-label-until", Arg::Time(permit.valid_until).worded(texts)),
        ("equipment-label-signed", verified.centre().certificate().subject().to_owned()),
    ];
    Ok(good(&lines, &json!({ "verified": permit }), texts))
}

fn report(arguments: &Verify, text: &str, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let signed = SignedReport::from_toml(text).map_err(refused)?;
    arguments.write(&signed.report.signed_bytes(), &signed.signature)?;
    let (anchors, crls) = arguments.trust(Purpose::Equipment)?;
    let verified = verify_report(&signed, &anchors, &crls, now).map_err(all_refused)?;
    let report = verified.report();
    let mut lines = vec![("equipment-label-device", report.device.to_string())];
    for fact in &report.facts {
        lines.push(("equipment-label-holds", texts.say(&format!("equipment-evidence-{}", fact.as_str()), &[])));
    }
    Ok(good(&lines, &json!({ "verified": report }), texts))
}

fn provider(arguments: &Verify, text: &str, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let signed = SignedOperator::from_toml(text).map_err(refused)?;
    arguments.write(&signed.provider.signed_bytes(), &signed.signature)?;
    let (anchors, crls) = arguments.trust(Purpose::Registration)?;
    let path = arguments.second_tier.as_ref().ok_or_else(|| Failure::Misread("--second-tier".to_owned()))?;
    let chain = certificates(path)?;
    let authority = pki::Certificate::parse(&chain[0]).map_err(|e| misread(path, e))?;
    let verified = verify_operator(&signed, &authority, &anchors, &crls, now).map_err(all_refused)?;
    let lines = [
        ("equipment-label-operator", verified.operator().id().to_owned()),
        ("equipment-label-authority", authority.subject().to_string()),
        ("equipment-label-signed", verified.operator().certificate().subject().to_owned()),
    ];
    Ok(good(&lines, &json!({ "verified": verified.statement() }), texts))
}

fn certificate(arguments: &Verify, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    let chain = certificates(&arguments.file)?;
    let leaf = pki::Certificate::parse(&chain[0]).map_err(|e| misread(&arguments.file, e))?;
    let uri = leaf.uris().iter().find(|uri| uri.starts_with("urn:sekisho:")).cloned().unwrap_or_default();
    let word = uri.strip_prefix("urn:sekisho:").and_then(|rest| rest.split(':').next()).unwrap_or_default();
    let purpose = if word == "equipment" { Purpose::Equipment } else { Purpose::Registration };
    let (anchors, crls) = arguments.trust(purpose)?;
    let (slices, now) = (chain.iter().map(Vec::as_slice).collect::<Vec<_>>(), now.unix_seconds());
    let verdict = match word {
        "equipment" => pki::verify_equipment(&slices, &anchors, &crls, now).map(|_| ()),
        "element" => pki::verify_element(&slices, &anchors, &crls, now).map(|_| ()),
        "element-supplier" => pki::verify_element_supplier(&slices, &anchors, &crls, now).map(|_| ()),
        "registration-centre" => pki::verify_registration_centre(&slices, &anchors, &crls, now).map(|_| ()),
        "vpn-operator" => pki::verify_vpn_operator(&slices, &anchors, &crls, now).map(|_| ()),
        _ => pki::verify_maker(&slices, &anchors, &crls, now).map(|_| ()),
    };
    verdict.map_err(|refusals| all_refused(refusals.into_iter().map(Refusal::Signer).collect()))?;
    let until = Arg::Time(Timestamp::from_unix_seconds(leaf.not_after())).worded(texts);
    let lines = [
        ("equipment-label-what", uri.clone()),
        ("equipment-label-until", until),
        ("equipment-label-serial", leaf.serial_hex()),
    ];
    Ok(good(&lines, &json!({ "verified": { "identity": uri, "serial": leaf.serial_hex() } }), texts))
}

impl Verify {
    fn trust(&self, purpose: Purpose) -> Result<(AnchorSet, CrlStore), Failure> {
        let (mut anchors, mut crls) = (AnchorSet::new(), CrlStore::new());
        for der in certificates(&self.authority)? {
            anchors.add(TrustAnchor::new(&der, purpose).map_err(|e| file(&self.authority, Defect::from(e)))?);
        }
        let der = pem_or_der(&self.list, "X509 CRL")?;
        crls.add(&der, &anchors).map_err(|e| file(&self.list, Defect::from(e)))?;
        Ok((anchors, crls))
    }

    /// `openssl dgst -sha256 -verify <(openssl x509 -in signer.pem -noout -pubkey) -signature signature.der signed.txt`
    fn write(&self, signed: &[u8], signature: &Signature) -> Result<(), Failure> {
        let Some(folder) = &self.bytes else { return Ok(()) };
        let put = |name: &str, octets: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, octets).map_err(|e| file(&path, Defect::io(&e)))
        };
        fs::create_dir_all(folder).map_err(|e| file(folder, Defect::io(&e)))?;
        let (_, value) = signature.parts().map_err(all_refused)?;
        put("signed.txt", signed)?;
        put("signature.der", &value)?;
        put("signer.pem", signature.certificate.as_bytes())
    }
}

fn refused(refusal: Refusal) -> Failure {
    all_refused(vec![refusal])
}

fn all_refused(refusals: Vec<Refusal>) -> Failure {
    Failure::NotBelieved(refusals.iter().map(Refusal::reason).collect())
}

fn good(lines: &[(&str, String)], data: &serde_json::Value, texts: &Texts) -> Shown {
    let verdict = (texts.say("equipment-label-verdict", &[]), texts.say("equipment-verified", &[]));
    let told = lines.iter().map(|(key, text)| (texts.say(key, &[]), text.clone()));
    Shown::lines(data, &std::iter::once(verdict).chain(told).collect::<Vec<_>>())
}
