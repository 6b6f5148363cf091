//! Answers: values of use cases as JSON, refusals as problems, in the reader's language (X5).

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use connections::{Applied, Closed, Explained, Opened, Refused, Trouble};
use model::Section;
use std::sync::LazyLock;
use texts::{Arg, Lang, Reason, Texts};
use verify::Proof as Proved;
use wire::api::{
    ApplyReport, CloseReport, Explanation, OpenReport, PROBLEM_MEDIA_TYPE, PermitView, PersonView, Problem, Proof,
    ReasonView, SiteChange,
};

static TEXTS: LazyLock<[Texts; 2]> = LazyLock::new(|| [Texts::new(Lang::Ja), Texts::new(Lang::En)]);

/// Texts in the language of `Accept-Language`: the first language named counts.
pub(crate) fn texts(headers: &HeaderMap) -> &'static Texts {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let first = wanted.split([',', ';']).next().unwrap_or_default().trim();
    match Lang::from_locale(first) {
        Lang::Ja => &TEXTS[0],
        Lang::En => &TEXTS[1],
    }
}

/// JSON or a problem.
pub(crate) fn answer<T: serde::Serialize>(result: Result<T, Refused>, texts: &Texts) -> Response {
    drawn(result, texts, false)
}

/// The same, with the picture of a counter-example if it is wanted.
pub(crate) fn drawn<T: serde::Serialize>(result: Result<T, Refused>, texts: &Texts, picture: bool) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(refused) => {
            let problem = problem(&refused, texts, picture);
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, PROBLEM_MEDIA_TYPE)], Json(problem).into_response().into_body())
                .into_response()
        }
    }
}

/// A call that could not be read.
pub(crate) fn malformed(why: &dyn std::fmt::Display) -> Refused {
    Refused::trouble(Trouble::Malformed, [("why", Arg::text(why))])
}

pub(crate) fn problem(refused: &Refused, texts: &Texts, picture: bool) -> Problem {
    let mut problem = of_reasons(&refused.reasons, texts);
    problem.instance = refused.entry.filter(|n| *n > 0).map(|n| format!("refusal/{n}"));
    let nothing_known = connections::Scene::default();
    let scene = refused.scene.as_deref().unwrap_or(&nothing_known);
    problem.counter_example = refused.refutation.as_deref().map(|r| scene.counter_example(r, texts, picture));
    problem
}

pub(crate) fn reason_view(reason: &Reason, texts: &Texts) -> ReasonView {
    let lines = reason.lines(texts);
    ReasonView { reason: reason.clone(), text: lines.refused, section_text: lines.section, remedy: lines.remedy }
}

fn of_reasons(reasons: &[Reason], texts: &Texts) -> Problem {
    let views: Vec<ReasonView> = reasons.iter().map(|reason| reason_view(reason, texts)).collect();
    let code = reasons.first().map(|r| r.code.clone()).unwrap_or_default();
    Problem {
        kind: format!("urn:sekisho:problem:{}", code.to_lowercase()),
        title: views.first().map(|v| v.text.clone()).unwrap_or_default(),
        status: status_of(&code),
        detail: views.first().map(|v| v.remedy.clone()),
        instance: None,
        section: reasons.first().map_or(Section::Operator, |r| r.section),
        code,
        reasons: views,
        counter_example: None,
    }
}

fn status_of(code: &str) -> u16 {
    match code.as_bytes().first() {
        Some(b'O') => Trouble::from_code(code).map_or(500, Trouble::status),
        Some(b'I') => 409,
        _ => 403,
    }
}

fn proof(proved: Proved, took: std::time::Duration) -> Proof {
    Proof { invariants: proved.invariants(), sites: proved.sites(), micros: took.as_micros() as u64 }
}

pub(crate) fn open_report(opened: Opened) -> OpenReport {
    OpenReport {
        person: PersonView {
            name: opened.person.name,
            kanji_name: opened.person.kanji_name,
            role: opened.person.role,
            // The last second, where the summary has the first instant after it.
            valid_until: opened.person.card_valid_until.plus_ms(-1_000),
        },
        device: opened.connection.from.clone(),
        permit: PermitView { agreement: opened.agreement, site: opened.allow.site, allow: opened.allow.index },
        proof: proof(opened.proof, opened.proof_took),
        connection: opened.connection,
        micros: opened.took.as_micros() as u64,
    }
}

pub(crate) fn close_report(closed: Closed) -> CloseReport {
    CloseReport { connection: closed.connection, micros: closed.took.as_micros() as u64, counters: closed.counters }
}

pub(crate) fn apply_report(applied: Applied, really: bool) -> ApplyReport {
    let change = |d: &model::SiteDelta| SiteChange {
        site: d.site.clone(),
        parent: d.parent,
        generation: d.generation,
        rules_added: d.rules_added.len(),
        rules_removed: d.rules_removed.len(),
        tunnels_added: d.tunnels_added.len(),
        tunnels_removed: d.tunnels_removed.len(),
        filters_added: d.filters_added.len(),
        filters_removed: d.filters_removed.len(),
    };
    ApplyReport {
        applied: really,
        sites: applied.sites.iter().map(change).collect(),
        proof: proof(applied.proof, applied.proof_took),
        grants_ended: applied.grants_ended,
    }
}

pub(crate) fn explanation(id: u64, explained: Explained, texts: &Texts, picture: bool) -> Explanation {
    let mut problem = of_reasons(&explained.reasons, texts);
    problem.instance = Some(format!("refusal/{id}"));
    problem.counter_example =
        explained.told.and_then(|told| connections::recalled(told, &problem.title, texts, picture));
    Explanation { id, at: explained.at, request: explained.request, problem }
}
