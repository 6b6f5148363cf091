//! 施設内の届出担当利用者: staff, managed by the reporting manager (R11).

use joining::UserId;

use crate::{AccountView, Joining, Refused, Reset, SignedIn};

/// A new member of staff, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaffForm {
    /// Name.
    pub name: String,
    /// Reading, full-width katakana.
    pub kana: String,
    /// Address; no mobile carrier's.
    pub mail: String,
}

/// A member of staff was added. The manager tells the initial password in person; it is shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffAdded {
    /// The account.
    pub account: AccountView,
    /// Its initial password.
    pub reset: Reset,
}

impl Joining {
    /// Accounts of the institution that are not removed, the manager first.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn staff(&self, who: &SignedIn) -> Result<Vec<AccountView>, Refused> {
        let _ = who;
        Err(Refused::Internal("not built yet".into()))
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `Registry`.
    pub async fn add_staff(&self, who: &SignedIn, form: &StaffForm) -> Result<StaffAdded, Refused> {
        let _ = (who, form);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Removes somebody: the account never works again, its sessions end now.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `LastManager` for oneself, `Changed`, `Registry`.
    pub async fn remove_staff(&self, who: &SignedIn, user: UserId) -> Result<(), Refused> {
        let _ = (who, user);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Gives a member of staff a new initial password.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn reset_staff(&self, who: &SignedIn, user: UserId) -> Result<Reset, Refused> {
        let _ = (who, user);
        Err(Refused::Internal("not built yet".into()))
    }
}
