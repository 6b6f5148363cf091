//! What every answer carries and every changing request must show.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::assets;

/// Nothing but our own style, script and pictures; no frames; forms only to this site.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; media-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(&str, &str); 7] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ("strict-transport-security", "max-age=31536000"),
];

/// Forms of a page that may also go elsewhere, for the answer it is put on.
#[derive(Clone)]
pub(crate) struct FormsAlsoTo(pub String);

/// The page carries our style sheet inside.
#[derive(Clone)]
pub(crate) struct StyleInside;

/// Refuses requests of strangers before anything looks at them, and dresses every answer.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let strange = is_strange(request.method(), request.headers()) && !is_program(&request);
    let mut response = if strange { StatusCode::FORBIDDEN.into_response() } else { next.run(request).await };
    let also = response.extensions_mut().remove::<FormsAlsoTo>();
    let mut policy = match also {
        Some(FormsAlsoTo(origin)) => POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}")),
        None => POLICY.to_owned(),
    };
    if response.extensions_mut().remove::<StyleInside>().is_some() {
        policy = policy.replace("style-src 'self'", &format!("style-src '{}'", assets::style_digest()));
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A request that changes something and does not come from a page of this very origin (RFC 6454). A browser says so in
/// `Origin`, and no page can forge it; one that says nothing is no browser that was shown our form.
fn is_strange(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return false;
    }
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let ours = match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://").is_some_and(|o| o.eq_ignore_ascii_case(host)),
        _ => false,
    };
    !ours || text("sec-fetch-site").is_some_and(|site| site != "same-origin")
}

/// A program that sends report files (R12) or calls the API. It has no origin, and a header that no page of elsewhere can send: browsers
/// would ask first whether they may (Fetch §4.8), and are never told so here.
fn is_program(request: &Request) -> bool {
    let (path, headers) = (request.uri().path(), request.headers());
    // `sekisho card confirm` (R5): JSON, which no page of elsewhere sends unasked either.
    if path == wire::card_call::CALL || path == wire::card_call::ANSWER {
        return !headers.contains_key(header::ORIGIN)
            && !headers.contains_key("sec-fetch-site")
            && headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    }
    let sends_files = (path == "/files" || path.starts_with("/files/")) && headers.contains_key("tus-resumable");
    // Whatever has a body there is refused unless it is JSON, which is such a header too.
    (sends_files || path.starts_with("/api/"))
        && !headers.contains_key(header::ORIGIN)
        && !headers.contains_key("sec-fetch-site")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forms_of_this_origin_may_change_anything() {
        let strange = |pairs: &[(&'static str, &str)]| {
            let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
            is_strange(&Method::POST, &headers)
        };
        let host = ("host", "center.sekisho.test:7445");
        assert!(!strange(&[host, ("origin", "https://center.sekisho.test:7445")]));
        assert!(!strange(&[host, ("origin", "https://center.sekisho.test:7445"), ("sec-fetch-site", "same-origin")]));
        for origin in
            ["https://evil.example", "https://center.sekisho.test", "http://center.sekisho.test:7445", "null", ""]
        {
            assert!(strange(&[host, ("origin", origin)]), "{origin}");
        }
        assert!(strange(&[host]), "no origin at all");
        assert!(strange(&[("origin", "https://center.sekisho.test:7445")]), "no host");
        let crossed = [host, ("origin", "https://center.sekisho.test:7445"), ("sec-fetch-site", "same-site")];
        assert!(strange(&crossed), "the browser itself says that it comes from elsewhere");
        assert!(!is_strange(&Method::GET, &HeaderMap::new()));
        assert!(is_strange(&Method::DELETE, &HeaderMap::new()));
    }

    #[test]
    fn a_program_that_sends_files_needs_no_origin_and_no_page_passes_for_one_r12() {
        let program = |path: &str, pairs: &[(&'static str, &'static str)]| {
            let request = pairs.iter().fold(Request::patch(path), |r, (n, v)| r.header(*n, *v));
            is_program(&request.body(axum::body::Body::empty()).unwrap())
        };
        let tus = ("tus-resumable", "1.0.0");
        assert!(program("/files", &[tus]) && program("/files/a", &[tus]));
        let json = ("content-type", "application/json");
        assert!(program("/card/call", &[json]) && program("/card/answer", &[json]) && !program("/login/card", &[json]));
        assert!(!program("/card/call", &[]) && !program("/card/call", &[("content-type", "text/plain")]));
        assert!(!program("/card/call", &[json, ("origin", "https://evil.example")]));
        assert!(!program("/files", &[]) && !program("/submit", &[tus]) && !program("/filesystem", &[tus]));
        assert!(program("/api/v1/staff", &[]) && !program("/apiary", &[]));
        assert!(!program("/api/v1/staff", &[("origin", "https://join.example")]));
        assert!(!program("/api/v1/staff", &[("sec-fetch-site", "cross-site")]));
        assert!(!program("/files", &[tus, ("origin", "https://evil.example")]));
        assert!(!program("/files", &[tus, ("sec-fetch-site", "cross-site")]));
    }
}
