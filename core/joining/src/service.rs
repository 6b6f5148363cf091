//! Applications for a service (サービス利用申請, R9) and notices (お知らせ, R8).

use model::{LocalizedName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{InstitutionId, StepFault, UserId};

/// An institution's application for one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceApplication {
    /// Whose.
    pub institution: InstitutionId,
    /// Who made it.
    pub by: UserId,
    /// Id of the service among those the operator offers, e.g. `cancer-registry`.
    pub service: String,
    /// When it was made.
    pub at: Timestamp,
    /// Where it stands.
    pub stand: ServiceStand,
}

/// Where an application for a service stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "stand")]
pub enum ServiceStand {
    /// 受付.
    Accepted,
    /// 承認.
    Approved {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// 取消, by the operator or by the institution.
    Cancelled {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// Why, as the letter says it.
        reason: String,
    },
}

impl ServiceStand {
    /// Stable name, also of its Fluent key `joining-service-…`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Approved { .. } => "approved",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

impl ServiceApplication {
    /// A new one.
    pub fn accept(institution: InstitutionId, by: UserId, service: &str, now: Timestamp) -> Self {
        Self { institution, by, service: service.to_owned(), at: now, stand: ServiceStand::Accepted }
    }

    /// Is it waiting or in force? Then there is no second one for the same service.
    pub fn is_live(&self) -> bool {
        !matches!(self.stand, ServiceStand::Cancelled { .. })
    }

    /// An operator approves.
    ///
    /// # Errors
    /// `WrongStand` unless it was only accepted.
    pub fn approve(&mut self, by: &str, now: Timestamp) -> Result<(), StepFault> {
        match self.stand {
            ServiceStand::Accepted => {
                self.stand = ServiceStand::Approved { by: by.to_owned(), at: now };
                Ok(())
            }
            _ => Err(StepFault::WrongStand),
        }
    }

    /// Somebody cancels it, before or after approval.
    ///
    /// # Errors
    /// `WrongStand` if it is cancelled.
    pub fn cancel(&mut self, by: &str, reason: String, now: Timestamp) -> Result<(), StepFault> {
        if !self.is_live() {
            return Err(StepFault::WrongStand);
        }
        self.stand = ServiceStand::Cancelled { by: by.to_owned(), at: now, reason };
        Ok(())
    }
}

/// A notice to who has signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its headline.
    pub title: LocalizedName,
    /// Its text; lines as they are, no markup.
    pub body: LocalizedName,
    /// From when it is shown.
    pub from: Timestamp,
    /// Until when; for ever if absent.
    pub until: Option<Timestamp>,
    /// Account of the operator who wrote it.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_then_approved_then_cancelled_and_never_back_r9() {
        let mut one = ServiceApplication::accept(InstitutionId(1), UserId::new(10_000_000).unwrap(), "s", Timestamp(0));
        assert!(one.is_live());
        one.approve("op", Timestamp(1)).unwrap();
        assert_eq!(one.approve("op", Timestamp(2)), Err(StepFault::WrongStand));
        one.cancel("op", "by request".into(), Timestamp(3)).unwrap();
        assert!(!one.is_live());
        assert_eq!(one.approve("op", Timestamp(4)), Err(StepFault::WrongStand));
        assert_eq!(one.cancel("op", String::new(), Timestamp(5)), Err(StepFault::WrongStand));
    }
}
