//! Is a certificate revoked? What lists and responders say, under the policy of the trust anchor (N2).

use crate::certificate::Certificate;
use crate::crl::CrlStore;
use crate::ocsp::{Answer, AnswerStatus, OcspStore};
use crate::path::CLOCK_TOLERANCE;
use crate::refusal::Refusal;
use crate::time::UnixSeconds;

/// Whose *good* word a trust anchor asks for, for the certificates below it.
///
/// A revocation counts whoever says it, under every policy. The policy is that of end entities; the CAs between them
/// and the anchor are judged by lists under `Crl` and as under `Either` otherwise, since most responders answer for
/// end entities only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RevocationPolicy {
    /// A fresh revocation list.
    #[default]
    Crl,
    /// A fresh answer of the OCSP responder.
    Ocsp,
    /// Both of them.
    Both,
    /// One of them suffices.
    Either,
}

impl RevocationPolicy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Crl, Self::Ocsp, Self::Both, Self::Either];

    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crl => "crl",
            Self::Ocsp => "ocsp",
            Self::Both => "both",
            Self::Either => "either",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }

    /// Whether what a responder says can matter for a good verdict.
    pub fn asks_responders(self) -> bool {
        !matches!(self, Self::Crl)
    }

    /// The policy at a place on a path, counted from the end entity, 0.
    pub(crate) fn at(self, position: usize) -> Self {
        match self {
            Self::Ocsp | Self::Both | Self::Either if position > 0 => Self::Either,
            policy => policy,
        }
    }
}

/// What is held about revocation. A store of lists alone converts into it.
#[derive(Debug, Clone, Copy)]
pub struct Revocation<'a> {
    /// Revocation lists.
    pub crls: &'a CrlStore,
    /// Answers of OCSP responders.
    pub ocsp: &'a OcspStore,
}

impl<'a> From<&'a CrlStore> for Revocation<'a> {
    fn from(crls: &'a CrlStore) -> Self {
        static NO_ANSWERS: OcspStore = OcspStore::new();
        Self { crls, ocsp: &NO_ANSWERS }
    }
}

/// What a trust anchor demands at one place of a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    pub policy: RevocationPolicy,
    /// Greatest age of a list; none for CAs, whose lists are bound by nextUpdate only.
    pub max_crl_age: Option<i64>,
    /// Greatest age of an answer; for CAs only where nextUpdate is absent.
    pub max_ocsp_age: i64,
    pub end_entity: bool,
}

/// What one source says.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub revoked: Option<Refusal>,
    /// Why it gives no good word; empty if it does, or if all it says is that the certificate is revoked.
    pub doubts: Vec<Refusal>,
}

pub(crate) fn check_revocation(
    certificate: &Certificate,
    issuer: &Certificate,
    held: Revocation<'_>,
    demand: Demand,
    now: UnixSeconds,
    refusals: &mut Vec<Refusal>,
) {
    let list = list_says(certificate, issuer, held.crls, demand, now);
    let answer = answer_says(certificate, issuer, held, demand, now);
    refusals.extend(list.revoked.or(answer.revoked));
    match demand.policy {
        RevocationPolicy::Crl => refusals.extend(list.doubts),
        RevocationPolicy::Ocsp => refusals.extend(answer.doubts),
        RevocationPolicy::Both => refusals.extend(list.doubts.into_iter().chain(answer.doubts)),
        RevocationPolicy::Either if list.doubts.is_empty() || answer.doubts.is_empty() => {}
        RevocationPolicy::Either => refusals.extend(list.doubts.into_iter().chain(answer.doubts)),
    }
}

