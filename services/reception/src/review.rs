//! The operator's review: work-list, calls, approval, rejection (R4).

use audit::Event;
use joining::{
    Account, AccountRole, Action, Application, Call, CallOutcome, Decision, Due, Field, FieldCode, FieldFault,
    Institution, InstitutionId, LetterKind, Stand, Urgency, UserId, VpnId, phone,
};
use model::Timestamp;
use registry::{Commit, Page, Record, RegistryError};

use crate::accounts::New;
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

/// Lines of the work-list at most, and decided ones shown.
const LINES: u32 = 1_000;
const DECIDED: u32 = 50;
/// Characters of a note or a reason at most.
const LONGEST: usize = 1_000;

impl Joining {
    /// The work-list.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn review_list(&self, operator: &Operator) -> Result<ReviewList, Refused> {
        operator.may(Action::SeeReview)?;
        let mut list = ReviewList::default();
        for stand in ["submitted", "awaits-second"] {
            for record in self.registry.kept_in::<Application>(stand, Page::first(LINES)).await? {
                list.open.push(self.item(record).await?);
            }
        }
        list.open.sort_by_key(|item| (item.due.by, item.number));
        list.alarms = list.open.iter().filter(|i| i.urgency == Urgency::Alarm).count();
        for stand in ["approved", "rejected"] {
            for record in self.registry.kept_last::<Application>(stand, DECIDED).await? {
                list.decided.push(self.item(record).await?);
            }
        }
        list.decided.sort_by_key(|item| std::cmp::Reverse((item.application.submitted_at, item.number)));
        list.decided.truncate(DECIDED as usize);
        Ok(list)
    }

    /// One application.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Registry`.
    pub async fn review(&self, operator: &Operator, number: i64) -> Result<ReviewPage, Refused> {
        operator.may(Action::SeeReview)?;
        let record = self.submitted(number).await?;
        self.page(record).await
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
        operator.may(Action::Review)?;
        let dialled = phone(&form.phone).ok_or(Refused::field(FieldFault::new(Field::Phone, FieldCode::NotPhone)))?;
        let note = prose(Field::Reason, &form.note, true)?;
        let mut record = self.at_version(number, version).await?;
        let now = self.now();
        record.value.record(Call {
            by: operator.account.clone(),
            at: now,
            phone: dialled,
            outcome: form.outcome,
            note,
        })?;
        let event = Event::ApplicationCalled {
            application: number,
            operator: operator.account.clone(),
            outcome: form.outcome.as_str().to_owned(),
        };
        self.registry.commit(Commit::at(now).update(&record).event(event)).await?;
        self.review(operator, number).await
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
        operator.may(Action::Review)?;
        if self.registry.institution(institution).await?.is_none() {
            return Err(Refused::field(FieldFault::new(Field::Institution, FieldCode::Unknown)));
        }
        let mut record = self.at_version(number, version).await?;
        record.value.settle_institution(institution)?;
        let event = Event::ApplicationSettled {
            application: number,
            operator: operator.account.clone(),
            institution: institution.0,
        };
        self.registry.commit(Commit::at(self.now()).update(&record).event(event)).await?;
        self.review(operator, number).await
    }

    /// Approves. The applicant becomes the institution's reporting manager.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `WrongStand`, `NotConfirmed`, `NotListed`, `SamePerson`, `Registry`.
    pub async fn approve(&self, operator: &Operator, number: i64, version: i64) -> Result<Approved, Refused> {
        operator.may(Action::Review)?;
        let now = self.now();
        for _ in 0..Self::TRIES {
            let mut record = self.at_version(number, version).await?;
            let New { account, initial, until } = {
                // Made before it is known whether it is needed: asking the rules changes the application.
                let (Some(full), Some(institution)) = (record.value.full.clone(), record.value.institution()) else {
                    return Err(Refused::NotListed);
                };
                let owner = crate::accounts::Owner {
                    institution,
                    role: AccountRole::Manager,
                    name: full.applicant,
                    kana: full.applicant_kana,
                    mail: record.value.mail.clone(),
                    lang: record.value.lang,
                };
                self.new_account(owner).await?
            };
            let decision = record.value.approve(&operator.account, self.settings.four_eyes, account.user, now)?;
            let commit = Commit::at(now).update(&record);
            let by = operator.account.clone();
            if decision == Decision::AwaitsSecond {
                let event = Event::ApplicationApproved { application: number, operator: by, user: None };
                self.registry.commit(commit.event(event)).await?;
                return Ok(Approved::AwaitsSecond);
            }
            let letter = self
                .account_letter(LetterKind::ApplicationApproved, &account, until)
                .with("institution", self.institution_of(&record.value).await?)
                .with("applicant", &account.name);
            let user = Some(account.user.to_string());
            let commit = commit
                .insert(i64::from(account.user.number()), &account)
                .letter(letter)
                .event(Event::ApplicationApproved { application: number, operator: by.clone(), user })
                .event(added(&account, by));
            match self.registry.commit(commit).await {
                Ok(_) => {}
                Err(RegistryError::Taken { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
            let full = record.value.full.ok_or(Refused::WrongStand)?;
            return Ok(Approved::Done {
                user: account.user,
                vpn: account.vpn,
                initial,
                phone: full.phone,
                extension: full.extension,
                until,
            });
        }
        Err(Refused::Changed)
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
        operator.may(Action::Review)?;
        let reason = prose(Field::Reason, reason, false)?;
        let mut record = self.at_version(number, version).await?;
        let now = self.now();
        record.value.reject(&operator.account, reason.clone(), now)?;
        let applicant = record.value.full.as_ref().map(|f| f.applicant.clone()).unwrap_or_default();
        let letter = self
            .letter(LetterKind::ApplicationRejected, &record.value.mail, record.value.lang)
            .with("institution", self.institution_of(&record.value).await?)
            .with("applicant", applicant)
            .with("reason", reason)
            .with("url", format!("{}/", self.settings.public_url));
        let event = Event::ApplicationRejected { application: number, operator: operator.account.clone() };
        self.registry.commit(Commit::at(now).update(&record).letter(letter).event(event)).await?;
        self.review(operator, number).await
    }

    /// An application that was made in full; a provisional one is no operator's business.
    async fn submitted(&self, number: i64) -> Result<Record<Application>, Refused> {
        let record = self.registry.kept::<Application>(number).await?;
        record.filter(|r| r.value.submitted_at.is_some()).ok_or(Refused::NoSuch)
    }

    async fn at_version(&self, number: i64, version: i64) -> Result<Record<Application>, Refused> {
        let record = self.submitted(number).await?;
        if record.version == version { Ok(record) } else { Err(Refused::Changed) }
    }

    async fn item(&self, record: Record<Application>) -> Result<ReviewItem, Refused> {
        let institution = self.institution_of(&record.value).await?;
        let due = record.value.due().ok_or(Refused::WrongStand)?;
        // What is decided is late no more.
        let urgency = if record.value.is_open() { due.urgency(self.now()) } else { Urgency::InTime };
        Ok(ReviewItem { number: record.id, application: record.value, institution, due, urgency })
    }

    async fn page(&self, record: Record<Application>) -> Result<ReviewPage, Refused> {
        let version = record.version;
        let last_approval = !self.settings.four_eyes || matches!(record.value.stand, Stand::AwaitsSecond { .. });
        let (listed, accounts) = match record.value.institution() {
            Some(id) => (
                self.registry.institution(id).await?,
                self.registry.kept_of::<Account>(id.0, Page::first(LINES)).await?.len(),
            ),
            None => (None, 0),
        };
        Ok(ReviewPage { item: self.item(record).await?, version, listed, accounts, last_approval })
    }
}

pub(crate) fn added(account: &Account, by: String) -> Event {
    Event::AccountAdded {
        user: account.user.to_string(),
        institution: account.institution.0,
        by,
        role: match account.role {
            AccountRole::Manager => "manager",
            AccountRole::Staff => "staff",
        }
        .to_owned(),
    }
}

/// A text of several lines; `may_be_empty` if it need not be there.
pub(crate) fn prose(field: Field, typed: &str, may_be_empty: bool) -> Result<String, Refused> {
    let text = typed.trim().replace("\r\n", "\n");
    let fault = |code, limit| Err(Refused::field(FieldFault { field, code, limit }));
    if text.is_empty() && !may_be_empty {
        return fault(FieldCode::Empty, None);
    }
    if text.chars().count() > LONGEST {
        return fault(FieldCode::TooLong, u32::try_from(LONGEST).ok());
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return fault(FieldCode::Unprintable, None);
    }
    Ok(text)
}
