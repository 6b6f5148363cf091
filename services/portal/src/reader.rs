//! Who reads: the language by choice (a cookie a link sets), else by `Accept-Language`.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::LazyLock;
use texts::{Arg, Lang, Texts};

static TEXTS: LazyLock<[Texts; 2]> = LazyLock::new(|| [Texts::new(Lang::Ja), Texts::new(Lang::En)]);
const COOKIE: &str = "__Host-lang";

/// The reader of a page.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    /// Texts in the reader's language.
    pub texts: &'static Texts,
}

impl Reader {
    /// In a language.
    pub fn of(lang: Lang) -> Self {
        Self { texts: &TEXTS[usize::from(lang == Lang::En)] }
    }

    /// Of a request.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let chosen = cookie(headers, COOKIE).and_then(|value| value.parse().ok());
        Self::of(chosen.unwrap_or_else(|| accepted(headers)))
    }

    /// Of a program's request: no cookie counts for it.
    pub fn of_program(headers: &HeaderMap) -> Self {
        Self::of(accepted(headers))
    }

    /// A text.
    pub fn say(&self, key: &str) -> String {
        self.texts.say(key, &[])
    }

    /// A text with values.
    pub fn tell(&self, key: &str, args: &[(&str, Arg)]) -> String {
        self.texts.say(key, args)
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.texts.lang()
    }

    /// A name in the reader's language.
    pub fn name<'a>(&self, name: &'a model::LocalizedName) -> &'a str {
        match self.lang() {
            Lang::Ja => &name.ja,
            Lang::En => &name.en,
        }
    }
}

/// The first language that `Accept-Language` names.
fn accepted(headers: &HeaderMap) -> Lang {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    Lang::from_locale(wanted.split([',', ';']).next().unwrap_or_default().trim())
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

/// `/lang/ja?back=/…`: remembers the choice and goes back.
pub(crate) fn choose(lang: &str, back: &str) -> Response {
    let Ok(lang) = lang.parse::<Lang>() else { return StatusCode::NOT_FOUND.into_response() };
    // Only a path of this site: `//host` and `/\host` would leave it.
    let inside = back.starts_with('/') && !back.starts_with("//") && !back.contains('\\') && !back.contains("..");
    let back = HeaderValue::from_str(if inside { back } else { "/" }).unwrap_or(HeaderValue::from_static("/"));
    let cookie = format!("{COOKIE}={lang}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000");
    let cookie = HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""));
    let headers: [(HeaderName, HeaderValue); 2] = [(header::LOCATION, back), (header::SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[derive(serde::Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    back: String,
}

/// The route `/lang/{lang}`.
pub(crate) async fn language(Path(lang): Path<String>, Query(back): Query<Back>) -> Response {
    choose(&lang, &back.back)
}

/// The value of a cookie; none if it is sent twice, since nobody could say which is meant.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    let mut found = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(n, _)| *n == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.clone(), v.parse().unwrap())).collect()
    }

    #[test]
    fn a_choice_counts_before_what_the_browser_asks() {
        let asked = headers(&[(header::ACCEPT_LANGUAGE, "ja-JP,en;q=0.8")]);
        assert_eq!(Reader::from_headers(&asked).lang(), Lang::Ja);
        let chosen = headers(&[(header::ACCEPT_LANGUAGE, "ja"), (header::COOKIE, "a=b; __Host-lang=en")]);
        assert_eq!(Reader::from_headers(&chosen).lang(), Lang::En);
        let twice = headers(&[(header::COOKIE, "__Host-lang=en; __Host-lang=ja"), (header::ACCEPT_LANGUAGE, "ja")]);
        assert_eq!(Reader::from_headers(&twice).lang(), Lang::Ja);
    }

    #[test]
    fn a_language_link_never_leaves_the_site() {
        for (back, expected) in [
            ("/live?site=a", "/live?site=a"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nSet-Cookie: x=y", "/"),
        ] {
            let response = choose("ja", back);
            assert_eq!(response.headers()[header::LOCATION], expected, "{back}");
        }
        assert_eq!(choose("xx", "/").status(), StatusCode::NOT_FOUND);
    }
}
