//! A second person, at the provider, agrees to what somebody asked for (N8).

use model::{ConnectionRequest, HostRef, Network, Timestamp};
use pki::{PresentPerson, VerifiedDevice};
use texts::Arg;

use crate::case::{Answer, Case};
use crate::sign_in::{self, SignInQuestion};
use crate::{Cause, Consultation, Denial, Gates, PersonSummary, Trust};

/// May this person agree to what another asked for?
#[derive(Debug, Clone, Copy)]
pub struct ApprovalQuestion<'a> {
    /// What was asked for.
    pub request: &'a ConnectionRequest,
    /// SHA-256 of the card of who asked for it.
    pub asker: [u8; 32],
    /// `<issuer CN>/<serialNumber>` of who asked for it.
    pub asker_identity: &'a str,
    /// Where the other sits, signed in.
    pub at: &'a HostRef,
    /// Who would agree.
    pub person: &'a PresentPerson,
    /// Their terminal.
    pub device: &'a VerifiedDevice,
    /// The network as applied.
    pub network: &'a Network,
    /// As in [`crate::Question`].
    pub trust: Trust<'a>,
    /// The present.
    pub now: Timestamp,
}

/// Somebody who may has agreed. Only [`approve`] makes one, and it is good for this request of this person alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Approved {
    request: ConnectionRequest,
    asker: [u8; 32],
    approver: PersonSummary,
    until: Timestamp,
}

impl Approved {
    /// Who agreed.
    pub fn approver(&self) -> &PersonSummary {
        &self.approver
    }
    /// First instant it is good for nothing.
    pub fn until(&self) -> Timestamp {
        self.until
    }
    /// Was it given for this request of the holder of this card, and is it still good?
    pub fn covers(&self, request: &ConnectionRequest, asker: &[u8; 32], now: Timestamp) -> bool {
        self.request == *request && self.asker == *asker && now < self.until
    }
}

impl Consultation<'_> {
    /// What it says to this request of the holder of this card now.
    pub fn answer(self, request: &ConnectionRequest, asker: &[u8; 32], now: Timestamp) -> Answer {
        match self {
            Self::Given(approved) if approved.covers(request, asker, now) => Answer::Given,
            Self::Given(_) | Self::Open => Answer::Open,
            Self::Refused => Answer::Refused,
        }
    }
}

/// Agrees.
///
/// # Errors
/// [`Denial`]: not signed in there, not of the provider, not of an approving qualification, or the asker themselves.
pub fn approve(question: &ApprovalQuestion<'_>) -> Result<Approved, Denial> {
    let admission = sign_in::admit(&SignInQuestion {
        at: question.at,
        person: question.person,
        device: question.device,
        network: question.network,
        trust: question.trust,
        now: question.now,
    })?;
    let person = question.person.person();
    let case = Case {
        request: question.request,
        role: person.role(),
        network: question.network,
        trust: question.trust,
        gates: Gates::default(),
        already_open: None,
        rivals: &[],
        answer: Answer::Open,
        now: question.now,
    };
    let service = question.network.services.get(&question.request.service);
    let Some(approval) = service.and_then(|s| s.approval.as_ref()) else {
        return Err(Denial::new(vec![case.reason(Cause::ApprovalNotAsked, [])]));
    };
    let mut reasons = Vec::new();
    if admission.institution() != &question.request.service.institution {
        reasons.push(case.reason(Cause::ApproverNotOfProvider, [("at", Arg::text(question.at))]));
    }
    if person.role().qualification().is_none() || !approval.roles.iter().any(|r| r == person.role().text()) {
        let role = Arg::Role(person.role().text().to_owned());
        reasons.push(case.reason(Cause::ApproverRole, [("role", role), ("accepted", Arg::roles(&approval.roles))]));
    }
    if *person.fingerprint() == question.asker || person.identity() == question.asker_identity {
        reasons.push(case.reason(Cause::ApproverIsAsker, []));
    }
    if !reasons.is_empty() {
        return Err(Denial::new(reasons));
    }
    Ok(Approved {
        request: question.request.clone(),
        asker: question.asker,
        approver: admission.into_person(),
        until: question.now.plus_ms(approval.wait_ms),
    })
}
