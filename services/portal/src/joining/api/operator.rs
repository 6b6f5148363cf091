//! An operator's and an auditor's calls.

use joining::{CallOutcome, Institution, InstitutionId, Prefecture};
use reception::{Approved, CallForm, NoticeForm};

use super::asked::Asked;
use super::shapes::{
    Account, AccountsPart, Application, Approval, CallGiven, Found, Listed, Nothing, Notice, NoticeGiven, Part,
    PutInstitutions, RejectGiven, Search, Secret, ServiceApplication, SettleGiven, Version, WorkList, WorkPart, listed,
};
use super::{Plain, Problem, inside};

pub(super) async fn applications(asked: Asked<WorkPart>) -> Result<Listed<Application>, Problem> {
    let work = asked.desk.joining.review_list(&asked.caller.operator()).await?;
    let all = match asked.given.list {
        WorkList::Open => work.open,
        WorkList::Decided => work.decided,
    };
    let part = Part { limit: asked.given.limit, after: asked.given.after.clone() };
    listed(all.into_iter().map(Application::of_item), &part)
}

pub(super) async fn application(asked: Asked<Nothing>) -> Result<Application, Problem> {
    Ok(Application::of(asked.desk.joining.review(&asked.caller.operator(), asked.number()?).await?))
}

pub(super) async fn call(asked: Asked<CallGiven>) -> Result<Application, Problem> {
    let CallGiven { version, phone, outcome, note } = &asked.given;
    let outcome = CallOutcome::ALL.iter().find(|o| o.as_str() == outcome.as_str());
    let outcome = *outcome.ok_or_else(|| Plain::Malformed("outcome".into()))?;
    let form = CallForm { phone: phone.clone(), outcome, note: note.clone() };
    let (who, number) = (asked.caller.operator(), asked.number()?);
    Ok(Application::of(asked.desk.joining.record_call(&who, number, *version, &form).await?))
}

pub(super) async fn settle(asked: Asked<SettleGiven>) -> Result<Application, Problem> {
    let SettleGiven { version, institution } = asked.given;
    let (who, number) = (asked.caller.operator(), asked.number()?);
    let institution = InstitutionId(institution);
    Ok(Application::of(asked.desk.joining.settle_institution(&who, number, version, institution).await?))
}

pub(super) async fn approve(asked: Asked<Version>) -> Result<Approval, Problem> {
    let done = asked.desk.joining.approve(&asked.caller.operator(), asked.number()?, asked.given.version).await?;
    Ok(match done {
        Approved::AwaitsSecond => Approval::default(),
        Approved::Done { user, vpn, initial, phone, extension, until } => Approval {
            done: true,
            account: Some(Secret {
                user: user.to_string(),
                vpn: vpn.to_string(),
                initial_password: initial.reveal().to_owned(),
                until: until.into(),
            }),
            phone: Some(phone),
            extension: Some(extension),
        },
    })
}

pub(super) async fn reject(asked: Asked<RejectGiven>) -> Result<Application, Problem> {
    let (who, number) = (asked.caller.operator(), asked.number()?);
    let RejectGiven { version, reason } = &asked.given;
    Ok(Application::of(asked.desk.joining.reject(&who, number, *version, reason).await?))
}

pub(super) async fn service_applications(asked: Asked<Part>) -> Result<Listed<ServiceApplication>, Problem> {
    let all = asked.desk.joining.review_services(&asked.caller.operator()).await?;
    listed(all.into_iter().map(ServiceApplication::of), &asked.given)
}

pub(super) async fn approve_service(asked: Asked<Version>) -> Result<ServiceApplication, Problem> {
    let (who, number) = (asked.caller.operator(), asked.number()?);
    Ok(ServiceApplication::of(asked.desk.joining.approve_service(&who, number, asked.given.version).await?))
}

pub(super) async fn cancel_service(asked: Asked<RejectGiven>) -> Result<ServiceApplication, Problem> {
    let (who, number) = (asked.caller.operator(), asked.number()?);
    let RejectGiven { version, reason } = &asked.given;
    Ok(ServiceApplication::of(asked.desk.joining.cancel_service(&who, number, *version, reason).await?))
}

pub(super) async fn institutions(asked: Asked<Search>) -> Result<Found, Problem> {
    inside::found(&asked.desk, &asked.given).await
}

pub(super) async fn put_institutions(asked: Asked<PutInstitutions>) -> Result<(), Problem> {
    let mut all = Vec::new();
    for one in &asked.given.institutions {
        let number = Prefecture::new(one.prefecture);
        all.push(Institution {
            id: InstitutionId(one.number),
            code: one.code.clone(),
            prefecture: number.ok_or_else(|| Plain::Malformed("prefecture: 1 to 47".into()))?,
            name: one.name.clone(),
            kana: one.kana.clone(),
            address: one.address.clone(),
        });
    }
    Ok(asked.desk.joining.put_institutions(&asked.caller.operator(), all).await?)
}

pub(super) async fn accounts(asked: Asked<AccountsPart>) -> Result<Listed<Account>, Problem> {
    let institution = asked.given.institution.map(InstitutionId);
    let all = asked.desk.joining.accounts(&asked.caller.operator(), institution).await?;
    let part = Part { limit: asked.given.limit, after: asked.given.after.clone() };
    listed(all.into_iter().map(Account::of), &part)
}

pub(super) async fn reset(asked: Asked<Nothing>) -> Result<Secret, Problem> {
    Ok(Secret::of(&asked.desk.joining.reset_account(&asked.caller.operator(), asked.user()?, false).await?))
}

pub(super) async fn unlock(asked: Asked<Nothing>) -> Result<Account, Problem> {
    Ok(Account::of(asked.desk.joining.unlock_account(&asked.caller.operator(), asked.user()?).await?))
}

pub(super) async fn suspend(asked: Asked<Nothing>) -> Result<Account, Problem> {
    Ok(Account::of(asked.desk.joining.suspend_account(&asked.caller.operator(), asked.user()?, true).await?))
}

pub(super) async fn resume(asked: Asked<Nothing>) -> Result<Account, Problem> {
    Ok(Account::of(asked.desk.joining.suspend_account(&asked.caller.operator(), asked.user()?, false).await?))
}

pub(super) async fn notices(asked: Asked<Part>) -> Result<Listed<Notice>, Problem> {
    let all = asked.desk.joining.all_notices(&asked.caller.operator()).await?;
    listed(all.into_iter().map(Notice::of), &asked.given)
}

pub(super) async fn publish(asked: Asked<NoticeGiven>) -> Result<Notice, Problem> {
    let NoticeGiven { title, body, until } = &asked.given;
    let until = match until {
        Some(text) => Some(text.parse().map_err(Plain::Malformed)?),
        None => None,
    };
    let form = NoticeForm {
        title_ja: title.ja.clone(),
        title_en: title.en.clone(),
        body_ja: body.ja.clone(),
        body_en: body.en.clone(),
        until,
    };
    Ok(Notice::of(asked.desk.joining.publish_notice(&asked.caller.operator(), &form).await?))
}

pub(super) async fn withdraw(asked: Asked<Nothing>) -> Result<(), Problem> {
    Ok(asked.desk.joining.withdraw_notice(&asked.caller.operator(), asked.number()?).await?)
}
