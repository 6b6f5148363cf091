//! Whom we trust, for what, and under which conditions.

use crate::certificate::Certificate;
use crate::der::Malformed;
use crate::oid::Oid;
use crate::revocation::RevocationPolicy;
use crate::seen::SeenSignatures;
use crate::{EquipmentIdentity, PublicKey, SignatureRefused};
use std::collections::BTreeSet;

/// End-entity policy of 認証用(人), 1.2.392.100495.1.5.1.2.0.1: a default, to be checked against the
/// certificate policy in force.
pub const HPKI_AUTHENTICATION_POLICY: &str = "1.2.392.100495.1.5.1.2.0.1";

/// 48 h in seconds: how old an end-entity CRL may grow even if its nextUpdate lies further ahead.
pub const DEFAULT_MAX_CRL_AGE: i64 = 48 * 3600;

/// 92 days in seconds: the same where the authority works offline, so that a person signs every list; the registration
/// authority of equipment does (G1).
pub const OFFLINE_MAX_CRL_AGE: i64 = 92 * 24 * 3600;

/// 48 h in seconds: how old an answer of an OCSP responder may grow, whether or not its nextUpdate lies further ahead.
pub const DEFAULT_MAX_OCSP_AGE: i64 = 48 * 3600;

/// What a trust anchor is trusted for. Nothing issued under one purpose is accepted for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Persons' HPKI authentication certificates.
    HpkiAuthentication,
    /// Gates of sites.
    Gate,
    /// Terminals.
    Device,
    /// OpenFlow switches.
    Switch,
    /// Institutions' signing keys (G12).
    Institution,
    /// Centers.
    Center,
    /// Operators of the center, who look and cut (G14).
    Operator,
    /// People's terminals at a service: the service certificate (サービス用証明書, R10).
    Service,
    /// Whom the registration authority (登録認定機関) certifies itself: makers, suppliers of secure elements, the elements
    /// before they are built in, registration centres, VPN operators (G1).
    Registration,
    /// First-tier certificates of equipment (機器証明書, 第1階層), by a registration centre (G1).
    Equipment,
}

/// A root certificate with its purpose and conditions.
#[derive(Debug, Clone)]
pub struct TrustAnchor {
    pub(crate) certificate: Certificate,
    pub(crate) purpose: Purpose,
    pub(crate) accepted_policies: BTreeSet<Oid>,
    pub(crate) max_crl_age: i64,
    pub(crate) revocation: RevocationPolicy,
    pub(crate) max_ocsp_age: i64,
}

/// Why a configured certificate cannot be trusted as given; the operator has to mend the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Not a certificate.
    #[error("not a DER certificate: {0}")]
    Malformed(#[from] Malformed),
    /// Lacks CA:TRUE or keyCertSign.
    #[error("{subject} is not a certification authority; configure the CA's certificate, not one it issued")]
    NotACa {
        /// Its subject.
        subject: String,
    },
    /// Self-issued, but its own signature does not verify.
    #[error("the self-signature of {subject} does not verify; the file is damaged or forged")]
    BadSelfSignature {
        /// Its subject.
        subject: String,
    },
    /// Key too short or of an unknown kind.
    #[error("{subject} has a key that is not accepted: {key}")]
    WeakKey {
        /// Its subject.
        subject: String,
        /// Kind and size.
        key: String,
    },
    /// A policy that is not an object identifier.
    #[error("{0:?} is not an object identifier in dotted notation")]
    BadPolicy(String),
}

impl TrustAnchor {
    /// An anchor with the defaults of its purpose: HPKI accepts [`HPKI_AUTHENTICATION_POLICY`];
    /// our own kinds do not look at policies. CRLs may be [`DEFAULT_MAX_CRL_AGE`] old, the registration authority's
    /// [`OFFLINE_MAX_CRL_AGE`]; OCSP is not asked for.
    pub fn new(der: &[u8], purpose: Purpose) -> Result<Self, AnchorError> {
        let certificate = read_ca(der)?;
        let accepted_policies = match purpose {
            Purpose::HpkiAuthentication => Oid::from_dotted(HPKI_AUTHENTICATION_POLICY).into_iter().collect(),
            Purpose::Gate
            | Purpose::Device
            | Purpose::Switch
            | Purpose::Institution
            | Purpose::Center
            | Purpose::Operator
            | Purpose::Service
            | Purpose::Registration
            | Purpose::Equipment => BTreeSet::new(),
        };
        Ok(Self {
            certificate,
            purpose,
            accepted_policies,
            max_crl_age: match purpose {
                Purpose::Registration => OFFLINE_MAX_CRL_AGE,
                _ => DEFAULT_MAX_CRL_AGE,
            },
            revocation: RevocationPolicy::Crl,
            max_ocsp_age: DEFAULT_MAX_OCSP_AGE,
        })
    }

