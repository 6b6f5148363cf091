//! A strict DER reader (ITU-T X.690 §10): definite minimal lengths, low tag numbers, no trailing bytes.

use crate::time::{UnixSeconds, parse_time};

/// Bytes that are not the DER they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub struct Malformed {
    /// What was expected or is wrong.
    pub what: &'static str,
    /// Byte offset into the document given to the parser.
    pub offset: usize,
}

pub(crate) type Parsed<T> = Result<T, Malformed>;

pub(crate) mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OID: u8 = 0x06;
    pub const ENUMERATED: u8 = 0x0a;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const NUMERIC_STRING: u8 = 0x12;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const T61_STRING: u8 = 0x14;
    pub const IA5_STRING: u8 = 0x16;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const BMP_STRING: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    /// `[n]` constructed, as EXPLICIT tagging writes it.
    pub const fn explicit(n: u8) -> u8 {
        0xa0 | n
    }
    /// `[n]` primitive, as IMPLICIT tagging of a primitive type writes it.
    pub const fn implicit(n: u8) -> u8 {
        0x80 | n
    }
}

/// One element: its tag, its contents, and where they lie.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub tag: u8,
    pub contents: &'a [u8],
    /// Tag, length and contents.
    pub whole: &'a [u8],
    /// Offset of `whole` in the document.
    pub offset: usize,
}

