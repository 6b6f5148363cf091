//! Registration of sites and what belongs to them (G12): the same pages for an institution, inside, and for operators.

pub(super) mod agreements;
pub(super) mod checksheet;
mod draft;
mod one;
mod parts;

pub(super) use draft::{ask, name, propose, register, reject, withdraw};
pub(super) use one::{gate, one};
pub(super) use parts::{add_host, add_line, add_service, device_code, remove_host, remove_line, remove_service};

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use joining::{DraftStand, Field, FieldFault};
use maud::{Markup, html};
use reception::{Operator, SignedIn};
use registration::{
    DraftView, MemberForm, MemberView, Once, Refused, Registration, SiteView, SitesAsked, SitesPart, Who,
};
use serde::Deserialize;
use texts::Arg;

use crate::frame::encoded;
use crate::joining::caller::Caller;
use crate::joining::form::{Line, faults, sure};
use crate::joining::words::{leading, only, plain, said};
use crate::joining::{Desk, inside, review};
use crate::reader::Reader;

/// Who stands before a page of registration, and where its pages are.
pub(super) struct Visit<'a> {
    pub desk: &'a Desk,
    pub caller: &'a Caller,
    pub who: Who<'a>,
    pub registration: &'a Registration,
    /// Where these pages begin.
    pub base: &'static str,
    pub reader: &'a Reader,
}

/// A call of a page of registration, as every handler takes it: the gate has let its caller by.
pub(super) struct Asker {
    desk: Desk,
    caller: Caller,
    registration: Registration,
    stands: Stands,
    reader: Reader,
}

/// On which side of the desk.
enum Stands {
    Member(Box<SignedIn>),
    Operator(Operator),
}

impl FromRequestParts<Desk> for Asker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Response> {
        let Ok(reader) = Reader::from_request_parts(parts, desk).await;
        let caller = parts.extensions.get::<Caller>().cloned().unwrap_or(Caller::Nobody);
        let stands = match &caller {
            Caller::In(who) => Stands::Member(who.clone()),
            Caller::Operator(operator) => Stands::Operator(operator.clone()),
            Caller::Nobody | Caller::Link(_) | Caller::Settling(_) | Caller::Member(_) | Caller::TurnedBack(_) => {
                return Err(StatusCode::UNAUTHORIZED.into_response());
            }
        };
        let Some(registration) = desk.registration.clone() else {
            let body = plain("page-no-registration", &[], &reader);
            return Err(only(desk, StatusCode::NOT_FOUND, body, None, &reader));
        };
        Ok(Self { desk: desk.clone(), caller, registration, stands, reader })
    }
}

impl Asker {
    pub fn visit(&self) -> Visit<'_> {
        let (who, base) = match &self.stands {
            Stands::Member(who) => (Who::Member(who), "/sites"),
            Stands::Operator(operator) => (Who::Operator(operator), "/review/sites"),
        };
        let Self { desk, caller, registration, reader, .. } = self;
        Visit { desk, caller, who, registration, base, reader }
    }
}

impl Visit<'_> {
    /// A whole page with its bar.
    pub fn page(&self, title: &str, here: &str, body: Markup) -> Response {
        match self.who {
            Who::Member(who) => inside::page(who, title, here, self.reader, body),
            Who::Operator(_) => review::page(self.caller, title, here, self.reader, body),
        }
    }

    /// A page that only says what was refused, in whose section, and what to do.
    pub fn refused(&self, no: &Refused, back: &str) -> Response {
        let status = StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT);
        if status.is_server_error() {
            tracing::error!(why = ?no, "registration");
        }
        only(self.desk, status, refusals(no, self.reader), Some(back), self.reader)
    }

    fn say(&self, key: &str) -> String {
        self.reader.say(key)
    }
}

/// Every reason with section and remedy (N12).
pub(super) fn refusals(no: &Refused, reader: &Reader) -> Markup {
    html! {
        section.refusal role="alert" {
            @for reason in no.reasons() {
                @let lines = reason.lines(reader.texts);
                h2 { (lines.refused) }
                @for fault in leading(no.faults(), reader) { p { (fault.1) } }
                p { span.quiet { (reader.say("portal-refusal-section")) " " } (lines.section) }
                p.do { span.quiet { (reader.say("portal-refusal-do")) " " } (lines.remedy) }
            }
        }
    }
}

