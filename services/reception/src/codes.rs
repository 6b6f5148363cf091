//! One-time codes for tools: the service certificate's (R10).

use joining::{Account, OneTime, Purpose, UserId};
use model::Timestamp;

use crate::{Joining, Refused, SignedIn};

/// A code, shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The code: four groups of five characters.
    pub code: OneTime,
    /// It ends then.
    pub until: Timestamp,
}

/// Who used a code.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeHolder {
    /// The account; active.
    pub account: Account,
}

impl Joining {
    /// A code for the issuing tool; an earlier unused one ends.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn certificate_code(&self, who: &SignedIn) -> Result<Code, Refused> {
        let _ = who;
        Err(Refused::Internal("not built yet".into()))
    }

    /// Uses a code up: the tool has shown user ID and code. The answer is the same for an unknown ID and a wrong code.
    ///
    /// # Errors
    /// `LinkUnknown`, `LinkOver`, `Registry`.
    pub async fn use_certificate_code(&self, user: &str, code: &str) -> Result<CodeHolder, Refused> {
        let _ = (user, code);
        Err(Refused::Internal("not built yet".into()))
    }

    /// An account by its user ID, for rooms that hold one already; only while it works.
    ///
    /// # Errors
    /// `NoSuch`, `Registry`.
    pub async fn active_account(&self, user: UserId) -> Result<Account, Refused> {
        let _ = (user, Purpose::Certificate);
        Err(Refused::Internal("not built yet".into()))
    }
}
