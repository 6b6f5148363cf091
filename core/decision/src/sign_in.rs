//! May this person sign in at this terminal (N3)? Signing in opens nothing: every line is decided for itself.

use model::{ConnectionRequest, HostRef, InstitutionId, Network, ServiceId, Timestamp};
use pki::{PresentPerson, VerifiedDevice};
use sha2::{Digest, Sha256};
use texts::Arg;

use crate::agreement::end_of;
use crate::case::{Answer, Case};
use crate::checks::Stop;
use crate::permit::summary;
use crate::{Cause, Denial, Gates, PersonSummary, Trust};

/// A person with a card at a terminal.
#[derive(Debug, Clone, Copy)]
pub struct SignInQuestion<'a> {
    /// The terminal.
    pub at: &'a HostRef,
    /// Who, proved to hold the card; the answer must have been given for signing in here.
    pub person: &'a PresentPerson,
    /// The terminal of the TLS session.
    pub device: &'a VerifiedDevice,
    /// The network as applied.
    pub network: &'a Network,
    /// As in [`crate::Question`].
    pub trust: Trust<'a>,
    /// The present.
    pub now: Timestamp,
}

/// They may. Only [`admit`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Admission {
    at: HostRef,
    institution: InstitutionId,
    person: PersonSummary,
    until: Timestamp,
}

impl Admission {
    /// The terminal.
    pub fn at(&self) -> &HostRef {
        &self.at
    }
    /// The institution it stands in.
    pub fn institution(&self) -> &InstitutionId {
        &self.institution
    }
    /// Who.
    pub fn person(&self) -> &PersonSummary {
        &self.person
    }
    /// The same, to keep.
    pub fn into_person(self) -> PersonSummary {
        self.person
    }
    /// First instant at which card or device certificate holds no longer.
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

/// May this person sign in here?
///
/// # Errors
/// [`Denial`] with every reason: another terminal than the certificate's, none at all, the card's answer was given for
/// something else, or a qualification nobody knows.
pub fn admit(question: &SignInQuestion<'_>) -> Result<Admission, Denial> {
    let person = question.person.person();
    // Reasons speak of a service; signing in is for none of them.
    let nothing =
        ServiceId { institution: NOTHING.parse().expect("a valid name"), name: NOTHING.parse().expect("a valid name") };
    let request = ConnectionRequest { from: question.at.clone(), service: nothing };
    let case = Case {
        request: &request,
        role: person.role(),
        network: question.network,
        trust: question.trust,
        gates: Gates::default(),
        already_open: None,
        rivals: &[],
        answer: Answer::Open,
        now: question.now,
    };
    let mut reasons = Vec::new();
    let digest: [u8; 32] = Sha256::digest(model::SignIn { at: question.at.clone() }.signed_bytes()).into();
    if *question.person.request_digest() != digest {
        reasons.push(case.reason(Cause::RequestNotConfirmed, []));
    }
    if (question.device.site(), question.device.host()) != (question.at.site.as_str(), question.at.host.as_str()) {
        let named = format!("{}/{}", question.device.site(), question.device.host());
        reasons.push(case.reason(Cause::DeviceMismatch, [("named", Arg::Text(named))]));
    }
    if person.role().qualification().is_none() {
        let role = Arg::Role(person.role().text().to_owned());
        reasons.push(case.reason(Cause::RoleUnrecognised, [("role", role)]));
    }
    let terminal = case.terminal();
    if let Err(Stop::Reasons(more)) = &terminal {
        reasons.extend(more.iter().cloned());
    }
    let until = end_of(person.not_after()).min(end_of(question.device.certificate().not_after()));
    match terminal {
        Ok(place) if reasons.is_empty() && question.now < until => Ok(Admission {
            at: question.at.clone(),
            institution: place.site.institution.clone(),
            person: summary(question.person),
            until,
        }),
        _ if reasons.is_empty() => Err(Denial::new(vec![case.reason(Cause::NoTimeLeft, [])])),
        _ => Err(Denial::new(reasons)),
    }
}

/// Why a session an operator cut off from a service does not open it: [`Cause::CutByOperator`], in words.
pub fn cut_reason(request: &ConnectionRequest, network: &Network) -> texts::Reason {
    let anchors = pki::AnchorSet::new();
    let lists = pki::CrlStore::new();
    let case = Case {
        request,
        role: &pki::Role::from_text(""),
        network,
        trust: Trust { anchors: &anchors, revocation: (&lists).into() },
        gates: Gates::default(),
        already_open: None,
        rivals: &[],
        answer: Answer::Open,
        now: Timestamp(0),
    };
    case.reason(Cause::CutByOperator, [])
}

/// Stands in reasons where a service would.
const NOTHING: &str = "sign-in";
