//! メニュー and サービス利用申請 (R8, R9).

use joining::{InstitutionId, ServiceApplication};

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

impl Joining {
    /// The menu.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn menu(&self, who: &SignedIn) -> Result<Menu, Refused> {
        let _ = who;
        Err(Refused::Internal("not built yet".into()))
    }

    /// Checks which services would be applied for, for the page that asks to confirm. Changes nothing.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `AppliedAlready`, `Registry`.
    pub async fn check_services(&self, who: &SignedIn, services: &[String]) -> Result<Vec<Offer>, Refused> {
        let _ = (who, services);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Applies for services; a letter for each.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `AppliedAlready`, `Registry`.
    pub async fn apply_for_services(&self, who: &SignedIn, services: &[String]) -> Result<Vec<ServiceView>, Refused> {
        let _ = (who, services);
        Err(Refused::Internal("not built yet".into()))
    }

    /// The institution's applications, newest first.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn service_applications(&self, who: &SignedIn) -> Result<Vec<ServiceView>, Refused> {
        let _ = who;
        Err(Refused::Internal("not built yet".into()))
    }

    /// Takes an application back.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `WrongStand`, `Changed`, `Registry`.
    pub async fn take_back_service(&self, who: &SignedIn, number: i64) -> Result<(), Refused> {
        let _ = (who, number);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Does the institution have the service? For the service's own entrance.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn has_service(&self, institution: InstitutionId, service: &str) -> Result<bool, Refused> {
        let _ = (institution, service);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Applications for services, for the operator: those that wait, oldest first, then the others, newest first.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn review_services(&self, operator: &Operator) -> Result<Vec<ServiceView>, Refused> {
        let _ = operator;
        Err(Refused::Internal("not built yet".into()))
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
        let _ = (operator, number, version);
        Err(Refused::Internal("not built yet".into()))
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
        let _ = (operator, number, version, reason);
        Err(Refused::Internal("not built yet".into()))
    }
}
