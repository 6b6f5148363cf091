//! Where devices come from (G1), wired: who vouches for certificates, the care for cut-off revocations, and where a device
//! brings its report.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use connections::Center;
use provenance::{Provenance, Refused, Settings};
use serde::Deserialize;

use crate::config::Config;
use crate::issuing::Desk;
use wire::enrolment::{DEVICE_REPORT, OPERATOR};

/// How often what was cut off is looked for.
const TEND: Duration = Duration::from_secs(60);
/// A report has some hundred octets and a chain of certificates.
const LONGEST_REPORT: usize = 32 * 1024;

/// `[equipment]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EquipmentSide {
    /// Gates get certificates on registered equipment only. Otherwise only sites with registered equipment are bound to it.
    #[serde(default)]
    pub required: bool,
    /// The VPN operator's signed statement for this center's `gate` authority; devices verify it before they take a gate
    /// certificate.
    pub operator: Option<PathBuf>,
}

impl EquipmentSide {
    /// Relative paths count from the configuration's folder.
    pub(crate) fn below(&mut self, folder: &Path) {
        if let Some(operator) = &mut self.operator {
            *operator = folder.join(&*operator);
        }
    }
}

/// The use cases; from now on nothing is issued without their consent.
pub(crate) fn begin(config: &Config, center: &Center, desk: &Desk) -> Provenance {
    let (issuing, place) = desk.offers();
    let required = config.equipment.as_ref().is_some_and(|side| side.required);
    let settings = Settings { required, desk: Some((place.url, place.server_key)) };
    Provenance::begin(issuing, Arc::new(center.clone()), settings)
}

/// Ends what a process that was killed began to end, until the process ends.
pub(crate) async fn tend(provenance: Provenance) {
    loop {
        if let Err(error) = provenance.tend().await {
            tracing::error!(%error, "a device is not revoked to the end; trying again");
        }
        tokio::time::sleep(TEND).await;
    }
}

/// Where a device brings what it says of itself, and learns whose authority gives gate certificates here: signatures are
/// what counts.
pub(crate) fn routes(provenance: Provenance, side: Option<&EquipmentSide>) -> Router {
    let operator = side.and_then(|side| side.operator.clone());
    Router::new()
        .route(OPERATOR, get(move || statement(operator.clone())))
        .route(DEVICE_REPORT, post(report))
        .layer(DefaultBodyLimit::max(LONGEST_REPORT))
        .with_state(provenance)
}

/// The file as it is: whoever renews it need not start the center anew. Empty where there is none.
async fn statement(path: Option<PathBuf>) -> Response {
    let text = match &path {
        Some(path) => tokio::fs::read_to_string(path).await,
        None => Ok(String::new()),
    };
    match text {
        Ok(text) => ([(header::CONTENT_TYPE, "application/toml")], text).into_response(),
        Err(error) => {
            tracing::error!(?path, %error, "the VPN operator's statement cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn report(State(provenance): State<Provenance>, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8_lossy(&body);
    let refused = match provenance.report("", &text).await {
        Ok(device) => return format!("{device}\n").into_response(),
        Err(refused) => refused,
    };
    if matches!(refused, Refused::Registry(_)) {
        tracing::error!(%refused, "a device's report is not taken");
    }
    let (texts, reasons) = (crate::answer::texts(&headers), refused.reasons());
    let lines = reasons.iter().map(|reason| reason.lines(texts));
    let said: String = lines.map(|said| format!("{}\n{}\n", said.refused, said.remedy)).collect();
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], said).into_response();
    if let Some(code) = reasons.first().and_then(|reason| reason.code.parse().ok()) {
        response.headers_mut().insert("sekisho-reason", code);
    }
    response
}
