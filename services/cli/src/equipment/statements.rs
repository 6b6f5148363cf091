//! Statements that are signed here: device information and permits.

use std::path::Path;

use audit::Digest;
use equipment::{
    DeviceInformation, ElementStatement, Name, OperatorStatement, Package, Permit, Signature, SignedInformation,
    SignedOperator, SignedPermit,
};
use keys::keep;
use model::Timestamp;
use pki::Certificate;
use texts::Texts;

use super::{Describe, Endorse, PermitArguments, SignerAt, certificates, file, misread, pem_or_der, read, written};
use crate::failure::{Failure, Unfit};
use crate::render::Shown;

pub fn describe(arguments: &Describe, texts: &Texts) -> Result<Shown, Failure> {
    let (serial, key) = element(arguments)?;
    let device = DeviceInformation {
        maker: arguments.maker.clone(),
        model: arguments.model.clone(),
        serial: arguments.serial.clone(),
        made: arguments.made.clone(),
        element: ElementStatement { kind: arguments.element_kind, serial, key },
    };
    let signature = arguments.signer.sign("maker", &device.maker, &device.signed_bytes(), texts)?;
    let what = format!("{} {} {}", device.maker, device.model, device.serial);
    keep(&arguments.out, &SignedInformation { device, signature }.to_toml(), 0o644)?;
    Ok(written(&what, &arguments.out, None, texts))
}

pub fn permit(arguments: &PermitArguments, now: Timestamp, texts: &Texts) -> Result<Shown, Failure> {
    // To the second, as a person reads it in the file.
    let from = arguments.from.unwrap_or(Timestamp::from_unix_seconds(now.unix_seconds()));
    let permit = Permit {
        number: arguments.number.clone(),
        action: arguments.action,
        application: arguments.application.clone(),
        version: arguments.version.clone(),
        package: Package::of(&read(&arguments.package)?),
        device: arguments.device,
        valid_from: from,
        valid_until: arguments.until,
        issuer: arguments.issuer.clone(),
    };
    let signature = arguments.signer.sign("registration-centre", &permit.issuer, &permit.signed_bytes(), texts)?;
    let what = format!("{} {} {}", permit.number, permit.action, permit.application);
    keep(&arguments.out, &SignedPermit { permit, signature }.to_toml(), 0o644)?;
    Ok(written(&what, &arguments.out, None, texts))
}

pub fn endorse(arguments: &Endorse, texts: &Texts) -> Result<Shown, Failure> {
    let chain = certificates(&arguments.authority)?;
    let authority = Certificate::parse(&chain[0]).map_err(|e| misread(&arguments.authority, e))?;
    let provider =
        OperatorStatement { operator: arguments.operator.clone(), authority: Digest::of(authority.spki_der()) };
    let signature = arguments.signer.sign("vpn-operator", &provider.operator, &provider.signed_bytes(), texts)?;
    let what = format!("{} {}", provider.operator, authority.subject());
    keep(&arguments.out, &SignedOperator { provider, signature }.to_toml(), 0o644)?;
    Ok(written(&what, &arguments.out, None, texts))
}

/// Serial number and key of the element.
fn element(arguments: &Describe) -> Result<(Name, Digest), Failure> {
    let public = |path: &Path| pem_or_der(path, "PUBLIC KEY").map(|spki| Digest::of(&spki));
    match (&arguments.element, &arguments.element_serial, &arguments.element_public_key) {
        (Some(path), ..) => {
            let chain = certificates(path)?;
            let leaf = Certificate::parse(&chain[0]).map_err(|e| misread(path, e))?;
            let serial = leaf.uris().iter().find_map(|uri| uri.strip_prefix("urn:sekisho:element:"));
            let serial = serial.and_then(|serial| serial.parse().ok());
            let serial = serial.ok_or_else(|| file(path, Unfit::NoElement {}))?;
            Ok((serial, Digest::of(leaf.spki_der())))
        }
        (None, Some(serial), Some(path)) => Ok((serial.clone(), public(path)?)),
        _ => Err(Failure::Misread("--element".to_owned())),
    }
}

impl SignerAt {
    /// Signs as who the certificate says, so that nobody finds out later that it was another.
    fn sign(&self, word: &str, id: &Name, octets: &[u8], texts: &Texts) -> Result<Signature, Failure> {
        let chain = certificates(&self.certificate)?;
        let leaf = Certificate::parse(&chain[0]).map_err(|e| misread(&self.certificate, e))?;
        let wanted = format!("urn:sekisho:{word}:{id}");
        if !leaf.uris().contains(&wanted) {
            return Err(file(&self.certificate, Unfit::NotOf { wanted }));
        }
        let key = self.key.open(None, texts)?;
        if key.spki() != leaf.spki_der() {
            return Err(file(&self.certificate, Unfit::OtherKey {}));
        }
        Ok(Signature::new(&chain, &key.sign(octets)?))
    }
}
