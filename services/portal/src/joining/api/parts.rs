//! Hosts, services, whitelist lines and agreements over the API (N1, G12). A change of a site answers with the site as
//! it stands then, so that the next one knows its version.

use model::{AgreementId, HostId};
use registration::{AgreementForm, HostForm, LineForm, RemoveForm, ServiceForm, SignatureForm};

use super::Problem;
use super::asked::Asked;
use super::shapes::{
    Agreement, AgreementGiven, Enrolment, HostGiven, LineGiven, Listed, Nothing, OfferGiven, Part, SignatureGiven,
    SiteVersion, WholeSite, WhyGiven, listed,
};
use super::sites::{here, no_such, site};

/// The site, after a change.
async fn now<T>(asked: &Asked<T>) -> Result<WholeSite, Problem> {
    let (who, room) = here(asked)?;
    Ok(WholeSite::of(room.site(who, &site(asked)?).await?, &asked.reader))
}

fn host<T>(asked: &Asked<T>) -> Result<HostId, Problem> {
    asked.part("name").parse().map_err(|_| no_such())
}

fn agreement<T>(asked: &Asked<T>) -> Result<AgreementId, Problem> {
    asked.part("agreement").parse().map_err(|_| no_such())
}

fn removal(asked: &Asked<SiteVersion>) -> RemoveForm {
    RemoveForm { version: asked.given.version.clone() }
}

pub(super) async fn add_host(asked: Asked<HostGiven>) -> Result<WholeSite, Problem> {
    let (who, room) = here(&asked)?;
    let given = &asked.given;
    let form = HostForm {
        version: given.version.clone(),
        host: given.host.clone(),
        segment: given.segment.clone(),
        address: given.address.clone(),
        mac: given.mac.clone(),
        port: given.port.to_string(),
        terminal: given.terminal.to_string(),
        kind: given.kind.clone(),
    };
    room.add_host(who, &site(&asked)?, &form).await?;
    now(&asked).await
}

pub(super) async fn remove_host(asked: Asked<SiteVersion>) -> Result<WholeSite, Problem> {
    let (who, room) = here(&asked)?;
    room.remove_host(who, &site(&asked)?, &host(&asked)?, &removal(&asked)).await?;
    now(&asked).await
}

pub(super) async fn device_code(asked: Asked<Nothing>) -> Result<Enrolment, Problem> {
    let (who, room) = here(&asked)?;
    Ok(Enrolment::of(room.device_code(who, &site(&asked)?, &host(&asked)?).await?))
}

pub(super) async fn add_service(asked: Asked<OfferGiven>) -> Result<WholeSite, Problem> {
    let (who, room) = here(&asked)?;
    let given = &asked.given;
    let ports: Vec<String> = given.ports.iter().map(u16::to_string).collect();
    let form = ServiceForm {
        version: given.version.clone(),
        service: given.service.clone(),
        name_ja: given.name.ja.clone(),
        name_en: given.name.en.clone(),
        host: given.host.clone(),
        protocol: given.protocol.clone(),
        ports: ports.join(","),
        roles: given.roles.join(","),
        lease: given.lease.map(|minutes| minutes.to_string()).unwrap_or_default(),
    };
    room.add_service(who, &site(&asked)?, &form).await?;
    now(&asked).await
}

pub(super) async fn remove_service(asked: Asked<SiteVersion>) -> Result<WholeSite, Problem> {
    let (who, room) = here(&asked)?;
    room.remove_service(who, &site(&asked)?, &host(&asked)?, &removal(&asked)).await?;
    now(&asked).await
}

pub(super) async fn add_line(asked: Asked<LineGiven>) -> Result<WholeSite, Problem> {
    let (who, room) = here(&asked)?;
    let given = &asked.given;
    let form = LineForm {
        version: given.version.clone(),
        service: given.service.clone(),
        roles: given.roles.join(","),
        from: given.from.join(","),
    };
    room.add_line(who, &site(&asked)?, &form).await?;
    now(&asked).await
}

/// Lines have no names: they count from 0, as the document of the seen version lists them.
pub(super) async fn remove_line(asked: Asked<SiteVersion>) -> Result<WholeSite, Problem> {
    let (who, room) = here(&asked)?;
    let index = asked.part("name").parse().map_err(|_| no_such())?;
    room.remove_line(who, &site(&asked)?, index, &removal(&asked)).await?;
    now(&asked).await
}

pub(super) async fn agreements(asked: Asked<Part>) -> Result<Listed<Agreement>, Problem> {
    let (who, room) = here(&asked)?;
    listed(room.agreements(who).await?.into_iter().map(Agreement::of), &asked.given)
}

pub(super) async fn one_agreement(asked: Asked<Nothing>) -> Result<Agreement, Problem> {
    let (who, room) = here(&asked)?;
    Ok(Agreement::of(room.agreement(who, &agreement(&asked)?).await?))
}

pub(super) async fn propose_agreement(asked: Asked<AgreementGiven>) -> Result<Agreement, Problem> {
    let (who, room) = here(&asked)?;
    let given = &asked.given;
    let form = AgreementForm {
        agreement: given.agreement.clone(),
        service: given.service.clone(),
        consumer: given.consumer.clone(),
        valid_from: given.valid_from.clone(),
        valid_until: given.valid_until.clone(),
    };
    Ok(Agreement::of(room.propose_agreement(who, &form).await?))
}

pub(super) async fn sign_agreement(asked: Asked<SignatureGiven>) -> Result<Agreement, Problem> {
    let (who, room) = here(&asked)?;
    let given = &asked.given;
    let form = SignatureForm {
        signed: given.signed.clone(),
        certificate: given.certificate.clone(),
        value: given.value.clone(),
        side: String::new(),
    };
    Ok(Agreement::of(room.sign_agreement(who, &agreement(&asked)?, &form).await?))
}

pub(super) async fn withdraw_agreement(asked: Asked<Nothing>) -> Result<(), Problem> {
    let (who, room) = here(&asked)?;
    Ok(room.drop_agreement(who, &agreement(&asked)?, None).await?)
}

pub(super) async fn reject_agreement(asked: Asked<WhyGiven>) -> Result<(), Problem> {
    let (who, room) = here(&asked)?;
    Ok(room.drop_agreement(who, &agreement(&asked)?, Some(&asked.given.reason)).await?)
}

pub(super) async fn signing_code(asked: Asked<Nothing>) -> Result<Enrolment, Problem> {
    let (who, room) = here(&asked)?;
    Ok(Enrolment::of(room.institution_code(who).await?))
}
