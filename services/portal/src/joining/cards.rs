//! The person's card as a second factor (R5): what `sekisho card confirm` asks and answers. The pages beside it are in
//! `inside::cards`.

use axum::Json;
use axum::extract::State;
use axum::http::Extensions;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use texts::Reason;
use wire::card_call::{CardAnswer, CardQuestion};

use crate::joining::Desk;
use crate::joining::caller::source;
use crate::joining::files::TurnedBack;
use crate::joining::review::vpn::Later;
use crate::reader::Reader;

/// What a card showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardShown {
    /// DER: its certificate, then others up to an anchor.
    pub chain: Vec<Vec<u8>>,
    /// What it was asked to sign.
    pub message: Vec<u8>,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub signature: Vec<u8>,
}

/// Judges cards: is it a person's, does it count now, is the signature its key's?
pub trait Cards: Send + Sync {
    /// SHA-256 of the certificate, hexadecimal; or why not.
    fn judge<'a>(&'a self, shown: &'a CardShown) -> Later<'a, Result<String, Reason>>;
}

/// What a code stands for.
pub(super) async fn call(
    State(desk): State<Desk>,
    extensions: Extensions,
    reader: Reader,
    Json(asked): Json<CardQuestion>,
) -> Response {
    match desk.joining.card_call(&asked.code, source(&extensions)).await {
        Ok(call) => Json(call).into_response(),
        Err(no) => TurnedBack::of(no.reason()).problem(&reader),
    }
}

/// The card has signed.
pub(super) async fn answer(
    State(desk): State<Desk>,
    extensions: Extensions,
    reader: Reader,
    Json(told): Json<CardAnswer>,
) -> Response {
    let from = source(&extensions);
    let done = async {
        let call = desk.joining.card_call(&told.code, from).await.map_err(|no| no.reason())?;
        let cards = desk.cards.as_ref().ok_or_else(|| reception::Refused::NoSuch.reason())?;
        let code = joining::CardCode::read(&told.code).map(|code| code.reveal()).unwrap_or_default();
        let shown = CardShown {
            chain: told.chain.iter().filter_map(|one| BASE64.decode(one).ok()).collect(),
            message: call.message(&desk.joining.settings().inside_url, &code),
            signature: BASE64.decode(&told.signature).unwrap_or_default(),
        };
        let certificate = cards.judge(&shown).await?;
        desk.joining.card_shown(&told.code, from, &certificate).await.map_err(|no| no.reason())
    };
    match done.await {
        Ok(()) => Json(json!({})).into_response(),
        Err(reason) => TurnedBack::of(reason).problem(&reader),
    }
}
