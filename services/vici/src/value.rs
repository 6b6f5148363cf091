//! A message as a value: what `rsvici` cannot read into `serde_json`.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// A VICI value: text, list or section (strongSwan, vici plugin README §"Message format").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vici {
    /// A value; strongSwan writes text.
    Text(String),
    /// A list of values.
    List(Vec<Vici>),
    /// A section.
    Section(BTreeMap<String, Vici>),
}

impl Vici {
    /// The text under a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Section(_) => None,
        }
    }
    /// What is under a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Section(map) => map.get(key),
            Self::Text(_) | Self::List(_) => None,
        }
    }
    /// The sections in a section.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Self)> {
        let map = match self {
            Self::Section(map) => Some(map),
            Self::Text(_) | Self::List(_) => None,
        };
        map.into_iter().flatten().filter(|(_, v)| matches!(v, Self::Section(_))).map(|(k, v)| (k.as_str(), v))
    }
    /// strongSwan's yes. Absent means no.
    pub fn yes(&self, key: &str) -> bool {
        self.text(key) == Some("yes")
    }
}

impl<'de> Deserialize<'de> for Vici {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Vici;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a VICI value")
            }
            fn visit_str<E>(self, text: &str) -> Result<Vici, E> {
                Ok(Vici::Text(text.to_owned()))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vici, E> {
                Ok(Vici::Text(String::from_utf8_lossy(bytes).into_owned()))
            }
            fn visit_bool<E>(self, yes: bool) -> Result<Vici, E> {
                Ok(Vici::Text(if yes { "yes" } else { "no" }.to_owned()))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Vici, E> {
                Ok(Vici::Text(n.to_string()))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Vici, E> {
                Ok(Vici::Text(n.to_string()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vici, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(Vici::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vici, A::Error> {
                let mut section = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Vici>()? {
                    section.insert(key, value);
                }
                Ok(Vici::Section(section))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
