//! Bounded reading and writing of big-endian structures.

use crate::failure::{DecodeError, DecodeReason, EncodeError};

pub(crate) type Decoded<T> = Result<T, DecodeError>;

/// A window on a message that remembers where it lies in it, so that errors can say so.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    base: usize,
    clause: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], base: usize, clause: &'static str) -> Self {
        Self { bytes, position: 0, base, clause }
    }

    /// Errors from here on cite `clause`.
    pub(crate) fn clause(&mut self, clause: &'static str) {
        self.clause = clause;
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Offset in the message of the next byte.
    pub(crate) fn offset(&self) -> usize {
        self.base + self.position
    }

    pub(crate) fn error(&self, field: &'static str, reason: DecodeReason) -> DecodeError {
        DecodeError { offset: self.base + self.position, field, clause: self.clause, reason }
    }

    pub(crate) fn take(&mut self, length: usize, field: &'static str) -> Decoded<&'a [u8]> {
        let Some(taken) = self.position.checked_add(length).and_then(|end| self.bytes.get(self.position..end)) else {
            return Err(self.error(field, DecodeReason::Truncated { needed: length, available: self.remaining() }));
        };
        self.position += length;
        Ok(taken)
    }

    /// A window on the next `length` bytes; `self` moves past them.
    pub(crate) fn window(&mut self, length: usize, field: &'static str) -> Decoded<Reader<'a>> {
        let base = self.base + self.position;
        let bytes = self.take(length, field)?;
        Ok(Reader::new(bytes, base, self.clause))
    }

    /// A window on a structure whose 16-bit length, itself counted, has just been read as the last
    /// of `consumed` bytes.
    pub(crate) fn rest_of(&mut self, length: u16, consumed: usize, field: &'static str) -> Decoded<Reader<'a>> {
        match usize::from(length).checked_sub(consumed) {
            Some(rest) => self.window(rest, field),
            None => Err(self.error(field, DecodeReason::BadLength(usize::from(length)))),
        }
    }

    pub(crate) fn skip(&mut self, length: usize) -> Decoded<()> {
        self.take(length, "pad").map(|_| ())
    }

    /// Skips the padding that brings a structure of `length` bytes to a multiple of eight.
    pub(crate) fn skip_padding(&mut self, length: usize) -> Decoded<()> {
        self.skip(padding(length))
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Decoded<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, field)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Decoded<u8> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Decoded<u16> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Decoded<u32> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Decoded<u64> {
        self.array(field).map(u64::from_be_bytes)
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        self.position = self.bytes.len();
        rest
    }

    /// A fixed-size, NUL-padded text. Bytes that are not UTF-8 are replaced, as these texts are
    /// only shown to people.
    pub(crate) fn text(&mut self, length: usize, field: &'static str) -> Decoded<String> {
        let bytes = self.take(length, field)?;
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}

/// Appends to a caller's buffer and remembers the first thing that did not fit.
pub(crate) struct Writer<'b> {
    out: &'b mut Vec<u8>,
    failure: Option<EncodeError>,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out, failure: None }
    }

    pub(crate) fn finish(self) -> Result<(), EncodeError> {
        self.failure.map_or(Ok(()), Err)
    }

    pub(crate) fn fail(&mut self, failure: EncodeError) {
        self.failure.get_or_insert(failure);
    }

    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    pub(crate) fn text(&mut self, text: &str, size: usize, field: &'static str) {
        if text.len() > size {
            self.fail(EncodeError::FieldTooLong { field, length: text.len(), max: size });
            return;
        }
        self.bytes(text.as_bytes());
        self.zeros(size - text.len());
    }

    /// Writes the length of everything since `start` into the two bytes at `at`.
    pub(crate) fn patch_length(&mut self, at: usize, start: usize) {
        let length = self.out.len() - start;
        match u16::try_from(length) {
            Ok(length) => {
                if let Some(slot) = self.out.get_mut(at..at + 2) {
                    slot.copy_from_slice(&length.to_be_bytes());
                }
            }
            Err(_) => self.fail(EncodeError::TooLong(length)),
        }
    }

    /// Pads the structure that began at `start` to a multiple of eight bytes.
    pub(crate) fn pad_from(&mut self, start: usize) {
        self.zeros(padding(self.out.len() - start));
    }
}

/// Bytes that bring `length` to a multiple of eight.
fn padding(length: usize) -> usize {
    length.wrapping_neg() % 8
}

/// An enumeration the specification may extend: unknown values are kept in `Other`.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident: $repr:ty { $($(#[$vdoc:meta])* $variant:ident = $value:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A value this crate has no name for.
            Other($repr),
        }

        impl From<$repr> for $name {
            fn from(value: $repr) -> Self {
                match value {
                    $($value => Self::$variant,)+
                    other => Self::Other(other),
                }
            }
        }

        impl From<$name> for $repr {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $value,)+
                    $name::Other(other) => other,
                }
            }
        }
    };
}

/// An enumeration whose unknown values would change meaning: they are refused.
macro_rules! closed_enum {
    ($(#[$doc:meta])* $name:ident: $repr:ty { $($(#[$vdoc:meta])* $variant:ident = $value:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            pub(crate) fn from_wire(value: $repr) -> Option<Self> {
                match value {
                    $($value => Some(Self::$variant),)+
                    _ => None,
                }
            }

            pub(crate) fn to_wire(self) -> $repr {
                match self {
                    $(Self::$variant => $value,)+
                }
            }
        }
    };
}

/// A set of bits; unknown bits are kept.
macro_rules! bit_set {
    ($(#[$doc:meta])* $name:ident: $repr:ty { $($(#[$vdoc:meta])* $flag:ident = $value:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $repr);

        impl $name {
            $($(#[$vdoc])* pub const $flag: Self = Self($value);)+

            /// True if every bit of `other` is set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
    };
}

pub(crate) use {bit_set, closed_enum, open_enum};
