//! Parts of forms: a label, a hint, what is wrong, all tied to their field for eyes, keyboards and screen readers
//! (WCAG 1.3.1, 3.3.1, 3.3.3; JIS X 8341-3).

use maud::{Markup, html};

use crate::reader::Reader;

/// A line somebody types into.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Name of the field.
    pub name: &'a str,
    /// Its id; its name, unless another form of the page has a field of this name.
    pub id: &'a str,
    /// Key of its label.
    pub label: &'a str,
    /// Key of its hint; `None` for `page-hint-` and the name, if there is such a text.
    pub hint: Option<&'a str>,
    /// What stands in it.
    pub value: &'a str,
    /// `text`, `email`, `tel`, `password`.
    pub kind: &'a str,
    /// WHATWG autofill name, `off` for nothing.
    pub autocomplete: &'a str,
    /// Must be filled.
    pub required: bool,
    /// What is wrong with it, in words.
    pub fault: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// Of text.
    pub fn text(name: &'a str, label: &'a str, value: &'a str) -> Self {
        Self {
            name,
            id: name,
            label,
            hint: None,
            value,
            kind: "text",
            autocomplete: "off",
            required: true,
            fault: None,
        }
    }

    /// Of another kind.
    pub fn of(self, kind: &'a str, autocomplete: &'a str) -> Self {
        Self { kind, autocomplete, ..self }
    }

    /// With a fault.
    pub fn with(self, fault: Option<&'a str>) -> Self {
        Self { fault, ..self }
    }

    /// With a hint that is not its name's.
    pub fn hinted(self, key: &'a str) -> Self {
        Self { hint: Some(key), ..self }
    }

    /// The field with everything around it.
    pub fn show(&self, reader: &Reader) -> Markup {
        let hint_key = self.hint.map_or_else(|| format!("page-hint-{}", self.name), str::to_owned);
        let hint = reader.texts.has(&hint_key).then(|| reader.say(&hint_key));
        let (hint_id, fault_id) = (format!("{}-hint", self.id), format!("{}-fault", self.id));
        let described: Vec<&str> =
            [hint.is_some().then_some(hint_id.as_str()), self.fault.is_some().then_some(fault_id.as_str())]
                .into_iter()
                .flatten()
                .collect();
        // Telephones show digits to type; nothing is refused by it.
        let digits = matches!(self.name, "user" | "code").then_some("numeric");
        let none = self.kind != "text" || self.name == "answer";
        html! {
            div.field.is-wrong[self.fault.is_some()] {
                label for=(self.id) {
                    (reader.say(self.label))
                    @if self.required { span.must { (reader.say("page-must")) } }
                }
                @if let Some(hint) = &hint { p.hint id=(hint_id) { (hint) } }
                @if let Some(fault) = self.fault { p.fault id=(fault_id) { (fault) } }
                input id=(self.id) name=(self.name) type=(self.kind) value=(self.value)
                    autocomplete=(self.autocomplete) required[self.required] maxlength="300" inputmode=[digits]
                    aria-invalid=[self.fault.map(|_| "true")]
                    aria-describedby=[(!described.is_empty()).then(|| described.join(" "))]
                    autocapitalize=[none.then_some("none")] spellcheck=[none.then_some("false")];
            }
        }
    }
}

/// Everything that is wrong, before the form, each leading to its field. It has the keyboard first.
pub(crate) fn faults(all: &[(String, String)], reader: &Reader) -> Markup {
    html! {
        @if !all.is_empty() {
            section.refusal #faults role="alert" tabindex="-1" autofocus aria-labelledby="faults-title" {
                h2 id="faults-title" { (reader.say("page-faults")) }
                ul { @for (field, words) in all { li { a href=(format!("#{field}")) { (words) } } } }
            }
        }
    }
}

/// A button for what cannot be undone: the first press only asks. Works without scripts.
pub(crate) fn sure(button: &str, question: Markup) -> Markup {
    html! { details.sure { summary.button.danger { (button) } div.ask { (question) } } }
}

/// What a confirmation repeats.
pub(crate) fn given(rows: &[(String, String)]) -> Markup {
    html! { dl.confirm.wide { @for (name, value) in rows { dt { (name) } dd { (value) } } } }
}

/// The button that Enter presses, whatever stands first in the form (HTML §4.10.21.2).
pub(crate) fn on_enter(value: &str) -> Markup {
    html! { button.unseen name="do" value=(value) tabindex="-1" aria-hidden="true" formnovalidate[value != "confirm"] {} }
}

/// Values a form carries on without showing them.
pub(crate) fn carried(all: &[(&str, &str)]) -> Markup {
    html! { @for (name, value) in all { input type="hidden" name=(name) value=(value); } }
}

/// The picture, the voice, another one, and where the answer goes.
pub(crate) fn challenge(id: &str, typed: &str, fault: Option<&str>, reader: &Reader) -> Markup {
    html! {
        fieldset.challenge {
            legend { (reader.say("page-challenge")) }
            p.hint id="challenge-hint" { (reader.say("page-challenge-hint")) }
            div.picture-and-voice {
                img src=(format!("/challenge/{id}/picture")) width="260" height="100" alt=(reader.say("page-challenge-alt"));
                div {
                    p { audio controls preload="none" src=(format!("/challenge/{id}/voice")) aria-label=(reader.say("page-challenge-voice")) {
                        a href=(format!("/challenge/{id}/voice")) { (reader.say("page-challenge-voice")) }
                    } }
                    button name="do" value="again" formnovalidate { (reader.say("page-challenge-again")) }
                }
            }
            (carried(&[("challenge", id)]))
            (Line::text("answer", "page-answer", typed).of("text", "off").with(fault).show(reader))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::Lang;

    #[test]
    fn a_fault_is_tied_to_its_field_and_a_value_is_escaped() {
        let reader = Reader::of(Lang::En);
        let line = Line::text("mail", "joining-field-mail", "\"><script>").of("email", "email").with(Some("wrong"));
        let html = line.show(&reader).into_string();
        assert!(html.contains("aria-invalid=\"true\"") && html.contains("id=\"mail-fault\""), "{html}");
        assert!(html.contains("aria-describedby=\"mail-hint mail-fault\"") && !html.contains("<script>"), "{html}");
        let html = line.with(None).show(&reader).into_string();
        assert!(!html.contains("aria-invalid") && !html.contains("fault"), "{html}");
    }
}
