//! Accounts, as the operator manages them (R5), and as the client VPN needs them (R7).

use joining::{Account, InitialPassword, UserId, VpnId};
use model::Timestamp;

use crate::{Joining, Operator, Refused};

/// An account, for lists; nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// 利用者 ID.
    pub user: UserId,
    /// VPN-ID.
    pub vpn: VpnId,
    /// Its institution's number.
    pub institution: joining::InstitutionId,
    /// Name.
    pub name: String,
    /// Reading.
    pub kana: String,
    /// Address.
    pub mail: joining::MailAddress,
    /// What its owner is.
    pub role: joining::AccountRole,
    /// Does it work?
    pub state: joining::AccountState,
    /// Does it still have its initial password?
    pub initial: bool,
    /// Is it locked now?
    pub locked: bool,
    /// Does only a person unlock it?
    pub locked_hard: bool,
    /// Was its VPN password shown?
    pub vpn_shown: bool,
    /// Has it a second factor?
    pub second_factor: bool,
    /// When it was made.
    pub made_at: Timestamp,
}

impl AccountView {
    pub(crate) fn of(account: &Account, now: Timestamp) -> Self {
        Self {
            user: account.user,
            vpn: account.vpn.clone(),
            institution: account.institution,
            name: account.name.clone(),
            kana: account.kana.clone(),
            mail: account.mail.clone(),
            role: account.role,
            state: account.state,
            initial: account.is_initial(),
            locked: account.lockout.is_locked(now),
            locked_hard: account.lockout.hard,
            vpn_shown: matches!(account.vpn_secret, joining::VpnSecret::Shown { .. }),
            second_factor: account.has_second_factor(),
            made_at: account.made_at,
        }
    }
}

/// A new initial password, shown here and never again; it is told by telephone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// 利用者 ID.
    pub user: UserId,
    /// VPN-ID.
    pub vpn: VpnId,
    /// Six digits.
    pub initial: InitialPassword,
    /// It ends then.
    pub until: Timestamp,
}

impl Joining {
    /// Accounts of an institution, or all of them.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn accounts(
        &self,
        operator: &Operator,
        institution: Option<joining::InstitutionId>,
    ) -> Result<Vec<AccountView>, Refused> {
        let _ = (operator, institution);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Gives an account a new initial password, and a new VPN password to be shown after it was changed. Sessions and
    /// locks end; second factors stay unless `drop_factors`.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn reset_account(&self, operator: &Operator, user: UserId, drop_factors: bool) -> Result<Reset, Refused> {
        let _ = (operator, user, drop_factors);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Unlocks an account.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn unlock_account(&self, operator: &Operator, user: UserId) -> Result<AccountView, Refused> {
        let _ = (operator, user);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Suspends an account, or lets it work again; its sessions end.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `WrongStand`, `Changed`, `Registry`.
    pub async fn suspend_account(
        &self,
        operator: &Operator,
        user: UserId,
        suspended: bool,
    ) -> Result<AccountView, Refused> {
        let _ = (operator, user, suspended);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Every account that may use the client VPN now: VPN-ID and NT hash (hexadecimal) of its VPN password. An account
    /// that is suspended, removed, reset or locked is not among them. For the room that drives charon.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn vpn_accounts(&self) -> Result<Vec<(VpnId, String)>, Refused> {
        Err(Refused::Internal("not built yet".into()))
    }
}
