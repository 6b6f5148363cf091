//! Who asks.

use joining::{Account, Action, InstitutionId, OneTime, Role, UserId, access};
use registry::Session;

use crate::Refused;

/// An operator of the center, as the operator's entrance has identified them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Account.
    pub account: String,
    /// May only read?
    pub auditor: bool,
}

impl Operator {
    /// One who may change things.
    pub fn new(account: &str) -> Self {
        Self { account: account.to_owned(), auditor: false }
    }

    /// One who may only read.
    pub fn auditor(account: &str) -> Self {
        Self { account: account.to_owned(), auditor: true }
    }

    /// Its role.
    pub fn role(&self) -> Role {
        if self.auditor { Role::Auditor } else { Role::Operator }
    }

    pub(crate) fn may(&self, action: Action) -> Result<(), Refused> {
        if access::may(self.role(), action) { Ok(()) } else { Err(Refused::MayNot) }
    }
}

/// The token of a session, for a cookie. It shows itself only through [`OneTime::reveal`].
pub type Token = OneTime;

/// Somebody who has signed in. Only [`crate::Joining::session`] makes one.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub(crate) account: Account,
    pub(crate) session: Session,
}

impl SignedIn {
    /// User ID.
    pub fn user(&self) -> UserId {
        self.account.user
    }

    /// The account, as it was when the session was looked up.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Its institution.
    pub fn institution(&self) -> InstitutionId {
        self.account.institution
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Its role about things of an institution: an account of another one is nobody's staff.
    pub fn role(&self, about: InstitutionId) -> Role {
        if about == self.account.institution { self.account.role.into() } else { Role::OtherInstitution }
    }

    pub(crate) fn may(&self, action: Action) -> Result<(), Refused> {
        if access::may(self.account.role.into(), action) { Ok(()) } else { Err(Refused::MayNot) }
    }
}

/// Somebody between the initial password and the first sign-in. Only [`crate::Joining::settling`] makes one.
#[derive(Debug, Clone)]
pub struct Settling {
    pub(crate) account: Account,
    pub(crate) session: Session,
}

impl Settling {
    /// User ID.
    pub fn user(&self) -> UserId {
        self.account.user
    }

    /// The account, as it was when the session was looked up.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Must the initial password be changed first?
    pub fn must_change(&self) -> bool {
        self.session.stage == registry::SessionStage::MustChange
    }
}
