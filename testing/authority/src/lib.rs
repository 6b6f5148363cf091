//! A certification authority for tests and the lab: it issues with exactly the HPKI profile (RSA,
//! critical certificatePolicies, hcRole, signature and authentication cards under one root) and
//! with our own profile for gates, terminals, switches, centers and institutions (ECDSA P-256).
//!
//! Every CA name contains TEST. It must not know the code that judges what it issues: encoding here
//! and parsing in `pki` are written separately, so that each is a check on the other. RSA keys come
//! from the `openssl` command, because `ring` makes none.
//!
//! Beside certificates it makes the other paper that a path needs: checksheets that pass.
//!
//! Two authorities in two folders have the same names and other keys: that is the forged chain.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod authority;
mod card;
mod checksheets;
mod der;
mod equipment;
mod issued;
mod keys;
mod ocsp;

pub use authority::{Authority, AuthorityError, CaKind, RevocationList, RevocationReason};
pub use card::{CardSpec, CardUsage, HPKI_AUTHENTICATION_POLICY, HPKI_SIGNATURE_POLICY, hc_role_extension};
pub use checksheets::{answered_checksheet, answered_checksheets, checksheet_text};
pub use issued::Issued;
pub use ocsp::{CertIdHash, OcspSays, OcspSigner, OcspSpec, ResponderSpec, ocsp_status, serve_ocsp};
