//! Sign-ins and questions to providers, as the registry keeps them, so that a start of the center loses none (N3, N8).
//!
//! What a card and a terminal showed is kept whole: after a start everything is judged again by it, never believed. It
//! opens nothing by itself: the nonce was used up, and the cookie is kept as its digest.

use audit::Person;
use decision::PersonSummary;
use model::{ConnectionRequest, HostRef, InstitutionId, ServiceId, SessionId, Timestamp};
use pki::{ClientHandshake, TlsVersion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::live::Proofs;
use crate::presence::{CardAnswer, Shown};
use crate::session::Session;

/// Bytes as hexadecimal text.
type Hex = String;

/// A sign-in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptSession {
    at: HostRef,
    institution: InstitutionId,
    person: PersonSummary,
    who: Person,
    shown: KeptShown,
    since: Timestamp,
    until: Timestamp,
    cut: BTreeSet<ServiceId>,
    browser: Option<Hex>,
}

/// A question to a provider.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptApproval {
    pub request: ConnectionRequest,
    pub person: Person,
    pub identity: String,
    pub session: Option<SessionId>,
    pub asked_at: Timestamp,
    pub until: Timestamp,
    pub answer: KeptAnswer,
}

/// What the provider said.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeptAnswer {
    Open,
    Refused,
    /// By whom: judged again before it counts again.
    Given {
        at: HostRef,
        shown: Box<KeptShown>,
    },
}

/// Both proofs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptShown {
    device: Vec<Hex>,
    nonce: Option<Hex>,
    exporter: Hex,
    card: Vec<Hex>,
    answer: KeptCardAnswer,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KeptCardAnswer {
    Signature(Hex),
    Handshake12 { message: Hex, scheme: u16, signature: Hex },
    Handshake13 { message: Hex, scheme: u16, signature: Hex },
}

/// The chains alone: what a line outside a session is judged by when revocation lists change.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptProofs {
    card: Vec<Hex>,
    device: Vec<Hex>,
}

impl KeptSession {
    pub fn of(session: &Session) -> Self {
        Self {
            at: session.at.clone(),
            institution: session.institution.clone(),
            person: session.person.clone(),
            who: session.who.clone(),
            shown: KeptShown::of(&session.shown),
            since: session.since,
            until: session.until,
            cut: session.cut.clone(),
            browser: session.browser.map(hex::encode),
        }
    }

    /// As it will be, barred from these services.
    pub fn barred(session: &Session, cut: &BTreeSet<ServiceId>) -> Self {
        Self { cut: cut.clone(), ..Self::of(session) }
    }

    pub fn restored(self, id: SessionId) -> Option<Session> {
        Some(Session {
            id,
            at: self.at,
            institution: self.institution,
            person: self.person,
            who: self.who,
            shown: self.shown.restored()?,
            since: self.since,
            until: self.until,
            cut: self.cut,
            browser: match self.browser {
                Some(digest) => Some(array(&digest)?),
                None => None,
            },
        })
    }
}

impl KeptShown {
    pub fn of(shown: &Shown) -> Self {
        Self {
            device: hexes(&shown.device),
            nonce: shown.nonce.map(hex::encode),
            exporter: hex::encode(shown.exporter),
            card: hexes(&shown.card),
            answer: match &shown.answer {
                CardAnswer::Signature(signature) => KeptCardAnswer::Signature(hex::encode(signature)),
                CardAnswer::Handshake(handshake) => {
                    let (message, signature) = (hex::encode(&handshake.message), hex::encode(&handshake.signature));
                    let scheme = handshake.scheme;
                    match handshake.version {
                        TlsVersion::Tls12 => KeptCardAnswer::Handshake12 { message, scheme, signature },
                        TlsVersion::Tls13 => KeptCardAnswer::Handshake13 { message, scheme, signature },
                    }
                }
            },
        }
    }

    pub fn restored(&self) -> Option<Shown> {
        let handshake = |version, message: &str, scheme: u16, signature: &str| {
            let (message, signature) = (hex::decode(message).ok()?, hex::decode(signature).ok()?);
            Some(CardAnswer::Handshake(ClientHandshake { version, message, scheme, signature }))
        };
        Some(Shown {
            device: bytes(&self.device)?,
            nonce: match &self.nonce {
                Some(nonce) => Some(array(nonce)?),
                None => None,
            },
            exporter: array(&self.exporter)?,
            card: bytes(&self.card)?,
            answer: match &self.answer {
                KeptCardAnswer::Signature(signature) => CardAnswer::Signature(hex::decode(signature).ok()?),
                KeptCardAnswer::Handshake12 { message, scheme, signature } => {
                    handshake(TlsVersion::Tls12, message, *scheme, signature)?
                }
                KeptCardAnswer::Handshake13 { message, scheme, signature } => {
                    handshake(TlsVersion::Tls13, message, *scheme, signature)?
                }
            },
        })
    }
}

impl KeptProofs {
    pub fn of(shown: &Shown) -> Self {
        Self { card: hexes(&shown.card), device: hexes(&shown.device) }
    }

    pub fn read(text: &str) -> Option<Proofs> {
        let kept: Self = serde_json::from_str(text).ok()?;
        Some(Proofs { card: bytes(&kept.card)?, device: bytes(&kept.device)? })
    }
}

fn hexes(chain: &[Vec<u8>]) -> Vec<Hex> {
    chain.iter().map(hex::encode).collect()
}

fn bytes(chain: &[Hex]) -> Option<Vec<Vec<u8>>> {
    chain.iter().map(|text| hex::decode(text).ok()).collect()
}

fn array(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown() -> impl Strategy<Value = Shown> {
        let chain = || proptest::collection::vec(any::<Vec<u8>>(), 0..3);
        let answer = prop_oneof![
            any::<Vec<u8>>().prop_map(CardAnswer::Signature),
            (any::<bool>(), any::<Vec<u8>>(), any::<u16>(), any::<Vec<u8>>()).prop_map(
                |(old, message, scheme, signature)| {
                    let version = if old { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
                    CardAnswer::Handshake(ClientHandshake { version, message, scheme, signature })
                }
            ),
        ];
        (chain(), any::<Option<[u8; 32]>>(), any::<[u8; 32]>(), chain(), answer)
            .prop_map(|(device, nonce, exporter, card, answer)| Shown { device, nonce, exporter, card, answer })
    }

    proptest! {
        #[test]
        fn what_was_shown_comes_back_byte_for_byte(shown in shown()) {
            let kept = serde_json::to_string(&KeptShown::of(&shown)).unwrap();
            let back: KeptShown = serde_json::from_str(&kept).unwrap();
            prop_assert_eq!(format!("{:?}", back.restored().unwrap()), format!("{shown:?}"));
        }

        #[test]
        fn any_text_is_read_or_refused_and_never_panics(text in ".{0,200}") {
            let _ = KeptProofs::read(&text);
            let _ = serde_json::from_str::<KeptShown>(&text).map(|kept| kept.restored().is_some());
        }
    }

    #[test]
    fn broken_hexadecimal_is_no_proof() {
        assert!(KeptProofs::read(r#"{"card":["0g"],"device":[]}"#).is_none());
        assert!(KeptProofs::read(r#"{"card":["00"],"device":["ff"]}"#).is_some());
    }
}
