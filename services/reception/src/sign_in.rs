//! ログイン, second factor, ログアウト (R5, R8).

use crate::{Joining, Refused, SignedIn, Token};

/// What a right password leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInAnswer {
    /// Signed in.
    In {
        /// For the cookie.
        token: Token,
        /// The policy wants the password changed (only where it has an age).
        change_due: bool,
    },
    /// A second factor is waited for, five minutes.
    SecondFactor {
        /// For the cookie; good for [`Joining::second_factor_code`] and [`Joining::second_factor_card`] only.
        token: Token,
        /// Does an app's code do?
        totp: bool,
        /// Does the card do?
        card: bool,
    },
    /// It is the initial password: it has to be changed first.
    MustChange {
        /// For the cookie; good for [`Joining::settling`].
        token: Token,
    },
}

impl Joining {
    /// ログイン. The answer to a wrong password is the same, and takes as long, whether the user ID exists or is locked.
    ///
    /// # Errors
    /// `WrongCredentials`, `InitialOver` (only with the right password), `Registry`.
    pub async fn sign_in(&self, user: &str, password: &str) -> Result<SignInAnswer, Refused> {
        let _ = (user, password);
        Err(Refused::Internal("not built yet".into()))
    }

    /// The code of the app.
    ///
    /// # Errors
    /// `WrongSecondFactor`, `NotSignedIn` after five wrong ones or five minutes, `Registry`.
    pub async fn second_factor_code(&self, token: &str, code: &str) -> Result<SignInAnswer, Refused> {
        let _ = (token, code);
        Err(Refused::Internal("not built yet".into()))
    }

    /// The card: SHA-256 (hexadecimal) of the client certificate that the TLS session proved and the center's trust
    /// anchors accepted.
    ///
    /// # Errors
    /// As [`Joining::second_factor_code`].
    pub async fn second_factor_card(&self, token: &str, certificate: &str) -> Result<SignInAnswer, Refused> {
        let _ = (token, certificate);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Who holds this token. Each use keeps the session from becoming idle.
    ///
    /// # Errors
    /// `NotSignedIn`, `Registry`.
    pub async fn session(&self, token: &str) -> Result<SignedIn, Refused> {
        let _ = token;
        Err(Refused::Internal("not built yet".into()))
    }

    /// ログアウト.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn sign_out(&self, who: &SignedIn) -> Result<(), Refused> {
        let _ = who;
        Err(Refused::Internal("not built yet".into()))
    }
}
