//! What becomes of an application to join (利用申請), and by when (R2–R4).

use model::Timestamp;
use serde::{Deserialize, Serialize};
use texts::Lang;

use crate::{FullApplication, InstitutionChoice, InstitutionId, MailAddress, UserId};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// 申し込みから数日～10 日程度 (usage procedure §2.2.3).
const DUE_DAYS: i64 = 10;
/// 2 週間を過ぎても電話連絡が入らない場合 (ibid.).
const ALARM_DAYS: i64 = 14;

/// An application, from the first mail address to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Where its letters go.
    pub mail: MailAddress,
    /// The language the applicant reads.
    #[serde(with = "crate::lang")]
    pub lang: Lang,
    /// When the address was given.
    pub begun_at: Timestamp,
    /// The full application, once it was made.
    pub full: Option<FullApplication>,
    /// When it was made.
    pub submitted_at: Option<Timestamp>,
    /// Calls to the institution, in order.
    pub calls: Vec<Call>,
    /// Where it stands.
    pub stand: Stand,
}

/// Where an application stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "stand")]
pub enum Stand {
    /// The address was given; the full application is waited for (利用仮申請).
    Begun,
    /// The full application is there and is looked at (利用本申請).
    Submitted,
    /// One operator has approved, another one must as well (four eyes).
    AwaitsSecond {
        /// Who approved.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Approved; the applicant is the institution's reporting manager now.
    Approved {
        /// Who decided last.
        by: String,
        /// When.
        at: Timestamp,
        /// The account made.
        user: UserId,
    },
    /// Rejected.
    Rejected {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// Why, as the letter says it.
        reason: String,
    },
    /// The link ended before it was used.
    Lapsed,
}

/// A call to the institution (事実確認の電話).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Who called.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The number that was dialled, digits only: the institution's, found independently of the application if possible.
    pub phone: String,
    /// What came of it.
    pub outcome: CallOutcome,
    /// What was said.
    pub note: String,
}

crate::field::names! {
    /// What came of a call; its Fluent key is `joining-call-` and its name.
    CallOutcome {
        /// The institution confirmed that it applies.
        Confirmed = "confirmed",
        /// Nobody answered, or the applicant was not there.
        NotReached = "not-reached",
        /// The institution knows nothing of it.
        Denied = "denied",
    }
}

/// What an approval came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Done: an account is to be made.
    Approved,
    /// Another operator has to approve too.
    AwaitsSecond,
}

/// Why a step is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepFault {
    /// It stands elsewhere by now.
    WrongStand,
    /// The institution has not confirmed by telephone.
    NotConfirmed,
    /// The institution is not in the directory yet.
    NotListed,
    /// The second approval must be another person's.
    SamePerson,
}

/// How late an application is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// Within ten days.
    InTime,
    /// Past ten days: the institution was told to expect a call by now.
    Overdue,
    /// Past two weeks: the institution was told to complain.
    Alarm,
}

/// By when an application has to be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Ten days after it was made.
    pub by: Timestamp,
    /// Two weeks after it was made.
    pub alarm_at: Timestamp,
}

impl Due {
    /// Of an application made at an instant.
    pub fn of(submitted_at: Timestamp) -> Self {
        Self { by: submitted_at.plus_ms(DUE_DAYS * DAY), alarm_at: submitted_at.plus_ms(ALARM_DAYS * DAY) }
    }

    /// How late it is.
    pub fn urgency(&self, now: Timestamp) -> Urgency {
        if now > self.alarm_at {
            Urgency::Alarm
        } else if now > self.by {
            Urgency::Overdue
        } else {
            Urgency::InTime
        }
    }
}

impl Stand {
    /// Stable name, also of its Fluent key `joining-stand-…`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Submitted => "submitted",
            Self::AwaitsSecond { .. } => "awaits-second",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Lapsed => "lapsed",
        }
    }
}

impl Application {
    /// A provisional application (利用仮申請).
    pub fn begin(mail: MailAddress, lang: Lang, now: Timestamp) -> Self {
        Self { mail, lang, begun_at: now, full: None, submitted_at: None, calls: Vec::new(), stand: Stand::Begun }
    }

