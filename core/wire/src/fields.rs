//! The small pieces every conversion is made of, and the error that says where one failed.

use std::fmt;
use std::str::FromStr;

use model::{GrantId, Protocol, Zone};

use crate::link as pb;

/// A noun and its message.
pub trait Wire: Sized {
    /// The generated message.
    type Message;
    /// The noun as a message. Total: every noun can be said.
    fn to_message(&self) -> Self::Message;
    /// The message as a noun.
    ///
    /// # Errors
    /// [`WireError`] with the place, for anything missing, unknown, out of range or repeated.
    fn from_message(message: Self::Message) -> Result<Self, WireError>;
}

/// Why bytes are not a message of ours. The sender is at fault; nothing of the message may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// Fields from the outside in, e.g. `rules_added[3].matches.tag`.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl std::error::Error for WireError {}
impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.place, self.what) }
    }
}

impl WireError {
    /// An error at the place that [`WireError::within`] will tell.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { place: String::new(), what: what.into() }
    }
    /// The same error, seen from the message around it.
    pub(crate) fn within(mut self, field: &str) -> Self {
        let joint = if self.place.is_empty() || self.place.starts_with('[') { "" } else { "." };
        self.place = format!("{field}{joint}{}", self.place);
        self
    }
}

/// A field that must be there.
pub(crate) fn need<T>(field: &str, value: Option<T>) -> Result<T, WireError> {
    value.ok_or_else(|| WireError::new("is missing").within(field))
}

/// A message that must be there, as its noun.
pub(crate) fn noun<W: Wire>(field: &str, message: Option<W::Message>) -> Result<W, WireError> {
    W::from_message(need(field, message)?).map_err(|e| e.within(field))
}

/// A message that may be there, as its noun.
pub(crate) fn maybe<W: Wire>(field: &str, message: Option<W::Message>) -> Result<Option<W>, WireError> {
    message.map(W::from_message).transpose().map_err(|e| e.within(field))
}

/// Messages as nouns, in order.
pub(crate) fn nouns<W: Wire, C: FromIterator<W>>(field: &str, messages: Vec<W::Message>) -> Result<C, WireError> {
    messages
        .into_iter()
        .enumerate()
        .map(|(n, m)| W::from_message(m).map_err(|e| e.within(&format!("[{n}]")).within(field)))
        .collect()
}

/// Nouns as messages, in order.
pub(crate) fn messages<'a, W: Wire + 'a>(nouns: impl IntoIterator<Item = &'a W>) -> Vec<W::Message> {
    nouns.into_iter().map(Wire::to_message).collect()
}

/// Items into a set; one that comes twice is an error, because a reader that counts would see another state.
pub(crate) fn set<T: Ord>(field: &str, items: Vec<T>) -> Result<std::collections::BTreeSet<T>, WireError> {
    let count = items.len();
    let set: std::collections::BTreeSet<T> = items.into_iter().collect();
    if set.len() == count { Ok(set) } else { Err(WireError::new("holds an element twice").within(field)) }
}

/// Items into a map; a key that comes twice is an error.
pub(crate) fn map<K: Ord, T>(
    field: &str,
    items: Vec<T>,
    key: impl Fn(&T) -> K,
) -> Result<std::collections::BTreeMap<K, T>, WireError> {
    let count = items.len();
    let map: std::collections::BTreeMap<K, T> = items.into_iter().map(|i| (key(&i), i)).collect();
    if map.len() == count { Ok(map) } else { Err(WireError::new("holds an id twice").within(field)) }
}

/// Text as a value.
pub(crate) fn read<T: FromStr>(field: &str, text: &str) -> Result<T, WireError>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|e: T::Err| WireError::new(format!("`{}`: {e}", shown(text))).within(field))
}

/// Text that may be there, as a value.
pub(crate) fn read_maybe<T: FromStr>(field: &str, text: Option<&str>) -> Result<Option<T>, WireError>
where
    T::Err: fmt::Display,
{
    text.map(|t| read(field, t)).transpose()
}

/// Texts as values.
pub(crate) fn read_all<T: FromStr>(field: &str, texts: &[String]) -> Result<Vec<T>, WireError>
where
    T::Err: fmt::Display,
{
    texts.iter().enumerate().map(|(n, t)| read("", t).map_err(|e| e.within(&format!("[{n}]")).within(field))).collect()
}

/// A peer chooses this text: errors show only so much of it.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A number that must fit a smaller one.
pub(crate) fn fit<A: TryInto<B> + Copy + fmt::Display, B>(field: &str, value: A) -> Result<B, WireError> {
    value.try_into().map_err(|_| WireError::new(format!("{value} is out of range")).within(field))
}

/// Port numbers.
pub(crate) fn ports(field: &str, values: &[u32]) -> Result<Vec<u16>, WireError> {
    values.iter().map(|p| fit(field, *p)).collect()
}

/// Port numbers, widened.
pub(crate) fn wide(ports: &[u16]) -> Vec<u32> {
    ports.iter().map(|p| u32::from(*p)).collect()
}

/// A grant number.
pub(crate) fn grant_id(field: &str, value: u64) -> Result<GrantId, WireError> {
    if value <= GrantId::MAX {
        Ok(GrantId(value))
    } else {
        Err(WireError::new(format!("{value} is larger than a flow cookie can carry")).within(field))
    }
}

/// Declares both directions of an enum once. `0` and unknown numbers are refused.
macro_rules! enums {
    ($($to:ident, $from:ident: $noun:ty = $message:ty { $($variant:pat => $value:ident / $rust:expr),+ $(,)? })+) => {$(
        pub(crate) fn $to(noun: $noun) -> i32 {
            match noun { $($variant => <$message>::$value as i32),+ }
        }
        pub(crate) fn $from(field: &str, value: i32) -> Result<$noun, $crate::WireError> {
            $(if value == <$message>::$value as i32 { return Ok($rust); })+
            Err($crate::WireError::new(format!("{value} is no {} this version knows", stringify!($noun))).within(field))
        }
    )+};
}
pub(crate) use enums;

enums! {
    zone_to, zone_from: Zone = pb::Zone {
        Zone::HighSecure => HighSecure / Zone::HighSecure,
        Zone::Secure => Secure / Zone::Secure,
        Zone::Dmz => Dmz / Zone::Dmz,
    }
    protocol_to, protocol_from: Protocol = pb::Protocol {
        Protocol::Tcp => Tcp / Protocol::Tcp,
        Protocol::Udp => Udp / Protocol::Udp,
    }
}
