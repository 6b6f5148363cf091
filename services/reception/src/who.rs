//! Who asks.

use audit::Event;
use joining::{Account, Action, ApiToken, InstitutionId, OneTime, Role, UserId, access};
use model::Timestamp;
use registry::{Commit, Session};

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

/// Somebody who has signed in, or a program of theirs. Only [`crate::Joining::session`] and [`crate::Joining::program`]
/// make one.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub(crate) account: Account,
    pub(crate) held: Held,
}

/// What shows who it is.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    /// A browser's session.
    Session(Session),
    /// A program's token.
    Program {
        /// Its number.
        number: i64,
        /// Itself.
        token: Box<ApiToken>,
    },
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

    /// The token, if it is a program: its number, and itself.
    pub fn program(&self) -> Option<(i64, &ApiToken)> {
        match &self.held {
            Held::Session(_) => None,
            Held::Program { number, token } => Some((*number, token)),
        }
    }

    /// Does what it holds reach so far? A session reaches as far as its owner; a token to what it was made for.
    pub fn reaches(&self, action: Action) -> bool {
        self.program().is_none_or(|(_, token)| token.actions.contains(&action))
    }

    /// The session: what is about oneself is not for programs.
    pub(crate) fn session(&self) -> Result<&Session, Refused> {
        match &self.held {
            Held::Session(session) => Ok(session),
            Held::Program { .. } => Err(Refused::MayNot),
        }
    }

    /// Its role about things of an institution: an account of another one is nobody's staff.
    pub fn role(&self, about: InstitutionId) -> Role {
        if about == self.account.institution { self.account.role.into() } else { Role::OtherInstitution }
    }

    /// A change that they make: who reads the record sees when it was a program's hand.
    pub fn commit(&self, at: Timestamp) -> Commit {
        let commit = Commit::at(at);
        match self.program() {
            Some((token, _)) => commit.event(Event::ProgramActed { token, user: self.user().to_string() }),
            None => commit,
        }
    }

    pub(crate) fn may(&self, action: Action) -> Result<(), Refused> {
        let may = access::may(self.account.role.into(), action) && self.reaches(action);
        if may { Ok(()) } else { Err(Refused::MayNot) }
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
