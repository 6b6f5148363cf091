//! Bodies: Base64 (RFC 4648 §4), in lines when written, however broken when read (RFC 8951 §3.1).

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// RFC 2045 §6.8 allows 76; OpenSSL writes and reads 64.
const LINE: usize = 64;

pub(crate) fn encode(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = String::with_capacity(text.len() + text.len() / LINE + 1);
    for start in (0..text.len()).step_by(LINE) {
        out.push_str(&text[start..text.len().min(start + LINE)]);
        out.push('\n');
    }
    out
}

pub(crate) fn decode(body: &[u8]) -> Option<Vec<u8>> {
    let bare: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    LENIENT.decode(bare).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_is_broken(der in proptest::collection::vec(any::<u8>(), 0..300), at in 1usize..40) {
            let text = encode(&der);
            prop_assert!(text.lines().all(|line| line.len() <= LINE));
            prop_assert_eq!(decode(text.as_bytes()), Some(der.clone()));
            let bare: String = text.split_whitespace().collect();
            let broken: Vec<&[u8]> = bare.as_bytes().chunks(at).collect();
            prop_assert_eq!(decode(&broken.join(&b"\r\n "[..])), Some(der));
        }

        #[test]
        fn anything_is_decoded_or_not(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&body);
        }
    }
}
