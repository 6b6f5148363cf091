//! One's own password and second factors.

use crate::{Joining, Refused, SignedIn, Token};

/// A second factor, for the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorView {
    /// An authenticator app.
    Totp {
        /// Was it shown to work?
        confirmed: bool,
    },
    /// The card with this certificate (SHA-256, hexadecimal).
    Card {
        /// Its fingerprint.
        certificate: String,
    },
}

/// An authenticator app to be set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpOffer {
    /// `otpauth://…`, for a QR code.
    pub uri: String,
    /// The secret in base 32, to be typed.
    pub secret: String,
}

impl Joining {
    /// Changes one's own password; all other sessions end, and this one gets a new token.
    ///
    /// # Errors
    /// `Fields`, `Changed`, `Registry`.
    pub async fn change_password(
        &self,
        who: &SignedIn,
        current: &str,
        new: &str,
        again: &str,
    ) -> Result<Token, Refused> {
        let _ = (who, current, new, again);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Second factors of one's own.
    pub fn factors(&self, who: &SignedIn) -> Vec<FactorView> {
        let _ = who;
        Vec::new()
    }

    /// Begins to set an authenticator app up; it counts once [`Joining::confirm_totp`] saw a code.
    ///
    /// # Errors
    /// `Fields` for a wrong `current` password, `Changed`, `Registry`.
    pub async fn offer_totp(&self, who: &SignedIn, current: &str) -> Result<TotpOffer, Refused> {
        let _ = (who, current);
        Err(Refused::Internal("not built yet".into()))
    }

    /// The first code of the app.
    ///
    /// # Errors
    /// `Fields` for a wrong code, `WrongStand` if none was begun, `Changed`, `Registry`.
    pub async fn confirm_totp(&self, who: &SignedIn, code: &str) -> Result<(), Refused> {
        let _ = (who, code);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Makes the card whose certificate the TLS session proved a second factor.
    ///
    /// # Errors
    /// `Fields` for a wrong `current` password, `Changed`, `Registry`.
    pub async fn add_card(&self, who: &SignedIn, current: &str, certificate: &str) -> Result<(), Refused> {
        let _ = (who, current, certificate);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Takes all second factors away.
    ///
    /// # Errors
    /// `Fields` for a wrong `current` password, `Changed`, `Registry`.
    pub async fn drop_factors(&self, who: &SignedIn, current: &str) -> Result<(), Refused> {
        let _ = (who, current);
        Err(Refused::Internal("not built yet".into()))
    }
}
