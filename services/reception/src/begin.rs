//! 利用仮申請: somebody gives a mail address and gets a letter with a one-time URL (R2).

use audit::Event;
use joining::{Application, FieldFault, LetterKind, MailAddress, MailForm, OneTime, Purpose, Stand};
use registry::{Commit, RegistryError};
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

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Joining {
    /// Checks the form, for the page that asks to confirm. Changes nothing.
    ///
    /// # Errors
    /// The faults of the fields.
    pub fn check_mail(&self, form: &MailForm) -> Result<MailAddress, Vec<FieldFault>> {
        form.check()
    }

    /// Takes the provisional application in and writes the letter; its URL is `{public_url}/apply/{token}`. An URL
    /// sent to the address before ends. An address that had too many letters today gets none, and the answer does not
    /// say so.
    ///
    /// # Errors
    /// `Fields`, `Registry`.
    pub async fn begin(&self, form: &MailForm, lang: Lang) -> Result<Begun, Refused> {
        let mail = form.check()?;
        let begun = Begun { mail: mail.clone(), link_minutes: self.settings.link_minutes };
        let now = self.now();
        let written = self.registry.letters_to(&mail.key(), LetterKind::ApplicationLink, now.plus_ms(-DAY_MS)).await?;
        if written >= u64::from(self.settings.letters_a_day) {
            tracing::debug!("an address had its letters for today");
            return Ok(begun);
        }
        for _ in 0..Self::TRIES {
            let number = self.number();
            let token = OneTime::for_url(&*self.world);
            let until = now.plus_ms(i64::from(self.settings.link_minutes) * 60_000);
            let letter = self
                .letter(LetterKind::ApplicationLink, &mail, lang)
                .with("expires", until.0)
                .with_secret(format!("{}/apply/{}", self.settings.public_url, token.reveal()));
            let mut commit = Commit::at(now);
            for mut earlier in self.registry.kept_named::<Application>(&mail.key()).await? {
                if earlier.value.stand == Stand::Begun {
                    earlier.value.lapse()?;
                    commit = commit
                        .update(&earlier)
                        .end_links(Purpose::Application, earlier.id)
                        .event(Event::ApplicationLapsed { application: earlier.id });
                }
            }
            let commit = commit
                .insert(number, &Application::begin(mail.clone(), lang, now))
                .link(token.hash(), Purpose::Application, number, until)
                .letter(letter)
                .event(Event::ApplicationBegun { application: number });
            match self.registry.commit(commit).await {
                Ok(_) => return Ok(begun),
                Err(RegistryError::Taken { .. } | RegistryError::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refused::Changed)
    }

    /// Ends what nobody came back for: provisional applications whose URL is over, sessions and codes. To be called
    /// now and then.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn sweep(&self) -> Result<(), Refused> {
        let now = self.now();
        let oldest = now.plus_ms(-i64::from(self.settings.link_minutes) * 60_000);
        for mut record in self.registry.kept_in::<Application>("begun", registry::Page::first(1000)).await? {
            if record.value.begun_at > oldest {
                break;
            }
            record.value.lapse()?;
            let commit = Commit::at(now).update(&record).event(Event::ApplicationLapsed { application: record.id });
            match self.registry.commit(commit).await {
                Ok(_) | Err(RegistryError::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Links stay a while, so that who comes late is told that it is late.
        Ok(self.registry.sweep(now.plus_ms(-30 * DAY_MS)).await?)
    }
}
