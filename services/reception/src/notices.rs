//! お知らせ (R8).

use joining::Notice;
use model::Timestamp;

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

impl Joining {
    /// Notices that are shown now, newest first.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn notices(&self, who: &SignedIn) -> Result<Vec<NoticeView>, Refused> {
        let _ = who;
        Err(Refused::Internal("not built yet".into()))
    }

    /// All notices, newest first, for the operator.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn all_notices(&self, operator: &Operator) -> Result<Vec<NoticeView>, Refused> {
        let _ = operator;
        Err(Refused::Internal("not built yet".into()))
    }

    /// Publishes one.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `Registry`.
    pub async fn publish_notice(&self, operator: &Operator, form: &NoticeForm) -> Result<NoticeView, Refused> {
        let _ = (operator, form);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Takes one back.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn withdraw_notice(&self, operator: &Operator, number: i64) -> Result<(), Refused> {
        let _ = (operator, number);
        Err(Refused::Internal("not built yet".into()))
    }
}
