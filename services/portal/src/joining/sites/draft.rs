//! A site is proposed, and what becomes of it.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{DraftStand, Field, FieldFault};
use maud::{Markup, html};
use model::SiteModel;
use registration::{DraftView, LINES, MemberForm, Refused, SiteForm, Who};
use serde::Deserialize;
use texts::Arg;

use super::{Asker, PartAsked, Visit, choice, line, listed, rejecting};
use crate::joining::form::{Line, faults};
use crate::joining::words::leading;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Decision {
    version: i64,
    reason: String,
}

/// After something changed: the list again.
fn back(visit: &Visit<'_>, done: Result<(), Refused>) -> Response {
    match done {
        Ok(()) => Redirect::to(visit.base).into_response(),
        Err(no) => visit.refused(&no, visit.base),
    }
}

pub(in crate::joining) async fn name(asker: Asker, Form(typed): Form<MemberForm>) -> Response {
    let visit = asker.visit();
    match visit.registration.name_institution(visit.who, &typed).await {
        Err(no) if !no.faults().is_empty() => listed(&visit, &PartAsked::default(), &typed, no.faults()).await,
        other => back(&visit, other.map(drop)),
    }
}

pub(in crate::joining) async fn ask(asker: Asker) -> Response {
    let visit = asker.visit();
    form(&visit, &SiteForm::default(), &[], html! {})
}

pub(in crate::joining) async fn propose(asker: Asker, Form(typed): Form<SiteForm>) -> Response {
    let visit = asker.visit();
    match visit.registration.propose_site(visit.who, &typed).await {
        Ok(_) => Redirect::to(visit.base).into_response(),
        Err(no) if !no.faults().is_empty() => form(&visit, &typed, no.faults(), html! {}),
        // What contradicts policy is said above what was typed, so that it can be mended there.
        Err(no) if no.status() < 500 && no.status() != 403 => {
            form(&visit, &typed, &[], super::refusals(&no, visit.reader))
        }
        Err(no) => visit.refused(&no, visit.base),
    }
}

fn form(visit: &Visit<'_>, typed: &SiteForm, wrong: &[FieldFault], above: Markup) -> Response {
    let reader = visit.reader;
    let model = |m: SiteModel| (m.as_str().to_owned(), visit.say(&format!("registration-model-{}", m.as_str())));
    let models = SiteModel::ALL.map(model);
    let lines = LINES.map(|(name, _)| (name.to_owned(), visit.say(&format!("registration-line-{name}"))));
    let here = format!("{}/new", visit.base);
    let body = html! {
        (above)
        (faults(&leading(wrong, reader), reader))
        p { (visit.say("page-sites-new-lead")) }
        div.form { form method="post" action=(here) {
            @if matches!(visit.who, Who::Operator(_)) {
                (Line::text("institution", "page-sites-number", &typed.institution).show(reader))
            }
            (line(Field::SiteId, &typed.site, wrong, true, reader))
            (line(Field::NameJa, &typed.name_ja, wrong, true, reader))
            (line(Field::NameEn, &typed.name_en, wrong, true, reader))
            (choice(("", Field::Model), &typed.model, &models, wrong, reader))
            (choice(("", Field::Line), &typed.line, &lines, wrong, reader))
            (line(Field::Address, &typed.address, wrong, true, reader))
            (line(Field::Dpid, &typed.dpid, wrong, true, reader))
            (line(Field::Uplink, &typed.uplink, wrong, true, reader))
            (line(Field::Mac, &typed.mac, wrong, true, reader))
            p.hint { (visit.say("page-sites-zones")) }
            (line(Field::HighSecure, &typed.high_secure, wrong, false, reader))
            (line(Field::Secure, &typed.secure, wrong, false, reader))
            (line(Field::Dmz, &typed.dmz, wrong, false, reader))
            div.buttons { button.primary #propose { (visit.say("page-sites-propose")) } a.button href=(visit.base) { (visit.say("page-sites-back")) } }
        } }
    };
    visit.page("page-sites-new", &here, body)
}

/// Proposals that wait.
pub(super) fn waiting(all: &[&DraftView], visit: &Visit<'_>) -> Markup {
    let operator = matches!(visit.who, Who::Operator(_));
    html! {
        @for one in all {
            section.sheet id=(format!("draft-{}", one.number)) {
                h3 { (visit.reader.name(&one.draft.blueprint.name)) " " span.quiet { (one.draft.blueprint.id) } }
                dl.confirm.wide {
                    dt { (visit.say("page-sites-col-institution")) } dd { (one.institution) " · " (one.network) }
                    dt { (visit.say("joining-field-model")) } dd { (visit.say(&format!("registration-model-{}", one.draft.blueprint.model.as_str()))) }
                    dt { (visit.say("page-sites-proposed")) } dd { (one.draft.by) " · " (Arg::Time(one.draft.at).worded(visit.reader.texts)) }
                }
                @if operator && !one.confirmed { p.hint { (visit.say("page-sites-unconfirmed-operator")) } }
                details { summary { (visit.say("page-sites-document")) } pre.command { (one.document) } }
                @if visit.who.may_change() {
                    @if operator {
                        form.row method="post" action=(format!("{}/drafts/{}/register", visit.base, one.number)) {
                            input type="hidden" name="version" value=(one.version);
                            button.primary { (visit.say("page-sites-register")) }
                        }
                        (rejecting(&format!("{}/drafts/{}", visit.base, one.number), &one.number.to_string(), Some(one.version), visit))
                    } @else {
                        form method="post" action=(format!("{}/drafts/{}/withdraw", visit.base, one.number)) {
                            button.danger { (visit.say("page-sites-withdraw")) }
                        }
                    }
                }
            }
        }
    }
}

/// Proposals that were decided.
pub(super) fn decided(all: &[&DraftView], visit: &Visit<'_>) -> Markup {
    html! {
        div.scroll { table.stack { tbody { @for one in all { tr {
            th scope="row" { (visit.reader.name(&one.draft.blueprint.name)) " " span.quiet { (one.draft.blueprint.id) } }
            td { (one.institution) }
            td {
                (visit.say(&format!("registration-stand-{}", one.draft.stand.as_str())))
                @if let DraftStand::Rejected { reason, .. } = &one.draft.stand { ": " (reason) }
            }
            td.number { (Arg::Time(one.draft.at).worded(visit.reader.texts)) }
        } } } } }
    }
}

pub(in crate::joining) async fn withdraw(asker: Asker, Path(number): Path<i64>) -> Response {
    let visit = asker.visit();
    back(&visit, visit.registration.withdraw_site(visit.who, number).await)
}

pub(in crate::joining) async fn register(
    asker: Asker,
    Path(number): Path<i64>,
    Form(decision): Form<Decision>,
) -> Response {
    let visit = asker.visit();
    back(&visit, visit.registration.register_site(visit.who, number, decision.version).await)
}

pub(in crate::joining) async fn reject(
    asker: Asker,
    Path(number): Path<i64>,
    Form(decision): Form<Decision>,
) -> Response {
    let visit = asker.visit();
    let done = visit.registration.reject_site(visit.who, number, decision.version, &decision.reason).await;
    back(&visit, done)
}
