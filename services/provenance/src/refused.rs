//! Why a step was not made: code, whose side, remedy (N12).

use equipment::DeviceId;
use model::Section;
use registry::RegistryError;
use texts::{Arg, Reason};

/// Why a use case refused.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Refused {
    /// What was brought is not believed.
    #[error("not believed: {0:?}")]
    NotBelieved(Vec<equipment::Refusal>),
    /// Q201.
    #[error("no device {device}")]
    NoSuch { device: DeviceId },
    /// Q202: its element is in another device that is registered.
    #[error("the element {element} is registered in another device")]
    ElementTaken { element: String },
    /// Q203.
    #[error("device {device} is revoked")]
    Revoked { device: DeviceId },
    /// Q204: policy knows no such site.
    #[error("there is no site {site}")]
    NoSite { site: String },
    /// Q205: only a machine answers it.
    #[error("row {row} is not for a person to answer")]
    NotForPeople { row: u8 },
    /// Q206.
    #[error("there is no row {row}")]
    NoRow { row: u8 },
    /// Q207: an answer without what it rests on.
    #[error("what the answer rests on is missing or too long")]
    Evidence,
    /// The authorities.
    #[error(transparent)]
    Issuing(#[from] issuing::Refused),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Refused {
    /// Its own codes, in order; those of what it carries come besides.
    pub const CODES: [&'static str; 7] = ["Q201", "Q202", "Q203", "Q204", "Q205", "Q206", "Q207"];

    /// Every reason; at least one.
    pub fn reasons(&self) -> Vec<Reason> {
        let own = |code: &str, args: Vec<(&str, String)>| {
            vec![Reason {
                code: code.to_owned(),
                section: Section::Operator,
                key: format!("equipment-{}", code.to_ascii_lowercase()),
                note: None,
                args: args.into_iter().map(|(name, value)| (name.to_owned(), Arg::Text(value))).collect(),
            }]
        };
        match self {
            Self::NotBelieved(refusals) => refusals.iter().map(equipment::Refusal::reason).collect(),
            Self::NoSuch { device } => own("Q201", vec![("device", device.to_string())]),
            Self::ElementTaken { element } => own("Q202", vec![("element", element.clone())]),
            Self::Revoked { device } => own("Q203", vec![("device", device.to_string())]),
            Self::NoSite { site } => own("Q204", vec![("site", site.clone())]),
            Self::NotForPeople { row } => own("Q205", vec![("row", row.to_string())]),
            Self::NoRow { row } => own("Q206", vec![("row", row.to_string())]),
            Self::Evidence => own("Q207", vec![]),
            Self::Issuing(refused) => vec![refused.reason()],
            Self::Registry(error) => vec![issuing_reason(error)],
        }
    }

    /// HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotBelieved(_) | Self::Evidence | Self::NotForPeople { .. } => 422,
            Self::NoSuch { .. } | Self::NoSite { .. } | Self::NoRow { .. } => 404,
            Self::ElementTaken { .. } | Self::Revoked { .. } => 409,
            Self::Registry(RegistryError::Stale { .. }) => 409,
            Self::Issuing(refused) if !refused.is_transient() => 409,
            Self::Issuing(_) | Self::Registry(_) => 503,
        }
    }
}

/// The registry's troubles are worded once, by the authorities.
fn issuing_reason(error: &RegistryError) -> Reason {
    issuing::Refused::Registry(RegistryError::Inconsistent(error.to_string())).reason()
}
