//! Gates, terminals, switches, centers and institutions: certificates of our own profile (G1, G12).
//!
//! ECDSA P-256, policies not critical, and exactly one identity in subjectAltName:
//! `urn:sekisho:gate:<site>`, `urn:sekisho:device:<site>/<host>`, `urn:sekisho:switch:<site>:<dpid>`
//! (16 hexadecimal digits), `urn:sekisho:center:<name>`, `urn:sekisho:institution:<id>`, `urn:sekisho:operator:<name>`,
//! `urn:sekisho:user:<user id>`; makers, elements and what else the registration authority certifies: `registered.rs`.
//! The certificate proves the identity only; whether it is registered is not known here.

use crate::anchors::{AnchorSet, Purpose};
use crate::certificate::Certificate;
use crate::oid::known;
use crate::path::{check_path, read_chain};
use crate::public_key::{PublicKey, SignatureRefused, verify_detached};
use crate::refusal::Refusal;
use crate::revocation::Revocation;
use crate::time::UnixSeconds;

/// What every verified equipment certificate says besides its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquipmentIdentity {
    uri: String,
    subject: String,
    certificate_serial: String,
    fingerprint: [u8; 32],
    not_after: UnixSeconds,
    key: PublicKey,
}

impl EquipmentIdentity {
    /// The `urn:sekisho:` identity.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Distinguished name.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Serial number, lower-case hexadecimal.
    pub fn certificate_serial(&self) -> &str {
        &self.certificate_serial
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Last second of validity.
    pub fn not_after(&self) -> UnixSeconds {
        self.not_after
    }

    /// The certified key.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks a detached signature by the certified key, see [`verify_detached`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureRefused> {
        verify_detached(&self.key, message, signature)
    }
}

macro_rules! verified {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $stored:ty => $shown:ty),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($field: $stored,)+
            certificate: $crate::EquipmentIdentity,
        }

        impl $name {
            $($(#[$field_doc])* pub fn $field(&self) -> $shown { self.$field.show() })+

            /// The certificate's other contents.
            pub fn certificate(&self) -> &EquipmentIdentity {
                &self.certificate
            }
        }
    };
}
pub(crate) use verified;

verified! {
    /// A gate: the site's end of tunnels, of the link to the center and of its switches.
    VerifiedGate {
        /// Site id.
        site: String => &str
    }
}
verified! {
    /// A terminal.
    VerifiedDevice {
        /// Site id.
        site: String => &str,
        /// Host id within the site.
        host: String => &str
    }
}
verified! {
    /// An OpenFlow switch.
    VerifiedSwitch {
        /// Site id.
        site: String => &str,
        /// The datapath id it must announce in its features reply.
        dpid: u64 => u64
    }
}
verified! {
    /// A center.
    VerifiedCenter {
        /// Its name.
        name: String => &str
    }
}
verified! {
    /// An institution's signing key (G12).
    VerifiedInstitution {
        /// Institution id.
        id: String => &str
    }
}

verified! {
    /// A person who works at the center (G14).
    VerifiedOperator {
        /// Name of the account.
        name: String => &str
    }
}

verified! {
    /// A terminal of a facility that may use a service under a user id (R10).
    VerifiedUser {
        /// User id.
        user: String => &str
    }
}

/// Verifies a service certificate (サービス用証明書, R10): path, validity, revocation, clientAuth.
pub fn verify_user<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedUser, Vec<Refusal>> {
    let profile = Profile {
        purpose: Purpose::Service,
        key_purposes: &[CLIENT],
        prefix: "urn:sekisho:user:",
        expected: "urn:sekisho:user:<user id>",
    };
    let (user, certificate) = profile.verify(chain_der, anchors, revocation.into(), now, one_id)?;
    Ok(VerifiedUser { user, certificate })
}

