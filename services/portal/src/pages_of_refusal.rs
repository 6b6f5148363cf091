//! Why something was refused, in whose section, and what to do (N12): the same on every page.

use maud::{Markup, html};
use texts::Reason;

use crate::reader::Reader;

/// All reasons.
pub(crate) fn refusals(reasons: &[Reason], reader: &Reader) -> Markup {
    html! {
        @for reason in reasons {
            @let lines = reason.lines(reader.texts);
            section.refusal {
                h3 { (quoted(&lines.refused)) }
                p { span.quiet { (reader.say("portal-refusal-section")) " " } (quoted(&lines.section)) }
                p.do { span.quiet { (reader.say("portal-refusal-do")) " " } (quoted(&lines.remedy)) }
            }
        }
    }
}

/// A text as it is; what stands between backquotes, as terminals show what is typed, is marked as code. One without a
/// partner is shown.
fn quoted(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    let paired = parts.len() % 2 == 1;
    html! {
        @for (n, part) in parts.iter().enumerate() {
            @if n % 2 == 1 && (paired || n + 1 < parts.len()) { code { (part) } }
            @else if n % 2 == 1 { "`" (part) }
            @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_code_and_no_backquote_is_shown() {
        for (text, page) in [
            ("sign in with `sekisho login`", "sign in with <code>sekisho login</code>"),
            ("`a` & `b<`", "<code>a</code> &amp; <code>b&lt;</code>"),
            ("plain", "plain"),
            ("one ` alone", "one ` alone"),
            ("`a` and ` alone", "<code>a</code> and ` alone"),
            ("", ""),
        ] {
            assert_eq!(quoted(text).into_string(), page);
        }
    }
}
