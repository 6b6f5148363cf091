//! Hears the letters of a spoken challenge.
//!
//! Each letter is one of thirty recordings under fresh noise, so the recording that is most like it is the letter. That
//! a program can do this is known (R2 speaks of a picture and a voice, and rate limits and the mail stand behind them).

use captcha::Captcha;
use std::sync::LazyLock;

const LETTERS: &str = "23456789abcdefghjknpqrstuvxyz";
/// Samples of a letter, and of the silence after it.
const LETTER: usize = 36_000;
const SILENCE: usize = 6_000;

static RECORDINGS: LazyLock<Vec<(char, Vec<f64>)>> = LazyLock::new(|| {
    let record = |letter: char| {
        let wav = Captcha::new().set_chars(&[letter]).add_char().as_wav().pop().flatten();
        (letter, samples(&wav.unwrap_or_default()))
    };
    LETTERS.chars().map(record).collect()
});

/// The letters, as many as are spoken.
pub fn hear(wav: &[u8]) -> String {
    let all = samples(wav);
    all.chunks(LETTER + SILENCE)
        .filter(|chunk| chunk.len() >= LETTER)
        .filter_map(|chunk| letter(&chunk[..LETTER]))
        .collect()
}

fn letter(heard: &[f64]) -> Option<char> {
    let like = |recording: &[f64]| {
        let (dot, length) =
            recording.iter().zip(heard).fold((0.0, 0.0), |(dot, length), (r, h)| (dot + r * h, length + r * r));
        dot / f64::max(length, 1.0).sqrt()
    };
    RECORDINGS.iter().max_by(|(_, a), (_, b)| like(a).total_cmp(&like(b))).map(|(letter, _)| *letter)
}

/// Of the chunk `data`, which is the last one here.
fn samples(wav: &[u8]) -> Vec<f64> {
    let data = wav.windows(4).position(|four| four == b"data").and_then(|at| wav.get(at + 8..));
    data.unwrap_or_default().chunks_exact(2).map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use challenge::Challenges;

    #[test]
    fn it_hears_what_is_spoken_r2() {
        let all = Challenges::new(challenge::Limits::default());
        let heard = || {
            let id = all.ask(0);
            hear(&all.spoken(&id, 0).unwrap()) == all.read_as_a_person(&id, 0).unwrap()
        };
        // The noise is a fresh one each time, so that some are misheard.
        let right = (0..20).filter(|_| heard()).count();
        assert!(right >= 5, "{right} of 20");
        assert_eq!(hear(b""), "");
    }
}
