//! The operator's side: work-list, one application, its decision (R4); services (R9), passwords (R5), notices (R8).

mod decide;
pub(super) mod equipment;
mod one;
pub(super) mod submissions;
pub(super) mod transfer;
pub(super) mod vpn;

pub(super) use decide::{approve, approve_service, call, cancel_service, publish, reject, reset, settle};
pub(super) use one::one;

use axum::extract::{Extension, State};
use axum::response::Response;
use joining::{Action, ServiceStand, Urgency, access};
use maud::{Markup, html};
use reception::{ReviewItem, ServiceView};
use registry::WaitingLetters;
use texts::Arg;

use crate::frame::Page;
use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::form::{Line, sure};
use crate::joining::inside::services::name;
use crate::joining::words::refused;
use crate::reader::Reader;

/// A page of the operator's.
pub(super) fn page(caller: &Caller, title: &str, here: &str, reader: &Reader, body: Markup) -> Response {
    said(caller, title, here, false, reader, body)
}

/// The same; `wrong` if it says what is wrong with what was sent.
fn said(caller: &Caller, title: &str, here: &str, wrong: bool, reader: &Reader, body: Markup) -> Response {
    let who = Some(caller.operator().account);
    let page = Page { title, who, here, follows: None, reload: None };
    page.answer_to(
        wrong,
        reader,
        html! {
            nav.within aria-label=(reader.say("page-nav")) {
                a href="/review" aria-current=[(here == "/review").then_some("page")] { (reader.say("page-review-title")) }
                a href="/review/vpn" aria-current=[(here == "/review/vpn").then_some("page")] { (reader.say("page-lines-title")) }
                a href="/review/sites" aria-current=[(here == "/review/sites").then_some("page")] { (reader.say("page-sites-title")) }
                a href="/review/submissions" aria-current=[(here == "/review/submissions").then_some("page")] { (reader.say("page-overseen-title")) }
                a href="/review/agreements" aria-current=[(here == "/review/agreements").then_some("page")] { (reader.say("page-agreements-title")) }
                a href="/review/equipment" aria-current=[(here == "/review/equipment").then_some("page")] { (reader.say("page-equipment-title")) }
                @if access::may(caller.role(), Action::Transfer) {
                    a href="/review/configuration" aria-current=[(here == "/review/configuration").then_some("page")] { (reader.say("page-transfer-title")) }
                }
                a href="/live" { (reader.say("page-review-live")) }
            }
            h1 { (reader.say(title)) }
            (body)
        },
    )
}

