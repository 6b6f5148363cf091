//! TOML into the raw document, every error with its line and as a value.
//!
//! The reader of TOML says what is wrong in English sentences. So only the text is left to it; the values are put into
//! their types by a deserializer of our own, whose errors are [`DocumentFault`]s.

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Error as _, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::DocumentFault;
use crate::fault::Shape;

/// Reads a document's tables.
///
/// # Errors
/// The fault and its line, from 1, where known.
pub(super) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, (Option<usize>, DocumentFault)> {
    let line_of = |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
    let root = DeTable::parse(text).map_err(|e| {
        let kind = match kind_of(e.message()) {
            // Of nothing at all it says the same.
            "unquoted" if e.span().is_some_and(|span| span.is_empty()) => "no-value",
            kind => kind,
        };
        let fault = DocumentFault::Syntax { kind, detail: e.message().to_owned() };
        (e.span().map(|span| line_of(span.start)), fault)
    })?;
    let whole = Value { field: "", span: 0, value: &DeValue::Table(root.into_inner()) };
    T::deserialize(whole).map_err(|e| (e.at.map(line_of), e.fault))
}

/// What the reader of TOML calls the fault → the case of `document-syntax`.
const KINDS: &[(&str, &str)] = &[
    ("duplicate key", "twice"),
    ("unclosed array table", "table-open"),
    ("unclosed array", "list-open"),
    ("unclosed inline table", "table-open"),
    ("unclosed table", "table-open"),
    ("unclosed", "open"),
    ("missing value for key", "no-value"),
    ("key with no value", "no-value"),
    ("missing value", "no-value"),
    ("string values must be quoted", "unquoted"),
    ("missing opening quote", "unquoted"),
    ("missing comma", "comma"),
    ("extra comma", "comma"),
    ("invalid basic string", "string"),
    ("invalid literal string", "string"),
    ("invalid multi-line", "string"),
    ("invalid string", "string"),
    ("invalid unquoted key", "key"),
    ("invalid key", "key"),
    ("unquoted keys cannot be empty", "key"),
    ("missing key", "key"),
    ("invalid", "value"),
    ("unexpected leading zero", "value"),
];

fn kind_of(message: &str) -> &'static str {
    KINDS.iter().find(|(start, _)| message.starts_with(start)).map_or("other", |(_, kind)| kind)
}

/// A fault, and where it is once that is known.
#[derive(Debug)]
struct Misread {
    at: Option<usize>,
    fault: DocumentFault,
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}
impl std::error::Error for Misread {}

impl Misread {
    fn of(fault: DocumentFault) -> Self {
        Self { at: None, fault }
    }

    /// The innermost value it comes out of is its place. What a noun says against its text (`try_from`) it says without
    /// the text's place and name; both are known here.
    fn within(mut self, value: &Value<'_>) -> Self {
        self.at = self.at.or(Some(value.span));
        match &mut self.fault {
            DocumentFault::UnknownWord { field, .. }
            | DocumentFault::WrongType { field, .. }
            | DocumentFault::WrongShape { field, .. }
            | DocumentFault::Unreadable { field, .. }
                if field.is_empty() =>
            {
                value.field.clone_into(field);
            }
            _ => {}
        }
        self
    }
}

impl serde::de::Error for Misread {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        Self::of(match misshapen(&message) {
            Some((found, expected)) => {
                DocumentFault::WrongShape { field: String::new(), found: found.to_owned(), expected }
            }
            None => DocumentFault::Unreadable { field: String::new(), detail: message },
        })
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => Shape::YES_OR_NO,
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => Shape::NUMBER,
            Unexpected::Float(_) => Shape::FRACTION,
            Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => Shape::TEXT,
            Unexpected::Seq => Shape::LIST,
            Unexpected::Map => Shape::TABLE,
            Unexpected::Other("date") => Shape::DATE,
            _ => Shape::OTHER,
        };
        Self::of(DocumentFault::WrongType { field: String::new(), found, expected: expected_shape(expected) })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(b) => b.to_string(),
            Unexpected::Unsigned(n) => n.to_string(),
            Unexpected::Signed(n) => n.to_string(),
            Unexpected::Float(n) => n.to_string(),
            Unexpected::Str(text) => text.to_owned(),
            other => other.to_string(),
        };
        Self::of(DocumentFault::WrongShape { field: String::new(), found, expected: expected_shape(expected) })
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let (field, expected) = (String::new(), expected.iter().map(|word| (*word).to_owned()).collect());
        Self::of(DocumentFault::UnknownWord { field, found: found.to_owned(), expected })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let expected = expected.iter().map(|word| (*word).to_owned()).collect();
        Self::of(DocumentFault::UnknownField { field: field.to_owned(), expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(DocumentFault::MissingField { field: field.to_owned() })
    }
}

