//! 利用仮申請: somebody gives a mail address and gets a letter with a one-time URL (R2).

use joining::{FieldFault, MailAddress, MailForm};
use texts::Lang;

use crate::{Joining, Refused};

/// What is shown after a provisional application; the same whoever the address belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The address a letter goes to.
    pub mail: MailAddress,
    /// How long the URL in it works, minutes.
    pub link_minutes: u32,
}

impl Joining {
    /// Checks the form, for the page that asks to confirm. Changes nothing.
    ///
    /// # Errors
    /// The faults of the fields.
    pub fn check_mail(&self, form: &MailForm) -> Result<MailAddress, Vec<FieldFault>> {
        form.check()
    }

    /// Takes the provisional application in and writes the letter. An address that had too many letters today gets
    /// none, and the answer does not say so.
    ///
    /// # Errors
    /// `Fields`, `Registry`.
    pub async fn begin(&self, form: &MailForm, lang: Lang) -> Result<Begun, Refused> {
        let _ = (form, lang);
        Err(Refused::Internal("not built yet".into()))
    }
}
