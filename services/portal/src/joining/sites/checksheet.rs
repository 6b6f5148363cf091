//! The checksheet of a site (G11): its institution answers, operators read, both print. Nothing here needs scripts.

use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use checksheet::{Basis, Evidence, Finding, Group, Standing, Verdict};
use joining::FieldFault;
use maud::{Markup, html};
use model::{CheckItem, CheckSay};
use registration::{AnswerForm, ChecksheetForm, ChecksheetView, Refused};
use std::collections::BTreeMap;
use texts::Arg;

use super::one::named;
use super::{Asker, Visit, refusals};
use crate::joining::form::{carried, faults};
use crate::joining::words::words;

pub(in crate::joining) async fn page(asker: Asker, Path(site): Path<String>) -> Response {
    let visit = asker.visit();
    shown(&visit, &site, None, false, html! {}).await
}

/// The sheet with everything that was answered, by whom, when and on what, for paper.
pub(in crate::joining) async fn print(asker: Asker, Path(site): Path<String>) -> Response {
    let visit = asker.visit();
    match found(&visit, &site).await {
        Ok(view) => {
            let here = here(&view, &visit);
            let body = html! {
                (head(&view, &visit))
                (table(&view, &visit))
                p.buttons { a.button href=(here) { (visit.say("page-checksheet-back")) } }
            };
            visit.page("page-checksheet-title", &here, body)
        }
        Err(no) => visit.refused(&no, visit.base),
    }
}

pub(in crate::joining) async fn answer(
    asker: Asker,
    Path(site): Path<String>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Response {
    let visit = asker.visit();
    let typed = ChecksheetForm::of_fields(&fields);
    let done = match named(&site) {
        Ok(id) => visit.registration.answer_checksheet(visit.who, &id, &typed).await,
        Err(no) => Err(no),
    };
    match done {
        Ok(view) => Redirect::to(&here(&view, &visit)).into_response(),
        Err(no) if [404, 403].contains(&no.status()) || no.status() >= 500 => visit.refused(&no, visit.base),
        Err(no) => {
            let status = StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT);
            let above = if no.faults().is_empty() {
                refusals(&no, visit.reader)
            } else {
                html! {}
            };
            let ends = matches!(no, Refused::SheetWouldEnd { .. });
            let above = html! { (above) (leads_to(&no, &visit)) };
            (status, shown(&visit, &site, Some(&typed), ends, above).await).into_response()
        }
    }
}

/// From the refusal to the items it names, and to the button that it speaks of: the page is long.
fn leads_to(no: &Refused, visit: &Visit<'_>) -> Markup {
    html! { @if let Refused::SheetWouldEnd { items, .. } = no {
        p #would-end {
            @for item in items { a href=(format!("#{}", anchor(*item))) { (item) } " · " }
            a href="#end" { (visit.say("page-checksheet-end")) }
        }
    } }
}

async fn found(visit: &Visit<'_>, site: &str) -> Result<ChecksheetView, Refused> {
    visit.registration.checksheet(visit.who, &named(site)?).await
}

fn here(view: &ChecksheetView, visit: &Visit<'_>) -> String {
    format!("{}/at/{}/checksheet", visit.base, view.site)
}

/// The sheet: a form for its institution, else what it says. `ends` is known and asked: lines of the site end.
async fn shown(visit: &Visit<'_>, site: &str, typed: Option<&ChecksheetForm>, ends: bool, above: Markup) -> Response {
    let view = match found(visit, site).await {
        Ok(view) => view,
        Err(no) => return visit.refused(&no, visit.base),
    };
    let here = here(&view, visit);
    let wrong = typed.map(|typed| typed.faults(view.examined.sheet.model)).unwrap_or_default();
    let leads: Vec<(String, String)> =
        wrong.iter().map(|(item, fault)| (anchor(*item), format!("{item}: {}", words(fault, visit.reader)))).collect();
    let body = html! {
        (above)
        (faults(&leads, visit.reader))
        (head(&view, visit))
        p.buttons {
            a.button href=(format!("{}/at/{}", visit.base, view.site)) { (visit.say("page-checksheet-site")) }
            a.button #print href=(format!("{here}/print")) { (visit.say("page-checksheet-print")) }
        }
        @if view.may_answer { (form(&view, &here, (typed, &wrong, ends), visit)) } @else { (table(&view, visit)) }
        details { summary { (visit.say("page-sites-document")) } pre.command { (view.document) } }
    };
    visit.page("page-checksheet-title", &here, body)
}