/// Reads elements one after the other; offsets are relative to the whole document.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    base: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    pub fn at(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, position: 0, base }
    }

    pub fn offset(&self) -> usize {
        self.base + self.position
    }

    pub fn is_empty(&self) -> bool {
        self.position >= self.bytes.len()
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    pub fn next(&mut self, what: &'static str) -> Parsed<Element<'a>> {
        let offset = self.offset();
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let (header, length) = read_header(rest).map_err(|why| Malformed { what: why.unwrap_or(what), offset })?;
        let end = header.checked_add(length).ok_or(Malformed { what, offset })?;
        let whole = rest.get(..end).ok_or(Malformed { what: "truncated element", offset })?;
        self.position += end;
        Ok(Element { tag: whole[0], contents: &whole[header..], whole, offset })
    }

    pub fn expect(&mut self, tag: u8, what: &'static str) -> Parsed<Element<'a>> {
        if self.peek() != Some(tag) {
            return Err(Malformed { what, offset: self.offset() });
        }
        self.next(what)
    }

    pub fn optional(&mut self, tag: u8, what: &'static str) -> Parsed<Option<Element<'a>>> {
        if self.peek() == Some(tag) { self.next(what).map(Some) } else { Ok(None) }
    }

    pub fn finish(self, what: &'static str) -> Parsed<()> {
        if self.is_empty() { Ok(()) } else { Err(Malformed { what, offset: self.offset() }) }
    }
}

impl<'a> Element<'a> {
    pub fn reader(&self) -> Reader<'a> {
        Reader::at(self.contents, self.contents_offset())
    }

    pub fn contents_offset(&self) -> usize {
        self.offset + self.whole.len() - self.contents.len()
    }

    pub fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, offset: self.offset }
    }

    /// The single element inside, as EXPLICIT tagging and OCTET STRING wrapping have it.
    pub fn only(&self, tag: u8, what: &'static str) -> Parsed<Element<'a>> {
        let mut inner = self.reader();
        let element = inner.expect(tag, what)?;
        inner.finish(what)?;
        Ok(element)
    }

    pub fn boolean(&self) -> Parsed<bool> {
        match self.contents {
            [0x00] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(self.malformed("boolean is not DER")),
        }
    }

    /// Magnitude of a non-negative, minimally encoded INTEGER without its leading zero octet.
    pub fn unsigned(&self) -> Parsed<&'a [u8]> {
        match self.contents {
            [] => Err(self.malformed("empty integer")),
            [first, ..] if first & 0x80 != 0 => Err(self.malformed("negative integer")),
            [0x00, second, ..] if second & 0x80 == 0 => Err(self.malformed("integer is not minimal")),
            [0x00, rest @ ..] if !rest.is_empty() => Ok(rest),
            all => Ok(all),
        }
    }

    pub fn small_unsigned(&self) -> Parsed<u32> {
        let magnitude = self.unsigned()?;
        if magnitude.len() > 4 {
            return Err(self.malformed("integer too large"));
        }
        Ok(magnitude.iter().fold(0, |value, octet| (value << 8) | u32::from(*octet)))
    }

    /// BIT STRING contents that are a whole number of octets (keys, signatures).
    pub fn bit_string_octets(&self) -> Parsed<&'a [u8]> {
        match self.contents {
            [0x00, octets @ ..] => Ok(octets),
            _ => Err(self.malformed("bit string is not a whole number of octets")),
        }
    }

    /// A NamedBitList of at most 16 bits, bit 0 first (X.690 §11.2.2: no trailing zero bits).
    pub fn named_bits(&self) -> Parsed<u16> {
        let wrong = || self.malformed("named bit list is not DER");
        let (&unused, octets) = self.contents.split_first().ok_or_else(wrong)?;
        let Some(&last) = octets.last() else {
            return if unused == 0 { Ok(0) } else { Err(wrong()) };
        };
        if unused > 7 || octets.len() > 2 || last.trailing_zeros() != u32::from(unused) {
            return Err(wrong());
        }
        Ok((0..16).fold(0, |bits, n| {
            let set = octets.get(n / 8).is_some_and(|octet| octet & (0x80 >> (n % 8)) != 0);
            bits | (u16::from(set) << n)
        }))
    }

    pub fn time(&self) -> Parsed<UnixSeconds> {
        parse_time(self.tag, self.contents).ok_or_else(|| self.malformed("time is not RFC 5280 §4.1.2.5"))
    }

    /// Text of the string types that occur in names; none for types or bytes that are not text.
    pub fn text(&self) -> Parsed<String> {
        let wrong = || self.malformed("text does not fit its string type");
        match self.tag {
            tag::UTF8_STRING => String::from_utf8(self.contents.to_vec()).map_err(|_| wrong()),
            tag::PRINTABLE_STRING if self.contents.iter().all(|c| is_printable(*c)) => Ok(latin1(self.contents)),
            tag::IA5_STRING if self.contents.is_ascii() => Ok(latin1(self.contents)),
            tag::T61_STRING => Ok(latin1(self.contents)),
            tag::BMP_STRING if self.contents.len().is_multiple_of(2) => {
                let units: Vec<u16> = self.contents.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
                String::from_utf16(&units).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }
}

/// Header size and contents length, or what is wrong (None: simply too short).
fn read_header(bytes: &[u8]) -> Result<(usize, usize), Option<&'static str>> {
    let (&tag, &first) = match bytes {
        [tag, first, ..] => (tag, first),
        _ => return Err(None),
    };
    if tag & 0x1f == 0x1f {
        return Err(Some("high tag number"));
    }
    if first < 0x80 {
        return Ok((2, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 {
        return Err(Some("indefinite length"));
    }
    if count > 4 {
        return Err(Some("length too large"));
    }
    let octets = bytes.get(2..2 + count).ok_or(Some("truncated length"))?;
    let length = octets.iter().fold(0usize, |value, octet| (value << 8) | usize::from(*octet));
    if octets[0] == 0 || length < 0x80 {
        return Err(Some("length is not minimal"));
    }
    Ok((2 + count, length))
}

fn is_printable(c: u8) -> bool {
    // '*', '@', '&' and '_' are outside PrintableString but harmless in issued certificates; DER
    // strictness is about structure here, and names are compared as bytes anyway.
    c.is_ascii_graphic() || c == b' '
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn first(bytes: &[u8]) -> Result<usize, &'static str> {
        Reader::new(bytes).next("element").map(|e| e.contents.len()).map_err(|e| e.what)
    }

    #[test]
    fn lengths_must_be_definite_and_minimal() {
        assert_eq!(first(&[0x04, 0x01, 0xaa]), Ok(1));
        assert_eq!(first(&[0x24, 0x80, 0x00, 0x00]), Err("indefinite length"));
        assert_eq!(first(&[0x04, 0x81, 0x01, 0xaa]), Err("length is not minimal"));
        assert_eq!(first(&[0x04, 0x82, 0x00, 0x81]), Err("length is not minimal"));
        assert_eq!(first(&[0x04, 0x85, 1, 1, 1, 1, 1]), Err("length too large"));
        assert_eq!(first(&[0x04, 0x02, 0xaa]), Err("truncated element"));
        assert_eq!(first(&[0x1f, 0x01, 0xaa]), Err("high tag number"));
    }

    #[test]
    fn named_bits_are_numbered_from_the_left() {
        let bits = |b: &[u8]| Reader::new(b).next("bits").unwrap().named_bits();
        assert_eq!(bits(&[0x03, 0x02, 0x07, 0x80]), Ok(0b1));
        assert_eq!(bits(&[0x03, 0x02, 0x06, 0x40]), Ok(0b10));
        assert_eq!(bits(&[0x03, 0x02, 0x01, 0x06]), Ok(0b110_0000));
        assert!(bits(&[0x03, 0x02, 0x00, 0x80]).is_err(), "trailing zero bits");
    }

    #[test]
    fn integers_must_be_minimal_and_not_negative() {
        let magnitude = |b: &[u8]| Reader::new(b).next("int").unwrap().unsigned().map(<[u8]>::to_vec);
        assert_eq!(magnitude(&[2, 1, 0]), Ok(vec![0]));
        assert_eq!(magnitude(&[2, 2, 0, 0x80]), Ok(vec![0x80]));
        assert!(magnitude(&[2, 2, 0, 0x7f]).is_err());
        assert!(magnitude(&[2, 1, 0x80]).is_err());
        assert!(magnitude(&[2, 0]).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            while let Ok(element) = reader.next("element") {
                let _ = (element.boolean(), element.unsigned(), element.small_unsigned(), element.named_bits());
                let _ = (element.bit_string_octets(), element.time(), element.text(), element.only(0x30, "x").is_ok());
            }
        }
    }
}
