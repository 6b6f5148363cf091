//! Have both institutions agreed (G12)?

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Agreement, AgreementSignature, InstitutionId, Section, Side, Timestamp};
use pki::{Refusal, VerifiedInstitution, verify_institution};
use std::collections::BTreeSet;
use texts::{Arg, Reason};

use crate::Cause;
use crate::case::Case;
use crate::checks::{Found, Stop};

/// An agreement that holds now, signed by both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Consent<'a> {
    pub agreement: &'a Agreement,
    /// First instant at which the agreement or one of its signing certificates holds no longer.
    pub until: Timestamp,
}

impl<'a> Case<'a> {
    /// The agreement of `consumer` with the service's provider that lasts longest; else what is wrong with each.
    pub(crate) fn agreement(&self, consumer: &InstitutionId) -> Found<Consent<'a>> {
        let service = &self.request.service;
        let about_this =
            |a: &&Agreement| a.service == *service && a.consumer == *consumer && a.provider == service.institution;
        let mut best: Option<Consent<'a>> = None;
        let mut reasons = Vec::new();
        for agreement in self.network.agreements.values().filter(about_this) {
            match self.consent(agreement) {
                Ok(consent) if best.is_none_or(|b| consent.until > b.until) => best = Some(consent),
                Ok(_) => {}
                Err(found) => reasons.extend(found),
            }
        }
        match best {
            Some(consent) => Ok(consent),
            None if reasons.is_empty() => Err(self.reason(Cause::NoAgreement, []).into()),
            None => Err(Stop::Reasons(reasons)),
        }
    }

    fn consent(&self, agreement: &'a Agreement) -> Result<Consent<'a>, Vec<Reason>> {
        let mut reasons = Vec::new();
        let mut until = agreement.valid_until;
        let id = ("agreement", Arg::text(&agreement.id));
        if self.now < agreement.valid_from {
            let at = ("at", Arg::Time(agreement.valid_from));
            reasons.push(self.reason(Cause::AgreementNotYetValid, [id.clone(), at]));
        }
        if self.now >= agreement.valid_until {
            let at = ("at", Arg::Time(agreement.valid_until));
            reasons.push(self.reason(Cause::AgreementExpired, [id, at]));
        }
        for side in [Side::Consumer, Side::Provider] {
            match self.signed_until(agreement, side) {
                Ok(end) => until = until.min(end),
                Err(causes) => reasons.extend(causes.into_iter().map(|c| self.signature_reason(agreement, side, c))),
            }
        }
        if reasons.is_empty() { Ok(Consent { agreement, until }) } else { Err(reasons) }
    }

    /// Until when the certificate behind this side's signature holds.
    fn signed_until(&self, agreement: &Agreement, side: Side) -> Result<Timestamp, BTreeSet<Cause>> {
        let Some(signature) = agreement.signatures.get(&side) else { return Err([Cause::SignatureMissing].into()) };
        let signer = self.signer(signature)?;
        let mut causes = BTreeSet::new();
        if signer.id() != agreement.party(side).as_str() {
            causes.insert(Cause::SignerIsAnother);
        }
        let fits = STANDARD.decode(signature.value.trim()).is_ok_and(|value| {
            self.trust.anchors.verify_detached(signer.certificate(), &agreement.signed_bytes(), &value).is_ok()
        });
        if !fits {
            causes.insert(Cause::SignatureInvalid);
        }
        if causes.is_empty() { Ok(end_of(signer.certificate().not_after())) } else { Err(causes) }
    }

    fn signer(&self, signature: &AgreementSignature) -> Result<VerifiedInstitution, BTreeSet<Cause>> {
        let chain = read_pem_chain(&signature.certificate).ok_or([Cause::SignerNotTrusted])?;
        let slices: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        verify_institution(&slices, self.trust.anchors, self.trust.revocation, self.now.unix_seconds())
            .map_err(|refusals| refusals.iter().map(cause_of).collect())
    }

    fn signature_reason(&self, agreement: &Agreement, side: Side, cause: Cause) -> Reason {
        let section = match side {
            Side::Consumer => Section::InHouseLan,
            Side::Provider => Section::Peer,
        };
        let args = [
            ("agreement", Arg::text(&agreement.id)),
            ("side", Arg::Key(format!("side-{side}"))),
            ("party", self.institution(agreement.party(side))),
        ];
        self.reason_in(section, cause, args)
    }
}

/// The instant after the last second of a certificate.
pub(crate) fn end_of(not_after: i64) -> Timestamp {
    Timestamp::from_unix_seconds(not_after.saturating_add(1))
}

fn cause_of(refusal: &Refusal) -> Cause {
    match refusal {
        Refusal::NotYetValid { .. } | Refusal::Expired { .. } => Cause::SignerNotValidNow,
        Refusal::Revoked { .. } => Cause::SignerRevoked,
        Refusal::IdentityWrong { .. } => Cause::SignerIsAnother,
        Refusal::CrlMissing { .. }
        | Refusal::CrlStale { .. }
        | Refusal::CrlTooOld { .. }
        | Refusal::CrlFromFuture { .. }
        | Refusal::OcspMissing { .. }
        | Refusal::OcspStale { .. }
        | Refusal::OcspTooOld { .. }
        | Refusal::OcspFromFuture { .. }
        | Refusal::OcspUnknown { .. }
        | Refusal::ResponderNotValid { .. } => Cause::SignerRevocationUnknown,
        Refusal::Malformed { .. }
        | Refusal::ChainLength { .. }
        | Refusal::UntrustedChain { .. }
        | Refusal::BadSignature { .. }
        | Refusal::NotAnIssuer { .. }
        | Refusal::WrongUsage { .. }
        | Refusal::SignatureCard { .. }
        | Refusal::PolicyNotAccepted { .. }
        | Refusal::PolicyNotCritical
        | Refusal::UnknownCriticalExtension { .. }
        | Refusal::RoleMissing
        | Refusal::RoleMalformed { .. }
        | Refusal::SeveralRoles { .. }
        | Refusal::RoleUnknown { .. }
        | Refusal::WeakKey { .. }
        | Refusal::WeakSignature { .. }
        | Refusal::SubjectIncomplete { .. }
        | Refusal::PurposeMissing { .. }
        | Refusal::EndEntityIsCa { .. }
        | Refusal::ChallengeFailed
        | Refusal::IssuerMismatch { .. } => Cause::SignerNotTrusted,
    }
}

/// Certificates of a PEM text (RFC 7468), in order; none if any block is unreadable or of another kind.
fn read_pem_chain(text: &str) -> Option<Vec<Vec<u8>>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut chain = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (body, after) = rest.strip_prefix(BEGIN)?.split_once(END)?;
        let digits: String = body.split_ascii_whitespace().collect();
        chain.push(STANDARD.decode(digits).ok()?);
        rest = after.trim_start();
    }
    (!chain.is_empty()).then_some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_is_certificates_and_nothing_else() {
        let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert_eq!(read_pem_chain(&(block("AQID") + &block("BA==\r"))), Some(vec![vec![1, 2, 3], vec![4]]));
        for wrong in ["", "  \n", "AQID", "-----BEGIN CERTIFICATE-----\nAQID", &block("A!"), &(block("AQID") + "x")] {
            assert_eq!(read_pem_chain(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(-----BEGIN CERTIFICATE-----)?[ -~\n]{0,80}(-----END CERTIFICATE-----)?.{0,9}") {
            let _ = read_pem_chain(&text);
        }
    }
}
