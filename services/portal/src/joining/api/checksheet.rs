//! The checksheet of a site over the API (G11): seen by its institution and by operators, answered by the institution.

use registration::{AnswerForm, ChecksheetForm};

use super::Problem;
use super::asked::Asked;
use super::shapes::{AnswersGiven, Nothing, SiteChecksheet};
use super::sites::{here, site};

pub(super) async fn see(asked: Asked<Nothing>) -> Result<SiteChecksheet, Problem> {
    let (who, room) = here(&asked)?;
    Ok(SiteChecksheet::of(room.checksheet(who, &site(&asked)?).await?, &asked.reader))
}

pub(super) async fn answer(asked: Asked<AnswersGiven>) -> Result<SiteChecksheet, Problem> {
    let (who, room) = here(&asked)?;
    let (version, may_end) = (asked.given.version.clone(), asked.given.may_end);
    let mut form = ChecksheetForm { version, may_end, ..ChecksheetForm::default() };
    for given in &asked.given.answers {
        let item = given.item.parse().map_err(|_| super::Plain::Malformed(format!("item: {}", given.item)))?;
        let answer = AnswerForm { answer: given.answer.clone(), evidence: given.evidence.clone() };
        form.answers.insert(item, answer);
    }
    Ok(SiteChecksheet::of(room.answer_checksheet(who, &site(&asked)?, &form).await?, &asked.reader))
}
