//! 初期パスワード変更 and the VPN password that is shown once (R5, R6).

use joining::VpnId;

use crate::{Joining, Refused, Settling, Token};

/// After the initial password was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The new session's token; the one before is void.
    pub token: Token,
}

/// The page with the VPN password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnPasswordPage {
    /// VPN-ID.
    pub vpn: VpnId,
    /// VPN パスワード: on this page and never again.
    pub password: joining::VpnPassword,
}

impl Joining {
    /// 認証 with the initial password: only for changing it. The answer to a wrong one is the same whether the user ID
    /// exists, is locked, or has another stage.
    ///
    /// # Errors
    /// `WrongCredentials`, `InitialOver` (only with the right password), `Registry`.
    pub async fn first_sign_in(&self, user: &str, initial: &str) -> Result<Token, Refused> {
        let _ = (user, initial);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Who holds this token between initial password and first sign-in.
    ///
    /// # Errors
    /// `NotSignedIn`, `Registry`.
    pub async fn settling(&self, token: &str) -> Result<Settling, Refused> {
        let _ = token;
        Err(Refused::Internal("not built yet".into()))
    }

    /// Changes the initial password. `current` is the initial one once more.
    ///
    /// # Errors
    /// `Fields` (also for a wrong `current`, in [`joining::Field::Password`]), `WrongStand` if it was changed,
    /// `Changed`, `Registry`.
    pub async fn change_initial(
        &self,
        who: &Settling,
        current: &str,
        new: &str,
        again: &str,
    ) -> Result<Settled, Refused> {
        let _ = (who, current, new, again);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Makes the VPN password and shows it, once.
    ///
    /// # Errors
    /// `WrongStand` before the initial password was changed, `ShownAlready`, `Changed`, `Registry`.
    pub async fn show_vpn_password(&self, who: &Settling) -> Result<VpnPasswordPage, Refused> {
        let _ = who;
        Err(Refused::Internal("not built yet".into()))
    }

    /// Ends the session of who settled.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn end_settling(&self, who: &Settling) -> Result<(), Refused> {
        let _ = who;
        Err(Refused::Internal("not built yet".into()))
    }
}
