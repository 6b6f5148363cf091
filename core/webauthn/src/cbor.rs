//! CBOR, as far as authenticators may use it: the CTAP2 canonical form (CTAP 2.1 §8), and nothing else.
//!
//! Of our own because what reads CBOR in general reads what is forbidden here — lengths without end, numbers longer than
//! they need be, keys twice — and what two readers read differently is what a forger looks for.

use crate::Fault;

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Value<'a>>),
    /// In the order of their keys, each of which stands once.
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// `false`, `true`, `null`, `undefined`: 20 to 23.
    Simple(u8),
}

/// CTAP 2.1 §8: nested at most four deep.
const DEEPEST: usize = 4;
const BAD: Fault = Fault::Malformed("CBOR");

/// The first item, and what follows it.
///
/// # Errors
/// [`Fault::Malformed`].
pub(crate) fn read(bytes: &[u8]) -> Result<(Value<'_>, &[u8]), Fault> {
    let mut rest = bytes;
    let value = item(&mut rest, 0)?;
    Ok((value, rest))
}

/// The only item.
///
/// # Errors
/// [`Fault::Malformed`], also if something follows.
pub(crate) fn only(bytes: &[u8]) -> Result<Value<'_>, Fault> {
    match read(bytes)? {
        (value, []) => Ok(value),
        _ => Err(BAD),
    }
}

impl<'a> Value<'a> {
    pub fn map(self) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
        if let Self::Map(pairs) = self { Ok(pairs) } else { Err(BAD) }
    }
}

/// The value of a text key.
pub(crate) fn named<'v, 'a>(pairs: &'v [(Value<'a>, Value<'a>)], name: &str) -> Option<&'v Value<'a>> {
    pairs.iter().find(|(key, _)| *key == Value::Text(name)).map(|(_, value)| value)
}

/// The value of a number's key.
pub(crate) fn numbered<'v, 'a>(pairs: &'v [(Value<'a>, Value<'a>)], number: i64) -> Option<&'v Value<'a>> {
    pairs.iter().find(|(key, _)| *key == Value::Int(number)).map(|(_, value)| value)
}

fn item<'a>(rest: &mut &'a [u8], depth: usize) -> Result<Value<'a>, Fault> {
    let (major, argument) = head(rest)?;
    Ok(match major {
        0 => Value::Int(i64::try_from(argument).map_err(|_| BAD)?),
        1 => Value::Int(-1 - i64::try_from(argument).map_err(|_| BAD)?),
        2 => Value::Bytes(take(rest, argument)?),
        3 => Value::Text(std::str::from_utf8(take(rest, argument)?).map_err(|_| BAD)?),
        4 => {
            let inner = deeper(depth)?;
            // Each item is an octet at least, so a long list cannot be promised without sending it.
            let mut items = Vec::new();
            for _ in 0..argument {
                items.push(item(rest, inner)?);
            }
            Value::Array(items)
        }
        5 => Value::Map(pairs(rest, argument, deeper(depth)?)?),
        // Tags (6) are for nothing that an authenticator says; of simple values there are four, and no floats.
        7 if (20..=23).contains(&argument) => Value::Simple(argument as u8),
        _ => return Err(BAD),
    })
}

fn pairs<'a>(rest: &mut &'a [u8], count: u64, depth: usize) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
    let mut pairs = Vec::new();
    let mut before: Option<&[u8]> = None;
    for _ in 0..count {
        let begun = *rest;
        let key = item(rest, depth)?;
        let encoded = &begun[..begun.len() - rest.len()];
        // Sorted by type, then length, then octets; so no key stands twice.
        let order = |key: &[u8]| (key.first().map(|b| b >> 5), key.len());
        if before.is_some_and(|before| (order(before), before) >= (order(encoded), encoded)) {
            return Err(BAD);
        }
        before = Some(encoded);
        pairs.push((key, item(rest, depth)?));
    }
    Ok(pairs)
}

fn deeper(depth: usize) -> Result<usize, Fault> {
    if depth < DEEPEST { Ok(depth + 1) } else { Err(BAD) }
}

/// Major type and argument (RFC 8949 §3), in as few octets as it takes.
fn head(rest: &mut &[u8]) -> Result<(u8, u64), Fault> {
    let first = take(rest, 1)?[0];
    let (major, low) = (first >> 5, first & 0x1f);
    let (octets, least) = match low {
        0..24 => return Ok((major, u64::from(low))),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        // 28 to 30 are nothing, 31 is a length without end.
        _ => return Err(BAD),
    };
    let argument = take(rest, octets)?.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet));
    if argument < least || major == 7 { Err(BAD) } else { Ok((major, argument)) }
}

fn take<'a>(rest: &mut &'a [u8], count: u64) -> Result<&'a [u8], Fault> {
    let count = usize::try_from(count).map_err(|_| BAD)?;
    let (taken, left) = rest.split_at_checked(count).ok_or(BAD)?;
    *rest = left;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hex: &str) -> Result<Value<'static>, Fault> {
        only(Box::leak(hex::decode(hex).unwrap().into_boxed_slice()))
    }

    /// RFC 8949 appendix A, as far as the canonical form goes.
    #[test]
    fn examples_of_rfc_8949() {
        for (hex, value) in [
            ("00", Value::Int(0)),
            ("17", Value::Int(23)),
            ("1818", Value::Int(24)),
            ("1903e8", Value::Int(1000)),
            ("1a000f4240", Value::Int(1_000_000)),
            ("1b000000e8d4a51000", Value::Int(1_000_000_000_000)),
            ("20", Value::Int(-1)),
            ("3863", Value::Int(-100)),
            ("3903e7", Value::Int(-1000)),
            ("3b7fffffffffffffff", Value::Int(i64::MIN)),
            ("4401020304", Value::Bytes(&[1, 2, 3, 4])),
            ("6449455446", Value::Text("IETF")),
            ("f4", Value::Simple(20)),
            ("f6", Value::Simple(22)),
            ("83010203", Value::Array(vec![Value::Int(1), Value::Int(2), Value::Int(3)])),
            ("a201020304", Value::Map(vec![(Value::Int(1), Value::Int(2)), (Value::Int(3), Value::Int(4))])),
        ] {
            assert_eq!(of(hex).unwrap(), value, "{hex}");
        }
    }

    #[test]
    fn what_the_canonical_form_forbids() {
        for (hex, why) in [
            ("", "nothing"),
            ("1817", "longer than it need be"),
            ("190017", "longer than it need be"),
            ("1a0000ffff", "longer than it need be"),
            ("1b00000000ffffffff", "longer than it need be"),
            ("1bffffffffffffffff", "more than an i64"),
            ("3b8000000000000000", "less than an i64"),
            ("5f42010243030405ff", "a length without end"),
            ("bf6161019fff", "a map without end"),
            ("1c", "reserved"),
            ("c074", "a tag"),
            ("f93c00", "a float"),
            ("f818", "a simple value in two octets"),
            ("f0", "a simple value that is none"),
            ("a201020103", "a key twice"),
            ("a203040102", "keys out of order"),
            ("a2616201616102", "keys out of order"),
            ("a262616101616202", "a longer key first"),
            ("61ff", "no UTF-8"),
            ("4401", "cut"),
            ("9bffffffffffffffff", "a list that never comes"),
            ("818181818100", "too deep"),
            ("0000", "something after it"),
        ] {
            assert_eq!(of(hex), Err(BAD), "{hex}: {why}");
        }
        assert!(of("8181818100").is_ok(), "four deep");
    }
}