    /// Replaces the accepted end-entity policies (dotted). For HPKI an empty set accepts nobody;
    /// for our own kinds it means that policies are not looked at.
    pub fn accepting_policies<'a>(mut self, dotted: impl IntoIterator<Item = &'a str>) -> Result<Self, AnchorError> {
        self.accepted_policies = dotted
            .into_iter()
            .map(|text| Oid::from_dotted(text).ok_or_else(|| AnchorError::BadPolicy(text.to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Replaces the greatest age, in seconds since thisUpdate, of the CRL that covers an end entity.
    /// Lists that cover CAs are bound by their nextUpdate only: roots issue them rarely.
    pub fn with_max_crl_age(mut self, seconds: i64) -> Self {
        self.max_crl_age = seconds;
        self
    }

    /// Replaces whose word is asked for about revocation.
    pub fn with_revocation(mut self, policy: RevocationPolicy) -> Self {
        self.revocation = policy;
        self
    }

    /// Replaces the greatest age, in seconds since thisUpdate, of an answer about an end entity; of one about a CA
    /// where it states no nextUpdate.
    pub fn with_max_ocsp_age(mut self, seconds: i64) -> Self {
        self.max_ocsp_age = seconds;
        self
    }

    /// Whose word is asked for about revocation.
    pub fn revocation(&self) -> RevocationPolicy {
        self.revocation
    }

    /// The root certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What it is trusted for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }
}

/// All trust anchors and the subordinate CAs known beforehand.
#[derive(Debug, Clone, Default)]
pub struct AnchorSet {
    anchors: Vec<TrustAnchor>,
    intermediates: Vec<Certificate>,
    seen: SeenSignatures,
}

impl AnchorSet {
    /// Trusts nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a trust anchor.
    pub fn add(&mut self, anchor: TrustAnchor) {
        self.anchors.push(anchor);
    }

    /// Adds a subordinate CA certificate. It is *not* trusted by that: it helps to complete chains
    /// (cards often hold only their own certificate), and its CRLs can be accepted.
    pub fn add_intermediate(&mut self, der: &[u8]) -> Result<(), AnchorError> {
        self.intermediates.push(read_ca(der)?);
        Ok(())
    }

    /// The trust anchors.
    pub fn anchors(&self) -> &[TrustAnchor] {
        &self.anchors
    }

    /// The subordinate CAs known beforehand.
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// Checks a detached signature by a certified key, as [`EquipmentIdentity::verify`] does, and remembers good ones.
    ///
    /// # Errors
    /// [`SignatureRefused`].
    pub fn verify_detached(
        &self,
        signer: &EquipmentIdentity,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureRefused> {
        let key = signer.public_key();
        self.seen.or([b"detached", &key.name(), message, signature], || signer.verify(message, signature))
    }

    /// Whether the certificate is signed by this key; good signatures are remembered.
    pub(crate) fn is_signed_by(&self, subject: &Certificate, issuer: &PublicKey) -> Result<(), SignatureRefused> {
        self.seen.or([b"certificate", &issuer.name(), subject.der(), &[]], || subject.is_signed_by(issuer))
    }

    pub(crate) fn for_purpose(&self, purpose: Purpose) -> impl Iterator<Item = &TrustAnchor> {
        self.anchors.iter().filter(move |anchor| anchor.purpose == purpose)
    }

    /// Every CA certificate of the configuration.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &Certificate> {
        self.anchors.iter().map(|anchor| &anchor.certificate).chain(&self.intermediates)
    }
}

fn read_ca(der: &[u8]) -> Result<Certificate, AnchorError> {
    let certificate = Certificate::parse(der)?;
    let subject = certificate.subject().to_string();
    let may_sign = certificate.key_usage().is_none_or(|usage| usage.key_cert_sign());
    if !certificate.basic_constraints().is_some_and(|constraints| constraints.ca) || !may_sign {
        return Err(AnchorError::NotACa { subject });
    }
    if !certificate.public_key().is_strong() {
        return Err(AnchorError::WeakKey { subject, key: certificate.public_key().to_string() });
    }
    let self_issued = certificate.issuer() == certificate.subject();
    if self_issued && certificate.is_signed_by(certificate.public_key()).is_err() {
        return Err(AnchorError::BadSelfSignature { subject });
    }
    Ok(certificate)
}
