//! Persons: who they are, what they are qualified for, and that they are here now (N2).

use crate::anchors::{AnchorSet, Purpose};
use crate::certificate::Certificate;
use crate::oid::Oid;
use crate::path::{check_path, read_chain};
use crate::public_key::PublicKey;
use crate::qualification::{Qualification, QualificationKind, Role};
use crate::refusal::Refusal;
use crate::revocation::Revocation;
use crate::time::UnixSeconds;

/// Verifies a person's HPKI authentication certificate, end entity first in `chain_der`; missing
/// subordinate CAs are taken from `anchors`.
///
/// Checks path, validity, revocation, keyUsage, policy, hcRole and algorithms (N2); the error holds
/// every reason that could be established.
pub fn verify_person<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedPerson, Vec<Refusal>> {
    let chain = read_chain(chain_der)?;
    let mut refusals = Vec::new();
    let anchor = check_path(&chain, anchors, Purpose::HpkiAuthentication, revocation.into(), now, &mut refusals);
    let leaf = &chain[0];
    check_usage(leaf, &mut refusals);
    check_key(leaf, &mut refusals);
    // Without a path the policy is held against what any HPKI anchor accepts: the person shall
    // learn all that is wrong at once.
    let accepted = |oid: &Oid| match anchor {
        Some(anchor) => anchor.accepted_policies.contains(oid),
        None => anchors.for_purpose(Purpose::HpkiAuthentication).any(|a| a.accepted_policies.contains(oid)),
    };
    check_policy(leaf, accepted, &mut refusals);
    let role = check_role(leaf, &mut refusals);
    check_subject(leaf, role.as_ref(), &mut refusals);
    match role {
        Some(role) if refusals.is_empty() => Ok(VerifiedPerson::new(leaf, role)),
        _ => Err(refusals),
    }
}

/// A person whose certificate was verified; not yet that the person is here, see [`PresentPerson`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPerson {
    name: String,
    kanji_name: Option<String>,
    serial_number: String,
    organization: Option<String>,
    organizational_unit: Option<String>,
    role: Role,
    issuer: String,
    issuer_common_name: String,
    certificate_serial: String,
    fingerprint: [u8; 32],
    not_after: UnixSeconds,
    key: PublicKey,
}

impl VerifiedPerson {
    fn new(leaf: &Certificate, role: Role) -> Self {
        let (subject, issuer) = (leaf.subject(), leaf.issuer());
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            name: owned(subject.common_name()).unwrap_or_default(),
            kanji_name: leaf.directory_names().iter().find_map(|name| owned(name.common_name())),
            serial_number: owned(subject.serial_number()).unwrap_or_default(),
            organization: owned(subject.organization()),
            organizational_unit: owned(subject.organizational_unit()),
            role,
            issuer: issuer.to_string(),
            issuer_common_name: owned(issuer.common_name()).unwrap_or_default(),
            certificate_serial: leaf.serial_hex(),
            fingerprint: leaf.fingerprint(),
            not_after: leaf.not_after(),
            key: leaf.public_key().clone(),
        }
    }

    /// commonName: the name in romaji.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name in kanji, if the certificate repeats its subject in subjectAltName.
    pub fn kanji_name(&self) -> Option<&str> {
        self.kanji_name.as_deref()
    }

    /// serialNumber of the subject: unique for the person at the issuing CA.
    pub fn serial_number(&self) -> &str {
        &self.serial_number
    }

    /// `<issuer CN>/<serialNumber>`: names the person across card renewals, for registry and audit.
    pub fn identity(&self) -> String {
        format!("{}/{}", self.issuer_common_name, self.serial_number)
    }

    /// Facility (O), if stated.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// OU; `Director` for administrative qualifications.
    pub fn organizational_unit(&self) -> Option<&str> {
        self.organizational_unit.as_deref()
    }

    /// The one qualification of the card. [`Role::Unrecognised`] carries no privileges.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The qualification if it is in the table, else `P021`.
    pub fn recognised(&self) -> Result<&'static Qualification, Refusal> {
        self.role.qualification().ok_or_else(|| Refusal::RoleUnknown { text: self.role.text().to_owned() })
    }

    /// Issuer's distinguished name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The certificate's serial number, lower-case hexadecimal.
    pub fn certificate_serial(&self) -> &str {
        &self.certificate_serial
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Last second the card is valid.
    pub fn not_after(&self) -> UnixSeconds {
        self.not_after
    }

    /// The certified key.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks the card's signature over a message that is no [`Challenge`]: RSASSA-PKCS1-v1_5 with SHA-256. The message
    /// must begin with what keeps it apart from every other use of the key.
    ///
    /// # Errors
    /// [`Refusal::ChallengeFailed`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        self.key.verify_rsa_pkcs1_sha256(message, signature).map_err(|_| Refusal::ChallengeFailed)
    }
}

/// What a card signs to log in: bound to one TLS session and one request, so that an answer is
/// useless anywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    /// Random, used once; chosen by the verifier.
    pub nonce: [u8; 32],
    /// RFC 8446 §7.5 exporter of the terminal's TLS session.
    pub tls_exporter: [u8; 32],
    /// SHA-256 of the request that the person confirms.
    pub request_digest: [u8; 32],
}

impl Challenge {
    /// The bytes to sign with RSASSA-PKCS1-v1_5 and SHA-256.
    pub fn message(&self) -> Vec<u8> {
        challenge_message(&self.nonce, &self.tls_exporter, &self.request_digest)
    }
}

