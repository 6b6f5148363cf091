//! Values inside texts, worded in the reader's language.

use model::{FaultValue, LocalizedName, Section, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::{OffsetDateTime, UtcOffset};

use crate::{Lang, Texts};

/// A value a text mentions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arg {
    /// An id, an address, a command: the same in every language.
    Text(String),
    /// A number; Fluent chooses plural forms by it.
    Number(i64),
    /// A name people gave in both languages.
    Name(LocalizedName),
    /// An instant, shown in Japan time (UTC+9, no daylight saving) to the minute.
    Time(Timestamp),
    /// An hcRole text (ISO 17090-3); one this product has no word for is shown as it is.
    Role(String),
    /// The key of another text without variables.
    Key(String),
    /// Several, joined as the language does.
    List(Vec<Arg>),
    /// Another text with its values.
    Told {
        /// Its key.
        key: String,
        /// Its values.
        args: BTreeMap<String, Arg>,
    },
}

impl Arg {
    /// Anything that shows itself the same way in every language.
    pub fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// hcRole texts.
    pub fn roles<S: AsRef<str>>(roles: impl IntoIterator<Item = S>) -> Self {
        Self::List(roles.into_iter().map(|role| Self::Role(role.as_ref().to_owned())).collect())
    }

    /// A fact of `pki` about a certificate: text there, and some have words of their own in each language.
    pub fn fact(name: &str, value: String) -> Self {
        match name {
            "at" => value.parse::<Timestamp>().map_or_else(|_| Self::Text(value), Self::Time),
            "text" => Self::Role(value),
            "texts" => Self::roles(value.split(", ")),
            "reason" => Self::Key(format!("revocation-{value}")),
            "max-age" => value.parse::<i64>().map_or(Self::Text(value), |seconds| Self::Number(seconds / 3600)),
            _ => Self::Text(value),
        }
    }

    /// The value in the reader's language. A number stays a number only as a direct argument; in a list it is digits.
    pub fn worded(&self, texts: &Texts) -> String {
        match self {
            Self::Text(text) => harmless(text),
            Self::Number(number) => number.to_string(),
            Self::Name(name) => harmless(match texts.lang() {
                Lang::Ja => &name.ja,
                Lang::En => &name.en,
            }),
            Self::Time(at) => japan_time(*at, texts.lang()),
            Self::Role(role) => {
                let key = role_key(role);
                if texts.has(&key) { texts.say(&key, &[]) } else { harmless(role) }
            }
            Self::Key(key) => texts.say(key, &[]),
            Self::List(items) => {
                let between = match texts.lang() {
                    Lang::Ja => "、",
                    Lang::En => ", ",
                };
                items.iter().map(|item| item.worded(texts)).collect::<Vec<_>>().join(between)
            }
            Self::Told { key, args } => {
                let args: Vec<(&str, Self)> = args.iter().map(|(name, arg)| (name.as_str(), arg.clone())).collect();
                texts.say(key, &args)
            }
        }
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}
impl From<&LocalizedName> for Arg {
    fn from(name: &LocalizedName) -> Self {
        Self::Name(name.clone())
    }
}
impl From<Timestamp> for Arg {
    fn from(at: Timestamp) -> Self {
        Self::Time(at)
    }
}
impl From<FaultValue> for Arg {
    fn from(value: FaultValue) -> Self {
        match value {
            FaultValue::Text(text) => Self::Text(text),
            FaultValue::Number(number) => Self::Number(number),
            FaultValue::List(texts) => Self::List(texts.into_iter().map(Self::Text).collect()),
            FaultValue::Key(key) => Self::Key(key),
        }
    }
}
impl From<Section> for Arg {
    fn from(section: Section) -> Self {
        Self::Key(section.key().to_owned())
    }
}
impl From<Zone> for Arg {
    fn from(zone: Zone) -> Self {
        Self::Key(format!("zone-{zone}"))
    }
}

/// Values come from certificates and requests of strangers: nothing in them may move the cursor, start a line of its
/// own or turn the reading direction round.
fn harmless(text: &str) -> String {
    let harmful = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// `Medical Doctor` → `role-medical-doctor`.
fn role_key(role: &str) -> String {
    let words = role.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    words.fold("role".to_owned(), |key, word| format!("{key}-{}", word.to_ascii_lowercase()))
}

fn japan_time(at: Timestamp, lang: Lang) -> String {
    let japan = UtcOffset::from_hms(9, 0, 0).expect("nine hours are an offset");
    let local = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).ok().and_then(|t| t.checked_to_offset(japan));
    let Some(t) = local else { return at.to_string() };
    let (y, m, d, h, min) = (t.year(), u8::from(t.month()), t.day(), t.hour(), t.minute());
    match lang {
        Lang::Ja => format!("{y}年{m}月{d}日 {h}:{min:02}"),
        Lang::En => format!("{y:04}-{m:02}-{d:02} {h:02}:{min:02} JST"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_worded_in_the_language_of_the_reader() {
        let (ja, en) = (Texts::new(Lang::Ja), Texts::new(Lang::En));
        let name = Arg::Name(LocalizedName { ja: "青葉診療所".into(), en: "Aoba Clinic".into() });
        assert_eq!((name.worded(&ja).as_str(), name.worded(&en).as_str()), ("青葉診療所", "Aoba Clinic"));
        let roles = Arg::roles(["Medical Doctor", "Pharmacist"]);
        assert_eq!(
            (roles.worded(&ja).as_str(), roles.worded(&en).as_str()),
            ("医師、薬剤師", "Medical Doctor, Pharmacist")
        );
        assert_eq!(Arg::Role("Faith Healer".into()).worded(&ja), "Faith Healer");
        let at = Arg::Time("2026-11-21T15:05:59Z".parse().unwrap());
        assert_eq!((at.worded(&ja).as_str(), at.worded(&en).as_str()), ("2026年11月22日 0:05", "2026-11-22 00:05 JST"));
        assert_eq!(Arg::Time(Timestamp(i64::MAX)).worded(&en), format!("{}ms", i64::MAX));
        assert_eq!(Arg::from(Zone::Dmz).worded(&ja), "公開ゾーン（DMZ）");
    }

    #[test]
    fn every_zone_and_section_has_a_word() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            for zone in Zone::ALL {
                assert!(texts.has(&format!("zone-{zone}")), "{zone}");
            }
            for section in Section::ALL {
                assert!(texts.has(section.key()), "{section}");
            }
        }
    }

    #[test]
    fn a_value_cannot_move_the_cursor_or_start_a_line() {
        let en = Texts::new(Lang::En);
        for arg in [Arg::text("a\u{1b}[2Jb\nc\u{202e}d"), Arg::Role("a\u{1b}[2Jb\nc\u{202e}d".into())] {
            assert_eq!(arg.worded(&en), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
        }
    }

    #[test]
    fn a_name_cannot_smuggle_markup_or_placeholders() {
        let en = Texts::new(Lang::En);
        assert_eq!(
            en.say("section-with-note", &[("section", Arg::text("{ $note }")), ("note", Arg::text("x"))]),
            "{ $note }: x"
        );
    }
}
