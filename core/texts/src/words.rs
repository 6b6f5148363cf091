//! Errors that reach a person, as a key and values: which language they are told in is chosen where they are shown.

use model::{DocumentError, Section};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use crate::{Arg, Lang, Texts};

/// What went wrong, under a key, and what to do, under the same with `-do`; both may use every value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    key: String,
    args: BTreeMap<String, Arg>,
}

impl Words {
    /// Of a key and its values.
    pub fn new<'a>(key: impl Into<String>, args: impl IntoIterator<Item = (&'a str, Arg)>) -> Self {
        Self { key: key.into(), args: args.into_iter().map(|(name, arg)| (name.to_owned(), arg)).collect() }
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, name: &str, arg: impl Into<Arg>) -> Self {
        self.args.insert(name.to_owned(), arg.into());
        self
    }

    /// Key of the text.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What went wrong, in the reader's language.
    pub fn what(&self, texts: &Texts) -> String {
        self.what_arg().worded(texts)
    }

    /// What to do, in the reader's language.
    pub fn mend(&self, texts: &Texts) -> String {
        self.mend_arg().worded(texts)
    }

    /// What went wrong, as a value of another text.
    pub fn what_arg(&self) -> Arg {
        Arg::Told { key: self.key.clone(), args: self.args.clone() }
    }

    /// What to do, as a value of another text.
    pub fn mend_arg(&self) -> Arg {
        Arg::Told { key: format!("{}-do", self.key), args: self.args.clone() }
    }
}

impl From<&DocumentError> for Words {
    fn from(error: &DocumentError) -> Self {
        let values = error.fault.values().into_iter().map(|(name, value)| (name, Arg::from(value)));
        Self::new(error.fault.key(), values.chain([("place", Arg::Text(error.place()))]))
    }
}

/// For logs, which are English: what went wrong; what to do.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::new(Lang::En));
        write!(f, "{}; {}", self.what(&ENGLISH), self.mend(&ENGLISH))
    }
}

/// Declares an enum of faults: each variant has the key of its text, `<room>-<name>`, and the text's values are its
/// fields. A test hands `ALL` to [`lacking`], so that a variant without words fails.
#[macro_export]
macro_rules! faults {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident in $room:literal {
            $($(#[$about:meta])* $variant:ident = $key:literal { $($field:ident: $kind:ty),* $(,)? })+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the text of each variant says what its fields are")]
        $vis enum $name {
            $($(#[$about])* $variant { $($field: $kind),* },)+
        }

        impl $name {
            /// Key of every text, with the names of its values; the mend is the key with `-do`.
            pub const ALL: &'static [(&'static str, &'static [&'static str])] =
                &[$((concat!($room, "-", $key), &[$(stringify!($field)),*]),)+];

            /// The words of it.
            pub fn words(&self) -> $crate::Words {
                match self {
                    $(Self::$variant { $($field),* } => $crate::Words::new(
                        concat!($room, "-", $key),
                        [$((stringify!($field), $crate::Arg::from($field.clone()))),*],
                    ),)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.words().fmt(f)
            }
        }
        impl ::std::error::Error for $name {}
        impl ::std::convert::From<$name> for $crate::Words {
            fn from(fault: $name) -> Self {
                fault.words()
            }
        }
    };
}

/// What a program says last on standard error: `headline`, and of each fault what went wrong, whose side it is on (with
/// the key of who answers there) and what to do.
pub fn last_words(texts: &Texts, headline: &str, faults: &[(Words, Section, &str)]) -> String {
    let mut out = format!("{headline}\n");
    for (words, section, who) in faults {
        let who = [("section", Arg::from(*section)), ("note", Arg::Key((*who).to_owned()))];
        for (label, text) in [
            ("cli-label-failed", words.what(texts)),
            ("cli-label-section", texts.say("section-with-note", &who)),
            ("cli-label-remedy", words.mend(texts)),
        ] {
            out += &format!("{}  {text}\n", texts.say(label, &[]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    faults! {
        /// One of another room.
        enum Sample in "section" {
            /// Has a text and no mend.
            Noted = "with-note" { section: Arg, note: String }
        }
    }

    #[test]
    fn a_text_within_a_text_is_told_in_the_language_of_both() {
        let inner =
            Words::new("section-with-note", [("section", Arg::Key("section-peer".into())), ("note", "x".into())]);
        let outer = Sample::Noted { section: inner.what_arg(), note: "y".into() }.words();
        assert_eq!(outer.what(&Texts::new(Lang::Ja)), "相手施設：x：y");
        assert_eq!(outer.what(&Texts::new(Lang::En)), "peer facility: x: y");
        assert_eq!((outer.key(), Sample::ALL[0].1), ("section-with-note", &["section", "note"][..]));
        let kept = serde_json::to_string(&outer.what_arg()).unwrap();
        assert_eq!(serde_json::from_str::<Arg>(&kept).unwrap(), outer.what_arg());
    }
}
