//! What the browser says it was asked (§5.8.1): the JSON it made, of which the authenticator signs the digest.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::{Ceremony, Fault};

/// Longer than any browser makes.
const LONGEST: usize = 8 * 1024;

/// Members we know; others are to be borne (§5.8.1.2). A member that stands twice is refused.
#[derive(Debug, Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin")]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
    #[serde(rename = "tokenBinding")]
    token_binding: Option<TokenBinding>,
}

#[derive(Debug, Deserialize)]
struct TokenBinding {
    status: String,
}

/// §7.1 steps 5 to 10, §7.2 steps 9 to 14.
pub(crate) fn check(bytes: &[u8], kind: &str, ceremony: &Ceremony<'_>) -> Result<(), Fault> {
    if bytes.len() > LONGEST {
        return Err(Fault::Malformed("clientDataJSON"));
    }
    // §7.1 steps 5 and 6, §7.2 steps 9 and 10: JSON in UTF-8.
    let said: ClientData = serde_json::from_slice(bytes).map_err(|_| Fault::Malformed("clientDataJSON"))?;
    // §7.1 step 7, §7.2 step 11.
    if said.r#type != kind {
        return Err(Fault::Type);
    }
    // §7.1 step 8, §7.2 step 12.
    let challenge = URL_SAFE_NO_PAD.decode(&said.challenge).map_err(|_| Fault::Challenge)?;
    // It was told to the page, so there is nothing to time.
    if challenge != ceremony.challenge {
        return Err(Fault::Challenge);
    }
    // §7.1 step 9, §7.2 step 13.
    if said.origin != ceremony.party.origin() {
        return Err(Fault::Origin(said.origin.chars().take(100).collect()));
    }
    // Level 3 §7.1 steps 10 and 11: no page of ours stands in a frame, so none asks from there.
    if said.cross_origin == Some(true) || said.top_origin.is_some() {
        return Err(Fault::CrossOrigin);
    }
    // §7.1 step 10, §7.2 step 14: `supported` says that the client could; `present` would need our part.
    match said.token_binding {
        Some(binding) if binding.status != "supported" => Err(Fault::TokenBinding),
        _ => Ok(()),
    }
}
