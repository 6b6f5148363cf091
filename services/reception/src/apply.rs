//! 利用本申請: the one-time URL, the form, its confirmation, the receipt (R3).

use joining::{Due, FullApplication, FullForm, Institution, MailAddress};
use model::Timestamp;
use texts::Lang;

use crate::{Joining, Refused};

/// What the page of the full application shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullPage {
    /// The address of the provisional application: 届出用メールアドレス.
    pub mail: MailAddress,
    /// The language it was made in.
    pub lang: Lang,
    /// The URL works until then.
    pub until: Timestamp,
}

/// What the page shows that asks to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The address.
    pub mail: MailAddress,
    /// The application as it would be taken in.
    pub full: FullApplication,
    /// The chosen institution, if it is in the directory.
    pub institution: Option<Institution>,
}

/// What is shown, and mailed, when the application was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its number, for telephone calls.
    pub number: i64,
    /// By when the applicant hears from the operator, and when to ask.
    pub due: Due,
    /// Whom to ask.
    pub contact: String,
}

impl Joining {
    /// Opens the URL of a letter; may be done as often as one likes until the application is made.
    ///
    /// # Errors
    /// `LinkUnknown`, `LinkOver`, `Registry`.
    pub async fn open_link(&self, token: &str) -> Result<FullPage, Refused> {
        let _ = token;
        Err(Refused::Internal("not built yet".into()))
    }

    /// Checks the form, for the page that asks to confirm. Changes nothing.
    ///
    /// # Errors
    /// `Fields`, `LinkUnknown`, `LinkOver`, `Registry`.
    pub async fn check_full(&self, token: &str, form: &FullForm) -> Result<Confirmation, Refused> {
        let _ = (token, form);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Takes the application in; the URL is used up.
    ///
    /// # Errors
    /// `Fields`, `LinkUnknown`, `LinkOver`, `Registry`.
    pub async fn submit_full(&self, token: &str, form: &FullForm) -> Result<Receipt, Refused> {
        let _ = (token, form);
        Err(Refused::Internal("not built yet".into()))
    }
}
