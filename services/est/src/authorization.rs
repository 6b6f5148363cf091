//! What a request's headers say about who asks.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use texts::Lang;

/// User name and password of HTTP Basic (RFC 7617), UTF-8.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let said = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = said.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(credentials.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// The first language of ours that the reader names; Japanese if none, as everywhere at the center.
pub(crate) fn language(headers: &HeaderMap) -> Lang {
    let said = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(',')
        .filter_map(|part| part.split([';', '-']).next()?.trim().to_ascii_lowercase().parse().ok())
        .next()
        .unwrap_or(Lang::Ja)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
        headers
    }

    #[test]
    fn a_password_may_have_colons_and_a_name_may_not() {
        let read = |plain: &str| basic(&with(header::AUTHORIZATION, &format!("basic {}", BASE64.encode(plain))));
        assert_eq!(read("12345678:AB:C"), Some(("12345678".into(), "AB:C".into())));
        assert_eq!(read("12345678"), None);
        assert_eq!(basic(&with(header::AUTHORIZATION, "Bearer x")), None);
        assert_eq!(basic(&HeaderMap::new()), None);
    }

    #[test]
    fn the_reader_is_answered_in_the_first_language_we_have() {
        let read = |said: &str| language(&with(header::ACCEPT_LANGUAGE, said));
        assert_eq!(read("fr-FR, en-GB;q=0.8, ja;q=0.7"), Lang::En);
        assert_eq!(read("ja-JP"), Lang::Ja);
        assert_eq!(read(""), Lang::Ja);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(said in "\\PC{0,80}") {
            let _ = basic(&with(header::AUTHORIZATION, &said));
            let _ = basic(&with(header::AUTHORIZATION, &format!("Basic {said}")));
            let _ = language(&with(header::ACCEPT_LANGUAGE, &said));
        }
    }
}
