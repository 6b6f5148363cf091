//! Agreements: proposed by one institution, signed by both, each outside of its browser.

use axum::extract::{Form, Path};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Field, FieldFault};
use maud::{Markup, html};
use model::{Agreement, AgreementId, Side};
use registration::{AgreementForm, AgreementView, Refused, SignatureForm, Who};
use serde::Deserialize;
use texts::Arg;

use super::{Asker, Visit, line, once, refusals, rejecting};
use crate::joining::form::faults;
use crate::joining::words::leading;
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Reason {
    reason: String,
}

pub(in crate::joining) async fn list(asker: Asker) -> Response {
    let visit = asker.visit();
    listed(&visit, &AgreementForm::default(), &[], html! {}).await
}

fn base(visit: &Visit<'_>) -> &'static str {
    match visit.who {
        Who::Member(_) => "/agreements",
        Who::Operator(_) => "/review/agreements",
    }
}

async fn listed(visit: &Visit<'_>, typed: &AgreementForm, wrong: &[FieldFault], above: Markup) -> Response {
    let reader = visit.reader;
    let all = match visit.registration.agreements(visit.who).await {
        Ok(all) => all,
        Err(no) => return visit.refused(&no, visit.base),
    };
    let member = matches!(visit.who, Who::Member(_)) && visit.who.may_change();
    let body = html! {
        (above)
        (faults(&leading(wrong, reader), reader))
        @if all.is_empty() { p.empty { (visit.say("page-agreements-none")) } } @else {
            div.scroll { table.stack { tbody { @for one in &all { tr {
                th scope="row" { a href=(format!("{}/{}", base(visit), one.terms.id)) { (one.terms.id) } }
                td { (one.terms.consumer) " → " (one.terms.service) }
                td.number { (Arg::Time(one.terms.valid_from).worded(reader.texts)) " – " (last(&one.terms, reader)) }
                td { (tag(one, visit)) }
            } } } } }
        }
        @if member {
            div.form {
                h2 { (visit.say("page-agreements-propose")) }
                form method="post" action="/agreements" {
                    (line(Field::Agreement, &typed.agreement, wrong, true, reader))
                    (line(Field::Service, &typed.service, wrong, true, reader))
                    p.hint { (visit.say("page-agreements-consumer-hint")) }
                    (line(Field::Consumer, &typed.consumer, wrong, false, reader))
                    (line(Field::ValidFrom, &typed.valid_from, wrong, true, reader))
                    (line(Field::ValidUntil, &typed.valid_until, wrong, true, reader))
                    div.buttons { button.primary #propose { (visit.say("page-agreements-propose-do")) } }
                }
                h2 { (visit.say("page-agreements-key")) }
                p { (visit.say("page-agreements-key-lead")) }
                form method="post" action="/agreements/key" { button #signing-code { (visit.say("page-agreements-key-do")) } }
            }
        }
    };
    visit.page("page-agreements-title", base(visit), body)
}

/// The last minute it counts: who typed a last day reads that day, not the midnight after it.
fn last(terms: &Agreement, reader: &Reader) -> String {
    Arg::Time(terms.valid_until.plus_ms(-60_000)).worded(reader.texts)
}

fn tag(one: &AgreementView, visit: &Visit<'_>) -> Markup {
    let (kind, key) = match (one.complete, one.signed_by.is_empty()) {
        (true, _) => ("good", "page-agreement-complete"),
        (false, false) => ("warn", "page-agreement-half"),
        (false, true) => ("warn", "page-agreement-proposed"),
    };
    html! { span class=(format!("tag {kind}")) data-signed=(one.signed_by.len()) { (visit.say(key)) } }
}

pub(in crate::joining) async fn propose(asker: Asker, Form(typed): Form<AgreementForm>) -> Response {
    let visit = asker.visit();
    match visit.registration.propose_agreement(visit.who, &typed).await {
        Ok(view) => Redirect::to(&format!("/agreements/{}", view.terms.id)).into_response(),
        Err(no) if !no.faults().is_empty() => listed(&visit, &typed, no.faults(), html! {}).await,
        Err(no) if no.status() < 500 && no.status() != 403 => {
            listed(&visit, &typed, &[], refusals(&no, visit.reader)).await
        }
        Err(no) => visit.refused(&no, base(&visit)),
    }
}

pub(in crate::joining) async fn key(asker: Asker) -> Response {
    let visit = asker.visit();
    match visit.registration.institution_code(visit.who).await {
        Ok(code) => {
            let above = once(&code, "sekisho card enroll --into sekisho-institution", visit.reader);
            listed(&visit, &AgreementForm::default(), &[], above).await
        }
        Err(no) => visit.refused(&no, base(&visit)),
    }
}

fn named(id: &str) -> Result<AgreementId, Refused> {
    id.parse().map_err(|_| Refused::Joining(reception::Refused::NoSuch))
}

async fn found(visit: &Visit<'_>, id: &str) -> Result<AgreementView, Refused> {
    visit.registration.agreement(visit.who, &named(id)?).await
}

pub(in crate::joining) async fn one(asker: Asker, Path(id): Path<String>) -> Response {
    let visit = asker.visit();
    shown(&visit, &id, html! {}).await
}

async fn shown(visit: &Visit<'_>, id: &str, above: Markup) -> Response {
    let (reader, one) = (
        visit.reader,
        match found(visit, id).await {
            Ok(one) => one,
            Err(no) => return visit.refused(&no, base(visit)),
        },
    );
    let here = format!("{}/{}", base(visit), one.terms.id);
    let may = visit.who.may_change() && matches!(visit.who, Who::Member(_));
    let own = one.side.map(|side| side.to_string()).unwrap_or_else(|| "consumer".to_owned());
    let body = html! {
        (above)
        p { (tag(&one, visit)) }
        dl.confirm.wide {
            dt { (visit.say("joining-field-agreement")) } dd { (one.terms.id) }
            dt { (visit.say("joining-field-consumer")) } dd { (one.terms.consumer) (signed(&one, Side::Consumer, visit)) }
            dt { (visit.say("page-agreement-provider")) } dd { (one.terms.provider) (signed(&one, Side::Provider, visit)) }
            dt { (visit.say("joining-field-service")) } dd { (one.terms.service) }
            dt { (visit.say("joining-field-valid-from")) } dd { (Arg::Time(one.terms.valid_from).worded(reader.texts)) }
            dt { (visit.say("joining-field-valid-until")) } dd { (last(&one.terms, reader)) }
        }
        (sheets(&one, visit))
        @if may && !one.complete {
            h2 { (visit.say("page-agreement-sign")) }
            ol.way {
                li { p { (visit.say("page-agreement-sign-1")) }
                    p.buttons {
                        a.button #document href=(format!("{here}/document")) download { (visit.say("page-agreement-document")) }
                        a.button #bytes href=(format!("{here}/bytes")) download { (visit.say("page-agreement-bytes")) }
                    } }
                li { p { (visit.say("page-agreement-sign-2")) }
                    pre.command { "sekisho agreement sign -f " (one.terms.id) ".toml --as " (own) " --certificate sekisho-institution/sekisho-service.pem --key sekisho-institution/sekisho-service.key.pem" } }
                li { p { (visit.say("page-agreement-sign-3")) } }
            }
            div.form { form method="post" action=(format!("{here}/sign")) {
                (area("signed", "page-agreement-signed", visit))
                p.hint { (visit.say("page-agreement-or")) }
                (area("certificate", "page-agreement-certificate", visit))
                (area("value", "page-agreement-value", visit))
                div.buttons { button.primary #sign { (visit.say("page-agreement-sign-do")) } }
            } }
        }
        @if may && one.proposed {
            @if one.own_proposal {
                form method="post" action=(format!("{here}/withdraw")) { button.danger { (visit.say("page-sites-withdraw")) } }
            } @else {
                (rejecting(&here, one.terms.id.as_str(), None, visit))
            }
        }
        details { summary { (visit.say("page-sites-document")) } pre.command { (one.document) } }
    };
    visit.page("page-agreement-title", &here, body)
}

/// Whether the sites of each side pass their checksheets: items 1-1-x, told before anybody signs (G12).
fn sheets(one: &AgreementView, visit: &Visit<'_>) -> Markup {
    let own = |side| one.side == Some(side);
    html! {
        h2 #checksheets { (visit.say("page-agreement-sheets")) }
        ul.rules { @for of in &one.sheets {
            @let key = if of.pass() { "passes" } else { "open" };
            @let count = |n: usize| Arg::Number(i64::try_from(n).unwrap_or(i64::MAX));
            li data-side=(of.side) data-passes=(of.pass()) {
                (one.terms.party(of.side)) " "
                span class=(if of.pass() { "tag good" } else { "tag warn" }) { (visit.say(&format!("page-checksheet-{key}"))) }
                " " (visit.reader.tell("page-agreement-sheets-count", &[("passing", count(of.passing)), ("sites", count(of.sites))]))
                @if !own(of.side) && !of.items.is_empty() {
                    " " span.quiet { (visit.reader.tell("page-agreement-sheets-items", &[("items", Arg::List(of.items.iter().map(Arg::text).collect()))])) }
                }
            }
        } }
        @if !one.sheets.iter().all(registration::PartySheets::pass) { p.hint { (visit.say("page-agreement-sheets-do")) } }
    }
}

fn signed(one: &AgreementView, side: Side, visit: &Visit<'_>) -> Markup {
    html! { @if one.signed_by.contains(&side) { " " span.tag.good { (visit.say("page-agreement-has-signed")) } } }
}

fn area(name: &str, label: &str, visit: &Visit<'_>) -> Markup {
    html! { div.field { label for=(name) { (visit.say(label)) } textarea id=(name) name=(name) rows="5" cols="60" spellcheck="false" {} } }
}

/// A file to be saved.
fn file(name: String, kind: &'static str, body: Vec<u8>) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

pub(in crate::joining) async fn document(asker: Asker, Path(id): Path<String>) -> Response {
    let visit = asker.visit();
    match found(&visit, &id).await {
        Ok(one) => file(format!("{}.toml", one.terms.id), "application/toml", one.document.into_bytes()),
        Err(no) => visit.refused(&no, base(&visit)),
    }
}

/// The very bytes that are signed, for whoever signs with a card.
pub(in crate::joining) async fn bytes(asker: Asker, Path(id): Path<String>) -> Response {
    let visit = asker.visit();
    match found(&visit, &id).await {
        Ok(one) => file(format!("{}.bin", one.terms.id), "application/octet-stream", one.terms.signed_bytes()),
        Err(no) => visit.refused(&no, base(&visit)),
    }
}

pub(in crate::joining) async fn sign(
    asker: Asker,
    Path(id): Path<String>,
    Form(typed): Form<SignatureForm>,
) -> Response {
    let visit = asker.visit();
    let done = match named(&id) {
        Ok(id) => visit.registration.sign_agreement(visit.who, &id, &typed).await.map(drop),
        Err(no) => Err(no),
    };
    after(&visit, &id, done).await
}

pub(in crate::joining) async fn withdraw(asker: Asker, Path(id): Path<String>) -> Response {
    dropped(&asker.visit(), &id, None).await
}

pub(in crate::joining) async fn reject(asker: Asker, Path(id): Path<String>, Form(typed): Form<Reason>) -> Response {
    dropped(&asker.visit(), &id, Some(&typed.reason)).await
}

async fn dropped(visit: &Visit<'_>, id: &str, reason: Option<&str>) -> Response {
    let done = match named(id) {
        Ok(id) => visit.registration.drop_agreement(visit.who, &id, reason).await,
        Err(no) => Err(no),
    };
    match done {
        Ok(()) => Redirect::to(base(visit)).into_response(),
        Err(no) => after(visit, id, Err(no)).await,
    }
}

async fn after(visit: &Visit<'_>, id: &str, done: Result<(), Refused>) -> Response {
    match done {
        Ok(()) => Redirect::to(&format!("{}/{id}", base(visit))).into_response(),
        Err(no) if [403, 404].contains(&no.status()) && no.faults().is_empty() && !is_signature(&no) => {
            visit.refused(&no, base(visit))
        }
        Err(no) => {
            let status = StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT);
            (status, shown(visit, id, refusals(&no, visit.reader)).await).into_response()
        }
    }
}

/// A signature that is not good is 403 too, and belongs on the page of its agreement.
fn is_signature(no: &Refused) -> bool {
    matches!(no, Refused::Policy(_))
}
