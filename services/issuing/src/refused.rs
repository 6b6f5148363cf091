//! Why no certificate is given, whose side it is on, and the mend.

use keys::KeyFault;
use model::{Section, Timestamp};
use pki::RequestRefused;
use registry::RegistryError;
use texts::{Arg, Reason, Texts, Words};

/// Why an authority did not do it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Refused {
    /// E001.
    #[error("the request cannot be read: {what} at byte {offset}")]
    RequestUnreadable { what: &'static str, offset: usize },
    /// E002: no proof of possession.
    #[error("the request is not signed by the key it is for")]
    NotPossessed,
    /// E003.
    #[error("the key is {found}; ECDSA P-256 is wanted")]
    KeyKind { found: String },
    /// E004: or the name does not belong to it; which of them is not told.
    #[error("name and code do not belong together")]
    WrongCode,
    /// E005: by another key.
    #[error("the code was used")]
    CodeUsed,
    /// E006.
    #[error("the code expired at {at}")]
    CodeExpired { at: Timestamp },
    /// E007.
    #[error("the request is for {asked}, the code for {allowed}")]
    OtherIdentity { asked: String, allowed: String },
    /// E008: the request was made for another TLS session (RFC 7030 §3.5).
    #[error("the request is bound to another session")]
    NotBound,
    /// E009: neither a code nor a certificate.
    #[error("neither a code nor a certificate was shown")]
    CertificateMissing,
    /// E010: not issued here, or not in this form.
    #[error("the certificate shown was not issued here")]
    CertificateForeign,
    /// E011.
    #[error("the certificate shown expired at {at}")]
    CertificateExpired { at: Timestamp },
    /// E012.
    #[error("the certificate was revoked at {at}")]
    CertificateRevoked { at: Timestamp },
    /// E013: a key that was revoked because it leaked.
    #[error("this key was revoked because it leaked")]
    KeyLeaked,
    /// E014.
    #[error("no certificate with serial number {serial} was issued here")]
    UnknownCertificate { serial: String },
    /// E017: a gate certificate for a site whose equipment is registered, and no first-tier certificate was shown.
    #[error("the equipment of site {site} is registered, and its first-tier certificate was not shown")]
    FirstTierMissing { site: String },
    /// E018: what was shown is no good first-tier certificate.
    #[error("the first-tier certificate shown does not count: {codes}")]
    FirstTierRefused { codes: String },
    /// E019: a good one of a device that stands elsewhere.
    #[error("device {device} is not registered for site {site}")]
    DeviceElsewhere { device: String, site: String },
    /// E020: no such device, or it was revoked.
    #[error("device {device} is not registered, or was revoked")]
    DeviceUnknown { device: String },
    /// E021: the center gives gate certificates to registered equipment only.
    #[error("no equipment is registered for site {site}")]
    EquipmentRequired { site: String },
    /// E022: the element that was shown is not the one the maker built in.
    #[error("the element shown is not that of device {device}: {codes}")]
    ElementRefused { device: String, codes: String },
    /// E015: key, token or certificate of the authority.
    #[error("the authority cannot work: {0}")]
    Authority(Box<Words>),
    /// E016.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<RequestRefused> for Refused {
    fn from(refused: RequestRefused) -> Self {
        match refused {
            RequestRefused::Malformed(e) => Self::RequestUnreadable { what: e.what, offset: e.offset },
            RequestRefused::NotPossessed => Self::NotPossessed,
        }
    }
}

impl From<KeyFault> for Refused {
    fn from(fault: KeyFault) -> Self {
        Self::Authority(Box::new(fault.words()))
    }
}

impl From<files::Fault> for Refused {
    fn from(fault: files::Fault) -> Self {
        Self::Authority(Box::new(fault.into()))
    }
}

impl Refused {
    /// The authority met what should not be, as a library says it.
    pub(crate) fn inner(said: impl std::fmt::Display) -> Self {
        Self::Authority(Box::new(Words::new("issuing-inner", [("said", Arg::text(said))])))
    }

