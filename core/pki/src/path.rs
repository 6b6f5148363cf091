//! Certification paths: from an end entity to a trust anchor (RFC 5280 §6, without policy trees).

use crate::anchors::{AnchorSet, Purpose, TrustAnchor};
use crate::certificate::Certificate;
use crate::public_key::SignatureAlgorithm;
use crate::refusal::Refusal;
use crate::revocation::{Demand, Revocation, check_revocation};
use crate::time::UnixSeconds;

/// Most certificates a presented chain may have.
pub(crate) const MAX_PRESENTED: usize = 8;
/// Most certificates between (and with) end entity and anchor; real HPKI paths have two.
const MAX_PATH: usize = 5;
/// Most signatures checked while searching, so that a crafted bag of certificates costs little.
const MAX_SIGNATURE_CHECKS: usize = 32;
/// How far in the future a CRL or an OCSP answer may be dated, in seconds: clocks of CA and verifier differ.
pub(crate) const CLOCK_TOLERANCE: i64 = 60;

/// Reads the presented certificates, end entity first.
pub(crate) fn read_chain(chain_der: &[&[u8]]) -> Result<Vec<Certificate>, Vec<Refusal>> {
    if chain_der.is_empty() || chain_der.len() > MAX_PRESENTED {
        return Err(vec![Refusal::ChainLength { found: chain_der.len(), max: MAX_PRESENTED }]);
    }
    let mut refusals = Vec::new();
    let mut certificates = Vec::new();
    for (index, der) in chain_der.iter().enumerate() {
        match Certificate::parse(der) {
            Ok(certificate) => certificates.push(certificate),
            Err(e) => refusals.push(Refusal::Malformed { index, what: e.what, offset: e.offset }),
        }
    }
    if refusals.is_empty() { Ok(certificates) } else { Err(refusals) }
}

/// Finds a path for `chain[0]` and checks every certificate on it; reasons go to `refusals`.
///
/// Returns the anchor that was reached, even if something on the way is refused. If several paths
/// exist, one without a reason to refuse wins, else the one with the fewest.
pub(crate) fn check_path<'a>(
    chain: &'a [Certificate],
    anchors: &'a AnchorSet,
    purpose: Purpose,
    held: Revocation<'_>,
    now: UnixSeconds,
    refusals: &mut Vec<Refusal>,
) -> Option<&'a TrustAnchor> {
    let leaf = chain.first()?;
    let search = Search::through(chain, anchors, purpose);
    let judged = search.found.into_iter().map(|path| (path.check(held, now), path.anchor));
    match judged.min_by_key(|(reasons, _)| reasons.len()) {
        Some((reasons, anchor)) => {
            refusals.extend(reasons);
            Some(anchor)
        }
        None => {
            refusals.extend(search.dead_ends);
            check_alone(leaf, now, refusals);
            None
        }
    }
}

/// The first path that leads from `chain[0]` to an anchor, judged by nothing but names and signatures.
pub(crate) fn first_path<'a>(chain: &'a [Certificate], anchors: &'a AnchorSet, purpose: Purpose) -> Option<Path<'a>> {
    Search::through(chain, anchors, purpose).found.into_iter().next()
}

pub(crate) struct Path<'a> {
    /// End entity first, anchor not included.
    certificates: Vec<&'a Certificate>,
    anchor: &'a TrustAnchor,
}

struct Search<'a> {
    pool: Vec<&'a Certificate>,
    anchors: &'a AnchorSet,
    purpose: Purpose,
    found: Vec<Path<'a>>,
    dead_ends: Vec<Refusal>,
    checks: usize,
}

impl<'a> Search<'a> {
    fn through(chain: &'a [Certificate], anchors: &'a AnchorSet, purpose: Purpose) -> Self {
        let mut search =
            Self { pool: Vec::new(), anchors, purpose, found: Vec::new(), dead_ends: Vec::new(), checks: 0 };
        if let Some((leaf, presented)) = chain.split_first() {
            search.pool.extend(presented);
            search.pool.extend(anchors.intermediates());
            search.extend(&mut vec![leaf]);
        }
        search
    }

    fn extend(&mut self, path: &mut Vec<&'a Certificate>) {
        let Some(&current) = path.last() else { return };
        let mut failures = Vec::new();
        let mut continued = false;
        let anchors = self.anchors;
        for anchor in anchors.for_purpose(self.purpose) {
            if self.is_issuer(current, &anchor.certificate, &mut failures) {
                self.found.push(Path { certificates: path.clone(), anchor });
                continued = true;
            }
        }
        for candidate in self.pool.clone() {
            let looping = path.iter().any(|known| known.der() == candidate.der());
            if !looping && path.len() < MAX_PATH && self.is_issuer(current, candidate, &mut failures) {
                continued = true;
                path.push(candidate);
                self.extend(path);
                path.pop();
            }
        }
        if !continued {
            for failure in failures {
                push_once(&mut self.dead_ends, failure);
            }
            let dead_end = Refusal::UntrustedChain {
                subject: current.subject().to_string(),
                issuer: current.issuer().to_string(),
            };
            push_once(&mut self.dead_ends, dead_end);
        }
    }

