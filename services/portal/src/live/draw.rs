//! Strokes of Scalable Vector Graphics 1.1. Colours are classes of the style sheet, so that a picture is right in the
//! dark too; the same bytes for the same values, every word escaped.

use std::fmt::Write as _;

/// A picture being drawn.
#[derive(Default)]
pub(super) struct Drawing {
    body: String,
}

/// A place.
pub(super) type At = (i32, i32);

impl Drawing {
    /// A rectangle: x, y, width, height.
    pub fn rect(&mut self, class: &str, (x, y, w, h): (i32, i32, i32, i32), round: i32) {
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{round}\"/>"
        );
    }

    /// Words that begin at a place, cut to a width.
    pub fn text(&mut self, class: &str, (x, y): At, size: i32, width: i32, words: &str) {
        let (shown, cut) = fit(words, width, size);
        let _ =
            write!(self.body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\">{}", escaped(&shown));
        if cut {
            let _ = write!(self.body, "<title>{}</title>", escaped(words));
        }
        self.body.push_str("</text>\n");
    }

    /// Words that end at a place.
    pub fn text_to(&mut self, class: &str, (x, y): At, size: i32, words: &str) {
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"end\">{}</text>",
            escaped(words)
        );
    }

    /// A way.
    pub fn path(&mut self, class: &str, d: &str, tip: bool) {
        let tip = if tip { " marker-end=\"url(#tip)\"" } else { "" };
        let _ = writeln!(self.body, "<path class=\"{class}\" d=\"{d}\"{tip}/>");
    }

    /// A dot.
    pub fn dot(&mut self, class: &str, (x, y): At, r: i32) {
        let _ = writeln!(self.body, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>");
    }

    /// A gate's state: a sign of its own shape each, since colour alone tells nothing to many people.
    pub fn gate_sign(&mut self, health: Health, (x, y): At) {
        match health {
            Health::Good => self.dot("good", (x, y), 6),
            Health::Behind => {
                self.dot("ring", (x, y), 5);
            }
            Health::Alarm => self.path("warn", &format!("M{x} {}l7 12h-14z", y - 6), false),
            Health::Away => {
                self.rect("bad", (x - 6, y - 6, 12, 12), 1);
                self.path("badx", &format!("M{} {}l6 6m0 -6l-6 6", x - 3, y - 3), false);
            }
        }
    }

    /// What follows belongs together and leads somewhere; its title is read out.
    pub fn link(&mut self, href: &str, title: &str) {
        let _ = writeln!(self.body, "<a href=\"{}\"><title>{}</title>", escaped(href), escaped(title));
    }

    /// End of [`Drawing::link`].
    pub fn link_end(&mut self) {
        self.body.push_str("</a>\n");
    }

    /// A sign for the legend, told by the words beside it.
    pub fn finish_sign(self, (width, height): (i32, i32)) -> String {
        let Self { body } = self;
        format!(
            "<svg class=\"live sign\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             aria-hidden=\"true\">{body}</svg>"
        )
    }

    /// The whole picture, `width` by `height`.
    pub fn finish(self, (width, height): (i32, i32), title: &str, about: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"live\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"group\" aria-labelledby=\"live-title live-about\">\n\
             <title id=\"live-title\">{}</title>\n<desc id=\"live-about\">{}</desc>\n\
             <defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"6\" markerHeight=\"6\" \
             orient=\"auto\"><path class=\"tip\" d=\"M0 0L10 5L0 10z\"/></marker></defs>\n{}</svg>\n",
            escaped(title),
            escaped(about),
            self.body
        )
    }
}

/// How a site's gate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Health {
    /// Linked, everything in force.
    Good,
    /// Linked, and something wanted is not yet in force.
    Behind,
    /// Linked, and it complains.
    Alarm,
    /// Not linked.
    Away,
}

impl Health {
    pub fn of(site: &wire::live::LiveSite) -> Self {
        match (site.linked, site.alarms, site.in_force) {
            (false, _, _) => Self::Away,
            (true, 1.., _) => Self::Alarm,
            (true, 0, false) => Self::Behind,
            (true, 0, true) => Self::Good,
        }
    }
}

/// Words cut to a width, and whether they were.
pub(super) fn fit(words: &str, width: i32, size: i32) -> (String, bool) {
    if cells(words) * size / 20 <= width {
        return (words.to_owned(), false);
    }
    let mut shown = String::new();
    for c in words.chars() {
        if (cells(&shown) + cell(c) + 20) * size / 20 > width {
            break;
        }
        shown.push(c);
    }
    shown.push('…');
    (shown, true)
}

/// Width in twentieths of the font's size.
pub(super) fn cells(words: &str) -> i32 {
    words.chars().map(cell).fold(0, i32::saturating_add)
}

fn cell(c: char) -> i32 {
    match c {
        'i' | 'l' | 'j' | '.' | ',' | ':' | '\'' | '|' | ' ' => 6,
        'm' | 'w' | 'M' | 'W' => 17,
        'A'..='Z' => 13,
        c if c.is_ascii() => 11,
        _ => 20,
    }
}

pub(super) fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 §2.2 has no way to write these.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_is_shown_can_leave_its_place() {
        assert_eq!(escaped("<a href=\"x\">&\u{7}"), "&lt;a href=&quot;x&quot;&gt;&amp;\u{fffd}");
    }

    proptest! {
        #[test]
        fn cut_words_fit(words in "\\PC{0,60}", width in 20..300i32, size in 8..20i32) {
            let (shown, cut) = fit(&words, width, size);
            prop_assert!(cells(&shown) * size / 20 <= width.max(size));
            prop_assert_eq!(cut, shown != words);
        }
    }
}