/// What a type says it expects → its word.
fn expected_shape(expected: &dyn Expected) -> Shape {
    let text = expected.to_string();
    match text.as_str() {
        "u16" => Shape::SMALL_NUMBER,
        "u8" | "u32" | "u64" | "i64" => Shape::NUMBER,
        "a string" | "string or map" | "path string" => Shape::TEXT,
        "a boolean" => Shape::YES_OR_NO,
        "a sequence" => Shape::LIST,
        "a map" => Shape::TABLE,
        "IP address" | "IPv4 address" => Shape::ADDRESS,
        "IPv4 or IPv6 network address" | "IPv4 network address" => Shape::PREFIX,
        "socket address" => Shape::SOCKET,
        struct_or_enum if struct_or_enum.starts_with("struct ") => Shape::TABLE,
        struct_or_enum if struct_or_enum.starts_with("enum ") => Shape::TEXT,
        _ => Shape::OTHER,
    }
}

/// How our nouns say what their text is not: after "`…` is not ".
const SHAPES: &[(&str, Shape)] = &[
    ("a valid host reference", Shape::HOST_REF),
    ("a valid service id", Shape::SERVICE),
    ("a valid agreement id", Shape::AGREEMENT),
    ("a valid ", Shape::NAME),
    ("a MAC address", Shape::MAC),
    ("a datapath id", Shape::DPID),
    ("a switch port", Shape::PORT),
    ("an id like S01", Shape::NEVER),
    ("a part like", Shape::PART),
    ("a daily window", Shape::WINDOW),
    ("a time like", Shape::TIME),
    ("a number of an item", Shape::CHECK_ITEM),
    ("an http:// address", Shape::HTTP),
];

/// What was found, and what it should look like.
fn misshapen(message: &str) -> Option<(&str, Shape)> {
    let (found, is_not) = message.strip_prefix('`')?.rsplit_once("` is not ")?;
    let shape = SHAPES.iter().find(|(start, _)| is_not.starts_with(start))?.1;
    Some((found, shape))
}

/// A value of the document, with the field it stands in and its place in the text.
#[derive(Clone, Copy)]
struct Value<'v> {
    field: &'v str,
    span: usize,
    value: &'v DeValue<'v>,
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let read = match self.value {
            DeValue::String(text) => visitor.visit_str(text),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => Err(Misread::invalid_value(Unexpected::Str(number.as_str()), &"i64")),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => visitor.visit_f64(number),
                Err(_) => Err(Misread::invalid_value(Unexpected::Str(number.as_str()), &visitor)),
            },
            DeValue::Boolean(yes) => visitor.visit_bool(*yes),
            DeValue::Datetime(_) => Err(Misread::invalid_type(Unexpected::Other("date"), &visitor)),
            DeValue::Array(items) => visitor.visit_seq(Items { of: self, items: items.iter() }),
            DeValue::Table(fields) => visitor.visit_map(Fields { fields: fields.iter(), next: None }),
        };
        read.map_err(|e| e.within(&self))
    }

    /// Addresses say neither what they were given nor what they want.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let shape = expected_shape(&visitor);
        self.deserialize_any(visitor).map_err(|mut e| {
            if let (DocumentFault::Unreadable { field, .. }, DeValue::String(found)) = (&e.fault, self.value)
                && matches!(shape, Shape::ADDRESS | Shape::PREFIX | Shape::SOCKET)
            {
                let (field, found) = (field.clone(), found.clone().into_owned());
                e.fault = DocumentFault::WrongShape { field, found, expected: shape };
            }
            e
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        match self.value {
            DeValue::String(text) => {
                let word: StrDeserializer<'_, Misread> = text.as_ref().into_deserializer();
                visitor.visit_enum(word).map_err(|e| e.within(&self))
            }
            // No noun of a document is written as anything else.
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<'v> {
    of: Value<'v>,
    items: <&'v DeArray<'v> as IntoIterator>::IntoIter,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Misread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misread> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let value = Value { field: self.of.field, span: item.span().start, value: item.get_ref() };
        seed.deserialize(value).map(Some).map_err(|e| e.within(&value))
    }
}

struct Fields<'v> {
    fields: toml::map::Iter<'v, Spanned<toml::de::DeString<'v>>, Spanned<DeValue<'v>>>,
    next: Option<Value<'v>>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misread> {
        let Some((key, value)) = self.fields.next() else { return Ok(None) };
        let name: &str = key.get_ref();
        self.next = Some(Value { field: name, span: value.span().start, value: value.get_ref() });
        let named: StrDeserializer<'_, Misread> = name.into_deserializer();
        let read = seed.deserialize(named);
        read.map(Some).map_err(|e| Misread { at: e.at.or(Some(key.span().start)), ..e })
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misread> {
        let value = self.next.take().ok_or_else(|| Misread::custom("a value before its key"))?;
        seed.deserialize(value).map_err(|e| e.within(&value))
    }
}
