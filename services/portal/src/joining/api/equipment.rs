//! Devices over the API (G1): the use cases of `/review/equipment`.

use equipment::DeviceId;
use issuing::Reason;
use provenance::Provenance;

use super::asked::Asked;
use super::shapes::{
    AnswerGiven, Device, DeviceEnded, DeviceToken, DevicesAfter, Listed, Nothing, ReportGiven, RevokeGiven,
    SiteOfDevice, StatementGiven,
};
use super::{Plain, Problem};
use crate::joining::caller::Caller;

/// Who asks, and the room.
fn here<T>(asked: &Asked<T>) -> Result<(String, &Provenance), Problem> {
    let Caller::Operator(operator) = &asked.caller else { return Err(Plain::NotYours.into()) };
    Ok((operator.account.clone(), asked.desk.devices.as_ref().ok_or(Plain::NoDevices)?))
}

fn device<T>(asked: &Asked<T>) -> Result<DeviceId, Problem> {
    asked.part("device").parse().map_err(|_| reception::Refused::NoSuch.into())
}

pub(super) async fn list(asked: Asked<DevicesAfter>) -> Result<Listed<Device>, Problem> {
    let (_, room) = here(&asked)?;
    let part = room.devices(asked.given.place()?).await?;
    let next = part.next.map(|(at, id)| format!("{}.{id}", at.0));
    Ok(Listed { items: part.devices.iter().map(|view| Device::of(view, &asked.reader)).collect(), next })
}

pub(super) async fn one(asked: Asked<Nothing>) -> Result<Device, Problem> {
    let (_, room) = here(&asked)?;
    Ok(Device::of(&room.device(&device(&asked)?).await?, &asked.reader))
}

pub(super) async fn take_in(asked: Asked<StatementGiven>) -> Result<DeviceToken, Problem> {
    let (by, room) = here(&asked)?;
    Ok(DeviceToken::of(room.take_in(&by, &asked.given.statement).await?))
}

pub(super) async fn report(asked: Asked<ReportGiven>) -> Result<(), Problem> {
    let (by, room) = here(&asked)?;
    room.report(&by, &asked.given.report).await?;
    Ok(())
}

pub(super) async fn token(asked: Asked<Nothing>) -> Result<DeviceToken, Problem> {
    let (by, room) = here(&asked)?;
    Ok(DeviceToken::of(room.token(&by, &device(&asked)?).await?))
}

pub(super) async fn site(asked: Asked<SiteOfDevice>) -> Result<(), Problem> {
    let (by, room) = here(&asked)?;
    let no_site = |site: &String| provenance::Refused::NoSite { site: site.clone() };
    let site = asked.given.site.as_ref().map(|site| site.parse().map_err(|_| no_site(site))).transpose()?;
    Ok(room.stands_at(&by, &device(&asked)?, site.as_ref()).await?)
}

pub(super) async fn answer(asked: Asked<AnswerGiven>) -> Result<(), Problem> {
    let (by, room) = here(&asked)?;
    Ok(room.answer(&by, &device(&asked)?, asked.given.row, &asked.given.evidence).await?)
}

pub(super) async fn revoke(asked: Asked<RevokeGiven>) -> Result<DeviceEnded, Problem> {
    let (by, room) = here(&asked)?;
    let named = &asked.given.reason;
    let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == *named);
    let reason = reason.ok_or_else(|| Plain::Malformed(format!("reason: {named}")))?;
    let certificates = room.revoke(&by, &device(&asked)?, reason).await?;
    Ok(DeviceEnded { certificates })
}
