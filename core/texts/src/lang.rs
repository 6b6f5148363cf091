//! The two languages.

use std::fmt;
use std::str::FromStr;

/// A language of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    /// Japanese.
    Ja,
    /// English.
    En,
}

impl Lang {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// From a POSIX locale or BCP 47 tag: `ja_JP.UTF-8`, `ja-JP`, `ja` are Japanese, anything else is English
    /// (`C`, `POSIX` and an empty value included).
    pub fn from_locale(locale: &str) -> Self {
        let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("ja") { Self::Ja } else { Self::En }
    }

    /// The language a program speaks: what was asked for (`--lang`), else the environment's.
    pub fn chosen(asked: Option<Self>, get: impl Fn(&str) -> Option<String>) -> Self {
        asked.unwrap_or_else(|| Self::from_environment(get))
    }

    /// From the environment's variables in POSIX order: `LC_ALL`, `LC_MESSAGES`, `LANG`; the first that is not empty
    /// counts. The caller reads the environment and hands it in.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| get(name).filter(|value| !value.is_empty()))
            .map_or(Self::En, |locale| Self::from_locale(&locale))
    }

    /// BCP 47 tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lang {
    type Err = String;
    /// For options like `--lang ja`: exact, so that a typing error is not taken for English.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|lang| lang.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a language; choose ja or en"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_as_systems_write_them() {
        for (locale, lang) in [
            ("ja_JP.UTF-8", Lang::Ja),
            ("ja", Lang::Ja),
            ("ja-JP", Lang::Ja),
            ("JA_jp", Lang::Ja),
            ("ja.eucJP", Lang::Ja),
            ("en_US.UTF-8", Lang::En),
            ("C", Lang::En),
            ("C.UTF-8", Lang::En),
            ("", Lang::En),
            ("jam_JM", Lang::En),
        ] {
            assert_eq!(Lang::from_locale(locale), lang, "{locale}");
        }
        assert!("jp".parse::<Lang>().is_err());
        assert_eq!("ja".parse(), Ok(Lang::Ja));
    }

    #[test]
    fn the_first_variable_that_says_something_counts() {
        let environment = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        };
        assert_eq!(Lang::from_environment(environment(&[("LANG", "ja_JP.UTF-8")])), Lang::Ja);
        assert_eq!(Lang::from_environment(environment(&[("LC_ALL", ""), ("LANG", "ja_JP.UTF-8")])), Lang::Ja);
        assert_eq!(Lang::from_environment(environment(&[("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8")])), Lang::En);
        assert_eq!(Lang::from_environment(environment(&[])), Lang::En);
        let japan = environment(&[("LANG", "ja_JP.UTF-8")]);
        assert_eq!(Lang::chosen(Some(Lang::En), japan), Lang::En);
        assert_eq!(Lang::chosen(None, environment(&[("LANG", "ja_JP.UTF-8")])), Lang::Ja);
    }
}