/// Whose sheet, which, and what it comes to.
fn head(view: &ChecksheetView, visit: &Visit<'_>) -> Markup {
    let sheet = view.examined.sheet;
    html! {
        p { (visit.reader.name(&view.name)) " " span.quiet { (view.site) " · " (view.institution) } " " (verdict(&view.examined.verdict, visit)) }
        p.quiet { (visit.say(&format!("checksheet-sheet-{}", sheet.model.as_str()))) " · " (visit.say(&format!("checksheet-edition-{}", sheet.edition.as_str()))) }
        @match &view.examined.verdict {
            Verdict::Passes => {}
            Verdict::Missing => p { (visit.say("page-checksheet-missing")) },
            Verdict::OtherModel(_) => p { (visit.say("page-checksheet-other")) },
            Verdict::Lacks(items) => p #lacking {
                (visit.say("page-checksheet-lacks"))
                @for item in items { " " a href=(format!("#{}", anchor(*item))) { (item) } }
            },
        }
        @if !view.examined.not_asked.is_empty() {
            p.warned { (visit.reader.tell("page-checksheet-not-asked", &[("items", list(&view.examined.not_asked))])) }
        }
    }
}

/// Does it pass?
pub(super) fn verdict(of: &Verdict, visit: &Visit<'_>) -> Markup {
    let (kind, key) = if of.passes() { ("good", "passes") } else { ("warn", "open") };
    html! { span class=(format!("tag {kind}")) data-checksheet=(key) { (visit.say(&format!("page-checksheet-{key}"))) } }
}

fn anchor(item: CheckItem) -> String {
    format!("item-{item}")
}

fn list(items: &[CheckItem]) -> Arg {
    Arg::List(items.iter().map(Arg::text).collect())
}

fn form(
    view: &ChecksheetView,
    here: &str,
    (typed, wrong, ends): (Option<&ChecksheetForm>, &BTreeMap<CheckItem, FieldFault>, bool),
    visit: &Visit<'_>,
) -> Markup {
    html! {
        p.hint { (visit.say("page-checksheet-lead")) }
        form #checksheet method="post" action=(here) {
            (carried(&[("version", &view.version)]))
            @for (group, findings) in &view.examined.groups {
                (heading(group, html! {}, visit))
                @for found in findings {
                    @match found.item.judged {
                        checksheet::Judged::Person { .. } => (question(found, typed, wrong.get(&found.item.id), visit)),
                        checksheet::Judged::Machine(_) | checksheet::Judged::Peer(_) => div.item id=(anchor(found.item.id)) data-item=(found.item.id) data-standing=(found.standing.as_str()) {
                            p { strong { (found.item.id) } " " (text(found, visit)) " " (standing(found.standing, visit)) }
                            p.hint { (basis(found, visit)) }
                        },
                    }
                }
            }
            div.buttons {
                button.primary #save { (visit.say("page-checksheet-save")) }
                @if ends { button.danger #end name="may-end" value="yes" { (visit.say("page-checksheet-end")) } }
            }
        }
    }
}

/// A group's heading; with its first group a chapter begins.
fn heading(group: &Group, more: Markup, visit: &Visit<'_>) -> Markup {
    let first = group.items[0].id;
    html! {
        @if first.group == 1 { h2 { (first.chapter) " " (visit.say(&format!("checksheet-chapter-{}", group.chapter))) } }
        h3 { (first.chapter) "-" (first.group) " " (visit.say(&format!("checksheet-group-{}", group.key))) (more) }
    }
}