/// A one-time token, seen here and nowhere else.
pub(super) fn once(once: &Once, command: &str, reader: &Reader) -> Markup {
    html! {
        div.done role="status" {
            h2 { (reader.say("page-once-title")) }
            p { (reader.tell("page-once", &[("until", Arg::Time(once.until))])) }
            p.label { (reader.say("page-once-command")) }
            @if command.starts_with("sekisho-gate") {
                pre.command #command { (command) " --token " (once.token) }
            } @else {
                pre.command #command { (command) }
                p.label { (reader.say("page-once-token")) }
                pre.command #token { (once.token) }
            }
            p.label { (reader.say("page-once-code")) }
            p { span.secret #code { (once.code) } }
        }
    }
}

/// Rejects what is at an address, with the reason that its institution reads; asked once more.
pub(super) fn rejecting(at: &str, id: &str, version: Option<i64>, visit: &Visit<'_>) -> Markup {
    let field = format!("reason-{id}");
    sure(
        &visit.say("page-sites-reject"),
        html! {
            form method="post" action=(format!("{at}/reject")) {
                @if let Some(version) = version { input type="hidden" name="version" value=(version); }
                div.field {
                    label for=(field) { (visit.say("joining-field-reason")) }
                    input id=(field) name="reason" required maxlength="300";
                }
                button.danger { (visit.say("page-sites-reject")) }
            }
        },
    )
}

/// Several things to choose one of.
pub(super) fn choice(
    (form, field): (&str, Field),
    value: &str,
    options: &[(String, String)],
    wrong: &[FieldFault],
    reader: &Reader,
) -> Markup {
    let (id, fault) = (within(form, field), said(wrong, field, reader));
    let fault_id = format!("{id}-fault");
    html! {
        div.field.is-wrong[fault.is_some()] {
            label for=(id) { (reader.say(&field.key())) span.must { (reader.say("page-must")) } }
            @if let Some(fault) = &fault { p.fault id=(fault_id) { (fault) } }
            select id=(id) name=(field.as_str()) required aria-invalid=[fault.as_ref().map(|_| "true")]
                aria-describedby=[fault.as_ref().map(|_| fault_id.as_str())] {
                option value="" selected[value.is_empty()] { (reader.say("page-choose")) }
                @for (one, text) in options { option value=(one) selected[one == value] { (text) } }
            }
        }
    }
}

/// A typed line of a field of `joining`, in the one form of its page that has such a field.
pub(super) fn line(field: Field, value: &str, wrong: &[FieldFault], required: bool, reader: &Reader) -> Markup {
    typed(("", field), value, wrong, required, reader)
}

/// The same where several forms have such a field.
pub(super) fn typed(
    (form, field): (&str, Field),
    value: &str,
    wrong: &[FieldFault],
    required: bool,
    reader: &Reader,
) -> Markup {
    let (id, fault) = (within(form, field), said(wrong, field, reader));
    let label = field.key();
    let line = Line { required, id: &id, ..Line::text(field.as_str(), &label, value) };
    line.with(fault.as_deref()).show(reader)
}

/// Id of a field in a form.
pub(super) fn within(form: &str, field: Field) -> String {
    if form.is_empty() { field.as_str().to_owned() } else { format!("{form}-{}", field.as_str()) }
}

/// Sites of one page.
const SITES: usize = 50;

/// Which part of the list is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PartAsked {
    words: String,
    after: String,
    before: String,
}

pub(super) async fn list(asker: Asker, Query(part): Query<PartAsked>) -> Response {
    let visit = asker.visit();
    listed(&visit, &part, &MemberForm::default(), &[]).await
}

