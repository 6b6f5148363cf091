//! Style and script, built in.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

pub(crate) const STYLE: &str = include_str!("../assets/portal.css");
const SCRIPT: &str = include_str!("../assets/portal.js");
/// Asks security keys; named by the pages that need it only.
pub(crate) const KEYS: &str = "/assets/keys.js";
const KEYS_SCRIPT: &str = include_str!("../assets/keys.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// Digest of the style sheet, as a content security policy names it (CSP 3 §2.3.1).
pub(crate) fn style_digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| format!("sha256-{}", BASE64.encode(Sha256::digest(STYLE))));
    &DIGEST
}

/// The files every page names.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // Short-lived: after an update of the center pages and style must fit again.
    let file = |kind: &'static str, body: &'static str| {
        get(move || async move {
            ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=600")], body).into_response()
        })
    };
    Router::new()
        .route("/assets/portal.css", file("text/css; charset=utf-8", STYLE))
        .route("/assets/portal.js", file("text/javascript; charset=utf-8", SCRIPT))
        .route(KEYS, file("text/javascript; charset=utf-8", KEYS_SCRIPT))
        .route("/assets/icon.svg", file("image/svg+xml", ICON))
}
