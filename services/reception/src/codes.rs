//! One-time codes for tools: the service certificate's (R10).

use audit::Event;
use joining::{Account, AccountState, Action, OneTime, Purpose, UserId};
use model::Timestamp;
use registry::{Commit, RegistryError};

use crate::{Joining, Refused, SignedIn};

/// A code, shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The code: four groups of five characters.
    pub code: OneTime,
    /// It ends then.
    pub until: Timestamp,
}

/// Who used a code.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeHolder {
    /// The account; active.
    pub account: Account,
}

/// How long a code works.
const MINUTES: i64 = 60;

impl Joining {
    /// A code for the issuing tool; an earlier unused one ends.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn certificate_code(&self, who: &SignedIn) -> Result<Code, Refused> {
        who.may(Action::GetCertificate)?;
        let code = OneTime::for_typing(&*self.world);
        let now = self.now();
        let until = now.plus_ms(MINUTES * 60_000);
        let about = i64::from(who.user().number());
        let commit = Commit::at(now)
            .end_links(Purpose::Certificate, about)
            .link(code.hash(), Purpose::Certificate, about, until)
            .event(Event::CodeGiven { purpose: Purpose::Certificate.as_str().to_owned(), about });
        self.registry.commit(commit).await?;
        Ok(Code { code, until })
    }

    /// Uses a code up: the tool has shown user ID and code. The answer is the same for an unknown ID and a wrong code.
    ///
    /// # Errors
    /// `LinkUnknown`, `LinkOver`, `Registry`.
    pub async fn use_certificate_code(&self, user: &str, code: &str) -> Result<CodeHolder, Refused> {
        let user: UserId = user.parse().map_err(|_| Refused::LinkUnknown)?;
        let hash = OneTime::read(code).ok_or(Refused::LinkUnknown)?.hash();
        let link = self.registry.link(&hash, Purpose::Certificate).await?.ok_or(Refused::LinkUnknown)?;
        if link.about != i64::from(user.number()) || link.used_at.is_some() {
            return Err(Refused::LinkUnknown);
        }
        if link.until <= self.now() {
            return Err(Refused::LinkOver { at: link.until });
        }
        let account = self.active_account(user).await.map_err(|refused| match refused {
            Refused::NoSuch => Refused::LinkUnknown,
            other => other,
        })?;
        let event = Event::CodeUsed { purpose: Purpose::Certificate.as_str().to_owned(), about: link.about };
        match self.registry.commit(Commit::at(self.now()).use_link(hash, Purpose::Certificate).event(event)).await {
            Ok(_) => Ok(CodeHolder { account }),
            Err(RegistryError::Stale { .. }) => Err(Refused::LinkUnknown),
            Err(error) => Err(error.into()),
        }
    }

    /// An account by its user ID, for rooms that hold one already; only while it works.
    ///
    /// # Errors
    /// `NoSuch`, `Registry`.
    pub async fn active_account(&self, user: UserId) -> Result<Account, Refused> {
        let account = self.existing(user).await?.value;
        if account.state == AccountState::Active && !account.is_initial() { Ok(account) } else { Err(Refused::NoSuch) }
    }
}
