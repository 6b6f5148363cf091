//! Markdown, and texts as templates: what a person's values fill in is shown as `⟨name⟩`.

use texts::{Arg, Lang, Texts};

/// First lines of a page: both titles, and that nobody edits it.
pub(crate) fn head(en: &str, ja: &str, from: &str) -> String {
    format!("# {en} · {ja}\n\n*Written by `cargo xtask gen` from {from}; edit that, not this page.*\n")
}

/// A table; cells are escaped.
pub(crate) fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = String::from("\n");
    out.push_str(&line(columns.iter().map(|c| (*c).to_owned()).collect()));
    out.push_str(&line(columns.iter().map(|_| "---".to_owned()).collect()));
    for row in rows {
        out.push_str(&line(row.into_iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect()));
    }
    out
}

/// Both languages.
pub(crate) struct Both {
    ja: Texts,
    en: Texts,
}

impl Both {
    pub(crate) fn new() -> Self {
        Self { ja: Texts::new(Lang::Ja), en: Texts::new(Lang::En) }
    }

    /// English, then Japanese.
    pub(crate) fn say(&self, key: &str, args: &[(&str, Arg)]) -> [String; 2] {
        [&self.en, &self.ja].map(|texts| template(&texts.say(key, args)))
    }

    /// What happened, and on a line of its own what to do.
    pub(crate) fn with_remedy(&self, key: &str, remedy: &str, args: &[(&str, Arg)]) -> [String; 2] {
        let ([en, ja], [en_do, ja_do]) = (self.say(key, args), self.say(remedy, args));
        [format!("{en}<br>→ {en_do}"), format!("{ja}<br>→ {ja_do}")]
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.en.has(key) && self.ja.has(key)
    }
}

/// Fluent shows a value it was not given as `{$name}`.
fn template(said: &str) -> String {
    let mut out = String::new();
    let mut rest = said;
    while let Some((before, after)) = rest.split_once("{$") {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, after)) => {
                out.push_str(&format!("⟨{name}⟩"));
                rest = after;
            }
            None => rest = after,
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_not_given_become_names_in_brackets() {
        let [en, ja] = Both::new().say("denied-service-unknown", &[]);
        assert!(en.contains("⟨service-id⟩") && ja.contains("⟨service-id⟩"), "{en} {ja}");
    }

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        assert!(table(&["a"], [vec!["x|y".to_owned()]]).contains("| x\\|y |"));
    }
}