pub(super) async fn list(State(desk): State<Desk>, Extension(caller): Extension<Caller>, reader: Reader) -> Response {
    let operator = caller.operator();
    let (work, services) = (desk.joining.review_list(&operator).await, desk.joining.review_services(&operator).await);
    let (work, services) = match (work, services) {
        (Ok(work), Ok(services)) => (work, services),
        (Err(no), _) | (_, Err(no)) => return refused(&desk, &no, "/live", &reader),
    };
    let may = |action| access::may(caller.role(), action);
    let waiting: Vec<&ServiceView> =
        services.iter().filter(|s| s.application.stand == ServiceStand::Accepted).collect();
    let letters = desk.joining.registry().letters_waiting().await.ok().flatten();
    let body = html! {
        @if let Some(waiting) = &letters { (letters_wait(waiting, &reader)) }
        @if work.alarms > 0 {
            section.refusal role="alert" {
                h2 { (reader.tell("page-review-alarm", &[("count", Arg::Number(i64::try_from(work.alarms).unwrap_or(i64::MAX)))])) }
            }
        }
        h2 #open { (reader.say("page-review-open")) }
        @if work.open.is_empty() { p.empty { (reader.say("page-review-none")) } } @else { (table(&work.open, &reader)) }
        h2 #services { (reader.say("page-review-services")) }
        @if waiting.is_empty() { p.empty { (reader.say("page-review-services-none")) } } @else {
            (services_table(&waiting, may(Action::ReviewServices), &reader))
        }
        @if !work.decided.is_empty() {
            h2 #decided { (reader.say("page-review-decided")) }
            (table(&work.decided, &reader))
        }
        @if may(Action::ManageAccounts) {
            div.form {
                h2 #accounts { (reader.say("page-review-reset")) }
                form method="post" action="/review/reset" {
                    p { (reader.say("page-review-reset-lead")) }
                    (Line::text("user", "page-user", "").show(&reader))
                    div.buttons { button #reset { (reader.say("page-review-reset-do")) } }
                }
            }
        }
        @if may(Action::Publish) {
            div.form {
                h2 #notice { (reader.say("page-review-notice")) }
                form method="post" action="/review/notice" {
                    @for lang in ["ja", "en"] {
                        (Line::text(&format!("title-{lang}"), &format!("page-review-notice-title-{lang}"), "").show(&reader))
                        div.field {
                            label for=(format!("body-{lang}")) {
                                (reader.say(&format!("page-review-notice-body-{lang}"))) span.must { (reader.say("page-must")) }
                            }
                            textarea id=(format!("body-{lang}")) name=(format!("body-{lang}")) rows="4" cols="50" maxlength="4000" required {}
                        }
                    }
                    div.buttons { button #publish { (reader.say("page-review-notice-do")) } }
                }
            }
        }
    };
    page(&caller, "page-review-title", "/review", &reader, body)
}

/// That letters wait for the mail server, since when and why.
fn letters_wait(waiting: &WaitingLetters, reader: &Reader) -> Markup {
    let args =
        [("count", Arg::Number(i64::try_from(waiting.count).unwrap_or(i64::MAX))), ("since", Arg::Time(waiting.since))];
    html! {
        section.refusal #letters-wait role="alert" {
            h2 { (reader.tell("page-review-letters", &args)) }
            @if let Some(why) = &waiting.why {
                p lang="en" { (why) }
                p.do { span.quiet { (reader.say("portal-refusal-do")) " " } (reader.say("page-review-letters-do")) }
            }
        }
    }
}

fn table(work: &[ReviewItem], reader: &Reader) -> Markup {
    html! {
        div.scroll { table.stack {
            thead { tr { @for column in ["institution", "applicant", "received", "due", "stand"] {
                th scope="col" { (reader.say(&format!("page-review-col-{column}"))) }
            } } }
            tbody { @for one in work { tr {
                th scope="row" { a href=(format!("/review/{}", one.number)) id=(format!("application-{}", one.number)) { (one.institution) } }
                @let application = &one.application;
                td { (application.full.as_ref().map(|f| f.applicant.as_str()).unwrap_or_default()) }
                td.number { (Arg::Time(application.submitted_at.unwrap_or(application.begun_at)).worded(reader.texts)) }
                td.number {
                    @if application.is_open() { (Arg::Time(one.due.by).worded(reader.texts)) " " (urgency(one.urgency, reader)) }
                }
                td { (reader.say(&format!("joining-stand-{}", application.stand.as_str()))) }
            } } }
        } }
    }
}

fn urgency(urgency: Urgency, reader: &Reader) -> Markup {
    let (kind, key) = match urgency {
        Urgency::InTime => return html! {},
        Urgency::Overdue => ("warn", "joining-urgency-overdue"),
        Urgency::Alarm => ("bad", "joining-urgency-alarm"),
    };
    html! { span class=(format!("tag {kind}")) { (reader.say(key)) } }
}

fn services_table(all: &[&ServiceView], may: bool, reader: &Reader) -> Markup {
    html! {
        div.scroll { table.stack {
            thead { tr { @for column in ["institution", "service", "applicant", "received"] {
                th scope="col" { (reader.say(&format!("page-review-col-{column}"))) }
            } th scope="col" { (reader.say("page-review-col-decide")) } } }
            tbody { @for one in all { tr {
                th scope="row" { (one.institution) }
                td { (name(one, reader)) }
                td.number { (one.application.by) }
                td.number { (Arg::Time(one.application.at).worded(reader.texts)) }
                td { @if may {
                    form.row method="post" action=(format!("/review/services/{}/approve", one.number)) {
                        input type="hidden" name="version" value=(one.version);
                        button.primary id=(format!("approve-service-{}", one.number)) { (reader.say("page-review-approve-do")) }
                    }
                    @let field = format!("reason-{}", one.number);
                    (sure(&reader.say("page-review-cancel-do"), html! {
                        form method="post" action=(format!("/review/services/{}/cancel", one.number)) {
                            input type="hidden" name="version" value=(one.version);
                            label for=(field) { (reader.say("page-review-reason")) }
                            input id=(field) name="reason" required maxlength="300";
                            button.danger id=(format!("cancel-service-{}", one.number)) { (reader.say("page-review-cancel-do")) }
                        }
                    }))
                } }
            } } }
        } }
    }
}
