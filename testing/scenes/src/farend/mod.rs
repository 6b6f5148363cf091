//! The far ends: what stands behind the lines. Simulators that speak plausible shapes over TLS with client
//! certificates; no product code, and none of the real services' own formats.

mod card;
mod client;
mod eligibility;
mod papers;
mod plain;
mod prescription;
mod proxy;
mod server;

pub use card::{CardRefusal, Credential, InstitutionAuthority, InstitutionKey, InsuranceCard};
pub use client::{Reply, Session, Target};
pub use eligibility::{EligibilityServer, check_eligibility, man_in_the_middle};
pub use papers::{Identity, Papers};
pub use plain::{claims, information, maintenance, records};
pub use prescription::{PrescriptionServer, RemoteSigning};
pub use proxy::{InternalProxy, Visit};
pub use server::{Ask, FarEnd, Handler};

/// Exporter of the TLS session that institution authentication is bound to (RFC 8446 §7.5, RFC 9266 in spirit).
pub(crate) const EXPORTER: &[u8] = b"EXPORTER-test-institution-authentication";