    /// Whether the candidate's name, key and key identifiers are those of `subject`'s issuer.
    fn is_issuer(&mut self, subject: &Certificate, candidate: &Certificate, failures: &mut Vec<Refusal>) -> bool {
        if subject.issuer() != candidate.subject() || self.checks >= MAX_SIGNATURE_CHECKS {
            return false;
        }
        self.checks += 1;
        let names = || (subject.subject().to_string(), candidate.subject().to_string());
        if self.anchors.is_signed_by(subject, candidate.public_key()).is_err() {
            let (subject, issuer) = names();
            failures.push(Refusal::BadSignature { subject, issuer });
            return false;
        }
        if !key_identifiers_agree(subject, candidate) {
            let (subject, issuer) = names();
            failures.push(Refusal::IssuerMismatch { subject, issuer });
            return false;
        }
        true
    }
}

pub(crate) fn key_identifiers_agree(subject: &Certificate, issuer: &Certificate) -> bool {
    let Some(stated) = &subject.extensions.authority_key_id else { return true };
    let key_agrees = match (&stated.key_id, &issuer.extensions.subject_key_id) {
        (Some(stated), Some(real)) => stated == real,
        _ => true,
    };
    // The two others name the certificate of the issuer by *its* issuer and serial number.
    key_agrees
        && stated.issuer.as_ref().is_none_or(|name| name == issuer.issuer())
        && stated.serial.as_ref().is_none_or(|serial| serial == issuer.serial())
}

impl<'a> Path<'a> {
    fn check(&self, held: Revocation<'_>, now: UnixSeconds) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for (position, (certificate, issuer, demand)) in self.links().enumerate() {
            check_alone(certificate, now, &mut refusals);
            // Only CAs between the issuer and the end entity count for pathLen.
            check_issuer(issuer, position, &mut refusals);
            check_revocation(certificate, issuer, held, demand, now, &mut refusals);
        }
        check_alone(&self.anchor.certificate, now, &mut refusals);
        refusals
    }

    /// Every certificate with its issuer and what the anchor demands to hear about its revocation, end entity first.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&'a Certificate, &'a Certificate, Demand)> {
        let anchor = self.anchor;
        self.certificates.iter().enumerate().map(move |(position, certificate)| {
            let issuer = self.certificates.get(position + 1).copied().unwrap_or(&anchor.certificate);
            let demand = Demand {
                policy: anchor.revocation.at(position),
                max_crl_age: (position == 0).then_some(anchor.max_crl_age),
                max_ocsp_age: anchor.max_ocsp_age,
                end_entity: position == 0,
            };
            (*certificate, issuer, demand)
        })
    }
}

/// What can be judged of a certificate by itself.
fn check_alone(certificate: &Certificate, now: UnixSeconds, refusals: &mut Vec<Refusal>) {
    let subject = || certificate.subject().to_string();
    if now < certificate.not_before() {
        refusals.push(Refusal::NotYetValid { subject: subject(), not_before: certificate.not_before() });
    }
    if now > certificate.not_after() {
        refusals.push(Refusal::Expired { subject: subject(), not_after: certificate.not_after() });
    }
    if !certificate.public_key().is_strong() {
        refusals.push(Refusal::WeakKey { subject: subject(), key: certificate.public_key().to_string() });
    }
    if let SignatureAlgorithm::Other(oid) = &certificate.signature_algorithm {
        refusals.push(Refusal::WeakSignature { subject: subject(), algorithm: oid.to_string() });
    }
    for oid in &certificate.extensions.unknown_critical {
        refusals.push(Refusal::UnknownCriticalExtension { subject: subject(), oid: oid.to_string() });
    }
}

fn check_issuer(issuer: &Certificate, cas_below: usize, refusals: &mut Vec<Refusal>) {
    let mut refuse = |why| push_once(refusals, Refusal::NotAnIssuer { subject: issuer.subject().to_string(), why });
    match issuer.basic_constraints() {
        Some(constraints) if constraints.ca => {
            if constraints.path_length.is_some_and(|limit| cas_below > limit as usize) {
                refuse("more CAs follow than pathLenConstraint allows");
            }
        }
        _ => refuse("basicConstraints does not say cA"),
    }
    if !issuer.key_usage().is_some_and(|usage| usage.key_cert_sign()) {
        refuse("keyUsage lacks keyCertSign");
    }
}

fn push_once(refusals: &mut Vec<Refusal>, refusal: Refusal) {
    if !refusals.contains(&refusal) {
        refusals.push(refusal);
    }
}
