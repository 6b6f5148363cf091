//! Far ends that need nothing but a client certificate: records, claims, the claims terminal's console, information.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::Handler;

/// A facility's record server.
pub fn records(facility: &str) -> Handler {
    let facility = facility.to_owned();
    Arc::new(move |ask| match ask.path.strip_prefix("/v1/patients/") {
        Some(patient) if ask.method == "GET" => {
            (200, json!({"facility": facility, "patient": patient, "documents": ["referral", "discharge-summary"]}))
        }
        _ => (404, json!({"error": "no such path"})),
    })
}

/// The payer's claims server: a file of claims in, a receipt out.
pub fn claims() -> Handler {
    let received = AtomicU64::new(0);
    Arc::new(move |ask| match (ask.method.as_str(), ask.path.as_str()) {
        ("POST", "/v1/claims") => match ask.body["claims"].as_array() {
            Some(claims) if !claims.is_empty() => {
                let number = received.fetch_add(1, Ordering::AcqRel) + 1;
                (200, json!({"receipt": number, "claims": claims.len(), "from": ask.peer}))
            }
            _ => (400, json!({"error": "a file without claims"})),
        },
        _ => (404, json!({"error": "no such path"})),
    })
}

/// The console of the claims terminal that its maker maintains: what was done and by whom is kept.
pub fn maintenance() -> Handler {
    Arc::new(|ask| match (ask.method.as_str(), ask.path.as_str()) {
        ("GET", "/v1/version") => (200, json!({"program": "claims terminal", "version": "4.2.0", "for": ask.peer})),
        ("POST", "/v1/update") => (200, json!({"installed": ask.body["version"], "by": ask.peer})),
        _ => (404, json!({"error": "no such path"})),
    })
}

/// A public site on the Internet.
pub fn information() -> Handler {
    Arc::new(|ask| match ask.path.strip_prefix("/drugs/") {
        Some(drug) => (200, json!({"drug": drug, "warnings": ["do not give together with …"]})),
        None => (404, json!({"error": "no such path"})),
    })
}
