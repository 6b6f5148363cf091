//! The proof that a connection is permitted.

use model::{AgreementId, Endpoint, Grant, GrantId, SignIn, SiteId, Timestamp};
use pki::PresentPerson;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use texts::{Arg, Reason, Texts};

use crate::agreement::{Consent, end_of};
use crate::case::Case;
use crate::checks::{Findings, Place};
use crate::{Cause, Confirmed, Denial, Question};

/// May this person, on this device, reach this service now?
///
/// # Errors
/// [`Denial`] with every reason that could be established.
pub fn decide(question: &Question<'_>) -> Result<Permit, Denial> {
    let case = Case {
        request: question.request,
        role: question.person.person().role(),
        network: question.network,
        trust: question.trust,
        gates: question.gates,
        already_open: question.already_open,
        rivals: question.rivals,
        answer: question.approval.answer(question.request, question.person.person().fingerprint(), question.now),
        now: question.now,
    };
    let findings = Findings::of(&case);
    let mut reasons = presence(question, &case);
    reasons.extend(findings.reasons());
    let Findings {
        terminal: Ok(origin),
        service: Ok((service, destination)),
        route: Ok(()),
        qualification: Ok(()),
        whitelist: Ok(index),
        agreement: Ok(Consent { agreement, until }),
        checksheets: Ok(()),
        conditions: Ok(()),
        hours: Ok(window_end),
        zones: Ok(()),
        gates: Ok(()),
        line: Ok(gives_way),
        approval: Ok(()),
    } = findings
    else {
        return Err(Denial::new(reasons));
    };
    let person = question.person.person();
    let ends = [
        question.now.plus_ms(service.lease_ms),
        until,
        end_of(person.not_after()),
        end_of(question.device.certificate().not_after()),
    ];
    let session_end = match question.confirmed {
        Confirmed::Request => None,
        Confirmed::SignIn { until, .. } => Some(until),
    };
    let lease_until = ends.into_iter().chain(window_end).chain(session_end).min().unwrap_or(question.now);
    if lease_until <= question.now && reasons.is_empty() {
        reasons.push(case.reason(Cause::NoTimeLeft, []));
    }
    if !reasons.is_empty() {
        return Err(Denial::new(reasons));
    }
    Ok(Permit {
        grant: Grant {
            id: question.grant,
            agreement: agreement.id.clone(),
            service: service.id.clone(),
            origin: endpoint(&origin),
            destination: endpoint(&destination),
            protocol: service.protocol,
            ports: service.ports.clone(),
            granted_at: question.now,
            lease_until,
            idle_ms: service.idle_ms,
        },
        allow: AllowRef { site: origin.site.id.clone(), index },
        gives_way,
        person: summary(question.person),
    })
}

pub(crate) fn summary(person: &PresentPerson) -> PersonSummary {
    let person = person.person();
    PersonSummary {
        identity: person.identity(),
        name: person.name().to_owned(),
        kanji_name: person.kanji_name().map(str::to_owned),
        role: person.role().text().to_owned(),
        card_valid_until: end_of(person.not_after()),
    }
}

/// Are card and terminal those of this request, or of the session it is made in?
fn presence(question: &Question<'_>, case: &Case<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let confirmed = match question.confirmed {
        Confirmed::Request => question.request.signed_bytes(),
        Confirmed::SignIn { .. } => SignIn { at: question.request.from.clone() }.signed_bytes(),
    };
    if let Confirmed::SignIn { until, cut } = question.confirmed {
        if question.now >= until {
            reasons.push(case.reason(Cause::SessionOver, []));
        }
        if cut {
            reasons.push(case.reason(Cause::CutByOperator, []));
        }
    }
    let digest: [u8; 32] = Sha256::digest(confirmed).into();
    if *question.person.request_digest() != digest {
        reasons.push(case.reason(Cause::RequestNotConfirmed, []));
    }
    let (device, from) = (question.device, &question.request.from);
    if (device.site(), device.host()) != (from.site.as_str(), from.host.as_str()) {
        let named = format!("{}/{}", device.site(), device.host());
        reasons.push(case.reason(Cause::DeviceMismatch, [("named", Arg::Text(named))]));
    }
    reasons
}

fn endpoint(place: &Place<'_>) -> Endpoint {
    Endpoint {
        site: place.site.id.clone(),
        institution: place.site.institution.clone(),
        host: place.host.id.clone(),
        address: place.host.address,
        zone: place.zone,
    }
}

/// A connection is permitted. Only [`decide`] makes one, so holding it proves that every condition held at
/// `grant().granted_at`; it is neither copied nor read back from anywhere.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    grant: Grant,
    gives_way: Vec<GrantId>,
    allow: AllowRef,
    person: PersonSummary,
}

impl Permit {
    /// What is permitted.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The agreement it stands on.
    pub fn agreement(&self) -> &AgreementId {
        &self.grant.agreement
    }

    /// The whitelist rule it stands on.
    pub fn allow(&self) -> &AllowRef {
        &self.allow
    }

    /// Lines that must be closed before this one opens: it is exclusive (N8).
    pub fn gives_way(&self) -> &[GrantId] {
        &self.gives_way
    }

    /// Who asked.
    pub fn person(&self) -> &PersonSummary {
        &self.person
    }

    /// What it stands on, in the reader's language: `agreement A-0012, rule clinic/allow[0]`.
    pub fn basis(&self, texts: &Texts) -> String {
        texts.say("permit-basis", &[("agreement", Arg::text(&self.grant.agreement)), ("rule", Arg::text(&self.allow))])
    }
}

/// A line of a site's whitelist, `clinic/allow[0]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowRef {
    /// The site.
    pub site: SiteId,
    /// Position in its whitelist, from 0.
    pub index: usize,
}

impl fmt::Display for AllowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/allow[{}]", self.site, self.index)
    }
}

/// What accounts and audit say of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonSummary {
    /// `<issuer CN>/<serialNumber>`: the same across card renewals.
    pub identity: String,
    /// Name in romaji.
    pub name: String,
    /// Name in kanji, if the card has it.
    pub kanji_name: Option<String>,
    /// hcRole text.
    pub role: String,
    /// First instant the card is no longer valid.
    pub card_valid_until: Timestamp,
}
