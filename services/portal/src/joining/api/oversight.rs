//! Submissions of every institution and lines of the client VPN, for programs of operators and auditors (R12, R7): the
//! use cases of `/review/submissions` and `/review/vpn`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;
use registry::SubmissionsOverseen;
use submissions::Submissions;

use super::asked::Asked;
use super::shapes::{ClientLine, Listed, Nothing, Overseen, OverseenPart, Part, Receipt, listed};
use super::{Plain, Problem};
use crate::joining::review::submissions::{Trouble, day, end_of, institutions, names, overseen};
use crate::joining::review::vpn::{NotEnded, end};

pub(super) async fn submissions(asked: Asked<OverseenPart>) -> Result<Listed<Overseen>, Problem> {
    let files = asked.desk.files.as_ref().ok_or(Plain::NotHere)?;
    let given = &asked.given;
    let limit = Part { limit: given.limit, after: String::new() }.limit()?;
    let read = |what: &str, text: &Option<String>, of: fn(&str) -> Option<Timestamp>| match text {
        None => Ok(None),
        Some(text) => of(text).map(Some).ok_or_else(|| Plain::Malformed(format!("{what}: 2026-04-01"))),
    };
    let state = match &given.state {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Plain::Malformed("state".into()))?),
    };
    let query = SubmissionsOverseen {
        state,
        institutions: institutions(&asked.desk, &given.institution).await?,
        from: read("from", &given.from, day)?,
        until: read("until", &given.until, end_of)?,
        after: None,
        // One more than asked for tells whether there is a next part.
        limit: u32::from(limit) + 1,
    };
    let after = Some(given.after.as_str()).filter(|after| !after.is_empty());
    let (mut all, names) = overseen(&asked.desk, files, query, after).await?;
    let more = all.len() > usize::from(limit);
    all.truncate(limit.into());
    let next = all.last().filter(|_| more).map(|last| last.view.id.clone());
    Ok(Listed { items: all.into_iter().map(|one| Overseen::of(one, &names, &asked.reader)).collect(), next })
}

pub(super) async fn submission(asked: Asked<Nothing>) -> Result<Overseen, Problem> {
    let one = room(&asked)?.one_overseen(asked.part("id")).await?;
    let names = names(&asked.desk, std::slice::from_ref(&one)).await?;
    Ok(Overseen::of(one, &names, &asked.reader))
}

/// That it was fetched is on record.
pub(super) async fn receipt(asked: Asked<Nothing>) -> Result<Receipt, Problem> {
    let operator = asked.caller.operator().account;
    let receipt = room(&asked)?.whole_receipt_overseen(&operator, asked.part("id")).await?;
    Ok(Receipt { text: receipt.text, signature: STANDARD.encode(receipt.signature), certificate: receipt.certificate })
}

fn room<T>(asked: &Asked<T>) -> Result<&Submissions, Problem> {
    Ok(asked.desk.files.as_ref().ok_or(Plain::NotHere)?.room())
}

pub(super) async fn lines(asked: Asked<Part>) -> Result<Listed<ClientLine>, Problem> {
    let lines = asked.desk.lines.as_ref().and_then(|vpn| vpn.lines()).ok_or(Plain::VpnUnknown)?;
    listed(lines.into_iter().map(ClientLine::of), &asked.given)
}

pub(super) async fn end_line(asked: Asked<Nothing>) -> Result<(), Problem> {
    end(&asked.desk, &asked.caller.operator(), asked.part("vpn")).await.map_err(|no| match no {
        NotEnded::NotIn => Plain::LineNotIn.into(),
        NotEnded::Refused(no) => no.into(),
    })
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Files(no) => no.into(),
            Trouble::Names(no) => no.into(),
        }
    }
}
