//! The operator's live picture (G14): who is connected to what, until when, and whose gate is away.

mod cutting;
mod draw;
mod near;
mod wall;

use axum::Router;
use axum::extract::{Extension, OriginalUri, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use connections::Center;
use maud::{Markup, PreEscaped, html};
use model::SiteId;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;
use texts::{Arg, Lang};
use tokio_stream::Stream;
use wire::live::{LiveLine, LiveSite, LiveView};
use wire::session::CutCall;

use crate::frame::{Follows, Page, encoded, part};
use crate::guard::guard;
use crate::reader::{Reader, choose};
use crate::times::clock;
use crate::{assets, live::draw::Health};

/// Lines the table shows; to see others one searches.
const TABLE: usize = 200;
/// A browser without scripts loads the page again after so many seconds.
const RELOAD: u32 = 10;
/// Told anew even if nothing changes, for the time of the picture.
const TICK: Duration = Duration::from_secs(20);
/// What changes together is told together.
const TOGETHER: Duration = Duration::from_millis(50);

/// The operator a connection belongs to, as its certificate says. The listener puts it on every request.
#[derive(Debug, Clone)]
pub struct Operator(pub String);

/// What part of everything is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Shown {
    /// A site and those it has lines with.
    pub site: Option<String>,
    /// Sites, persons and services that contain these words.
    pub q: Option<String>,
}

/// Pages for operators. Every request needs an [`Operator`] in its extensions.
pub fn routes(center: Center) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/live") }))
        .route("/live", get(page))
        .route("/live/part", get(fragment))
        .route("/live/events", get(events))
        .route("/live.svg", get(alone))
        .route("/live/cut", get(cutting::page).post(cutting::cut))
        .route("/lang/{lang}", get(language))
        .merge(assets::routes())
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn(guard))
        .with_state(center)
}

async fn page(
    State(center): State<Center>,
    Extension(operator): Extension<Operator>,
    Query(shown): Query<Shown>,
    OriginalUri(uri): OriginalUri,
    reader: Reader,
) -> Response {
    let here = uri.path_and_query().map_or("/live", |p| p.as_str());
    let part = format!("/live/part?{}", shown.query());
    let page = Page {
        title: "portal-live-title",
        who: Some(operator.0),
        here,
        follows: Some(Follows { events: "/live/events", part: &part }),
        reload: Some(RELOAD),
    };
    page.answer(&reader, body(&connections::live(&center).await, &shown, &reader))
}

async fn fragment(State(center): State<Center>, Query(shown): Query<Shown>, reader: Reader) -> Response {
    part(body(&connections::live(&center).await, &shown, &reader))
}

async fn alone(State(center): State<Center>, Query(shown): Query<Shown>, reader: Reader) -> Response {
    let svg = picture(&connections::live(&center).await, &shown, reader.lang());
    // Alone it has no page to take its colours from.
    let svg = svg.replacen("<defs>", &format!("<style>{}</style><defs>", assets::STYLE), 1);
    ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response()
}

#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    back: String,
}

async fn language(Path(lang): Path<String>, Query(back): Query<Back>) -> Response {
    choose(&lang, &back.back)
}

/// Tells when anything changed; what, the page asks itself. Browsers drop events without data, so there is a word in them.
pub(crate) async fn events(State(center): State<Center>) -> Response {
    Sse::new(changed(center)).keep_alive(KeepAlive::default()).into_response()
}

fn changed(center: Center) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let (tell, events) = tokio::sync::mpsc::channel(1);
    let mut changes = center.changes();
    changes.mark_unchanged();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tell.closed() => return,
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(TICK) => {}
            }
            tokio::time::sleep(TOGETHER).await;
            changes.mark_unchanged();
            if tell.send(Ok(Event::default().event("changed").data("now"))).await.is_err() {
                return;
            }
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(events)
}

/// The picture of a view: whole if it is small, folded if it is large.
pub fn picture(view: &LiveView, shown: &Shown, lang: Lang) -> String {
    let reader = Reader::of(lang);
    let view = shown.of(view, &reader);
    drawn(&view, &reader)
}

fn drawn(view: &LiveView, reader: &Reader) -> String {
    let title = summary(view, reader);
    if near::fits(view) { near::svg(view, reader, &title) } else { wall::svg(view, reader, &title) }
}