/// Verifies an operator's certificate: path, validity, revocation, clientAuth.
pub fn verify_operator<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedOperator, Vec<Refusal>> {
    let profile = Profile {
        purpose: Purpose::Operator,
        key_purposes: &[CLIENT],
        prefix: "urn:sekisho:operator:",
        expected: "urn:sekisho:operator:<name>",
    };
    let (name, certificate) = profile.verify(chain_der, anchors, revocation.into(), now, one_id)?;
    Ok(VerifiedOperator { name, certificate })
}

/// Verifies a gate's certificate: path, validity, revocation, clientAuth *and* serverAuth.
pub fn verify_gate<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedGate, Vec<Refusal>> {
    let profile = Profile {
        purpose: Purpose::Gate,
        key_purposes: &[CLIENT, SERVER],
        prefix: "urn:sekisho:gate:",
        expected: "urn:sekisho:gate:<site>",
    };
    let (site, certificate) = profile.verify(chain_der, anchors, revocation.into(), now, one_id)?;
    Ok(VerifiedGate { site, certificate })
}

/// Verifies a terminal's certificate: path, validity, revocation, clientAuth.
pub fn verify_device<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedDevice, Vec<Refusal>> {
    let profile = Profile {
        purpose: Purpose::Device,
        key_purposes: &[CLIENT],
        prefix: "urn:sekisho:device:",
        expected: "urn:sekisho:device:<site>/<host>",
    };
    let read = |text: &str| text.split_once('/').and_then(|(site, host)| Some((one_id(site)?, one_id(host)?)));
    let ((site, host), certificate) = profile.verify(chain_der, anchors, revocation.into(), now, read)?;
    Ok(VerifiedDevice { site, host, certificate })
}

/// Verifies a switch's certificate: path, validity, revocation, clientAuth.
pub fn verify_switch<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedSwitch, Vec<Refusal>> {
    let profile = Profile {
        purpose: Purpose::Switch,
        key_purposes: &[CLIENT],
        prefix: "urn:sekisho:switch:",
        expected: "urn:sekisho:switch:<site>:<dpid>",
    };
    let read = |text: &str| {
        let (site, dpid) = text.split_once(':')?;
        let sixteen = dpid.len() == 16 && dpid.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        Some((one_id(site)?, u64::from_str_radix(dpid, 16).ok().filter(|_| sixteen)?))
    };
    let ((site, dpid), certificate) = profile.verify(chain_der, anchors, revocation.into(), now, read)?;
    Ok(VerifiedSwitch { site, dpid, certificate })
}

/// Verifies a center's certificate: path, validity, revocation, serverAuth.
pub fn verify_center<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedCenter, Vec<Refusal>> {
    let profile = Profile {
        purpose: Purpose::Center,
        key_purposes: &[SERVER],
        prefix: "urn:sekisho:center:",
        expected: "urn:sekisho:center:<name>",
    };
    let (name, certificate) = profile.verify(chain_der, anchors, revocation.into(), now, one_id)?;
    Ok(VerifiedCenter { name, certificate })
}

/// Verifies an institution's signing certificate: path, validity, revocation, digitalSignature.
pub fn verify_institution<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedInstitution, Vec<Refusal>> {
    let profile = Profile {
        purpose: Purpose::Institution,
        key_purposes: &[],
        prefix: "urn:sekisho:institution:",
        expected: "urn:sekisho:institution:<id>",
    };
    let (id, certificate) = profile.verify(chain_der, anchors, revocation.into(), now, one_id)?;
    Ok(VerifiedInstitution { id, certificate })
}

type KeyPurpose = (&'static [u8], &'static str);
pub(crate) const CLIENT: KeyPurpose = (known::EKU_CLIENT_AUTH, "clientAuth");
const SERVER: KeyPurpose = (known::EKU_SERVER_AUTH, "serverAuth");

pub(crate) struct Profile {
    pub(crate) purpose: Purpose,
    pub(crate) key_purposes: &'static [KeyPurpose],
    pub(crate) prefix: &'static str,
    pub(crate) expected: &'static str,
}

