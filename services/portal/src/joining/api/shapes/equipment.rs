//! Devices, their rows and what is done with them.

use equipment::{DeviceStand, ROWS, RowAnswer};
use model::Timestamp;
use provenance::{DeviceView, Once};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{Plain, Problem};
use crate::reader::Reader;

/// Which part of the list; fifty devices are in one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct DevicesAfter {
    /// The value of `next` that the part before ended with.
    #[serde(default)]
    after: String,
}

impl DevicesAfter {
    pub fn place(&self) -> Result<Option<(Timestamp, i64)>, Problem> {
        if self.after.is_empty() {
            return Ok(None);
        }
        let read = || {
            let (at, id) = self.after.split_once('.')?;
            Some((Timestamp(at.parse().ok()?), id.parse().ok()?))
        };
        read().map(Some).ok_or_else(|| Plain::Malformed("after".to_owned()).into())
    }
}

/// What a maker signed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct StatementGiven {
    /// The file as text (TOML).
    pub statement: String,
}

/// What a device signed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct ReportGiven {
    /// The file as text (TOML).
    pub report: String,
}

/// Where a device stands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct SiteOfDevice {
    /// The site; absent if it stands at none.
    #[serde(default)]
    pub site: Option<String>,
}

/// A person's answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct AnswerGiven {
    /// Number of the row, 1 to 12.
    #[schemars(range(min = 1, max = 12))]
    pub row: u8,
    /// What the answer rests on: a contract, a delivery note, an inspection.
    pub evidence: String,
}

/// Why a device is revoked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct RevokeGiven {
    /// `keyCompromise`, `affiliationChanged`, `superseded`, `cessationOfOperation` or `privilegeWithdrawn`.
    pub reason: String,
}

/// What ended with a device.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct DeviceEnded {
    /// Certificates that were revoked with it.
    pub certificates: usize,
}

/// A code for the first-tier certificate; shown once.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct DeviceToken {
    /// The device id.
    device: String,
    /// The code, as a person types it.
    code: String,
    /// Address, server's key, name and code in one text, as a machine reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Until when it is good (RFC 3339).
    until: String,
}

impl DeviceToken {
    pub fn of(once: Once) -> Self {
        Self { device: once.device.to_string(), code: once.code, token: once.token, until: once.until.to_string() }
    }
}

/// A registered device.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Device {
    /// The device id.
    id: String,
    /// Its maker.
    maker: String,
    /// Model.
    model: String,
    /// Serial number.
    serial: String,
    /// Day of making.
    made: String,
    /// Serial number of its secure element.
    element: String,
    /// `pkcs11` or `tpm2`.
    element_kind: String,
    /// The site it stands at.
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<String>,
    /// `registered`, `ending` or `revoked`.
    stand: String,
    /// When it was taken in (RFC 3339).
    taken_at: String,
    /// By whom.
    taken_by: String,
    /// The twelve rows of the equipment-security table.
    rows: Vec<DeviceRow>,
}

/// How a row stands.
#[derive(Debug, Serialize, JsonSchema)]
struct DeviceRow {
    /// 1 to 12.
    number: u8,
    /// What it asks for.
    asks: String,
    /// `proved`, `told` or `open`.
    answer: String,
    /// What was verified.
    evidence: Vec<Verified>,
    /// What was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// Who answered it, if a person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// What that answer rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

/// Something that was verified.
#[derive(Debug, Serialize, JsonSchema)]
struct Verified {
    /// What; stable.
    what: String,
    /// When (RFC 3339).
    at: String,
}

impl Device {
    pub fn of(view: &DeviceView, reader: &Reader) -> Self {
        let (device, said) = (&view.device, &view.device.information.device);
        let stand: &DeviceStand = &device.stand;
        let row = |(row, answer): (&equipment::Row, &RowAnswer)| {
            let (word, evidence, missing, told) = match answer {
                RowAnswer::Proved { evidence } => ("proved", evidence, &[][..], None),
                RowAnswer::Told { answer, evidence } => ("told", evidence, &[][..], Some(answer)),
                RowAnswer::Open { evidence, missing, .. } => ("open", evidence, missing.as_slice(), None),
            };
            let verified = |(what, at): &(equipment::Evidence, Timestamp)| Verified {
                what: what.as_str().to_owned(),
                at: at.to_string(),
            };
            DeviceRow {
                number: row.number,
                asks: reader.say(&format!("{}-asks", row.key())),
                answer: word.to_owned(),
                evidence: evidence.iter().map(verified).collect(),
                missing: missing.iter().map(|one| one.as_str().to_owned()).collect(),
                by: told.map(|told| told.by.clone()),
                because: told.map(|told| told.evidence.clone()),
            }
        };
        Self {
            id: device.id.to_string(),
            maker: said.maker.to_string(),
            model: said.model.to_string(),
            serial: said.serial.to_string(),
            made: said.made.to_string(),
            element: said.element.serial.to_string(),
            element_kind: said.element.kind.to_string(),
            site: device.site.as_ref().map(ToString::to_string),
            stand: stand.as_str().to_owned(),
            taken_at: device.taken_at.to_string(),
            taken_by: device.taken_by.clone(),
            rows: ROWS.iter().zip(&view.answers).map(row).collect(),
        }
    }
}
