//! Signs by which software is seen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::facts::{Item, words};
use crate::version;

words! {
    /// What an item is.
    ItemKind {
        /// A package of the system's package manager.
        Package = "package",
        /// A running process, by the name of its program.
        Process = "process",
        /// A file or folder, by its whole path.
        File = "file",
        /// A module of the kernel.
        Module = "module",
        /// A network interface.
        Interface = "interface",
        /// A program in the list of installed ones.
        Program = "program",
        /// A service.
        Service = "service",
        /// A driver or kernel extension.
        Driver = "driver",
        /// An application of macOS.
        App = "app",
    }
}

/// `KIND NAME [@ VERSIONS]`, several by ` + `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign(Vec<One>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct One {
    kind: ItemKind,
    name: String,
    versions: Option<String>,
}

impl Sign {
    /// The items that show it; nothing if one it needs is missing.
    pub fn seen<'i>(&self, items: &'i [Item]) -> Option<Vec<&'i Item>> {
        self.0.iter().map(|one| items.iter().find(|item| one.fits(item))).collect()
    }

    /// Kinds of items it needs to be looked for in.
    pub fn kinds(&self) -> impl Iterator<Item = ItemKind> {
        self.0.iter().map(|one| one.kind)
    }

    /// Paths it asks for, where it asks for files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|one| one.kind == ItemKind::File).map(|one| one.name.as_str())
    }
}

impl One {
    fn fits(&self, item: &Item) -> bool {
        let version = || match (&self.versions, &item.version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(have)) => version::is_one_of(have, wanted),
        };
        self.kind == item.kind && like(&self.name.to_lowercase(), &item.name.to_lowercase()) && version()
    }
}

/// Is it like a pattern in which `*` stands for anything?
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl FromStr for Sign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |text: &str| {
            let (kind, rest) = text.trim().split_once(' ').ok_or_else(|| format!("`{text}`: a kind and a name"))?;
            let (name, versions) = match rest.split_once(" @ ") {
                Some((name, versions)) => (name, Some(versions.trim().to_owned())),
                None => (rest, None),
            };
            let name = name.trim().to_owned();
            if name.is_empty() || name == "*" {
                return Err(format!("`{text}`: a name"));
            }
            Ok(One { kind: kind.parse().map_err(|e| format!("`{text}`: {e}"))?, name, versions })
        };
        text.split(" + ").map(one).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, one) in self.0.iter().enumerate() {
            let plus = if n > 0 { " + " } else { "" };
            write!(f, "{plus}{} {}", one.kind, one.name)?;
            if let Some(versions) = &one.versions {
                write!(f, " @ {versions}")?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Sign {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: ItemKind, name: &str, version: Option<&str>) -> Item {
        Item { kind, name: name.into(), version: version.map(str::to_owned) }
    }

    #[test]
    fn a_sign_is_read_and_said_again() {
        for text in ["package openvpn", "program AT&T * @ 6.2|6.7.*", "file /opt/a + file /etc/ld.so.preload"] {
            assert_eq!(text.parse::<Sign>().unwrap().to_string(), text);
        }
        for wrong in ["", "package", "package *", "packet x", "package a + "] {
            assert!(wrong.parse::<Sign>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_is_seen_by_kind_name_and_version() {
        let sign: Sign = "program AT&T Communications* @ 6.2|6.7.*".parse().unwrap();
        let of = |name, version| sign.seen(&[item(ItemKind::Program, name, version)]).is_some();
        assert!(of("at&t communications manager", Some("6.2")) && of("AT&T Communications", Some("6.7.1")));
        assert!(!of("AT&T Communications Manager", Some("6.3")) && !of("AT&T Communications Manager", None));
        assert!(!of("My AT&T Communications Manager", Some("6.2")));
        let both: Sign = "file /opt/eset + file /etc/ld.so.preload".parse().unwrap();
        let (a, b) = (item(ItemKind::File, "/opt/eset", None), item(ItemKind::File, "/etc/ld.so.preload", None));
        assert!(both.seen(std::slice::from_ref(&a)).is_none());
        assert_eq!(both.seen(&[b, a]).unwrap().len(), 2);
        assert!("package x".parse::<Sign>().unwrap().seen(&[item(ItemKind::Process, "x", None)]).is_none());
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, is) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*b*", "abc", true),
            ("a*ab", "ab", false),
            ("abc", "abcd", false),
            ("*", "", true),
            ("日*", "日本", true),
        ] {
            assert_eq!(like(pattern, text), is, "{pattern} {text}");
        }
    }
}
