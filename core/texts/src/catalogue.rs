//! The texts themselves.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::fmt;
use unic_langid::LanguageIdentifier;

use crate::{Arg, Lang};

macro_rules! files {
    ($lang:literal) => {
        &[
            ("model", include_str!(concat!("../locales/", $lang, "/model.ftl"))),
            ("decision", include_str!(concat!("../locales/", $lang, "/decision.ftl"))),
            ("pki", include_str!(concat!("../locales/", $lang, "/pki.ftl"))),
            ("verify", include_str!(concat!("../locales/", $lang, "/verify.ftl"))),
            ("plan", include_str!(concat!("../locales/", $lang, "/plan.ftl"))),
            ("cli", include_str!(concat!("../locales/", $lang, "/cli.ftl"))),
            ("center", include_str!(concat!("../locales/", $lang, "/center.ftl"))),
            ("gate", include_str!(concat!("../locales/", $lang, "/gate.ftl"))),
            ("demo", include_str!(concat!("../locales/", $lang, "/demo.ftl"))),
            ("audit", include_str!(concat!("../locales/", $lang, "/audit.ftl"))),
            ("registry", include_str!(concat!("../locales/", $lang, "/registry.ftl"))),
            ("inquiry", include_str!(concat!("../locales/", $lang, "/inquiry.ftl"))),
            ("scenes", include_str!(concat!("../locales/", $lang, "/scenes.ftl"))),
            ("lab", include_str!(concat!("../locales/", $lang, "/lab.ftl"))),
            ("portal", include_str!(concat!("../locales/", $lang, "/portal.ftl"))),
            ("joining", include_str!(concat!("../locales/", $lang, "/joining.ftl"))),
            ("issuing", include_str!(concat!("../locales/", $lang, "/issuing.ftl"))),
            ("application", include_str!(concat!("../locales/", $lang, "/application.ftl"))),
            ("equipment", include_str!(concat!("../locales/", $lang, "/equipment.ftl"))),
            ("registration", include_str!(concat!("../locales/", $lang, "/registration.ftl"))),
            ("pages", include_str!(concat!("../locales/", $lang, "/pages.ftl"))),
            ("factor", include_str!(concat!("../locales/", $lang, "/factor.ftl"))),
            ("transfer", include_str!(concat!("../locales/", $lang, "/transfer.ftl"))),
            ("overseen", include_str!(concat!("../locales/", $lang, "/overseen.ftl"))),
            ("preflight", include_str!(concat!("../locales/", $lang, "/preflight.ftl"))),
            ("journey", include_str!(concat!("../locales/", $lang, "/journey.ftl"))),
            ("remote_access", include_str!(concat!("../locales/", $lang, "/remote_access.ftl"))),
            ("mail", include_str!(concat!("../locales/", $lang, "/mail.ftl"))),
            ("submissions", include_str!(concat!("../locales/", $lang, "/submissions.ftl"))),
            ("api", include_str!(concat!("../locales/", $lang, "/api.ftl"))),
            ("checksheet", include_str!(concat!("../locales/", $lang, "/checksheet.ftl"))),
            ("document", include_str!(concat!("../locales/", $lang, "/document.ftl"))),
            ("files", include_str!(concat!("../locales/", $lang, "/files.ftl"))),
            ("startup", include_str!(concat!("../locales/", $lang, "/startup.ftl"))),
            ("usage", include_str!(concat!("../locales/", $lang, "/usage.ftl"))),
        ]
    };
}

/// Name and contents of every file of a language.
fn files(lang: Lang) -> &'static [(&'static str, &'static str)] {
    match lang {
        Lang::Ja => files!("ja"),
        Lang::En => files!("en"),
    }
}

/// The texts of one language. Build once, share freely (`Send + Sync`).
pub struct Texts {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

impl Texts {
    /// All texts of a language.
    pub fn new(lang: Lang) -> Self {
        let id: LanguageIdentifier = lang.as_str().parse().expect("both tags are BCP 47");
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Isolation marks (U+2068, U+2069) guard mixed writing directions; both languages run left to right, and the
        // marks would end up in files and terminals.
        bundle.set_use_isolating(false);
        for &(_, source) in files(lang) {
            // A test refuses files with errors or keys said twice; at run time what can be read is used.
            let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(readable, _)| readable);
            let _ = bundle.add_resource(resource);
        }
        Self { lang, bundle }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Is there such a text?
    pub fn has(&self, key: &str) -> bool {
        self.bundle.get_message(key).is_some_and(|message| message.value().is_some())
    }

