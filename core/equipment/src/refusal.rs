//! Why a statement is not believed: each reason with its code, whose side it is on, and the mend.

use model::{Section, Timestamp};
use texts::{Arg, Reason};

use crate::{Action, DeviceId};

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Refusal {
    /// Q001: no TOML, a field missing, unknown or not of its form.
    #[error("line {line}: {why}")]
    Unreadable { line: usize, why: String },
    /// Q002: no PEM certificates.
    #[error("the signer's certificates cannot be read")]
    SignerUnreadable,
    /// P…: the signer's or the element's certificate, by `pki`.
    #[error("{0}")]
    Signer(pki::Refusal),
    /// Q003: the text was changed, or another key signed it.
    #[error("the signature is not of this text and this certificate")]
    SignatureInvalid,
    /// Q004: a good signature of somebody else.
    #[error("it names {named} and is signed by {signer}")]
    SignerIsAnother { named: String, signer: String },
    /// Q005.
    #[error("it is said to be made on {at}, which is to come")]
    MadeInFuture { at: Timestamp },
    /// Q006: swapped on the way, or entered wrongly by the maker.
    #[error("the maker built element {named} in; {shown} answers")]
    OtherElement { named: String, shown: String },
    /// Q007: the same serial number on another key: forged.
    #[error("the element's key is not the one the maker saw ({named})")]
    OtherElementKey { named: String },
    /// Q008.
    #[error("the permit is for {named}, this is {found}")]
    OtherDevice { named: DeviceId, found: DeviceId },
    /// Q009.
    #[error("the permit holds from {at}")]
    NotYetValid { at: Timestamp },
    /// Q010.
    #[error("the permit held until {at}")]
    Expired { at: Timestamp },
    /// Q011.
    #[error("the permit is to {permitted}, not to {wanted}")]
    OtherAction { permitted: Action, wanted: Action },
    /// Q012.
    #[error("the permit is for {permitted}, not for {wanted}")]
    OtherApplication { permitted: String, wanted: String },
    /// Q013.
    #[error("the package has {found} octets, {permitted} are permitted")]
    OtherLength { permitted: u64, found: u64 },
    /// Q014.
    #[error("the package is not the one permitted ({permitted})")]
    OtherPackage { permitted: String },
    /// Q015.
    #[error("the report is dated {at}, which is to come")]
    FromFuture { at: Timestamp },
    /// Q016: the certificate comes from an authority that no certified VPN operator stands for.
    #[error("{operator} does not stand for {authority}")]
    OtherAuthority { operator: String, authority: String },
}

impl Refusal {
    /// Codes of its own, in order; those of `pki` come besides.
    pub const CODES: [&'static str; 16] = [
        "Q001", "Q002", "Q003", "Q004", "Q005", "Q006", "Q007", "Q008", "Q009", "Q010", "Q011", "Q012", "Q013", "Q014",
        "Q015", "Q016",
    ];

    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Q001",
            Self::SignerUnreadable => "Q002",
            Self::Signer(refusal) => refusal.code(),
            Self::SignatureInvalid => "Q003",
            Self::SignerIsAnother { .. } => "Q004",
            Self::MadeInFuture { .. } => "Q005",
            Self::OtherElement { .. } => "Q006",
            Self::OtherElementKey { .. } => "Q007",
            Self::OtherDevice { .. } => "Q008",
            Self::NotYetValid { .. } => "Q009",
            Self::Expired { .. } => "Q010",
            Self::OtherAction { .. } => "Q011",
            Self::OtherApplication { .. } => "Q012",
            Self::OtherLength { .. } => "Q013",
            Self::OtherPackage { .. } => "Q014",
            Self::FromFuture { .. } => "Q015",
            Self::OtherAuthority { .. } => "Q016",
        }
    }

    /// Key of its text: `equipment-q003`, or that of `pki`; the remedy's key has `-do` behind it.
    pub fn key(&self) -> String {
        match self {
            Self::Signer(refusal) => refusal.key(),
            other => format!("equipment-{}", other.code().to_ascii_lowercase()),
        }
    }

    /// Whose section (N12): revocation lists and clocks of authorities are the operator's, all else is of whoever brings
    /// the device or the file.
    pub fn section(&self) -> Section {
        match self {
            Self::Signer(refusal) if refusal.lies_with_operator() => Section::Operator,
            Self::OtherAuthority { .. } => Section::Operator,
            _ => Section::Terminal,
        }
    }

    /// The values of its text.
    pub fn facts(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Self::Unreadable { line, why } => vec![("line", Arg::text(line)), ("why", Arg::text(why))],
            Self::Signer(refusal) => {
                let facts = refusal.facts().into_iter().map(|(name, value)| (name, Arg::Text(value)));
                facts.chain([("bearer", Arg::Key("bearer-registered".into())), ("kind", Arg::text("device"))]).collect()
            }
            Self::SignerUnreadable | Self::SignatureInvalid => Vec::new(),
            Self::SignerIsAnother { named, signer } => vec![("named", Arg::text(named)), ("signer", Arg::text(signer))],
            Self::OtherElement { named, shown } => vec![("named", Arg::text(named)), ("shown", Arg::text(shown))],
            Self::OtherElementKey { named } => vec![("named", Arg::text(named))],
            Self::OtherDevice { named, found } => vec![("named", Arg::text(named)), ("found", Arg::text(found))],
            Self::MadeInFuture { at } | Self::NotYetValid { at } | Self::Expired { at } | Self::FromFuture { at } => {
                vec![("at", Arg::Time(*at))]
            }
            Self::OtherAction { permitted, wanted } => {
                let key = |action: &Action| Arg::Key(format!("equipment-action-{action}"));
                vec![("permitted", key(permitted)), ("wanted", key(wanted))]
            }
            Self::OtherApplication { permitted, wanted } => {
                vec![("permitted", Arg::text(permitted)), ("wanted", Arg::text(wanted))]
            }
            Self::OtherLength { permitted, found } => {
                vec![("permitted", Arg::text(permitted)), ("found", Arg::text(found))]
            }
            Self::OtherAuthority { operator, authority } => {
                vec![("operator", Arg::text(operator)), ("authority", Arg::text(authority))]
            }
            Self::OtherPackage { permitted } => vec![("permitted", Arg::text(permitted))],
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
}
