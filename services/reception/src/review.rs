//! The operator's review: work-list, calls, approval, rejection (R4).

use joining::{Application, CallOutcome, Due, Institution, InstitutionId, Urgency, UserId, VpnId};
use model::Timestamp;

use crate::{Joining, Operator, Refused};

/// A line of the work-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewItem {
    /// Number of the application.
    pub number: i64,
    /// The application.
    pub application: Application,
    /// The institution's name, as in the directory or as the applicant wrote it.
    pub institution: String,
    /// By when it is to be decided.
    pub due: Due,
    /// How late it is.
    pub urgency: Urgency,
}

/// The work-list: what waits, most urgent first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewList {
    /// What waits.
    pub open: Vec<ReviewItem>,
    /// What was decided last, newest first.
    pub decided: Vec<ReviewItem>,
    /// How many are past two weeks.
    pub alarms: usize,
}

/// One application, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewPage {
    /// As in the work-list.
    pub item: ReviewItem,
    /// Its version: a form sends it back, so that nobody decides on what they have not seen.
    pub version: i64,
    /// The institution, if it is in the directory.
    pub listed: Option<Institution>,
    /// Accounts the institution has already.
    pub accounts: usize,
    /// What `approve` would come to: false if it needs another operator after this one.
    pub last_approval: bool,
}

/// A call, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallForm {
    /// The number that was dialled.
    pub phone: String,
    /// What came of it.
    pub outcome: CallOutcome,
    /// What was said.
    pub note: String,
}

/// What an approval came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approved {
    /// Another operator has to approve too.
    AwaitsSecond,
    /// The account is made. The initial password is shown here and never again; it is told by telephone.
    Done {
        /// 利用者 ID; also in the letter.
        user: UserId,
        /// VPN-ID; also in the letter.
        vpn: VpnId,
        /// 初期パスワード, six digits.
        initial: joining::InitialPassword,
        /// The number to call.
        phone: String,
        /// The extension.
        extension: String,
        /// It ends then.
        until: Timestamp,
    },
}

impl Joining {
    /// The work-list.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn review_list(&self, operator: &Operator) -> Result<ReviewList, Refused> {
        let _ = operator;
        Err(Refused::Internal("not built yet".into()))
    }

    /// One application.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Registry`.
    pub async fn review(&self, operator: &Operator, number: i64) -> Result<ReviewPage, Refused> {
        let _ = (operator, number);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Puts a call on record.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Fields`, `Changed`, `WrongStand`, `Registry`.
    pub async fn record_call(
        &self,
        operator: &Operator,
        number: i64,
        version: i64,
        form: &CallForm,
    ) -> Result<ReviewPage, Refused> {
        let _ = (operator, number, version, form);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Settles which institution of the directory it is.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Fields`, `Changed`, `WrongStand`, `Registry`.
    pub async fn settle_institution(
        &self,
        operator: &Operator,
        number: i64,
        version: i64,
        institution: InstitutionId,
    ) -> Result<ReviewPage, Refused> {
        let _ = (operator, number, version, institution);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Approves. The applicant becomes the institution's reporting manager.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `WrongStand`, `NotConfirmed`, `NotListed`, `SamePerson`, `Registry`.
    pub async fn approve(&self, operator: &Operator, number: i64, version: i64) -> Result<Approved, Refused> {
        let _ = (operator, number, version);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Rejects, with the reason that the letter gives.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Fields`, `Changed`, `WrongStand`, `Registry`.
    pub async fn reject(
        &self,
        operator: &Operator,
        number: i64,
        version: i64,
        reason: &str,
    ) -> Result<ReviewPage, Refused> {
        let _ = (operator, number, version, reason);
        Err(Refused::Internal("not built yet".into()))
    }
}