    /// The text of a key with its values filled in. An unknown key or a missing value shows its own name instead of
    /// failing: a person who meets a fault must not meet a second one.
    pub fn say(&self, key: &str, args: &[(&str, Arg)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut values = FluentArgs::with_capacity(args.len());
        for (name, arg) in args {
            values.set(
                (*name).to_owned(),
                match arg {
                    Arg::Number(number) => FluentValue::from(*number),
                    other => FluentValue::from(other.worded(self)),
                },
            );
        }
        let mut faults = Vec::new();
        self.bundle.format_pattern(pattern, Some(&values), &mut faults).into_owned()
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").field("lang", &self.lang).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
    use std::collections::{BTreeMap, BTreeSet};

    /// Key → variables it uses, of one file.
    fn variables(lang: Lang, name: &str, source: &str) -> BTreeMap<String, BTreeSet<String>> {
        let place = format!("{lang}/{name}.ftl");
        let resource = fluent_syntax::parser::parse(source).unwrap_or_else(|(_, e)| panic!("{place}: {e:?}"));
        let mut found = BTreeMap::new();
        for entry in resource.body {
            let Entry::Message(message) = entry else {
                assert!(!matches!(entry, Entry::Junk { .. }), "{place}: unreadable");
                continue;
            };
            let key = message.id.name.to_owned();
            assert!(message.attributes.is_empty(), "{place}: {key} has attributes; use keys of their own");
            let pattern = message.value.unwrap_or_else(|| panic!("{place}: {key} is empty"));
            let mut names = BTreeSet::new();
            of_pattern(&pattern, &mut names);
            assert!(found.insert(key.clone(), names).is_none(), "{place}: {key} is said twice");
        }
        found
    }

    fn of_pattern(pattern: &Pattern<&str>, names: &mut BTreeSet<String>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                of_expression(expression, names);
            }
        }
    }

    fn of_expression(expression: &Expression<&str>, names: &mut BTreeSet<String>) {
        match expression {
            Expression::Inline(inline) => of_inline(inline, names),
            Expression::Select { selector, variants } => {
                of_inline(selector, names);
                variants.iter().for_each(|variant| of_pattern(&variant.value, names));
            }
        }
    }

    fn of_inline(inline: &InlineExpression<&str>, names: &mut BTreeSet<String>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                names.insert(id.name.to_owned());
            }
            InlineExpression::FunctionReference { arguments, .. } => {
                arguments.positional.iter().for_each(|argument| of_inline(argument, names));
            }
            InlineExpression::Placeable { expression } => of_expression(expression, names),
            _ => {}
        }
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_values_x5() {
        let mut all = BTreeSet::new();
        for (&(name, ja), &(other, en)) in files(Lang::Ja).iter().zip(files(Lang::En)) {
            assert_eq!(name, other);
            let (ja, en) = (variables(Lang::Ja, name, ja), variables(Lang::En, name, en));
            let differing: Vec<_> = ja
                .keys()
                .chain(en.keys())
                .filter(|key| ja.get(*key) != en.get(*key))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            assert!(differing.is_empty(), "{name}.ftl: only in one language, or with other variables: {differing:?}");
            for key in ja.keys() {
                assert!(all.insert(key.clone()), "{key} stands in two files");
            }
        }
        assert!(all.len() > 50);
    }

    #[test]
    fn no_text_is_empty_and_none_is_left_in_the_other_language() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            for &(name, source) in files(lang) {
                for (key, names) in variables(lang, name, source) {
                    let args: Vec<(&str, Arg)> = names.iter().map(|n| (n.as_str(), Arg::text("v"))).collect();
                    let said = texts.say(&key, &args);
                    assert!(!said.trim().is_empty(), "{lang}/{name}.ftl: {key}");
                    assert!(!said.contains(['\u{2068}', '\u{2069}']), "{key} carries isolation marks");
                    if lang == Lang::En {
                        assert!(
                            said.is_ascii() || !said.chars().any(|c| ('\u{3040}'..='\u{9fff}').contains(&c)),
                            "{key}: Japanese in the English text"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn every_refusal_has_a_remedy_and_every_remedy_a_refusal_n12() {
        for (name, refusals) in [("decision", "denied-"), ("pki", "pki-p")] {
            let &(_, source) = files(Lang::En).iter().find(|(n, _)| *n == name).unwrap();
            let all = variables(Lang::En, name, source);
            let keys = || all.keys().filter(|key| key.starts_with(refusals));
            let said: BTreeSet<&str> = keys().filter(|key| !key.ends_with("-do")).map(String::as_str).collect();
            let mended: BTreeSet<&str> = keys().filter_map(|key| key.strip_suffix("-do")).collect();
            assert_eq!(said, mended, "{name}.ftl");
            assert!(said.len() > 20);
        }
    }

    #[test]
    fn an_unknown_key_shows_itself() {
        let texts = Texts::new(Lang::Ja);
        assert!(!texts.has("no-such-text"));
        assert_eq!(texts.say("no-such-text", &[]), "no-such-text");
    }

    #[test]
    fn texts_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Texts>();
    }
}
