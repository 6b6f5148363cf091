//! A text as a QR code (ISO/IEC 18004), drawn into the page: no picture to fetch, no script.

use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around it (ISO/IEC 18004 §9.1).
const QUIET: usize = 4;

/// The picture with the words for who does not see it; none for a text that is too long.
pub(super) fn picture(text: &str, words: &str) -> Option<Markup> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    let squares = dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET));
    let path: String = squares.collect();
    let side = width + 2 * QUIET;
    Some(html! {
        svg.qr xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {side} {side}")) width="240" height="240" role="img" aria-label=(words) shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finders_stand_in_three_corners_and_the_margin_is_empty() {
        let svg = picture("otpauth://totp/Sekisho:12345678?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "code").unwrap();
        let svg = svg.into_string();
        let side: usize = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let dark = |x: usize, y: usize| svg.contains(&format!("M{x} {y}h1v1h-1z"));
        let last = side - QUIET - 1;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(dark(x, y), "{x} {y}");
        }
        for at in 0..side {
            assert!(!dark(at, 0) && !dark(0, at) && !dark(at, side - 1) && !dark(side - 1, at));
        }
        assert!(svg.contains("aria-label=\"code\"") && !svg.contains("style"));
        assert!(picture(&"x".repeat(5_000), "code").is_none());
    }
}
