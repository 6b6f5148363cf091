//! お知らせ (R8).

use audit::Event;
use joining::{Action, Field, Notice, text};
use model::{LocalizedName, Timestamp};
use registry::{Commit, Record, RegistryError};

use crate::review::prose;
use crate::{Joining, Operator, Refused, SignedIn};

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeView {
    /// Its number.
    pub number: i64,
    /// Itself.
    pub notice: Notice,
}

/// A notice, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeForm {
    /// Headline, Japanese.
    pub title_ja: String,
    /// Headline, English.
    pub title_en: String,
    /// Text, Japanese.
    pub body_ja: String,
    /// Text, English.
    pub body_en: String,
    /// Until when it is shown; for ever if absent.
    pub until: Option<Timestamp>,
}

/// Notices read at most.
const MOST: u32 = 200;

impl Joining {
    /// Notices that are shown now, newest first.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn notices(&self, who: &SignedIn) -> Result<Vec<NoticeView>, Refused> {
        who.may(Action::ReadNotices)?;
        let now = self.now();
        let shown = |n: &NoticeView| n.notice.from <= now && n.notice.until.is_none_or(|until| now < until);
        Ok(self.newest().await?.into_iter().filter(shown).collect())
    }

    /// All notices, newest first, for the operator.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn all_notices(&self, operator: &Operator) -> Result<Vec<NoticeView>, Refused> {
        operator.may(Action::SeeReview)?;
        self.newest().await
    }

    /// Publishes one.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `Registry`.
    pub async fn publish_notice(&self, operator: &Operator, form: &NoticeForm) -> Result<NoticeView, Refused> {
        operator.may(Action::Publish)?;
        let one = |typed: &str| text(Field::Title, typed).map_err(Refused::field);
        let now = self.now();
        let notice = Notice {
            title: LocalizedName { ja: one(&form.title_ja)?, en: one(&form.title_en)? },
            body: LocalizedName {
                ja: prose(Field::Body, &form.body_ja, false)?,
                en: prose(Field::Body, &form.body_en, false)?,
            },
            from: now,
            until: form.until,
            by: operator.account.clone(),
        };
        for _ in 0..Self::TRIES {
            let number = self.number();
            let event = Event::NoticePublished { notice: number, operator: operator.account.clone(), withdrawn: false };
            match self.registry.commit(Commit::at(now).insert(number, &notice).event(event)).await {
                Ok(_) => return Ok(NoticeView { number, notice }),
                Err(RegistryError::Taken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refused::Changed)
    }

    /// Takes one back.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn withdraw_notice(&self, operator: &Operator, number: i64) -> Result<(), Refused> {
        operator.may(Action::Publish)?;
        let record: Record<Notice> = self.registry.kept(number).await?.ok_or(Refused::NoSuch)?;
        let event = Event::NoticePublished { notice: number, operator: operator.account.clone(), withdrawn: true };
        self.registry.commit(Commit::at(self.now()).delete(&record).event(event)).await?;
        Ok(())
    }

    async fn newest(&self) -> Result<Vec<NoticeView>, Refused> {
        let records = self.registry.kept_last::<Notice>("published", MOST).await?;
        Ok(records.into_iter().map(|r| NoticeView { number: r.id, notice: r.value }).collect())
    }
}
