//! A text spoken, letter by letter.

use captcha::Captcha;

/// As the crate speaks: mono, 16 bit, 22,050 Hz.
const RATE: u32 = 22_050;
/// Between two letters, samples.
const PAUSE: usize = 6_000;

/// WAV: all letters in one file, since a page has one button to play it.
pub(crate) fn speak(text: &str) -> Option<Vec<u8>> {
    let mut letters = Captcha::new();
    for letter in text.chars() {
        letters.set_chars(&[letter]).add_char();
    }
    if letters.chars_as_string() != text {
        return None;
    }
    let mut samples = Vec::new();
    for one in letters.as_wav() {
        samples.extend_from_slice(samples_of(&one?)?);
        samples.resize(samples.len() + PAUSE * 2, 0);
    }
    Some(file(&samples))
}

/// The chunk `data` of a RIFF file.
fn samples_of(wav: &[u8]) -> Option<&[u8]> {
    let mut rest = wav.get(12..)?;
    loop {
        let length = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
        let body = rest.get(8..)?;
        if rest.get(..4)? == b"data" {
            return body.get(..length.min(body.len()) / 2 * 2);
        }
        rest = body.get(length.checked_add(length % 2)?..)?;
    }
}

/// RIFF with one `fmt ` chunk (PCM) and one `data` chunk.
fn file(samples: &[u8]) -> Vec<u8> {
    let length = u32::try_from(samples.len()).unwrap_or(u32::MAX - 36);
    let mut out = Vec::with_capacity(44 + samples.len());
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + length).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    for (value, octets) in [(1u32, 2usize), (1, 2), (RATE, 4), (RATE * 2, 4), (2, 2), (16, 2)] {
        out.extend_from_slice(&value.to_le_bytes()[..octets]);
    }
    out.extend_from_slice(b"data");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(samples);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_a_file_holds_reading_it_ends(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = samples_of(&octets);
        }

        #[test]
        fn what_is_written_is_read(samples in prop::collection::vec(any::<u8>(), 0..50)) {
            let even = &samples[..samples.len() / 2 * 2];
            let written = file(even);
            prop_assert_eq!(samples_of(&written), Some(even));
        }
    }
}
