//! What a card is asked to confirm for a page of joining (R5): between the page's door and `sekisho card confirm`.

use model::Timestamp;
use serde::{Deserialize, Serialize};

/// `POST /card/call`: what does this code stand for? `POST` because a code is no part of an address, which is logged.
pub const CALL: &str = "/card/call";
/// `POST /card/answer`: the card has signed.
pub const ANSWER: &str = "/card/answer";

/// A code, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardQuestion {
    /// The code.
    pub code: String,
}

/// What a card is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardFor {
    /// Somebody logs in.
    SignIn,
    /// The card is to be a second factor from now on.
    Add,
}

impl CardFor {
    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Add => "add",
        }
    }
}

/// What is confirmed, and shown before the card is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardCall {
    /// What for.
    pub what: CardFor,
    /// User ID.
    pub user: String,
    /// Name of the institution.
    pub institution: String,
    /// Until when.
    pub until: Timestamp,
}

/// The card's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardAnswer {
    /// The code.
    pub code: String,
    /// DER in base 64: the card's certificate, then others up to an anchor.
    pub chain: Vec<String>,
    /// RSASSA-PKCS1-v1_5 with SHA-256 over [`CardCall::message`], base 64.
    pub signature: String,
}

impl CardCall {
    /// What the card signs: all that was shown, and where. `at` is the address the person gave, and the center's own idea of
    /// it there: who relays the question from another address gets a signature that is good for nothing. The text before it
    /// keeps it apart from every other use of the key.
    pub fn message(&self, at: &str, code: &str) -> Vec<u8> {
        let at = at.trim_end_matches('/').to_ascii_lowercase();
        let at = at.strip_suffix(":443").unwrap_or(&at);
        let until = self.until.0.to_string();
        let parts = ["sekisho-card-confirm-v1", at, code, self.what.as_str(), &self.user, &self.institution, &until];
        // No part has a line break in it, so no two calls are written alike.
        parts.map(|part| part.replace(['\n', '\r'], " ")).join("\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_signed_and_an_address_is_one_however_it_is_written() {
        let call = CardCall {
            what: CardFor::SignIn,
            user: "12345678".into(),
            institution: "青葉診療所".into(),
            until: Timestamp(7),
        };
        let good = call.message("https://inside.example", "K7QM-2XRD");
        assert_eq!(call.message("https://Inside.example:443/", "K7QM-2XRD"), good);
        for other in [
            call.message("https://inside.example:8443", "K7QM-2XRD"),
            call.message("https://evil.example", "K7QM-2XRD"),
            call.message("https://inside.example", "K7QM-2XRE"),
            CardCall { what: CardFor::Add, ..call.clone() }.message("https://inside.example", "K7QM-2XRD"),
            CardCall { user: "12345679".into(), ..call.clone() }.message("https://inside.example", "K7QM-2XRD"),
            CardCall { institution: "青葉".into(), ..call.clone() }.message("https://inside.example", "K7QM-2XRD"),
            CardCall { until: Timestamp(8), ..call.clone() }.message("https://inside.example", "K7QM-2XRD"),
        ] {
            assert_ne!(other, good);
        }
        let (a, b) = (
            CardCall { user: "1\n2".into(), institution: "3".into(), ..call.clone() },
            CardCall { user: "1".into(), institution: "2\n3".into(), ..call },
        );
        assert_ne!(a.message("x", "y"), b.message("x", "y"));
    }
}