impl Profile {
    pub(crate) fn verify<I>(
        &self,
        chain_der: &[&[u8]],
        anchors: &AnchorSet,
        held: Revocation<'_>,
        now: UnixSeconds,
        read_identity: impl Fn(&str) -> Option<I>,
    ) -> Result<(I, EquipmentIdentity), Vec<Refusal>> {
        let chain = read_chain(chain_der)?;
        let leaf = &chain[0];
        let mut refusals = Vec::new();
        let anchor = check_path(&chain, anchors, self.purpose, held, now, &mut refusals);
        check_usage(leaf, &mut refusals);
        if let Some(anchor) = anchor
            && !anchor.accepted_policies.is_empty()
            && !leaf.policies().iter().any(|oid| anchor.accepted_policies.contains(oid))
        {
            let found: Vec<String> = leaf.policies().iter().map(ToString::to_string).collect();
            refusals.push(Refusal::PolicyNotAccepted { found: found.join(" ") });
        }
        if leaf.public_key().is_strong() && !matches!(leaf.public_key(), PublicKey::EcP256(_)) {
            let key = format!("{}, not ECDSA P-256", leaf.public_key());
            refusals.push(Refusal::WeakKey { subject: leaf.subject().to_string(), key });
        }
        for (oid, name) in self.key_purposes {
            let listed = leaf.extensions.extended_key_usage.as_deref().unwrap_or_default();
            if !listed.iter().any(|purpose| purpose.contents() == *oid) {
                refusals.push(Refusal::PurposeMissing { missing: name });
            }
        }
        let ours: Vec<&String> = leaf.uris().iter().filter(|uri| uri.starts_with("urn:sekisho:")).collect();
        let identity = match ours.as_slice() {
            [uri] => uri.strip_prefix(self.prefix).and_then(&read_identity).map(|identity| (identity, (*uri).clone())),
            _ => None,
        };
        match identity {
            Some((identity, uri)) if refusals.is_empty() => Ok((identity, describe(leaf, uri))),
            Some(_) => Err(refusals),
            None => {
                let found: Vec<&str> = ours.iter().map(|uri| uri.as_str()).collect();
                refusals.push(Refusal::IdentityWrong { expected: self.expected, found: found.join(" ") });
                Err(refusals)
            }
        }
    }
}

fn describe(leaf: &Certificate, uri: String) -> EquipmentIdentity {
    EquipmentIdentity {
        uri,
        subject: leaf.subject().to_string(),
        certificate_serial: leaf.serial_hex(),
        fingerprint: leaf.fingerprint(),
        not_after: leaf.not_after(),
        key: leaf.public_key().clone(),
    }
}

fn check_usage(leaf: &Certificate, refusals: &mut Vec<Refusal>) {
    if leaf.basic_constraints().is_some_and(|constraints| constraints.ca) {
        refusals.push(Refusal::EndEntityIsCa { subject: leaf.subject().to_string() });
    }
    let usage = leaf.key_usage();
    if !usage.is_some_and(|usage| usage.digital_signature()) {
        let found = usage.map_or_else(|| "none".into(), |usage| usage.names().join(" "));
        refusals.push(Refusal::WrongUsage { found, why: "digitalSignature is not set" });
    }
}

/// 1 to 63 of `a-z A-Z 0-9 . _ -`: what can stand in an id without ever being read as a separator.
pub(crate) fn one_id(text: &str) -> Option<String> {
    let fits = (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || [b'.', b'_', b'-'].contains(&b));
    fits.then(|| text.to_owned())
}

pub(crate) trait Show {
    type Shown<'a>
    where
        Self: 'a;
    fn show(&self) -> Self::Shown<'_>;
}

impl Show for String {
    type Shown<'a> = &'a str;
    fn show(&self) -> &str {
        self
    }
}

impl Show for u64 {
    type Shown<'a> = u64;
    fn show(&self) -> u64 {
        *self
    }
}
