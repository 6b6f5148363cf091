//! A picture, and the same spoken, that a person reads and a simple program does not (R2, R3).
//!
//! One of several obstacles, and the weakest: a determined program reads it, so rate limits and the mail stand behind it.
//! A challenge is answered once, right or wrong, and expires; a right answer becomes a [`Pass`] for one form, good once.
//! Everything is kept in memory that is bounded: the oldest goes when too many are asked for. It knows no form, no
//! clock (`now` is milliseconds since any epoch, from the caller) and no language beyond what the crate `captcha` speaks.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod held;
mod picture;
mod voice;

use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Mutex, MutexGuard};

use held::Held;

/// Letters and digits of a challenge.
pub const LENGTH: usize = 6;
/// Lower case only, and nothing that looks or sounds like another (0/o, 1/l/i, b/d/p by ear are hard enough already):
/// the spoken version cannot tell cases apart, and an answer must. No m and w either: six of them are wider than the
/// picture.
const ALPHABET: &[u8] = b"23456789abcdefghjknpqrstuvxyz";
/// How often one challenge is spoken: the noise differs each time and would average out.
const SPOKEN: u8 = 5;

/// How many and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Life of a challenge and of a pass, milliseconds.
    pub life_ms: i64,
    /// Challenges, and passes, held at a time; a challenge whose picture was seen takes about 10 KiB.
    pub at_most: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { life_ms: 20 * 60_000, at_most: 2048 }
    }
}

/// All challenges that are out.
pub struct Challenges {
    limits: Limits,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    asked: Held<Asked>,
    passes: Held<Vec<u8>>,
}

struct Asked {
    text: String,
    picture: Option<Vec<u8>>,
    spoken: u8,
}

/// What became of an answer. The challenge is used up in every case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Right: a pass for what the answer was given for.
    Right(Pass),
    /// Wrong.
    Wrong,
    /// There is no such challenge: used, expired, or never asked.
    Gone,
}

/// Shows once that a challenge was answered for one certain form. 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass(pub String);

