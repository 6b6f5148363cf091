//! A text as a picture.

use captcha::Captcha;
use captcha::filters::{Dots, Noise, Wave};

/// PNG, 260×100.
pub(crate) fn draw(text: &str) -> Option<Vec<u8>> {
    let mut picture = Captcha::new();
    for letter in text.chars() {
        // The crate chooses among the letters it is given.
        picture.set_chars(&[letter]).add_char();
    }
    if picture.chars_as_string() != text {
        return None;
    }
    picture
        .apply_filter(Noise::new(0.1))
        .apply_filter(Wave::new(2.0, 10.0).horizontal())
        .apply_filter(Wave::new(2.0, 8.0).vertical())
        .view(260, 100)
        .apply_filter(Dots::new(10).min_radius(3).max_radius(7))
        .as_png()
}
