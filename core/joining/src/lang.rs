//! A language in a stored value: its tag.

use serde::{Deserialize, Deserializer, Serializer};
use texts::Lang;

pub(crate) fn serialize<S: Serializer>(lang: &Lang, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(lang.as_str())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Lang, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}
