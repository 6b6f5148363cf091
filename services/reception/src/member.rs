//! Who comes with a service certificate (サービス用証明書) to the entrance of a service (R10, R12).

use joining::{Account, InstitutionId, Role, UserId};

use crate::{Joining, Refused};

/// An account at the entrance of a service its institution has. Only [`Joining::member`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    account: Account,
}

impl Member {
    /// User ID.
    pub fn user(&self) -> UserId {
        self.account.user
    }

    /// The account, as it was when it was looked up.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Its institution.
    pub fn institution(&self) -> InstitutionId {
        self.account.institution
    }

    /// Its role about things of its institution.
    pub fn role(&self) -> Role {
        self.account.role.into()
    }
}

impl Joining {
    /// Whose user ID a service certificate names, if the account works and its institution was approved for the service.
    /// The caller has verified the certificate. Asked with every request: a removed member of staff is out at once.
    ///
    /// # Errors
    /// `AccountOff`, `NoService`, `Registry`.
    pub async fn member(&self, user: &str, service: &str) -> Result<Member, Refused> {
        let user: UserId = user.parse().map_err(|_| Refused::AccountOff)?;
        // As for the client VPN: after a reset the owner chooses a password first.
        let account = self.active_account(user).await.map_err(|no| match no {
            Refused::NoSuch => Refused::AccountOff,
            other => other,
        })?;
        if !self.has_service(account.institution, service).await? {
            return Err(Refused::NoService);
        }
        Ok(Member { account })
    }
}
