//! Why something was not done: code, whose side, remedy.

use joining::{FieldFault, StepFault};
use model::{Section, Timestamp};
use registry::RegistryError;
use std::collections::BTreeMap;
use texts::{Arg, Reason};

/// Why a use case refused. Its text has the key [`Refused::key`], the remedy's is this with `-do`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// Fields of a form are wrong; shown beside the fields.
    Fields(Vec<FieldFault>),
    /// The one-time URL or code is none, was used, or was replaced by a newer one.
    LinkUnknown,
    /// The one-time URL or code has ended.
    LinkOver {
        /// When.
        at: Timestamp,
    },
    /// No session, or it is over.
    NotSignedIn,
    /// User ID and password do not fit, or the account is locked: which, is not told.
    WrongCredentials,
    /// The second factor is wrong.
    WrongSecondFactor,
    /// The initial password has ended; another one is to be asked for by telephone.
    InitialOver,
    /// Not for this person.
    MayNot,
    /// There is no such thing, or it is another institution's: which, is not told.
    NoSuch,
    /// Somebody else changed it meanwhile.
    Changed,
    /// It stands elsewhere by now.
    WrongStand,
    /// The institution has not confirmed by telephone yet (R4).
    NotConfirmed,
    /// The institution is not in the directory yet (R3).
    NotListed,
    /// The second approval must be another person's.
    SamePerson,
    /// The VPN password was shown; it is shown once only (R6).
    ShownAlready,
    /// The institution has applied for this service already (R9).
    AppliedAlready,
    /// Who manages the institution cannot remove themselves, and the last manager cannot go.
    LastManager,
    /// The institution was not approved for this service, or not yet (R9).
    NoService,
    /// The account was suspended or removed.
    AccountOff,
    /// As many tokens work already as an account may have.
    TooManyTokens,
    /// The registry did not do it.
    Registry(RegistryError),
    /// What a new security key said does not hold.
    KeyRefused(webauthn::Fault),
    /// A fault of this program.
    Internal(String),
}

impl Refused {
    /// One fault of one field.
    pub fn field(fault: FieldFault) -> Self {
        Self::Fields(vec![fault])
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fields(_) => "J001",
            Self::LinkUnknown => "J002",
            Self::LinkOver { .. } => "J003",
            Self::NotSignedIn => "J004",
            Self::WrongCredentials => "J005",
            Self::WrongSecondFactor => "J006",
            Self::InitialOver => "J007",
            Self::MayNot => "J008",
            Self::NoSuch => "J009",
            Self::Changed => "J010",
            Self::WrongStand => "J011",
            Self::NotConfirmed => "J012",
            Self::NotListed => "J013",
            Self::SamePerson => "J014",
            Self::ShownAlready => "J015",
            Self::AppliedAlready => "J016",
            Self::LastManager => "J017",
            Self::Registry(_) => "J018",
            Self::Internal(_) => "J019",
            Self::NoService => "J020",
            Self::AccountOff => "J021",
            Self::TooManyTokens => "J022",
            Self::KeyRefused(_) => "J023",
        }
    }

    /// Fluent key of its text.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Fields(_) => "joining-refused-fields",
            Self::LinkUnknown => "joining-refused-link-unknown",
            Self::LinkOver { .. } => "joining-refused-link-over",
            Self::NotSignedIn => "joining-refused-not-signed-in",
            Self::WrongCredentials => "joining-refused-wrong-credentials",
            Self::WrongSecondFactor => "joining-refused-wrong-second-factor",
            Self::InitialOver => "joining-refused-initial-over",
            Self::MayNot => "joining-refused-may-not",
            Self::NoSuch => "joining-refused-no-such",
            Self::Changed => "joining-refused-changed",
            Self::WrongStand => "joining-refused-wrong-stand",
            Self::NotConfirmed => "joining-refused-not-confirmed",
            Self::NotListed => "joining-refused-not-listed",
            Self::SamePerson => "joining-refused-same-person",
            Self::ShownAlready => "joining-refused-shown-already",
            Self::AppliedAlready => "joining-refused-applied-already",
            Self::LastManager => "joining-refused-last-manager",
            Self::Registry(_) => "joining-refused-registry",
            Self::Internal(_) => "joining-refused-internal",
            Self::NoService => "joining-refused-no-service",
            Self::AccountOff => "joining-refused-account-off",
            Self::TooManyTokens => "joining-refused-too-many-tokens",
            Self::KeyRefused(_) => "joining-refused-key",
        }
    }

    /// Whose section it lies in (N12).
    pub fn section(&self) -> Section {
        match self {
            Self::Fields(_)
            | Self::LinkUnknown
            | Self::LinkOver { .. }
            | Self::NotSignedIn
            | Self::WrongCredentials
            | Self::WrongSecondFactor
            | Self::InitialOver
            | Self::NoSuch
            | Self::ShownAlready
            | Self::KeyRefused(_) => Section::Terminal,
            Self::MayNot
            | Self::AppliedAlready
            | Self::LastManager
            | Self::NoService
            | Self::AccountOff
            | Self::TooManyTokens => Section::InHouseLan,
            Self::Changed
            | Self::WrongStand
            | Self::NotConfirmed
            | Self::NotListed
            | Self::SamePerson
            | Self::Registry(_)
            | Self::Internal(_) => Section::Operator,
        }
    }

    /// HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self {
            Self::Fields(_) | Self::KeyRefused(_) => 422,
            Self::LinkUnknown | Self::LinkOver { .. } => 410,
            Self::NotSignedIn | Self::WrongCredentials | Self::WrongSecondFactor | Self::InitialOver => 401,
            Self::MayNot | Self::NoService | Self::AccountOff => 403,
            Self::NoSuch => 404,
            Self::Changed
            | Self::WrongStand
            | Self::NotConfirmed
            | Self::NotListed
            | Self::SamePerson
            | Self::ShownAlready
            | Self::AppliedAlready
            | Self::LastManager
            | Self::TooManyTokens => 409,
            Self::Registry(_) => 503,
            Self::Internal(_) => 500,
        }
    }

    /// As data, with the values its texts mention.
    pub fn reason(&self) -> Reason {
        let mut args = BTreeMap::new();
        match self {
            Self::LinkOver { at } => drop(args.insert("at".to_owned(), Arg::Time(*at))),
            Self::Registry(error) => drop(args.insert("why".to_owned(), Arg::text(error))),
            Self::Internal(why) => drop(args.insert("why".to_owned(), Arg::text(why))),
            Self::KeyRefused(fault) => drop(args.insert("why".to_owned(), Arg::text(fault))),
            _ => {}
        }
        Reason { code: self.code().to_owned(), section: self.section(), key: self.key().to_owned(), note: None, args }
    }
}

impl From<RegistryError> for Refused {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Stale { .. } => Self::Changed,
            other => Self::Registry(other),
        }
    }
}

impl From<StepFault> for Refused {
    fn from(fault: StepFault) -> Self {
        match fault {
            StepFault::WrongStand => Self::WrongStand,
            StepFault::NotConfirmed => Self::NotConfirmed,
            StepFault::NotListed => Self::NotListed,
            StepFault::SamePerson => Self::SamePerson,
        }
    }
}

impl From<Vec<FieldFault>> for Refused {
    fn from(faults: Vec<FieldFault>) -> Self {
        Self::Fields(faults)
    }
}
