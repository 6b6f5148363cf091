//! Who asks: a member of an institution, or an operator of the center.

use joining::{Action, InstitutionId, Role, access};
use model::Timestamp;
use reception::{Operator, SignedIn};
use registry::Commit;

use crate::Refused;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    /// Somebody of an institution, for it.
    Member(&'a SignedIn),
    /// An operator or auditor, for every institution.
    Operator(&'a Operator),
}

impl Who<'_> {
    /// As records name them.
    pub fn name(&self) -> String {
        match self {
            Self::Member(who) => who.user().to_string(),
            Self::Operator(operator) => operator.account.clone(),
        }
    }

    /// A change that they make, see [`SignedIn::commit`].
    pub(crate) fn commit(&self, at: Timestamp) -> Commit {
        match self {
            Self::Member(who) => who.commit(at),
            Self::Operator(_) => Commit::at(at),
        }
    }

    /// Their role.
    pub fn role(&self) -> Role {
        match self {
            Self::Member(who) => who.role(who.institution()),
            Self::Operator(operator) => operator.role(),
        }
    }

    /// May they register and change?
    pub fn may_change(&self) -> bool {
        match self {
            Self::Member(who) => access::may(self.role(), Action::ManageSites) && who.reaches(Action::ManageSites),
            Self::Operator(_) => access::may(self.role(), Action::RegisterSites),
        }
    }

    /// The institution they speak for; an operator speaks for none alone.
    pub(crate) fn institution(&self) -> Option<InstitutionId> {
        match self {
            Self::Member(who) => Some(who.institution()),
            Self::Operator(_) => None,
        }
    }

    pub(crate) fn see(&self) -> Result<(), Refused> {
        if access::may(self.role(), Action::SeeSites) { Ok(()) } else { Err(reception::Refused::MayNot.into()) }
    }

    pub(crate) fn change(&self) -> Result<(), Refused> {
        if self.may_change() { Ok(()) } else { Err(reception::Refused::MayNot.into()) }
    }
}
