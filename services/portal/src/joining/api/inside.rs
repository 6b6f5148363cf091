//! A member's calls, and an applicant's search.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use joining::Prefecture;
use reception::StaffForm;

use super::asked::Asked;
use super::shapes::{
    Accepted, Account, ApplyGiven, Found, Listed, NewStaff, Nothing, Notice, OwnAccount, Part, Receipt, Search, Secret,
    Service, ServiceApplication, StaffGiven, Submission, listed,
};
use super::{Plain, Problem};
use crate::joining::{Desk, files};

pub(super) async fn account(asked: Asked<Nothing>) -> Result<OwnAccount, Problem> {
    let who = asked.who()?;
    let menu = asked.desk.joining.menu(who).await?;
    OwnAccount::of(who, menu.institution)
}

pub(super) async fn end_token(asked: Asked<Nothing>) -> Result<(), Problem> {
    Ok(asked.desk.joining.sign_out(asked.who()?).await?)
}

pub(super) async fn institutions(asked: Asked<Search>) -> Result<Found, Problem> {
    found(&asked.desk, &asked.given).await
}

/// With the one-time URL of the letter: what the page of the full application searches.
pub(super) async fn institutions_by_link(asked: Asked<Search>) -> Result<Found, Problem> {
    found(&asked.desk, &asked.given).await
}

pub(super) async fn found(desk: &Desk, search: &Search) -> Result<Found, Problem> {
    let prefecture = match search.prefecture {
        Some(number) => Some(Prefecture::new(number).ok_or_else(|| Plain::Malformed("prefecture: 1 to 47".into()))?),
        None => None,
    };
    let found = desk.joining.search_institutions(prefecture, &search.words, usize::from(search.limit)).await?;
    Ok(Found::of(found))
}

pub(super) async fn notices(asked: Asked<Part>) -> Result<Listed<Notice>, Problem> {
    listed(asked.desk.joining.notices(asked.who()?).await?.into_iter().map(Notice::of), &asked.given)
}

pub(super) async fn services(asked: Asked<Nothing>) -> Result<Listed<Service>, Problem> {
    let menu = asked.desk.joining.menu(asked.who()?).await?;
    Ok(Listed { items: menu.services.into_iter().map(Service::of).collect(), next: None })
}

pub(super) async fn service_applications(asked: Asked<Part>) -> Result<Listed<ServiceApplication>, Problem> {
    let all = asked.desk.joining.service_applications(asked.who()?).await?;
    listed(all.into_iter().map(ServiceApplication::of), &asked.given)
}

pub(super) async fn apply(asked: Asked<ApplyGiven>) -> Result<Accepted, Problem> {
    let made = asked.desk.joining.apply_for_services(asked.who()?, &asked.given.services).await?;
    Ok(Accepted { items: made.into_iter().map(ServiceApplication::of).collect() })
}

pub(super) async fn take_back(asked: Asked<Nothing>) -> Result<(), Problem> {
    Ok(asked.desk.joining.take_back_service(asked.who()?, asked.number()?).await?)
}

pub(super) async fn staff(asked: Asked<Part>) -> Result<Listed<Account>, Problem> {
    listed(asked.desk.joining.staff(asked.who()?).await?.into_iter().map(Account::of), &asked.given)
}

pub(super) async fn add_staff(asked: Asked<StaffGiven>) -> Result<NewStaff, Problem> {
    let StaffGiven { name, kana, mail } = &asked.given;
    let form = StaffForm { name: name.clone(), kana: kana.clone(), mail: mail.clone() };
    Ok(NewStaff::of(asked.desk.joining.add_staff(asked.who()?, &form).await?))
}

pub(super) async fn reset_staff(asked: Asked<Nothing>) -> Result<Secret, Problem> {
    Ok(Secret::of(&asked.desk.joining.reset_staff(asked.who()?, asked.user()?).await?))
}

pub(super) async fn remove_staff(asked: Asked<Nothing>) -> Result<(), Problem> {
    Ok(asked.desk.joining.remove_staff(asked.who()?, asked.user()?).await?)
}

pub(super) async fn submissions(asked: Asked<Part>) -> Result<Listed<Submission>, Problem> {
    let (room, who) = files::room(&asked.desk, &asked.caller).ok_or(Plain::NotHere)?;
    let limit = asked.given.limit()?;
    let after = Some(asked.given.after.as_str()).filter(|after| !after.is_empty());
    // One more than asked for tells whether there is a next part.
    let all = room.list(&who, after, u32::from(limit) + 1).await?;
    let more = all.len() > usize::from(limit);
    let items: Vec<Submission> =
        all.into_iter().take(limit.into()).map(|one| Submission::of(one, &asked.reader)).collect();
    let next = items.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Listed { items, next })
}

pub(super) async fn submission(asked: Asked<Nothing>) -> Result<Submission, Problem> {
    let (room, who) = files::room(&asked.desk, &asked.caller).ok_or(Plain::NotHere)?;
    Ok(Submission::of(room.view(&who, asked.part("id")).await?, &asked.reader))
}

pub(super) async fn receipt(asked: Asked<Nothing>) -> Result<Receipt, Problem> {
    let (room, who) = files::room(&asked.desk, &asked.caller).ok_or(Plain::NotHere)?;
    let receipt = room.receipt(&who, asked.part("id")).await?;
    Ok(Receipt { text: receipt.text, signature: STANDARD.encode(receipt.signature), certificate: receipt.certificate })
}