pub(crate) fn list_says(
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &CrlStore,
    demand: Demand,
    now: UnixSeconds,
) -> Said {
    let name = || issuer.subject().to_string();
    let mut said = Said::default();
    let Some(crl) = crls.of(issuer) else {
        said.doubts.push(Refusal::CrlMissing { issuer: name() });
        return said;
    };
    // A revocation stays true however old the list is, so it is said besides the staleness.
    said.revoked = crl.revocation_of(certificate.serial()).map(|(at, reason)| {
        let (subject, serial) = (certificate.subject().to_string(), certificate.serial_hex());
        Refusal::Revoked { subject, serial, at, reason }
    });
    if now > crl.next_update {
        said.doubts.push(Refusal::CrlStale { issuer: name(), next_update: crl.next_update });
    }
    if let Some(max_age) = demand.max_crl_age
        && now.saturating_sub(crl.this_update) > max_age
    {
        said.doubts.push(Refusal::CrlTooOld { issuer: name(), this_update: crl.this_update, max_age });
    }
    if crl.this_update > now.saturating_add(CLOCK_TOLERANCE) {
        said.doubts.push(Refusal::CrlFromFuture { issuer: name(), this_update: crl.this_update });
    }
    said
}

pub(crate) fn answer_says(
    certificate: &Certificate,
    issuer: &Certificate,
    held: Revocation<'_>,
    demand: Demand,
    now: UnixSeconds,
) -> Said {
    let name = || issuer.subject().to_string();
    let mut said = Said::default();
    let Some(answer) = held.ocsp.of(issuer, certificate.serial()) else {
        said.doubts.push(Refusal::OcspMissing { issuer: name() });
        return said;
    };
    let (subject, serial) = (|| certificate.subject().to_string(), || certificate.serial_hex());
    match answer.status {
        AnswerStatus::Good => {}
        AnswerStatus::Revoked { at, reason } => {
            said.revoked = Some(Refusal::Revoked { subject: subject(), serial: serial(), at, reason });
        }
        AnswerStatus::Unknown => {
            said.doubts.push(Refusal::OcspUnknown { subject: subject(), serial: serial(), issuer: name() });
        }
    }
    if let Some(next_update) = answer.next_update.filter(|next_update| now > *next_update) {
        said.doubts.push(Refusal::OcspStale { issuer: name(), next_update });
    }
    // RFC 6960 §4.2.2.1: without nextUpdate newer information is always available, so age is all there is to judge by.
    let capped = demand.end_entity || answer.next_update.is_none();
    if capped && now.saturating_sub(answer.this_update) > demand.max_ocsp_age {
        let (this_update, max_age) = (answer.this_update, demand.max_ocsp_age);
        said.doubts.push(Refusal::OcspTooOld { issuer: name(), this_update, max_age });
    }
    if answer.this_update > now.saturating_add(CLOCK_TOLERANCE) {
        said.doubts.push(Refusal::OcspFromFuture { issuer: name(), this_update: answer.this_update });
    }
    if let Some(why) = responder_trouble(answer, issuer, held.crls, demand, now) {
        let responder = answer.delegate.as_deref().unwrap_or(issuer).subject().to_string();
        said.doubts.push(Refusal::ResponderNotValid { responder, issuer: name(), why });
    }
    said
}

/// What is wrong now with a delegate, whose authorisation was checked when the answer was taken (RFC 6960 §4.2.2.2).
fn responder_trouble(
    answer: &Answer,
    issuer: &Certificate,
    crls: &CrlStore,
    demand: Demand,
    now: UnixSeconds,
) -> Option<&'static str> {
    let delegate = answer.delegate.as_deref()?;
    if now < delegate.not_before() {
        return Some("its certificate is not valid yet");
    }
    if now > delegate.not_after() {
        return Some("its certificate expired");
    }
    let list = list_says(delegate, issuer, crls, demand, now);
    if list.revoked.is_some() {
        return Some("its certificate is revoked");
    }
    // §4.2.2.2.1: id-pkix-ocsp-nocheck spares the question; without it the same hard fail holds as for anybody.
    let unknown = !delegate.extensions.ocsp_nocheck && !list.doubts.is_empty();
    unknown.then_some("it lacks id-pkix-ocsp-nocheck and no fresh revocation list covers it")
}