    /// The machine gives no random numbers.
    pub fn no_randomness() -> Self {
        KeyFault::NoRandomness.into()
    }

    /// For whoever keeps the center: the authority's own trouble, not only that there is one.
    pub fn words(&self) -> Words {
        match self {
            Self::Authority(words) => (**words).clone(),
            Self::Registry(error) => error.words(),
            other => Words::new(other.key(), other.facts()),
        }
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RequestUnreadable { .. } => "E001",
            Self::NotPossessed => "E002",
            Self::KeyKind { .. } => "E003",
            Self::WrongCode => "E004",
            Self::CodeUsed => "E005",
            Self::CodeExpired { .. } => "E006",
            Self::OtherIdentity { .. } => "E007",
            Self::NotBound => "E008",
            Self::CertificateMissing => "E009",
            Self::CertificateForeign => "E010",
            Self::CertificateExpired { .. } => "E011",
            Self::CertificateRevoked { .. } => "E012",
            Self::KeyLeaked => "E013",
            Self::UnknownCertificate { .. } => "E014",
            Self::Authority(_) => "E015",
            Self::Registry(_) => "E016",
            Self::FirstTierMissing { .. } => "E017",
            Self::FirstTierRefused { .. } => "E018",
            Self::DeviceElsewhere { .. } => "E019",
            Self::DeviceUnknown { .. } => "E020",
            Self::EquipmentRequired { .. } => "E021",
            Self::ElementRefused { .. } => "E022",
        }
    }

    /// Key of its text: `issuing-e004`; the remedy's key has `-do` behind it.
    pub fn key(&self) -> String {
        format!("issuing-{}", self.code().to_ascii_lowercase())
    }

    /// Whose section (N12).
    pub fn section(&self) -> Section {
        match self {
            Self::Authority(_) | Self::Registry(_) => Section::Operator,
            _ => Section::Terminal,
        }
    }

    /// May the same question be answered later without anything being changed by who asks?
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Authority(_) | Self::Registry(_))
    }

    /// The values of its text. What lies with the operator is told to the operator's log, not to who asks.
    pub fn facts(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Self::RequestUnreadable { what, offset } => {
                vec![("what", (*what).into()), ("offset", offset.to_string().into())]
            }
            Self::KeyKind { found } => vec![("found", found.as_str().into())],
            Self::CodeExpired { at } | Self::CertificateExpired { at } | Self::CertificateRevoked { at } => {
                vec![("at", (*at).into())]
            }
            Self::OtherIdentity { asked, allowed } => {
                vec![("asked", asked.as_str().into()), ("allowed", allowed.as_str().into())]
            }
            Self::UnknownCertificate { serial } => vec![("serial", serial.as_str().into())],
            Self::FirstTierMissing { site } | Self::EquipmentRequired { site } => vec![("site", site.as_str().into())],
            Self::FirstTierRefused { codes } => vec![("codes", codes.as_str().into())],
            Self::DeviceElsewhere { device, site } => {
                vec![("device", device.as_str().into()), ("site", site.as_str().into())]
            }
            Self::DeviceUnknown { device } => vec![("device", device.as_str().into())],
            Self::ElementRefused { device, codes } => {
                vec![("device", device.as_str().into()), ("codes", codes.as_str().into())]
            }
            Self::NotPossessed
            | Self::WrongCode
            | Self::CodeUsed
            | Self::NotBound
            | Self::CertificateMissing
            | Self::CertificateForeign
            | Self::KeyLeaked
            | Self::Authority(_)
            | Self::Registry(_) => Vec::new(),
        }
    }

    /// As the rest of the house hands reasons over.
    pub fn reason(&self) -> Reason {
        Reason {
            code: self.code().to_owned(),
            section: self.section(),
            key: self.key(),
            note: None,
            args: self.facts().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }

    /// What happened and what to do, in the reader's language.
    pub fn told(&self, texts: &Texts) -> (String, String) {
        (texts.say(&self.key(), &self.facts()), texts.say(&format!("{}-do", self.key()), &self.facts()))
    }
}
