//! メニュー and サービス利用申請 (R8, R9).

use audit::Event;
use joining::{
    Account, Action, Field, FieldCode, FieldFault, InstitutionId, Letter, LetterKind, ServiceApplication, ServiceStand,
    StepFault,
};
use registry::{Commit, Page, Record, RegistryError};

use crate::review::prose;
use crate::{Joining, Offer, Operator, Refused, SignedIn};

/// The menu: who one is, and the services with what became of their applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// Name of the institution.
    pub institution: String,
    /// One line a service.
    pub services: Vec<MenuItem>,
}

/// A service in the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuItem {
    /// The service.
    pub offer: Offer,
    /// The last application for it, if there is one.
    pub application: Option<ServiceView>,
    /// May it be entered: approved?
    pub open: bool,
    /// May it be applied for: never applied, or cancelled?
    pub can_apply: bool,
}

/// An application for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// Its number.
    pub number: i64,
    /// Its version, for forms.
    pub version: i64,
    /// The service, if it is still offered.
    pub offer: Option<Offer>,
    /// Itself.
    pub application: ServiceApplication,
    /// Name of the institution.
    pub institution: String,
}

/// Rows read at most.
const MOST: u32 = 1_000;

impl Joining {
    /// The menu.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn menu(&self, who: &SignedIn) -> Result<Menu, Refused> {
        who.may(Action::SeeMenu)?;
        let applications = self.of_institution(who.institution()).await?;
        let item = |offer: &Offer| {
            let last = applications.iter().find(|v| v.application.service == offer.id).cloned();
            let stand = last.as_ref().map(|v| &v.application.stand);
            MenuItem {
                offer: offer.clone(),
                open: matches!(stand, Some(ServiceStand::Approved { .. })),
                can_apply: matches!(stand, None | Some(ServiceStand::Cancelled { .. })),
                application: last,
            }
        };
        Ok(Menu {
            institution: self.institution_name(who.institution()).await?,
            services: self.settings.offers.iter().map(item).collect(),
        })
    }

    /// Checks which services would be applied for, for the page that asks to confirm. Changes nothing.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `AppliedAlready`, `Registry`.
    pub async fn check_services(&self, who: &SignedIn, services: &[String]) -> Result<Vec<Offer>, Refused> {
        who.may(Action::ApplyForService)?;
        let mut chosen = Vec::new();
        for id in services {
            let unknown = || Refused::field(FieldFault::new(Field::Service, FieldCode::Unknown));
            let offer = self.offer(id).ok_or_else(unknown)?;
            if !chosen.contains(&offer) {
                chosen.push(offer);
            }
        }
        if chosen.is_empty() {
            return Err(Refused::field(FieldFault::new(Field::Service, FieldCode::Empty)));
        }
        for view in self.of_institution(who.institution()).await? {
            if view.application.is_live() && chosen.iter().any(|o| o.id == view.application.service) {
                return Err(Refused::AppliedAlready);
            }
        }
        Ok(chosen)
    }

    /// Applies for services, all or none; a letter for each.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `AppliedAlready`, `Registry`.
    pub async fn apply_for_services(&self, who: &SignedIn, services: &[String]) -> Result<Vec<ServiceView>, Refused> {
        let institution = self.institution_name(who.institution()).await?;
        for _ in 0..Self::TRIES {
            // Again each time: what was taken may be the service, not the number.
            let chosen = self.check_services(who, services).await?;
            let now = self.now();
            let mut commit = who.commit(now);
            let mut views = Vec::new();
            for offer in chosen {
                let number = self.number();
                let application = ServiceApplication::accept(who.institution(), who.user(), &offer.id, now);
                commit = commit
                    .insert(number, &application)
                    .letter(self.service_letter(LetterKind::ServiceReceived, who.account(), &offer, number))
                    .event(Event::ServiceApplied {
                        application: number,
                        user: who.user().to_string(),
                        service: offer.id.clone(),
                    });
                let institution = institution.clone();
                views.push(ServiceView { number, version: 1, offer: Some(offer), application, institution });
            }
            match self.registry.commit(commit).await {
                Ok(_) => return Ok(views),
                Err(RegistryError::Taken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refused::Changed)
    }

    /// The institution's applications, newest first.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn service_applications(&self, who: &SignedIn) -> Result<Vec<ServiceView>, Refused> {
        who.may(Action::SeeServices)?;
        self.of_institution(who.institution()).await
    }

    /// Takes an application back.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `WrongStand`, `Changed`, `Registry`.
    pub async fn take_back_service(&self, who: &SignedIn, number: i64) -> Result<(), Refused> {
        who.may(Action::ApplyForService)?;
        let record = self.registry.kept::<ServiceApplication>(number).await?;
        let mut record = record.filter(|r| r.value.institution == who.institution()).ok_or(Refused::NoSuch)?;
        let now = self.now();
        record.value.cancel(&who.user().to_string(), String::new(), now)?;
        let mut commit = who
            .commit(now)
            .update(&record)
            .event(Event::ServiceCancelled { application: number, by: who.user().to_string() });
        if let Some(offer) = self.offer(&record.value.service) {
            let letter =
                self.service_letter(LetterKind::ServiceCancelled, who.account(), &offer, number).with("reason", "");
            commit = commit.letter(letter);
        }
        self.registry.commit(commit).await?;
        Ok(())
    }

    /// Does the institution have the service? For the service's own entrance.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn has_service(&self, institution: InstitutionId, service: &str) -> Result<bool, Refused> {
        let all = self.registry.kept_of::<ServiceApplication>(institution.0, Page::first(MOST)).await?;
        let approved = |a: &ServiceApplication| matches!(a.stand, ServiceStand::Approved { .. });
        Ok(all.iter().any(|r| r.value.service == service && approved(&r.value)))
    }

    /// Applications for services, for the operator: those that wait, oldest first, then the others, newest first.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn review_services(&self, operator: &Operator) -> Result<Vec<ServiceView>, Refused> {
        operator.may(Action::SeeReview)?;
        let mut records = self.registry.kept_in::<ServiceApplication>("accepted", Page::first(MOST)).await?;
        let mut decided = Vec::new();
        for stand in ["approved", "cancelled"] {
            decided.extend(self.registry.kept_last::<ServiceApplication>(stand, 50).await?);
        }
        decided.sort_by_key(|r| std::cmp::Reverse((r.value.at, r.id)));
        records.extend(decided);
        let mut views = Vec::with_capacity(records.len());
        for record in records {
            views.push(self.view(record).await?);
        }
        Ok(views)
    }

    /// Approves one.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `WrongStand`, `Changed`, `Registry`.
    pub async fn approve_service(
        &self,
        operator: &Operator,
        number: i64,
        version: i64,
    ) -> Result<ServiceView, Refused> {
        operator.may(Action::ReviewServices)?;
        let event = Event::ServiceApproved { application: number, operator: operator.account.clone() };
        let now = self.now();
        let by = operator.account.clone();
        self.decide(number, version, LetterKind::ServiceApproved, None, event, |a| a.approve(&by, now)).await
    }

    /// Cancels one, with the reason that the letter gives.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Fields`, `WrongStand`, `Changed`, `Registry`.
    pub async fn cancel_service(
        &self,
        operator: &Operator,
        number: i64,
        version: i64,
        reason: &str,
    ) -> Result<ServiceView, Refused> {
        operator.may(Action::ReviewServices)?;
        let reason = prose(Field::Reason, reason, false)?;
        let event = Event::ServiceCancelled { application: number, by: operator.account.clone() };
        let now = self.now();
        let (by, why) = (operator.account.clone(), reason.clone());
        let step = |a: &mut ServiceApplication| a.cancel(&by, why, now);
        self.decide(number, version, LetterKind::ServiceCancelled, Some(reason), event, step).await
    }

    async fn decide(
        &self,
        number: i64,
        version: i64,
        kind: LetterKind,
        reason: Option<String>,
        event: Event,
        step: impl FnOnce(&mut ServiceApplication) -> Result<(), StepFault>,
    ) -> Result<ServiceView, Refused> {
        let mut record: Record<ServiceApplication> = self.registry.kept(number).await?.ok_or(Refused::NoSuch)?;
        if record.version != version {
            return Err(Refused::Changed);
        }
        step(&mut record.value)?;
        let mut commit = Commit::at(self.now()).update(&record).event(event);
        let applicant = self.registry.kept::<Account>(i64::from(record.value.by.number())).await?;
        if let (Some(applicant), Some(offer)) = (applicant, self.offer(&record.value.service)) {
            let mut letter = self.service_letter(kind, &applicant.value, &offer, number);
            if let Some(reason) = reason {
                letter = letter.with("reason", reason);
            }
            commit = commit.letter(letter);
        }
        self.registry.commit(commit).await?;
        record.version += 1;
        self.view(record).await
    }

    async fn of_institution(&self, institution: InstitutionId) -> Result<Vec<ServiceView>, Refused> {
        let name = self.institution_name(institution).await?;
        let records = self.registry.kept_of::<ServiceApplication>(institution.0, Page::first(MOST)).await?;
        let view = |r: Record<ServiceApplication>| ServiceView {
            number: r.id,
            version: r.version,
            offer: self.offer(&r.value.service),
            application: r.value,
            institution: name.clone(),
        };
        Ok(records.into_iter().rev().map(view).collect())
    }

    async fn view(&self, record: Record<ServiceApplication>) -> Result<ServiceView, Refused> {
        Ok(ServiceView {
            number: record.id,
            version: record.version,
            offer: self.offer(&record.value.service),
            institution: self.institution_name(record.value.institution).await?,
            application: record.value,
        })
    }

    fn offer(&self, id: &str) -> Option<Offer> {
        self.settings.offers.iter().find(|o| o.id == id).cloned()
    }

    fn service_letter(&self, kind: LetterKind, to: &Account, offer: &Offer, number: i64) -> Letter {
        self.letter(kind, &to.mail, to.lang)
            .with("service-ja", &offer.name.ja)
            .with("service-en", &offer.name.en)
            .with("number", number)
            .with("url", format!("{}/", self.settings.inside_url))
    }
}
