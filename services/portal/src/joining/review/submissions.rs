//! Submissions of every institution: which, how each stands, its receipt (R12). What is in a file, nobody sees here.

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use joining::InstitutionId;
use maud::{Markup, html};
use model::Timestamp;
use registry::{SubmissionState, SubmissionsOverseen};
use serde::Deserialize;
use std::collections::BTreeMap;
use submissions::Overseen;
use texts::Arg;

use super::page as framed;
use crate::frame::encoded;
use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::files::{Files, receipts, refused as not_given, tag, why};
use crate::joining::words::{only, plain, refused};
use crate::reader::Reader;

/// Lines of one page; who looks for more narrows the question.
const AT_MOST: u32 = 200;
/// Institutions that fit the words.
const INSTITUTIONS: usize = 50;
const DAY_MS: i64 = 86_400_000;
/// Days begin in Japan.
const JST_MS: i64 = 9 * 3_600_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Asked {
    state: String,
    institution: String,
    from: String,
    until: String,
    /// Those after this one.
    after: String,
}

pub(in crate::joining) async fn page(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
    reader: Reader,
) -> Response {
    let Some(files) = &desk.files else { return none(&desk, &reader) };
    let institutions = match institutions(&desk, &asked.institution).await {
        Ok(found) => found,
        Err(no) => return refused(&desk, &no, "/review", &reader),
    };
    let query = SubmissionsOverseen {
        state: asked.state.parse().ok(),
        institutions,
        from: day(&asked.from),
        until: end_of(&asked.until),
        after: None,
        limit: AT_MOST,
    };
    let after = Some(asked.after.as_str()).filter(|after| !after.is_empty());
    let (all, names) = match overseen(&desk, files, query, after).await {
        Ok(found) => found,
        Err(no) => return no.answer(&desk, &reader),
    };
    let body = html! {
        p { (reader.say("page-overseen-lead")) }
        (filter(&asked, &reader))
        @if all.is_empty() { p.empty #none { (reader.say("page-overseen-none")) } } @else { (table(&all, &names, &reader)) }
        @if let Some(last) = all.last().filter(|_| all.len() == AT_MOST as usize) {
            nav.buttons aria-label=(reader.say("page-parts")) { a.button #older href=(older(&asked, &last.view.id)) rel="next" { (reader.say("page-parts-older")) } }
        }
    };
    framed(&caller, "page-overseen-title", "/review/submissions", &reader, body)
}

/// The same question, for what was begun before this one.
fn older(asked: &Asked, last: &str) -> String {
    let Asked { state, institution, from, until, after: _ } = asked;
    let all =
        [("state", state.as_str()), ("institution", institution), ("from", from), ("until", until), ("after", last)];
    let all: Vec<String> = all
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    format!("/review/submissions?{}", all.join("&"))
}

/// The beginning of a day, `2026-04-01`, in Japan.
pub(in crate::joining) fn day(text: &str) -> Option<Timestamp> {
    format!("{text}T00:00:00Z").parse().map(|at: Timestamp| at.plus_ms(-JST_MS)).ok()
}

/// Its end.
pub(in crate::joining) fn end_of(text: &str) -> Option<Timestamp> {
    day(text).map(|at| at.plus_ms(DAY_MS))
}

/// A part of a receipt; that it was fetched is on record.
pub(in crate::joining) async fn receipt(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path((id, name)): Path<(String, String)>,
    reader: Reader,
) -> Response {
    let Some(files) = &desk.files else { return none(&desk, &reader) };
    match files.room().receipt_overseen(&caller.operator().account, &id, &name).await {
        Ok(answer) => answer,
        Err(no) => not_given(&desk, &no, "/review/submissions", &reader),
    }
}

fn none(desk: &Desk, reader: &Reader) -> Response {
    only(desk, StatusCode::NOT_FOUND, plain("page-not-found", &[], reader), Some("/review"), reader)
}

/// Those whose name holds the words; every one if there are none.
pub(in crate::joining) async fn institutions(
    desk: &Desk,
    words: &str,
) -> Result<Option<Vec<String>>, reception::Refused> {
    if words.trim().is_empty() {
        return Ok(None);
    }
    let found = desk.joining.search_institutions(None, words, INSTITUTIONS).await?.found;
    Ok(Some(found.into_iter().map(|one| one.id.0.to_string()).collect()))
}

pub(in crate::joining) enum Trouble {
    Files(submissions::Refused),
    Names(reception::Refused),
}

impl Trouble {
    fn answer(&self, desk: &Desk, reader: &Reader) -> Response {
        match self {
            Self::Files(no) => not_given(desk, no, "/review", reader),
            Self::Names(no) => refused(desk, no, "/review", reader),
        }
    }
}

/// Of institutions, by number.
pub(in crate::joining) type Names = BTreeMap<String, String>;

pub(in crate::joining) async fn overseen(
    desk: &Desk,
    files: &Files,
    query: SubmissionsOverseen,
    after: Option<&str>,
) -> Result<(Vec<Overseen>, Names), Trouble> {
    let all = files.room().overseen(query, after).await.map_err(Trouble::Files)?;
    let names = names(desk, &all).await.map_err(Trouble::Names)?;
    Ok((all, names))
}

/// What their institutions are called.
pub(in crate::joining) async fn names(desk: &Desk, all: &[Overseen]) -> Result<Names, reception::Refused> {
    let mut ids: Vec<InstitutionId> =
        all.iter().filter_map(|one| one.institution.parse().ok().map(InstitutionId)).collect();
    ids.sort();
    ids.dedup();
    let named = desk.joining.registry().institutions_by_id(&ids).await?;
    Ok(named.into_iter().map(|one| (one.id.0.to_string(), one.name)).collect())
}

fn filter(asked: &Asked, reader: &Reader) -> Markup {
    let chosen: Option<SubmissionState> = asked.state.parse().ok();
    html! {
        form.sheet method="get" action="/review/submissions" {
            div.find-row {
                div.field {
                    label for="state" { (reader.say("page-files-state")) }
                    select #state name="state" {
                        option value="" { (reader.say("page-overseen-any")) }
                        @for state in SubmissionState::ALL {
                            option value=(state) selected[chosen == Some(state)] { (reader.say(&format!("submission-state-{state}"))) }
                        }
                    }
                }
                div.field {
                    label for="institution" { (reader.say("page-overseen-institution")) }
                    input #institution name="institution" value=(asked.institution) maxlength="100" autocomplete="off";
                }
                div.field {
                    label for="from" { (reader.say("page-overseen-from")) }
                    input #from name="from" type="date" value=(asked.from);
                }
                div.field {
                    label for="until" { (reader.say("page-overseen-until")) }
                    input #until name="until" type="date" value=(asked.until);
                }
            }
            div.buttons { button #filter { (reader.say("page-overseen-filter")) } }
        }
    }
}

fn table(all: &[Overseen], names: &Names, reader: &Reader) -> Markup {
    const HEADS: [&str; 5] =
        ["page-overseen-institution", "page-files-file", "page-files-begun", "page-files-state", "page-files-receipt"];
    html! {
        div.scroll { table.stack #submissions {
            thead { tr { @for key in HEADS { th scope="col" { (reader.say(key)) } } } }
            tbody { @for Overseen { institution, view } in all { tr id=(format!("s-{}", view.id)) {
                th scope="row" { @match names.get(institution) { Some(name) => (name), None => (format!("#{institution}")) } }
                td { (view.name) span.quiet.small { " " (view.account) } }
                td.number { (Arg::Time(view.begun_at).worded(reader.texts)) }
                td { (tag(view, reader)) (why(view, reader)) }
                td { @if view.receipt { (receipts("/review/submissions", &view.id, reader)) } }
            } } }
        } }
    }
}