fn summary(view: &LiveView, reader: &Reader) -> String {
    reader.tell(
        "portal-live-summary",
        &[
            ("sites", Arg::Number(view.sites.len() as i64)),
            ("lines", Arg::Number(view.lines.len() as i64)),
            ("at", Arg::text(clock(view.now, view.now, reader.texts))),
        ],
    )
}

/// The changing part of the page.
fn body(everything: &LiveView, shown: &Shown, reader: &Reader) -> Markup {
    let view = shown.of(everything, reader);
    let sick = everything.sites.iter().filter(|s| Health::of(s) >= Health::Alarm).count();
    let searched = shown.q.as_deref().unwrap_or_default();
    html! {
        div.tools {
            p.summary role="status" {
                (summary(everything, reader))
                @if sick > 0 {
                    " · " strong.warned { (reader.tell("portal-live-attention", &[("count", Arg::Number(sick as i64))])) }
                }
            }
            form.find action="/live" method="get" role="search" {
                label for="q" { (reader.say("portal-live-find")) }
                input #q type="search" name="q" value=(searched) autocomplete="off";
                button { (reader.say("portal-live-find-do")) }
                @if *shown != Shown::default() { a.all href="/live" { (reader.say("portal-live-all")) } }
            }
        }
        @if view.sites.is_empty() && !searched.is_empty() {
            p.empty { (reader.tell("portal-live-nothing", &[("what", Arg::text(searched))])) }
        } @else {
            div.picture tabindex="0" { (PreEscaped(drawn(&view, reader))) }
            (legend(reader))
            @if let Some(site) = shown.site.as_ref().and_then(|site| site.parse::<SiteId>().ok()) {
                @let which = Arg::text(&site);
                p { a.danger #cut-site href=(cutting::ask(&CutCall::Site(site), &shown.query())) {
                    (reader.tell("portal-cut-site", &[("which", which)]))
                } }
            }
        }
        h2 #lines { (reader.say("portal-live-lines")) }
        @if view.lines.is_empty() {
            p.empty { (reader.say("portal-live-no-lines")) }
        } @else {
            (table(&view, shown, reader))
        }
    }
}

fn legend(reader: &Reader) -> Markup {
    let sign = |health| {
        let mut drawing = draw::Drawing::default();
        drawing.gate_sign(health, (9, 9));
        drawing.finish_sign((18, 18))
    };
    let stroke = |state: &str| {
        let mut drawing = draw::Drawing::default();
        drawing.path(&format!("line s-{state}"), "M2 9H38", false);
        drawing.finish_sign((40, 18))
    };
    html! {
        ul.legend {
            @for (health, key) in [(Health::Good, "portal-live-linked"), (Health::Behind, "portal-live-behind"), (Health::Away, "portal-live-away")] {
                li { (PreEscaped(sign(health))) (reader.say(key)) }
            }
            li { (PreEscaped(sign(Health::Alarm))) (reader.say("portal-live-band-attention")) }
            @for state in ["open", "opening", "closing"] {
                li { (PreEscaped(stroke(state))) (reader.say(&format!("state-{state}"))) }
            }
            @for zone in model::Zone::ALL {
                li { span class=(format!("swatch z-{zone}")) {} (Arg::from(zone).worded(reader.texts)) }
            }
        }
    }
}

