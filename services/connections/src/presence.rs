//! Who is there: a person with a card, at a terminal, judged by the lists of the moment (N2, G1).

use audit::{Digest, Person};
use decision::Denial;
use model::Timestamp;
use pki::{
    Challenge, ClientHandshake, PresentPerson, VerifiedDevice, verify_challenge, verify_device, verify_handshake,
    verify_person,
};
use sha2::{Digest as _, Sha256};

use crate::{Refused, Trouble, Trust};

/// Both proofs of a terminal's TLS session: its device certificate, and the card's answer bound to the session.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Chain of the device certificate, end entity first, DER.
    pub device: Vec<Vec<u8>>,
    /// The nonce the center gave out and has now used up; none if there was no such challenge.
    pub nonce: Option<[u8; 32]>,
    /// Exporter of the TLS session in which the card answered.
    pub exporter: [u8; 32],
    /// The card's chain, end entity first, DER.
    pub card: Vec<Vec<u8>>,
    /// The card's answer.
    pub answer: CardAnswer,
}

/// How a card shows that it is there.
#[derive(Debug, Clone)]
pub enum CardAnswer {
    /// Its signature over the challenge.
    Signature(Vec<u8>),
    /// It made the TLS session of a browser; the person confirmed inside it.
    Handshake(ClientHandshake),
}

impl Shown {
    /// The terminal, judged now.
    pub(crate) fn device(&self, trust: &Trust, now: Timestamp) -> Result<VerifiedDevice, Denial> {
        let chain: Vec<&[u8]> = self.device.iter().map(Vec::as_slice).collect();
        let verdict = verify_device(&chain, &trust.anchors, trust.revocation(), now.unix_seconds());
        verdict.map_err(|r| Denial::from_device(&r))
    }

    /// The person, judged now, who confirmed these bytes.
    pub(crate) fn person(&self, confirmed: &[u8], trust: &Trust, now: Timestamp) -> Result<PresentPerson, Refused> {
        let chain: Vec<&[u8]> = self.card.iter().map(Vec::as_slice).collect();
        let person = verify_person(&chain, &trust.anchors, trust.revocation(), now.unix_seconds())
            .map_err(|refusals| Denial::from_person(&refusals))?;
        let nonce = self.nonce.ok_or_else(|| Refused::trouble(Trouble::ChallengeUnknown, []))?;
        let request_digest = Sha256::digest(confirmed).into();
        let challenge = Challenge { nonce, tls_exporter: self.exporter, request_digest };
        let present = match &self.answer {
            CardAnswer::Signature(signature) => verify_challenge(person, &challenge, signature),
            CardAnswer::Handshake(handshake) => verify_handshake(person, handshake, &challenge),
        };
        Ok(present.map_err(|refusal| Denial::from_person(&[refusal]))?)
    }
}

/// A person as the audit log names them.
pub(crate) fn who(person: &PresentPerson) -> Person {
    let person = person.person();
    Person {
        name: person.name().to_owned(),
        role: Some(person.role().text().to_owned()),
        certificate: Digest(*person.fingerprint()),
    }
}

/// What a card says of itself, believed by nobody: so that a refusal names whose card it was.
pub(crate) fn read_person(card: &[Vec<u8>]) -> Option<Person> {
    let certificate = pki::Certificate::parse(card.first()?).ok()?;
    Some(Person {
        name: certificate.subject().common_name().unwrap_or_default().to_owned(),
        role: certificate.hc_roles().ok().and_then(|roles| roles.into_iter().next()),
        certificate: Digest(certificate.fingerprint()),
    })
}
