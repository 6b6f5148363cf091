//! A DER writer (ITU-T X.690 §10).

pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
pub(crate) const CURVE_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
pub(crate) const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// Tag, length and the parts one after the other.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let octets = length.to_be_bytes();
        let significant = &octets[octets.iter().position(|o| *o != 0).unwrap_or(octets.len())..];
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, parts)
}

pub(crate) fn sequence_of(parts: &[Vec<u8>]) -> Vec<u8> {
    sequence(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// SET OF: its members ascend by their encoding (X.690 §11.6).
pub(crate) fn set_contents(mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort();
    members.concat()
}

pub(crate) fn set(members: Vec<Vec<u8>>) -> Vec<u8> {
    element(SET, &[&set_contents(members)])
}

/// `[n]` EXPLICIT, or IMPLICIT over something constructed.
pub(crate) fn context(n: u8, parts: &[&[u8]]) -> Vec<u8> {
    element(0xa0 | n, parts)
}

/// `[n]` IMPLICIT over something primitive.
pub(crate) fn context_primitive(n: u8, contents: &[u8]) -> Vec<u8> {
    element(0x80 | n, &[contents])
}

pub(crate) fn oid(contents: &[u8]) -> Vec<u8> {
    element(0x06, &[contents])
}

/// INTEGER from a magnitude of any length, the most significant octet first.
pub(crate) fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude.iter().position(|o| *o != 0).unwrap_or(magnitude.len());
    match &magnitude[start..] {
        [] => element(0x02, &[&[0]]),
        all @ [first, ..] if first & 0x80 != 0 => element(0x02, &[&[0], all]),
        all => element(0x02, &[all]),
    }
}

pub(crate) fn number(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

pub(crate) fn boolean(value: bool) -> Vec<u8> {
    element(0x01, &[&[if value { 0xff } else { 0 }]])
}

pub(crate) fn octets(contents: &[u8]) -> Vec<u8> {
    element(0x04, &[contents])
}

/// BIT STRING of whole octets.
pub(crate) fn bit_string(contents: &[u8]) -> Vec<u8> {
    element(0x03, &[&[0], contents])
}

/// BIT STRING of named bits, bit 0 first, without trailing zero bits (X.690 §11.2.2).
pub(crate) fn named_bits(bits: &[u8]) -> Vec<u8> {
    let Some(last) = bits.iter().max() else { return element(0x03, &[&[0]]) };
    let mut octets = vec![0u8; usize::from(last / 8) + 1];
    for bit in bits {
        octets[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    element(0x03, &[&[7 - last % 8], &octets])
}

pub(crate) fn utf8(text: &str) -> Vec<u8> {
    element(0x0c, &[text.as_bytes()])
}

pub(crate) fn printable(text: &str) -> Vec<u8> {
    element(0x13, &[text.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_integers_are_minimal() {
        assert_eq!(element(4, &[&[7; 127]])[..2], [4, 127]);
        assert_eq!(element(4, &[&[7; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[&[7; 300]])[..4], [4, 0x82, 1, 44]);
        assert_eq!(unsigned(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(named_bits(&[0]), [3, 2, 7, 0x80]);
        assert_eq!(named_bits(&[5, 6]), [3, 2, 1, 0x06]);
    }
}