/// `"sekisho-login-v1" ‖ 0x00 ‖ nonce ‖ tls_exporter ‖ request_digest`, 113 octets.
///
/// The leading text separates logins from every other use of the key.
pub fn challenge_message(nonce: &[u8; 32], tls_exporter: &[u8; 32], request_digest: &[u8; 32]) -> Vec<u8> {
    [&b"sekisho-login-v1\0"[..], nonce, tls_exporter, request_digest].concat()
}

/// A verified person who proved possession of the card for this challenge: by signing it ([`verify_challenge`]), or by
/// a TLS handshake it is bound to ([`crate::verify_handshake`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentPerson {
    person: VerifiedPerson,
    challenge: Challenge,
}

impl PresentPerson {
    /// Only for the functions of this crate that have verified possession.
    pub(crate) fn new(person: VerifiedPerson, challenge: Challenge) -> Self {
        Self { person, challenge }
    }

    /// Who it is.
    pub fn person(&self) -> &VerifiedPerson {
        &self.person
    }

    /// The request that was confirmed: the caller must compare it with the one it acts on.
    pub fn request_digest(&self) -> &[u8; 32] {
        &self.challenge.request_digest
    }

    /// The answered challenge; its nonce must be one the caller issued and has now used up.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }
}

/// Checks the card's signature over `challenge`: RSASSA-PKCS1-v1_5 with SHA-256.
///
/// That nonce and exporter are those of the session is the caller's part: it builds the challenge.
pub fn verify_challenge(
    person: VerifiedPerson,
    challenge: &Challenge,
    signature: &[u8],
) -> Result<PresentPerson, Refusal> {
    match person.key.verify_rsa_pkcs1_sha256(&challenge.message(), signature) {
        Ok(()) => Ok(PresentPerson { person, challenge: *challenge }),
        Err(_) => Err(Refusal::ChallengeFailed),
    }
}

fn check_usage(leaf: &Certificate, refusals: &mut Vec<Refusal>) {
    if leaf.basic_constraints().is_some_and(|constraints| constraints.ca) {
        refusals.push(Refusal::EndEntityIsCa { subject: leaf.subject().to_string() });
    }
    let Some(usage) = leaf.key_usage() else {
        refusals.push(Refusal::WrongUsage { found: "none".into(), why: "keyUsage is absent" });
        return;
    };
    let found = usage.names().join(" ");
    if usage.non_repudiation() {
        refusals.push(Refusal::SignatureCard { found: found.clone() });
    } else if !usage.digital_signature() {
        refusals.push(Refusal::WrongUsage { found: found.clone(), why: "digitalSignature is not set" });
    }
    if !usage.critical {
        refusals.push(Refusal::WrongUsage { found, why: "keyUsage is not critical" });
    }
}

/// HPKI keys are RSA; a weak RSA key is already refused with the path.
fn check_key(leaf: &Certificate, refusals: &mut Vec<Refusal>) {
    let key = leaf.public_key();
    if key.is_strong() && !matches!(key, PublicKey::Rsa { .. }) {
        refusals.push(Refusal::WeakKey { subject: leaf.subject().to_string(), key: format!("{key}, not RSA") });
    }
}

fn check_policy(leaf: &Certificate, accepted: impl Fn(&Oid) -> bool, refusals: &mut Vec<Refusal>) {
    if !leaf.policies().iter().any(accepted) {
        let found: Vec<String> = leaf.policies().iter().map(Oid::to_string).collect();
        refusals.push(Refusal::PolicyNotAccepted { found: found.join(" ") });
    }
    if leaf.extensions.policies.as_ref().is_some_and(|policies| !policies.critical) {
        refusals.push(Refusal::PolicyNotCritical);
    }
}

fn check_role(leaf: &Certificate, refusals: &mut Vec<Refusal>) -> Option<Role> {
    let refusal = match leaf.hc_roles() {
        Ok(texts) => match texts.as_slice() {
            [] => Refusal::RoleMissing,
            [text] => return Some(Role::from_text(text)),
            several => Refusal::SeveralRoles { texts: several.join(", ") },
        },
        Err(e) => Refusal::RoleMalformed { why: e.what, offset: e.offset },
    };
    refusals.push(refusal);
    None
}

fn check_subject(leaf: &Certificate, role: Option<&Role>, refusals: &mut Vec<Refusal>) {
    let subject = leaf.subject();
    let mut require = |present: bool, missing| {
        if !present {
            refusals.push(Refusal::SubjectIncomplete { missing });
        }
    };
    require(subject.common_name().is_some_and(|name| !name.is_empty()), "commonName");
    require(subject.serial_number().is_some_and(|number| !number.is_empty()), "serialNumber");
    let office = role.and_then(Role::qualification).is_some_and(|row| row.kind == QualificationKind::Administrative);
    if office {
        require(subject.organization().is_some(), "O, which an administrative qualification needs");
        require(
            subject.organizational_unit() == Some("Director"),
            "OU=Director, which an administrative qualification needs",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_separates_its_domain_and_every_part_counts() {
        let message = challenge_message(&[1; 32], &[2; 32], &[3; 32]);
        assert_eq!(message.len(), 113);
        assert_eq!(&message[..17], b"sekisho-login-v1\0");
        assert_eq!((message[17], message[49], message[81]), (1, 2, 3));
    }
}
