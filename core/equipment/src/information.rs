//! What a maker says of a device it built (製造者署名付き機器情報), signed with its key.

use audit::Digest;
use model::Timestamp;
use pki::{AnchorSet, Certificate, Revocation, VerifiedElement, VerifiedMaker};
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::signature::{quoted, read, signed_by};
use crate::{Day, Label, Name, Refusal, Signature};

/// What the secure element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElementKind {
    /// A token behind PKCS#11: a chip card, an HSM.
    Pkcs11,
    /// A TPM 2.0.
    Tpm2,
}

impl ElementKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Pkcs11, Self::Tpm2];

    /// Its name in statements and texts (`equipment-kind-<name>`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pkcs11 => "pkcs11",
            Self::Tpm2 => "tpm2",
        }
    }
}

impl fmt::Display for ElementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The secure element (セキュアメモリ) in the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementStatement {
    /// What it is.
    pub kind: ElementKind,
    /// Its serial number, as its provisional certificate has it.
    pub serial: Name,
    /// SHA-256 of its provisional key (SubjectPublicKeyInfo, DER): the element that was bought is the one built in.
    pub key: Digest,
}

/// A device as its maker describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceInformation {
    /// Who made it; the signer must be this maker.
    pub maker: Name,
    /// Model.
    pub model: Label,
    /// Serial number on its plate, unique within maker and model.
    pub serial: Label,
    /// Day of making.
    pub made: Day,
    /// Its secure element.
    pub element: ElementStatement,
}

impl DeviceInformation {
    /// What the maker signs: a header that names purpose and version, then one `key=value` line a field in fixed order,
    /// LF ended. No value holds a line end, so no two statements share these bytes.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let Self { maker, model, serial, made, element } = self;
        format!(
            "sekisho device information 1\nmaker={maker}\nmodel={model}\nserial={serial}\nmade={made}\n\
             element={}\nelement-kind={}\nelement-key={}\n",
            element.serial, element.kind, element.key
        )
        .into_bytes()
    }
}

/// The statement with the maker's signature: a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedInformation {
    /// What is said.
    pub device: DeviceInformation,
    /// Who says it.
    pub signature: Signature,
}

impl SignedInformation {
    /// Reads the file. Nothing it says is believed by that.
    ///
    /// # Errors
    /// [`Refusal::Unreadable`] with the line.
    pub fn from_toml(text: &str) -> Result<Self, Refusal> {
        read(text)
    }

    /// The file.
    pub fn to_toml(&self) -> String {
        let DeviceInformation { maker, model, serial, made, element } = &self.device;
        format!(
            "# 製造者署名付き機器情報 / device information, signed by its maker\n\
             [device]\nmaker = \"{maker}\"\nmodel = {}\nserial = {}\nmade = \"{made}\"\n\n\
             [device.element]\nkind = \"{}\"\nserial = \"{}\"\nkey = \"{}\"\n\n{}",
            quoted(model),
            quoted(serial),
            element.kind,
            element.serial,
            element.key,
            self.signature.to_toml()
        )
    }
}

/// Device information whose maker was verified. Built only by [`verify_information`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedInformation {
    device: DeviceInformation,
    maker: VerifiedMaker,
}

impl VerifiedInformation {
    /// What is said.
    pub fn device(&self) -> &DeviceInformation {
        &self.device
    }

    /// Who says it.
    pub fn maker(&self) -> &VerifiedMaker {
        &self.maker
    }
}

/// Verifies that the maker named in it signed it, and that the registration authority certified the maker (row 11).
///
/// # Errors
/// Every reason that can be established.
pub fn verify_information<'a>(
    signed: &SignedInformation,
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: Timestamp,
) -> Result<VerifiedInformation, Vec<Refusal>> {
    let (held, seconds) = (revocation.into(), now.unix_seconds());
    let verify = |chain: &[&[u8]]| pki::verify_maker(chain, anchors, held, seconds);
    let bytes = signed.device.signed_bytes();
    let verified = signed_by(&signed.signature, &bytes, anchors, verify, VerifiedMaker::certificate);
    let mut refusals = Vec::new();
    let maker = match verified {
        Ok(maker) => Some(maker),
        Err(found) => {
            refusals.extend(found);
            None
        }
    };
    if let Some(maker) = &maker
        && maker.id() != signed.device.maker.as_str()
    {
        refusals
            .push(Refusal::SignerIsAnother { named: signed.device.maker.to_string(), signer: maker.id().to_owned() });
    }
    // A day begins up to fourteen hours earlier east of Greenwich.
    let made = signed.device.made.begins();
    if made > now.plus_ms(14 * 3_600_000) {
        refusals.push(Refusal::MadeInFuture { at: made });
    }
    match maker {
        Some(maker) if refusals.is_empty() => Ok(VerifiedInformation { device: signed.device.clone(), maker }),
        _ => Err(refusals),
    }
}

/// Verifies that the element that shows this provisional certificate is the one the maker built in (rows 1, 4, 6): by its
/// serial number and its key. That whoever shows the certificate holds the key, TLS has proved.
///
/// # Errors
/// Every reason that can be established.
pub fn verify_element_of<'a>(
    information: &DeviceInformation,
    chain: &[Vec<u8>],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: Timestamp,
) -> Result<VerifiedElement, Vec<Refusal>> {
    let slices: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let verified = pki::verify_element(&slices, anchors, revocation, now.unix_seconds());
    let element = verified.map_err(|refusals| refusals.into_iter().map(Refusal::Signer).collect::<Vec<_>>())?;
    let mut refusals = Vec::new();
    let named = &information.element;
    if element.serial() != named.serial.as_str() {
        refusals.push(Refusal::OtherElement { named: named.serial.to_string(), shown: element.serial().to_owned() });
    }
    let key = chain.first().and_then(|der| Certificate::parse(der).ok()).map(|leaf| Digest::of(leaf.spki_der()));
    if key != Some(named.key) {
        refusals.push(Refusal::OtherElementKey { named: named.key.to_string() });
    }
    if refusals.is_empty() { Ok(element) } else { Err(refusals) }
}