fn table(view: &LiveView, shown: &Shown, reader: &Reader) -> Markup {
    let role = |line: &LiveLine| line.role.as_ref().map(|role| Arg::Role(role.clone()).worded(reader.texts));
    html! {
        div.scroll tabindex="0" {
            table aria-labelledby="lines" {
                thead {
                    tr {
                        @for column in ["line", "who", "from", "to", "service", "state", "until"] {
                            th scope="col" { (reader.say(&format!("portal-live-col-{column}"))) }
                        }
                        th {}
                    }
                }
                tbody {
                    @for line in view.lines.iter().take(TABLE) {
                        @let connection = &line.connection;
                        tr {
                            th scope="row" { (connection.grant) }
                            td { (line.person) @if let Some(role) = role(line) { span.quiet { " " (role) } } }
                            td { a href=(focus(&connection.from.site)) { (connection.from) } }
                            td { a href=(focus(&connection.to.site)) { (connection.to) } }
                            td { (reader.name(&line.service_name)) span.quiet { " " (connection.service) } }
                            td { (reader.say(&format!("state-{}", connection.state))) }
                            td.number { (clock(connection.lease_until, view.now, reader.texts)) }
                            td {
                                form action="/live/cut" method="post" {
                                    input type="hidden" name="what" value="line";
                                    input type="hidden" name="which" value=(connection.grant);
                                    input type="hidden" name="back" value=(shown.query());
                                    button.danger id=(format!("cut-{}", connection.grant)) aria-label=(reader.tell(
                                        "portal-live-cut-label",
                                        &[("grant", Arg::text(connection.grant)), ("person", Arg::text(&line.person))],
                                    )) { (reader.say("portal-live-cut")) }
                                }
                                a.more id=(format!("more-{}", connection.grant)) href=(cutting::more(connection.grant, &shown.query()))
                                    aria-label=(reader.tell("portal-cut-more-label", &[("grant", Arg::text(connection.grant))])) {
                                    (reader.say("portal-cut-more"))
                                }
                            }
                        }
                    }
                }
            }
        }
        @if view.lines.len() > TABLE {
            p.quiet { (reader.tell("portal-live-more", &[("count", Arg::Number((view.lines.len() - TABLE) as i64))])) }
        }
    }
}

impl Shown {
    /// As a query of an address.
    fn query(&self) -> String {
        let pair = |name: &str, value: &Option<String>| value.as_ref().map(|v| format!("{name}={}", encoded(v)));
        [pair("site", &self.site), pair("q", &self.q)].into_iter().flatten().collect::<Vec<_>>().join("&")
    }

    /// The part of a view it names. Sites at the other end of a line that is shown are shown too.
    fn of(&self, view: &LiveView, reader: &Reader) -> LiveView {
        let words = self.q.as_deref().map(|q| q.trim().to_lowercase()).filter(|q| !q.is_empty());
        let (site, words) = match (&self.site, words) {
            (None, None) => return view.clone(),
            (site, words) => (site.as_deref(), words),
        };
        let says = |text: &str| words.as_ref().is_none_or(|w| text.to_lowercase().contains(w.as_str()));
        let meant = |s: &LiveSite| {
            site.is_none_or(|wanted| s.site.as_str() == wanted)
                && (says(s.site.as_str()) || says(&s.name.ja) || says(&s.name.en) || says(s.institution.as_str()))
        };
        let named: BTreeSet<&SiteId> = view.sites.iter().filter(|s| meant(s)).map(|s| &s.site).collect();
        let of_line = |l: &&LiveLine| {
            let ends = [&l.connection.from.site, &l.connection.to.site];
            let by_site = ends.iter().any(|end| named.contains(end));
            let by_word = site.is_none()
                && (says(&l.person) || says(reader.name(&l.service_name)) || says(&l.connection.service.to_string()));
            by_site || by_word
        };
        let lines: Vec<LiveLine> = view.lines.iter().filter(of_line).cloned().collect();
        let ends: BTreeSet<&SiteId> =
            lines.iter().flat_map(|l| [&l.connection.from.site, &l.connection.to.site]).collect();
        let sites = view.sites.iter().filter(|s| named.contains(&s.site) || ends.contains(&s.site)).cloned().collect();
        LiveView { now: view.now, software: view.software.clone(), sites, lines }
    }
}

/// Where a site is drawn whole.
fn focus(site: &SiteId) -> String {
    format!("/live?site={}", encoded(site.as_str()))
}

fn health_word(site: &LiveSite, reader: &Reader) -> String {
    match Health::of(site) {
        Health::Good => reader.say("portal-live-linked"),
        Health::Behind => reader.say("portal-live-behind"),
        Health::Alarm => reader.tell("portal-live-alarms", &[("count", Arg::Number(site.alarms as i64))]),
        Health::Away => reader.say("portal-live-away"),
    }
}

fn site_in_words(site: &LiveSite, reader: &Reader) -> String {
    format!("{} ({}): {}", reader.name(&site.name), site.site, health_word(site, reader))
}