/// The list, with the form for the institution's id as it was typed.
pub(super) async fn listed(visit: &Visit<'_>, part: &PartAsked, typed: &MemberForm, wrong: &[FieldFault]) -> Response {
    let (registration, who, reader) = (visit.registration, visit.who, visit.reader);
    let operator = matches!(who, Who::Operator(_));
    // What cannot be a site's id is after or before none.
    let asked = SitesAsked {
        words: part.words.clone(),
        after: part.after.parse().ok(),
        before: part.before.parse().ok(),
        limit: SITES,
    };
    // Whose id it is stands on the page of an institution only; operators would read them all.
    let members = if operator { Ok(Vec::new()) } else { registration.members(who).await };
    let (members, sites, drafts) =
        match (members, registration.sites(who, &asked).await, registration.drafts(who).await) {
            (Ok(members), Ok(sites), Ok(drafts)) => (members, sites, drafts),
            (Err(no), ..) | (_, Err(no), _) | (.., Err(no)) => return visit.refused(&no, "/"),
        };
    let (waiting, decided): (Vec<&DraftView>, Vec<&DraftView>) =
        drafts.iter().partition(|d| d.draft.stand == DraftStand::Proposed);
    let named = !members.is_empty();
    let body = html! {
        (faults(&leading(wrong, reader), reader))
        @if !operator { (institution(members.first(), visit)) }
        @if who.may_change() && (operator || !members.first().is_some_and(|m| m.confirmed)) { (naming(visit, typed, wrong)) }
        h2 #sites { (visit.say("page-sites-registered")) }
        (sites_part(&sites, part, visit))
        h2 #drafts { (visit.say("page-sites-waiting")) }
        @if waiting.is_empty() { p.empty { (visit.say("page-sites-none-waiting")) } } @else { (draft::waiting(&waiting, visit)) }
        @if who.may_change() && (operator || named) {
            p.buttons { a.button.primary #new href=(format!("{}/new", visit.base)) { (visit.say("page-sites-new")) } }
        }
        @if !decided.is_empty() {
            h2 { (visit.say("page-sites-decided")) }
            (draft::decided(&decided, visit))
        }
    };
    visit.page("page-sites-title", visit.base, body)
}

fn institution(member: Option<&MemberView>, visit: &Visit<'_>) -> Markup {
    html! {
        @match member {
            Some(member) => dl.confirm.wide {
                dt { (visit.say("page-sites-institution")) } dd { (visit.reader.name(&member.name)) }
                dt { (visit.say("joining-field-network-name")) } dd #network { (member.network) }
                dt { (visit.say("page-sites-stand")) }
                dd { (visit.say(if member.confirmed { "page-sites-confirmed" } else { "page-sites-unconfirmed" })) }
            },
            None => p { (visit.say("page-sites-no-name")) },
        }
    }
}

fn naming(visit: &Visit<'_>, typed: &MemberForm, wrong: &[FieldFault]) -> Markup {
    use Field::{NameEn, NameJa, NetworkName};
    let reader = visit.reader;
    html! {
        details open[!wrong.is_empty()] {
            summary { (visit.say(if matches!(visit.who, Who::Operator(_)) { "page-sites-link" } else { "page-sites-name" })) }
            div.form { form method="post" action=(format!("{}/name", visit.base)) {
                @if matches!(visit.who, Who::Operator(_)) {
                    (Line::text("institution", "page-sites-number", &typed.institution).show(reader))
                }
                (line(NetworkName, &typed.network_name, wrong, true, reader))
                (line(NameJa, &typed.name_ja, wrong, false, reader))
                (line(NameEn, &typed.name_en, wrong, true, reader))
                div.buttons { button.primary #do-name { (visit.say("page-sites-name-do")) } }
            } }
        }
    }
}

/// A part of the list, how to find a site in it, and the way to the other parts.
fn sites_part(found: &SitesPart, part: &PartAsked, visit: &Visit<'_>) -> Markup {
    let narrowed = !part.words.trim().is_empty();
    let link = |way: &str, at: &SiteView| {
        let words = if narrowed { format!("&words={}", encoded(&part.words)) } else { String::new() };
        format!("{}?{way}={}{words}#sites", visit.base, encoded(at.site.as_str()))
    };
    let ends = found.sites.first().zip(found.sites.last());
    html! {
        @if narrowed || found.total > SITES {
            form.find method="get" action=(visit.base) role="search" {
                label for="words" { (visit.say("page-sites-words")) }
                input #words name="words" type="search" value=(part.words) maxlength="100" autocomplete="off";
                button #find { (visit.say("page-sites-find")) }
                span.quiet #total { (visit.reader.tell("page-sites-total", &[("count", Arg::Number(i64::try_from(found.total).unwrap_or(i64::MAX)))])) }
            }
        }
        @if found.sites.is_empty() {
            p.empty { (visit.say(if narrowed { "page-sites-none-found" } else { "page-sites-none" })) }
        } @else { (sites_table(&found.sites, visit)) }
        @if let Some((first, last)) = ends.filter(|_| found.earlier || found.later) {
            nav.buttons aria-label=(visit.say("page-parts")) {
                @if found.earlier { a.button #previous rel="prev" href=(link("before", first)) { (visit.say("page-parts-previous")) } }
                @if found.later { a.button #next rel="next" href=(link("after", last)) { (visit.say("page-parts-next")) } }
            }
        }
    }
}

fn sites_table(all: &[SiteView], visit: &Visit<'_>) -> Markup {
    html! {
        div.scroll { table.stack {
            thead { tr { @for column in ["site", "institution", "stand", "next"] {
                th scope="col" { (visit.say(&format!("page-sites-col-{column}"))) }
            } } }
            tbody { @for one in all { tr {
                th scope="row" { a id=(format!("site-{}", one.site)) href=(format!("{}/at/{}", visit.base, one.site)) { (visit.reader.name(&one.name)) } " " span.quiet { (one.site) } }
                td { (one.institution) }
                td { (stage(one, visit)) " " (checksheet::verdict(&one.checksheet, visit)) }
                td { @if let Some(step) = one.lacking.first() { (visit.say(&format!("registration-step-{}", step.as_str()))) } }
            } } }
        } }
    }
}

pub(super) fn stage(one: &SiteView, visit: &Visit<'_>) -> Markup {
    let kind = match one.stage {
        registration::Stage::Registered => "warn",
        registration::Stage::GateEnrolled => "warn",
        registration::Stage::Ready => "good",
    };
    html! { span class=(format!("tag {kind}")) data-stage=(one.stage.as_str()) { (visit.say(&format!("registration-stage-{}", one.stage.as_str()))) } }
}
