//! Permits to install or delete an application on a device (AP 搭載許可証・AP 削除許可証), signed by a registration centre.

use audit::Digest;
use model::Timestamp;
use pki::{AnchorSet, Revocation, VerifiedRegistrationCentre};
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::signature::{quoted, read, signed_by};
use crate::{DeviceId, Label, Name, Refusal, Signature};

/// What is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// To install (搭載).
    Install,
    /// To delete (削除).
    Delete,
}

impl Action {
    /// Its name in statements and texts (`equipment-action-<name>`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The very octets of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// SHA-256.
    pub sha256: Digest,
    /// Octets.
    pub length: u64,
}

impl Package {
    /// Of octets.
    pub fn of(octets: &[u8]) -> Self {
        Self { sha256: Digest::of(octets), length: octets.len() as u64 }
    }
}

/// A permit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// Its number, unique within its issuer; a device takes each once.
    pub number: Name,
    /// What may be done.
    pub action: Action,
    /// With which application.
    pub application: Name,
    /// Its version.
    pub version: Label,
    /// And this package only.
    pub package: Package,
    /// On this device; on any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// First instant it holds.
    pub valid_from: Timestamp,
    /// First instant it no longer holds.
    pub valid_until: Timestamp,
    /// The registration centre; the signer must be this centre.
    pub issuer: Name,
}

impl Permit {
    /// What the centre signs; as [`crate::DeviceInformation::signed_bytes`].
    pub fn signed_bytes(&self) -> Vec<u8> {
        let device = self.device.map_or_else(|| "any".to_owned(), |device| device.to_string());
        format!(
            "sekisho application permit 1\nnumber={}\naction={}\napplication={}\nversion={}\nsha256={}\nlength={}\n\
             device={device}\nfrom={}\nuntil={}\nissuer={}\n",
            self.number,
            self.action,
            self.application,
            self.version,
            self.package.sha256,
            self.package.length,
            self.valid_from.0,
            self.valid_until.0,
            self.issuer
        )
        .into_bytes()
    }
}

/// A permit with its signature: a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedPermit {
    /// What is permitted.
    pub permit: Permit,
    /// By whom.
    pub signature: Signature,
}

impl SignedPermit {
    /// Reads the file. Nothing it says is believed by that.
    ///
    /// # Errors
    /// [`Refusal::Unreadable`] with the line.
    pub fn from_toml(text: &str) -> Result<Self, Refusal> {
        read(text)
    }

    /// The file.
    pub fn to_toml(&self) -> String {
        let p = &self.permit;
        let device = p.device.map_or_else(String::new, |device| format!("device = \"{device}\"\n"));
        format!(
            "# AP {}許可証 / permit to {} an application\n\
             [permit]\nnumber = \"{}\"\naction = \"{}\"\napplication = \"{}\"\nversion = {}\n{device}\
             valid_from = \"{}\"\nvalid_until = \"{}\"\nissuer = \"{}\"\n\n\
             [permit.package]\nsha256 = \"{}\"\nlength = {}\n\n{}",
            match p.action {
                Action::Install => "搭載",
                Action::Delete => "削除",
            },
            p.action,
            p.number,
            p.action,
            p.application,
            quoted(&p.version),
            p.valid_from,
            p.valid_until,
            p.issuer,
            p.package.sha256,
            p.package.length,
            self.signature.to_toml()
        )
    }
}

/// A permit that holds now, for this device. Built only by [`verify_permit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPermit {
    permit: Permit,
    centre: VerifiedRegistrationCentre,
}

impl VerifiedPermit {
    /// What is permitted.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Who permits it.
    pub fn centre(&self) -> &VerifiedRegistrationCentre {
        &self.centre
    }

    /// Whether it permits this, with this application and this package.
    ///
    /// # Errors
    /// Every reason why not.
    pub fn covers(&self, action: Action, application: &Name, package: &Package) -> Result<(), Vec<Refusal>> {
        let (permit, mut refusals) = (&self.permit, Vec::new());
        if permit.action != action {
            refusals.push(Refusal::OtherAction { permitted: permit.action, wanted: action });
        }
        if permit.application != *application {
            refusals.push(Refusal::OtherApplication {
                permitted: permit.application.to_string(),
                wanted: application.to_string(),
            });
        }
        if permit.package.length != package.length {
            refusals.push(Refusal::OtherLength { permitted: permit.package.length, found: package.length });
        }
        if permit.package.sha256 != package.sha256 {
            refusals.push(Refusal::OtherPackage { permitted: permit.package.sha256.to_string() });
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }
}

/// Verifies that a registration centre that the registration authority certified signed this permit, that it names this
/// device (or any), and that it holds now (rows 9, 12).
///
/// # Errors
/// Every reason that can be established.
pub fn verify_permit<'a>(
    signed: &SignedPermit,
    device: &DeviceId,
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: Timestamp,
) -> Result<VerifiedPermit, Vec<Refusal>> {
    let (permit, held, seconds) = (&signed.permit, revocation.into(), now.unix_seconds());
    let verify = |chain: &[&[u8]]| pki::verify_registration_centre(chain, anchors, held, seconds);
    let bytes = permit.signed_bytes();
    let verified = signed_by(&signed.signature, &bytes, anchors, verify, VerifiedRegistrationCentre::certificate);
    let mut refusals = Vec::new();
    let centre = verified.map_err(|found| refusals.extend(found)).ok();
    if let Some(centre) = &centre
        && centre.id() != permit.issuer.as_str()
    {
        refusals.push(Refusal::SignerIsAnother { named: permit.issuer.to_string(), signer: centre.id().to_owned() });
    }
    if let Some(named) = permit.device
        && named != *device
    {
        refusals.push(Refusal::OtherDevice { named, found: *device });
    }
    if now < permit.valid_from {
        refusals.push(Refusal::NotYetValid { at: permit.valid_from });
    }
    if now >= permit.valid_until {
        refusals.push(Refusal::Expired { at: permit.valid_until });
    }
    match centre {
        Some(centre) if refusals.is_empty() => Ok(VerifiedPermit { permit: permit.clone(), centre }),
        _ => Err(refusals),
    }
}
