//! One site: how far it is, what is next, its gate.

use axum::extract::Path;
use axum::response::Response;
use connections::Prospect;
use maud::{Markup, html};
use model::SiteId;
use registration::{Refused, SitePage, Step};

use super::parts::Again;
use super::{Asker, Visit, checksheet, once, parts, stage};

pub(in crate::joining) async fn one(asker: Asker, Path(site): Path<String>) -> Response {
    let visit = asker.visit();
    shown(&visit, &site, html! {}, &Again::default()).await
}

/// A site id in a path; what cannot be one is nobody's.
pub(super) fn named(site: &str) -> Result<SiteId, Refused> {
    site.parse().map_err(|_| Refused::Joining(reception::Refused::NoSuch))
}

/// The page, with what happened above it and what was typed in its forms.
pub(super) async fn shown(visit: &Visit<'_>, site: &str, above: Markup, again: &Again<'_>) -> Response {
    let found = match named(site) {
        Ok(site) => visit.registration.site(visit.who, &site).await,
        Err(no) => Err(no),
    };
    let page = match found {
        Ok(page) => page,
        Err(no) => return visit.refused(&no, visit.base),
    };
    let here = format!("{}/at/{}", visit.base, page.site.id);
    let body = html! {
        (above)
        p { (visit.reader.name(&page.view.name)) " " (stage(&page.view, visit)) }
        (steps_of(&page, visit))
        (sheet_part(&page, &here, visit))
        (gate_part(&page, &here, visit))
        (prospects(&page.prospects, visit))
        (parts::all(&page, &here, again, visit))
        details { summary { (visit.say("page-sites-document")) } pre.command { (page.document) } }
    };
    visit.page("page-site-title", &here, body)
}

fn steps_of(page: &SitePage, visit: &Visit<'_>) -> Markup {
    html! {
        h2 { (visit.say("page-site-steps")) }
        ol.way #steps {
            @for step in Step::ALL {
                @let open = page.view.lacking.contains(&step);
                li data-step=(step.as_str()) data-done=(!open) {
                    p {
                        span class=(if open { "tag warn" } else { "tag good" }) { (visit.say(if open { "page-site-open" } else { "page-site-done" })) }
                        " " (visit.say(&format!("registration-step-{}", step.as_str())))
                    }
                    @if open { p.hint { (visit.say(&format!("registration-step-{}-do", step.as_str()))) } }
                }
            }
        }
    }
}

/// The way to its checksheet, and whether that passes.
fn sheet_part(page: &SitePage, here: &str, visit: &Visit<'_>) -> Markup {
    html! {
        h2 { (visit.say("page-checksheet-title")) }
        p { (checksheet::verdict(&page.view.checksheet, visit)) }
        p.buttons { a.button #checksheet href=(format!("{here}/checksheet")) { (visit.say("page-checksheet-open-page")) } }
    }
}

fn gate_part(page: &SitePage, here: &str, visit: &Visit<'_>) -> Markup {
    html! {
        @if visit.who.may_change() && page.issues {
            h2 { (visit.say("page-site-gate")) }
            p { (visit.say("page-site-gate-lead")) }
            form method="post" action=(format!("{here}/gate")) { button.primary #gate-token { (visit.say("page-site-gate-do")) } }
        }
    }
}

/// Lines that are foreseen, each with what it lacks, in whose section, and what to do.
fn prospects(all: &[Prospect], visit: &Visit<'_>) -> Markup {
    html! {
        h2 #lines { (visit.say("page-site-lines")) }
        @if all.is_empty() { p.empty { (visit.say("page-site-no-lines")) } } @else {
            div.scroll { table.stack { tbody { @for one in all { tr {
                th scope="row" { (one.from) " → " (one.service) }
                td {
                    @if one.lacking.is_empty() { span.tag.good { (visit.say("page-site-line-ready")) } }
                    @for reason in &one.lacking {
                        @let lines = reason.lines(visit.reader.texts);
                        p { (lines.refused) " " span.quiet { (lines.section) } }
                        p.do { (lines.remedy) }
                    }
                }
            } } } } }
        }
    }
}

pub(in crate::joining) async fn gate(asker: Asker, Path(site): Path<String>) -> Response {
    let visit = asker.visit();
    let given = match named(&site) {
        Ok(site) => visit.registration.gate_token(visit.who, &site).await,
        Err(no) => Err(no),
    };
    match given {
        Ok(token) => shown(&visit, &site, once(&token, "sekisho-gate enroll", visit.reader), &Again::default()).await,
        Err(no) => visit.refused(&no, visit.base),
    }
}
