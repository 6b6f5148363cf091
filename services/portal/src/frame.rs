//! What is around every page.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use texts::Lang;

use crate::reader::Reader;

/// A page to be framed.
pub(crate) struct Page<'a> {
    /// Key of its title.
    pub title: &'a str,
    /// Who is at work, for the bar at the top.
    pub who: Option<String>,
    /// Where it is, to come back to from a change of language: a path with query.
    pub here: &'a str,
    /// Events to listen to, and the part to fetch anew at each; a page without renews itself by nothing.
    pub follows: Option<Follows<'a>>,
    /// Seconds after which a browser without scripts loads it again.
    pub reload: Option<u32>,
}

/// Where changes are told.
pub(crate) struct Follows<'a> {
    /// Server-sent events.
    pub events: &'a str,
    /// The changing part of the page.
    pub part: &'a str,
}

impl Page<'_> {
    /// Key of the name over it: the service's own on the pages of joining, whose texts are `page-…`.
    fn name(&self) -> &'static str {
        if self.title.starts_with("page-") { "page-service" } else { "portal-name" }
    }

    /// The whole document.
    pub fn render(&self, reader: &Reader, body: Markup) -> Markup {
        self.document(reader, false, body)
    }

    fn document(&self, reader: &Reader, wrong: bool, body: Markup) -> Markup {
        let lang = reader.lang();
        let other = match lang {
            Lang::Ja => Lang::En,
            Lang::En => Lang::Ja,
        };
        html! {
            (DOCTYPE)
            html lang=(lang.as_str()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title {
                        @let title = reader.say(self.title);
                        @if wrong { (reader.tell("portal-wrong", &[("title", texts::Arg::text(title))])) } @else { (title) }
                        " · " (reader.say(self.name()))
                    }
                    link rel="stylesheet" href="/assets/portal.css";
                    link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                    script src="/assets/portal.js" defer {}
                    @if let Some(seconds) = self.reload {
                        noscript { meta http-equiv="refresh" content=(seconds); }
                    }
                }
                body {
                    a.skip href="#main" { (reader.say("portal-skip")) }
                    header.bar {
                        span.brand { (reader.say(self.name())) }
                        // A page of a service has its title as heading too.
                        @if self.name() == "portal-name" { span.title { (reader.say(self.title)) } }
                        span.space {}
                        @if let Some(who) = &self.who { span.who { (who) } }
                        a.lang href=(format!("/lang/{other}?back={}", encoded(self.here)))
                            lang=(other.as_str()) hreflang=(other.as_str()) {
                            (match other { Lang::Ja => "日本語", Lang::En => "English" })
                        }
                    }
                    main #main tabindex="-1" {
                        @match &self.follows {
                            Some(follows) => div #part data-events=(follows.events) data-part=(follows.part) { (body) },
                            None => (body),
                        }
                        p.offline hidden role="status" { (reader.say("portal-offline")) }
                    }
                }
            }
        }
    }

    /// As an answer that says, if `wrong`, what is wrong with what was sent: the title tells it, which is what a screen
    /// reader says first.
    pub fn answer_to(&self, wrong: bool, reader: &Reader, body: Markup) -> Response {
        Html(self.document(reader, wrong, body).into_string()).into_response()
    }

    /// As an answer.
    pub fn answer(&self, reader: &Reader, body: Markup) -> Response {
        Html(self.render(reader, body).into_string()).into_response()
    }
}

/// A part of a page, for the script.
pub(crate) fn part(body: Markup) -> Response {
    Html(body.into_string()).into_response()
}

/// Percent-encoded for a value in a query (RFC 3986 §2.3 stays as it is).
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~/".contains(&octet) {
            out.push(char::from(octet));
        } else {
            let _ = write!(out, "%{octet:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_between_is_escaped() {
        assert_eq!(encoded("/live?q=a b&c"), "/live%3Fq%3Da%20b%26c");
        let page = Page {
            title: "portal-live-title",
            who: Some("<b>".into()),
            here: "/\"><x",
            follows: None,
            reload: Some(5),
        };
        let html = page.render(&Reader::of(Lang::En), html! { "body" }).into_string();
        assert!(html.contains("&lt;b&gt;") && !html.contains("\"><x") && html.contains("http-equiv=\"refresh\""));
        assert!(!html.contains("style=") && !html.contains("onclick"), "the policy allows no inline style or script");
    }
}
