//! Certification paths: from an end entity to a trust anchor (RFC 5280 §6, without policy trees).

use crate::anchors::{AnchorSet, Purpose, TrustAnchor};
use crate::certificate::Certificate;
use crate::crl::CrlStore;
use crate::public_key::SignatureAlgorithm;
use crate::refusal::Refusal;
use crate::time::UnixSeconds;

/// Most certificates a presented chain may have.
pub(crate) const MAX_PRESENTED: usize = 8;
/// Most certificates between (and with) end entity and anchor; real HPKI paths have two.
const MAX_PATH: usize = 5;
/// Most signatures checked while searching, so that a crafted bag of certificates costs little.
const MAX_SIGNATURE_CHECKS: usize = 32;
/// How far in the future a CRL may be dated, in seconds: clocks of CA and verifier differ.
const CLOCK_TOLERANCE: i64 = 60;

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
    crls: &CrlStore,
    now: UnixSeconds,
    refusals: &mut Vec<Refusal>,
) -> Option<&'a TrustAnchor> {
    let (leaf, presented) = chain.split_first()?;
    let mut search = Search { pool: Vec::new(), anchors, purpose, found: Vec::new(), dead_ends: Vec::new(), checks: 0 };
    search.pool.extend(presented);
    search.pool.extend(anchors.intermediates());
    search.extend(&mut vec![leaf]);

    let judged = search.found.into_iter().map(|path| (path.check(crls, now), path.anchor));
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

struct Path<'a> {
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
        if subject.is_signed_by(candidate.public_key()).is_err() {
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

fn key_identifiers_agree(subject: &Certificate, issuer: &Certificate) -> bool {
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

impl Path<'_> {
    fn check(&self, crls: &CrlStore, now: UnixSeconds) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for (position, certificate) in self.certificates.iter().enumerate() {
            check_alone(certificate, now, &mut refusals);
            let issuer = self.certificates.get(position + 1).copied().unwrap_or(&self.anchor.certificate);
            // Only CAs between the issuer and the end entity count for pathLen.
            check_issuer(issuer, position, &mut refusals);
            let max_age = (position == 0).then_some(self.anchor.max_crl_age);
            check_revocation(certificate, issuer, crls, max_age, now, &mut refusals);
        }
        check_alone(&self.anchor.certificate, now, &mut refusals);
        refusals
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

fn check_revocation(
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &CrlStore,
    max_age: Option<i64>,
    now: UnixSeconds,
    refusals: &mut Vec<Refusal>,
) {
    let name = || issuer.subject().to_string();
    let Some(crl) = crls.of(issuer) else {
        refusals.push(Refusal::CrlMissing { issuer: name() });
        return;
    };
    // A revocation stays true however old the list is, so it is said besides the staleness.
    if let Some((at, reason)) = crl.revocation_of(certificate.serial()) {
        let (subject, serial) = (certificate.subject().to_string(), certificate.serial_hex());
        refusals.push(Refusal::Revoked { subject, serial, at, reason });
    }
    if now > crl.next_update {
        refusals.push(Refusal::CrlStale { issuer: name(), next_update: crl.next_update });
    }
    if let Some(max_age) = max_age
        && now.saturating_sub(crl.this_update) > max_age
    {
        refusals.push(Refusal::CrlTooOld { issuer: name(), this_update: crl.this_update, max_age });
    }
    if crl.this_update > now.saturating_add(CLOCK_TOLERANCE) {
        refusals.push(Refusal::CrlFromFuture { issuer: name(), this_update: crl.this_update });
    }
}

fn push_once(refusals: &mut Vec<Refusal>, refusal: Refusal) {
    if !refusals.contains(&refusal) {
        refusals.push(refusal);
    }
}
