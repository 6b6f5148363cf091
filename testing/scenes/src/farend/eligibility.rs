//! The eligibility server of the payer, the program at the terminal, and somebody who sits between them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lab::Netns;
use serde_json::{Value, json};

use super::card::{card_answered, random};
use super::{CardRefusal, FarEnd, Handler, Identity, InstitutionKey, InsuranceCard, Session, Target};

/// The server.
pub struct EligibilityServer {
    institution: InstitutionKey,
    /// Public keys of cards by number.
    cards: BTreeMap<String, Vec<u8>>,
    /// Nonces given out, by the exporter of the session they belong to; each serves once.
    nonces: Mutex<BTreeMap<[u8; 32], [u8; 32]>>,
}

impl EligibilityServer {
    /// Knows these cards.
    pub fn new(institution: InstitutionKey, cards: &[&InsuranceCard]) -> Self {
        let cards = cards.iter().map(|card| (card.number.clone(), card.public())).collect();
        Self { institution, cards, nonces: Mutex::default() }
    }

    /// What it answers.
    pub fn handler(self) -> Handler {
        let server = Arc::new(self);
        Arc::new(move |ask| match (ask.method.as_str(), ask.path.as_str()) {
            ("POST", "/v1/institution-authentication") => server.authenticate(&ask.body, &ask.exporter),
            ("POST", "/v1/eligibility") => server.eligibility(&ask.body, &ask.exporter, &ask.peer),
            _ => (404, json!({"error": "no such path"})),
        })
    }

    fn nonces(&self) -> std::sync::MutexGuard<'_, BTreeMap<[u8; 32], [u8; 32]>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn authenticate(&self, body: &Value, exporter: &[u8; 32]) -> (u16, Value) {
        let Some(challenge) = octets(&body["challenge"]) else { return (400, json!({"error": "challenge"})) };
        let (Ok(proof), Ok(nonce)) = (self.institution.prove(&challenge, exporter), random()) else {
            return (500, json!({"error": "no randomness"}));
        };
        self.nonces().insert(*exporter, nonce);
        (200, json!({"proof": proof, "nonce": hex::encode(nonce)}))
    }

    fn eligibility(&self, body: &Value, exporter: &[u8; 32], terminal: &str) -> (u16, Value) {
        let Some(nonce) = self.nonces().remove(exporter) else { return (409, json!({"error": "authenticate first"})) };
        let card = body["card"].as_str().unwrap_or_default();
        let Some(key) = self.cards.get(card) else { return (404, json!({"error": "unknown card"})) };
        if !card_answered(key, &nonce, exporter, body) {
            return (403, json!({"error": "the card did not answer on this channel"}));
        }
        (
            200,
            json!({
                "insurer-number": "06130012", "insured-symbol": "12-34", "insured-number": "567890", "branch": "01",
                "qualification": "valid", "copayment-percent": 30, "valid-until": "2027-03-31", "asked-by": terminal,
            }),
        )
    }
}

fn octets(value: &Value) -> Option<[u8; 32]> {
    hex::decode(value.as_str()?).ok()?.try_into().ok()
}

/// The program at the terminal, with a card in its reader: the card lets the institution prove itself, then answers.
pub fn check_eligibility(session: &mut Session, card: &InsuranceCard) -> Result<Value, String> {
    let challenge = random()?;
    let asked = json!({"challenge": hex::encode(challenge)});
    let reply = session.ask("POST", "/v1/institution-authentication", &asked)?;
    let nonce = octets(&reply.body["nonce"]).ok_or_else(|| format!("no proof: {} {}", reply.status, reply.body))?;
    let answer = card.answer(&challenge, &session.exporter, &reply.body["proof"], &nonce);
    let answer = answer.map_err(|refusal: CardRefusal| format!("card: {refusal:?}"))?;
    let reply = session.ask("POST", "/v1/eligibility", &answer)?;
    if reply.status == 200 { Ok(reply.body) } else { Err(format!("server: {} {}", reply.status, reply.body)) }
}

/// Somebody between terminal and server, in the best position there can be: with a certificate the terminal believes, a
/// client certificate the server believes, and the line open. He passes every question on and every answer back.
pub fn man_in_the_middle(
    netns: &Netns,
    port: u16,
    as_server: &Identity,
    clients: &str,
    upstream: &Target,
    as_client: &Identity,
) -> Result<FarEnd, String> {
    let session = Mutex::new(Session::open(netns, upstream, Some(as_client))?);
    let handler: Handler = Arc::new(move |ask| {
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        match session.ask(&ask.method, &ask.path, &ask.body) {
            Ok(reply) => (reply.status, reply.body),
            Err(why) => (502, json!({"error": why})),
        }
    });
    FarEnd::serve(netns, port, as_server, Some(clients), handler)
}