/// An item that a person answers. The first choice is none: nothing is answered by default.
fn question(found: &Finding, typed: Option<&ChecksheetForm>, wrong: Option<&FieldFault>, visit: &Visit<'_>) -> Markup {
    let id = found.item.id;
    let kept = match &found.basis {
        Basis::Person(answer) => {
            AnswerForm { answer: answer.answer.as_str().to_owned(), evidence: answer.evidence.clone() }
        }
        Basis::Machine(_) | Basis::Nothing => AnswerForm::default(),
    };
    let of = typed.map_or(kept, |typed| typed.answers.get(&id).cloned().unwrap_or_default());
    let (name, evidence, fault_id) = (format!("answer-{id}"), format!("evidence-{id}"), format!("fault-{id}"));
    let fault = wrong.map(|fault| words(fault, visit.reader));
    html! {
        fieldset.item.is-wrong[fault.is_some()] id=(anchor(id)) data-item=(id) data-standing=(found.standing.as_str()) {
            legend { strong { (id) } " " (text(found, visit)) " " (standing(found.standing, visit)) }
            @if let Basis::Machine(found) = &found.basis { p.hint { (evidenced(found, visit)) } }
            @if let Some(fault) = &fault { p.fault id=(fault_id) { (fault) } }
            p.choices {
                @for say in CheckSay::ALL {
                    label.tick {
                        input type="radio" name=(name) id=(format!("{name}-{}", say.as_str())) value=(say.as_str()) checked[of.answer == say.as_str()];
                        span { (visit.say(&format!("checksheet-say-{}", say.as_str()))) }
                    }
                }
                label.tick {
                    input type="radio" name=(name) value="" checked[of.answer.is_empty()];
                    span.quiet { (visit.say("checksheet-standing-open")) }
                }
            }
            div.field {
                label for=(evidence) { (visit.say("joining-field-evidence")) }
                input id=(evidence) name=(evidence) type="text" value=(of.evidence) maxlength="300" autocomplete="off"
                    aria-invalid=[fault.as_ref().map(|_| "true")] aria-describedby=[fault.as_ref().map(|_| fault_id.as_str())];
            }
            @if let Basis::Person(answer) = &found.basis {
                p.quiet.small { (answer.by) " · " (Arg::Time(answer.at).worded(visit.reader.texts)) }
            }
        }
    }
}

/// Every item, its answer, who gave it, when, and what it rests on.
fn table(view: &ChecksheetView, visit: &Visit<'_>) -> Markup {
    html! {
        @for (group, findings) in &view.examined.groups {
            @let source = visit.reader.tell("page-checksheet-source", &[("section", Arg::text(group.source))]);
            (heading(group, html! { " " span.quiet.small { (source) } }, visit))
            div.scroll { table.stack {
                thead { tr { @for column in ["item", "asked", "answer", "who", "evidence"] {
                    th scope="col" { (visit.say(&format!("page-checksheet-col-{column}"))) }
                } } }
                tbody { @for found in findings { tr id=(anchor(found.item.id)) data-item=(found.item.id) data-standing=(found.standing.as_str()) {
                    th.number scope="row" { (found.item.id) }
                    td { (text(found, visit)) }
                    td { (standing(found.standing, visit)) }
                    td { @match &found.basis {
                        Basis::Person(answer) => { (answer.by) br; span.quiet { (Arg::Time(answer.at).worded(visit.reader.texts)) } },
                        Basis::Machine(_) => (visit.say("page-checksheet-machine")),
                        Basis::Nothing => {},
                    } }
                    td { (basis(found, visit)) }
                } } }
            } }
        }
    }
}

fn text(found: &Finding, visit: &Visit<'_>) -> String {
    visit.say(&format!("checksheet-item-{}", found.item.key))
}

fn standing(of: Standing, visit: &Visit<'_>) -> Markup {
    let kind = match of {
        Standing::Met => "tag good",
        Standing::Unmet => "tag bad",
        Standing::Open => "tag warn",
        Standing::NotApplicable | Standing::Skipped | Standing::PerPeer => "tag",
    };
    html! { span class=(kind) { (visit.say(&format!("checksheet-standing-{}", of.as_str()))) } }
}

/// What an answer rests on.
fn basis(found: &Finding, visit: &Visit<'_>) -> String {
    match (&found.basis, found.standing) {
        (Basis::Machine(evidence), _) => evidenced(evidence, visit),
        (Basis::Person(answer), _) => answer.evidence.clone(),
        (Basis::Nothing, Standing::PerPeer) => visit.say("page-checksheet-per-peer"),
        (Basis::Nothing, Standing::Skipped) => visit.say("page-checksheet-skipped"),
        (Basis::Nothing, _) => String::new(),
    }
}

fn evidenced(evidence: &Evidence, visit: &Visit<'_>) -> String {
    let what = Arg::List(evidence.what.iter().map(Arg::text).collect());
    visit.reader.tell(&evidence.key, &[("what", what)])
}
