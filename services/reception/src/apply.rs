//! 利用本申請: the one-time URL, the form, its confirmation, the receipt (R3).

use audit::Event;
use joining::{
    Application, Due, Field, FieldCode, FieldFault, FullApplication, FullForm, Institution, InstitutionChoice,
    LetterKind, LinkHash, MailAddress, OneTime, Purpose, Stand,
};
use model::Timestamp;
use registry::{Commit, Record, RegistryError};
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

struct Opened {
    hash: LinkHash,
    until: Timestamp,
    record: Record<Application>,
}

impl Joining {
    /// Opens the URL of a letter; may be done as often as one likes until the application is made.
    ///
    /// # Errors
    /// `LinkUnknown`, `LinkOver`, `Registry`.
    pub async fn open_link(&self, token: &str) -> Result<FullPage, Refused> {
        let Opened { until, record, .. } = self.opened(token).await?;
        Ok(FullPage { mail: record.value.mail, lang: record.value.lang, until })
    }

    /// Checks the form, for the page that asks to confirm. Changes nothing.
    ///
    /// # Errors
    /// `Fields`, `LinkUnknown`, `LinkOver`, `Registry`.
    pub async fn check_full(&self, token: &str, form: &FullForm) -> Result<Confirmation, Refused> {
        let opened = self.opened(token).await?;
        let (full, institution) = self.checked(form).await?;
        Ok(Confirmation { mail: opened.record.value.mail, full, institution })
    }

    /// Takes the application in; the URL is used up.
    ///
    /// # Errors
    /// `Fields`, `LinkUnknown`, `LinkOver`, `Registry`.
    pub async fn submit_full(&self, token: &str, form: &FullForm) -> Result<Receipt, Refused> {
        let Opened { hash, mut record, .. } = self.opened(token).await?;
        let (full, institution) = self.checked(form).await?;
        let now = self.now();
        let due = Due::of(now);
        let applicant = full.applicant.clone();
        record.value.submit(full, now)?;
        let letter = self
            .letter(LetterKind::ApplicationReceived, &record.value.mail, record.value.lang)
            .with("number", record.id)
            .with("institution", self.institution_of(&record.value).await?)
            .with("applicant", applicant)
            .with("due", due.by.0)
            .with("alarm", due.alarm_at.0)
            .with("contact", &self.settings.contact);
        let commit =
            Commit::at(now).use_link(hash, Purpose::Application).update(&record).letter(letter).event(
                Event::ApplicationSubmitted { application: record.id, institution: institution.map(|i| i.id.0) },
            );
        match self.registry.commit(commit).await {
            Ok(_) => Ok(Receipt { number: record.id, due, contact: self.settings.contact.clone() }),
            // The same form, sent twice: the first one was taken in.
            Err(RegistryError::Stale { .. }) => Err(Refused::LinkUnknown),
            Err(error) => Err(error.into()),
        }
    }

    async fn opened(&self, token: &str) -> Result<Opened, Refused> {
        let hash = OneTime::read(token).ok_or(Refused::LinkUnknown)?.hash();
        let link = self.registry.link(&hash, Purpose::Application).await?.ok_or(Refused::LinkUnknown)?;
        if link.used_at.is_some() {
            return Err(Refused::LinkUnknown);
        }
        if link.until <= self.now() {
            return Err(Refused::LinkOver { at: link.until });
        }
        let record = self.registry.kept::<Application>(link.about).await?;
        match record {
            Some(record) if record.value.stand == Stand::Begun => Ok(Opened { hash, until: link.until, record }),
            _ => Err(Refused::LinkUnknown),
        }
    }

    /// The form, with its institution looked up: it must be of the prefecture that was chosen.
    async fn checked(&self, form: &FullForm) -> Result<(FullApplication, Option<Institution>), Refused> {
        let full = form.check()?;
        let institution = match full.institution {
            InstitutionChoice::NotListed(_) => None,
            InstitutionChoice::Listed(id) => {
                let found = self.registry.institution(id).await?.filter(|i| i.prefecture == full.prefecture);
                let unknown = || Refused::field(FieldFault::new(Field::Institution, FieldCode::Unknown));
                Some(found.ok_or_else(unknown)?)
            }
        };
        Ok((full, institution))
    }

    /// Name of the institution of an application, as in the directory or as the applicant wrote it.
    pub(crate) async fn institution_of(&self, application: &Application) -> Result<String, Refused> {
        match application.full.as_ref().map(|f| &f.institution) {
            Some(InstitutionChoice::Listed(id)) => self.institution_name(*id).await,
            Some(InstitutionChoice::NotListed(name)) => Ok(name.clone()),
            None => Ok(String::new()),
        }
    }
}