impl Challenges {
    /// None yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, inner: Mutex::default() }
    }

    /// Asks anew; the id is 32 hexadecimal digits and cannot be guessed.
    pub fn ask(&self, now: i64) -> String {
        let asked = Asked { text: text(), picture: None, spoken: 0 };
        self.lock().asked.put(asked, now, self.limits)
    }

    /// Another one instead: the old one is gone.
    pub fn again(&self, id: &str, now: i64) -> String {
        self.lock().asked.take(id, now);
        self.ask(now)
    }

    /// PNG, 260×100; the same at every call.
    pub fn picture(&self, id: &str, now: i64) -> Option<Vec<u8>> {
        let text = {
            let mut inner = self.lock();
            let asked = inner.asked.get(id, now)?;
            if let Some(picture) = &asked.picture {
                return Some(picture.clone());
            }
            asked.text.clone()
        };
        // Drawn without the lock: it takes milliseconds.
        let drawn = picture::draw(&text)?;
        let mut inner = self.lock();
        Some(inner.asked.get(id, now)?.picture.get_or_insert(drawn).clone())
    }

    /// WAV, mono, 16 bit, 22,050 Hz, about ten seconds; none after the fifth time.
    pub fn spoken(&self, id: &str, now: i64) -> Option<Vec<u8>> {
        let text = {
            let mut inner = self.lock();
            let asked = inner.asked.get(id, now)?;
            asked.spoken = asked.spoken.checked_add(1).filter(|times| *times <= SPOKEN)?;
            asked.text.clone()
        };
        voice::speak(&text)
    }

    /// Answers a challenge for a form: `what` are octets the form is bound to (its fields, a mail address).
    /// Full-width letters, as Japanese keyboards give them, are taken for what they are; cases differ.
    pub fn answer(&self, id: &str, answer: &str, what: &[u8], now: i64) -> Verdict {
        let mut inner = self.lock();
        let Some(asked) = inner.asked.take(id, now) else { return Verdict::Gone };
        if !same(&asked.text, answer) {
            return Verdict::Wrong;
        }
        Verdict::Right(Pass(inner.passes.put(what.to_vec(), now, self.limits)))
    }

    /// Uses a pass up: was it given for this very form?
    pub fn spend(&self, pass: &str, what: &[u8], now: i64) -> bool {
        self.lock().passes.take(pass, now).is_some_and(|held| held == what)
    }

    /// What is to be typed, for tests that stand in for a person's eyes.
    #[doc(hidden)]
    pub fn read_as_a_person(&self, id: &str, now: i64) -> Option<String> {
        Some(self.lock().asked.get(id, now)?.text.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Random and unbiased: octets beyond the last whole multiple of the alphabet are thrown away.
fn text() -> String {
    let (random, mut out) = (SystemRandom::new(), String::with_capacity(LENGTH));
    let limit = 256 / ALPHABET.len() * ALPHABET.len();
    while out.len() < LENGTH {
        let mut octets = [0u8; 16];
        random.fill(&mut octets).expect("the operating system gives randomness");
        let usable = octets.iter().map(|o| usize::from(*o)).filter(|o| *o < limit);
        out.extend(usable.map(|o| char::from(ALPHABET[o % ALPHABET.len()])).take(LENGTH - out.len()));
    }
    out
}

fn same(text: &str, answer: &str) -> bool {
    let narrow = |c: char| match c {
        // FULLWIDTH EXCLAMATION MARK to TILDE are ASCII, moved.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    let typed: String = answer.chars().filter(|c| !c.is_whitespace()).take(LENGTH + 1).map(narrow).collect();
    typed == text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn challenges() -> Challenges {
        Challenges::new(Limits { life_ms: 1000, at_most: 4 })
    }

    #[test]
    fn a_right_answer_is_a_pass_for_one_form_once_r2() {
        let all = challenges();
        let id = all.ask(0);
        let text = all.read_as_a_person(&id, 0).unwrap();
        let Verdict::Right(pass) = all.answer(&id, &text, b"a@example.jp", 0) else { panic!() };
        assert_eq!(all.answer(&id, &text, b"a@example.jp", 0), Verdict::Gone, "one use");
        assert!(all.spend(&pass.0, b"a@example.jp", 0));
        assert!(!all.spend(&pass.0, b"a@example.jp", 0), "one use");
    }

    #[test]
    fn a_pass_is_good_for_its_form_only_and_not_for_ever_r2() {
        let all = challenges();
        for (form, at, good) in [(&b"b"[..], 0, false), (b"a", 1000, false), (b"a", 999, true)] {
            let id = all.ask(0);
            let text = all.read_as_a_person(&id, 0).unwrap();
            let Verdict::Right(pass) = all.answer(&id, &text, b"a", 0) else { panic!() };
            assert_eq!(all.spend(&pass.0, form, at), good);
        }
    }

    #[test]
    fn a_wrong_answer_uses_it_up_and_a_late_one_finds_nothing_r2() {
        let all = challenges();
        let id = all.ask(0);
        let text = all.read_as_a_person(&id, 0).unwrap();
        assert_eq!(all.answer(&id, &text.to_uppercase().replace(char::is_numeric, "x"), b"", 0), Verdict::Wrong);
        assert_eq!(all.answer(&id, &text, b"", 0), Verdict::Gone);
        let id = all.ask(0);
        assert_eq!(all.answer(&id, "", b"", 1000), Verdict::Gone, "expired");
    }

    #[test]
    fn another_picture_ends_the_first_r2() {
        let all = challenges();
        let (first, now) = (all.ask(0), 0);
        let second = all.again(&first, now);
        assert!(all.picture(&first, now).is_none() && all.spoken(&first, now).is_none());
        assert_ne!(first, second);
        assert!(all.picture(&second, now).is_some());
    }

    #[test]
    fn memory_is_bounded_the_oldest_goes() {
        let all = challenges();
        let ids: Vec<String> = (0..6).map(|at| all.ask(at)).collect();
        let there: Vec<bool> = ids.iter().map(|id| all.picture(id, 6).is_some()).collect();
        assert_eq!(there, [false, false, true, true, true, true]);
    }

    #[test]
    fn a_picture_is_a_picture_and_stays_the_same() {
        let all = challenges();
        let id = all.ask(0);
        let first = all.picture(&id, 0).unwrap();
        assert!(first.starts_with(b"\x89PNG\r\n\x1a\n") && first.len() > 500);
        assert_eq!(all.picture(&id, 0).unwrap(), first, "many drawings of one text would average the noise out");
        let others: Vec<Vec<u8>> = (0..3).map(|_| all.picture(&all.ask(0), 0).unwrap()).collect();
        assert!(others.iter().all(|other| *other != first));
    }

    #[test]
    fn a_voice_is_one_sound_file_and_not_for_ever() {
        let all = challenges();
        let id = all.ask(0);
        for _ in 0..SPOKEN {
            let wav = all.spoken(&id, 0).unwrap();
            assert_eq!((&wav[..4], &wav[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
            assert_eq!(u32::from_le_bytes(wav[4..8].try_into().unwrap()) as usize, wav.len() - 8);
            assert!(wav.len() > 100_000);
        }
        assert!(all.spoken(&id, 0).is_none());
    }

    #[test]
    fn every_letter_can_be_drawn_and_spoken() {
        for letter in ALPHABET.iter().map(|c| char::from(*c).to_string().repeat(LENGTH)) {
            assert!(picture::draw(&letter).is_some() && voice::speak(&letter).is_some(), "{letter}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_from_outside_breaks_it(id in ".{0,40}", answer in ".{0,40}") {
            let all = challenges();
            prop_assert_eq!(all.answer(&id, &answer, b"", 0), Verdict::Gone);
            let id = all.ask(0);
            let right = same(&all.read_as_a_person(&id, 0).unwrap(), &answer);
            prop_assert_eq!(matches!(all.answer(&id, &answer, b"", 0), Verdict::Right(_)), right);
        }

        #[test]
        fn full_width_is_the_same(spaces in 0usize..3) {
            let all = challenges();
            let id = all.ask(0);
            let text = all.read_as_a_person(&id, 0).unwrap();
            let wide: String = text.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
            let typed = format!("{}{wide} ", " ".repeat(spaces));
            prop_assert!(matches!(all.answer(&id, &typed, b"", 0), Verdict::Right(_)));
        }
    }
}