    /// By when it has to be decided, once it is complete.
    pub fn due(&self) -> Option<Due> {
        self.submitted_at.map(Due::of)
    }

    /// Is it waiting for an operator?
    pub fn is_open(&self) -> bool {
        matches!(self.stand, Stand::Submitted | Stand::AwaitsSecond { .. })
    }

    /// Has the institution confirmed by telephone, and not denied since?
    pub fn confirmed(&self) -> bool {
        let said = self.calls.iter().rev().find(|c| c.outcome != CallOutcome::NotReached);
        said.is_some_and(|c| c.outcome == CallOutcome::Confirmed)
    }

    /// The institution, if it is one of the directory.
    pub fn institution(&self) -> Option<InstitutionId> {
        match self.full.as_ref()?.institution {
            InstitutionChoice::Listed(id) => Some(id),
            InstitutionChoice::NotListed(_) => None,
        }
    }

    /// The full application comes in.
    ///
    /// # Errors
    /// `WrongStand` unless it has just begun.
    pub fn submit(&mut self, full: FullApplication, now: Timestamp) -> Result<(), StepFault> {
        match self.stand {
            Stand::Begun => {
                (self.full, self.submitted_at, self.stand) = (Some(full), Some(now), Stand::Submitted);
                Ok(())
            }
            _ => Err(StepFault::WrongStand),
        }
    }

    /// The link ended unused.
    ///
    /// # Errors
    /// `WrongStand` unless it has just begun.
    pub fn lapse(&mut self) -> Result<(), StepFault> {
        match self.stand {
            Stand::Begun => {
                self.stand = Stand::Lapsed;
                Ok(())
            }
            _ => Err(StepFault::WrongStand),
        }
    }

    /// An operator puts the institution of the directory in, after asking the prefecture's office.
    ///
    /// # Errors
    /// `WrongStand` unless it is open.
    pub fn settle_institution(&mut self, id: InstitutionId) -> Result<(), StepFault> {
        match (&self.stand, &mut self.full) {
            // A first approval was of another institution.
            (Stand::Submitted, Some(full)) => {
                full.institution = InstitutionChoice::Listed(id);
                Ok(())
            }
            _ => Err(StepFault::WrongStand),
        }
    }

    /// A call is put on record.
    ///
    /// # Errors
    /// `WrongStand` unless it is open.
    pub fn record(&mut self, call: Call) -> Result<(), StepFault> {
        if !self.is_open() {
            return Err(StepFault::WrongStand);
        }
        self.calls.push(call);
        Ok(())
    }

    /// An operator approves; with `four_eyes` a second one must as well. `user` is the account that is made if this
    /// was the last approval needed.
    ///
    /// # Errors
    /// [`StepFault`].
    pub fn approve(&mut self, by: &str, four_eyes: bool, user: UserId, now: Timestamp) -> Result<Decision, StepFault> {
        if !self.is_open() {
            return Err(StepFault::WrongStand);
        }
        if self.institution().is_none() {
            return Err(StepFault::NotListed);
        }
        if !self.confirmed() {
            return Err(StepFault::NotConfirmed);
        }
        match &self.stand {
            Stand::AwaitsSecond { by: first, .. } if first == by => return Err(StepFault::SamePerson),
            Stand::Submitted if four_eyes => {
                self.stand = Stand::AwaitsSecond { by: by.to_owned(), at: now };
                return Ok(Decision::AwaitsSecond);
            }
            _ => {}
        }
        self.stand = Stand::Approved { by: by.to_owned(), at: now, user };
        Ok(Decision::Approved)
    }

    /// An operator rejects.
    ///
    /// # Errors
    /// `WrongStand` unless it is open.
    pub fn reject(&mut self, by: &str, reason: String, now: Timestamp) -> Result<(), StepFault> {
        if !self.is_open() {
            return Err(StepFault::WrongStand);
        }
        self.stand = Stand::Rejected { by: by.to_owned(), at: now, reason };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
