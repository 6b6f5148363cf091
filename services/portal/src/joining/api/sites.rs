//! Registration of sites over the API (G12): the same calls for an institution, inside, and for operators.

use model::SiteId;
use registration::{MemberForm, Registration, SiteForm, SitesAsked, Who};

use super::asked::Asked;
use super::shapes::{
    Enrolment, Listed, Member, MemberGiven, Nothing, Part, RejectGiven, Site, SiteGiven, SiteProposal, Version,
    WholeSite, listed,
};
use super::{Plain, Problem};
use crate::joining::caller::Caller;

/// Who asks, and the room; a center without one says so.
pub(super) fn here<T>(asked: &Asked<T>) -> Result<(Who<'_>, &Registration), Problem> {
    let who = match &asked.caller {
        Caller::In(who) => Who::Member(who),
        Caller::Operator(operator) => Who::Operator(operator),
        Caller::Nobody | Caller::Link(_) | Caller::Settling(_) | Caller::Member(_) | Caller::TurnedBack(_) => {
            return Err(Plain::NotYours.into());
        }
    };
    Ok((who, asked.desk.registration.as_ref().ok_or(Plain::NoRegistration)?))
}

pub(super) fn site<T>(asked: &Asked<T>) -> Result<SiteId, Problem> {
    asked.part("site").parse().map_err(|_| no_such())
}

pub(super) fn no_such() -> Problem {
    reception::Refused::NoSuch.into()
}

fn typed(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// The institution's id in the network, whether or not it was confirmed.
pub(super) async fn own_member(asked: Asked<Nothing>) -> Result<Member, Problem> {
    let (who, room) = here(&asked)?;
    Ok(Member::of(room.member(who).await?.ok_or_else(no_such)?))
}

pub(super) async fn members(asked: Asked<Part>) -> Result<Listed<Member>, Problem> {
    let (who, room) = here(&asked)?;
    listed(room.members(who).await?.into_iter().map(Member::of), &asked.given)
}

pub(super) async fn name(asked: Asked<MemberGiven>) -> Result<Member, Problem> {
    let (who, room) = here(&asked)?;
    let MemberGiven { institution, network, name } = &asked.given;
    let words = |of: fn(&super::shapes::Words) -> &String| name.as_ref().map(of).cloned().unwrap_or_default();
    let form = MemberForm {
        institution: typed(*institution),
        network_name: network.clone(),
        name_ja: words(|name| &name.ja),
        name_en: words(|name| &name.en),
    };
    Ok(Member::of(room.name_institution(who, &form).await?))
}

pub(super) async fn proposals(asked: Asked<Part>) -> Result<Listed<SiteProposal>, Problem> {
    let (who, room) = here(&asked)?;
    listed(room.drafts(who).await?.into_iter().map(SiteProposal::of), &asked.given)
}

pub(super) async fn propose(asked: Asked<SiteGiven>) -> Result<SiteProposal, Problem> {
    let (who, room) = here(&asked)?;
    let given = &asked.given;
    let form = SiteForm {
        institution: typed(given.institution),
        site: given.site.clone(),
        name_ja: given.name.ja.clone(),
        name_en: given.name.en.clone(),
        model: given.model.clone(),
        line: given.line.clone(),
        address: given.address.clone(),
        dpid: given.dpid.clone(),
        uplink: given.uplink.to_string(),
        mac: given.mac.clone(),
        high_secure: given.high_secure.clone(),
        secure: given.secure.clone(),
        dmz: given.dmz.clone(),
    };
    Ok(SiteProposal::of(room.propose_site(who, &form).await?))
}

pub(super) async fn withdraw(asked: Asked<Nothing>) -> Result<(), Problem> {
    let (who, room) = here(&asked)?;
    Ok(room.withdraw_site(who, asked.number()?).await?)
}

pub(super) async fn register(asked: Asked<Version>) -> Result<(), Problem> {
    let (who, room) = here(&asked)?;
    Ok(room.register_site(who, asked.number()?, asked.given.version).await?)
}

pub(super) async fn reject(asked: Asked<RejectGiven>) -> Result<(), Problem> {
    let (who, room) = here(&asked)?;
    Ok(room.reject_site(who, asked.number()?, asked.given.version, &asked.given.reason).await?)
}

/// How far each is is found out of those in the part only.
pub(super) async fn sites(asked: Asked<Part>) -> Result<Listed<Site>, Problem> {
    let (who, room) = here(&asked)?;
    let after = match asked.given.after.as_str() {
        "" => None,
        after => Some(after.parse().map_err(|_| no_such())?),
    };
    let part = SitesAsked { after, limit: asked.given.limit()?.into(), ..SitesAsked::default() };
    let found = room.sites(who, &part).await?;
    let next = found.sites.last().filter(|_| found.later).map(|last| last.site.to_string());
    Ok(Listed { items: found.sites.into_iter().map(Site::of).collect(), next })
}

pub(super) async fn one(asked: Asked<Nothing>) -> Result<WholeSite, Problem> {
    let (who, room) = here(&asked)?;
    Ok(WholeSite::of(room.site(who, &site(&asked)?).await?, &asked.reader))
}

pub(super) async fn gate(asked: Asked<Nothing>) -> Result<Enrolment, Problem> {
    let (who, room) = here(&asked)?;
    Ok(Enrolment::of(room.gate_token(who, &site(&asked)?).await?))
}
