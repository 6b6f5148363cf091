//! An institution's signature under an agreement (G12).

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use enrolment::{Client, ServerTrust};
use files::{Defect, Fault, Wanted};
use model::{Side, parse_document};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use texts::{Arg, Texts};
use wire::enrolment::{AGREEMENTS, AgreementView};

use crate::arguments::SignAgreement;
use crate::failure::{Failure, Unfit};
use crate::render::Shown;

/// Signs every agreement in the document that this side has not signed yet, and gives the document with the new
/// signatures after each agreement's own text; nothing else in it changes.
pub fn sign(arguments: &SignAgreement) -> Result<Shown, Failure> {
    let side = Side::from(arguments.side);
    let text = read(&arguments.file)?;
    let name = arguments.file.display().to_string();
    let document = parse_document(&name, &text).map_err(Box::new)?;
    let certificate = read(&arguments.certificate)?;
    let key = key(&arguments.key)?;
    let starts: Vec<usize> = line_starts(&text, "[[agreement]]");
    if starts.is_empty() || starts.len() != document.agreements.len() {
        return Err(Fault::of(&arguments.file, Unfit::NoAgreement {}).into());
    }
    let mut out = text[..starts[0]].to_owned();
    for (n, agreement) in document.agreements.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(text.len());
        out.push_str(text[starts[n]..end].trim_end());
        out.push('\n');
        if !agreement.signatures.contains_key(&side) {
            let value = key
                .sign(&SystemRandom::new(), &agreement.signed_bytes())
                .map_err(|_| Fault::of(&arguments.key, Unfit::CannotSign {}))?;
            out.push_str(&format!(
                "\n[agreement.signature.{side}]\ncertificate = \"\"\"\n{}\n\"\"\"\nvalue = \"{}\"\n",
                certificate.trim(),
                BASE64.encode(value)
            ));
        }
        out.push('\n');
    }
    let out = format!("{}\n", out.trim_end());
    Ok(Shown::plain(&serde_json::json!({ "document": &out }), out))
}

/// Sends the document to the center, which believes the signatures and not the sender.
pub async fn submit(file: &Path, server: &str, ca: &Path, texts: &Texts) -> Result<Shown, Failure> {
    let (text, trust) = (read(file)?, ServerTrust::File(ca.to_owned()));
    let mut client = Client::reach(server, &trust, None, texts.lang().as_str()).await?;
    let answer = client.post(AGREEMENTS, "application/toml", text.into_bytes()).await?;
    let views: Vec<AgreementView> = serde_json::from_slice(&answer)
        .map_err(|e| Failure::Nonsense { what: server.to_owned(), why: e.to_string() })?;
    let line = |view: &AgreementView| {
        let key = if view.complete { "enrol-agreement-complete" } else { "enrol-agreement-half" };
        let by = view.signed_by.iter().map(|side| Arg::Key(format!("side-{side}"))).collect();
        (view.agreement.to_string(), texts.say(key, &[("by", Arg::List(by))]))
    };
    Ok(Shown::lines(&views, &views.iter().map(line).collect::<Vec<_>>()))
}

fn line_starts(text: &str, wanted: &str) -> Vec<usize> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        if line.trim() == wanted {
            found.push(at);
        }
        at += line.len();
    }
    found
}

fn read(path: &Path) -> Result<String, Failure> {
    Ok(files::text(path)?)
}

fn key(path: &Path) -> Result<EcdsaKeyPair, Failure> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(&files::read(path)?);
    let der = der.map_err(|e| Fault::of(path, Defect::pem(Wanted::PrivateKey, e)))?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_pkcs8_der(), &SystemRandom::new())
        .map_err(|e| Fault::of(path, Defect::NotP256 { said: e.to_string() }).into())
}
