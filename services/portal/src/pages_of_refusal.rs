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
                h3 { (lines.refused) }
                p { span.quiet { (reader.say("portal-refusal-section")) " " } (lines.section) }
                p.do { span.quiet { (reader.say("portal-refusal-do")) " " } (lines.remedy) }
            }
        }
    }
}
