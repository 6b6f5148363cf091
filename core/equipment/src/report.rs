//! What a device says of itself, signed with its first-tier key: how its element is set up, what it verified.

use model::Timestamp;
use pki::{AnchorSet, Revocation, VerifiedEquipment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::signature::{read, signed_by};
use crate::{DeviceId, Refusal, Signature};

/// How far a device's clock may be ahead, milliseconds.
const AHEAD: i64 = 300_000;

/// A thing only the device can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceFact {
    /// Its id is in the element, beside a first-tier key that the element does not give out (it was tried) (row 3).
    IdInElement,
    /// The element asks for its PIN or policy before it uses a key (it was tried without) (row 7).
    AccessControlled,
    /// It verified the VPN operator's certificate by that of the registration authority before it took its second-tier
    /// certificate (row 10).
    OperatorVerified,
    /// It refuses permits that do not verify, and takes those that do (it was tried) (row 12).
    PermitsVerified,
    /// Every application on it has a permit that verifies now; none at all counts (row 9).
    ApplicationsPermitted,
}

impl DeviceFact {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::IdInElement,
        Self::AccessControlled,
        Self::OperatorVerified,
        Self::PermitsVerified,
        Self::ApplicationsPermitted,
    ];

    /// Its name in statements.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdInElement => "id-in-element",
            Self::AccessControlled => "access-controlled",
            Self::OperatorVerified => "operator-verified",
            Self::PermitsVerified => "permits-verified",
            Self::ApplicationsPermitted => "applications-permitted",
        }
    }
}

/// What a device says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceReport {
    /// Which device; the signer must be this device.
    pub device: DeviceId,
    /// When it was found out.
    pub at: Timestamp,
    /// What holds.
    pub facts: BTreeSet<DeviceFact>,
}

impl DeviceReport {
    /// What the device signs; as [`crate::DeviceInformation::signed_bytes`].
    pub fn signed_bytes(&self) -> Vec<u8> {
        let facts: Vec<&str> = self.facts.iter().map(|fact| fact.as_str()).collect();
        format!("sekisho device report 1\ndevice={}\nat={}\nfacts={}\n", self.device, self.at.0, facts.join(","))
            .into_bytes()
    }
}

/// A report with its signature: a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReport {
    /// What is said.
    pub report: DeviceReport,
    /// Who says it.
    pub signature: Signature,
}

impl SignedReport {
    /// Reads the file. Nothing it says is believed by that.
    ///
    /// # Errors
    /// [`Refusal::Unreadable`] with the line.
    pub fn from_toml(text: &str) -> Result<Self, Refusal> {
        read(text)
    }

    /// The file.
    pub fn to_toml(&self) -> String {
        let facts: Vec<String> = self.report.facts.iter().map(|fact| format!("\"{}\"", fact.as_str())).collect();
        format!(
            "# 機器の報告 / what the device says of itself\n[report]\ndevice = \"{}\"\nat = \"{}\"\nfacts = [{}]\n\n{}",
            self.report.device,
            self.report.at,
            facts.join(", "),
            self.signature.to_toml()
        )
    }
}

/// A report of the device it names. Built only by [`verify_report`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReport {
    report: DeviceReport,
    equipment: VerifiedEquipment,
}

impl VerifiedReport {
    /// What is said.
    pub fn report(&self) -> &DeviceReport {
        &self.report
    }

    /// Who says it.
    pub fn equipment(&self) -> &VerifiedEquipment {
        &self.equipment
    }
}

/// Verifies that the device named in it signed it with the key of its first-tier certificate.
///
/// # Errors
/// Every reason that can be established.
pub fn verify_report<'a>(
    signed: &SignedReport,
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: Timestamp,
) -> Result<VerifiedReport, Vec<Refusal>> {
    let (report, held, seconds) = (&signed.report, revocation.into(), now.unix_seconds());
    let verify = |chain: &[&[u8]]| pki::verify_equipment(chain, anchors, held, seconds);
    let verified =
        signed_by(&signed.signature, &report.signed_bytes(), anchors, verify, VerifiedEquipment::certificate);
    let mut refusals = Vec::new();
    let equipment = verified.map_err(|found| refusals.extend(found)).ok();
    if let Some(equipment) = &equipment
        && equipment.device() != report.device.to_string()
    {
        refusals
            .push(Refusal::SignerIsAnother { named: report.device.to_string(), signer: equipment.device().to_owned() });
    }
    if report.at > now.plus_ms(AHEAD) {
        refusals.push(Refusal::FromFuture { at: report.at });
    }
    match equipment {
        Some(equipment) if refusals.is_empty() => Ok(VerifiedReport { report: report.clone(), equipment }),
        _ => Err(refusals),
    }
}
