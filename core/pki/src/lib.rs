//! X.509 chains, CRLs and OCSP answers, HPKI qualifications (N2), gate and device certificates (G1),
//! service certificates (R10), requests for certificates, detached signatures of agreements and orders (G12), and the
//! IKE/ESP algorithm profile (G3).
//!
//! Pure: certificate bytes and `now` in, proofs or reasons out. It must not know sites,
//! services, agreements or grants, nor where certificates, CRLs and OCSP answers come from.
//!
//! Every `Verified…` value and [`PresentPerson`] has private fields and is built only here, so
//! holding one proves that the check was made. A refusal carries *all* reasons that could be
//! established, each with a stable code (`P001` …) and its data.
//!
//! The policy rule is the one real HPKI chains need: the end entity's policy must be in the set
//! its trust anchor accepts. RFC 5280 explicit-policy processing refuses real chains, because
//! the CA's and the end entity's policy OIDs differ.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod anchors;
mod certificate;
mod certs_only;
mod crl;
mod der;
mod equipment;
mod extensions;
mod handshake;
mod hcrole;
pub mod ike_profile;
mod name;
mod ocsp;
mod ocsp_request;
mod ocsp_response;
mod oid;
mod path;
mod person;
mod public_key;
mod qualification;
mod refusal;
mod registered;
mod request;
mod revocation;
mod seen;
mod time;

pub use anchors::{
    AnchorError, AnchorSet, DEFAULT_MAX_CRL_AGE, DEFAULT_MAX_OCSP_AGE, HPKI_AUTHENTICATION_POLICY, OFFLINE_MAX_CRL_AGE,
    Purpose, TrustAnchor,
};
pub use certificate::Certificate;
pub use certs_only::read_certs_only;
pub use crl::{CrlRefusal, CrlStatus, CrlStore, RevocationReason};
pub use der::Malformed;
pub use equipment::{
    EquipmentIdentity, VerifiedCenter, VerifiedDevice, VerifiedGate, VerifiedInstitution, VerifiedOperator,
    VerifiedSwitch, VerifiedUser, verify_center, verify_device, verify_gate, verify_institution, verify_operator,
    verify_switch, verify_user,
};
pub use extensions::{BasicConstraints, KeyUsage};
pub use handshake::{ClientHandshake, TlsVersion, verify_handshake};
pub use hcrole::parse_hc_roles;
pub use name::Name;
pub use ocsp::{AnswerStatus, OcspRefusal, OcspStatus, OcspStore};
pub use ocsp_request::{OcspHash, OcspNeed, OcspQuestion};
pub use oid::Oid;
pub use person::{Challenge, PresentPerson, VerifiedPerson, challenge_message, verify_challenge, verify_person};
pub use public_key::{PublicKey, SignatureRefused, verify_detached};
pub use qualification::{QUALIFICATIONS, Qualification, QualificationKind, Role};
pub use refusal::Refusal;
pub use registered::{
    VerifiedElement, VerifiedElementSupplier, VerifiedEquipment, VerifiedMaker, VerifiedRegistrationCentre,
    VerifiedVpnOperator, verify_element, verify_element_supplier, verify_equipment, verify_maker,
    verify_registration_centre, verify_vpn_operator,
};
pub use request::{CertificationRequest, RequestRefused};
pub use revocation::{Revocation, RevocationPolicy};
pub use time::{UnixSeconds, format_utc};

/// The reasons why a person is refused; the same catalogue as for equipment.
pub type PersonRefusal = Refusal;
